/* SPDX-License-Identifier: MIT */
/* How processes that are a table of callbacks are started, whatever the behaviour. */
#include "otp/gen.h"

#include "troupe.h"

#include <string.h>

tr_atoms(ok, undef, badarg, badopt, process_not_registered);
tr_atom_as(a_false, "false");

/* --- in the starter --- */

tr_term tr__gen_debug_opts(const struct tr_gen_server_opts *opts)
{
    const struct tr_sys_debug_opts *d = opts ? opts->debug : NULL;

    if (!d)
        return tr_nil();
    tr_term path = d->log_to_file ? tr_build(d->log_to_file) : tr_build(a_false);
    return tr_build(d->trace, d->statistics, d->log, (uint64_t)(uintptr_t)d->install, path);
}

static struct tr_start_opts start_opts(const struct tr_gen_server_opts *opts)
{
    struct tr_start_opts start = { 0 };

    if (!opts)
        return start;
    if (opts->spawn.name.w)
        tr_exit(a_badarg, a_badopt);
    start.timeout_ms = opts->timeout_ms;
    start.via = opts->via;
    start.spawn = opts->spawn;
    start.spawn.name = opts->name;
    return start;
}

/* A process that did not start is not watched: takes the 'DOWN' away. */
static tr_term with_monitor(tr_term started, tr_ref ref)
{
    tr_pid pid;

    if (tr_match(started, a_ok, &pid))
        return tr_build(a_ok, tr_tuple(pid, ref));
    if (ref.w)
        tr_demonitor_flush(ref);
    return started;
}

tr_term tr__gen_start(const struct tr_gen_start *how, const struct tr_arg *args, int n)
{
    struct tr_start_opts start = start_opts(how->opts);
    bool linked = how->tie == TR_GEN_SERVER_LINK;
    struct tr_arg arg[] = { TR_ARG((uint64_t)(uintptr_t)how->callbacks), TR_ARG(linked),
                            tr_message_arg(args, n), TR_ARG(tr__gen_debug_opts(how->opts)) };
    int size = how->opts && how->opts->debug ? 4 : 3;
    tr_ref ref;

    switch (how->tie) {
    case TR_GEN_SERVER_LINK:
        return tr_start_link_args(how->body, &start, how->site, arg, size);
    case TR_GEN_SERVER_MONITOR:
        return with_monitor(tr_start_monitor_args(how->body, &ref, &start, how->site, arg, size),
                            ref);
    default:
        return tr_start_args(how->body, &start, how->site, arg, size);
    }
}

tr_term tr__gen_undef(const char *name, tr_term callback, int arity)
{
    return tr_build(a_undef, tr_list(tr_tuple(tr_intern(name), callback, arity)));
}

/* --- in the started process --- */

struct tr_gen_started tr__gen_started(tr_term arg)
{
    struct tr_gen_started s = { .debug = tr_nil() };
    uint64_t callbacks;
    bool linked;

    if (!tr_match(arg, &callbacks, &linked, &s.arg) &&
        !tr_match(arg, &callbacks, &linked, &s.arg, &s.debug))
        tr_error(a_badarg, arg);
    s.callbacks = (const void *)(uintptr_t)callbacks;
    if (linked)
        s.parent = tr_parent();
    return s;
}

void tr__gen_debug(struct tr_sys *sys, tr_term opts)
{
    struct tr_sys_debug_opts d = { 0 };
    uint64_t install;
    tr_term path;

    if (!tr_match(opts, &d.trace, &d.statistics, &d.log, &install, &path))
        return;
    d.install = (tr_sys_debug_fn)(uintptr_t)install;
    tr_match(path, &d.log_to_file);
    tr_sys_debug_start(sys, &d);
}

void tr__gen_check_name(const struct tr_gen_server_opts *opts)
{
    tr_pid holder;

    if (opts && opts->name.w && !(tr_whereis(opts->name, &holder) && holder.w == tr_self().w))
        tr_exit(a_process_not_registered);
}

bool tr__gen_set_bytes(void *state, size_t size, tr_term bytes)
{
    tr_bin b;

    if (!tr_binary_get(bytes, &b) || b.size != size)
        return false;
    if (size)
        memcpy(state, b.data, size);
    return true;
}
