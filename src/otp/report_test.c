/* SPDX-License-Identifier: MIT */
/* Crash reports, and the reason that deferred functions see. */
#include "children.h"

#include <stdio.h>

tr_atoms(report, colour, blue, go, ready);

static tr_pid reporter;
static atomic_int reports;

static void send_report(const struct tr_log_event *event, void *arg)
{
    char text[8192];

    CHECK(arg == &reports);
    CHECK_INT(event->level, TR_LOG_ERROR);
    atomic_fetch_add(&reports, 1);
    snprintf(text, sizeof text, "%s\n%s", event->text, event->backtrace);
    tr_send(reporter, a_report, text);
}

static void reporting(void)
{
    reporter = tr_self();
    atomic_store(&reports, 0);
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = send_report, .arg = &reports }),
              TR_OK);
}

/* How many reports have been made. */
static int reported(void)
{
    CHECK(tr_log_flush(patience(10000)));
    return atomic_load(&reports);
}

static void colourful(tr_term arg)
{
    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    tr_put(tr_build(a_colour), tr_build(a_blue));
    tr_link(reporter);
    tr_init_ack(a_ok);
    tr_exit(arg);
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", part, text);
}

TEST_PROC(abnormal_end_is_reported_once)
{
    FACT("PROC-037", "a started process that ends abnormally makes one crash report with pid, "
                     "initial call, ancestors and reason");
    const char *text;
    tr_ref ref;

    reporting();
    tr_trap_exit(true);
    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
    CHECK_TERM(tr_start_monitor(colourful, &ref, NULL, a_boom, "today"), tr_build(a_ok));
    down_reason(ref, a_DOWN);
    tr_receive (m) {
        tr_on (m, a_report, &text) {
            expect_in(text, "=CRASH REPORT====\n  crasher:\n    pid: <0.");
            expect_in(text, "    registered_name: worker\n");
            expect_in(text, "    initial call: c:colourful/1\n");
            expect_in(text, "    reason: {boom,<<\"today\">>}\n");
            expect_in(text, "    ancestors: [boss]\n");
            expect_in(text, "    message_queue_len: 0\n");
            expect_in(text, "    links: [<0.");
            expect_in(text, "    dictionary: [{colour,blue}]\n");
            expect_in(text, "    trap_exit: false\n");
            expect_in(text, "    status: running\n");
            expect_in(text, "    heap_size: ");
        }
        tr_after (m, patience(10000))
            FAIL("no report came");
    }
    CHECK_INT(reported(), 1);
}

static void ends_by_error(tr_term arg)
{
    tr_error(arg);
}

static void hibernates_then_ends(tr_term arg)
{
    tr_init_ack(tr_self());
    tr_hibernate(crashing_child, arg);
}

TEST_PROC(each_kind_of_abnormal_end_is_reported)
{
    tr_pid pid;
    tr_ref ref;

    reporting();
    CHECK_TERM(tr_start(crashing_child, NULL, a_boom), tr_build(a_error, a_boom));
    CHECK_INT(reported(), 1);
    CHECK_TERM(tr_start(ends_by_error, NULL, a_boom),
               tr_build(a_error, tr_tuple(a_boom, tr_nil())));
    CHECK_INT(reported(), 2);
    CHECK(tr_match(tr_start_monitor(hibernates_then_ends, &ref, NULL, a_boom), &pid));
    tr_send(pid, a_go);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_boom));
    CHECK_INT(reported(), 3);
    CHECK_TERM(tr_start(failing_child, NULL, a_why, a_boom), tr_build(a_why));
    CHECK_INT(reported(), 4);
}

TEST_PROC(orderly_ends_and_exit_signals_are_not_reported)
{
    FACT("PROC-037", "ends with normal, shutdown and {shutdown, Term} are not reported, nor is a "
                     "process that an exit signal ends");
    const tr_atom signals[] = { a_kill, a_boom, a_shutdown };
    tr_pid pid;
    tr_ref ref;

    reporting();
    tr_start(crashing_child, NULL, a_normal);
    tr_start(crashing_child, NULL, a_shutdown);
    tr_start(crashing_child, NULL, a_shutdown, a_boom);
    tr_start(returning_child, NULL);
    tr_start(silent_child, TR_START_OPTS(.timeout_ms = 1));
    for (int i = 0; i < 3; i++) {
        CHECK_STARTED(tr_start_monitor(good_child, &ref, NULL, 7, "x"), &pid);
        tr_exit_to(pid, signals[i]);
        down_reason(ref, a_DOWN);
    }
    CHECK_INT(reported(), 0);
}

static void huge_state(tr_term arg)
{
    tr_term list = tr_nil();

    (void)arg;
    for (int i = 0; i < 10000; i++)
        list = tr_list_push(list, tr_build(i));
    tr_put(tr_build(a_colour), list);
    tr_exit(list);
}

/* --- what nobody wants to know --- */

static atomic_int made;

static tr_gen_result quiet_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_term counts(const void *state, tr_term status)
{
    (void)state;
    atomic_fetch_add(&made, 1);
    return status;
}

static const struct tr_gen_server quiet = { .name = "quiet",
                                            .init = quiet_init,
                                            .format_status = counts };

