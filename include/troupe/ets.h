/* SPDX-License-Identifier: MIT */
/*
 * ETS: tables that processes share.
 *
 *     tr_atoms(prices, apple);
 *
 *     tr_term table = tr_ets_new(a_prices, &(struct tr_ets_opts){ .access = TR_ETS_PUBLIC });
 *     tr_ets_insert(table, a_apple, 120);                     {apple,120}
 *
 *     tr_term object;
 *     int64_t price;
 *     if (tr_ets_get(table, &object, a_apple) && tr_match(object, a_apple, &price))
 *         printf("%ld\n", (long)price);
 *
 * A table holds objects: tuples, found by the element at the table's key position. What goes in is
 * copied, what comes out is a copy in the caller's heap: so a loop of lookups outside any receive
 * clause wants a tr_scope. Binaries of more than 64 bytes are shared, not copied.
 *
 * Each function on one object is one step: nobody sees half of it. Readers take no lock and wait
 * for nobody; writers wait only for writers of the same place, some nanoseconds. A table is deleted
 * when its owner ends, unless it has an heir.
 *
 * `table` is what tr_ets_new returned, a tr_term or tr_ref, or the name of a named table, a
 * tr_atom. `key` is any C value that tr_build takes. Where there is no such table, the caller has
 * no right to do that, or an argument is wrong, the caller ends with {badarg, What}, as in Erlang;
 * so it does with out_of_memory. The table is then as it was. All functions are process only.
 * Functions that go through a whole table let others run meanwhile; all others do not block.
 */
#ifndef TROUPE_ETS_H
#define TROUPE_ETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/shape.h"
#include "troupe/term.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

enum tr_ets_type {
    TR_ETS_SET,          /* one object for each key */
    TR_ETS_ORDERED_SET,  /* the same in the order of keys; 1 and 1.0 are the same key */
    TR_ETS_BAG,          /* several objects for each key, no two equal */
    TR_ETS_DUPLICATE_BAG /* several objects for each key */
};

enum tr_ets_access {
    TR_ETS_PROTECTED, /* all may read, the owner may write */
    TR_ETS_PUBLIC,    /* all may read and write */
    TR_ETS_PRIVATE    /* the owner only */
};

/* Options of a new table; zero is the default of each. */
struct tr_ets_opts {
    enum tr_ets_type type;
    enum tr_ets_access access;
    uint32_t keypos;   /* which element is the key, counted from 1 as in Erlang; 0 means 1 */
    bool named;        /* the name stands for the table */
    tr_pid heir;       /* becomes the owner when the owner ends, if it lives */
    tr_term heir_data; /* sent to it; no term means undefined */
    /* Accepted, shown by tr_ets_info, and without effect: all tables are made for concurrent
       readers and writers, and count their objects without a common counter. */
    bool read_concurrency;
    bool write_concurrency;
    bool decentralized_counters;
};

/* --- a table --- */

/*
 * Makes a table, owned by the caller; opts may be NULL. The result is a reference, or the name when
 * it is a named one: an immediate, which needs no tr_keep. badarg when the name is taken or an
 * option is out of range, system_limit after 1,048,576 tables. (ets:new/2)
 */
tr_term tr_ets_new(tr_atom name, const struct tr_ets_opts *opts);

/* The same with a result: TR_EEXIST, TR_EINVAL, TR_ELIMIT, TR_ENOMEM. */
TR_MUST_USE tr_err tr_ets_try_new(tr_term *table, tr_atom name, const struct tr_ets_opts *opts);

/* Deletes the table with all objects; needs the right to write. May let others run. (ets:delete/1)
 */
void tr_ets_delete_table_of(tr_term table);
#define tr_ets_delete_table(table) tr_ets_delete_table_of(TR__ETS(table))

/* The reference of a named table; false, *table untouched, when there is none. (ets:whereis/1) */
bool tr_ets_whereis(tr_atom name, tr_term *table);

/* Gives it another name: for a named table the one that stands for it, which is its result. badarg
   if that is taken. Owner only, or a public table. (ets:rename/2) */
tr_term tr_ets_rename_table(tr_term table, tr_atom name);
#define tr_ets_rename(table, name) tr_ets_rename_table(TR__ETS(table), name)

