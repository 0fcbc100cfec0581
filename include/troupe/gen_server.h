/* SPDX-License-Identifier: MIT */
/*
 * Servers: a process that keeps a state and handles one request after the other.
 *
 *     tr_atoms(push, pop, empty);
 *
 *     struct stack {
 *         int64_t items[100];
 *         int n;
 *     };
 *
 *     static tr_gen_result stack_init(void *state, tr_term arg)
 *     {
 *         (void)state;
 *         return tr_match(arg) ? tr_gen_ok() : tr_gen_stop(a_badarg);
 *     }
 *
 *     static tr_gen_result stack_call(void *state, tr_term request, tr_term from)
 *     {
 *         struct stack *s = state;
 *
 *         (void)from;
 *         if (tr_match(request, a_pop))
 *             return s->n ? tr_gen_reply(s->items[--s->n]) : tr_gen_reply(a_empty);
 *         return tr_gen_unknown();
 *     }
 *
 *     static tr_gen_result stack_cast(void *state, tr_term request)
 *     {
 *         struct stack *s = state;
 *
 *         if (s->n < 100 && tr_match(request, a_push, &s->items[s->n])) {
 *             s->n++;
 *             return tr_gen_noreply();
 *         }
 *         return tr_gen_unknown();
 *     }
 *
 *     const struct tr_gen_server stack = { .name = "stack",
 *                                          .state_size = sizeof(struct stack),
 *                                          .init = stack_init,
 *                                          .handle_call = stack_call,
 *                                          .handle_cast = stack_cast };
 *
 *     tr_gen_server_start_link(&stack, TR_GEN_SERVER_OPTS(.name = a_stack));
 *     tr_cast(a_stack, a_push, 5);
 *     tr_term item = tr_call(a_stack, a_pop);
 *
 * The state is plain memory of the server, zeroed before init and freed when the server has ended;
 * callbacks change it in place. What a callback is handed and what it builds lives until the
 * callback ends: tr_keep makes a term of it last. Replies are copied.
 *
 * A callback that ends its process (tr_exit, tr_error) ends the server with that reason, after
 * terminate. A server that waits for its next message has no stack: it costs its control block and
 * its state.
 *
 * How a server is called: troupe/call.h. How it is stopped: tr_stop (troupe/start.h). How it is
 * looked into while it runs: troupe/sys.h.
 */
#ifndef TROUPE_GEN_SERVER_H
#define TROUPE_GEN_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/start.h"
#include "troupe/sys.h"

TR_HEADER_BEGIN

/* What a callback returns; made by the functions below. */
typedef struct tr_gen_result {
    uint32_t what; /* enum tr__gen_what; 0 is none */
    uint32_t then; /* enum tr__gen_then */
    tr_term value; /* reply or reason */
    union {
        int64_t ms;
        tr_term term; /* for handle_continue, or the reply before a stop */
    } with;
} tr_gen_result;

/*
 * The callbacks of a server. `init` is mandatory, all others may be NULL.
 *
 * init(state, arg): the server starts; arg is what the start function was given, and lives until
 * init has returned. tr_gen_ok, tr_gen_ignore, tr_gen_stop or tr_gen_error.
 *
 * handle_call(state, request, from): a call. tr_gen_reply answers it, tr_gen_noreply does not: then
 * tr_reply(from, ...) has to, at any time, from any process (`from` may be kept and sent). Without
 * this callback a call ends the server with {undef, [{Name, handle_call, 3}]}.
 *
 * handle_cast(state, request): a cast; without it as above, with {Name, handle_cast, 2}.
 *
 * handle_info(state, message): any other message, and the atom timeout. Without it such messages
 * are reported and dropped.
 *
 * handle_continue(state, what): runs before the next message is taken, when the callback before it
 * has asked for it by tr_gen_continue. Without it that ends the server with undef.
 *
 * terminate(state, reason): the server ends: by a stop, a failure, a bad result, a request to stop,
 * or, if it traps exits, because its parent ends. Not for other exit signals.
 *
 * get_state(state): the state as a term, for tr_sys_get_state, tr_sys_get_status and reports;
 * without it the state is shown as a binary of its bytes.
 *
 * set_state(state, term): takes over a state in the form that get_state gives; false when it
 * cannot. For tr_sys_replace_state.
 *
 * code_change(state, old_version, extra): see tr_sys_change_code; false when it cannot.
 *
 * format_status(state, status): what get_status and reports show: `status` is a map with the keys
 * state, message, reason and log (those that apply), and so is the result. Not run for a report
 * that the log refuses.
 */
