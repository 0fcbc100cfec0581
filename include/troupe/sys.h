/* SPDX-License-Identifier: MIT */
/*
 * Looking into a process that runs, stopping it for a while, and changing it: system messages.
 *
 *     tr_sys_suspend(a_stack);                                 it handles system messages only
 *     printf("%s\n", tr_inspect(tr_sys_get_state(a_stack)));
 *     tr_sys_resume(a_stack);
 *
 * Servers of troupe/gen_server.h understand all of this. Any other process does if it says so: it
 * keeps a struct tr_sys, passes each {system, From, Request} it receives to tr_sys_handle, and
 * tells of its messages by tr_sys_event.
 */
#ifndef TROUPE_SYS_H
#define TROUPE_SYS_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

/* --- the side that asks --- */

/*
 * tr_term tr_sys_request(to, ms, ...): sends the system message {system, From, Request} to a pid, a
 * name or {Name, Node}, and waits for its answer, in the current heap. The caller ends with
 * {timeout, {sys, Function, [To | Arguments]}} when it takes longer, with noproc in the same place
 * when there is no such process, and so on as by tr_call; the Request is Function, or {Function,
 * Argument...}. The functions below wait 5 seconds. Process only; blocks.
 */
tr_term tr_sys_request_args(tr_term to, int64_t timeout_ms, const struct tr_arg *args, int n);
#define tr_sys_request(to, ms, ...) tr_sys_request_args(TR__DEST(to), ms, TR_ARGS(__VA_ARGS__))

/* From now on the process handles only system messages and the end of its parent; all else stays
   in its mailbox. Suspending twice is the same as once. (sys:suspend/1, resume/1) */
void tr_sys_suspend_term(tr_term to);
void tr_sys_resume_term(tr_term to);
#define tr_sys_suspend(to) tr_sys_suspend_term(TR__DEST(to))
#define tr_sys_resume(to)  tr_sys_resume_term(TR__DEST(to))

/* The state as the process shows it. Ends the caller with {Reason, {sys, get_state, [To]}} when it
   cannot be shown. (sys:get_state/1) */
tr_term tr_sys_get_state_term(tr_term to);
#define tr_sys_get_state(to) tr_sys_get_state_term(TR__DEST(to))

/* Replaces the state by fn(State, Arg), which runs in the process; returns the new one. Ends the
   caller with {Reason, {sys, replace_state, [To | _]}} when the state cannot be shown, or the new
   one is refused. (sys:replace_state/2) */
typedef tr_term (*tr_sys_replace_fn)(tr_term state, tr_term arg);
tr_term tr_sys_replace_state_args(tr_term to, tr_sys_replace_fn fn, const struct tr_arg *args,
                                  int n);
#define tr_sys_replace_state(to, fn, ...)                                                          \
    tr_sys_replace_state_args(TR__DEST(to), fn, TR_ARGS(__VA_ARGS__))

/* {status, Pid, {module, Module}, [Dictionary, running or suspended, Parent, Debug, Misc]}.
   (sys:get_status/1) */
tr_term tr_sys_get_status_term(tr_term to);
#define tr_sys_get_status(to) tr_sys_get_status_term(TR__DEST(to))

/* void tr_sys_terminate(to, reason): the process runs its clean-up with that reason and ends; does
   not wait until it has. (sys:terminate/2) */
void tr_sys_terminate_args(tr_term to, struct tr_arg reason);
#define tr_sys_terminate(to, reason) tr_sys_terminate_args(TR__DEST(to), TR_ARG(reason))

/*
 * tr_term tr_sys_change_code(to, module, old_version, extra): asks a suspended process to convert
 * its state: ok, or {error, What}; then the state is as before. (sys:change_code/4)
 */
tr_term tr_sys_change_code_args(tr_term to, const struct tr_arg *args);
#define tr_sys_change_code(to, module, old_version, extra)                                         \
    tr_sys_change_code_args(                                                                       \
        TR__DEST(to),                                                                              \
        ((const struct tr_arg[]){ TR_ARG(module), TR_ARG(old_version), TR_ARG(extra) }))

