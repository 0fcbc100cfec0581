/* SPDX-License-Identifier: MIT */
/* Starting processes, and the ways in which they end by themselves. */

#include "conformance/puppet.h"

#include <stdatomic.h>
#include <stdlib.h>

tr_atoms(spawn_reply, ok, error, badopt, oops, nocatch, hello, gone, taken, deep, parent, child,
         system_limit);

static atomic_bool released;

static void wait_for_release(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    while (!atomic_load(&released))
        tr_yield();
    tr_send(to, a_done, tr_self());
}

TEST_PROC(spawn_returns_before_the_child_has_run)
{
    FACT("PROC-001", "spawn gives the pid at once and does not wait for the child");
    for (int i = 0; i < check_rounds(1000); i++) {
        atomic_store(&released, false);
        tr_pid pid = tr_spawn(wait_for_release, tr_self());
        /* Only a caller that has the pid already lets the child go on. */
        atomic_store(&released, true);
        CHECK_NEXT(a_done, pid);
    }
}

static void return_at_once(tr_term arg)
{
    (void)arg;
}

TEST_PROC(process_that_returns_ends_normally)
{
    FACT("PROC-002", "a process whose function returns ends with reason normal");
    for (int i = 0; i < check_rounds(1000); i++)
        CHECK_ENDS(tr_build(a_normal), return_at_once);
}

/* A list of 10,000 tuples that ends in 1,000 nested ones. */
static tr_term large_term(void)
{
    tr_term nest = tr_build(a_deep);
    tr_term list = tr_nil();

    for (int i = 0; i < 1000; i++)
        nest = tr_build(i, nest,
                        "some text that is longer than the sixty-four bytes which are "
                        "copied rather than counted");
    for (int i = 0; i < 10000; i++)
        list = tr_list_push(list, tr_build(i, (double)i, tr_map(a_deep, i)));
    return tr_list_push(list, nest);
}

static void exit_with_large_term(tr_term arg)
{
    tr_pid parent;

    CHECK(tr_match(arg, &parent));
    tr_receive (m)
        tr_on (m, a_go) {
        }
    tr_exit(large_term());
}

static void report_down(tr_term arg)
{
    tr_pid pid, to;
    tr_term reason;

    CHECK(tr_match(arg, &to, &pid));
    tr_ref ref = tr_monitor(pid);
    tr_send(to, a_ready);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, a_process, pid, &reason)
            tr_send(to, a_DOWN, tr_equal(reason, large_term()));
}

TEST_PROC(exit_reason_reaches_everyone_whole)
{
    FACT("PROC-003 LM-030", "exit(Reason) ends the caller with that very reason, however large; "
                            "all links and monitors see an equal term");
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(10); i++) {
        tr_pid pid = tr_spawn_link(exit_with_large_term, tr_self());
        tr_ref ref = tr_monitor(pid);
        for (int w = 0; w < 5; w++) {
            tr_spawn(report_down, tr_self(), pid);
            CHECK_NEXT(a_ready);
        }
        tr_send(pid, a_go);
        tr_scope
        {
            tr_term link_reason = EXIT_REASON(pid), down_reason = DOWN_REASON(ref);
            CHECK_TERM(link_reason, large_term());
            CHECK_TERM(down_reason, large_term());
            tr_release(link_reason);
            tr_release(down_reason);
        }
        for (int w = 0; w < 5; w++) {
            bool same = true;
            CHECK_NEXT(a_DOWN, same);
        }
    }
}

static void raise_error(tr_term arg)
{
    tr_error(a_oops, arg);
}

static void raise_throw(tr_term arg)
{
    tr_throw(arg);
}

static void raise_exit(tr_term arg)
{
    tr_exit(arg);
}

TEST_PROC(error_throw_and_exit_give_their_reasons)
{
    FACT("PROC-004", "an error gives {Error, Stack}, a throw {{nocatch, V}, Stack}, an exit the "
                     "plain reason");
    CHECK_ENDS(tr_build(tr_tuple(a_oops, 5), tr_list()), raise_error, 5);
    CHECK_ENDS(tr_build(tr_tuple(a_nocatch, tr_tuple(a_oops, 5)), tr_list()), raise_throw, a_oops,
               5);
    CHECK_ENDS(tr_build(a_oops, 5), raise_exit, a_oops, 5);
    CHECK_ENDS(tr_build("text"), raise_exit, "text");
    CHECK_ENDS(tr_nil(), raise_exit);
}

