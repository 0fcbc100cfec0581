/* SPDX-License-Identifier: MIT */
/*
 * What a worker does next.
 *
 * In this order: high priorities; the run-next slot; now and then the common list, what waits
 * behind its own ring, and the low ones, so that none starves; its own ring, and what is behind it;
 * the common list; due timers; what another worker offers, or has in its ring; then it parks.
 */
#include "sched/worker.h"

#include "base/clock.h"
#include "sched/gather.h"
#include "sched/next.h"
#include "sched/replay.h"

#include <stddef.h>

#define COMMON_EVERY 61
#define NEW_AT       30 /* in between: of those behind the ring one that is new */
#define OLDEST_NS    TR__NS_PER_MS
#define LOW_EVERY    8
#define WAKE_AT      4 /* entries in a ring that justify waking another worker (6 us) at once */
#define MESSAGE      16 /* what a turn, and a receive, count as in the work that is done: as a send */
#define LITTLE       16 /* turns */
#define SPINS        60

struct tr__sched tr__sched;

int tr__worker_count(void)
{
    return tr__sched.count;
}

struct tr_worker *tr__worker_at(int index)
{
    return &tr__sched.workers[index];
}

static void common_push(struct tr_runnable *r)
{
    if (r->priority >= TR__PRIO_HIGH)
        tr__sched_ask();
    /* Either we see the worker that is about to park, or it sees the list: both counts are
       sequentially consistent. See tr__idle_park. */
    tr__runlist_push(&tr__sched.lists[r->priority], r);
    tr__idle_wake_one();
}

/* A missed idle worker here only costs parallelism until the monitor's next tick. */
static inline void wake_for_ring(struct tr_worker *w)
{
    if (tr__idle_count() > 0 && tr__runring_count(&w->ring) >= WAKE_AT)
        tr__idle_wake_one();
}

static void ring_push(struct tr_worker *w, struct tr_runnable *r)
{
    tr__runring_push(&w->ring, r);
    wake_for_ring(w);
}

void tr__enqueue(struct tr_runnable *r)
{
    struct tr_worker *w = tr__worker();

    if (tr__likely(w && r->priority == TR__PRIO_NORMAL)) {
        tr__runring_push_new(&w->ring, r, w->turns);
        wake_for_ring(w);
    } else {
        common_push(r);
    }
}

void tr__requeue(struct tr_runnable *r)
{
    struct tr_worker *w = tr__worker();

    if (tr__likely(w && r->priority == TR__PRIO_NORMAL)) {
        tr__runring_push_last(&w->ring, r);
        wake_for_ring(w);
    } else {
        common_push(r);
    }
}

void tr__wake(struct tr_runnable *r)
{
    struct tr_worker *w = tr__worker();

    if (tr__unlikely(!w || r->priority != TR__PRIO_NORMAL)) {
        common_push(r);
        return;
    }
    struct tr_runnable *older = atomic_load_explicit(&w->next, memory_order_relaxed);
    atomic_store_explicit(&w->next, r, memory_order_relaxed);
    if (older)
        ring_push(w, older);
}

struct tr_runnable *tr__common_pop(enum tr_runnable_priority priority)
{
    struct tr_runnable *r = tr__runlist_pop(&tr__sched.lists[priority]);

    if (r && priority >= TR__PRIO_HIGH)
        atomic_fetch_sub_explicit(&tr__sched.asked, 1, memory_order_seq_cst);
    return r;
}

static inline struct tr_runnable *urgent(void)
{
    if (!tr__sched_is_asked())
        return NULL;
    struct tr_runnable *r = tr__common_pop(TR__PRIO_MAX);

    return r ? r : tr__common_pop(TR__PRIO_HIGH);
}

TR__NOINLINE void tr__worker_advance_timers(struct tr_worker *w)
{
    if (atomic_load_explicit(&w->wheel.next_due, memory_order_relaxed) == TR__NEVER)
        return;
    int64_t now = tr__clock_ns();
    if (tr__wheel_is_due(&w->wheel, now))
        tr__wheel_advance(&w->wheel, now);
}

/* The run-next slot, while its budget lasts; afterwards it queues like everybody. */
static inline struct tr_runnable *take_next(struct tr_worker *w)
{
    struct tr_runnable *r = atomic_load_explicit(&w->next, memory_order_relaxed);

    if (!r)
        return NULL;
    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    if (w->budget > 0)
        return r;
    ring_push(w, r);
    return NULL;
}

static inline void new_budget(struct tr_worker *w)
{
    w->spent += (uint64_t)(TR__TURN_BUDGET - w->budget);
    atomic_store_explicit(&w->work, w->spent + MESSAGE * (w->receives + w->turns),
                          memory_order_relaxed);
    w->budget = TR__TURN_BUDGET;
}

/* While some workers rest, the caller perhaps: what they have given away is in the common list, and
   should not wait longer than what is in the ring. */
static TR__NOINLINE struct tr_runnable *take_given(struct tr_worker *w, uint32_t turn)
{
    if (tr__is_asked_to_rest(w))
        tr__gather_rest(w);
    return turn % 2 == 1 ? tr__common_pop(TR__PRIO_NORMAL) : NULL;
}

/* The ring does not get empty. So that a tree stays small, and yet nobody waits for ever, mostly
   the newest, and once in a while the oldest: each of these begins another part of the tree. */
static TR__NOINLINE struct tr_runnable *take_new(struct tr_worker *w)
{
    int64_t now = tr__clock_near(&w->near);

    if (now - w->took_oldest < OLDEST_NS)
        return tr__runring_pop_newest(&w->ring);
    w->took_oldest = now;
    return tr__runring_pop_oldest(&w->ring);
}

