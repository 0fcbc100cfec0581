/* SPDX-License-Identifier: MIT */
/*
 * The tree of an ordered_set: a B+tree whose leaves form a list. Its pages, and how they are
 * searched.
 *
 * Readers take no lock. Two counts tell them whether what they have read belongs together: that of
 * the inner pages, odd while these change, and the lock word of the leaf. They note both, read, and
 * look again; if something has changed they begin anew. A writer locks the leaf that it changes;
 * only when a leaf is full, or empty, it takes the lock of the tree too and changes inner pages,
 * once in some ten insertions. So readers wait only while the inner pages change, or the leaf that
 * they look at: some hundred nanoseconds.
 *
 * Memory orders: both counts are set before the change and again behind it, and all that is changed
 * is stored with release and loaded with acquire. Who has read anything new therefore sees a new
 * count when it looks again. Whatever a reader follows, stale or not, was in the tree during its
 * section and is not freed before its end (src/mem/readers.h).
 *
 * Invariants: keys ascend; keys[i] of an inner page is a lower bound of child i, and above all of
 * child i - 1; keys[0] of an inner page is TR__LEAST_KEY; every leaf but the root has an object,
 * except between the moment when it lost its last one and its removal. Leaves are not merged before
 * that. The children of a page are one level below it, for its whole life.
 *
 * What a search costs is cache misses and branches that cannot be predicted. So the value of a pair
 * of immediates lies in the leaf itself; and where a page has no keys but small integers, they are
 * compared as words and counted, in loops of a fixed length, without a branch for each.
 */
#ifndef TROUPE_ETS_TREE_H
#define TROUPE_ETS_TREE_H

#include "ets/store.h"

#ifdef TR_HOSTILE
#define TR__PAGE_ROOM  3
#define TR__PAGE_GROUP 3
#else
#define TR__PAGE_ROOM  28
#define TR__PAGE_GROUP 7 /* keys that are compared after the last of each group */
#endif
#define TR__TREE_DEPTH  24
#define TR__PAGE_LOCKED UINT64_C(1)
#define TR__PAGE_CHANGE UINT64_C(2)

_Static_assert(TR__PAGE_ROOM % TR__PAGE_GROUP == 0, "a page is whole groups");

/* What stands where there is no key: no term, and as a word above all small integers. */
#define TR__NO_KEY (~UINT64_C(7) >> 1 | TR__TAG_HEADER)
/* The first key of an inner page: not above any small integer. It is compared with no other. */
#define TR__LEAST_KEY (UINT64_C(1) << 63 | TR__TAG_SMALL)

struct tr_page {
    _Atomic uint64_t head; /* of a leaf: bit 0 locked, above it a count of its changes */
    _Atomic uint32_t n;
    uint8_t level;      /* 0: a leaf */
    _Atomic bool mixed; /* there are, or have been, other keys than small integers */
    _Atomic(struct tr_page *) next, prev; /* of leaves */
    struct tr_retired retired;
    _Atomic uint64_t keys[TR__PAGE_ROOM];
    _Atomic uint64_t items[TR__PAGE_ROOM];        /* as struct tr_found has it; of others: pages */
    _Atomic(struct tr_node *) own[TR__PAGE_ROOM]; /* of others: what holds a key that is no
                                                     immediate */
};

#define TR__GET(x)    atomic_load_explicit(&(x), memory_order_acquire)
#define TR__SET(x, v) atomic_store_explicit(&(x), v, memory_order_release)

static inline size_t tr__page_size(uint8_t level)
{
    return level ? sizeof(struct tr_page) : offsetof(struct tr_page, own);
}

static inline struct tr_page *tr__page_child(struct tr_page *page, uint32_t i)
{
    return (struct tr_page *)(uintptr_t)TR__GET(page->items[i]);
}

/* --- searching --- */

static inline int tr__tree_compare(uint64_t a, uint64_t b)
{
    if (tr__is_small(a) && tr__is_small(b))
        return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    return tr_compare((tr_term){ a }, (tr_term){ b });
}

