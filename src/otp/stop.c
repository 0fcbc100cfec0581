/* SPDX-License-Identifier: MIT */
/*
 * The synchronous stop, and the system messages by which it is asked for.
 *
 * The request carries From = {Pid, [alias|Ref]}, where Ref is the monitor of the process to be
 * stopped: the answer comes through an alias that ends with the monitor, so that none can arrive
 * after a timeout.
 */
#include "troupe.h"

#include "otp/request.h"

tr_atoms(system, terminate, alias, ok, error, unknown_system_msg, noproc, timeout, calling_self,
         badarg, DOWN, out_of_memory);

/* --- the side that asks --- */

static bool is_caller(tr_term to)
{
    tr_pid pid;

    return tr_whereis_server(to, &pid) && pid.w == tr_self().w;
}

/* What has come of a request to stop. */
struct stop {
    tr_ref monitor;
    tr_term reason; /* kept; w is 0 until the process has ended */
    bool answered;
};

#define MS_MAX (INT64_C(1) << 43) /* longer is no limit */

/* Waits for the end; an answer before it is taken note of. */
static void await_end(struct stop *s, int64_t timeout_ms)
{
    if (timeout_ms > MS_MAX)
        timeout_ms = TR_INFINITY;
    int64_t deadline = timeout_ms == TR_INFINITY ? 0 : tr_monotonic_ms() + timeout_ms;
    bool late = false;
    tr_term reason;

    while (!s->reason.w && !late) {
        tr_receive_ref(m, s->monitor)
        {
            tr_on (m, a_DOWN, s->monitor, tr_any(), tr_any(), &reason)
                s->reason = tr_keep(reason);
            tr_on (m, tr_cons(a_alias, s->monitor), tr_any())
                s->answered = true;
            tr_after (m, timeout_ms)
                late = true;
        }
        if (timeout_ms != TR_INFINITY) {
            timeout_ms = deadline - tr_monotonic_ms();
            timeout_ms = timeout_ms < 0 ? 0 : timeout_ms;
        }
    }
}

/* The time is over: no trace of the request may arrive from here on. */
static void give_up(const struct stop *s)
{
    tr_demonitor_flush(s->monitor);
    tr_receive (m) {
        tr_on (m, tr_cons(a_alias, s->monitor), tr_any()) {
        }
        tr_after (m, 0) {
        }
    }
}

tr_err tr_try_stop_args(tr_term to, tr_term *ended, struct tr_arg reason, int64_t timeout_ms)
{
    tr_term wanted = tr_build_args(&reason, 1);
    struct stop s = { .reason = { 0 } };
    tr_term name;
    tr_pid pid;

    tr__check_timeout(timeout_ms);
    if (is_caller(to))
        return TR_EINVAL;
    if (tr_via_module(to, &name)) { /* which cannot be watched */
        if (!tr_whereis_server(to, &pid))
            return TR_ENOPROC;
        to = tr_build(pid);
    }
    s.monitor = tr_monitor_opt(to, .alias = TR_ALIAS_DEMONITOR);
    /* A name that nobody has is no error here: the monitor tells. */
    tr_err err = tr_try_send(to, a_system, tr_tuple(tr_self(), tr_cons(a_alias, s.monitor)),
                             tr_tuple(a_terminate, wanted));
    if (err == TR_ENOMEM) {
        tr_demonitor_flush(s.monitor);
        return err;
    }
    await_end(&s, timeout_ms);
    if (!s.reason.w) {
        give_up(&s);
        return TR_ETIMEOUT;
    }
    tr_term why = tr_copy(s.reason);
    tr_release(s.reason);
    if (tr_match(why, a_noproc) && !s.answered)
        return TR_ENOPROC;
    if (tr_equal(why, wanted))
        return TR_OK;
    if (ended)
        *ended = why;
    return TR_ECLOSED;
}

void tr_stop_args(tr_term to, struct tr_arg reason, int64_t timeout_ms)
{
    tr_term ended;

    switch (tr_try_stop_args(to, &ended, reason, timeout_ms)) {
    case TR_OK:
        return;
    case TR_ENOPROC:
        tr_exit(a_noproc);
    case TR_ETIMEOUT:
        tr_exit(a_timeout);
    case TR_EINVAL:
        tr_exit(a_calling_self);
    case TR_ECLOSED:
        tr_exit(ended);
    default:
        tr_exit(a_out_of_memory);
    }
}

/* --- the side that is asked --- */

/* The alias in [alias|Ref] or [[alias|Ref]|_]. */
static bool alias_of(tr_term tag, tr_ref *alias)
{
    tr_term head;

    return tr__alias_in(tag, alias) || (tr_list_next(&tag, &head) && tr__alias_in(head, alias));
}

bool tr_reply_alias(tr_term from, tr_ref *alias)
{
    tr_term tag;

    return tr_match(from, tr_any(), &tag) && alias_of(tag, alias);
}

void tr_reply_args(tr_term from, const struct tr_arg *args, int n)
{
    struct tr_arg answer = tr_message_arg(args, n);
    tr_ref alias;
    tr_term tag;
    tr_pid pid;

    if (tr__answer(from, answer))
        return;
    if (!tr_match(from, &pid, &tag))
        tr_exit(a_badarg, from);
    if (alias_of(tag, &alias))
        tr__send_pair(tr_build(alias), tag, answer);
    else
        tr__send_pair(tr_build(pid), tag, answer);
}

void tr_handle_system(tr_term from, tr_term request)
{
    tr_term reason;

    if (tr_match(request, a_terminate, &reason)) {
        tr_reply(from, a_ok);
        tr_exit(reason);
    }
    tr_reply(from, a_error, tr_tuple(a_unknown_system_msg, request));
}
