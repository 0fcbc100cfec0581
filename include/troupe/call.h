/* SPDX-License-Identifier: MIT */
/*
 * Calls: a request to a server, and its answer.
 *
 *     tr_term reply = tr_call(a_stack, a_pop);        waits; ends the caller when it fails
 *     tr_cast(a_stack, a_push, 5);                    does not wait
 *
 *     switch (tr_try_call(a_stack, &reply, a_pop)) {
 *     case TR_OK:
 *         return reply;
 *     default:                                        the reason is in reply
 *         printf("no answer: %s\n", tr_inspect(reply));
 *     }
 *
 * `to` is a pid, a registered name, or a term that is one of these, {Name, Node}, or
 * {via, Module, Name} (troupe/via.h). A request is the message {'$gen_call', {Caller, [alias|Ref]},
 * Request}, answered by tr_reply; a cast is
 * {'$gen_cast', Request}. So every server of Erlang/OTP understands them, and any process that
 * receives such messages is a server. Answers come through an alias that ends with the call: one
 * that is late never arrives. A call looks only at messages that came after it began, so a long
 * mailbox does not slow it down.
 *
 * Times are milliseconds or TR_INFINITY. A negative time ends the caller with {badarg, Time}, and
 * nothing is sent. Without memory the caller ends with out_of_memory. Where the server's mailbox is
 * full and makes senders wait, that wait is not part of the time.
 */
#ifndef TROUPE_CALL_H
#define TROUPE_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"

/* How long tr_call waits. */
#define TR_CALL_TIMEOUT_MS 5000

TR_HEADER_BEGIN

/*
 * tr_term tr_call(to, ...): sends the request and waits up to 5 seconds for its answer, which is
 * returned in the current heap. When there is none, the caller ends with
 * {Reason, {gen_server, call, [To, Request, Timeout]}}, where Reason is
 *
 *     timeout              the time is over; the server still gets the request
 *     noproc               there is no such process
 *     {nodedown, Node}     there is no such node
 *     calling_self         the server is the caller
 *     {deadlock, Pids}     the call would close a cycle of waiting calls (troupe/deadlock.h);
 *                          nothing was sent
 *     what the server ended with, when it ended without an answer
 *
 * tr_call_within(ms, to, ...) waits as long as it says. Process only; blocks. (gen_server:call/2,3)
 */
tr_term tr_call_args(tr_term to, int64_t timeout_ms, const struct tr_arg *args, int n);
#define tr_call(to, ...)            tr_call_args(TR__DEST(to), TR_CALL_TIMEOUT_MS, TR_ARGS(__VA_ARGS__))
#define tr_call_within(ms, to, ...) tr_call_args(TR__DEST(to), ms, TR_ARGS(__VA_ARGS__))

/*
 * tr_err tr_try_call(to, &result, ...): the same with a result. *result is the answer, or the
 * Reason above, in the current heap: TR_ETIMEOUT, TR_ENOPROC (noproc and nodedown), TR_EINVAL
 * (calling_self), TR_EDEADLOCK, TR_ECLOSED (the server ended). tr_try_call_within(ms, to, &result,
 * ...) waits as long as it says. Process only; blocks.
 */
TR_MUST_USE tr_err tr_try_call_args(tr_term to, int64_t timeout_ms, tr_term *result,
                                    const struct tr_arg *args, int n);
#define tr_try_call(to, result, ...)                                                               \
    tr_try_call_args(TR__DEST(to), TR_CALL_TIMEOUT_MS, result, TR_ARGS(__VA_ARGS__))
#define tr_try_call_within(ms, to, result, ...)                                                    \
    tr_try_call_args(TR__DEST(to), ms, result, TR_ARGS(__VA_ARGS__))

/* void tr_cast(to, ...): sends a request that is not answered. Never fails, whether or not there is
   such a process; blocks only as tr_send does. Any thread. (gen_server:cast/2) */
void tr_cast_args(tr_term to, const struct tr_arg *args, int n);
#define tr_cast(to, ...) tr_cast_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))

/* void tr_abcast(nodes, name, ...): casts to that name on each node of a list; nodes that are not
   there are ignored. Any thread. (gen_server:abcast/3) */
