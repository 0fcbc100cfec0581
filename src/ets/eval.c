/* SPDX-License-Identifier: MIT */
/*
 * Evaluating guards and bodies: one function for each operation, found by name and arity.
 *
 * A value is a word; 0 says that there is none, because an argument was of the wrong kind. Then a
 * guard is false, and a body gives 'EXIT'.
 */
#include "ets/eval.h"

#include "term/integer.h"
#include "troupe/process.h"

#include <math.h>

tr_atoms(EXIT);
tr_atom_as(a_const, "const");
tr_atom_as(a_object, "$_");
tr_atom_as(a_variables, "$$");
tr_atom_as(a_andalso, "andalso");
tr_atom_as(a_orelse, "orelse");
tr_atom_as(a_nonode, "nonode@nohost");

typedef uint64_t apply_fn(const uint64_t *a);

static uint64_t of_bool(bool b)
{
    return b ? TR__TRUE : TR__FALSE;
}

static tr_term term(uint64_t w)
{
    return (tr_term){ w };
}

/* --- kinds --- */

#define TEST(name, is)                                                                             \
    static uint64_t name(const uint64_t *a)                                                        \
    {                                                                                              \
        return of_bool(is(term(a[0])));                                                            \
    }

static bool is_map_term(tr_term t)
{
    return tr__is_kind(t.w, TR__KIND_FLATMAP) || tr__is_kind(t.w, TR__KIND_HASHMAP);
}

TEST(fn_is_atom, tr_is_atom)
TEST(fn_is_float, tr_is_float)
TEST(fn_is_integer, tr_is_integer)
TEST(fn_is_list, tr_is_list)
TEST(fn_is_number, tr_is_number)
TEST(fn_is_pid, tr_is_pid)
TEST(fn_is_port, tr_is_port)
TEST(fn_is_reference, tr_is_ref)
TEST(fn_is_tuple, tr_is_tuple)
TEST(fn_is_map, is_map_term)
TEST(fn_is_binary, tr_is_binary)
TEST(fn_is_bitstring, tr_is_bitstring)
TEST(fn_is_function, tr_is_fun)
TEST(fn_is_boolean, tr_is_bool)

static uint64_t fn_is_map_key(const uint64_t *a)
{
    return is_map_term(term(a[1])) ? of_bool(tr_map_get(term(a[1]), term(a[0]), NULL)) : 0;
}

/* --- logic --- */

static bool are_bools(const uint64_t *a)
{
    return tr_is_bool(term(a[0])) && tr_is_bool(term(a[1]));
}

static uint64_t fn_not(const uint64_t *a)
{
    return tr_is_bool(term(a[0])) ? of_bool(a[0] == TR__FALSE) : 0;
}

static uint64_t fn_xor(const uint64_t *a)
{
    return are_bools(a) ? of_bool(a[0] != a[1]) : 0;
}

/* --- parts --- */

static uint64_t of_size(size_t n)
{
    return TR__SMALL_W(n);
}

static uint64_t fn_element(const uint64_t *a)
{
    int64_t i;

    if (!tr_is_tuple(term(a[1])) || !tr_to_int64(term(a[0]), &i) || i < 1 ||
        (uint64_t)i > tr_tuple_size(term(a[1])))
        return 0;
    return tr_element(term(a[1]), (size_t)i - 1).w;
}

static uint64_t fn_hd(const uint64_t *a)
{
    return tr__is_cons(a[0]) ? tr__cons(a[0])[0] : 0;
}

static uint64_t fn_tl(const uint64_t *a)
{
    return tr__is_cons(a[0]) ? tr__cons(a[0])[1] : 0;
}

static uint64_t fn_length(const uint64_t *a)
{
    size_t n;

    return tr_list_length(term(a[0]), &n) ? of_size(n) : 0;
}

static uint64_t fn_tuple_size(const uint64_t *a)
{
    return tr_is_tuple(term(a[0])) ? of_size(tr_tuple_size(term(a[0]))) : 0;
}

static uint64_t fn_bit_size(const uint64_t *a)
{
    tr_bin bits;
    size_t n;

    return tr_bitstring_get(term(a[0]), &bits, &n) ? of_size(n) : 0;
}

static uint64_t fn_byte_size(const uint64_t *a)
{
    tr_bin bits;
    size_t n;

    return tr_bitstring_get(term(a[0]), &bits, &n) ? of_size((n + 7) / 8) : 0;
}

