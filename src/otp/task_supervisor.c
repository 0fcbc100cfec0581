/* SPDX-License-Identifier: MIT */
/*
 * Supervisors of tasks: a server that starts tasks as its own children and knows them by pid.
 *
 * A child of start_child is handed its work when it is spawned, so that it can be started again.
 * One of async waits for its owner to send it {Owner, Ref, Callers, Function, Argument}, where Ref
 * is the owner's monitor of it: the argument goes from the owner to the task without a detour.
 * Should the owner end first, the task does too.
 */
#include "otp/report.h"
#include "otp/task.h"

#include <string.h>

tr_atoms(start, async, children, terminate, ok, error, not_found, max_children, badarg, undef,
         shutdown, kill, noproc, DOWN, EXIT, task_supervisor, out_of_memory, system_limit);

#define SHUTDOWN_MS  5000
#define MAX_RESTARTS 3
#define MAX_SECONDS  5
#define BUCKETS_MIN  16u

/* --- the children --- */

struct child {
    struct child *next; /* chain of the table */
    tr_pid pid;
    tr_ref watch; /* while it is ended */
    int64_t shutdown_ms;
    int64_t deadline; /* while it is ended: when it is to be killed */
    const char *site;
    enum tr_task_restart restart;
    tr_term work; /* kept; what it was started with, if it may be started again */
};

struct supervisor {
    struct child **buckets; /* by pid */
    size_t mask, count;
    size_t max_children;
    int max_restarts;
    int64_t period_ms;
    int64_t *restarts; /* ring of the times of the last max_restarts */
    int nrestarts;     /* in all */
};

static struct child **chain_of(const struct supervisor *s, tr_pid pid)
{
    return &s->buckets[(pid.w * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & s->mask];
}

/* The link that points to the child, or to NULL. */
static struct child **find(const struct supervisor *s, tr_pid pid)
{
    struct child **c = chain_of(s, pid);

    while (*c && (*c)->pid.w != pid.w)
        c = &(*c)->next;
    return c;
}

static void put(struct supervisor *s, struct child *c)
{
    struct child **chain = chain_of(s, c->pid);

    c->next = *chain;
    *chain = c;
}

static void grow(struct supervisor *s)
{
    struct child **old = s->buckets;
    size_t size = s->mask + 1;

    s->buckets = tr_alloc(2 * size * sizeof(struct child *));
    s->mask = 2 * size - 1;
    for (size_t i = 0; i < size; i++) {
        for (struct child *c = old[i], *next; c; c = next) {
            next = c->next;
            put(s, c);
        }
    }
    tr_free(old);
}

static void insert(struct supervisor *s, struct child *c)
{
    if (s->count > s->mask)
        grow(s);
    put(s, c);
    s->count++;
}

static struct child *take_out(struct supervisor *s, struct child **at)
{
    struct child *c = *at;

    *at = c->next;
    s->count--;
    return c;
}

static void forget(struct child *c)
{
    tr_release(c->work);
    tr_free(c);
}

/* Steps through all: NULL at first. */
static struct child *next_child(const struct supervisor *s, const struct child *c)
{
    size_t i = 0;

