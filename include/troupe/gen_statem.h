/* SPDX-License-Identifier: MIT */
/*
 * State machines: a process that is in one state at a time, and does with each event what that
 * state says.
 *
 *     tr_atoms(closed, open, push, shut, get);
 *
 *     static tr_statem_result closed(void *data, const struct tr_event *event)
 *     {
 *         (void)data;
 *         if (tr_got_cast(event, a_push))
 *             return tr_next_state(a_open, tr_state_timeout(5000, a_shut));
 *         return tr_statem_unknown();
 *     }
 *
 *     static tr_statem_result open(void *data, const struct tr_event *event)
 *     {
 *         int64_t *visitors = data;
 *
 *         if (tr_got_state_timeout(event, a_shut))
 *             return tr_next_state(a_closed);
 *         if (tr_got_call(event, a_get))
 *             return tr_keep_state(tr_reply_to(event->from, ++*visitors));
 *         return tr_statem_unknown();
 *     }
 *
 *     static tr_statem_result init(void *data, tr_term arg)
 *     {
 *         (void)data;
 *         (void)arg;
 *         return tr_statem_ok(a_closed);
 *     }
 *
 *     const struct tr_gen_statem door = { .name = "door",
 *                                         .data_size = sizeof(int64_t),
 *                                         .init = init,
 *                                         .states = TR_STATES(closed, open) };
 *
 *     tr_gen_statem_start_link(&door, TR_GEN_STATEM_OPTS(.name = a_door));
 *     tr_cast(a_door, a_push);
 *
 * The data is plain memory of the machine, zeroed before init and freed when the machine has ended;
 * callbacks change it in place. The state itself is a term. What a callback is handed and what it
 * builds lives until the event is done with; states, and the contents of events and timeouts, are
 * kept for as long as the machine needs them.
 *
 * Events are handled in this order: those that were inserted (tr_next_event), those that were
 * postponed, when the state has changed, timeouts of 0 ms, and what comes in by messages. A machine
 * that waits for a message has no stack.
 *
 * How a machine is called: troupe/call.h. How it is stopped: tr_stop (troupe/start.h). How it is
 * looked into while it runs: troupe/sys.h.
 */
#ifndef TROUPE_GEN_STATEM_H
#define TROUPE_GEN_STATEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/gen_server.h"

TR_HEADER_BEGIN

/* --- events --- */

enum tr_event_type {
    TR_EVENT_CALL = 1,      /* {call, From}   tr_call; answered by tr_reply_to, or tr_reply */
    TR_EVENT_CAST,          /* cast           tr_cast */
    TR_EVENT_INFO,          /* info           any other message */
    TR_EVENT_INTERNAL,      /* internal       inserted by the machine itself */
    TR_EVENT_TIMEOUT,       /* timeout        no event came in time */
    TR_EVENT_STATE_TIMEOUT, /* state_timeout  the state has lasted so long */
    TR_EVENT_NAMED_TIMEOUT, /* {timeout, Name} */
    TR_EVENT_ENTER          /* enter          the state has been entered; see .state_enter */
};

struct tr_event {
    enum tr_event_type type;
    tr_term content; /* the request, the message, what a timeout was set with; enter: the old state
                      */
    tr_term from;    /* of a call; else w is 0 */
    tr_term name;    /* of a named timeout; else w is 0 */
};

/*
 * bool tr_got_cast(event, ...): whether it is a cast whose content tr_match(content, ...) accepts;
 * the others are the same for the other types. tr_got_enter takes any old state.
 */
