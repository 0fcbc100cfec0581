/* SPDX-License-Identifier: MIT */
/* Memory and clean-up tied to a process: when it goes, in which order, however the process ends. */

#include "conformance/puppet.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

tr_atoms(ran, oops, first, second, out_of_memory);

static tr_pid told;

static void tell(void *arg)
{
    tr_yield(); /* a suspended process, too, must get through its clean-up */
    tr_send(told, a_ran, (int64_t)(intptr_t)arg);
}

static void *number(intptr_t n)
{
    return (void *)n;
}

enum way { RETURN, EXIT, ERROR, EXIT_SIGNAL, KILL, BY_LINK, HIBERNATED, SUSPENDED, NWAYS };

static void end_so(tr_term arg)
{
    int way;

    CHECK(tr_match(arg, &way));
    for (int i = 1; i <= 3; i++)
        tr_defer(tell, number(i));
    tr_send(told, a_ready);
    if (way == EXIT)
        tr_exit(a_oops);
    if (way == ERROR)
        tr_error(a_oops);
    if (way == HIBERNATED)
        tr_hibernate(idle);
    if (way != RETURN)
        tr_sleep(TR_INFINITY);
}

static void give_cause(int way, tr_pid pid)
{
    if (way == SUSPENDED)
        CHECK(tr_suspend(pid));
    if (way == EXIT_SIGNAL || way == HIBERNATED || way == SUSPENDED)
        tr_exit_to(pid, a_oops);
    if (way == KILL)
        tr_exit_to(pid, a_kill);
}

static void end_by_link(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    tr_link(pid);
    tr_exit(a_oops);
}

TEST_PROC(deferred_functions_run_newest_first_however_the_process_ends)
{
    told = tr_self();
    for (int round = 0; round < 200; round++) {
        for (int way = 0; way < NWAYS; way++) {
            tr_ref ref;
            tr_pid pid = tr_spawn_monitor(end_so, &ref, way);
            CHECK_NEXT(a_ready);
            give_cause(way, pid);
            if (way == BY_LINK)
                tr_spawn(end_by_link, pid);
            for (int i = 3; i >= 1; i--)
                CHECK_NEXT(a_ran, i);
            tr_release(DOWN_REASON(ref));
            CHECK_NO_MESSAGE();
        }
    }
}

static void never_started(tr_term arg)
{
    (void)arg;
    tr_defer(tell, number(1));
    tr_sleep(TR_INFINITY);
}

TEST_PROC(process_killed_before_it_ran_has_nothing_to_clean_up)
{
    told = tr_self();
    for (int i = 0; i < check_rounds(5000); i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(never_started, &ref);
        tr_exit_to(pid, a_kill);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_killed));
        tr_receive (m) {
            tr_on (m, a_ran, 1) {
            }
            tr_after (m, 0) {
            }
        }
        CHECK_NO_MESSAGE();
    }
}

static void exit_inside(void *arg)
{
    tell(arg);
    tr_exit(a_second);
}

static void fail_inside(void *arg)
{
    tr_term unset = { 0 };

    tell(arg);
    tr_send(tr_self(), unset);
    tell(number(99));
}

static void defer_those_that_exit(tr_term arg)
{
    (void)arg;
    for (int i = 1; i <= 30; i++)
        tr_defer(i % 3 == 0 ? tell : i % 3 == 1 ? exit_inside : fail_inside, number(i));
    tr_exit(a_first);
}

TEST_PROC(exit_inside_a_deferred_function_skips_the_rest_of_that_one)
{
    told = tr_self();
    for (int round = 0; round < 200; round++) {
        tr_ref ref;
        tr_spawn_monitor(defer_those_that_exit, &ref);
        for (int i = 30; i >= 1; i--)
            CHECK_NEXT(a_ran, i);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_first));
        CHECK_NO_MESSAGE();
    }
}

static int exits, noted;

/* The frames of the functions that were running stay in place for the clean-up. */
static void note_end(void *arg)
{
    noted = *(int *)arg;
}

/* In the middle of a receive, so that its message has to be freed too. */
static void exit_in_receive(void *arg)
{
    tr_send(tr_self(), a_order, tr_list(1, "two", 3.0));
    tr_receive (m) {
        tr_on (m, a_order, tr_any()) {
            exits++;
            tr_exit(a_oops, (int64_t)(intptr_t)arg);
        }
    }
}

