/* SPDX-License-Identifier: MIT */
/* Tasks under a supervisor. */
#include "subject.h"

#include <stdlib.h>

tr_atoms(sup, max_children, once, again, parent);
tr_atom_as(a_callers, "$callers");
tr_atom_as(a_ancestors, "$ancestors");

static tr_pid start_sup_opt(const struct tr_task_supervisor_opts *opts)
{
    tr_pid pid;

    no_reports();
    CHECK(tr_match(tr_task_supervisor_start(opts), a_ok, &pid));
    return pid;
}

static tr_pid start_sup(void)
{
    return start_sup_opt(NULL);
}

static bool linked(tr_pid a, tr_pid b)
{
    tr_term list = info(a, tr_intern("links"));
    tr_term item;

    while (tr_list_next(&list, &item))
        if (item.w == b.w)
            return true;
    return false;
}

/* --- what tasks do --- */

static tr_term echo(tr_term arg)
{
    return arg;
}

static tr_term leaves(tr_term reason)
{
    tr_exit(reason);
}

/* Tells the process that is its argument of its start, and waits for an answer. */
static tr_term obeys(tr_term boss)
{
    tr_term value;
    tr_pid pid;

    if (tr_match(boss, &pid))
        tr_send(pid, a_told, tr_self());
    tr_receive (m) {
        tr_on (m, a_answer, &value)
            return tr_copy(value);
        tr_on (m, a_leave, &value)
            tr_exit(value);
    }
    return tr_nil();
}

static tr_term traps(tr_term boss)
{
    tr_trap_exit(true);
    tr_pid pid;
    if (tr_match(boss, &pid))
        tr_send(pid, a_told, tr_self());
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

static tr_pid told(void)
{
    tr_pid pid = { 0 };

    tr_receive (m) {
        tr_on (m, a_told, &pid) {
        }
        tr_after (m, patience(10000))
            FAIL("no task has started");
    }
    return pid;
}

static tr_term reason_of_end(tr_pid pid)
{
    return down_reason(tr_monitor(pid), a_DOWN);
}

/* --- the facts --- */

TEST_PROC(supervisor_starts_tasks_as_its_children)
{
    FACT("TASK-026", "async links task and caller and monitors it, async_nolink only monitors, "
                     "start_child does neither and returns {ok, Pid}");
    tr_pid sup = start_sup(), pid;

    struct tr_task task = tr_async_under(sup, obeys, tr_self());
    CHECK(told().w == task.pid.w);
    CHECK(linked(sup, task.pid) && linked(tr_self(), task.pid));
    CHECK_STR(task.site, "obeys");
    tr_send(task.pid, a_answer, tr_list(1, 2));
    CHECK_TERM(tr_await(task), tr_build(tr_list(1, 2)));

    task = tr_async_nolink(sup, obeys, tr_self());
    CHECK(told().w == task.pid.w);
    CHECK(linked(sup, task.pid) && !linked(tr_self(), task.pid));
    tr_send(task.pid, a_answer, 2);
    CHECK_TERM(tr_await(task), tr_build(2));

    CHECK(tr_match(tr_task_start_child(sup, obeys, tr_self()), a_ok, &pid));
    CHECK(told().w == pid.w);
    CHECK(linked(sup, pid) && !linked(tr_self(), pid));
    tr_send(pid, a_answer, 3);
    reason_of_end(pid);
    CHECK_MAILBOX(0);
}

TEST_PROC(children_are_listed_while_they_live)
{
    FACT("TASK-027", "the children can be listed; finished ones disappear");
    enum { N = 100 };
    tr_pid sup = start_sup(), pids[N];
    size_t n = 0;

    CHECK_TERM(tr_task_children(sup), tr_nil());
    for (int i = 0; i < N; i++)
        CHECK(tr_match(tr_task_start_child(sup, obeys), a_ok, &pids[i]));
    CHECK(tr_list_length(tr_task_children(sup), &n));
    CHECK_INT(n, N);
    for (int i = 1; i < N; i++) {
        tr_send(pids[i], a_answer, 1);
        reason_of_end(pids[i]);
    }
    CHECK_WITHIN(patience(10000), tr_equal(tr_task_children(sup), tr_build(tr_list(pids[0]))));
    CHECK_TERM(tr_sys_get_state(sup), tr_build(tr_list(pids[0])));
}

TEST_PROC(failure_without_a_link_is_a_result)
{
    FACT("TASK-028",
         "a task of async_nolink that fails does not end the caller: yield gives {exit, "
         "Reason}, and the caller gets the 'DOWN'");
    tr_pid sup = start_sup();
    tr_term value;

    struct tr_task task = tr_async_nolink(sup, leaves, a_boom, 1);
    CHECK_INT(tr_task_yield(task, patience(5000), &value), TR_ECLOSED);
    CHECK_TERM(value, tr_build(a_boom, 1));
    task = tr_async_nolink(sup, leaves, a_boom, 2);
    EXPECT(a_DOWN, task.ref, a_process, task.pid, tr_tuple(a_boom, 2));
    CHECK_TERM(tr_await(tr_async_nolink(sup, echo, "still here")), tr_build("still here"));
    CHECK_MAILBOX(0);
}

TEST_PROC(task_is_terminated_by_pid)
{
    FACT("TASK-029", "terminating a child by pid returns after it has ended; then it is not_found");
    tr_pid sup = start_sup(), pid;

    CHECK(tr_match(tr_task_start_child(sup, obeys, tr_self()), a_ok, &pid));
    told();
    tr_ref ref = tr_monitor(pid);
    CHECK_INT(tr_task_terminate_child(sup, pid), TR_OK);
    CHECK(!tr_is_alive(pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    CHECK_INT(tr_task_terminate_child(sup, pid), TR_ENOTFOUND);
    CHECK_TERM(tr_task_children(sup), tr_nil());
}

TEST_PROC(tasks_are_restarted_as_asked_for)
{
    FACT("TASK-006 TASK-030", "children are temporary unless they are started as permanent or "
                              "transient: then the function runs again under the usual rules");
    tr_pid sup = start_sup(), pid;

    CHECK(tr_match(tr_task_start_child(sup, obeys, tr_self()), a_ok, &pid));
    told();
    tr_send(pid, a_leave, a_boom);
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_task_children(sup)));

    CHECK(tr_match(
        tr_task_start_child_opt(sup, obeys, TR_TASK_OPTS(.restart = TR_TASK_TRANSIENT), tr_self()),
        a_ok, &pid));
    CHECK(told().w == pid.w);
    tr_send(pid, a_leave, a_boom);
    tr_pid second = told();
    CHECK(second.w != pid.w);
    CHECK_TERM(tr_task_children(sup), tr_build(tr_list(second)));
    tr_send(second, a_answer, 1);
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_task_children(sup)));

    CHECK(tr_match(
        tr_task_start_child_opt(sup, obeys, TR_TASK_OPTS(.restart = TR_TASK_PERMANENT), tr_self()),
        a_ok, &pid));
    CHECK(told().w == pid.w);
    tr_send(pid, a_answer, 1);
    CHECK(told().w != pid.w);
    CHECK_MAILBOX(0);
}

