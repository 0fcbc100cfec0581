/* SPDX-License-Identifier: MIT */
/*
 * Lookups by key.
 *
 * What is found is copied to the caller's heap within the section. Nothing may be raised there, so
 * a copy without memory is noted, and raised when the section has ended.
 *
 * In a set a node does not change, so one look is enough. The objects of a key of a bag are a chain
 * that may change while it is read: then it is read again, and after a few times with the place
 * locked.
 */
#include "ets/hash.h"
#include "ets/table.h"
#include "mem/heap.h"
#include "term/raise.h"

#define TRIES 8

/* Adds what a node stands for to the front of a list; false without memory. */
typedef bool add_fn(struct tr_heap *heap, const struct tr_node *node, uint32_t position,
                    tr_term *list);

static bool add_to(struct tr_heap *heap, tr_term item, tr_term *list)
{
    uint64_t *cell = item.w ? tr__heap_alloc(heap, 2) : NULL;

    if (!cell)
        return false;
    cell[0] = item.w;
    cell[1] = list->w;
    list->w = tr__cons_w(cell);
    return true;
}

static bool add_object(struct tr_heap *heap, const struct tr_node *node, uint32_t position,
                       tr_term *list)
{
    (void)position;
    return add_to(heap, tr__node_copy(node, heap), list);
}

/* The element alone, when it is an immediate; else with the object that it is part of. */
static tr_term element_copy(struct tr_heap *heap, const struct tr_node *node, uint32_t position)
{
    uint64_t w = tr__node_element(node, position);

    if (tr__is_immediate(w))
        return (tr_term){ w };
    tr_term object = tr__node_copy(node, heap);
    return object.w ? (tr_term){ tr__box(object.w)[position] } : object;
}

static bool has_position(const struct tr_node *node, uint32_t position)
{
    return position >= 1 && position <= TR__HEADER_N(node->words[0]);
}

/* An object that is too short gives the empty mark, which no element is. */
static bool add_element(struct tr_heap *heap, const struct tr_node *node, uint32_t position,
                        tr_term *list)
{
    if (has_position(node, position))
        return add_to(heap, element_copy(heap, node, position), list);
    list->w = 0;
    return true;
}

struct chain {
    struct tr_edit edit; /* to read it with the place locked */
    struct tr_store *store;
    struct tr_heap *heap;
    add_fn *add;
    uint32_t position;
    tr_term list;
    bool ok;
};

/* Reads the whole chain: the last object comes first in the list. */
static void chain_read(struct chain *c, struct tr_node *node)
{
    c->list = tr_nil();
    c->ok = true;
    for (; node && c->ok && c->list.w; node = tr__chain_next(c->store, node))
        c->ok = c->add(c->heap, node, c->position, &c->list);
}

static struct tr_node *chain_read_locked(struct tr_edit *edit, struct tr_node *old)
{
    struct chain *c = (struct chain *)edit;

    chain_read(c, tr__chain_visible(c->store, old));
    return old;
}

static tr_err bag_read(struct chain *c, struct tr_worker *w, uint64_t hash, uint64_t key)
{
    struct tr_heap_mark mark = tr__heap_mark(c->heap);
    struct tr_node *node;
    struct tr_pair pair;

    for (int i = 0; i < TRIES; i++) {
        _Atomic uint64_t *version = tr__hash_version(c->store, hash);
        uint64_t before = atomic_load_explicit(version, memory_order_acquire);
        tr_err err = tr__store_find(c->store, w, hash, key, &node, &pair);
        if (err)
            return err;
        chain_read(c, node);
        /* All loads of the chain are acquires, so this one comes after them. */
        if (before % 2 == 0 && atomic_load_explicit(version, memory_order_acquire) == before)
            return TR_OK;
        tr__heap_reset(c->heap, mark);
    }
    return tr__store_edit(c->store, w, hash, key, &c->edit);
}

static tr_err read_key(struct chain *c, struct tr_worker *w, uint64_t hash, uint64_t key)
{
    struct tr_node *node;
    struct tr_pair pair;

    if (tr__store_is_bag(c->store))
        return bag_read(c, w, hash, key);
    tr_err err = tr__store_find(c->store, w, hash, key, &node, &pair);
    if (!err)
        chain_read(c, node);
    return err;
}

