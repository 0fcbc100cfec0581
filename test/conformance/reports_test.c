/* SPDX-License-Identifier: MIT */
/* Crash reports of plain processes; those of started ones are in src/otp/report_test.c. */
#include "base/compiler.h"
#include "base/fault.h"
#include "check_proc.h"

#include <stdatomic.h>
#include <stdio.h>

tr_atoms(report, go, ready, boom, other, DOWN);

static tr_pid reporter;
static atomic_int reports;

static void send_report(const struct tr_log_event *event, void *arg)
{
    char text[8192];

    (void)arg;
    if (event->level != TR_LOG_ERROR)
        return; /* what was dropped for lack of memory */
    atomic_fetch_add(&reports, 1);
    snprintf(text, sizeof text, "%s\n%s", event->text, event->backtrace);
    tr_send(reporter, a_report, text);
}

/* A failure that is due may meet the log's thread, too; this asks for no memory. */
static void count_report(const struct tr_log_event *event, void *arg)
{
    (void)arg;
    if (event->level == TR_LOG_ERROR)
        atomic_fetch_add(&reports, 1);
}

static void reporting_to(void (*write)(const struct tr_log_event *event, void *arg))
{
    reporter = tr_self();
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = write }), TR_OK);
}

static void reporting(void)
{
    reporting_to(send_report);
}

/* How many reports have been made. */
static int reported(void)
{
    CHECK(tr_log_flush(TR_INFINITY));
    return atomic_load(&reports);
}

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        check_fail(__FILE__, __LINE__, "no \"%s\" in:\n%s", part, text);
}

static void await_down(tr_ref ref)
{
    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
}

static TR__NOINLINE TR_NORETURN void raise_here(tr_term what)
{
    tr_error(what);
}

static void errs(tr_term arg)
{
    tr_send(tr_self(), a_go, 1);
    tr_send(tr_self(), a_ready);
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    raise_here(arg);
}

static void throws(tr_term arg)
{
    tr_throw(arg);
}

static void uses_badly(tr_term arg)
{
    tr_head(arg);
}

static void exits(tr_term arg)
{
    tr_exit(arg);
}

static void ends(tr_process_fn fn)
{
    tr_ref ref;

    tr_spawn_monitor(fn, &ref, a_boom);
    await_down(ref);
}

TEST_PROC(error_of_any_process_is_reported)
{
    const char *text;
    char place[64];
    tr_ref ref;

    reporting();
    tr_spawn_monitor(errs, &ref, a_boom);
    snprintf(place, sizeof place, "reports_test.c:%d\n", __LINE__ - 1);
    await_down(ref);
    tr_receive (m)
        tr_on (m, a_report, &text) {
            expect_in(text, "=CRASH REPORT====\n  crasher:\n    pid: <0.");
            expect_in(text, "    reason: {boom,[]}\n");
            expect_in(text, "    initial call: c:errs/1\n");
            expect_in(text, "    spawned at: ");
            expect_in(text, place);
            expect_in(text, "    message_queue_len: 1\n    message 1: {go,1}\n");
            expect_in(text, "    memory: ");
            expect_in(text, "    links: []\n");
            expect_in(text, "    backtrace:\n        tr_error_args");
            expect_in(text, "        raise_here+0x");
            expect_in(text, "        errs+0x");
            CHECK(strstr(text, "raise_here+0x") < strstr(text, "errs+0x"));
        }
    ends(throws);
    CHECK_INT(reported(), 2);
    ends(uses_badly);
    CHECK_INT(reported(), 3);
    ends(exits);
    CHECK_INT(reported(), 3);
}

static int *volatile nowhere;

static TR__NOINLINE void writes_to_null(void)
{
    *nowhere = 1;
}

static void faults(tr_term arg)
{
    (void)arg;
    writes_to_null();
    __asm__ volatile("" ::: "memory"); /* the call is not the last thing, so it stays a call */
}

TEST_PROC(fault_is_reported_with_the_calls_it_interrupted)
{
#ifdef TR__SANITIZED
    SKIP("faults are the sanitizer's");
#endif
    const char *text;

    reporting();
    ends(faults);
    tr_receive (m)
        tr_on (m, a_report, &text) {
            expect_in(text, "    reason: {fault,sigsegv,0,[");
            expect_in(text, "    backtrace:\n        writes_to_null+0x");
            expect_in(text, "        faults");
        }
}

static int depth_wanted = 1 << 30;

static TR__NOINLINE int dives(int n)
{
    volatile char room[256];

    room[0] = (char)n;
    return n >= depth_wanted ? n : dives(n + 1) + room[0];
}

static void overflows(tr_term arg)
{
    (void)arg;
    depth_wanted = dives(0);
}

TEST_PROC(overflow_of_a_stack_is_reported_in_few_lines)
{
#ifdef TR__SANITIZED
    SKIP("faults are the sanitizer's");
#endif
    const char *text;

    reporting();
    ends(overflows);
    tr_receive (m)
        tr_on (m, a_report, &text) {
            expect_in(text, "    reason: stack_overflow\n");
            expect_in(text, "        dives+0x");
            expect_in(text, "        ... and again, ");
        }
}

static void exits_reporting(tr_term arg)
{
    tr_report_exits();
    tr_exit(arg);
}

TEST_PROC(process_may_ask_to_have_its_exits_reported)
{
    reporting();
    ends(exits_reporting);
    CHECK_INT(reported(), 1);
}

static void errs_in_clean_up(void *arg)
{
    (void)arg;
    tr_error(a_other);
}

static void errs_twice(tr_term arg)
{
    tr_defer(errs_in_clean_up, NULL);
    tr_error(arg);
}

TEST_PROC(one_process_makes_one_report)
{
    reporting();
    ends(errs_twice);
    CHECK_INT(reported(), 1);
}

static int64_t failing;

static void errs_without_memory(tr_term arg)
{
    tr__fault_arm(failing);
    tr_error(arg);
}

TEST_PROC_REAL(report_is_made_whatever_fails)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    int64_t seen;

    reporting_to(count_report);
    for (failing = 1;; failing++) {
        ends(errs_without_memory);
        seen = tr__fault_count();
        tr__fault_arm(0);
        if (seen < failing)
            break;
    }
    CHECK(reported() > 0);
}

static void runs_out_of_memory(tr_term arg)
{
    (void)arg;
    tr__fault_arm(1);
    tr_tuple_from_array((tr_term[1000]){ { 0 } }, 1000);
}

TEST_PROC(process_that_ran_out_of_memory_is_reported)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    reporting();
    ends(runs_out_of_memory);
    CHECK_INT(reported(), 1);
}
