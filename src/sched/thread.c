/* SPDX-License-Identifier: MIT */
/* Threads that run workers: how they are made, wait as spares, and end. */
#define _GNU_SOURCE
#include "sched/pool.h"

#include "base/clock.h"
#include "base/fault.h"
#include "os/barrier.h"
#include "os/futex.h"
#include "os/log.h"
#include "os/name.h"
#include "os/trap.h"
#include "troupe/errno.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIMIT      256
#define WORD_EVERY (60 * TR__NS_PER_S)

struct tr_thread_pool tr__pool = { .lock = PTHREAD_MUTEX_INITIALIZER,
                                   .limit = LIMIT,
                                   .all = { &tr__pool.all, &tr__pool.all },
                                   .own_ended = PTHREAD_COND_INITIALIZER };

int tr__thread_count(void)
{
    pthread_mutex_lock(&tr__pool.lock);
    int n = tr__pool.count;
    pthread_mutex_unlock(&tr__pool.lock);
    return n;
}

void tr__thread_limit(int n)
{
    tr__pool.limit = n;
}

bool tr__thread_running(const void *process, pid_t *tid, int *number)
{
    bool found = false;

    if (pthread_mutex_trylock(&tr__pool.lock) != 0)
        return false;
    for (struct tr_ring *r = tr__pool.all.next; r != &tr__pool.all && !found; r = r->next) {
        struct tr_thread *t = tr__container_of(r, struct tr_thread, all);
        found = atomic_load_explicit(&t->tls->current, memory_order_relaxed) == process;
        if (found) {
            *tid = t->tid;
            *number = t->number;
        }
    }
    pthread_mutex_unlock(&tr__pool.lock);
    return found;
}

int tr__threads_held(struct tr_holder *holders, int max)
{
    int n = 0;

    pthread_mutex_lock(&tr__pool.lock);
    for (struct tr_ring *r = tr__pool.all.next; r != &tr__pool.all && n < max; r = r->next) {
        struct tr_thread *t = tr__container_of(r, struct tr_thread, all);
        void *process = atomic_load_explicit(&t->tls->current, memory_order_relaxed);
        if (process && (t->own || !t->worker))
            holders[n++] = (struct tr_holder){ process, t->tid, t->number };
    }
    pthread_mutex_unlock(&tr__pool.lock);
    return n;
}

int tr__threads_ran_out(void)
{
    int64_t now = tr__clock_ns();

    pthread_mutex_lock(&tr__pool.lock);
    int limit = tr__pool.ran_out && now >= tr__pool.next_word ? tr__pool.limit : 0;
    if (limit)
        tr__pool.next_word = now + WORD_EVERY;
    tr__pool.ran_out = false;
    pthread_mutex_unlock(&tr__pool.lock);
    return limit;
}

/* --- the life of a thread --- */

/* Waits until the thread has a worker; NULL when all stop, or it is to end. */
static struct tr_worker *await_worker(struct tr_thread *t)
{
    for (;;) {
        uint32_t word = atomic_load_explicit(&t->word, memory_order_acquire);
        pthread_mutex_lock(&tr__pool.lock);
        struct tr_worker *w = t->worker;
        /* Nobody can be taking it away at this moment; a little later somebody may. */
        if (w)
            atomic_store_explicit(&t->tls->lost, TR__KEPT, memory_order_relaxed);
        bool lent = t->lent;
        pthread_mutex_unlock(&tr__pool.lock);
        tr__thread_restock(t); /* a process may have left with it */
        if (w || (tr__sched_stops() && !lent))
            return w;
        tr__futex_wait(&t->word, word, -1);
    }
}

void tr__thread_attach(struct tr_thread *t, struct tr_worker *w)
{
    t->tls->worker = w;
    t->tls->blocks = &w->blocks;
    t->tls->reader = &w->reader;
}

void tr__thread_detach(struct tr_thread *t)
{
    t->tls->worker = NULL;
    t->tls->blocks = NULL;
    t->tls->reader = NULL;
}

/* The thread has lost its worker and runs nothing: a spare from now on, unless it must end, or has
   lent the worker and may even have it back already. */
static bool become_spare(struct tr_thread *t)
{
    pthread_mutex_lock(&tr__pool.lock);
    bool lent = t->lent || t->worker;
    bool stays = lent || (!t->demoted && !tr__sched_stops());
    if (stays && !lent) {
        t->next = tr__pool.spares;
        tr__pool.spares = t;
    }
    pthread_mutex_unlock(&tr__pool.lock);
    return stays;
}

void tr__thread_end_alone(struct tr_thread *t)
{
    pthread_mutex_lock(&tr__pool.lock);
    tr__pool.count--;
    if (t->own) {
        tr__pool.owns--;
        pthread_cond_signal(&tr__pool.own_ended);
    }
    pthread_mutex_unlock(&tr__pool.lock);
    pthread_detach(t->id);
    free(t);
}

