/* SPDX-License-Identifier: MIT */
/*
 * The tree of an ordered_set: a B+tree whose leaves form a list.
 *
 * Readers take no lock. Two counts tell them whether what they have read belongs together: that of
 * the inner nodes, odd while these change, and the lock word of the leaf. They note both, read, and
 * look again; if something has changed they begin anew. A writer locks the leaf that it changes;
 * only when a leaf is full, or empty, it takes the lock of the tree too and changes inner nodes,
 * once in some ten insertions. So readers wait only while the inner nodes change, or the leaf that
 * they look at: some hundred nanoseconds.
 *
 * Memory orders: both counts are set before the change and again behind it, and all that is changed
 * is stored with release and loaded with acquire. Who has read anything new therefore sees a new
 * count when it looks again. Whatever a reader follows, stale or not, was in the tree during its
 * section and is not freed before its end (src/mem/readers.h).
 *
 * Invariants: keys ascend; keys[i] of an inner node is a lower bound of child i, and above all of
 * child i - 1 (keys[0] counts for nothing); every leaf but the root has an object, except between
 * the moment when it lost its last one and its removal. Leaves are not merged before that.
 */
#include "ets/spec.h"
#include "ets/store.h"
#include "mem/block.h"

#include <sched.h>

#ifdef TR_HOSTILE
#define ROOM 3
#else
#define ROOM 32
#endif
#define DEPTH_MAX 24
#define LOCKED    UINT64_C(1)
#define CHANGE    UINT64_C(2)

struct page {
    struct tr_retired retired;
    _Atomic uint64_t head; /* of a leaf: bit 0 locked, above it a count of its changes */
    bool leaf;
    _Atomic uint32_t n;
    _Atomic(struct page *) next, prev; /* of leaves */
    _Atomic uint64_t keys[ROOM];
    _Atomic(void *) items[ROOM];         /* nodes of a leaf, pages of others */
    _Atomic(struct tr_node *) own[ROOM]; /* of others: what holds a key that is no immediate */
};

static size_t page_size(bool leaf)
{
    return leaf ? offsetof(struct page, own) : sizeof(struct page);
}

#define GET(x)    atomic_load_explicit(&(x), memory_order_acquire)
#define SET(x, v) atomic_store_explicit(&(x), v, memory_order_release)

static void page_free(struct page *page)
{
    for (uint32_t i = 0; !page->leaf && i < ROOM; i++)
        if (GET(page->own[i]))
            tr__node_free(GET(page->own[i]));
    tr__block_free(page, page_size(page->leaf));
}

static void page_destroy(struct tr_retired *retired)
{
    page_free((struct page *)retired);
}

static struct page *page_new(bool leaf)
{
    struct page *page = tr__block_alloc(page_size(leaf));

    if (!page)
        return NULL;
    memset(page, 0, page_size(leaf));
    page->leaf = leaf;
    return page;
}

tr_err tr__tree_init(struct tr_store *s)
{
    struct page *root = page_new(true);

    atomic_init(&s->tree.root, root);
    return root ? TR_OK : TR_ENOMEM;
}

/* --- finding --- */

static inline int compare(uint64_t a, uint64_t b)
{
    if (tr__is_small(a) && tr__is_small(b))
        return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
    return tr_compare((tr_term){ a }, (tr_term){ b });
}

/* How many of the keys from `from` on are less than, or with `equal` at most, the key; with a range
   instead, before it, or not behind it. A count that is too high by now is no harm: then there is
   no key, or an old one. */