/* One of those behind the ring that have had a turn. What it spawns is to come before it again, or
   two that do nothing but spawn would fill the memory. So not while more new ones wait there than
   when one was taken last, unless as many have had their turns since then as wait: nobody does so
   longer than in a queue. */
static TR__NOINLINE struct tr_runnable *take_again(struct tr_worker *w)
{
    uint32_t waiting = tr__runring_new_behind(&w->ring);

    if (waiting > w->new_before && w->turns - w->took_again < waiting)
        return NULL;
    w->took_again = w->turns;
    w->new_before = waiting;
    return tr__runring_pop_other(&w->ring);
}

static inline struct tr_runnable *take_local(struct tr_worker *w)
{
    uint32_t turn = w->turns++;
    struct tr_runnable *r = urgent();

    if (tr__unlikely(r)) {
        new_budget(w);
        return r;
    }
    if (turn % TR__TIMERS_EVERY == 0)
        tr__worker_advance_timers(w);
    r = take_next(w);
    if (r)
        return r;
    new_budget(w);
    if (tr__unlikely(atomic_load_explicit(&tr__sched.some_rest, memory_order_relaxed)))
        r = take_given(w, turn);
    if (!r && turn % COMMON_EVERY == 0 && !(r = tr__common_pop(TR__PRIO_NORMAL)))
        r = take_again(w);
    if (!r && turn % COMMON_EVERY == NEW_AT && tr__runring_has_new(&w->ring))
        r = take_new(w);
    if (!r && turn % LOW_EVERY == 0)
        r = tr__common_pop(TR__PRIO_LOW);
    return r ? r : tr__runring_pop(&w->ring);
}

void tr__worker_give_away(struct tr_worker *w)
{
    struct tr_runnable *r = atomic_load_explicit(&w->next, memory_order_relaxed);

    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    for (; r || (r = tr__runring_pop(&w->ring)); r = NULL)
        common_push(r);
}

uint64_t tr__worker_random(struct tr_worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random * UINT64_C(0x2545f4914f6cdd1d);
}

static struct tr_runnable *take_offer(struct tr_worker *w, struct tr_worker *victim)
{
    struct tr_runnable *r = tr__runring_take_offer(&victim->ring);

    if (r)
        w->took_at = w->turns;
    return r;
}

static struct tr_runnable *take_half(struct tr_worker *w, struct tr_worker *victim)
{
    return tr__runring_steal(&w->ring, &victim->ring);
}

/* Of the first other worker that has something. */
static struct tr_runnable *steal_by(struct tr_runnable *(*take)(struct tr_worker *w,
                                                                struct tr_worker *victim),
                                    struct tr_worker *w)
{
    unsigned n = (unsigned)tr__sched.count;
    unsigned start = (unsigned)(tr__worker_random(w) % n);

    for (unsigned i = 0; i < n; i++) {
        struct tr_worker *victim = &tr__sched.workers[(start + i) % n];
        struct tr_runnable *r = victim == w ? NULL : take(w, victim);
        if (r)
            return r;
    }
    return NULL;
}

/* What is offered, since in a tree that is the most there is to have at once. Where that has turned
   out to be little, many are taken: then a worker does not come for each of them. */
static struct tr_runnable *steal(struct tr_worker *w)
{
    bool was_little = w->turns - w->took_at < LITTLE;
    struct tr_runnable *r = was_little ? NULL : steal_by(take_offer, w);

    if (!r)
        r = steal_by(take_half, w);
    return r || !was_little ? r : steal_by(take_offer, w);
}

/* One look at everything that is not this worker's own. */
static struct tr_runnable *look_around(struct tr_worker *w)
{
    struct tr_runnable *r = urgent();

    if (!r)
        r = tr__common_pop(TR__PRIO_NORMAL);
    if (!r)
        r = tr__common_pop(TR__PRIO_LOW);
    if (!r) {
        tr__worker_advance_timers(w);
        r = take_next(w);
    }
    if (!r)
        r = tr__runring_pop(&w->ring);
    return r ? r : steal(w);
}

/* Looks for work, parking when there is none; NULL when the scheduler stops. */
static TR__NOINLINE struct tr_runnable *find(struct tr_worker *w)
{
    while (!tr__sched_stops()) {
        if (tr__is_asked_to_rest(w))
            tr__gather_rest(w);
        tr__idle_search(w);
        for (int i = 0; i < SPINS; i++) {
            new_budget(w);
            struct tr_runnable *r = look_around(w);
            if (r) {
                tr__idle_found(w);
                return r;
            }
            if (tr__sched.count == 1)
                break;
            tr__cpu_relax();
        }
        tr__idle_park(w);
    }
    return NULL;
}

static TR__NOINLINE struct tr_runnable *take_any(struct tr_worker *w)
{
    if (tr__unlikely(tr__sched_stops()))
        return NULL;
    tr__shared_settle(&w->blocks.hand);
    struct tr_runnable *r = take_local(w);

    if (r || (r = find(w)))
        tr__next_shown(w);
    return r;
}

/* Nothing but the last step is a call, so no registers are saved for that. */
struct tr_runnable *tr__worker_next(struct tr_worker *w)
{
    if (tr__unlikely(tr__replay_on || !tr__worker()))
        return NULL;
    struct tr_runnable *r = tr__next_of(w);
    if (tr__unlikely(!r || !tr__next_at_once(w)))
        return take_any(w);
    tr__next_begins(w);
    return r;
}

void tr__worker_run(struct tr_worker *w)
{
    struct tr_runnable *r = NULL;

    if (tr__replay_on) {
        tr__replay_run(w);
        return;
    }
    while (r || (r = tr__worker_next(w)))
        r = r->run(w, r);
}
