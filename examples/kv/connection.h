/* SPDX-License-Identifier: MIT */
/*
 * Connections: a process for each client.
 *
 * It waits for the socket, reads what has come, runs all requests that are whole, and sends their
 * answers at once. For the first that changes something it goes into the store, and stays there for
 * those that follow.
 *
 * What a client can make it keep is bounded: a request by config.max_request, answers by about
 * config.max_output. Who takes no answers is not heard any more; and when nothing has gone to him
 * for config.patience_ms, the connection is closed.
 */
#ifndef KV_CONNECTION_H
#define KV_CONNECTION_H

#include "commands.h"
#include "request.h"

struct connection {
    int fd;
    int64_t id;
    int proto, db;
    tr_term name; /* kept; the empty list: none */

    char *in; /* what has been read, from in_at to in_size not yet run */
    size_t in_at, in_size, in_capacity;
    bool much_came; /* as much as there was room for, the last time */
    struct request request;
    struct out out;
    int64_t now;      /* when this turn began */
    int64_t moved_at; /* when he last took some of what waits for him: monotonic ms */
    bool more;        /* there may be whole requests, which wait until answers are sent */
    bool ended, quit; /* the client sends nothing more; is to be sent nothing more */

    int ninside;    /* commands since it went into the store; 0: it is not there */
    uint64_t seen;  /* the newest change that the answers may tell of; 0: none */
    int64_t life;   /* of the log, when it began: it does not tell of another */
    tr_term *terms; /* the arguments of a large request */
    size_t terms_capacity;

    bool multi, multi_failed; /* MULTI has begun; with an error in it */
    struct out queue;         /* its requests */
    size_t nqueue;
    struct request queued; /* the one of them that is run */

    tr_pid subscriber; /* who writes to the socket once the client has subscribed to something */
    int64_t nsubscriptions;
};

/* Runs a connection; the argument is its descriptor. */
void connection(tr_term arg);

/* How many there are, were, and how many requests they have run. */
struct connection_counts {
    int64_t open, opened, requests;
};

struct connection_counts connection_counts(void);

/* The command of a request. */
struct call connection_call(struct connection *k, const struct request *r);

/* Goes into the store and out of it, where it is not yet there. */
void connection_enter(struct connection *k);
void connection_leave(struct connection *k);

/* Runs a command inside. */
void connection_run(struct connection *k, struct call *c);

/* Waits until the client has taken everything; ends the connection when it does not. */
void connection_drain(struct connection *k);

#endif
