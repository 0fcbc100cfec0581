/* SPDX-License-Identifier: MIT */
/* Servers: starting them, requests, results. */
#include "subject.h"

#include <stdio.h>
#include <unistd.h>

static tr_term start(tr_term arg)
{
    return tr_gen_server_start(&subject, NULL, arg);
}

static tr_pid start_with(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(start(arg), a_ok, &pid));
    return pid;
}

/* --- starting and init --- */

TEST_PROC(start_returns_when_init_has_returned)
{
    FACT("GS-001", "start, start_link and start_monitor return after init with {ok, Pid}, or "
                   "{ok, {Pid, Ref}}");
    tr_pid pid;
    tr_ref ref;

    int64_t before = tr_monotonic_ms();
    CHECK(tr_match(tr_gen_server_start(&subject, NULL, a_sleep, 20), a_ok, &pid));
    CHECK(tr_monotonic_ms() - before >= 20);
    CHECK(tr_is_alive(pid));
    CHECK(tr_match(tr_gen_server_start_link(&subject, NULL), a_ok, &pid));
    CHECK_TERM(info(pid, tr_intern("links")), tr_build(tr_list(tr_self())));
    tr_unlink(pid);
    CHECK(tr_match(tr_gen_server_start_monitor(&subject, NULL), a_ok, tr_tuple(&pid, &ref)));
    tr_exit_to(pid, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
}

TEST_PROC(init_may_refuse_to_start)
{
    FACT("GS-002", "ignore and {stop, Reason} end the process, and terminate does not run");
    FACT("GS-003", "{error, Reason} is the result of start, and the process ends with normal");

    CHECK_TERM(start(tr_build(a_ignore)), tr_build(a_ignore));
    CHECK_TERM(start(tr_build(a_stop, a_why)), tr_build(a_error, a_why));
    tr_trap_exit(true);
    CHECK_TERM(tr_gen_server_start_link(&subject, NULL, a_ignore), tr_build(a_ignore));
    CHECK_TERM(tr_gen_server_start_link(&subject, NULL, a_error, a_why), tr_build(a_error, a_why));
    tr_trap_exit(false);
    CHECK_TERM(tr_gen_server_start_link(&subject, NULL, a_error, a_why), tr_build(a_error, a_why));
    CHECK_TERM(tr_gen_server_start_monitor(&subject, NULL, a_stop, a_why),
               tr_build(a_error, a_why));
    CHECK_WITHIN(10000, tr_process_count() == 1);
    CHECK_MAILBOX(0);
}

TEST_PROC(init_that_fails_or_returns_nonsense_is_an_error)
{
    FACT("GS-004", "a failing init gives {error, {Error, Stack}}, an exit {error, Reason}, an "
                   "unknown value {error, {bad_return_value, V}}");

    CHECK_TERM(start(tr_build(a_raise, a_why)), tr_build(a_error, tr_tuple(a_why, tr_nil())));
    CHECK_TERM(start(tr_build(a_leave, a_why)), tr_build(a_error, a_why));
    CHECK_TERM(start(tr_build(a_bad)),
               tr_build(a_error, tr_tuple(a_bad_return_value, tr_tuple(a_reply, 7))));
    CHECK_MAILBOX(0);
}

TEST_PROC(init_may_ask_for_more)
{
    FACT("GS-005", "init may add a timeout, hibernate, or a continuation");

    start_with(tr_build(a_timeout, 5));
    EXPECT(a_info, a_timeout);
    tr_pid pid = start_with(tr_build(a_hibernate));
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    start_with(tr_build(a_continue, a_rest));
    EXPECT(a_went_on, a_rest);
    CHECK_MAILBOX(0);
}

TEST_PROC(init_that_takes_too_long_is_killed)
{
    FACT("GS-006", "start with a timeout returns {error, timeout}, and the process is killed");

    CHECK_TERM(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.timeout_ms = 10), a_sleep, 60000),
               tr_build(a_error, a_timeout));
    CHECK_WITHIN(10000, tr_process_count() == 1);
}

