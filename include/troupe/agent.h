/* SPDX-License-Identifier: MIT */
/*
 * Agents: a state that others read and change by handing functions over.
 *
 *     struct account {
 *         int64_t balance;
 *     };
 *
 *     static void open_account(void *state, tr_term arg)
 *     {
 *         struct account *a = state;
 *
 *         tr_match(arg, &a->balance);
 *     }
 *
 *     static void deposit(void *state, tr_term arg)
 *     {
 *         struct account *a = state;
 *         int64_t n;
 *
 *         if (tr_match(arg, &n))
 *             a->balance += n;
 *     }
 *
 *     static tr_term balance(const void *state, tr_term arg)
 *     {
 *         const struct account *a = state;
 *
 *         return tr_build(a->balance);
 *     }
 *
 *     tr_agent_start_link(open_account, TR_AGENT_OPTS(.state_size = sizeof(struct account),
 *                                                     .name = a_account), 100);
 *     tr_agent_update(a_account, deposit, 5);
 *     tr_term now = tr_agent_get(a_account, balance);
 *
 * The functions run in the agent, one after the other, each with the state and one argument, which
 * is made of the further arguments of the call as in tr_send. The state is either memory of
 * `state_size` bytes, zeroed at first, which the functions see as void *; or a term, which they
 * take and return. Which it is, the type of the start function says; all others have to agree:
 *
 *                            state in memory                        state is a term
 *     start                  void (*)(void *, tr_term)              tr_term (*)(tr_term)
 *     get                    tr_term (*)(const void *, tr_term)     tr_term (*)(tr_term, tr_term)
 *     update, cast           void (*)(void *, tr_term)              tr_term (*)(tr_term, tr_term)
 *     get_and_update         tr_term (*)(void *, tr_term)           tr_term (*)(tr_term, tr_term)
 *
 * A function for a state of the other kind ends the agent with function_clause. With a term, update
 * and cast return the new state; get_and_update returns {Reply, NewState}, and anything else ends
 * the agent with {bad_return_value, Result}. A function that ends its process ends the agent.
 *
 * An agent is a server (troupe/gen_server.h): it is stopped, suspended and looked into like any
 * other, and functions of this header end their caller as tr_call does. In C++ the functions are
 * passed as struct tr_agent_fn, made by hand.
 */
#ifndef TROUPE_AGENT_H
#define TROUPE_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "troupe/call.h"
#include "troupe/start.h"

TR_HEADER_BEGIN

/* A function for an agent, and of what type it is; made by TR_AGENT_FN. */
enum tr_agent_kind {
    TR_AGENT_CHANGE,     /* void (*)(void *, tr_term) */
    TR_AGENT_LOOK,       /* tr_term (*)(const void *, tr_term) */
    TR_AGENT_ASK,        /* tr_term (*)(void *, tr_term) */
    TR_AGENT_TERM_START, /* tr_term (*)(tr_term) */
    TR_AGENT_TERM        /* tr_term (*)(tr_term, tr_term) */
};

struct tr_agent_fn {
    enum tr_agent_kind kind;
    void (*fn)(void);
};

struct tr_agent_opts {
    size_t state_size;          /* of a state in memory */
    tr_atom name;               /* registered before the start function runs */
    tr_term via;                /* {via, Module, Name}, instead of a name; see tr_start */
    int64_t timeout_ms;         /* how long that may take; 0: no limit */
    struct tr_spawn_opts spawn; /* .link, .monitor and .name must not be set */
};

/* Options in the place of an argument: TR_AGENT_OPTS(.name = a_account). */
#define TR_AGENT_OPTS(...) (&(const struct tr_agent_opts){ __VA_ARGS__ })

/*
 * tr_term tr_agent_start(fn, opts, ...): starts an agent whose state fn makes, and waits until it
 * has. opts may be NULL. Returns, in the current heap,
 *
 *     {ok, Pid}
 *     {error, Reason}                  fn ended the agent
 *     {error, timeout}                 fn took too long; the agent was killed
 *     {error, {already_started, Pid}}  the name is taken; fn has not run
 *
 * Process only; blocks. (Agent.start/2)
 *
 * tr_agent_start_link(fn, opts, ...): linked with the caller. (Agent.start_link/2)
 */
tr_term tr_agent_start_args(struct tr_agent_fn fn, const struct tr_agent_opts *opts,
                            const struct tr_arg *args, int n);
tr_term tr_agent_start_link_args(struct tr_agent_fn fn, const struct tr_agent_opts *opts,
                                 const struct tr_arg *args, int n);
#define tr_agent_start(fn, opts, ...)                                                              \
    tr_agent_start_args(TR_AGENT_FN(fn), opts, TR_ARGS(__VA_ARGS__))
#define tr_agent_start_link(fn, opts, ...)                                                         \
    tr_agent_start_link_args(TR_AGENT_FN(fn), opts, TR_ARGS(__VA_ARGS__))

