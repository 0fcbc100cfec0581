/* SPDX-License-Identifier: MIT */
/*
 * The notation of troupe/shape.h in C++17: overloads for TR_ARG, function templates for the rest.
 *
 * Included by troupe/shape.h.
 */
#ifndef TROUPE_SHAPE_HPP
#define TROUPE_SHAPE_HPP

/* clang-format off */
inline tr_arg tr__arg(bool x) { return tr__arg_bool(x); }
inline tr_arg tr__arg(char x) { return tr__arg_int(x); }
inline tr_arg tr__arg(signed char x) { return tr__arg_int(x); }
inline tr_arg tr__arg(unsigned char x) { return tr__arg_int(x); }
inline tr_arg tr__arg(short x) { return tr__arg_int(x); }
inline tr_arg tr__arg(unsigned short x) { return tr__arg_int(x); }
inline tr_arg tr__arg(int x) { return tr__arg_int(x); }
inline tr_arg tr__arg(unsigned x) { return tr__arg_int(x); }
inline tr_arg tr__arg(long x) { return tr__arg_int(x); }
inline tr_arg tr__arg(long long x) { return tr__arg_int(x); }
inline tr_arg tr__arg(unsigned long x) { return tr__arg_uint(x); }
inline tr_arg tr__arg(unsigned long long x) { return tr__arg_uint(x); }
inline tr_arg tr__arg(float x) { return tr__arg_float(x); }
inline tr_arg tr__arg(double x) { return tr__arg_float(x); }
inline tr_arg tr__arg(tr_atom x) { return tr__arg_atom(x); }
inline tr_arg tr__arg(tr_pid x) { return tr__arg_pid(x); }
inline tr_arg tr__arg(tr_ref x) { return tr__arg_ref(x); }
inline tr_arg tr__arg(tr_term x) { return tr__arg_term(x); }
inline tr_arg tr__arg(tr_bin x) { return tr__arg_bin(x); }
inline tr_arg tr__arg(const char *x) { return tr__arg_string(x); }
inline tr_arg tr__arg(tr_arg x) { return x; }
inline tr_arg tr__arg(long *x) { return tr__arg_to_long(x); }
inline tr_arg tr__arg(long long *x) { return tr__arg_to_llong(x); }
inline tr_arg tr__arg(unsigned long *x) { return tr__arg_to_ulong(x); }
inline tr_arg tr__arg(unsigned long long *x) { return tr__arg_to_ullong(x); }
inline tr_arg tr__arg(int *x) { return tr__arg_to_int(x); }
inline tr_arg tr__arg(unsigned *x) { return tr__arg_to_uint(x); }
inline tr_arg tr__arg(double *x) { return tr__arg_to_double(x); }
inline tr_arg tr__arg(bool *x) { return tr__arg_to_bool(x); }
inline tr_arg tr__arg(tr_atom *x) { return tr__arg_to_atom(x); }
inline tr_arg tr__arg(tr_pid *x) { return tr__arg_to_pid(x); }
inline tr_arg tr__arg(tr_ref *x) { return tr__arg_to_ref(x); }
inline tr_arg tr__arg(tr_term *x) { return tr__arg_to_term(x); }
inline tr_arg tr__arg(tr_bin *x) { return tr__arg_to_bin(x); }
inline tr_arg tr__arg(const char **x) { return tr__arg_to_string(x); }
/* clang-format on */

#define TR_ARG(x) tr__arg(x)

/* The arguments of a shape; it lives until the end of the full expression. */
template <int N> struct tr__shape {
    tr_arg args[N ? N : 1];
    uint32_t kind;

    operator tr_arg() const
    {
        return tr__arg_many(kind, args, N);
    }
};

template <int N> inline tr_arg tr__arg(const tr__shape<N> &shape)
{
    return shape;
}

template <class... A> inline tr__shape<sizeof...(A)> tr__shape_of(uint32_t kind, const A &...a)
{
    if constexpr (sizeof...(A) == 0)
        return { {}, kind };
    else
        return { { tr__arg(a)... }, kind };
}

template <class... A> inline auto tr_tuple(const A &...a)
{
    return tr__shape_of(TR__ARG_TUPLE, a...);
}

template <class... A> inline auto tr_list(const A &...a)
{
    return tr__shape_of(TR__ARG_LIST, a...);
}

template <class... A> inline auto tr_cons(const A &...a)
{
    static_assert(sizeof...(A) >= 2, "a list needs an element and a tail");
    return tr__shape_of(TR__ARG_CONS, a...);
}

template <class... A> inline auto tr_map(const A &...a)
{
    static_assert(sizeof...(A) % 2 == 0, "a key without a value");
    return tr__shape_of(TR__ARG_MAP, a...);
}

template <class... A> inline bool tr_match(tr_term term, const A &...a)
{
    static_assert(sizeof...(A) <= 16, "a message has up to 16 elements");
    auto shape = tr__shape_of(TR__ARG_TUPLE, a...);
    return tr_match_args(term, shape.args, sizeof...(A));
}

template <class... A> inline tr_term tr_build(const A &...a)
{
    static_assert(sizeof...(A) <= 16, "a message has up to 16 elements");
    auto shape = tr__shape_of(TR__ARG_TUPLE, a...);
    return tr_build_args(shape.args, sizeof...(A));
}

#endif
