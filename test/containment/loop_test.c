/* SPDX-License-Identifier: MIT */
/* Processes that never come to the library: exit signals end them all the same. */
#include "contain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

tr_atoms(tick, reason_x);

static _Atomic int nloops; /* how many have come to their loop */

static void loops(tr_term arg)
{
    (void)arg;
    nloops++;
    for (;;)
        ;
}

static void loops_in_library_calls(tr_term arg)
{
    (void)arg;
    nloops++;
    for (;;)
        opaque_int = tr_match(arg, a_tick) + (int)tr_self().w;
}

static void needs_kicks(void)
{
#ifdef CONTAIN_TSAN
    check_skip("ThreadSanitizer delays signals");
#endif
}

/* Starts n processes in an endless loop, and ends them by `reason`; a ticker must go on ticking. */
static void check_killed(tr_process_fn fn, int n, tr_atom reason, tr_term seen)
{
    tr_pid *pids = tr_alloc((size_t)n * sizeof *pids);
    tr_ref *refs = tr_alloc((size_t)n * sizeof *refs);

    nloops = 0;
    for (int i = 0; i < n; i++)
        pids[i] = tr_spawn_monitor(fn, &refs[i]);
    CHECK_WITHIN(patience(5000), nloops == n);
    for (int i = 0; i < n; i++)
        tr_exit_to(pids[i], reason);
    for (int i = 0; i < n; i++)
        CHECK_TERM(down_reason_at(__FILE__, __LINE__, refs[i]), seen);
    tr_free(pids);
    tr_free(refs);
}

TEST_PROC_REAL(an_exit_signal_ends_endless_loops)
{
    int cores = tr_schedulers_online();

    needs_kicks();
    check_killed(loops, cores, a_kill, tr_build(a_killed));
    check_killed(loops, 10 * cores, a_kill, tr_build(a_killed));
    check_killed(loops, cores, a_reason_x, tr_build(a_reason_x));
    check_killed(loops_in_library_calls, cores, a_kill, tr_build(a_killed));
}

/* The signals of a process with caps wait in a list of their own. */
static void loops_with_caps(tr_term arg)
{
    tr_set_max_mailbox(10, TR_MAILBOX_DROP_OLDEST);
    loops(arg);
}

TEST_PROC_REAL(an_exit_signal_ends_endless_loops_with_caps)
{
    needs_kicks();
    check_killed(loops_with_caps, tr_schedulers_online(), a_kill, tr_build(a_killed));
    check_killed(loops_with_caps, tr_schedulers_online(), a_reason_x, tr_build(a_reason_x));
}

TEST_PROC_REAL(timers_fire_beside_ten_endless_loops_per_core)
{
    int n = 10 * tr_schedulers_online();
    tr_pid *pids = tr_alloc((size_t)n * sizeof *pids);

    needs_kicks();
    for (int i = 0; i < n; i++)
        pids[i] = tr_spawn(loops);
    for (int i = 0; i < 100; i++) {
        tr_send_after(1, tr_self(), a_tick);
        tr_receive (m) {
            tr_on (m, a_tick) {
            }
            tr_after (m, patience(5000))
                FAIL("the timer does not fire");
        }
    }
    for (int i = 0; i < n; i++)
        tr_exit_to(pids[i], a_kill);
    CHECK_WITHIN(patience(5000), tr_process_count() == 1);
}

static void loops_trapping(tr_term arg)
{
    tr_trap_exit(true);
    loops(arg);
}

TEST_PROC_REAL(a_loop_that_traps_exits_is_ended_by_kill_only)
{
    tr_ref ref;

    needs_kicks();
    nloops = 0;
    tr_pid pid = tr_spawn_monitor(loops_trapping, &ref);
    CHECK_WITHIN(patience(5000), nloops == 1);
    for (int i = 0; i < 10; i++)
        tr_exit_to(pid, a_reason_x);
    tr_exit_to(pid, a_normal);
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any())
            FAIL("it has ended");
        tr_after (m, 20) {
        }
    }
    tr_exit_to(pid, a_kill);
    CHECK_TERM(down_reason_at(__FILE__, __LINE__, ref), tr_build(a_killed));
}

static void dies_with_its_loop(tr_term arg)
{
    (void)arg;
    tr_spawn_link(loops);
    CHECK_WITHIN(patience(5000), nloops == 1);
    tr_exit(a_reason_x);
}

TEST_PROC_REAL(a_link_ends_an_endless_loop)
{
    needs_kicks();
    nloops = 0;
    tr_spawn(dies_with_its_loop);
    CHECK_WITHIN(patience(5000), nloops == 1 && tr_process_count() == 1);
}

static void dies_when_it_loops(tr_term arg)
{
    (void)arg;
    CHECK_WITHIN(patience(5000), nloops == 1);
    tr_exit(a_reason_x);
}

static void watches_and_loops(tr_term arg)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .link = true, .monitor = &ref };

    tr_spawn_opt(dies_when_it_loops, &opts);
    loops(arg);
}

/* The exit signal comes with the 'DOWN'. */
TEST_PROC_REAL(a_link_to_one_that_is_watched_ends_an_endless_loop)
{
    needs_kicks();
    nloops = 0;
    tr_spawn(watches_and_loops);
    CHECK_WITHIN(patience(5000), nloops == 1 && tr_process_count() == 1);
}

