/* SPDX-License-Identifier: MIT */
/*
 * Timers: a million started, so that all are pending at once, then all cancelled. They are due
 * between one and two minutes from now, in no order; none fires.
 *
 * All of it is done twice, and the second round is timed: in the first one memory is new, and what
 * the system, or the host of a virtual machine, takes to provide it is as much as the work.
 */
#include "bench.h"

tr_atoms(late);

enum { EARLIEST_MS = 60000, RANGE_MS = 60000, STRIDE_MS = 7919 };

static int64_t timers;

static void do_round(tr_ref *refs)
{
    tr_pid self = tr_self();

    for (int64_t i = 0; i < timers; i++)
        refs[i] = tr_send_after(EARLIEST_MS + i * STRIDE_MS % RANGE_MS, self, a_late);
    for (int64_t i = 0; i < timers; i++) {
        int64_t ms_left;

        if (!tr_cancel_timer(refs[i], &ms_left))
            tr_exit(a_late);
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_ref *refs = tr_alloc((size_t)timers * sizeof *refs);

    do_round(refs);
    int64_t start = tr_monotonic_ns();
    do_round(refs);
    bench_report_rate("timers", timers, start, "timers/s");
}

int main(int argc, char **argv)
{
    timers = bench_size(argc, argv, 1000000);
    return tr_main(argc, argv, body);
}
