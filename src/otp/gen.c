/* SPDX-License-Identifier: MIT */
/* How processes that are a table of callbacks are started, whatever the behaviour. */
#include "otp/gen.h"
#include "otp/start.h"

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
    struct tr_start_opts start = { .timeout_ms = opts->timeout_ms, .via = opts->via };

    if (opts->spawn.name.w)
        tr_exit(a_badarg, a_badopt);
    start.spawn = opts->spawn;
    start.spawn.name = opts->name;
    start.spawn.lineage = true;
    tr__start_check(&start);
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

static tr_term start(const struct tr_gen_start *how, const struct tr_start_plan *plan)
{
    tr_ref ref;

    switch (how->tie) {
    case TR_GEN_SERVER_LINK:
        return tr__start_link(plan);
    case TR_GEN_SERVER_MONITOR:
        return with_monitor(tr__start_monitor(plan, &ref), ref);
    default:
        return tr__start(plan);
    }
}

static tr_term start_with(const struct tr_gen_start *how, struct tr_start_plan *plan,
                          struct tr_arg arg[5])
{
    struct tr_start_opts opts = start_opts(how->opts);

    opts.spawn.link = how->tie == TR_GEN_SERVER_LINK;
    plan->opts = &opts;
    arg[3] = TR_ARG(tr__gen_debug_opts(how->opts));
    arg[4] = TR_ARG(opts.via.w ? opts.via : tr_nil());
    if (opts.via.w || how->opts->debug)
        plan->n = 5;
    return start(how, plan);
}

tr_term tr__gen_start(const struct tr_gen_start *how, const struct tr_arg *args, int n)
{
    static const struct tr_start_opts alone = { .spawn = { .lineage = true } };
    static const struct tr_start_opts linked = { .spawn = { .lineage = true, .link = true } };
    bool links = how->tie == TR_GEN_SERVER_LINK;
    struct tr_arg arg[5];
    struct tr_start_plan plan = { how->body, how->site, links ? &linked : &alone, arg, 3,
                                  false,     NULL };

    arg[0] = TR_ARG((uint64_t)(uintptr_t)how->callbacks);
    arg[1] = TR_ARG(links);
    arg[2] = tr_message_arg(args, n);
    return how->opts ? start_with(how, &plan, arg) : start(how, &plan);
}

tr_term tr__gen_undef(const char *name, tr_term callback, int arity)
{
    return tr_build(a_undef, tr_list(tr_tuple(tr_intern(name), callback, arity)));
}

/* --- in the started process --- */

struct tr_gen_started tr__gen_started(tr_term arg)
{
    struct tr_gen_started s = { .debug = tr_nil(), .via = tr_nil() };
    uint64_t callbacks;
    bool linked;

    if (!tr_match(arg, &callbacks, &linked, &s.arg) &&
        !tr_match(arg, &callbacks, &linked, &s.arg, &s.debug, &s.via))
        tr_error(a_badarg, arg);
    s.callbacks = (const void *)(uintptr_t)callbacks;
    if (linked)
        s.parent = tr_parent();
    return s;
}

void tr__gen_begin(const struct tr_gen_started *s, void *memory)
{
    tr__start_begun(s->parent.w, memory, s->via);
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
