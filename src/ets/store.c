/* SPDX-License-Identifier: MIT */
/*
 * Stores: what their two kinds have in common.
 *
 * Comparing deep terms takes memory and raises out_of_memory. Nothing may be raised with a lock
 * held, so what is raised where keys or patterns are compared is caught here, the lock that is held
 * then is released, and the caller gets TR_ENOMEM. Keys that are immediates are compared by a look,
 * and go straight on.
 */
#include "ets/store.h"

#include "base/fault.h"
#include "mem/block.h"

#include <setjmp.h>
#include <stdlib.h>

#define COUNTERS_MAX 64u

TR__NOINLINE uint64_t tr__key_hash_slow(uint64_t key)
{
    return tr_hash((tr_term){ key });
}

bool tr__chain_is_pending(const struct tr_store *s, struct tr_node *node,
                          const struct tr_batch *batch)
{
    if (!atomic_load_explicit(&s->batching, memory_order_acquire))
        return false;
    for (; node; node = atomic_load_explicit(&node->next, memory_order_acquire))
        if (tr__node_is_pending(node) &&
            atomic_load_explicit(&node->batch, memory_order_relaxed) != (uintptr_t)batch)
            return true;
    return false;
}

struct tr_store *tr__store_new(enum tr_ets_type type, uint32_t keypos)
{
    uint32_t n = 1;
    struct tr_store *s = tr__block_alloc(sizeof *s);

    if (!s)
        return NULL;
    while (n < (uint32_t)tr__worker_count() && n < COUNTERS_MAX)
        n *= 2;
    *s = (struct tr_store){ .type = type, .keypos = keypos, .counter_mask = n - 1 };
    s->counters = tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, n * sizeof(struct tr_counter));
    if (!s->counters)
        goto no_counters;
    for (uint32_t i = 0; i < n; i++)
        atomic_init(&s->counters[i].n, 0);
    if (type == TR_ETS_ORDERED_SET ? tr__tree_init(s) : tr__hash_init(s))
        goto no_store;
    return s;

no_store:
    free(s->counters);
no_counters:
    tr__block_free(s, sizeof *s);
    return NULL;
}

bool tr__store_free_some(struct tr_store *s)
{
    bool gone = s->type == TR_ETS_ORDERED_SET ? tr__tree_free_some(s) : tr__hash_free_some(s);

    if (!gone)
        return false;
    free(s->counters);
    tr__block_free(s, sizeof *s);
    return true;
}

int64_t tr__store_size(const struct tr_store *s)
{
    int64_t n = 0;

    for (uint32_t i = 0; i <= s->counter_mask; i++)
        n += atomic_load_explicit(&s->counters[i].n, memory_order_relaxed);
    return n < 0 ? 0 : n;
}

size_t tr__store_overhead(struct tr_store *s)
{
    size_t own = sizeof *s + (s->counter_mask + 1) * sizeof(struct tr_counter);

    return own + (s->type == TR_ETS_ORDERED_SET ? tr__tree_overhead(s) : tr__hash_overhead(s));
}

static void find_now(struct tr_store *s, uint64_t hash, uint64_t key, struct tr_found *found)
{
    if (s->type == TR_ETS_ORDERED_SET)
        tr__tree_find(s, key, found);
    else
        tr__hash_find(s, hash, key, found);
}

static tr_err edit_now(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                       struct tr_edit *edit)
{
    return s->type == TR_ETS_ORDERED_SET ? tr__tree_edit(s, w, key, edit)
                                         : tr__hash_edit(s, w, hash, key, edit);
}

/* A key whose comparison takes no memory, whatever it is compared with. */
static bool is_plain(uint64_t key)
{
    return tr__is_immediate(key);
}

static TR__NOINLINE tr_err find_catching(struct tr_store *s, struct tr_worker *w, uint64_t hash,
                                         uint64_t key, struct tr_found *found)
{
    jmp_buf at;
    volatile tr_err err = TR_ENOMEM;

    w->catcher = &at;
    if (_setjmp(at) == 0) {
        find_now(s, hash, key, found);
        err = TR_OK;
    }
    w->catcher = NULL;
    return err;
}

tr_err tr__store_look(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                      struct tr_found *found)
{
    if (tr__unlikely(!is_plain(key)))
        return find_catching(s, w, hash, key, found);
    find_now(s, hash, key, found);
    return TR_OK;
}

tr_err tr__store_find(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                      struct tr_node **node, struct tr_pair *pair)
{
    struct tr_found found;
    tr_err err = tr__store_look(s, w, hash, key, &found);

    if (!err)
        *node = tr__found_node(s, hash, &found, pair);
    return err;
}

static TR__NOINLINE tr_err edit_catching(struct tr_store *s, struct tr_worker *w, uint64_t hash,
                                         uint64_t key, struct tr_edit *edit)
{
    jmp_buf at;
    volatile tr_err err = TR_ENOMEM;

    w->catcher = &at;
    if (_setjmp(at) == 0) {
        err = edit_now(s, w, hash, key, edit);
    } else {
        if (edit->held)
            atomic_fetch_and_explicit(edit->held, ~UINT64_C(1), memory_order_release);
        if (edit->changing)
            tr__tree_give_up(s, edit);
    }
    w->catcher = NULL;
    return err;
}

tr_err tr__store_edit(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                      struct tr_edit *edit)
{
    edit->held = NULL;
    edit->changing = false;
    /* The functions of bags compare whole objects. */
    if (!is_plain(key) || edit->may_raise || tr__store_is_bag(s))
        return edit_catching(s, w, hash, key, edit);
    return edit_now(s, w, hash, key, edit);
}

tr_err tr__store_portion(struct tr_store *s, struct tr_worker *w, struct tr_cursor *cursor,
                         struct tr_visit *visit)
{
    jmp_buf at;

    visit->err = TR_OK;
    w->catcher = &at;
    if (_setjmp(at) != 0)
        visit->err = TR_ENOMEM;
    else if (s->type == TR_ETS_ORDERED_SET)
        cursor->done = !tr__tree_portion(s, cursor, visit);
    else
        cursor->done = !tr__hash_portion(s, cursor, visit);
    w->catcher = NULL;
    return visit->err;
}
