/* SPDX-License-Identifier: MIT */
/* Address space: reserve, guard, give back. */
#ifndef TROUPE_OS_PAGES_H
#define TROUPE_OS_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define TR__PAGE 4096u

/*
 * Reserves `size` bytes of zeroed address space aligned to `align` (a power of two, at least a
 * page); pages are backed when first touched, one at a time (no huge pages). NULL when the system
 * refuses. Any thread.
 */
void *tr__pages_map(size_t size, size_t align);

/* The same for memory that will be used whole and looked at in no order: in huge pages, where the
   system has them. `size` is a multiple of TR__HUGE_PAGE. */
#define TR__HUGE_PAGE (UINT32_C(2) << 20)
void *tr__pages_map_huge(size_t size);

void tr__pages_unmap(void *p, size_t size);

/* Gives the memory behind [p, p + size) back; the addresses stay reserved and guards stay. */
void tr__pages_discard(void *p, size_t size);

/*
 * Makes the pages at `p` fault on any access. False when the system has no more room for guards:
 * the caller goes on without one, or refuses. Any thread.
 */
bool tr__pages_guard(void *p, size_t size);

/* Makes guarded pages usable again; they are zeroed. Async-signal-safe. */
bool tr__pages_unguard(void *p, size_t size);

#endif
