/* SPDX-License-Identifier: MIT */
/* A server from the start function to the first message. */
#include "otp/server.h"

#include <string.h>

tr_atoms(ok, error, ignore, normal, undef, init, bad_return_value, badarg, badopt,
         process_not_registered, registered_name);
tr_atom_as(a_false, "false");

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

static void debug_on(struct tr_server *s, const struct tr_sys_debug_opts *opts)
{
    struct tr_sys sys = { .callbacks = tr__server_sys(s), .data = s };

    tr_sys_debug_start(&sys, opts);
    s->debug = sys.debug;
}

/* The options as a term, since whoever gave them may end while the server starts. */
static tr_term pack(const struct tr_sys_debug_opts *d)
{
    if (!d)
        return tr_nil();
    tr_term path = d->log_to_file ? tr_build(d->log_to_file) : tr_build(a_false);
    return tr_build(d->trace, d->statistics, d->log, (uint64_t)(uintptr_t)d->install, path);
}

static void unpack(struct tr_server *s, tr_term packed)
{
    struct tr_sys_debug_opts d = { 0 };
    uint64_t install;
    tr_term path;

    if (!tr_match(packed, &d.trace, &d.statistics, &d.log, &install, &path))
        return;
    d.install = (tr_sys_debug_fn)(uintptr_t)install;
    tr_match(path, &d.log_to_file);
    debug_on(s, &d);
}

static void body(tr_term arg)
{
    uint64_t callbacks;
    bool linked;
    tr_term debug, user;

    if (!tr_match(arg, &callbacks, &linked, &debug, &user))
        tr_error(a_badarg, arg);
    struct tr_server *s = new_server((const struct tr_gen_server *)(uintptr_t)callbacks,
                                     linked ? tr_parent() : (tr_pid){ 0 });
    unpack(s, debug);
    tr_gen_result r = s->callbacks->init(s->state, user);
    if (r.what != TR__GEN_OK)
        cannot_start(r);
    tr_defer(tr__server_ended, s);
    tr_init_ack(a_ok, tr_self());
    r.what = TR__GEN_NOREPLY;
    tr__server_settle(s, r);
    tr__server_run(s);
}

/* --- in the starter --- */

static struct tr_start_opts start_opts(const struct tr_gen_server_opts *opts)
{
    struct tr_start_opts start = { 0 };

    if (!opts)
        return start;
    if (opts->spawn.name.w)
        tr_exit(a_badarg, a_badopt);
    start.timeout_ms = opts->timeout_ms;
    start.spawn = opts->spawn;
    start.spawn.name = opts->name;
    return start;
}

/* A server that did not start is not watched: takes the 'DOWN' away. */
static tr_term with_monitor(tr_term started, tr_ref ref)
{
    tr_pid pid;

    if (tr_match(started, a_ok, &pid))
        return tr_build(a_ok, tr_tuple(pid, ref));
    if (ref.w)
        tr_demonitor_flush(ref);
    return started;
}

tr_term tr_gen_server_start_args(const struct tr_gen_server *server, enum tr_gen_server_tie tie,
                                 const struct tr_gen_server_opts *opts, const struct tr_arg *args,
                                 int n)
{
    if (!server || !server->name)
        tr_exit(a_badarg, a_undef);
    if (!server->init)
        return tr_build(a_error,
                        tr_tuple(a_undef, tr_list(tr_tuple(tr_intern(server->name), a_init, 1))));
    struct tr_start_opts start = start_opts(opts);
    bool linked = tie == TR_GEN_SERVER_LINK;
    static const char site[] = "gen_server\0" __FILE__;
    struct tr_arg arg[] = { TR_ARG((uint64_t)(uintptr_t)server), TR_ARG(linked),
                            TR_ARG(pack(opts ? opts->debug : NULL)), tr_message_arg(args, n) };
    tr_ref ref;

    switch (tie) {
    case TR_GEN_SERVER_LINK:
        return tr_start_link_args(body, &start, site, arg, 4);
    case TR_GEN_SERVER_MONITOR:
        return with_monitor(tr_start_monitor_args(body, &ref, &start, site, arg, 4), ref);
    default:
        return tr_start_args(body, &start, site, arg, 4);
    }
}

/* --- a process that becomes a server --- */

/* A server that the caller becomes has the name that it is to have. */
static void check_name(tr_atom name)
{
    tr_pid holder;

    if (name.w && !(tr_whereis(name, &holder) && holder.w == tr_self().w))
        tr_exit(a_process_not_registered);
}

_Noreturn void tr_gen_server_enter_loop(const struct tr_gen_server *server, const void *state,
                                        const struct tr_gen_server_opts *opts)
{
    if (!server || !server->name)
        tr_exit(a_badarg, a_undef);
    if (opts)
        check_name(opts->name);
    struct tr_server *s = new_server(server, tr_parent());
    if (state)
        memcpy(s->state, state, server->state_size);
    if (opts && opts->debug)
        debug_on(s, opts->debug);
    tr_report_exits();
    tr_defer(tr__server_ended, s);
    tr__server_run(s);
}
