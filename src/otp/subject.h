/* SPDX-License-Identifier: MIT */
#ifndef OTP_SUBJECT_H
#define OTP_SUBJECT_H

/*
 * What the tests of servers share: a server that does as it is told, and tells the process that
 * started it what its callbacks are handed.
 */

#include "children.h"

#include <string.h>

tr_atoms(ignore, stop, raise, leave, bad, sleep, hibernate, trap, echo, later, answer, call, tell,
         told, info, go_on, went_on, terminate, gen_server, noproc, undef, function_clause,
         bad_return_value, handle_call, handle_cast, handle_continue, init, subject, reply, noreply,
         infinity, calling_self, badarg, rest, release, replaced, colour, red);
tr_atom_as(a_continue, "continue");

struct subject {
    tr_pid boss;
    tr_term from; /* kept: of a call that is answered later */
    int64_t n;
};

static inline tr_gen_result subject_result(struct subject *s, tr_term what, tr_gen_result result)
{
    tr_term a, b;
    int64_t ms;

    (void)s;
    if (tr_match(what, a_stop, &a))
        return tr_gen_stop(a);
    if (tr_match(what, a_stop, &a, &b))
        return tr_gen_stop_reply(a, b);
    if (tr_match(what, a_raise, &a))
        tr_error(a);
    if (tr_match(what, a_leave, &a))
        tr_exit(a);
    if (tr_match(what, a_timeout, &ms))
        return tr_gen_timeout(ms, result);
    if (tr_match(what, a_hibernate))
        return tr_gen_hibernate(result);
    if (tr_match(what, a_continue, &a))
        return tr_gen_continue(result, a);
    if (tr_match(what, a_sleep, &ms)) {
        tr_sleep(ms);
        return result;
    }
    return tr_gen_unknown();
}

static inline tr_gen_result subject_init(void *state, tr_term arg)
{
    struct subject *s = state;
    tr_term why;

    CHECK(s->n == 0 && s->boss.w == 0);
    s->boss = tr_parent();
    if (tr_match(arg, a_ignore))
        return tr_gen_ignore();
    if (tr_match(arg, a_error, &why))
        return tr_gen_error(why);
    if (tr_match(arg, a_bad))
        return tr_gen_reply(7);
    if (tr_match(arg, a_trap))
        tr_trap_exit(true);
    tr_gen_result r = subject_result(s, arg, tr_gen_ok());
    return r.what == TR__GEN_UNKNOWN ? tr_gen_ok() : r;
}

static inline tr_gen_result subject_call(void *state, tr_term request, tr_term from)
{
    struct subject *s = state;
    tr_term a, b;

    if (tr_match(request, a_echo, &a))
        return tr_gen_reply(a);
    if (tr_match(request, a_later)) {
        s->from = tr_keep(from);
        return tr_gen_noreply();
    }
    if (tr_match(request, a_call, &a, &b))
        return tr_gen_reply(tr_call(a, b));
    if (tr_match(request, a_bad))
        return tr_gen_ok();
    if (tr_match(request, a_hibernate) || tr_match(request, a_timeout, tr_any()))
        return subject_result(s, request, tr_gen_reply(a_ok));
    return subject_result(s, request, tr_gen_reply(a_ok, 1));
}

static inline tr_gen_result subject_cast(void *state, tr_term request)
{
    struct subject *s = state;
    tr_term a;

    if (tr_match(request, a_tell, &a)) {
        tr_send(s->boss, a_told, a);
        return tr_gen_noreply();
    }
    if (tr_match(request, a_answer, &a)) {
        tr_reply(s->from, a);
        tr_release(s->from);
        return tr_gen_noreply();
    }
    if (tr_match(request, a_bad))
        return tr_gen_reply(1);
    return subject_result(s, request, tr_gen_noreply());
}

static inline tr_gen_result subject_info(void *state, tr_term message)
{
    struct subject *s = state;
    tr_gen_result r = subject_result(s, message, tr_gen_noreply());

    if (r.what != TR__GEN_UNKNOWN)
        return r;
    tr_send(s->boss, a_info, message);
    return tr_gen_noreply();
}

static inline tr_gen_result subject_continue(void *state, tr_term what)
{
    struct subject *s = state;
    int64_t more;

    tr_send(s->boss, a_went_on, what);
    if (tr_match(what, &more) && more > 0)
        return tr_gen_continue(tr_gen_noreply(), more - 1);
    return tr_gen_noreply();
}

static inline void subject_terminate(void *state, tr_term reason)
{
    struct subject *s = state;

    tr_send(s->boss, a_terminate, reason);
}

static inline tr_term subject_get(const void *state)
{
    const struct subject *s = state;

    return tr_build(a_subject, s->n);
}

static inline bool subject_set(void *state, tr_term term)
{
    struct subject *s = state;

    return tr_match(term, a_subject, &s->n);
}

static const struct tr_gen_server subject __attribute__((unused)) = {
    .name = "subject",
    .state_size = sizeof(struct subject),
    .init = subject_init,
    .handle_call = subject_call,
    .handle_cast = subject_cast,
    .handle_info = subject_info,
    .handle_continue = subject_continue,
    .terminate = subject_terminate,
    .get_state = subject_get,
    .set_state = subject_set,
};

/* Has nothing but init. */
static inline tr_gen_result bare_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static const struct tr_gen_server bare
    __attribute__((unused)) = { .name = "bare", .init = bare_init };

static inline tr_pid start_subject(void)
{
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&subject, NULL), a_ok, &pid));
    return pid;
}

/* Waits for that very message, and takes it. */
#define EXPECT(...) expect(__LINE__, tr_build(__VA_ARGS__))

static inline void expect(int line, tr_term wanted)
{
    tr_receive (m) {
        tr_when (m, tr_equal(m.message, wanted)) {
        }
        tr_after (m, patience(10000))
            check_fail("subject.h", line, "%s did not come", tr_inspect(wanted));
    }
}

static inline void calls(tr_term arg)
{
    tr_term to, request;
    int64_t ms;

    CHECK(tr_match(arg, &to, &ms, &request));
    tr_term reply = tr_call_within(ms, to, request);
    tr_exit(a_reply, reply);
}

/* The reason with which a process ends that calls and then exits with {reply, Reply}; kept. */
static inline tr_term end_of_caller(tr_term to, int64_t ms, tr_term request)
{
    tr_ref ref;

    tr_spawn_monitor(calls, &ref, to, ms, request);
    return down_reason(ref, a_DOWN);
}

/* {Reason, {gen_server, call, [To, Request, Ms]}} */
static inline tr_term call_failed(tr_term reason, tr_term to, tr_term request, tr_term ms)
{
    return tr_build(reason, tr_tuple(a_gen_server, a_call, tr_list(to, request, ms)));
}

/* --- reports --- */

static tr_pid reports_to;
static const char *reports_with;

static inline void send_report(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    if (strstr(event->text, reports_with))
        tr_send(reports_to, a_why, event->text);
}

/* From now on each event of the log with that text comes as {why, Text}, and none is printed. */
static inline void reporting(const char *with)
{
    reports_to = tr_self();
    reports_with = with;
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = send_report }), TR_OK);
}

#endif
