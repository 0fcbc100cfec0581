/* SPDX-License-Identifier: MIT */
/* Checking specifications, and matching their heads. */
#include "ets/spec.h"

#include "ets/eval.h"
#include "mem/heap.h"
#include "term/map.h"
#include "term/raise.h"

#include <stdlib.h>

tr_atom_as(a_any, "_");

/* The number of '$N'; -1 for another atom. */
static int64_t variable_number(uint64_t w)
{
    size_t size;
    const char *text = tr__is_atom_w(w) ? tr_atom_name((tr_atom){ w }, &size) : "";

    if (text[0] != '$' || text[1] < '0' || text[1] > '9')
        return -1;
    char *end;
    long n = strtol(text + 1, &end, 10);
    return *end ? -1 : n;
}

int tr__spec_variable(const struct tr_spec *spec, uint64_t w)
{
    if (tr__is_atom_w(w))
        for (int i = 0; i < spec->nvariables; i++)
            if (spec->variables[i] == w)
                return i;
    return -1;
}

/* --- checking --- */

/* Where in the specification the check is: positions from the outside. */
struct path {
    const struct path *outer;
    int position;
};

static _Noreturn void fault(const char *text, const struct path *at)
{
    tr_term path = tr_nil();

    for (; at; at = at->outer)
        path = tr_list_push(path, tr_build(at->position));
    tr__raise_badarg(tr_build(text, path));
}

/* Notes a variable of a head, in the order of numbers. */
static void note_variable(struct tr_spec *spec, uint64_t w, const struct path *at)
{
    int64_t number = variable_number(w);
    int i = spec->nvariables;

    if (number < 0 || tr__spec_variable(spec, w) >= 0)
        return;
    if (spec->nvariables == TR__SPEC_VARIABLES)
        fault("too many variables", at);
    for (; i > 0 && variable_number(spec->variables[i - 1]) > number; i--)
        spec->variables[i] = spec->variables[i - 1];
    spec->variables[i] = w;
    spec->nvariables++;
}

static void note_variables(struct tr_spec *spec, uint64_t w, const struct path *at)
{
    for (; tr__is_cons(w); w = tr__cons(w)[1])
        note_variables(spec, tr__cons(w)[0], at);
    if (tr__is_atom_w(w))
        note_variable(spec, w, at);
    if (!tr__is_box(w) || TR__HEADER_KIND(*tr__box(w)) >= TR__KIND_RAW)
        return;
    if (tr__is_kind(w, TR__KIND_HASHMAP)) {
        struct tr_map_iter iter;
        tr_term key, value;
        for (tr_map_iter_init(&iter, (tr_term){ w }); tr_map_next(&iter, &key, &value);)
            note_variables(spec, value.w, at);
        return;
    }
    for (size_t i = 0; i < TR__HEADER_N(*tr__box(w)); i++)
        note_variables(spec, tr__box(w)[1 + i], at);
}

static void check_expression(const struct tr_spec *spec, uint64_t w, const struct path *at);

static void check_elements(const struct tr_spec *spec, uint64_t tuple, size_t from,
                           const struct path *at)
{
    for (size_t i = from; i < TR__HEADER_N(*tr__box(tuple)); i++)
        check_expression(spec, tr__box(tuple)[1 + i], &(struct path){ at, (int)i + 1 });
}

static void check_tuple(const struct tr_spec *spec, uint64_t w, const struct path *at)
{
    size_t n = TR__HEADER_N(*tr__box(w));
    uint64_t first = n ? tr__box(w)[1] : 0;

    if (n == 1 && tr_is_tuple((tr_term){ first })) {
        check_elements(spec, first, 0, &(struct path){ at, 1 });
        return;
    }
    if (tr__eval_is_const(first) && n == 2)
        return;
    if (!first || !tr__is_atom_w(first))
        fault("a tuple that is no function; a tuple as a value is written {{...}}", at);
    if (!tr__eval_known(first, n - 1))
        fault("no function of that name and number of arguments", at);
    check_elements(spec, w, 1, at);
}

static void check_list(const struct tr_spec *spec, uint64_t w, const struct path *at)
{
    int i = 1;

    for (; tr__is_cons(w); w = tr__cons(w)[1])
        check_expression(spec, tr__cons(w)[0], &(struct path){ at, i++ });
    if (w != TR__NIL)
        check_expression(spec, w, at);
}

static void check_expression(const struct tr_spec *spec, uint64_t w, const struct path *at)
{
    if (tr__is_cons(w))
        check_list(spec, w, at);
    else if (tr_is_tuple((tr_term){ w }))
        check_tuple(spec, w, at);
    else if (variable_number(w) >= 0 && tr__spec_variable(spec, w) < 0)
        fault("a variable that is not in the head", at);
}

