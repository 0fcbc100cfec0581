/* SPDX-License-Identifier: MIT */
/* Descriptors, with each allocation and system call that they need failing in turn. */
#include "faults.h"

#include <sys/socket.h>
#include <unistd.h>

tr_atoms(done, status, waiting);

static int ends[2];

static void open_pair(void)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

/* The first of these makes the set of those that are watched. */
FAULT_TEST_REAL(a_wait_for_a_descriptor)
{
    open_pair();
    arm();
    tr_err err = tr_wait_fd(ends[0], TR_FD_READ, 1);
    CHECK(err == TR_ETIMEOUT || err == TR_ENOMEM || err == TR_ESYS);
    close(ends[0]);
    close(ends[1]);
    return err == TR_ETIMEOUT;
}

static void waits(tr_term arg)
{
    tr_pid boss;
    int events;

    CHECK(tr_match(arg, &boss, &events));
    tr_send(boss, a_done, tr_wait_fd(ends[0], events, TR_INFINITY));
}

static bool is_waiting(tr_pid pid)
{
    tr_term status;

    CHECK(tr_process_info(pid, a_status, &status));
    return tr_equal(status, tr_build(a_waiting));
}

TEST_PROC_REAL(who_cannot_be_watched_any_more_is_woken)
{
    char buffer[4096] = { 0 };

#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    open_pair();
    while (write(ends[0], buffer, sizeof buffer) > 0)
        ;
    tr_pid writer = tr_spawn(waits, tr_self(), TR_FD_WRITE);
    tr_pid reader = tr_spawn(waits, tr_self(), TR_FD_READ);
    CHECK_WITHIN(PATIENCE_MS, is_waiting(writer) && is_waiting(reader));
    /* What comes for the reader; to go on watching for the writer fails. */
    tr__fault_arm(1);
    CHECK(write(ends[1], "x", 1) == 1);
    for (int i = 0; i < 2; i++)
        tr_receive (m) {
            tr_on (m, a_done, TR_OK) {
            }
            tr_after (m, PATIENCE_MS)
                check_fail(__FILE__, __LINE__, "one still waits");
        }
    tr__fault_arm(0);
}
