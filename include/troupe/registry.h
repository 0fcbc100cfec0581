/* SPDX-License-Identifier: MIT */
/*
 * Registries: processes found by any term, and values that they leave there.
 *
 *     tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_rooms, .keys = TR_UNIQUE));
 *
 *     tr_registry_register(a_rooms, NULL, "lobby", a_open)      by the process that is the lobby
 *
 *     tr_registry_lookup(a_rooms, "lobby")                      [{<0.7.0>,open}]
 *     tr_send(tr_build(a_via, a_Registry, tr_tuple(a_rooms, "lobby")), a_enter);
 *
 * With TR_UNIQUE a key has one holder; with TR_DUPLICATE any number, and a process may hold it
 * several times. A process registers itself and nobody else; keys and values are terms, which are
 * copied. Its entries go when it ends, for whatever reason. For that the process is linked with a
 * part of the registry (a process) from its first registration until its last key is unregistered,
 * which its links show; so when the registry ends, those registered end too, unless they trap
 * exits.
 *
 * Looking up asks nobody and takes no lock: it reads a table (troupe/directory.h), and may be done
 * on any thread. Entries of one that has just ended may show for a moment; not under a unique key.
 *
 * Any function whose registry does not run ends the caller with {badarg, {unknown_registry, Name}}
 * as tr_error does. Where a key or a value is wanted it is given as to tr_build: 5, "text", a_atom,
 * tr_tuple(...). Results are in the current heap. (Elixir's Registry)
 */
#ifndef TROUPE_REGISTRY_H
#define TROUPE_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

enum tr_registry_keys {
    TR_UNIQUE = 1, /* zero is none: it has to be chosen */
    TR_DUPLICATE
};

struct tr_registry_opts {
    tr_atom name; /* mandatory */
    enum tr_registry_keys keys;
    int partitions;    /* processes that look after those registered; 1 */
    tr_term listeners; /* list of names of processes that are told, see below */
    tr_term meta;      /* map, see tr_registry_meta */
};

/* Options in the place of an argument: TR_REGISTRY_OPTS(.name = a_rooms, .keys = TR_UNIQUE). */
#define TR_REGISTRY_OPTS(...) (&(const struct tr_registry_opts){ __VA_ARGS__ })

/*
 * Starts a registry, a supervisor of its partitions, linked with the caller: {ok, Pid}, or
 * {error, {already_started, Pid}}. The caller ends with {badarg, What} when an option is missing or
 * out of range (What is its name); nothing was started then. A process of one of the names in
 * `listeners` is sent {register, Registry, Key, Pid, Value} for each entry that is added, and
 * {unregister, Registry, Key, Pid} when somebody unregisters a key; not when a process ends.
 * Process only; blocks. (Registry.start_link/1)
 */
tr_term tr_registry_start_link(const struct tr_registry_opts *opts);

/* --- registering: the caller itself; process only --- */

/*
 * tr_err tr_registry_register(registry, &pid, key, value): adds an entry for the caller. pid may be
 * NULL. TR_OK: *pid is the part of the registry that the caller is now linked with. TR_EEXIST: the
 * key is unique and *pid holds it, maybe the caller. TR_ENOMEM. (Registry.register/3)
 */
TR_MUST_USE tr_err tr_registry_register_args(tr_atom registry, tr_pid *pid, struct tr_arg key,
                                             struct tr_arg value);
#define tr_registry_register(registry, pid, key, value)                                            \
    tr_registry_register_args(registry, pid, TR_ARG(key), TR_ARG(value))

/* void tr_registry_unregister(registry, key): removes all entries of the caller under a key.
   (Registry.unregister/2) */
void tr_registry_unregister_args(tr_atom registry, struct tr_arg key);
#define tr_registry_unregister(registry, key) tr_registry_unregister_args(registry, TR_ARG(key))

/* void tr_registry_unregister_match(registry, key, pattern, guards): those whose value matches; see
   below. (Registry.unregister_match/4) */
void tr_registry_unregister_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                                       tr_term guards);
#define tr_registry_unregister_match(registry, key, pattern, guards)                               \
    tr_registry_unregister_match_args(registry, TR_ARG(key), TR_ARG(pattern), guards)

/*
 * tr_err tr_registry_update_value(registry, key, fn, arg, &new, &old): replaces the value that the
 * caller has under a unique key by fn(value, arg). new and old may be NULL. TR_ENOTFOUND: the
 * caller does not hold the key; fn is not called. TR_EINVAL: fn returned no term. TR_ENOMEM. With
 * TR_DUPLICATE the caller ends with badarg. (Registry.update_value/3)
 */
TR_MUST_USE tr_err tr_registry_update_value_args(tr_atom registry, struct tr_arg key,
                                                 tr_term (*fn)(tr_term value, void *arg), void *arg,
                                                 tr_term *new_value, tr_term *old_value);
#define tr_registry_update_value(registry, key, fn, arg, new_value, old_value)                     \
    tr_registry_update_value_args(registry, TR_ARG(key), fn, arg, new_value, old_value)

/* --- looking up: any thread --- */

/* tr_term tr_registry_lookup(registry, key): [{Pid, Value}]; under a unique key one at most.
   (Registry.lookup/2) */
tr_term tr_registry_lookup_args(tr_atom registry, struct tr_arg key);
#define tr_registry_lookup(registry, key) tr_registry_lookup_args(registry, TR_ARG(key))

