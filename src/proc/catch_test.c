/* SPDX-License-Identifier: MIT */
/* tr_catch: what it catches, what it leaves behind, and what it does not catch. */
#include "check_proc.h"

tr_atoms(boom, go, done, DOWN, process, negative, nocatch, timeout_value);

static void returns(void *arg)
{
    *(int *)arg = 7;
}

static void exits(void *unused)
{
    (void)unused;
    tr_exit(a_boom, tr_list(1, "two"));
}

static void throws(void *unused)
{
    (void)unused;
    tr_throw(a_boom);
}

static void errs(void *unused)
{
    (void)unused;
    tr_error(a_boom);
}

static void misuses(void *unused)
{
    (void)unused;
    tr_sleep(-1);
}

TEST_PROC(function_that_returns_is_not_caught)
{
    tr_term reason = { 0 };
    int n = 0;

    CHECK(!tr_catch(returns, &n, &reason));
    CHECK(n == 7 && reason.w == 0);
}

TEST_PROC(each_way_to_end_oneself_is_caught)
{
    tr_term reason;

    CHECK(tr_catch(exits, NULL, &reason));
    CHECK_TERM(reason, tr_build(a_boom, tr_list(1, "two")));
    CHECK(tr_catch(errs, NULL, &reason));
    CHECK_TERM(reason, tr_build(a_boom, tr_nil()));
    CHECK(tr_catch(throws, NULL, &reason));
    CHECK_TERM(reason, tr_build(tr_tuple(a_nocatch, a_boom), tr_nil()));
    CHECK(tr_catch(misuses, NULL, &reason));
    CHECK_TERM(reason, tr_build(a_timeout_value));
}

static void exits_in_clauses(void *unused)
{
    tr_term outer, inner;

    (void)unused;
    tr_receive (m) {
        tr_on (m, a_go, &outer) {
            tr_receive (k)
                tr_on (k, a_done, &inner)
                    tr_exit(outer, inner);
        }
    }
}

TEST_PROC(open_clauses_are_closed_and_the_reason_outlives_them)
{
    tr_term reason, text;

    for (int i = 0; i < 3; i++) {
        tr_send(tr_self(), a_go, tr_list("a text", i));
        tr_send(tr_self(), a_done, tr_list("another", i));
        tr_send(tr_self(), a_boom, i, "kept");
        tr_receive (m) {
            tr_on (m, a_boom, i, &text) {
                CHECK(tr_catch(exits_in_clauses, NULL, &reason));
                CHECK_TERM(reason, tr_build(tr_list("a text", i), tr_list("another", i)));
                CHECK_TERM(text, tr_build("kept"));
            }
        }
        CHECK_INT(tr_mailbox_length(), 0);
    }
}

static void catches_and_exits(void *unused)
{
    tr_term reason;

    (void)unused;
    CHECK(tr_catch(exits, NULL, &reason));
    tr_exit(a_done);
}

TEST_PROC(catches_nest)
{
    tr_term reason;

    CHECK(tr_catch(catches_and_exits, NULL, &reason));
    CHECK_TERM(reason, tr_build(a_done));
}

static void waits(void *unused)
{
    (void)unused;
    tr_send(tr_parent(), a_go);
    tr_sleep(TR_INFINITY);
}

static void waits_in_catch(tr_term unused)
{
    tr_term reason;

    (void)unused;
    CHECK(!tr_catch(waits, NULL, &reason));
    tr_sleep(TR_INFINITY);
}

static void exit_not_caught_at_the_end(void *pid)
{
    tr_send(*(tr_pid *)pid, a_done);
    tr_exit(a_negative);
}

static void exits_with_cleanup(tr_term arg)
{
    tr_pid *boss = tr_alloc(sizeof *boss);
    tr_term reason;

    CHECK(tr_match(arg, boss));
    tr_defer(exit_not_caught_at_the_end, boss);
    CHECK(tr_catch(exits, NULL, &reason));
    tr_exit(reason);
}

TEST_PROC(exit_signals_and_clean_up_are_not_caught)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(waits_in_catch, &ref);

    tr_receive (m)
        tr_on (m, a_go)
            tr_exit_to(pid, a_boom);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, pid, a_boom) {
        }
    tr_spawn_monitor(exits_with_cleanup, &ref, tr_self());
    tr_receive (m)
        tr_on (m, a_done) {
        }
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(), tr_tuple(a_boom, tr_list(1, "two"))) {
        }
}

static void ends_after_hibernation(tr_term unused)
{
    (void)unused;
    tr_exit(a_boom);
}

static void hibernates(void *unused)
{
    (void)unused;
    tr_send(tr_self(), a_go);
    tr_hibernate(ends_after_hibernation);
}

static void hibernates_in_catch(tr_term unused)
{
    tr_term reason;

    (void)unused;
    CHECK(!tr_catch(hibernates, NULL, &reason));
    CHECK(false);
}

TEST_PROC(hibernation_ends_a_catch)
{
    tr_ref ref;

    tr_spawn_monitor(hibernates_in_catch, &ref);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, tr_any(), a_boom) {
        }
}
