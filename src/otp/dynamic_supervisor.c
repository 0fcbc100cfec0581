/* SPDX-License-Identifier: MIT */
/*
 * Children that are known by their pid alone: dynamic supervisors, and simple_one_for_one.
 *
 * Each child is as in any supervisor, but has no id, and none is ever STOPPED: one that will not be
 * started again is forgotten. At the end all are told at once, and waited for together.
 */
#include "otp/supervisor.h"

tr_atom_as(a_true, "true");
tr_atoms(ok, error, ignore, call, max_children, start_child, terminate_child, restart_child,
         delete_child, get_childspec, which_child, not_found, undefined, simple_one_for_one,
         shutdown, kill, DOWN, EXIT, process, noproc, start_error, reached_max_restart_intensity,
         invalid_child_spec, invalid_significant, id, start, restart, type, modules);

/* --- starting --- */

/* What is open while a child starts is inline, as far as it goes: see src/os/context.h. */

static tr_term concat(tr_term front, tr_term back)
{
    tr_term item;

    if (tr_is_nil(front))
        return back;
    for (front = tr_list_reverse(front); tr_list_next(&front, &item);)
        back = tr_list_push(back, item);
    return back;
}

/* What a child of the supervisor is started with: its extra arguments come first. */
static tr_term start_args(const struct tr_sup *s, const struct tr_child *c)
{
    return concat(s->extra, c->args);
}

/* A process runs: the child enters the table, or takes the place of the one it had before. */
static struct tr_child *enter(struct tr_sup *s, const struct tr_child *c, tr_pid pid)
{
    struct tr_child started = *c;

    if (c->restart == TR_TEMPORARY)
        started.args = tr_build(a_undefined);
    struct tr_child *new = tr__children_add(s, &started);
    tr__child_becomes(s, new, TR__CHILD_RUNNING, pid);
    if (s->backoff.first_ms)
        new->started_ms = tr_monotonic_ms();
    tr__supervisor_progress(s, new);
    return new;
}

static bool has_started(tr_term result, tr_pid *pid)
{
    return tr_match(result, a_ok, pid) || tr_match(result, a_ok, pid, tr_any());
}

TR__INLINE tr_term start_new(struct tr_sup *s, const struct tr_child *c)
{
    tr_term result;
    tr_pid pid;

    if (s->children.n >= s->max_children)
        return tr_build(a_error, a_max_children);
    result = tr__child_call_start(s, c, start_args(s, c));
    if (has_started(result, &pid))
        enter(s, c, pid);
    return result;
}

/* --- specifications without an id --- */

/* {Start, Restart, Shutdown, Type, Modules}, as Elixir sends it, or a map. */
static tr_term parse(struct tr_child *c, tr_term spec)
{
    tr_term start, restart, shutdown, type, modules;

    if (tr__child_parse_compact(c, spec)) {
        c->id = (tr_term){ 0 };
        return c->id;
    }
    if (tr_match(spec, &start, &restart, &shutdown, &type, &modules))
        spec = tr_build(tr_map(a_id, a_undefined, a_start, start, a_restart, restart, a_shutdown,
                               shutdown, a_type, type, a_modules, modules));
    else if (!tr_is_map(spec) || !tr_map_get(spec, tr_build(a_start), NULL))
        return tr_build(a_invalid_child_spec, spec);
    /* With any of them a significant one is told from one that is not true or false. */
    tr_term wrong = tr__child_parse(c, tr_map_put(spec, tr_build(a_id), tr_build(a_undefined)),
                                    TR_ANY_SIGNIFICANT);
    if (c->significant)
        return tr_build(a_invalid_significant, a_true);
    c->id = (tr_term){ 0 };
    return wrong;
}

/* --- requests --- */

