/* SPDX-License-Identifier: MIT */
/*
 * Shapes: one notation that builds terms and matches them.
 *
 * An argument list is a shape: one argument stands for itself, several are a tuple (up to 16), none
 * is the empty list. tr_tuple, tr_list, tr_cons and tr_map nest. When building, each argument is a
 * value; when matching, a value is compared and a pointer captures, and its C type is the type
 * test. Captures are all or nothing, and what they point to is borrowed from the term.
 *
 *     tr_atoms(move, to);
 *
 *     tr_term m = tr_build(a_move, tr_map(a_to, tr_tuple(1, 2)), "fast");
 *     int64_t x, y;
 *     const char *how;
 *     if (tr_match(m, a_move, tr_map(a_to, tr_tuple(&x, &y)), &how))
 *         ...
 *
 * Values: all integer types, float, double, bool variables (true itself is the int 1 in C11),
 * tr_atom, tr_pid, tr_ref, tr_term, C strings and tr_bin (both are binaries), shapes. Captures:
 * int64_t *, uint64_t *, int *, unsigned *, double *, bool *, tr_atom *, tr_pid *, tr_ref *,
 * tr_term *, tr_bin *, const char ** (a binary without NUL bytes, as a C string); tr_any() matches
 * anything. A NaN, an infinity, a NULL string, a term of zero are badarg when built; a capture in a
 * shape to be built is badarg too.
 *
 * In C++ the same names are function templates. Shapes live until the end of the full expression.
 */
#ifndef TROUPE_SHAPE_H
#define TROUPE_SHAPE_H

#include <string.h>

#include "troupe/term.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/* One argument of a shape; made by TR_ARG, not by hand. */
struct tr_arg {
    uint32_t kind;
    uint32_t n; /* bytes of a binary, arguments of a shape */
    union {
        int64_t i;
        uint64_t u;
        double f;
        const void *p; /* bytes, or the arguments of a shape */
        void *to;      /* where a capture goes */
    } as;
};

/* The functions beneath the macros; args may be NULL when n is 0. */
bool tr_match_args(tr_term term, const struct tr_arg *args, int n);
tr_term tr_build_args(const struct tr_arg *args, int n);

/* --- private part: kinds of arguments --- */

enum {
    /* Values. */
    TR__ARG_BAD, /* cannot be a term: badarg */
    TR__ARG_INT,
    TR__ARG_UINT, /* above INT64_MAX */
    TR__ARG_FLOAT,
    TR__ARG_ATOM,   /* also bool: always an immediate */
    TR__ARG_WORD,   /* pid, ref, term: any word */
    TR__ARG_BIN,    /* n bytes at p */
    TR__ARG_SHARED, /* a term copied once and shared by many messages, see src/term/term.h */
    /* Shapes: n arguments at p. */
    TR__ARG_TUPLE,
    TR__ARG_LIST,
    TR__ARG_CONS, /* n - 1 elements, then the tail */
    TR__ARG_MAP,
    /* Captures. */
    TR__ARG_ANY,
    TR__ARG_TO_INT64,
    TR__ARG_TO_UINT64,
    TR__ARG_TO_INT,
    TR__ARG_TO_UINT,
    TR__ARG_TO_DOUBLE,
    TR__ARG_TO_BOOL,
    TR__ARG_TO_ATOM,
    TR__ARG_TO_PID,
    TR__ARG_TO_REF,
    TR__ARG_TO_TERM,
    TR__ARG_TO_BIN,
    TR__ARG_TO_STRING
};

#define TR__INLINE static inline __attribute__((always_inline, unused))

TR__INLINE struct tr_arg tr__arg_make(uint32_t kind, uint32_t n)
{
    struct tr_arg a;
    a.kind = kind;
    a.n = n;
    a.as.u = 0;
    return a;
}

TR__INLINE struct tr_arg tr__arg_int(int64_t i)
{
    struct tr_arg a = tr__arg_make(TR__ARG_INT, 0);
    a.as.i = i;
    return a;
}

TR__INLINE struct tr_arg tr__arg_uint(uint64_t u)
{
    struct tr_arg a = tr__arg_make(u > INT64_MAX ? TR__ARG_UINT : TR__ARG_INT, 0);
    a.as.u = u;
    return a;
}

