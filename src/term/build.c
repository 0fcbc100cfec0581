/* SPDX-License-Identifier: MIT */
/*
 * From an argument list to a term: first the size, then the words.
 *
 * Recursion is bounded by how deep the shapes are nested in the source text. In a message terms are
 * copied; in the current heap they are referred to, for what is built there never outlives what it
 * was built from.
 */
#include "mem/heap.h"
#include "os/tls.h"
#include "term/atom_table.h"
#include "term/bin.h"
#include "term/map.h"
#include "term/raise.h"
#include "term/term.h"

#include <math.h>

enum mode { COPY, REFER };

struct build {
    uint64_t **out;
    struct tr_counted **list;
    enum mode mode;
};

/* An argument list as one argument. */
static struct tr_arg whole(const struct tr_arg *args, int n)
{
    return n == 1 ? args[0] : tr__arg_many(n ? TR__ARG_TUPLE : TR__ARG_LIST, args, (uint32_t)n);
}

static size_t size_of(struct tr_arg a, enum mode mode);

static size_t sizes_of(struct tr_arg a, enum mode mode, size_t own)
{
    const struct tr_arg *args = a.as.p;
    uint64_t word;

    for (uint32_t i = 0; i < a.n; i++)
        if (!tr__arg_immediate(args[i], &word))
            own += size_of(args[i], mode);
    return own;
}

static size_t size_of_word(uint64_t w, enum mode mode)
{
    if (!w)
        tr__raise_badarg((tr_term){ 0 });
    if (mode == REFER || tr__is_immediate(w))
        return 0;
    size_t size = tr__term_size((tr_term){ w });
    if (size == SIZE_MAX)
        tr__raise_oom();
    return size;
}

static size_t size_of(struct tr_arg a, enum mode mode)
{
    switch (a.kind) {
    case TR__ARG_INT:
        return tr__small_fits(a.as.i) ? 0 : 2;
    case TR__ARG_UINT:
        return 2;
    case TR__ARG_FLOAT:
        if (!isfinite(a.as.f))
            tr__raise_badarg(tr_build(isnan(a.as.f) ? "not a number" : "infinite float"));
        return 2;
    case TR__ARG_ATOM:
    case TR__ARG_WORD:
        return size_of_word(a.as.u, mode);
    case TR__ARG_BIN:
        return tr__bin_words(a.n);
    case TR__ARG_SHARED:
        return TR__COUNTED_WORDS;
    case TR__ARG_TUPLE:
        return sizes_of(a, mode, 1 + (size_t)a.n);
    case TR__ARG_LIST:
        return sizes_of(a, mode, 2 * (size_t)a.n);
    case TR__ARG_CONS:
        return sizes_of(a, mode, 2 * (size_t)a.n - 2);
    case TR__ARG_MAP:
        return sizes_of(a, mode, 1 + (size_t)a.n);
    case TR__ARG_BAD:
        tr__raise_badarg((tr_term){ 0 });
    default:
        tr__raise_badarg(tr_build("a capture where a value is built"));
    }
}

/* The word of an argument, its objects written; 0 when memory is short. */
static uint64_t emit(struct build *b, struct tr_arg a);

static uint64_t *take(struct build *b, size_t n)
{
    uint64_t *words = *b->out;

    *b->out = words + n;
    return words;
}

static uint64_t emit_raw(struct build *b, unsigned kind, uint64_t payload)
{
    uint64_t *words = take(b, 2);

    words[0] = TR__HEADER(kind, 1);
    words[1] = payload;
    return tr__box_w(words);
}

static uint64_t emit_int(struct build *b, int64_t i)
{
    if (tr__small_fits(i))
        return TR__SMALL_W(i);
    return i < 0 ? emit_raw(b, TR__KIND_BIGNEG, -(uint64_t)i)
                 : emit_raw(b, TR__KIND_BIGPOS, (uint64_t)i);
}

static uint64_t emit_tuple(struct build *b, struct tr_arg a)
{
    const struct tr_arg *args = a.as.p;
    uint64_t *words = take(b, 1 + (size_t)a.n);

    words[0] = TR__HEADER(TR__KIND_TUPLE, a.n);
    for (uint32_t i = 0; i < a.n; i++)
        if (!tr__arg_immediate(args[i], &words[1 + i]) && !(words[1 + i] = emit(b, args[i])))
            return 0;
    return tr__box_w(words);
}

