/* SPDX-License-Identifier: MIT */
/*
 * Changing elements of an object: update_element and update_counter.
 *
 * What is to be changed is read from the caller's terms first. Then, with the place of the key
 * locked, the new object is made of the old one and takes its place. Nothing is raised there: what
 * is wrong is noted, and raised when the lock is free.
 */
#include "ets/bignum.h"
#include "ets/table.h"
#include "term/integer.h"

/* One element to be set, or one addition. */
struct op {
    uint32_t position;       /* 0: the one behind the key */
    uint64_t value;          /* or increment */
    uint64_t threshold, set; /* 0: none */
};

struct update {
    struct tr_edit edit;
    const struct tr_store *store;
    struct tr_heap *heap;
    struct op *ops;
    size_t nops;
    bool counts;         /* additions */
    tr_term object;      /* inserted first if the key is absent; no term: none */
    struct tr_node *old; /* to be retired */
    tr_term values;      /* new values of counters, the last first */
    bool found, bad, oom;
    struct tr_pair pair; /* the new object, if it is one */
};

/* --- the change --- */

/* The new value of a counter; 0 for what is no integer, or without memory. */
static uint64_t count(struct update *u, const struct op *op, uint64_t before)
{
    if (!tr__is_int(before)) {
        u->bad = true;
        return 0;
    }
    uint64_t after = tr__integer_add(u->heap, before, op->value);
    if (!after) {
        u->oom = true;
        return 0;
    }
    const tr_term zero = { TR__SMALL_W(0) };
    int direction = tr_compare((tr_term){ op->value }, zero);
    int beyond = op->threshold ? tr_compare((tr_term){ after }, (tr_term){ op->threshold }) : 0;
    if (op->threshold && ((direction >= 0 && beyond > 0) || (direction < 0 && beyond < 0)))
        after = op->set;
    return after;
}

/* Does one change to the elements of an object; false when it cannot be done. */
static bool apply(struct update *u, const struct op *op, uint64_t *words)
{
    uint32_t position = op->position ? op->position : u->store->keypos + 1;

    if (position > TR__HEADER_N(words[0]) || position == u->store->keypos) {
        u->bad = true;
        return false;
    }
    uint64_t value = u->counts ? count(u, op, words[position]) : op->value;
    if (!value)
        return false;
    words[position] = value;
    if (!u->counts)
        return true;
    uint64_t *cell = tr__heap_alloc(u->heap, 2);
    if (!cell) {
        u->oom = true;
        return false;
    }
    cell[0] = value;
    cell[1] = u->values.w;
    u->values.w = tr__cons_w(cell);
    return true;
}

/* The node of the new object, whose elements refer to the old one and to the caller's heap. */
static struct tr_node *node_of(struct update *u, uint64_t hash, uint64_t *words)
{
    bool pair = TR__HEADER_N(words[0]) == 2 && tr__is_immediate(words[1]) &&
                tr__is_immediate(words[2]) && tr__keeps_pairs(u->store->type, u->store->keypos);

    if (pair)
        return tr__pair_fill(&u->pair, hash, words[1], words[2]);
    struct tr_node *node = tr__node_new((tr_term){ tr__box_w(words) }, hash, false);
    u->oom = !node;
    return node;
}

static struct tr_node *update_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct update *u = (struct update *)edit;
    const uint64_t *from = old ? old->words : u->object.w ? tr__box(u->object.w) : NULL;

    u->found = from != NULL;
    u->values = tr_nil();
    if (!from)
        return old;
    size_t n = 1 + TR__HEADER_N(*from);
    uint64_t small[16], *words = n <= 16 ? small : tr__heap_alloc(u->heap, n);
    if (!words) {
        u->oom = true;
        return old;
    }
    memcpy(words, from, n * sizeof *words);
    for (size_t i = 0; i < u->nops; i++)
        if (!apply(u, &u->ops[i], words))
            return old;
    struct tr_node *node = node_of(u, old ? old->hash : u->edit.hash, words);
    if (!node)
        return old;
    u->old = old && !old->loose ? old : NULL;
    return node;
}

