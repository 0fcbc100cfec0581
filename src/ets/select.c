/* SPDX-License-Identifier: MIT */
/*
 * match, select and their like: one walk with one specification.
 *
 * A walk takes the table in portions and lets others run in between. What changes objects collects
 * those of a portion first, and then changes each as one step if it is still what it was.
 */
#include "ets/spec.h"
#include "ets/table.h"

tr_atom_as(a_end, "$end_of_table");
tr_atom_as(a_continuation, "$ets_continuation");
tr_atom_as(a_variables, "$$");
tr_atom_as(a_object, "$_");
tr_atom_as(a_true, "true");

struct query {
    struct tr_visit visit;
    struct tr_spec spec;
    struct tr_cursor cursor;
    const struct tr_store *store;
    tr_term table;
    size_t limit;
    tr_term results; /* the last first; of changes pairs {Object, Result} */
    size_t n;        /* how many they are */
    bool pairs;
    tr_term keys; /* those to be looked up, where the clauses tell them; no term: it is a walk */
    tr_term key;  /* the one that is being looked up */
};

/* --- the walk --- */

static bool visit_objects(struct tr_visit *visit, struct tr_node *node)
{
    struct query *q = (struct query *)visit;
    tr_term result;

    /* The portion has its neighbours too; in a tree it ends behind the key. */
    if (q->key.w && q->store->type != TR_ETS_ORDERED_SET &&
        !tr_equal((tr_term){ tr__node_key(q->store, node) }, q->key))
        return true;
    for (; node; node = tr__chain_next(q->store, node)) {
        tr_term object = tr__node_object(node);
        if (!tr__spec_run(&q->spec, object.w, &result))
            continue;
        if (q->pairs)
            result = tr_build(object, result);
        q->results = tr_list_push(q->results, tr_copy(result));
        q->n++;
    }
    return true;
}

static void prepare(struct tr_visit *visit, struct tr_store *s)
{
    ((struct query *)visit)->store = s;
}

/* What is to be visited, as far as the specification tells it: some keys, or a range. */
static void begin(struct query *q, struct tr_proc *p, enum tr_right right)
{
    struct tr_shape shape = tr__table_shape(p, q->table, right);
    bool ordered = shape.type == TR_ETS_ORDERED_SET;

    q->visit.fn = visit_objects;
    q->results = tr_nil();
    q->keys = tr__spec_keys(&q->spec, shape.keypos, ordered ? tr_compare : tr_compare_exact);
    if (q->keys.w && q->cursor.reverse)
        q->keys = tr_list_reverse(q->keys);
    else if (!q->keys.w && ordered)
        q->cursor.range = tr__spec_range(&q->spec, shape.keypos);
}

/* Looks up the next of the keys; false when it was the last. */
static bool look_up(struct query *q, struct tr_proc *p, enum tr_right right)
{
    if (tr_list_next(&q->keys, &q->key)) {
        q->cursor.key = q->key.w;
        q->cursor.inclusive = true;
        q->cursor.range = tr_list_push(tr_nil(), q->key).w;
        q->cursor.at = tr__key_hash(q->key.w);
        (void)tr__walk_portion(p, q->table, right, &q->cursor, &q->visit, prepare);
    }
    q->cursor.done = tr_is_nil(q->keys);
    return !q->cursor.done;
}

/* One portion more; false when it was the last. */
static bool go_on(struct query *q, struct tr_proc *p, enum tr_right right)
{
    if (q->keys.w)
        return look_up(q, p, right);
    if (!q->cursor.done)
        (void)tr__walk_portion(p, q->table, right, &q->cursor, &q->visit, prepare);
    return !q->cursor.done;
}

/* --- results, in parts --- */

static tr_term continuation(const struct query *q, tr_term rest)
{
    tr_term key = tr_nil();
    int flags = q->cursor.reverse + 2 * q->cursor.done;

    if (q->cursor.key)
        key = tr_list_push(key, (tr_term){ q->cursor.key });
    return tr_build(a_continuation, q->table, q->spec.clauses, (uint64_t)q->limit, q->cursor.at,
                    key, flags, rest);
}

