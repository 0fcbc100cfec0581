/* SPDX-License-Identifier: MIT */
/*
 * Directories: which processes hold which keys. Anybody looks a key up without asking a process.
 *
 *     struct tr_directory *d;
 *     tr_pid pid;
 *
 *     if (tr_directory_open(&d, a_rooms, true, tr_nil()) == TR_OK)
 *         tr_directory_insert(d, tr_build("lobby"), tr_self(), tr_build(a_open), NULL);
 *     if (tr_directory_whereis(d, tr_build("lobby"), &pid))
 *         tr_send(pid, a_enter);
 *
 * This is what registries (troupe/registry.h) and process groups (troupe/pg.h) are made of; most
 * programs want one of those. An entry is a key, a pid and a value. It stays until it is removed:
 * whoever opens a directory has to learn of the ends of those who hold entries (a link, a monitor)
 * and to call tr_directory_drop. With `unique` a key has one holder at most, and a holder that has
 * ended counts as none at once.
 *
 * Readers take no lock, so they wait neither for writers nor for each other, and see an entry from
 * the return of the function that made it to the call of the one that removes it. Writers lock a
 * 64th of the directory for some ten nanoseconds. Keys are compared exactly: 1 and 1.0 are two.
 *
 * A directory that was closed is empty, and stays so until it is opened again under its name; a
 * pointer to it is valid for ever. Results are in the current heap. All functions may be called on
 * any thread, unless stated otherwise, and never block; without memory those that return no tr_err
 * end the caller with out_of_memory. (No counterpart; ETS tables, as Elixir's Registry has them.)
 */
#ifndef TROUPE_DIRECTORY_H
#define TROUPE_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/term.h"

TR_HEADER_BEGIN

struct tr_directory;

/* Opens a directory under a name, with a term for whoever finds it (tr_directory_info). TR_EEXIST
   when it is open already; TR_EINVAL: the name is no atom; TR_ENOMEM. */
TR_MUST_USE tr_err tr_directory_open(struct tr_directory **d, tr_atom name, bool unique,
                                     tr_term info);

/* Removes all entries, and closes it. */
void tr_directory_close(struct tr_directory *d);

/* The open directory of that name, or NULL. */
struct tr_directory *tr_directory_find(tr_atom name);

bool tr_directory_is_unique(const struct tr_directory *d);

/* The term it was opened with, or that was set last; the empty list once it is closed. */
tr_term tr_directory_info(struct tr_directory *d);

/* Sets that term. Two that do so at once must agree among themselves. TR_ENOPROC when it is closed,
   TR_ENOMEM. */
TR_MUST_USE tr_err tr_directory_set_info(struct tr_directory *d, tr_term info);

/* --- changing --- */

/*
 * Adds an entry; key and value are copied. TR_EINVAL: one of the three is none; TR_EEXIST: it is
 * unique and the key is held by *holder (may be NULL); TR_ENOPROC: it is closed; TR_ENOMEM. Never
 * checks that `pid` lives.
 */
TR_MUST_USE tr_err tr_directory_insert(struct tr_directory *d, tr_term key, tr_pid pid,
                                       tr_term value, tr_pid *holder);

/* Replaces the value of the first entry of a pid under a key: TR_ENOTFOUND when it has none,
   TR_EINVAL when the value is no term, TR_ENOMEM. */
TR_MUST_USE tr_err tr_directory_update(struct tr_directory *d, tr_term key, tr_pid pid,
                                       tr_term value);

/* Removes the entries of a pid under a key; how many. */
size_t tr_directory_remove(struct tr_directory *d, tr_term key, tr_pid pid);

/* Removes one entry of a pid, known by its id (tr_directory_of); false when there is none. */
bool tr_directory_take(struct tr_directory *d, tr_pid pid, uint64_t id);

/* Removes all entries of a pid; how many. */
size_t tr_directory_drop(struct tr_directory *d, tr_pid pid);

/* --- reading --- */

/* [{Pid, Value}] of a key, in the order in which they were added. */
tr_term tr_directory_get(struct tr_directory *d, tr_term key);

/* A holder of a key that lives; false, *pid untouched, when there is none. Builds nothing. */
bool tr_directory_whereis(struct tr_directory *d, tr_term key, tr_pid *pid);

/* The pids of a key, one for each entry: stores the first `most` of them, and returns how many
   there are. Builds nothing. */
size_t tr_directory_pids(struct tr_directory *d, tr_term key, tr_pid *pids, size_t most);

/* [{Id, Key, Value}] of a pid, in the order in which they were added. */
tr_term tr_directory_of(struct tr_directory *d, tr_pid pid);

/* How many entries a pid has, and how many there are in all. */
size_t tr_directory_count_of(struct tr_directory *d, tr_pid pid);
size_t tr_directory_count(struct tr_directory *d);

/* [{Key, Pid, Value}] of all, in no particular order. Entries that come or go meanwhile may be in
   it or not. */
tr_term tr_directory_all(struct tr_directory *d);

/* All keys that are held, each once, in no particular order. */
tr_term tr_directory_keys(struct tr_directory *d);

TR_HEADER_END

#endif
