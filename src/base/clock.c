/* SPDX-License-Identifier: MIT */
/* The monotonic clock. */
#include "base/clock.h"

#include <time.h>

int64_t tr__clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * TR__NS_PER_S + ts.tv_nsec;
}