/* How often the state of a server that fails was made into a report. */
static int made_at(enum tr_log_level level)
{
    tr_pid pid;

    tr_log_set_level(level);
    atomic_store(&made, 0);
    CHECK(tr_match(tr_gen_server_start(&quiet, NULL), a_ok, &pid));
    tr_ref ref = tr_monitor(pid);
    tr_cast(pid, a_go);
    down_reason(ref, a_DOWN);
    return atomic_load(&made);
}

TEST_PROC(report_that_no_sink_takes_is_not_made)
{
    reporting();
    CHECK_INT(made_at(TR_LOG_CRITICAL), 0);
    CHECK_INT(reported(), 0);
    CHECK_INT(made_at(TR_LOG_ERROR), 1);
    CHECK_INT(reported(), 2);
}

/* --- progress --- */

static atomic_int progress;

static void count_progress(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    expect_in(event->text, "=PROGRESS REPORT====\n    Supervisor: ");
    expect_in(event->text, "    Started: [{pid,<");
    expect_in(event->text, "{id,quiet}");
    CHECK_INT(event->level, TR_LOG_INFO);
    atomic_fetch_add(&progress, 1);
}

static void start_and_stop(void)
{
    const struct tr_supervisor tree = { .children = TR_CHILDREN({ .server = &quiet }) };
    tr_pid pid;

    CHECK(tr_match(tr_supervisor_start_link(&tree, NULL), a_ok, &pid));
    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK(tr_log_flush(patience(10000)));
}

TEST_PROC(progress_is_shown_when_its_level_is)
{
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = count_progress }), TR_OK);
    start_and_stop();
    CHECK_INT(atomic_load(&progress), 0);
    tr_log_set_progress_level(TR_LOG_INFO);
    tr_log_set_progress_level((enum tr_log_level)9);
    CHECK_INT(tr_log_progress_level(), TR_LOG_INFO);
    start_and_stop();
    CHECK_INT(atomic_load(&progress), 1);
}

TEST_PROC(report_of_a_huge_state_is_cut)
{
    const char *text;

    reporting();
    tr_start(huge_state, NULL);
    tr_receive (m)
        tr_on (m, a_report, &text) {
            CHECK(strlen(text) < 4096);
            expect_in(text, "...\n");
            expect_in(text, "    initial call: c:huge_state/1\n");
        }
}

static void body_with_children(tr_term args)
{
    (void)args;
    for (int i = 0; i < 10; i++)
        tr_proc_spawn(silent_child);
    tr_sleep(5);
}

static void count_report(const struct tr_log_event *event, void *arg)
{
    (void)event;
    (void)arg;
    atomic_fetch_add(&reports, 1);
}

TEST(end_of_the_program_makes_no_reports)
{
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = count_report }), TR_OK);
    CHECK_INT(tr_main(0, NULL, body_with_children), 0);
    CHECK_INT(reported(), 0);
}

/* --- reason seen by deferred functions --- */

static atomic_int seen;

static void look_at_reason(void *arg)
{
    bool *signalled = arg;

    CHECK_TERM(tr_exit_reason(), tr_build(a_boom));
    CHECK_INT(tr_exit_signalled(), *signalled);
    atomic_fetch_add(&seen, 1);
}

static void ends_itself(tr_term arg)
{
    static bool no = false;

    tr_defer(look_at_reason, &no);
    tr_exit(arg);
}

static void is_ended(tr_term arg)
{
    static bool yes = true;

    CHECK_INT(tr_exit_reason().w, 0);
    CHECK(!tr_exit_signalled());
    tr_defer(look_at_reason, &yes);
    tr_init_ack(tr_self());
    wait_for_system(arg);
}

TEST_PROC(deferred_function_sees_the_reason)
{
    tr_ref ref;
    tr_pid pid;

    tr_spawn_monitor(ends_itself, &ref, a_boom);
    down_reason(ref, a_DOWN);
    CHECK(tr_match(tr_start_monitor(is_ended, &ref, NULL), &pid));
    tr_exit_to(pid, a_boom);
    down_reason(ref, a_DOWN);
    CHECK_INT(atomic_load(&seen), 2);
}

/* The second signal comes while the first one ends the process. */
static void waits_in_clean_up(void *arg)
{
    (void)arg;
    tr_send(reporter, a_ready);
    tr_receive (m)
        tr_on (m, a_go) {
        }
    atomic_fetch_add(&seen, 1);
}

static void slow_to_end(tr_term arg)
{
    tr_defer(waits_in_clean_up, NULL);
    tr_init_ack(tr_self());
    wait_for_system(arg);
}

TEST_PROC(second_exit_signal_leaves_the_first_reason)
{
    tr_pid pid;
    tr_ref ref;

    reporter = tr_self();
    CHECK(tr_match(tr_start_monitor(slow_to_end, &ref, NULL), &pid));
    tr_exit_to(pid, a_boom, tr_list(1, 2, "a reason that is not one word"));
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    tr_exit_to(pid, a_other, tr_list(3, 4, "another reason that is not one word"));
    tr_send(pid, a_go);
    CHECK_STR(tr_inspect(down_reason(ref, a_DOWN)),
              "{boom,[1,2,<<\"a reason that is not one word\">>]}");
    CHECK_INT(atomic_load(&seen), 1);
}