TR__INLINE tr_term start_child(struct tr_sup *s, tr_term what)
{
    struct tr_child c;

    if (s->prototype) {
        size_t n;
        if (!tr_list_length(what, &n))
            return tr_build(a_error, tr__child_parse_compact(&c, what) ? tr__child_spec(&c) : what);
        c = *s->prototype;
        c.args = concat(c.args, what);
        tr_term result = start_new(s, &c);
        return tr_match(result, a_ignore) ? tr_build(a_ok, a_undefined) : result;
    }
    tr_term wrong = parse(&c, what);
    return wrong.w ? tr_build(a_error, wrong) : start_new(s, &c);
}

static tr_term terminate_child(struct tr_sup *s, tr_term what)
{
    struct tr_child *c;
    tr_pid pid;

    if (!tr_match(what, &pid))
        return tr_build(a_error, s->prototype ? a_simple_one_for_one : a_not_found);
    c = tr__children_by_pid(s, pid);
    if (!c)
        return tr_build(a_error, a_not_found);
    tr__child_end(s, c);
    tr__children_remove(s, c);
    return tr_build(a_ok);
}

tr_gen_result tr__dynamic_call(struct tr_sup *s, tr_term request)
{
    tr_term what;

    if (tr_match(request, a_start_child, &what))
        return tr_gen_reply(start_child(s, what));
    if (tr_match(request, a_terminate_child, &what))
        return tr_gen_reply(terminate_child(s, what));
    if (tr__child_is_compact(request))
        return tr_gen_reply(start_child(s, request));
    if (s->prototype &&
        (tr_match(request, a_restart_child, tr_any()) ||
         tr_match(request, a_delete_child, tr_any()) || tr_match(request, a_which_child, tr_any())))
        return tr_gen_reply(a_error, a_simple_one_for_one);
    if (s->prototype && tr_match(request, a_get_childspec, tr_any()))
        return tr_gen_reply(a_error, a_not_found);
    return tr_gen_unknown();
}

/* --- restarting --- */

static bool count(struct tr_sup *s, struct tr_child *c)
{
    if (c->counted || tr__restart_allowed(&s->limit))
        return true;
    tr__supervisor_report(s, a_shutdown, tr_build(a_reached_max_restart_intensity), c);
    tr__children_remove(s, c);
    return false;
}

static void restart_now(struct tr_sup *s, struct tr_child *c)
{
    tr_term result = tr__child_call_start(s, c, start_args(s, c));
    tr_pid last = c->pid;
    tr_term reason;
    tr_pid pid;

    c->counted = false;
    if (has_started(result, &pid)) {
        tr__child_becomes(s, c, TR__CHILD_RUNNING, pid);
        if (s->backoff.first_ms)
            c->started_ms = tr_monotonic_ms();
        tr__supervisor_progress(s, c);
    } else if (tr_match(result, a_error, &reason)) {
        tr__child_becomes(s, c, TR__CHILD_RESTARTING, last);
        tr__supervisor_report(s, a_start_error, reason, c);
        tr__supervisor_try_later(s, c);
    } else {
        tr__children_remove(s, c);
    }
}

bool tr__dynamic_try_again(struct tr_sup *s, struct tr_child *c)
{
    if (!count(s, c))
        return false;
    restart_now(s, c);
    return true;
}

bool tr__dynamic_child_ended(struct tr_sup *s, struct tr_child *c, tr_term reason)
{
    if (!tr__child_wants_restart(s, c, reason)) {
        tr__children_remove(s, c);
        return true;
    }
    if (!count(s, c))
        return false;
    if (!s->backoff.first_ms) {
        restart_now(s, c);
        return true;
    }
    tr__child_becomes(s, c, TR__CHILD_RESTARTING, c->pid);
    tr__supervisor_try_later(s, c);
    c->counted = true;
    return true;
}

/* --- the end of all --- */

/* Tells every child; those that do not run, or no more, are forgotten. */
static void tell_all(struct tr_sup *s)
{
    for (struct tr_child *older, *c = s->children.newest; c; c = older) {
        tr_atom signal = c->shutdown_ms == TR_BRUTAL_KILL ? a_kill : a_shutdown;
        older = c->older;
        if (c->state != TR__CHILD_RUNNING || tr__end_idle(c->pid, signal))
            tr__children_remove(s, c);
        else
            tr_end_watched(c->pid, signal);
    }
}

