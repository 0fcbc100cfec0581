/* SPDX-License-Identifier: MIT */
/*
 * Going through tables: key by key, and folds.
 *
 * The position in a hash table is a hash, and that of an ordered_set a key: both stay where they
 * are when the table changes. So a key that has been deleted has a next one all the same.
 */
#include "ets/table.h"

tr_atom_as(a_end, "$end_of_table");

/* --- one key after the other --- */

struct step {
    struct tr_visit visit;
    struct tr_store *store;
    struct tr_heap *heap;
    uint64_t hash, key; /* behind which; key 0: the first of all */
    uint64_t best_hash; /* of the nearest so far */
    uint64_t best;      /* its key, copied; 0: none */
};

static int order(uint64_t hash, uint64_t key, uint64_t other_hash, uint64_t other)
{
    if (hash != other_hash)
        return hash < other_hash ? -1 : 1;
    return tr_compare_exact((tr_term){ key }, (tr_term){ other });
}

/* The key in the caller's heap. */
static bool take_key(struct step *step, struct tr_node *node)
{
    uint64_t w = tr__node_key(step->store, node);

    if (!tr__is_immediate(w)) {
        tr_term object = tr__node_copy(node, step->heap);
        if (!object.w) {
            step->visit.err = TR_ENOMEM;
            return false;
        }
        w = tr__box(object.w)[step->store->keypos];
    }
    step->best = w;
    step->best_hash = node->hash;
    return true;
}

static bool nearest_hashed(struct tr_visit *visit, struct tr_node *node)
{
    struct step *step = (struct step *)visit;
    uint64_t key = tr__node_key(step->store, node);

    if (step->key && order(node->hash, key, step->hash, step->key) <= 0)
        return true;
    if (step->best && order(node->hash, key, step->best_hash, step->best) >= 0)
        return true;
    return take_key(step, node);
}

static bool nearest_ordered(struct tr_visit *visit, struct tr_node *node)
{
    (void)take_key((struct step *)visit, node);
    return false;
}

static tr_term step_to(tr_term table, uint64_t key, bool reverse)
{
    struct tr_proc *p = TR__SELF();
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);
    struct tr_store *s = tr__table_store(t);
    bool ordered = s->type == TR_ETS_ORDERED_SET;
    struct step step = { { .fn = ordered ? nearest_ordered : nearest_hashed },
                         .store = s,
                         .heap = &p->heap,
                         .hash = key && !ordered ? tr__key_hash(key) : 0,
                         .key = key };
    struct tr_cursor cursor = { .at = step.hash, .key = ordered ? key : 0, .reverse = reverse };
    tr_err err = TR_OK;

    while (!err && !step.best && !cursor.done)
        err = tr__store_portion(s, p->worker, &cursor, &step.visit);
    tr__table_close(p, TR__COST_LOOKUP);
    if (err)
        tr__raise_oom();
    return step.best ? (tr_term){ step.best } : tr_build(a_end);
}

tr_term tr_ets_first_of(tr_term table)
{
    TR__ENTER();

    return step_to(table, 0, false);
}

tr_term tr_ets_last_of(tr_term table)
{
    TR__ENTER();

    return step_to(table, 0, true);
}

tr_term tr_ets_next_of(tr_term table, struct tr_arg key)
{
    TR__ENTER();

    return step_to(table, tr__arg_word_of(&key), false);
}

tr_term tr_ets_prev_of(tr_term table, struct tr_arg key)
{
    TR__ENTER();

    return step_to(table, tr__arg_word_of(&key), true);
}

/* {Key, Objects} of a key that was found; the next one if it has gone meanwhile. */
static tr_term with_objects(tr_term table, tr_term key, bool reverse)
{
    while (key.w != a_end.w) {
        tr_term objects = tr_ets_lookup(table, key);
        if (!tr_is_nil(objects))
            return tr_build(key, objects);
        key = step_to(table, key.w, reverse);
    }
    return key;
}

tr_term tr_ets_first_lookup_of(tr_term table)
{
    TR__ENTER();

    return with_objects(table, step_to(table, 0, false), false);
}

tr_term tr_ets_last_lookup_of(tr_term table)
{
    TR__ENTER();

    return with_objects(table, step_to(table, 0, true), true);
}

