/* SPDX-License-Identifier: MIT */
/*
 * The pool of threads.
 *
 * Invariants, with the lock held: a worker has at most one thread and a thread at most one worker,
 * and they name each other; a thread is on the list of spares only while it has no worker and runs
 * nothing. The lock is taken when a worker changes hands, never in between. `lost` of a thread's
 * record is written with the lock held.
 */
#define _GNU_SOURCE
#include "sched/thread.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/barrier.h"
#include "os/cpu.h"
#include "os/futex.h"
#include "os/trap.h"
#include "troupe/errno.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define LIMIT          256
#define DEMOTED_NICE   10
#define PATIENCE_TICKS 20
#define HOLDS_UP_NS    (TR__NS_PER_MS / 4)
#define STUCK_NS       (5 * TR__NS_PER_MS)
#define WORD_EVERY     (60 * TR__NS_PER_S)

static struct {
    pthread_mutex_t lock;
    struct tr_thread *spares; /* guarded by lock, as is all below */
    struct tr_ring all;       /* the threads that run */
    int limit;
    int count;   /* threads that exist */
    int owns;    /* those of them that serve one process alone */
    int numbers; /* threads ever started */
    bool can_take;
    bool ran_out;      /* the limit was in the way since somebody looked */
    int64_t next_word; /* about that: not before */
    pthread_cond_t own_ended;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .limit = LIMIT,
           .all = { &pool.all, &pool.all },
           .own_ended = PTHREAD_COND_INITIALIZER };

int tr__thread_count(void)
{
    pthread_mutex_lock(&pool.lock);
    int n = pool.count;
    pthread_mutex_unlock(&pool.lock);
    return n;
}

void tr__thread_limit(int n)
{
    pool.limit = n;
}

bool tr__thread_running(const void *process, pid_t *tid, int *number)
{
    bool found = false;

    if (pthread_mutex_trylock(&pool.lock) != 0)
        return false;
    for (struct tr_ring *r = pool.all.next; r != &pool.all && !found; r = r->next) {
        struct tr_thread *t = tr__container_of(r, struct tr_thread, all);
        found = atomic_load_explicit(&t->tls->current, memory_order_relaxed) == process;
        if (found) {
            *tid = t->tid;
            *number = t->number;
        }
    }
    pthread_mutex_unlock(&pool.lock);
    return found;
}

int tr__threads_held(struct tr_holder *holders, int max)
{
    int n = 0;

    pthread_mutex_lock(&pool.lock);
    for (struct tr_ring *r = pool.all.next; r != &pool.all && n < max; r = r->next) {
        struct tr_thread *t = tr__container_of(r, struct tr_thread, all);
        void *process = atomic_load_explicit(&t->tls->current, memory_order_relaxed);
        if (process && (t->own || !t->worker))
            holders[n++] = (struct tr_holder){ process, t->tid, t->number };
    }
    pthread_mutex_unlock(&pool.lock);
    return n;
}

int tr__threads_ran_out(void)
{
    int64_t now = tr__clock_ns();

    pthread_mutex_lock(&pool.lock);
    int limit = pool.ran_out && now >= pool.next_word ? pool.limit : 0;
    if (limit)
        pool.next_word = now + WORD_EVERY;
    pool.ran_out = false;
    pthread_mutex_unlock(&pool.lock);
    return limit;
}

static bool stopping(void)
{
    return atomic_load_explicit(&tr__sched.stopping, memory_order_acquire);
}

/* --- the life of a thread --- */

/* Waits until the thread has a worker; NULL when all stop, or it is to end. */
static struct tr_worker *await_worker(struct tr_thread *t)
{
    for (;;) {
        uint32_t word = atomic_load_explicit(&t->word, memory_order_acquire);
        pthread_mutex_lock(&pool.lock);
        struct tr_worker *w = t->worker;
        /* Nobody can be taking it away at this moment; a little later somebody may. */
        if (w)
            atomic_store_explicit(&t->tls->lost, false, memory_order_relaxed);
        bool lent = t->lent;
        pthread_mutex_unlock(&pool.lock);
        tr__thread_restock(t); /* a process may have left with it */
        if (w || (stopping() && !lent))
            return w;
        tr__futex_wait(&t->word, word, -1);
    }
}

