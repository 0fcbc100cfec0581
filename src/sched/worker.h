/* SPDX-License-Identifier: MIT */
/*
 * Workers: one for each core, each with its own run queue, timers and warm memory.
 *
 * A runnable that was just woken goes to the run-next slot of the worker that woke it and runs as
 * soon as the present one waits: two processes that talk to each other stay on one core, and their
 * messages in its cache. What waits in the ring, and the one that is offered from behind it, may be
 * stolen by a worker that has nothing to do; what is in the run-next slot may not.
 *
 * Which thread runs a worker may change: see thread.h.
 */
#ifndef TROUPE_SCHED_WORKER_H
#define TROUPE_SCHED_WORKER_H

#include "base/clock.h"
#include "base/clock_near.h"
#include "base/compiler.h"
#include "mem/block.h"
#include "mem/readers.h"
#include "mem/slots.h"
#include "mem/stack.h"
#include "os/tls.h"
#include "sched/runq.h"
#include "sched/wheel.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the calls of one turn into the library may cost before others get their turn; each layer
   above sets its own prices. */
#ifdef TR_HOSTILE
#define TR__TURN_BUDGET 1
#else
#define TR__TURN_BUDGET 16000
#endif

#define TR__MAX_WORKERS 1024

struct tr_worker {
    /* Owner only. */
    _Atomic(struct tr_runnable *) next; /* the run-next slot; others only look */
    int32_t budget; /* of the present turn; a woken runnable inherits what is left */
    uint32_t turns;
    uint32_t took_at;    /* the turn in which it took another worker's offer last */
    int64_t took_oldest; /* when it did not let the oldest behind its ring wait longer */
    uint32_t took_again; /* the turn in which one from behind its ring had another one last, */
    uint32_t new_before; /* and how many new ones waited there then */
    uint64_t receives;   /* counted by the layer above */
    uint64_t spent;      /* of the budgets of all turns before the present one */
    struct tr_stack_cache stacks;
    struct tr_slot_cache slots;
    uint64_t random; /* state of tr__worker_random; never 0 */
    bool searching;  /* counts in the number of workers that look for work */
    int index;
    struct tr_clock_near near;
    void *catcher; /* where an error goes that is raised now, for the layer above; NULL: nowhere */
    struct tr_thread *thread; /* that runs it; guarded by the lock in pool.h */
    struct tr_block_cache blocks;
    struct tr_reader reader;

    /* Written by others. */
    _Atomic bool preempt TR__ALIGNED(TR__CACHE_LINE); /* the monitor asks the process to yield */
    _Atomic uint32_t wake;                            /* futex: how it sleeps; see idle.c */
    struct tr_worker *idle_next; /* the list of idle workers, guarded by its lock */
    bool idle;                   /* on that list; guarded by its lock */
    _Atomic uint32_t rest;       /* futex: whether it rests; see gather.c */

    /* Written by the owner, read by others. */
    _Atomic uint32_t turn_now TR__ALIGNED(TR__CACHE_LINE); /* changes with each turn */
    _Atomic uint64_t started, ended; /* processes, counted by the layer above */
    _Atomic uint64_t work;           /* done before the present turn, in prices: see gather.c */
    struct tr_runring ring;
    struct tr_wheel wheel;
};

/* The calling thread's worker; NULL on a thread that has none. The thread must be inside. */
static inline struct tr_worker *tr__worker(void)
{
    return tr__tls()->worker;
}

/* The workers of the running scheduler. Any thread, while it runs. */
int tr__worker_count(void);
struct tr_worker *tr__worker_at(int index);

/* The time near the clock, with the worker's look at it where the calling thread has one. Any
   thread. */
static inline int64_t tr__now_near(void)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);
    struct tr_worker *w = tr__tls_lost(tls) ? NULL : tls->worker;
    int64_t now = w ? tr__clock_near(&w->near) : tr__clock_ns();

    tr__tls_leave(tls, was);
    return now;
}

/* Makes `r` run soon, next after the present one where that is possible. Any thread. */
void tr__wake(struct tr_runnable *r);

