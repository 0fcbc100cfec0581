/* SPDX-License-Identifier: MIT */
/* The synchronous start, ancestors and initial call. */
#include "children.h"

tr_atoms(links, gone, already_started, badarg, undef, badopt, name_taken, ancestors, initial_call,
         c, dictionary);
tr_atom_as(a_dollar_ancestors, "$ancestors");
tr_atom_as(a_dollar_initial_call, "$initial_call");

TEST_PROC(start_returns_what_the_child_acknowledges)
{
    FACT("PROC-034", "start, start_link and start_monitor return after the child has acknowledged, "
                     "and return what it acknowledged with");
    tr_pid pid;
    tr_ref ref;

    CHECK_STARTED(tr_start(good_child, NULL, 7, "x"), &pid);
    CHECK_TERM(info(pid, a_links), tr_nil());
    CHECK_STARTED(tr_start_link(good_child, TR_START_OPTS(.timeout_ms = 15000), 7, "x"), &pid);
    CHECK_TERM(info(pid, a_links), tr_build(tr_list(tr_self())));
    CHECK_STARTED(tr_start_monitor(good_child, &ref, NULL, 7, "x"), &pid);
    CHECK_MAILBOX(0);
    tr_exit_to(pid, a_boom);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_MAILBOX(0);
}

TEST_PROC(start_leaves_other_messages_in_order)
{
    tr_pid pid;

    for (int i = 0; i < 100; i++)
        tr_send(tr_self(), i);
    CHECK_STARTED(tr_start(good_child, NULL, 7, "x"), &pid);
    CHECK_STARTED(tr_start_link(good_child, NULL, 7, "x"), &pid);
    CHECK_MAILBOX(100);
    for (int i = 0; i < 100; i++)
        tr_receive (m) {
            tr_on (m, i) {
            }
            tr_after (m, 0)
                FAIL("out of order");
        }
}

TEST_PROC(start_gives_up_after_its_time)
{
    FACT("PROC-035", "a start whose child does not acknowledge in time returns {error, timeout}, "
                     "the child is killed, and a linking caller survives");
    const struct tr_start_opts opts = { .timeout_ms = 20, .spawn.name = a_worker };
    tr_term late = tr_build(a_error, a_timeout);
    tr_ref ref;

    CHECK_TERM(tr_start(silent_child, &opts), late);
    CHECK(!tr_whereis(a_worker, NULL));
    CHECK_TERM(tr_start_link(silent_child, &opts), late);
    CHECK(!tr_whereis(a_worker, NULL));
    CHECK_MAILBOX(0);
    tr_trap_exit(true);
    CHECK_TERM(tr_start_link(silent_child, &opts), late);
    CHECK(!tr_whereis(a_worker, NULL));
    CHECK_MAILBOX(0);
    CHECK_TERM(tr_start_monitor(silent_child, &ref, &opts), late);
    CHECK(!tr_whereis(a_worker, NULL));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_killed));
    CHECK_MAILBOX(0);
}

static void child_at_the_last_moment(tr_term arg)
{
    tr_sleep(1);
    tr_init_ack(a_ok);
    tr_sleep(TR_INFINITY);
    (void)arg;
}

TEST_PROC(late_acknowledgement_leaves_nothing_behind)
{
    const struct tr_start_opts opts = { .timeout_ms = 1 };
    tr_term result;

    for (int i = 0; i < 100; i++) {
        tr_scope
        {
            result = i % 2 ? tr_start(child_at_the_last_moment, &opts)
                           : tr_start_link(child_at_the_last_moment, &opts);
            CHECK(tr_match(result, a_ok) || tr_match(result, a_error, a_timeout));
        }
        CHECK_MAILBOX(0);
    }
}

/* What it sends before looks at first like what its starter waits for. */
static void talkative_child(tr_term arg)
{
    tr_send(tr_parent(), a_other, tr_self(), 1);
    tr_send(tr_parent(), a_why, tr_self());
    if (tr_match(arg, a_ok))
        tr_init_ack(a_ok, tr_self());
    wait_for_system(arg);
}

