/* SPDX-License-Identifier: MIT */
/*
 * The store: the one process that changes data.
 *
 * Why one process. Everything that Redis promises about several keys or several steps (MULTI, MGET,
 * INCR, a push that moves two rows) follows from one order of all changes. With one process for
 * each share of the keys, or a lock for each, that order has to be put together again for each
 * command that meets several of them, and once more in the log. Here the order of the mailbox is
 * the order of effects, and the order of the log; nothing else has to be argued. What it costs is
 * that changes use one core. But that core does only what is no one else's business: connections
 * read, parse and write on all cores, and send what one read of the socket brought as one message;
 * the log is written by another process; and who only reads does not come here.
 *
 * Reading without asking. A GET looks into the tables itself. Each function of ETS on one object is
 * one step, so a string is read and changed without more. What changes several rows happens while
 * `store_version` is odd. A reader takes the number before and after: where it was odd, or has
 * changed, the answer is thrown away and the command sent to the store, where it waits for its
 * turn. So nobody sees a half of a transaction, and whoever has seen one effect of it sees, with
 * what he begins then, all of them. Commands that read several keys (MGET) always go to the store,
 * since single rows change without a new version.
 *
 * Answers and the log. See aof.h.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "commands.h"

/* Runs commands in the store and adds their answers to `out`. Each is a tuple: its place in
   `commands`, and its arguments without the name. As a transaction the answer is an array. Ends the
   caller with shutdown when the store ends. Process only; blocks. */
void store_run(struct out *out, int proto, int db, bool transaction, tr_term list);

/* Runs a COMMAND_READ in the calling process; false when it has to go to the store. */
bool store_read(struct call *c);

extern const struct tr_gen_server store;

/* --- for commands that change something: in the store --- */

/* Before each change: the command has changed something, and belongs into the log. */
void store_change(struct call *c);

/* From here to the end of the command nobody reads by himself: before a change of several rows. */
void store_exclusive(struct call *c);
void store_exclusive_end(struct call *c);

/* What goes into the log in the place of the command itself. */
void store_log(struct call *c, int n, const tr_term *terms);

/* The same, and the command itself does not. */
void call_log(struct call *c, int n, const tr_term *terms);

/* Some key expires then. */
void store_expire_at(struct call *c, int64_t expire);

/* The time that commands go by: ms since 1970. */
int64_t time_now(void);

#endif