static void exit_with_arg(tr_term arg)
{
    tr_exit(a_gone, arg);
}

TEST_PROC(spawn_link_never_misses_an_early_death)
{
    FACT("PROC-005", "spawn_link starts and links as one step: a trapping parent always gets the "
                     "child's own reason, never noproc");
    tr_trap_exit(true);
    for (int i = 0; i < check_rounds(20000); i++) {
        tr_pid pid = tr_spawn_link(exit_with_arg, i);
        if (i % 3 == 0)
            tr_yield();
        CHECK_NEXT(a_EXIT, pid, tr_tuple(a_gone, i));
    }
}

TEST_PROC(spawn_monitor_never_misses_an_early_death)
{
    FACT("PROC-006", "spawn_monitor starts and watches as one step: a 'DOWN' with the child's own "
                     "reason always comes, never noproc");
    for (int i = 0; i < check_rounds(20000); i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(exit_with_arg, &ref, i);
        if (i % 3 == 0)
            tr_yield();
        CHECK_NEXT(a_DOWN, ref, a_process, pid, tr_tuple(a_gone, i));
    }
}

static void spawn_bad_priority(tr_term arg)
{
    (void)arg;
    tr_spawn_opt(idle, (&(struct tr_spawn_opts){ .priority = (enum tr_priority)99 }));
}

static void spawn_no_function(tr_term arg)
{
    (void)arg;
    tr_spawn(NULL);
}

TEST_PROC(spawn_with_bad_options_starts_nothing)
{
    FACT("PROC-007", "options out of range make spawn fail with badarg, and nothing is started");
    struct tr_spawn_opts priority = { .priority = (enum tr_priority)99 };
    struct tr_spawn_opts stack = { .stack_size = SIZE_MAX };
    struct tr_spawn_opts name = { .name = a_undefined };
    int64_t before = tr_process_count();
    tr_pid pid = { 7 };

    CHECK_INT(tr_try_spawn(&pid, idle, &priority), TR_EINVAL);
    CHECK_INT(tr_try_spawn(&pid, idle, &stack), TR_EINVAL);
    CHECK_INT(tr_try_spawn(&pid, idle, &name), TR_EINVAL);
    CHECK_INT(tr_try_spawn(&pid, NULL, NULL), TR_EINVAL);
    CHECK_INT(pid.w, 7);
    CHECK_INT(tr_process_count(), before);
    CHECK_BADARG(spawn_bad_priority);
    CHECK_BADARG(spawn_no_function);
    CHECK_WITHIN(patience(5000), tr_process_count() == before);
}

static void report_self(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_hello, tr_self());
}

TEST_PROC(spawn_request_answers_by_message)
{
    FACT("PROC-008", "an asynchronous spawn gives a request id at once and {spawn_reply, Id, ok, "
                     "Pid} later; a bad option gives {spawn_reply, Id, error, badopt}");
    struct tr_spawn_opts bad = { .priority = (enum tr_priority)99 };
    tr_pid pid = { 0 };

    tr_ref id = tr_spawn_request(report_self, NULL, tr_self());
    tr_receive (m) {
        tr_on (m, a_spawn_reply, id, a_ok, &pid) {
        }
        tr_after (m, patience(10000))
            CHECK(false);
    }
    CHECK_NEXT(a_hello, pid);
    id = tr_spawn_request(report_self, &bad, tr_self());
    CHECK_NEXT(a_spawn_reply, id, a_error, a_badopt);
}

static void spawn_one_more(tr_term arg)
{
    (void)arg;
    tr_spawn(idle);
}

static void body_with_limit(tr_term args)
{
    struct tr_spawn_opts watched = { .link = true };
    tr_pid pids[1024], pid = { 7 };
    int n = 0;
    tr_err err;

    (void)args;
    while (!(err = tr_try_spawn(&pids[n], puppet, &watched)))
        n++;
    CHECK_INT(err, TR_ELIMIT);
    CHECK(n > 900 && n <= 1000);
    CHECK_INT(tr_try_spawn(&pid, puppet, NULL), TR_ELIMIT);
    CHECK_INT(pid.w, 7);
    for (int i = 0; i < n; i++)
        CHECK_TERM(ORDER(pids[i], tr_copy, i), tr_build(i));

    /* One place is left, so the process that asks for another one takes it and fails. */
    end(pids[0]);
    tr_ref ref;
    while (tr_try_spawn(&pid, spawn_one_more, &(struct tr_spawn_opts){ .monitor = &ref }))
        tr_yield();
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_system_limit));
    CHECK_WITHIN(patience(5000), tr_try_spawn(&pid, puppet, NULL) == TR_OK);
    CHECK_TERM(ORDER(pid, tr_copy, 1), tr_build(1));
}

