/* SPDX-License-Identifier: MIT */
/*
 * Insertion.
 *
 * One object is one edit of its place. Several are a batch (node.h): each goes to its place but is
 * not seen, then all are seen by one store, then what they replaced is retired. There is one batch
 * at a time in a table, and other writers wait where they meet a node of it; readers do not wait.
 */
#include "ets/table.h"
#include "mem/block.h"
#include "term/raise.h"

#include <sched.h>

#define OBJECTS_MAX (UINT32_C(1) << 28)

/* --- one object --- */

struct put {
    struct tr_edit edit;
    const struct tr_store *store;
    struct tr_node *node;
    struct tr_node *old; /* what it has replaced */
    bool only_new;
    bool done;
};

/* Adds a node at the end of a chain. */
static struct tr_node *append(struct tr_node *first, struct tr_node *node)
{
    if (!first)
        return node;
    /* Release: who walks along the chain finds the node filled. */
    atomic_store_explicit(&(*tr__node_last(first))->next, node, memory_order_release);
    *tr__node_last(first) = node;
    return first;
}

static struct tr_node *bag_put(struct put *put, struct tr_node *first)
{
    if (put->store->type == TR_ETS_BAG)
        for (struct tr_node *n = first; n; n = atomic_load_explicit(&n->next, memory_order_relaxed))
            if (tr__node_is(n, tr__node_object(put->node))) {
                put->done = true; /* it is there already */
                return first;
            }
    put->edit.added = 1;
    put->done = true;
    first = append(first, put->node);
    put->node = NULL;
    return first;
}

static struct tr_node *put_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct put *put = (struct put *)edit;
    struct tr_node *node = put->node;

    if (old && put->only_new)
        return old;
    if (tr__store_is_bag(put->store))
        return bag_put(put, old);
    put->old = old && !old->loose ? old : NULL;
    put->node = NULL;
    put->done = true;
    return node;
}

/* Will it be kept without a node of its own? */
static bool is_pair(tr_term object, const struct tr_shape *shape)
{
    const uint64_t *words = tr__box(object.w);

    return tr__keeps_pairs(shape->type, shape->keypos) &&
           words[0] == TR__HEADER(TR__KIND_TUPLE, 2) && tr__is_immediate(words[1]) &&
           tr__is_immediate(words[2]);
}

/* Puts a node into a table, in a section, and ends that. */
static bool put_one(struct tr_proc *p, struct tr_table *t, struct tr_node *node, bool only_new)
{
    struct tr_store *s = tr__table_store(t);
    struct put put = { { .fn = put_fn }, s, node, .only_new = only_new };
    tr_err err =
        tr__store_edit(s, p->worker, node->hash, tr__node_element(node, t->keypos), &put.edit);

    if (put.old)
        tr__node_retire(&p->worker->reader, put.old);
    tr__reader_end(&p->worker->reader);
    if (put.node)
        tr__node_free(put.node);
    if (err)
        tr__raise_oom();
    tr__reader_sweep(&p->worker->reader);
    tr__spend(p, TR__COST_CHANGE);
    return put.done;
}

static bool insert_one(struct tr_proc *p, tr_term table, const struct tr_shape *shape,
                       tr_term object, bool only_new)
{
    uint64_t key = tr__box(object.w)[shape->keypos];
    uint64_t hash = tr__hash_in(shape->type, key);
    struct tr_pair pair;
    struct tr_node *node = is_pair(object, shape)
                               ? tr__pair_fill(&pair, hash, key, tr__box(object.w)[2])
                               : tr__node_new(object, hash, shape->type >= TR_ETS_BAG);

    struct tr_table *t = tr__table_open_for(p, table.w, node);
    return put_one(p, t, node, only_new);
}

/* The same for two immediates, where they are kept as such: no term is built. False: that is not
   so, and nothing is done. */
static bool insert_pair(struct tr_proc *p, tr_term table, const struct tr_arg *args, int n,
                        bool only_new, bool *done)
{
    uint64_t key, value;
    struct tr_pair pair;

    if (n != 2 || !tr__arg_immediate(args[0], &key) || !tr__arg_immediate(args[1], &value))
        return false;
    struct tr_table *t = tr__table_try(p, table.w, TR__WRITE);
    if (!t)
        return false;
    if (t->value_size || !tr__keeps_pairs(t->type, t->keypos)) {
        tr__reader_end(&p->worker->reader);
        return false;
    }
    *done = put_one(p, t, tr__pair_fill(&pair, tr__hash_in(t->type, key), key, value), only_new);
    return true;
}

/* --- several objects --- */