TEST_PROC(messages_of_the_child_are_no_acknowledgement)
{
    tr_pid pid, sender;

    for (int i = 0; i < 2; i++) {
        CHECK(tr_match(tr_start_link(talkative_child, NULL, a_ok), a_ok, &pid));
        CHECK_MAILBOX(2);
        tr_receive (m)
            tr_on (m, a_other, pid, 1) {
            }
        tr_receive (m)
            tr_on (m, a_why, pid) {
            }
        tr_trap_exit(true);
    }
    CHECK_TERM(tr_start_link(talkative_child, TR_START_OPTS(.timeout_ms = 20), a_error),
               tr_build(a_error, a_timeout));
    tr_receive (m)
        tr_on (m, a_other, &sender, 1)
            CHECK(!tr_is_alive(sender));
    CHECK_MAILBOX(1);
}

TEST_PROC(child_that_ends_before_it_acknowledges_is_an_error)
{
    FACT("PROC-034", "when the child ends before it acknowledges, the start returns "
                     "{error, Reason}; no message is left but the 'DOWN' of start_monitor");
    tr_ref ref;

    CHECK_TERM(tr_start(crashing_child, NULL, a_shutdown), tr_build(a_error, a_shutdown));
    CHECK_TERM(tr_start(returning_child, NULL), tr_build(a_error, a_normal));
    CHECK_TERM(tr_start_link(returning_child, NULL), tr_build(a_error, a_normal));
    CHECK_MAILBOX(0);
    tr_trap_exit(true);
    CHECK_TERM(tr_start_link(crashing_child, NULL, a_shutdown, "x"),
               tr_build(a_error, tr_tuple(a_shutdown, "x")));
    CHECK_TERM(tr_start_link(returning_child, NULL), tr_build(a_error, a_normal));
    CHECK_MAILBOX(0);
    CHECK_TERM(tr_start_monitor(crashing_child, &ref, NULL, a_shutdown),
               tr_build(a_error, a_shutdown));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    CHECK_MAILBOX(0);
}

TEST_PROC(init_fail_gives_the_result_after_the_end)
{
    tr_term result = tr_build(a_error, tr_tuple(a_why, 1));
    tr_ref ref;

    CHECK_TERM(tr_start(failing_child, NULL, result, a_normal), result);
    CHECK_TERM(tr_start_link(failing_child, NULL, result, a_normal), result);
    CHECK_TERM(tr_start_monitor(failing_child, &ref, NULL, result, a_shutdown), result);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    tr_trap_exit(true);
    CHECK_TERM(tr_start_link(failing_child, NULL, result, a_shutdown), result);
    CHECK_MAILBOX(0);
}

/* The argument is {Child's argument, kind of child}. */
static void linking_parent(tr_term arg)
{
    tr_term child_arg;
    bool fails;

    CHECK(tr_match(arg, &child_arg, &fails));
    if (fails)
        tr_start_link(failing_child, NULL, child_arg);
    else
        tr_start_link(crashing_child, NULL, child_arg);
    FAIL("a linked child's end should have ended its starter");
}

TEST_PROC(failed_start_link_ends_a_caller_that_does_not_trap_exits)
{
    bool yes = true, no = false;
    tr_ref ref;

    for (int i = 0; i < 20; i++) {
        tr_spawn_monitor(linking_parent, &ref, a_shutdown, no);
        CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
        tr_spawn_monitor(linking_parent, &ref, tr_tuple(a_error, a_shutdown), yes);
        CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    }
}

TEST_PROC(monitor_of_a_start_keeps_its_tag)
{
    const struct tr_start_opts opts = { .timeout_ms = 20, .spawn.monitor_tag = a_gone };
    const struct tr_start_opts patient = { .spawn.monitor_tag = a_gone };
    tr_ref ref;
    tr_pid pid;

    CHECK_STARTED(tr_start_monitor(good_child, &ref, &patient, 7, "x"), &pid);
    tr_exit_to(pid, a_kill);
    CHECK_TERM(down_reason(ref, a_gone), tr_build(a_killed));
    CHECK_TERM(tr_start_monitor(silent_child, &ref, &opts), tr_build(a_error, a_timeout));
    CHECK_TERM(down_reason(ref, a_gone), tr_build(a_killed));
    CHECK_TERM(tr_start_monitor(returning_child, &ref, &opts), tr_build(a_error, a_normal));
    CHECK_TERM(down_reason(ref, a_gone), tr_build(a_normal));
    CHECK_MAILBOX(0);
}

