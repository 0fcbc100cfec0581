/* SPDX-License-Identifier: MIT */
/* The synchronous stop, and system messages. */
#include "children.h"

tr_atoms(noproc, get_state, unknown_system_msg, mine);

static void other_reason(void *arg)
{
    (void)arg;
    tr_exit(a_other);
}

/* Serves a request to stop, but ends with another reason. */
static void stubborn(tr_term arg)
{
    tr_term from;

    (void)arg;
    tr_init_ack(tr_self());
    tr_receive (m)
        tr_on (m, a_system, &from, tr_any()) {
            tr_reply(from, a_ok);
            other_reason(NULL);
        }
}

/* Ends with its argument when it is asked to stop, without an answer. */
static void curt(tr_term arg)
{
    tr_init_ack(tr_self());
    tr_receive (m)
        tr_on (m, a_system, tr_any(), tr_any())
            tr_exit(arg);
}

static tr_pid start_server(void)
{
    tr_pid pid;

    CHECK_STARTED(tr_start(good_child, NULL, 7, "x"), &pid);
    return pid;
}

TEST_PROC(stop_returns_when_the_process_has_ended)
{
    FACT("PROC-038", "stopping returns ok once the process has ended with the reason given");
    tr_pid pid = start_server();
    tr_ref ref = tr_monitor(pid);

    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK(!tr_is_alive(pid));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));

    pid = start_server();
    ref = tr_monitor(pid);
    tr_stop(pid, tr_tuple(a_shutdown, "enough"), patience(5000));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown, "enough"));

    pid = start_server();
    CHECK_INT(tr_register(a_worker, pid), TR_OK);
    tr_stop(a_worker, a_shutdown, patience(5000));
    CHECK(!tr_whereis(a_worker, NULL));
    CHECK_MAILBOX(0);
}

TEST_PROC(stop_ends_the_caller_with_the_other_reason)
{
    FACT("PROC-038", "a caller whose process ends with another reason than the one given ends "
                     "with that other reason");
    tr_pid pid;

    CHECK(tr_match(tr_start(stubborn, NULL), &pid));
    CHECK_TERM(end_of_stopper(tr_build(pid), TR_INFINITY), tr_build(a_other));
    CHECK(tr_match(tr_start(curt, NULL, a_shutdown, 1), &pid));
    CHECK_TERM(end_of_stopper(tr_build(pid), TR_INFINITY), tr_build(a_shutdown, 1));
    CHECK(tr_match(tr_start(curt, NULL, a_normal), &pid));
    CHECK_TERM(end_of_stopper(tr_build(pid), TR_INFINITY), tr_build(a_normal));
    pid = tr_spawn(silent_child);
    CHECK_TERM(end_of_stopper(tr_build(pid), 10), tr_build(a_timeout));
    CHECK(tr_is_alive(pid));
}

TEST_PROC(stop_of_nobody_ends_the_caller_with_noproc)
{
    FACT("PROC-039", "stopping a process or a name that does not exist ends the caller with "
                     "noproc");
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(returning_child, &ref);

    down_reason(ref, a_DOWN);
    CHECK_TERM(end_of_stopper(tr_build(pid), TR_INFINITY), tr_build(a_noproc));
    CHECK_TERM(end_of_stopper(tr_build(a_worker), 1000), tr_build(a_noproc));
    CHECK_TERM(end_of_stopper(tr_build(a_worker, tr_intern("nonode@nohost")), 1000),
               tr_build(a_noproc));
}

TEST_PROC(try_stop_says_what_happened)
{
    tr_term ended = tr_nil();
    tr_ref ref;
    tr_pid dead = tr_spawn_monitor(returning_child, &ref);
    tr_pid pid;

    down_reason(ref, a_DOWN);
    CHECK_INT(tr_try_stop(start_server(), NULL, a_normal, patience(5000)), TR_OK);
    CHECK_INT(tr_try_stop(dead, NULL, a_noproc, 1000), TR_ENOPROC);
    CHECK_INT(tr_try_stop(a_worker, NULL, a_normal, 1000), TR_ENOPROC);
    CHECK_INT(tr_try_stop(tr_self(), NULL, a_normal, 1000), TR_EINVAL);
    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
    CHECK_INT(tr_try_stop(a_boss, NULL, a_normal, 1000), TR_EINVAL);
    CHECK(tr_match(tr_start(stubborn, NULL), &pid));
    CHECK_INT(tr_try_stop(pid, &ended, a_normal, patience(5000)), TR_ECLOSED);
    CHECK_TERM(ended, tr_build(a_other));
    CHECK_INT(tr_try_stop(start_server(), NULL, a_noproc, INT64_MAX), TR_OK);
    CHECK_MAILBOX(0);
}

static void answers_late(tr_term arg)
{
    tr_term from, request;

    (void)arg;
    tr_init_ack(tr_self());
    tr_receive (m)
        tr_on (m, a_system, &from, &request) {
            tr_sleep(30);
            tr_handle_system(from, request);
        }
}

TEST_PROC(answer_after_the_time_of_a_stop_never_arrives)
{
    tr_pid pid;
    tr_ref ref;

    CHECK(tr_match(tr_start_monitor(answers_late, &ref, NULL), &pid));
    CHECK_INT(tr_try_stop(pid, NULL, a_normal, 1), TR_ETIMEOUT);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
    CHECK_MAILBOX(0);
    CHECK_INT(tr_try_stop(tr_spawn(silent_child), NULL, a_normal, 0), TR_ETIMEOUT);
}

TEST_PROC(unknown_system_message_is_answered)
{
    tr_pid pid = start_server();
    tr_ref tag = tr_make_ref();
    tr_ref alias = tr_alias();

    tr_send(pid, a_system, tr_tuple(tr_self(), tag), a_get_state);
    tr_receive (m)
        tr_on (m, tag, tr_tuple(a_error, tr_tuple(a_unknown_system_msg, a_get_state))) {
        }
    tr_reply(tr_build(tr_self(), tr_cons(tr_cons(tr_intern("alias"), alias), a_mine)), 1, 2);
    tr_receive (m)
        tr_on (m, tr_any(), tr_tuple(1, 2)) {
        }
    CHECK(tr_unalias(alias));
    tr_reply(tr_build(tr_self(), tr_cons(tr_intern("alias"), alias)), a_ok);
    CHECK_MAILBOX(0);
    CHECK(tr_is_alive(pid));
}