void tr_abcast_args(tr_term nodes, tr_atom name, const struct tr_arg *args, int n);
#define tr_abcast(nodes, name, ...) tr_abcast_args(nodes, name, TR_ARGS(__VA_ARGS__))

/*
 * tr_term tr_multi_call(ms, nodes, name, ...): calls that name on each node of a list at once;
 * {[{Node, Reply}], BadNodes}, where the bad nodes have no such name, or gave no answer in time.
 * Process only; blocks. (gen_server:multi_call/4)
 */
tr_term tr_multi_call_args(int64_t timeout_ms, tr_term nodes, tr_atom name,
                           const struct tr_arg *args, int n);
#define tr_multi_call(ms, nodes, name, ...)                                                        \
    tr_multi_call_args(ms, nodes, name, TR_ARGS(__VA_ARGS__))

/* --- requests whose answer is fetched later --- */

/* A request that was sent; owner only. All zero once its answer was taken. */
struct tr_request {
    tr_ref ref;
    tr_term to; /* to whom it was sent; kept until the answer is taken */
};

/*
 * struct tr_request tr_send_request(to, ...): sends a request and does not wait. The response is
 * fetched by one of the three below, which return
 *
 *     TR_OK         *result is the answer
 *     TR_ENOPROC    there is no such process; *result is {Reason, To}, Reason being noproc, or
 *                   noconnection for another node
 *     TR_ECLOSED    the server ended first; *result is {Reason, To}
 *     TR_ETIMEOUT   nothing has come yet
 *     TR_ENOTFOUND  the message is not the response
 *
 * with *result in the current heap. Such a request is no part of a cycle of waiting calls.
 * Process only. (gen_server:send_request/2)
 */
struct tr_request tr_send_request_args(tr_term to, const struct tr_arg *args, int n);
#define tr_send_request(to, ...) tr_send_request_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))

/* Waits for the response; on TR_ETIMEOUT the request stays open. Process only; blocks.
   (gen_server:wait_response/2) */
TR_MUST_USE tr_err tr_wait_response(struct tr_request *request, int64_t timeout_ms,
                                    tr_term *result);

/* The same, but on TR_ETIMEOUT the request is abandoned: a late answer is dropped. Process only;
   blocks. (gen_server:receive_response/2) */
TR_MUST_USE tr_err tr_receive_response(struct tr_request *request, int64_t timeout_ms,
                                       tr_term *result);

/* Whether a message that was received is the response. Process only. (gen_server:check_response/2)
 */
TR_MUST_USE tr_err tr_check_response(tr_term message, struct tr_request *request, tr_term *result);

/*
 * A collection of requests, each with a label: the next response to any of them is fetched by
 * functions as above, which also give the label (may be NULL; in the current heap). Labels are
 * copied. A collection that is empty answers TR_EINVAL. The request whose response was taken is
 * no longer in it. It belongs to the process, and is freed with it or by tr_reqids_free.
 * Owner only. (gen_server:reqids_new/0 and its companions)
 */
struct tr_reqids;

struct tr_reqids *tr_reqids_new(void);
void tr_reqids_free(struct tr_reqids *ids);

/* Moves a request into the collection. */
void tr_reqids_add(struct tr_reqids *ids, struct tr_request request, tr_term label);

size_t tr_reqids_size(const struct tr_reqids *ids);

/* [{Ref, Label}], in the order in which they were added, in the current heap. */
tr_term tr_reqids_to_list(const struct tr_reqids *ids);

TR_MUST_USE tr_err tr_reqids_wait(struct tr_reqids *ids, int64_t timeout_ms, tr_term *result,
                                  tr_term *label);

/* The same, but on TR_ETIMEOUT all requests are abandoned and the collection is empty. */
TR_MUST_USE tr_err tr_reqids_receive(struct tr_reqids *ids, int64_t timeout_ms, tr_term *result,
                                     tr_term *label);

TR_MUST_USE tr_err tr_reqids_check(tr_term message, struct tr_reqids *ids, tr_term *result,
                                   tr_term *label);

TR_HEADER_END

#endif
