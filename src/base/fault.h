/* SPDX-License-Identifier: MIT */
/*
 * Injected failures: a test asks that the nth allocation (or system call) from now on fails.
 *
 * Compiled in wherever TR_FAULTS is defined (all presets but release); elsewhere it costs nothing.
 */
#ifndef TROUPE_BASE_FAULT_H
#define TROUPE_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Makes the nth fault point from now fail (1 is the next one); 0 turns it off. Any thread. */
void tr__fault_arm(int64_t nth);

/* How many fault points were passed since the last tr__fault_arm. */
int64_t tr__fault_count(void);

bool tr__fault_hit(void);

/* True when this allocation or system call must fail. */
static inline bool tr__fault(void)
{
#ifdef TR_FAULTS
    return tr__fault_hit();
#else
    return false;
#endif
}

#endif
