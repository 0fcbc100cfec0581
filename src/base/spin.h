/* SPDX-License-Identifier: MIT */
/*
 * A lock for sections of a few dozen instructions.
 *
 * The holder never waits for anyone or switches context while it holds one, so a waiter mostly
 * spins for nanoseconds. Now and then a holder asks the system for memory, or is descheduled
 * itself: a waiter that has spun for long gives its own time slice away.
 */
#ifndef TROUPE_BASE_SPIN_H
#define TROUPE_BASE_SPIN_H

#include "base/compiler.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

struct tr_spin {
    atomic_bool held;
};

static inline bool tr__spin_try(struct tr_spin *s)
{
    /* Acquire pairs with the release in tr__spin_unlock: the section sees all earlier ones. */
    return !atomic_load_explicit(&s->held, memory_order_relaxed) &&
           !atomic_exchange_explicit(&s->held, true, memory_order_acquire);
}

static inline void tr__spin_lock(struct tr_spin *s)
{
    for (int i = 0; !tr__spin_try(s); i++) {
        if (i < 100)
            tr__cpu_relax();
        else
            sched_yield();
    }
}

static inline void tr__spin_unlock(struct tr_spin *s)
{
    atomic_store_explicit(&s->held, false, memory_order_release);
}

#endif