/*
 * What is known of a table: id, name, named_table, type, protection, owner, heir, keypos, size,
 * memory (in words), fixed, safe_fixed_monotonic_time, node, read_concurrency, write_concurrency,
 * decentralized_counters, compressed. The whole as a list of pairs, the atom undefined when there
 * is no such table; of one item, badarg for an unknown one. Anyone may ask. (ets:info/1,2)
 */
tr_term tr_ets_info_all(tr_term table);
tr_term tr_ets_info_item(tr_term table, tr_atom item);
#define tr_ets_info(table)          tr_ets_info_all(TR__ETS(table))
#define tr_ets_info_of(table, item) tr_ets_info_item(TR__ETS(table), item)

/* The handles of all tables, those with a name by it. (ets:all/0) */
tr_term tr_ets_all(void);

/*
 * Makes another process the owner and sends it {'ETS-TRANSFER', Table, Caller, Gift}. badarg when
 * the caller is not the owner, or `to` is the caller or not alive. tr_ets_give_away(table, to, ...)
 * with the gift as in tr_send. (ets:give_away/3)
 */
void tr_ets_give_away_args(tr_term table, tr_pid to, const struct tr_arg *args, int n);
#define tr_ets_give_away(table, to, ...)                                                           \
    tr_ets_give_away_args(TR__ETS(table), to, TR_ARGS(__VA_ARGS__))

/* Sets the heir, with the data that it is sent in {'ETS-TRANSFER', Table, Owner, Data}; a pid of
   zero is none. Owner only. (ets:setopts/2) */
void tr_ets_set_heir_args(tr_term table, tr_pid heir, const struct tr_arg *args, int n);
#define tr_ets_set_heir(table, heir, ...)                                                          \
    tr_ets_set_heir_args(TR__ETS(table), heir, TR_ARGS(__VA_ARGS__))

/* Owner only. (ets:setopts/2) */
void tr_ets_set_access_of(tr_term table, enum tr_ets_access access);
#define tr_ets_set_access(table, access) tr_ets_set_access_of(TR__ETS(table), access)

/* --- writing --- */

/*
 * tr_ets_insert(table, ...): one argument is an object or a list of objects, several are the
 * elements of an object. A list goes in as one step: nobody sees a part of it, and nothing is
 * inserted when an element is no object. (ets:insert/2)
 */
void tr_ets_insert_args(tr_term table, const struct tr_arg *args, int n);
#define tr_ets_insert(table, ...) tr_ets_insert_args(TR__ETS(table), TR_ARGS(__VA_ARGS__))

/* The same unless one of the keys is there: then false, and nothing is inserted. (insert_new/2) */
bool tr_ets_insert_new_args(tr_term table, const struct tr_arg *args, int n);
#define tr_ets_insert_new(table, ...) tr_ets_insert_new_args(TR__ETS(table), TR_ARGS(__VA_ARGS__))

/* Deletes all objects of a key, if there are any. (ets:delete/2) */
void tr_ets_delete_key(tr_term table, struct tr_arg key);
#define tr_ets_delete(table, key) tr_ets_delete_key(TR__ETS(table), TR_ARG(key))

/* Deletes that object, however often it is there; the arguments as for insert. (delete_object/2) */
void tr_ets_delete_object_args(tr_term table, const struct tr_arg *args, int n);
#define tr_ets_delete_object(table, ...)                                                           \
    tr_ets_delete_object_args(TR__ETS(table), TR_ARGS(__VA_ARGS__))

/* As one step. May let others run. (ets:delete_all_objects/1) */
void tr_ets_delete_all_objects_of(tr_term table);
#define tr_ets_delete_all_objects(table) tr_ets_delete_all_objects_of(TR__ETS(table))

/* Deletes the objects of a key and returns them as a list, as one step. (ets:take/2) */
tr_term tr_ets_take_key(tr_term table, struct tr_arg key);
#define tr_ets_take(table, key) tr_ets_take_key(TR__ETS(table), TR_ARG(key))

/*
 * tr_ets_update_element(table, key, position, value): replaces one element of the object; false
 * when the key is absent. badarg in a bag, for the position of the key, or one outside the object.
 * With one more argument than the key, a list of {Position, Value}: all of them at once.
 * (update_element/3)
 */
bool tr_ets_update_element_args(tr_term table, struct tr_arg key, const struct tr_arg *args, int n);
#define tr_ets_update_element(table, key, ...)                                                     \
    tr_ets_update_element_args(TR__ETS(table), TR_ARG(key), TR_ARGS(__VA_ARGS__))

