/* SPDX-License-Identifier: MIT */
/*
 * Match specifications, interpreted.
 *
 * The recursion is as deep as the pattern or the expression is nested.
 */
#include "otp/pattern.h"

#include "troupe.h"

#include <string.h>

tr_atom_as(a_any, "_");
tr_atom_as(a_whole, "$_");
tr_atom_as(a_all, "$$");
tr_atom_as(a_true, "true");
tr_atoms(const, andalso, orelse);

/* --- matching --- */

/* The number of a variable, or -1. */
static int variable(tr_term t)
{
    tr_atom atom;
    int n = 0;

    if (!tr_match(t, &atom))
        return -1;
    const char *name = tr_atom_name(atom, NULL);
    if (name[0] != '$' || !name[1] || strlen(name) > 3)
        return -1;
    for (const char *at = name + 1; *at; at++) {
        if (*at < '0' || *at > '9')
            return -1;
        n = 10 * n + (*at - '0');
    }
    return n < TR__PATTERN_VARS ? n : -1;
}

static bool matches(tr_term pattern, tr_term term, struct tr_bindings *b);

static bool matches_tuple(tr_term pattern, tr_term term, struct tr_bindings *b)
{
    size_t n = tr_tuple_size(pattern);

    if (!tr_is_tuple(term) || tr_tuple_size(term) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!matches(tr_element(pattern, i), tr_element(term, i), b))
            return false;
    return true;
}

static bool is_pair(tr_term t)
{
    return tr_is_list(t) && !tr_is_nil(t);
}

static bool matches_list(tr_term pattern, tr_term term, struct tr_bindings *b)
{
    while (is_pair(pattern)) {
        if (!is_pair(term) || !matches(tr_head(pattern), tr_head(term), b))
            return false;
        pattern = tr_tail(pattern);
        term = tr_tail(term);
    }
    return matches(pattern, term, b);
}

static bool matches_map(tr_term pattern, tr_term term, struct tr_bindings *b)
{
    struct tr_map_iter it;
    tr_term key, wanted, value;

    if (!tr_is_map(term))
        return false;
    for (tr_map_iter_init(&it, pattern); tr_map_next(&it, &key, &wanted);)
        if (!tr_map_get(term, key, &value) || !matches(wanted, value, b))
            return false;
    return true;
}

static bool matches(tr_term pattern, tr_term term, struct tr_bindings *b)
{
    int n = variable(pattern);

    if (n >= 0) {
        if (!b->vars[n].w)
            b->vars[n] = term;
        return tr_equal(b->vars[n], term);
    }
    if (tr_match(pattern, a_any))
        return true;
    if (tr_is_tuple(pattern))
        return matches_tuple(pattern, term, b);
    if (is_pair(pattern))
        return matches_list(pattern, term, b);
    if (tr_is_map(pattern))
        return matches_map(pattern, term, b);
    return tr_equal(pattern, term);
}

/* --- expressions --- */

static const tr_term failed = { 0 };

static tr_term truth(bool value)
{
    return tr_build(value);
}

static bool is_true(tr_term t)
{
    return t.w && tr_match(t, a_true);
}

static const struct {
    const char *name;
    bool (*test)(tr_term);
} tests[] = {
    { "is_atom", tr_is_atom },     { "is_binary", tr_is_binary },   { "is_boolean", tr_is_bool },
    { "is_float", tr_is_float },   { "is_integer", tr_is_integer }, { "is_list", tr_is_list },
    { "is_map", tr_is_map },       { "is_number", tr_is_number },   { "is_pid", tr_is_pid },
    { "is_reference", tr_is_ref }, { "is_tuple", tr_is_tuple },     { "is_function", tr_is_fun },
    { "is_port", tr_is_port },
};

static tr_term absolute(tr_term a)
{
    int64_t i;
    double f;

    if (tr_is_float(a) && tr_to_double(a, &f))
        return tr_build(f < 0 ? -f : f);
    if (!tr_to_int64(a, &i) || i == INT64_MIN)
        return failed;
    return tr_build(i < 0 ? -i : i);
}

