/* SPDX-License-Identifier: MIT */
/*
 * Messages: sending them, and waiting for the one that is wanted.
 *
 *     tr_atoms(increment, get, count);
 *
 *     static void counter(tr_term arg)
 *     {
 *         int64_t total = 0, n;
 *         tr_pid caller;
 *
 *         tr_match(arg, &total);
 *         for (;;) {
 *             tr_receive (m) {
 *                 tr_on (m, a_increment, &n)
 *                     total += n;
 *                 tr_on (m, a_get, &caller)
 *                     tr_send(caller, a_count, total);
 *                 tr_after (m, 5000)
 *                     return;
 *             }
 *         }
 *     }
 */
#ifndef TROUPE_MESSAGE_H
#define TROUPE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/term.h"
#include "troupe/version.h"

/* No timeout. */
#define TR_INFINITY INT64_C(-9223372036854775807)

TR_HEADER_BEGIN

/*
 * void tr_send(to, ...): sends a message (several arguments are a tuple, none is the empty list)
 * to a pid, a registered name (tr_atom), an alias (tr_ref), or a term that is one of these,
 * {Name, Node}, or {via, Module, Name} (troupe/via.h). Never fails, and blocks only where the
 * receiver's mailbox is full and makes senders wait (TR_MAILBOX_WAIT); a message to a process that
 * has ended, or through an alias that is no longer active, vanishes. A name that nobody holds ends
 * the caller with {badarg, Name}. The message is copied. Any thread. (erlang:send/2)
 */
void tr_send_args(tr_term to, const struct tr_arg *args, int n);

/*
 * void tr_send_each(pids, n, ...): sends the same message to each of n pids, in that order, as
 * tr_send would. It is encoded once: a small one is copied as it is, a large one is shared by all.
 * Any thread.
 */
void tr_send_each_args(const tr_pid *pids, size_t npids, const struct tr_arg *args, int n);
#define tr_send_each(pids, npids, ...) tr_send_each_args(pids, npids, TR_ARGS(__VA_ARGS__))

/* The same, but an unknown name is TR_ENOTFOUND and lack of memory TR_ENOMEM; then nothing was
   sent. TR_EBADARG when `to` is none of the above. TR_EBUSY when the receiver's mailbox is full and
   did not take it (troupe/process.h). Never blocks. Any thread. */
TR_MUST_USE tr_err tr_try_send_args(tr_term to, const struct tr_arg *args, int n);
#define tr_try_send(to, ...) tr_try_send_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))

/*
 * An alias: a reference that can be sent to like a pid, until its owner takes it back. What is
 * sent through it afterwards is dropped. Process only. (erlang:alias/0)
 */
tr_ref tr_alias(void);

/* Ends an alias, also one that came with a monitor; false when it was not the caller's, or not
   active. Process only. (erlang:unalias/1) */
bool tr_unalias(tr_ref alias);

/* A reference unlike all others of this program's run. Any thread. (erlang:make_ref/0) */
tr_ref tr_make_ref(void);

/* How many messages wait for the caller. Process only. */
size_t tr_mailbox_length(void);

/*
 * tr_receive (m) { clauses }: takes the oldest message that a clause accepts and runs that clause;
 * all others stay where they are, in order. While none is acceptable the process waits.
 *
 *     tr_on (m, ...) statement      accepts a message that tr_match(message, ...) accepts
 *     tr_when (m, condition) statement   accepts m.message if the condition holds; the statement
 *                                   finds what the condition has captured, and no m.message
 *     tr_after (m, ms) statement    runs when nothing was acceptable for ms milliseconds, counted
 *                                   from the start of the receive; TR_INFINITY: never. `ms` is
 *                                   computed once, before the process waits
 *
 * It is a loop whose body runs once for each message looked at, and once with none before the
 * process waits. So the body holds clauses only, and `break` and `continue` in a clause leave the
 * receive. What the clause was handed and what it builds lives until the clause ends. A negative
 * time ends the caller with timeout_value. Process only; blocks. (receive ... after ... end)
 *
 * tr_receive_ref (m, ref) { clauses } is the same for clauses that all require `ref`, a reference
 * the caller has just made (tr_make_ref, tr_monitor, tr_alias): messages that were in the mailbox
 * before cannot hold it and are not looked at, however many they are.
 */
struct tr_receive_scope {
    tr_term message; /* the one to be looked at; none (w is 0) when there is none, or no longer */

