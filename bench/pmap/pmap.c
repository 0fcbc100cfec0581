/* SPDX-License-Identifier: MIT */
/*
 * A stream of items of 1 us each, at most one per core at a time, results in order:
 * `pmap SIZE [array]`, with `array` the parallel map over an array instead.
 *
 * How many steps of the work take 1 us is measured first, on one core.
 */
#include "bench.h"

enum { ITEM_NS = 1000, TRIAL = 20000000 };

static int64_t items;
static int64_t steps;

static uint64_t work(uint64_t x)
{
    for (int64_t i = 0; i < steps; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

static void calibrate(void)
{
    volatile uint64_t sink;

    steps = TRIAL;
    int64_t start = tr_monotonic_ns();
    sink = work(1);
    (void)sink;
    steps = (int64_t)((double)TRIAL * ITEM_NS / (double)(tr_monotonic_ns() - start));
}

static tr_term one(tr_term arg)
{
    int64_t n;

    return tr_match(arg, &n) ? tr_build((int64_t)(work((uint64_t)n) & 0xff)) : tr_nil();
}

static void by_stream(void)
{
    struct tr_iter range = tr_iter_range(1, items);
    int64_t done = 0;

    tr_async_stream (r, one, &range)
        done += !r.err;
    if (done != items)
        exit(1);
}

static void one_of_array(const void *in, void *out)
{
    *(uint64_t *)out = work(*(const uint64_t *)in);
}

static void by_array(void)
{
    uint64_t *numbers = tr_alloc((size_t)items * sizeof *numbers);

    for (int64_t i = 0; i < items; i++)
        numbers[i] = (uint64_t)i + 1;
    tr_parallel_map(one_of_array, numbers, numbers, (size_t)items);
}

static bool array;

static void body(tr_term args)
{
    (void)args;
    calibrate();
    int64_t start = tr_monotonic_ns();
    if (array)
        by_array();
    else
        by_stream();
    bench_report_rate("pmap", items, start, "items/s");
}

int main(int argc, char **argv)
{
    items = bench_size(argc, argv, 100000);
    array = argc > 2 && !strcmp(argv[2], "array");
    return tr_main(argc, argv, body);
}