TEST(spawn_fails_at_the_limit_and_harms_nobody)
{
    FACT("PROC-009", "at the limit of processes spawn fails with system_limit; those that exist "
                     "are unaffected");
    check_pause = check_pause_process;
    /* One scheduler: others may keep a few free places for themselves. */
    setenv("TROUPE_SCHEDULERS", "1", 1);
    tr_set_process_limit(1000);
    CHECK_INT(tr_main(0, NULL, body_with_limit), 0);
}

static int compare_pids(const void *a, const void *b)
{
    uint64_t x = ((const tr_pid *)a)->w, y = ((const tr_pid *)b)->w;

    return (x > y) - (x < y);
}

enum { NLIVE = 5000 }; /* below what the thread sanitizer can follow */

TEST_PROC(pids_are_equal_to_themselves_and_to_nothing_else)
{
    FACT("PROC-010", "a pid equals itself in every process and differs from all others; it stays "
                     "a good identifier when its process has gone");
    tr_pid *pids = tr_alloc(NLIVE * sizeof *pids);
    tr_pid first = dead_pid();

    for (int i = 0; i < NLIVE; i++)
        pids[i] = tr_spawn(puppet);
    for (int i = 0; i < NLIVE; i += 100)
        CHECK_TERM(ORDER(pids[i], tr_copy, pids[i]), tr_build(pids[i]));
    tr_send(tr_self(), tr_self());
    CHECK_NEXT(tr_self());
    qsort(pids, NLIVE, sizeof *pids, compare_pids);
    for (int i = 1; i < NLIVE; i++)
        CHECK(pids[i - 1].w != pids[i].w);

    for (int64_t i = check_rounds(100000) / check_env("TEST_TIMEOUT", 1); i > 0; i--) {
        tr_pid later = tr_spawn(return_at_once);
        CHECK(later.w != first.w);
    }
    CHECK(!tr_is_alive(first));
    tr_send(first, a_hello);
    tr_exit_to(first, a_kill);
    tr_ref ref = tr_monitor(first);
    CHECK_NEXT(a_DOWN, ref, a_process, first, a_noproc);
}

static tr_term order_parent(tr_term arg)
{
    (void)arg;
    return tr_build(tr_parent());
}

static void be_parent(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_child, tr_spawn(puppet));
}

TEST_PROC(parent_is_known_and_outlives_its_death)
{
    FACT("PROC-011", "a process knows the pid that spawned it, also when that has ended; the first "
                     "process has none");
    tr_ref ref;
    tr_pid parent = tr_spawn_monitor(be_parent, &ref, tr_self()), child = { 0 };

    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
    tr_receive (m)
        tr_on (m, a_child, &child) {
        }
    CHECK_TERM(ORDER(child, order_parent), tr_build(parent));
    CHECK_INFO(child, a_parent, parent);
    CHECK_INT(tr_parent().w, 0);
    CHECK_INFO(tr_self(), a_parent, a_undefined);
}

TEST_PROC(spawn_with_a_taken_name_starts_nothing)
{
    struct tr_spawn_opts named = { .name = a_taken };
    tr_pid first, second = { 7 }, holder;
    int64_t before;

    CHECK_INT(tr_try_spawn(&first, puppet, &named), TR_OK);
    before = tr_process_count();
    CHECK_INT(tr_try_spawn(&second, puppet, &named), TR_EEXIST);
    CHECK_INT(second.w, 7);
    CHECK_INT(tr_process_count(), before);
    CHECK(tr_whereis(a_taken, &holder) && holder.w == first.w);

    tr_ref id = tr_spawn_request(puppet, &named);
    tr_receive (m) {
        tr_on (m, a_spawn_reply, id, a_error, tr_any()) {
        }
        tr_after (m, patience(10000))
            CHECK(false);
    }
    CHECK_INT(tr_process_count(), before);
}

static void spawn_taken_linked(tr_term arg)
{
    tr_ref ref = { 7 };
    tr_pid pid;
    struct tr_spawn_opts opts = { .name = a_taken, .link = true, .monitor = &ref };

    (void)arg;
    CHECK_INT(tr_try_spawn(&pid, idle, &opts), TR_EEXIST);
    CHECK_INT(ref.w, 7);
    CHECK_INFO(tr_self(), a_links, tr_list());
    CHECK_INFO(tr_self(), a_monitors, tr_list());
    CHECK_NO_MESSAGE();
}

