/* SPDX-License-Identifier: MIT */
/*
 * Tasks: one computation in a process of its own, and its result.
 *
 *     static tr_term fetch(tr_term url)
 *     {
 *         ...
 *         return tr_build(a_ok, size);
 *     }
 *
 *     struct tr_task task = tr_async(fetch, "http://localhost/a");
 *     ...                                               the caller goes on with other work
 *     tr_term result = tr_await(task);
 *
 * The process that starts a task is its owner: it is linked with the task, so that neither outlives
 * the failure of the other, and it alone can wait for the result. Values and reasons that the
 * functions of this header return are in the current heap: they live until the clause, the callback
 * or the scope ends in which they were fetched.
 *
 * A task that returns V sends its owner {Ref, V}; then, as its monitor says, it has ended:
 * {'DOWN', Ref, process, Pid, normal}. Who waits by other means than these functions will receive
 * these messages. A task knows who asked for it: the entry '$callers' of its process dictionary
 * lists the pids, nearest first; '$ancestors' is as for other processes (troupe/start.h). One that
 * fails is reported once in the log: pid, function, who started it, and the reason.
 *
 * Tasks under a supervisor: troupe/task_supervisor.h. Many at once: troupe/task_stream.h.
 */
#ifndef TROUPE_TASK_H
#define TROUPE_TASK_H

#include <stddef.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/process.h"

/* How long tr_await and tr_await_many wait. */
#define TR_AWAIT_TIMEOUT_MS 5000

/* In the place of a time: without waiting, by kill. */
#define TR_TASK_BRUTAL_KILL INT64_C(-1)

TR_HEADER_BEGIN

/* What a task runs; `arg` lives as long as the task, what is returned is copied. */
typedef tr_term (*tr_task_fn)(tr_term arg);

/* A task; plain data, which may be copied. */
struct tr_task {
    tr_pid owner;
    tr_pid pid;       /* w is 0: tr_task_completed */
    tr_ref ref;       /* of the monitor, and in the result */
    const char *site; /* what it runs: the function's name, NUL, the place of the call */
};

/* --- starting --- */

/*
 * struct tr_task tr_async(fn, ...): starts a task that runs fn(arg), where arg is made of the
 * further arguments as in tr_send. The argument is copied. Ends the caller as tr_spawn does when
 * nothing can be started. Process only. (Task.async/1)
 */
struct tr_task tr_async_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n);
#define tr_async(fn, ...) tr_async_args(fn, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/* The same with a result: TR_ELIMIT (too many processes), TR_ENOMEM, TR_EINVAL (fn is NULL). On
   failure nothing was started. Process only. */
TR_MUST_USE tr_err tr_try_async_args(struct tr_task *task, tr_task_fn fn, const char *site,
                                     const struct tr_arg *args, int n);
#define tr_try_async(task, fn, ...) tr_try_async_args(task, fn, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/*
 * tr_pid tr_task_start(fn, ...): runs fn(arg) in a process whose result nobody waits for; what fn
 * returns is dropped. Any thread. (Task.start/1)
 * tr_pid tr_task_start_link(fn, ...): linked with the caller. Process only. (Task.start_link/1)
 */
tr_pid tr_task_start_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n);
tr_pid tr_task_start_link_args(tr_task_fn fn, const char *site, const struct tr_arg *args, int n);
#define tr_task_start(fn, ...)      tr_task_start_args(fn, TR__SITE(fn), TR_ARGS(__VA_ARGS__))
#define tr_task_start_link(fn, ...) tr_task_start_link_args(fn, TR__SITE(fn), TR_ARGS(__VA_ARGS__))

/* struct tr_task tr_task_completed(...): a task that has returned the arguments already, for
   places where a task is wanted and the result is known. Process only. (Task.completed/1) */
struct tr_task tr_task_completed_args(const struct tr_arg *args, int n);
#define tr_task_completed(...) tr_task_completed_args(TR_ARGS(__VA_ARGS__))

/* The task as Elixir shows one: #{'__struct__' => 'Elixir.Task', owner => Pid, pid => Pid (nil),
   ref => Ref, mfa => {c, Function, 1}}. Any thread. */
tr_term tr_task_term(struct tr_task task);

/* --- waiting for the result --- */

