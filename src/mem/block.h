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

#include <stddef.h>
#include <stdint.h>

#define TR__BLOCK_CLASSES 24

/* A chain of free blocks of one class. */
struct tr_block_chain {
    void *head;
    uint32_t count;
};

/* The free blocks of one worker: two chains a class, so that one batch is always at hand. */
struct tr_block_cache {
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

/* Hands everything in `cache` to the depot. Nobody may be using it. */
void tr__block_cache_flush(struct tr_block_cache *cache);

/* Bytes taken from the system for blocks, whether in use or free. Any thread. */
size_t tr__block_reserved(void);

#endif
