/* SPDX-License-Identifier: MIT */
/* How many cores this program may really use. */
#ifndef TROUPE_OS_CPU_H
#define TROUPE_OS_CPU_H

/*
 * The number of cores in the affinity mask, lowered to the cgroup's quota (rounded up) where
 * there is one; at least 1. Any thread.
 */
int tr__cpu_count(void);

#endif
