/* SPDX-License-Identifier: MIT */
/*
 * What a walk over a term has still to do, so that walks need no recursion.
 *
 * A stack of equal entries, the first of them on the C stack, more in a block. A walk that gives up
 * early calls tr__pending_free.
 */
#ifndef TROUPE_TERM_PENDING_H
#define TROUPE_TERM_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TR__PENDING_FIRST 512

struct tr__pending {
    char *base;
    size_t used;
    size_t size;
    uint64_t first[TR__PENDING_FIRST / sizeof(uint64_t)];
};

static inline void tr__pending_init(struct tr__pending *p)
{
    p->base = (char *)p->first;
    p->used = 0;
    p->size = TR__PENDING_FIRST;
}

/* Room for one more entry; false when memory is short. */
bool tr__pending_grow(struct tr__pending *p, size_t entry_size);

void tr__pending_free_block(struct tr__pending *p);

static inline void tr__pending_free(struct tr__pending *p)
{
    if (p->base != (char *)p->first)
        tr__pending_free_block(p);
}

static inline bool tr__pending_push(struct tr__pending *p, const void *entry, size_t size)
{
    if (p->size - p->used < size && !tr__pending_grow(p, size))
        return false;
    memcpy(p->base + p->used, entry, size);
    p->used += size;
    return true;
}

static inline bool tr__pending_pop(struct tr__pending *p, void *entry, size_t size)
{
    if (p->used == 0)
        return false;
    p->used -= size;
    memcpy(entry, p->base + p->used, size);
    return true;
}

/* Words still to be visited. */
struct tr__span {
    const uint64_t *at;
    size_t n;
};

#endif
