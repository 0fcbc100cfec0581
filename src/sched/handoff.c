/* SPDX-License-Identifier: MIT */
/*
 * Hand-off: a worker is taken from a thread whose process holds it up, or given up by the thread
 * itself. test/models/handoff.pml checks this protocol.
 */
#define _GNU_SOURCE
#include "sched/pool.h"

#include "base/clock.h"
#include "os/barrier.h"
#include "os/cpu.h"
#include "os/trap.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEMOTED_NICE     10
#define DEMOTED_SLICE_NS (100 * (uint64_t)TR__NS_PER_MS)
#define PATIENCE_TICKS   20
#define HOLDS_UP_NS      (TR__NS_PER_MS / 4)
#define STUCK_NS         (5 * TR__NS_PER_MS)

/* The kernel's struct sched_attr, whose header cannot be included beside <sched.h>. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* Lets the kernel prefer the threads that serve everybody to one that a single process holds: less
   of the processor's time, and in long slices, since a thread that wakes interrupts at once one
   whose slice is longer than its own (Linux 6.12; before, that is ignored). */
static void demote(struct tr_thread *t)
{
    struct attributes attr = { .size = sizeof attr,
                               .policy = SCHED_OTHER,
                               .nice = DEMOTED_NICE,
                               .runtime = DEMOTED_SLICE_NS };
    int saved = errno;

    t->demoted = syscall(SYS_sched_setattr, t->tid, &attr, 0) == 0 ||
                 setpriority(PRIO_PROCESS, (id_t)t->tid, DEMOTED_NICE) == 0;
    errno = saved;
}

/* A thread that the kernel does not let run holds up its worker too, but another one would fare no
   better, and its process does not deserve to be demoted. */
static bool holds_up(struct tr_thread *t, bool first)
{
    int64_t before = t->cpu_time;

    t->cpu_time = tr__cpu_time_of(t->tid);
    return (!first && t->cpu_time - before > HOLDS_UP_NS) || tr__cpu_waits(t->tid);
}

bool tr__thread_take_worker(struct tr_worker *w, bool first)
{
    bool taken = false;

    if (!tr__pool.can_take)
        return false;
    pthread_mutex_lock(&tr__pool.lock);
    struct tr_thread *t = w->thread;
    /* One that has no record has not even started. */
    if (!t->tls || !holds_up(t, first)) {
        pthread_mutex_unlock(&tr__pool.lock);
        return false;
    }
    atomic_store_explicit(&t->tls->lost, TR__LOST, memory_order_relaxed);
    /* Now the thread has either entered the library before, and `inside` is visible here; or it
       will see `lost` when it enters, and come to wait for the lock in tr__thread_has_lost. */
    tr__barrier_all();
    if (!atomic_load_explicit(&t->tls->inside, memory_order_acquire)) {
        t->worker = NULL;
        taken = tr__thread_replace(t, w);
        if (taken && !t->own)
            demote(t);
        if (!taken)
            t->worker = w;
    }
    if (!taken)
        atomic_store_explicit(&t->tls->lost, TR__KEPT, memory_order_relaxed);
    pthread_mutex_unlock(&tr__pool.lock);
    return taken;
}

void tr__thread_give_worker(void)
{
    struct tr_tls *tls = tr__tls();
    struct tr_thread *t = tls->thread;
    struct tr_worker *w = t->worker;

    pthread_mutex_lock(&tr__pool.lock);
    t->worker = NULL;
    atomic_store_explicit(&tls->lost, TR__LOST, memory_order_relaxed);
    if (!tr__thread_replace(t, w)) {
        t->worker = w;
        atomic_store_explicit(&tls->lost, TR__KEPT, memory_order_relaxed);
    }
    pthread_mutex_unlock(&tr__pool.lock);
}

bool tr__thread_has_lost(void)
{
    struct tr_thread *t = tr__thread();

    if (!t)
        return false;
    pthread_mutex_lock(&tr__pool.lock);
    bool lost = t->worker == NULL;
    pthread_mutex_unlock(&tr__pool.lock);
    return lost;
}

/*
 * A process that is not stuck gets the time to come to the library by itself, so that an exit
 * signal does not end it between fopen and tr_defer. It is stuck when it has used the processor for
 * long, or waits in the kernel; a thread that merely did not get its turn is neither.
 */
static bool is_stuck(struct tr_thread *t, const void *current)
{
    if (t->kicked != current) {
        t->kicked = current;
        t->patience = PATIENCE_TICKS;
        t->kicked_at = tr__cpu_time_of(t->tid);
    }
    if (t->patience > 0) {
        t->patience--;
        return false;
    }
    return tr__cpu_time_of(t->tid) - t->kicked_at > STUCK_NS || tr__cpu_waits(t->tid);
}

bool tr__threads_kick(void)
{
    bool any = false;

    pthread_mutex_lock(&tr__pool.lock);
    for (struct tr_ring *r = tr__pool.all.next; r != &tr__pool.all; r = r->next) {
        struct tr_thread *t = tr__container_of(r, struct tr_thread, all);
        void *current = atomic_load_explicit(&t->tls->current, memory_order_acquire);
        enum tr_kick kick = current ? tr__sched.wants_kick(current) : TR__KICK_NONE;
        if (kick == TR__KICK_NONE) {
            t->kicked = NULL;
            continue;
        }
        any = true;
        if (kick == TR__KICK_GENTLY && !is_stuck(t, current))
            continue;
        if (!atomic_load_explicit(&t->tls->inside, memory_order_relaxed))
            tr__trap_kick(t->tid, kick == TR__KICK_HARD);
    }
    pthread_mutex_unlock(&tr__pool.lock);
    return any;
}