TEST_PROC(failed_spawn_leaves_no_link_and_no_monitor)
{
    struct tr_spawn_opts named = { .name = a_taken };

    tr_spawn_opt(idle, &named);
    CHECK_ENDS(tr_build(a_normal), spawn_taken_linked);
}

static void argument_is(tr_term arg)
{
    tr_exit(a_done, arg);
}

TEST_PROC(spawn_arguments_are_made_like_messages)
{
    CHECK_ENDS(tr_build(a_done, tr_list()), argument_is);
    CHECK_ENDS(tr_build(a_done, 10), argument_is, 10);
    CHECK_ENDS(tr_build(a_done, tr_tuple(10, "text")), argument_is, 10, "text");
    CHECK_ENDS(tr_build(a_done, tr_map(1, 2)), argument_is, tr_map(1, 2));
}

TEST_PROC(monitor_tag_and_link_of_spawn_options_work_together)
{
    tr_ref ref;
    struct tr_spawn_opts opts = { .link = true, .monitor = &ref, .monitor_tag = a_gone };

    tr_trap_exit(true);
    tr_pid pid = tr_spawn_opt(exit_with_arg, &opts, 5);
    CHECK_TERM(EXIT_REASON(pid), tr_build(a_gone, 5));
    CHECK_NEXT(a_gone, ref, a_process, pid, tr_tuple(a_gone, 5));
}

/* Sends its parent what it is watched by, twice. */
static void tell_parent_monitor(tr_term arg)
{
    tr_ref ref = tr_parent_monitor();

    (void)arg;
    tr_send(ref, ref, 1);
    tr_send(ref, ref, 2);
    tr_receive (m)
        tr_on (m, a_go)
            tr_send(tr_parent(), a_done, tr_parent_monitor().w == ref.w);
}

TEST_PROC(monitor_of_spawn_can_be_an_alias_that_the_child_knows)
{
    tr_ref ref, later;
    struct tr_spawn_opts opts = { .monitor = &ref, .monitor_alias = TR_ALIAS_REPLY_DEMONITOR };

    tr_pid pid = tr_spawn_opt(tell_parent_monitor, &opts);
    CHECK_NEXT(ref, 1);
    later = tr_monitor(pid);
    tr_send(pid, a_go);
    CHECK_NEXT(a_done, false);
    CHECK_NEXT(a_DOWN, later, a_process, pid, a_normal);
    CHECK_INT(tr_mailbox_length(), 0);
    opts.monitor_alias = TR_ALIAS_DEMONITOR;
    pid = tr_spawn_opt(tell_parent_monitor, &opts);
    CHECK_NEXT(ref, 1);
    CHECK_NEXT(ref, 2);
    tr_send(pid, a_go);
    CHECK_NEXT(a_done, true);
    CHECK_NEXT(a_DOWN, ref, a_process, pid, a_normal);
    CHECK_INT(tr_parent_monitor().w, 0);
    opts.monitor_alias = (enum tr_monitor_alias)4;
    CHECK_INT(tr_try_spawn(&pid, tell_parent_monitor, &opts), TR_EINVAL);
}

/* Each turn uses about 1 KiB. */
static int64_t use_stack(int64_t depth)
{
    volatile char frame[1024];

    frame[0] = (char)depth;
    frame[sizeof frame - 1] = 1;
    return depth == 0 ? 0 : use_stack(depth - 1) + frame[sizeof frame - 1];
}

static void recurse(tr_term arg)
{
    int64_t depth;

    CHECK(tr_match(arg, &depth));
    tr_exit(use_stack(depth));
}

TEST_PROC(stack_is_as_large_as_asked_for)
{
    tr_ref ref;
    struct tr_spawn_opts large = { .monitor = &ref, .stack_size = 64 << 20 };

    tr_spawn_opt(recurse, &large, 20000);
    CHECK_TERM(DOWN_REASON(ref), tr_build(20000));
    /* The stack goes back to where stacks of that size are reused. */
    tr_spawn_opt(recurse, &large, 20000);
    CHECK_TERM(DOWN_REASON(ref), tr_build(20000));
    CHECK_ENDS(tr_build(50), recurse, 50);
}
