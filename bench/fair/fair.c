/* SPDX-License-Identifier: MIT */
/*
 * Eight endless loops, and a process that sleeps for 1 ms again and again: how late it wakes, in
 * ms, the 99th percentile, or with `fair SIZE max` the worst.
 */
#include "bench.h"

enum { LOOPS = 8 };

static int64_t sleeps;
static bool worst;

static void loops(tr_term arg)
{
    (void)arg;
    for (;;)
        ;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void body(tr_term args)
{
    int64_t *late = tr_alloc((size_t)sleeps * sizeof *late);

    (void)args;
    for (int i = 0; i < LOOPS; i++)
        tr_spawn(loops);
    tr_sleep(100);
    for (int64_t i = 0; i < sleeps; i++) {
        int64_t due = tr_monotonic_ns() + 1000000;
        tr_sleep(1);
        late[i] = tr_monotonic_ns() - due;
    }
    qsort(late, (size_t)sleeps, sizeof *late, by_value);
    bench_report("fair", (double)late[worst ? sleeps - 1 : sleeps * 99 / 100] / 1e6, "ms");
}

int main(int argc, char **argv)
{
    sleeps = bench_size(argc, argv, 2000);
    worst = argc > 2 && !strcmp(argv[2], "max");
    return tr_main(argc, argv, body);
}
