/* SPDX-License-Identifier: MIT */
/*
 * Tables whose values are C structs of one size.
 *
 * An object is {Key, Value} like any other, and the value a binary of the struct's bytes that lies
 * in the node. Neither is ever built as a term: what is written goes from the caller's struct to
 * the node, what is read from the node to the caller's struct, and the caller's heap is not
 * touched.
 */
#include "ets/table.h"
#include "mem/block.h"
#include "term/bin.h"

#define HEAD_WORDS 5 /* of the tuple, and of the binary before its bytes */

/* An object on the stack: header, key, value; and the binary that the value is. */
struct typed_object {
    uint64_t words[HEAD_WORDS + TR_ETS_VALUE_MAX / sizeof(uint64_t) + 1];
};

static tr_term object_make(struct typed_object *object, uint64_t key, const void *value,
                           size_t size)
{
    uint64_t *words = object->words;
    size_t n = size / sizeof(uint64_t) + 1;

    words[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    words[1] = key;
    words[2] = tr__box_w(words + 3);
    words[3] = TR__HEADER(TR__KIND_BINARY, 1 + n);
    words[4] = (uint64_t)size * 8;
    words[HEAD_WORDS + n - 1] = 0;
    memcpy(words + HEAD_WORDS, value, size);
    return (tr_term){ tr__box_w(words) };
}

static const void *value_of(const struct tr_node *node)
{
    return tr__bits(node->words[2]).data;
}

tr_term tr_ets_new_typed(tr_atom name, size_t value_size, const struct tr_ets_opts *opts)
{
    TR__ENTER();
    struct tr_table *t;

    if (value_size == 0 || value_size > TR_ETS_VALUE_MAX ||
        (opts && (opts->type >= TR_ETS_BAG || opts->keypos > 1)))
        tr__raise_badarg(tr_build(name));
    tr_err err = tr__table_make(&t, name, opts, (uint32_t)value_size);
    if (err)
        tr__table_raise(err, name);
    return t->named ? tr_build(name) : (tr_term){ t->id };
}

/* The typed table of a handle, in a section; raises badarg for any other. */
static struct tr_table *open_typed(struct tr_proc *p, tr_term table, enum tr_right right)
{
    struct tr_table *t = tr__table_open(p, table.w, right);

    if (t->value_size)
        return t;
    tr__reader_end(&p->worker->reader);
    tr__raise_badarg(table);
}

bool tr_ets_get_value_key(tr_term table, void *value, struct tr_arg key)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    struct tr_table *t = open_typed(p, table, TR__READ);
    struct tr_node *node = NULL;
    struct tr_pair pair;
    tr_err err =
        tr__store_find(tr__table_store(t), p->worker, tr__hash_in(t->type, k), k, &node, &pair);

    if (node)
        memcpy(value, value_of(node), t->value_size);
    tr__table_close(p, TR__COST_LOOKUP);
    if (err)
        tr__raise_oom();
    return node != NULL;
}

struct value_put {
    struct tr_edit edit;
    struct tr_node *node, *old;
    const void *expected; /* only if the value is this one; NULL: anyway */
    size_t size;
    bool done;
};

static struct tr_node *put_fn(struct tr_edit *edit, struct tr_node *old)
{
    struct value_put *put = (struct value_put *)edit;
    struct tr_node *node = put->node;

    if (put->expected && (!old || memcmp(value_of(old), put->expected, put->size) != 0))
        return old;
    put->old = old;
    put->node = NULL;
    put->done = true;
    return node;
}

/* Stores a value; false when it is not to, since another is there than was expected. */
static bool put_value(struct tr_proc *p, tr_term table, uint64_t key, const void *value,
                      const void *expected)
{
    struct tr_table *t = open_typed(p, table, TR__WRITE);
    uint64_t hash = tr__hash_in(t->type, key);
    struct typed_object object;
    struct value_put put = { { .fn = put_fn }, .expected = expected, .size = t->value_size };
    tr_err err = TR_ENOMEM;

    put.node = tr__node_new(object_make(&object, key, value, t->value_size), hash, false);
    if (put.node)
        err = tr__store_edit(tr__table_store(t), p->worker, hash, key, &put.edit);
    if (put.old)
        tr__node_retire(&p->worker->reader, put.old);
    if (put.node)
        tr__node_free(put.node);
    tr__table_close(p, TR__COST_CHANGE);
    if (err)
        tr__raise_oom();
    return put.done;
}

void tr_ets_put_value_key(tr_term table, struct tr_arg key, const void *value)
{
    TR__ENTER();

    (void)put_value(TR__SELF(), table, tr__arg_word_of(&key), value, NULL);
}

struct value_call {
    void (*fn)(void *value, void *arg);
    void *value, *arg;
};

static void call_fn(void *arg)
{
    struct value_call *call = arg;

    call->fn(call->value, call->arg);
}

bool tr_ets_update_value_key(tr_term table, struct tr_arg key, void (*fn)(void *value, void *arg),
                             void *arg)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t k = tr__arg_word_of(&key);
    uint64_t before[TR_ETS_VALUE_MAX / sizeof(uint64_t)];
    uint64_t after[TR_ETS_VALUE_MAX / sizeof(uint64_t)];
    struct value_call call = { fn, after, arg };

    /* The function runs without a lock; who was first counts, the other does it again. */
    do {
        if (!tr_ets_get_value_key(table, before, key))
            return false;
        memcpy(after, before, sizeof after);
        tr__run_outside(call_fn, &call);
    } while (!put_value(p, table, k, after, before));
    return true;
}
