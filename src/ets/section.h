/* SPDX-License-Identifier: MIT */
/*
 * Sections: what is read without a lock stays until nobody can be looking at it.
 *
 * Whatever a reader finds in a table between tr__section_begin and tr__section_end is not freed
 * before the end, even if a writer takes it out meanwhile: the writer retires it instead. A section
 * is short, has no context switch in it, and nothing is raised in it. A worker runs at most one.
 */
#ifndef TROUPE_ETS_SECTION_H
#define TROUPE_ETS_SECTION_H

#include "base/compiler.h"
#include "os/barrier.h"
#include "proc/proc.h"

/* The sections of one worker: odd while it is in one. Written by the worker, read by all. */
struct tr_section {
    _Atomic uint64_t count TR__ALIGNED(TR__CACHE_LINE);
};

extern struct tr_section tr__sections[TR__MAX_WORKERS];

/* The thread is inside and has a worker. */
static inline void tr__section_begin(struct tr_worker *w)
{
    _Atomic uint64_t *count = &tr__sections[w->index].count;
    uint64_t next = atomic_load_explicit(count, memory_order_relaxed) + 1;

    if (tr__unlikely(!tr__barrier_there)) {
        atomic_exchange_explicit(count, next, memory_order_seq_cst);
        return;
    }
    /* The compiler keeps the order; for the processor the barrier of who reclaims sees to it. */
    atomic_store_explicit(count, next, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
}

static inline void tr__section_end(struct tr_worker *w)
{
    _Atomic uint64_t *count = &tr__sections[w->index].count;

    /* Release pairs with the acquire of who reclaims: what was read was read before. */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_release);
}

/* Something retired: `destroy` is called once no section that could know of it is left. */
struct tr_section_retired {
    struct tr_section_retired *next; /* the list of the worker that retired it */
    void (*destroy)(struct tr_section_retired *retired);
};

struct tr_node;

/*
 * Retires what is no longer to be found; `size` is what it holds in bytes. The thread is inside,
 * in a section or not. Frees nothing by itself: see tr__section_sweep. Objects, which are many, are
 * linked by a word they have anyway (node.h).
 */
void tr__section_retire(struct tr_worker *w, struct tr_section_retired *retired, size_t size);
void tr__section_retire_node(struct tr_worker *w, struct tr_node *node);

/* Frees what was retired and may be freed, if there is enough of it. Not in a section. */
void tr__section_sweep_now(struct tr_worker *w);

struct tr_limbo_lists {
    struct tr_section_retired *others;
    struct tr_node *nodes;
};

/* What a worker has retired. */
struct tr_limbo {
    struct tr_limbo_lists fresh;   /* since the last sweep began */
    struct tr_limbo_lists waiting; /* for the sections below to end */
    size_t size;                   /* of the fresh ones, bytes */
    int nseen;
    struct {
        int worker;
        uint64_t count;
    } seen[8];
} TR__ALIGNED(TR__CACHE_LINE);

#ifdef TR_HOSTILE
#define TR__LIMBO_MAX 1u
#else
#define TR__LIMBO_MAX (64u * 1024u)
#endif

extern struct tr_limbo tr__limbos[TR__MAX_WORKERS];

static inline void tr__section_sweep(struct tr_worker *w)
{
    if (tr__unlikely(tr__limbos[w->index].size >= TR__LIMBO_MAX))
        tr__section_sweep_now(w);
}

/* Waits until all sections that are going on have ended. Not in a section. */
void tr__section_wait(void);

/* Frees everything: when no process is left. */
void tr__sections_fini(void);

#endif
