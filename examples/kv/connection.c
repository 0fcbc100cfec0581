/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include "aof.h"
#include "config.h"
#include "store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

tr_atoms(EXIT, shutdown, out, flush, out_of_memory);

enum {
    READ_MIN = 1024, /* what most clients send at once fits */
    READ_MAX = 16 * 1024,
    INSIDE_MAX = 64 /* commands after which others have their turn in the store */
};

static _Atomic int64_t nopen, nopened, nrequests;

struct connection_counts connection_counts(void)
{
    return (struct connection_counts){ atomic_load(&nopen), atomic_load(&nopened),
                                       atomic_load(&nrequests) };
}

/* --- the store --- */

void connection_enter(struct connection *k)
{
    if (!k->ninside++)
        store_enter();
}

void connection_leave(struct connection *k)
{
    if (!k->ninside)
        return;
    k->ninside = 0;
    k->seen = store_leave();
}

/* The arguments as binaries, so that large ones are copied once for the table and the log. */
static const tr_term *make_terms(struct connection *k, const struct call *c)
{
    if ((size_t)c->n > k->terms_capacity) {
        free(k->terms);
        k->terms_capacity = 2 * (size_t)c->n;
        k->terms = malloc(k->terms_capacity * sizeof *k->terms);
        if (!k->terms)
            tr_exit(a_out_of_memory);
    }
    for (int i = 1; i < c->n; i++)
        k->terms[i] = tr_binary(c->args[i].data, c->args[i].size);
    return k->terms;
}

void connection_run(struct connection *k, struct call *c)
{
    for (int i = 1; i < c->n && !c->terms; i++)
        if (c->args[i].size >= OUT_SHARE)
            c->terms = make_terms(k, c);
    store_run(c);
}

/* --- requests --- */

static void queue_request(struct connection *k, const struct call *c)
{
    if (c->command->flags & COMMAND_NO_MULTI) {
        reply_error(&k->out, "ERR Command not allowed inside a transaction");
        k->multi_failed = true;
        return;
    }
    reply_request(&k->queue, c->args, c->n);
    k->nqueue++;
    if (k->queue.size > config.max_request) {
        reply_error(&k->out, "ERR the transaction is too large");
        k->quit = true;
        return;
    }
    reply_simple(&k->out, "QUEUED");
}

/* Those that begin and end a transaction. */
static bool is_bracket(const struct command *command)
{
    return command->run == multi_command || command->run == exec_command ||
           command->run == discard_command;
}

/* To whom only a few commands are allowed, since the protocol tells answers and messages apart only
   from version 3 on. */
static bool only_listens(const struct connection *k)
{
    return k->proto == 2 && k->nsubscriptions > 0;
}

static void run_here(struct connection *k, struct call *c)
{
    connection_leave(k);
    if (only_listens(k) && !(c->command->flags & COMMAND_SUBSCRIBED)) {
        reply_error(
            &k->out,
            "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
            "RESET are allowed in this context",
            c->command->name);
        return;
    }
    c->connection = k;
    if (k->multi && !is_bracket(c->command))
        queue_request(k, c);
    else
        c->command->run(c);
}

/* A command on data: from outside, or in the store. */
static void run_data(struct connection *k, struct call *c)
{
    bool large = c->command->flags & COMMAND_LARGE;

    if (large)
        connection_leave(k);
    if (c->command->flags & COMMAND_READ && !k->ninside && store_read(c)) {
        k->seen = atomic_load(&aof_logged);
        return;
    }
    connection_enter(k);
    connection_run(k, c);
    if (k->ninside == INSIDE_MAX) {
        connection_leave(k);
        tr_yield();
    } else if (large) {
        connection_leave(k);
    }
}

struct call connection_call(struct connection *k, const struct request *r)
{
    return (struct call){ .command = command_find(r->args[0]),
                          .n = r->n,
                          .args = r->args,
                          .out = &k->out,
                          .proto = k->proto,
                          .db = k->db,
                          .now = k->now };
}

static void run_request(struct connection *k)
{
    struct request *r = &k->request;
    struct call c = connection_call(k, r);

    if (!command_accepts(c.command, r->n)) {
        command_reject(c.command, r->args, r->n, &k->out);
        k->multi_failed = k->multi;
    } else if (k->multi || only_listens(k) || c.command->flags & COMMAND_LOCAL) {
        run_here(k, &c);
    } else {
        run_data(k, &c);
    }
}

/* All requests that are whole, as long as there is room for answers. */
static int run_requests(struct connection *k)
{
    int n = 0;

    for (k->more = false; !k->quit; n++) {
        if (out_left(&k->out) >= config.max_output) {
            k->more = true;
            return n;
        }
        switch (request_read(&k->request, k->in + k->in_at, k->in_size - k->in_at)) {
        case REQUEST_PART:
            return n;
        case REQUEST_BAD:
            reply_error(&k->out, "ERR Protocol error: %s", k->request.error);
            k->quit = true;
            return n;
        case REQUEST_WHOLE:
            break;
        }
        k->in_at += k->request.size;
        if (k->request.n)
            run_request(k);
    }
    return n;
}

static void run_input(struct connection *k)
{
    tr_scope
    {
        k->now = time_now();
        int n = run_requests(k);
        connection_leave(k);
        atomic_fetch_add_explicit(&nrequests, n, memory_order_relaxed);
    }
}