#define tr_got_call(event, ...)          TR__GOT(event, TR_EVENT_CALL, ##__VA_ARGS__)
#define tr_got_cast(event, ...)          TR__GOT(event, TR_EVENT_CAST, ##__VA_ARGS__)
#define tr_got_info(event, ...)          TR__GOT(event, TR_EVENT_INFO, ##__VA_ARGS__)
#define tr_got_internal(event, ...)      TR__GOT(event, TR_EVENT_INTERNAL, ##__VA_ARGS__)
#define tr_got_event_timeout(event, ...) TR__GOT(event, TR_EVENT_TIMEOUT, ##__VA_ARGS__)
#define tr_got_state_timeout(event, ...) TR__GOT(event, TR_EVENT_STATE_TIMEOUT, ##__VA_ARGS__)
#define tr_got_named_timeout(event, wanted, ...)                                                   \
    (TR__GOT(event, TR_EVENT_NAMED_TIMEOUT, ##__VA_ARGS__) && tr_match((event)->name, wanted))
#define tr_got_enter(event) ((event)->type == TR_EVENT_ENTER)

#define TR__GOT(event, kind, ...)                                                                  \
    ((event)->type == (kind) && tr_match((event)->content, ##__VA_ARGS__))

/* --- results and actions --- */

/* What a callback returns; made by the functions below. */
typedef struct tr_statem_result {
    uint32_t what;   /* enum tr__statem_what; 0 is none */
    tr_term value;   /* next state, or reason */
    tr_term actions; /* a list */
} tr_statem_result;

/* Something that a result asks for: an action of OTP, as a term. One of zero asks for nothing. */
typedef struct tr_action {
    tr_term term;
} tr_action;

/*
 * What callbacks return, in OTP's words; up to 16 actions may follow. The arguments of a reason are
 * as those of tr_send: one stands for itself, several are a tuple, none is the empty list. A state
 * is one argument.
 *
 *     tr_statem_ok(state, ...)         {ok, State, Data, Actions}            init
 *     tr_statem_ignore()               ignore                                init
 *     tr_statem_error(...)             {error, Reason}                       init
 *     tr_statem_stop(...)              {stop, Reason}                        all
 *     tr_stop_and_reply(reason, ...)   {stop_and_reply, Reason, Replies}     all but init
 *     tr_next_state(state, ...)        {next_state, State, Data, Actions}    all but init
 *     tr_keep_state(...)               {keep_state, Data, Actions}           all but init
 *     tr_repeat_state(...)             {repeat_state, Data, Actions}         all but init
 *     tr_statem_unknown()              no clause accepts it: ends the machine with
 *                                      {function_clause, [{Name, Function, Arguments}]}
 *
 * Going to the state that the machine is in already is no change: nothing is retried, the state
 * timeout goes on, and there is no enter call. With .state_enter, tr_repeat_state makes the enter
 * call for the present state once more.
 *
 * A result that is none of these ends the machine with {{bad_return_from_state_function, R}, []},
 * from init with {{bad_return_from_init, R}, []}. An enter call must keep the state, else it is
 * bad_state_enter_return_from_state_function.
 */
enum tr__statem_what {
    TR__STATEM_OK = 1,
    TR__STATEM_IGNORE,
    TR__STATEM_ERROR,
    TR__STATEM_STOP,
    TR__STATEM_STOP_REPLY,
    TR__STATEM_NEXT,
    TR__STATEM_KEEP,
    TR__STATEM_REPEAT,
    TR__STATEM_UNKNOWN
};

tr_statem_result tr__statem_result(enum tr__statem_what what, tr_term value,
                                   const tr_action *actions, int n);

#define tr_statem_ok(state, ...)                                                                   \
    tr__statem_result(TR__STATEM_OK, tr_build(state), TR__ACTIONS(__VA_ARGS__))
#define tr_statem_ignore()   tr__statem_result(TR__STATEM_IGNORE, tr_nil(), NULL, 0)
#define tr_statem_error(...) tr__statem_result(TR__STATEM_ERROR, tr_build(__VA_ARGS__), NULL, 0)
#define tr_statem_stop(...)  tr__statem_result(TR__STATEM_STOP, tr_build(__VA_ARGS__), NULL, 0)
#define tr_stop_and_reply(reason, ...)                                                             \
    tr__statem_result(TR__STATEM_STOP_REPLY, tr_build(reason), TR__ACTIONS(__VA_ARGS__))
#define tr_next_state(state, ...)                                                                  \
    tr__statem_result(TR__STATEM_NEXT, tr_build(state), TR__ACTIONS(__VA_ARGS__))
#define tr_keep_state(...) tr__statem_result(TR__STATEM_KEEP, tr_nil(), TR__ACTIONS(__VA_ARGS__))
#define tr_repeat_state(...)                                                                       \
    tr__statem_result(TR__STATEM_REPEAT, tr_nil(), TR__ACTIONS(__VA_ARGS__))
#define tr_statem_unknown() tr__statem_result(TR__STATEM_UNKNOWN, tr_nil(), NULL, 0)

/* An array on the caller's stack and its length; its first element asks for nothing. */
#define TR__ACTIONS(...)                                                                           \
    ((const tr_action[]){ tr_no_action(), ##__VA_ARGS__ }), 1 + TR__COUNT(__VA_ARGS__)

/*
 * The actions. They are carried out in the order in which they stand; of several that set the same
 * thing the last one holds. An enter call may neither postpone nor insert events nor change the
 * callbacks: it ends the machine with {{bad_state_enter_action_from_state_function, Action}, []};
 * any action that is wrong, with {{bad_action_from_state_function, Action}, []}.
 *
 *     tr_reply_to(from, ...)           answers a call, this one or an earlier one
 *     tr_postpone()                    this event comes again when the state has changed
 *     tr_next_event(type, ...)         handles an event before all others; type is internal, cast,
 *                                      info, {call, From}, timeout, state_timeout or
 *                                      {timeout, Name}
 *     tr_internal(...)                 the same with the type internal
 *     tr_hibernating()                 accepted for OTP's sake: a machine that waits always gives
 *                                      its stack back
 *
 *     tr_state_timeout(ms, ...)        an event after ms, unless the state changes before; the
 *                                      further arguments are its content
 *     tr_event_timeout(ms, ...)        an event after ms, unless any event comes before
 *     tr_named_timeout(name, ms, ...)  an event after ms; each name is a timeout of its own
 *
 * ms is from 0 to 2^43, or TR_INFINITY, which cancels. Setting a timeout again replaces it. With
 * 0 the event comes before any message that is not yet handled, and no timer runs.
 *
 *     tr_state_timeout_at(ms, ...)         at a point on the clock of tr_monotonic_ms; the past
 *                                          fires at once
 *     tr_state_timeout_update(...)         another content; fires at once when none is running
 *     tr_state_timeout_cancel()
 *
 * and the same for event and named timeouts.
 *
 *     tr_change_callbacks(&statem)     goes on with other callbacks from the next event or enter
 *     tr_push_callbacks(&statem)       call on; the data stays the same memory, which has to be
 *     tr_pop_callbacks()               large enough for them. Push remembers those before, and pop
 *                                      goes back to them (change_callback_module and so on)
 *
 *     tr_no_action()                   nothing: condition ? tr_postpone() : tr_no_action()
 *     tr_action_of(term)               an action in OTP's form, or a list of them
 */
static inline tr_action tr_action_of(tr_term term)
{
    tr_action a = { term };
    return a;
}

static inline tr_action tr_no_action(void)
{
    return tr_action_of(tr_nil());
}

enum tr__timeout_kind { TR__TIMEOUT_EVENT, TR__TIMEOUT_STATE, TR__TIMEOUT_NAMED };
enum tr__timeout_how { TR__TIMEOUT_IN, TR__TIMEOUT_AT, TR__TIMEOUT_UPDATE, TR__TIMEOUT_CANCEL };

struct tr_gen_statem;

tr_action tr__action_reply(tr_term from, tr_term reply);
tr_action tr__action_next_event(tr_term type, tr_term content);
tr_action tr__action_internal(tr_term content);
tr_action tr__action_timeout(enum tr__timeout_kind kind, tr_term name, enum tr__timeout_how how,
                             int64_t ms, tr_term content);
tr_action tr__action_callbacks(const char *what, const struct tr_gen_statem *statem);
tr_action tr_postpone(void);
tr_action tr_hibernating(void);
tr_action tr_pop_callbacks(void);

#define tr_reply_to(from, ...)      tr__action_reply(from, tr_build(__VA_ARGS__))
#define tr_next_event(type, ...)    tr__action_next_event(tr_build(type), tr_build(__VA_ARGS__))
#define tr_internal(...)            tr__action_internal(tr_build(__VA_ARGS__))
#define tr_change_callbacks(statem) tr__action_callbacks("change_callback_module", statem)
#define tr_push_callbacks(statem)   tr__action_callbacks("push_callback_module", statem)

#define tr_event_timeout(ms, ...)    TR__TIMEOUT(EVENT, tr_nil(), IN, ms, __VA_ARGS__)
#define tr_event_timeout_at(ms, ...) TR__TIMEOUT(EVENT, tr_nil(), AT, ms, __VA_ARGS__)
#define tr_event_timeout_update(...) TR__TIMEOUT(EVENT, tr_nil(), UPDATE, 0, __VA_ARGS__)
#define tr_event_timeout_cancel()    TR__TIMEOUT(EVENT, tr_nil(), CANCEL, 0)

#define tr_state_timeout(ms, ...)    TR__TIMEOUT(STATE, tr_nil(), IN, ms, __VA_ARGS__)
#define tr_state_timeout_at(ms, ...) TR__TIMEOUT(STATE, tr_nil(), AT, ms, __VA_ARGS__)
#define tr_state_timeout_update(...) TR__TIMEOUT(STATE, tr_nil(), UPDATE, 0, __VA_ARGS__)
#define tr_state_timeout_cancel()    TR__TIMEOUT(STATE, tr_nil(), CANCEL, 0)

#define tr_named_timeout(name, ms, ...)    TR__TIMEOUT(NAMED, tr_build(name), IN, ms, __VA_ARGS__)
#define tr_named_timeout_at(name, ms, ...) TR__TIMEOUT(NAMED, tr_build(name), AT, ms, __VA_ARGS__)
#define tr_named_timeout_update(name, ...)                                                         \
    TR__TIMEOUT(NAMED, tr_build(name), UPDATE, 0, __VA_ARGS__)
#define tr_named_timeout_cancel(name) TR__TIMEOUT(NAMED, tr_build(name), CANCEL, 0)

#define TR__TIMEOUT(kind, name, how, ms, ...)                                                      \
    tr__action_timeout(TR__TIMEOUT_##kind, name, TR__TIMEOUT_##how, ms, tr_build(__VA_ARGS__))

/* --- callbacks --- */

/* What a machine does with an event in one state. */
typedef tr_statem_result (*tr_state_fn)(void *data, const struct tr_event *event);

/* A state and its function; the name is the address of an atom of tr_atoms. */
struct tr_state {
    const tr_atom *name;
    tr_state_fn fn;
};

/* A table of states for .states, at file scope. TR_STATES(closed, open) has the functions of these
   names for the atoms a_closed and a_open; a table written out ends with an entry of zeros. */
#define TR_STATES(...)                                                                             \
    ((const struct tr_state[]){ TR__MAP(TR__STATE, __VA_ARGS__), { NULL, NULL } })
#define TR__STATE(name)                                                                            \
    {                                                                                              \
        &a_##name, name                                                                            \
    }

/*
 * The callbacks of a machine. `init` is mandatory, and so is either `states` or `handle_event`; all
 * others may be NULL.
 *
 * init(data, arg): the machine starts; arg is what the start function was given, and lives until
 * init has returned. tr_statem_ok with the first state, tr_statem_ignore, _error or _stop.
 *
 * states: a function for each state (callback mode state_functions). In a state that has none the
 * next event ends the machine with {undef, [{Name, State, 3}]}.
 *
 * handle_event(data, state, event): one function for all states, which may be any terms (callback
 * mode handle_event_function).
 *
 * state_enter: each state that is entered, the first one too, gets an event of type enter before
 * any other; its content is the state before (at the start, and on repeat, the state itself).
 *
 * terminate(data, state, reason): the machine ends: by a stop, a failure, a bad result, or, if it
 * traps exits, because its parent ends. Not for other exit signals.
 *
 * get_data(data): the data as a term, for tr_sys_get_state (which gives {State, Data}),
 * tr_sys_get_status and reports; without it the data is shown as a binary of its bytes.
 *
 * set_data(data, term): takes over data in the form that get_data gives; false when it cannot. For
 * tr_sys_replace_state.
 *
 * code_change(data, &state, old_version, extra): see tr_sys_change_code; may put another state into
 * *state; false when it cannot, and then nothing is changed.
 *
 * format_status(data, status): what get_status and reports show: `status` is a map with the keys
 * state, data, queue, postponed, timeouts, log and reason (those that apply), and so is the result.
 */
struct tr_gen_statem {
    const char *name; /* in reports and reasons, as the name of a module is in Erlang; not NULL */
    size_t data_size;
    tr_statem_result (*init)(void *data, tr_term arg);
    const struct tr_state *states;
    tr_statem_result (*handle_event)(void *data, tr_term state, const struct tr_event *event);
    bool state_enter;
    void (*terminate)(void *data, tr_term state, tr_term reason);
    tr_term (*get_data)(const void *data);
    bool (*set_data)(void *data, tr_term term);
    bool (*code_change)(void *data, tr_term *state, tr_term old_version, tr_term extra);
    tr_term (*format_status)(const void *data, tr_term status);
};

/* --- starting --- */

/* Options in the place of an argument; they are those of a server (struct tr_gen_server_opts). */
#define TR_GEN_STATEM_OPTS(...) TR_GEN_SERVER_OPTS(__VA_ARGS__)

/*
 * tr_term tr_gen_statem_start(&statem, opts, ...): starts a machine and waits until its init has
 * returned. `statem` must last as long as the machine; opts may be NULL; the further arguments are
 * the one of init. Returns, in the current heap,
 *
 *     {ok, Pid}
 *     ignore, {error, Reason}          what init said; the machine has ended
 *     {error, {bad_return_from_init, R}}    it said nothing of that
 *     {error, timeout}                 init took too long, and was killed
 *     {error, {already_started, Pid}}  the name is taken; init has not run
 *     {error, {undef, [{Name, Callback, Arity}]}}   that callback is missing
 *     {error, {bad_return_from_callback_mode, [state_functions, handle_event_function]}}
 *                                      there are both states and handle_event
 *
 * Ends the caller as tr_start does. Process only; blocks. (gen_statem:start/3)
 *
 * tr_gen_statem_start_link(&statem, opts, ...): linked with the caller, which becomes the parent of
 * the machine: when it ends, a machine that traps exits runs terminate and ends too.
 * (start_link/3)
 *
 * tr_gen_statem_start_monitor(&statem, opts, ...): watched by the caller: {ok, {Pid, Ref}}.
 * (start_monitor/3)
 */
tr_term tr_gen_statem_start_args(const struct tr_gen_statem *statem, enum tr_gen_server_tie tie,
                                 const struct tr_gen_server_opts *opts, const struct tr_arg *args,
                                 int n);
#define tr_gen_statem_start(statem, opts, ...)                                                     \
    tr_gen_statem_start_args(statem, TR_GEN_SERVER_ALONE, opts, TR_ARGS(__VA_ARGS__))
#define tr_gen_statem_start_link(statem, opts, ...)                                                \
    tr_gen_statem_start_args(statem, TR_GEN_SERVER_LINK, opts, TR_ARGS(__VA_ARGS__))
#define tr_gen_statem_start_monitor(statem, opts, ...)                                             \
    tr_gen_statem_start_args(statem, TR_GEN_SERVER_MONITOR, opts, TR_ARGS(__VA_ARGS__))

/*
 * Makes the caller, a process started by a function of troupe/start.h, a machine. init does not
 * run: `first`, made by tr_statem_ok, is taken for its result, and the data is a copy of data_size
 * bytes at `data` (NULL: zeros). With a name the caller must hold that name already, else it ends
 * with process_not_registered. Does not return. The parent is that of the caller (tr_parent).
 * Process only. (gen_statem:enter_loop/4)
 */
TR_NORETURN void tr_gen_statem_enter_loop(const struct tr_gen_statem *statem,
                                          tr_statem_result first, const void *data,
                                          const struct tr_gen_server_opts *opts);

TR_HEADER_END

#endif
