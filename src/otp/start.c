/* SPDX-License-Identifier: MIT */
/*
 * The synchronous start, and what every process started here has: ancestors and a crash report.
 *
 * Such a process runs `begin`, which prepares all that and then calls the program's function. It
 * answers its starter with {ack, Pid, Result}, {ack, Pid} for the {ok, Pid} of a server, or
 * {nack, Pid, Result, Reason}; after a nack it ends with that reason. A process watched by a link
 * alone also sends a nack when it ends without an answer: its starter, if it does not trap exits,
 * would never learn of an end with reason normal.
 *
 * The starter looks only at what came after it made the reference `since`, so a long mailbox does
 * not slow it down.
 */
#include "otp/start.h"

#include "troupe.h"

tr_atoms(ack, nack, ok, error, timeout, already_started, normal, kill, EXIT, DOWN, process, badarg,
         badopt, name_taken, monitor, registered_name, ancestors, trap_exit);

/* --- in the started process --- */

/* Runs at the end of a process that has not answered yet. */
static void unanswered(void *unused)
{
    tr_term reason = tr_exit_reason();

    (void)unused;
    tr_send(tr_parent(), a_nack, tr_self(), tr_tuple(a_error, reason), reason);
}

/* Takes a name through a via module; if another one has it, the process ends. */
static void take_name(tr_term to)
{
    tr_term name;
    tr_pid holder;

    if (tr_is_nil(to))
        return;
    const struct tr_via *via = tr_via_module(to, &name);
    while (!via->register_name(name, tr_self()))
        if (via->whereis_name(name, &holder))
            tr_init_fail(tr_tuple(a_error, tr_tuple(a_already_started, holder)), a_normal);
}

/* The argument is {Fn, Answers, Arg}, and the name after it if there is one to be taken. */
static void begin(tr_term arg)
{
    uint64_t fn;
    bool answers;
    tr_term user_arg, via = tr_nil();

    if (!tr_match(arg, &fn, &answers, &user_arg) && !tr_match(arg, &fn, &answers, &user_arg, &via))
        tr_error(a_badarg, arg);
    tr_report_exits();
    if (answers)
        tr_defer(unanswered, NULL);
    take_name(via);
    ((tr_process_fn)(uintptr_t)fn)(user_arg);
}

void tr__init_ack_self(void)
{
    tr_defer_cancel(unanswered, NULL);
    if (tr_parent().w)
        tr_send(tr_parent(), a_ack, tr_self());
}

/* In this order: killed in between, the process leaves its starter with the exit signal alone. */
void tr_init_ack_args(const struct tr_arg *args, int n)
{
    tr_defer_cancel(unanswered, NULL);
    if (tr_parent().w)
        tr_send(tr_parent(), a_ack, tr_self(), tr_message_arg(args, n));
}

void tr_init_fail_args(struct tr_arg result, struct tr_arg reason)
{
    tr_term why = tr_build_args(&reason, 1);

    tr_defer_cancel(unanswered, NULL);
    if (tr_parent().w)
        tr_send(tr_parent(), a_nack, tr_self(), result, why);
    tr_exit(why);
}

/* --- in the starter: the start --- */

struct plan {
    tr_process_fn fn;
    struct tr_spawn_opts opts;
    tr_term via; /* w is 0: none */
    const char *site;
    const struct tr_arg *args;
    int n;
    bool by_link; /* the starter waits, and only the link tells it of the end */
};

static tr_term own_info(tr_atom item)
{
    tr_term value = tr_nil();

    tr_process_info(tr_self(), item, &value);
    return value;
}

tr_term tr__child_ancestors(void)
{
    if (!tr_in_process())
        return tr_nil();
    tr_term name = own_info(a_registered_name);
    tr_term self = tr_build(tr_self());
    return tr_list_push(own_info(a_ancestors), tr_is_nil(name) ? self : name);
}

