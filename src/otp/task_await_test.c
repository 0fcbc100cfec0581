/* SPDX-License-Identifier: MIT */
/* Tasks: how long one waits for them, for one or many, and how they are ended. */
#include "tasks.h"

tr_atoms(await, await_many);
tr_atom_as(a_task, "Elixir.Task");

/* --- await --- */

static tr_term sleeps(tr_term ms)
{
    int64_t n;

    CHECK(tr_match(ms, &n));
    tr_sleep(n);
    return ms;
}

TEST_PROC(await_returns_the_value)
{
    FACT("TASK-009", "await returns the task's value");
    tr_term value;

    CHECK_TERM(tr_await(tr_async(echo, tr_list("a", 2))), tr_build(tr_list("a", 2)));
    CHECK_TERM(tr_await(tr_async(sleeps, 20)), tr_build(20));
    CHECK_TERM(tr_await_within(TR_INFINITY, tr_async(sleeps, 5)), tr_build(5));
    CHECK_INT(tr_try_await(tr_async(echo, 3), &value), TR_OK);
    CHECK_TERM(value, tr_build(3));
    CHECK_MAILBOX(0);
}

/* Awaits a task that ends so, and passes the task on first. */
static void awaits(tr_term arg)
{
    tr_term reason;
    tr_pid boss;
    int64_t ms;
    int many;

    CHECK(tr_match(arg, &boss, &many, &ms, &reason));
    tr_trap_exit(true);
    struct tr_task task = ms < 100 ? tr_async(waits) : tr_async(leaves, reason);
    tr_send(boss, a_told, tr_task_term(task));
    if (many)
        tr_await_many_within(ms, (struct tr_task[]){ task }, 1, &reason);
    else
        tr_await_within(ms, task);
}

static tr_term told(void)
{
    tr_term what, kept = tr_nil();

    tr_receive (m)
        tr_on (m, a_told, &what)
            kept = tr_keep(what);
    return kept;
}

TEST_PROC(await_of_a_failed_task_ends_the_caller)
{
    FACT("TASK-010", "a task that ended without a reply makes await exit with {Reason, {Task, "
                     "await, [Task, Timeout]}}, also when Reason is normal");
    const tr_term reasons[] = { tr_build(a_normal), tr_build(a_boom, 1) };
    tr_term value;

    no_reports();
    for (int i = 0; i < 2; i++) {
        tr_term reason = end_of(awaits, tr_build(tr_self(), 0, 5000, reasons[i]));
        CHECK_TERM(reason, tr_build(reasons[i], tr_tuple(a_task, a_await, tr_list(told(), 5000))));
    }
    tr_trap_exit(true);
    CHECK_INT(tr_try_await(tr_async(leaves, a_boom), &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_boom));
}

TEST_PROC(late_task_ends_the_caller_of_await)
{
    FACT("TASK-011", "when the timeout expires await exits with {timeout, {Task, await, [Task, "
                     "Timeout]}}");
    tr_term value;

    tr_term reason = end_of(awaits, tr_build(tr_self(), 0, 10, a_normal));
    CHECK_TERM(reason, tr_build(a_timeout, tr_tuple(a_task, a_await, tr_list(told(), 10))));
    struct tr_task task = tr_async(obeys, tr_self());
    EXPECT(a_told, task.pid);
    CHECK_INT(tr_try_await_within(0, task, &value), TR_ETIMEOUT);
    CHECK(has_link(task.pid));
    tr_send(task.pid, a_answer, 1);
    wait_for_end(task.pid);
    CHECK_MAILBOX(0);
}

static struct tr_task foreign;

static void uses_foreign(tr_term how)
{
    struct tr_task_result result;
    tr_term value;
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_await(foreign);
    if (n == 1)
        tr_await_many(&foreign, 1, &value);
    CHECK_INT(tr_task_yield(foreign, 10, &value), TR_EINVAL);
    CHECK_INT(tr_task_yield_many(&foreign, 1, 10, TR_TASK_KILL, &result), TR_EINVAL);
    CHECK_INT(tr_task_shutdown(foreign, 10, &value), TR_EINVAL);
    CHECK_INT(tr_task_ignore(foreign, &value), TR_EINVAL);
    CHECK_INT(tr_try_await(foreign, &value), TR_EINVAL);
    CHECK_INT(tr_try_await_many(&foreign, 1, &value), TR_EINVAL);
}

