/* SPDX-License-Identifier: MIT */
/*
 * Terms: the values that messages are made of.
 *
 * A term is one word: a small integer, an atom, a local pid or reference, the empty list, or a
 * pointer to a boxed object. Terms are immutable. What a function of this header builds lives in
 * the current heap, that is until the receive clause, the callback, or the tr_scope it was built in
 * ends; tr_keep makes a term last. Outside a process each thread has a heap of its own, emptied
 * when the thread ends.
 *
 *     tr_atoms(point, x);
 *
 *     int64_t n;
 *     tr_term point = tr_build(a_point, 3, 4);          {point,3,4}
 *     if (tr_match(point, a_point, &n, 4))
 *         printf("%s has x %ld\n", tr_inspect(point), (long)n);
 *
 * Functions that take an argument of the wrong kind end the calling process with {badarg, What}, as
 * in Erlang, and with out_of_memory when memory is short; outside a process they print that and
 * abort. Everything here may be called on any thread, never blocks, and takes its terms borrowed,
 * unless said otherwise.
 */
#ifndef TROUPE_TERM_H
#define TROUPE_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "troupe/each.h"
#include "troupe/error.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/* A word of zero is "no term", "no pid" and so on: the value of an unset variable. */
typedef struct tr_term {
    uint64_t w;
} tr_term;

typedef struct tr_atom {
    uint64_t w;
} tr_atom;

typedef struct tr_pid {
    uint64_t w;
} tr_pid;

typedef struct tr_ref {
    uint64_t w;
} tr_ref;

/* Bytes that belong to somebody else. */
typedef struct tr_bin {
    const void *data;
    size_t size;
} tr_bin;

/* --- kinds --- */

bool tr_is_integer(tr_term term);
bool tr_is_float(tr_term term);
bool tr_is_number(tr_term term);
bool tr_is_atom(tr_term term);
bool tr_is_bool(tr_term term);
bool tr_is_pid(tr_term term);
bool tr_is_ref(tr_term term);
bool tr_is_fun(tr_term term);
bool tr_is_port(tr_term term);
bool tr_is_tuple(tr_term term);
bool tr_is_map(tr_term term);
/* The empty list, or a pair of head and tail. */
bool tr_is_list(tr_term term);
bool tr_is_nil(tr_term term);
/* A bitstring of whole bytes. */
bool tr_is_binary(tr_term term);
bool tr_is_bitstring(tr_term term);

/* --- atoms --- */

/*
 * The atom of a text of at most 255 UTF-8 characters, made when it does not exist yet; atoms last
 * for ever. Ends the caller with {badarg, Text} when the text is too long or not UTF-8, and with
 * system_limit when the table is full. At program start (tr_atoms) the same prints the cause and
 * aborts.
 */
tr_atom tr_intern(const char *text);

/* The same as a result: TR_EINVAL (too long, not UTF-8), TR_ELIMIT (table full), TR_ENOMEM. */
TR_MUST_USE tr_err tr_try_intern(const char *text, size_t size, tr_atom *atom);

/* Finds an atom that exists already; TR_ENOTFOUND if none. Makes nothing, so safe for foreign text.
 */
TR_MUST_USE tr_err tr_find_atom(const char *text, size_t size, tr_atom *atom);

/* The text of an atom, NUL-terminated, valid for ever; *size (may be NULL) is its length in bytes.
 */
const char *tr_atom_name(tr_atom atom, size_t *size);

/* How many atoms exist, and how many there may be (1,048,576 unless set). */
size_t tr_atom_count(void);
size_t tr_atom_limit(void);

/* Sets the bound, before the runtime starts: TR_EINVAL above 16,777,216 or below the present count.
 */
TR_MUST_USE tr_err tr_atom_set_limit(size_t limit);

/* --- integers and floats (tr_build(5) and tr_match(t, &n) do the usual cases) --- */

/* The value if the term is an integer that fits; else false, and *value is untouched. */
bool tr_to_int64(tr_term term, int64_t *value);
bool tr_to_uint64(tr_term term, uint64_t *value);

/* The value of a float, or the nearest double of an integer; false if neither or too large. */
bool tr_to_double(tr_term term, double *value);

