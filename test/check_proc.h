/* SPDX-License-Identifier: MIT */
#ifndef CHECK_PROC_H
#define CHECK_PROC_H

/*
 * Tests whose body is the first process of a runtime of their own.
 *
 *     #include "check_proc.h"
 *
 *     TEST_PROC(message_to_self_arrives)
 *     {
 *         tr_send(tr_self(), 42);
 *         ...
 *     }
 *
 * The test passes when the body returns and the runtime stops with status 0. It must pass in a
 * replay too, under any seed; one that needs threads of its own, blocking calls, real time or more
 * than one worker is a TEST_PROC_REAL. One about when things happen is a TEST_PROC_VIRTUAL: it
 * always runs in a replay, so that a busy machine does not make it late.
 */

#include "check.h"
#include "troupe.h"

#include <stdlib.h>

static inline void check_pause_process(void)
{
    tr_sleep(1);
}

/* A test that runs under seeds and takes something from outside would show nothing. */
static inline int check_run_process(int argc, char **argv, tr_process_fn body)
{
    check_pause = check_pause_process;
    check_now_ms = tr_monotonic_ms;
    int status = tr_main(argc, argv, body);
    if (status == 0 && check_env("CHECK_SEEDS", 0) && tr_replay_broken())
        check_fail(__FILE__, __LINE__, "it uses %s: a TEST_PROC_REAL", tr_replay_broken());
    return status;
}

static inline int check_run_virtual(int argc, char **argv, tr_process_fn body)
{
    setenv("TROUPE_REPLAY", "1", 0);
    return check_run_process(argc, argv, body);
}

#define TEST_PROC(name)         CHECK_TEST_PROC(name, true, check_run_process)
#define TEST_PROC_REAL(name)    CHECK_TEST_PROC(name, false, check_run_process)
#define TEST_PROC_VIRTUAL(name) CHECK_TEST_PROC(name, true, check_run_virtual)

#define CHECK_TEST_PROC(name, with_seeds, run)                                                     \
    static void test_##name(tr_term check_args);                                                   \
    static int run_##name(int argc, char **argv)                                                   \
    {                                                                                              \
        return run(argc, argv, test_##name);                                                       \
    }                                                                                              \
    CHECK_REGISTER(name, with_seeds)                                                               \
    static void test_##name(__attribute__((unused)) tr_term check_args)

#endif
