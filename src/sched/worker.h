/* SPDX-License-Identifier: MIT */
/*
 * Workers: one thread for each core, each with its own run queue, timers and warm memory.
 *
 * A runnable that was just woken goes to the run-next slot of the worker that woke it and runs as
 * soon as the present one waits: two processes that talk to each other stay on one core, and their
 * messages in its cache. What waits in the ring may be stolen by a worker that has nothing to do;
 * what is in the run-next slot may not.
 */
#ifndef TROUPE_SCHED_WORKER_H
#define TROUPE_SCHED_WORKER_H

#include "base/compiler.h"
#include "mem/block.h"
#include "mem/slots.h"
#include "mem/stack.h"
#include "os/context.h"
#include "sched/runq.h"
#include "sched/wheel.h"

#include <pthread.h>
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
    struct tr_runnable *next; /* the run-next slot */
    int32_t budget;           /* of the present turn; a woken runnable inherits what is left */
    uint32_t turns;
    void *current;             /* the process that runs, for the layer above */
    struct tr_context context; /* the worker's own flow while a process runs */
    struct tr_stack_cache stacks;
    struct tr_slot_cache slots;
    uint64_t random;
    bool searching; /* counts in the number of workers that look for work */
    int index;
    pthread_t thread;
    struct tr_block_cache blocks;

    /* Written by others. */
    _Atomic bool preempt TR__ALIGNED(TR__CACHE_LINE); /* the monitor asks the process to yield */
    _Atomic uint32_t wake;                            /* futex: 1 when unparked */
    struct tr_worker *idle_next; /* the list of idle workers, guarded by its lock */
    bool idle;                   /* on that list; guarded by its lock */

    /* Written by the owner, read by others. */
    _Atomic uint32_t turn_now TR__ALIGNED(TR__CACHE_LINE); /* changes with each turn */
    _Atomic uint64_t started, ended; /* processes, counted by the layer above */
    struct tr_runring ring;
    struct tr_wheel wheel;
};

extern __thread struct tr_worker *tr__thread_worker __attribute__((visibility("hidden")));

/*
 * The calling thread's worker, or NULL. Read afresh at each call: a process may go on on another
 * thread after any switch, and a compiler that knew this for an ordinary variable would reuse the
 * address it had computed before.
 */
#if defined(__x86_64__) && !defined(TR__SANITIZED)
static inline struct tr_worker *tr__worker(void)
{
    struct tr_worker *w;

    __asm__ volatile("movq tr__thread_worker@gottpoff(%%rip), %0\n\t"
                     "movq %%fs:(%0), %0"
                     : "=r"(w));
    return w;
}
#else
struct tr_worker *tr__worker(void);
#endif

/* The workers of the running scheduler. Any thread, while it runs. */
int tr__worker_count(void);
struct tr_worker *tr__worker_at(int index);

/* Makes `r` run soon, next after the present one where that is possible. Any thread. */
void tr__wake(struct tr_runnable *r);

/* Makes `r` run after those that wait already. Any thread. */
void tr__enqueue(struct tr_runnable *r);

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

/* The life of a worker's thread: runs runnables until the scheduler stops. */
void *tr__worker_main(void *worker);

/* --- between the files of this folder --- */

extern struct tr__sched {
    struct tr_worker *workers;
    int count;
    _Atomic bool stopping;
    struct tr_runlist lists[TR__PRIO_COUNT]; /* NORMAL: what did not fit in a ring or came from
                                                outside; the others: all of that priority */
} tr__sched;

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

#endif
