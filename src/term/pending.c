/* SPDX-License-Identifier: MIT */
/* Growing the stack of a walk. */
#include "term/pending.h"

#include "mem/block.h"

bool tr__pending_grow(struct tr__pending *p, size_t entry_size)
{
    size_t size = 2 * p->size + entry_size;
    char *base = tr__block_alloc(size);

    if (!base)
        return false;
    memcpy(base, p->base, p->used);
    tr__pending_free(p);
    p->base = base;
    p->size = size;
    return true;
}

void tr__pending_free_block(struct tr__pending *p)
{
    tr__block_free(p->base, p->size);
}
