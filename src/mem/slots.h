/* SPDX-License-Identifier: MIT */
/*
 * The table of processes' control blocks: type-stable slots found by index without a lock.
 *
 * A slot is never unmapped and never becomes another type. So whoever holds an old index may
 * still look: it finds either its process or a later one, and tells them apart by the generation
 * in the pid. That is what lets tr_send work without a lock and without deferred reclamation.
 */
#ifndef TROUPE_MEM_SLOTS_H
#define TROUPE_MEM_SLOTS_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sanitizers' records of a suspended stack need more room. */
#ifdef TR__SANITIZED
#define TR__SLOT_SIZE 384u
#else
#define TR__SLOT_SIZE 320u
#endif
#define TR__SLOT_BITS    24
#define TR__SLAB_SLOTS   4096u
#define TR__SLABS        ((1u << TR__SLOT_BITS) / TR__SLAB_SLOTS)
#define TR__SLOTS_CACHED 256u

/* What every slot begins with. */
struct tr_slot {
    uint32_t index;
};

/* The free slots of one worker, the one that was used last on top. Indexes, not a list through the
   slots: who takes over those of another core does not wait for one to find the next. */
struct tr_slot_cache {
    uint32_t count;
    uint32_t foreign; /* so many, the lowest, may be in another core's cache */
    uint32_t free[TR__SLOTS_CACHED];
};

extern _Atomic(char *) tr__slabs[TR__SLABS];

/* The slot of that index, or NULL when no such slot was ever used. Any thread. */
TR__INLINED void *tr__slot_at(uint32_t index)
{
    /* Acquire pairs with the release in slots.c: a slab that is seen is seen zeroed and numbered.
     */
    char *slab = atomic_load_explicit(&tr__slabs[index / TR__SLAB_SLOTS], memory_order_acquire);

    return slab ? slab + (size_t)(index % TR__SLAB_SLOTS) * TR__SLOT_SIZE : NULL;
}

/* A free slot, or NULL at the limit or without memory. `cache` may be NULL, for the common ones;
   here and below. Zeroed at first use only. */
void *tr__slot_take(struct tr_slot_cache *cache);

void tr__slot_return(struct tr_slot_cache *cache, void *slot);

/* Asks for all of a slot that is soon to be written, if another core has it. */
static inline void tr__slot_prefetch(void *slot)
{
    for (uint32_t i = 0; i < TR__SLOT_SIZE; i += TR__CACHE_LINE)
        tr__prefetch_to_write((char *)slot + i);
}

/* Hands the slots in `cache` to the common ones. */
void tr__slot_cache_flush(struct tr_slot_cache *cache);

/* At most `n` slots exist at once; to be set before the first is taken. */
void tr__slot_limit(uint32_t n);

/* One more than the highest index ever used. */
uint32_t tr__slot_end(void);

#endif