/* The same where the run-next slot of the calling thread's worker (or NULL) is free, else false. */
TR__INLINED bool tr__wake_next(struct tr_worker *w, struct tr_runnable *r)
{
    if (tr__unlikely(!w || r->priority != TR__PRIO_NORMAL ||
                     atomic_load_explicit(&w->next, memory_order_relaxed)))
        return false;
    atomic_store_explicit(&w->next, r, memory_order_relaxed);
    return true;
}

/* Makes `r`, which is new, run after those that wait in the ring. Any thread. */
void tr__enqueue(struct tr_runnable *r);

/* The same for one that has had its turn, and after those that came while a ring was full. */
void tr__requeue(struct tr_runnable *r);

/* Charges `cost` to the present turn; true when it is used up and the process should yield. */
static inline bool tr__charge(struct tr_worker *w, int32_t cost)
{
    w->budget -= cost;
    return tr__unlikely(w->budget < 0 || atomic_load_explicit(&w->preempt, memory_order_relaxed));
}

/* Adds one to a counter that only the caller writes. */
static inline void tr__count_up(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* A number that nobody can foretell; the worker's thread only. */
uint64_t tr__worker_random(struct tr_worker *w);

/*
 * The next runnable, whose turn begins now; waits for one. NULL when the turn is over otherwise:
 * the scheduler stops, the calling thread has lost the worker, or who runs next is not for it to
 * say. For `run` of a runnable, on the worker's own stack.
 */
struct tr_runnable *tr__worker_next(struct tr_worker *w);

/* Runs runnables until the scheduler stops, or the calling thread has lost the worker: its record
   then names none. */
void tr__worker_run(struct tr_worker *w);

/* --- between the files of this folder --- */

/* How much the process that a thread runs needs to be interrupted: not at all; if it does not come
   to the library by itself soon; at once, a system call that it waits in included. */
enum tr_kick { TR__KICK_NONE, TR__KICK_GENTLY, TR__KICK_HARD };

extern struct tr__sched {
    struct tr_worker *workers;
    int count;
    _Atomic bool some_rest; /* of the workers: see gather.c */
    _Atomic bool stopping;
    _Atomic uint32_t asked; /* why workers should not just go on with what is next: that the
                               scheduler stops, and each entry in the lists of high priority; never
                               too few */
    struct tr_runlist lists[TR__PRIO_COUNT];   /* NORMAL: what came from outside; the others: all
                                                  of that priority */
    enum tr_kick (*wants_kick)(void *current); /* set by the layer above before the start; any
                                                  thread may ask, of a process that is long gone */
    void (*out_of_threads)(int limit);         /* the same; called by the monitor */
} tr__sched;

static inline bool tr__sched_stops(void)
{
    return atomic_load_explicit(&tr__sched.stopping, memory_order_acquire);
}

static inline bool tr__sched_is_asked(void)
{
    return tr__unlikely(atomic_load_explicit(&tr__sched.asked, memory_order_seq_cst) != 0);
}

static inline void tr__sched_ask(void)
{
    atomic_fetch_add_explicit(&tr__sched.asked, 1, memory_order_seq_cst);
}

/* The oldest of that common list, or NULL. */
struct tr_runnable *tr__common_pop(enum tr_runnable_priority priority);

/* Puts what waits for the worker into the common list; fires its timers that are due. Owner only.
 */
void tr__worker_give_away(struct tr_worker *w);
void tr__worker_advance_timers(struct tr_worker *w);

/* Wakes an idle worker to look for work, unless one looks already. Any thread. */
void tr__idle_wake_one(void);

/* Nobody is idle: before the workers start. */
void tr__idle_init(void);

/* Wakes all, to stop. */
void tr__idle_wake_all(void);

/* How many workers are parked. Any thread. */
int tr__idle_count(void);

/* The worker starts to look for work, or has found some and asks for help if there is more. */
void tr__idle_search(struct tr_worker *w);
void tr__idle_found(struct tr_worker *w);

/* Parks until woken, or until a timer of its own is due. Blocks the thread. */
void tr__idle_park(struct tr_worker *w);

/* The monitor's loop, on the thread that started the scheduler; ends when the scheduler stops. */
void tr__monitor_main(void);

/* Called when the first of all idle workers wakes: the monitor must watch again. Any thread. */
void tr__monitor_wake(void);

/* Has the monitor look at once, whatever it waits for. Any thread. */
void tr__monitor_call(void);

#endif
