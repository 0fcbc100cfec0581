/* SPDX-License-Identifier: MIT */
/*
 * The time for deadlines: near the monotonic clock, and had for less than half of what a look at
 * that costs.
 *
 * It is the processor's counter, counted from the last look at the real clock, which is never
 * longer ago than 2^16 counts (25 us on the usual machine, 66 us on the slowest). So neither a
 * scale that is somewhat wrong nor a clock that is being adjusted, by a tenth at most, makes much
 * of a difference.
 *
 * Another thread may be ahead by twice the difference. Who must not be early adds
 * TR__CLOCK_NEAR_NS.
 */
#ifndef TROUPE_BASE_CLOCK_NEAR_H
#define TROUPE_BASE_CLOCK_NEAR_H

#include <stdint.h>

/* At most so far from the monotonic clock, in either direction. */
#define TR__CLOCK_NEAR_NS INT64_C(10000)

/* The last look of one thread, or of a worker; zero at first. */
struct tr_clock_near {
    int64_t ns;
    uint64_t count;
};

/* Finds out, once, whether the counter may be used; without it each look is one at the clock. */
void tr__clock_near_prepare(void);

/* In a replay, and wherever else the clock is not the real one, tr__clock_ns. The owner of *c. */
int64_t tr__clock_near(struct tr_clock_near *c);

#endif
