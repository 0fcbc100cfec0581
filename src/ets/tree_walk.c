/* SPDX-License-Identifier: MIT */
/* Walks through the tree of an ordered_set. */
#include "ets/spec.h"
#include "ets/tree.h"

/* Which child the walk goes on in, or the one before that in the order of the walk. */
static uint32_t way_of_cursor(struct tr_page *page, const struct tr_cursor *cursor)
{
    uint32_t n = TR__GET(page->n);

    if (cursor->key)
        return tr__page_way(page, cursor->key);
    if (cursor->range)
        return tr__page_search(page, 1, 0, cursor->range, cursor->reverse) - 1;
    return cursor->reverse && n ? n - 1 : 0;
}

static struct tr_page *leaf_of_cursor(struct tr_store *s, uint64_t version,
                                      const struct tr_cursor *cursor)
{
    struct tr_page *page = TR__GET(s->tree.root);

    while (page && page->level)
        page = tr__page_child(page, way_of_cursor(page, cursor));
    return TR__GET(s->tree.version) == version ? page : NULL;
}

/* What of a leaf lies behind the cursor, in the order of the walk. */
static uint32_t gather(struct tr_page *leaf, const struct tr_cursor *cursor, struct tr_found *all)
{
    uint32_t n = TR__GET(leaf->n), count = 0;
    uint32_t low = 0, high = n;

    if (cursor->key && cursor->reverse)
        high = tr__leaf_place(leaf, cursor->key, cursor->inclusive);
    else if (cursor->key)
        low = tr__leaf_place(leaf, cursor->key, !cursor->inclusive);
    else if (cursor->range && cursor->reverse)
        high = tr__page_search(leaf, 0, 0, cursor->range, true);
    else if (cursor->range)
        low = tr__page_search(leaf, 0, 0, cursor->range, false);
    for (uint32_t i = low; i < high && count < TR__PAGE_ROOM; i++) {
        uint32_t at = cursor->reverse ? high - 1 - (i - low) : i;
        struct tr_found found = { TR__GET(leaf->keys[at]), TR__GET(leaf->items[at]) };
        if (found.item)
            all[count++] = found;
    }
    return count;
}

/* What comes behind the cursor in one leaf; none at the end. */
static uint32_t next_found(struct tr_store *s, const struct tr_cursor *cursor, struct tr_found *all)
{
    uint64_t version = 0;
    struct tr_page *leaf = NULL;

    for (;;) {
        if (!leaf) {
            version = tr__tree_version(s);
            leaf = leaf_of_cursor(s, version, cursor);
            continue;
        }
        uint64_t head = tr__leaf_head(leaf);
        uint32_t n = gather(leaf, cursor, all);
        struct tr_page *next = cursor->reverse ? TR__GET(leaf->prev) : TR__GET(leaf->next);
        if (!tr__leaf_is_still(s, version, leaf, head)) {
            leaf = NULL;
            continue;
        }
        if (n || !next)
            return n;
        leaf = next;
    }
}

/* Is the key behind the range, in the order of the walk? */
static bool is_behind(const struct tr_cursor *cursor, uint64_t key)
{
    int order = cursor->range ? tr__range_order(cursor->range, key) : 0;

    return cursor->reverse ? order > 0 : order < 0;
}

/* A copy of a key in the caller's heap; 0 without memory. */
static uint64_t key_copy(uint64_t key)
{
    struct tr_heap *heap = tr__heap_current();
    size_t n = tr__term_size((tr_term){ key });

    if (n == 0)
        return key;
    uint64_t *out = n == SIZE_MAX ? NULL : tr__heap_alloc(heap, n);
    return out ? tr__term_copy(&out, &heap->counted, (tr_term){ key }).w : 0;
}

bool tr__tree_portion(struct tr_store *s, struct tr_cursor *cursor, struct tr_visit *visit)
{
    struct tr_found all[TR__PAGE_ROOM];
    uint32_t n = next_found(s, cursor, all);
    struct tr_pair pair;

    for (uint32_t i = 0; i < n; i++) {
        struct tr_node *node = tr__found_node(s, 0, &all[i], &pair);
        if (is_behind(cursor, all[i].key))
            return false;
        if (node && !visit->fn(visit, node))
            return false;
    }
    if (n == 0)
        return false;
    uint64_t key = key_copy(all[n - 1].key);
    if (!key) {
        visit->err = TR_ENOMEM;
        return false;
    }
    cursor->key = key;
    cursor->inclusive = false;
    return true;
}
