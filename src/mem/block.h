/* SPDX-License-Identifier: MIT */
/*
 * Blocks: the small pieces of memory that messages, signals, timers and links are made of.
 *
 * A message is allocated by its sender and freed by its receiver, usually on another core. So a
 * block belongs to nobody: it is freed into the cache of whoever frees it, and caches exchange
 * whole batches through a depot. In the steady state an allocation and a free are a few
 * instructions each, without an atomic one.
 */
#ifndef TROUPE_MEM_BLOCK_H
#define TROUPE_MEM_BLOCK_H

#include "base/compiler.h"
#include "base/fault.h"
#include "mem/counted.h"
#include "os/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TR__BLOCK_CLASSES 24
#define TR__BLOCK_LARGEST 4096u

/* A chain of free blocks of one class. */
struct tr_block_chain {
    void *head;
    uint32_t count;
    uint32_t most; /* that it may have: a batch of its class; 0 while it has never had any */
};

/* The free blocks of one worker: two chains a class, so that one batch is always at hand; and the
   references that it has in hand. */
struct tr_block_cache {
    struct tr_shared_hand hand;
    struct tr_block_chain active[TR__BLOCK_CLASSES];
    struct tr_block_chain spare[TR__BLOCK_CLASSES];
};

/*
 * `size` bytes aligned to 16, or NULL. The contents are undefined. Any thread: one without a
 * cache goes to the depot. Never blocks but for the system's own memory calls.
 */
void *tr__block_alloc(size_t size);

/* Frees a block; `size` is what it was allocated with. NULL is allowed. Any thread. */
void tr__block_free(void *p, size_t size);

/* The same for a caller that is inside (os/tls.h); `tls` is the calling thread's. */
TR__INLINED void *tr__block_alloc_inside(struct tr_tls *tls, size_t size);
TR__INLINED void tr__block_free_inside(struct tr_tls *tls, void *p, size_t size);

/* Hands everything in `cache` to the depot. Nobody may be using it. */
void tr__block_cache_flush(struct tr_block_cache *cache);

/* Bytes taken from the system for blocks, whether in use or free. Any thread. */
size_t tr__block_reserved(void);

/* --- inline --- */

/* Does the block come from malloc, where the tools that watch memory see a late use? */
static inline bool tr__block_from_system(size_t size)
{
#if defined(TR__SANITIZED) || defined(TR_VALGRIND)
    (void)size;
    return true;
#else
    return size > TR__BLOCK_LARGEST;
#endif
}

/* The class of each size in steps of 16 bytes. */
extern const uint8_t tr__block_class_of_step[TR__BLOCK_LARGEST / 16 + 1];

/* Where the cache cannot serve; the caller is inside. */
void *tr__block_alloc_slow(size_t size);
void tr__block_free_slow(void *p, size_t size);

static inline unsigned tr__block_class(size_t size)
{
    return tr__block_class_of_step[(size + 15) / 16];
}

/* The cache of the worker that the thread works for; NULL when it has none, or has lost it. The
   thread is inside. */
static inline struct tr_block_cache *tr__block_cache_of(struct tr_tls *tls)
{
    return tr__tls_lost(tls) ? NULL : tls->blocks;
}

static inline void *tr__block_pop(struct tr_block_chain *chain)
{
    void *p = chain->head;

    chain->head = *(void **)p;
    chain->count--;
    /* Another core may have written it last, or nobody yet: fetch it while the caller fills this
       one. */
    __builtin_prefetch(chain->head, 1);
    __builtin_prefetch((char *)chain->head + TR__CACHE_LINE, 1);
    return p;
}

static inline void tr__block_push(struct tr_block_chain *chain, void *p)
{
    *(void **)p = chain->head;
    chain->head = p;
    chain->count++;
}

/* One that is at hand; NULL when there is none, or the thread has lost its worker. */
TR__INLINED void *tr__block_at_hand(struct tr_tls *tls, size_t size)
{
    if (tr__likely(!tr__block_from_system(size))) {
        struct tr_block_cache *cache = tr__block_cache_of(tls);
        unsigned c = tr__block_class(size);
        if (tr__likely(cache && cache->active[c].head))
            return tr__block_pop(&cache->active[c]);
    }
    return NULL;
}

TR__INLINED void *tr__block_alloc_inside(struct tr_tls *tls, size_t size)
{
    if (tr__fault())
        return NULL;
    void *p = tr__block_at_hand(tls, size);
    return tr__likely(p) ? p : tr__block_alloc_slow(size);
}

TR__INLINED void tr__block_free_inside(struct tr_tls *tls, void *p, size_t size)
{
    if (tr__likely(!tr__block_from_system(size))) {
        struct tr_block_cache *cache = tr__block_cache_of(tls);
        unsigned c = tr__block_class(size);
#ifdef TR_CHECKS
        memset(p, 0xdb, size);
#endif
        if (tr__likely(cache && cache->active[c].count < cache->active[c].most)) {
            tr__block_push(&cache->active[c], p);
            return;
        }
    }
    tr__block_free_slow(p, size);
}

/* tr__shared_retain where the worker has one in hand, as it most often has; the caller is inside.
 */
static inline void tr__shared_retain_inside(struct tr_tls *tls, struct tr_shared *shared)
{
    struct tr_block_cache *cache = tr__block_cache_of(tls);

    if (tr__likely(cache && cache->hand.of == shared && cache->hand.n))
        cache->hand.n--;
    else
        tr__shared_retain(shared);
}

/* tr__shared_release to the hand, where the worker has one in it already and others have some too;
   false: nothing was done. The caller is inside. */
static inline bool tr__shared_release_inside(struct tr_tls *tls, struct tr_shared *shared)
{
    struct tr_block_cache *cache = tr__block_cache_of(tls);

    if (!cache || cache->hand.of != shared || !cache->hand.n ||
        atomic_load_explicit(&shared->refs, memory_order_acquire) == cache->hand.n + 1)
        return false;
    cache->hand.n++;
    return true;
}

#endif