static void defer_very_many(tr_term arg)
{
    int on_stack = 0;

    (void)arg;
    tr_defer(note_end, &on_stack);
    for (int i = 0; i < 100000; i++)
        tr_defer(exit_in_receive, number(i));
    tr_receive (m)
        tr_on (m, a_go) {
            on_stack = 7;
            tr_exit(a_first);
        }
}

TEST_PROC(any_number_of_deferred_functions_may_exit)
{
    tr_ref ref;

    tr_send(tr_spawn_monitor(defer_very_many, &ref), a_go);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_first));
    CHECK_INT(exits, 100000);
    CHECK_INT(noted, 7);
}

static void defer_again(void *arg)
{
    intptr_t n = (intptr_t)arg;

    tell(arg);
    if (n > 0)
        tr_defer(defer_again, number(n - 1));
}

static void defer_inside(tr_term arg)
{
    (void)arg;
    tr_defer(tell, number(100));
    tr_defer(defer_again, number(5));
}

TEST_PROC(deferred_function_may_defer_another)
{
    told = tr_self();
    CHECK_ENDS(tr_build(a_normal), defer_inside);
    for (int i = 5; i >= 0; i--)
        CHECK_NEXT(a_ran, i);
    CHECK_NEXT(a_ran, 100);
}

static void defer_and_cancel(tr_term arg)
{
    (void)arg;
    for (int i = 1; i <= 5; i++)
        tr_defer(tell, number(i % 2));
    CHECK(tr_defer_cancel(tell, number(1)));
    CHECK(tr_defer_cancel(tell, number(1)));
    CHECK(!tr_defer_cancel(tell, number(7)));
    CHECK(!tr_defer_cancel(exit_inside, number(0)));
}

TEST_PROC(cancelled_clean_up_does_not_run)
{
    told = tr_self();
    CHECK_ENDS(tr_build(a_normal), defer_and_cancel);
    CHECK_NEXT(a_ran, 0);
    CHECK_NEXT(a_ran, 0);
    CHECK_NEXT(a_ran, 1);
    CHECK_NO_MESSAGE();
}

/* --- a function that comes with memory --- */

static void tell_what_lies_there(void *memory)
{
    tell(number(*(int *)memory));
}

static int *holding(int n)
{
    int *memory = tr_alloc(sizeof *memory);

    *memory = n;
    return memory;
}

static void give_memory_functions(tr_term arg)
{
    int *first = holding(1), *second = holding(2), *third = holding(3), *fourth = holding(4);

    (void)arg;
    tr__at_end(first, exit_inside);
    tr__at_end(second, tell_what_lies_there);
    tr_defer(tell, number(5));
    tr__at_end(third, tell_what_lies_there);
    tr__at_end(first, tell_what_lies_there);
    tr__at_end(fourth, tell_what_lies_there);
    tr_free(fourth);
    CHECK(!tr__at_end_forget(exit_inside));
}

TEST_PROC(a_function_that_comes_with_memory_runs_in_its_turn)
{
    told = tr_self();
    CHECK_ENDS(tr_build(a_normal), give_memory_functions);
    CHECK_NEXT(a_ran, 1);
    CHECK_NEXT(a_ran, 3);
    CHECK_NEXT(a_ran, 5);
    CHECK_NEXT(a_ran, 2);
    CHECK_NO_MESSAGE();
}

static void forget_memory_functions(tr_term arg)
{
    (void)arg;
    tr__at_end(holding(1), tell_what_lies_there);
    tr__at_end(holding(2), tell_what_lies_there);
    tr__at_end(holding(3), NULL);
    CHECK(tr__at_end_forget(tell_what_lies_there));
}

TEST_PROC(a_forgotten_one_does_not_run)
{
    told = tr_self();
    CHECK_ENDS(tr_build(a_normal), forget_memory_functions);
    CHECK_NEXT(a_ran, 1);
    CHECK_NO_MESSAGE();
}

static void defer_nothing(tr_term arg)
{
    (void)arg;
    tr_defer(NULL, NULL);
}