struct batch_put {
    struct tr_edit edit;
    const struct tr_store *store;
    struct tr_batch *batch;
    uint32_t i; /* the entry that is put, decided or taken back */
    bool only_new, refused, failed;
};

static void batch_destroy(struct tr_retired *retired)
{
    struct tr_batch *batch = (struct tr_batch *)retired;

    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->entries[i].dead)
            tr__node_free(batch->entries[i].node);
    tr__block_free(batch, batch->size);
}

static bool is_of(struct tr_node *node, const struct tr_batch *batch)
{
    return node && atomic_load_explicit(&node->batch, memory_order_relaxed) == (uintptr_t)batch;
}

static struct tr_node *batch_put_bag(struct batch_put *put, struct tr_node *first)
{
    struct tr_batch_entry *e = &put->batch->entries[put->i];

    if (put->only_new && first)
        for (struct tr_node *n = first; n; n = atomic_load_explicit(&n->next, memory_order_relaxed))
            put->refused |= !is_of(n, put->batch);
    e->dead = put->refused;
    if (put->store->type == TR_ETS_BAG)
        for (struct tr_node *n = first; n && !e->dead;
             n = atomic_load_explicit(&n->next, memory_order_relaxed))
            e->dead = tr__node_is(n, tr__node_object(e->node));
    if (e->dead)
        return first;
    put->edit.added = 1;
    e->there = true;
    return append(first, e->node);
}

static struct tr_node *batch_put_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct batch_put *put = (struct batch_put *)edit;
    struct tr_batch_entry *e = &put->batch->entries[put->i];

    if (tr__store_is_bag(put->store))
        return batch_put_bag(put, old);
    if (is_of(old, put->batch)) {
        /* The same key twice: the later object counts. */
        struct tr_batch_entry *before = &put->batch->entries[old->index];
        e->older = before->older;
        before->there = false;
        before->dead = true;
    } else if (old && put->only_new) {
        put->refused = e->dead = true;
        return old;
    } else if (old && old->loose) {
        /* It is to last as long as the batch. */
        e->older = tr__node_new(tr__node_object(old), old->hash, false);
        put->failed = !e->older;
        if (put->failed)
            return old;
    } else {
        e->older = old;
    }
    e->there = true;
    return e->node;
}

/* Takes one node out of its place again. */
static struct tr_node *batch_undo_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct batch_put *put = (struct batch_put *)edit;
    struct tr_batch_entry *e = &put->batch->entries[put->i];

    if (!tr__store_is_bag(put->store))
        return old == e->node ? e->older : old;
    put->edit.added = -1;
    return tr__chain_remove(old, e->node);
}

static void batch_undo(struct tr_store *s, struct tr_worker *w, struct batch_put *put,
                       uint32_t keypos, uint32_t n)
{
    put->edit.fn = batch_undo_fn;
    for (put->i = 0; put->i < n; put->i++) {
        struct tr_batch_entry *e = &put->batch->entries[put->i];
        /* Comparing the key needs no memory that it has not had when the node was put there; if it
           does nevertheless, try until there is some. */
        while (e->there &&
               tr__store_edit(s, w, e->node->hash, tr__node_element(e->node, keypos), &put->edit))
            sched_yield();
        e->dead = true;
    }
    for (put->i = n; put->i < put->batch->n; put->i++)
        put->batch->entries[put->i].dead = true;
}

/* All nodes are at their places: lets them be seen, and what they replaced go. */
static void batch_commit(struct tr_worker *w, struct tr_batch *batch)
{
    /* Release pairs with the acquire in tr__node_before_batch. */
    atomic_store_explicit(&batch->committed, true, memory_order_release);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct tr_batch_entry *e = &batch->entries[i];
        if (!e->there)
            continue;
        atomic_store_explicit(&e->node->batch, 0, memory_order_release);
        if (e->older)
            tr__node_retire(&w->reader, e->older);
    }
}

/* TR_ENOMEM: nothing is inserted; *refused: because of a key that was there. */
static tr_err batch_run(struct tr_worker *w, struct tr_table *t, struct tr_batch *batch,
                        bool only_new, bool *refused)
{
    tr_err err = TR_OK;

    tr__spin_lock(&t->batch_lock);
    struct tr_store *s = tr__table_store(t);
    struct batch_put put = {
        { .fn = batch_put_fn, .batch = batch }, s, batch, .only_new = only_new
    };
    /* Release, so that who meets one of the nodes knows that there is a batch. */
    atomic_store_explicit(&s->batching, true, memory_order_release);
    for (put.i = 0; put.i < batch->n && !err && !put.refused; put.i++) {
        struct tr_node *node = batch->entries[put.i].node;
        err = tr__store_edit(s, w, node->hash, tr__node_element(node, t->keypos), &put.edit);
        if (put.failed)
            err = TR_ENOMEM;
    }
    if (err || put.refused)
        batch_undo(s, w, &put, t->keypos, put.i);
    else
        batch_commit(w, batch);
    atomic_store_explicit(&s->batching, false, memory_order_release);
    tr__reader_retire(&w->reader, &batch->retired, batch_destroy, batch->size);
    tr__spin_unlock(&t->batch_lock);
    *refused = put.refused;
    return err;
}

