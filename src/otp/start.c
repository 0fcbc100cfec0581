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
         badopt, name_taken, monitor, trap_exit, out_of_memory);

/* --- in the started process --- */

/* Runs at the end of a process that has not answered yet; before it, where there was no memory to
   have it run then. */
static void unanswered(void *unused)
{
    tr_term reason = tr_exit_reason();

    (void)unused;
    if (!reason.w)
        reason = tr_build(a_out_of_memory);
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

void tr__start_begun(bool answers, void *memory, tr_term via)
{
    tr_report_exits();
    if (answers && memory)
        tr__at_end(memory, unanswered);
    else if (answers)
        tr_defer(unanswered, NULL);
    take_name(via);
}

/* The argument is {Fn, Answers, Arg}, and the name after it if there is one to be taken. */
static void begin(tr_term arg)
{
    uint64_t fn;
    bool answers;
    tr_term user_arg, via = tr_nil();

    if (!tr_match(arg, &fn, &answers, &user_arg) && !tr_match(arg, &fn, &answers, &user_arg, &via))
        tr_error(a_badarg, arg);
    tr__start_begun(answers, NULL, via);
    ((tr_process_fn)(uintptr_t)fn)(user_arg);
}

/* There is, or will be, an answer; or there was to be none. */
static void answered(void)
{
    if (!tr_defer_cancel(unanswered, NULL))
        tr__at_end_forget(unanswered);
}

static void ack_self(void)
{
    if (tr_parent().w)
        tr_send(tr_parent(), a_ack, tr_self());
}

void tr__init_ack_self(void)
{
    answered();
    ack_self();
}

void tr__init_ack_at_end(void *memory, void (*fn)(void *))
{
    tr__at_end(memory, fn);
    ack_self();
}

/* In this order: killed in between, the process leaves its starter with the exit signal alone. */
void tr_init_ack_args(const struct tr_arg *args, int n)
{
    answered();
    if (tr_parent().w)
        tr_send(tr_parent(), a_ack, tr_self(), tr_message_arg(args, n));
}

void tr_init_fail_args(struct tr_arg result, struct tr_arg reason)
{
    tr_term why = tr_build_args(&reason, 1);

    answered();
    if (tr_parent().w)
        tr_send(tr_parent(), a_nack, tr_self(), result, why);
    tr_exit(why);
}

/* --- in the starter: the start --- */

/* TR_EEXIST when the name is taken. Without `tries` any other failure ends the caller. */
static tr_err spawn(tr_pid *pid, const struct tr_start_plan *plan, const struct tr_spawn_opts *opts)
{
    tr_err err = tr_try_spawn_args(pid, plan->fn, opts, plan->site, plan->args, plan->n);

    if (!err || err == TR_EEXIST || plan->tries)
        return err;
    *pid = tr_spawn_args(plan->fn, opts, plan->site, plan->args, plan->n);
    return TR_OK;
}

/* Starts the child; false when its name is taken, and then *taken is {error, {...}}; or when it
   cannot be started, and then that is w of 0. */
static bool start_child(tr_pid *pid, const struct tr_start_plan *plan,
                        const struct tr_spawn_opts *opts, tr_term *taken)
{
    tr_pid holder;
    tr_err err;

    taken->w = 0;
    while ((err = spawn(pid, plan, opts))) {
        if (err != TR_EEXIST)
            return false;
        if (tr_whereis(opts->name, &holder)) {
            *taken = tr_build(a_error, tr_tuple(a_already_started, holder));
            return false;
        }
        /* Whoever had the name has ended in between. */
    }
    return true;
}

void tr__start_check(const struct tr_start_opts *opts)
{
    tr_term name;

    if (opts->via.w && (opts->spawn.name.w || !tr_via_module(opts->via, &name)))
        tr_exit(a_badarg, opts->via);
    if (opts->spawn.link || opts->spawn.monitor)
        tr_exit(a_badarg, a_badopt);
}

/* A function of the program, to be run by `begin`. */
struct function {
    struct tr_start_opts opts;
    struct tr_start_plan plan;
    struct tr_arg begin_args[4];
};

static const struct tr_start_plan *function(struct function *f, tr_process_fn fn, const char *site,
                                            const struct tr_arg *args, int n, bool by_link)
{
    tr_term via = f->opts.via;

    if (!fn)
        tr_spawn_args(NULL, NULL, site, NULL, 0); /* ends the caller with its own reason */
    f->opts.spawn.lineage = true;
    f->opts.spawn.link |= by_link;
    f->begin_args[0] = TR_ARG((uint64_t)(uintptr_t)fn);
    f->begin_args[1] = TR_ARG(by_link);
    f->begin_args[2] = tr_message_arg(args, n);
    if (via.w)
        f->begin_args[3] = TR_ARG(via);
    f->plan =
        (struct tr_start_plan){ begin, site, &f->opts, f->begin_args, via.w ? 4 : 3, false, NULL };
    return &f->plan;
}

/* The options, checked. */
static struct function function_with(const struct tr_start_opts *opts)
{
    struct function f = { 0 };

    if (opts)
        f.opts = *opts;
    tr__start_check(&f.opts);
    return f;
}

tr_pid tr_proc_spawn_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                          const struct tr_arg *args, int n)
{
    struct function f = { 0 };
    tr_pid pid;

    if (opts)
        f.opts.spawn = *opts;
    if (spawn(&pid, function(&f, fn, site, args, n, false), &f.opts.spawn))
        tr_exit(a_badarg, a_name_taken);
    return pid;
}

