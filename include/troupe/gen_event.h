/* SPDX-License-Identifier: MIT */
/*
 * Event managers: a process that hands each event to all of its handlers.
 *
 *     static tr_event_result counter_event(void *state, tr_term event)
 *     {
 *         int64_t *n = state;
 *
 *         (void)event;
 *         ++*n;
 *         return tr_event_ok();
 *     }
 *
 *     static const struct tr_event_handler counter = { .name = "counter",
 *                                                      .state_size = sizeof(int64_t),
 *                                                      .handle_event = counter_event };
 *
 *     tr_gen_event_start_link(TR_GEN_SERVER_OPTS(.name = a_alarms));
 *     tr_event_add_handler(a_alarms, &counter, tr_nil());
 *     tr_event_notify(a_alarms, a_disk_full, "/var");
 *
 * Handlers run in the manager, one after the other, the one added last first. One that fails
 * (tr_exit, tr_error, a function of the library) is removed, and the others go on; a fault of the
 * processor ends the manager with all of them.
 *
 * A handler is known by its name, the atom Name, or by {Name, Id} when it was added with an id. The
 * manager is a process of OTP's gen_event: it understands the same messages, traps exits, and can
 * be looked into by troupe/sys.h; its state is [{Name, Id or false, State}].
 */
#ifndef TROUPE_GEN_EVENT_H
#define TROUPE_GEN_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "troupe/gen_server.h"

TR_HEADER_BEGIN

/* What a callback returns; made by the functions below. */
typedef struct tr_event_result {
    uint32_t what; /* enum tr__event_what; 0 is none */
    tr_term value; /* reply or reason */
} tr_event_result;

/*
 * The callbacks of a handler. All but the name may be NULL.
 *
 * init(state, arg): it is added. The state is zeroed memory of the manager. tr_event_ok, or
 * tr_event_error. In a swap arg is {Arg, Result}, Result being what terminate of the one before
 * has returned, or the atom error when there was none.
 *
 * handle_event(state, event): tr_event_ok, or tr_event_remove, which runs terminate with
 * remove_handler.
 *
 * handle_call(state, request): tr_event_reply, or tr_event_remove_reply. Without it a call fails
 * with undef, which removes the handler.
 *
 * handle_info(state, message): any other message. As handle_event.
 *
 * terminate(state, why): it is removed. `why` is the argument of delete or swap, remove_handler,
 * {error, {'EXIT', Reason}} after a failure, {stop, Reason} when the one who supervises it ends,
 * and stop when the manager ends. What it returns is the result of delete; without it that is ok.
 *
 * get_state(state): the state as a term; without it a binary of its bytes.
 */
struct tr_event_handler {
    const char *name; /* not NULL */
    size_t state_size;
    tr_event_result (*init)(void *state, tr_term arg);
    tr_event_result (*handle_event)(void *state, tr_term event);
    tr_event_result (*handle_call)(void *state, tr_term request);
    tr_event_result (*handle_info)(void *state, tr_term message);
    tr_term (*terminate)(void *state, tr_term why);
    tr_term (*get_state)(const void *state);
};

enum tr__event_what {
    TR__EVENT_OK = 1,
    TR__EVENT_REMOVE,
    TR__EVENT_REPLY,
    TR__EVENT_REMOVE_REPLY,
    TR__EVENT_ERROR
};

static inline tr_event_result tr__event_make(enum tr__event_what what, tr_term value)
{
    tr_event_result r;
    r.what = what;
    r.value = value;
    return r;
}

/* Arguments are as those of tr_send: one stands for itself, several are a tuple. */
#define tr_event_ok()              tr__event_make(TR__EVENT_OK, tr_nil())
#define tr_event_remove()          tr__event_make(TR__EVENT_REMOVE, tr_nil())
#define tr_event_reply(...)        tr__event_make(TR__EVENT_REPLY, tr_build(__VA_ARGS__))
#define tr_event_remove_reply(...) tr__event_make(TR__EVENT_REMOVE_REPLY, tr_build(__VA_ARGS__))
#define tr_event_error(...)        tr__event_make(TR__EVENT_ERROR, tr_build(__VA_ARGS__))

/* {ok, Pid} of a manager without handlers, or {error, {already_started, Pid}}; opts may be NULL.
   Process only; blocks. (gen_event:start/1, start_link/1) */
tr_term tr_gen_event_start(const struct tr_gen_server_opts *opts);
tr_term tr_gen_event_start_link(const struct tr_gen_server_opts *opts);

