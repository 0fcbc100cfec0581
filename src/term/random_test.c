/* SPDX-License-Identifier: MIT */
/*
 * Random terms through everything: print, parse, compare, hash, copy, maps.
 *
 * TR_ROUNDS sets how many terms, TR_SEED where they start; a failure prints the term.
 */
#include "check.h"
#include "mem/heap.h"
#include "term/term.h"

static uint64_t state;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static unsigned any(unsigned below)
{
    return (unsigned)((next() >> 20) % below);
}

static tr_term any_integer(void)
{
    static const int64_t edges[] = { 0,
                                     1,
                                     -1,
                                     INT64_MAX,
                                     INT64_MIN,
                                     INT64_C(1) << 60,
                                     (INT64_C(1) << 60) - 1,
                                     -(INT64_C(1) << 60),
                                     -(INT64_C(1) << 60) - 1,
                                     INT64_C(1) << 53 };
    char digits[64];
    tr_term term;

    switch (any(5)) {
    case 0:
        return tr_build((int64_t)((uint64_t)edges[any(10)] + any(2)));
    case 1:
        return tr_build(next());
    case 2: {
        size_t n = 1 + any(60);
        for (size_t i = 0; i < n; i++)
            digits[i] = (char)('0' + any(10));
        CHECK_INT(tr_integer_from_text(digits, n, &term), TR_OK);
        return term;
    }
    default:
        return tr_build((int)any(300) - 20);
    }
}

static tr_term any_float(void)
{
    double f;

    for (;;) {
        uint64_t bits = next();
        memcpy(&f, &bits, sizeof(f));
        if (any(2))
            f = ((double)any(100000) - 50000) / 100;
        if (f - f == 0)
            return tr_build(f);
    }
}

static tr_term any_atom(void)
{
    static const char *const names[] = { "ok",       "error", "a",    "b",     "A",
                                         "it is",    "",      "and",  "don't", "\xc3\xa9t\xc3\xa9",
                                         "\xce\xbb", "a@b",   "x\ny", "\\" };

    return tr_build(tr_intern(names[any(14)]));
}

static tr_term any_bits(void)
{
    unsigned char bytes[200];
    size_t n = any(8) ? any(20) : any(200);
    bool text = any(2);

    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(text ? 32 + any(95) : any(256));
    tr_term term = any(4) ? tr_binary(bytes, n) : tr_bitstring(bytes, n ? n * 8 - any(8) : 0);
    tr_bin bin;
    if (any(4) == 0 && tr_binary_get(term, &bin) && bin.size > 0) {
        size_t from = any((unsigned)bin.size);
        return tr_sub_binary(term, from, any((unsigned)(bin.size - from)));
    }
    return term;
}

static tr_term any_term(int depth);

static tr_term any_list(int depth)
{
    tr_term list = any(8) ? tr_nil() : any_term(0);
    unsigned n = any(6);

    if (any(5) == 0) {
        for (unsigned i = 0; i < n; i++)
            list = tr_list_push(list, tr_build((int)any(260)));
        return list;
    }
    for (unsigned i = 0; i < n; i++)
        list = tr_list_push(list, any_term(depth - 1));
    return list;
}

static tr_term any_tuple(int depth)
{
    tr_term items[6];
    unsigned n = any(6);

    for (unsigned i = 0; i < n; i++)
        items[i] = any_term(depth - 1);
    return tr_tuple_from_array(items, n);
}

static tr_term any_map(int depth)
{
    tr_term keys[80], values[80];
    unsigned n = any(20) ? any(6) : 20 + any(60);

    for (unsigned i = 0; i < n; i++) {
        keys[i] = any_term(n > 6 ? 0 : depth - 1);
        values[i] = any_term(n > 6 ? 0 : depth - 1);
    }
    tr_term map = tr_map_from_arrays(keys, values, n);
    if (any(10) == 0) {
        tr_term same = tr_build(tr_map());
        for (unsigned i = 0; i < n; i++)
            same = tr_map_put(same, keys[i], values[i]);
        CHECK_TERM(same, map);
        if (n)
            map = tr_map_remove(map, keys[any(n)]);
    }
    return map;
}

static tr_term any_term(int depth)
{
    switch (any(depth > 0 ? 12 : 7)) {
    case 0:
    case 1:
        return any_integer();
    case 2:
        return any_float();
    case 3:
        return any_atom();
    case 4:
        return any_bits();
    case 5:
        return tr_build((tr_pid){ TR__PID_W(any(1 << 24), next() >> 27) });
    case 6:
        return tr_build((tr_ref){ TR__REF_W(any(1 << 24), next() >> 26) });
    case 7:
    case 8:
        return any_list(depth);
    case 9:
    case 10:
        return any_tuple(depth);
    default:
        return any_map(depth);
    }
}

/* A copy by hand into a block of exactly its size. */
static void check_copy(tr_term term)
{
    struct tr_heap *heap = tr__heap_current();
    struct tr_counted *list = NULL;
    size_t n = tr__term_size(term);
    uint64_t *words = tr__heap_alloc(heap, n + 1), *out = words;

    words[n] = 0xfeed;
    tr_term copy = tr__term_copy(&out, &list, term);
    CHECK_INT(out - words, n);
    CHECK_INT(words[n], 0xfeed);
    CHECK_TERM(copy, term);
    CHECK_INT(tr_compare_exact(copy, term), 0);
    CHECK(tr_hash(copy) == tr_hash(term));
    tr__counted_release(list);
}

static void check_text(tr_term term)
{
    char *text = tr_inspect(term);
    tr_term back;
    size_t at = 0;
    tr_err err = tr_parse(text, strlen(text), &back, &at);

    if (err)
        check_fail(__FILE__, __LINE__, "%s at byte %zu of %s", tr_strerror(err), at, text);
    CHECK_TERM(back, term);
    CHECK_STR(tr_inspect(back), text);
}

static int sign(int i)
{
    return (i > 0) - (i < 0);
}

static void check_order(tr_term a, tr_term b, tr_term c)
{
    int ab = sign(tr_compare(a, b)), bc = sign(tr_compare(b, c)), ac = sign(tr_compare(a, c));

    CHECK_INT(sign(tr_compare(b, a)), -ab);
    if (ab == bc)
        CHECK_INT(ac, ab);
    int exact = sign(tr_compare_exact(a, b)), next_exact = sign(tr_compare_exact(b, c));
    CHECK_INT(exact == 0, tr_equal(a, b));
    CHECK_INT(sign(tr_compare_exact(b, a)), -exact);
    if (exact == next_exact)
        CHECK_INT(sign(tr_compare_exact(a, c)), exact);
    if (exact == 0)
        CHECK(tr_hash(a) == tr_hash(b) && ab == 0);
}

TEST(random_terms_survive_every_round_trip)
{
    int64_t rounds = check_env("TR_ROUNDS", 200000);

    state = (uint64_t)check_env("TR_SEED", 1) * 2685821657736338717u + 1;
    for (int64_t i = 0; i < rounds; i++)
        tr_scope
        {
            int depth = (int)any(4);
            tr_term a = any_term(depth), b = any_term(depth), c = any_term(depth);
            check_text(a);
            check_copy(a);
            check_order(a, b, c);
        }
}
