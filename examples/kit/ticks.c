/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <troupe.h>
#include <troupe/kit/ticker.h>

tr_atoms(clock);

/* The second tick takes so long that two others are missed. */
static void work(tr_term arg)
{
    static int n;

    printf("tick %d %s\n", ++n, tr_inspect(arg));
    if (n == 2)
        tr_sleep(500);
}

static void body(tr_term args)
{
    const struct tr_ticker ticker = {
        .name = "clock", .every_ms = 200, .fn = work, .arg = tr_build(a_clock)
    };

    (void)args;
    tr_ticker_start_link(&ticker);
    tr_sleep(1100); /* ticks at 200, 400 and 1000 */
    tr_ticker_pause(a_clock);

    struct tr_ticker_status status = tr_ticker_status(a_clock);
    printf("%d ticks, %d skipped\n", (int)status.ticks, (int)status.skipped);

    const struct tr_ticker wrong = { .fn = work };
    printf("%s\n", tr_inspect(tr_ticker_start_link(&wrong)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