/*
 * tr_ets_update_counter(table, key, op) adds to an integer in the object and returns its new value.
 * op: Increment (of the element behind the key), {Position, Increment}, {Position, Increment,
 * Threshold, SetValue}, or a list of the latter two: then a list of the new values. When the sum
 * goes beyond the threshold in the direction of the increment, SetValue is stored instead. badarg
 * when the key is absent, an element no integer, in a bag. (ets:update_counter/3)
 *
 * tr_ets_update_counter_or(table, key, op, ...) inserts an object made of the rest first, with that
 * key, when the key is absent. (ets:update_counter/4)
 */
tr_term tr_ets_update_counter_args(tr_term table, struct tr_arg key, struct tr_arg op,
                                   const struct tr_arg *object, int n);
#define tr_ets_update_counter(table, key, op)                                                      \
    tr_ets_update_counter_args(TR__ETS(table), TR_ARG(key), TR_ARG(op), NULL, 0)
#define tr_ets_update_counter_or(table, key, op, ...)                                              \
    tr_ets_update_counter_args(TR__ETS(table), TR_ARG(key), TR_ARG(op), TR_ARGS(__VA_ARGS__))

/* --- reading --- */

/* The objects of a key, a list; in bags in the order in which they were inserted. (ets:lookup/2) */
tr_term tr_ets_lookup_key(tr_term table, struct tr_arg key);
#define tr_ets_lookup(table, key) tr_ets_lookup_key(TR__ETS(table), TR_ARG(key))

/* The same without the list: false, *object untouched, when the key is absent; in bags the first.
 */
static inline bool tr_ets_get_key(tr_term table, tr_term *object, struct tr_arg key);
#define tr_ets_get(table, object, key) tr_ets_get_key(TR__ETS(table), object, TR_ARG(key))

/* Whether the key is there. (ets:member/2) */
bool tr_ets_member_key(tr_term table, struct tr_arg key);
#define tr_ets_member(table, key) tr_ets_member_key(TR__ETS(table), TR_ARG(key))

/*
 * The element at a position counted from 1 of the object of a key; in bags a list, of all objects.
 * badarg when the key is absent or the object shorter; tr_ets_lookup_element_or gives what is
 * built of the rest when the key is absent. (ets:lookup_element/3,4)
 */
tr_term tr_ets_lookup_element_key(tr_term table, struct tr_arg key, uint32_t position,
                                  const struct tr_arg *otherwise, int n);
#define tr_ets_lookup_element(table, key, position)                                                \
    tr_ets_lookup_element_key(TR__ETS(table), TR_ARG(key), position, NULL, 0)
#define tr_ets_lookup_element_or(table, key, position, ...)                                        \
    tr_ets_lookup_element_key(TR__ETS(table), TR_ARG(key), position, TR_ARGS(__VA_ARGS__))

/* --- going through a table --- */

/*
 * Keys one after the other, in an ordered_set in ascending order, else in an order of the table's
 * own; '$end_of_table' behind the last. The key that is given need not be there (any more): the
 * walk goes on behind the place where it would be. So a walk meets every key that is there all the
 * time exactly once, fixed or not. Except in an ordered_set tr_ets_last is tr_ets_first and
 * tr_ets_prev is tr_ets_next. (ets:first/1, next/2, last/1, prev/2)
 */
tr_term tr_ets_first_of(tr_term table);
tr_term tr_ets_last_of(tr_term table);
tr_term tr_ets_next_of(tr_term table, struct tr_arg key);
tr_term tr_ets_prev_of(tr_term table, struct tr_arg key);
#define tr_ets_first(table)     tr_ets_first_of(TR__ETS(table))
#define tr_ets_last(table)      tr_ets_last_of(TR__ETS(table))
#define tr_ets_next(table, key) tr_ets_next_of(TR__ETS(table), TR_ARG(key))
#define tr_ets_prev(table, key) tr_ets_prev_of(TR__ETS(table), TR_ARG(key))