static inline uint32_t position_of(struct page *page, uint32_t from, uint64_t key, uint64_t range,
                                   bool equal)
{
    uint32_t low = from, high = GET(page->n);

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        uint64_t k = GET(page->keys[middle]);
        int order = !k ? 1 : range ? -tr__range_order(range, k) : compare(k, key);
        if (order < 0 || (equal && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint32_t position(struct page *page, uint32_t from, uint64_t key, bool equal)
{
    return position_of(page, from, key, 0, equal);
}

static TR__NOINLINE uint32_t range_position(struct page *page, uint32_t from, uint64_t range,
                                            bool within)
{
    return position_of(page, from, 0, range, within);
}

/* Which child has the key. */
static uint32_t child_of(struct page *page, uint64_t key)
{
    return position(page, 1, key, true) - 1;
}

/* Which child the walk goes on in, or the one before that in the order of the walk. */
static uint32_t child_of_cursor(struct page *page, const struct tr_cursor *cursor)
{
    uint32_t n = GET(page->n);

    if (cursor->key)
        return child_of(page, cursor->key);
    if (cursor->range)
        return range_position(page, 1, cursor->range, cursor->reverse) - 1;
    return cursor->reverse && n ? n - 1 : 0;
}

static void pause_a_little(int round)
{
    if (round < 100)
        tr__cpu_relax();
    else
        sched_yield();
}

/* The version of the inner nodes, while they do not change. */
static uint64_t version_of(struct tr_store *s)
{
    uint64_t version;

    for (int i = 0; (version = GET(s->tree.version)) % 2; i++)
        pause_a_little(i);
    return version;
}

/* The leaf of a key as of some version; NULL when that is over. */
static struct page *leaf_of(struct tr_store *s, uint64_t version, uint64_t key)
{
    struct page *page = GET(s->tree.root);

    while (page && !page->leaf)
        page = GET(page->items[child_of(page, key)]);
    return GET(s->tree.version) == version ? page : NULL;
}

static struct page *leaf_of_cursor(struct tr_store *s, uint64_t version,
                                   const struct tr_cursor *cursor)
{
    struct page *page = GET(s->tree.root);

    while (page && !page->leaf)
        page = GET(page->items[child_of_cursor(page, cursor)]);
    return GET(s->tree.version) == version ? page : NULL;
}

/* The lock word of a leaf that is not being changed. */
static uint64_t head_of(struct page *leaf)
{
    uint64_t head;

    for (int i = 0; (head = GET(leaf->head)) & LOCKED; i++)
        pause_a_little(i);
    return head;
}

static bool is_still(struct tr_store *s, uint64_t version, struct page *leaf, uint64_t head)
{
    return GET(leaf->head) == head && GET(s->tree.version) == version;
}

struct tr_node *tr__tree_find(struct tr_store *s, uint64_t key)
{
    for (;;) {
        uint64_t version = version_of(s);
        struct page *leaf = leaf_of(s, version, key);
        if (!leaf)
            continue;
        uint64_t head = head_of(leaf);
        uint32_t i = position(leaf, 0, key, false);
        struct tr_node *node = i < GET(leaf->n) ? GET(leaf->items[i]) : NULL;
        if (node && compare(tr__node_key(s, node), key) != 0)
            node = NULL;
        if (is_still(s, version, leaf, head))
            return node ? tr__node_visible(node) : NULL;
    }
}

/* --- changes of leaves --- */

static void leaf_lock(struct page *leaf)
{
    for (int i = 0;; i++) {
        uint64_t head = atomic_load_explicit(&leaf->head, memory_order_relaxed);
        if (!(head & LOCKED) &&
            atomic_compare_exchange_weak_explicit(&leaf->head, &head, head | LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        pause_a_little(i);
    }
}

static void leaf_unlock(struct page *leaf)
{
    uint64_t head = atomic_load_explicit(&leaf->head, memory_order_relaxed);

    SET(leaf->head, (head + CHANGE) & ~LOCKED);
}

static void slot_copy(struct page *to, uint32_t i, struct page *from, uint32_t j)
{
    SET(to->keys[i], GET(from->keys[j]));
    SET(to->items[i], GET(from->items[j]));
    if (!to->leaf)
        SET(to->own[i], GET(from->own[j]));
}

static void slot_set(struct page *page, uint32_t i, uint64_t key, void *item, struct tr_node *own)
{
    SET(page->keys[i], key);
    SET(page->items[i], item);
    if (!page->leaf)
        SET(page->own[i], own);
}

/* Makes room at i; there is some. */
static void slots_open(struct page *page, uint32_t i)
{
    uint32_t n = GET(page->n);

    for (uint32_t j = n; j > i; j--)
        slot_copy(page, j, page, j - 1);
    SET(page->n, n + 1);
}

static void slots_close(struct page *page, uint32_t i)
{
    uint32_t n = GET(page->n) - 1;

    for (uint32_t j = i; j < n; j++)
        slot_copy(page, j, page, j + 1);
    SET(page->n, n);
    slot_set(page, n, 0, NULL, NULL);
}

/* --- changes of inner nodes; the lock of the tree is held --- */

struct path {
    struct page *page[DEPTH_MAX];
    uint32_t at[DEPTH_MAX]; /* which child was taken */
    int depth;              /* how many inner nodes */
    struct page *leaf;
};

static void descend(struct tr_store *s, uint64_t key, struct path *path)
{
    struct page *page = GET(s->tree.root);

    path->depth = 0;
    while (!page->leaf) {
        uint32_t i = child_of(page, key);
        path->page[path->depth] = page;
        path->at[path->depth++] = i;
        page = GET(page->items[i]);
    }
    path->leaf = page;
}

static void change_begin(struct tr_store *s, struct tr_edit *edit)
{
    tr__spin_lock(&s->tree.lock);
    edit->changing = true;
    SET(s->tree.version, GET(s->tree.version) + 1);
}

static void change_end(struct tr_store *s, struct tr_edit *edit)
{
    edit->changing = false;
    SET(s->tree.version, GET(s->tree.version) + 1);
    tr__spin_unlock(&s->tree.lock);
}

/* What a split needs, had before anything is changed. */
struct supplies {
    struct page *leaf;
    struct page *inner[DEPTH_MAX + 1];
    int n;
    struct tr_node *own; /* holds the key between the two leaves; NULL for an immediate */
    uint64_t key;
};

static void supplies_free(struct supplies *sup)
{
    if (sup->leaf)
        page_free(sup->leaf);
    while (sup->n)
        page_free(sup->inner[--sup->n]);
    if (sup->own)
        tr__node_free(sup->own);
}

/* A key that lasts as long as the inner node that it is in. */
static bool key_keep(uint64_t key, struct supplies *sup)
{
    uint64_t words[2] = { TR__HEADER(TR__KIND_TUPLE, 1), key };

    sup->key = key;
    if (tr__is_immediate(key))
        return true;
    sup->own = tr__node_new((tr_term){ tr__box_w(words) }, 0, false);
    if (sup->own)
        sup->key = sup->own->words[1];
    return sup->own != NULL;
}

/* One page for each full one on the way up, and a new root if all are. */
static bool supplies_get(const struct path *path, uint64_t key, struct supplies *sup)
{
    int level = path->depth - 1;

    *sup = (struct supplies){ .leaf = page_new(true) };
    if (!sup->leaf || !key_keep(key, sup))
        return false;
    for (; level >= -1; level--) {
        if (level >= 0 && GET(path->page[level]->n) < ROOM)
            break;
        sup->inner[sup->n] = page_new(false);
        if (!sup->inner[sup->n])
            return false;
        sup->n++;
    }
    return true;
}

/* Moves what is at `from` and behind it to an empty page. */
static void page_split(struct page *page, struct page *right, uint32_t from)
{
    uint32_t n = GET(page->n);

    for (uint32_t i = from; i < n; i++)
        slot_copy(right, i - from, page, i);
    SET(right->n, n - from);
    SET(page->n, from);
    for (uint32_t i = from; i < n; i++)
        slot_set(page, i, 0, NULL, NULL);
}

/* Puts the right half of a split into the inner node above, which may be split in turn. */
static void insert_above(struct tr_store *s, const struct path *path, struct supplies *sup,
                         struct page *left, struct page *right)
{
    uint64_t key = sup->key;
    struct tr_node *own = sup->own;
    int used = 0;

    for (int level = path->depth - 1; level >= 0; level--) {
        struct page *page = path->page[level];
        uint32_t i = path->at[level] + 1;
        if (GET(page->n) < ROOM) {
            slots_open(page, i);
            slot_set(page, i, key, right, own);
            sup->n = 0;
            return;
        }
        struct page *half = sup->inner[used++];
        uint32_t middle = i == ROOM ? ROOM - 1 : ROOM / 2;
        page_split(page, half, middle);
        struct page *into = i <= middle ? page : half;
        i = i <= middle ? i : i - middle;
        slots_open(into, i);
        slot_set(into, i, key, right, own);
        /* The lower bound of the right half moves up; its first key counts for nothing there. */
        key = GET(half->keys[0]);
        own = GET(half->own[0]);
        SET(half->own[0], NULL);
        left = page;
        right = half;
    }
    struct page *root = sup->inner[used];
    slot_set(root, 0, 0, left, NULL);
    slot_set(root, 1, key, right, own);
    SET(root->n, 2);
    SET(s->tree.root, root);
    sup->n = 0;
}

static void leaf_split(struct tr_store *s, const struct path *path, struct supplies *sup,
                       uint32_t from)
{
    struct page *leaf = path->leaf, *right = sup->leaf, *next = GET(leaf->next);

    page_split(leaf, right, from);
    SET(right->next, next);
    SET(right->prev, leaf);
    if (next)
        SET(next->prev, right);
    SET(leaf->next, right);
    insert_above(s, path, sup, leaf, right);
    sup->leaf = NULL;
    sup->own = NULL;
}

/* Makes room in the leaf of a key. Nothing is changed before all has been compared. */
static tr_err make_room(struct tr_store *s, uint64_t key, struct tr_edit *edit)
{
    struct supplies sup = { 0 };
    struct path path;
    tr_err err = TR_OK;

    change_begin(s, edit);
    descend(s, key, &path);
    leaf_lock(path.leaf);
    edit->held = &path.leaf->head;
    uint32_t n = GET(path.leaf->n);
    if (n == ROOM) {
        /* Keys that come in order fill the leaves. */
        bool append = position(path.leaf, 0, key, true) == n && !GET(path.leaf->next);
        uint32_t from = append ? n : n / 2;
        if (supplies_get(&path, append ? key : GET(path.leaf->keys[from]), &sup))
            leaf_split(s, &path, &sup, from);
        else
            err = TR_ENOMEM;
    }
    edit->held = NULL;
    leaf_unlock(path.leaf);
    change_end(s, edit);
    supplies_free(&sup);
    return err;
}

/* Takes child i out of an inner node. */
static void child_remove(struct page *page, uint32_t i, struct tr_worker *w)
{
    struct tr_node *own = GET(page->own[i]);

    slots_close(page, i);
    if (own)
        tr__node_retire(&w->reader, own);
}

/* Removes the leaf of a key, if it is empty. */
static void remove_leaf(struct tr_store *s, struct tr_worker *w, uint64_t key, struct tr_edit *edit)
{
    struct path path;

    change_begin(s, edit);
    descend(s, key, &path);
    struct page *leaf = path.leaf;
    leaf_lock(leaf);
    bool gone = GET(leaf->n) == 0 && path.depth > 0;
    if (gone) {
        struct page *prev = GET(leaf->prev), *next = GET(leaf->next);
        if (prev)
            SET(prev->next, next);
        if (next)
            SET(next->prev, prev);
        int level = path.depth - 1;
        child_remove(path.page[level], path.at[level], w);
        for (; level > 0 && GET(path.page[level]->n) == 0; level--) {
            child_remove(path.page[level - 1], path.at[level - 1], w);
            tr__reader_retire(&w->reader, &path.page[level]->retired, page_destroy,
                              sizeof(struct page));
        }
        struct page *root = GET(s->tree.root);
        while (!root->leaf && GET(root->n) == 1) {
            SET(s->tree.root, GET(root->items[0]));
            tr__reader_retire(&w->reader, &root->retired, page_destroy, sizeof *root);
            root = GET(s->tree.root);
        }
    }
    leaf_unlock(leaf);
    change_end(s, edit);
    if (gone)
        tr__reader_retire(&w->reader, &leaf->retired, page_destroy, page_size(true));
}

void tr__tree_give_up(struct tr_store *s, struct tr_edit *edit)
{
    change_end(s, edit);
}

/* --- edits --- */

/* The locked leaf of a key, and its place there. */
static struct page *lock_key(struct tr_store *s, uint64_t key, struct tr_edit *edit, uint32_t *i,
                             struct tr_node **old)
{
    for (int round = 0;; round++) {
        uint64_t version = version_of(s);
        struct page *leaf = leaf_of(s, version, key);
        if (!leaf)
            continue;
        leaf_lock(leaf);
        edit->held = &leaf->head;
        if (GET(s->tree.version) == version) {
            *i = position(leaf, 0, key, false);
            *old = *i < GET(leaf->n) ? GET(leaf->items[*i]) : NULL;
            if (*old && compare(tr__node_key(s, *old), key) != 0)
                *old = NULL;
            if (!tr__chain_is_pending(s, *old, edit->batch))
                return leaf;
        }
        edit->held = NULL;
        leaf_unlock(leaf);
        pause_a_little(round);
    }
}

/* Puts what the edit has made in its place. */
static void apply(const struct tr_store *s, struct page *leaf, uint32_t i, struct tr_node *old,
                  struct tr_node *node)
{
    if (!node) {
        slots_close(leaf, i);
        return;
    }
    if (!old)
        slots_open(leaf, i);
    slot_set(leaf, i, tr__node_key(s, node), node, NULL);
}

tr_err tr__tree_edit(struct tr_store *s, struct tr_worker *w, uint64_t key, struct tr_edit *edit)
{
    for (;;) {
        struct tr_node *old;
        uint32_t i;
        struct page *leaf = lock_key(s, key, edit, &i, &old);
        if (!old && GET(leaf->n) == ROOM) {
            edit->held = NULL;
            leaf_unlock(leaf);
            tr_err err = make_room(s, key, edit);
            if (err)
                return err;
            continue;
        }
        edit->added = 0;
        struct tr_node *node = edit->fn(edit, old);
        if (node != old)
            apply(s, leaf, i, old, node);
        bool empty = GET(leaf->n) == 0;
        edit->held = NULL;
        leaf_unlock(leaf);
        tr__store_count(s, w, (node != NULL) - (old != NULL));
        if (empty)
            remove_leaf(s, w, key, edit);
        return TR_OK;
    }
}

/* --- walks --- */

/* What of a leaf lies behind the cursor, in the order of the walk. */
static uint32_t gather(struct page *leaf, const struct tr_cursor *cursor, struct tr_node **nodes)
{
    uint32_t n = GET(leaf->n), count = 0;
    uint32_t low = 0, high = n;

    if (cursor->key && cursor->reverse)
        high = position(leaf, 0, cursor->key, cursor->inclusive);
    else if (cursor->key)
        low = position(leaf, 0, cursor->key, !cursor->inclusive);
    else if (cursor->range && cursor->reverse)
        high = range_position(leaf, 0, cursor->range, true);
    else if (cursor->range)
        low = range_position(leaf, 0, cursor->range, false);
    for (uint32_t i = low; i < high && count < ROOM; i++) {
        struct tr_node *node = GET(leaf->items[cursor->reverse ? high - 1 - (i - low) : i]);
        if (node)
            nodes[count++] = node;
    }
    return count;
}

/* The next nodes behind the cursor; none at the end. */
static uint32_t next_nodes(struct tr_store *s, const struct tr_cursor *cursor,
                           struct tr_node **nodes)
{
    uint64_t version = 0;
    struct page *leaf = NULL;

    for (;;) {
        if (!leaf) {
            version = version_of(s);
            leaf = leaf_of_cursor(s, version, cursor);
            continue;
        }
        uint64_t head = head_of(leaf);
        uint32_t n = gather(leaf, cursor, nodes);
        struct page *next = cursor->reverse ? GET(leaf->prev) : GET(leaf->next);
        if (!is_still(s, version, leaf, head)) {
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
    struct tr_node *nodes[ROOM];
    uint32_t n = next_nodes(s, cursor, nodes);

    for (uint32_t i = 0; i < n; i++) {
        struct tr_node *node = tr__node_visible(nodes[i]);
        if (is_behind(cursor, tr__node_key(s, nodes[i])))
            return false;
        if (node && !visit->fn(visit, node))
            return false;
    }
    if (n == 0)
        return false;
    uint64_t key = key_copy(tr__node_key(s, nodes[n - 1]));
    if (!key) {
        visit->err = TR_ENOMEM;
        return false;
    }
    cursor->key = key;
    cursor->inclusive = false;
    return true;
}

/* --- the end --- */

static void leaf_clear(struct page *leaf)
{
    for (uint32_t i = 0; i < GET(leaf->n); i++)
        tr__node_free(GET(leaf->items[i]));
}

/* Frees the last leaf, and the inner nodes that have no other. */
static bool last_free(struct tr_store *s)
{
    struct page *page = GET(s->tree.root), *above = NULL;

    while (!page->leaf && GET(page->n)) {
        above = page;
        page = GET(page->items[GET(page->n) - 1]);
    }
    if (page->leaf)
        leaf_clear(page);
    page_free(page);
    if (!above)
        return true;
    SET(above->n, GET(above->n) - 1);
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
    return (size_t)tr__store_size(s) * 3 / 2 * page_size(true) / ROOM + page_size(true);
}