static uint64_t fn_size(const uint64_t *a)
{
    return tr_is_tuple(term(a[0])) ? fn_tuple_size(a) : fn_byte_size(a);
}

static uint64_t fn_map_size(const uint64_t *a)
{
    return is_map_term(term(a[0])) ? of_size(tr_map_size(term(a[0]))) : 0;
}

static uint64_t fn_map_get(const uint64_t *a)
{
    tr_term value;

    return is_map_term(term(a[1])) && tr_map_get(term(a[1]), term(a[0]), &value) ? value.w : 0;
}

static uint64_t fn_node(const uint64_t *a)
{
    return tr_is_pid(term(a[0])) || tr_is_ref(term(a[0])) ? a_nonode.w : 0;
}

static uint64_t fn_node_0(const uint64_t *a)
{
    (void)a;
    return a_nonode.w;
}

static uint64_t fn_self(const uint64_t *a)
{
    (void)a;
    return tr_self().w;
}

/* --- numbers --- */

static uint64_t of_int(int64_t i)
{
    return tr_build(i).w;
}

static uint64_t of_float(double f)
{
    return isfinite(f) ? tr_build(f).w : 0;
}

static bool ints(const uint64_t *a, int64_t *x, int64_t *y)
{
    return tr_to_int64(term(a[0]), x) && tr_to_int64(term(a[1]), y);
}

static bool floats(const uint64_t *a, double *x, double *y)
{
    return tr_to_double(term(a[0]), x) && tr_to_double(term(a[1]), y);
}

/* One of the operations that integers and floats have in common. */
#define ARITHMETIC(name, overflow, op)                                                             \
    static uint64_t name(const uint64_t *a)                                                        \
    {                                                                                              \
        int64_t x, y, z;                                                                           \
        double f, g;                                                                               \
        if (ints(a, &x, &y))                                                                       \
            return overflow(x, y, &z) ? 0 : of_int(z);                                             \
        if (tr_is_integer(term(a[0])) && tr_is_integer(term(a[1])))                                \
            return 0;                                                                              \
        return floats(a, &f, &g) ? of_float(f op g) : 0;                                           \
    }

ARITHMETIC(fn_add, __builtin_add_overflow, +)
ARITHMETIC(fn_sub, __builtin_sub_overflow, -)
ARITHMETIC(fn_mul, __builtin_mul_overflow, *)

static uint64_t fn_neg(const uint64_t *a)
{
    const uint64_t args[] = { TR__SMALL_W(0), a[0] };

    return fn_sub(args);
}

static uint64_t fn_plus(const uint64_t *a)
{
    return tr_is_number(term(a[0])) ? a[0] : 0;
}

static uint64_t fn_divide(const uint64_t *a)
{
    double f, g;

    return floats(a, &f, &g) && g != 0 ? of_float(f / g) : 0;
}

static uint64_t fn_abs(const uint64_t *a)
{
    return tr_compare(term(a[0]), term(TR__SMALL_W(0))) < 0 ? fn_neg(a) : fn_plus(a);
}

static uint64_t fn_div(const uint64_t *a)
{
    int64_t x, y;

    return ints(a, &x, &y) && y != 0 && !(x == INT64_MIN && y == -1) ? of_int(x / y) : 0;
}

static uint64_t fn_rem(const uint64_t *a)
{
    int64_t x, y;

    return ints(a, &x, &y) && y != 0 ? of_int(y == -1 ? 0 : x % y) : 0;
}

#define BITWISE(name, op)                                                                          \
    static uint64_t name(const uint64_t *a)                                                        \
    {                                                                                              \
        int64_t x, y;                                                                              \
        return ints(a, &x, &y) ? of_int(x op y) : 0;                                               \
    }

BITWISE(fn_band, &)
BITWISE(fn_bor, |)
BITWISE(fn_bxor, ^)

static uint64_t fn_bnot(const uint64_t *a)
{
    int64_t x;

    return tr_to_int64(term(a[0]), &x) ? of_int(~x) : 0;
}

/* To the left; by a negative number to the right. */
static uint64_t shift(uint64_t w, int64_t by)
{
    int64_t x, z;

    if (!tr_to_int64(term(w), &x))
        return 0;
    if (by < 0)
        return of_int(by < -63 ? x >> 63 : x >> -by);
    if (by > 62)
        return x == 0 ? of_int(0) : 0;
    return __builtin_mul_overflow(x, INT64_C(1) << by, &z) ? 0 : of_int(z);
}