    if (c && c->next)
        return c->next;
    if (c)
        i = (size_t)(chain_of(s, c->pid) - s->buckets) + 1;
    for (; i <= s->mask; i++)
        if (s->buckets[i])
            return s->buckets[i];
    return NULL;
}

/* --- in the child --- */

static tr_term call(uint64_t fn, tr_term arg)
{
    return ((tr_task_fn)(uintptr_t)fn)(arg);
}

/* Waits for the work from the owner, and sends the result. */
static void work_for(tr_pid owner)
{
    tr_ref watch = tr_monitor(owner);
    tr_term callers, arg, reason;
    uint64_t fn;
    tr_ref ref;

    tr_receive (m) {
        tr_on (m, owner, &ref, &callers, &fn, &arg) {
            tr_demonitor_flush(watch);
            tr__task_enter(callers);
            tr_send(ref, ref, call(fn, arg));
        }
        tr_on (m, a_DOWN, watch, tr_any(), tr_any(), &reason)
            tr_exit(a_shutdown, reason);
    }
}

/* The argument is Owner, or {Callers, Function, Argument}. */
static void child_body(tr_term work)
{
    tr_term callers, arg;
    uint64_t fn;
    tr_pid owner;

    if (tr_match(work, &owner)) {
        work_for(owner);
    } else if (tr_match(work, &callers, &fn, &arg)) {
        tr__task_enter(callers);
        call(fn, arg);
    }
}

/* --- starting children --- */

/* TR_OK, and then the child has a pid. */
static tr_err spawn_child(struct child *c, tr_term work)
{
    const struct tr_spawn_opts opts = { .link = true, .lineage = true };
    const struct tr_arg arg = TR_ARG(work);

    return tr_try_spawn_args(&c->pid, child_body, &opts, c->site, &arg, 1);
}

static tr_gen_result start_child(struct supervisor *s, const struct child *plan, tr_term work)
{
    if (s->max_children && s->count >= s->max_children)
        return tr_gen_reply(a_error, a_max_children);
    struct child *c = tr_alloc(sizeof *c);
    *c = *plan;
    c->work = c->restart == TR_TASK_TEMPORARY ? tr_nil() : tr_keep(work);
    tr_err err = spawn_child(c, work);
    if (err) {
        forget(c);
        return tr_gen_reply(a_error, err == TR_ENOMEM ? a_out_of_memory : a_system_limit);
    }
    insert(s, c);
    return tr_gen_reply(a_ok, c->pid);
}

/* --- ending children --- */

static void tell_to_end(struct child *c)
{
    bool brutal = c->shutdown_ms == TR_TASK_BRUTAL_KILL;

    c->watch = tr_end_watched(c->pid, brutal ? a_kill : a_shutdown);
    c->deadline = tr__deadline_of(brutal ? TR_INFINITY : c->shutdown_ms);
}

/* Takes the 'DOWN' of that child, and the 'EXIT' of one that had ended before; false when it is
   late. */
static bool has_ended(struct child *c, int64_t timeout_ms)
{
    bool ended = true, before = false;
    tr_term reason;

    tr_receive (m) {
        tr_on (m, a_DOWN, c->watch, tr_any(), tr_any(), &reason)
            before = tr_match(reason, a_noproc);
        tr_after (m, timeout_ms)
            ended = false;
    }
    if (before)
        tr_unlink_flush(c->pid, (tr_ref){ 0 }, NULL);
    return ended;
}

static void wait_for_end(struct child *c)
{
    if (has_ended(c, tr__time_left(c->deadline)))
        return;
    tr_exit_to(c->pid, a_kill);
    has_ended(c, TR_INFINITY);
}

static tr_gen_result terminate_child(struct supervisor *s, tr_pid pid)
{
    struct child **at = find(s, pid);

    if (!*at)
        return tr_gen_reply(a_error, a_not_found);
    struct child *c = take_out(s, at);
    tell_to_end(c);
    wait_for_end(c);
    forget(c);
    return tr_gen_reply(a_ok);
}

/* All are told at once; then those that may be killed are waited for first, so that none lives
   longer than it may because another one may take as long as it likes. */
static void terminate(void *state, tr_term reason)
{
    struct supervisor *s = state;

    (void)reason;
    for (struct child *c = next_child(s, NULL); c; c = next_child(s, c))
        tell_to_end(c);
    for (struct child *c = next_child(s, NULL); c; c = next_child(s, c))
        if (c->deadline != TR_INFINITY)
            wait_for_end(c);
    for (struct child *c = next_child(s, NULL); c; c = next_child(s, c))
        if (c->deadline == TR_INFINITY)
            wait_for_end(c);
}

/* --- children that have ended --- */

/* Notes one more restart; false when there were too many. */
static bool may_restart(struct supervisor *s)
{
    int64_t now = tr_monotonic_ms();

    if (s->max_restarts == 0)
        return false;
    int64_t *slot = &s->restarts[s->nrestarts % s->max_restarts];
    if (s->nrestarts >= s->max_restarts && now - *slot <= s->period_ms)
        return false;
    *slot = now;
    s->nrestarts++;
    return true;
}

static tr_gen_result on_end(struct supervisor *s, tr_pid pid, tr_term reason)
{
    struct child **at = find(s, pid);

    if (!*at)
        return tr_gen_noreply();
    struct child *c = take_out(s, at);
    bool again = c->restart == TR_TASK_PERMANENT ||
                 (c->restart == TR_TASK_TRANSIENT && tr__report_is_fault(reason));
    if (!again) {
        forget(c);
        return tr_gen_noreply();
    }
    if (!may_restart(s) || spawn_child(c, c->work)) {
        forget(c);
        return tr_gen_stop(a_shutdown);
    }
    insert(s, c);
    return tr_gen_noreply();
}

/* --- the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    struct supervisor *s = state;
    int seconds;

    if (!tr_match(arg, &s->max_children, &s->max_restarts, &seconds))
        return tr_gen_stop(a_badarg);
    s->period_ms = (int64_t)seconds * 1000;
    s->restarts = tr_alloc((size_t)s->max_restarts * sizeof *s->restarts);
    s->mask = BUCKETS_MIN - 1;
    s->buckets = tr_alloc(BUCKETS_MIN * sizeof(struct child *));
    tr_trap_exit(true);
    return tr_gen_ok();
}

static tr_term list_children(const struct supervisor *s)
{
    tr_term list = tr_nil();

    for (struct child *c = next_child(s, NULL); c; c = next_child(s, c))
        list = tr_list_push(list, tr_build(c->pid));
    return list;
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct supervisor *s = state;
    struct child plan = { 0 };
    uint64_t site;
    tr_term work;
    tr_pid pid;
    int restart;

    (void)from;
    if (tr_match(request, a_start, &work, &site, &restart, &plan.shutdown_ms)) {
        plan.site = (const char *)(uintptr_t)site;
        plan.restart = (enum tr_task_restart)restart;
        return start_child(s, &plan, work);
    }
    if (tr_match(request, a_terminate, &pid))
        return terminate_child(s, pid);
    if (tr_match(request, a_children))
        return tr_gen_reply(list_children(s));
    return tr_gen_unknown();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    tr_term reason;
    tr_pid pid;

    if (!tr_match(message, a_EXIT, &pid, &reason))
        return tr_gen_unknown();
    return on_end(state, pid, reason);
}

static tr_term get_state(const void *state)
{
    return list_children(state);
}

static const struct tr_gen_server task_supervisor = {
    .name = "task_supervisor",
    .state_size = sizeof(struct supervisor),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
    .terminate = terminate,
    .get_state = get_state,
};

/* --- the interface --- */

static tr_term start_supervisor(const struct tr_task_supervisor_opts *opts,
                                enum tr_gen_server_tie tie)
{
    static const struct tr_task_supervisor_opts defaults;

