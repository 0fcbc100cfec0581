/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "subscriber.h"

#include "config.h"
#include "connection.h"

#include <fcntl.h>
#include <string.h>

tr_atoms(ok, channels, patterns, subscriptions, subscribe, unsubscribe, unsubscribe_all, message,
         pmessage, out, proto, flush, timeout, writable, shutdown, no_descriptor);

enum {
    MAILBOX_MAX = 100000,
    OUTPUT_MAX = 32 << 20,
    WRITE_SIZE = 64 * 1024 /* bytes that are gathered before they are written */
};

struct subscriber {
    int fd; /* its own, so that it stays what it is when the connection ends */
    int proto;
    tr_term table; /* {{Scope, Name}} of all subscriptions */
    int64_t n;
    struct out out;
    bool waiting; /* until the socket takes more; somebody will say so */
};

tr_term channels_start(tr_term arg)
{
    (void)arg;
    return tr_pg_start_link(a_channels);
}

tr_term patterns_start(tr_term arg)
{
    (void)arg;
    return tr_pg_start_link(a_patterns);
}

/* --- the server --- */

static void subscriber_free(void *arg)
{
    out_free(&((struct subscriber *)arg)->out);
}

static tr_gen_result subscriber_init(void *state, tr_term arg)
{
    struct subscriber *s = state;
    int fd = -1;

    tr_match(arg, &fd, &s->proto);
    s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (s->fd < 0)
        return tr_gen_stop(a_no_descriptor);
    tr_own_fd(s->fd);
    tr_defer(subscriber_free, s);
    s->table = tr_ets_new(a_subscriptions, &(struct tr_ets_opts){ .type = TR_ETS_ORDERED_SET,
                                                                  .access = TR_ETS_PRIVATE });
    return tr_gen_ok();
}

/* Tells the subscriber that its socket takes more; ends it when that takes too long. */
static void wait_writable(tr_term arg)
{
    tr_pid subscriber;
    int fd = -1;

    tr_match(arg, &subscriber, &fd);
    if (tr_wait_fd(fd, TR_FD_WRITE, config.patience_ms) != TR_OK)
        tr_exit(a_shutdown);
    tr_send(subscriber, a_writable);
}

/* Writes what the client takes; false when he is gone, or too much is left. */
static bool write_some(struct subscriber *s)
{
    if (s->waiting)
        return out_left(&s->out) <= OUTPUT_MAX;
    tr_err err = out_send(&s->out, s->fd);
    if (err == TR_EBUSY) {
        s->waiting = true;
        tr_spawn_link(wait_writable, tr_self(), s->fd);
    }
    return err == TR_OK || err == TR_EBUSY;
}

/* Writes all there is, before the end. */
static void write_all(struct subscriber *s)
{
    while (out_send(&s->out, s->fd) == TR_EBUSY)
        if (tr_wait_fd(s->fd, TR_FD_WRITE, config.patience_ms) != TR_OK)
            return;
}

/* What else has come is gathered first. */
static tr_gen_result later(struct subscriber *s, tr_gen_result result)
{
    if (out_left(&s->out) >= WRITE_SIZE && !write_some(s))
        return tr_gen_stop(a_shutdown);
    return tr_gen_timeout(0, result);
}

/* What a client is told when a subscription begins or ends. */
static void confirm(struct subscriber *s, tr_atom scope, bool begins, tr_term name)
{
    const char *word = begins ? "subscribe" : "unsubscribe";

    reply_push(&s->out, s->proto, 3);
    reply_bulk_text(&s->out, scope.w == a_channels.w ? word
                             : begins                ? "psubscribe"
                                                     : "punsubscribe");
    if (tr_is_nil(name))
        reply_null(&s->out, s->proto);
    else
        reply_bulk_term(&s->out, name);
    reply_integer(&s->out, s->n);
}

static void begin(struct subscriber *s, tr_atom scope, tr_term name)
{
    if (tr_ets_insert_new(s->table, tr_tuple(tr_tuple(scope, name)))) {
        tr_pg_join(scope, name, tr_self());
        s->n++;
    }
    confirm(s, scope, true, name);
}

static void end(struct subscriber *s, tr_atom scope, tr_term name)
{
    if (tr_ets_member(s->table, tr_tuple(scope, name))) {
        tr_ets_delete(s->table, tr_tuple(scope, name));
        (void)tr_pg_leave(scope, name, tr_self());
        s->n--;
    }
    confirm(s, scope, false, name);
}

static void end_all(struct subscriber *s, tr_atom scope)
{
    tr_term name;
    tr_atom of;
    bool any = false;

    for (;;) {
        /* The first of that scope: a number comes before all names. */
        tr_term key = tr_ets_next(s->table, tr_tuple(scope, 0));
        if (!tr_match(key, &of, &name) || of.w != scope.w)
            break;
        end(s, scope, name);
        any = true;
    }
    if (!any)
        confirm(s, scope, false, tr_nil());
}