TEST_PROC(too_many_restarts_end_the_supervisor)
{
    tr_pid sup = start_sup_opt(TR_TASK_SUPERVISOR_OPTS(.max_restarts = 2));
    tr_pid other;
    tr_ref ref = tr_monitor(sup);

    CHECK(tr_match(tr_task_start_child(sup, obeys), a_ok, &other));
    tr_ref end = tr_monitor(other);
    tr_task_start_child_opt(sup, obeys, TR_TASK_OPTS(.restart = TR_TASK_PERMANENT), tr_self());
    for (int i = 0; i < 3; i++)
        tr_send(told(), a_leave, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    CHECK_TERM(down_reason(end, a_DOWN), tr_build(a_shutdown));
    CHECK_MAILBOX(0);
}

TEST_PROC(shutdown_option_says_how_a_task_is_ended)
{
    FACT("TASK-031",
         "brutal_kill gives killed; a time gives shutdown, and killed if it is exceeded");
    tr_pid sup = start_sup();
    tr_ref refs[3];
    tr_pid pids[3];

    CHECK(tr_match(tr_task_start_child_opt(sup, traps, TR_TASK_OPTS(.shutdown_ms = 10), tr_self()),
                   a_ok, &pids[0]));
    CHECK(tr_match(tr_task_start_child_opt(
                       sup, traps, TR_TASK_OPTS(.shutdown_ms = TR_TASK_BRUTAL_KILL), tr_self()),
                   a_ok, &pids[1]));
    CHECK(tr_match(
        tr_task_start_child_opt(sup, obeys, TR_TASK_OPTS(.shutdown_ms = TR_INFINITY), tr_self()),
        a_ok, &pids[2]));
    for (int i = 0; i < 3; i++) {
        told();
        refs[i] = tr_monitor(pids[i]);
    }
    tr_stop(sup, a_normal, TR_INFINITY);
    CHECK_TERM(down_reason(refs[0], a_DOWN), tr_build(a_killed));
    CHECK_TERM(down_reason(refs[1], a_DOWN), tr_build(a_killed));
    CHECK_TERM(down_reason(refs[2], a_DOWN), tr_build(a_shutdown));
}

static tr_term asks(tr_term unused)
{
    (void)unused;
    return tr_build(tr_get(tr_build(a_callers)), tr_get(tr_build(a_ancestors)));
}

TEST_PROC(ancestors_are_those_of_the_supervisor)
{
    FACT("TASK-032", "ancestors are the supervisor and its ancestors, callers those who asked");
    tr_pid sup = start_sup();
    tr_term self = tr_build(tr_list(tr_self()));

    CHECK_TERM(tr_await(tr_async_under(sup, asks)), tr_build(self, tr_list(sup, tr_self())));
}

/* --- what goes wrong --- */

static void asks_for_two(tr_term arg)
{
    tr_pid sup;

    CHECK(tr_match(arg, &sup));
    tr_async_nolink(sup, obeys);
    tr_async_nolink(sup, obeys);
}

TEST_PROC(limit_of_children_is_kept)
{
    tr_pid sup = start_sup_opt(TR_TASK_SUPERVISOR_OPTS(.max_children = 1, .name = a_sup));
    struct tr_task task = { .pid = { 0 } };
    tr_term reason;
    tr_ref ref;
    tr_pid pid;

    tr_spawn_monitor(asks_for_two, &ref, sup);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_max_children, sup));
    /* Its owner has ended, so the first one went on with its work; it never gets an answer. */
    CHECK(tr_match(tr_task_children(a_sup), tr_cons(&pid, tr_nil())));
    CHECK_TERM(tr_task_start_child(a_sup, obeys), tr_build(a_error, a_max_children));
    CHECK_INT(tr_try_async_under(&task, &reason, a_sup, echo, 1), TR_ELIMIT);
    CHECK_INT(task.pid.w, 0);
    CHECK_INT(tr_task_terminate_child(a_sup, pid), TR_OK);
    CHECK_INT(tr_try_async_nolink(&task, &reason, a_sup, echo, 1), TR_OK);
    CHECK_TERM(tr_await(task), tr_build(1));
}

