/* SPDX-License-Identifier: MIT */
/* Tasks, agents and parallel loops, with each allocation in them failing in turn. */
#include "faults.h"

tr_atoms(ok);

static void no_reports(void)
{
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
}

static tr_term echo(tr_term arg)
{
    return tr_build(arg, "and more");
}

/* Waits for the end of a task that may have ended its owner's wait. */
FAULT_TEST(async_and_await)
{
    tr_term value;

    no_reports();
    tr_trap_exit(true);
    arm();
    return tr_try_await(tr_async(echo, "text", 1), &value) == TR_OK;
}

FAULT_TEST(try_async)
{
    struct tr_task task = { .pid = { 0 } };
    int64_t before = tr_process_count();
    tr_term value;

    no_reports();
    arm();
    tr_err err = tr_try_async(&task, echo, tr_list(1, "two"));
    if (err) {
        CHECK_INT(err, TR_ENOMEM);
        CHECK(task.pid.w == 0 && task.ref.w == 0);
        CHECK_INT(tr_process_count(), before);
        return false;
    }
    tr_trap_exit(true);
    return tr_try_await(task, &value) == TR_OK;
}

FAULT_TEST(await_of_many)
{
    struct tr_task tasks[3];
    tr_term values[3];

    no_reports();
    tr_trap_exit(true);
    arm();
    for (int i = 0; i < 3; i++)
        tasks[i] = tr_async(echo, i);
    return tr_try_await_many(tasks, 3, values) == TR_OK;
}

FAULT_TEST(shutdown_of_a_task)
{
    tr_term value;

    no_reports();
    struct tr_task task = tr_async(echo, 1);
    arm();
    tr_err err = tr_task_shutdown(task, 1000, &value);
    return err == TR_OK || err == TR_ENOTFOUND;
}

static tr_term initial(tr_term arg)
{
    return arg;
}

static tr_term push(tr_term state, tr_term item)
{
    return tr_list_push(state, item);
}

FAULT_TEST(an_agent)
{
    tr_term result;
    tr_pid pid;

    no_reports();
    arm();
    if (!tr_match(tr_agent_start(initial, NULL, tr_list(1)), a_ok, &pid))
        return false;
    tr_agent_cast(pid, push, "a text that is no immediate");
    tr_err err = tr_try_agent_update(pid, &result, push, 3);
    tr_exit_to(pid, a_kill);
    return err == TR_OK;
}

static void increment(size_t i, void *numbers)
{
    ((int *)numbers)[i]++;
}

FAULT_TEST(a_parallel_loop)
{
    int numbers[100] = { 0 };
    tr_term reason;

    no_reports();
    arm();
    tr_err err = tr_try_parallel_for(100, increment, numbers, &reason);
    for (int i = 0; i < 100 && !err; i++)
        CHECK_INT(numbers[i], 1);
    return err == TR_OK;
}

FAULT_TEST(a_parallel_map_of_a_list)
{
    tr_term list = tr_build(tr_list(1, 2, "three"));
    tr_term result;

    no_reports();
    arm();
    return tr_try_parallel_map_list(echo, list, &result) == TR_OK;
}

FAULT_TEST(a_stream)
{
    struct tr_iter iter = tr_iter_range(1, 20);
    int n = 0;

    no_reports();
    arm();
    tr_async_stream (r, echo, &iter, .nolink = true)
        n += r.err == TR_OK;
    return n == 20;
}

FAULT_TEST(a_supervised_task)
{
    tr_term value;
    tr_pid sup;

    no_reports();
    arm();
    if (!tr_match(tr_task_supervisor_start_link(NULL), a_ok, &sup))
        return false;
    struct tr_task task;
    tr_err err = tr_try_async_nolink(&task, &value, sup, echo, "text");
    if (!err)
        err = tr_task_yield(task, TR_INFINITY, &value);
    tr_stop(sup, a_normal, TR_INFINITY);
    return err == TR_OK;
}
