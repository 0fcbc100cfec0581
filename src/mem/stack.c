/* SPDX-License-Identifier: MIT */
/*
 * Pools of stacks, one for each power of two.
 *
 * Stacks are cut from regions of address space that are never unmapped; a free stack waits in its
 * pool. The pool keeps the pages of WARM_MAX free stacks for good. Those beyond give theirs back
 * to the system when nobody has needed them for a while, so that a peak of a million processes does
 * not hold four gigabytes for ever; not at once, since most will be needed again, and each time
 * interrupts all cores.
 *
 * Tops are staggered by a few cache lines from stack to stack: at equal distances from a power of
 * two, the live frames of all processes would fall into the same few sets of the first-level
 * cache.
 */
#include "mem/stack.h"

#include "base/compiler.h"
#include "base/spin.h"
#include "mem/block.h"
#include "os/pages.h"
#include "os/valgrind.h"

#define ORDER_MIN    14 /* 16 KiB: three pages and the guard */
#define ORDER_MAX    30
#define REGION_ORDER 26
#define WARM_MAX     4096
#define COLOURS      16
#define RESERVE      (4u * TR__PAGE)

/* A cold stack has no page to keep its own record in. */
struct cold {
    struct cold *next;
    char *base;
};

struct pool {
    struct tr_spin lock;
    struct tr_stack *warm; /* guarded by lock, as is all below */
    struct cold *cold;     /* stacks whose pages were given back */
    size_t nwarm;
    size_t least;      /* the least that nwarm has been since the last tr__stacks_age */
    char *fresh, *end; /* address space not yet cut */
    size_t made;
    size_t surplus; /* warm stacks to be made cold; of who calls tr__stacks_trim */
} TR__ALIGNED(TR__CACHE_LINE);

static struct pool pools[ORDER_MAX + 1];

static unsigned order_of(size_t size)
{
    unsigned order = ORDER_MIN;

    while (order < ORDER_MAX && ((size_t)1 << order) < size)
        order++;
    return order;
}

/* What is guarded at the low end of a stack: one page for good, and the reserve. */
static size_t guarded(unsigned order)
{
    return TR__PAGE + ((size_t)1 << order >= TR__STACK_DEFAULT ? RESERVE : 0);
}

static struct tr_stack *record_at(char *base, unsigned order, size_t colour)
{
    char *end = base + ((size_t)1 << order);

    return (struct tr_stack *)(void *)(end - (colour % COLOURS) * TR__CACHE_LINE -
                                       sizeof(struct tr_stack));
}

/* Cuts the next stack from fresh address space; NULL without memory or guards. Lock held. */
static char *cut(struct pool *pool, unsigned order)
{
    size_t size = (size_t)1 << order;

    if (pool->fresh == pool->end) {
        size_t region = order < REGION_ORDER ? (size_t)1 << REGION_ORDER : size;
        char *p = tr__pages_map(region, size < ((size_t)1 << 21) ? size : (size_t)1 << 21);
        if (!p)
            return NULL;
        pool->fresh = p;
        pool->end = p + region;
    }
    if (!tr__pages_guard(pool->fresh, guarded(order)))
        return NULL;
    char *base = pool->fresh;
    pool->fresh += size;
    tr__valgrind_stack(base + TR__PAGE, base + size - 1);
    return base;
}

static char *thaw(struct pool *pool)
{
    struct cold *c = pool->cold;
    char *base = c->base;

    pool->cold = c->next;
    tr__block_free(c, sizeof *c);
    return base;
}

/* The lock is held; there is one. */
static void take_warm(struct pool *pool)
{
    pool->warm = pool->warm->next;
    if (--pool->nwarm < pool->least)
        pool->least = pool->nwarm;
}

static struct tr_stack *pool_get(unsigned order)
{
    struct pool *pool = &pools[order];
    char *base = NULL;