static int64_t timeout_of(const struct tr_start_plan *plan)
{
    return plan->opts->timeout_ms ? plan->opts->timeout_ms : TR_INFINITY;
}

/* --- in the starter: the answer --- */

enum outcome { LATE, READY, ACK, NACK, ENDED };

struct answer {
    enum outcome outcome;
    tr_term result; /* what is acknowledged, or the reason of the end */
    tr_term reason; /* of a nack */
};

static struct answer ready(tr_pid pid, uint64_t *room)
{
    tr_term result = room ? tr__pair_in(room, a_ok, pid) : tr_build(a_ok, pid);

    return (struct answer){ ACK, result, tr_nil() };
}

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
        a = ready(pid, NULL);
    return a;
}

/* The same for a link: all that it can be has the pid in the second place. */
static struct answer await_linked(const struct tr_start_plan *plan, tr_pid pid, tr_ref since)
{
    int64_t ms = timeout_of(plan);
    int64_t begun = ms == TR_INFINITY ? 0 : tr_monotonic_ms();
    tr_term t;

    switch (tr__await(a_ack, pid.w, 2, since, ms, &t)) {
    case TR__AWAITED:
        return ready(pid, plan->room);
    case TR__AWAITED_NOTHING:
        return (struct answer){ .outcome = LATE };
    case TR__AWAITED_ANOTHER:
        break;
    }
    if (ms != TR_INFINITY) {
        ms -= tr_monotonic_ms() - begun;
        ms = ms < 0 ? 0 : ms;
    }
    return await_answer(pid, since, a_EXIT, ms);
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

tr_term tr__start(const struct tr_start_plan *plan)
{
    struct tr_spawn_opts opts = plan->opts->spawn;
    tr_term taken;
    tr_ref ref;
    tr_pid pid;

    opts.monitor = &ref;
    opts.monitor_tag = a_DOWN;
    if (!start_child(&pid, plan, &opts, &taken))
        return taken;
    struct answer a = await_answer(pid, ref, a_DOWN, timeout_of(plan));
    if (a.outcome == ACK)
        tr_demonitor_flush(ref);
    else if (a.outcome == NACK)
        tr_release(await_end(ref, a_DOWN));
    else if (a.outcome == LATE)
        tr_release(kill_late(pid, ref, a_DOWN));
    return result_of(&a);
}

tr_term tr__start_monitor(const struct tr_start_plan *plan, tr_ref *ref)
{
    struct tr_spawn_opts opts = plan->opts->spawn;
    tr_atom tag = opts.monitor_tag.w ? opts.monitor_tag : a_DOWN;
    tr_term taken;
    tr_pid pid;

    ref->w = 0;
    opts.monitor = ref;
    if (!start_child(&pid, plan, &opts, &taken))
        return taken;
    struct answer a = await_answer(pid, *ref, tag, timeout_of(plan));
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

static bool traps_exits(void)
{
    tr_term trapping;
    bool traps;

    return tr_process_info(tr_self(), a_trap_exit, &trapping) && tr_match(trapping, &traps) &&
           traps;
}

/* The child of a link has ended, or is about to: waits for it, and leaves no 'EXIT' behind. */
static void end_of_link(tr_pid pid, const struct answer *a)
{
    /* The exit signal of the link has its effect. */
    if (a->outcome == NACK && !tr_match(a->reason, a_normal) && !traps_exits())
        tr_sleep(TR_INFINITY);
    tr_unlink(pid);
    tr_ref ref = tr_monitor(pid);
    tr_release(a->outcome == LATE ? kill_late(pid, ref, a_DOWN) : await_end(ref, a_DOWN));
    tr_unlink_flush(pid, (tr_ref){ 0 }, NULL);
}

tr_term tr__start_link(const struct tr_start_plan *plan)
{
    tr_ref since = tr_make_ref();
    tr_term taken;
    tr_pid pid;

    if (!start_child(&pid, plan, &plan->opts->spawn, &taken))
        return taken;
    struct answer a = await_linked(plan, pid, since);
    if (a.outcome == LATE || a.outcome == NACK)
        end_of_link(pid, &a);
    return result_of(&a);
}

/* --- the same for functions of the program --- */

tr_term tr_start_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                      const struct tr_arg *args, int n)
{
    struct function f = function_with(opts);

    return tr__start(function(&f, fn, site, args, n, false));
}

tr_term tr_start_monitor_args(tr_process_fn fn, tr_ref *ref, const struct tr_start_opts *opts,
                              const char *site, const struct tr_arg *args, int n)
{
    struct function f = function_with(opts);

    if (!ref)
        tr_exit(a_badarg, a_monitor);
    return tr__start_monitor(function(&f, fn, site, args, n, false), ref);
}

tr_term tr_start_link_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                           const struct tr_arg *args, int n)
{
    struct function f = function_with(opts);

    return tr__start_link(function(&f, fn, site, args, n, true));
}