    /* --- private part: set before the first step are only these three --- */
    tr_ref ref;
    int state;
    bool timed; /* the body has had its run without a message */

    struct tr_proc *owner;
    struct tr_sig *taken;
    struct tr_sig **at;
    ptrdiff_t stride; /* from one message to the next in memory, where that was looked at last */
    struct tr_receive_scope *outer;
    int64_t deadline;
    void *mark[3];
};

/*
 * A copy of a term, made in a clause of m, that outlives the clause: it lives as long as what was
 * built before the receive. So what was built in the clause so far stays as long, too. Immediates
 * cost nothing.
 */
tr_term tr_receive_result(struct tr_receive_scope *m, tr_term term);

/* The states after a clause was chosen, when there is no next step, and without a message; one more
   says that the time is over. */
enum { TR__RECEIVE_DONE = 2, TR__RECEIVE_EMPTY = 3 };

bool tr__receive_next(struct tr_receive_scope *m);
void tr__receive_accept(struct tr_receive_scope *m);
bool tr__receive_after(struct tr_receive_scope *m, int64_t ms);

/* Takes the oldest message, whatever it is, as a clause that accepts anything would;
   tr__receive_close ends that. False when there is none: then nothing has begun. */
bool tr__receive_any(struct tr_receive_scope *m, tr_term *message);
void tr__receive_close(struct tr_receive_scope *m);

/*
 * Waits for a tuple {_, Second, ...} that came after `since` was made, a reference of the caller.
 * {First, Second, ..., Last} of n elements is taken if Last needs no copy: *last is that, and the
 * result TR__AWAITED. Any other one stays in the mailbox for a receive: TR__AWAITED_ANOTHER, as at
 * once in a process with caps. TR__AWAITED_NOTHING: none has come in that time.
 */
enum tr__awaited { TR__AWAITED, TR__AWAITED_ANOTHER, TR__AWAITED_NOTHING };
enum tr__awaited tr__await(tr_atom first, uint64_t second, size_t n, tr_ref since, int64_t ms,
                           tr_term *last);

/* Sends a tuple of the first n of three words that need no copy, or the first when n is 1. */
void tr__send_words(tr_term to, unsigned n, uint64_t a, uint64_t b, uint64_t c);

/* Any others, by value: who sends words only has nothing to store. */
void tr__send_1_args(tr_term to, struct tr_arg a);
void tr__send_2_args(tr_term to, struct tr_arg a, struct tr_arg b);
void tr__send_3_args(tr_term to, struct tr_arg a, struct tr_arg b, struct tr_arg c);

/* Sends {Tag, Value}: a cast, an answer. */
void tr__send_pair(tr_term to, tr_term tag, struct tr_arg value);

/* What calls and their like send: monitors the server by `ref`, a reference just made, as
   tr_monitor_opt(server, .alias = TR_ALIAS_REPLY_DEMONITOR) does, and sends it
   {Kind, {Self, [alias|Ref]}, Request}. */
void tr__send_request(tr_pid server, tr_ref ref, tr_atom kind, struct tr_arg request);

/* The same with a reference of its own, and the wait for {[alias|Ref], Value}: TR_OK, *result is
   the value; TR_ENOPROC, TR_ECLOSED: there is no such process, it has ended, *result is the reason;
   TR_ETIMEOUT: nothing has come, and nothing will; TR_EDEADLOCK: see tr_call_wait_begin. Terms are
   in the current heap. */
tr_err tr__ask(tr_pid server, tr_atom kind, int64_t timeout_ms, tr_term *result,
               struct tr_arg request);

/* Answers who sent `from`, the From of a request; false, and nothing was sent, unless that is
   {Pid, [alias|Ref]}. */
bool tr__answer(tr_term from, struct tr_arg value);

TR_HEADER_END

#define tr_receive(m)          TR__RECEIVE(m, tr__no_ref())
#define tr_receive_ref(m, ref) TR__RECEIVE(m, ref)
#define TR__RECEIVE(m, ref)                                                                        \
    for (struct tr_receive_scope m __attribute__((cleanup(tr__receive_end))),                      \
         *tr__begun_##m __attribute__((unused)) = tr__receive_begin(&m, ref);                      \
         (m.message.w || m.state != TR__RECEIVE_DONE) && tr__receive_next(&m);)