TEST_PROC(only_the_owner_can_wait)
{
    FACT("TASK-012", "await, await_many, yield, yield_many, shutdown and ignore by a process that "
                     "is not the owner fail with an argument error, and the task is untouched");
    foreign = tr_async(obeys, tr_self());
    EXPECT(a_told, foreign.pid);
    CHECK_TERM(end_of(uses_foreign, tr_build(0)), tr_build(a_badarg, tr_task_term(foreign)));
    CHECK_TERM(end_of(uses_foreign, tr_build(1)), tr_build(a_badarg, tr_task_term(foreign)));
    CHECK_TERM(end_of(uses_foreign, tr_build(2)), tr_build(a_normal));
    tr_send(foreign.pid, a_answer, a_ok);
    CHECK_TERM(tr_await(foreign), tr_build(a_ok));
}

static void waits_badly(tr_term how)
{
    struct tr_task task = tr_task_completed(1);
    struct tr_task_result result;
    tr_term value;
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_await_within(-5, task);
    if (n == 1)
        tr_await_many_within(-5, &task, 1, &value);
    if (n == 2)
        tr_exit(tr_task_yield_many(&task, 1, -5, TR_TASK_LEAVE, &result));
    tr_exit(tr_task_shutdown(task, -5, &value));
}

TEST_PROC(negative_time_is_an_argument_error)
{
    struct tr_task task = tr_task_completed(1);
    struct tr_task_result result;

    for (int i = 0; i < 4; i++)
        CHECK_TERM(end_of(waits_badly, tr_build(i)), tr_build(a_badarg, -5));
    CHECK_INT(tr_task_yield_many(&task, 1, 5, (enum tr_task_late)3, &result), TR_EINVAL);
    CHECK_INT(tr_try_async(&task, NULL, 1), TR_EINVAL);
}

/* --- await_many --- */

TEST_PROC(await_many_keeps_the_order_of_the_tasks)
{
    FACT("TASK-014", "await_many returns the values in the order of the tasks; none at once");
    struct tr_task tasks[50];
    tr_term values[51];

    for (int i = 0; i < 50; i++)
        tasks[49 - i] = tr_async(sleeps, i % 7);
    tr_await_many(tasks, 50, values);
    for (int i = 0; i < 50; i++)
        CHECK_TERM(values[49 - i], tr_build(i % 7));
    tr_await_many_within(0, tasks, 0, values);
    CHECK_INT(tr_try_await_many(NULL, 0, values), TR_OK);
    struct tr_task twice[2] = { tr_async(echo, 5) };
    twice[1] = twice[0];
    tr_await_many(twice, 2, values);
    CHECK_TERM(values[1], values[0]);
    CHECK_MAILBOX(0);
}

TEST_PROC(await_many_shares_one_timeout)
{
    FACT("TASK-015", "await_many exits with {timeout, {Task, await_many, [Tasks, Timeout]}}; the "
                     "timeout is that of all tasks together");
    struct tr_task tasks[3];
    tr_term values[3];

    tr_term reason = end_of(awaits, tr_build(tr_self(), 1, 10, a_normal));
    CHECK_TERM(reason,
               tr_build(a_timeout, tr_tuple(a_task, a_await_many, tr_list(tr_list(told()), 10))));
    for (int i = 0; i < 3; i++)
        tasks[i] = tr_async(obeys, 0);
    CHECK_INT(tr_try_await_many_within(10, tasks, 3, values), TR_ETIMEOUT);
    CHECK_TERM(values[0], tr_build(a_timeout));
    for (int i = 0; i < 3; i++) {
        tr_send(tasks[i].pid, a_answer, i);
        wait_for_end(tasks[i].pid);
    }
    CHECK_MAILBOX(0);
}