static tr_gen_result subscriber_call(void *state, tr_term request, tr_term from)
{
    struct subscriber *s = state;
    tr_atom scope;
    tr_term name;

    (void)from;
    if (tr_match(request, a_subscribe, &scope, &name))
        begin(s, scope, name);
    else if (tr_match(request, a_unsubscribe, &scope, &name))
        end(s, scope, name);
    else if (tr_match(request, a_unsubscribe_all, &scope))
        end_all(s, scope);
    else if (tr_match(request, a_flush))
        write_all(s);
    else
        return tr_gen_unknown();
    return later(s, tr_gen_reply(s->n));
}

static tr_gen_result subscriber_info(void *state, tr_term m)
{
    struct subscriber *s = state;
    tr_term bytes, pattern, channel;

    if (tr_match(m, a_timeout))
        return write_some(s) ? tr_gen_noreply() : tr_gen_stop(a_shutdown);
    if (tr_match(m, a_writable)) {
        s->waiting = false;
    } else if (tr_match(m, a_out, &bytes)) {
        out_add_term(&s->out, bytes);
    } else if (tr_match(m, a_message, &channel, &bytes)) {
        reply_push(&s->out, s->proto, 3);
        reply_bulk_text(&s->out, "message");
        reply_bulk_term(&s->out, channel);
        reply_bulk_term(&s->out, bytes);
    } else if (tr_match(m, a_pmessage, &pattern, &channel, &bytes)) {
        reply_push(&s->out, s->proto, 4);
        reply_bulk_text(&s->out, "pmessage");
        reply_bulk_term(&s->out, pattern);
        reply_bulk_term(&s->out, channel);
        reply_bulk_term(&s->out, bytes);
    } else if (!tr_match(m, a_proto, &s->proto)) {
        return tr_gen_unknown();
    }
    return later(s, tr_gen_noreply());
}

static const struct tr_gen_server subscriber = { .name = "subscriber",
                                                 .state_size = sizeof(struct subscriber),
                                                 .init = subscriber_init,
                                                 .handle_call = subscriber_call,
                                                 .handle_info = subscriber_info };

/* --- the commands of the connection --- */

void subscriber_set_proto(const struct connection *k)
{
    if (k->subscriber.w)
        tr_send(k->subscriber, a_proto, k->proto);
}

/* Starts the one who writes, if need be, and gives it what is to be written before. */
static void hand_over(struct connection *k)
{
    if (!k->subscriber.w) {
        connection_drain(k);
        tr_term started =
            tr_gen_server_start_link(&subscriber,
                                     TR_GEN_SERVER_OPTS(.spawn.max_mailbox = MAILBOX_MAX,
                                                        .spawn.mailbox_policy = TR_MAILBOX_EXIT),
                                     k->fd, k->proto);
        if (!tr_match(started, a_ok, &k->subscriber))
            tr_exit(a_shutdown);
    }
    connection_drain(k);
}

/* A request to the subscriber, who answers with how many subscriptions there are. */
static void ask(struct connection *k, tr_term request)
{
    tr_term answer;

    if (tr_try_call_within(TR_INFINITY, k->subscriber, &answer, request) != TR_OK)
        tr_exit(a_shutdown);
    tr_match(answer, &k->nsubscriptions);
}

static void ask_each(struct call *c, tr_atom what, tr_atom scope)
{
    hand_over(c->connection);
    for (int i = 1; i < c->n; i++)
        ask(c->connection, tr_build(what, scope, call_term(c, i)));
}

/* Without names: all. */
static void ask_end(struct call *c, tr_atom scope)
{
    ask_each(c, a_unsubscribe, scope);
    if (c->n == 1)
        ask(c->connection, tr_build(a_unsubscribe_all, scope));
}

void subscribe_command(struct call *c)
{
    ask_each(c, a_subscribe, a_channels);
}

void psubscribe_command(struct call *c)
{
    ask_each(c, a_subscribe, a_patterns);
}

void unsubscribe_command(struct call *c)
{
    ask_end(c, a_channels);
}

void punsubscribe_command(struct call *c)
{
    ask_end(c, a_patterns);
}

/* --- PUBLISH, in the store --- */

void publish_command(struct call *c)
{
    tr_term members = tr_pg_get_members(a_channels, call_term(c, 1));
    tr_term groups = tr_pg_which_groups(a_patterns), pattern, member;
    tr_bin text = { 0 };
    int64_t n = 0;

    for (; tr_list_next(&members, &member); n++)
        tr_send(member, a_message, call_term(c, 1), call_term(c, 2));
    while (tr_list_next(&groups, &pattern)) {
        tr_binary_get(pattern, &text);
        if (!glob_match(text, c->args[1]))
            continue;
        members = tr_pg_get_members(a_patterns, pattern);
        for (; tr_list_next(&members, &member); n++)
            tr_send(member, a_pmessage, pattern, call_term(c, 1), call_term(c, 2));
    }
    reply_integer(c->out, n);
}
