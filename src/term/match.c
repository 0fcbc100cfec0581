/* SPDX-License-Identifier: MIT */
/*
 * Matching what is not matched inline: nested shapes, strings, binaries, big integers, long tuples.
 *
 * First everything is checked, then everything is captured, so captures are all or nothing.
 * Recursion is bounded by how deep the pattern is nested in the source text.
 */
#include "mem/heap.h"
#include "term/bin.h"
#include "term/map.h"
#include "term/raise.h"
#include "term/term.h"

typedef bool visit_fn(struct tr_arg a, uint64_t w);

static bool check_one(struct tr_arg a, uint64_t w)
{
    return tr__arg_check(a, w);
}

static bool store_one(struct tr_arg a, uint64_t w)
{
    tr__arg_store(a, w);
    return true;
}

static bool each_of_tuple(struct tr_arg a, uint64_t w, visit_fn *visit)
{
    const struct tr_arg *args = a.as.p;

    if (!tr__is_box(w) || *tr__box(w) != TR__HEADER(TR__KIND_TUPLE, a.n))
        return false;
    for (uint32_t i = 0; i < a.n; i++)
        if (!visit(args[i], tr__box(w)[1 + i]))
            return false;
    return true;
}

static bool each_of_list(struct tr_arg a, uint64_t w, visit_fn *visit)
{
    const struct tr_arg *args = a.as.p;
    uint32_t n = a.kind == TR__ARG_CONS ? a.n - 1 : a.n;

    for (uint32_t i = 0; i < n; i++) {
        if (!tr__is_cons(w) || !visit(args[i], tr__cons(w)[0]))
            return false;
        w = tr__cons(w)[1];
    }
    return a.kind == TR__ARG_CONS ? visit(args[n], w) : w == TR__NIL;
}

/* The value of a key given as an argument; the key needs memory only while it is looked up. */
static const uint64_t *find_key(uint64_t map, struct tr_arg key)
{
    uint64_t w;

    if (tr__arg_immediate(key, &w))
        return tr__map_find(map, w);
    struct tr_heap *heap = tr__heap_current();
    struct tr_heap_mark mark = tr__heap_mark(heap);
    const uint64_t *value = tr__map_find(map, tr_build_args(&key, 1).w);
    tr__heap_reset(heap, mark);
    return value;
}

static bool each_of_map(struct tr_arg a, uint64_t w, visit_fn *visit)
{
    const struct tr_arg *args = a.as.p;

    if (!tr__is_flatmap(w) && !tr__is_hashmap(w))
        return false;
    for (uint32_t i = 0; i < a.n; i += 2) {
        const uint64_t *value = find_key(w, args[i]);
        if (!value || !visit(args[i + 1], *value))
            return false;
    }
    return true;
}

static bool each_of(struct tr_arg a, uint64_t w, visit_fn *visit)
{
    switch (a.kind) {
    case TR__ARG_TUPLE:
        return each_of_tuple(a, w, visit);
    case TR__ARG_MAP:
        return each_of_map(a, w, visit);
    default:
        return each_of_list(a, w, visit);
    }
}

static bool is_same_float(double f, uint64_t w)
{
    return tr__is_kind(w, TR__KIND_FLOAT) && memcmp(tr__box(w) + 1, &f, sizeof(f)) == 0;
}

static bool is_same_bytes(struct tr_arg a, uint64_t w)
{
    if (!tr__is_bits(w))
        return false;
    struct tr__bits bits = tr__bits(w);
    return bits.nbits == (uint64_t)a.n * 8 && (a.n == 0 || memcmp(bits.data, a.as.p, a.n) == 0);
}

/* A binary without a NUL byte. */
static bool is_string(uint64_t w)
{
    tr_bin bin;

    return tr_binary_get((tr_term){ w }, &bin) && (!bin.size || !memchr(bin.data, 0, bin.size));
}

bool tr__arg_check_slow(struct tr_arg a, uint64_t w)
{
    int64_t i;
    uint64_t u;
    tr_bin bin;
    tr_term term = { w };

    switch (a.kind) {
    case TR__ARG_INT:
        return tr_to_int64(term, &i) && i == a.as.i;
    case TR__ARG_UINT:
        return tr_to_uint64(term, &u) && u == a.as.u;
    case TR__ARG_FLOAT:
        return is_same_float(a.as.f, w);
    case TR__ARG_WORD:
        return a.as.u && w && tr_equal((tr_term){ a.as.u }, term);
    case TR__ARG_BIN:
        return is_same_bytes(a, w);
    case TR__ARG_TUPLE:
    case TR__ARG_LIST:
    case TR__ARG_CONS:
    case TR__ARG_MAP:
        return each_of(a, w, check_one);
    case TR__ARG_TO_INT64:
        return tr_to_int64(term, &i);
    case TR__ARG_TO_UINT64:
        return tr_to_uint64(term, &u);
    case TR__ARG_TO_PID:
        return tr__is_kind(w, TR__KIND_EXT_PID);
    case TR__ARG_TO_REF:
        return tr__is_kind(w, TR__KIND_EXT_REF);
    case TR__ARG_TO_BIN:
        return tr_binary_get(term, &bin);
    case TR__ARG_TO_STRING:
        return is_string(w);
    default:
        tr__raise_badarg((tr_term){ 0 });
    }
}

/* In place where a zero byte follows, which only a part of a larger binary may lack. */
static const char *string_of(uint64_t w)
{
    struct tr__bits bits = tr__bits(w);
    size_t size = (size_t)(bits.nbits / 8);

    if (bits.data[size] == 0)
        return (const char *)bits.data;
    char *copy = (char *)tr__heap_alloc(tr__heap_current(), size / 8 + 1);
    if (!copy)
        tr__raise_oom();
    memcpy(copy, bits.data, size);
    copy[size] = 0;
    return copy;
}

void tr__arg_store_slow(struct tr_arg a, uint64_t w)
{
    tr_term term = { w };

    switch (a.kind) {
    case TR__ARG_TO_INT64:
        (void)tr_to_int64(term, a.as.to);
        return;
    case TR__ARG_TO_UINT64:
        (void)tr_to_uint64(term, a.as.to);
        return;
    case TR__ARG_TO_BIN:
        (void)tr_binary_get(term, a.as.to);
        return;
    case TR__ARG_TO_STRING:
        *(const char **)a.as.to = string_of(w);
        return;
    default:
        (void)each_of(a, w, store_one);
        return;
    }
}

bool tr_match_args(tr_term term, const struct tr_arg *args, int n)
{
    struct tr_arg a;

    if (n == 0)
        return term.w == TR__NIL;
    a = n == 1 ? args[0] : tr__arg_many(TR__ARG_TUPLE, args, (uint32_t)n);
    if (!check_one(a, term.w))
        return false;
    (void)store_one(a, term.w);
    return true;
}