static void attach(struct tr_thread *t, struct tr_worker *w)
{
    t->tls->worker = w;
    t->tls->blocks = &w->blocks;
}

static void detach(struct tr_thread *t)
{
    t->tls->worker = NULL;
    t->tls->blocks = NULL;
}

/* The thread has lost its worker and runs nothing: a spare from now on, unless it must end, or has
   lent the worker and may even have it back already. */
static bool become_spare(struct tr_thread *t)
{
    pthread_mutex_lock(&pool.lock);
    bool lent = t->lent || t->worker;
    bool stays = lent || (!t->demoted && !stopping());
    if (stays && !lent) {
        t->next = pool.spares;
        pool.spares = t;
    }
    pthread_mutex_unlock(&pool.lock);
    return stays;
}

/* The end of a thread that nobody will wait for. */
static void end_alone(struct tr_thread *t)
{
    pthread_mutex_lock(&pool.lock);
    pool.count--;
    if (t->own) {
        pool.owns--;
        pthread_cond_signal(&pool.own_ended);
    }
    pthread_mutex_unlock(&pool.lock);
    pthread_detach(t->id);
    free(t);
}

/* The thread makes itself known to those who may take its worker. */
static void introduce(struct tr_thread *t)
{
    struct tr_tls *tls = tr__tls();

    tls->thread = t;
    tls->errno_at = tr_errno_location();
    atomic_store_explicit(&tls->inside, true, memory_order_relaxed);
    tr__context_of_thread(&t->context);
    tr__trap_thread_begin();
    pthread_mutex_lock(&pool.lock);
    t->tid = gettid();
    t->tls = tls;
    tr__ring_append(&pool.all, &t->all);
    pthread_mutex_unlock(&pool.lock);
}

/* The last that a thread does; its record may be freed afterwards. */
static void take_leave(struct tr_thread *t)
{
    struct tr_stack_cache none = { 0 };

    pthread_mutex_lock(&pool.lock);
    tr__ring_remove(&t->all);
    t->tls = NULL;
    pthread_mutex_unlock(&pool.lock);
    tr__trap_thread_end();
    if (t->reserve)
        tr__stack_put(&none, t->reserve);
    tr__stack_cache_flush(&none);
}

void tr__thread_restock(struct tr_thread *t)
{
    struct tr_stack_cache none = { 0 };

    if (!t->reserve)
        t->reserve = tr__stack_get(&none, 0);
}

static void *thread_main(void *arg)
{
    struct tr_thread *t = arg;
    struct tr_worker *w;

    introduce(t);
    while ((w = await_worker(t))) {
        attach(t, w);
        tr__worker_run(w);
        bool lost = t->tls->worker == NULL;
        detach(t);
        if (!lost)
            break; /* all stop: tr__threads_finish waits for it */
        if (!become_spare(t)) {
            take_leave(t);
            end_alone(t);
            return NULL;
        }
    }
    take_leave(t);
    return NULL;
}

/* --- making threads; the lock is held --- */

static bool launch(struct tr_thread *t, void *(*run)(void *))
{
    char name[16];

    if (tr__fault())
        return false;
    /* With the mask of the thread that calls: what a process starts by exec inherits it, and a
       program that nothing can interrupt would be a nuisance. */
    if (pthread_create(&t->id, NULL, run, t) != 0)
        return false;
    t->number = pool.numbers++;
    pool.count++;
    snprintf(name, sizeof name, "troupe/%d", t->number);
    pthread_setname_np(t->id, name);
    return true;
}

/* A new thread for that worker, or NULL. */
static struct tr_thread *new_thread(struct tr_worker *w)
{
    struct tr_thread *t = tr__fault() ? NULL : calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->worker = w;
    if (!launch(t, thread_main)) {
        free(t);
        return NULL;
    }
    w->thread = t;
    return t;
}