TR__INLINE struct tr_arg tr__arg_float(double f)
{
    struct tr_arg a = tr__arg_make(TR__ARG_FLOAT, 0);
    a.as.f = f;
    return a;
}

TR__INLINE struct tr_arg tr__arg_word(uint64_t w)
{
    struct tr_arg a = tr__arg_make(TR__ARG_WORD, 0);
    a.as.u = w;
    return a;
}

TR__INLINE struct tr_arg tr__arg_atom(tr_atom t)
{
    struct tr_arg a = tr__arg_make(TR__ARG_ATOM, 0);
    a.as.u = t.w;
    return a;
}

TR__INLINE struct tr_arg tr__arg_bool(bool b)
{
    tr_atom t = { b ? TR__TRUE : TR__FALSE };
    return tr__arg_atom(t);
}

TR__INLINE struct tr_arg tr__arg_term(tr_term t)
{
    return tr__arg_word(t.w);
}

TR__INLINE struct tr_arg tr__arg_pid(tr_pid t)
{
    return tr__arg_word(t.w);
}

TR__INLINE struct tr_arg tr__arg_ref(tr_ref t)
{
    return tr__arg_word(t.w);
}

TR__INLINE struct tr_arg tr__arg_many(uint32_t kind, const struct tr_arg *args, uint32_t n)
{
    struct tr_arg a = tr__arg_make(kind, n);
    a.as.p = args;
    return a;
}

/*
 * The message that n arguments stand for, as one argument of another shape: so that a function
 * like tr_send_args can wrap what it was given. The arguments are borrowed.
 */
TR__INLINE struct tr_arg tr_message_arg(const struct tr_arg *args, int n)
{
    if (n == 1)
        return args[0];
    return n ? tr__arg_many(TR__ARG_TUPLE, args, (uint32_t)n) : tr__arg_word(TR__NIL);
}

/* Larger than 4 GiB: build it by tr_binary and pass the term. */
TR__INLINE struct tr_arg tr__arg_bin(tr_bin b)
{
    bool fits = b.size <= UINT32_MAX && (b.data || !b.size);
    struct tr_arg a = tr__arg_make(fits ? TR__ARG_BIN : TR__ARG_BAD, (uint32_t)b.size);
    a.as.p = b.data;
    return a;
}

TR__INLINE struct tr_arg tr__arg_string(const char *s)
{
    tr_bin b;
    if (!s)
        return tr__arg_make(TR__ARG_BAD, 0);
    b.data = s;
    b.size = strlen(s);
    return tr__arg_bin(b);
}

TR__INLINE struct tr_arg tr__arg_self(struct tr_arg a)
{
    return a;
}

/* Matches anything and captures nothing. */
TR__INLINE struct tr_arg tr_any(void)
{
    return tr__arg_make(TR__ARG_ANY, 0);
}

#define TR__ARG_CAPTURE(name, type, kind)                                                          \
    TR__INLINE struct tr_arg tr__arg_##name(type *to)                                              \
    {                                                                                              \
        struct tr_arg a = tr__arg_make(kind, 0);                                                   \
        a.as.to = to;                                                                              \
        return a;                                                                                  \
    }

TR__ARG_CAPTURE(to_long, long, TR__ARG_TO_INT64)
TR__ARG_CAPTURE(to_llong, long long, TR__ARG_TO_INT64)
TR__ARG_CAPTURE(to_ulong, unsigned long, TR__ARG_TO_UINT64)
TR__ARG_CAPTURE(to_ullong, unsigned long long, TR__ARG_TO_UINT64)
TR__ARG_CAPTURE(to_int, int, TR__ARG_TO_INT)
TR__ARG_CAPTURE(to_uint, unsigned, TR__ARG_TO_UINT)
TR__ARG_CAPTURE(to_double, double, TR__ARG_TO_DOUBLE)
TR__ARG_CAPTURE(to_bool, bool, TR__ARG_TO_BOOL)
TR__ARG_CAPTURE(to_atom, tr_atom, TR__ARG_TO_ATOM)
TR__ARG_CAPTURE(to_pid, tr_pid, TR__ARG_TO_PID)
TR__ARG_CAPTURE(to_ref, tr_ref, TR__ARG_TO_REF)
TR__ARG_CAPTURE(to_term, tr_term, TR__ARG_TO_TERM)
TR__ARG_CAPTURE(to_bin, tr_bin, TR__ARG_TO_BIN)
TR__ARG_CAPTURE(to_string, const char *, TR__ARG_TO_STRING)
#undef TR__ARG_CAPTURE