struct tr_gen_server {
    const char *name; /* in reports and states, as the name of a module is in Erlang; not NULL */
    size_t state_size;
    tr_gen_result (*init)(void *state, tr_term arg);
    tr_gen_result (*handle_call)(void *state, tr_term request, tr_term from);
    tr_gen_result (*handle_cast)(void *state, tr_term request);
    tr_gen_result (*handle_info)(void *state, tr_term message);
    tr_gen_result (*handle_continue)(void *state, tr_term what);
    void (*terminate)(void *state, tr_term reason);
    tr_term (*get_state)(const void *state);
    bool (*set_state)(void *state, tr_term term);
    bool (*code_change)(void *state, tr_term old_version, tr_term extra);
    tr_term (*format_status)(const void *state, tr_term status);
};

/*
 * What callbacks return, in OTP's words. The arguments of a reply, a reason and so on are as those
 * of tr_send: one stands for itself, several are a tuple, none is the empty list.
 *
 *     tr_gen_ok()                      {ok, State}               init
 *     tr_gen_ignore()                  ignore                    init: start returns ignore
 *     tr_gen_error(...)                {error, Reason}           init: ends normally,
 *                                                                start returns {error, Reason}
 *     tr_gen_reply(...)                {reply, Reply, State}     handle_call
 *     tr_gen_noreply()                 {noreply, State}          all but init
 *     tr_gen_stop(...)                 {stop, Reason, State}     all
 *     tr_gen_stop_reply(reason, ...)   {stop, Reason, Reply, State}   handle_call
 *     tr_gen_unknown()                 no clause accepts it      see below
 *
 * Ok, reply and noreply can ask for something more:
 *
 *     tr_gen_timeout(ms, result)       handle_info gets the atom timeout if no message comes within
 *                                      ms; 0: if none is there
 *     tr_gen_hibernate(result)         gives back what memory can be until the next message
 *     tr_gen_continue(result, ...)     handle_continue gets the arguments before any message
 *
 *     return tr_gen_timeout(5000, tr_gen_reply(a_ok, n));
 *
 * tr_gen_unknown says that the request is none that the callback knows. A call or cast then ends
 * the server with {function_clause, [{Name, Callback, Arguments}]}; for handle_info the message is
 * reported and dropped. Any other result ends the server with {bad_return_value, Result}.
 */
enum tr__gen_what {
    TR__GEN_OK = 1,
    TR__GEN_IGNORE,
    TR__GEN_ERROR,
    TR__GEN_REPLY,
    TR__GEN_NOREPLY,
    TR__GEN_STOP,
    TR__GEN_STOP_REPLY,
    TR__GEN_UNKNOWN
};

enum tr__gen_then { TR__GEN_NOTHING, TR__GEN_TIMEOUT, TR__GEN_HIBERNATE, TR__GEN_CONTINUE };

static inline tr_gen_result tr__gen_make(enum tr__gen_what what, tr_term value)
{
    tr_gen_result r;
    r.what = what;
    r.then = TR__GEN_NOTHING;
    r.value = value;
    r.with.ms = 0;
    return r;
}

static inline tr_gen_result tr__gen_then(enum tr__gen_then then, tr_gen_result r)
{
    r.then = then;
    return r;
}

static inline tr_gen_result tr__gen_with(tr_gen_result r, tr_term term)
{
    r.with.term = term;
    return r;
}

static inline tr_gen_result tr__gen_in(int64_t ms, tr_gen_result r)
{
    r.with.ms = ms;
    return r;
}

