/* SPDX-License-Identifier: MIT */
/* The one place that reads the clock (rule R8: time passes through a seam). */
#ifndef TROUPE_BASE_CLOCK_H
#define TROUPE_BASE_CLOCK_H

#include <stdint.h>

#define TR__NS_PER_US INT64_C(1000)
#define TR__NS_PER_MS INT64_C(1000000)
#define TR__NS_PER_S  INT64_C(1000000000)

/* Nanoseconds of CLOCK_MONOTONIC: never goes backwards for any observer. Any thread. */
int64_t tr__clock_ns(void);

#endif
