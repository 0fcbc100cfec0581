/* SPDX-License-Identifier: MIT */
/*
 * The loop of a server.
 *
 * Everything a message makes - its block, what callbacks build, their results - goes when the
 * clause that took it ends. When there is no message left the stack goes too: the process
 * hibernates with the address of its server as its only argument, and the loop begins anew on
 * whatever stack is warm on the worker that wakes it. There is nothing on the stack worth keeping,
 * and a switch to a new one costs about as much as one to an old one; so no server waits with one.
 */
#include "otp/gen.h"
#include "otp/server.h"

tr_atoms(system, EXIT, timeout, function_clause, bad_return_value, handle_call, handle_cast,
         handle_info, handle_continue, in, out, noreply, ok, ignore, error, reply, stop, noclause);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");

/* --- results --- */

tr_term tr__server_result(tr_gen_result r)
{
    switch ((enum tr__gen_what)r.what) {
    case TR__GEN_OK:
        return tr_build(a_ok);
    case TR__GEN_IGNORE:
        return tr_build(a_ignore);
    case TR__GEN_ERROR:
        return tr_build(a_error, r.value);
    case TR__GEN_REPLY:
        return tr_build(a_reply, r.value);
    case TR__GEN_NOREPLY:
        return tr_build(a_noreply);
    case TR__GEN_STOP:
        return tr_build(a_stop, r.value);
    case TR__GEN_STOP_REPLY:
        return tr_build(a_stop, r.value, r.with.term);
    case TR__GEN_UNKNOWN:
        return tr_build(a_noclause);
    }
    return tr_build(r.what);
}

_Noreturn void tr__server_bad_result(tr_gen_result r)
{
    tr_exit(a_bad_return_value, tr__server_result(r));
}

static tr_atom module(const struct tr_server *s)
{
    return tr_intern(s->callbacks->name);
}

_Noreturn void tr__server_lacks(struct tr_server *s, tr_atom callback, int arity)
{
    tr_exit(tr__gen_undef(s->callbacks->name, tr_build(callback), arity));
}

/* The callback has no clause for what it was handed. */
static _Noreturn void no_clause(struct tr_server *s, tr_atom callback, struct tr_arg arguments)
{
    tr_exit(a_function_clause, tr_list(tr_tuple(module(s), callback, arguments)));
}

/* --- system messages and debugging --- */

static struct tr_sys sys_of(struct tr_server *s)
{
    return (struct tr_sys){ .callbacks = tr__server_sys(s),
                            .data = s,
                            .module = s->callbacks->name,
                            .parent = s->parent,
                            .debug = s->debug };
}

static void on_system(struct tr_server *s, tr_term from, tr_term request)
{
    struct tr_sys sys = sys_of(s);

    tr_sys_handle(&sys, from, request);
    bool replaced = sys.data != s;
    s = sys.data;
    s->debug = sys.debug;
    /* Other code, other memory: all that is on the stack is about the old one. */
    if (replaced)
        tr_hibernate_for(0, tr__server_awake, (uint64_t)(uintptr_t)s);
}

#define EVENT(s, ...)                                                                              \
    do {                                                                                           \
        if ((s)->debug) {                                                                          \
            struct tr_sys sys = sys_of(s);                                                         \
            tr_sys_event(&sys, __VA_ARGS__);                                                       \
            (s)->debug = sys.debug;                                                                \
        }                                                                                          \
    } while (0)

/* --- messages --- */

/* Terminates first, as OTP does: the caller learns of it when it is done. */
static _Noreturn void stop_and_reply(struct tr_server *s, tr_term from, tr_gen_result r)
{
    tr__server_terminate(s, r.value);
    tr_reply(from, r.with.term);
    EVENT(s, a_out, r.with.term, from, tr__server_state(s));
    tr_exit(r.value);
}

static tr_gen_result on_call(struct tr_server *s, tr_term from, tr_term request)
{
    if (!s->callbacks->handle_call)
        tr__server_lacks(s, a_handle_call, 3);
    tr_gen_result r = s->callbacks->handle_call(s->state, request, from);
    switch ((enum tr__gen_what)r.what) {
    case TR__GEN_REPLY:
        tr_reply(from, r.value);
        EVENT(s, a_out, r.value, from, tr__server_state(s));
        r.what = TR__GEN_NOREPLY;
        return r;
    case TR__GEN_NOREPLY:
        tr_call_handed_on(from);
        EVENT(s, a_noreply, tr__server_state(s));
        return r;
    case TR__GEN_STOP_REPLY:
        stop_and_reply(s, from, r);
    case TR__GEN_UNKNOWN:
        no_clause(s, a_handle_call, tr_list(request, from));
    default:
        return r;
    }
}

