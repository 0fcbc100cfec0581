/* SPDX-License-Identifier: MIT */
/*
 * Tasks: starting them, and what they do.
 *
 * One spawn does it all: link, monitor and alias are made with the process, so a failure leaves
 * nothing behind, and the task knows by tr_parent_monitor through what its result goes. Once the
 * owner has ended that monitor, nothing can arrive any more.
 */
#include "otp/task.h"

tr_atoms(c, mfa, owner, pid, ref, nil, badarg, tr_task_completed);
tr_atom_as(a_struct, "__struct__");
tr_atom_as(a_module, "Elixir.Task");
tr_atom_as(a_callers, "$callers");

/* --- in the task --- */

void tr__task_enter(tr_term callers)
{
    tr_put(tr_build(a_callers), callers);
    tr_report_exits();
}

static void run(tr_term start)
{
    uint64_t fn;
    tr_term arg;

    if (!tr_match(start, &fn, &arg))
        tr_error(a_badarg, start);
    tr_report_exits();
    tr_term value = ((tr_task_fn)(uintptr_t)fn)(arg);
    tr_ref ref = tr_parent_monitor();
    if (ref.w)
        tr_send(ref, ref, value);
}

/* --- in the process that starts it --- */

tr_term tr__task_callers(void)
{
    if (!tr_in_process())
        return tr_nil();
    tr_term own = tr_get(tr_build(a_callers));
    return tr_list_push(own.w ? own : tr_nil(), tr_build(tr_self()));
}

/* What a task is started with. */
struct plan {
    tr_task_fn fn;
    const char *site;
    const struct tr_arg *args;
    int n;
};

/* With `err` the outcome goes there; without it a failure ends the caller as in tr_spawn. */
static tr_pid spawn(const struct plan *plan, const struct tr_spawn_opts *opts, tr_err *err)
{
    tr_process_fn body = plan->fn ? run : NULL;
    const struct tr_arg start[] = { TR_ARG((uint64_t)(uintptr_t)plan->fn),
                                    tr_message_arg(plan->args, plan->n) };
    tr_pid pid = { 0 };

    if (err)
        *err = tr_try_spawn_args(&pid, body, opts, plan->site, start, 2);
    else
        pid = tr_spawn_args(body, opts, plan->site, start, 2);
    return pid;
}

static struct tr_task async(const struct plan *plan, tr_err *err)
{
    struct tr_task task = { .owner = tr_self(), .site = plan->site };
    const struct tr_spawn_opts opts = { .link = true,
                                        .lineage = true,
                                        .callers = true,
                                        .monitor = &task.ref,
                                        .monitor_alias = TR_ALIAS_DEMONITOR };

    task.pid = spawn(plan, &opts, err);
    return task;
}

struct tr_task tr_async_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n)
{
    return async(&(const struct plan){ fn, site, args, n }, NULL);
}

tr_err tr_try_async_args(struct tr_task *task, tr_task_fn fn, const char *site,
                         const struct tr_arg *args, int n)
{
    tr_err err = TR_OK;
    struct tr_task started = async(&(const struct plan){ fn, site, args, n }, &err);

    if (!err)
        *task = started;
    return err;
}

tr_pid tr_task_start_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n)
{
    static const struct tr_spawn_opts alone = { .lineage = true, .callers = true };

    return spawn(&(const struct plan){ fn, site, args, n }, &alone, NULL);
}

tr_pid tr_task_start_link_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n)
{
    static const struct tr_spawn_opts link = { .link = true, .lineage = true, .callers = true };

    return spawn(&(const struct plan){ fn, site, args, n }, &link, NULL);
}

struct tr_task tr_task_completed_args(const struct tr_arg *args, int n)
{
    struct tr_task task = { .owner = tr_self(), .site = TR__SITE(tr_task_completed) };

    task.ref = tr_make_ref();
    tr_send(tr_self(), task.ref, tr_message_arg(args, n));
    return task;
}

/* --- the task as a term --- */

tr_term tr_task_term(struct tr_task task)
{
    tr_term pid = task.pid.w ? tr_build(task.pid) : tr_build(a_nil);
    tr_term call = tr_build(a_c, tr_intern(task.site), 1);

    return tr_build(
        tr_map(a_struct, a_module, a_owner, task.owner, a_pid, pid, a_ref, task.ref, a_mfa, call));
}

bool tr__task_is_mine(struct tr_task task)
{
    return task.owner.w == tr_self().w;
}

void tr__task_check_owner(struct tr_task task)
{
    if (!tr__task_is_mine(task))
        tr_exit(a_badarg, tr_task_term(task));
}