TEST_PROC_REAL(who_ends_a_process_and_watches_it_ends_its_endless_loop)
{
    needs_kicks();
    nloops = 0;
    tr_trap_exit(true);
    tr_pid pid = tr_spawn_link(loops);
    CHECK_WITHIN(patience(5000), nloops == 1);
    CHECK_TERM(down_reason_at(__FILE__, __LINE__, tr_end_watched(pid, a_reason_x)),
               tr_build(a_reason_x));
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC_REAL(a_timer_ends_an_endless_loop)
{
    tr_ref ref;

    needs_kicks();
    tr_pid pid = tr_spawn_monitor(loops, &ref);
    tr_kill_after(5, pid);
    CHECK_TERM(down_reason_at(__FILE__, __LINE__, ref), tr_build(a_killed));
}

/* --- libc --- */

static FILE *lines;

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void calls_libc(tr_term arg)
{
    int numbers[200];

    (void)arg;
    may_leak(); /* what it holds when it is killed */
    nloops++;
    for (unsigned n = 0;; n++) {
        char *copy = strdup("abcdefghijklmnopqrstuvwxyz");
        fprintf(lines, "%s %s\n", copy, copy);
        free(copy);
        for (unsigned i = 0; i < 200; i++)
            numbers[i] = (int)((i * 7919 + n) % 200);
        qsort(numbers, 200, sizeof *numbers, by_value);
        free(realloc(malloc(n % 5000 + 1), n % 7000 + 1));
    }
}

/* Each line as it was written, none torn, none lost in the middle. */
static void check_lines(const char *path)
{
    char line[256];
    FILE *f = fopen(path, "r");

    CHECK(f != NULL);
    while (fgets(line, sizeof line, f))
        CHECK_STR(line, "abcdefghijklmnopqrstuvwxyz abcdefghijklmnopqrstuvwxyz\n");
    fclose(f);
}

TEST_PROC_REAL(a_loop_of_malloc_printf_and_qsort_is_killed_again_and_again)
{
    char path[] = "/tmp/troupe-loop-XXXXXX";
    int fd = mkstemp(path);

    needs_kicks();
    CHECK(fd >= 0);
    lines = fdopen(fd, "w");
    bool whole = check_env("TR_LONG", 0);
    int64_t until = check_now_ms() + 8000; /* a slow machine may stop earlier */
    for (int i = 0; i < (whole ? 10000 : 1000); i += 20) {
        if (!whole && i >= 200 && check_now_ms() > until)
            break;
        check_killed(calls_libc, 20, a_kill, tr_build(a_killed));
    }
    fclose(lines);
    check_lines(path);
    unlink(path);
}

static int never_ends(const void *a, const void *b)
{
    (void)a;
    (void)b;
    while (opaque_int == 0)
        ;
    return 0;
}

static void loops_in_qsort(tr_term arg)
{
    int numbers[10] = { 3, 2, 1 };

    (void)arg;
    nloops++;
    qsort(numbers, 10, sizeof *numbers, never_ends);
}

TEST_PROC_REAL(a_loop_inside_qsort_is_ended_too)
{
    needs_kicks();
    check_killed(loops_in_qsort, 2, a_kill, tr_build(a_killed));
}

/* --- system calls --- */

static int channel[2];

static void reads_for_ever(tr_term arg)
{
    char c;

    (void)arg;
    nloops++;
    while (read(channel[0], &c, 1) < 0 && errno == EINTR)
        ;
}

static void reads_by_stdio(tr_term arg)
{
    char line[100];

    (void)arg;
    nloops++;
    FILE *f = fdopen(dup(channel[0]), "r");
    while (!fgets(line, sizeof line, f))
        clearerr(f);
}

static void sleeps_for_ever(tr_term arg)
{
    (void)arg;
    nloops++;
    for (;;)
        sleep(1000);
}

TEST_PROC_REAL(an_exit_signal_ends_processes_that_block_in_system_calls)
{
    needs_kicks();
    CHECK(pipe(channel) == 0);
    check_killed(reads_for_ever, 4, a_kill, tr_build(a_killed));
    check_killed(sleeps_for_ever, 4, a_reason_x, tr_build(a_reason_x));
    check_killed(reads_by_stdio, 4, a_kill, tr_build(a_killed));
}

static void reads_trapping(tr_term arg)
{
    char c;
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    tr_trap_exit(true);
    nloops++;
    CHECK_INT(read(channel[0], &c, 1), 1);
    tr_send(boss, a_tick);
}

TEST_PROC_REAL(an_exit_signal_that_does_not_end_a_process_does_not_interrupt_its_system_call)
{
    needs_kicks();
    CHECK(pipe(channel) == 0);
    nloops = 0;
    tr_pid pid = tr_spawn(reads_trapping, tr_self());
    CHECK_WITHIN(patience(5000), nloops == 1);
    for (int i = 0; i < 20; i++) {
        tr_exit_to(pid, a_reason_x);
        tr_sleep(2);
    }
    CHECK(write(channel[1], "x", 1) == 1);
    tr_receive (m)
        tr_on (m, a_tick) {
        }
}