static void wake(struct tr_thread *t)
{
    atomic_fetch_add_explicit(&t->word, 1, memory_order_release);
    tr__futex_wake(&t->word, 1);
}

static void assign(struct tr_thread *t, struct tr_worker *w)
{
    t->worker = w;
    w->thread = t;
    wake(t);
}

/* A spare thread set to work for `w`; false when there is none. */
static bool spare_thread(struct tr_worker *w)
{
    struct tr_thread *t = pool.spares;

    if (!t)
        return false;
    pool.spares = t->next;
    assign(t, w);
    return true;
}

/* The worker of an own thread goes back to its lender. */
static void give_back(struct tr_thread *own, struct tr_worker *w)
{
    struct tr_thread *lender = own->lender;

    own->lender = NULL;
    lender->lent = false;
    assign(lender, w);
}

/* Gives the worker, which `t` has no more, to another thread. */
static bool replace_thread(struct tr_thread *t, struct tr_worker *w)
{
    if (t->lender) {
        give_back(t, w);
        return true;
    }
    if (spare_thread(w))
        return true;
    if (pool.count >= pool.limit) {
        pool.ran_out = true;
        return false;
    }
    return new_thread(w) != NULL;
}

/* --- hand-over --- */

/* Lets the kernel prefer the threads that serve everybody to one that a single process holds. */
static void demote(struct tr_thread *t)
{
    int saved = errno;

    t->demoted = setpriority(PRIO_PROCESS, (id_t)t->tid, DEMOTED_NICE) == 0;
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

    if (!pool.can_take)
        return false;
    pthread_mutex_lock(&pool.lock);
    struct tr_thread *t = w->thread;
    /* One that has no record has not even started. */
    if (!t->tls || !holds_up(t, first)) {
        pthread_mutex_unlock(&pool.lock);
        return false;
    }
    atomic_store_explicit(&t->tls->lost, true, memory_order_relaxed);
    /* Now the thread has either entered the library before, and `inside` is visible here; or it
       will see `lost` when it enters, and come to wait for the lock in tr__thread_has_lost. */
    tr__barrier_all();
    if (!atomic_load_explicit(&t->tls->inside, memory_order_acquire)) {
        t->worker = NULL;
        taken = replace_thread(t, w);
        if (taken && !t->own)
            demote(t);
        if (!taken)
            t->worker = w;
    }
    if (!taken)
        atomic_store_explicit(&t->tls->lost, false, memory_order_relaxed);
    pthread_mutex_unlock(&pool.lock);
    return taken;
}

