/* SPDX-License-Identifier: MIT */
/*
 * Registries: what the parts of one share.
 *
 *     registry.c             starting; registering and unregistering; looking up; metadata
 *     registry_partition.c   the processes that registrants are linked with; locks
 *     registry_query.c       patterns, specifications, dispatch
 *     pattern.c              what a pattern matches
 *
 * The entries are a directory of the registry's name, opened by the first partition; its info is
 * {Partitions, Listeners}, a tuple and a list of names. Metadata are another one, whose name is
 * that of the registry with ".meta" behind it.
 */
#ifndef TROUPE_OTP_REGISTRY_H
#define TROUPE_OTP_REGISTRY_H

#include "troupe.h"

/* The directory of a registry; ends the caller when it does not run. */
struct tr_directory *tr__registry(tr_atom name);

/* The name of the partition for a hash: of a pid that it looks after, or of a key to be locked; w
   is 0 when the registry has just ended. */
tr_atom tr__registry_partition_of(struct tr_directory *d, uint64_t hash);

/* Which of so many partitions looks after a pid. */
int tr__registry_index(tr_pid pid, int partitions);

/* How many partitions there are. */
int tr__registry_partitions(struct tr_directory *d);

/* The caller has removed entries: it needs its partition no more if they were the last ones. */
void tr__registry_left(struct tr_directory *d);

/* --- registry_partition.c --- */

/* The server that is a partition: its argument is {Registry, IsUnique, Index, Info, Meta}. */
extern const struct tr_gen_server tr__registry_partition_server;

/* Opens a directory that closes when the caller ends; ends the caller when that fails. *d must last
   as long as the caller, and be NULL before. */
void tr__registry_open(struct tr_directory **d, tr_atom name, bool unique, tr_term info);

/* The name of the directory of metadata. */
tr_atom tr__registry_meta_name(tr_atom registry);

#endif
