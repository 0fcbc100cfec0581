/* SPDX-License-Identifier: MIT */
/*
 * Slabs of slots, and the list of the free ones.
 *
 * Index 0 is never handed out, so that no pid and no reference is all zeros; the last
 * RESERVED indexes are kept for references that name something other than a process.
 */
#include "mem/slots.h"

#include "base/compiler.h"
#include "base/spin.h"
#include "os/pages.h"

#define RESERVED 4096u
#define BATCH    64u

_Atomic(char *) tr__slabs[TR__SLABS];

/* For share/troupe/troupe-gdb.py, which does not see macros. Not constant, or it would have no
   place when all is optimised at link time. */
__attribute__((used)) static volatile uint32_t slot_layout[] = { TR__SLOT_SIZE, TR__SLAB_SLOTS };

static struct {
    struct tr_spin lock;
    struct tr_slot *free; /* guarded by lock, as is all below */
    uint32_t used;        /* how many were ever cut, all free ones included */
    uint32_t limit;
    _Atomic uint32_t end;
} table = { .limit = (1u << TR__SLOT_BITS) - RESERVED - 1, .end = 1 };

/* Cuts the next slot. The lock is held. */
static struct tr_slot *cut(void)
{
    uint32_t index = atomic_load_explicit(&table.end, memory_order_relaxed);

    if (table.used >= table.limit)
        return NULL;
    if (!tr__slot_at(index)) {
        char *slab = tr__pages_map((size_t)TR__SLAB_SLOTS * TR__SLOT_SIZE, TR__PAGE);
        if (!slab)
            return NULL;
        atomic_store_explicit(&tr__slabs[index / TR__SLAB_SLOTS], slab, memory_order_release);
    }
    struct tr_slot *s = tr__slot_at(index);
    s->index = index;
    table.used++;
    atomic_store_explicit(&table.end, index + 1, memory_order_release);
    return s;
}

static struct tr_slot *common_take(void)
{
    struct tr_slot *s = table.free;

    if (!s)
        return cut();
    table.free = s->next_free;
    return s;
}

/* Fills the cache with up to a batch, so that the lock is taken once for many processes. */
static void refill(struct tr_slot_cache *cache)
{
    struct tr_slot *first = NULL;
    struct tr_slot **last = &first;

    tr__spin_lock(&table.lock);
    for (uint32_t i = 0; i < BATCH; i++) {
        struct tr_slot *s = common_take();
        if (!s)
            break;
        *last = s;
        last = &s->next_free;
        cache->count++;
    }
    tr__spin_unlock(&table.lock);
    *last = NULL;
    cache->head = first;
}

void *tr__slot_take(struct tr_slot_cache *cache)
{
    if (!cache) {
        tr__spin_lock(&table.lock);
        struct tr_slot *s = common_take();
        tr__spin_unlock(&table.lock);
        return s;
    }
    if (!cache->head)
        refill(cache);
    struct tr_slot *s = cache->head;
    if (s) {
        cache->head = s->next_free;
        cache->count--;
    }
    return s;
}

static void give(struct tr_slot_cache *cache, uint32_t n)
{
    tr__spin_lock(&table.lock);
    for (uint32_t i = 0; i < n; i++) {
        struct tr_slot *s = cache->head;
        cache->head = s->next_free;
        s->next_free = table.free;
        table.free = s;
    }
    tr__spin_unlock(&table.lock);
    cache->count -= n;
}

void tr__slot_return(struct tr_slot_cache *cache, void *slot)
{
    struct tr_slot *s = slot;

    s->next_free = cache->head;
    cache->head = s;
    if (++cache->count >= 4 * BATCH)
        give(cache, 2 * BATCH);
}

void tr__slot_cache_flush(struct tr_slot_cache *cache)
{
    give(cache, cache->count);
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
