/* SPDX-License-Identifier: MIT */
/* How late 100,000 timers are that are due within one second: the 99th percentile, in ms. */
#include "bench.h"

enum { FIRST_MS = 100, RANGE_MS = 900, STRIDE_MS = 7919 };

static int64_t timers;

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void body(tr_term args)
{
    int64_t *late = tr_alloc((size_t)timers * sizeof *late);

    (void)args;
    for (int64_t i = 0; i < timers; i++) {
        int64_t ms = FIRST_MS + i * STRIDE_MS % RANGE_MS;
        tr_send_after(ms, tr_self(), tr_monotonic_ns() + ms * 1000000);
    }
    for (int64_t i = 0; i < timers; i++) {
        int64_t due;
        tr_receive (m)
            tr_on (m, &due)
                late[i] = tr_monotonic_ns() - due;
    }
    qsort(late, (size_t)timers, sizeof *late, by_value);
    bench_report("timer_late", (double)late[timers * 99 / 100] / 1e6, "ms");
}

int main(int argc, char **argv)
{
    timers = bench_size(argc, argv, 100000);
    return tr_main(argc, argv, body);
}
