/* SPDX-License-Identifier: MIT */
/* Commands about the connection: PING QUIT HELLO CLIENT SELECT MULTI EXEC DISCARD. */
#include "config.h"
#include "connection.h"
#include "store.h"
#include "subscriber.h"

#include <string.h>

void ping_command(struct call *c)
{
    const struct connection *k = c->connection;

    if (c->n > 2)
        reply_error(c->out, "ERR wrong number of arguments for 'ping' command");
    else if (k && k->proto == 2 && k->nsubscriptions) {
        reply_array(c->out, 2);
        reply_bulk_text(c->out, "pong");
        reply_bulk(c->out, c->n == 2 ? c->args[1] : (tr_bin){ "", 0 });
    } else if (c->n == 2)
        reply_bulk(c->out, c->args[1]);
    else
        reply_simple(c->out, "PONG");
}

void quit_command(struct call *c)
{
    c->connection->quit = true;
    reply_simple(c->out, "OK");
}

void select_command(struct call *c)
{
    int64_t db;

    if (!call_number(c, 1, &db))
        return;
    if (db < 0 || db >= DATABASES) {
        reply_error(c->out, "ERR DB index is out of range");
        return;
    }
    c->connection->db = (int)db;
    reply_simple(c->out, "OK");
}

/* --- who the client is --- */

/* A name without spaces and the like; false after an error. */
static bool set_name(struct call *c, int i)
{
    struct connection *k = c->connection;
    const unsigned char *p = c->args[i].data;

    for (size_t at = 0; at < c->args[i].size; at++)
        if (p[at] < '!' || p[at] > '~') {
            reply_error(c->out, "ERR Client names cannot contain spaces, newlines or special "
                                "characters.");
            return false;
        }
    tr_release(k->name);
    k->name = c->args[i].size ? tr_keep(call_term(c, i)) : tr_nil();
    return true;
}

static void reply_pair(struct call *c, const char *name, const char *value)
{
    reply_bulk_text(c->out, name);
    reply_bulk_text(c->out, value);
}

static void reply_hello(struct call *c)
{
    const struct connection *k = c->connection;

    reply_map(c->out, k->proto, 7);
    reply_pair(c, "server", "redis");
    reply_pair(c, "version", "7.0.0");
    reply_bulk_text(c->out, "proto");
    reply_integer(c->out, k->proto);
    reply_bulk_text(c->out, "id");
    reply_integer(c->out, k->id);
    reply_pair(c, "mode", "standalone");
    reply_pair(c, "role", "master");
    reply_bulk_text(c->out, "modules");
    reply_array(c->out, 0);
}

/* There are no passwords, so AUTH accepts any. */
void hello_command(struct call *c)
{
    int64_t proto = c->proto;
    int name = 0;

    if (c->n > 1 && !number_parse(c->args[1], &proto)) {
        reply_error(c->out, "ERR Protocol version is not an integer or out of range");
        return;
    }
    if (proto != 2 && proto != 3) {
        reply_error(c->out, "NOPROTO unsupported protocol version");
        return;
    }
    for (int i = 2; i < c->n; i++)
        if (call_is(c, i, "auth") && i + 2 < c->n) {
            i += 2;
        } else if (call_is(c, i, "setname") && i + 1 < c->n) {
            name = ++i;
        } else {
            reply_error(c->out, "ERR Syntax error in HELLO option '%.*s'",
                        (int)(c->args[i].size < 64 ? c->args[i].size : 64),
                        (const char *)c->args[i].data);
            return;
        }
    if (name && !set_name(c, name))
        return;
    c->connection->proto = (int)proto;
    subscriber_set_proto(c->connection);
    reply_hello(c);
}

void client_command(struct call *c)
{
    struct connection *k = c->connection;

    if (call_is(c, 1, "id") && c->n == 2) {
        reply_integer(c->out, k->id);
    } else if (call_is(c, 1, "getname") && c->n == 2) {
        if (tr_is_nil(k->name))
            reply_null(c->out, k->proto);
        else
            reply_bulk_term(c->out, k->name);
    } else if (call_is(c, 1, "setname") && c->n == 3) {
        if (set_name(c, 2))
            reply_simple(c->out, "OK");
    } else if ((call_is(c, 1, "setinfo") && c->n == 4) ||
               ((call_is(c, 1, "no-evict") || call_is(c, 1, "no-touch")) && c->n == 3)) {
        reply_simple(c->out, "OK");
    } else {
        reply_error(c->out,
                    "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT "
                    "HELP.",
                    (int)(c->args[1].size < 64 ? c->args[1].size : 64),
                    (const char *)c->args[1].data);
    }
}

/* --- transactions --- */

static void multi_end(struct connection *k)
{
    k->multi = k->multi_failed = false;
    k->nqueue = 0;
    out_free(&k->queue);
}

void multi_command(struct call *c)
{
    struct connection *k = c->connection;

    if (k->multi) {
        reply_error(c->out, "ERR MULTI calls can not be nested");
        return;
    }
    k->multi = true;
    reply_simple(c->out, "OK");
}

void discard_command(struct call *c)
{
    if (!c->connection->multi) {
        reply_error(c->out, "ERR DISCARD without MULTI");
        return;
    }
    multi_end(c->connection);
    reply_simple(c->out, "OK");
}

/* The requests that were queued are read again, and run in the store as one. */
void exec_command(struct call *c)
{
    struct connection *k = c->connection;
    struct request *r = &k->queued;

    if (!k->multi) {
        reply_error(c->out, "ERR EXEC without MULTI");
        return;
    }
    if (k->multi_failed) {
        multi_end(k);
        reply_error(c->out, "EXECABORT Transaction discarded because of previous errors.");
        return;
    }
    connection_enter(k);
    store_begin(c);
    reply_array(c->out, k->nqueue);
    for (size_t at = 0; at < k->queue.size; at += r->size) {
        if (request_read(r, k->queue.bytes + at, k->queue.size - at) != REQUEST_WHOLE)
            break;
        struct call one = connection_call(k, r);
        connection_run(k, &one);
    }
    store_commit(c);
    connection_leave(k);
    multi_end(k);
}
