/* SPDX-License-Identifier: MIT */
/* Kinds, tuples and lists. */
#include "term/term.h"

#include "mem/heap.h"
#include "term/raise.h"

static uint64_t *alloc(size_t n)
{
    uint64_t *words = tr__heap_alloc(tr__heap_current(), n);

    if (!words)
        tr__raise_oom();
    return words;
}

/* --- kinds (numbers, binaries and maps in their own files) --- */

bool tr_is_atom(tr_term term)
{
    return tr__is_atom_w(term.w);
}

bool tr_is_bool(tr_term term)
{
    return term.w == TR__TRUE || term.w == TR__FALSE;
}

bool tr_is_pid(tr_term term)
{
    return (term.w & 7) == TR__TAG_PID || tr__is_kind(term.w, TR__KIND_EXT_PID);
}

bool tr_is_ref(tr_term term)
{
    return (term.w & 3) == TR__TAG_REF || tr__is_kind(term.w, TR__KIND_EXT_REF);
}

bool tr_is_fun(tr_term term)
{
    return tr__is_kind(term.w, TR__KIND_FUN);
}

bool tr_is_port(tr_term term)
{
    return tr__is_kind(term.w, TR__KIND_PORT);
}

bool tr_is_tuple(tr_term term)
{
    return tr__is_kind(term.w, TR__KIND_TUPLE);
}

bool tr_is_list(tr_term term)
{
    return tr__is_cons(term.w) || term.w == TR__NIL;
}

bool tr_is_nil(tr_term term)
{
    return term.w == TR__NIL;
}

/* --- tuples --- */

static void check_items(const tr_term *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!items[i].w)
            tr__raise_badarg(items[i]);
}

tr_term tr_tuple_from_array(const tr_term *items, size_t n)
{
    if (n >= SIZE_MAX / sizeof(uint64_t))
        tr__raise_limit();
    check_items(items, n);
    uint64_t *words = alloc(n + 1);
    words[0] = TR__HEADER(TR__KIND_TUPLE, n);
    if (n)
        memcpy(words + 1, items, n * sizeof(uint64_t));
    return (tr_term){ tr__box_w(words) };
}

size_t tr_tuple_size(tr_term tuple)
{
    if (!tr_is_tuple(tuple))
        tr__raise_badarg(tuple);
    return TR__HEADER_N(*tr__box(tuple.w));
}

tr_term tr_element(tr_term tuple, size_t i)
{
    if (i >= tr_tuple_size(tuple))
        tr__raise_badarg(tuple);
    return (tr_term){ tr__box(tuple.w)[1 + i] };
}

tr_term tr_set_element(tr_term tuple, size_t i, tr_term item)
{
    size_t n = tr_tuple_size(tuple);

    if (i >= n)
        tr__raise_badarg(tuple);
    check_items(&item, 1);
    uint64_t *words = alloc(n + 1);
    memcpy(words, tr__box(tuple.w), (n + 1) * sizeof(uint64_t));
    words[1 + i] = item.w;
    return (tr_term){ tr__box_w(words) };
}

tr_term tr__build_pair(uint64_t a, uint64_t b)
{
    uint64_t *words = alloc(3);

    words[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    words[1] = a;
    words[2] = b;
    return (tr_term){ tr__box_w(words) };
}

tr_term tr__pair_in(uint64_t room[3], tr_atom tag, tr_pid pid)
{
    room[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    room[1] = tag.w;
    room[2] = pid.w;
    return (tr_term){ tr__box_w(room) };
}

tr_term tr__build_triple(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t *words = alloc(4);

    words[0] = TR__HEADER(TR__KIND_TUPLE, 3);
    words[1] = a;
    words[2] = b;
    words[3] = c;
    return (tr_term){ tr__box_w(words) };
}

/* --- lists --- */

tr_term tr_list_push(tr_term list, tr_term item)
{
    check_items(&list, 1);
    check_items(&item, 1);
    uint64_t *words = alloc(2);
    words[0] = item.w;
    words[1] = list.w;
    return (tr_term){ tr__cons_w(words) };
}

tr_term tr_list_from_array(const tr_term *items, size_t n)
{
    if (n == 0)
        return tr_nil();
    if (n > SIZE_MAX / (2 * sizeof(uint64_t)))
        tr__raise_limit();
    check_items(items, n);
    uint64_t *words = alloc(2 * n);
    for (size_t i = 0; i < n; i++) {
        words[2 * i] = items[i].w;
        words[2 * i + 1] = i + 1 < n ? tr__cons_w(words + 2 * i + 2) : TR__NIL;
    }
    return (tr_term){ tr__cons_w(words) };
}

tr_term tr_list_reverse(tr_term list)
{
    tr_term rest = list, item;
    size_t n;

    if (!tr_list_length(list, &n))
        tr__raise_badarg(list);
    tr_term reversed = tr_nil();
    uint64_t *words = n ? alloc(2 * n) : NULL;
    for (; tr_list_next(&rest, &item); words += 2) {
        words[0] = item.w;
        words[1] = reversed.w;
        reversed.w = tr__cons_w(words);
    }
    return reversed;
}

tr_term tr_head(tr_term list)
{
    if (!tr__is_cons(list.w))
        tr__raise_badarg(list);
    return (tr_term){ tr__cons(list.w)[0] };
}

tr_term tr_tail(tr_term list)
{
    if (!tr__is_cons(list.w))
        tr__raise_badarg(list);
    return (tr_term){ tr__cons(list.w)[1] };
}

bool tr_list_length(tr_term list, size_t *n)
{
    uint64_t w = list.w;
    size_t length = 0;

    for (; tr__is_cons(w); w = tr__cons(w)[1])
        length++;
    if (w != TR__NIL)
        return false;
    *n = length;
    return true;
}

bool tr_list_next(tr_term *list, tr_term *item)
{
    if (!tr__is_cons(list->w))
        return false;
    const uint64_t *cons = tr__cons(list->w);
    item->w = cons[0];
    list->w = cons[1];
    return true;
}
