/* SPDX-License-Identifier: MIT */
/*
 * The records of the reading threads, and what waits for them.
 *
 * What is retired goes onto the list `fresh`. Now and then one thread, the gatherer, moves that
 * list to `waiting`, passes the barrier, and notes which sections are open: those that begin later
 * cannot find what is on the list. When all noted ones have ended, the list is freed.
 */
#include "mem/readers.h"

#include "base/fault.h"
#include "base/spin.h"
#include "os/barrier.h"

#include <pthread.h>
#include <stdlib.h>

enum { BATCH = 64 };

static _Atomic(struct tr_reader *) readers;
static struct tr_spin slow; /* held by sections without a record */

static struct {
    struct tr_spin lock;
    struct tr_retired *fresh; /* guarded by lock */
    _Atomic(unsigned) n;      /* written with the lock: how many are on `fresh` */
    atomic_bool gathering;
    struct tr_retired *waiting; /* the gatherer's */
} limbo;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key; /* its destructor gives the record of an ending thread back */
static atomic_bool fast;

static void give_back(void *reader)
{
    struct tr_reader *r = reader;

    tr__tls()->reader = NULL;
    atomic_store_explicit(&r->taken, false, memory_order_release);
}

static void prepare(void)
{
    if (pthread_key_create(&key, give_back) == 0)
        atomic_store_explicit(&fast, tr__barrier_prepare(), memory_order_release);
}

void tr__readers_prepare(void)
{
    pthread_once(&once, prepare);
}

static struct tr_reader *find_free(void)
{
    struct tr_reader *r = atomic_load_explicit(&readers, memory_order_acquire);

    for (; r; r = r->next) {
        bool expected = false;
        if (atomic_compare_exchange_strong_explicit(&r->taken, &expected, true,
                                                    memory_order_acquire, memory_order_relaxed))
            return r;
    }
    return NULL;
}

static struct tr_reader *new_reader(void)
{
    struct tr_reader *r = tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, sizeof *r);

    if (!r)
        return NULL;
    atomic_init(&r->turn, 0);
    atomic_init(&r->taken, true);
    r->seen = 0;
    r->next = atomic_load_explicit(&readers, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&readers, &r->next, r, memory_order_acq_rel,
                                                  memory_order_relaxed))
        continue;
    return r;
}

struct tr_reader *tr__reader_make(void)
{
    struct tr_reader *r = NULL;

    if (atomic_load_explicit(&fast, memory_order_acquire) && !(r = find_free()))
        r = new_reader();
    if (r && pthread_setspecific(key, r) != 0) {
        atomic_store_explicit(&r->taken, false, memory_order_release);
        r = NULL;
    }
    if (r)
        tr__tls()->reader = r;
    else
        tr__spin_lock(&slow);
    return r;
}

void tr__reader_unlock(void)
{
    tr__spin_unlock(&slow);
}

/* --- the gatherer --- */

/* Notes the sections that may still see what is on `waiting`. */
static void note_open_sections(void)
{
    if (atomic_load_explicit(&fast, memory_order_acquire))
        tr__barrier_all();
    /* Those without a record are waited for. */
    tr__spin_lock(&slow);
    tr__spin_unlock(&slow);
    for (struct tr_reader *r = atomic_load_explicit(&readers, memory_order_acquire); r;
         r = r->next) {
        uint64_t turn = atomic_load_explicit(&r->turn, memory_order_acquire);
        r->seen = turn & 1 ? turn : 0;
    }
}

static bool all_have_ended(void)
{
    struct tr_reader *r = atomic_load_explicit(&readers, memory_order_acquire);

    for (; r; r = r->next) {
        if (r->seen && atomic_load_explicit(&r->turn, memory_order_acquire) == r->seen)
            return false;
        r->seen = 0;
    }
    return true;
}

static struct tr_retired *take_fresh(void)
{
    tr__spin_lock(&limbo.lock);
    struct tr_retired *list = limbo.fresh;
    limbo.fresh = NULL;
    atomic_store_explicit(&limbo.n, 0, memory_order_relaxed);
    tr__spin_unlock(&limbo.lock);
    return list;
}

static void free_all(struct tr_retired *list)
{
    while (list) {
        struct tr_retired *next = list->next;
        list->destroy(list);
        list = next;
    }
}

static void gather(void)
{
    struct tr_retired *done = NULL;

    if (!limbo.waiting) {
        limbo.waiting = take_fresh();
        note_open_sections();
    }
    if (all_have_ended()) {
        done = limbo.waiting;
        limbo.waiting = NULL;
    }
    /* Release pairs with the acquire of the next gatherer. */
    atomic_store_explicit(&limbo.gathering, false, memory_order_release);
    free_all(done);
}

void tr__retire(struct tr_retired *r, void (*destroy)(struct tr_retired *retired))
{
    r->destroy = destroy;
    tr__spin_lock(&limbo.lock);
    r->next = limbo.fresh;
    limbo.fresh = r;
    atomic_fetch_add_explicit(&limbo.n, 1, memory_order_relaxed);
    tr__spin_unlock(&limbo.lock);
}

void tr__retired_free(void)
{
    if (tr__unlikely(atomic_load_explicit(&limbo.n, memory_order_relaxed) >= BATCH) &&
        !atomic_exchange_explicit(&limbo.gathering, true, memory_order_acquire))
        gather();
}
