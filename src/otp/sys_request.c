/* SPDX-License-Identifier: MIT */
/* System messages: the side that asks. */
#include "otp/request.h"
#include "troupe.h"

tr_atoms(system, sys, ok, error, get, suspend, resume, get_state, replace_state, get_status,
         terminate, change_code, debug, install, remove);

#define TIMEOUT_MS 5000

/* {Reason, {sys, Function, [To | Arguments]}} */
static _Noreturn void fail(tr_term reason, tr_term to, tr_term request)
{
    tr_term args = tr_nil();
    tr_term function = request;

    if (tr_is_tuple(request)) {
        for (size_t i = tr_tuple_size(request); i > 1; i--)
            args = tr_list_push(args, tr_element(request, i - 1));
        function = tr_element(request, 0);
    }
    tr_exit(reason, tr_tuple(a_sys, function, tr_list_push(args, to)));
}

tr_term tr_sys_request_args(tr_term to, int64_t timeout_ms, const struct tr_arg *args, int n)
{
    tr_term request = tr_build_args(args, n);
    tr_term result;

    if (tr__try_call(a_system, to, timeout_ms, &result, TR_ARG(request)))
        fail(result, to, request);
    return result;
}

/* For requests that are answered with {ok, Value} or {error, Reason}. */
static tr_term value(tr_term to, tr_term request)
{
    tr_term answer = tr_sys_request(to, TIMEOUT_MS, request);
    tr_term v;

    if (tr_match(answer, a_ok, &v))
        return v;
    if (tr_match(answer, a_error, &v))
        fail(v, to, request);
    return answer;
}

void tr_sys_suspend_term(tr_term to)
{
    tr_sys_request(to, TIMEOUT_MS, a_suspend);
}

void tr_sys_resume_term(tr_term to)
{
    tr_sys_request(to, TIMEOUT_MS, a_resume);
}

tr_term tr_sys_get_state_term(tr_term to)
{
    return value(to, tr_build(a_get_state));
}

tr_term tr_sys_replace_state_args(tr_term to, tr_sys_replace_fn fn, const struct tr_arg *args,
                                  int n)
{
    tr_term how = tr_build((uint64_t)(uintptr_t)fn, tr_message_arg(args, n));

    return value(to, tr_build(a_replace_state, how));
}

tr_term tr_sys_get_status_term(tr_term to)
{
    return tr_sys_request(to, TIMEOUT_MS, a_get_status);
}

void tr_sys_terminate_args(tr_term to, struct tr_arg reason)
{
    tr_sys_request(to, TIMEOUT_MS, a_terminate, reason);
}

tr_term tr_sys_change_code_args(tr_term to, const struct tr_arg *args)
{
    return tr_sys_request(to, TIMEOUT_MS, a_change_code, args[0], args[1], args[2]);
}

tr_term tr_sys_debug_args(tr_term to, const struct tr_arg *args, int n)
{
    return tr_sys_request(to, TIMEOUT_MS, a_debug, tr_message_arg(args, n));
}

void tr_sys_install_args(tr_term to, tr_sys_debug_fn fn, struct tr_arg state)
{
    tr_sys_debug(to, a_install, tr_tuple((uint64_t)(uintptr_t)fn, state));
}

void tr_sys_remove_term(tr_term to, tr_sys_debug_fn fn)
{
    tr_sys_debug(to, a_remove, (uint64_t)(uintptr_t)fn);
}