#define tr_on(m, ...)                                                                              \
    if (!((m).message.w && tr_match((m).message, ##__VA_ARGS__) &&                                 \
          (tr__receive_accept(&(m)), true))) {                                                     \
    } else

#define tr_when(m, condition)                                                                      \
    if (!((m).message.w && (condition) && (tr__receive_accept(&(m)), true))) {                     \
    } else

#define tr_after(m, ms)                                                                            \
    if ((m).message.w || (m).state < TR__RECEIVE_EMPTY ||                                          \
        !tr__receive_after(&(m), (m).state == TR__RECEIVE_EMPTY ? (ms) : 0)) {                     \
    } else

static inline tr_ref tr__no_ref(void)
{
    tr_ref none = { 0 };
    return none;
}

TR__INLINE struct tr_receive_scope *tr__receive_begin(struct tr_receive_scope *m, tr_ref ref)
{
    m->message.w = 0;
    m->ref = ref;
    m->state = 0;
    m->timed = false;
    return m;
}

TR__INLINE void tr__receive_end(struct tr_receive_scope *m)
{
    if (m->state == TR__RECEIVE_DONE)
        tr__receive_close(m);
}

static inline tr_term tr__dest_pid(tr_pid to)
{
    tr_term t = { to.w };
    return t;
}

static inline tr_term tr__dest_ref(tr_ref to)
{
    tr_term t = { to.w };
    return t;
}

static inline tr_term tr__dest_name(tr_atom to)
{
    tr_term t = { to.w };
    return t;
}

static inline tr_term tr__dest_term(tr_term to)
{
    return to;
}

#ifdef __cplusplus

static inline tr_term tr__dest(tr_pid to)
{
    return tr__dest_pid(to);
}

static inline tr_term tr__dest(tr_ref to)
{
    return tr__dest_ref(to);
}

static inline tr_term tr__dest(tr_atom to)
{
    return tr__dest_name(to);
}

static inline tr_term tr__dest(tr_term to)
{
    return to;
}

#define TR__DEST(to)     tr__dest(to)
#define tr_send(to, ...) tr_send_args(TR__DEST(to), TR_ARGS(__VA_ARGS__))

#else

/* The word of whatever can be sent to. */
/* clang-format off */
#define TR__DEST(to)                                                                               \
    _Generic((to),                                                                                 \
        tr_pid: tr__dest_pid,                                                                      \
        tr_ref: tr__dest_ref,                                                                      \
        tr_atom: tr__dest_name,                                                                    \
        tr_term: tr__dest_term)(to)
/* clang-format on */

#define tr_send(to, ...)    TR__CAT(TR__SEND_, TR__ARITY(__VA_ARGS__))(TR__DEST(to), ##__VA_ARGS__)
#define TR__SEND_0(to)      tr_send_args(to, NULL, 0)
#define TR__SEND_1(to, ...) tr__send_1(to, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__SEND_2(to, ...) tr__send_2(to, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__SEND_3(to, ...) tr__send_3(to, TR__MAP(TR_ARG, __VA_ARGS__))
#define TR__SEND_4(to, ...) tr_send_args(to, TR_ARGS(__VA_ARGS__))
#define TR__SEND_5(to, ...) tr_send_args(to, TR_ARGS(__VA_ARGS__))
#define TR__SEND_N(to, ...) tr_send_args(to, TR_ARGS(__VA_ARGS__))

/* The common messages, small tuples of immediates, are encoded where they are written. */
TR__INLINE void tr__send_1(tr_term to, struct tr_arg a)
{
    uint64_t w;
    if (tr__arg_immediate(a, &w))
        tr__send_words(to, 1, w, 0, 0);
    else
        tr__send_1_args(to, a);
}

TR__INLINE void tr__send_2(tr_term to, struct tr_arg a, struct tr_arg b)
{
    uint64_t u, v;
    if (tr__arg_immediate(a, &u) && tr__arg_immediate(b, &v))
        tr__send_words(to, 2, u, v, 0);
    else
        tr__send_2_args(to, a, b);
}

TR__INLINE void tr__send_3(tr_term to, struct tr_arg a, struct tr_arg b, struct tr_arg c)
{
    uint64_t u, v, w;
    if (tr__arg_immediate(a, &u) && tr__arg_immediate(b, &v) && tr__arg_immediate(c, &w))
        tr__send_words(to, 3, u, v, w);
    else
        tr__send_3_args(to, a, b, c);
}

#endif

#endif