TEST_PROC(name_can_be_taken_once)
{
    FACT("GS-007", "a taken name gives {error, {already_started, Pid}}, and init does not run");
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.name = a_boss)), a_ok, &pid));
    CHECK_TERM(tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.name = a_boss), a_raise, 1),
               tr_build(a_error, tr_tuple(tr_intern("already_started"), pid)));
    CHECK_TERM(tr_call(a_boss, a_echo, "by name"), tr_build("by name"));
}

TEST_PROC(spawn_options_apply_to_the_server)
{
    FACT("GS-008", "spawn options such as the priority may be given at start");
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(
                       &subject, TR_GEN_SERVER_OPTS(.spawn = { .priority = TR_PRIORITY_HIGH })),
                   a_ok, &pid));
    CHECK_TERM(info(pid, tr_intern("priority")), tr_build(tr_intern("high")));
}

static void starts_nonsense(tr_term arg)
{
    static const struct tr_gen_server nameless = { .init = subject_init };
    int64_t which = 0;

    tr_match(arg, &which);
    if (which == 0)
        tr_gen_server_start(NULL, NULL);
    if (which == 1)
        tr_gen_server_start(&nameless, NULL);
    if (which == 2)
        tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.spawn = { .name = a_boss }));
    tr_gen_server_start(&subject, TR_GEN_SERVER_OPTS(.spawn = { .link = true }));
}

TEST_PROC(tables_and_options_that_make_no_sense_are_refused)
{
    static const struct tr_gen_server empty = { .name = "empty" };
    tr_ref ref;

    CHECK_TERM(
        tr_gen_server_start(&empty, NULL),
        tr_build(a_error, tr_tuple(a_undef, tr_list(tr_tuple(tr_intern("empty"), a_init, 1)))));
    for (int i = 0; i < 4; i++) {
        tr_spawn_monitor(starts_nonsense, &ref, i);
        CHECK_TERM(down_reason(ref, a_DOWN),
                   tr_build(a_badarg, i < 2 ? a_undef : tr_intern("badopt")));
    }
}

/* --- casts and other messages --- */

TEST_PROC(casts_never_fail)
{
    FACT("GS-019", "cast returns at once for dead pids, unknown names and nodes too");
    FACT("GS-025", "abcast casts to a name on several nodes and ignores those that do not exist");
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_gen_server_start_monitor(&subject, TR_GEN_SERVER_OPTS(.name = a_boss)), a_ok,
                   tr_tuple(&pid, &ref)));
    tr_abcast(tr_build(tr_list(tr_intern("nonode@nohost"), tr_intern("no@where"))), a_boss, a_tell,
              1);
    EXPECT(a_told, 1);
    tr_cast(tr_build(a_boss, tr_intern("nonode@nohost")), a_tell, 2);
    EXPECT(a_told, 2);
    tr_cast(a_boss, a_stop, a_normal);
    down_reason(ref, a_DOWN);
    EXPECT(a_terminate, a_normal);
    tr_cast(pid, a_tell, 1);
    tr_cast(a_boss, a_tell, 1);
    tr_cast(tr_build(a_boss, tr_intern("no@where")), a_tell, 1);
    CHECK_MAILBOX(0);
}

TEST_PROC(requests_of_all_kinds_are_handled_in_order)
{
    FACT("GS-020", "handle_cast goes on with noreply, and ends the server with stop");
    FACT("GS-021", "every other message goes to handle_info");
    FACT("GS-022", "calls, casts and plain messages of one client are handled in order");
    tr_pid pid = start_with(tr_build(a_trap));
    tr_pid other = tr_spawn(returning_child);
    tr_ref ref = tr_monitor(pid);

    tr_cast(pid, a_tell, 1);
    tr_send(pid, 2, "plain");
    CHECK_TERM(tr_call(pid, a_echo, 3), tr_build(3));
    CHECK_MAILBOX(2);
    EXPECT(a_told, 1);
    EXPECT(a_info, tr_tuple(2, "plain"));
    tr_send(pid, a_EXIT, other, a_boom);
    EXPECT(a_info, tr_tuple(a_EXIT, other, a_boom));
    tr_exit_to(pid, a_normal);
    EXPECT(a_info, tr_tuple(a_EXIT, tr_self(), a_normal));
    tr_cast(pid, a_stop, a_shutdown, a_reply);
    CHECK(tr_match(down_reason(ref, a_DOWN), a_bad_return_value, tr_any()));
}