/* The same as {Key, Objects}. (ets:first_lookup/1, next_lookup/2 and so on) */
tr_term tr_ets_first_lookup_of(tr_term table);
tr_term tr_ets_last_lookup_of(tr_term table);
tr_term tr_ets_next_lookup_of(tr_term table, struct tr_arg key);
tr_term tr_ets_prev_lookup_of(tr_term table, struct tr_arg key);
#define tr_ets_first_lookup(table)     tr_ets_first_lookup_of(TR__ETS(table))
#define tr_ets_last_lookup(table)      tr_ets_last_lookup_of(TR__ETS(table))
#define tr_ets_next_lookup(table, key) tr_ets_next_lookup_of(TR__ETS(table), TR_ARG(key))
#define tr_ets_prev_lookup(table, key) tr_ets_prev_lookup_of(TR__ETS(table), TR_ARG(key))

/*
 * Calls fn(object, arg) for each object, in an ordered_set in order, or backwards; false ends the
 * walk. Between objects others may run. `object` lives until fn returns. What fn builds goes with
 * it, so what it wants to carry on lies in *arg. The result says whether it came to the end.
 * (ets:foldl/3, foldr/3)
 */
typedef bool (*tr_ets_fold_fn)(tr_term object, void *arg);
bool tr_ets_foldl_of(tr_term table, tr_ets_fold_fn fn, void *arg);
bool tr_ets_foldr_of(tr_term table, tr_ets_fold_fn fn, void *arg);
#define tr_ets_foldl(table, fn, arg) tr_ets_foldl_of(TR__ETS(table), fn, arg)
#define tr_ets_foldr(table, fn, arg) tr_ets_foldr_of(TR__ETS(table), fn, arg)

/* All objects, a list. (ets:tab2list/1) */
tr_term tr_ets_tab2list_of(tr_term table);
#define tr_ets_tab2list(table) tr_ets_tab2list_of(TR__ETS(table))

/* Counts, for each process, how often it has fixed a table less how often it has released it; what
   is left goes when it ends. Shown by tr_ets_info; walks do not need it. (ets:safe_fixtable/2) */
void tr_ets_safe_fixtable_of(tr_term table, bool fix);
#define tr_ets_safe_fixtable(table, fix) tr_ets_safe_fixtable_of(TR__ETS(table), fix)

/* --- patterns and match specifications, as terms --- */

#define TR_ETS_ALL 0 /* no limit */

/*
 * A pattern is an object in which '_' stands for anything and '$1', '$2', ... for anything that is
 * the same wherever that variable stands. All else has to be equal exactly. A pattern with the
 * whole key takes one lookup; in an ordered_set, one with a tuple as key of which the first
 * elements are known, takes as long as there are keys that begin so.
 *
 * A match specification is a list of {Head, Guards, Body}: a pattern, a list of conditions, and a
 * list of expressions, of which the last is the result; as in Erlang, with '$_' for the object and
 * '$$' for the list of all variables. The first triple whose head matches and whose guards are all
 * true counts. Guards and bodies know: is_atom, is_float, is_integer, is_list, is_number, is_pid,
 * is_port, is_reference, is_tuple, is_map, is_binary, is_bitstring, is_function, is_boolean,
 * is_map_key, 'not', 'and', 'or', 'xor', 'andalso', 'orelse', 'abs', element, hd, tl, length, node,
 * self, size, tuple_size, byte_size, bit_size, map_size, map_get, round, trunc, float, min, max,
 * 'div', 'rem', 'band', 'bor', 'bxor', 'bnot', 'bsl', 'bsr', '+', '-', '*', '/', '>', '>=', '<',
 * '=<', '==', '=/=', '=:=', '/=', {const, Term}. Integers of more than 64 bits are compared but not
 * computed with. A condition that fails is false; a body that fails gives 'EXIT'.
 *
 * An ill-formed specification ends the caller with {badarg, {Text, Path}}: what is wrong, and
 * where, as the list of positions to go to from the outside, counted from 1.
 *
 * With a limit other than TR_ETS_ALL the result is {Results, Continuation} with at most that many
 * results, or '$end_of_table'. The continuation is a term for tr_ets_continue. It lives as long as
 * other terms (tr_keep). (ets:match/2,3, match_object/2,3, select/2,3, select_reverse/2,3)
 */
