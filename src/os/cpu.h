/* SPDX-License-Identifier: MIT */
/* How many cores this program may really use. */
#ifndef TROUPE_OS_CPU_H
#define TROUPE_OS_CPU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The number of cores in the affinity mask, lowered to the cgroup's quota (rounded up) where
 * there is one; at least 1. Any thread.
 */
int tr__cpu_count(void);

/* What a thread of this program has used, ns; 0 when it has ended. */
int64_t tr__cpu_time_of(pid_t thread);

/* True when the thread waits in the kernel, false when it runs or would like to. */
bool tr__cpu_waits(pid_t thread);

#endif
