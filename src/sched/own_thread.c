/* SPDX-License-Identifier: MIT */
/* Threads that serve one process each; thread.h says how they come by a worker. */
#include "sched/pool.h"

#include "base/fault.h"
#include "os/futex.h"

#include <stdlib.h>

/* Waits for the next turn; NULL when there will be none. */
static struct tr_worker *await_turn(struct tr_thread *t)
{
    for (;;) {
        uint32_t word = atomic_load_explicit(&t->word, memory_order_acquire);
        pthread_mutex_lock(&tr__pool.lock);
        struct tr_worker *w = t->worker;
        bool over = t->over;
        t->resting = !w && !over;
        if (w)
            atomic_store_explicit(&t->tls->lost, TR__KEPT, memory_order_relaxed);
        pthread_mutex_unlock(&tr__pool.lock);
        tr__thread_restock(t);
        if (w || over)
            return w;
        tr__futex_wait(&t->word, word, -1);
    }
}

/* The turn is over: the worker goes back, unless it was taken meanwhile. */
static void end_turn(struct tr_thread *t)
{
    tr__thread_detach(t);
    pthread_mutex_lock(&tr__pool.lock);
    struct tr_worker *w = t->worker;
    t->worker = NULL;
    if (w)
        tr__thread_give_back(t, w);
    pthread_mutex_unlock(&tr__pool.lock);
}

static void *own_main(void *arg)
{
    struct tr_thread *t = arg;
    struct tr_worker *w;

    tr__thread_introduce(t);
    while ((w = await_turn(t))) {
        tr__thread_attach(t, w);
        (void)t->turn->run(w, t->turn);
        end_turn(t);
    }
    tr__thread_take_leave(t);
    tr__thread_end_alone(t);
    return NULL;
}

tr_err tr__thread_own_start(struct tr_thread **own)
{
    struct tr_thread *t = tr__fault() ? NULL : calloc(1, sizeof *t);
    tr_err err = TR_OK;

    if (!t)
        return TR_ENOMEM;
    t->own = true;
    pthread_mutex_lock(&tr__pool.lock);
    if (tr__pool.count >= tr__pool.limit)
        err = TR_ELIMIT;
    else if (!tr__thread_launch(t, own_main))
        err = TR_ESYS;
    else
        tr__pool.owns++;
    pthread_mutex_unlock(&tr__pool.lock);
    if (err)
        free(t);
    else
        *own = t;
    return err;
}

void tr__thread_own_end(struct tr_thread *own)
{
    pthread_mutex_lock(&tr__pool.lock);
    own->over = true;
    tr__thread_wake(own);
    pthread_mutex_unlock(&tr__pool.lock);
}

bool tr__thread_lend_worker(struct tr_thread *own, struct tr_runnable *r)
{
    struct tr_tls *tls = tr__tls();
    struct tr_thread *t = tls->thread;

    pthread_mutex_lock(&tr__pool.lock);
    bool lent = own->resting;
    if (lent) {
        struct tr_worker *w = t->worker;
        t->worker = NULL;
        t->lent = true;
        atomic_store_explicit(&tls->lost, TR__LOST, memory_order_relaxed);
        own->resting = false;
        own->lender = t;
        own->turn = r;
        tr__thread_assign(own, w);
        tls->worker = NULL;
    }
    pthread_mutex_unlock(&tr__pool.lock);
    return lent;
}