/*
 * An integer of any size from decimal digits with an optional sign. TR_ESYNTAX for anything else,
 * TR_ELIMIT above 1,048,576 bits, TR_ENOMEM.
 */
TR_MUST_USE tr_err tr_integer_from_text(const char *text, size_t size, tr_term *integer);

/* --- tuples --- */

tr_term tr_tuple_from_array(const tr_term *items, size_t n);
size_t tr_tuple_size(tr_term tuple);

/* Element i, counted from 0 (Erlang's element/2 counts from 1). */
tr_term tr_element(tr_term tuple, size_t i);

/* A copy of the tuple with element i (from 0) replaced. */
tr_term tr_set_element(tr_term tuple, size_t i, tr_term item);

/* --- lists --- */

static inline tr_term tr_nil(void);

/* A list of one more element; the tail is shared, not copied. */
tr_term tr_list_push(tr_term list, tr_term item);
tr_term tr_list_from_array(const tr_term *items, size_t n);
tr_term tr_list_reverse(tr_term list);
tr_term tr_head(tr_term list);
tr_term tr_tail(tr_term list);

/* The length of a proper list; false, *n untouched, for anything else. */
bool tr_list_length(tr_term list, size_t *n);

/*
 * Steps through a list: while (tr_list_next(&list, &item)) ... Afterwards the list variable holds
 * what was left: the empty list, or the tail of an improper list.
 */
bool tr_list_next(tr_term *list, tr_term *item);

/* --- maps: keys are compared exactly, 1 and 1.0 are two keys --- */

size_t tr_map_size(tr_term map);

/* The value of a key; false, *value untouched, when the key is absent. value may be NULL. */
bool tr_map_get(tr_term map, tr_term key, tr_term *value);

/* A new map; the old one stays as it was, and the two share what they can. */
tr_term tr_map_put(tr_term map, tr_term key, tr_term value);
tr_term tr_map_remove(tr_term map, tr_term key);

/* A map of n pairs; of equal keys the last one wins. n may be 0. */
tr_term tr_map_from_arrays(const tr_term *keys, const tr_term *values, size_t n);

/*
 * Steps through the pairs of a map: keys of up to 32 in term order, of larger maps in an order that
 * depends on the keys alone.
 *
 *     struct tr_map_iter it;
 *     for (tr_map_iter_init(&it, map); tr_map_next(&it, &key, &value);)
 */
struct tr_map_iter {
    struct {
        const uint64_t *at;
        size_t left;
    } level[15];
    int depth;
};

void tr_map_iter_init(struct tr_map_iter *iter, tr_term map);
bool tr_map_next(struct tr_map_iter *iter, tr_term *key, tr_term *value);

/* --- binaries: up to 64 bytes are part of the term, larger ones are counted and shared --- */

tr_term tr_binary(const void *data, size_t size);

/* The first n bits of data; n need not be a multiple of 8. */
tr_term tr_bitstring(const void *data, size_t nbits);

/* size bytes of a binary from byte `from` on, sharing the bytes where they are counted. */
tr_term tr_sub_binary(tr_term binary, size_t from, size_t size);

/* The bytes of a binary, borrowed from the term; false, *bytes untouched, for anything else. */
bool tr_binary_get(tr_term binary, tr_bin *bytes);

/* The same of a bitstring, with its size in bits; unused low bits of the last byte are zero. */
bool tr_bitstring_get(tr_term bitstring, tr_bin *bytes, size_t *nbits);

/* --- comparing --- */

/*
 * Erlang's total order: number < atom < reference < fun < port < pid < tuple < map < nil < list <
 * bitstring. Negative, zero or positive. Numbers compare by value, so 1 and 1.0 are equal.
 */
int tr_compare(tr_term a, tr_term b);

/* The order of map keys: the same, but all integers before all floats. Zero only if tr_equal. */
int tr_compare_exact(tr_term a, tr_term b);

/* The same term, as Erlang's =:= . */
bool tr_equal(tr_term a, tr_term b);

/* Equal terms (tr_equal) have equal hashes, on every run and every machine. */
uint64_t tr_hash(tr_term term);

/* --- text --- */

/* The term as Erlang writes it, on one line, NUL-terminated, in the current heap. */
char *tr_inspect(tr_term term);

