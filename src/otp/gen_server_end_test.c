/* SPDX-License-Identifier: MIT */
/* Servers: how they stop and fail. */
#include "subject.h"

/* Starts the subject with that argument, watched. */
static tr_ref watched(tr_pid *pid, tr_term arg)
{
    tr_ref ref;

    CHECK(tr_match(tr_gen_server_start_monitor(&subject, NULL, arg), a_ok, tr_tuple(pid, &ref)));
    return ref;
}

TEST_PROC(stop_returns_when_the_server_has_ended)
{
    FACT("GS-033", "stop ends the server with normal; when it returns the name is free");
    FACT("GS-034", "stop with a reason runs terminate with it, and the server ends with it");
    tr_pid pid;
    tr_ref ref = watched(&pid, tr_nil());

    CHECK_INT(tr_register(a_worker, pid), TR_OK);
    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(pid) && !tr_whereis(a_worker, NULL));
    EXPECT(a_terminate, a_normal);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
    ref = watched(&pid, tr_nil());
    tr_stop(pid, tr_tuple(a_shutdown, 1), patience(5000));
    EXPECT(a_terminate, tr_tuple(a_shutdown, 1));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown, 1));
}

static void stops(tr_term arg)
{
    tr_stop(arg, a_normal, 1000);
}

static tr_gen_result stops_itself(void *state, tr_term request, tr_term from)
{
    (void)state;
    (void)request;
    (void)from;
    return tr_gen_reply(tr_try_stop(tr_self(), NULL, a_normal, 1000));
}

TEST_PROC(stop_of_nobody_or_of_oneself_fails)
{
    FACT("GS-035", "stop of a dead or unknown server exits with noproc");
    FACT("GS-036", "stop of itself fails, and the server goes on");
    static const struct tr_gen_server selfish = { .name = "selfish",
                                                  .init = bare_init,
                                                  .handle_call = stops_itself };
    tr_pid pid;
    tr_ref ref;

    tr_spawn_monitor(stops, &ref, a_worker);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_noproc));
    CHECK(tr_match(tr_gen_server_start(&selfish, NULL), a_ok, &pid));
    CHECK_TERM(tr_call(pid, 1), tr_build(TR_EINVAL));
    CHECK(tr_is_alive(pid));
}

TEST_PROC(failure_ends_the_server_after_terminate)
{
    FACT("GS-037", "an error ends the server with {Error, Stack}, an exit with its reason; "
                   "terminate runs with the same reason");
    FACT("GS-038", "terminate runs for stops, failures and bad values");
    const tr_term requests[] = { tr_build(a_raise, 1), tr_build(a_leave, a_why), tr_build(a_bad),
                                 tr_build(a_stop, a_why) };
    const tr_term reasons[] = { tr_build(1, tr_nil()), tr_build(a_why),
                                tr_build(a_bad_return_value, tr_tuple(a_reply, 1)),
                                tr_build(a_why) };
    tr_pid pid;

    for (int i = 0; i < 4; i++) {
        tr_ref ref = watched(&pid, tr_nil());
        tr_cast(pid, requests[i]);
        EXPECT(a_terminate, reasons[i]);
        CHECK_TERM(down_reason(ref, a_DOWN), reasons[i]);
    }
    CHECK_MAILBOX(0);
}

TEST_PROC(bad_result_of_each_callback_ends_the_server)
{
    tr_pid pid;
    tr_ref ref = watched(&pid, tr_nil());

    CHECK_TERM(end_of_caller(tr_build(pid), 1000, tr_build(a_bad)),
               call_failed(tr_build(a_bad_return_value, a_ok), tr_build(pid), tr_build(a_bad),
                           tr_build(1000)));
    down_reason(ref, a_DOWN);
    ref = watched(&pid, tr_nil());
    tr_cast(pid, a_timeout, -1);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_bad_return_value, a_noreply));
    ref = watched(&pid, tr_nil());
    tr_send(pid, a_stop, 1, 2);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_bad_return_value, tr_tuple(a_stop, 1, 2)));
}

static void parent_of_trapping(tr_term arg)
{
    tr_pid boss, pid;
    tr_term reason;

    CHECK(tr_match(arg, &boss, &reason));
    CHECK(tr_match(tr_gen_server_start_link(&subject, NULL, a_trap), a_ok, &pid));
    tr_send(boss, a_worker, pid);
    tr_receive (m)
        tr_on (m, a_leave)
            tr_exit(reason);
}

/* The reason with which a trapping server ends whose parent ends with `reason`. */
static tr_term end_by_parent(tr_term reason, bool suspended)
{
    tr_pid parent = tr_spawn(parent_of_trapping, tr_self(), reason);
    tr_pid pid = { 0 };

    tr_receive (m)
        tr_on (m, a_worker, &pid) {
        }
    tr_ref ref = tr_monitor(pid);
    if (suspended)
        tr_sys_suspend(pid);
    tr_send(parent, a_leave);
    return down_reason(ref, a_DOWN);
}

