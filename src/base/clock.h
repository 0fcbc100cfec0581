/* SPDX-License-Identifier: MIT */
/* The one place that reads the clock (rule R8: time passes through a seam); clock_near.h counts on
   from its looks. */
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define TR__NS_PER_US INT64_C(1000)
#define TR__NS_PER_MS INT64_C(1000000)
#define TR__NS_PER_S  INT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC, unless the clock is held: never goes backwards for any observer.
   Any thread. */
int64_t tr__clock_ns(void);

/* CLOCK_MONOTONIC itself: for limits on what really blocks. Any thread. */
int64_t tr__clock_real_ns(void);

/* Is the clock the real one, neither held nor shifted? Any thread. */
bool tr__clock_is_real(void);

/* From now on it is `now`, and time passes only by tr__clock_move (and a little at each look). */
void tr__clock_hold(int64_t now);
void tr__clock_move(int64_t ns);

/* A held clock runs again, from where it stands. */
void tr__clock_release(void);

/* Whatever it was, the clock is the real one again: it may jump. */
void tr__clock_reset(void);

#endif
