/* SPDX-License-Identifier: MIT */
/*
 * The log: a file to which every change is appended, in the protocol of the clients (an "append
 * only file"), and from which the data are read at the start.
 *
 * One process writes it. Who has changed something in the store sends the record here before he
 * comes out, so the records have the order of the changes. What has come while the last write was
 * on its way goes out in the next one, with one fsync for all. So nobody is in the store while the
 * disk is waited for, and the more clients there are, the more share a write.
 *
 * Changes are numbered. `aof_logged` is the newest that may be seen in the tables, `aof_durable`
 * the newest that was written. Before a connection sends answers it waits until all has been
 * written that it has changed or may have seen (aof_wait). So what was acknowledged survives the
 * end of the program by whatever signal, with `always` that of the machine, since it is on the
 * disk; and nobody is shown what a crash could take back.
 *
 * If the file cannot be written, this process ends, and everything starts again from the file: the
 * data are never ahead of it.
 */
#ifndef KV_AOF_H
#define KV_AOF_H

#include "request.h"

#include <stdatomic.h>

extern const struct tr_gen_server aof;

extern _Atomic uint64_t aof_logged, aof_durable;

/* How often the process has been started; numbers are of one life of it. */
extern _Atomic int64_t aof_life;

/* Where it is, from the options; false after a message when that is too long. */
bool aof_path(char *path, size_t size);

/* Appends the record of a change of that number. Any thread. */
void aof_append(uint64_t number, tr_term record);

/* Returns when all changes up to that number have been written, in that life; ends the caller with
   shutdown when they will not be. Process only; blocks. */
void aof_wait(uint64_t number, int64_t life);

/*
 * Calls fn for each request in the log; false says that it cannot be one of the log's. A record
 * that is not whole, at the end of the file, and a transaction without its end, are what a crash
 * leaves: they are cut off. TR_ESYNTAX: something else is wrong, and the log says where; TR_ESYS.
 * Process only; blocks.
 */
TR_MUST_USE tr_err aof_load(bool (*fn)(const struct request *r, void *arg), void *arg);

#endif