/* True, with the word, when the argument becomes an immediate. */
TR__INLINE bool tr__arg_immediate(struct tr_arg a, uint64_t *w)
{
    if (a.kind == TR__ARG_INT && tr__small_fits(a.as.i)) {
        *w = TR__SMALL_W(a.as.i);
        return true;
    }
    if ((a.kind == TR__ARG_ATOM && __builtin_expect(a.as.u != 0, 1)) ||
        (a.kind == TR__ARG_WORD && tr__is_immediate(a.as.u))) {
        *w = a.as.u;
        return true;
    }
    return false;
}

/* The rare kinds, out of line. */
bool tr__arg_check_slow(struct tr_arg a, uint64_t w);
void tr__arg_store_slow(struct tr_arg a, uint64_t w);

/* Does the word match? Writes nothing. The kind is a constant where this is inlined. */
TR__INLINE bool tr__arg_check(struct tr_arg a, uint64_t w)
{
    switch (a.kind) {
    case TR__ARG_INT:
        if (tr__small_fits(a.as.i))
            return w == TR__SMALL_W(a.as.i);
        break;
    case TR__ARG_ATOM:
        return w == a.as.u;
    case TR__ARG_WORD:
        if (w == a.as.u)
            return true;
        if (tr__is_immediate(a.as.u))
            return false;
        break;
    case TR__ARG_ANY:
    case TR__ARG_TO_TERM:
        return w != 0;
    case TR__ARG_TO_INT64:
        if (tr__is_small(w))
            return true;
        break;
    case TR__ARG_TO_UINT64:
        if (tr__is_small(w))
            return TR__SMALL_V(w) >= 0;
        break;
    case TR__ARG_TO_INT:
        return (w & 7) == TR__TAG_SMALL && TR__SMALL_V(w) == (int)TR__SMALL_V(w);
    case TR__ARG_TO_UINT:
        return (w & 7) == TR__TAG_SMALL && TR__SMALL_V(w) == (unsigned)TR__SMALL_V(w);
    case TR__ARG_TO_DOUBLE:
        return tr__is_box(w) && *tr__box(w) == TR__HEADER(TR__KIND_FLOAT, 1);
    case TR__ARG_TO_BOOL:
        return w == TR__TRUE || w == TR__FALSE;
    case TR__ARG_TO_ATOM:
        return (w & 63) == TR__TAG_OTHER;
    case TR__ARG_TO_PID:
        if (__builtin_expect((w & 7) == TR__TAG_PID, 1))
            return true;
        break;
    case TR__ARG_TO_REF:
        if (__builtin_expect((w & 3) == TR__TAG_REF, 1))
            return true;
        break;
    default:
        break;
    }
    return tr__arg_check_slow(a, w);
}

/* Writes a capture whose check succeeded. */
TR__INLINE void tr__arg_store(struct tr_arg a, uint64_t w)
{
    switch (a.kind) {
    case TR__ARG_TO_INT64:
    case TR__ARG_TO_UINT64:
        if (tr__is_small(w))
            *(int64_t *)a.as.to = TR__SMALL_V(w);
        else
            tr__arg_store_slow(a, w);
        return;
    case TR__ARG_TO_INT:
    case TR__ARG_TO_UINT:
        *(int *)a.as.to = (int)TR__SMALL_V(w);
        return;
    case TR__ARG_TO_DOUBLE:
        memcpy(a.as.to, tr__box(w) + 1, sizeof(double));
        return;
    case TR__ARG_TO_BOOL:
        *(bool *)a.as.to = w == TR__TRUE;
        return;
    case TR__ARG_TO_ATOM:
    case TR__ARG_TO_PID:
    case TR__ARG_TO_REF:
    case TR__ARG_TO_TERM:
        memcpy(a.as.to, &w, sizeof(w));
        return;
    case TR__ARG_TUPLE:
    case TR__ARG_LIST:
    case TR__ARG_CONS:
    case TR__ARG_MAP:
    case TR__ARG_TO_BIN:
    case TR__ARG_TO_STRING:
        tr__arg_store_slow(a, w);
        return;
    default:
        return;
    }
}