/* Takes the next report, which must have these parts; a part may be NULL. */
static void expect_report(const char *first, const char *second, const char *third)
{
    const char *parts[] = { first, second, third };
    const char *text;

    tr_receive (m) {
        tr_on (m, a_why, &text)
            for (int i = 0; i < 3; i++)
                if (parts[i] && !strstr(text, parts[i]))
                    check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", parts[i], text);
        tr_after (m, patience(10000))
            FAIL("no report came");
    }
}

TEST_PROC_REAL(message_that_nobody_handles_is_reported_and_dropped)
{
    FACT("GS-023", "a message without a handle_info is logged as a warning and ignored");
    tr_pid pid;

    reporting("");
    CHECK(tr_match(tr_gen_server_start(&bare, NULL), a_ok, &pid));
    tr_send(pid, "stray", 1);
    expect_report("=WARNING REPORT====\n", "handle_info in: bare\n", "{<<\"stray\">>,1}");
    CHECK(tr_is_alive(pid));
}

TEST_PROC_REAL(request_without_a_callback_ends_the_server)
{
    FACT("GS-024", "a request with no handle_call or handle_cast ends the server with a reason "
                   "that names the callback; the caller exits with it");
    tr_term why = tr_build(a_undef, tr_list(tr_tuple(tr_intern("bare"), a_handle_call, 3)));
    tr_pid pid;
    tr_ref ref;

    reporting("");
    CHECK(tr_match(tr_gen_server_start(&bare, NULL), a_ok, &pid));
    CHECK_TERM(end_of_caller(tr_build(pid), 5000, tr_build(a_echo)),
               call_failed(why, tr_build(pid), tr_build(a_echo), tr_build(5000)));
    CHECK(tr_match(tr_gen_server_start_monitor(&bare, NULL), a_ok, tr_tuple(&pid, &ref)));
    tr_cast(pid, a_echo);
    CHECK_TERM(down_reason(ref, a_DOWN),
               tr_build(a_undef, tr_list(tr_tuple(tr_intern("bare"), a_handle_cast, 2))));
    CHECK(tr_match(tr_gen_server_start_monitor(&subject, NULL), a_ok, tr_tuple(&pid, &ref)));
    tr_cast(pid, "what");
    CHECK_TERM(
        down_reason(ref, a_DOWN),
        tr_build(a_function_clause, tr_list(tr_tuple(a_subject, a_handle_cast, tr_list("what")))));
}

/* --- timeouts, continuations, hibernation --- */

TEST_PROC(timeout_comes_unless_a_message_does)
{
    FACT("GS-027", "handle_info gets timeout if no message comes in that time; a message cancels "
                   "it, and it is not armed again");
    tr_pid pid = start_subject();

    CHECK_TERM(tr_call(pid, a_timeout, 1), tr_build(a_ok));
    EXPECT(a_info, a_timeout);
    CHECK_TERM(tr_call(pid, a_timeout, 30), tr_build(a_ok));
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    tr_sleep(60);
    CHECK_MAILBOX(0);
    tr_cast(pid, a_timeout, 1);
    EXPECT(a_info, a_timeout);
}