/* --- the socket --- */

/* Sends what the client takes; false when the connection is broken. */
static bool send_output(struct connection *k)
{
    size_t before = out_left(&k->out);

    if (!before)
        return true;
    /* Nobody is told of what may still be lost, or has been. */
    aof_wait(k->seen, k->life);
    k->seen = 0;
    if (k->subscriber.w) {
        tr_scope
        {
            tr_send(k->subscriber, a_out, out_to_term(&k->out));
        }
        out_clear(&k->out);
        return true;
    }
    tr_err err = out_send(&k->out, k->fd);
    if (err == TR_OK)
        k->moved_at = 0;
    else if (out_left(&k->out) < before || !k->moved_at)
        k->moved_at = tr_monotonic_ms();
    return err == TR_OK || err == TR_EBUSY;
}

/* Waits until the socket is ready; false when it is not, for too long, to take something. */
static bool wait_ready(struct connection *k, int events)
{
    int64_t ms = TR_INFINITY;

    if (events & TR_FD_WRITE) {
        ms = k->moved_at + config.patience_ms - tr_monotonic_ms();
        ms = ms > 0 ? ms : 0;
    }
    tr_err err = tr_wait_fd(k->fd, events, ms);
    if (err == TR_ETIMEOUT)
        tr_log_notice("client %ld takes no answers and is closed", (long)k->id);
    return err == TR_OK;
}

void connection_drain(struct connection *k)
{
    while (send_output(k))
        if (!out_left(&k->out))
            return;
        else if (!wait_ready(k, TR_FD_WRITE))
            break;
    tr_exit(a_shutdown);
}

/* Reads once; false when the connection is broken. */
static bool read_input(struct connection *k)
{
    size_t left = k->in_size - k->in_at;
    size_t want = k->much_came ? READ_MAX : READ_MIN;

    /* A request that is large already is read in larger parts. */
    if (left > READ_MAX)
        want = left / 2;

    if (k->in_at) {
        memmove(k->in, k->in + k->in_at, left);
        k->in_at = 0;
        k->in_size = left;
    }
    if (left >= config.max_request) {
        reply_error(&k->out, "ERR Protocol error: too big request");
        k->quit = true;
        return true;
    }
    buffer_reserve(&k->in, left, &k->in_capacity, want);
    size_t room = k->in_capacity - left;
    ssize_t n = tr_read(k->fd, k->in + left, room, 0);
    k->much_came = n == (ssize_t)room;
    if (n > 0)
        k->in_size += (size_t)n;
    k->ended |= n == 0;
    return n >= 0 || n == TR_ETIMEOUT;
}

/* --- the process --- */

/* Has the order to stop come, or the end of the one who writes, while these were trapped? */
static bool told_to_stop(void)
{
    bool told = false;

    tr_receive (m) {
        tr_on (m, a_EXIT, tr_any(), tr_any())
            told = true;
        tr_after (m, 0) {
        }
    }
    return told;
}

/* Waits for the client; false when there is nothing to wait for. */
static bool wait_for_client(struct connection *k)
{
    bool full = out_left(&k->out) >= config.max_output;
    int events =
        (k->ended || k->quit || full ? 0 : TR_FD_READ) | (out_left(&k->out) ? TR_FD_WRITE : 0);

    if (!events)
        return false;
    if (k->in_at == k->in_size && !out_left(&k->out)) {
        /* Nothing is in its hands: an exit signal may end it, and it holds no memory. */
        free(k->in);
        k->in = NULL;
        k->in_at = k->in_size = k->in_capacity = 0;
        out_free(&k->out);
        tr_trap_exit(false);
        k->quit = told_to_stop();
    }
    bool ready = !k->quit && wait_ready(k, events);
    tr_trap_exit(true);
    return ready;
}

static bool take_turn(struct connection *k)
{
    bool was_full = out_left(&k->out) >= config.max_output;

    if (!send_output(k) || (!was_full && !k->ended && !k->quit && !read_input(k)))
        return false;
    do {
        run_input(k);
        if (!send_output(k))
            return false;
    } while (k->more && out_left(&k->out) < config.max_output);
    return true;
}

static void connection_free(void *arg)
{
    struct connection *k = arg;

    store_abandon();
    free(k->in);
    free(k->terms);
    request_free(&k->request);
    request_free(&k->queued);
    out_free(&k->out);
    out_free(&k->queue);
    atomic_fetch_sub(&nopen, 1);
}

void connection(tr_term arg)
{
    struct connection *k = tr_alloc(sizeof *k);
    tr_term answer;

    tr_match(arg, &k->fd);
    tr_own_fd(k->fd);
    atomic_fetch_add(&nopen, 1);
    tr_defer(connection_free, k);
    k->id = atomic_fetch_add(&nopened, 1) + 1;
    k->proto = 2;
    k->life = atomic_load(&aof_life);
    k->name = tr_nil();
    while (wait_for_client(k) && take_turn(k))
        ;
    if (k->subscriber.w) {
        (void)!tr_try_call_within(config.patience_ms, k->subscriber, &answer, a_flush);
        tr_exit(a_shutdown); /* it goes with the connection */
    }
}