static bool is_proper(uint64_t w)
{
    size_t n;

    return tr_list_length((tr_term){ w }, &n);
}

static void check_clause(struct tr_spec *spec, uint64_t clause, const struct path *at)
{
    if (!tr_is_tuple((tr_term){ clause }) || TR__HEADER_N(*tr__box(clause)) != 3)
        fault("a clause is {Head, Guards, Body}", at);
    const uint64_t *part = tr__box(clause) + 1;
    if (!tr_is_tuple((tr_term){ part[0] }) && !tr__is_atom_w(part[0]))
        fault("a head is a tuple, '_' or a variable", &(struct path){ at, 1 });
    note_variables(spec, part[0], &(struct path){ at, 1 });
    if (!is_proper(part[1]))
        fault("guards are a list", &(struct path){ at, 2 });
    if (!is_proper(part[2]) || part[2] == TR__NIL)
        fault("a body is a list that is not empty", &(struct path){ at, 3 });
    check_list(spec, part[1], &(struct path){ at, 2 });
    check_list(spec, part[2], &(struct path){ at, 3 });
}

void tr__spec_check(struct tr_spec *spec, tr_term clauses)
{
    tr_term rest = clauses, clause;
    int i = 1;

    *spec = (struct tr_spec){ .clauses = clauses };
    if (!is_proper(clauses.w) || clauses.w == TR__NIL)
        fault("a specification is a list of clauses, not empty", NULL);
    while (tr_list_next(&rest, &clause))
        check_clause(spec, clause.w, &(struct path){ NULL, i++ });
}

/* --- matching --- */

static bool match(struct tr_spec *spec, uint64_t pattern, uint64_t w);

static bool match_words(struct tr_spec *spec, const uint64_t *patterns, const uint64_t *words,
                        size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!match(spec, patterns[i], words[i]))
            return false;
    return true;
}

/* The keys of the pattern are there, others may be. */
static bool match_map(struct tr_spec *spec, uint64_t pattern, uint64_t w)
{
    struct tr_map_iter iter;
    tr_term key, value, found;

    for (tr_map_iter_init(&iter, (tr_term){ pattern }); tr_map_next(&iter, &key, &value);)
        if (!tr_map_get((tr_term){ w }, key, &found) || !match(spec, value.w, found.w))
            return false;
    return true;
}

static bool match_atom(struct tr_spec *spec, uint64_t pattern, uint64_t w)
{
    if (pattern == a_any.w)
        return true;
    int i = tr__spec_variable(spec, pattern);
    if (i < 0)
        return pattern == w;
    if (spec->values[i])
        return tr_equal((tr_term){ spec->values[i] }, (tr_term){ w });
    spec->values[i] = w;
    return true;
}

static bool match(struct tr_spec *spec, uint64_t pattern, uint64_t w)
{
    for (; tr__is_cons(pattern); pattern = tr__cons(pattern)[1], w = tr__cons(w)[1])
        if (!tr__is_cons(w) || !match(spec, tr__cons(pattern)[0], tr__cons(w)[0]))
            return false;
    if (tr__is_atom_w(pattern))
        return match_atom(spec, pattern, w);
    if (tr__is_immediate(pattern))
        return pattern == w;
    if (tr__is_flatmap(pattern) || tr__is_hashmap(pattern))
        return (tr__is_flatmap(w) || tr__is_hashmap(w)) && match_map(spec, pattern, w);
    if (!tr_is_tuple((tr_term){ pattern }))
        return tr_equal((tr_term){ pattern }, (tr_term){ w });
    return tr__is_box(w) && *tr__box(w) == *tr__box(pattern) &&
           match_words(spec, tr__box(pattern) + 1, tr__box(w) + 1, TR__HEADER_N(*tr__box(w)));
}

bool tr__spec_run(struct tr_spec *spec, uint64_t object, tr_term *result)
{
    for (uint64_t rest = spec->clauses.w; tr__is_cons(rest); rest = tr__cons(rest)[1]) {
        const uint64_t *part = tr__box(tr__cons(rest)[0]) + 1;
        for (int i = 0; i < spec->nvariables; i++)
            spec->values[i] = 0;
        if (match(spec, part[0], object) && tr__eval_guards(spec, part[1], object)) {
            *result = tr__eval_body(spec, part[2], object);
            return true;
        }
    }
    return false;
}