    opts = opts ? opts : &defaults;
    if (opts->max_restarts < 0 || opts->max_seconds < 0)
        tr_error(a_badarg, a_task_supervisor);
    const struct tr_arg args[] = { TR_ARG(opts->max_children),
                                   TR_ARG(opts->max_restarts ? opts->max_restarts : MAX_RESTARTS),
                                   TR_ARG(opts->max_seconds ? opts->max_seconds : MAX_SECONDS) };
    const struct tr_gen_server_opts server = { .name = opts->name, .via = opts->via };
    return tr_gen_server_start_args(&task_supervisor, tie, &server, args, 3);
}

tr_term tr_task_supervisor_start(const struct tr_task_supervisor_opts *opts)
{
    return start_supervisor(opts, TR_GEN_SERVER_ALONE);
}

tr_term tr_task_supervisor_start_link(const struct tr_task_supervisor_opts *opts)
{
    return start_supervisor(opts, TR_GEN_SERVER_LINK);
}

/* Ends the caller when the options make no sense. */
static tr_term start_request(const struct tr_task_opts *opts, tr_term work, const char *site,
                             enum tr_task_restart restart)
{
    int64_t ms = opts && opts->shutdown_ms ? opts->shutdown_ms : SHUTDOWN_MS;

    if (ms < 0 && ms != TR_INFINITY && ms != TR_TASK_BRUTAL_KILL)
        tr_error(a_badarg, ms);
    if ((unsigned)restart > TR_TASK_PERMANENT)
        tr_error(a_badarg, (int)restart);
    return tr_build(a_start, work, (uint64_t)(uintptr_t)site, (int)restart, ms);
}

tr_term tr_task_start_child_args(tr_term sup, tr_task_fn fn, const struct tr_task_opts *opts,
                                 const char *site, const struct tr_arg *args, int n)
{
    if (!fn)
        tr_error(a_badarg, a_undef);
    tr_term work = tr_build(tr__task_callers(), (uint64_t)(uintptr_t)fn, tr_message_arg(args, n));
    return tr_call(sup, start_request(opts, work, site, opts ? opts->restart : TR_TASK_TEMPORARY));
}

/* The task waits for its work: hands it over. */
static void hand_over(struct tr_task *task, tr_task_fn fn, enum tr_task_tie tie,
                      const struct tr_arg *args, int n)
{
    if (tie == TR_TASK_LINK)
        tr_link(task->pid);
    task->ref = tr_monitor_opt(task->pid, .alias = TR_ALIAS_DEMONITOR);
    tr_scope
    {
        tr_send(task->pid, tr_self(), task->ref, tr__task_callers(), (uint64_t)(uintptr_t)fn,
                tr_message_arg(args, n));
    }
}

tr_err tr_try_async_child_args(struct tr_task *task, tr_term *reason, tr_term sup, tr_task_fn fn,
                               enum tr_task_tie tie, const struct tr_task_opts *opts,
                               const char *site, const struct tr_arg *args, int n)
{
    struct tr_task t = { .owner = tr_self(), .site = site };

    if (!fn)
        tr_error(a_badarg, a_undef);
    tr_term request = start_request(opts, tr_build(t.owner), site, TR_TASK_TEMPORARY);
    tr_err err = tr_try_call(sup, reason, request);
    if (err)
        return err;
    if (!tr_match(*reason, a_ok, &t.pid))
        return tr_match(*reason, a_error, a_out_of_memory) ? TR_ENOMEM : TR_ELIMIT;
    /* Known to the caller before the task can run, wherever the caller is ended. */
    *task = t;
    hand_over(task, fn, tie, args, n);
    return TR_OK;
}

struct tr_task tr_async_child_args(tr_term sup, tr_task_fn fn, enum tr_task_tie tie,
                                   const struct tr_task_opts *opts, const char *site,
                                   const struct tr_arg *args, int n)
{
    struct tr_task task = { .owner = tr_self(), .site = site };

    if (!fn)
        tr_error(a_badarg, a_undef);
    tr_term started =
        tr_call(sup, start_request(opts, tr_build(task.owner), site, TR_TASK_TEMPORARY));
    tr_term why = started;
    if (!tr_match(started, a_ok, &task.pid)) {
        tr_match(started, a_error, &why);
        tr_exit(why, sup);
    }
    hand_over(&task, fn, tie, args, n);
    return task;
}

tr_term tr_task_children_term(tr_term sup)
{
    return tr_call(sup, a_children);
}

tr_err tr_task_terminate_child_term(tr_term sup, tr_pid pid)
{
    return tr_match(tr_call_within(TR_INFINITY, sup, a_terminate, pid), a_ok) ? TR_OK
                                                                              : TR_ENOTFOUND;
}