/* The first `limit` of a list that is in order, and how to go on. */
static tr_term part(const struct query *q, tr_term list)
{
    tr_term first = tr_nil(), item;

    if (q->limit == TR_ETS_ALL)
        return list;
    if (tr_is_nil(list))
        return tr_build(a_end);
    for (size_t i = 0; i < q->limit && tr_list_next(&list, &item); i++)
        first = tr_list_push(first, item);
    return tr_build(tr_list_reverse(first), continuation(q, list));
}

static tr_term results(struct query *q, struct tr_proc *p)
{
    /* A continuation does not know the keys, so they are all looked up at once. */
    while (go_on(q, p, TR__READ) && (q->keys.w || q->limit == TR_ETS_ALL || q->n < q->limit))
        ;
    return part(q, tr_list_reverse(q->results));
}

static tr_term run(tr_term table, tr_term clauses, size_t limit, bool reverse)
{
    struct query q = { .table = table, .limit = limit, .cursor = { .reverse = reverse } };
    struct tr_proc *p = TR__SELF();

    tr__spec_check(&q.spec, clauses);
    begin(&q, p, TR__READ);
    return results(&q, p);
}

tr_term tr_ets_continue(tr_term term)
{
    TR__ENTER();
    struct query q = { .visit = { .fn = visit_objects }, .results = tr_nil() };
    struct tr_proc *p = TR__SELF();
    tr_term clauses, key, rest;
    uint64_t limit;
    int flags;

    if (term.w == a_end.w)
        return term;
    if (!tr_match(term, a_continuation, &q.table, &clauses, &limit, &q.cursor.at, &key, &flags,
                  &rest))
        tr__raise_badarg(term);
    tr__spec_check(&q.spec, clauses);
    q.limit = limit;
    q.cursor.reverse = flags & 1;
    q.cursor.done = flags & 2;
    q.cursor.key = tr_is_nil(key) ? 0 : tr_head(key).w;
    struct tr_shape shape = tr__table_shape(p, q.table, TR__READ);
    if (shape.type == TR_ETS_ORDERED_SET)
        q.cursor.range = tr__spec_range(&q.spec, shape.keypos);
    if (!tr_is_nil(rest))
        return part(&q, rest);
    return results(&q, p);
}

/* --- what is asked --- */

/* [{Pattern, [], [Body]}] */
static tr_term spec_of(struct tr_arg pattern, tr_atom body)
{
    return tr_build(tr_list(tr_tuple(pattern, tr_list(), tr_list(body))));
}

tr_term tr_ets_match_of(tr_term table, struct tr_arg pattern, size_t limit)
{
    TR__ENTER();

    return run(table, spec_of(pattern, a_variables), limit, false);
}

tr_term tr_ets_match_object_of(tr_term table, struct tr_arg pattern, size_t limit)
{
    TR__ENTER();

    return run(table, spec_of(pattern, a_object), limit, false);
}

tr_term tr_ets_select_of(tr_term table, struct tr_arg spec, size_t limit)
{
    TR__ENTER();

    return run(table, tr_build_args(&spec, 1), limit, false);
}

tr_term tr_ets_select_reverse_of(tr_term table, struct tr_arg spec, size_t limit)
{
    TR__ENTER();

    return run(table, tr_build_args(&spec, 1), limit, true);
}

int64_t tr_ets_select_count_of(tr_term table, struct tr_arg spec)
{
    TR__ENTER();
    struct query q = { .table = table };
    struct tr_proc *p = TR__SELF();
    int64_t count = 0;
    tr_term result;
    bool more = true;

    tr__spec_check(&q.spec, tr_build_args(&spec, 1));
    begin(&q, p, TR__READ);
    while (more) {
        more = go_on(&q, p, TR__READ);
        while (tr_list_next(&q.results, &result))
            count += result.w == a_true.w;
    }
    return count;
}

/* --- changes --- */

