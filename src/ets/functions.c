/* SPDX-License-Identifier: MIT */
/*
 * What guards and bodies of match specifications can do: one function for each operation, found by
 * name and arity. A function gets its arguments as words, and gives one.
 */
#include "ets/functions.h"

#include "term/integer.h"
#include "troupe/process.h"

#include <math.h>

tr_atom_as(a_nonode, "nonode@nohost");

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

TEST(fn_is_atom, tr_is_atom)
TEST(fn_is_float, tr_is_float)
TEST(fn_is_integer, tr_is_integer)
TEST(fn_is_list, tr_is_list)
TEST(fn_is_number, tr_is_number)
TEST(fn_is_pid, tr_is_pid)
TEST(fn_is_port, tr_is_port)
TEST(fn_is_reference, tr_is_ref)
TEST(fn_is_tuple, tr_is_tuple)
TEST(fn_is_map, tr_is_map)
TEST(fn_is_binary, tr_is_binary)
TEST(fn_is_bitstring, tr_is_bitstring)
TEST(fn_is_function, tr_is_fun)
TEST(fn_is_boolean, tr_is_bool)

static uint64_t fn_is_map_key(const uint64_t *a)
{
    return tr_is_map(term(a[1])) ? of_bool(tr_map_get(term(a[1]), term(a[0]), NULL)) : 0;
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
    return tr_is_map(term(a[0])) ? of_size(tr_map_size(term(a[0]))) : 0;
}

static uint64_t fn_map_get(const uint64_t *a)
{
    tr_term value;

    return tr_is_map(term(a[1])) && tr_map_get(term(a[1]), term(a[0]), &value) ? value.w : 0;
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
    tr__ets_fn *fn;
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

__attribute__((constructor)) static void intern_names(void)
{
    for (size_t i = 0; i < NFUNCTIONS; i++)
        functions[i].atom = tr_intern(functions[i].name);
}

tr__ets_fn *tr__ets_function(uint64_t name, size_t n)
{
    for (size_t i = 0; i < NFUNCTIONS; i++)
        if (functions[i].atom.w == name && functions[i].n == n)
            return functions[i].fn;
    return NULL;
}