/* For a supervisor: { .server = &tr_gen_event, .name = "alarms" }. */
extern const struct tr_gen_server tr_gen_event;

/*
 * tr_term tr_event_add_handler(to, &handler, arg): ok, {error, Reason} as init says, or
 * {'EXIT', Reason} when init fails. The struct must last as long as it is added.
 * tr_event_add_handler_id(to, &handler, id, arg): with an id, any term.
 * (gen_event:add_handler/3)
 *
 * tr_event_add_sup_handler(to, &handler, arg): linked with the caller: when the caller ends the
 * handler is removed; when it is removed otherwise, the caller gets {gen_event_EXIT, Handler,
 * Reason}: normal (deleted, or removed by itself), {swapped, NewHandler, Pid}, {'EXIT', Reason}
 * (failed), or shutdown (the manager ends). (gen_event:add_sup_handler/3)
 *
 * tr_term tr_event_delete_handler(to, which, arg): what terminate returned;
 * {error, module_not_found}; {'EXIT', Reason} when it failed. (gen_event:delete_handler/3)
 *
 * tr_term tr_event_swap_handler(to, which, arg, &handler, new_arg): terminate of the one with arg,
 * then init of the other with {new_arg, Result}: as add. (gen_event:swap_handler/3)
 *
 * tr_term tr_event_call(to, which, ...): what handle_call replied; {error, bad_module};
 * {error, {'EXIT', Reason}} when it failed. (gen_event:call/3)
 *
 * tr_term tr_event_which_handlers(to): a list, the one added last first.
 * (gen_event:which_handlers/1)
 *
 * void tr_event_notify(to, ...): hands on an event; does not wait, and never fails. Any thread.
 * tr_event_sync_notify(to, ...): the same, and returns when all handlers have had it.
 * (gen_event:notify/2, sync_notify/2)
 *
 * All but notify: process only; block without a limit (call: 5 seconds), and end the caller as
 * tr_call does when there is no manager.
 */
enum tr_event_tie { TR_EVENT_ALONE, TR_EVENT_SUPERVISED };

tr_term tr_event_add_handler_args(tr_term to, const struct tr_event_handler *handler,
                                  enum tr_event_tie tie, tr_term id, struct tr_arg arg);
tr_term tr_event_delete_handler_args(tr_term to, struct tr_arg which, struct tr_arg arg);
tr_term tr_event_swap_handler_args(tr_term to, struct tr_arg which, struct tr_arg arg,
                                   const struct tr_event_handler *handler, struct tr_arg new_arg);
tr_term tr_event_call_args(tr_term to, struct tr_arg which, const struct tr_arg *args, int n);
tr_term tr_event_which_handlers_term(tr_term to);
void tr_event_notify_args(tr_term to, const struct tr_arg *args, int n);
void tr_event_sync_notify_args(tr_term to, const struct tr_arg *args, int n);

#define tr_event_add_handler(to, handler, arg)                                                     \
    tr_event_add_handler_args(TR__DEST(to), handler, TR_EVENT_ALONE, tr__no_term(), TR_ARG(arg))
#define tr_event_add_handler_id(to, handler, id, arg)                                              \
    tr_event_add_handler_args(TR__DEST(to), handler, TR_EVENT_ALONE, tr_build(id), TR_ARG(arg))
#define tr_event_add_sup_handler(to, handler, arg)                                                 \
    tr_event_add_handler_args(TR__DEST(to), handler, TR_EVENT_SUPERVISED, tr__no_term(),           \
                              TR_ARG(arg))
#define tr_event_delete_handler(to, which, arg)                                                    \
    tr_event_delete_handler_args(TR__DEST(to), TR_ARG(which), TR_ARG(arg))
#define tr_event_swap_handler(to, which, arg, handler, new_arg)                                    \
    tr_event_swap_handler_args(TR__DEST(to), TR_ARG(which), TR_ARG(arg), handler, TR_ARG(new_arg))
#define tr_event_call(to, which, ...)                                                              \
    tr_event_call_args(TR__DEST(to), TR_ARG(which), TR_ARGS(__VA_ARGS__))
#define tr_event_which_handlers(to)   tr_event_which_handlers_term(TR__DEST(to))
#define tr_event_notify(to, ...)      tr_event_notify_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))
#define tr_event_sync_notify(to, ...) tr_event_sync_notify_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))

static inline tr_term tr__no_term(void)
{
    tr_term none = { 0 };
    return none;
}

TR_HEADER_END

#endif
