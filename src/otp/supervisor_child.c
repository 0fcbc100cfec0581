/* SPDX-License-Identifier: MIT */
/*
 * One child: its start, and its end.
 *
 * Start functions run in the supervisor, as in OTP: while one waits, so does the supervisor. What
 * would end the process in one of them is caught, and is the reason for which the start failed.
 */
#include "otp/gen.h"
#include "otp/start.h"
#include "otp/supervisor.h"

tr_atoms(ok, error, ignore, undef, EXIT, DOWN, kill, killed, shutdown, normal, noproc, undefined,
         badarg, out_of_memory, already_started, child_terminated, shutdown_error);

/* --- start --- */

/* One argument stands for itself, several are a tuple, none is the empty list. */
static tr_term argument(tr_term args)
{
    tr_term items[16], one;
    size_t n;

    if (!tr_list_length(args, &n) || n == 0 || n > 16)
        return args;
    if (n == 1)
        return tr_head(args);
    for (size_t i = 0; tr_list_next(&args, &one); i++)
        items[i] = one;
    return tr_tuple_from_array(items, n);
}

#define SITE "child\0" __FILE__

/* Runs when the process has its name. */
static void named_process(tr_term arg)
{
    tr_term user_arg;
    uint64_t fn;

    if (!tr_match(arg, &fn, &user_arg))
        tr_error(a_badarg, arg);
    tr__init_ack_self();
    ((tr_process_fn)(uintptr_t)fn)(user_arg);
}

/* Through a module only the process itself can take a name: this waits until it has. */
static tr_term start_via(const struct tr_child *c, struct tr_arg arg)
{
    const struct tr_start_opts opts = { .via = c->name };
    struct tr_arg args[] = { TR_ARG((uint64_t)(uintptr_t)c->what), arg };

    return tr_start_link_args(named_process, &opts, SITE, args, 2);
}

static tr_term start_process(const struct tr_child *c, struct tr_arg arg)
{
    struct tr_spawn_opts opts = { .link = true };
    tr_pid holder;

    if (c->name.w && !tr_match(c->name, &opts.name))
        return start_via(c, arg);
    if (c->name.w && tr_whereis(opts.name, &holder))
        return tr_build(a_error, tr_tuple(a_already_started, holder));
    return tr_build(a_ok,
                    tr_proc_spawn_args((tr_process_fn)(uintptr_t)c->what, &opts, SITE, &arg, 1));
}

static tr_term start_thing(const struct tr_child *c, struct tr_arg arg)
{
    struct tr_gen_server_opts named;
    const struct tr_gen_server_opts *opts = NULL;

    if (c->name.w) {
        named = (struct tr_gen_server_opts){ 0 };
        if (!tr_match(c->name, &named.name))
            named.via = c->name;
        opts = &named;
    }
    switch ((enum tr_child_kind)c->kind) {
    case TR__CHILD_SERVER:
        return tr_gen_server_start_args(c->what, TR_GEN_SERVER_LINK, opts, &arg, 1);
    case TR__CHILD_STATEM:
        return tr_gen_statem_start_args(c->what, TR_GEN_SERVER_LINK, opts, &arg, 1);
    case TR__CHILD_PROCESS:
        return start_process(c, arg);
    case TR__CHILD_SUPERVISOR:
        return tr_supervisor_start_link_args(c->what, opts, &arg, 1);
    case TR__CHILD_DYNAMIC:
        return tr_dynamic_supervisor_start_link_args(c->what, opts, &arg, 1);
    case TR__CHILD_PARTITIONS:
        return tr_partition_supervisor_start_link(c->what, opts);
    case TR__CHILD_FUNCTION:
        return ((tr_start_fn)(uintptr_t)c->what)(tr_build_args(&arg, 1));
    case TR__CHILD_UNKNOWN:
        break;
    }
    tr_exit(a_undef, tr_list(tr__child_start_of(c)));
}

tr_term tr__child_run_start(const struct tr_child *c, tr_term args)
{
    return start_thing(c, TR_ARG(argument(args)));
}

struct start {
    const struct tr_child *child;
    tr_term args;
    tr_term result;
};

static void run_start(void *arg)
{
    struct start *start = arg;

    start->result = tr__child_run_start(start->child, start->args);
}

static bool is_result(tr_term result)
{
    tr_pid pid;

    return tr_match(result, a_ok, &pid) || tr_match(result, a_ok, &pid, tr_any()) ||
           tr_match(result, a_ignore) || tr_match(result, a_error, tr_any());
}

/*
 * The start has not returned. Without memory it may have left a process behind that nobody knows
 * of: the supervisor ends as any process does then, and its links see to the rest.
 */
static tr_term failed(const struct tr_sup *s, tr_term reason)
{
    if (tr_match(reason, a_out_of_memory))
        tr_exit(reason);
    if (s->dynamic && s->strategy != TR_SIMPLE_ONE_FOR_ONE)
        return tr_build(a_error, reason);
    return tr_build(a_error, tr_tuple(a_EXIT, reason));
}