void tr__thread_introduce(struct tr_thread *t)
{
    struct tr_tls *tls = tr__tls();
    char name[16];

    tls->thread = t;
    tls->errno_at = tr_errno_location();
    atomic_store_explicit(&tls->inside, true, memory_order_relaxed);
    tr__context_of_thread(&t->home);
    tr__trap_thread_begin();
    pthread_mutex_lock(&tr__pool.lock);
    t->tid = gettid();
    t->tls = tls;
    tr__ring_append(&tr__pool.all, &t->all);
    pthread_mutex_unlock(&tr__pool.lock);
    snprintf(name, sizeof name, "troupe/%d", t->number);
    tr__thread_name(name);
}

void tr__thread_take_leave(struct tr_thread *t)
{
    struct tr_stack_cache none = { 0 };

    pthread_mutex_lock(&tr__pool.lock);
    tr__ring_remove(&t->all);
    t->tls = NULL;
    pthread_mutex_unlock(&tr__pool.lock);
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

    tr__thread_introduce(t);
    while ((w = await_worker(t))) {
        tr__thread_attach(t, w);
        tr__worker_run(w);
        bool lost = t->tls->worker == NULL;
        tr__thread_detach(t);
        if (!lost)
            break; /* all stop: tr__threads_finish waits for it */
        if (!become_spare(t)) {
            tr__thread_take_leave(t);
            tr__thread_end_alone(t);
            return NULL;
        }
    }
    tr__thread_take_leave(t);
    return NULL;
}

/* --- making threads; the lock is held --- */

bool tr__thread_launch(struct tr_thread *t, void *(*run)(void *))
{
    if (tr__fault())
        return false;
    /* With the mask of the thread that calls: what a process starts by exec inherits it, and a
       program that nothing can interrupt would be a nuisance. */
    if (pthread_create(&t->id, NULL, run, t) != 0)
        return false;
    t->number = tr__pool.numbers++;
    tr__pool.count++;
    return true;
}

/* A new thread for that worker, or NULL. */
static struct tr_thread *new_thread(struct tr_worker *w)
{
    struct tr_thread *t = tr__fault() ? NULL : calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->worker = w;
    if (!tr__thread_launch(t, thread_main)) {
        free(t);
        return NULL;
    }
    w->thread = t;
    return t;
}

void tr__thread_wake(struct tr_thread *t)
{
    atomic_fetch_add_explicit(&t->word, 1, memory_order_release);
    tr__futex_wake(&t->word, 1);
}

void tr__thread_assign(struct tr_thread *t, struct tr_worker *w)
{
    t->worker = w;
    w->thread = t;
    tr__thread_wake(t);
}

/* A spare thread set to work for `w`; false when there is none. */
static bool spare_thread(struct tr_worker *w)
{
    struct tr_thread *t = tr__pool.spares;

    if (!t)
        return false;
    tr__pool.spares = t->next;
    tr__thread_assign(t, w);
    return true;
}

void tr__thread_give_back(struct tr_thread *own, struct tr_worker *w)
{
    struct tr_thread *lender = own->lender;

    own->lender = NULL;
    lender->lent = false;
    tr__thread_assign(lender, w);
}

bool tr__thread_replace(struct tr_thread *t, struct tr_worker *w)
{
    if (t->lender) {
        tr__thread_give_back(t, w);
        return true;
    }
    if (spare_thread(w))
        return true;
    if (tr__pool.count >= tr__pool.limit) {
        tr__pool.ran_out = true;
        return false;
    }
    return new_thread(w) != NULL;
}

/* --- start and finish --- */

static void warn_of_no_barrier(void)
{
    static const char text[] = "this system has no membarrier: a process that computes or blocks "
                               "without tr_blocking_begin holds up others";

    tr__log_put(&(struct tr_log_draft){
        .event = { .level = TR_LOG_WARNING, .process = "", .name = "", .text = text } });
}

tr_err tr__threads_start(void)
{
    tr__pool.can_take = tr__barrier_prepare();
    if (!tr__pool.can_take)
        warn_of_no_barrier();
    for (int i = 0; i < tr__worker_count(); i++) {
        pthread_mutex_lock(&tr__pool.lock);
        struct tr_thread *t = new_thread(tr__worker_at(i));
        pthread_mutex_unlock(&tr__pool.lock);
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
    pthread_mutex_lock(&tr__pool.lock);
    while (tr__pool.owns > 0)
        pthread_cond_wait(&tr__pool.own_ended, &tr__pool.lock);
    pthread_mutex_unlock(&tr__pool.lock);
    for (int i = 0; i < tr__worker_count(); i++) {
        struct tr_thread *t = tr__worker_at(i)->thread;
        if (t) {
            join(t);
            joined++;
        }
    }
    pthread_mutex_lock(&tr__pool.lock);
    struct tr_thread *spares = tr__pool.spares;
    tr__pool.spares = NULL;
    pthread_mutex_unlock(&tr__pool.lock);
    while (spares) {
        struct tr_thread *t = spares;
        spares = t->next;
        atomic_fetch_add_explicit(&t->word, 1, memory_order_release);
        tr__futex_wake(&t->word, 1);
        join(t);
        joined++;
    }
    pthread_mutex_lock(&tr__pool.lock);
    int held = tr__pool.count - joined;
    tr__pool.count = held;
    tr__pool.ran_out = false;
    tr__pool.next_word = 0;
    pthread_mutex_unlock(&tr__pool.lock);
    return held;
}
