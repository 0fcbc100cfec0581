/* SPDX-License-Identifier: MIT */
/*
 * Erlang's total order, without recursion over the depth of terms.
 *
 * What is still to be compared is a stack of frames, each a row of pairs of words. Maps of equal
 * size compare by their keys in order, then by their values: for a hashed map both are sorted into
 * scratch memory first, which is also why maps as keys of large maps go deeper by recursion, to a
 * bound.
 */
#include "mem/block.h"
#include "os/tls.h"
#include "term/bin.h"
#include "term/integer.h"
#include "term/map.h"
#include "term/pending.h"
#include "term/raise.h"

#include <stdlib.h>

#define NESTED_KEYS_MAX 16

struct frame {
    const uint64_t *a, *b;
    size_t n;
    size_t stride;
    bool exact;
};

/* Sorted pairs of two hashed maps of one size. */
struct scratch {
    struct scratch *next;
    size_t size;
    uint64_t words[];
};

struct compare {
    struct tr__pending pending;
    struct frame now;
    struct scratch *scratch;
};

enum rank {
    RANK_NUMBER,
    RANK_ATOM,
    RANK_REF,
    RANK_FUN,
    RANK_PORT,
    RANK_PID,
    RANK_TUPLE,
    RANK_MAP,
    RANK_NIL,
    RANK_LIST,
    RANK_BITS
};

static enum rank rank_of_box(uint64_t header)
{
    switch (TR__HEADER_KIND(header)) {
    case TR__KIND_TUPLE:
        return RANK_TUPLE;
    case TR__KIND_FLATMAP:
    case TR__KIND_HASHMAP:
        return RANK_MAP;
    case TR__KIND_BINARY:
    case TR__KIND_COUNTED:
        return RANK_BITS;
    case TR__KIND_EXT_PID:
        return RANK_PID;
    case TR__KIND_EXT_REF:
        return RANK_REF;
    case TR__KIND_FUN:
        return RANK_FUN;
    case TR__KIND_PORT:
        return RANK_PORT;
    default:
        return RANK_NUMBER;
    }
}

static enum rank rank_of(uint64_t w)
{
    switch (w & 7) {
    case TR__TAG_BOX:
        return rank_of_box(*tr__box(w));
    case TR__TAG_CONS:
        return RANK_LIST;
    case TR__TAG_PID:
        return RANK_PID;
    case TR__TAG_SMALL:
        return RANK_NUMBER;
    case TR__TAG_OTHER:
        return w == TR__NIL ? RANK_NIL : RANK_ATOM;
    default:
        return RANK_REF;
    }
}

static int order_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* --- leaves --- */

static int compare_numbers(uint64_t a, uint64_t b, bool exact)
{
    if (!exact)
        return tr__number_compare(a, b);
    bool af = tr__is_float_w(a), bf = tr__is_float_w(b);
    if (af != bf)
        return af ? 1 : -1;
    int c = tr__number_compare(a, b);
    if (c || !af)
        return c;
    /* Equal floats differ only as -0.0 and 0.0. */
    return order_u64(tr__box(b)[1] >> 63, tr__box(a)[1] >> 63);
}

static int compare_atoms(uint64_t a, uint64_t b)
{
    size_t an, bn;
    const char *at = tr_atom_name((tr_atom){ a }, &an), *bt = tr_atom_name((tr_atom){ b }, &bn);
    int c = memcmp(at, bt, an < bn ? an : bn);

    return c ? c : order_u64(an, bn);
}

/* Local before external; local ones by age; external ones by numbers, then by the name of the node.
 */
static int compare_ids(uint64_t a, uint64_t b)
{
    bool a_local = tr__is_immediate(a), b_local = tr__is_immediate(b);

    if (a_local != b_local)
        return a_local ? -1 : 1;
    if (a_local)
        return order_u64(a, b);
    const uint64_t *x = tr__box(a), *y = tr__box(b);
    if (*x != *y)
        return order_u64(*x, *y);
    for (size_t i = 2; i <= TR__HEADER_N(*x); i++)
        if (x[i] != y[i])
            return order_u64(x[i], y[i]);
    return x[1] == y[1] ? 0 : compare_atoms(x[1], y[1]);
}

/* Funs and ports: by their bytes, which is no order of meaning but a total one. */
static int compare_opaque(uint64_t a, uint64_t b)
{
    const uint64_t *x = tr__box(a), *y = tr__box(b);
    uint64_t n = x[1] < y[1] ? x[1] : y[1];
    int c = memcmp(x + 2, y + 2, (size_t)n);

    return c ? c : order_u64(x[1], y[1]);
}

static int compare_bits(uint64_t a, uint64_t b)
{
    struct tr__bits x = tr__bits(a), y = tr__bits(b);
    uint64_t n = x.nbits < y.nbits ? x.nbits : y.nbits;
    int c = memcmp(x.data, y.data, (size_t)(n / 8));

    if (c)
        return c;
    if (n % 8) {
        unsigned mask = 0xff00u >> (n % 8) & 0xff;
        c = (int)(x.data[n / 8] & mask) - (int)(y.data[n / 8] & mask);
    }
    return c ? c : order_u64(x.nbits, y.nbits);
}

/* --- structures --- */

