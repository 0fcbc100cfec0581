/* SPDX-License-Identifier: MIT */
/*
 * Supervisors of tasks: tasks that end with whoever is responsible for them, and can be listed.
 *
 *     tr_task_supervisor_start_link(TR_TASK_SUPERVISOR_OPTS(.name = a_workers));
 *
 *     tr_task_start_child(a_workers, send_mail, "anna@localhost");       nobody waits for it
 *
 *     struct tr_task task = tr_async_nolink(a_workers, fetch, url);      a failure is a result
 *     if (tr_task_yield(task, 5000, &page) == TR_ECLOSED)
 *         printf("failed: %s\n", tr_inspect(page));
 *
 * A task under a supervisor is its child: it is linked with the supervisor, which is the first of
 * its ancestors, and ends when the supervisor does. `sup` is a pid, a name, or a term that is one
 * of these. A task's '$callers' begin with the process that asked for it.
 */
#ifndef TROUPE_TASK_SUPERVISOR_H
#define TROUPE_TASK_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/call.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

/* Options of a supervisor; zero is the default of each. */
struct tr_task_supervisor_opts {
    tr_atom name;
    tr_term via;         /* {via, Module, Name}, instead of a name; see tr_start */
    size_t max_children; /* at once; 0: no limit */
    int max_restarts;    /* more restarts than this (3) ... */
    int max_seconds;     /* ... in so many seconds (5) end the supervisor with shutdown */
};

#define TR_TASK_SUPERVISOR_OPTS(...) (&(const struct tr_task_supervisor_opts){ __VA_ARGS__ })

/*
 * Starts a supervisor; {ok, Pid} or {error, {already_started, Pid}}, in the current heap. opts may
 * be NULL. It traps exits; it ends when its parent does, if it is linked, and by tr_stop; before
 * that it ends its tasks, each in the time it was given. Process only; blocks.
 * (Task.Supervisor.start_link/1)
 */
tr_term tr_task_supervisor_start(const struct tr_task_supervisor_opts *opts);
tr_term tr_task_supervisor_start_link(const struct tr_task_supervisor_opts *opts);

/* When a child is started again, after it has ended. */
enum tr_task_restart {
    TR_TASK_TEMPORARY, /* never */
    TR_TASK_TRANSIENT, /* when the reason was not normal, shutdown or {shutdown, _} */
    TR_TASK_PERMANENT  /* always */
};

/* Options of a task under a supervisor; zero is the default of each. */
struct tr_task_opts {
    enum tr_task_restart restart; /* of tr_task_start_child */
    int64_t shutdown_ms;          /* how long it may take to end before it is killed; 0: 5 seconds;
                                     TR_TASK_BRUTAL_KILL, TR_INFINITY */
};

#define TR_TASK_OPTS(...) (&(const struct tr_task_opts){ __VA_ARGS__ })

/*
 * tr_term tr_task_start_child(sup, fn, ...): runs fn(arg) in a child of the supervisor, tied to
 * nobody else; {ok, Pid}, or {error, Reason}: max_children, system_limit, out_of_memory. A
 * restarted task runs the function with the same argument again. Ends the caller as tr_call does.
 * Process only; blocks. (Task.Supervisor.start_child/2)
 *
 * tr_task_start_child_opt(sup, fn, opts, ...): as the options say.
 */
tr_term tr_task_start_child_args(tr_term sup, tr_task_fn fn, const struct tr_task_opts *opts,
                                 const char *site, const struct tr_arg *args, int n);
#define tr_task_start_child(sup, fn, ...)                                                          \
    tr_task_start_child_args(TR__DEST(sup), fn, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_task_start_child_opt(sup, fn, opts, ...)                                                \
    tr_task_start_child_args(TR__DEST(sup), fn, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * struct tr_task tr_async_under(sup, fn, ...): as tr_async, but the task is a child of the
 * supervisor. (Task.Supervisor.async/2)
 * struct tr_task tr_async_nolink(sup, fn, ...): the same without a link between owner and task: its
 * failure does not end the owner, which learns of it by tr_task_yield or the 'DOWN'.
 * (Task.Supervisor.async_nolink/2)
 *
 * Both end the caller as tr_call does, and with {Reason, Sup} for the reasons above. Process
 * only; blocks. The forms with _opt take options, of which only shutdown_ms has a meaning.
 */
enum tr_task_tie { TR_TASK_LINK, TR_TASK_NOLINK };

struct tr_task tr_async_child_args(tr_term sup, tr_task_fn fn, enum tr_task_tie tie,
                                   const struct tr_task_opts *opts, const char *site,
                                   const struct tr_arg *args, int n);
#define tr_async_under(sup, fn, ...)                                                               \
    tr_async_child_args(TR__DEST(sup), fn, TR_TASK_LINK, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_async_under_opt(sup, fn, opts, ...)                                                     \
    tr_async_child_args(TR__DEST(sup), fn, TR_TASK_LINK, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_async_nolink(sup, fn, ...)                                                              \
    tr_async_child_args(TR__DEST(sup), fn, TR_TASK_NOLINK, NULL, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_async_nolink_opt(sup, fn, opts, ...)                                                    \
    tr_async_child_args(TR__DEST(sup), fn, TR_TASK_NOLINK, opts, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/* The same with a result: TR_ELIMIT (max_children, or too many processes), TR_ENOMEM, and those of
   tr_try_call, with its reason in *reason. On failure there is no task. Process only; blocks. */
TR_MUST_USE tr_err tr_try_async_child_args(struct tr_task *task, tr_term *reason, tr_term sup,
                                           tr_task_fn fn, enum tr_task_tie tie,
                                           const struct tr_task_opts *opts, const char *site,
                                           const struct tr_arg *args, int n);
#define tr_try_async_under(task, reason, sup, fn, ...)                                             \
    tr_try_async_child_args(task, reason, TR__DEST(sup), fn, TR_TASK_LINK, NULL, TR__SITE(fn),     \
                            TR_ARGS(__VA_ARGS__))
#define tr_try_async_nolink(task, reason, sup, fn, ...)                                            \
    tr_try_async_child_args(task, reason, TR__DEST(sup), fn, TR_TASK_NOLINK, NULL, TR__SITE(fn),   \
                            TR_ARGS(__VA_ARGS__))

/* The list of the pids of its tasks, in no particular order. Ends the caller as tr_call does.
   Process only; blocks. (Task.Supervisor.children/1) */
tr_term tr_task_children_term(tr_term sup);
#define tr_task_children(sup) tr_task_children_term(TR__DEST(sup))

/* Ends a task as the supervisor would, and returns when it has ended; TR_ENOTFOUND when it is none
   of its tasks. Ends the caller as tr_call does. Process only; blocks.
   (Task.Supervisor.terminate_child/2) */
tr_err tr_task_terminate_child_term(tr_term sup, tr_pid pid);
#define tr_task_terminate_child(sup, pid) tr_task_terminate_child_term(TR__DEST(sup), pid)

TR_HEADER_END

#endif