TR_HEADER_END

#ifdef __cplusplus
#include "troupe/shape.hpp"
#else

/* The elements of a tuple of n, or NULL. */
TR__INLINE const uint64_t *tr__tuple_of(tr_term t, unsigned n)
{
    if (!tr__is_box(t.w) || *tr__box(t.w) != TR__HEADER(TR__KIND_TUPLE, n))
        return NULL;
    return tr__box(t.w) + 1;
}

/* One function for each small arity, by value, so that constant kinds fold to a compare and a load.
 */
TR__INLINE bool tr__match_1(tr_term t, struct tr_arg a)
{
    if (!tr__arg_check(a, t.w))
        return false;
    tr__arg_store(a, t.w);
    return true;
}

TR__INLINE bool tr__match_2(tr_term t, struct tr_arg a, struct tr_arg b)
{
    const uint64_t *e = tr__tuple_of(t, 2);
    if (!e || !tr__arg_check(a, e[0]) || !tr__arg_check(b, e[1]))
        return false;
    tr__arg_store(a, e[0]);
    tr__arg_store(b, e[1]);
    return true;
}

TR__INLINE bool tr__match_3(tr_term t, struct tr_arg a, struct tr_arg b, struct tr_arg c)
{
    const uint64_t *e = tr__tuple_of(t, 3);
    if (!e || !tr__arg_check(a, e[0]) || !tr__arg_check(b, e[1]) || !tr__arg_check(c, e[2]))
        return false;
    tr__arg_store(a, e[0]);
    tr__arg_store(b, e[1]);
    tr__arg_store(c, e[2]);
    return true;
}

TR__INLINE bool tr__match_4(tr_term t, struct tr_arg a, struct tr_arg b, struct tr_arg c,
                            struct tr_arg d)
{
    const uint64_t *e = tr__tuple_of(t, 4);
    if (!e || !tr__arg_check(a, e[0]) || !tr__arg_check(b, e[1]) || !tr__arg_check(c, e[2]) ||
        !tr__arg_check(d, e[3]))
        return false;
    tr__arg_store(a, e[0]);
    tr__arg_store(b, e[1]);
    tr__arg_store(c, e[2]);
    tr__arg_store(d, e[3]);
    return true;
}

TR__INLINE bool tr__match_5(tr_term t, struct tr_arg a, struct tr_arg b, struct tr_arg c,
                            struct tr_arg d, struct tr_arg f)
{
    const uint64_t *e = tr__tuple_of(t, 5);
    if (!e || !tr__arg_check(a, e[0]) || !tr__arg_check(b, e[1]) || !tr__arg_check(c, e[2]) ||
        !tr__arg_check(d, e[3]) || !tr__arg_check(f, e[4]))
        return false;
    tr__arg_store(a, e[0]);
    tr__arg_store(b, e[1]);
    tr__arg_store(c, e[2]);
    tr__arg_store(d, e[3]);
    tr__arg_store(f, e[4]);
    return true;
}

/* A tuple in the current heap, of two words or more that need no copy. */
TR_HEADER_BEGIN
tr_term tr__build_pair(uint64_t a, uint64_t b);

/* {Tag, Pid} in memory of the caller, aligned to 16 bytes, for as long as that stays as it is. */
tr_term tr__pair_in(uint64_t room[3], tr_atom tag, tr_pid pid);
tr_term tr__build_triple(uint64_t a, uint64_t b, uint64_t c);
TR_HEADER_END

TR__INLINE tr_term tr__build_1(struct tr_arg a)
{
    tr_term t;
    return tr__arg_immediate(a, &t.w) ? t : tr_build_args(&a, 1);
}

TR__INLINE tr_term tr__build_2(struct tr_arg a, struct tr_arg b)
{
    uint64_t u, v;
    if (tr__arg_immediate(a, &u) && tr__arg_immediate(b, &v))
        return tr__build_pair(u, v);
    return tr_build_args((const struct tr_arg[]){ a, b }, 2);
}

