/* SPDX-License-Identifier: MIT */
/*
 * The wheel.
 *
 * Level k has 64 slots of 64^k ticks each. A timer due at tick d sits at the level of the highest
 * group of six bits in which d differs from `elapsed`, in the slot that those six bits of d name.
 * So all of level k lies within the current slot of level k+1, and slots before the present one
 * are empty: the first timer is in the first occupied slot of the first occupied level. When time
 * reaches a slot of level k > 0, its timers move down ("cascade"): each timer moves at most once a
 * level.
 *
 * Eight levels hold 2^48 ticks, more than 63 bits of nanoseconds are, so there is a slot for every
 * time.
 */
#include "sched/wheel.h"

#include "base/compiler.h"
#include "base/panic.h"
#include "sched/replay.h"

#include <stddef.h>

#define BITS       6
#define FIRE_BATCH 64

_Static_assert(BITS *TR__WHEEL_LEVELS + TR__TICK_BITS >= 63, "the levels must hold every time");

struct place {
    int level, slot;
    int64_t tick; /* when the slot begins */
};

static int64_t tick_of(int64_t ns)
{
    int64_t tick = INT64_C(1) << TR__TICK_BITS;

    return ns > INT64_MAX - tick ? INT64_MAX >> TR__TICK_BITS : (ns + tick - 1) >> TR__TICK_BITS;
}

static int64_t ns_of(int64_t tick)
{
    return tick > (INT64_MAX >> TR__TICK_BITS) ? INT64_MAX : tick << TR__TICK_BITS;
}

void tr__wheel_init(struct tr_wheel *w, int64_t now)
{
    *w = (struct tr_wheel){ .elapsed = now >> TR__TICK_BITS };
    atomic_store_explicit(&w->next_due, TR__NEVER, memory_order_relaxed);
    for (int l = 0; l < TR__WHEEL_LEVELS; l++)
        for (int s = 0; s < TR__WHEEL_SLOTS; s++)
            tr__ring_init(&w->slots[l][s]);
}

static struct place place_of(const struct tr_wheel *w, int64_t due)
{
    int64_t tick = tick_of(due);

    if (tick < w->elapsed)
        tick = w->elapsed;
    uint64_t differ = (uint64_t)(tick ^ w->elapsed) | (TR__WHEEL_SLOTS - 1);
    int level = (63 - __builtin_clzll(differ)) / BITS;
    int slot = (int)(tick >> (BITS * level)) & (TR__WHEEL_SLOTS - 1);
    return (struct place){ level, slot, tick };
}

static void insert(struct tr_wheel *w, struct tr_wheel_node *node)
{
    struct place at = place_of(w, node->due);

    tr__ring_append(&w->slots[at.level][at.slot], &node->ring);
    w->occupied[at.level] |= UINT64_C(1) << at.slot;
}

void tr__wheel_start(struct tr_wheel *w, struct tr_wheel_node *node)
{
    int64_t due = ns_of(tick_of(node->due));

    insert(w, node);
    if (due < atomic_load_explicit(&w->next_due, memory_order_relaxed))
        atomic_store_explicit(&w->next_due, due, memory_order_relaxed);
}

void tr__wheel_cancel(struct tr_wheel *w, struct tr_wheel_node *node)
{
    struct tr_ring *next = node->ring.next;
    bool last = next == node->ring.prev;

    tr__ring_remove(&node->ring);
    if (!last || !tr__ring_alone(next))
        return;
    /* The slot is empty now; `next` is its head, which says which slot it is. */
    ptrdiff_t i = next - &w->slots[0][0];
    w->occupied[i / TR__WHEEL_SLOTS] &= ~(UINT64_C(1) << (i % TR__WHEEL_SLOTS));
}

/* The first slot that is not empty; false when all are. */
static bool first_place(const struct tr_wheel *w, struct place *at)
{
    for (int level = 0; level < TR__WHEEL_LEVELS; level++) {
        if (!w->occupied[level])
            continue;
        int shift = BITS * level;
        at->level = level;
        at->slot = __builtin_ctzll(w->occupied[level]);
        int64_t base = w->elapsed >> (shift + BITS) << (shift + BITS);
        at->tick = base + ((int64_t)at->slot << shift);
        return true;
    }
    return false;
}

