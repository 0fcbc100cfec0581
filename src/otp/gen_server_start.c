/* SPDX-License-Identifier: MIT */
/* A server from the start function to the first message. */
#include "otp/gen.h"
#include "otp/server.h"
#include "otp/start.h"

#include <string.h>

tr_atoms(ok, error, ignore, normal, undef, init, bad_return_value, badarg);

/* --- in the server --- */

static struct tr_server *new_server(const struct tr_gen_server *callbacks, tr_pid parent)
{
    struct tr_server *s = tr_alloc(sizeof *s + callbacks->state_size);

    s->callbacks = callbacks;
    s->parent = parent;
    s->deadline = TR__NO_DEADLINE;
    return s;
}

/* Nothing was started, so nothing is to be ended: no terminate. */
static _Noreturn void cannot_start(tr_gen_result r)
{
    switch ((enum tr__gen_what)r.what) {
    case TR__GEN_IGNORE:
        tr_init_fail(a_ignore, a_normal);
    case TR__GEN_ERROR:
        tr_init_fail(tr_tuple(a_error, r.value), a_normal);
    case TR__GEN_STOP:
        tr_init_fail(tr_tuple(a_error, r.value), r.value);
    default:
        break;
    }
    tr_term reason = tr_build(a_bad_return_value, tr__server_result(r));
    tr_init_fail(tr_tuple(a_error, reason), reason);
}

static void debug_on(struct tr_server *s, tr_term opts)
{
    struct tr_sys sys = { .callbacks = tr__server_sys(s), .data = s };

    tr__gen_debug(&sys, opts);
    s->debug = sys.debug;
}

static void body(tr_term arg)
{
    struct tr_gen_started started = tr__gen_started(arg);
    struct tr_server *s = new_server(started.callbacks, started.parent);

    tr__gen_begin(&started, s);
    if (!tr_is_nil(started.debug))
        debug_on(s, started.debug);
    tr_set_initial_module(tr_intern(s->callbacks->name));
    tr_gen_result r = s->callbacks->init(s->state, started.arg);
    if (r.what != TR__GEN_OK)
        cannot_start(r);
    tr__init_ack_at_end(s, tr__server_ended);
    r.what = TR__GEN_NOREPLY;
    tr__server_settle(s, r);
    tr__server_run(s);
}

/* --- in the starter --- */

static const char site[] = "gen_server\0" __FILE__;

tr_term tr_gen_server_start_args(const struct tr_gen_server *server, enum tr_gen_server_tie tie,
                                 const struct tr_gen_server_opts *opts, const struct tr_arg *args,
                                 int n)
{
    if (server)
        server = tr__code_newest(server);
    if (!server || !server->name)
        tr_exit(a_badarg, a_undef);
    if (!server->init)
        return tr_build(a_error, tr__gen_undef(server->name, tr_build(a_init), 1));
    return tr__gen_start(&(const struct tr_gen_start){ body, site, server, tie, opts }, args, n);
}

tr_term tr__gen_server_try_start(const struct tr_gen_server *server, uint64_t *room,
                                 struct tr_arg arg)
{
    static const struct tr_start_opts linked = { .spawn = { .lineage = true, .link = true } };

    if (server)
        server = tr__code_newest(server);
    if (!server || !server->name || !server->init)
        return (tr_term){ 0 };
    /* As tr__gen_start; by itself, since each function that is open while the starter waits returns
       to where the processor does not expect it. */
    const struct tr_arg args[] = { TR_ARG((uint64_t)(uintptr_t)server), TR_ARG((bool)true), arg };
    return tr__start_link(
        &(const struct tr_start_plan){ body, site, &linked, args, 3, true, room });
}

/* --- a process that becomes a server --- */

_Noreturn void tr_gen_server_enter_loop(const struct tr_gen_server *server, const void *state,
                                        const struct tr_gen_server_opts *opts)
{
    if (!server || !server->name)
        tr_exit(a_badarg, a_undef);
    tr__gen_check_name(opts);
    struct tr_server *s = new_server(server, tr_parent());
    if (state)
        memcpy(s->state, state, server->state_size);
    debug_on(s, tr__gen_debug_opts(opts));
    tr_report_exits();
    tr__at_end(s, tr__server_ended);
    tr__server_run(s);
}
