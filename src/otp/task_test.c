/* SPDX-License-Identifier: MIT */
/* Tasks: what they are, what they send, and what their failure does. */
#include "tasks.h"

tr_atoms(mfa, owner, pid, ref, nil, tr_task_completed);
tr_atom_as(a_struct, "__struct__");
tr_atom_as(a_task, "Elixir.Task");
tr_atom_as(a_callers, "$callers");
tr_atom_as(a_ancestors, "$ancestors");
tr_atom_as(a_c, "c");

/* --- starting --- */

TEST_PROC(task_knows_what_it_is)
{
    FACT("TASK-001", "async starts a process linked to and watched by the caller; the task holds "
                     "pid, reference, owner and what is run");
    struct tr_task task = tr_async(obeys, tr_self());

    CHECK(task.owner.w == tr_self().w);
    CHECK_STR(task.site, "obeys");
    EXPECT(a_told, task.pid);
    CHECK(has_link(task.pid));
    CHECK_TERM(info(tr_self(), tr_intern("monitors")),
               tr_build(tr_list(tr_tuple(a_process, task.pid))));
    CHECK_TERM(tr_task_term(task),
               tr_build(tr_map(a_struct, a_task, a_owner, tr_self(), a_pid, task.pid, a_ref,
                               task.ref, a_mfa, tr_tuple(a_c, tr_intern("obeys"), 1))));
    tr_send(task.pid, a_answer, 1);
    CHECK_TERM(tr_await(task), tr_build(1));
    CHECK_MAILBOX(0);
}

TEST_PROC(task_sends_its_result_and_then_its_end)
{
    FACT("TASK-002", "the owner receives {Ref, V} and then {'DOWN', Ref, process, Pid, normal}");
    struct tr_task task = tr_async(echo, "text", 1);
    tr_term first = { 0 };

    wait_for_end(task.pid);
    tr_receive (m)
        tr_on (m, &first)
            first = tr_keep(first);
    CHECK_TERM(first, tr_build(task.ref, tr_tuple("text", 1)));
    EXPECT(a_DOWN, task.ref, a_process, task.pid, a_normal);
    CHECK_MAILBOX(0);
}

static tr_term tells_links(tr_term boss)
{
    tr_pid pid;

    CHECK(tr_match(boss, &pid));
    tr_send(pid, a_told, tr_self(), has_link(pid));
    return tr_build(a_ok);
}

TEST_PROC(start_sends_no_result)
{
    FACT("TASK-003", "start runs a function in a new process, start_link in a linked one; neither "
                     "sends a reply");
    const bool no = false;
    tr_pid alone = tr_task_start(tells_links, tr_self());
    EXPECT(a_told, alone, no);
    wait_for_end(alone);
    tr_pid linked = tr_task_start_link(obeys, tr_self());
    EXPECT(a_told, linked);
    CHECK(has_link(linked));
    tr_send(linked, a_answer, 1);
    wait_for_end(linked);
    CHECK_MAILBOX(0);
}

TEST_PROC(completed_task_has_its_result)
{
    FACT("TASK-004", "completed makes a task that is finished: no process, await returns V");
    FACT("TASK-024", "shutdown of a completed task gives its pending result, or nil");
    struct tr_task task = tr_task_completed(1, "two");
    tr_term value;

    CHECK_INT(task.pid.w, 0);
    CHECK_TERM(tr_await(task), tr_build(1, "two"));
    CHECK_INT(tr_task_shutdown(task, 10, &value), TR_ENOTFOUND);
    task = tr_task_completed(7);
    CHECK_INT(tr_task_shutdown(task, TR_TASK_BRUTAL_KILL, &value), TR_OK);
    CHECK_TERM(value, tr_build(7));
    task = tr_task_completed();
    CHECK_INT(tr_task_ignore(task, &value), TR_OK);
    CHECK_TERM(value, tr_nil());
    CHECK_TERM(tr_task_term(task),
               tr_build(tr_map(a_struct, a_task, a_owner, tr_self(), a_pid, a_nil, a_ref, task.ref,
                               a_mfa, tr_tuple(a_c, a_tr_task_completed, 1))));
    CHECK_MAILBOX(0);
}

static tr_term callers(tr_term depth)
{
    int n;

    CHECK(tr_match(depth, &n));
    if (n == 0)
        return tr_build(tr_get(tr_build(a_callers)), tr_get(tr_build(a_ancestors)));
    tr_term inner = tr_await(tr_async(callers, n - 1));
    return tr_build(inner, tr_self());
}