TEST_PROC(timeout_of_zero_lets_waiting_messages_go_first)
{
    FACT("GS-028", "a timeout of 0 does not jump the queue");
    tr_pid pid = start_subject();

    tr_sys_suspend(pid);
    tr_cast(pid, a_timeout, 0);
    tr_cast(pid, a_tell, 1);
    tr_sys_resume(pid);
    EXPECT(a_told, 1);
    tr_cast(pid, a_timeout, 0);
    EXPECT(a_info, a_timeout);
    tr_call(pid, a_echo, 1);
    CHECK_MAILBOX(0);
}

TEST_PROC(continuation_runs_before_the_next_message)
{
    FACT("GS-029", "continue runs handle_continue before any message, those that came during "
                   "init included");
    tr_pid pid = start_subject();

    tr_sys_suspend(pid);
    tr_cast(pid, a_continue, 3);
    tr_cast(pid, a_tell, 1);
    tr_sys_resume(pid);
    for (int i = 3; i >= 0; i--) {
        tr_receive (m)
            tr_on (m, a_went_on, i) {
            }
    }
    EXPECT(a_told, 1);
    CHECK_TERM(tr_call(pid, a_continue, a_rest), tr_build(a_ok, 1));
    tr_receive (m)
        tr_on (m, tr_any(), a_rest) {
        }
}

static bool has_no_stack(tr_pid pid)
{
    return tr_match(info(pid, tr_intern("stack_size")), 0);
}

TEST_PROC(idle_server_has_no_stack)
{
    FACT("GS-030", "a server that hibernates handles the next message as usual");
    FACT("GS-031", "a server hibernates by itself when it has no message");
    tr_pid pid = start_subject();

    CHECK_WITHIN(10000, has_no_stack(pid));
    CHECK_TERM(tr_call(pid, a_hibernate), tr_build(a_ok));
    CHECK_WITHIN(10000, has_no_stack(pid));
    CHECK_TERM(tr_call(pid, a_timeout, 600000), tr_build(a_ok));
    CHECK_WITHIN(10000, has_no_stack(pid));
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
}

/* --- becoming a server --- */

/* The argument: the name to be claimed, and whether it is registered first. */
static void becomes(tr_term arg)
{
    struct subject s = { .n = 42, .boss = tr_parent() };
    struct tr_gen_server_opts opts = { .name = { 0 } };
    int takes = 0;

    tr_match(arg, &opts.name, &takes);
    if (takes)
        CHECK_INT(tr_register(opts.name, tr_self()), TR_OK);
    tr_init_ack(tr_self());
    tr_gen_server_enter_loop(&subject, &s, &opts);
}

TEST_PROC(process_becomes_a_server)
{
    FACT("GS-049", "a started process can enter the loop with a state and a name that it holds");
    FACT("GS-050", "a name held by another process ends it with process_not_registered");
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_start(becomes, NULL), &pid));
    CHECK_TERM(tr_sys_get_state(pid), tr_build(a_subject, 42));
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    CHECK(tr_match(tr_start(becomes, NULL, a_boss, 1), &pid));
    CHECK_TERM(tr_call(a_boss, a_echo, 2), tr_build(2));
    CHECK(tr_match(tr_start_monitor(becomes, &ref, NULL, a_boss, 0), &pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_intern("process_not_registered")));
    CHECK(tr_match(tr_start_monitor(becomes, &ref, NULL, a_worker, 0), &pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(tr_intern("process_not_registered")));
}

/* --- what an idle server costs --- */

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

TEST_PROC_REAL(idle_server_costs_its_control_block_and_its_state)
{
    CHECK_NO_EMULATOR();
    static const struct tr_gen_server small = { .name = "small",
                                                .state_size = 16,
                                                .init = bare_init };
    int64_t servers = check_env("TR_SERVERS", 50000);

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    SKIP("a sanitizer's memory is its own");
#endif
    int64_t before = resident_bytes();
    for (int i = 0; i < servers; i++)
        tr_scope
        {
            tr_gen_server_start(&small, NULL);
        }
    CHECK_INT(tr_process_count(), servers + 1);
    CHECK((resident_bytes() - before) / servers <= 560);
}
