/* SPDX-License-Identifier: MIT */
/* Faults in a process: it ends, with a reason that says why, and nobody else does. */
#include "contain.h"

#include <assert.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tr_atoms(fault, sigsegv, sigbus, sigfpe, sigill, sigabrt, stack_overflow, go, done, kill);

static void reads_null(tr_term arg)
{
    (void)arg;
    opaque_int = *(volatile int *)hidden(NULL);
}

static void writes_wildly(tr_term arg)
{
    (void)arg;
    *(volatile int *)hidden((void *)0x123456789000) = 1;
}

#if defined(__x86_64__) /* elsewhere this is no fault */
static void divides_by_zero(tr_term arg)
{
    volatile int zero = 0;

    (void)arg;
    opaque_int = opaque_int / zero;
}
#endif

static void executes_nonsense(tr_term arg)
{
    (void)arg;
#if defined(__aarch64__)
    __asm__ volatile("udf #0"); /* what __builtin_trap stops at is a breakpoint there */
#else
    __builtin_trap();
#endif
}

static void aborts(tr_term arg)
{
    (void)arg;
    abort();
}

static void asserts(tr_term arg)
{
    (void)arg;
    assert(opaque_int == 4711);
}

static void calls_null(tr_term arg)
{
    (void)arg;
    ((void (*)(void))hidden(NULL))();
}

static void measures_null(tr_term arg)
{
    (void)arg;
    opaque_int = (int)strlen(hidden(NULL));
}

/* The reason of a process that runs fn, watched and linked, beside one that must not notice. */
static tr_term end_of(tr_process_fn fn)
{
    tr_ref ref;
    tr_term reason;

    tr_spawn_monitor(fn, &ref);
    tr_receive (m) {
        tr_on (m, tr_any(), ref, tr_any(), tr_any(), &reason)
            return tr_keep(reason);
        tr_after (m, patience(5000))
            FAIL("the process goes on");
    }
    return tr_nil();
}

#define check_fault(fn, signal) check_fault_at(__LINE__, fn, signal)

static void check_fault_at(int line, tr_process_fn fn, tr_atom signal)
{
    tr_term address, where;
    tr_atom got;
    tr_term reason = end_of(fn);

    if (!tr_match(reason, a_fault, &got, &address, &where))
        check_fail(__FILE__, line, "the reason is %s", tr_inspect(reason));
    CHECK_INT(got.w, signal.w);
    CHECK(!tr_equal(where, tr_nil()));
}

static void answers(tr_term arg)
{
    tr_pid from;

    (void)arg;
    for (;;)
        tr_receive (m)
            tr_on (m, a_go, &from)
                tr_send(from, a_done);
}

static void check_answers(tr_pid pid)
{
    tr_send(pid, a_go, tr_self());
    tr_receive (m) {
        tr_on (m, a_done) {
        }
        tr_after (m, patience(5000))
            FAIL("the other process has suffered");
    }
}

TEST_PROC(a_fault_ends_the_process_that_caused_it)
{
    tr_pid other = tr_spawn(answers);

    needs_faults();
    for (int i = 0; i < 20; i++) {
        check_fault(reads_null, a_sigsegv);
        check_fault(writes_wildly, a_sigsegv);
#if defined(__x86_64__)
        check_fault(divides_by_zero, a_sigfpe);
#endif
        check_fault(executes_nonsense, a_sigill);
        check_fault(aborts, a_sigabrt);
        check_fault(calls_null, a_sigsegv);
        check_fault(measures_null, a_sigsegv);
        check_answers(other);
    }
}

TEST_PROC(a_failed_assert_ends_the_process)
{
    needs_faults();
    check_fault(asserts, a_sigabrt);
}

static int overflow(int depth)
{
    volatile char room[256];

    room[0] = (char)depth;
    return depth == INT_MAX ? 0 : overflow(depth + 1) + room[0];
}

static void recurses(tr_term arg)
{
    (void)arg;
    opaque_int = overflow(0);
}