static void finish(struct compare *c)
{
    tr__pending_free(&c->pending);
    while (c->scratch) {
        struct scratch *next = c->scratch->next;
        tr__block_free(c->scratch, c->scratch->size);
        c->scratch = next;
    }
}

static void push(struct compare *c, struct frame frame)
{
    if (frame.n && !tr__pending_push(&c->pending, &frame, sizeof(frame))) {
        finish(c);
        tr__raise_oom();
    }
}

static void descend(struct compare *c, struct frame into)
{
    push(c, c->now);
    c->now = into;
}

static void descend_pairs(struct compare *c, const uint64_t *a, const uint64_t *b, size_t n)
{
    bool exact = c->now.exact;

    push(c, c->now);
    push(c, (struct frame){ a + 1, b + 1, n, 2, exact });
    c->now = (struct frame){ a, b, n, 2, true };
}

static __thread int nested_keys;

static int by_key(const void *x, const void *y)
{
    const uint64_t *a = x, *b = y;

    return tr_compare_exact((tr_term){ *a }, (tr_term){ *b });
}

static void sorted_pairs(uint64_t map, uint64_t *pairs, size_t n)
{
    struct tr_map_iter iter;
    tr_term key, value;
    uint64_t *out = pairs;

    tr_map_iter_init(&iter, (tr_term){ map });
    while (tr_map_next(&iter, &key, &value)) {
        *out++ = key.w;
        *out++ = value.w;
    }
    qsort(pairs, n, 2 * sizeof(uint64_t), by_key);
}

static void descend_hashed(struct compare *c, uint64_t a, uint64_t b, size_t n)
{
    size_t size = sizeof(struct scratch) + 4 * n * sizeof(uint64_t);
    struct scratch *scratch = nested_keys < NESTED_KEYS_MAX ? tr__block_alloc(size) : NULL;

    if (!scratch) {
        finish(c);
        if (nested_keys == NESTED_KEYS_MAX) {
            nested_keys = 0;
            tr__raise_limit();
        }
        tr__raise_oom();
    }
    scratch->size = size;
    scratch->next = c->scratch;
    c->scratch = scratch;
    nested_keys++;
    sorted_pairs(a, scratch->words, n);
    sorted_pairs(b, scratch->words + 2 * n, n);
    nested_keys--;
    descend_pairs(c, scratch->words, scratch->words + 2 * n, n);
}

static int compare_maps(struct compare *c, uint64_t a, uint64_t b)
{
    size_t n = tr_map_size((tr_term){ a }), bn = tr_map_size((tr_term){ b });

    if (n != bn)
        return order_u64(n, bn);
    if (tr__is_hashmap(a))
        descend_hashed(c, a, b, n);
    else
        descend_pairs(c, tr__box(a) + 1, tr__box(b) + 1, n);
    return 0;
}

static int compare_tuples(struct compare *c, uint64_t a, uint64_t b)
{
    const uint64_t *x = tr__box(a), *y = tr__box(b);

    if (*x != *y)
        return order_u64(*x, *y);
    descend(c, (struct frame){ x + 1, y + 1, TR__HEADER_N(*x), 1, c->now.exact });
    return 0;
}

/* The order of two words, or 0 with what is inside them made the frame to go on with. */
static int step(struct compare *c, uint64_t a, uint64_t b)
{
    enum rank rank = rank_of(a), other = rank_of(b);

    if (rank != other)
        return rank < other ? -1 : 1;
    switch (rank) {
    case RANK_NUMBER:
        return compare_numbers(a, b, c->now.exact);
    case RANK_ATOM:
        return compare_atoms(a, b);
    case RANK_REF:
    case RANK_PID:
        return compare_ids(a, b);
    case RANK_FUN:
    case RANK_PORT:
        return compare_opaque(a, b);
    case RANK_BITS:
        return compare_bits(a, b);
    case RANK_TUPLE:
        return compare_tuples(c, a, b);
    case RANK_MAP:
        return compare_maps(c, a, b);
    case RANK_LIST:
        descend(c, (struct frame){ tr__cons(a), tr__cons(b), 2, 1, c->now.exact });
        return 0;
    default:
        return 0;
    }
}

static int compare(tr_term a, tr_term b, bool exact)
{
    struct compare c;
    int order = 0;

    if (!a.w || !b.w)
        tr__raise_badarg((tr_term){ 0 });
    if (a.w == b.w)
        return 0;
    tr__pending_init(&c.pending);
    c.scratch = NULL;
    c.now = (struct frame){ &a.w, &b.w, 1, 1, exact };
    do {
        while (c.now.n && !order) {
            uint64_t x = *c.now.a, y = *c.now.b;
            c.now.n--;
            /* Not beyond the row: a pointer past its end by a stride is not to be made. */
            if (c.now.n) {
                c.now.a += c.now.stride;
                c.now.b += c.now.stride;
            }
            if (x != y)
                order = step(&c, x, y);
        }
    } while (!order && tr__pending_pop(&c.pending, &c.now, sizeof(c.now)));
    finish(&c);
    return order;
}

int tr_compare(tr_term a, tr_term b)
{
    TR__GUARD();
    return compare(a, b, false);
}

int tr_compare_exact(tr_term a, tr_term b)
{
    TR__GUARD();
    return compare(a, b, true);
}
