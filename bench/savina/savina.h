/* SPDX-License-Identifier: MIT */
/*
 * What the programs of the Savina suite share: a main that runs the benchmark and reports its mean
 * time and its checksum, Savina's random numbers, and the end of an iteration.
 *
 * A program is run as `NAME [SIZE [ITERATIONS]]`. It prints `NAME MILLISECONDS ms` for one
 * iteration and `check NUMBER`, which every language must agree on.
 */
#ifndef BENCH_SAVINA_H
#define BENCH_SAVINA_H

#include <math.h>

#include "bench.h"

tr_atoms(done, stop, wrong_check);

struct savina {
    const char *name;
    int64_t size;                     /* Savina's own, when the command line names none. */
    bool power_of_two;                /* No other size will do. */
    void (*prepare)(int64_t size);    /* Makes the data, not timed; may be NULL. */
    int64_t (*iterate)(int64_t size); /* One iteration: spawns, waits for the end, checks. */
};

static struct {
    const struct savina *benchmark;
    int64_t size, iterations;
} savina_run;

static inline int64_t savina_iteration(void)
{
    int64_t check = 0;

    tr_scope check = savina_run.benchmark->iterate(savina_run.size);
    return check;
}

static inline void savina_body(tr_term arg)
{
    const struct savina *b = savina_run.benchmark;
    int64_t check = 0;

    (void)arg;
    if (b->prepare)
        b->prepare(savina_run.size);
    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < savina_run.iterations; i++) {
        int64_t found = savina_iteration();
        if (i && found != check)
            tr_exit(a_wrong_check, found, check);
        check = found;
    }
    double ns = (double)(tr_monotonic_ns() - start) / (double)savina_run.iterations;
    bench_report(b->name, ns / 1e6, "ms");
    printf("check %" PRId64 "\n", check);
    fflush(stdout);
}

/* The size from the command line; a hundredth is rounded down to one that will do. */
static inline int64_t savina_size(int argc, char **argv, const struct savina *b)
{
    int64_t size = bench_size(argc, argv, b->size);

    if (!b->power_of_two || (size & (size - 1)) == 0)
        return size;
    if (strcmp(argv[1], "smoke") != 0) {
        fprintf(stderr, "%s: the size is a power of two, not %s\n", argv[0], argv[1]);
        exit(2);
    }
    while (size & (size - 1))
        size &= size - 1;
    return size;
}

static inline int savina_main(int argc, char **argv, const struct savina *benchmark)
{
    savina_run.benchmark = benchmark;
    savina_run.size = savina_size(argc, argv, benchmark);
    savina_run.iterations = argc > 2 ? bench_size(argc - 1, argv + 1, 1) : 1;
    return tr_main(argc, argv, savina_body);
}

/* Waits for n messages {done, Value} and returns the sum of their values. */
static inline int64_t savina_await(int64_t n)
{
    int64_t sum = 0, value;

    while (n-- > 0) {
        tr_receive (m) {
            tr_on (m, a_done, &value)
                sum += value;
        }
    }
    return sum;
}

/* Tells each of n processes to stop. */
static inline void savina_stop(const tr_pid *pids, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        tr_send(pids[i], a_stop);
}

/* The suite's random numbers: 0 to 65535, the same in each language. */
static inline int64_t savina_random(int64_t *state)
{
    return *state = (*state * 1309 + 13849) & 65535;
}

static inline double savina_random_real(int64_t *state)
{
    return 1.0 / (double)(savina_random(state) + 1);
}

enum { SAVINA_SEED = 74755 };

/* Works for as long as `steps` random numbers take. */
static inline int64_t savina_busy(int64_t steps)
{
    volatile int64_t sink;
    int64_t state = SAVINA_SEED;

    for (int64_t i = 0; i < steps; i++)
        savina_random(&state);
    sink = state;
    return sink;
}

#endif
