/* SPDX-License-Identifier: MIT */
#ifndef LOAD_H
#define LOAD_H

/*
 * What the stress tests share: how long they go on, more schedulers than cores, and random numbers
 * that each process draws from a seed of its own.
 */

#include "conformance/puppet.h"

#include <stdlib.h>

/* At least four workers, so that threads are preempted in the middle of things. */
__attribute__((constructor)) static void load_schedulers(void)
{
    setenv("TROUPE_SCHEDULERS", "4", 0);
}

/* When a test that begins now should stop: half a minute of each makes ten minutes in all. */
static inline int64_t load_end_ms(void)
{
    return check_now_ms() + check_rounds(check_env("TR_LONG", 0) ? 32000 : 1000);
}

/* xorshift64: never zero for a seed that is not. */
static inline uint64_t load_random(uint64_t *seed)
{
    uint64_t x = *seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *seed = x;
    return x;
}

/* A number below n. */
static inline int load_below(uint64_t *seed, int n)
{
    return (int)(load_random(seed) >> 33) % n;
}

/* Waits until there are no more processes than before the test. */
#define CHECK_PROCESS_COUNT(before) CHECK_WITHIN(patience(10000), tr_process_count() == (before))

#endif
