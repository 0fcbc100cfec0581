/* SPDX-License-Identifier: MIT */
/*
 * Read sections: how a table is read without a lock while others remove from it.
 *
 *     struct tr_reader *r = tr__read_begin();
 *     ... follows pointers that it loads with acquire, and copies what it wants ...
 *     tr__read_end(r);
 *
 * What a section finds is not freed before its end. Who takes something out of such a table does
 * not free it, but retires it, and it is freed when every section is over that could have found it.
 *
 * A section is marked in a record of the worker: its `turn` is odd meanwhile. Who waits for the
 * sections looks at the turns of all records. This is the invariant that makes that enough:
 *
 *     A section is open only within one function of the library, on a thread that is inside
 *     (src/os/tls.h) and so has its worker, or holds the lock of the shared record below.
 *
 * So nothing leaves one open. Nobody takes the worker from a thread that is inside, no kick ends a
 * process there, and a fault there ends the program. There is no context switch in a section:
 * tr__switch_out checks it. What is raised in one (memory may be short for comparing deep terms)
 * either stays in it, or ends it on its way out, in tr__raise_in_process. Sections do not nest.
 *
 * Threads without a worker, which are few, share one record: they take its lock for a section.
 * Therefore such a section waits for nobody. One on a worker may wait for another section, or for
 * who holds a lock within one, but not for a process to run.
 *
 * The order of memory is reasoned about in readers.c.
 */
#ifndef TROUPE_MEM_READERS_H
#define TROUPE_MEM_READERS_H

#include "base/compiler.h"
#include "base/panic.h"
#include "os/tls.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something taken out of a table. */
struct tr_retired {
    struct tr_retired *next;
    void (*destroy)(struct tr_retired *retired);
};

struct tr_retired_lists {
    struct tr_retired *things;
    _Atomic(uintptr_t) *words; /* see tr__reader_retire_word */
};

struct tr_reader {
    _Atomic(uint64_t) turn; /* odd in a section; only grows; written by the owner */
    bool light;             /* its sections are plain stores; as given to tr__reader_add */
    uint64_t seen;          /* the turn of a section that is waited for, or 0; this and `next` are
                               guarded by the lock of the grace periods */
    struct tr_reader *next; /* list of all records */

    /* What the owner has retired; owner only. */
    struct tr_retired_lists fresh TR__ALIGNED(TR__CACHE_LINE);
    struct tr_retired_lists waiting; /* for the grace period `ticket` to be over */
    uint64_t ticket;
    size_t size;   /* of the fresh ones, bytes */
    size_t enough; /* that size is worth a look whether something may be freed */
} TR__ALIGNED(TR__CACHE_LINE);

/* --- the owner of a record: a thread that is inside, of its worker's --- */

static inline void tr__reader_begin(struct tr_reader *r)
{
    uint64_t next = atomic_load_explicit(&r->turn, memory_order_relaxed) + 1;

    TR__CHECK(next % 2);
    if (tr__unlikely(!r->light)) {
        atomic_exchange_explicit(&r->turn, next, memory_order_acq_rel);
        return;
    }
    /* The compiler keeps the order; for the processor the barrier of a grace period sees to it. */
    atomic_store_explicit(&r->turn, next, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void tr__reader_end(struct tr_reader *r)
{
    uint64_t next = atomic_load_explicit(&r->turn, memory_order_relaxed) + 1;

    TR__CHECK(next % 2 == 0);
    if (tr__unlikely(!r->light)) {
        atomic_exchange_explicit(&r->turn, next, memory_order_acq_rel);
        return;
    }
    /* Release pairs with the acquire of who looks: what the section read, it has read by then. */
    atomic_store_explicit(&r->turn, next, memory_order_release);
}

static inline bool tr__reader_is_open(const struct tr_reader *r)
{
    return atomic_load_explicit(&r->turn, memory_order_relaxed) % 2;
}

/*
 * Retires what is no longer to be found: destroy(retired) is called once no section that could know
 * of it is left. `size` is what it holds, in bytes. In a section or not, also with locks held.
 * Frees nothing by itself: see tr__reader_sweep.
 */
void tr__reader_retire(struct tr_reader *r, struct tr_retired *retired,
                       void (*destroy)(struct tr_retired *retired), size_t size);

/*
 * The same for objects that are many: they are linked by a word that they have anyway, which
 * becomes odd, and are all of one kind. What destroys one is set before the first is retired.
 */
void tr__reader_retire_word(struct tr_reader *r, _Atomic(uintptr_t) *word, size_t size);
extern void (*tr__retired_word_destroy)(_Atomic(uintptr_t) *word);

/* Frees what may be freed. Not in a section. Waits for nobody. */
void tr__reader_sweep_now(struct tr_reader *r);

/* The same if it is worth the effort. */
static inline void tr__reader_sweep(struct tr_reader *r)
{
    if (tr__unlikely(r->size >= r->enough))
        tr__reader_sweep_now(r);
}

/* Waits until all sections that are going on have ended. Not in a section. */
void tr__readers_wait(void);

/*
 * Makes a record known, which is zero but for that; `light` when tr__barrier_prepare has said so.
 * It must be known before its first section begins.
 */
void tr__reader_add(struct tr_reader *r, bool light);

/* Takes a record back that has no section any more, and frees what its owner has retired; waits for
   the sections of others as tr__readers_wait. */
void tr__reader_remove(struct tr_reader *r);

/* --- any thread, with a worker or without; inside, if it is the library's --- */

/* The record to be given to tr__read_end. */
struct tr_reader *tr__read_begin(void);

/* The same for a caller that is inside; `tls` is the calling thread's. */
static inline struct tr_reader *tr__read_begin_inside(struct tr_tls *tls)
{
    if (tr__unlikely(!tls->reader || tr__tls_lost(tls)))
        return tr__read_begin();
    tr__reader_begin(tls->reader);
    return tls->reader;
}

void tr__read_end(struct tr_reader *r);

/* As tr__reader_retire. */
void tr__retire(struct tr_retired *retired, void (*destroy)(struct tr_retired *retired),
                size_t size);

/* As tr__reader_sweep; without locks. */
void tr__retired_free(void);

#endif