TEST_PROC(task_knows_its_callers)
{
    FACT("TASK-005", "a task knows its callers, nearest first; nesting extends the list");
    tr_pid middle;
    tr_term inner_callers, ancestors;

    CHECK(tr_match(tr_await(tr_async(callers, 1)), tr_tuple(&inner_callers, &ancestors), &middle));
    CHECK_TERM(inner_callers, tr_build(tr_list(middle, tr_self())));
    CHECK_TERM(ancestors, inner_callers);
}

static tr_term gives_callers(tr_term unused)
{
    (void)unused;
    return tr_get(tr_build(a_callers));
}

/* All tasks of a process have one list in common, which is not that of another one. */
TEST_PROC(callers_of_later_tasks_are_those_of_that_moment)
{
    CHECK_TERM(tr_await(tr_async(gives_callers)), tr_build(tr_list(tr_self())));
    tr_put(tr_build(a_callers), tr_build(tr_list(a_owner)));
    for (int i = 0; i < 2; i++)
        CHECK_TERM(tr_await(tr_async(gives_callers)), tr_build(tr_list(tr_self(), a_owner)));
    CHECK_TERM(tr_get(tr_build(a_callers)), tr_build(tr_list(a_owner)));
    tr_erase(tr_build(a_callers));
    CHECK_TERM(tr_await(tr_async(gives_callers)), tr_build(tr_list(tr_self())));
    CHECK(!tr_get(tr_build(a_callers)).w);
}

static tr_term changes_its_callers(tr_term unused)
{
    (void)unused;
    tr_term before = tr_put(tr_build(a_callers), tr_build(tr_list(a_nil)));
    tr_term after = tr_get(tr_build(a_callers));
    tr_erase(tr_build(a_callers));
    return tr_build(before, after, tr_get_keys_of(after));
}

TEST_PROC(task_may_change_its_callers_without_changing_those_of_others)
{
    tr_term own = tr_build(tr_list(tr_self()));
    struct tr_task other = tr_async(obeys, tr_self());

    CHECK_TERM(tr_await(tr_async(changes_its_callers)), tr_build(own, tr_list(a_nil), tr_list()));
    CHECK_TERM(tr_await(tr_async(gives_callers)), own);
    EXPECT(a_told, other.pid);
    tr_send(other.pid, a_answer, 1);
    tr_await(other);
}

static void owns(tr_term arg)
{
    tr_term what;
    int traps;

    CHECK(tr_match(arg, &traps, &what));
    tr_trap_exit(traps);
    struct tr_task task = tr_async(leaves, what);
    wait_for_end(task.pid);
    tr_exit(a_ok);
}

TEST_PROC(failing_task_ends_its_owner)
{
    FACT("TASK-007", "an abnormal end of a task ends the linked owner unless it traps exits");
    no_reports();
    CHECK_TERM(end_of(owns, tr_build(0, a_boom)), tr_build(a_boom));
    CHECK_TERM(end_of(owns, tr_build(1, a_boom)), tr_build(a_ok));
    CHECK_TERM(end_of(owns, tr_build(0, a_normal)), tr_build(a_ok));
}

/* --- reports --- */

TEST_PROC(failing_task_is_reported_once)
{
    FACT("TASK-008", "a failing task logs one error naming task, starter, function and reason; "
                     "normal, shutdown and {shutdown, _} log nothing");
    const tr_term quiet[] = { tr_build(a_normal), tr_build(a_shutdown), tr_build(a_shutdown, 1) };
    const tr_term loud[] = { tr_build("no luck", 1), tr_build(a_boom) };
    char line[100];

    reporting("");
    for (int i = 0; i < 3; i++)
        wait_for_end(tr_task_start(leaves, quiet[i]));
    tr_pid killed_one = tr_task_start(waits);
    tr_exit_to(killed_one, a_boom);
    wait_for_end(killed_one);
    CHECK(tr_log_flush(TR_INFINITY));
    CHECK_MAILBOX(0);
    for (int i = 0; i < 2; i++) {
        const char *text = NULL;
        tr_pid pid = i ? tr_task_start(leaves, loud[i]) : tr_task_start(fails, loud[i]);
        wait_for_end(pid);
        tr_receive (m) {
            tr_on (m, a_why, &text) {
                snprintf(line, sizeof line, "pid: %s\n", tr_inspect(tr_build(pid)));
                CHECK(strstr(text, line));
                snprintf(line, sizeof line, "ancestors: %s\n",
                         tr_inspect(tr_build(tr_list(tr_self()))));
                CHECK(strstr(text, line));
                CHECK(strstr(text, i ? "initial call: c:leaves/1" : "initial call: c:fails/1"));
                CHECK(strstr(text, i ? "reason: boom" : "reason: {{<<\"no luck\">>,1},[]}"));
            }
        }
    }
    CHECK(tr_log_flush(TR_INFINITY));
    CHECK_MAILBOX(0);
}