TEST_PROC(deferring_no_function_is_badarg)
{
    CHECK_BADARG(defer_nothing);
}

/* A clean-up that waits, sends, receives and sleeps as any other code does. */
static void work_at_the_end(void *arg)
{
    (void)arg;
    tr_send(told, a_first);
    tr_yield();
    tr_sleep(1);
    tr_receive (m)
        tr_on (m, a_second) {
        }
    tr_yield();
    tell(number(1));
}

static void work_late(tr_term arg)
{
    (void)arg;
    tr_defer(work_at_the_end, NULL);
    tr_send(told, a_ready);
    tr_sleep(TR_INFINITY);
}

TEST_PROC(clean_up_may_do_what_any_code_does_even_when_killed_again)
{
    told = tr_self();
    for (int round = 0; round < 100; round++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(work_late, &ref);
        CHECK_NEXT(a_ready);
        tr_exit_to(pid, a_oops);
        CHECK_NEXT(a_first);
        for (int i = 0; i < 5; i++)
            tr_exit_to(pid, a_kill);
        tr_send(pid, a_second);
        CHECK_NEXT(a_ran, 1);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
    }
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void allocate(tr_term arg)
{
    int size, n;

    CHECK(tr_match(arg, &size, &n));
    for (int i = 0; i < n; i++) {
        char *p = tr_alloc((size_t)size);
        CHECK_INT((uintptr_t)p % _Alignof(max_align_t), 0);
        for (int k = 0; k < size; k += 64)
            CHECK_INT(p[k], 0);
        memset(p, 1, (size_t)size);
        if (i % 3 == 0)
            tr_free(p);
    }
    tr_free(NULL);
    if (n % 2)
        tr_sleep(TR_INFINITY);
}

TEST_PROC_REAL(process_memory_is_zeroed_aligned_and_freed_at_its_end)
{
    int64_t before = 0;

    /* 6 GiB in all. */
    for (int i = 0; i < 2000; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_monitor(allocate, &ref, 100000, 30 + i % 2);
        if (i % 2)
            tr_exit_to(pid, a_kill);
        tr_release(DOWN_REASON(ref));
        if (i == 50)
            before = resident_bytes();
    }
    CHECK(resident_bytes() < before + patience(100) * (1 << 20));
    CHECK_ENDS(tr_build(a_normal), allocate, 0, 2);
    CHECK_ENDS(tr_build(a_normal), allocate, 1, 1000);
}

static void allocate_too_much(tr_term arg)
{
    (void)arg;
    tr_alloc(SIZE_MAX);
}

TEST_PROC(allocation_that_fails_ends_the_process)
{
    for (int i = 0; i < 100; i++)
        CHECK_ENDS(tr_build(a_out_of_memory), allocate_too_much);
}

static void use_memory(void *p)
{
    CHECK_STR(p, "still there");
    tell(number(1));
}

static void defer_with_memory(tr_term arg)
{
    char *p = tr_alloc(100);

    (void)arg;
    tr_defer(use_memory, p);
    strcpy(p, "still there");
    char *later = tr_alloc(100);
    tr_defer(use_memory, later);
    strcpy(later, "still there");
}

TEST_PROC(memory_outlives_deferred_functions)
{
    told = tr_self();
    for (int i = 0; i < check_rounds(1000); i++) {
        CHECK_ENDS(tr_build(a_normal), defer_with_memory);
        CHECK_NEXT(a_ran, 1);
        CHECK_NEXT(a_ran, 1);
    }
}

static void hibernate_with_memory(tr_term arg)
{
    uint64_t address;
    tr_pid to;

    CHECK(tr_match(arg, &address, &to));
    CHECK_STR((char *)(uintptr_t)address, "still there");
    tr_send(to, a_done);
}

static void keep_over_hibernation(tr_term arg)
{
    tr_pid to;
    char *p = tr_alloc(100);

    CHECK(tr_match(arg, &to));
    strcpy(p, "still there");
    tr_hibernate(hibernate_with_memory, (uint64_t)(uintptr_t)p, to);
}

TEST_PROC(memory_outlives_hibernation)
{
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_pid pid = tr_spawn(keep_over_hibernation, tr_self());
        tr_send(pid, a_first);
        CHECK_NEXT(a_done);
    }
}