void tr__thread_give_worker(void)
{
    struct tr_tls *tls = tr__tls();
    struct tr_thread *t = tls->thread;
    struct tr_worker *w = t->worker;

    pthread_mutex_lock(&pool.lock);
    t->worker = NULL;
    atomic_store_explicit(&tls->lost, true, memory_order_relaxed);
    if (!replace_thread(t, w)) {
        t->worker = w;
        atomic_store_explicit(&tls->lost, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&pool.lock);
}

bool tr__thread_has_lost(void)
{
    struct tr_thread *t = tr__thread();

    if (!t)
        return false;
    pthread_mutex_lock(&pool.lock);
    bool lost = t->worker == NULL;
    pthread_mutex_unlock(&pool.lock);
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

    pthread_mutex_lock(&pool.lock);
    for (struct tr_ring *r = pool.all.next; r != &pool.all; r = r->next) {
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
    pthread_mutex_unlock(&pool.lock);
    return any;
}

/* --- threads of their own --- */

/* Waits for the next turn; NULL when there will be none. */
static struct tr_worker *await_turn(struct tr_thread *t)
{
    for (;;) {
        uint32_t word = atomic_load_explicit(&t->word, memory_order_acquire);
        pthread_mutex_lock(&pool.lock);
        struct tr_worker *w = t->worker;
        bool over = t->over;
        t->resting = !w && !over;
        if (w)
            atomic_store_explicit(&t->tls->lost, false, memory_order_relaxed);
        pthread_mutex_unlock(&pool.lock);
        tr__thread_restock(t);
        if (w || over)
            return w;
        tr__futex_wait(&t->word, word, -1);
    }
}

/* The turn is over: the worker goes back, unless it was taken meanwhile. */
static void end_turn(struct tr_thread *t)
{
    detach(t);
    pthread_mutex_lock(&pool.lock);
    struct tr_worker *w = t->worker;
    t->worker = NULL;
    if (w)
        give_back(t, w);
    pthread_mutex_unlock(&pool.lock);
}

static void *own_main(void *arg)
{
    struct tr_thread *t = arg;
    struct tr_worker *w;

    introduce(t);
    while ((w = await_turn(t))) {
        attach(t, w);
        t->turn->run(w, t->turn);
        end_turn(t);
    }
    take_leave(t);
    end_alone(t);
    return NULL;
}

tr_err tr__thread_own_start(struct tr_thread **own)
{
    struct tr_thread *t = tr__fault() ? NULL : calloc(1, sizeof *t);
    tr_err err = TR_OK;

    if (!t)
        return TR_ENOMEM;
    t->own = true;
    pthread_mutex_lock(&pool.lock);
    if (pool.count >= pool.limit)
        err = TR_ELIMIT;
    else if (!launch(t, own_main))
        err = TR_ESYS;
    else
        pool.owns++;
    pthread_mutex_unlock(&pool.lock);
    if (err)
        free(t);
    else
        *own = t;
    return err;
}

void tr__thread_own_end(struct tr_thread *own)
{
    pthread_mutex_lock(&pool.lock);
    own->over = true;
    wake(own);
    pthread_mutex_unlock(&pool.lock);
}

bool tr__thread_lend_worker(struct tr_thread *own, struct tr_runnable *r)
{
    struct tr_tls *tls = tr__tls();
    struct tr_thread *t = tls->thread;

    pthread_mutex_lock(&pool.lock);
    bool lent = own->resting;
    if (lent) {
        struct tr_worker *w = t->worker;
        t->worker = NULL;
        t->lent = true;
        atomic_store_explicit(&tls->lost, true, memory_order_relaxed);
        own->resting = false;
        own->lender = t;
        own->turn = r;
        assign(own, w);
        tls->worker = NULL;
    }
    pthread_mutex_unlock(&pool.lock);
    return lent;
}

/* --- start and finish --- */

tr_err tr__threads_start(void)
{
    pool.can_take = tr__barrier_prepare();
    for (int i = 0; i < tr__worker_count(); i++) {
        pthread_mutex_lock(&pool.lock);
        struct tr_thread *t = new_thread(tr__worker_at(i));
        pthread_mutex_unlock(&pool.lock);
        if (!t)
            return TR_ESYS;
    }
    return TR_OK;
}

/* Joins a thread and frees it. The lock is not held. */
static void join(struct tr_thread *t)
{
    pthread_join(t->id, NULL);
    free(t);
}

int tr__threads_finish(void)
{
    int joined = 0;

    /* Those of their own end with their processes; they give back what they were lent. */
    pthread_mutex_lock(&pool.lock);
    while (pool.owns > 0)
        pthread_cond_wait(&pool.own_ended, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    for (int i = 0; i < tr__worker_count(); i++) {
        struct tr_thread *t = tr__worker_at(i)->thread;
        if (t) {
            join(t);
            joined++;
        }
    }
    pthread_mutex_lock(&pool.lock);
    struct tr_thread *spares = pool.spares;
    pool.spares = NULL;
    pthread_mutex_unlock(&pool.lock);
    while (spares) {
        struct tr_thread *t = spares;
        spares = t->next;
        atomic_fetch_add_explicit(&t->word, 1, memory_order_release);
        tr__futex_wake(&t->word, 1);
        join(t);
        joined++;
    }
    pthread_mutex_lock(&pool.lock);
    int held = pool.count - joined;
    pool.count = held;
    pool.ran_out = false;
    pool.next_word = 0;
    pthread_mutex_unlock(&pool.lock);
    return held;
}
