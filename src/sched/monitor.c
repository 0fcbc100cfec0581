/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a thread that looks at the workers once a millisecond while any is busy.
 *
 * It asks a process that has had its turn for a whole tick to yield; if it does not, because it
 * blocks or computes, and others wait for its worker, it takes the worker away; it wakes idle
 * workers for what waits in the rings of busy ones; it looks at descriptors when no worker has had
 * time to (poll.h); it kicks the threads whose processes are to end but do not come to the library;
 * and it has the pages of stacks given back that nobody needs. When all workers are parked it
 * sleeps too, without a limit: an idle program costs no CPU.
 */
#include "sched/gather.h"
#include "sched/thread.h"
#include "sched/worker.h"

#include "base/clock.h"
#include "mem/stack.h"
#include "os/futex.h"
#include "sched/poll.h"
#include "sched/replay.h"

#include <stddef.h>

#define TICK        TR__NS_PER_MS
#define REPLAY_TICK (100 * TR__NS_PER_MS)
#define QUIET_TICKS 8   /* looks that must find all idle before the monitor sleeps */
#define STACK_TICKS 128 /* after which a free stack that nobody has needed gives its pages back */
#define STACKS      32  /* at most so many a tick: each takes microseconds */

static struct {
    _Atomic uint32_t word; /* futex: counts wake-ups */
    _Atomic bool asleep;
    uint32_t seen[TR__MAX_WORKERS];  /* each worker's turn at the last look; monitor only */
    uint32_t stuck[TR__MAX_WORKERS]; /* for how many looks it has been the same; monitor only */
    unsigned ticks;                  /* monitor only */
} monitor;

static void ring(void)
{
    atomic_fetch_add_explicit(&monitor.word, 1, memory_order_seq_cst);
    tr__futex_wake(&monitor.word, 1);
}

void tr__monitor_wake(void)
{
    /* Full order pairs with the one in sleep_long: either it sees the worker busy, or we see it
       asleep. */
    if (!atomic_load_explicit(&monitor.asleep, memory_order_seq_cst))
        return;
    ring();
}

void tr__monitor_call(void)
{
    ring();
}

static bool all_idle(void)
{
    return tr__idle_count() == tr__sched.count;
}

/* Does anything wait for this worker while it is stuck in one process? */
static bool is_needed(struct tr_worker *w, int64_t now)
{
    /* A broken replay keeps what waits elsewhere. */
    if (tr__replay_on || tr__runring_waits(&w->ring) || tr__wheel_is_due(&w->wheel, now) ||
        atomic_load_explicit(&w->next, memory_order_relaxed))
        return true;
    for (int i = 0; i < TR__PRIO_COUNT; i++)
        if (!tr__runlist_empty(&tr__sched.lists[i]))
            return true;
    return false;
}

/* True when a process has kept it for two looks, so does not come to the library, while others
   wait. */
static bool look_at(struct tr_worker *w, int64_t now)
{
    uint32_t turn = atomic_load_explicit(&w->turn_now, memory_order_relaxed);
    uint32_t *stuck = &monitor.stuck[w->index];

    *stuck = turn == monitor.seen[w->index] ? *stuck + 1 : 0;
    monitor.seen[w->index] = turn;
    if (*stuck == 0 || tr__is_resting(w))
        return false;
    atomic_store_explicit(&w->preempt, true, memory_order_relaxed);
    if (!is_needed(w, now))
        return false;
    tr__thread_take_worker(w, *stuck == 1);
    return *stuck > 1;
}

static void look_at_all(void)
{
    int64_t now = tr__clock_ns();
    bool waiting = false, held_up = false;

    for (int i = 0; i < tr__sched.count; i++) {
        struct tr_worker *w = &tr__sched.workers[i];
        held_up |= look_at(w, now);
        waiting |= tr__runring_tempts(&w->ring);
    }
    tr__gather_tick(now, held_up);
    /* Who is woken for descriptors goes to sleep in their set, if there is nothing else to do. */
    if (tr__poll_tick() || waiting)
        tr__idle_wake_one();
}

/* While all are idle there is time. */
static void look_at_stacks(bool idle)
{
    if (idle || ++monitor.ticks % STACK_TICKS == 0)
        tr__stacks_age();
    while (tr__stacks_trim(STACKS) && idle && all_idle())
        ;
}

/* Sleeps until a worker wakes up. */
static void sleep_long(void)
{
    uint32_t word = atomic_load_explicit(&monitor.word, memory_order_seq_cst);

    atomic_store_explicit(&monitor.asleep, true, memory_order_seq_cst);
    if (all_idle() && !tr__sched_stops() && !tr__threads_kick())
        tr__futex_wait(&monitor.word, word, -1);
    atomic_store_explicit(&monitor.asleep, false, memory_order_seq_cst);
}

/* A replay is not hurried, only watched, and wakes nobody here: hundreds of times in each of many
   short runs that would cost more than they do. Returns when it has stopped, or is none any
   more. */
static void watch_replay(void)
{
    for (;;) {
        uint32_t word = atomic_load_explicit(&monitor.word, memory_order_seq_cst);
        if (tr__sched_stops() || !tr__replay_watch())
            break;
        tr__futex_wait(&monitor.word, word, REPLAY_TICK);
    }
}

void tr__monitor_main(void)
{
    int quiet = 0;

    if (tr__replay_on)
        watch_replay();
    while (!tr__sched_stops()) {
        uint32_t word = atomic_load_explicit(&monitor.word, memory_order_relaxed);
        tr__futex_wait(&monitor.word, word, TICK);
        int limit = tr__threads_ran_out();
        if (limit)
            tr__sched.out_of_threads(limit);
        quiet = !tr__threads_kick() && all_idle() ? quiet + 1 : 0;
        look_at_stacks(quiet > 0);
        if (quiet >= QUIET_TICKS)
            sleep_long();
        else
            look_at_all();
    }
}