#define tr_gen_ok()       tr__gen_make(TR__GEN_OK, tr_nil())
#define tr_gen_ignore()   tr__gen_make(TR__GEN_IGNORE, tr_nil())
#define tr_gen_noreply()  tr__gen_make(TR__GEN_NOREPLY, tr_nil())
#define tr_gen_unknown()  tr__gen_make(TR__GEN_UNKNOWN, tr_nil())
#define tr_gen_error(...) tr__gen_make(TR__GEN_ERROR, tr_build(__VA_ARGS__))
#define tr_gen_reply(...) tr__gen_make(TR__GEN_REPLY, tr_build(__VA_ARGS__))
#define tr_gen_stop(...)  tr__gen_make(TR__GEN_STOP, tr_build(__VA_ARGS__))
#define tr_gen_stop_reply(reason, ...)                                                             \
    tr__gen_with(tr__gen_make(TR__GEN_STOP_REPLY, tr_build(reason)), tr_build(__VA_ARGS__))
#define tr_gen_timeout(ms, result) tr__gen_then(TR__GEN_TIMEOUT, tr__gen_in(ms, result))
#define tr_gen_hibernate(result)   tr__gen_then(TR__GEN_HIBERNATE, result)
#define tr_gen_continue(result, ...)                                                               \
    tr__gen_then(TR__GEN_CONTINUE, tr__gen_with(result, tr_build(__VA_ARGS__)))

/* --- starting --- */

/* Options of a new server; zero is the default of each. */
struct tr_gen_server_opts {
    tr_atom name;               /* registered before init runs */
    tr_term via;                /* {via, Module, Name}, instead of a name; see tr_start */
    int64_t timeout_ms;         /* how long init may take; 0: no limit */
    struct tr_spawn_opts spawn; /* .link, .monitor and .name must not be set */
    const struct tr_sys_debug_opts *debug; /* NULL: none; read while the server starts */
};

/* Options in the place of an argument: TR_GEN_SERVER_OPTS(.name = a_stack). */
#define TR_GEN_SERVER_OPTS(...) (&(const struct tr_gen_server_opts){ __VA_ARGS__ })

/*
 * tr_term tr_gen_server_start(&server, opts, ...): starts a server and waits until its init has
 * returned. `server` must last as long as the server; opts may be NULL; the further arguments are
 * the one of init. Returns, in the current heap,
 *
 *     {ok, Pid}
 *     ignore, {error, Reason}          what init said; the server has ended
 *     {error, timeout}                 init took too long, and was killed
 *     {error, {already_started, Pid}}  the name is taken; init has not run
 *     {error, {undef, [{Name, init, 1}]}}   there is no init
 *
 * Ends the caller as tr_start does. Process only; blocks. (gen_server:start/3)
 *
 * tr_gen_server_start_link(&server, opts, ...): linked with the caller, which becomes the parent
 * of the server: when it ends, a server that traps exits runs terminate and ends too.
 * (start_link/3)
 *
 * tr_gen_server_start_monitor(&server, opts, ...): watched by the caller: {ok, {Pid, Ref}}.
 * (start_monitor/3)
 */
enum tr_gen_server_tie { TR_GEN_SERVER_ALONE, TR_GEN_SERVER_LINK, TR_GEN_SERVER_MONITOR };

tr_term tr_gen_server_start_args(const struct tr_gen_server *server, enum tr_gen_server_tie tie,
                                 const struct tr_gen_server_opts *opts, const struct tr_arg *args,
                                 int n);
#define tr_gen_server_start(server, opts, ...)                                                     \
    tr_gen_server_start_args(server, TR_GEN_SERVER_ALONE, opts, TR_ARGS(__VA_ARGS__))
#define tr_gen_server_start_link(server, opts, ...)                                                \
    tr_gen_server_start_args(server, TR_GEN_SERVER_LINK, opts, TR_ARGS(__VA_ARGS__))
#define tr_gen_server_start_monitor(server, opts, ...)                                             \
    tr_gen_server_start_args(server, TR_GEN_SERVER_MONITOR, opts, TR_ARGS(__VA_ARGS__))

/*
 * Makes the caller, a process started by a function of troupe/start.h, a server. init does not run:
 * the state is a copy of state_size bytes at `state` (NULL: zeros). With a name the caller must
 * hold that name already, else it ends with process_not_registered. Does not return. The parent is
 * that of the caller (tr_parent). Process only. (gen_server:enter_loop/3)
 */
TR_NORETURN void tr_gen_server_enter_loop(const struct tr_gen_server *server, const void *state,
                                          const struct tr_gen_server_opts *opts);

TR_HEADER_END

#endif