static tr_term of_one(const char *op, tr_term a)
{
    size_t n;

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (strcmp(op, tests[i].name) == 0)
            return truth(tests[i].test(a));
    if (strcmp(op, "not") == 0 && tr_is_bool(a))
        return truth(!is_true(a));
    if (strcmp(op, "hd") == 0 && is_pair(a))
        return tr_head(a);
    if (strcmp(op, "tl") == 0 && is_pair(a))
        return tr_tail(a);
    if (strcmp(op, "length") == 0 && tr_list_length(a, &n))
        return tr_build(n);
    if ((strcmp(op, "tuple_size") == 0 || strcmp(op, "size") == 0) && tr_is_tuple(a))
        return tr_build(tr_tuple_size(a));
    if (strcmp(op, "map_size") == 0 && tr_is_map(a))
        return tr_build(tr_map_size(a));
    return strcmp(op, "abs") == 0 ? absolute(a) : failed;
}

/* The result of a comparison; false when it is none. */
static bool compare(const char *op, tr_term a, tr_term b, bool *result)
{
    static const char *const names[] = { "==", "/=", "<", "=<", ">", ">=", "=:=", "=/=" };
    int order = tr_compare(a, b);
    const bool results[] = { order == 0, order != 0,     order<0, order <= 0, order> 0,
                             order >= 0, tr_equal(a, b), !tr_equal(a, b) };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(op, names[i]) == 0) {
            *result = results[i];
            return true;
        }
    }
    return false;
}

static tr_term calculate_int(const char *op, int64_t x, int64_t y)
{
    int64_t r;

    if (strcmp(op, "+") == 0)
        return __builtin_add_overflow(x, y, &r) ? failed : tr_build(r);
    if (strcmp(op, "-") == 0)
        return __builtin_sub_overflow(x, y, &r) ? failed : tr_build(r);
    if (strcmp(op, "*") == 0)
        return __builtin_mul_overflow(x, y, &r) ? failed : tr_build(r);
    if (y == 0 || (x == INT64_MIN && y == -1))
        return failed;
    if (strcmp(op, "div") == 0)
        return tr_build(x / y);
    return strcmp(op, "rem") == 0 ? tr_build(x % y) : failed;
}

static tr_term calculate(const char *op, tr_term a, tr_term b)
{
    int64_t x, y;
    double f, g;

    if (tr_to_int64(a, &x) && tr_to_int64(b, &y))
        return calculate_int(op, x, y);
    if (!tr_is_number(a) || !tr_is_number(b) || !tr_to_double(a, &f) || !tr_to_double(b, &g))
        return failed;
    double r = *op == '+' ? f + g : *op == '-' ? f - g : f * g;
    bool known = strchr("+-*", *op) && !op[1];
    return known && __builtin_isfinite(r) ? tr_build(r) : failed;
}

static tr_term of_two(const char *op, tr_term a, tr_term b)
{
    bool result;
    tr_term value;
    int64_t i;

    if (compare(op, a, b, &result))
        return truth(result);
    if (tr_is_bool(a) && tr_is_bool(b)) {
        if (strcmp(op, "and") == 0)
            return truth(is_true(a) && is_true(b));
        if (strcmp(op, "or") == 0)
            return truth(is_true(a) || is_true(b));
        if (strcmp(op, "xor") == 0)
            return truth(is_true(a) != is_true(b));
    }
    if (strcmp(op, "element") == 0 && tr_to_int64(a, &i) && tr_is_tuple(b))
        return i >= 1 && (uint64_t)i <= tr_tuple_size(b) ? tr_element(b, (size_t)i - 1) : failed;
    if (strcmp(op, "map_get") == 0 && tr_is_map(b))
        return tr_map_get(b, a, &value) ? value : failed;
    if (strcmp(op, "is_map_key") == 0 && tr_is_map(b))
        return truth(tr_map_get(b, a, NULL));
    return calculate(op, a, b);
}

static tr_term eval(tr_term e, const struct tr_bindings *b);

static tr_term eval_tuple(tr_term e, const struct tr_bindings *b)
{
    tr_term items[16];
    size_t n = tr_tuple_size(e);

    if (n > sizeof items / sizeof *items)
        return failed;
    for (size_t i = 0; i < n; i++) {
        items[i] = eval(tr_element(e, i), b);
        if (!items[i].w)
            return failed;
    }
    return tr_tuple_from_array(items, n);
}

