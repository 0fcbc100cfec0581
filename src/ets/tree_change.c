/* SPDX-License-Identifier: MIT */
/* The tree of an ordered_set: its pages, and how they are split and removed. */
#include "ets/tree.h"
#include "mem/block.h"

/* --- pages --- */

struct tr_page *tr__page_new(uint8_t level)
{
    struct tr_page *page = tr__block_alloc(tr__page_size(level));

    if (!page)
        return NULL;
    memset(page, 0, tr__page_size(level));
    page->level = level;
    for (uint32_t i = 0; i < TR__PAGE_ROOM; i++)
        TR__SET(page->keys[i], TR__NO_KEY);
    return page;
}

void tr__page_free(struct tr_page *page)
{
    for (uint32_t i = 0; page->level && i < TR__PAGE_ROOM; i++)
        if (TR__GET(page->own[i]))
            tr__node_free(TR__GET(page->own[i]));
    tr__block_free(page, tr__page_size(page->level));
}

static void page_destroy(struct tr_retired *retired)
{
    tr__page_free(tr__container_of(retired, struct tr_page, retired));
}

static uint64_t page_w(struct tr_page *page)
{
    return (uint64_t)(uintptr_t)page;
}

/* --- changes of leaves --- */

void tr__leaf_lock(struct tr_page *leaf)
{
    for (int i = 0;; i++) {
        uint64_t head = atomic_load_explicit(&leaf->head, memory_order_relaxed);
        if (!(head & TR__PAGE_LOCKED) &&
            atomic_compare_exchange_weak_explicit(&leaf->head, &head, head | TR__PAGE_LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        tr__tree_pause(i);
    }
}

void tr__leaf_unlock(struct tr_page *leaf)
{
    uint64_t head = atomic_load_explicit(&leaf->head, memory_order_relaxed);

    TR__SET(leaf->head, (head + TR__PAGE_CHANGE) & ~TR__PAGE_LOCKED);
}

static void key_set(struct tr_page *page, uint32_t i, uint64_t key)
{
    /* First, so that who sees the key sees this too, unless the counts tell it to look again. */
    if (!tr__is_small(key) && key != TR__NO_KEY)
        TR__SET(page->mixed, true);
    TR__SET(page->keys[i], key);
}

void tr__slot_set(struct tr_page *page, uint32_t i, uint64_t key, uint64_t item,
                  struct tr_node *own)
{
    key_set(page, i, key);
    TR__SET(page->items[i], item);
    if (page->level)
        TR__SET(page->own[i], own);
}

static void slot_copy(struct tr_page *to, uint32_t i, struct tr_page *from, uint32_t j)
{
    key_set(to, i, TR__GET(from->keys[j]));
    TR__SET(to->items[i], TR__GET(from->items[j]));
    if (to->level)
        TR__SET(to->own[i], TR__GET(from->own[j]));
}

static void slot_clear(struct tr_page *page, uint32_t i)
{
    tr__slot_set(page, i, TR__NO_KEY, 0, NULL);
}

void tr__slots_open(struct tr_page *page, uint32_t i)
{
    uint32_t n = TR__GET(page->n);

    for (uint32_t j = n; j > i; j--)
        slot_copy(page, j, page, j - 1);
    TR__SET(page->n, n + 1);
}

void tr__slots_close(struct tr_page *page, uint32_t i)
{
    uint32_t n = TR__GET(page->n) - 1;

    for (uint32_t j = i; j < n; j++)
        slot_copy(page, j, page, j + 1);
    TR__SET(page->n, n);
    slot_clear(page, n);
}

/* --- changes of inner pages; the lock of the tree is held --- */

struct path {
    struct tr_page *page[TR__TREE_DEPTH];
    uint32_t at[TR__TREE_DEPTH]; /* which child was taken */
    int depth;                   /* how many inner pages */
    struct tr_page *leaf;
};

static void descend(struct tr_store *s, uint64_t key, struct path *path)
{
    struct tr_page *page = TR__GET(s->tree.root);

    path->depth = 0;
    while (page->level) {
        uint32_t i = tr__page_way(page, key);
        path->page[path->depth] = page;
        path->at[path->depth++] = i;
        page = tr__page_child(page, i);
    }
    path->leaf = page;
}

static void change_begin(struct tr_store *s, struct tr_edit *edit)
{
    tr__spin_lock(&s->tree.lock);
    edit->changing = true;
    TR__SET(s->tree.version, TR__GET(s->tree.version) + 1);
}

static void change_end(struct tr_store *s, struct tr_edit *edit)
{
    edit->changing = false;
    TR__SET(s->tree.version, TR__GET(s->tree.version) + 1);
    tr__spin_unlock(&s->tree.lock);
}

/* What a split needs, had before anything is changed. */
struct supplies {
    struct tr_page *leaf;
    struct tr_page *inner[TR__TREE_DEPTH + 1];
    int n;
    struct tr_node *own; /* holds the key between the two leaves; NULL for an immediate */
    uint64_t key;
};

static void supplies_free(struct supplies *sup)
{
    if (sup->leaf)
        tr__page_free(sup->leaf);
    while (sup->n)
        tr__page_free(sup->inner[--sup->n]);
    if (sup->own)
        tr__node_free(sup->own);
}

/* A key that lasts as long as the inner page that it is in. */
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

    *sup = (struct supplies){ .leaf = tr__page_new(0) };
    if (!sup->leaf || !key_keep(key, sup))
        return false;
    for (; level >= -1; level--) {
        if (level >= 0 && TR__GET(path->page[level]->n) < TR__PAGE_ROOM)
            break;
        sup->inner[sup->n] = tr__page_new((uint8_t)(path->depth - level));
        if (!sup->inner[sup->n])
            return false;
        sup->n++;
    }
    return true;
}

/* Moves what is at `from` and behind it to an empty page. */
static void page_split(struct tr_page *page, struct tr_page *right, uint32_t from)
{
    uint32_t n = TR__GET(page->n);

    for (uint32_t i = from; i < n; i++)
        slot_copy(right, i - from, page, i);
    TR__SET(right->n, n - from);
    TR__SET(page->n, from);
    for (uint32_t i = from; i < n; i++)
        slot_clear(page, i);
}

/* Puts the right half of a split into the inner page above, which may be split in turn. */
static void insert_above(struct tr_store *s, const struct path *path, struct supplies *sup,
                         struct tr_page *left, struct tr_page *right)
{
    uint64_t key = sup->key;
    struct tr_node *own = sup->own;
    int used = 0;

    for (int level = path->depth - 1; level >= 0; level--) {
        struct tr_page *page = path->page[level];
        uint32_t i = path->at[level] + 1;
        if (TR__GET(page->n) < TR__PAGE_ROOM) {
            tr__slots_open(page, i);
            tr__slot_set(page, i, key, page_w(right), own);
            sup->n = 0;
            return;
        }
        struct tr_page *half = sup->inner[used++];
        uint32_t middle = i == TR__PAGE_ROOM ? TR__PAGE_ROOM - 1 : TR__PAGE_ROOM / 2;
        page_split(page, half, middle);
        struct tr_page *into = i <= middle ? page : half;
        i = i <= middle ? i : i - middle;
        tr__slots_open(into, i);
        tr__slot_set(into, i, key, page_w(right), own);
        /* The lower bound of the right half moves up; its first key counts for nothing there. */
        key = TR__GET(half->keys[0]);
        own = TR__GET(half->own[0]);
        tr__slot_set(half, 0, TR__LEAST_KEY, TR__GET(half->items[0]), NULL);
        left = page;
        right = half;
    }
    struct tr_page *root = sup->inner[used];
    tr__slot_set(root, 0, TR__LEAST_KEY, page_w(left), NULL);
    tr__slot_set(root, 1, key, page_w(right), own);
    TR__SET(root->n, 2);
    TR__SET(s->tree.root, root);
    sup->n = 0;
}

static void leaf_split(struct tr_store *s, const struct path *path, struct supplies *sup,
                       uint32_t from)
{
    struct tr_page *leaf = path->leaf, *right = sup->leaf, *next = TR__GET(leaf->next);

    page_split(leaf, right, from);
    TR__SET(right->next, next);
    TR__SET(right->prev, leaf);
    if (next)
        TR__SET(next->prev, right);
    TR__SET(leaf->next, right);
    insert_above(s, path, sup, leaf, right);
    sup->leaf = NULL;
    sup->own = NULL;
}

tr_err tr__tree_make_room(struct tr_store *s, uint64_t key, struct tr_edit *edit)
{
    struct supplies sup = { 0 };
    struct path path;
    tr_err err = TR_OK;

    change_begin(s, edit);
    descend(s, key, &path);
    tr__leaf_lock(path.leaf);
    edit->held = &path.leaf->head;
    uint32_t n = TR__GET(path.leaf->n);
    if (n == TR__PAGE_ROOM) {
        /* Keys that come in order fill the leaves. */
        bool append = tr__leaf_place(path.leaf, key, true) == n && !TR__GET(path.leaf->next);
        uint32_t from = append ? n : n / 2;
        if (supplies_get(&path, append ? key : TR__GET(path.leaf->keys[from]), &sup))
            leaf_split(s, &path, &sup, from);
        else
            err = TR_ENOMEM;
    }
    edit->held = NULL;
    tr__leaf_unlock(path.leaf);
    change_end(s, edit);
    supplies_free(&sup);
    return err;
}

/* Takes child i out of an inner page. */
static void child_remove(struct tr_page *page, uint32_t i, struct tr_worker *w)
{
    struct tr_node *own = TR__GET(page->own[i]);

    tr__slots_close(page, i);
    if (i == 0 && TR__GET(page->n))
        key_set(page, 0, TR__LEAST_KEY);
    if (own)
        tr__node_retire(&w->reader, own);
}

void tr__tree_remove_leaf(struct tr_store *s, struct tr_worker *w, uint64_t key,
                          struct tr_edit *edit)
{
    struct path path;

    change_begin(s, edit);
    descend(s, key, &path);
    struct tr_page *leaf = path.leaf;
    tr__leaf_lock(leaf);
    bool gone = TR__GET(leaf->n) == 0 && path.depth > 0;
    if (gone) {
        struct tr_page *prev = TR__GET(leaf->prev), *next = TR__GET(leaf->next);
        if (prev)
            TR__SET(prev->next, next);
        if (next)
            TR__SET(next->prev, prev);
        int level = path.depth - 1;
        child_remove(path.page[level], path.at[level], w);
        for (; level > 0 && TR__GET(path.page[level]->n) == 0; level--) {
            child_remove(path.page[level - 1], path.at[level - 1], w);
            tr__reader_retire(&w->reader, &path.page[level]->retired, page_destroy,
                              sizeof(struct tr_page));
        }
        struct tr_page *root = TR__GET(s->tree.root);
        while (root->level && TR__GET(root->n) == 1) {
            TR__SET(s->tree.root, tr__page_child(root, 0));
            tr__reader_retire(&w->reader, &root->retired, page_destroy, sizeof *root);
            root = TR__GET(s->tree.root);
        }
    }
    tr__leaf_unlock(leaf);
    change_end(s, edit);
    if (gone)
        tr__reader_retire(&w->reader, &leaf->retired, page_destroy, tr__page_size(0));
}

void tr__tree_give_up(struct tr_store *s, struct tr_edit *edit)
{
    change_end(s, edit);
}
