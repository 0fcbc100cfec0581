/* SPDX-License-Identifier: MIT */
/* A long computation as a task, and a bound on how long its result is waited for. */
#include <stdio.h>

#include <troupe.h>

static tr_term sum_to(tr_term last)
{
    int64_t n, sum = 0;

    if (tr_match(last, &n))
        for (int64_t i = 1; i <= n; i++)
            sum += i;
    return tr_build(sum);
}

static void body(tr_term args)
{
    (void)args;
    struct tr_task task = tr_async(sum_to, 1000000);

    printf("%s\n", tr_inspect(tr_await_within(10000, task)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
