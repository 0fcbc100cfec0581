/* SPDX-License-Identifier: MIT */
#ifndef PUPPET_H
#define PUPPET_H

/*
 * What the tests of processes share: waiting for an end, and a process that does as it is told.
 *
 *     static tr_term link_with(tr_term pid) { ... }
 *
 *     tr_pid p = tr_spawn(puppet);
 *     ORDER(p, link_with, other);             runs link_with(other) in p and waits for the result
 *     CHECK_ENDS(tr_build(a_normal), once);   runs once() in a process and compares its reason
 *
 * A puppet looks at orders only, so everything else it is sent stays in its mailbox.
 */

#include "check_proc.h"

tr_atoms(DOWN, EXIT, process, normal, kill, killed, noproc, badarg, order, ready, done, undefined,
         messages, message_queue_len, links, monitors, monitored_by, shutdown, go);
tr_atom_as(a_nonode, "nonode@nohost");

/* How much longer than usual this build may take. */
static inline int64_t patience(int64_t ms)
{
    return ms * check_env("TEST_TIMEOUT", 1);
}

static inline tr_term down_reason_at(const char *file, int line, tr_ref ref)
{
    tr_term reason, kept = { 0 };

    tr_receive (m) {
        tr_on (m, tr_any(), ref, a_process, tr_any(), &reason)
            kept = tr_keep(reason);
        tr_after (m, patience(10000))
            check_fail(file, line, "no 'DOWN' came");
    }
    return kept;
}

/* The reason in the 'DOWN' of a monitor; it is kept. */
#define DOWN_REASON(ref) down_reason_at(__FILE__, __LINE__, ref)

static inline tr_term exit_reason_at(const char *file, int line, tr_pid pid)
{
    tr_term reason, kept = { 0 };

    tr_receive (m) {
        tr_on (m, a_EXIT, pid, &reason)
            kept = tr_keep(reason);
        tr_after (m, patience(10000))
            check_fail(file, line, "no 'EXIT' came");
    }
    return kept;
}

/* The reason in an {'EXIT', Pid, Reason} from that process; it is kept. */
#define EXIT_REASON(pid) exit_reason_at(__FILE__, __LINE__, pid)

/* The reason with which a process that runs fn(...) ends. */
#define CHECK_ENDS(reason, fn, ...)                                                                \
    do {                                                                                           \
        tr_ref check_ref;                                                                          \
        tr_spawn_monitor(fn, &check_ref, ##__VA_ARGS__);                                           \
        CHECK_TERM(DOWN_REASON(check_ref), reason);                                                \
    } while (0)

/* That it is {badarg, _}. */
#define CHECK_BADARG(fn, ...)                                                                      \
    do {                                                                                           \
        tr_ref check_ref;                                                                          \
        tr_spawn_monitor(fn, &check_ref, ##__VA_ARGS__);                                           \
        tr_term check_reason = DOWN_REASON(check_ref);                                             \
        if (!tr_match(check_reason, a_badarg, tr_any()))                                           \
            check_fail(__FILE__, __LINE__, "it ended with %s", tr_inspect(check_reason));          \
    } while (0)

/* Takes the oldest message, which must be this one. */
#define CHECK_NEXT(...)                                                                            \
    do {                                                                                           \
        tr_term check_next;                                                                        \
        tr_receive (check_m) {                                                                     \
            tr_on (check_m, &check_next)                                                           \
                CHECK_TERM(check_next, tr_build(__VA_ARGS__));                                     \
            tr_after (check_m, patience(10000))                                                    \
                check_fail(__FILE__, __LINE__, "no message came");                                 \
        }                                                                                          \
    } while (0)

#define CHECK_NO_MESSAGE() CHECK_INT(tr_mailbox_length(), 0)

/* What a puppet can be asked to do. */
typedef tr_term (*puppet_order)(tr_term arg);

static inline void puppet(tr_term arg)
{
    tr_pid from;
    tr_ref ref;
    uint64_t fn;
    tr_term what;

    (void)arg;
    for (;;) {
        tr_receive (m)
            tr_on (m, a_order, &from, &ref, &fn, &what)
                tr_send(from, ref, ((puppet_order)(uintptr_t)fn)(what));
    }
}

static inline tr_term order_at(const char *file, int line, tr_pid pid, puppet_order fn,
                               tr_term what)
{
    tr_ref ref = tr_make_ref();
    tr_term result, kept = { 0 };

    tr_send(pid, a_order, tr_self(), ref, (uint64_t)(uintptr_t)fn, what);
    tr_receive_ref(m, ref)
    {
        tr_on (m, ref, &result)
            kept = tr_keep(result);
        tr_after (m, patience(10000))
            check_fail(file, line, "an order was not carried out");
    }
    return kept;
}

/* Runs fn(arg) in a puppet and waits for the result, which is kept. */
#define ORDER(pid, fn, ...) order_at(__FILE__, __LINE__, pid, fn, tr_build(__VA_ARGS__))

static inline tr_term order_trap_exit(tr_term on)
{
    tr_trap_exit(tr_equal(on, tr_build(1)));
    return tr_nil();
}

/* Orders by which a puppet ties itself to another process. */
static inline tr_term order_link(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    tr_link(pid);
    return tr_nil();
}

static inline tr_term order_unlink(tr_term arg)
{
    tr_pid pid;

    CHECK(tr_match(arg, &pid));
    tr_unlink(pid);
    return tr_nil();
}

static inline tr_term order_monitor(tr_term to)
{
    return tr_build(tr_monitor(to));
}

static inline tr_term order_demonitor(tr_term arg)
{
    tr_ref ref;

    CHECK(tr_match(arg, &ref));
    return tr_build(tr_demonitor(ref));
}

static inline tr_term order_exit(tr_term reason)
{
    tr_exit(reason);
}

static inline tr_term info_at(const char *file, int line, tr_pid pid, tr_atom item)
{
    tr_term value = { 0 };

    if (!tr_process_info(pid, item, &value))
        check_fail(file, line, "there is no such process");
    return value;
}

#define INFO(pid, item)            info_at(__FILE__, __LINE__, pid, item)
#define CHECK_INFO(pid, item, ...) CHECK_TERM(INFO(pid, item), tr_build(__VA_ARGS__))

/* Ends a process and waits until it has gone. */
static inline void end(tr_pid pid)
{
    tr_ref ref = tr_monitor(pid);

    tr_unlink(pid);
    tr_exit_to(pid, a_kill);
    tr_release(DOWN_REASON(ref));
}

/* A pid that is good, but whose process has gone. */
static inline void puppet_nothing(tr_term arg)
{
    (void)arg;
}

static inline tr_pid dead_pid(void)
{
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(puppet_nothing, &ref);

    tr_release(DOWN_REASON(ref));
    return pid;
}

/* A pid that no process ever had: no slot has been used as often as this. */
static inline tr_pid never_pid(void)
{
    tr_term term;
    tr_pid pid = { 0 };
    const char *text = "<0.1.99999>";

    if (tr_parse(text, strlen(text), &term, NULL) || !tr_match(term, &pid))
        check_fail(__FILE__, __LINE__, "%s is not a pid", text);
    return pid;
}

/* Waits for ever; exit signals end it. */
static inline void idle(tr_term arg)
{
    (void)arg;
    tr_sleep(TR_INFINITY);
}

#endif