/* The list of what is under a key, the last object first; w is 0 for an object that is too short.
 */
static tr_term look_up(tr_term table, struct tr_arg key, add_fn *add, uint32_t position)
{
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    uint64_t hash = tr__key_hash(k);
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);
    struct chain c = { { .fn = chain_read_locked },
                       .store = tr__table_store(t),
                       .heap = tr__heap_current(),
                       .add = add,
                       .position = position };
    tr_err err = read_key(&c, p->worker, hash, k);

    tr__table_close(p, TR__COST_LOOKUP);
    if (tr__unlikely(err || !c.ok))
        tr__raise_oom();
    return c.list;
}

static tr_term in_order(tr_term list)
{
    return tr__is_cons(list.w) && tr__cons(list.w)[1] != TR__NIL ? tr_list_reverse(list) : list;
}

tr_term tr_ets_lookup_key(tr_term table, struct tr_arg key)
{
    TR__ENTER();

    return in_order(look_up(table, key, add_object, 0));
}

/* A copy of what was found; no term when memory is short, or a batch has hidden it: *hidden. */
static inline tr_term found_copy(const struct tr_store *s, const struct tr_found *found,
                                 struct tr_heap *heap, bool *hidden)
{
    if (tr__unlikely(tr__is_node_w(found->item))) {
        struct tr_node *node = tr__chain_visible(s, tr__node_of_w(found->item));
        *hidden = !node;
        return node ? tr__node_copy(node, heap) : (tr_term){ 0 };
    }
    uint64_t *to = tr__heap_alloc(heap, 3);
    if (tr__unlikely(!to))
        return (tr_term){ 0 };
    to[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    to[1] = found->key;
    to[2] = found->item;
    return (tr_term){ tr__box_w(to) };
}

/* Of a key in a set, the common case: no list. */
static inline bool get(struct tr_proc *p, struct tr_store *s, uint64_t hash, uint64_t key,
                       tr_term *object, tr_err *err)
{
    struct tr_found found;
    bool hidden = false;

    *err = TR_OK;
    if (tr__likely(s->type != TR_ETS_ORDERED_SET && tr__is_immediate(key)))
        tr__hash_look(s, hash, key, &found);
    else
        *err = tr__store_look(s, p->worker, hash, key, &found);
    if (*err || !found.item)
        return false;
    tr_term copy = found_copy(s, &found, &p->heap, &hidden);
    if (hidden)
        return false;
    if (tr__unlikely(!copy.w)) {
        *err = TR_ENOMEM;
        return false;
    }
    *object = copy;
    return true;
}

bool tr__ets_get(tr_term table, tr_term *object, uint64_t key)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t hash = tr__key_hash(key);
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);
    tr_err err;
    bool found = get(p, tr__table_store(t), hash, key, object, &err);

    tr__table_close(p, TR__COST_LOOKUP);
    if (tr__unlikely(err))
        tr__raise_oom();
    return found;
}

bool tr_ets_member_key(tr_term table, struct tr_arg key)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    uint64_t hash = tr__key_hash(k);
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);
    struct tr_node *node = NULL;
    struct tr_pair pair;
    tr_err err = tr__store_find(tr__table_store(t), p->worker, hash, k, &node, &pair);

    tr__table_close(p, TR__COST_LOOKUP);
    if (tr__unlikely(err))
        tr__raise_oom();
    return node != NULL;
}

static bool is_bag(struct tr_proc *p, tr_term table)
{
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);
    bool bag = tr__store_is_bag(tr__table_store(t));

    tr__reader_end(&p->worker->reader);
    return bag;
}

tr_term tr_ets_lookup_element_key(tr_term table, struct tr_arg key, uint32_t position,
                                  const struct tr_arg *otherwise, int n)
{
    TR__ENTER();
    bool bag = is_bag(TR__SELF(), table);
    tr_term list = look_up(table, key, add_element, position);

    if (!list.w)
        tr__raise_badarg(tr_build((int64_t)position));
    if (list.w == TR__NIL && !otherwise)
        tr__raise_badarg(tr_build_args(&key, 1));
    if (list.w == TR__NIL)
        return tr_build_args(otherwise, n);
    return bag ? in_order(list) : tr_head(list);
}