static void uses_nobody(tr_term how)
{
    tr_term reason;
    struct tr_task task;
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_task_start_child(a_sup, echo);
    if (n == 1)
        tr_async_under(a_sup, echo);
    CHECK_INT(tr_try_async_under(&task, &reason, a_sup, echo), TR_ENOPROC);
    CHECK_TERM(reason, tr_build(a_noproc));
    tr_task_children(a_sup);
}

TEST_PROC(without_a_supervisor_the_caller_ends)
{
    tr_ref ref;

    for (int i = 0; i < 3; i++) {
        tr_spawn_monitor(uses_nobody, &ref, i);
        CHECK(tr_match(down_reason(ref, a_DOWN), a_noproc, tr_any()));
    }
}

static void options(tr_term how)
{
    int n;

    CHECK(tr_match(how, &n));
    if (n == 0)
        tr_task_start_child_opt(a_sup, echo, TR_TASK_OPTS(.shutdown_ms = -7));
    if (n == 1)
        tr_task_start_child_opt(a_sup, echo, TR_TASK_OPTS(.restart = (enum tr_task_restart)3));
    if (n == 2)
        tr_task_supervisor_start(TR_TASK_SUPERVISOR_OPTS(.max_restarts = -1));
    if (n == 3)
        tr_task_start_child(a_sup, NULL);
    tr_async_under(a_sup, NULL);
}

TEST_PROC(wrong_options_are_argument_errors)
{
    tr_ref ref;

    for (int i = 0; i < 5; i++) {
        tr_spawn_monitor(options, &ref, i);
        CHECK(tr_match(down_reason(ref, a_DOWN), tr_tuple(a_badarg, tr_any()), tr_any()));
    }
}

static void starts_supervisor(tr_term arg)
{
    tr_pid boss, sup;

    CHECK(tr_match(arg, &boss));
    CHECK(tr_match(tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_sup)), a_ok,
                   &sup));
    CHECK(linked(tr_self(), sup));
    CHECK_TERM(tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_sup)),
               tr_build(a_error, tr_tuple(tr_intern("already_started"), sup)));
    tr_task_start_child(a_sup, obeys, boss);
    tr_send(boss, a_told, sup);
    tr_exit(a_boom);
}

TEST_PROC(supervisor_ends_with_its_parent)
{
    no_reports();
    tr_spawn(starts_supervisor, tr_self());
    for (int i = 0; i < 2; i++) {
        tr_ref ref = tr_monitor(told());
        tr_term reason = down_reason(ref, a_DOWN);
        CHECK(tr_match(reason, a_boom) || tr_match(reason, a_shutdown) ||
              tr_match(reason, a_noproc));
    }
    CHECK(!tr_whereis(a_sup, NULL));
}
