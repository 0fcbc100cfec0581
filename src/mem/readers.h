/* SPDX-License-Identifier: MIT */
/*
 * Read sections: how a table is read without a lock while others remove from it.
 *
 *     struct tr_reader *r = tr__read_begin();
 *     ... follows pointers that it loads with acquire, and copies what it wants ...
 *     tr__read_end(r);
 *
 * Who takes something out of such a table retires it instead of freeing it: it is freed once every
 * section that was open at that time has ended. A section costs two plain stores to a record of the
 * thread; who frees makes all threads pass a memory barrier first (membarrier), once for a whole
 * batch. A section never waits, switches or nests; one that is left by a raise ends with the next
 * one of its thread.
 *
 * On kernels without membarrier, and on threads that get no record for lack of memory, a section
 * holds a lock instead.
 */
#ifndef TROUPE_MEM_READERS_H
#define TROUPE_MEM_READERS_H

#include "os/tls.h"

#include <stdint.h>

struct tr_reader {
    _Atomic(uint64_t) turn; /* odd in a section; never the same odd number twice */
    uint64_t seen;          /* whoever gathers: `turn` of the section that is waited for, or 0 */
    struct tr_reader *next; /* list of all records, which are never freed */
    _Atomic(bool) taken;    /* by a thread */
} TR__ALIGNED(TR__CACHE_LINE);

/* Something taken out of a table. */
struct tr_retired {
    struct tr_retired *next;
    void (*destroy)(struct tr_retired *retired);
};

/* To be called before the first table is made. Any thread, any number of times. */
void tr__readers_prepare(void);

/* Has it freed, by destroy(r), once nobody reads it any more. Any thread, also with locks held. */
void tr__retire(struct tr_retired *r, void (*destroy)(struct tr_retired *retired));

/* Frees what was retired and can be freed, when it has become a batch. To be called by whoever
   retires, outside of sections and without a lock. Any thread. */
void tr__retired_free(void);

/* The thread's record, made now; NULL, the lock taken, when there is none. */
struct tr_reader *tr__reader_make(void);
void tr__reader_unlock(void);

static inline struct tr_reader *tr__read_begin(void)
{
    struct tr_reader *r = tr__tls()->reader;

    if (tr__unlikely(!r) && !(r = tr__reader_make()))
        return NULL;
    uint64_t turn = atomic_load_explicit(&r->turn, memory_order_relaxed);
    /* Release only so that every value of `turn` hands on what the sections before it have read. */
    atomic_store_explicit(&r->turn, turn + 1 + (turn & 1), memory_order_release);
    /* As in tr__tls_enter: for the processor, the barrier of who frees sees to it. */
    atomic_signal_fence(memory_order_seq_cst);
    return r;
}

static inline void tr__read_end(struct tr_reader *r)
{
    if (tr__unlikely(!r)) {
        tr__reader_unlock();
        return;
    }
    uint64_t turn = atomic_load_explicit(&r->turn, memory_order_relaxed);
    /* Release pairs with the acquire of who frees. */
    atomic_store_explicit(&r->turn, turn + 1, memory_order_release);
}

#endif
