/* SPDX-License-Identifier: MIT */
/* Five attempts for each user in ten seconds, and a work that is done at most 50 times a second. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/rate.h>

static struct tr_limiter *attempts;
static struct tr_bucket work;

static void attempt(const char *user)
{
    int64_t wait_ms = tr_limiter_take(attempts, 1, user);

    printf("%s: %s\n", user, wait_ms ? "too many, wait" : "may try");
}

static void body(tr_term args)
{
    const struct tr_rate five = { .kind = TR_SLIDING_WINDOW, .limit = 5, .per_ms = 10000 };
    const struct tr_rate fifty = { .limit = 50, .per_ms = 1000, .burst = 1 };
    const char *bad;
    int64_t wait_ms;

    (void)args;
    if (tr_limiter_new(&attempts, &five, &bad) || tr_bucket_init(&work, &fifty, &bad)) {
        printf("bad option: %s\n", bad);
        return;
    }
    for (int i = 0; i < 6; i++)
        attempt("anna");
    attempt("bert");

    int64_t before = tr_monotonic_ms();
    for (int i = 0; i < 11; i++)
        while ((wait_ms = tr_bucket_take(&work, 1)))
            tr_sleep(wait_ms);
    printf("11 times in 200 ms or more: %s\n", tr_monotonic_ms() - before >= 200 ? "yes" : "no");
    tr_limiter_free(attempts);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
