/* SPDX-License-Identifier: MIT */
/* Processes with a thread of their own. */
#define _GNU_SOURCE
#include "base/compiler.h"
#include "base/fault.h"
#include "check_proc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(ping, pong, done, stop, taken, DOWN, kill, killed, normal);

static const struct tr_spawn_opts own = { .own_thread = true };

/* Counts the processes that this thread has run: one, if it is theirs alone. */
static __thread int visitors;

static void check_thread(pid_t tid)
{
    CHECK_INT(gettid(), tid);
    CHECK_INT(visitors, 1);
}

/* Does everything by which a process may lose its thread. */
static void stays(tr_term arg)
{
    tr_pid boss;
    int n, rounds;
    pid_t tid = gettid();

    CHECK(tr_match(arg, &boss, &rounds));
    visitors++;
    for (int i = 0; i < rounds; i++) {
        tr_yield();
        check_thread(tid);
        tr_send(boss, a_ping, tr_self(), i);
        tr_receive (m)
            tr_on (m, a_pong, &n)
                CHECK_INT(n, i);
        check_thread(tid);
        tr_sleep(i % 3);
        check_thread(tid);
        if (i % 4 == 0) {
            tr_blocking_begin();
            usleep(100);
            tr_blocking_end();
            check_thread(tid);
        }
        if (i % 16 == 0) {
            usleep(3000); /* unannounced: the worker is taken */
            tr_yield();
            check_thread(tid);
        }
    }
    tr_send(boss, a_done);
}

/* A function of its own: in the loop the compiler would look up once where the variable is. */
static TR__NOINLINE void visit(void)
{
    visitors += 2; /* wherever this is, it must not be one of their threads */
    __asm__ volatile("" ::: "memory");
}

static void visits(tr_term arg)
{
    (void)arg;
    for (;;) {
        visit();
        tr_yield();
    }
}

TEST_PROC_REAL(a_process_with_its_own_thread_never_leaves_it)
{
    enum { ACTORS = 8, ROUNDS = 100 };
    tr_pid from;
    int n, ended = 0;

    for (int i = 0; i < 4; i++)
        tr_spawn(visits);
    for (int i = 0; i < ACTORS; i++)
        tr_spawn_opt(stays, (&(const struct tr_spawn_opts){ .own_thread = true, .link = true }),
                     tr_self(), ROUNDS);
    while (ended < ACTORS) {
        tr_receive (m) {
            tr_on (m, a_ping, &from, &n)
                tr_send(from, a_pong, n);
            tr_on (m, a_done)
                ended++;
        }
    }
}

static void nothing(tr_term arg)
{
    (void)arg;
}

TEST_PROC_REAL(its_thread_ends_with_it)
{
    /* More than there may be at once. */
    for (int i = 0; i < 1000; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_opt(
            nothing, (&(const struct tr_spawn_opts){ .own_thread = true, .monitor = &ref }));
        tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), pid, a_normal)
        {
        }
    }
}

static void waits(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

TEST_PROC_REAL(it_may_be_killed_before_it_runs)
{
    for (int i = 0; i < 100; i++) {
        tr_ref ref;
        tr_pid pid = tr_spawn_opt(
            waits, (&(const struct tr_spawn_opts){ .own_thread = true, .monitor = &ref }));
        tr_exit_to(pid, a_kill);
        tr_receive_ref(m, ref) tr_on (m, a_DOWN, ref, tr_any(), pid, a_killed)
        {
        }
    }
}

static pid_t before_hibernation;

static void after_hibernation(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    CHECK_INT(gettid(), before_hibernation);
    tr_receive (m)
        tr_on (m, a_ping)
            tr_send(boss, a_pong);
}

static void hibernates(tr_term arg)
{
    before_hibernation = gettid();
    tr_hibernate(after_hibernation, arg);
}

TEST_PROC_REAL(it_keeps_its_thread_over_hibernation)
{
    tr_pid pid = tr_spawn_opt(hibernates, &own, tr_self());

    tr_sleep(5);
    tr_send(pid, a_ping);
    tr_receive (m)
        tr_on (m, a_pong) {
        }
}

TEST_PROC_REAL(a_spawn_that_fails_leaves_no_thread_behind)
{
    struct tr_spawn_opts named = { .own_thread = true, .name = a_taken };
    tr_pid pid;

    CHECK_INT(tr_register(a_taken, tr_self()), TR_OK);
    /* More than there may be at once: some have yet to end. */
    for (int i = 0; i < 1000; i++)
        CHECK_WITHIN(5000, tr_try_spawn(&pid, nothing, &named) == TR_EEXIST);
}

static void up_to_the_limit(tr_term arg)
{
    tr_pid pid;
    tr_err err;
    int n = 0;

    (void)arg;
    while (!(err = tr_try_spawn(&pid, waits, &own)))
        n++;
    CHECK_INT(err, TR_ELIMIT);
    CHECK(n > 0 && n < 20);
    /* All others go on. */
    for (int i = 0; i < 100; i++) {
        tr_spawn(stays, tr_self(), 0);
        tr_receive (m)
            tr_on (m, a_done) {
            }
    }
}

TEST(there_are_no_more_own_threads_than_threads_may_be)
{
    tr_set_thread_limit(20);
    for (int i = 0; i < 10; i++)
        CHECK_INT(tr_main(0, NULL, up_to_the_limit), 0);
}

static void spawns_with_failures(tr_term arg)
{
    (void)arg;
#ifdef TR_FAULTS
    for (int n = 1;; n++) {
        tr_pid pid;
        tr__fault_arm(n);
        tr_err err = tr_try_spawn(&pid, nothing, &own);
        int64_t passed = tr__fault_count();
        tr__fault_arm(0);
        CHECK(!err || err == TR_ENOMEM || err == TR_ESYS || err == TR_ELIMIT);
        if (!err && passed < n)
            return;
    }
#endif
}

TEST(each_failure_of_a_spawn_is_reported)
{
    CHECK_INT(tr_main(0, NULL, spawns_with_failures), 0);
}

static void leaves_some(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++)
        tr_spawn_opt(waits, &own);
    for (int i = 0; i < 10; i++)
        tr_spawn_opt(visits, &own);
    tr_sleep(5);
}

TEST(the_program_ends_beside_processes_with_threads_of_their_own)
{
    static const char *const numbers[] = { "1", "2", "4" };

    for (int i = 0; i < 9; i++) {
        setenv("TROUPE_SCHEDULERS", numbers[i % 3], 1);
        CHECK_INT(tr_main(0, NULL, leaves_some), 0);
    }
}