static void batch_discard(struct tr_batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++)
        batch->entries[i].dead = true;
    batch_destroy(&batch->retired);
}

/* The hashes of the keys of a list, in the caller's heap. */
static uint64_t *hashes_of(struct tr_proc *p, tr_term list, size_t n, const struct tr_shape *shape)
{
    uint64_t *hashes = tr__heap_alloc(&p->heap, n), *next = hashes;
    tr_term object;

    if (!hashes)
        tr__raise_oom();
    while (tr_list_next(&list, &object))
        *next++ = tr__hash_in(shape->type, tr__box(object.w)[shape->keypos]);
    return hashes;
}

/* A batch of the objects of a list; NULL without memory. Raises nothing. */
static struct tr_batch *batch_new(tr_term list, size_t n, const uint64_t *hashes, bool in_bag)
{
    size_t size = sizeof(struct tr_batch) + n * sizeof(struct tr_batch_entry);
    struct tr_batch *batch = tr__block_alloc(size);
    tr_term object;

    if (!batch)
        return NULL;
    *batch = (struct tr_batch){ .size = size };
    while (tr_list_next(&list, &object)) {
        struct tr_node *node = tr__node_new(object, hashes[batch->n], in_bag);
        if (!node) {
            batch_discard(batch);
            return NULL;
        }
        node->index = batch->n & (OBJECTS_MAX - 1);
        atomic_init(&node->batch, (uintptr_t)batch);
        batch->entries[batch->n++] = (struct tr_batch_entry){ .node = node };
    }
    return batch;
}

static bool insert_many(struct tr_proc *p, tr_term table, const struct tr_shape *shape,
                        tr_term list, size_t n, bool only_new)
{
    const uint64_t *hashes = hashes_of(p, list, n, shape);
    struct tr_batch *batch = batch_new(list, n, hashes, shape->type >= TR_ETS_BAG);
    bool refused = false;

    if (!batch)
        tr__raise_oom();
    struct tr_table *t = tr__table_try(p, table.w, TR__WRITE);
    if (!t) {
        batch_discard(batch);
        tr__raise_badarg(table);
    }
    tr_err err = batch_run(p->worker, t, batch, only_new, &refused);
    tr__reader_end(&p->worker->reader);
    if (err)
        tr__raise_oom();
    tr__reader_sweep(&p->worker->reader);
    tr__spend(p, n < 1000 ? (int32_t)n * TR__COST_CHANGE : 1000 * TR__COST_CHANGE);
    return !refused;
}

/* How many objects the argument is; raises badarg when it is none. */
static size_t check_objects(tr_term objects, const struct tr_shape *shape)
{
    size_t n = 0;
    tr_term rest = objects, object;

    if (!tr_list_length(objects, &n))
        tr__raise_badarg(objects);
    while (tr_list_next(&rest, &object))
        if (!tr__is_object(object, shape->keypos))
            tr__raise_badarg(object);
    if (n >= OBJECTS_MAX)
        tr__raise_limit();
    return n;
}

static bool insert(tr_term table, const struct tr_arg *args, int n, bool only_new)
{
    struct tr_proc *p = TR__SELF();
    bool done;

    if (insert_pair(p, table, args, n, only_new, &done))
        return done;
    tr_term objects = tr_build_args(args, n);
    struct tr_shape shape = tr__table_shape(p, table, TR__WRITE);
    if (tr__is_object(objects, shape.keypos))
        return insert_one(p, table, &shape, objects, only_new);
    size_t count = check_objects(objects, &shape);
    if (count == 0)
        return true;
    if (count == 1)
        return insert_one(p, table, &shape, tr_head(objects), only_new);
    return insert_many(p, table, &shape, objects, count, only_new);
}

void tr_ets_insert_args(tr_term table, const struct tr_arg *args, int n)
{
    TR__ENTER();

    (void)insert(table, args, n, false);
}

bool tr_ets_insert_new_args(tr_term table, const struct tr_arg *args, int n)
{
    TR__ENTER();

    return insert(table, args, n, true);
}