/* Most of the time is spent, and the stack overflows, inside stdio. */
static int print_and_recurse(int depth)
{
    char text[64];

    snprintf(text, sizeof text, "%d %f", depth, depth * 0.1);
    fprintf(opaque_file, "%s\n", text);
    return depth == INT_MAX ? 0 : print_and_recurse(depth + 1) + text[0];
}

static void recurses_in_stdio(tr_term arg)
{
    (void)arg;
    opaque_int = print_and_recurse(0);
}

TEST_PROC(a_full_stack_ends_the_process)
{
    needs_faults();
    for (int i = 0; i < check_rounds(100); i++)
        CHECK_TERM(end_of(recurses), tr_build(a_stack_overflow));
}

TEST_PROC(a_stack_that_is_full_inside_stdio_leaves_stdio_usable)
{
    needs_faults();
    opaque_file = fopen("/dev/null", "w");
    CHECK(opaque_file != NULL);
    for (int i = 0; i < check_rounds(100); i++) {
        CHECK_TERM(end_of(recurses_in_stdio), tr_build(a_stack_overflow));
        fprintf(opaque_file, "still works\n");
    }
    fclose(opaque_file);
}

static _Atomic int cleaned;

static void count_cleaning(void *arg)
{
    (void)arg;
    cleaned++;
}

static void faults_with_things_open(tr_term arg)
{
    (void)arg;
    tr_defer(count_cleaning, NULL);
    memset(tr_alloc(10000), 1, 10000);
    tr_send(tr_self(), "a message that is still open", tr_list(1, 2, 3));
    tr_receive (m)
        tr_on (m, tr_any(), tr_any())
            recurses(tr_nil());
}

TEST_PROC(a_fault_runs_the_clean_up_once)
{
    const int n = check_rounds(100);

    needs_faults();
    for (int i = 0; i < n; i++)
        CHECK_TERM(end_of(faults_with_things_open), tr_build(a_stack_overflow));
    CHECK_INT(cleaned, n);
}

static void fault_in_cleaning(void *arg)
{
    (void)arg;
    reads_null(tr_nil());
}

static void faults_in_its_clean_up(tr_term arg)
{
    (void)arg;
    tr_defer(count_cleaning, NULL);
    tr_defer(fault_in_cleaning, NULL);
    tr_defer(count_cleaning, NULL);
    tr_exit(a_done);
}

TEST_PROC(a_fault_in_a_clean_up_function_ends_that_function)
{
    needs_faults();
    CHECK_TERM(end_of(faults_in_its_clean_up), tr_build(a_done));
    CHECK_INT(cleaned, 2);
}

static void blocks_then_faults(tr_term arg)
{
    (void)arg;
    tr_blocking_begin();
    opaque_int = *(volatile int *)hidden(NULL);
}

static void yields_after_a_fault(void *arg)
{
    (void)arg;
    tr_sleep(1);
}

static void faults_again_and_again(tr_term arg)
{
    tr_defer(count_cleaning, NULL);
    for (int i = 0; i < 5; i++) {
        tr_defer(fault_in_cleaning, NULL);
        tr_defer(yields_after_a_fault, NULL);
    }
    recurses(arg);
}

TEST_PROC_REAL(every_fault_of_a_clean_up_is_contained)
{
    needs_faults();
    for (int i = 0; i < 20; i++) {
        tr_spawn(faults_again_and_again);
        check_fault(reads_null, a_sigsegv);
    }
    CHECK_WITHIN(patience(10000), cleaned == 20);
}

TEST_PROC_REAL(faults_are_contained_on_threads_that_have_no_worker)
{
    needs_faults();
    for (int i = 0; i < 20; i++)
        check_fault(blocks_then_faults, a_sigsegv);
}

static void crash_often(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    for (int i = 0; i < check_rounds(100); i++)
        tr_release(end_of(i % 2 ? recurses : reads_null));
    tr_send(boss, a_done);
}

TEST_PROC(many_processes_fault_at_once)
{
    int64_t before = tr_process_count();

    needs_faults();
    for (int i = 0; i < 20; i++)
        tr_spawn(crash_often, tr_self());
    for (int i = 0; i < 20; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    CHECK_WITHIN(patience(10000), tr_process_count() == before);
}
