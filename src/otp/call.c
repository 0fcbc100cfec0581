/* SPDX-License-Identifier: MIT */
/*
 * Calls and casts.
 *
 * The monitor of the server is the alias for its answer, and ends with it. So a call is a monitor,
 * a request and an answer; there is nothing to be taken back, and after a timeout nothing can
 * arrive. A name is looked up once, before all that.
 */
#include "troupe.h"

#include "otp/request.h"

tr_atoms(alias, DOWN, noproc, noconnection, nodedown, calling_self, timeout, deadlock, gen_server,
         call, infinity, badarg, process);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");
tr_atom_as(a_nonode, "nonode@nohost");

/* --- whom a destination means --- */

bool tr__is_remote(tr_term to, tr_atom *node)
{
    tr_atom name, where;

    if (!tr_match(to, &name, &where) || where.w == a_nonode.w)
        return false;
    *node = where;
    return true;
}

bool tr__find_server(tr_term to, tr_pid *pid)
{
    tr_atom name;
    tr_term via;

    if (tr_match(to, pid))
        return true;
    if (!tr_match(to, &name) && !tr_match(to, &name, a_nonode) && !tr_via_module(to, &via))
        tr_error(a_badarg, to.w ? to : tr_nil());
    return tr_whereis_server(to, pid);
}

void tr__check_timeout(int64_t timeout_ms)
{
    if (timeout_ms < 0 && timeout_ms != TR_INFINITY)
        tr_exit(a_badarg, timeout_ms);
}

/* --- call --- */

bool tr__alias_in(tr_term tag, tr_ref *ref)
{
    tr_term head;

    return tr_list_next(&tag, &head) && head.w == a_alias.w && tr_match(tag, ref);
}

static tr_err failed(tr_err err, tr_term reason, tr_term *result)
{
    *result = reason;
    return err;
}

tr_err tr__try_call(tr_atom kind, tr_term to, int64_t timeout_ms, tr_term *result,
                    struct tr_arg request)
{
    tr_atom node;
    tr_pid server;
    tr_err err;

    tr__check_timeout(timeout_ms);
    if (tr__is_remote(to, &node))
        return failed(TR_ENOPROC, tr_build(a_nodedown, node), result);
    if (!tr__find_server(to, &server))
        return failed(TR_ENOPROC, tr_build(a_noproc), result);
    if (server.w == tr_self().w)
        return failed(TR_EINVAL, tr_build(a_calling_self), result);
    err = tr__ask(server, kind, timeout_ms, result, request);
    if (err == TR_EDEADLOCK)
        *result = tr_build(a_deadlock, *result);
    else if (err == TR_ETIMEOUT)
        *result = tr_build(a_timeout);
    return err;
}

tr_err tr_try_call_args(tr_term to, int64_t timeout_ms, tr_term *result, const struct tr_arg *args,
                        int n)
{
    return tr__try_call(a_gen_call, to, timeout_ms, result, tr_message_arg(args, n));
}

tr_term tr_call_args(tr_term to, int64_t timeout_ms, const struct tr_arg *args, int n)
{
    tr_term result;

    if (!tr_try_call_args(to, timeout_ms, &result, args, n))
        return result;
    tr_term ms = timeout_ms == TR_INFINITY ? tr_build(a_infinity) : tr_build(timeout_ms);
    tr_exit(result, tr_tuple(a_gen_server, a_call, tr_list(to, tr_message_arg(args, n), ms)));
}

void tr_call_handed_on(tr_term from)
{
    tr_ref alias;

    if (tr_reply_alias(from, &alias))
        tr_call_wait_release(alias);
}

/* --- cast --- */

void tr_cast_args(tr_term to, const struct tr_arg *args, int n)
{
    tr_atom node;
    tr_pid server;

    if (tr_is_ref(to))
        tr__send_pair(to, tr_build(a_gen_cast), tr_message_arg(args, n));
    else if (!tr__is_remote(to, &node) && tr__find_server(to, &server))
        tr__send_pair(tr_build(server), tr_build(a_gen_cast), tr_message_arg(args, n));
}