static uint64_t fn_bsl(const uint64_t *a)
{
    int64_t by;

    return tr_to_int64(term(a[1]), &by) ? shift(a[0], by) : 0;
}

static uint64_t fn_bsr(const uint64_t *a)
{
    int64_t by;

    return tr_to_int64(term(a[1]), &by) && by != INT64_MIN ? shift(a[0], -by) : 0;
}

/* The whole part of a float, and the rest; false for what does not fit. */
static bool split(uint64_t w, int64_t *whole, double *rest)
{
    double f = tr_is_float(term(w)) ? tr__float(w) : NAN;

    if (!(f > -9e18 && f < 9e18))
        return false;
    *whole = (int64_t)f;
    *rest = f - (double)*whole;
    return true;
}

static uint64_t fn_round(const uint64_t *a)
{
    int64_t whole;
    double rest;

    if (tr_is_integer(term(a[0])))
        return a[0];
    return split(a[0], &whole, &rest) ? of_int(whole + (rest >= 0.5) - (rest <= -0.5)) : 0;
}

static uint64_t fn_trunc(const uint64_t *a)
{
    int64_t whole;
    double rest;

    if (tr_is_integer(term(a[0])))
        return a[0];
    return split(a[0], &whole, &rest) ? of_int(whole) : 0;
}

static uint64_t fn_float(const uint64_t *a)
{
    double f;

    return tr_to_double(term(a[0]), &f) ? of_float(f) : 0;
}

/* --- order --- */

#define COMPARISON(name, op)                                                                       \
    static uint64_t name(const uint64_t *a)                                                        \
    {                                                                                              \
        return of_bool(tr_compare(term(a[0]), term(a[1])) op 0);                                   \
    }

COMPARISON(fn_gt, >)
COMPARISON(fn_ge, >=)
COMPARISON(fn_lt, <)
COMPARISON(fn_le, <=)
COMPARISON(fn_eq, ==)
COMPARISON(fn_ne, !=)

static uint64_t fn_same(const uint64_t *a)
{
    return of_bool(tr_equal(term(a[0]), term(a[1])));
}

static uint64_t fn_differs(const uint64_t *a)
{
    return of_bool(!tr_equal(term(a[0]), term(a[1])));
}

static uint64_t fn_min(const uint64_t *a)
{
    return tr_compare(term(a[0]), term(a[1])) <= 0 ? a[0] : a[1];
}

static uint64_t fn_max(const uint64_t *a)
{
    return tr_compare(term(a[0]), term(a[1])) >= 0 ? a[0] : a[1];
}

/* --- the table of them --- */