/*
 * Waits up to 5 seconds for the result and returns it. The caller ends
 *
 *     with {Reason, {'Elixir.Task', await, [Task, Timeout]}}
 *          when the task ended with Reason before it returned, also when that is normal; a linked
 *          caller that does not trap exits has ended with Reason before, unless that is normal
 *     with {timeout, {'Elixir.Task', await, [Task, Timeout]}}
 *          when the time is over
 *     with {badarg, Task} when it is not the owner
 *
 * The result is fetched once: a second await waits in vain. Owner only; blocks. (Task.await/2)
 */
tr_term tr_await(struct tr_task task);
tr_term tr_await_within(int64_t timeout_ms, struct tr_task task);

/*
 * The same with a result: TR_OK, *value is what the task returned; TR_ECLOSED, *value is the Reason
 * with which it ended; TR_ETIMEOUT, and then no trace of the task arrives any more, though it runs
 * on and is still linked; TR_EINVAL, the caller is not the owner. Owner only; blocks.
 */
TR_MUST_USE tr_err tr_try_await(struct tr_task task, tr_term *value);
TR_MUST_USE tr_err tr_try_await_within(int64_t timeout_ms, struct tr_task task, tr_term *value);

/*
 * Waits for all of n tasks, up to 5 seconds in all; values[i] is the result of tasks[i]. Ends the
 * caller as tr_await does, with await_many and [Tasks, Timeout], as soon as one of them fails.
 * Owner only; blocks. (Task.await_many/2)
 */
void tr_await_many(const struct tr_task *tasks, size_t n, tr_term *values);
void tr_await_many_within(int64_t timeout_ms, const struct tr_task *tasks, size_t n,
                          tr_term *values);

/* The same with a result, as tr_try_await; on TR_ECLOSED values[0] is the Reason of the first that
   failed, on failure the other values are undefined, and none of the tasks is waited for any more.
   Owner only; blocks. */
TR_MUST_USE tr_err tr_try_await_many(const struct tr_task *tasks, size_t n, tr_term *values);
TR_MUST_USE tr_err tr_try_await_many_within(int64_t timeout_ms, const struct tr_task *tasks,
                                            size_t n, tr_term *values);

/*
 * Waits for a while; it can be called again, and tr_await too, until there is a result:
 *
 *     TR_OK        {ok, V}: *value is what the task returned
 *     TR_ECLOSED   {exit, Reason}: *value is the reason with which it ended
 *     TR_ETIMEOUT  nil: nothing has come yet
 *     TR_EINVAL    the caller is not the owner
 *
 * Owner only; blocks. (Task.yield/2)
 */
TR_MUST_USE tr_err tr_task_yield(struct tr_task task, int64_t timeout_ms, tr_term *value);

/* The result of one of many tasks; `value` as the error code says above, else w is 0. */
struct tr_task_result {
    tr_err err;
    tr_term value;
};

/* What becomes of tasks that have not ended when the time is over. */
enum tr_task_late {
    TR_TASK_LEAVE, /* they run on, and can be waited for again */
    TR_TASK_KILL,  /* they are killed, as by tr_task_shutdown */
    TR_TASK_IGNORE /* they run on without their owner, as by tr_task_ignore */
};

/* Waits for n tasks for a while in all; results[i] is that of tasks[i], with TR_ETIMEOUT for those
   that have not ended. TR_EINVAL when the caller is not the owner of all. Owner only; blocks.
   (Task.yield_many/2) */
TR_MUST_USE tr_err tr_task_yield_many(const struct tr_task *tasks, size_t n, int64_t timeout_ms,
                                      enum tr_task_late late, struct tr_task_result *results);

/* --- giving up --- */

/*
 * Ends a task: unlinks it, sends the exit signal shutdown, waits, and kills it when it has not
 * ended within so many ms; with TR_TASK_BRUTAL_KILL at once. Returns when it has ended:
 *
 *     TR_OK          it had returned: *value
 *     TR_ECLOSED     it ended with *value, which is neither its result nor what it was sent
 *     TR_ENOTFOUND   nil: it ended as it was told; or a completed task whose result was taken
 *     TR_EINVAL      the caller is not the owner
 *
 * Owner only; blocks. (Task.shutdown/2)
 */
tr_err tr_task_shutdown(struct tr_task task, int64_t timeout_ms, tr_term *value);

/*
 * Gives a task up without ending it: it is unlinked, and neither its result nor its end will
 * arrive. TR_OK and TR_ECLOSED as for tr_task_yield when it had ended already, TR_ENOTFOUND when it
 * runs on, TR_EINVAL. Owner only. (Task.ignore/1)
 */
tr_err tr_task_ignore(struct tr_task task, tr_term *value);

TR_HEADER_END

#endif
