/* SPDX-License-Identifier: MIT */
#ifndef CONFORMANCE_CAPS_H
#define CONFORMANCE_CAPS_H

/* What the tests of caps share: a process that takes nothing until it is let go, and then tells
   what it has. */

#include "conformance/puppet.h"

tr_atoms(item, got, oops);

enum { MAX = 10 };

static inline int64_t number_of(tr_pid pid, tr_atom item)
{
    tr_term value;
    int64_t n = -1;

    CHECK(tr_process_info(pid, item, &value));
    CHECK(tr_match(value, &n));
    return n;
}

/* Hands on whatever there is, in order, and says when there is no more. */
static inline void pass_on(tr_pid to)
{
    for (bool more = true; more;) {
        tr_receive (m) {
            tr_term what;
            tr_on (m, &what)
                tr_send(to, a_got, what);
            tr_after (m, 0)
                more = false;
        }
    }
    tr_send(to, a_done);
    tr_sleep(TR_INFINITY);
}

static inline void expect_items(int64_t first, int64_t last)
{
    for (int64_t i = first; i <= last; i++) {
        int64_t n = -1;
        tr_receive (m) {
            tr_on (m, a_got, tr_tuple(a_item, &n)) {
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
        CHECK_INT(n, i);
    }
}

static inline void expect_done(void)
{
    tr_receive (m) {
        tr_term what;
        tr_on (m, &what)
            CHECK_TERM(what, tr_build(a_done));
        tr_after (m, patience(10000))
            CHECK(false);
    }
}

/* By an exit signal, since a full mailbox may refuse a message. */
static inline void let_go(tr_pid pid)
{
    tr_exit_to(pid, a_oops);
}

static inline void hold_until_signal(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_trap_exit(true);
    tr_send(to, a_ready);
    tr_receive (m)
        tr_on (m, a_EXIT, tr_any(), a_oops) {
        }
    pass_on(to);
}

static inline tr_pid spawn_holder(enum tr_mailbox_policy policy)
{
    const struct tr_spawn_opts opts = { .max_mailbox = MAX, .mailbox_policy = policy };
    tr_pid pid = tr_spawn_opt(hold_until_signal, &opts, tr_self());

    tr_receive (m)
        tr_on (m, a_ready) {
        }
    return pid;
}

#endif
