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

#define FEW 8

struct tr_tie *tr__tie_new(enum tr_tie_kind kind, uint64_t key, uint64_t peer)
{
    struct tr_tie *tie = tr__block_alloc(sizeof *tie);

    if (!tie)
        return NULL;
    memset(tie, 0, sizeof *tie);
    tie->sig.size = sizeof *tie;
    tie->key = key;
    tie->peer = peer;
    tie->tag = TR_ATOM_W(DOWN);
    tie->kind = (uint8_t)kind;
    return tie;
}

static inline uint32_t hash(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline struct tr_tie **chain_of(struct tr_ties *ties, uint64_t key)
{
    return ties->mask ? &ties->buckets[hash(key) & ties->mask] : &ties->few;
}

struct tr_tie *tr__ties_find(const struct tr_ties *ties, uint64_t key)
{
    struct tr_tie *tie = ties->mask ? ties->buckets[hash(key) & ties->mask] : ties->few;

    while (tie && tie->key != key)
        tie = tie->next;
    return tie;
}

static void move_chain(struct tr_ties *ties, struct tr_tie *tie)
{
    while (tie) {
        struct tr_tie *next = tie->next;
        struct tr_tie **chain = chain_of(ties, tie->key);
        tie->next = *chain;
        *chain = tie;
        tie = next;
    }
}

static void grow(struct tr_ties *ties)
{
    struct tr_ties bigger = *ties;
    uint32_t old = ties->mask ? ties->mask + 1 : 0;
    uint32_t size = old ? old * 4 : 4 * FEW;

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

void tr__ties_insert(struct tr_ties *ties, struct tr_tie *tie)
{
    uint32_t room = ties->mask ? (ties->mask + 1) * 2 : FEW;

    if (ties->count >= room)
        grow(ties);
    struct tr_tie **chain = chain_of(ties, tie->key);
    tie->next = *chain;
    *chain = tie;
    ties->count++;
}

void tr__ties_remove(struct tr_ties *ties, struct tr_tie *tie)
{
    struct tr_tie **p = chain_of(ties, tie->key);

    while (*p != tie)
        p = &(*p)->next;
    *p = tie->next;
    ties->count--;
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
        i = (hash(tie->key) & ties->mask) + 1;
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
