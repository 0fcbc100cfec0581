/* SPDX-License-Identifier: MIT */
/*
 * System messages: the side that is asked.
 *
 * A request is served between two messages of the process, so nothing here meets a state that is
 * half changed. A suspended process stays inside tr_sys_handle.
 */
#include "otp/debug.h"

#include "troupe.h"

tr_atoms(system, EXIT, suspend, resume, get_state, replace_state, get_status, terminate,
         change_code, debug, ok, error, running, suspended, status, module, dictionary,
         replace_code, unknown_system_msg, not_supported, refused, callback_failed, undef);

static _Noreturn void end(struct tr_sys *sys, tr_term reason)
{
    if (sys->callbacks->terminate)
        sys->callbacks->terminate(sys->data, reason);
    tr_exit(reason);
}

static tr_term error(tr_atom what)
{
    return tr_build(a_error, what);
}

static tr_term get_state(struct tr_sys *sys)
{
    if (!sys->callbacks->get_state)
        return error(a_not_supported);
    return tr_build(a_ok, sys->callbacks->get_state(sys->data));
}

static tr_term replace_state(struct tr_sys *sys, tr_sys_replace_fn fn, tr_term arg)
{
    const struct tr_sys_callbacks *c = sys->callbacks;

    if (!c->get_state || !c->set_state)
        return error(a_not_supported);
    tr_term state = fn(c->get_state(sys->data), arg);
    return c->set_state(sys->data, state) ? tr_build(a_ok, state) : error(a_refused);
}

static tr_term get_status(struct tr_sys *sys)
{
    tr_term dictionary = tr_nil();
    tr_term misc = tr_nil();

    tr_process_info(tr_self(), a_dictionary, &dictionary);
    if (sys->callbacks->status)
        misc = sys->callbacks->status(sys->data);
    tr_pid parent = sys->parent.w ? sys->parent : tr_self();
    return tr_build(a_status, tr_self(), tr_tuple(a_module, tr_intern(sys->module)),
                    tr_list(dictionary, sys->suspended ? a_suspended : a_running, parent,
                            tr__debug_status(sys), misc));
}

static tr_term change_code(struct tr_sys *sys, tr_term name, tr_term old_version, tr_term extra)
{
    if (!sys->callbacks->code_change)
        return error(a_undef);
    if (!sys->callbacks->code_change(sys->data, name, old_version, extra))
        return error(a_refused);
    return tr_build(a_ok);
}

static tr_term replace_code(struct tr_sys *sys, tr_term old, tr_term new, tr_term version,
                            tr_term extra)
{
    uint64_t from, to;

    if (!sys->callbacks->replace_code || !tr_match(old, &from) || !tr_match(new, &to))
        return error(a_not_supported);
    return sys->callbacks->replace_code(sys, from, to, version, extra);
}

/* The answer to any request but {terminate, _}. */
static tr_term serve(struct tr_sys *sys, tr_term request)
{
    tr_term a, b, c, d;
    uint64_t fn;

    if (tr_match(request, a_suspend) || tr_match(request, a_resume)) {
        sys->suspended = tr_match(request, a_suspend);
        return tr_build(a_ok);
    }
    if (tr_match(request, a_get_state))
        return get_state(sys);
    if (tr_match(request, a_replace_state, tr_tuple(&fn, &a)))
        return replace_state(sys, (tr_sys_replace_fn)(uintptr_t)fn, a);
    if (tr_match(request, a_get_status))
        return get_status(sys);
    if (sys->suspended && tr_match(request, a_change_code, &a, &b, &c))
        return change_code(sys, a, b, c);
    if (sys->suspended && tr_match(request, a_replace_code, &a, &b, &c, &d))
        return replace_code(sys, a, b, c, d);
    if (tr_match(request, a_debug, &a))
        return tr__debug_request(sys, a);
    return tr_build(a_error, tr_tuple(a_unknown_system_msg, request));
}

static void handle(struct tr_sys *sys, tr_term from, tr_term request)
{
    tr_term reason;

    if (tr_match(request, a_terminate, &reason)) {
        tr_reply(from, a_ok);
        end(sys, reason);
    }
    tr_reply(from, serve(sys, request));
}

/* The oldest message that also a suspended process takes. */
static void take_one(struct tr_sys *sys)
{
    tr_term from, request, reason;

    tr_receive (m) {
        tr_on (m, a_system, &from, &request)
            handle(sys, from, request);
        tr_when (m, sys->parent.w && tr_match(m.message, a_EXIT, sys->parent, &reason))
            end(sys, reason);
    }
}

void tr_sys_handle(struct tr_sys *sys, tr_term from, tr_term request)
{
    tr_scope
    {
        handle(sys, from, request);
    }
    while (sys->suspended)
        take_one(sys);
}
