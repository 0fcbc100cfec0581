/* SPDX-License-Identifier: MIT */
/*
 * What servers are sent, and what they answer.
 *
 * A request is one signal that carries a monitor and a message: see ties.h. The monitor's end at
 * the asking side is the alias for the answer. Who waits for that looks at nothing but what came
 * after the reference was made, and so has no need of the general receive: only a process with
 * caps, whose mailbox others watch, goes that way.
 */
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"
#include "term/words.h"

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

struct answer {
    struct tr_proc *p; /* who waits for it */
    uint64_t ref;
    uint64_t value; /* part of the message */
    tr_err err;
};

/* {[alias|Ref], Value} or {'DOWN', Ref, process, Object, Reason} */
static bool is_answer(uint64_t message, void *answer)
{
    struct answer *a = answer;
    const uint64_t *w = tr__is_box(message) ? tr__box(message) : NULL;

    if (!w)
        return false;
    if (tr__likely(w[0] == TR__HEADER(TR__KIND_TUPLE, 2) && tr__is_cons(w[1]) &&
                   tr__cons(w[1])[0] == TR_ATOM_W(alias) && tr__cons(w[1])[1] == a->ref)) {
        a->value = w[2];
        a->err = TR_OK;
        return true;
    }
    if (w[0] != TR__HEADER(TR__KIND_TUPLE, 5) || w[1] != TR_ATOM_W(DOWN) || w[2] != a->ref)
        return false;
    a->value = w[5];
    a->err = w[5] == TR_ATOM_W(noproc) ? TR_ENOPROC : TR_ECLOSED;
    return true;
}

#define FLAT_MAX 4u

/* {ok, Value} and the like, of words that need no copy: the tuple, copied into the heap; w is 0 for
   any other value. */
static inline tr_term copy_flat(struct tr_proc *p, uint64_t value)
{
    const uint64_t *from = tr__is_kind(value, TR__KIND_TUPLE) ? tr__box(value) : NULL;
    size_t n = from ? TR__HEADER_N(from[0]) : 0;

    if (n == 0 || n > FLAT_MAX || !tr__words_immediate(from + 1, n))
        return (tr_term){ 0 };
    uint64_t *to = tr__heap_alloc(&p->heap, n + 1);
    if (tr__unlikely(!to))
        tr__raise_oom();
    tr__words_copy_few(to, from, n + 1);
    return (tr_term){ tr__box_w(to) };
}

static inline tr_term small_value(struct tr_proc *p, uint64_t value)
{
    return tr__likely(tr__is_immediate(value)) ? (tr_term){ value } : copy_flat(p, value);
}

/* The value of a message of any size, which goes with it otherwise. */
static TR__NOINLINE tr_term keep_value(struct tr_proc *p, struct tr_sig **at, uint64_t value)
{
    struct tr_receive_scope m = { .owner = p, .at = at };

    tr__receive_accept(&m);
    tr_term result = tr_receive_result(&m, (tr_term){ value });
    tr__receive_close(&m);
    return result;
}

/* Takes the message out of the mailbox. */
static inline tr_term take(struct tr_proc *p, struct tr_sig **at, uint64_t value)
{
    tr_term result = small_value(p, value);

    if (tr__unlikely(!result.w))
        return keep_value(p, at, value);
    tr__sig_discard(p, tr__mailbox_remove(p, at));
    return result;
}

/* Is all that has come the answer, and a small one, as it most often is? Then it is taken past the
   mailbox, and the monitor goes as in tr__alias_accepts. */
static inline bool take_alone(struct answer *a)
{
    struct tr_proc *p = a->p;
    struct tr_sig *sig = atomic_load_explicit(&p->inbox, memory_order_acquire);

    if (sig == p->seen || sig->next != p->seen || sig->to != a->ref ||
        sig->kind != TR__SIG_MESSAGE || sig->flags != TR__SIG_LAST || p->suspended ||
        p->flags & (TR__P_SEEN_DEAD | TR__P_SEEN_BOUNCE | TR__P_DYING))
        return false;
    struct tr_tie **at = tr__ties_at(&p->ties, a->ref);
    struct tr_tie *tie = *at;
    if (!tie || tie->alias != TR__ALIAS_REPLY || !is_answer(sig->term, a))
        return false;
    a->value = small_value(p, a->value).w;
    if (!a->value)
        return false;
    tr__ties_unlink(&p->ties, at);
    tr__tie_free(tie);
    p->seen = sig;
    p->flags |= TR__P_SEEN_DEAD;
    return true;
}

/* Apart, so that one function is open across the switch. */
static TR__OPAQUE bool wait_and_take(void *answer, uint64_t deadline)
{
    struct answer *a = answer;
    struct tr_proc *p = a->p;

    p->wake_at = (int64_t)deadline;
    if (p->wake_at != TR__NEVER)
        tr__timeout_arm(p);
    tr__switch_to_wait(p);
    p->wake_at = TR__NEVER;
    return take_alone(a);
}

/* Waits once, if nothing has come yet; false when the general way is to be gone. A mailbox with a
   cap is changed by others: nothing is taken past it. */
static inline bool await_alone(struct answer *a, int64_t deadline)
{
    struct tr_proc *p = a->p;

    if (tr__unlikely(p->mark_ref != a->ref || *p->mark_at || tr__inbox_has_new(p) ||
                     tr__is_capped(p)))
        return false;
    p->worker->receives++;
    return tr__context_call(a, (uint64_t)deadline, wait_and_take);
}

static inline tr_err await(struct tr_proc *p, uint64_t ref, int64_t timeout_ms, tr_term *result)
{
    struct answer a = { p, ref, 0, TR_ETIMEOUT };

    int64_t deadline = timeout_ms == 0 ? 0 : tr__deadline(timeout_ms);
    if (deadline != 0 && tr__likely(await_alone(&a, deadline))) {
        result->w = a.value;
        return a.err;
    }
    a.err = TR_ETIMEOUT;
    if (deadline != TR__NEVER && tr__clock_ns() >= deadline)
        deadline = 0;
    struct tr_sig **at = tr__await_message(p, ref, deadline, is_answer, &a);
    if (at)
        *result = take(p, at, a.value);
    return a.err;
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
