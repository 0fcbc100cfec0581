/* SPDX-License-Identifier: MIT */
/*
 * Size classes, the caches of the workers, and the depot between them.
 *
 * Invariants: a chain in the depot holds BATCH blocks or fewer, its blocks linked by their first
 * word, and the chain's successor and its count stand in the second and third word of its first
 * block. A cache holds at most two batches a class, so the memory that sits idle in caches is
 * bounded by classes x workers x 2 batches, which is 1.4 MB for each worker.
 *
 * Blocks above the largest class, and all blocks of a build that a sanitizer or Valgrind is to
 * watch, come from malloc, where those tools see a late use.
 */
#include "mem/block.h"

#include "base/compiler.h"
#include "base/fault.h"
#include "base/panic.h"
#include "base/spin.h"
#include "os/fork.h"
#include "os/pages.h"
#include "os/tls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_SIZE   (256u * 1024u)
#define MANY_SIZE   (8u * 1024u * 1024u)
#define BATCH_BYTES 8192u
#define BATCH_MIN   32u /* blocks: each exchange with the depot takes a lock twice */

/* Class, the size of the class below it, its own size. */
#define CLASSES(X)                                                                                 \
    X(0, -16, 32)                                                                                  \
    X(1, 32, 48)                                                                                   \
    X(2, 48, 64)                                                                                   \
    X(3, 64, 80)                                                                                   \
    X(4, 80, 96)                                                                                   \
    X(5, 96, 112)                                                                                  \
    X(6, 112, 128)                                                                                 \
    X(7, 128, 160)                                                                                 \
    X(8, 160, 192)                                                                                 \
    X(9, 192, 224)                                                                                 \
    X(10, 224, 256)                                                                                \
    X(11, 256, 320)                                                                                \
    X(12, 320, 384)                                                                                \
    X(13, 384, 448)                                                                                \
    X(14, 448, 512)                                                                                \
    X(15, 512, 640)                                                                                \
    X(16, 640, 768)                                                                                \
    X(17, 768, 1024)                                                                               \
    X(18, 1024, 1280)                                                                              \
    X(19, 1280, 1536)                                                                              \
    X(20, 1536, 2048)                                                                              \
    X(21, 2048, 2560)                                                                              \
    X(22, 2560, 3072)                                                                              \
    X(23, 3072, 4096)

static const uint16_t class_size[TR__BLOCK_CLASSES] = {
#define SIZE(class, below, size) [class] = size,
    CLASSES(SIZE)
};

/* Constants: constructors of the program may allocate before any constructor of ours would have
   filled them. */
const uint8_t tr__block_class_of_step[TR__BLOCK_LARGEST / 16 + 1] = {
#define STEPS(class, below, size) [(below) / 16 + 1 ...(size) / 16] = class,
    CLASSES(STEPS)
};

/* How many blocks a batch of each has. */
static const uint16_t batch[TR__BLOCK_CLASSES] = {
#define BATCH(class, below, size)                                                                  \
    [class] = BATCH_BYTES / (size) < BATCH_MIN ? BATCH_MIN : BATCH_BYTES / (size),
    CLASSES(BATCH)
};

struct depot {
    struct tr_spin lock;
    void *chains;      /* guarded by lock */
    char *fresh, *end; /* guarded by lock: the rest of the newest slab */
    size_t mapped;     /* guarded by lock: bytes of all slabs */
} TR__ALIGNED(TR__CACHE_LINE);

static struct depot depots[TR__BLOCK_CLASSES];
static _Atomic size_t reserved;

static inline void **word(void *block, int i)
{
    return (void **)block + i;
}

/* A fresh slab; false without memory. A class with many blocks gets huge pages: they save a miss in
   the TLB for each block that is looked at. The depot's lock is held. */
static bool map_slab(struct depot *d)
{
    bool many = d->mapped >= MANY_SIZE;
    size_t size = many ? TR__HUGE_PAGE : SLAB_SIZE;
    char *slab = many ? tr__pages_map_huge(size) : tr__pages_map(size, TR__PAGE);

    if (!slab)
        return false;
    atomic_fetch_add_explicit(&reserved, size, memory_order_relaxed);
    d->mapped += size;
    d->fresh = slab;
    d->end = slab + size;
    return true;
}

