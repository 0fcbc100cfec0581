/* SPDX-License-Identifier: MIT */
/*
 * Commands: one function each, in strings.c, keys.c, hashes.c, lists.c, sets.c, server.c and
 * session.c; and the table of them all.
 *
 * Where a command runs follows from its flags:
 *
 *     COMMAND_WRITE   in the store, one after the other, and then into the log
 *     COMMAND_READ    from the tables, whoever is in the store; inside where that would show a half
 *                     of something (store.h)
 *     COMMAND_ORDER   changes nothing, but has its place among the changes: in the store
 *     COMMAND_LOCAL   about the connection, which it has in call->connection
 */
#ifndef KV_COMMANDS_H
#define KV_COMMANDS_H

#include "reply.h"

struct call;
struct connection;
struct store;

enum {
    COMMAND_WRITE = 1,
    COMMAND_READ = 2,
    COMMAND_ORDER = 4,
    COMMAND_LOCAL = 8,
    COMMAND_NO_MULTI = 16,   /* not inside a transaction */
    COMMAND_SUBSCRIBED = 32, /* also by those who listen to channels, in version 2 */
    COMMAND_LARGE = 64       /* it takes long: by itself, if it has to be in the store */
};

typedef void command_fn(struct call *c);

struct command {
    const char *name;
    command_fn *run;
    int arity; /* arguments with the name; -n: at least n */
    int flags;
    int first_key, last_key, key_step; /* for clients that ask */
};

/* A command that runs. */
struct call {
    const struct command *command;
    int n;                /* arguments, with the name */
    const tr_bin *args;   /* borrowed */
    const tr_term *terms; /* the same as binaries, where some are large; else NULL */
    struct out *out;      /* the answer */
    int proto, db;
    int64_t now;                   /* ms since 1970; 0 while the log is read: nothing expires */
    struct connection *connection; /* COMMAND_LOCAL */
    struct store *store;           /* NULL outside the store */
    bool changed;                  /* the data; so it belongs into the log */
    bool logged;                   /* in another form than it came, see call_log */
};

extern const struct command commands[];
extern const int ncommands;

/* The command of a name in upper or lower case; NULL when there is none. */
const struct command *command_find(tr_bin name);

/* Is it one (not NULL), and may it have so many arguments? */
bool command_accepts(const struct command *command, int n);

/* The error when it is not. */
void command_reject(const struct command *command, const tr_bin *args, int n, struct out *out);

/* --- for the functions of commands --- */

/* An argument as a binary, which is shared by all who get it if it is large. */
tr_term call_term(const struct call *c, int i);

/* The same for a function that takes any term, without making one. */
struct tr_arg call_arg(const struct call *c, int i);

/* Is the argument that word, in upper or lower case? */
bool call_is(const struct call *c, int i, const char *word);

/* The argument as a number; false after the usual error. */
bool call_number(const struct call *c, int i, int64_t *number);

void call_syntax_error(const struct call *c);

bool text_is(tr_bin text, const char *word);

/* Does the pattern, with * ? [a-z] [^a] and \, match? */
bool glob_match(tr_bin pattern, tr_bin text);

/* --- all of them --- */

command_fn append_command, client_command, command_command, config_command, dbsize_command,
    debug_command, decr_command, decrby_command, del_command, discard_command, echo_command,
    exec_command, exists_command, expire_command, flushall_command, flushdb_command, get_command,
    hdel_command, hello_command, hget_command, hgetall_command, hlen_command, hset_command,
    incr_command, incrby_command, info_command, keys_command, llen_command, lpop_command,
    lpush_command, lrange_command, mget_command, mset_command, multi_command, persist_command,
    ping_command, psubscribe_command, publish_command, punsubscribe_command, quit_command,
    rpop_command, rpush_command, sadd_command, scan_command, scard_command, select_command,
    set_command, sismember_command, smembers_command, srem_command, strlen_command,
    subscribe_command, ttl_command, type_command, unsubscribe_command;

#endif