TEST_PROC(end_of_the_parent_ends_a_trapping_server)
{
    FACT("GS-039", "a server that traps exits runs terminate and ends with the reason of its "
                   "parent, also normal");
    FACT("SYS-005", "a suspended process still ends with its parent");

    CHECK_TERM(end_by_parent(tr_build(a_normal), false), tr_build(a_normal));
    CHECK_TERM(end_by_parent(tr_build(a_boom), false), tr_build(a_boom));
    CHECK_TERM(end_by_parent(tr_build(a_boom), true), tr_build(a_boom));
}

TEST_PROC(server_without_a_link_has_no_parent_to_follow)
{
    FACT("GS-043", "without a link 'EXIT' messages of any process go to handle_info");
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&subject, NULL, a_trap), a_ok, &pid));
    tr_exit_to(pid, a_boom);
    EXPECT(a_info, tr_tuple(a_EXIT, tr_self(), a_boom));
    CHECK(tr_is_alive(pid));
}

TEST_PROC(other_exit_signals_run_no_terminate)
{
    tr_pid pid;
    tr_ref ref = watched(&pid, tr_nil());

    tr_exit_to(pid, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_MAILBOX(0);
}

TEST_PROC(terminate_is_optional)
{
    FACT("GS-040", "without a terminate callback the server just ends");
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_gen_server_start_monitor(&bare, NULL), a_ok, tr_tuple(&pid, &ref)));
    tr_stop(pid, a_shutdown, TR_INFINITY);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
}

TEST_PROC(exit_reason_of_a_stop_is_seen_by_all)
{
    FACT("GS-042", "{shutdown, T} is the reason for links, monitors and waiting callers");
    tr_term why = tr_build(a_shutdown, "enough");
    tr_pid pid;

    tr_trap_exit(true);
    CHECK(tr_match(tr_gen_server_start_link(&subject, NULL), a_ok, &pid));
    tr_ref ref = tr_monitor(pid);
    CHECK_TERM(end_of_caller(tr_build(pid), 1000, tr_build(a_stop, why)),
               call_failed(why, tr_build(pid), tr_build(a_stop, why), tr_build(1000)));
    CHECK_TERM(down_reason(ref, a_DOWN), why);
    EXPECT(a_EXIT, pid, why);
}

/* --- reports --- */

TEST_PROC_REAL(abnormal_end_is_reported)
{
    FACT("GS-041", "normal, shutdown and {shutdown, T} report nothing; any other reason one error "
                   "with name, last message, state and reason, and a crash report");
    const tr_term quiet[] = { tr_build(a_normal), tr_build(a_shutdown), tr_build(a_shutdown, 1) };
    const char *text;
    tr_pid pid;
    tr_ref ref;

    reporting("");
    for (int i = 0; i < 3; i++) {
        ref = watched(&pid, tr_nil());
        tr_cast(pid, a_stop, quiet[i]);
        down_reason(ref, a_DOWN);
        EXPECT(a_terminate, quiet[i]);
    }
    CHECK_MAILBOX(0);
    ref = watched(&pid, tr_nil());
    CHECK_INT(tr_register(a_worker, pid), TR_OK);
    tr_cast(pid, a_raise, a_boom);
    down_reason(ref, a_DOWN);
    tr_receive (m)
        tr_on (m, a_why, &text)
            CHECK(strstr(text, "=CRASH REPORT===="));
    tr_receive (m)
        tr_on (m, a_why, &text)
            CHECK_STR(text, "=ERROR REPORT====\n"
                            "** Generic server terminating: worker\n"
                            "** Last message in was: {'$gen_cast',{raise,boom}}\n"
                            "** When server state was: {subject,0}\n"
                            "** Reason for termination was: {boom,[]}");
}

static tr_gen_result secret_init(void *state, tr_term arg)
{
    (void)arg;
    strcpy(state, "secret");
    return tr_gen_ok();
}

static tr_term hide(const void *state, tr_term status)
{
    CHECK_STR((const char *)state, "secret");
    return tr_map_put(status, tr_build(tr_intern("state")), tr_build("hidden"));
}

TEST_PROC_REAL(format_status_decides_what_is_shown)
{
    FACT("GS-044 SYS-009", "a formatter is used for the status and for the report");
    static const struct tr_gen_server secret = {
        .name = "secret", .state_size = 8, .init = secret_init, .format_status = hide
    };
    const char *text;
    tr_pid pid;

    reporting("");
    CHECK(tr_match(tr_gen_server_start(&secret, NULL), a_ok, &pid));
    CHECK(strstr(tr_inspect(tr_sys_get_status(pid)), "hidden"));
    CHECK_TERM(tr_sys_get_state(pid), tr_binary("secret\0", 8));
    tr_cast(pid, 1);
    tr_receive (m)
        tr_on (m, a_why, &text)
            CHECK(strstr(text, "=CRASH REPORT===="));
    tr_receive (m)
        tr_on (m, a_why, &text)
            CHECK(strstr(text, "hidden") && !strstr(text, "secret\""));
}