TR__INLINE tr_term tr__build_3(struct tr_arg a, struct tr_arg b, struct tr_arg c)
{
    uint64_t u, v, w;
    if (tr__arg_immediate(a, &u) && tr__arg_immediate(b, &v) && tr__arg_immediate(c, &w))
        return tr__build_triple(u, v, w);
    return tr_build_args((const struct tr_arg[]){ a, b, c }, 3);
}

/* --- the macros, in C --- */

/* The argument of a C value; x is evaluated once. */
#define TR_ARG(x)                                                                                  \
    _Generic((x),                                                                                  \
        bool: tr__arg_bool,                                                                        \
        char: tr__arg_int,                                                                         \
        signed char: tr__arg_int,                                                                  \
        unsigned char: tr__arg_int,                                                                \
        short: tr__arg_int,                                                                        \
        unsigned short: tr__arg_int,                                                               \
        int: tr__arg_int,                                                                          \
        unsigned: tr__arg_int,                                                                     \
        long: tr__arg_int,                                                                         \
        long long: tr__arg_int,                                                                    \
        unsigned long: tr__arg_uint,                                                               \
        unsigned long long: tr__arg_uint,                                                          \
        float: tr__arg_float,                                                                      \
        double: tr__arg_float,                                                                     \
        tr_atom: tr__arg_atom,                                                                     \
        tr_pid: tr__arg_pid,                                                                       \
        tr_ref: tr__arg_ref,                                                                       \
        tr_term: tr__arg_term,                                                                     \
        tr_bin: tr__arg_bin,                                                                       \
        char *: tr__arg_string,                                                                    \
        const char *: tr__arg_string,                                                              \
        struct tr_arg: tr__arg_self,                                                               \
        long *: tr__arg_to_long,                                                                   \
        long long *: tr__arg_to_llong,                                                             \
        unsigned long *: tr__arg_to_ulong,                                                         \
        unsigned long long *: tr__arg_to_ullong,                                                   \
        int *: tr__arg_to_int,                                                                     \
        unsigned *: tr__arg_to_uint,                                                               \
        double *: tr__arg_to_double,                                                               \
        bool *: tr__arg_to_bool,                                                                   \
        tr_atom *: tr__arg_to_atom,                                                                \
        tr_pid *: tr__arg_to_pid,                                                                  \
        tr_ref *: tr__arg_to_ref,                                                                  \
        tr_term *: tr__arg_to_term,                                                                \
        tr_bin *: tr__arg_to_bin,                                                                  \
        const char **: tr__arg_to_string)(x)

/* An argument list as an array on the caller's stack and its length: two arguments of a call. */
#define TR_ARGS(...)                                                                               \
    TR__CAT(TR__ARGS_, TR__HAS_ARGS(__VA_ARGS__))(__VA_ARGS__), TR__COUNT(__VA_ARGS__)
#define TR__ARGS_0()       NULL
#define TR__ARGS_1(...)    ((const struct tr_arg[]){ TR__MAP(TR_ARG, __VA_ARGS__) })

/* 0 for an empty list, else 1. */
#define TR__HAS_ARGS(...)  TR__HAS_ARGS_(0, ##__VA_ARGS__, TR__ONES)
/* clang-format off */
#define TR__ONES /* 64 times 1, then 0 */ \
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, \
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0
/* clang-format on */
#define TR__HAS_ARGS_(...) TR__COUNT_NTH(__VA_ARGS__)

#define tr_tuple(...)       TR__MANY(TR__ARG_TUPLE, TR_ARGS(__VA_ARGS__))
#define tr_list(...)        TR__MANY(TR__ARG_LIST, TR_ARGS(__VA_ARGS__))
#define TR__MANY(kind, ...) tr__arg_many(kind, __VA_ARGS__)

/* A list with a tail: tr_cons(head, tail), or with more elements in front, tr_cons(a, b, tail). */
#define tr_cons(head, ...)  TR__MANY(TR__ARG_CONS, TR_ARGS(head, __VA_ARGS__))

/*
 * Keys and values in turn. Building: of equal keys the last wins. Matching: these keys must be
 * there, others may be. A key without a value is an error of the compiler.
 */