/* n elements, then the tail; NULL is the empty list. */
static uint64_t emit_list(struct build *b, const struct tr_arg *args, uint32_t n,
                          const struct tr_arg *tail)
{
    uint64_t *words = take(b, 2 * (size_t)n);

    for (uint32_t i = 0; i < n; i++) {
        words[2 * i + 1] = tr__cons_w(words + 2 * i + 2);
        if (!(words[2 * i] = emit(b, args[i])))
            return 0;
    }
    uint64_t last = TR__NIL;
    if (tail && !(last = emit(b, *tail)))
        return 0;
    if (n == 0)
        return last;
    words[2 * n - 1] = last;
    return tr__cons_w(words);
}

static uint64_t emit_map(struct build *b, struct tr_arg a)
{
    const struct tr_arg *args = a.as.p;
    uint64_t *words = take(b, 1 + (size_t)a.n);

    for (uint32_t i = 0; i < a.n; i++)
        if (!(words[1 + i] = emit(b, args[i])))
            return 0;
    size_t n = tr__flatmap_sort(words + 1, a.n / 2);
    words[0] = TR__HEADER(TR__KIND_FLATMAP, 2 * n);
    /* What equal keys left over must not look like terms of this block to a walker. */
    if (2 * n < a.n)
        words[1 + 2 * n] = TR__HEADER(TR__KIND_RAW, a.n - 2 * n - 1);
    return tr__box_w(words);
}

static uint64_t emit_word(struct build *b, uint64_t w)
{
    if (b->mode == REFER || tr__is_immediate(w))
        return w;
    return tr__term_copy(b->out, b->list, (tr_term){ w }).w;
}

static uint64_t emit(struct build *b, struct tr_arg a)
{
    const struct tr_arg *args = a.as.p;
    uint64_t bits;

    switch (a.kind) {
    case TR__ARG_INT:
        return emit_int(b, a.as.i);
    case TR__ARG_UINT:
        return emit_raw(b, TR__KIND_BIGPOS, a.as.u);
    case TR__ARG_FLOAT:
        memcpy(&bits, &a.as.f, sizeof(bits));
        return emit_raw(b, TR__KIND_FLOAT, bits);
    case TR__ARG_ATOM:
    case TR__ARG_WORD:
        return emit_word(b, a.as.u);
    case TR__ARG_BIN:
        return tr__bin_build(b->out, b->list, a.as.p, (uint64_t)a.n * 8);
    case TR__ARG_SHARED:
        tr__shared_retain(a.as.to);
        tr__counted_put(b->out, b->list, TR__KIND_HOLDER, a.as.to);
        return tr__share_term(a.as.to).w;
    case TR__ARG_TUPLE:
        return emit_tuple(b, a);
    case TR__ARG_LIST:
        return emit_list(b, args, a.n, NULL);
    case TR__ARG_CONS:
        return emit_list(b, args, a.n - 1, &args[a.n - 1]);
    default:
        return emit_map(b, a);
    }
}

/* All of it, or nothing. */
static tr_term build(struct build *b, struct tr_arg a)
{
    uint64_t *out = *b->out;
    struct tr_counted *list = *b->list;
    tr_term term = { emit(b, a) };

    if (!term.w) {
        tr__counted_release_until(*b->list, list);
        *b->list = list;
        *b->out = out;
    }
    return term;
}

size_t tr__args_size(const struct tr_arg *args, int n)
{
    return size_of(whole(args, n), COPY);
}

tr_term tr__args_build(uint64_t **out, struct tr_counted **list, const struct tr_arg *args, int n)
{
    struct build b = { out, list, COPY };

    return build(&b, whole(args, n));
}

tr_term tr_build_args(const struct tr_arg *args, int n)
{
    uint64_t word;

    if (n == 1 && tr__arg_immediate(args[0], &word))
        return (tr_term){ word };
    if (n == 1 && args[0].kind == TR__ARG_WORD && args[0].as.u)
        return (tr_term){ args[0].as.u };
    TR__GUARD();
    struct tr_arg a = whole(args, n);
    size_t size = size_of(a, REFER);
    struct tr_heap *heap = tr__heap_current();
    uint64_t *out = size ? tr__heap_reserve(heap, size) : heap->top;

    if (!out && size)
        tr__raise_oom();
    struct build b = { &out, &heap->counted, REFER };
    tr_term term = build(&b, a);
    heap->top = out;
    if (!term.w)
        tr__raise_oom();
    return term;
}