tr_term tr_ets_match_of(tr_term table, struct tr_arg pattern, size_t limit);
tr_term tr_ets_match_object_of(tr_term table, struct tr_arg pattern, size_t limit);
tr_term tr_ets_select_of(tr_term table, struct tr_arg spec, size_t limit);
tr_term tr_ets_select_reverse_of(tr_term table, struct tr_arg spec, size_t limit);
#define tr_ets_match(table, pattern, limit) tr_ets_match_of(TR__ETS(table), TR_ARG(pattern), limit)
#define tr_ets_match_object(table, pattern, limit)                                                 \
    tr_ets_match_object_of(TR__ETS(table), TR_ARG(pattern), limit)
#define tr_ets_select(table, spec, limit) tr_ets_select_of(TR__ETS(table), TR_ARG(spec), limit)
#define tr_ets_select_reverse(table, spec, limit)                                                  \
    tr_ets_select_reverse_of(TR__ETS(table), TR_ARG(spec), limit)

/* The next results of any of them. badarg for what is no continuation. (ets:select/1, match/1) */
tr_term tr_ets_continue(tr_term continuation);

/* How many objects give `true`. (ets:select_count/2) */
int64_t tr_ets_select_count_of(tr_term table, struct tr_arg spec);
#define tr_ets_select_count(table, spec) tr_ets_select_count_of(TR__ETS(table), TR_ARG(spec))

/* Deletes those that give `true`, each as one step; how many. (ets:select_delete/2) */
int64_t tr_ets_select_delete_of(tr_term table, struct tr_arg spec);
#define tr_ets_select_delete(table, spec) tr_ets_select_delete_of(TR__ETS(table), TR_ARG(spec))

/* Replaces each object that matches by the result, an object with the same key, each as one step;
   how many. Another key is badarg. Not for bags. (ets:select_replace/2) */
int64_t tr_ets_select_replace_of(tr_term table, struct tr_arg spec);
#define tr_ets_select_replace(table, spec) tr_ets_select_replace_of(TR__ETS(table), TR_ARG(spec))

/* Deletes all objects that match. (ets:match_delete/2) */
void tr_ets_match_delete_of(tr_term table, struct tr_arg pattern);
#define tr_ets_match_delete(table, pattern) tr_ets_match_delete_of(TR__ETS(table), TR_ARG(pattern))

/* --- values that are C structs --- */

#define TR_ETS_VALUE_MAX 512

/*
 * A table of type set or ordered_set whose objects are a key and value_size bytes, at most
 * TR_ETS_VALUE_MAX, of a C struct without pointers to what may go. Its values are written and read
 * by the three functions below, which build no term; what only reads or deletes by key,
 * tr_ets_tab2list and folds work as well, and see {Key, Bytes}. badarg as tr_ets_new, and for
 * another type or key position. (No counterpart in OTP.)
 */
tr_term tr_ets_new_typed(tr_atom name, size_t value_size, const struct tr_ets_opts *opts);

/* Stores a copy of a value, in the place of one that is there. */
void tr_ets_put_value_key(tr_term table, struct tr_arg key, const void *value);
#define tr_ets_put_value(table, key, value) tr_ets_put_value_key(TR__ETS(table), TR_ARG(key), value)

/* Copies the value of a key; false, *value untouched, when it is absent. */
bool tr_ets_get_value_key(tr_term table, void *value, struct tr_arg key);
#define tr_ets_get_value(table, value, key) tr_ets_get_value_key(TR__ETS(table), value, TR_ARG(key))

/*
 * Changes the value of a key by fn(value, arg), as one step; false when the key is absent. fn works
 * on a copy, without a lock, and is called again if somebody else was faster; so it has no other
 * effects. Bytes that are padding must not change by themselves: zero structs before they are first
 * stored.
 */
bool tr_ets_update_value_key(tr_term table, struct tr_arg key, void (*fn)(void *value, void *arg),
                             void *arg);
#define tr_ets_update_value(table, key, fn, arg)                                                   \
    tr_ets_update_value_key(TR__ETS(table), TR_ARG(key), fn, arg)

/* --- private part --- */

bool tr__ets_get(tr_term table, tr_term *object, uint64_t key);

static inline bool tr_ets_get_key(tr_term table, tr_term *object, struct tr_arg key)
{
    uint64_t w;

    return tr__ets_get(table, object, tr__arg_immediate(key, &w) ? w : tr_build_args(&key, 1).w);
}

TR_HEADER_END

/* A table as an argument. */
#define TR__ETS(table) TR__DEST(table)

#endif
