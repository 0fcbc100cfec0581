/* SPDX-License-Identifier: MIT */
#ifndef OTP_CHILDREN_H
#define OTP_CHILDREN_H

/* What the tests of start, stop and crash reports share: children of every conduct. */

#include "check_proc.h"

#include <stdatomic.h>

tr_atoms(ok, error, timeout, normal, shutdown, kill, killed, boom, DOWN, EXIT, process, worker,
         system, boss, why, other);

static inline int64_t patience(int64_t ms)
{
    return ms * check_env("TEST_TIMEOUT", 1);
}

/* Waits for the 'DOWN' of a monitor; the reason is kept. */
static inline tr_term down_reason(tr_ref ref, tr_atom tag)
{
    tr_term reason, kept = { 0 };

    tr_receive (m) {
        tr_on (m, tag, ref, a_process, tr_any(), &reason)
            kept = tr_keep(reason);
        tr_after (m, patience(10000))
            FAIL("no 'DOWN' came");
    }
    return kept;
}

static inline void stopper(tr_term arg)
{
    tr_term to;
    int64_t ms;

    CHECK(tr_match(arg, &to, &ms));
    tr_stop(to, a_normal, ms);
}

/* The reason with which a caller of tr_stop ends. */
static inline tr_term end_of_stopper(tr_term to, int64_t ms)
{
    tr_ref ref;

    tr_spawn_monitor(stopper, &ref, to, ms);
    return down_reason(ref, a_DOWN);
}

static inline tr_term info(tr_pid pid, tr_atom item)
{
    tr_term value = tr_nil();

    CHECK(tr_process_info(pid, item, &value));
    return value;
}

#define CHECK_MAILBOX(n) CHECK_INT(tr_mailbox_length(), n)

/* Keeps the reports of what is meant to fail out of the way. */
static inline void no_reports(void)
{
    if (tr_log_remove_sink("default")) {
        /* It has been removed before. */
    }
}

/* --- children --- */

static inline void wait_for_system(tr_term unused)
{
    tr_term from, request;

    (void)unused;
    for (;;)
        tr_receive (m)
            tr_on (m, a_system, &from, &request)
                tr_handle_system(from, request);
}

static atomic_bool is_ready __attribute__((unused));

static inline void good_child(tr_term arg)
{
    tr_sleep(20);
    atomic_store(&is_ready, true);
    tr_init_ack(a_ok, tr_self(), arg);
    wait_for_system(arg);
}

static inline void silent_child(tr_term arg)
{
    (void)arg;
    tr_sleep(TR_INFINITY);
}

/* Ends with its argument before it has answered. */
static inline void crashing_child(tr_term arg)
{
    tr_exit(arg);
}

static inline void returning_child(tr_term arg)
{
    (void)arg;
}

/* The argument is {Result, Reason}. */
static inline void failing_child(tr_term arg)
{
    tr_term result, reason;

    CHECK(tr_match(arg, &result, &reason));
    tr_init_fail(result, reason);
}

#define CHECK_STARTED(term, pid_at)                                                                \
    do {                                                                                           \
        CHECK(tr_match(term, a_ok, pid_at, tr_tuple(7, "x")));                                     \
        CHECK(atomic_exchange(&is_ready, false));                                                  \
        CHECK(tr_is_alive(*(pid_at)));                                                             \
    } while (0)

#endif
