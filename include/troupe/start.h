/* SPDX-License-Identifier: MIT */
/*
 * Starting a process and knowing that it is ready; stopping it and knowing that it is gone.
 *
 *     tr_atoms(ok, normal, system);
 *
 *     static void server(tr_term arg)
 *     {
 *         tr_term from, request;
 *
 *         open_the_files(arg);
 *         tr_init_ack(a_ok, tr_self());               tr_start_link returns {ok, Pid}
 *         for (;;)
 *             tr_receive (m)
 *                 tr_on (m, a_system, &from, &request)
 *                     tr_handle_system(from, request);
 *     }
 *
 *     tr_pid pid;
 *     tr_term started = tr_start_link(server, TR_START_OPTS(.timeout_ms = 5000), "/var/spool");
 *     if (tr_match(started, a_ok, &pid))
 *         tr_stop(pid, a_normal, TR_INFINITY);
 *
 * A process started by a function of this header knows its ancestors, nearest first: the process
 * that started it (its registered name, if it has one), then the ancestors of that one. Ancestors
 * and initial call can be read by tr_process_info, and in the process dictionary under
 * '$ancestors' and '$initial_call'. When such a process ends itself with another reason than
 * normal, shutdown or {shutdown, Term}, one crash report is logged (troupe/log.h). None is
 * when an exit signal ends it: the one who sent it has its own reasons.
 */
#ifndef TROUPE_START_H
#define TROUPE_START_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

struct tr_start_opts {
    int64_t timeout_ms;         /* how long the child may take to acknowledge; 0: no limit */
    tr_term via;                /* {via, Module, Name}, a name instead of .spawn.name */
    struct tr_spawn_opts spawn; /* .link and .monitor must not be set: the function says it */
};

/* Options in the place of an argument: TR_START_OPTS(.timeout_ms = 100, .spawn.name = a_worker). */
#define TR_START_OPTS(...) (&(const struct tr_start_opts){ __VA_ARGS__ })

/*
 * tr_term tr_start(fn, opts, ...): starts a process that runs fn(arg), and waits until it calls
 * tr_init_ack; returns what it acknowledged with, in the current heap. opts may be NULL.
 *
 *     {error, Reason}                  it ended first
 *     {error, timeout}                 it did not acknowledge in time, and was killed
 *     {error, {already_started, Pid}}  the name is that of another process
 *     what tr_init_fail was given      it said that it cannot start
 *
 * When the call returns other than by tr_init_ack the child has ended. Ends the caller as tr_spawn
 * does when no process can be started. Process only; blocks. (proc_lib:start/5)
 *
 * A name through a via module (troupe/via.h) is taken before fn runs; the caller ends with
 * {badarg, Via} when .via is anything else, or the module is not known; nothing was started then.
 *
 * tr_start_link(fn, opts, ...): linked with the caller as one step. A child that ends before it
 * acknowledges ends a caller that does not trap exits, unless its reason is normal; for one that
 * traps exits no 'EXIT' message is left. A timeout does not end the caller. (start_link/5)
 *
 * tr_start_monitor(fn, &ref, opts, ...): watched by the caller as one step; the 'DOWN' stays
 * in the mailbox of the caller also when the child could not start. *ref is 0 when there was
 * no child, because the name was taken. (start_monitor/5)
 */
tr_term tr_start_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                      const struct tr_arg *args, int n);
tr_term tr_start_link_args(tr_process_fn fn, const struct tr_start_opts *opts, const char *site,
                           const struct tr_arg *args, int n);
tr_term tr_start_monitor_args(tr_process_fn fn, tr_ref *ref, const struct tr_start_opts *opts,
                              const char *site, const struct tr_arg *args, int n);