TEST_PROC(await_many_ends_with_the_first_failure)
{
    struct tr_task tasks[3];
    tr_term values[3];

    no_reports();
    tr_term reason = end_of(awaits, tr_build(tr_self(), 1, 5000, a_boom));
    CHECK_TERM(reason,
               tr_build(a_boom, tr_tuple(a_task, a_await_many, tr_list(tr_list(told()), 5000))));
    tr_trap_exit(true);
    tasks[0] = tr_async(waits);
    tasks[1] = tr_async(leaves, a_boom, 2);
    tasks[2] = tr_async(echo, 3);
    wait_for_end(tasks[2].pid);
    CHECK_INT(tr_try_await_many(tasks, 3, values), TR_ECLOSED);
    CHECK_TERM(values[0], tr_build(a_boom, 2));
}

/* --- yield --- */

TEST_PROC(yield_tells_what_there_is)
{
    FACT("TASK-016", "yield gives {ok, V}, {exit, Reason}, or nil when neither came in time");
    FACT("TASK-017", "after nil the task runs on, and yield or await get the result");
    tr_term value;

    no_reports();
    struct tr_task task = tr_async(obeys, tr_self());
    CHECK_INT(tr_task_yield(task, 5, &value), TR_ETIMEOUT);
    CHECK_INT(tr_task_yield(task, 0, &value), TR_ETIMEOUT);
    tr_send(task.pid, a_answer, tr_list(1, 2));
    CHECK_INT(tr_task_yield(task, patience(5000), &value), TR_OK);
    CHECK_TERM(value, tr_build(tr_list(1, 2)));
    EXPECT(a_told, task.pid);
    task = tr_async(obeys, 0);
    CHECK_INT(tr_task_yield(task, 0, &value), TR_ETIMEOUT);
    tr_send(task.pid, a_answer, 5);
    CHECK_TERM(tr_await(task), tr_build(5));
    CHECK_WITHIN(patience(5000), tr_process_count() == 1); /* no normal exits of theirs below */
    tr_trap_exit(true);
    task = tr_async(leaves, a_boom, 1);
    CHECK_INT(tr_task_yield(task, TR_INFINITY, &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_boom, 1));
    EXPECT(a_EXIT, task.pid, tr_tuple(a_boom, 1));
    CHECK_MAILBOX(0);
}

TEST_PROC(yield_many_tells_of_each_task)
{
    FACT("TASK-019", "yield_many gives a result per task, in their order, nil for the unfinished");
    struct tr_task tasks[4];
    struct tr_task_result results[4];

    no_reports();
    tr_trap_exit(true);
    tasks[0] = tr_async(obeys, 0);
    tasks[1] = tr_async(leaves, a_boom);
    tasks[2] = tr_async(echo, 2);
    tasks[3] = tr_async(echo, 3);
    CHECK_TERM(tr_await(tasks[3]), tr_build(3));
    wait_for_end(tasks[1].pid);
    wait_for_end(tasks[2].pid);
    CHECK_INT(tr_task_yield_many(tasks, 3, 10, TR_TASK_LEAVE, results), TR_OK);
    CHECK_INT(results[0].err, TR_ETIMEOUT);
    CHECK_INT(results[0].value.w, 0);
    CHECK_INT(results[1].err, TR_ECLOSED);
    CHECK_TERM(results[1].value, tr_build(a_boom));
    CHECK_INT(results[2].err, TR_OK);
    CHECK_TERM(results[2].value, tr_build(2));
    tr_send(tasks[0].pid, a_answer, 0);
    CHECK_INT(tr_task_yield_many(tasks, 1, TR_INFINITY, TR_TASK_LEAVE, results), TR_OK);
    CHECK_TERM(results[0].value, tr_build(0));
}