/* A batch cut from fresh memory, or an empty chain. The depot's lock is held. */
static struct tr_block_chain carve(struct depot *d, unsigned c)
{
    struct tr_block_chain chain = { NULL, 0, batch[c] };
    size_t size = class_size[c];

    if ((size_t)(d->end - d->fresh) < size && !map_slab(d))
        return chain;
    uint32_t fit = (uint32_t)((size_t)(d->end - d->fresh) / size);
    uint32_t n = fit < batch[c] ? fit : batch[c];
    /* Linked so that the lowest address is handed out first: neighbours in time are neighbours in
       memory, which the hardware prefetches. */
    for (uint32_t i = 0; i < n; i++) {
        char *block = d->fresh + i * size;
        *word(block, 0) = i + 1 < n ? block + size : NULL;
    }
    chain.head = d->fresh;
    chain.count = n;
    d->fresh += n * size;
    return chain;
}

static struct tr_block_chain depot_take(unsigned c)
{
    struct depot *d = &depots[c];
    struct tr_block_chain chain = { NULL, 0, batch[c] };

    tr__spin_lock(&d->lock);
    if (d->chains) {
        chain.head = d->chains;
        d->chains = *word(chain.head, 1);
        chain.count = (uint32_t)(uintptr_t)*word(chain.head, 2);
    } else {
        chain = carve(d, c);
    }
    tr__spin_unlock(&d->lock);
    return chain;
}

static void depot_give(unsigned c, struct tr_block_chain chain)
{
    struct depot *d = &depots[c];

    if (!chain.head)
        return;
    tr__spin_lock(&d->lock);
    *word(chain.head, 1) = d->chains;
    *word(chain.head, 2) = (void *)(uintptr_t)chain.count;
    d->chains = chain.head;
    tr__spin_unlock(&d->lock);
}

static TR__NOINLINE void *system_alloc(size_t size)
{
    int saved = errno;
    void *p = malloc(size);

    errno = saved;
    return p;
}

TR__NOINLINE void *tr__block_alloc_slow(size_t size)
{
    if (tr__block_from_system(size))
        return system_alloc(size);
    tr__fork_check();
    unsigned c = tr__block_class(size);
    struct tr_block_cache *cache = tr__block_cache_of(tr__tls_call());
    struct tr_block_chain chain;

    if (!cache) {
        chain = depot_take(c);
        if (!chain.head)
            return NULL;
        void *p = tr__block_pop(&chain);
        depot_give(c, chain);
        return p;
    }
    if (cache->spare[c].head) {
        cache->active[c] = cache->spare[c];
        cache->spare[c] = (struct tr_block_chain){ NULL, 0, batch[c] };
    } else {
        cache->active[c] = depot_take(c);
    }
    return cache->active[c].head ? tr__block_pop(&cache->active[c]) : NULL;
}

TR__NOINLINE void tr__block_free_slow(void *p, size_t size)
{
    if (tr__block_from_system(size)) {
        free(p);
        return;
    }
    tr__fork_check();
    unsigned c = tr__block_class(size);
    struct tr_block_cache *cache = tr__block_cache_of(tr__tls_call());

    if (!cache) {
        *word(p, 0) = NULL;
        depot_give(c, (struct tr_block_chain){ p, 1, batch[c] });
        return;
    }
    depot_give(c, cache->spare[c]);
    cache->spare[c] = cache->active[c];
    *word(p, 0) = NULL;
    cache->active[c] = (struct tr_block_chain){ p, 1, batch[c] };
}

void *tr__block_alloc(size_t size)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);
    void *p = tr__block_alloc_inside(tls, size);

    tr__tls_leave(tls, was);
    return p;
}

void tr__block_free(void *p, size_t size)
{
    if (!p)
        return;
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);

    tr__block_free_inside(tls, p, size);
    tr__tls_leave(tls, was);
}

void tr__block_cache_flush(struct tr_block_cache *cache)
{
    tr__shared_settle(&cache->hand);
    for (unsigned c = 0; c < TR__BLOCK_CLASSES; c++) {
        depot_give(c, cache->active[c]);
        depot_give(c, cache->spare[c]);
    }
    memset(cache, 0, sizeof *cache);
}

size_t tr__block_reserved(void)
{
    return atomic_load_explicit(&reserved, memory_order_relaxed);
}
