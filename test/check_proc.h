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
 * The test passes when the body returns and the runtime stops with status 0.
 */

#include "check.h"
#include "troupe.h"

static inline void check_pause_process(void)
{
    tr_sleep(1);
}

#define TEST_PROC(name)                                                                            \
    static void test_##name(tr_term check_args);                                                   \
    static int run_##name(int argc, char **argv)                                                   \
    {                                                                                              \
        check_pause = check_pause_process;                                                         \
        return tr_main(argc, argv, test_##name);                                                   \
    }                                                                                              \
    CHECK_REGISTER(name)                                                                           \
    static void test_##name(__attribute__((unused)) tr_term check_args)

#endif