/* The shortest time that is not over yet, of those who are left. */
static int64_t next_limit(const struct tr_sup *s, int64_t after)
{
    int64_t next = TR_INFINITY;

    for (const struct tr_child *c = s->children.oldest; c; c = c->newer)
        if (c->shutdown_ms >= 0 && c->shutdown_ms > after &&
            (next == TR_INFINITY || c->shutdown_ms < next))
            next = c->shutdown_ms;
    return next;
}

static void kill_late(const struct tr_sup *s, int64_t limit)
{
    for (const struct tr_child *c = s->children.oldest; c; c = c->newer)
        if (c->shutdown_ms == limit)
            tr_exit_to(c->pid, a_kill);
}

/* The reason of one that was dead before it was watched is in its 'EXIT'. */
static void gone(struct tr_sup *s, struct tr_child *c, tr_term down)
{
    tr_term reason;

    if (tr_match(down, a_noproc)) {
        tr_receive (m) {
            tr_on (m, a_EXIT, c->pid, &reason)
                tr__child_check_end(s, c, reason);
            tr_after (m, 0)
                tr__child_check_end(s, c, down);
        }
    } else {
        tr__child_check_end(s, c, down);
    }
    tr__children_remove(s, c);
}

/* Waits until all are gone, or that much time. */
static void await_all(struct tr_sup *s, int64_t timeout_ms)
{
    int64_t deadline = timeout_ms == TR_INFINITY ? 0 : tr_monotonic_ms() + timeout_ms;
    bool late = false;
    tr_term reason;
    tr_pid pid;

    while (s->children.n && !late) {
        int64_t left = timeout_ms == TR_INFINITY ? timeout_ms : deadline - tr_monotonic_ms();
        tr_receive (m) {
            tr_on (m, a_DOWN, tr_any(), a_process, &pid, &reason) {
                struct tr_child *c = tr__children_by_pid(s, pid);
                if (c)
                    gone(s, c, reason);
            }
            tr_after (m, left == TR_INFINITY || left > 0 ? left : 0)
                late = true;
        }
    }
}

void tr__dynamic_end_children(struct tr_sup *s)
{
    int64_t start = tr_monotonic_ms();
    int64_t limit = -1;

    tell_all(s);
    while (s->children.n) {
        limit = next_limit(s, limit);
        if (limit == TR_INFINITY) {
            await_all(s, TR_INFINITY);
        } else {
            int64_t left = start + limit - tr_monotonic_ms();
            await_all(s, left > 0 ? left : 0);
            kill_late(s, limit);
        }
    }
}

/* --- the functions --- */

tr_term tr_dynamic_supervisor_start_link_args(const struct tr_dynamic_supervisor *supervisor,
                                              const struct tr_gen_server_opts *opts,
                                              const struct tr_arg *args, int n)
{
    static const struct tr_dynamic_supervisor defaults = { 0 };
    const struct tr_dynamic_supervisor *sup = supervisor ? supervisor : &defaults;
    const char *module = sup->name ? sup->name : "dynamic_supervisor";
    tr_term value;

    if (sup->init)
        value = tr_build(a_call, (uint64_t)(uintptr_t)sup->init, tr_message_arg(args, n));
    else
        value = tr_build(a_ok, tr_dynamic_supervisor_flags(sup));
    return tr__supervisor_start(module, true, value, opts);
}

tr_term tr_dynamic_supervisor_start_child_term(tr_term to, tr_term spec)
{
    struct tr_child c;
    tr_term wrong = parse(&c, spec);

    if (wrong.w)
        return tr_build(a_error, wrong);
    return tr__supervisor_ask(to, tr_build(a_start_child, spec));
}

tr_term tr_dynamic_supervisor_start_child_spec(tr_term to, const struct tr_child_spec *spec)
{
    return tr__child_ask_start(to, spec, true);
}

tr_term tr_dynamic_supervisor_terminate_child_term(tr_term to, tr_pid pid)
{
    return tr_call_within(TR_INFINITY, to, a_terminate_child, pid);
}