tr_term tr_ets_next_lookup_of(tr_term table, struct tr_arg key)
{
    TR__ENTER();

    return with_objects(table, step_to(table, tr__arg_word_of(&key), false), false);
}

tr_term tr_ets_prev_lookup_of(tr_term table, struct tr_arg key)
{
    TR__ENTER();

    return with_objects(table, step_to(table, tr__arg_word_of(&key), true), true);
}

/* --- portions for all that goes through a table --- */

bool tr__walk_portion(struct tr_proc *p, tr_term table, enum tr_right right,
                      struct tr_cursor *cursor, struct tr_visit *visit,
                      void (*prepare)(struct tr_visit *visit, struct tr_store *s))
{
    struct tr_table *t = tr__table_open(p, table.w, right);
    struct tr_store *s = tr__table_store(t);

    prepare(visit, s);
    tr_err err = tr__store_portion(s, p->worker, cursor, visit);
    tr__table_close(p, TR__COST_SPAWN);
    if (err)
        tr__raise_oom();
    return !cursor->done;
}

struct objects {
    struct tr_visit visit;
    const struct tr_store *store;
    struct tr_heap *heap;
    tr_term list; /* the last first */
};

static bool add_objects(struct tr_visit *visit, struct tr_node *node)
{
    struct objects *objects = (struct objects *)visit;

    for (; node; node = tr__chain_next(objects->store, node)) {
        tr_term object = tr__node_copy(node, objects->heap);
        uint64_t *cell = object.w ? tr__heap_alloc(objects->heap, 2) : NULL;
        if (!cell) {
            visit->err = TR_ENOMEM;
            return false;
        }
        cell[0] = object.w;
        cell[1] = objects->list.w;
        objects->list.w = tr__cons_w(cell);
    }
    return true;
}

static void prepare_objects(struct tr_visit *visit, struct tr_store *s)
{
    ((struct objects *)visit)->store = s;
}

tr_term tr_ets_tab2list_of(tr_term table)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct objects objects = { { .fn = add_objects }, .heap = &p->heap, .list = tr_nil() };
    struct tr_cursor cursor = { 0 };

    while (tr__walk_portion(p, table, TR__READ, &cursor, &objects.visit, prepare_objects))
        ;
    return tr_list_reverse(objects.list);
}

struct call {
    tr_ets_fold_fn fn;
    tr_term object;
    void *arg;
    bool go_on;
};

static void call_fn(void *arg)
{
    struct call *call = arg;

    call->go_on = call->fn(call->object, call->arg);
}

/* What a cursor remembers outlives the scope of one portion. */
static void keep_key(struct tr_cursor *cursor, tr_term *kept)
{
    tr_term before = *kept;

    if (!cursor->key)
        return;
    *kept = tr_keep((tr_term){ cursor->key });
    cursor->key = kept->w;
    if (before.w)
        tr_release(before);
}

static bool fold(tr_term table, tr_ets_fold_fn fn, void *arg, bool reverse)
{
    struct tr_proc *p = TR__SELF();
    struct tr_cursor cursor = { .reverse = reverse };
    struct call call = { fn, { 0 }, arg, true };
    tr_term kept = { 0 };
    bool more = true;

    while (more && call.go_on) {
        tr_scope
        {
            struct objects objects = { { .fn = add_objects }, .heap = &p->heap, .list = tr_nil() };
            more = tr__walk_portion(p, table, TR__READ, &cursor, &objects.visit, prepare_objects);
            keep_key(&cursor, &kept);
            for (tr_term rest = tr_list_reverse(objects.list);
                 call.go_on && tr_list_next(&rest, &call.object);)
                tr__run_outside(call_fn, &call);
        }
    }
    if (kept.w)
        tr_release(kept);
    return call.go_on;
}

bool tr_ets_foldl_of(tr_term table, tr_ets_fold_fn fn, void *arg)
{
    TR__ENTER();

    return fold(table, fn, arg, false);
}

bool tr_ets_foldr_of(tr_term table, tr_ets_fold_fn fn, void *arg)
{
    TR__ENTER();

    return fold(table, fn, arg, true);
}
