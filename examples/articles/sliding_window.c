/* SPDX-License-Identifier: MIT */
/* Five requests in any second: a limiter has no process, so no request waits for another. */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/rate.h>

static void body(tr_term args)
{
    const struct tr_rate five = { .kind = TR_SLIDING_WINDOW, .limit = 5, .per_ms = 1000 };
    struct tr_limiter *limiter;

    (void)args;
    if (tr_limiter_new(&limiter, &five, NULL))
        return;
    for (int i = 1; i <= 10; i++) {
        int64_t wait_ms = tr_limiter_take(limiter, 1);
        printf("Request %d: %s\n", i, wait_ms ? "RATE LIMITED" : "OK");
    }
    tr_limiter_free(limiter);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
