/* SPDX-License-Identifier: MIT */
/*
 * The store: all data, and the one place where they are changed.
 *
 * Who changes something goes into the store, where there is room for one. Everything that Redis
 * promises about several keys or several steps (MULTI, MGET, INCR, a push that moves two rows)
 * follows from one order of all changes; here that is the order in which processes have been
 * inside, it is the order of the log as well, and nothing else has to be argued. That could be a
 * process to which everybody sends his commands (and was); but going there takes two switches and
 * two messages, many times what a SET takes, so a connection goes in and runs its own commands. It
 * is inside for one batch of them, some microseconds. What changes use is one core at a time; all
 * else connections do, on all cores: to read, parse and write. The log is written by another
 * process; and who only reads does not come in at all.
 *
 * The tables belong to a process, the keeper, whose end is that of the data. Who ends inside,
 * whatever the way, may have done half of something: he takes the keeper with him, and everything
 * starts again from the log, as if the keeper itself had failed. So a fault in a command has the
 * same end as if there were a process for all of them.
 *
 * Reading without going in. A GET looks into the tables itself. Each function of ETS on one object
 * is one step, so a string is read and changed without more. What changes several rows happens
 * while `store_version` is odd. A reader takes the number before and after: where it was odd, or
 * has changed, the answer is thrown away, and the command run inside, when its turn comes. So
 * nobody sees a half of a transaction, and whoever has seen one effect of it sees, with what he
 * begins then, all of them. Commands that read several keys (MGET) always go in, since single rows
 * change without a new version.
 *
 * Answers and the log. See aof.h.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "commands.h"

/* Goes into the store, and out of it. Out: the newest change that may have been made or seen
   inside; it must be written before anybody is told (aof_wait). Process only; the first blocks. */
void store_enter(void);
uint64_t store_leave(void);

/* For the end of a process: if it is in the store, that ends, too. */
void store_abandon(void);

/* Inside: runs a command, and adds it to the log if it has changed something. */
void store_run(struct call *c);

/* Inside: all commands in between are one change, for readers and in the log. */
void store_begin(struct call *c);
void store_commit(struct call *c);

/* Runs a COMMAND_READ from outside; false when it has to go in. */
bool store_read(struct call *c);

/* The keeper. */
extern const struct tr_gen_server store;

/* --- for commands that change something: inside --- */

/* Before each change: the command has changed something, and belongs into the log. */
void store_change(struct call *c);

/* From here to the end of the command nobody reads from outside: before a change of several rows.
 */
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
