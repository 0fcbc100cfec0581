/* SPDX-License-Identifier: MIT */
/* Event managers: how they are started, and what the functions of their users ask of them. */
#include "otp/request.h"
#include "troupe.h"

tr_atoms(notify, sync_notify, call, add_handler, add_sup_handler, delete_handler, swap_handler,
         which_handlers, gen_event, undef, badarg, infinity);
tr_atom_as(a_false, "false");

#define CALL_MS 5000

tr_term tr_gen_event_start(const struct tr_gen_server_opts *opts)
{
    return tr_gen_server_start(&tr_gen_event, opts);
}

tr_term tr_gen_event_start_link(const struct tr_gen_server_opts *opts)
{
    return tr_gen_server_start_link(&tr_gen_event, opts);
}

/* The kind of the request is the caller's pid, as in OTP. */
static tr_term ask(tr_term to, int64_t ms, tr_term request)
{
    tr_term result;

    if (tr__try_call((tr_atom){ tr_self().w }, to, ms, &result, TR_ARG(request))) {
        tr_term limit = ms == TR_INFINITY ? tr_build(a_infinity) : tr_build(ms);
        tr_exit(result, tr_tuple(a_gen_event, a_call, tr_list(to, request, limit)));
    }
    return result;
}

static tr_term one(struct tr_arg arg)
{
    return tr_build_args(&arg, 1);
}

static tr_term address(const struct tr_event_handler *handler, tr_term id)
{
    if (!handler || !handler->name)
        tr_exit(a_badarg, a_undef);
    return tr_build((uint64_t)(uintptr_t)handler, id.w ? id : tr_build(a_false));
}

tr_term tr_event_add_handler_args(tr_term to, const struct tr_event_handler *handler,
                                  enum tr_event_tie tie, tr_term id, struct tr_arg arg)
{
    tr_term which = address(handler, id);

    if (tie == TR_EVENT_SUPERVISED)
        return ask(to, TR_INFINITY, tr_build(a_add_sup_handler, which, one(arg), tr_self()));
    return ask(to, TR_INFINITY, tr_build(a_add_handler, which, one(arg)));
}

tr_term tr_event_delete_handler_args(tr_term to, struct tr_arg which, struct tr_arg arg)
{
    return ask(to, TR_INFINITY, tr_build(a_delete_handler, one(which), one(arg)));
}

tr_term tr_event_swap_handler_args(tr_term to, struct tr_arg which, struct tr_arg arg,
                                   const struct tr_event_handler *handler, struct tr_arg new_arg)
{
    return ask(to, TR_INFINITY,
               tr_build(a_swap_handler, one(which), one(arg), address(handler, tr__no_term()),
                        one(new_arg)));
}

tr_term tr_event_call_args(tr_term to, struct tr_arg which, const struct tr_arg *args, int n)
{
    return ask(to, CALL_MS, tr_build(a_call, one(which), tr_message_arg(args, n)));
}

tr_term tr_event_which_handlers_term(tr_term to)
{
    return ask(to, TR_INFINITY, tr_build(a_which_handlers));
}

void tr_event_notify_args(tr_term to, const struct tr_arg *args, int n)
{
    if (tr_try_send(to, a_notify, tr_message_arg(args, n))) {
        /* As a cast: whether anybody is there does not matter. */
    }
}

void tr_event_sync_notify_args(tr_term to, const struct tr_arg *args, int n)
{
    ask(to, TR_INFINITY, tr_build(a_sync_notify, tr_message_arg(args, n)));
}