static tr_gen_result on_cast(struct tr_server *s, tr_term request)
{
    if (!s->callbacks->handle_cast)
        tr__server_lacks(s, a_handle_cast, 2);
    tr_gen_result r = s->callbacks->handle_cast(s->state, request);
    if (r.what == TR__GEN_UNKNOWN)
        no_clause(s, a_handle_cast, tr_list(request));
    EVENT(s, a_noreply, tr__server_state(s));
    return r;
}

static tr_gen_result on_info(struct tr_server *s, tr_term message)
{
    tr_gen_result r = tr_gen_unknown();

    if (s->callbacks->handle_info)
        r = s->callbacks->handle_info(s->state, message);
    if (r.what == TR__GEN_UNKNOWN) {
        tr__server_unhandled(s, message);
        r = tr_gen_noreply();
    }
    EVENT(s, a_noreply, tr__server_state(s));
    return r;
}

static tr_gen_result dispatch(struct tr_server *s, tr_term message)
{
    tr_term from, request, reason;

    if (s->parent.w && tr_match(message, a_EXIT, s->parent, &reason))
        tr__server_stop(s, reason);
    EVENT(s, a_in, message);
    if (tr_match(message, a_gen_call, &from, &request))
        return on_call(s, from, request);
    if (tr_match(message, a_gen_cast, &request))
        return on_cast(s, request);
    return on_info(s, message);
}

/* --- what a result asks for --- */

static tr_gen_result run_continuation(struct tr_server *s, tr_term what)
{
    if (!s->callbacks->handle_continue)
        tr__server_lacks(s, a_handle_continue, 2);
    return s->callbacks->handle_continue(s->state, what);
}

/* One step; true, with the next, when there is one. The terms of a step go when it has ended. */
static bool settle_one(struct tr_server *s, tr_gen_result *r)
{
    if (r->what == TR__GEN_STOP)
        tr__server_stop(s, r->value);
    if (r->what != TR__GEN_NOREPLY ||
        (r->then == TR__GEN_TIMEOUT && r->with.ms < 0 && r->with.ms != TR_INFINITY))
        tr__server_bad_result(*r);
    if (r->then == TR__GEN_TIMEOUT && r->with.ms != TR_INFINITY)
        s->deadline = tr_monotonic_ms() + r->with.ms;
    if (r->then != TR__GEN_CONTINUE)
        return false;
    tr_term what = tr_keep(r->with.term);
    *r = run_continuation(s, what);
    tr_release(what);
    return true;
}

void tr__server_settle(struct tr_server *s, tr_gen_result r)
{
    while (settle_one(s, &r))
        ;
}

/* System messages are not the server's own: they leave its timeout alone. */
static void handle(struct tr_server *s, tr_term message)
{
    tr_term from, request;

    if (tr_match(message, a_system, &from, &request)) {
        on_system(s, from, request);
        return;
    }
    s->message = message;
    s->deadline = TR__NO_DEADLINE;
    tr__server_settle(s, dispatch(s, message));
    s->message.w = 0;
}

static void handle_timeout(struct tr_server *s)
{
    tr_scope
    {
        handle(s, tr_build(a_timeout));
    }
}

/* --- the loop --- */

/* Handles the oldest message; false when there is none. */
static bool take_one(struct tr_server *s)
{
    struct tr_receive_scope m;
    tr_term message;

    if (!tr__receive_any(&m, &message))
        return false;
    handle(s, message);
    tr__receive_close(&m);
    return true;
}

static int64_t time_left(const struct tr_server *s)
{
    if (s->deadline == TR__NO_DEADLINE)
        return TR_INFINITY;
    int64_t now = tr_monotonic_ms();
    return s->deadline > now ? s->deadline - now : 0;
}

void tr__server_awake(tr_term address)
{
    uint64_t server = 0;

    tr_match(address, &server);
    tr__server_run((struct tr_server *)(uintptr_t)server);
}

_Noreturn void tr__server_run(struct tr_server *s)
{
    for (;;) {
        while (take_one(s))
            ;
        int64_t left = time_left(s);
        if (left == 0)
            handle_timeout(s);
        else
            tr_hibernate_for(left, tr__server_awake, (uint64_t)(uintptr_t)s);
    }
}