/* Is there anything in the pattern that more than one term matches? */
static bool is_open(uint64_t w)
{
    for (; tr__is_cons(w); w = tr__cons(w)[1])
        if (is_open(tr__cons(w)[0]))
            return true;
    if (tr__is_atom_w(w))
        return w == a_any.w || variable_number(w) >= 0;
    if (tr__is_flatmap(w) || tr__is_hashmap(w))
        return true;
    if (tr_is_tuple((tr_term){ w }))
        for (size_t i = 0; i < TR__HEADER_N(*tr__box(w)); i++)
            if (is_open(tr__box(w)[1 + i]))
                return true;
    return false;
}

/* The pattern of the key in a clause; 0 when its head has none. */
static uint64_t key_pattern(tr_term clause, uint32_t keypos)
{
    uint64_t head = tr__box(clause.w)[1];

    if (!tr_is_tuple((tr_term){ head }) || TR__HEADER_N(*tr__box(head)) < keypos)
        return 0;
    return tr__box(head)[keypos];
}

/* Puts a key in its place among others, unless it is there; how many they are then. */
static size_t add_key(uint64_t *keys, size_t n, uint64_t key, int (*compare)(tr_term, tr_term))
{
    size_t i = n;
    int order = 1;

    while (i > 0 && (order = compare((tr_term){ keys[i - 1] }, (tr_term){ key })) > 0)
        i--;
    if (i > 0 && order == 0)
        return n;
    memmove(keys + i + 1, keys + i, (n - i) * sizeof *keys);
    keys[i] = key;
    return n + 1;
}

tr_term tr__spec_keys(const struct tr_spec *spec, uint32_t keypos, int (*compare)(tr_term, tr_term))
{
    tr_term rest = spec->clauses, list = tr_nil(), clause;
    size_t n = 0;

    (void)tr_list_length(rest, &n);
    uint64_t *keys = tr__heap_alloc(tr__heap_current(), n);
    if (!keys)
        tr__raise_oom();
    for (n = 0; tr_list_next(&rest, &clause);) {
        uint64_t key = key_pattern(clause, keypos);
        if (!key || is_open(key))
            return (tr_term){ 0 };
        n = add_key(keys, n, key, compare);
    }
    while (n)
        list = tr_list_push(list, (tr_term){ keys[--n] });
    return list;
}

/* --- ranges --- */

/* Of the words of a pattern: one that says nothing about the order of what it matches. Maps may
   have more keys than their pattern. */
static bool is_anywhere(uint64_t w)
{
    return w == a_any.w || variable_number(w) >= 0 || tr__is_flatmap(w) || tr__is_hashmap(w);
}

uint64_t tr__spec_range(const struct tr_spec *spec, uint32_t keypos)
{
    tr_term rest = spec->clauses, range = tr_nil(), clause;

    while (tr_list_next(&rest, &clause)) {
        uint64_t key = key_pattern(clause, keypos);
        if (!key || is_anywhere(key))
            return 0;
        range = tr_list_push(range, (tr_term){ key });
    }
    return range.w;
}

static int order(uint64_t pattern, uint64_t w, bool *open);

static int order_tuples(const uint64_t *pattern, const uint64_t *w, bool *open)
{
    size_t n = TR__HEADER_N(*pattern), m = TR__HEADER_N(*w);
    int c = (n > m) - (n < m);

    for (size_t i = 1; i <= n && !c && !*open; i++)
        c = order(pattern[i], w[i], open);
    return c;
}

/* As tr_compare, as far as nothing is open; then 0. */
static int order(uint64_t pattern, uint64_t w, bool *open)
{
    for (; tr__is_cons(pattern) && tr__is_cons(w);
         pattern = tr__cons(pattern)[1], w = tr__cons(w)[1]) {
        int c = order(tr__cons(pattern)[0], tr__cons(w)[0], open);
        if (c || *open)
            return c;
    }
    *open = is_anywhere(pattern);
    if (*open)
        return 0;
    if (tr_is_tuple((tr_term){ pattern }) && tr_is_tuple((tr_term){ w }))
        return order_tuples(tr__box(pattern), tr__box(w), open);
    return tr_compare((tr_term){ pattern }, (tr_term){ w });
}

int tr__range_order(uint64_t range, uint64_t key)
{
    int all = 0;

    for (; tr__is_cons(range); range = tr__cons(range)[1]) {
        bool open = false;
        int c = order(tr__cons(range)[0], key, &open);
        /* In one of them, or between two. */
        if (c == 0 || (c < 0 && all > 0) || (c > 0 && all < 0))
            return 0;
        all = c;
    }
    return all;
}
