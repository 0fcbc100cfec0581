/* SPDX-License-Identifier: MIT */
#ifndef OTP_DOLLS_H
#define OTP_DOLLS_H

/*
 * What the tests of supervisors share: children that do as they are told, and tell the test, in its
 * mailbox, {started, Id} and {ended, Id, Reason}.
 *
 * The argument of a child is {Id, Conduct}:
 *
 *     calm         ends with the reason of an exit signal, or that of a message {leave, Reason}
 *     trap         the same, but traps exits
 *     stubborn     traps exits and ignores them
 *     {odd, R}     traps exits, and ends with R when it gets one
 *     flaky        its start fails with {error, flaky} while `flaky_left` is above 0
 *     {start, V}   its start function returns V
 *     {raise, R}   its start function ends the process with R
 *     {fail, R}    its process ends with R before it has acknowledged
 */

#include "children.h"

#include <stdio.h>

tr_atoms(started, ended, leave, calm, trap, stubborn, odd, flaky, start, raise, fail, a, b, c, d, e,
         undefined, restarting, supervisor, not_found, running, ignore, permanent, noproc,
         gen_server, call, infinity, failed_to_start_child, supervisor_data, bad_return, init,
         already_started, already_present, sup, x, child, start_link, significant, restart,
         trap_exit, id, type, modules, which_children);
tr_atom_as(a_true, "true");
tr_atom_as(a_false, "false");

static tr_pid tester;
static atomic_int flaky_left __attribute__((unused));
static atomic_int nreports __attribute__((unused));
static char last_report[4096] __attribute__((unused));

static inline void count_report(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    if (strstr(event->text, "SUPERVISOR REPORT") || strstr(event->text, "unexpected message")) {
        snprintf(last_report, sizeof last_report, "%s", event->text);
        atomic_fetch_add(&nreports, 1);
    }
}

/* True when the last report has that text in it; waits for those that are on their way. */
static inline bool reported(const char *text)
{
    CHECK(tr_log_flush(patience(10000)));
    return strstr(last_report, text) != NULL;
}

/* Each test begins with it. */
static inline void begin(void)
{
    tester = tr_self();
    tr_trap_exit(true);
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = count_report,
                                                         .max_per_second = TR_SINK_ANY }),
              TR_OK);
}

static inline void tell_end(void *id)
{
    tr_send(tester, a_ended, *(tr_term *)id, tr_exit_reason());
}

static inline void doll(tr_term arg)
{
    tr_term conduct, reason, *id = tr_alloc(sizeof *id);
    tr_term odd = { 0 };

    CHECK(tr_match(arg, id, &conduct));
    if (tr_match(conduct, a_fail, &reason))
        tr_exit(reason);
    tr_defer(tell_end, id);
    tr_match(conduct, a_odd, &odd);
    bool traps = odd.w || tr_match(conduct, a_stubborn) || tr_match(conduct, a_trap);
    if (traps)
        tr_trap_exit(true);
    tr_send(tester, a_started, *id);
    tr_init_ack(a_ok, tr_self());
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_leave, &reason)
                tr_exit(reason);
            tr_on (m, a_EXIT, tr_any(), &reason) {
                if (!tr_match(conduct, a_stubborn))
                    tr_exit(odd.w ? odd : reason);
            }
        }
    }
}

static inline tr_term start_doll(tr_term arg)
{
    tr_term conduct = tr_nil(), value;

    tr_match(arg, tr_any(), &conduct);
    if (tr_match(conduct, a_start, &value))
        return value;
    if (tr_match(conduct, a_raise, &value))
        tr_exit(value);
    if (tr_match(conduct, a_flaky) && atomic_load(&flaky_left) > 0) {
        atomic_fetch_sub(&flaky_left, 1);
        return tr_build(a_error, a_flaky);
    }
    return tr_start_link(doll, NULL, arg);
}

/* A specification of a child called x: DOLL(x, "calm", .restart = TR_TRANSIENT). */
#define DOLL(name, conduct, ...)                                                                   \
    {                                                                                              \
        .id = #name, .start = start_doll, .arg = "{" #name "," conduct "}", __VA_ARGS__            \
    }
#define A_DOLL(...) (&(const struct tr_child_spec)DOLL(__VA_ARGS__))