/* bool tr_registry_whereis(registry, key, &pid): a holder of a key; false, *pid untouched, when
   there is none. The fastest way: it builds nothing. (Registry.whereis_name/1) */
bool tr_registry_whereis_args(tr_atom registry, struct tr_arg key, tr_pid *pid);
#define tr_registry_whereis(registry, key, pid) tr_registry_whereis_args(registry, TR_ARG(key), pid)

/* The keys of a process, each as often as it holds it. (Registry.keys/2) */
tr_term tr_registry_keys(tr_atom registry, tr_pid pid);

/* tr_term tr_registry_values(registry, key, pid): the values of a process under a key.
   (Registry.values/3) */
tr_term tr_registry_values_args(tr_atom registry, struct tr_arg key, tr_pid pid);
#define tr_registry_values(registry, key, pid) tr_registry_values_args(registry, TR_ARG(key), pid)

/* How many entries there are. (Registry.count/1) */
size_t tr_registry_count(tr_atom registry);

/* Calls fn with the [{Pid, Value}] of a key, if there are any. With `parallel`, and more than one
   partition, once for those of each partition, in processes linked with the caller: then process
   only, and blocks until all have returned. (Registry.dispatch/4) */
void tr_registry_dispatch_args(tr_atom registry, struct tr_arg key,
                               void (*fn)(tr_term entries, void *arg), void *arg, bool parallel);
#define tr_registry_dispatch(registry, key, fn, arg)                                               \
    tr_registry_dispatch_args(registry, TR_ARG(key), fn, arg, false)
#define tr_registry_dispatch_parallel(registry, key, fn, arg)                                      \
    tr_registry_dispatch_args(registry, TR_ARG(key), fn, arg, true)

/*
 * Patterns. A pattern is a term in which the atom '_' stands for anything, '$1', '$2' ... for
 * anything that is then remembered (twice the same one: equal terms), and in a map the keys given
 * are enough. All else stands for itself; 1 does not match 1.0.
 *
 *     tr_registry_match(a_rooms, "lobby", tr_tuple(a_open, tr_intern("$1")),
 *                       tr_build(tr_list(tr_tuple(tr_intern(">"), tr_intern("$1"), 5))))
 *
 * Guards are a list of expressions, each of which has to be true; the empty list is none.
 * Expressions are those of Erlang's match specifications: '$1', {const, Term}, {{...}} for a tuple,
 * and {Op, Args...} with == /= =:= =/= < =< > >= and or xor not andalso orelse + - * div rem abs
 * element tuple_size map_size map_get is_map_key hd tl length and is_atom, is_integer and the like.
 * One that fails is not true.
 */

/* tr_term tr_registry_match(registry, key, pattern, guards): the [{Pid, Value}] of a key whose
   value matches; tr_registry_count_match: how many. (Registry.match/4, count_match/4) */
tr_term tr_registry_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                               tr_term guards);
size_t tr_registry_count_match_args(tr_atom registry, struct tr_arg key, struct tr_arg pattern,
                                    tr_term guards);
#define tr_registry_match(registry, key, pattern, guards)                                          \
    tr_registry_match_args(registry, TR_ARG(key), TR_ARG(pattern), guards)
#define tr_registry_count_match(registry, key, pattern, guards)                                    \
    tr_registry_count_match_args(registry, TR_ARG(key), TR_ARG(pattern), guards)

/*
 * All entries by a match specification, [{Head, Guards, Body}]: for each entry {Key, Pid, Value}
 * the first clause whose Head matches and whose Guards hold gives one element of the result, the
 * value of the last expression of Body ('$_' is the whole entry, '$$' the list of the variables).
 * Anything else than such a list with heads of three elements ends the caller with badarg. Looks at
 * every entry. (Registry.select/2)
 */
tr_term tr_registry_select(tr_atom registry, tr_term spec);

/* How many entries there are whose Body would be true. (Registry.count_select/2) */
size_t tr_registry_count_select(tr_atom registry, tr_term spec);

/* --- what a registry knows beside its entries: any thread --- */

/* bool tr_registry_meta(registry, key, &value): a value that was put there; false, *value
   untouched, when there is none. (Registry.meta/2, put_meta/3, delete_meta/2) */
bool tr_registry_meta_args(tr_atom registry, struct tr_arg key, tr_term *value);
void tr_registry_put_meta_args(tr_atom registry, struct tr_arg key, struct tr_arg value);
void tr_registry_delete_meta_args(tr_atom registry, struct tr_arg key);
#define tr_registry_meta(registry, key, value) tr_registry_meta_args(registry, TR_ARG(key), value)
#define tr_registry_put_meta(registry, key, value)                                                 \
    tr_registry_put_meta_args(registry, TR_ARG(key), TR_ARG(value))
#define tr_registry_delete_meta(registry, key) tr_registry_delete_meta_args(registry, TR_ARG(key))

/*
 * Runs fn(arg) while nobody else does so under the same key of the registry; returns what it
 * returns. Different keys do not wait for each other. If the caller ends meanwhile, the next one
 * goes on. Process only; blocks. (Registry.lock/3)
 */
tr_term tr_registry_lock_args(tr_atom registry, struct tr_arg key, tr_term (*fn)(void *arg),
                              void *arg);
#define tr_registry_lock(registry, key, fn, arg)                                                   \
    tr_registry_lock_args(registry, TR_ARG(key), fn, arg)

TR_HEADER_END

#endif
