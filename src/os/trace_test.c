/* SPDX-License-Identifier: MIT */
/* Backtraces: taken on the stacks of threads, processes and handlers, whole, damaged or absent. */
#define _GNU_SOURCE
#include "os/trace.h"

#include "base/compiler.h"
#include "base/fault.h"
#include "check_proc.h"
#include "os/trap.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdlib.h>

#define MAX 32

/* Keeps a call from becoming a jump. */
#define AFTER_CALL() __asm__ volatile("" ::: "memory")

static void *pcs[MAX];
static int npcs;

static TR__NOINLINE void innermost(void)
{
    npcs = tr__trace_here(pcs, MAX);
    AFTER_CALL();
}

static TR__NOINLINE void middle(void)
{
    innermost();
    AFTER_CALL();
}

static void *describe(void *pc)
{
    static char text[512];

    CHECK(tr__trace_describe(pc, text, sizeof text) == strlen(text));
    return text;
}

/* On a thread of its own: it takes more stack than a process has. */
static const char *described(int i)
{
    pthread_t thread;
    void *text;

    if (i >= npcs)
        check_fail(__FILE__, __LINE__, "no frame %d of %d", i, npcs);
    CHECK_INT(pthread_create(&thread, NULL, describe, pcs[i]), 0);
    CHECK_INT(pthread_join(thread, &text), 0);
    return text;
}

/* Frame i is in that function. */
static void expect(int i, const char *function)
{
    const char *text = described(i);
    size_t n = strlen(function);

    if (strncmp(text, function, n) != 0 || text[n] != '+')
        check_fail(__FILE__, __LINE__, "frame %d is %s, not in %s", i, text, function);
}

TEST(thread_sees_its_own_calls)
{
    middle();
    expect(0, "innermost");
    expect(1, "middle");
}

static TR__NOINLINE void process_body(tr_term arg)
{
    (void)arg;
    middle();
    AFTER_CALL();
}

TEST_PROC(process_sees_its_own_calls_and_no_others)
{
    tr_ref ref;

    tr_spawn_monitor(process_body, &ref);
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
    expect(0, "innermost");
    expect(1, "middle");
    expect(2, "process_body");
    expect(3, "entry");
    CHECK_INT(npcs, 4);
}

TEST(no_more_is_stored_than_asked_for)
{
    void *two[3] = { NULL, NULL, &npcs };

    CHECK_INT(tr__trace_here(two, 2), 2);
    CHECK(two[0] && two[1] && two[2] == &npcs);
}

/* --- from a handler --- */

static jmp_buf after_fault;

static bool on_fault(const struct tr_trap *trap)
{
    npcs = tr__trace_from(trap->context, pcs, MAX);
    _longjmp(after_fault, 1);
}

static void on_last(const struct tr_trap *trap)
{
    (void)trap;
}

static void catch_faults(void)
{
#ifdef TR__TSAN
    SKIP("ThreadSanitizer does not see that a handler is left");
#endif
    static const struct tr_trap_hooks hooks = { on_fault, on_last, on_last };

    tr__trap_install(&hooks, true);
    if (!tr_in_process())
        CHECK(tr__trap_thread_begin());
}

static TR__NOINLINE void faulting_call(void (*fn)(void))
{
    fn();
    AFTER_CALL();
}

static TR__NOINLINE void outer(void (*fn)(void))
{
    catch_faults();
    if (_setjmp(after_fault) == 0)
        faulting_call(fn);
}

static int *volatile nowhere = (int *)16;

static TR__NOINLINE void writes_wildly(void)
{
    *nowhere = 1;
}

TEST(handler_sees_the_calls_that_were_interrupted)
{
    outer(writes_wildly);
    expect(0, "writes_wildly");
    expect(1, "faulting_call");
    expect(2, "outer");
}

static void faulting_process(tr_term arg)
{
    (void)arg;
    outer(writes_wildly);
    AFTER_CALL();
}

TEST_PROC(handler_sees_the_calls_of_a_process)
{
    tr_ref ref;

    tr_spawn_monitor(faulting_process, &ref);
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
    expect(0, "writes_wildly");
    expect(1, "faulting_call");
    expect(2, "outer");
    expect(3, "faulting_process");
    expect(4, "entry");
    CHECK_INT(npcs, 5);
}

static volatile int depth_wanted = 1 << 30;

static TR__NOINLINE int dives(int n)
{
    volatile char room[256];

    room[0] = (char)n;
    return n >= depth_wanted ? n : dives(n + 1) + room[0];
}

static void dives_for_ever(void)
{
    depth_wanted = dives(0);
}

static void overflowing_process(tr_term arg)
{
    (void)arg;
    outer(dives_for_ever);
}

TEST_PROC(overflow_of_a_stack_is_traced)
{
    tr_ref ref;

    tr_spawn_monitor(overflowing_process, &ref);
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
    CHECK_INT(npcs, MAX);
    for (int i = 0; i < MAX; i++)
        expect(i, "dives");
}

#if defined(__x86_64__)
/* Faults where the stack pointer leads nowhere. */
static TR__NOINLINE void loses_its_stack(void)
{
    __asm__ volatile("movq $64, %%rsp\n\tmovq $64, %%rbp\n\tmovl $0, (%%rsp)" ::: "memory");
    __builtin_unreachable();
}

TEST(walk_of_a_damaged_stack_ends_in_good_order)
{
    outer(loses_its_stack);
    CHECK(npcs >= 1);
    expect(0, "loses_its_stack");
}
#endif

/* --- words --- */

TEST(function_of_another_module_is_named)
{
    npcs = 1;
    pcs[0] = (char *)(uintptr_t)&free;
    CHECK(strstr(described(0), "+0x") != NULL);
}

TEST(address_without_a_module_is_a_number)
{
    static char text[64];

    CHECK(tr__trace_describe((void *)0x1234, text, sizeof text) == 6);
    CHECK_STR(text, "0x1234");
}

TEST(name_is_told_without_the_line)
{
    char text[512];

    middle();
    CHECK(tr__trace_name(pcs[0], text, sizeof text) == strlen(text));
    CHECK(strncmp(text, "innermost+0x", 12) == 0);
    CHECK(strstr(text, " (trace_test+0x") != NULL);
}

TEST(long_text_is_cut_and_measured)
{
    char text[8];

    middle();
    CHECK(tr__trace_describe(pcs[0], text, sizeof text) > 8);
    CHECK_STR(text, "innermo");
}

TEST(line_is_told_where_it_can_be)
{
    middle();
    if (!strstr(described(0), " at "))
        SKIP("no libdw here");
    CHECK(strstr(described(0), " at trace_test.c:25") != NULL);
    CHECK(strstr(described(1), " at trace_test.c:31") != NULL);
}

TEST(what_cannot_be_had_is_left_out)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    middle();
    for (int64_t n = 1;; n++) {
        tr__fault_arm(n);
        const char *text = described(0);
        bool done = tr__fault_count() < n;
        tr__fault_arm(0);
        CHECK(strstr(text, "+0x") != NULL);
        if (done)
            break;
    }
    expect(0, "innermost");
}
