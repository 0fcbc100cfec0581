/* SPDX-License-Identifier: MIT */
/*
 * Threads, which run workers, and the hand-off of a worker from one thread to another.
 *
 * A worker is what a core needs to run processes: queues, timers, warm memory. A thread is what the
 * kernel runs. As long as processes behave, each worker stays on its thread. When a process blocks
 * in a system call or loops in its own code, its worker is taken away and goes on on a spare
 * thread; the process keeps the old one until it enters the library again. Then it is queued like
 * any other that wants to run, and the thread becomes a spare, or ends if it was demoted.
 */
#ifndef TROUPE_SCHED_THREAD_H
#define TROUPE_SCHED_THREAD_H

#include "base/ring.h"
#include "os/context.h"
#include "os/tls.h"
#include "sched/worker.h"
#include "troupe/error.h"

#include <pthread.h>
#include <sys/types.h>

struct tr_thread {
    struct tr_context_home home; /* its own flow while a process runs; thread only */
    struct tr_tls *tls;          /* of this thread; NULL until it runs; guarded by the lock of
                                    hand-overs, as is all below */
    struct tr_worker *worker;
    struct tr_thread *next;   /* list of spare threads */
    struct tr_ring all;       /* on the list of all threads */
    const void *kicked;       /* the process that was to be kicked at the last tick, */
    int patience;             /* for how many ticks it is still left alone, */
    int64_t kicked_at;        /* and what the thread had used of its processor by then, ns */
    int64_t cpu_time;         /* the same when the monitor last looked whether it holds up others */
    struct tr_stack *reserve; /* for a process that cannot go on on its own stack; thread only */
    pthread_t id;
    pid_t tid;
    int number;
    struct tr_thread *lender; /* of an own thread: whose worker it has, or had in this turn */
    struct tr_runnable *turn; /* of an own thread: what it is to run */
    bool own;                 /* serves one process alone */
    bool resting;             /* of an own thread: may be lent a worker */
    bool over;                /* of an own thread: its process has ended */
    bool lent;                /* waits for the worker that it has lent */
    bool demoted;             /* has a low priority for ever: ends instead of becoming a spare */
    _Atomic(uint32_t) word;   /* futex: changes when a worker is assigned, or all stop */
};

/* The library's thread that calls, or NULL. */
static inline struct tr_thread *tr__thread(void)
{
    return tr__tls()->thread;
}

/* Starts one thread for each worker. TR_ESYS, TR_ENOMEM: those started are stopped again. */
tr_err tr__threads_start(void);

/* Waits for all threads that are not held by a process; how many are held. */
int tr__threads_finish(void);

/*
 * Takes the worker from its thread if that runs the program's own code, and computes or waits
 * there, and gives it to a spare thread, or a new one. False when it does not, or no thread can be
 * had. Called by the monitor, `first` when it did not do so a tick ago: what the thread uses of its
 * processor is measured from one call to the next.
 */
bool tr__thread_take_worker(struct tr_worker *w, bool first);

/* The same, by the thread itself, which is about to block. */
void tr__thread_give_worker(void);

/*
 * Threads of their own. A process that is always to run on the same thread is run there by a worker
 * that some other thread lends to it for the turn: it goes back to the lender when the turn is
 * over, or when it is taken away. So no thread has to be found for it then.
 */

/* Makes such a thread. TR_ELIMIT, TR_ENOMEM, TR_ESYS. */
tr_err tr__thread_own_start(struct tr_thread **own);

/* Its process has ended: by itself after its last turn, or by anybody before the first. */
void tr__thread_own_end(struct tr_thread *own);

/* The calling thread lends its worker to an own thread, which runs `r`. False when that is not yet
   done with the turn before. */
bool tr__thread_lend_worker(struct tr_thread *own, struct tr_runnable *r);

/* True when the calling thread's worker is gone; settles a hand-over that is being tried. */
bool tr__thread_has_lost(void);

/*
 * Kicks the threads whose process is to be interrupted, as tr__sched.wants_kick says; false when
 * there is none. Called by the monitor, every tick as long as there are any.
 */
bool tr__threads_kick(void);

/* Sees to it that the thread has a reserve, if there is memory. Called by the thread itself. */
void tr__thread_restock(struct tr_thread *t);

/*
 * The thread whose record names this process as the one it runs: its kernel id and number; false
 * when there is none, or that cannot be told without waiting. Any thread.
 */
bool tr__thread_running(const void *process, pid_t *tid, int *number);

/* A thread that serves no worker because a process blocks or computes on it. */
struct tr_holder {
    void *process;
    pid_t tid;
    int number;
};

/* Those threads, `max` at most. Returns how many. Any thread. */
int tr__threads_held(struct tr_holder *holders, int max);

/* The most there may be, if since the last call one more was needed and was refused; once a minute
   at most. Else 0. */
int tr__threads_ran_out(void);

/* The number of threads, and the most there may be (256 unless set before the start). */
int tr__thread_count(void);
void tr__thread_limit(int n);

#endif
