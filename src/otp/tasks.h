/* SPDX-License-Identifier: MIT */
#ifndef OTP_TASKS_H
#define OTP_TASKS_H

/* What the tests of tasks share: what they do, and how they are seen to end. */

#include "subject.h"

static inline tr_term echo(tr_term arg)
{
    return arg;
}

static inline tr_term leaves(tr_term reason)
{
    tr_exit(reason);
}

static inline tr_term fails(tr_term what)
{
    tr_error(what);
}

/* Answers when it is told to, with what it is told; the argument is who it tells of its start. */
static inline tr_term obeys(tr_term boss)
{
    tr_term value;
    tr_pid pid;

    if (tr_match(boss, &pid))
        tr_send(pid, a_told, tr_self());
    tr_receive (m)
        tr_on (m, a_answer, &value)
            return tr_copy(value);
    return tr_nil();
}

static inline tr_term waits(tr_term unused)
{
    (void)unused;
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

static inline tr_term waits_and_traps(tr_term boss)
{
    tr_pid pid;

    tr_trap_exit(true);
    if (tr_match(boss, &pid))
        tr_send(pid, a_told, a_trap);
    tr_sleep(TR_INFINITY);
    return tr_nil();
}

/* Runs fn(arg) in a process; the reason with which it ends, kept. */
static inline tr_term end_of(tr_process_fn fn, tr_term arg)
{
    tr_ref ref;

    tr_spawn_monitor(fn, &ref, arg);
    return down_reason(ref, a_DOWN);
}

static inline bool has_link(tr_pid pid)
{
    tr_term links = info(tr_self(), tr_intern("links"));
    tr_term item;

    while (tr_list_next(&links, &item))
        if (item.w == pid.w)
            return true;
    return false;
}

static inline void wait_for_end(tr_pid pid)
{
    tr_ref ref = tr_monitor(pid);

    down_reason(ref, a_DOWN);
}

#endif