static struct function {
    const char *name;
    size_t n;
    apply_fn *fn;
    tr_atom atom; /* of the name */
} functions[] = {
    { "is_atom", 1, fn_is_atom, { 0 } },
    { "is_float", 1, fn_is_float, { 0 } },
    { "is_integer", 1, fn_is_integer, { 0 } },
    { "is_list", 1, fn_is_list, { 0 } },
    { "is_number", 1, fn_is_number, { 0 } },
    { "is_pid", 1, fn_is_pid, { 0 } },
    { "is_port", 1, fn_is_port, { 0 } },
    { "is_reference", 1, fn_is_reference, { 0 } },
    { "is_tuple", 1, fn_is_tuple, { 0 } },
    { "is_map", 1, fn_is_map, { 0 } },
    { "is_binary", 1, fn_is_binary, { 0 } },
    { "is_bitstring", 1, fn_is_bitstring, { 0 } },
    { "is_function", 1, fn_is_function, { 0 } },
    { "is_boolean", 1, fn_is_boolean, { 0 } },
    { "is_map_key", 2, fn_is_map_key, { 0 } },
    { "not", 1, fn_not, { 0 } },
    { "xor", 2, fn_xor, { 0 } },
    { "element", 2, fn_element, { 0 } },
    { "hd", 1, fn_hd, { 0 } },
    { "tl", 1, fn_tl, { 0 } },
    { "length", 1, fn_length, { 0 } },
    { "size", 1, fn_size, { 0 } },
    { "tuple_size", 1, fn_tuple_size, { 0 } },
    { "byte_size", 1, fn_byte_size, { 0 } },
    { "bit_size", 1, fn_bit_size, { 0 } },
    { "map_size", 1, fn_map_size, { 0 } },
    { "map_get", 2, fn_map_get, { 0 } },
    { "node", 1, fn_node, { 0 } },
    { "node", 0, fn_node_0, { 0 } },
    { "self", 0, fn_self, { 0 } },
    { "abs", 1, fn_abs, { 0 } },
    { "round", 1, fn_round, { 0 } },
    { "trunc", 1, fn_trunc, { 0 } },
    { "float", 1, fn_float, { 0 } },
    { "min", 2, fn_min, { 0 } },
    { "max", 2, fn_max, { 0 } },
    { "+", 2, fn_add, { 0 } },
    { "-", 2, fn_sub, { 0 } },
    { "*", 2, fn_mul, { 0 } },
    { "/", 2, fn_divide, { 0 } },
    { "+", 1, fn_plus, { 0 } },
    { "-", 1, fn_neg, { 0 } },
    { "div", 2, fn_div, { 0 } },
    { "rem", 2, fn_rem, { 0 } },
    { "band", 2, fn_band, { 0 } },
    { "bor", 2, fn_bor, { 0 } },
    { "bxor", 2, fn_bxor, { 0 } },
    { "bnot", 1, fn_bnot, { 0 } },
    { "bsl", 2, fn_bsl, { 0 } },
    { "bsr", 2, fn_bsr, { 0 } },
    { ">", 2, fn_gt, { 0 } },
    { ">=", 2, fn_ge, { 0 } },
    { "<", 2, fn_lt, { 0 } },
    { "=<", 2, fn_le, { 0 } },
    { "==", 2, fn_eq, { 0 } },
    { "/=", 2, fn_ne, { 0 } },
    { "=:=", 2, fn_same, { 0 } },
    { "=/=", 2, fn_differs, { 0 } },
};

#define NFUNCTIONS (sizeof functions / sizeof *functions)

static tr_atom a_and, a_or;

__attribute__((constructor)) static void intern_names(void)
{
    for (size_t i = 0; i < NFUNCTIONS; i++)
        functions[i].atom = tr_intern(functions[i].name);
    a_and = tr_intern("and");
    a_or = tr_intern("or");
}

static const struct function *function_of(uint64_t name, size_t n)
{
    for (size_t i = 0; i < NFUNCTIONS; i++)
        if (functions[i].atom.w == name && functions[i].n == n)
            return &functions[i];
    return NULL;
}

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
    return (is_logical(name) && n > 0) || function_of(name, n);
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
        if (!v || !tr_is_bool(term(v)))
            return 0;
        result = both ? result && v == TR__TRUE : result || v == TR__TRUE;
        if (lazy && result != both)
            break;
    }
    return of_bool(result);
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

    if (n == 1 && tr_is_tuple(term(words[0])))
        return tuple_value(e, words[0]);
    if (words[0] == a_const.w)
        return words[1];
    if (is_logical(words[0]))
        return logical(e, words[0], words + 1, n - 1);
    for (size_t i = 1; i < n; i++)
        if (!(args[i - 1] = value_of(e, words[i])))
            return 0;
    return function_of(words[0], n - 1)->fn(args);
}

static uint64_t list_value(const struct eval *e, uint64_t list)
{
    tr_term values = tr_nil();

    for (; tr__is_cons(list); list = tr__cons(list)[1]) {
        uint64_t v = value_of(e, tr__cons(list)[0]);
        if (!v)
            return 0;
        values = tr_list_push(values, term(v));
    }
    uint64_t tail = list == TR__NIL ? list : value_of(e, list);
    if (!tail)
        return 0;
    tr_term result = term(tail), item;
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
            list = tr_list_push(list, term(e->spec->values[i]));
    return list.w;
}

static uint64_t map_value(const struct eval *e, uint64_t map)
{
    tr_term result = term(map), key, value;
    struct tr_map_iter iter;

    for (tr_map_iter_init(&iter, term(map)); tr_map_next(&iter, &key, &value);) {
        uint64_t v = value_of(e, value.w);
        if (!v)
            return 0;
        if (v != value.w)
            result = tr_map_put(result, key, term(v));
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
    if (tr_is_tuple(term(w)))
        return TR__HEADER_N(*tr__box(w)) ? apply(e, w) : w;
    return is_map_term(term(w)) ? map_value(e, w) : w;
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
    return value ? term(value) : tr_build(a_EXIT);
}