#define tr_map(...)         TR__MANY(TR__ARG_MAP, TR_ARGS(__VA_ARGS__) + TR__EVEN(TR__COUNT(__VA_ARGS__)))
#define TR__EVEN(n)         (0 * (uint32_t)sizeof(char[(n) % 2 ? -1 : 1]))

/* bool tr_match(tr_term term, ...) */
#define tr_match(term, ...) TR__CAT(TR__MATCH_, TR__ARITY(__VA_ARGS__))(term, ##__VA_ARGS__)
#define TR__MATCH_0(t)      ((t).w == TR__NIL)
#define TR__MATCH_1(t, ...) tr__match_1(t, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__MATCH_2(t, ...) tr__match_2(t, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__MATCH_3(t, ...) tr__match_3(t, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__MATCH_4(t, ...) tr__match_4(t, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__MATCH_5(t, ...) tr__match_5(t, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__MATCH_N(t, ...) tr_match_args(t, TR_ARGS(__VA_ARGS__))

/* tr_term tr_build(...) */
#define tr_build(...)       TR__CAT(TR__BUILD_, TR__ARITY(__VA_ARGS__))(__VA_ARGS__)
#define TR__BUILD_0()       tr_nil()
#define TR__BUILD_1(...)    tr__build_1(TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__BUILD_2(...)    tr__build_2(TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__BUILD_3(...)    tr__build_3(TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__BUILD_4(...)    tr_build_args(TR_ARGS(__VA_ARGS__))
#define TR__BUILD_5(...)    tr_build_args(TR_ARGS(__VA_ARGS__))
#define TR__BUILD_N(...)    tr_build_args(TR_ARGS(__VA_ARGS__))

/* 0 to 5, N for 6 to 16, and an unknown macro beyond: a message has up to 16 elements. */
#define TR__ARITY(...)      TR__ARITY_(0, ##__VA_ARGS__, TR__ARITIES)
#define TR__ARITIES                                                                                \
    OF_MORE_THAN_16_ELEMENTS, OF_MORE_THAN_16_ELEMENTS, OF_MORE_THAN_16_ELEMENTS,                  \
        OF_MORE_THAN_16_ELEMENTS, N, N, N, N, N, N, N, N, N, N, N, 5, 4, 3, 2, 1, 0
#define TR__ARITY_(...) TR__ARITY_NTH(__VA_ARGS__, 0)
#define TR__ARITY_NTH(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16,   \
                      _17, _18, _19, _20, n, ...)                                                  \
    n

#endif

/* --- atoms by name --- */

/* Used by tr_atoms at program start: interns n names, or prints the cause and aborts. */
TR_HEADER_BEGIN
void tr__atoms_start(tr_atom *const *atoms, const char *const *names, size_t n);
TR_HEADER_END

/*
 * tr_atoms(get, count); at file scope gives the atoms a_get and a_count; up to 64 names. A name
 * that is a macro in that file (true, errno, linux) needs tr_atom_as.
 */
#define tr_atoms(...)                                                                              \
    static __attribute__((unused)) tr_atom TR__MAP(TR__ATOM_NAME, __VA_ARGS__);                    \
    TR__ATOMS_START(__COUNTER__, (TR__MAP(TR__ATOM_AT, __VA_ARGS__)),                              \
                    (TR__MAP(TR__ATOM_TEXT, __VA_ARGS__)))

/* tr_atom_as(a_gen_call, "$gen_call"); at file scope, for texts that are no C identifiers. */
#define tr_atom_as(ident, text)                                                                    \
    static __attribute__((unused)) tr_atom ident;                                                  \
    TR__ATOMS_START(__COUNTER__, (&ident), (text))

#define TR__ATOM_NAME(x) a_##x
#define TR__ATOM_AT(x)   &a_##x
#define TR__ATOM_TEXT(x) #x
#define TR__UNPACK(...)  __VA_ARGS__
#define TR__ATOMS_START(number, ats, texts)                                                        \
    __attribute__((constructor)) static void TR__CAT(tr__atoms_number_, number)(void)              \
    {                                                                                              \
        static tr_atom *const atoms[] = { TR__UNPACK ats };                                        \
        static const char *const names[] = { TR__UNPACK texts };                                   \
        tr__atoms_start(atoms, names, sizeof(names) / sizeof(*names));                             \
    }                                                                                              \
    struct tr__semicolon_follows

#endif
