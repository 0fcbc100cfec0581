/* SPDX-License-Identifier: MIT */
/*
 * Evaluating guards and bodies, which are terms: a tuple is a call of one of the functions.
 *
 * A value is a word; 0 says that there is none, because an argument was of the wrong kind. Then a
 * guard is false, and a body gives 'EXIT'.
 */
#include "ets/eval.h"

#include "ets/functions.h"

tr_atoms(EXIT);
tr_atom_as(a_const, "const");
tr_atom_as(a_object, "$_");
tr_atom_as(a_variables, "$$");
tr_atom_as(a_andalso, "andalso");
tr_atom_as(a_orelse, "orelse");
tr_atom_as(a_and, "and");
tr_atom_as(a_or, "or");

/* Those with any number of arguments, from one on. */
static bool is_logical(uint64_t name)
{
    return name == a_and.w || name == a_or.w || name == a_andalso.w || name == a_orelse.w;
}

bool tr__eval_is_const(uint64_t w)
{
    return w == a_const.w;
}

bool tr__eval_known(uint64_t name, size_t n)
{
    return (is_logical(name) && n > 0) || tr__ets_function(name, n);
}

/* --- evaluation --- */

struct eval {
    const struct tr_spec *spec;
    uint64_t object;
};

static uint64_t value_of(const struct eval *e, uint64_t w);

static uint64_t logical(const struct eval *e, uint64_t name, const uint64_t *args, size_t n)
{
    bool both = name == a_and.w || name == a_andalso.w;
    bool lazy = name == a_andalso.w || name == a_orelse.w;
    bool result = both;

    for (size_t i = 0; i < n; i++) {
        uint64_t v = value_of(e, args[i]);
        if (!v || !tr_is_bool((tr_term){ v }))
            return 0;
        result = both ? result && v == TR__TRUE : result || v == TR__TRUE;
        if (lazy && result != both)
            break;
    }
    return result ? TR__TRUE : TR__FALSE;
}

static uint64_t tuple_value(const struct eval *e, uint64_t tuple)
{
    size_t n = TR__HEADER_N(*tr__box(tuple));
    tr_term copy = tr_tuple_from_array((const tr_term *)(const void *)(tr__box(tuple) + 1), n);
    uint64_t *words = (uint64_t *)(uintptr_t)copy.w;

    for (size_t i = 0; i < n; i++)
        if (!(words[1 + i] = value_of(e, words[1 + i])))
            return 0;
    return copy.w;
}

static uint64_t apply(const struct eval *e, uint64_t tuple)
{
    const uint64_t *words = tr__box(tuple) + 1;
    size_t n = TR__HEADER_N(*tr__box(tuple));
    uint64_t args[2] = { 0, 0 };

    if (n == 1 && tr_is_tuple((tr_term){ words[0] }))
        return tuple_value(e, words[0]);
    if (words[0] == a_const.w)
        return words[1];
    if (is_logical(words[0]))
        return logical(e, words[0], words + 1, n - 1);
    for (size_t i = 1; i < n; i++)
        if (!(args[i - 1] = value_of(e, words[i])))
            return 0;
    return tr__ets_function(words[0], n - 1)(args);
}

static uint64_t list_value(const struct eval *e, uint64_t list)
{
    tr_term values = tr_nil();

    for (; tr__is_cons(list); list = tr__cons(list)[1]) {
        uint64_t v = value_of(e, tr__cons(list)[0]);
        if (!v)
            return 0;
        values = tr_list_push(values, (tr_term){ v });
    }
    uint64_t tail = list == TR__NIL ? list : value_of(e, list);
    if (!tail)
        return 0;
    tr_term result = (tr_term){ tail }, item;
    while (tr_list_next(&values, &item))
        result = tr_list_push(result, item);
    return result.w;
}

/* The list of all variables of the clause that matched. */
static uint64_t variables_value(const struct eval *e)
{
    tr_term list = tr_nil();

    for (int i = e->spec->nvariables; i-- > 0;)
        if (e->spec->values[i])
            list = tr_list_push(list, (tr_term){ e->spec->values[i] });
    return list.w;
}

static uint64_t map_value(const struct eval *e, uint64_t map)
{
    tr_term result = (tr_term){ map }, key, value;
    struct tr_map_iter iter;

    for (tr_map_iter_init(&iter, (tr_term){ map }); tr_map_next(&iter, &key, &value);) {
        uint64_t v = value_of(e, value.w);
        if (!v)
            return 0;
        if (v != value.w)
            result = tr_map_put(result, key, (tr_term){ v });
    }
    return result.w;
}

static uint64_t value_of(const struct eval *e, uint64_t w)
{
    if (tr__is_atom_w(w)) {
        int i = tr__spec_variable(e->spec, w);
        if (i >= 0)
            return e->spec->values[i];
        if (w == a_object.w)
            return e->object;
        return w == a_variables.w ? variables_value(e) : w;
    }
    if (tr__is_cons(w))
        return list_value(e, w);
    if (tr_is_tuple((tr_term){ w }))
        return TR__HEADER_N(*tr__box(w)) ? apply(e, w) : w;
    return tr_is_map((tr_term){ w }) ? map_value(e, w) : w;
}

bool tr__eval_guards(const struct tr_spec *spec, uint64_t guards, uint64_t object)
{
    struct eval e = { spec, object };

    for (; tr__is_cons(guards); guards = tr__cons(guards)[1])
        if (value_of(&e, tr__cons(guards)[0]) != TR__TRUE)
            return false;
    return true;
}

tr_term tr__eval_body(const struct tr_spec *spec, uint64_t body, uint64_t object)
{
    struct eval e = { spec, object };
    uint64_t value = 0;

    for (; tr__is_cons(body); body = tr__cons(body)[1])
        value = value_of(&e, tr__cons(body)[0]);
    return value ? (tr_term){ value } : tr_build(a_EXIT);
}
