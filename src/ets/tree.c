/* SPDX-License-Identifier: MIT */
/* The tree of an ordered_set: lookups, changes of one object, the end. How it is read: tree.h. */
#include "ets/tree.h"

#include "ets/spec.h"

#include <sched.h>

tr_err tr__tree_init(struct tr_store *s)
{
    struct tr_page *root = tr__page_new(0);

    atomic_init(&s->tree.root, root);
    return root ? TR_OK : TR_ENOMEM;
}

void tr__tree_pause(int round)
{
    if (round < 100)
        tr__cpu_relax();
    else
        sched_yield();
}

/* --- finding --- */

uint32_t tr__page_search(struct tr_page *page, uint32_t from, uint64_t key, uint64_t range,
                         bool equal)
{
    uint32_t low = from, high = TR__GET(page->n);

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        uint64_t k = TR__GET(page->keys[middle]);
        int order = k == TR__NO_KEY ? 1
                    : range         ? -tr__range_order(range, k)
                                    : tr__tree_compare(k, key);
        if (order < 0 || (equal && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* All lines of a leaf are asked for at once, before it is known which ones are needed. */
static inline void fetch(struct tr_page *leaf)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < offsetof(struct tr_page, own); i += TR__CACHE_LINE)
        __builtin_prefetch((char *)leaf + i);
}

/* The leaf of a key as of now; NULL, or another one, when the inner pages are being changed. */
static inline struct tr_page *leaf_of(struct tr_store *s, uint64_t key)
{
    struct tr_page *page = TR__GET(s->tree.root);

    while (page && page->level) {
        bool last = page->level == 1;
        page = tr__page_child(page, tr__page_way(page, key));
        if (last)
            fetch(page);
    }
    return page;
}

/* What a leaf has under a key; item 0: nothing. */
TR__INLINED struct tr_found find_in(struct tr_page *leaf, uint64_t key, uint32_t *place)
{
    uint32_t i = *place = tr__leaf_place(leaf, key, false);
    uint64_t k = i < TR__PAGE_ROOM ? TR__GET(leaf->keys[i]) : TR__NO_KEY;

    if (k == key ||
        (k != TR__NO_KEY && !tr__page_is_plain(leaf, key) && tr__tree_compare(k, key) == 0))
        return (struct tr_found){ k, TR__GET(leaf->items[i]) };
    return (struct tr_found){ key, 0 };
}

void tr__tree_find(struct tr_store *s, uint64_t key, struct tr_found *found)
{
    for (;;) {
        uint64_t version = tr__tree_version(s);
        struct tr_page *leaf = leaf_of(s, key);
        uint32_t place;
        if (!leaf)
            continue;
        uint64_t head = tr__leaf_head(leaf);
        *found = find_in(leaf, key, &place);
        if (tr__leaf_is_still(s, version, leaf, head))
            return;
    }
}

/* --- edits --- */

/* What stands at the place of a key. */
struct place {
    struct tr_page *leaf; /* locked */
    uint32_t i;
    struct tr_node *old;
    struct tr_pair pair;
};

/* Not while a batch has it in hand. */
static void lock_key(struct tr_store *s, uint64_t key, struct tr_edit *edit, struct place *at)
{
    for (int round = 0;; round++) {
        uint64_t version = tr__tree_version(s);
        struct tr_page *leaf = at->leaf = leaf_of(s, key);
        if (!leaf || TR__GET(s->tree.version) != version)
            continue;
        tr__leaf_lock(leaf);
        edit->held = &leaf->head;
        if (TR__GET(s->tree.version) == version) {
            struct tr_found found = find_in(leaf, key, &at->i);
            at->old = tr__is_node_w(found.item) ? tr__node_of_w(found.item)
                      : found.item              ? tr__pair_fill(&at->pair, 0, found.key, found.item)
                                                : NULL;
            if (!tr__chain_is_pending(s, at->old, edit->batch))
                return;
        }
        edit->held = NULL;
        tr__leaf_unlock(leaf);
        tr__tree_pause(round);
    }
}

/* Puts what the edit has made in its place; true when the node itself is not needed. */
static bool apply(const struct tr_store *s, const struct place *at, struct tr_node *node)
{
    bool whole = false;

    if (!node) {
        tr__slots_close(at->leaf, at->i);
        return false;
    }
    if (!at->old)
        tr__slots_open(at->leaf, at->i);
    uint64_t item = tr__store_item(s, node, &whole);
    tr__slot_set(at->leaf, at->i, tr__node_key(s, node), item, NULL);
    return whole;
}

tr_err tr__tree_edit(struct tr_store *s, struct tr_worker *w, uint64_t key, struct tr_edit *edit)
{
    struct place at;
    bool whole = false;

    for (lock_key(s, key, edit, &at); !at.old && TR__GET(at.leaf->n) == TR__PAGE_ROOM;
         lock_key(s, key, edit, &at)) {
        edit->held = NULL;
        tr__leaf_unlock(at.leaf);
        tr_err err = tr__tree_make_room(s, key, edit);
        if (err)
            return err;
    }
    edit->added = 0;
    struct tr_node *node = edit->fn(edit, at.old);
    if (node != at.old)
        whole = apply(s, &at, node);
    bool empty = TR__GET(at.leaf->n) == 0;
    edit->held = NULL;
    tr__leaf_unlock(at.leaf);
    if (whole)
        tr__node_retire(&w->reader, node);
    tr__store_count(s, w, (node != NULL) - (at.old != NULL));
    if (empty)
        tr__tree_remove_leaf(s, w, key, edit);
    return TR_OK;
}

/* --- the end --- */

static void leaf_clear(struct tr_page *leaf)
{
    for (uint32_t i = 0; i < TR__GET(leaf->n); i++) {
        uint64_t item = TR__GET(leaf->items[i]);
        if (tr__is_node_w(item))
            tr__node_free(tr__node_of_w(item));
    }
}

/* Frees the last leaf, and the inner pages that have no other. */
static bool last_free(struct tr_store *s)
{
    struct tr_page *page = TR__GET(s->tree.root), *above = NULL;

    while (page->level && TR__GET(page->n)) {
        above = page;
        page = tr__page_child(page, TR__GET(page->n) - 1);
    }
    if (!page->level)
        leaf_clear(page);
    tr__page_free(page);
    if (!above)
        return true;
    TR__SET(above->n, TR__GET(above->n) - 1);
    return false;
}

bool tr__tree_free_some(struct tr_store *s)
{
    for (int i = 0; i < 16; i++)
        if (last_free(s))
            return true;
    return false;
}

size_t tr__tree_overhead(struct tr_store *s)
{
    /* Leaves are two thirds full, as a rule. */
    return (size_t)tr__store_size(s) * 3 / 2 * tr__page_size(0) / TR__PAGE_ROOM + tr__page_size(0);
}