    tr__spin_lock(&pool->lock);
    struct tr_stack *s = pool->warm;
    if (s) {
        take_warm(pool);
    } else {
        base = pool->cold ? thaw(pool) : cut(pool, order);
    }
    size_t colour = pool->made++;
    tr__spin_unlock(&pool->lock);
    if (s || !base)
        return s;
    s = record_at(base, order, colour);
    *s = (struct tr_stack){ .base = base, .order = (uint8_t)order };
    return s;
}

static void pool_put(struct tr_stack *s)
{
    struct pool *pool = &pools[s->order];

    tr__spin_lock(&pool->lock);
    s->next = pool->warm;
    pool->warm = s;
    pool->nwarm++;
    tr__spin_unlock(&pool->lock);
}

/* --- giving pages back --- */

void tr__stacks_age(void)
{
    for (unsigned order = ORDER_MIN; order <= ORDER_MAX; order++) {
        struct pool *pool = &pools[order];
        tr__spin_lock(&pool->lock);
        pool->surplus = pool->least > WARM_MAX ? pool->least - WARM_MAX : 0;
        pool->least = pool->nwarm;
        tr__spin_unlock(&pool->lock);
    }
}

/* Makes one warm stack cold; false when there is none, or no memory for its record. */
static bool cool(struct pool *pool, unsigned order)
{
    struct cold *c = tr__block_alloc(sizeof *c);

    if (!c)
        return false;
    tr__spin_lock(&pool->lock);
    struct tr_stack *s = pool->warm;
    if (s)
        take_warm(pool);
    tr__spin_unlock(&pool->lock);
    if (!s) {
        tr__block_free(c, sizeof *c);
        return false;
    }
    /* Nobody can find the stack here, so the slow part needs no lock. */
    c->base = s->base;
    tr__pages_discard(c->base + guarded(order), ((size_t)1 << order) - guarded(order));
    tr__spin_lock(&pool->lock);
    c->next = pool->cold;
    pool->cold = c;
    tr__spin_unlock(&pool->lock);
    return true;
}

bool tr__stacks_trim(int most)
{
    bool more = false;

    for (unsigned order = ORDER_MIN; order <= ORDER_MAX; order++) {
        struct pool *pool = &pools[order];
        for (; most > 0 && pool->surplus > 0; most--)
            pool->surplus = cool(pool, order) ? pool->surplus - 1 : 0;
        more |= pool->surplus > 0;
    }
    return more;
}

/* --- for workers --- */

struct tr_stack *tr__stack_get(struct tr_stack_cache *cache, size_t size)
{
    struct tr_stack *s = cache->head;

    /* All in the cache have the default size. */
    if (tr__likely(s && !size)) {
        cache->head = s->next;
        cache->count--;
        return s;
    }
    return pool_get(order_of(size ? size : TR__STACK_DEFAULT));
}

void tr__stack_put(struct tr_stack_cache *cache, struct tr_stack *s)
{
    /* Where the guard cannot be had again, an overflow meets the last page only. */
    if (tr__unlikely(s->opened))
        s->opened = !tr__pages_guard(s->base + TR__PAGE, RESERVE);
    if (cache->count >= TR__STACK_HOT || ((size_t)1 << s->order) != TR__STACK_DEFAULT) {
        pool_put(s);
        return;
    }
    s->next = cache->head;
    cache->head = s;
    cache->count++;
}

void tr__stack_cache_flush(struct tr_stack_cache *cache)
{
    while (cache->head) {
        struct tr_stack *s = cache->head;
        cache->head = s->next;
        pool_put(s);
    }
    cache->count = 0;
}

void *tr__stack_top(struct tr_stack *s)
{
    return s;
}

void *tr__stack_bottom(struct tr_stack *s)
{
    return s->base + guarded(s->order);
}

bool tr__stack_guards(const struct tr_stack *s, uintptr_t address)
{
    return address - (uintptr_t)s->base < guarded(s->order);
}

bool tr__stack_open(struct tr_stack *s)
{
    if (s->opened || guarded(s->order) == TR__PAGE)
        return false;
    s->opened = tr__pages_unguard(s->base + TR__PAGE, RESERVE);
    return s->opened;
}
