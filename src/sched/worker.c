/* SPDX-License-Identifier: MIT */
/*
 * What a worker does next.
 *
 * In this order: high priorities; the run-next slot; now and then the common list, what waits
 * behind its own ring, and the low ones, so that none starves; its own ring; the common list; due
 * timers; another worker's ring; then it parks.
 */
#include "sched/worker.h"

#include "base/clock.h"
#include "sched/gather.h"
#include "sched/replay.h"

#include <stddef.h>

#define COMMON_EVERY 61
#define LOW_EVERY    8
#define TIMERS_EVERY 16
#define WAKE_AT      4 /* entries in a ring that justify waking another worker (6 us) at once */
#define MESSAGE      16 /* what a turn, and a receive, count as in the work that is done: as a send */
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

    if (tr__likely(w && r->priority == TR__PRIO_NORMAL))
        ring_push(w, r);
    else
        common_push(r);
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

static inline bool has_urgent(void)
{
    return tr__unlikely(!tr__runlist_empty(&tr__sched.lists[TR__PRIO_MAX]) ||
                        !tr__runlist_empty(&tr__sched.lists[TR__PRIO_HIGH]));
}

static inline struct tr_runnable *urgent(void)
{
    if (!has_urgent())
        return NULL;
    struct tr_runnable *r = tr__runlist_pop(&tr__sched.lists[TR__PRIO_MAX]);

    return r ? r : tr__runlist_pop(&tr__sched.lists[TR__PRIO_HIGH]);
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

static inline struct tr_runnable *pop(struct tr_worker *w)
{
    return tr__runring_pop(&w->ring, (unsigned)tr__sched.count - 1);
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
    return turn % 2 == 1 ? tr__runlist_pop(&tr__sched.lists[TR__PRIO_NORMAL]) : NULL;
}

static inline struct tr_runnable *take_local(struct tr_worker *w)
{
    uint32_t turn = w->turns++;
    struct tr_runnable *r = urgent();

    if (tr__unlikely(r)) {
        new_budget(w);
        return r;
    }
    if (turn % TIMERS_EVERY == 0)
        tr__worker_advance_timers(w);
    r = take_next(w);
    if (r)
        return r;
    new_budget(w);
    if (tr__unlikely(atomic_load_explicit(&tr__sched.some_rest, memory_order_relaxed)))
        r = take_given(w, turn);
    if (!r && turn % COMMON_EVERY == 0 && !(r = tr__runlist_pop(&tr__sched.lists[TR__PRIO_NORMAL])))
        r = tr__runring_pop_behind(&w->ring);
    if (!r && turn % LOW_EVERY == 0)
        r = tr__runlist_pop(&tr__sched.lists[TR__PRIO_LOW]);
    return r ? r : pop(w);
}

void tr__worker_give_away(struct tr_worker *w)
{
    struct tr_runnable *r = atomic_load_explicit(&w->next, memory_order_relaxed);

    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    for (; r || (r = pop(w)); r = NULL)
        common_push(r);
}

uint64_t tr__worker_random(struct tr_worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random * UINT64_C(0x2545f4914f6cdd1d);
}

static struct tr_runnable *steal(struct tr_worker *w)
{
    unsigned n = (unsigned)tr__sched.count;
    unsigned start = (unsigned)(tr__worker_random(w) % n);

    for (unsigned i = 0; i < n; i++) {
        struct tr_worker *victim = &tr__sched.workers[(start + i) % n];
        if (victim == w)
            continue;
        struct tr_runnable *r = tr__runring_steal(&w->ring, &victim->ring);
        if (r)
            return r;
    }
    return NULL;
}

/* One look at everything that is not this worker's own. */
static struct tr_runnable *look_around(struct tr_worker *w)
{
    struct tr_runnable *r = urgent();

    if (!r)
        r = tr__runlist_pop(&tr__sched.lists[TR__PRIO_NORMAL]);
    if (!r)
        r = tr__runlist_pop(&tr__sched.lists[TR__PRIO_LOW]);
    if (!r) {
        tr__worker_advance_timers(w);
        r = take_next(w);
    }
    if (!r)
        r = pop(w);
    return r ? r : steal(w);
}

/* Looks for work, parking when there is none; NULL when the scheduler stops. */
static TR__NOINLINE struct tr_runnable *find(struct tr_worker *w)
{
    while (!atomic_load_explicit(&tr__sched.stopping, memory_order_acquire)) {
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

static inline struct tr_runnable *begin_turn(struct tr_worker *w, struct tr_runnable *r)
{
    /* Relaxed: the monitor only compares two looks a millisecond apart. */
    atomic_store_explicit(&w->turn_now, w->turns, memory_order_relaxed);
    atomic_store_explicit(&w->preempt, false, memory_order_relaxed);
    return r;
}

static TR__NOINLINE struct tr_runnable *take_any(struct tr_worker *w)
{
    tr__shared_settle(&w->blocks.hand);
    struct tr_runnable *r = take_local(w);

    if (!r && !(r = find(w)))
        return NULL;
    return begin_turn(w, r);
}

struct tr_runnable *tr__worker_next(struct tr_worker *w)
{
    if (tr__unlikely(tr__replay_on || !tr__worker() ||
                     atomic_load_explicit(&tr__sched.stopping, memory_order_relaxed)))
        return NULL;
    struct tr_runnable *r = atomic_load_explicit(&w->next, memory_order_relaxed);
    /* Mostly it is the run-next slot's turn. Nothing but the last step is a call, so no registers
       are saved for that. */
    if (tr__unlikely(!r || w->budget <= 0 || w->turns % TIMERS_EVERY == 0 || w->blocks.hand.of ||
                     has_urgent()))
        return take_any(w);
    w->turns++;
    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    return begin_turn(w, r);
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