/*
 * tr_term tr_agent_get(to, fn, ...): what fn returns; the state stays as it is. (Agent.get/2)
 * tr_term tr_agent_get_and_update(to, fn, ...): what fn returns, or the Reply of its
 * {Reply, NewState}; it may change the state. (Agent.get_and_update/2)
 * void tr_agent_update(to, fn, ...): fn changes the state; waits until it has. (Agent.update/2)
 * void tr_agent_cast(to, fn, ...): the same without waiting; never fails, whether or not there is
 * such an agent. Any thread. (Agent.cast/2)
 *
 * `to` is as for tr_call, and so are the reasons with which the caller ends; after 5 seconds it
 * ends with timeout, and the agent goes on. Each of the first three has a form with the time first
 * (tr_agent_get_within(ms, to, fn, ...)), and one that returns what tr_try_call does, with result
 * or reason in *result: tr_try_agent_get(to, &result, fn, ...); *result is ok after an update.
 * Process only; blocks.
 */
enum tr_agent_op { TR_AGENT_GET, TR_AGENT_UPDATE, TR_AGENT_GET_AND_UPDATE };

tr_term tr_agent_call_args(tr_term to, int64_t timeout_ms, enum tr_agent_op op,
                           struct tr_agent_fn fn, const struct tr_arg *args, int n);
TR_MUST_USE tr_err tr_try_agent_call_args(tr_term to, int64_t timeout_ms, enum tr_agent_op op,
                                          tr_term *result, struct tr_agent_fn fn,
                                          const struct tr_arg *args, int n);
void tr_agent_cast_args(tr_term to, struct tr_agent_fn fn, const struct tr_arg *args, int n);

#define TR__AGENT_CALL(ms, to, op, fn, ...)                                                        \
    tr_agent_call_args(TR__DEST(to), ms, op, TR_AGENT_FN(fn), TR_ARGS(__VA_ARGS__))
#define TR__AGENT_TRY(to, op, result, fn, ...)                                                     \
    tr_try_agent_call_args(TR__DEST(to), TR_CALL_TIMEOUT_MS, op, result, TR_AGENT_FN(fn),          \
                           TR_ARGS(__VA_ARGS__))

#define tr_agent_get(to, fn, ...)            tr_agent_get_within(TR_CALL_TIMEOUT_MS, to, fn, ##__VA_ARGS__)
#define tr_agent_get_within(ms, to, fn, ...) TR__AGENT_CALL(ms, to, TR_AGENT_GET, fn, ##__VA_ARGS__)
#define tr_try_agent_get(to, result, fn, ...)                                                      \
    TR__AGENT_TRY(to, TR_AGENT_GET, result, fn, ##__VA_ARGS__)

#define tr_agent_get_and_update(to, fn, ...)                                                       \
    tr_agent_get_and_update_within(TR_CALL_TIMEOUT_MS, to, fn, ##__VA_ARGS__)
#define tr_agent_get_and_update_within(ms, to, fn, ...)                                            \
    TR__AGENT_CALL(ms, to, TR_AGENT_GET_AND_UPDATE, fn, ##__VA_ARGS__)
#define tr_try_agent_get_and_update(to, result, fn, ...)                                           \
    TR__AGENT_TRY(to, TR_AGENT_GET_AND_UPDATE, result, fn, ##__VA_ARGS__)

#define tr_agent_update(to, fn, ...)                                                               \
    tr_agent_update_within(TR_CALL_TIMEOUT_MS, to, fn, ##__VA_ARGS__)
#define tr_agent_update_within(ms, to, fn, ...)                                                    \
    ((void)TR__AGENT_CALL(ms, to, TR_AGENT_UPDATE, fn, ##__VA_ARGS__))
#define tr_try_agent_update(to, result, fn, ...)                                                   \
    TR__AGENT_TRY(to, TR_AGENT_UPDATE, result, fn, ##__VA_ARGS__)

#define tr_agent_cast(to, fn, ...)                                                                 \
    tr_agent_cast_args(TR__DEST(to), TR_AGENT_FN(fn), TR_ARGS(__VA_ARGS__))

/* void tr_agent_stop(to): ends the agent with reason normal, and returns when it has ended; its
   name is free then. As tr_stop, which has other reasons and a time. (Agent.stop/1) */
#define tr_agent_stop(to) tr_agent_stop_term(TR__DEST(to))
void tr_agent_stop_term(tr_term to);

TR_HEADER_END

#ifdef __cplusplus

#define TR_AGENT_FN(fn) (fn)

#else

/* clang-format off */
#define TR_AGENT_FN(f)                                                                             \
    ((struct tr_agent_fn){                                                                         \
        .kind = _Generic((f),                                                                      \
            void (*)(void *, tr_term): TR_AGENT_CHANGE,                                            \
            tr_term (*)(const void *, tr_term): TR_AGENT_LOOK,                                     \
            tr_term (*)(void *, tr_term): TR_AGENT_ASK,                                            \
            tr_term (*)(tr_term): TR_AGENT_TERM_START,                                             \
            tr_term (*)(tr_term, tr_term): TR_AGENT_TERM),                                         \
        .fn = (void (*)(void))(f) })
/* clang-format on */

#endif

#endif