/* The same to a file, TR_ESYS when writing fails, TR_ENOMEM. Blocks as the file does. */
TR_MUST_USE tr_err tr_print(FILE *file, tr_term term);

/*
 * The same to a buffer, as snprintf does: at most size bytes with the NUL, and the result is the
 * length of the whole text.
 */
size_t tr_print_to(char *buffer, size_t size, tr_term term);

/*
 * Reads one term as tr_inspect writes it, with white space and %comments between tokens.
 * TR_ESYNTAX, or TR_ELIMIT (number or atom too long, atom table full), or TR_ENOMEM: *error_at (may
 * be NULL) is then the byte at which reading stopped. Funs and ports have no text that can be read.
 */
TR_MUST_USE tr_err tr_parse(const char *text, size_t size, tr_term *term, size_t *error_at);

/* --- how long a term lives --- */

/* A copy in the current heap, sharing nothing with the original but counted binaries. */
tr_term tr_copy(tr_term term);

/*
 * A copy that lasts until tr_release, or until the process (or thread) that kept it ends.
 * Immediates cost nothing. Each kept term is released at most once; owner only.
 */
tr_term tr_keep(tr_term term);

/* Frees what tr_keep returned; does nothing for immediates. Owner only. */
void tr_release(tr_term kept);

/* A moment of the current heap. */
struct tr_scope_mark {
    void *part[4];
    int once;
};

struct tr_scope_mark tr_scope_begin(void);

/* Frees everything built in the current heap since the mark was taken; kept terms stay. */
void tr_scope_end(struct tr_scope_mark *mark);

/*
 * tr_scope { ... } frees at its end what was built inside; return, break, goto and continue out of
 * it do so too. It is a loop of one turn: break and continue leave the scope, not a loop around it.
 */
#define tr_scope TR__SCOPE(TR__CAT(tr__scope_, __COUNTER__))
#define TR__SCOPE(mark)                                                                            \
    for (struct tr_scope_mark mark __attribute__((cleanup(tr_scope_end))) = tr_scope_begin();      \
         mark.once; mark.once = 0)

/* --- private part: how a word is made; see src/term/term.h for boxed objects --- */

#define TR__TAG_BOX    0u
#define TR__TAG_CONS   1u
#define TR__TAG_PID    2u
#define TR__TAG_REF    3u /* two bits */
#define TR__TAG_SMALL  4u
#define TR__TAG_OTHER  5u
#define TR__TAG_HEADER 6u

#define TR__NIL          13u
#define TR__ATOM_W(i)    (((uint64_t)(i) << 6) | 5u)
#define TR__FALSE        TR__ATOM_W(0)
#define TR__TRUE         TR__ATOM_W(1)
#define TR__SMALL_MAX    ((INT64_C(1) << 60) - 1)
#define TR__SMALL_MIN    (-(INT64_C(1) << 60))
#define TR__SMALL_W(i)   (((uint64_t)(i) << 3) | TR__TAG_SMALL)
#define TR__SMALL_V(w)   ((int64_t)(w) >> 3)
#define TR__HEADER(k, n) (((uint64_t)(n) << 8) | ((uint64_t)(k) << 3) | TR__TAG_HEADER)
#define TR__KIND_TUPLE   0u
#define TR__KIND_FLOAT   8u

static inline tr_term tr_nil(void)
{
    tr_term nil = { TR__NIL };
    return nil;
}

static inline bool tr__is_immediate(uint64_t w)
{
    return (w & 7) >= 2;
}

static inline bool tr__is_box(uint64_t w)
{
    return (w & 7) == 0 && w != 0;
}

static inline const uint64_t *tr__box(uint64_t w)
{
    return (const uint64_t *)(uintptr_t)w;
}

/* What is an integer at all is a small one mostly. */
static inline __attribute__((always_inline)) bool tr__is_small(uint64_t w)
{
    return __builtin_expect((w & 7) == TR__TAG_SMALL, 1);
}

static inline __attribute__((always_inline)) bool tr__small_fits(int64_t i)
{
    return __builtin_expect(((uint64_t)i + (UINT64_C(1) << 60)) >> 61 == 0, 1);
}

TR_HEADER_END

#include "troupe/shape.h"

#endif
