/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_H
#define FAULTS_H

/*
 * One operation at a time, with the first, second, third... allocation in it failing, until it
 * passes them all.
 *
 *     FAULT_TEST(a_link)
 *     {
 *         arm();
 *         tr_link(peer);
 *         return true;
 *     }
 *
 * The operation runs in a process of its own; what comes before arm() is preparation. It returns
 * true when it has done its work, false when it was told that there is no memory; or the process
 * ends with out_of_memory. Whichever it was: afterwards there are as many processes as before, no
 * name is held, and the peer, which traps exits, lives, has no ties and no messages. What was
 * allocated and lost is for AddressSanitizer to find.
 */

#include "base/fault.h"
#include "check_proc.h"

#include <stdlib.h>

enum { MOST_POINTS = 2000, PATIENCE_MS = 10000 };

tr_atoms(DOWN, process, normal, kill, out_of_memory, stop, links, monitors, monitored_by);

typedef bool (*operation)(tr_pid peer);

/* With one worker only one process runs at a time, so that the nth point is always the same. */
static struct {
    operation run;
    int64_t nth;
    bool armed, done;
} now;

__attribute__((constructor)) static void one_worker(void)
{
    setenv("TROUPE_SCHEDULERS", "1", 0);
}

static inline void arm(void)
{
    now.armed = true;
    tr__fault_arm(now.nth);
}

/* It is linked with some that end without memory. */
static void peer_body(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_stop)
                return;
            tr_on (m, tr_any()) {
            }
        }
    }
}

static void actor_body(tr_term arg)
{
    tr_pid peer;

    tr_match(arg, &peer);
    now.done = now.run(peer);
}

static void check_empty(tr_pid pid, tr_atom item)
{
    tr_term list;

    CHECK(tr_process_info(pid, item, &list));
    CHECK_TERM(list, tr_nil());
}

/* Waits for the actor's end; true when it was its own out_of_memory. */
static bool ran_out(tr_ref ref)
{
    bool oom = false;

    tr_receive_ref(m, ref)
    {
        tr_term reason;
        tr_on (m, a_DOWN, ref, a_process, tr_any(), &reason) {
            oom = tr_match(reason, a_out_of_memory);
            if (!oom)
                CHECK_TERM(reason, tr_build(a_normal));
        }
        tr_after (m, PATIENCE_MS)
            check_fail(__FILE__, __LINE__, "hangs when point %d fails", (int)now.nth);
    }
    return oom;
}

/* What the actor started and could not stop. */
static void kill_others(tr_pid peer)
{
    tr_term pid;

    for (tr_term rest = tr_processes(); tr_list_next(&rest, &pid);) {
        tr_pid other = { pid.w };
        if (other.w != peer.w && other.w != tr_self().w)
            tr_exit_to(other, a_kill);
    }
}

/* Runs the operation with its nth point failing; true when it did not get that far. */
static bool passes(tr_pid peer)
{
    tr_ref ref;

    now.armed = now.done = false;
    tr_spawn_monitor(actor_body, &ref, peer);
    bool oom = ran_out(ref);
    int64_t passed = tr__fault_count();
    tr__fault_arm(0);
    CHECK(now.armed);
    CHECK(!oom || passed >= now.nth);
    CHECK(oom || now.done || passed >= now.nth);
    if (oom)
        kill_others(peer);
    CHECK_WITHIN(PATIENCE_MS, tr_process_count() == 2);
    CHECK_TERM(tr_registered(), tr_nil());
    CHECK(tr_is_alive(peer));
    check_empty(peer, a_links);
    check_empty(peer, a_monitors);
    check_empty(peer, a_monitored_by);
    CHECK_INT(tr_mailbox_length(), 0);
    return !oom && passed < now.nth;
}

static void fail_each_point(operation run)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    tr_pid peer = tr_spawn(peer_body);

    now.run = run;
    now.nth = 1;
    while (!passes(peer)) {
        CHECK(now.nth < MOST_POINTS);
        now.nth++;
    }
    tr_send(peer, a_stop);
    CHECK_WITHIN(PATIENCE_MS, tr_process_count() == 1);
}

#define FAULT_TEST(name)      FAULT_TEST_IN(TEST_PROC, name)
#define FAULT_TEST_REAL(name) FAULT_TEST_IN(TEST_PROC_REAL, name)

#define FAULT_TEST_IN(kind, name)                                                                  \
    static bool op_##name(tr_pid peer);                                                            \
    kind(name)                                                                                     \
    {                                                                                              \
        fail_each_point(op_##name);                                                                \
    }                                                                                              \
    static bool op_##name(__attribute__((unused)) tr_pid peer)

#endif