/* andalso and orelse: stops at the first one that decides. */
static tr_term eval_until(tr_term e, bool decisive, const struct tr_bindings *b)
{
    for (size_t i = 1; i < tr_tuple_size(e); i++) {
        tr_term value = eval(tr_element(e, i), b);
        if (!value.w || !tr_is_bool(value) || is_true(value) == decisive)
            return value;
    }
    return truth(!decisive);
}

static tr_term apply(tr_term e, const struct tr_bindings *b)
{
    size_t n = tr_tuple_size(e);
    tr_term x, y = failed;
    tr_atom op;

    if (n == 0 || !tr_match(tr_element(e, 0), &op))
        return failed;
    if (tr_match(e, a_const, &x))
        return x;
    if (op.w == a_andalso.w || op.w == a_orelse.w)
        return eval_until(e, op.w == a_orelse.w, b);
    if (n < 2 || n > 3 || !(x = eval(tr_element(e, 1), b)).w ||
        (n == 3 && !(y = eval(tr_element(e, 2), b)).w))
        return failed;
    const char *name = tr_atom_name(op, NULL);
    return n == 2 ? of_one(name, x) : of_two(name, x, y);
}

static tr_term eval_list(tr_term e, const struct tr_bindings *b)
{
    tr_term list = tr_nil(), item;

    while (tr_list_next(&e, &item)) {
        tr_term value = eval(item, b);
        if (!value.w)
            return failed;
        list = tr_list_push(list, value);
    }
    return tr_list_reverse(list);
}

static tr_term eval_map(tr_term e, const struct tr_bindings *b)
{
    struct tr_map_iter it;
    tr_term key, value, map = e;

    for (tr_map_iter_init(&it, e); tr_map_next(&it, &key, &value);) {
        value = eval(value, b);
        if (!value.w)
            return failed;
        map = tr_map_put(map, key, value);
    }
    return map;
}

/* '$$': the variables that stand for something, in the order of their numbers. */
static tr_term all_variables(const struct tr_bindings *b)
{
    tr_term list = tr_nil();

    for (int i = TR__PATTERN_VARS - 1; i >= 0; i--)
        if (b->vars[i].w)
            list = tr_list_push(list, b->vars[i]);
    return list;
}

static tr_term eval(tr_term e, const struct tr_bindings *b)
{
    int n = variable(e);

    if (n >= 0)
        return b->vars[n];
    if (tr_match(e, a_whole))
        return b->whole;
    if (tr_match(e, a_all))
        return all_variables(b);
    if (tr_is_tuple(e) && tr_tuple_size(e) == 1 && tr_is_tuple(tr_element(e, 0)))
        return eval_tuple(tr_element(e, 0), b);
    if (tr_is_tuple(e))
        return apply(e, b);
    if (is_pair(e))
        return eval_list(e, b);
    return tr_is_map(e) ? eval_map(e, b) : e;
}

/* --- clauses --- */

bool tr__pattern_match(tr_term pattern, tr_term guards, tr_term term, struct tr_bindings *b)
{
    tr_term guard;

    memset(b, 0, sizeof *b);
    b->whole = term;
    if (!matches(pattern, term, b))
        return false;
    if (!guards.w)
        return true;
    while (tr_list_next(&guards, &guard))
        if (!is_true(eval(guard, b)))
            return false;
    return true;
}

/* The value of the last expression of a body; w is 0 when it fails. */
static tr_term value_of_body(tr_term body, const struct tr_bindings *b)
{
    tr_term value = failed, e;

    while (tr_list_next(&body, &e))
        value = eval(e, b);
    return value;
}

bool tr__pattern_is_spec(tr_term spec, size_t n)
{
    tr_term clause, head, guards, body;
    size_t length;

    if (!tr_list_length(spec, &length))
        return false;
    while (tr_list_next(&spec, &clause)) {
        if (!tr_match(clause, &head, &guards, &body) || !tr_is_tuple(head) ||
            tr_tuple_size(head) != n || !tr_list_length(guards, &length) ||
            !tr_list_length(body, &length) || length == 0)
            return false;
    }
    return true;
}

tr_term tr__pattern_run(tr_term spec, tr_term term)
{
    struct tr_bindings b;
    tr_term clause, head, guards, body;

    while (tr_list_next(&spec, &clause))
        if (tr_match(clause, &head, &guards, &body) && tr__pattern_match(head, guards, term, &b))
            return value_of_body(body, &b);
    return failed;
}