/* The oldest of the messages from children, kept. */
static inline tr_term next_event(void)
{
    tr_term id, reason, event = tr_nil();

    tr_receive (m) {
        tr_on (m, a_started, &id)
            event = tr_keep(tr_build(a_started, id));
        tr_on (m, a_ended, &id, &reason)
            event = tr_keep(tr_build(a_ended, id, reason));
        tr_after (m, patience(10000))
            FAIL("no child started or ended");
    }
    return event;
}

#define STARTED(id)       CHECK_TERM(next_event(), tr_build(a_started, id))
#define ENDED(id, reason) CHECK_TERM(next_event(), tr_build(a_ended, id, reason))

static inline bool no_event(void)
{
    bool none = true;

    tr_receive (m) {
        tr_on (m, a_started, tr_any())
            none = false;
        tr_on (m, a_ended, tr_any(), tr_any())
            none = false;
        tr_after (m, 0) {
        }
    }
    return none;
}

static inline tr_pid start_sup(const struct tr_supervisor *s)
{
    tr_pid pid = { 0 };
    tr_term result = tr_supervisor_start_link(s, NULL);

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "did not start: %s", tr_inspect(result));
    return pid;
}

/* A state machine that does nothing. */
static inline tr_statem_result machine_init(void *data, tr_term arg)
{
    (void)data;
    (void)arg;
    return tr_statem_ok(a_running);
}

static inline tr_statem_result machine_event(void *data, tr_term state,
                                             const struct tr_event *event)
{
    (void)data;
    (void)state;
    (void)event;
    return tr_keep_state();
}

static const struct tr_gen_statem idle_machine = { .name = "machine",
                                                   .init = machine_init,
                                                   .handle_event = machine_event };

static inline tr_term where(tr_pid sup, tr_atom id)
{
    tr_term pid = tr_nil();

    CHECK(
        tr_match(tr_supervisor_which_child(sup, id), a_ok, tr_tuple(id, &pid, tr_any(), tr_any())));
    return pid;
}

static inline tr_pid pid_of(tr_pid sup, tr_atom id)
{
    tr_pid pid = { 0 };

    CHECK(tr_match(where(sup, id), &pid));
    return pid;
}

/* The child ends, and the test has heard of it. */
static inline void crash(tr_pid sup, tr_atom id, tr_term reason)
{
    tr_send(pid_of(sup, id), a_leave, reason);
    ENDED(id, reason);
}

#define CRASH(sup, id, ...) crash(sup, id, tr_build(__VA_ARGS__))

/* Restarts are not to be what ends these. */
#define PATIENT .max_restarts = 1000000

/* With which a child may end. */
static inline tr_term reasons(int i)
{
    switch (i) {
    case 0:
        return tr_build(a_normal);
    case 1:
        return tr_build(a_shutdown);
    case 2:
        return tr_build(a_shutdown, 1);
    default:
        return tr_build(a_boom);
    }
}

/* A supervisor of a, b, which traps exits, and c; the second waits until they have started. */
static inline tr_pid start_three_for(enum tr_strategy strategy)
{
    const struct tr_supervisor s = { PATIENT, .strategy = strategy,
                                     .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "trap"),
                                                             DOLL(c, "calm")) };
    return start_sup(&s);
}

static inline tr_pid start_three(enum tr_strategy strategy)
{
    tr_pid sup = start_three_for(strategy);

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    return sup;
}

/* Waits for the 'EXIT' of a process linked with the test; the reason is kept. */
static inline tr_term exit_of(tr_pid pid)
{
    tr_term reason, kept = { 0 };

    tr_receive (m) {
        tr_on (m, a_EXIT, pid, &reason)
            kept = tr_keep(reason);
        tr_after (m, patience(10000))
            FAIL("no 'EXIT' came");
    }
    return kept;
}

static inline bool counts_are(tr_pid sup, int specs, int active, int supervisors, int workers)
{
    struct tr_child_counts n = tr_supervisor_count_children(sup);

    return n.specs == specs && n.active == active && n.supervisors == supervisors &&
           n.workers == workers;
}

/* Ends a supervisor, and forgets what the children tell. */
static inline void end_sup(tr_pid sup)
{
    tr_stop(sup, a_normal, TR_INFINITY);
    exit_of(sup);
    while (!no_event())
        ;
}

#endif
