/* SPDX-License-Identifier: MIT */
/* The counter behind injected failures. */
#include "base/fault.h"

#include <stdatomic.h>

static _Atomic int64_t fault_at;
static _Atomic int64_t fault_seen;

void tr__fault_arm(int64_t nth)
{
    atomic_store(&fault_seen, 0);
    atomic_store(&fault_at, nth);
}

int64_t tr__fault_count(void)
{
    return atomic_load(&fault_seen);
}

bool tr__fault_hit(void)
{
    return atomic_fetch_add_explicit(&fault_seen, 1, memory_order_relaxed) + 1 ==
           atomic_load_explicit(&fault_at, memory_order_relaxed);
}