#define tr_start(fn, opts, ...) tr_start_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_start_link(fn, opts, ...)                                                               \
    tr_start_link_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_start_monitor(fn, ref, opts, ...)                                                       \
    tr_start_monitor_args(fn, ref, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/* void tr_init_ack(...): the started process is ready; the arguments are what tr_start returns.
   Process only. (proc_lib:init_ack/1) */
void tr_init_ack_args(const struct tr_arg *args, int n);
#define tr_init_ack(...) tr_init_ack_args(TR_ARGS(__VA_ARGS__))

/* void tr_init_fail(result, reason): the started process cannot start. It ends with `reason`, and
   then tr_start returns `result`. Does not return. Process only. (proc_lib:init_fail/2) */
TR_NORETURN void tr_init_fail_args(struct tr_arg result, struct tr_arg reason);
#define tr_init_fail(result, reason) tr_init_fail_args(TR_ARG(result), TR_ARG(reason))

/*
 * tr_pid tr_proc_spawn(fn, ...): as tr_spawn, without waiting, but the process has ancestors and
 * is reported when it crashes. Any thread. (proc_lib:spawn/1)
 *
 *     tr_proc_spawn_link(fn, ...)         linked with the caller as one step; process only
 *     tr_proc_spawn_opt(fn, &opts, ...)   as the options say
 */
tr_pid tr_proc_spawn_args(tr_process_fn fn, const struct tr_spawn_opts *opts, const char *site,
                          const struct tr_arg *args, int n);
#define tr_proc_spawn(fn, ...) tr_proc_spawn_args(fn, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_proc_spawn_link(fn, ...)                                                                \
    tr_proc_spawn_args(fn, tr__opts_link(), TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_proc_spawn_opt(fn, opts, ...)                                                           \
    tr_proc_spawn_args(fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * void tr_stop(to, reason, timeout_ms): asks a process (pid, name, {Name, Node}, or {via, ...}), by
 * the system message {system, From, {terminate, Reason}}, to end with that reason, and returns when
 * it has. The caller ends with noproc when there is no such process, with timeout when the process
 * takes longer (it may still end later), with the other reason when it ends with another one, and
 * with calling_self when it would wait for itself. A negative time ends the caller with
 * {badarg, Time}, and nothing is sent. Process only; blocks. (proc_lib:stop/3)
 */
void tr_stop_args(tr_term to, struct tr_arg reason, int64_t timeout_ms);
#define tr_stop(to, reason, timeout_ms) tr_stop_args(TR__DEST(to), TR_ARG(reason), timeout_ms)

/* The same with a result: TR_ENOPROC, TR_ETIMEOUT, TR_ECLOSED (ended with another reason, which is
   put into *ended unless that is NULL), TR_EINVAL (the caller itself). Process only; blocks. */
TR_MUST_USE tr_err tr_try_stop_args(tr_term to, tr_term *ended, struct tr_arg reason,
                                    int64_t timeout_ms);
#define tr_try_stop(to, ended, reason, timeout_ms)                                                 \
    tr_try_stop_args(TR__DEST(to), ended, TR_ARG(reason), timeout_ms)

/*
 * What a process does with a message {system, From, Request} that it has received: answers, and
 * ends if it is told to. The request {terminate, Reason} is answered with ok before the process
 * ends; any other with {error, {unknown_system_msg, Request}}. Process only. (sys)
 */
void tr_handle_system(tr_term from, tr_term request);

/*
 * void tr_reply(from, ...): answers a request that carried From, which is {Pid, Tag}: sends
 * {Tag, Answer} to the process, or through the alias that is part of the tag. Anything else than
 * such a From ends the caller with badarg. Any thread. (gen_server:reply/2)
 */
void tr_reply_args(tr_term from, const struct tr_arg *args, int n);
#define tr_reply(from, ...) tr_reply_args(from, TR_ARGS(__VA_ARGS__))

/* The alias through which a From is to be answered; false, *alias untouched, when it has none. Any
   thread. */
bool tr_reply_alias(tr_term from, tr_ref *alias);

TR_HEADER_END

#endif
