/* SPDX-License-Identifier: MIT */
/*
 * The table of ties: a list while there are few, a chained hash table from then on.
 *
 * Most processes have none or one, so the table costs them no memory. Invariant: `count` ties are
 * reachable, each in the chain of its key's bucket; a key stands at most once.
 */
#include "proc/ties.h"

#include "base/fault.h"
#include "mem/block.h"

#include <stdlib.h>
#include <string.h>

static void move_chain(struct tr_ties *ties, struct tr_tie *tie)
{
    while (tie) {
        struct tr_tie *next = tie->next;
        struct tr_tie **chain = tr__ties_chain(ties, tie->key);
        tie->next = *chain;
        *chain = tie;
        tie = next;
    }
}

void tr__ties_grow(struct tr_ties *ties)
{
    struct tr_ties bigger = *ties;
    uint32_t old = ties->mask ? ties->mask + 1 : 0;
    uint32_t size = old ? old * 4 : 4 * TR__TIES_FEW;

    bigger.buckets = tr__fault() ? NULL : calloc(size, sizeof *bigger.buckets);
    if (!bigger.buckets)
        return;
    bigger.mask = size - 1;
    if (old == 0)
        move_chain(&bigger, ties->few);
    for (uint32_t i = 0; i < old; i++)
        move_chain(&bigger, ties->buckets[i]);
    if (old > 0)
        free(ties->buckets);
    *ties = bigger;
}

void tr__ties_remove(struct tr_ties *ties, struct tr_tie *tie)
{
    tr__ties_unlink(ties, tr__ties_at(ties, tie->key));
}

struct tr_tie *tr__ties_pop(struct tr_ties *ties)
{
    struct tr_tie *tie = tr__ties_next(ties, NULL);

    if (tie)
        tr__ties_remove(ties, tie);
    return tie;
}

struct tr_tie *tr__ties_next(const struct tr_ties *ties, const struct tr_tie *tie)
{
    uint32_t i = 0;

    if (ties->count == 0)
        return NULL;
    if (tie && tie->next)
        return tie->next;
    if (!ties->mask)
        return tie ? NULL : ties->few;
    if (tie)
        i = (tr__ties_hash(tie->key) & ties->mask) + 1;
    for (; i <= ties->mask; i++)
        if (ties->buckets[i])
            return ties->buckets[i];
    return NULL;
}

void tr__ties_fini(struct tr_ties *ties)
{
    if (ties->mask)
        free(ties->buckets);
    memset(ties, 0, sizeof *ties);
}