TEST_PROC(name_that_is_taken_says_by_whom)
{
    const struct tr_start_opts opts = { .spawn.name = a_worker };
    tr_term taken = tr_build(a_error, tr_tuple(a_already_started, tr_self()));
    tr_ref ref = { 1 };

    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    CHECK_TERM(tr_start(good_child, &opts), taken);
    CHECK_TERM(tr_start_link(good_child, &opts), taken);
    CHECK_TERM(tr_start_monitor(good_child, &ref, &opts), taken);
    CHECK_INT(ref.w, 0);
    CHECK_MAILBOX(0);
}

static void starts_nothing(tr_term arg)
{
    (void)arg;
    tr_start_args(NULL, NULL, "nothing\0test", NULL, 0);
}

static void starts_with_link_option(tr_term arg)
{
    (void)arg;
    tr_start(good_child, TR_START_OPTS(.spawn.link = true));
}

static void spawns_a_taken_name(tr_term arg)
{
    const struct tr_spawn_opts opts = { .name = a_worker };

    (void)arg;
    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    tr_proc_spawn_opt(silent_child, &opts);
}

static void negative_timeout(tr_term arg)
{
    (void)arg;
    tr_start(good_child, TR_START_OPTS(.timeout_ms = -5));
}

TEST_PROC(bad_arguments_of_a_start_end_the_caller)
{
    tr_ref ref;

    tr_spawn_monitor(starts_nothing, &ref);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, a_undef));
    tr_spawn_monitor(starts_with_link_option, &ref);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, a_badopt));
    tr_spawn_monitor(spawns_a_taken_name, &ref);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, a_name_taken));
    tr_spawn_monitor(negative_timeout, &ref);
    CHECK_STR(tr_inspect(down_reason(ref, a_DOWN)), "timeout_value");
}

/* --- ancestors and initial call --- */

static void grandchild(tr_term arg)
{
    tr_pid test;

    CHECK(tr_match(arg, &test));
    tr_init_ack(tr_self());
    tr_send(test, a_ancestors, tr_get(tr_build(a_dollar_ancestors)));
    tr_send(test, a_initial_call, tr_get(tr_build(a_dollar_initial_call)));
    wait_for_system(arg);
}

static void middle(tr_term arg)
{
    tr_init_ack(tr_self(), tr_start_link(grandchild, NULL, arg));
    wait_for_system(arg);
}

TEST_PROC(started_process_knows_its_ancestors)
{
    FACT("PROC-036", "a process started synchronously has its ancestors, nearest first, a "
                     "registered one by its name, and its initial call; both can be read");
    tr_pid parent, child;

    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
    CHECK(tr_match(tr_start(middle, NULL, tr_self()), &parent, &child));
    tr_term ancestors = tr_build(tr_list(parent, a_boss));
    tr_term call = tr_build(a_c, tr_intern("grandchild"), 1);
    CHECK_TERM(info(parent, a_ancestors), tr_build(tr_list(a_boss)));
    CHECK_TERM(info(child, a_ancestors), ancestors);
    CHECK_TERM(info(child, a_initial_call), call);
    tr_receive (m)
        tr_on (m, a_ancestors, ancestors) {
        }
    tr_receive (m)
        tr_on (m, a_initial_call, call) {
        }
    CHECK_TERM(info(child, a_dictionary),
               tr_build(tr_list(tr_tuple(a_dollar_initial_call, call),
                                tr_tuple(a_dollar_ancestors, ancestors))));
}

static void next_generation(tr_term pid_to)
{
    tr_init_ack(tr_tuple(tr_self(), tr_start_link(good_child, NULL, pid_to)));
}