/*
 * tr_term tr_sys_debug(to, ...): the debugging of a process; the request is one of these.
 *
 *     a_trace, true or false               a line for each event, by tr_puts      ok
 *     a_log, true, false, {true, N}        keep the last events (10)              ok
 *     a_log, a_get                         [Event], oldest first                  {ok, Events}
 *     a_log, a_print                       writes them                            ok
 *     a_statistics, true or false          count messages                         ok
 *     a_statistics, a_get                  {ok, [{start_time, {Date, Time}},
 *                                          {current_time, {Date, Time}}, {reductions, N},
 *                                          {messages_in, N}, {messages_out, N}]}
 *                                          or {ok, no_statistics}
 *     a_log_to_file, "path" or false       a line for each event, appended        ok, {error, _}
 *     a_no_debug                           all of it off                          ok
 *
 * (sys:trace/2, log/2, statistics/2, log_to_file/2, no_debug/1)
 */
#define tr_sys_debug(to, ...) tr_sys_debug_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))
tr_term tr_sys_debug_args(tr_term to, const struct tr_arg *args, int n);

/*
 * Runs fn(state, event, name) for each event, in the process; what it returns is its next state,
 * the atom done removes it. The state is copied. One function is installed at most once; that it is
 * already is no error, and the second has no effect. (sys:install/2, remove/2)
 */
typedef tr_term (*tr_sys_debug_fn)(tr_term state, tr_term event, tr_term name);
void tr_sys_install_args(tr_term to, tr_sys_debug_fn fn, struct tr_arg state);
void tr_sys_remove_term(tr_term to, tr_sys_debug_fn fn);
#define tr_sys_install(to, fn, state) tr_sys_install_args(TR__DEST(to), fn, TR_ARG(state))
#define tr_sys_remove(to, fn)         tr_sys_remove_term(TR__DEST(to), fn)

/* --- the side that is asked --- */

/* Debugging from the first event on; zero is off. (sys debug options) */
struct tr_sys_debug_opts {
    bool trace;
    bool statistics;
    int log; /* how many events are kept */
    const char *log_to_file;
    tr_sys_debug_fn install; /* starts with the state [] */
};

struct tr_sys;

/* What a process lets others do with it; `data` is its own. Any may be NULL. */
struct tr_sys_callbacks {
    /* The state as a term, in the current heap. Without it there is none to be shown. */
    tr_term (*get_state)(void *data);

    /* Takes over a state in that form; false when it cannot. */
    bool (*set_state)(void *data, tr_term state);

    /* Converts the state; false when it cannot, and then it is as before. */
    bool (*code_change)(void *data, tr_term module, tr_term old_version, tr_term extra);

    /* Goes over from some callbacks to others (troupe/code.h), addresses both; ok or {error, What}.
       May set what `sys` says of the process. */
    tr_term (*replace_code)(struct tr_sys *sys, uint64_t old_code, uint64_t new_code,
                            tr_term old_version, tr_term extra);

    /* The Misc of get_status: a list. */
    tr_term (*status)(void *data);

    /* Cleans up and ends the process with that reason. Without it the process just ends. */
    void (*terminate)(void *data, tr_term reason);
};

struct tr_sys_debug;

/* One for each process; zero but for the first four, which the process sets. */
struct tr_sys {
    const struct tr_sys_callbacks *callbacks;
    void *data;
    const char *module; /* the Module of get_status */
    tr_pid parent;      /* whose 'EXIT' message ends the process also while suspended; 0: none */

    /* --- private part --- */
    struct tr_sys_debug *debug; /* NULL: off */
    bool suspended;
};

/* Sets what the options say; opts may be NULL. Owner only. */
void tr_sys_debug_start(struct tr_sys *sys, const struct tr_sys_debug_opts *opts);

/*
 * Handles a message {system, From, Request}. When it suspends the process, returns only after that
 * was resumed; when it is asked to end, or its parent ends meanwhile, does not return. Owner only.
 * (sys:handle_system_msg/6)
 */
void tr_sys_handle(struct tr_sys *sys, tr_term from, tr_term request);

/*
 * void tr_sys_event(sys, ...): something has happened that debugging may want to know: {in, Msg},
 * {out, Msg, To, State}, or anything else. Costs a look at one word while debugging is off. Owner
 * only. (sys:handle_debug/4)
 */
void tr_sys_event_args(struct tr_sys *sys, const struct tr_arg *args, int n);
#define tr_sys_event(sys, ...)                                                                     \
    do {                                                                                           \
        if ((sys)->debug)                                                                          \
            tr_sys_event_args(sys, TR_ARGS(__VA_ARGS__));                                          \
    } while (0)

/* The events that are kept, oldest first; the empty list without a log. Owner only.
   (sys:get_log/1) */
tr_term tr_sys_log(const struct tr_sys *sys);

TR_HEADER_END

#endif
