/* SPDX-License-Identifier: MIT */
/*
 * What servers are sent, and what they answer.
 *
 * A request is one signal that carries a monitor and a message: see signal.c. The monitor's end at
 * the asking side is the alias for the answer. Who waits for that looks at nothing but what came
 * after the reference was made, and so has no need of the general receive: only a process with
 * caps, whose mailbox others watch, goes that way.
 */
#include "base/clock.h"
#include "os/context.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <string.h>

/* --- {Tag, Value}: casts and answers --- */

/* [Head|Tail] of two immediates. */
static inline bool is_flat_cons(uint64_t w)
{
    return tr__is_cons(w) && tr__is_immediate(tr__cons(w)[0]) && tr__is_immediate(tr__cons(w)[1]);
}

/* The tag is an immediate, or a flat cons. */
static inline struct tr_sig *pair_message(uint64_t to, uint64_t tag, struct tr_arg value)
{
    bool cons = !tr__is_immediate(tag);
    uint64_t word;
    struct tr_sig *sig = tr__sig_framed(to, cons ? 5 : 3, value, &word);

    if (tr__unlikely(!sig))
        tr__raise_oom();
    uint64_t *w = tr__sig_words(sig);
    w[0] = TR__HEADER(TR__KIND_TUPLE, 2);
    w[1] = cons ? tr__cons_w(&w[3]) : tag;
    w[2] = word;
    if (cons)
        memcpy(&w[3], tr__cons(tag), 2 * sizeof *w);
    sig->term = tr__box_w(w);
    return sig;
}

void tr__send_pair(tr_term to, tr_term tag, struct tr_arg value)
{
    TR__ENTER();
    uint64_t dest;

    if (tr__unlikely(!tr__is_immediate(tag.w) && !is_flat_cons(tag.w))) {
        tr_send_args(to, (const struct tr_arg[]){ tr__arg_term(tag), value }, 2);
        return;
    }
    if (tr__destination(to, &dest))
        tr__raise_badarg(to.w ? to : tr_nil());
    tr__message_send_and_pay(pair_message(dest, tag.w, value));
}

/* --- requests --- */

/* {Kind, {Self, [alias|Ref]}, Request}, behind the tie of the sender. */
static inline struct tr_sig *request_message(uint64_t to, uint64_t self, uint64_t ref,
                                             uint64_t kind, struct tr_arg request)
{
    uint64_t word;
    struct tr_sig *sig = tr__sig_framed(to, TR__TIE_WORDS + 9, request, &word);

    if (tr__unlikely(!sig))
        tr__raise_oom();
    struct tr_tie *tie = (struct tr_tie *)(void *)sig;
    tr__tie_init(tie, TR__TIE_WATCHER, ref, self);
    tie->alias = TR__ALIAS_REPLY;
    uint64_t *w = (uint64_t *)(void *)(tie + 1);
    w[0] = TR__HEADER(TR__KIND_TUPLE, 3);
    w[1] = kind;
    w[2] = tr__box_w(&w[4]);
    w[3] = word;
    w[4] = TR__HEADER(TR__KIND_TUPLE, 2);
    w[5] = self;
    w[6] = tr__cons_w(&w[7]);
    w[7] = TR_ATOM_W(alias);
    w[8] = ref;
    sig->term = tr__box_w(w);
    return sig;
}

/* One signal after the other: to a process with caps, which counts messages, and to oneself, who
   needs no tie at that side. */
static TR__NOINLINE void send_apart(struct tr_proc *p, struct tr_sig *sig, uint64_t ref)
{
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);
    struct tr_tie *ends[2];

    if (!tr__monitor_ends(ends, ref, self, sig->to)) {
        tr__sig_free(sig);
        tr__raise_oom();
    }
    ends[0]->alias = ends[1]->alias = TR__ALIAS_REPLY;
    tr__ties_insert(&p->ties, ends[0]);
    ends[1]->sig.to = sig->to;
    if (sig->to == self)
        tr__sig_free(&ends[1]->sig);
    else
        tr__sig_send(&ends[1]->sig);
    tr__message_send_and_pay(sig);
}

static inline void send_request(struct tr_proc *p, struct tr_sig *sig, uint64_t ref)
{
    struct tr_proc *to = tr__receiver(sig);

    if (tr__unlikely(to == p || (to && tr__is_capped(to)))) {
        send_apart(p, sig, ref);
        return;
    }
    struct tr_tie *end = tr__tie_new(TR__TIE_MONITOR, ref, sig->to);
    if (tr__unlikely(!end)) {
        tr__sig_free(sig);
        tr__raise_oom();
    }
    end->alias = TR__ALIAS_REPLY;
    tr__ties_insert(&p->ties, end);
    sig->kind = TR__SIG_REQUEST;
    if (tr__likely(to))
        tr__push_now(to, sig);
    else
        tr__sig_undeliverable(sig);
    tr__spend(p, TR__COST_CALL + TR__COST_SEND);
}

void tr__send_request(tr_pid server, tr_ref ref, tr_atom kind, struct tr_arg request)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);

    send_request(p, request_message(server.w, self, ref.w, kind.w, request), ref.w);
}

/* --- a request and its answer --- */

/* {[alias|Ref], Value} */
static inline bool is_answer(uint64_t message, uint64_t ref, uint64_t *value)
{
    const uint64_t *w = tr__is_box(message) ? tr__box(message) : NULL;

    if (!w || w[0] != TR__HEADER(TR__KIND_TUPLE, 2) || !tr__is_cons(w[1]))
        return false;
    *value = w[2];
    return tr__cons(w[1])[0] == TR_ATOM_W(alias) && tr__cons(w[1])[1] == ref;
}