/* False when the name is taken; ends the caller when nothing can be started. */
static bool spawn(tr_pid *pid, const struct plan *plan)
{
    tr_err err = TR_OK;

    if (!plan->fn)
        tr_spawn_args(NULL, NULL, plan->site, NULL, 0); /* ends the caller with its own reason */
    tr_scope
    {
        struct tr_arg args[] = { TR_ARG((uint64_t)(uintptr_t)plan->fn), TR_ARG(plan->by_link),
                                 tr_message_arg(plan->args, plan->n), TR_ARG(plan->via) };
        int n = plan->via.w ? 4 : 3;
        err = tr_try_spawn_args(pid, begin, &plan->opts, plan->site, args, n);
        if (err && err != TR_EEXIST)
            *pid = tr_spawn_args(begin, &plan->opts, plan->site, args, n);
    }
    return err != TR_EEXIST;
}

tr_pid tr_proc_spawn_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                          const struct tr_arg *args, int n)
{
    struct plan plan = { .fn = fn, .site = site, .args = args, .n = n };
    tr_pid pid;

    if (opts)
        plan.opts = *opts;
    plan.opts.lineage = true;
    if (!spawn(&pid, &plan))
        tr_exit(a_badarg, a_name_taken);
    return pid;
}

/* Starts the child; false when its name is taken, and then *taken is {error, {...}}. */
static bool start_child(tr_pid *pid, const struct plan *plan, tr_term *taken)
{
    tr_pid holder;

    while (!spawn(pid, plan)) {
        if (tr_whereis(plan->opts.name, &holder)) {
            *taken = tr_build(a_error, tr_tuple(a_already_started, holder));
            return false;
        }
        /* Whoever had the name has ended in between. */
    }
    return true;
}

static struct plan plan_of(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                           const struct tr_arg *args, int n)
{
    struct plan plan = { .fn = fn, .site = site, .args = args, .n = n };
    tr_term name;

    if (opts) {
        plan.opts = opts->spawn;
        plan.via = opts->via;
    }
    plan.opts.lineage = true;
    if (plan.via.w && (plan.opts.name.w || !tr_via_module(plan.via, &name)))
        tr_exit(a_badarg, plan.via);
    if (plan.opts.link || plan.opts.monitor)
        tr_exit(a_badarg, a_badopt);
    return plan;
}

static int64_t timeout_of(const struct tr_start_opts *opts)
{
    return opts && opts->timeout_ms ? opts->timeout_ms : TR_INFINITY;
}

/* --- in the starter: the answer --- */

enum outcome { LATE, READY, ACK, NACK, ENDED };

struct answer {
    enum outcome outcome;
    tr_term result; /* what is acknowledged, or the reason of the end */
    tr_term reason; /* of a nack */
};

/* `end` is the tag of the message that tells of the child's end: five elements from a monitor,
   three from a link. */
static struct answer await_answer(tr_pid pid, tr_ref since, tr_atom end, int64_t ms)
{
    struct answer a = { .outcome = LATE };
    tr_term t, reason;

    tr_receive_ref(m, since)
    {
        tr_on (m, a_ack, pid)
            a.outcome = READY;
        tr_on (m, a_ack, pid, &t)
            a = (struct answer){ ACK, tr_receive_result(&m, t), tr_nil() };
        tr_on (m, a_nack, pid, &t, &reason) {
            a.outcome = NACK;
            t = tr_receive_result(&m, tr_build(t, reason));
            tr_match(t, &a.result, &a.reason);
        }
        tr_on (m, end, since, tr_any(), pid, &reason)
            a = (struct answer){ ENDED, tr_receive_result(&m, reason), tr_nil() };
        tr_on (m, end, pid, &reason)
            a = (struct answer){ ENDED, tr_receive_result(&m, reason), tr_nil() };
        tr_after (m, ms) {
        }
    }
    if (a.outcome == READY)
        a = (struct answer){ ACK, tr_build(a_ok, pid), tr_nil() };
    return a;
}

/* Waits for the end of a process; the reason in the 'DOWN', kept. */
static tr_term await_end(tr_ref ref, tr_atom tag)
{
    tr_term reason, kept = tr_nil();

    tr_receive_ref(m, ref) tr_on (m, tag, ref, tr_any(), tr_any(), &reason) kept = tr_keep(reason);
    return kept;
}

/* Ends the child whose time is over, and takes the answer it may have sent nevertheless. The
   reason of its end is kept. */
