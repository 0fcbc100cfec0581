/* SPDX-License-Identifier: MIT */
/*
 * Timers: a hierarchical wheel, one for each worker.
 *
 * Starting and cancelling are O(1), whatever the number of pending timers. Time is counted in
 * ticks of 2^18 ns (0.26 ms); a timer fires at the first tick that is not before its time, so
 * never early.
 */
#ifndef TROUPE_SCHED_WHEEL_H
#define TROUPE_SCHED_WHEEL_H

#include "base/ring.h"
#include "base/spin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TR__TICK_BITS    18
#define TR__WHEEL_LEVELS 8
#define TR__WHEEL_SLOTS  64
#define TR__NEVER        INT64_MAX

/* A pending timer; in a ring of its wheel while pending, alone otherwise (guarded by the lock). */
struct tr_wheel_node {
    struct tr_ring ring;
    int64_t due; /* ns on the monotonic clock */
    /* Called once when due, by whichever thread advances the wheel, with the wheel locked: it may
       push a signal and wake a process, and must not touch the wheel. */
    void (*fire)(struct tr_wheel_node *node);
};

struct tr_wheel {
    struct tr_spin lock;
    int64_t elapsed;                     /* ticks gone by; guarded by lock, as are the next two */
    uint64_t occupied[TR__WHEEL_LEVELS]; /* bit i: slot i of the level is not empty */
    struct tr_ring slots[TR__WHEEL_LEVELS][TR__WHEEL_SLOTS];
    _Atomic int64_t next_due; /* ns, never later than the first timer; read without the lock */
};

void tr__wheel_init(struct tr_wheel *w, int64_t now);

/* The four below need the lock; the caller takes it, so that it can guard its own data with it. */
void tr__wheel_start(struct tr_wheel *w, struct tr_wheel_node *node);
void tr__wheel_cancel(struct tr_wheel *w, struct tr_wheel_node *node);
static inline bool tr__wheel_pending(const struct tr_wheel_node *node)
{
    return !tr__ring_alone(&node->ring);
}

/* Fires everything due by `now`; takes the lock itself. Returns how many fired. Any thread. */
int tr__wheel_advance(struct tr_wheel *w, int64_t now);

/* True when a timer may be due at `now`. Any thread, no lock. */
static inline bool tr__wheel_is_due(struct tr_wheel *w, int64_t now)
{
    return atomic_load_explicit(&w->next_due, memory_order_relaxed) <= now;
}

/* Panics unless the invariants hold; needs the lock. */
void tr__wheel_check(struct tr_wheel *w);

#endif
