/* SPDX-License-Identifier: MIT */
/*
 * Slabs of slots, and the stack of the free ones.
 *
 * Index 0 is never handed out, so that no pid and no reference is all zeros; the last
 * RESERVED indexes are kept for references that name something other than a process.
 *
 * The stack holds indexes. Behind each slab lies room for as many of them as it has slots, so the
 * stack has room whenever a slot exists.
 */
#include "mem/slots.h"

#include "base/compiler.h"
#include "base/spin.h"
#include "os/pages.h"

#include <string.h>

#define RESERVED   4096u
#define BATCH      64u
#define AHEAD      4u
#define SLAB_BYTES ((size_t)TR__SLAB_SLOTS * (TR__SLOT_SIZE + sizeof(uint32_t)))

_Atomic(char *) tr__slabs[TR__SLABS];

/* For share/troupe/troupe-gdb.py, which does not see macros. Not constant, or it would have no
   place when all is optimised at link time. */
__attribute__((used)) static volatile uint32_t slot_layout[] = { TR__SLOT_SIZE, TR__SLAB_SLOTS };

static struct {
    struct tr_spin lock;
    uint32_t free; /* how many are on the stack; guarded by lock, as is all below */
    uint32_t used; /* how many were ever cut, all free ones included */
    uint32_t limit;
    _Atomic uint32_t end;
} table = { .limit = (1u << TR__SLOT_BITS) - RESERVED - 1, .end = 1 };

/* Cuts the next slot; its index, or 0. The lock is held. */
static uint32_t cut(void)
{
    uint32_t index = atomic_load_explicit(&table.end, memory_order_relaxed);

    if (table.used >= table.limit)
        return 0;
    struct tr_slot *s = tr__slot_at(index);
    if (!s) {
        char *slab = tr__pages_map(SLAB_BYTES, TR__PAGE);
        if (!slab)
            return 0;
        atomic_store_explicit(&tr__slabs[index / TR__SLAB_SLOTS], slab, memory_order_release);
        s = tr__slot_at(index);
    }
    s->index = index;
    table.used++;
    atomic_store_explicit(&table.end, index + 1, memory_order_release);
    return index;
}

/* Where the entry number `i` of the stack lies. */
static uint32_t *entry(uint32_t i)
{
    char *slab = atomic_load_explicit(&tr__slabs[i / TR__SLAB_SLOTS], memory_order_relaxed);
    char *entries = slab + (size_t)TR__SLAB_SLOTS * TR__SLOT_SIZE;

    return (uint32_t *)(void *)entries + i % TR__SLAB_SLOTS;
}

static void reverse(uint32_t *first, uint32_t n)
{
    for (uint32_t i = 0; i < n / 2; i++) {
        uint32_t index = first[i];
        first[i] = first[n - 1 - i];
        first[n - 1 - i] = index;
    }
}

/* Up to `n` free slots; how many. */
static uint32_t common_take(uint32_t *to, uint32_t n)
{
    uint32_t i = 0, old;

    tr__spin_lock(&table.lock);
    while (i < n && table.free > 0)
        to[i++] = *entry(--table.free);
    old = i;
    while (i < n && (to[i] = cut()) != 0)
        i++;
    tr__spin_unlock(&table.lock);
    /* The last is taken first: so the pids of a young program go up. */
    reverse(to + old, i - old);
    return i;
}

static void common_give(const uint32_t *from, uint32_t n)
{
    tr__spin_lock(&table.lock);
    while (n > 0)
        *entry(table.free++) = from[--n];
    tr__spin_unlock(&table.lock);
}

static bool refill(struct tr_slot_cache *cache)
{
    cache->count = common_take(cache->free, BATCH);
    cache->foreign = cache->count;
    return cache->count > 0;
}

/* One was taken that another core may have had: asks for the one that is a few behind it. */
static void fetch_ahead(struct tr_slot_cache *cache)
{
    cache->foreign = cache->count;
    if (cache->count >= AHEAD)
        tr__slot_prefetch(tr__slot_at(cache->free[cache->count - AHEAD]));
}

void *tr__slot_take(struct tr_slot_cache *cache)
{
    uint32_t index;

    if (!cache)
        return common_take(&index, 1) ? tr__slot_at(index) : NULL;
    if (cache->count == 0 && !refill(cache))
        return NULL;
    index = cache->free[--cache->count];
    if (tr__unlikely(cache->count < cache->foreign))
        fetch_ahead(cache);
    return tr__slot_at(index);
}

void tr__slot_return(struct tr_slot_cache *cache, void *slot)
{
    uint32_t index = ((struct tr_slot *)slot)->index;

    if (!cache) {
        common_give(&index, 1);
        return;
    }
    cache->free[cache->count++] = index;
    if (cache->count < TR__SLOTS_CACHED)
        return;
    /* Those that were not used for longest, all foreign ones among them. */
    common_give(cache->free, TR__SLOTS_CACHED / 2);
    cache->foreign = 0;
    cache->count -= TR__SLOTS_CACHED / 2;
    memcpy(cache->free, cache->free + cache->count, cache->count * sizeof cache->free[0]);
}

void tr__slot_cache_flush(struct tr_slot_cache *cache)
{
    common_give(cache->free, cache->count);
    cache->count = cache->foreign = 0;
}

void tr__slot_limit(uint32_t n)
{
    uint32_t most = (1u << TR__SLOT_BITS) - RESERVED - 1;

    table.limit = n < most ? n : most;
}

uint32_t tr__slot_end(void)
{
    return atomic_load_explicit(&table.end, memory_order_acquire);
}
