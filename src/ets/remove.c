/* SPDX-License-Identifier: MIT */
/* Deletion: of what is under a key, of one object, of all. */
#include "ets/table.h"
#include "term/raise.h"

static void retire_chain(struct tr_worker *w, struct tr_node *node)
{
    while (node) {
        struct tr_node *next = atomic_load_explicit(&node->next, memory_order_relaxed);
        tr__node_retire(&w->reader, node);
        node = next;
    }
}

struct removal {
    struct tr_edit edit;
    struct tr_store *store;
    struct tr_node *out;    /* a chain of nodes that are to be retired */
    struct tr_node *object; /* the only one that is to go */
    struct tr_pair pair;    /* the one that was no node */
};

static struct tr_node *remove_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct removal *r = (struct removal *)edit;

    r->out = old;
    if (old && old->loose) {
        r->pair = *(struct tr_pair *)old;
        r->out = &r->pair.node;
    }
    for (struct tr_node *n = old; n; n = atomic_load_explicit(&n->next, memory_order_relaxed))
        r->edit.added--;
    return NULL;
}

/* The objects of a key, taken out of the table; the section goes on. */
static tr_err take_out(struct tr_proc *p, struct tr_table *t, uint64_t key, struct removal *r)
{
    r->edit.fn = remove_fn;
    r->store = tr__table_store(t);
    return tr__store_edit(r->store, p->worker, tr__hash_in(t->type, key), key, &r->edit);
}

void tr_ets_delete_key(tr_term table, struct tr_arg key)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);
    struct removal r = { 0 };
    tr_err err = take_out(p, t, k, &r);

    retire_chain(p->worker, r.out);
    tr__table_close(p, TR__COST_CHANGE);
    if (err)
        tr__raise_oom();
}

/* Copies of a chain as a list, in order; false without memory. */
static bool list_of(struct tr_heap *heap, struct tr_node *node, tr_term *list)
{
    tr_term items = tr_nil();

    for (; node; node = atomic_load_explicit(&node->next, memory_order_relaxed)) {
        tr_term object = tr__node_copy(node, heap);
        uint64_t *cell = object.w ? tr__heap_alloc(heap, 2) : NULL;
        if (!cell)
            return false;
        cell[0] = object.w;
        cell[1] = items.w;
        items.w = tr__cons_w(cell);
    }
    *list = items;
    return true;
}

tr_term tr_ets_take_key(tr_term table, struct tr_arg key)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);
    struct removal r = { 0 };
    tr_term list = tr_nil();
    tr_err err = take_out(p, t, k, &r);
    bool ok = !err && list_of(&p->heap, r.out, &list);

    retire_chain(p->worker, r.out);
    tr__table_close(p, TR__COST_CHANGE);
    if (!ok)
        tr__raise_oom();
    return tr_list_reverse(list);
}

static struct tr_node *remove_object_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct removal *r = (struct removal *)edit;
    struct tr_node *first = old, *next;

    /* First compare, which may fail, then change. */
    for (struct tr_node *n = old; n; n = atomic_load_explicit(&n->next, memory_order_relaxed))
        n->index = tr__node_is(n, tr__node_object(r->object));
    for (struct tr_node *n = old; n; n = next) {
        next = atomic_load_explicit(&n->next, memory_order_relaxed);
        if (!n->index)
            continue;
        r->edit.added--;
        first = tr__store_is_bag(r->store) ? tr__chain_remove(first, n) : NULL;
        tr__node_retire(&tr__worker()->reader, n);
    }
    return first;
}

void tr_ets_delete_object_args(tr_term table, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    tr_term object = tr_build_args(args, n);
    struct tr_shape shape;

    shape = tr__table_shape(p, table, TR__WRITE);
    if (!tr__is_object(object, shape.keypos))
        tr__raise_badarg(object);
    uint64_t key = tr__box(object.w)[shape.keypos];
    uint64_t hash = tr__hash_in(shape.type, key);
    struct tr_node *node = tr__node_new(object, 0, false);
    struct tr_table *t = tr__table_open_for(p, table.w, node);
    struct removal r = { { .fn = remove_object_fn, .may_raise = true },
                         tr__table_store(t),
                         .object = node };
    tr_err err = tr__store_edit(r.store, p->worker, hash, key, &r.edit);
    tr__table_close(p, TR__COST_CHANGE);
    tr__node_free(node);
    if (err)
        tr__raise_oom();
}

void tr_ets_delete_all_objects_of(tr_term table)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_shape shape;

    shape = tr__table_shape(p, table, TR__WRITE);
    struct tr_store *fresh = tr__store_new(shape.type, shape.keypos);
    if (!fresh)
        tr__raise_oom();
    struct tr_table *t = tr__table_try(p, table.w, TR__WRITE);
    if (t) {
        /* Not while a batch has put in a part of its objects. */
        tr__spin_lock(&t->batch_lock);
        fresh = atomic_exchange_explicit(&t->store, fresh, memory_order_acq_rel);
        tr__spin_unlock(&t->batch_lock);
        tr__reader_end(&p->worker->reader);
    }
    /* Writers that have found the old one before finish there: as if they had come earlier. */
    tr__store_destroy(p, fresh);
    if (!t)
        tr__raise_badarg(table);
    tr__spend(p, TR__COST_CHANGE);
}