static tr_term kill_late(tr_pid pid, tr_ref monitor, tr_atom tag)
{
    tr_exit_to(pid, a_kill);
    tr_term reason = await_end(monitor, tag);
    tr_receive (m) {
        tr_on (m, a_ack, pid) {
        }
        tr_on (m, a_ack, pid, tr_any()) {
        }
        tr_on (m, a_nack, pid, tr_any(), tr_any()) {
        }
        tr_after (m, 0) {
        }
    }
    return reason;
}

/* What the start returns. */
static tr_term result_of(const struct answer *a)
{
    if (a->outcome == LATE)
        return tr_build(a_error, a_timeout);
    return a->outcome == ENDED ? tr_build(a_error, a->result) : a->result;
}

/* --- the three forms --- */

tr_term tr_start_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                      const struct tr_arg *args, int n)
{
    struct plan plan = plan_of(fn, opts, site, args, n);
    tr_term taken;
    tr_ref ref;
    tr_pid pid;

    plan.opts.monitor = &ref;
    plan.opts.monitor_tag = a_DOWN;
    if (!start_child(&pid, &plan, &taken))
        return taken;
    struct answer a = await_answer(pid, ref, a_DOWN, timeout_of(opts));
    if (a.outcome == ACK)
        tr_demonitor_flush(ref);
    else if (a.outcome == NACK)
        tr_release(await_end(ref, a_DOWN));
    else if (a.outcome == LATE)
        tr_release(kill_late(pid, ref, a_DOWN));
    return result_of(&a);
}

tr_term tr_start_monitor_args(tr_process_fn fn, tr_ref *ref, const struct tr_start_opts *opts,
                              const char *site, const struct tr_arg *args, int n)
{
    struct plan plan = plan_of(fn, opts, site, args, n);
    tr_atom tag = plan.opts.monitor_tag.w ? plan.opts.monitor_tag : a_DOWN;
    tr_term taken;
    tr_pid pid;

    if (!ref)
        tr_exit(a_badarg, a_monitor);
    ref->w = 0;
    plan.opts.monitor = ref;
    if (!start_child(&pid, &plan, &taken))
        return taken;
    struct answer a = await_answer(pid, *ref, tag, timeout_of(opts));
    if (a.outcome == ACK)
        return result_of(&a);
    tr_term reason = a.outcome == ENDED  ? a.result
                     : a.outcome == NACK ? await_end(*ref, tag)
                                         : kill_late(pid, *ref, tag);
    /* The caller expects the 'DOWN' in its mailbox. */
    tr_send(tr_self(), tag, *ref, a_process, pid, reason);
    if (a.outcome != ENDED)
        tr_release(reason);
    return result_of(&a);
}

/* The child of a link has ended, or is about to: waits for it, and leaves no 'EXIT' behind. */
static void end_of_link(tr_pid pid, const struct answer *a)
{
    bool traps = false;

    tr_unlink(pid);
    tr_ref ref = tr_monitor(pid);
    tr_release(a->outcome == LATE ? kill_late(pid, ref, a_DOWN) : await_end(ref, a_DOWN));
    tr_receive (m) {
        tr_on (m, a_EXIT, pid, tr_any()) {
        }
        tr_after (m, 0) {
        }
    }
    /* The unlink may have come before the exit signal, which still has its effect. */
    if (a->outcome == NACK && !tr_match(a->reason, a_normal) &&
        tr_match(own_info(a_trap_exit), &traps) && !traps)
        tr_exit_to(tr_self(), a->reason);
}

tr_term tr_start_link_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                           const struct tr_arg *args, int n)
{
    struct plan plan = plan_of(fn, opts, site, args, n);
    tr_ref since = tr_make_ref();
    tr_term taken;
    tr_pid pid;

    plan.opts.link = true;
    plan.by_link = true;
    if (!start_child(&pid, &plan, &taken))
        return taken;
    struct answer a = await_answer(pid, since, a_EXIT, timeout_of(opts));
    if (a.outcome == LATE || a.outcome == NACK)
        end_of_link(pid, &a);
    return result_of(&a);
}