void tr_abcast_args(tr_term nodes, tr_atom name, const struct tr_arg *args, int n)
{
    tr_term node;

    while (tr_list_next(&nodes, &node))
        tr_cast(tr_build(name, node), tr_message_arg(args, n));
}

/* --- requests whose answer is fetched later --- */

/* The reference of a 'DOWN' that says that nobody has this name. A via name cannot be watched. */
static tr_ref down_at_once(tr_term to)
{
    tr_term via;

    if (!tr_via_module(to, &via))
        return tr_monitor(to);
    tr_ref ref = tr_make_ref();
    tr_send(tr_self(), a_DOWN, ref, a_process, to, a_noproc);
    return ref;
}

struct tr_request tr_send_request_args(tr_term to, const struct tr_arg *args, int n)
{
    struct tr_request request = { .to = tr_keep(to) };
    tr_atom node;
    tr_pid server;

    if (tr__is_remote(to, &node) || !tr__find_server(to, &server)) {
        request.ref = down_at_once(to); /* the 'DOWN' is the response */
        return request;
    }
    request.ref = tr_make_ref();
    tr__send_request(server, request.ref, a_gen_call, tr_message_arg(args, n));
    return request;
}

bool tr__is_response(tr_term message, tr_ref *ref)
{
    tr_term tag;

    return (tr_match(message, &tag, tr_any()) && tr__alias_in(tag, ref)) ||
           tr_match(message, a_DOWN, ref, tr_any(), tr_any(), tr_any());
}

/* {[alias|Ref], Value} */
static bool is_answer(tr_term message, tr_ref ref, tr_term *value)
{
    tr_ref found;
    tr_term tag;

    return tr_match(message, &tag, value) && tr__alias_in(tag, &found) && found.w == ref.w;
}

tr_err tr__response(tr_term message, struct tr_request *request, tr_term *result)
{
    tr_term to = tr_copy(request->to);
    tr_err err = TR_OK;
    tr_term t = message;

    if (is_answer(message, request->ref, &t)) {
        *result = tr_copy(t);
    } else {
        tr_match(message, a_DOWN, tr_any(), tr_any(), tr_any(), &t);
        err = tr_match(t, a_noproc) || tr_match(t, a_noconnection) ? TR_ENOPROC : TR_ECLOSED;
        *result = tr_build(t, to);
    }
    tr_release(request->to);
    *request = (struct tr_request){ .ref = { 0 } };
    return err;
}

tr_err tr_check_response(tr_term message, struct tr_request *request, tr_term *result)
{
    tr_ref ref;

    if (!tr__is_response(message, &ref) || ref.w != request->ref.w)
        return TR_ENOTFOUND;
    return tr__response(message, request, result);
}

tr_err tr_wait_response(struct tr_request *request, int64_t timeout_ms, tr_term *result)
{
    tr_err err = TR_ETIMEOUT;
    tr_term message;
    tr_ref ref;

    tr__check_timeout(timeout_ms);
    tr_receive_ref(m, request->ref)
    {
        message = m.message;
        tr_when (m, tr__is_response(message, &ref) && ref.w == request->ref.w) {
            err = tr__response(message, request, result);
            *result = tr_receive_result(&m, *result);
        }
        tr_after (m, timeout_ms) {
        }
    }
    return err;
}

void tr__abandon(struct tr_request *request)
{
    tr_ref ref;

    tr_demonitor_flush(request->ref);
    tr_receive_ref(m, request->ref)
    {
        tr_when (m, tr__is_response(m.message, &ref) && ref.w == request->ref.w) {
        }
        tr_after (m, 0) {
        }
    }
    tr_release(request->to);
    *request = (struct tr_request){ .ref = { 0 } };
}

tr_err tr_receive_response(struct tr_request *request, int64_t timeout_ms, tr_term *result)
{
    tr_err err = tr_wait_response(request, timeout_ms, result);

    if (err == TR_ETIMEOUT)
        tr__abandon(request);
    return err;
}