tr_term tr__child_call_start(struct tr_sup *s, const struct tr_child *c, tr_term args)
{
    struct start start = { .child = c, .args = args };
    tr_term reason;

    /* Most children are of this kind, whose start does not end its caller. */
    if (c->kind == TR__CHILD_SERVER && !c->name.w) {
        tr_term result = tr__gen_server_try_start(c->what, s->started, TR_ARG(argument(args)));
        if (result.w)
            return result;
    }
    if (tr_catch(run_start, &start, &reason))
        return failed(s, reason);
    if (!start.result.w)
        return tr_build(a_error, a_undefined);
    return is_result(start.result) ? start.result : tr_build(a_error, start.result);
}

/* The arguments of a temporary child are not needed again: they may be large. */
static void forget_arguments(struct tr_child *c)
{
    tr_release(c->args);
    c->args = tr_build(a_undefined);
}

tr_term tr__child_start(struct tr_sup *s, struct tr_child *c)
{
    /* A copy: what is returned may be part of it, and outlive the child. */
    tr_term result = tr__child_call_start(s, c, tr_copy(c->args));
    tr_pid pid;

    if (tr_match(result, a_ok, &pid) || tr_match(result, a_ok, &pid, tr_any())) {
        tr__child_becomes(s, c, TR__CHILD_RUNNING, pid);
        if (c->restart == TR_TEMPORARY)
            forget_arguments(c);
        if (s->backoff.first_ms)
            c->started_ms = tr_monotonic_ms();
        tr__supervisor_progress(s, c);
    } else if (tr_match(result, a_ignore)) {
        tr__child_becomes(s, c, TR__CHILD_STOPPED, (tr_pid){ 0 });
    }
    return result;
}

/* --- end --- */

/* The reason in the 'DOWN' of a monitor, or w of 0 when the time is over. */
static tr_term await_down(tr_ref monitor, int64_t timeout_ms)
{
    tr_term reason, result = { 0 };
    enum tr__awaited awaited = tr__await(a_DOWN, monitor.w, 5, monitor, timeout_ms, &result);

    if (awaited != TR__AWAITED_ANOTHER)
        return result;
    tr_receive_ref(m, monitor)
    {
        tr_on (m, a_DOWN, monitor, tr_any(), tr_any(), &reason)
            result = tr_receive_result(&m, reason);
        tr_after (m, timeout_ms) {
        }
    }
    return result;
}

/* Ends the process; the reason with which it ended. That of one that was dead by then is in its
   'EXIT', somewhere in the mailbox. */
static tr_term end_process(const struct tr_child *c)
{
    bool brutal = c->shutdown_ms == TR_BRUTAL_KILL;
    tr_atom signal = brutal ? a_kill : a_shutdown;

    if (tr__end_idle(c->pid, signal))
        return tr_build(brutal ? a_killed : a_shutdown);
    tr_ref monitor = tr_end_watched(c->pid, signal);
    tr_term down = await_down(monitor, brutal ? TR_INFINITY : c->shutdown_ms);

    if (!down.w) {
        tr_exit_to(c->pid, a_kill);
        down = await_down(monitor, TR_INFINITY);
    }
    if (tr_match(down, a_noproc))
        tr_unlink_flush(c->pid, (tr_ref){ 0 }, &down);
    return down;
}

/* Whether a child that is being ended may end so. */
static bool is_expected(const struct tr_child *c, tr_term reason)
{
    bool permanent = c->restart == TR_PERMANENT;

    if (c->shutdown_ms == TR_BRUTAL_KILL) {
        if (tr_match(reason, a_killed))
            return true;
        if (tr_match(reason, a_shutdown))
            return !permanent;
    }
    return tr_match(reason, a_shutdown) ||
           (!permanent && (tr_match(reason, a_normal) || tr_match(reason, a_shutdown, tr_any())));
}

void tr__child_check_end(struct tr_sup *s, const struct tr_child *c, tr_term reason)
{
    if (!is_expected(c, reason))
        tr__supervisor_report(s, a_shutdown_error, reason, c);
}

void tr__child_end(struct tr_sup *s, struct tr_child *c)
{
    if (c->state == TR__CHILD_RUNNING)
        tr__child_check_end(s, c, end_process(c));
}

void tr__child_gone(struct tr_sup *s, struct tr_child *c)
{
    if (c->restart == TR_TEMPORARY)
        tr__children_remove(s, c);
    else
        tr__child_becomes(s, c, TR__CHILD_STOPPED, (tr_pid){ 0 });
}

bool tr__child_wants_restart(struct tr_sup *s, struct tr_child *c, tr_term reason)
{
    bool fault = !tr_match(reason, a_normal) && !tr_match(reason, a_shutdown) &&
                 !tr_match(reason, a_shutdown, tr_any());

    if (fault || c->restart == TR_PERMANENT)
        tr__supervisor_report(s, a_child_terminated, reason, c);
    return c->restart == TR_PERMANENT || (c->restart == TR_TRANSIENT && fault);
}
