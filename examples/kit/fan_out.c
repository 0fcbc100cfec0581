/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/fan_out.h>

tr_atoms(sent, no_such_address);

static tr_term notify(tr_term user)
{
    int64_t n;

    if (tr_match(user, &n) && n % 4 == 0)
        tr_exit(a_no_such_address, n);
    return tr_build(a_sent, user);
}

static void body(tr_term args)
{
    const struct tr_fan_out_opts opts = { .max_concurrency = 4, .rate = 50 },
                                 wrong = { .rate = -1 };
    struct tr_iter users = tr_iter_range(1, 5);
    tr_term result, results;
    const char *bad;

    (void)args;
    int64_t start = tr_monotonic_ms();
    if (tr_fan_out(&results, notify, &users, &opts, NULL) == TR_OK)
        while (tr_list_next(&results, &result))
            printf("%s\n", tr_inspect(result));
    printf("at least 80 ms: %s\n", tr_monotonic_ms() - start >= 80 ? "yes" : "no");

    if (tr_fan_out(&results, notify, &users, &wrong, &bad))
        printf("refused: %s\n", bad);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