/* May the key be searched for as a word? The count of the page was loaded before. */
static inline bool tr__page_is_plain(struct tr_page *page, uint64_t key)
{
    return tr__likely(tr__is_small(key) && !TR__GET(page->mixed));
}

/* How many keys of a page of small integers are below a word. */
static inline uint32_t tr__page_below(struct tr_page *page, int64_t bound)
{
    uint32_t groups = 0, rest = 0;

#pragma GCC unroll 8
    for (int i = TR__PAGE_GROUP - 1; i < TR__PAGE_ROOM - 1; i += TR__PAGE_GROUP)
        groups += (int64_t)TR__GET(page->keys[i]) < bound;
    _Atomic uint64_t *group = &page->keys[groups * TR__PAGE_GROUP];
#pragma GCC unroll 8
    for (int i = 0; i < TR__PAGE_GROUP; i++)
        rest += (int64_t)TR__GET(group[i]) < bound;
    return groups * TR__PAGE_GROUP + rest;
}

/* How many of the keys from `from` on are less than, or with `equal` at most, the key; with a range
   instead, before it, or not behind it. A count that is too high by now is no harm: then there is
   no key, or an old one. */
uint32_t tr__page_search(struct tr_page *page, uint32_t from, uint64_t key, uint64_t range,
                         bool equal);

/* Where in a leaf a key is, or would be; with `equal`, behind it. */
static inline uint32_t tr__leaf_place(struct tr_page *leaf, uint64_t key, bool equal)
{
    if (tr__page_is_plain(leaf, key))
        return tr__page_below(leaf, (int64_t)key + equal);
    return tr__page_search(leaf, 0, key, 0, equal);
}

/* Which child has a key. */
static inline uint32_t tr__page_way(struct tr_page *page, uint64_t key)
{
    if (!tr__page_is_plain(page, key))
        return tr__page_search(page, 1, key, 0, true) - 1;
    uint32_t n = tr__page_below(page, (int64_t)key + 1);
    return n - (n != 0);
}

/* --- reading --- */

void tr__tree_pause(int round);

/* The version of the inner pages, while they do not change. */
static inline uint64_t tr__tree_version(struct tr_store *s)
{
    uint64_t version;

    for (int i = 0; tr__unlikely((version = TR__GET(s->tree.version)) % 2); i++)
        tr__tree_pause(i);
    return version;
}

/* The lock word of a leaf that is not being changed. */
static inline uint64_t tr__leaf_head(struct tr_page *leaf)
{
    uint64_t head;

    for (int i = 0; tr__unlikely((head = TR__GET(leaf->head)) & TR__PAGE_LOCKED); i++)
        tr__tree_pause(i);
    return head;
}

/* Is what was read in the leaf since then what was there at one moment? */
static inline bool tr__leaf_is_still(struct tr_store *s, uint64_t version, struct tr_page *leaf,
                                     uint64_t head)
{
    return tr__likely(TR__GET(leaf->head) == head && TR__GET(s->tree.version) == version);
}

/* --- changes --- */

struct tr_page *tr__page_new(uint8_t level);
void tr__page_free(struct tr_page *page);

void tr__leaf_lock(struct tr_page *leaf);
void tr__leaf_unlock(struct tr_page *leaf);

/* Puts a key and what goes with it at its place; makes room there, when there is some; and takes it
   out. The leaf is locked, or the version odd. */
void tr__slot_set(struct tr_page *page, uint32_t i, uint64_t key, uint64_t item,
                  struct tr_node *own);
void tr__slots_open(struct tr_page *page, uint32_t i);
void tr__slots_close(struct tr_page *page, uint32_t i);

/* Makes room in the leaf of a key. Nothing is changed before all has been compared. */
tr_err tr__tree_make_room(struct tr_store *s, uint64_t key, struct tr_edit *edit);

/* Removes the leaf of a key, if it is empty. */
void tr__tree_remove_leaf(struct tr_store *s, struct tr_worker *w, uint64_t key,
                          struct tr_edit *edit);

#endif