struct change {
    struct tr_edit edit;
    const struct tr_store *store;
    tr_term object;
    struct tr_node *node; /* instead of it; NULL: nothing */
    struct tr_node *old;  /* to be retired */
    int64_t done;
};

static struct tr_node *change_in_bag(struct change *c, struct tr_node *first)
{
    for (struct tr_node *n = first; n; n = atomic_load_explicit(&n->next, memory_order_relaxed)) {
        if (!tr__node_is(n, c->object))
            continue;
        c->edit.added = -1;
        c->done = 1;
        c->old = n;
        return tr__chain_remove(first, n);
    }
    return first;
}

static struct tr_node *change_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct change *c = (struct change *)edit;

    if (tr__store_is_bag(c->store))
        return change_in_bag(c, old);
    if (!old || !tr__node_is(old, c->object))
        return old;
    struct tr_node *node = c->node;
    c->old = old->loose ? NULL : old;
    c->node = NULL;
    c->done = 1;
    return node;
}

/* Deletes an object, or puts another in its place; 0 when it is not what it was any more. */
static int64_t change_one(struct tr_proc *p, tr_term table, tr_term object, tr_term other)
{
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);
    struct tr_store *s = tr__table_store(t);
    uint64_t key = tr__box(object.w)[t->keypos];
    uint64_t hash = tr__hash_in(t->type, key);
    struct change c = { { .fn = change_fn, .may_raise = true }, s, object, NULL, NULL, 0 };
    tr_err err = TR_ENOMEM;

    if (other.w)
        c.node = tr__node_new(other, hash, false);
    if (c.node || !other.w)
        err = tr__store_edit(s, p->worker, hash, key, &c.edit);
    if (c.old)
        tr__node_retire(&p->worker->reader, c.old);
    if (c.node)
        tr__node_free(c.node);
    tr__table_close(p, TR__COST_CHANGE);
    if (err)
        tr__raise_oom();
    return c.done;
}

static int64_t delete_all(tr_term table, tr_term clauses)
{
    struct query q = { .table = table, .pairs = true };
    struct tr_proc *p = TR__SELF();
    int64_t count = 0;
    bool more = true;

    tr__spec_check(&q.spec, clauses);
    begin(&q, p, TR__WRITE);
    while (more) {
        tr_term pair;
        more = go_on(&q, p, TR__WRITE);
        while (tr_list_next(&q.results, &pair))
            if (tr_element(pair, 1).w == a_true.w)
                count += change_one(p, table, tr_element(pair, 0), (tr_term){ 0 });
    }
    return count;
}

int64_t tr_ets_select_delete_of(tr_term table, struct tr_arg spec)
{
    TR__ENTER();

    return delete_all(table, tr_build_args(&spec, 1));
}

void tr_ets_match_delete_of(tr_term table, struct tr_arg pattern)
{
    TR__ENTER();

    (void)delete_all(table, spec_of(pattern, a_true));
}

int64_t tr_ets_select_replace_of(tr_term table, struct tr_arg spec)
{
    TR__ENTER();
    struct query q = { .table = table, .pairs = true };
    struct tr_proc *p = TR__SELF();
    struct tr_shape shape = tr__table_shape(p, table, TR__WRITE);
    int64_t count = 0;
    bool more = true;

    if (shape.type >= TR_ETS_BAG)
        tr__raise_badarg(table);
    tr__spec_check(&q.spec, tr_build_args(&spec, 1));
    begin(&q, p, TR__WRITE);
    while (more) {
        tr_term pair;
        more = go_on(&q, p, TR__WRITE);
        while (tr_list_next(&q.results, &pair)) {
            tr_term object = tr_element(pair, 0), other = tr_element(pair, 1);
            if (!tr__is_object(other, shape.keypos) ||
                !tr_equal(tr_element(object, shape.keypos - 1),
                          tr_element(other, shape.keypos - 1)))
                tr__raise_badarg(other);
            count += change_one(p, table, object, other);
        }
    }
    return count;
}