TEST_PROC(ancestors_are_shared_by_children_and_found_out_anew)
{
    tr_pid parent, a, b, c, d;
    tr_term self = tr_build(tr_self());

    CHECK(tr_match(tr_start(good_child, NULL), a_ok, &a, tr_any()));
    CHECK_TERM(info(a, a_ancestors), tr_build(tr_list(self)));
    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
    CHECK(tr_match(tr_start(good_child, NULL), a_ok, &b, tr_any()));
    CHECK_TERM(info(b, a_ancestors), tr_build(tr_list(a_boss)));
    tr_set_ancestors(tr_build(tr_list(a_worker)));
    CHECK(tr_match(tr_start(good_child, NULL), a_ok, &c, tr_any()));
    CHECK_TERM(info(c, a_ancestors), tr_build(tr_list(a_boss, a_worker)));
    CHECK_TERM(tr_erase(tr_build(a_dollar_ancestors)), tr_build(tr_list(a_worker)));
    CHECK_INT(tr_unregister(a_boss), TR_OK);
    CHECK(tr_match(tr_start(good_child, NULL), a_ok, &d, tr_any()));
    CHECK_TERM(info(d, a_ancestors), tr_build(tr_list(self)));
    /* Those that have one keep it, also when their parent has gone. */
    CHECK_TERM(info(a, a_ancestors), tr_build(tr_list(self)));
    CHECK_TERM(info(c, a_ancestors), tr_build(tr_list(a_boss, a_worker)));
    CHECK(tr_match(tr_start(next_generation, NULL), &parent, tr_tuple(a_ok, &a, tr_any())));
    CHECK_WITHIN(patience(10000), !tr_is_alive(parent));
    CHECK_TERM(info(a, a_ancestors), tr_build(tr_list(parent, self)));
}

TEST_PROC(ancestors_and_initial_call_are_entries_of_the_dictionary)
{
    tr_term key = tr_build(a_dollar_ancestors);
    tr_term call = tr_build(a_dollar_initial_call);

    CHECK_INT(tr_get(key).w, 0);
    CHECK_INT(tr_get(call).w, 0);
    CHECK_INT(tr_put(key, tr_build(tr_list(a_boss))).w, 0);
    CHECK_TERM(info(tr_self(), a_ancestors), tr_build(tr_list(a_boss)));
    CHECK_INT(tr_put(call, tr_build(a_c, a_worker, 0)).w == 0, false);
    CHECK_TERM(tr_get(call), tr_build(a_c, a_worker, 0));
    CHECK_TERM(info(tr_self(), a_initial_call), tr_build(a_c, a_worker, 0));
    CHECK_TERM(tr_get_keys_of(tr_build(tr_list(a_boss))), tr_build(tr_list(key)));
    CHECK_TERM(tr_erase(key), tr_build(tr_list(a_boss)));
    CHECK_TERM(tr_erase(call), tr_build(a_c, a_worker, 0));
    CHECK_TERM(tr_get_keys(), tr_nil());
    CHECK_INT(tr_erase(key).w, 0);
}

static tr_gen_result serve_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

TEST_PROC(initial_call_of_a_behaviour_names_the_callbacks)
{
    static const struct tr_gen_server server = { .name = "till", .init = serve_init };
    static const struct tr_supervisor tree = { .name = "shop" };
    tr_pid pid, sup;

    CHECK(tr_match(tr_gen_server_start(&server, NULL), a_ok, &pid));
    CHECK_TERM(info(pid, a_initial_call), tr_build(tr_intern("till"), tr_intern("init"), 1));
    CHECK(tr_match(tr_supervisor_start_link(&tree, NULL), a_ok, &sup));
    CHECK_TERM(info(sup, a_initial_call), tr_build(tr_intern("supervisor"), tr_intern("shop"), 1));
}

TEST_PROC(spawned_process_can_have_ancestors_too)
{
    tr_ref ref;
    struct tr_spawn_opts opts = { .monitor = &ref };

    tr_trap_exit(true);
    tr_pid pid = tr_proc_spawn_link(wait_for_system);
    CHECK_WITHIN(5000, !tr_is_nil(info(pid, a_ancestors)));
    CHECK_TERM(info(pid, a_ancestors), tr_build(tr_list(tr_self())));
    CHECK_TERM(info(pid, a_initial_call), tr_build(a_c, tr_intern("wait_for_system"), 1));
    tr_exit_to(pid, a_kill);
    tr_receive (m)
        tr_on (m, a_EXIT, pid, a_killed) {
        }
    tr_proc_spawn_opt(crashing_child, &opts, a_shutdown);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_shutdown));
    tr_proc_spawn(returning_child);
}