/* Does it all; false when the key is absent. */
static bool update(struct tr_proc *p, tr_term table, uint64_t key, struct update *u)
{
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);
    bool wrong = t->type >= TR_ETS_BAG || t->value_size;
    tr_err err = TR_OK;

    if (!wrong) {
        u->store = tr__table_store(t);
        u->heap = &p->heap;
        u->edit.fn = update_fn;
        u->edit.hash = tr__hash_in(t->type, key);
        /* Big integers are compared. */
        u->edit.may_raise = u->counts;
        err = tr__store_edit(tr__table_store(t), p->worker, u->edit.hash, key, &u->edit);
        if (u->old)
            tr__node_retire(&p->worker->reader, u->old);
    }
    tr__table_close(p, TR__COST_CHANGE);
    if (err || u->oom)
        tr__raise_oom();
    if (wrong || u->bad)
        tr__raise_badarg((tr_term){ key });
    return u->found;
}

/* --- what the caller asks for --- */

/* Room for the operations of a list, or for the only one. */
static struct op *ops_of(tr_term term, size_t *n)
{
    size_t room = 1;

    if (tr_is_list(term) && !tr_list_length(term, &room))
        tr__raise_badarg(term);
    *n = 0;
    uint64_t *words = tr__heap_alloc(tr__heap_current(), (room + 1) * sizeof(struct op) / 8);
    if (!words)
        tr__raise_oom();
    return (struct op *)(void *)words;
}

static uint32_t position_of(tr_term term)
{
    int64_t position;

    if (!tr_to_int64(term, &position) || position < 1 || position > UINT32_MAX)
        tr__raise_badarg(term);
    return (uint32_t)position;
}

static struct op set_op(tr_term term)
{
    tr_term position, value;

    if (!tr_match(term, &position, &value))
        tr__raise_badarg(term);
    return (struct op){ position_of(position), value.w, 0, 0 };
}

bool tr_ets_update_element_args(tr_term table, struct tr_arg key, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    tr_term what = tr_build_args(args, n), item;
    struct update u = { .counts = false };

    u.ops = ops_of(what, &u.nops);
    if (!tr_is_list(what))
        u.ops[u.nops++] = set_op(what);
    else
        while (tr_list_next(&what, &item))
            u.ops[u.nops++] = set_op(item);
    return update(p, table, k, &u);
}

static uint64_t integer(tr_term term)
{
    if (!tr_is_integer(term))
        tr__raise_badarg(term);
    return term.w;
}

static struct op count_op(tr_term term)
{
    tr_term position, increment, threshold, set;

    if (tr_match(term, &position, &increment))
        return (struct op){ position_of(position), integer(increment), 0, 0 };
    if (!tr_match(term, &position, &increment, &threshold, &set))
        tr__raise_badarg(term);
    return (struct op){ position_of(position), integer(increment), integer(threshold),
                        integer(set) };
}

/* The default object, with the key in its place. */
static tr_term object_with_key(struct tr_proc *p, tr_term table, tr_term object, uint64_t key)
{
    struct tr_shape shape = tr__table_shape(p, table, TR__WRITE);

    if (!tr__is_object(object, shape.keypos))
        tr__raise_badarg(object);
    return tr_set_element(object, shape.keypos - 1, (tr_term){ key });
}

tr_term tr_ets_update_counter_args(tr_term table, struct tr_arg key, struct tr_arg op,
                                   const struct tr_arg *object, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    tr_term what = tr_build_args(&op, 1), item;
    struct update u = { .counts = true };
    bool many = tr_is_list(what);

    u.ops = ops_of(what, &u.nops);
    if (tr_is_integer(what))
        u.ops[u.nops++] = (struct op){ 0, what.w, 0, 0 };
    else if (!many)
        u.ops[u.nops++] = count_op(what);
    while (many && tr_list_next(&what, &item))
        u.ops[u.nops++] = count_op(item);
    if (n)
        u.object = object_with_key(p, table, tr_build_args(object, n), k);
    if (!update(p, table, k, &u))
        tr__raise_badarg((tr_term){ k });
    tr_term values = tr_copy(tr_list_reverse(u.values));
    return many ? values : tr_head(values);
}