/* {'DOWN', Ref, process, Object, Reason} */
static inline bool is_down(uint64_t message, uint64_t ref, uint64_t *reason)
{
    const uint64_t *w = tr__is_box(message) ? tr__box(message) : NULL;

    if (!w || w[0] != TR__HEADER(TR__KIND_TUPLE, 5) || w[1] != TR_ATOM_W(DOWN) || w[2] != ref)
        return false;
    *reason = w[5];
    return true;
}

/* Whether a message ends the wait, and how; *err is left alone if not. */
static inline bool ends_wait(uint64_t message, uint64_t ref, uint64_t *value, tr_err *err)
{
    if (tr__likely(is_answer(message, ref, value))) {
        *err = TR_OK;
        return true;
    }
    if (!is_down(message, ref, value))
        return false;
    *err = *value == TR_ATOM_W(noproc) ? TR_ENOPROC : TR_ECLOSED;
    return true;
}

static tr_err await_with_caps(uint64_t ref, int64_t timeout_ms, tr_term *result)
{
    tr_err err = TR_ETIMEOUT;
    uint64_t value;

    tr_receive_ref(m, (tr_ref){ ref })
    {
        tr_when (m, ends_wait(m.message.w, ref, &value, &err))
            *result = tr_receive_result(&m, (tr_term){ value });
        tr_after (m, timeout_ms) {
        }
    }
    return err;
}

/* Takes the message out of the mailbox; gives the value, which is part of it. */
static inline tr_term take(struct tr_proc *p, struct tr_sig **at, uint64_t value)
{
    if (tr__likely(tr__is_immediate(value))) {
        tr__sig_discard(p, tr__mailbox_remove(p, at));
        return (tr_term){ value };
    }
    struct tr_receive_scope m = { .owner = p, .at = at };
    tr__receive_accept(&m);
    tr_term result = tr_receive_result(&m, (tr_term){ value });
    tr__receive_close(&m);
    return result;
}

/* The wait for an answer. */
struct wait {
    struct tr_proc *p;
    uint64_t ref;
    struct tr_sig **at; /* what stands before was looked at */
    tr_term *result;
    tr_err err; /* how it ended */
};

/* False when no answer is in the mailbox. */
static inline bool look(struct wait *w)
{
    struct tr_proc *p = w->p;
    uint64_t value;

    while (*w->at || tr__inbox_has_new(p)) {
        if (!*w->at) {
            tr__take_signal(p);
            tr__check_dying(p);
        } else if (ends_wait((*w->at)->term, w->ref, &value, &w->err)) {
            *w->result = take(p, w->at, value);
            return true;
        } else {
            w->at = &(*w->at)->next;
        }
    }
    return false;
}

/* Apart, so that one function is open across the switch. */
static TR__OPAQUE bool wait_and_look(void *wait, uint64_t deadline)
{
    struct wait *w = wait;
    struct tr_proc *p = w->p;

    /* It was set just now, and cannot be over the first time. */
    do {
        p->wake_at = (int64_t)deadline;
        tr__wait(p);
        p->wake_at = TR__NEVER;
        if (look(w))
            return true;
    } while ((int64_t)deadline == TR__NEVER || tr__clock_ns() < (int64_t)deadline);
    return false;
}

/* The reference is the one that the process has made last, so what may hold it begins at the mark.
 */
static tr_err await(struct tr_proc *p, uint64_t ref, int64_t timeout_ms, tr_term *result)
{
    struct wait w = { p, ref, p->mark_at, result, TR_ETIMEOUT };

    if (tr__unlikely(tr__is_capped(p)))
        return await_with_caps(ref, timeout_ms, result);
    p->worker->receives++;
    if (!look(&w) && timeout_ms != 0)
        (void)tr__context_call(&w, (uint64_t)tr__deadline(timeout_ms), wait_and_look);
    return w.err;
}

tr_err tr__ask(tr_pid server, tr_atom kind, int64_t timeout_ms, tr_term *result,
               struct tr_arg request)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);
    tr_ref ref = { tr__new_ref(p) };

    if (tr__unlikely(tr__wait_begin(p, server.w, ref.w, result) == TR_EDEADLOCK))
        return TR_EDEADLOCK;
    send_request(p, request_message(server.w, self, ref.w, kind.w, request), ref.w);
    tr_err err = await(p, ref.w, timeout_ms, result);
    if (tr__unlikely(err == TR_ETIMEOUT)) {
        /* What has come while the alias was ended still counts. */
        tr_demonitor_flush(ref);
        err = await(p, ref.w, 0, result);
    }
    tr__wait_answered(ref.w);
    return err;
}

/* --- answers --- */

bool tr__answer(tr_term from, struct tr_arg value)
{
    const uint64_t *w = tr__is_box(from.w) ? tr__box(from.w) : NULL;

    if (!w || w[0] != TR__HEADER(TR__KIND_TUPLE, 2) || (w[1] & 7) != TR__TAG_PID ||
        !tr__is_cons(w[2]))
        return false;
    uint64_t ref = tr__cons(w[2])[1];
    if (tr__cons(w[2])[0] != TR_ATOM_W(alias) || (ref & 3) != TR__TAG_REF)
        return false;
    TR__ENTER();
    tr__message_send_and_pay(pair_message(ref, w[2], value));
    return true;
}