/* Takes the timers of a slot out, into the ring `out`. */
static void take_slot(struct tr_wheel *w, const struct place *at, struct tr_ring *out)
{
    tr__ring_move(&w->slots[at->level][at->slot], out);
    w->occupied[at->level] &= ~(UINT64_C(1) << at->slot);
}

static struct tr_wheel_node *pop(struct tr_ring *ring)
{
    if (tr__ring_alone(ring))
        return NULL;
    struct tr_wheel_node *node = tr__container_of(ring->next, struct tr_wheel_node, ring);
    tr__ring_remove(&node->ring);
    return node;
}

static void cascade(struct tr_wheel *w, const struct place *at)
{
    struct tr_ring ring;
    struct tr_wheel_node *node;

    take_slot(w, at, &ring);
    /* Place them as seen from the slot's first tick: what is due at that very tick lands in the
       level-0 slot of the present tick, and fires in the next step. */
    w->elapsed = at->tick;
    while ((node = pop(&ring)))
        insert(w, node);
}

/* In a replay the order of those that are due at once is drawn as well. */
static void shuffle(struct tr_ring *ring)
{
    struct tr_ring later, *next;

    tr__ring_init(&later);
    for (struct tr_ring *r = ring->next; r != ring; r = next) {
        next = r->next;
        if (tr__replay_draw(2)) {
            tr__ring_remove(r);
            tr__ring_append(&later, r);
        }
    }
    while (!tr__ring_alone(&later)) {
        struct tr_ring *r = later.next;
        tr__ring_remove(r);
        tr__ring_append(ring, r);
    }
}

/* Fires up to FIRE_BATCH timers of the level-0 slot at `at`. */
static int fire_slot(struct tr_wheel *w, const struct place *at)
{
    struct tr_ring *ring = &w->slots[0][at->slot];
    struct tr_wheel_node *node;
    int n = 0;

    if (tr__unlikely(tr__replay_on))
        shuffle(ring);
    while (n < FIRE_BATCH && (node = pop(ring))) {
        node->fire(node);
        n++;
    }
    if (tr__ring_alone(ring)) {
        w->occupied[0] &= ~(UINT64_C(1) << at->slot);
        w->elapsed = at->tick;
    }
    return n;
}

/* One step towards `now_tick`; false when there is nothing more to do. The lock is held. */
static bool step(struct tr_wheel *w, int64_t now_tick, int *fired)
{
    struct place at;

    if (!first_place(w, &at)) {
        w->elapsed = now_tick;
        atomic_store_explicit(&w->next_due, TR__NEVER, memory_order_relaxed);
        return false;
    }
    if (at.tick > now_tick) {
        /* Nothing lies between, so no timer's level or slot changes. */
        w->elapsed = now_tick;
        atomic_store_explicit(&w->next_due, ns_of(at.tick), memory_order_relaxed);
        return false;
    }
    if (at.level > 0)
        cascade(w, &at);
    else
        *fired += fire_slot(w, &at);
    return true;
}

int tr__wheel_advance(struct tr_wheel *w, int64_t now)
{
    int64_t now_tick = now >> TR__TICK_BITS;
    int fired = 0;
    bool more = true;

    while (more) {
        int before = fired;
        tr__spin_lock(&w->lock);
        while (more && fired - before < FIRE_BATCH)
            more = now_tick >= w->elapsed && step(w, now_tick, &fired);
        tr__spin_unlock(&w->lock);
    }
    return fired;
}

void tr__wheel_check(struct tr_wheel *w)
{
    for (int l = 0; l < TR__WHEEL_LEVELS; l++) {
        for (int s = 0; s < TR__WHEEL_SLOTS; s++) {
            bool marked = w->occupied[l] >> s & 1;
            TR__ASSERT(marked == !tr__ring_alone(&w->slots[l][s]));
        }
    }
}