TEST_PROC(yield_many_kills_or_ignores_the_late)
{
    FACT("TASK-020", "at the timeout yield_many kills the unfinished, or lets them run unlinked "
                     "with their results dropped, or leaves them as they are");
    struct tr_task tasks[2];
    struct tr_task_result results[2];

    tasks[0] = tr_async(waits);
    tasks[1] = tr_async(echo, 1);
    wait_for_end(tasks[1].pid);
    CHECK_INT(tr_task_yield_many(tasks, 2, 5, TR_TASK_KILL, results), TR_OK);
    CHECK_INT(results[0].err, TR_ETIMEOUT);
    CHECK_INT(results[1].err, TR_OK);
    CHECK(!tr_is_alive(tasks[0].pid));
    tasks[0] = tr_async(obeys, 0);
    CHECK_INT(tr_task_yield_many(tasks, 1, 5, TR_TASK_IGNORE, results), TR_OK);
    CHECK_INT(results[0].err, TR_ETIMEOUT);
    CHECK(tr_is_alive(tasks[0].pid));
    CHECK(!has_link(tasks[0].pid));
    tr_send(tasks[0].pid, a_answer, 1);
    wait_for_end(tasks[0].pid);
    CHECK_MAILBOX(0);
}

/* --- shutdown and ignore --- */

TEST_PROC(shutdown_asks_and_then_kills)
{
    FACT("TASK-021", "shutdown unlinks the task, sends shutdown and waits; nil if it ended so");
    FACT("TASK-022", "a task that does not end in time is killed: {exit, killed}");
    tr_term value = { 0 };

    struct tr_task task = tr_async(waits);
    CHECK_INT(tr_task_shutdown(task, 5000, &value), TR_ENOTFOUND);
    CHECK(!tr_is_alive(task.pid) && value.w == 0);
    task = tr_async(waits_and_traps, tr_self());
    EXPECT(a_told, a_trap);
    CHECK_INT(tr_task_shutdown(task, 10, &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_killed));
    task = tr_async(echo, 9);
    wait_for_end(task.pid);
    CHECK_INT(tr_task_shutdown(task, 5000, &value), TR_OK);
    CHECK_TERM(value, tr_build(9));
    CHECK_MAILBOX(0);
}

TEST_PROC(shutdown_by_kill_ends_at_once)
{
    FACT("TASK-023", "brutal_kill: nil when it ended with killed; {exit, shutdown} when it had "
                     "ended with shutdown");
    tr_term value = { 0 };

    no_reports();
    struct tr_task task = tr_async(waits_and_traps, tr_self());
    EXPECT(a_told, a_trap);
    CHECK_INT(tr_task_shutdown(task, TR_TASK_BRUTAL_KILL, &value), TR_ENOTFOUND);
    CHECK_MAILBOX(0);
    tr_trap_exit(true);
    task = tr_async(leaves, a_shutdown);
    wait_for_end(task.pid);
    CHECK_INT(tr_task_shutdown(task, TR_TASK_BRUTAL_KILL, &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_shutdown));
    task = tr_async(leaves, a_boom);
    wait_for_end(task.pid);
    CHECK_INT(tr_task_shutdown(task, 10, &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_boom));
}

TEST_PROC(ignored_task_is_never_heard_of_again)
{
    FACT("TASK-025",
         "ignore gives {ok, V}, {exit, Reason}, or nil; then the task runs on unlinked, "
         "and its reply, failure and 'DOWN' never arrive");
    tr_term value;

    no_reports();
    struct tr_task task = tr_async(obeys, tr_self());
    EXPECT(a_told, task.pid);
    CHECK_INT(tr_task_ignore(task, &value), TR_ENOTFOUND);
    CHECK(tr_is_alive(task.pid) && !has_link(task.pid));
    tr_exit_to(task.pid, a_boom);
    wait_for_end(task.pid);
    task = tr_async(echo, 4);
    wait_for_end(task.pid);
    CHECK_INT(tr_task_ignore(task, &value), TR_OK);
    CHECK_TERM(value, tr_build(4));
    CHECK_MAILBOX(0);
    tr_trap_exit(true);
    task = tr_async(leaves, a_boom);
    wait_for_end(task.pid);
    CHECK_INT(tr_task_ignore(task, &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_boom));
}
