/* SPDX-License-Identifier: MIT */
/*
 * A server of troupe/gen_server.h: what the parts of it share.
 *
 *     gen_server.c         the loop, and what becomes of messages and results
 *     gen_server_start.c   from the start function to the first message
 *     gen_server_end.c     terminate, and the report of a failure
 *     gen_server_sys.c     what system messages do with it
 */
#ifndef TROUPE_OTP_SERVER_H
#define TROUPE_OTP_SERVER_H

#include "troupe.h"

#include <stddef.h>

/* Belongs to the process, whose memory it is. A million of them may be idle: keep it small. */
struct tr_server {
    const struct tr_gen_server *callbacks;
    tr_pid parent;              /* whose end is its own; 0: none */
    struct tr_sys_debug *debug; /* NULL: off */
    int64_t deadline;           /* ms; when handle_info gets the timeout, NO_DEADLINE: never */
    tr_term message;            /* the last one, for reports; lives while it is handled */
    bool ended;                 /* terminate has run, or must not run */
    _Alignas(max_align_t) char state[];
};

#define TR__NO_DEADLINE INT64_MAX

/* By what a server is looked into. Static. */
const struct tr_sys_callbacks *tr__server_sys(const struct tr_server *s);

/* Does what a result asks for beside the reply, runs continuations, and ends the server if that is
   the result. */
void tr__server_settle(struct tr_server *s, tr_gen_result r);

/* The loop, from a moment when nothing else is to be done. */
_Noreturn void tr__server_run(struct tr_server *s);

/* The same in a new stack; the argument is the address of the server. */
void tr__server_awake(tr_term address);

/* Runs terminate, once in the life of a server. */
void tr__server_terminate(struct tr_server *s, tr_term reason);

/* The same, then ends the process with that reason. */
_Noreturn void tr__server_stop(struct tr_server *s, tr_term reason);

/* Ends the server because it lacks a callback: {undef, [{Name, Callback, Arity}]}. */
_Noreturn void tr__server_lacks(struct tr_server *s, tr_atom callback, int arity);

/* Ends the server because of what a callback returned: {bad_return_value, Result}. */
_Noreturn void tr__server_bad_result(tr_gen_result r);

/* A result as OTP writes it, without the state. */
tr_term tr__server_result(tr_gen_result r);

/* The state as a term. */
tr_term tr__server_state(const struct tr_server *s);

/* The map `status` with the state in it, as format_status shows it. */
tr_term tr__server_status(const struct tr_server *s, tr_term status);

/* For tr__at_end: reports the failure that ends a server, and runs terminate. */
void tr__server_ended(void *server);

/* Reports a message that no handle_info took. */
void tr__server_unhandled(const struct tr_server *s, tr_term message);

#endif
