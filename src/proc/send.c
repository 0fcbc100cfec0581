/* SPDX-License-Identifier: MIT */
/*
 * Sending: build the message in a block of its own, then push it.
 *
 * The destination is resolved first: a name is looked up when the message is sent.
 */
#include "mem/block.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "term/raise.h"
#include "term/words.h"

#include <string.h>

#define LOOK_AT 4u /* words of an object, to see whether it refers to others */

tr_err tr__destination(tr_term dest, uint64_t *to)
{
    tr_atom name, node;

    *to = 0;
    if ((dest.w & 7) == TR__TAG_PID || (dest.w & 3) == TR__TAG_REF) {
        *to = dest.w;
        return TR_OK;
    }
    if (tr__is_atom_w(dest.w))
        return tr__name_lookup(dest.w, to) ? TR_OK : TR_ENOTFOUND;
    if (!dest.w)
        return TR_EBADARG;
    if (!tr_match(dest, &name, &node))
        return tr__via_lookup(dest, to);
    /* {Name, Node} never fails, whether or not anybody holds it. */
    if (node.w == TR_ATOM_W(nonode_nohost))
        tr__name_lookup(name.w, to);
    return TR_OK;
}

/* Puts a message on its way; a destination of 0 swallows it. */
static inline tr_err deliver(struct tr_sig *sig, enum tr_caps_sender sender)
{
    struct tr_proc *p = tr__likely(sig->to) ? tr__receiver(sig) : NULL;

    if (!p) {
        tr__sig_free(sig);
        return TR_OK;
    }
    if ((sig->to & 3) == TR__TAG_REF)
        tr__wait_answered(sig->to);
    if (tr__unlikely(tr__is_capped(p)))
        return tr__caps_send(p, sig, sender);
    /* Here, where it is certain to arrive. */
    if ((sig->to & 3) == TR__TAG_REF)
        tr__monitor_answered(sig);
    tr__push_now(p, sig);
    return TR_OK;
}

void tr__message_send(struct tr_sig *sig)
{
    (void)deliver(sig, TR__CAPS_NEVER_WAITS);
}

/* `tls` is the calling thread's, the result too: it may be another one then. */
TR__INLINED struct tr_tls *charge_at(struct tr_tls *tls, int32_t cost)
{
    struct tr_proc *p = atomic_load_explicit(&tls->current, memory_order_relaxed);

    if (tr__unlikely(!p)) {
        tr__replay_outside("tr_send");
        return tls;
    }
    p->reductions += (uint64_t)cost;
    if (tr__charge(p->worker, cost)) {
        tr__yield_now(p);
        tls = tr__tls();
    }
    return tls;
}

static inline void charge(int32_t cost)
{
    (void)charge_at(tr__tls(), cost);
}

void tr__message_send_and_pay(struct tr_sig *sig)
{
    (void)deliver(sig, TR__CAPS_WAITS);
    charge(TR__COST_SEND);
}

tr_err tr_try_send_args(tr_term to, const struct tr_arg *args, int n)
{
    TR__ENTER();
    uint64_t dest;

    tr_err err = tr__destination(to, &dest);
    if (err)
        return err;
    struct tr_sig *sig = tr__sig_message(dest, args, n);
    if (!sig)
        return TR_ENOMEM;
    err = deliver(sig, TR__CAPS_TRIES);
    charge(TR__COST_SEND);
    return err;
}

/* The caller is inside. */
static TR__NOINLINE void send_args(tr_term to, const struct tr_arg *args, int n)
{
    uint64_t dest;

    if (tr__destination(to, &dest))
        tr__raise_badarg(to.w ? to : tr_nil());
    struct tr_sig *sig = tr__sig_message(dest, args, n);
    if (!sig)
        tr__raise_oom();
    tr__message_send_and_pay(sig);
}

/* --- the short way ---

   It calls nothing but what does all the rest, and that last: so it saves no registers. */

static TR__NOINLINE void send_carefully_and_leave(struct tr_sig *sig, bool was)
{
    tr__message_send_and_pay(sig);
    tr__tls_leave(tr__tls(), was);
}

static TR__NOINLINE void wake_pay_and_leave(struct tr_proc *to, bool was)
{
    tr__wake(&to->runnable);
    charge(TR__COST_SEND);
    tr__tls_leave(tr__tls(), was);
}

static TR__NOINLINE void pay_outside_and_leave(bool was)
{
    charge(TR__COST_SEND);
    tr__tls_leave(tr__tls(), was);
}

static TR__NOINLINE void yield_and_leave(struct tr_proc *p, bool was)
{
    tr__yield_now(p);
    tr__tls_leave(tr__tls(), was);
}

static inline void pay_and_leave(struct tr_tls *tls, bool was)
{
    struct tr_proc *p = atomic_load_explicit(&tls->current, memory_order_relaxed);

    if (tr__unlikely(!p)) {
        pay_outside_and_leave(was);
        return;
    }
    p->reductions += TR__COST_SEND;
    if (tr__charge(p->worker, TR__COST_SEND))
        yield_and_leave(p, was);
    else
        tr__tls_leave(tls, was);
}

/* Sends to the process of a pid and pays; ends what tr__tls_enter began with `tls` and `was`. */
TR__INLINED void send_and_leave(struct tr_tls *tls, bool was, uint64_t pid, struct tr_sig *sig)
{
    struct tr_proc *to = tr__slot_at(TR__PID_SLOT(pid));
    struct tr_sig *before = TR__CLOSED;

    if (tr__likely(to && atomic_load_explicit(&to->id, memory_order_acquire) == pid &&
                   !tr__is_capped(to)))
        before = tr__inbox_push(to, sig);
    if (tr__unlikely(before == TR__CLOSED))
        send_carefully_and_leave(sig, was);
    else if (tr__likely(before == TR__ASLEEP) && !tr__wake_next(tls->worker, &to->runnable))
        wake_pay_and_leave(to, was);
    else
        pay_and_leave(tls, was);
}

/* A message of words that need no copy, wherever it goes. */
static TR__NOINLINE void send_words_as_args(tr_term to, unsigned n, uint64_t a, uint64_t b,
                                            uint64_t c)
{
    const struct tr_arg args[] = { tr__arg_word(a), tr__arg_word(b), tr__arg_word(c) };

    tr_send_args(to, args, (int)n);
}

void tr__send_words(tr_term to, unsigned n, uint64_t a, uint64_t b, uint64_t c)
{
    struct tr_tls *tls = tr__tls();
    size_t size = TR__SIG_WORD_SIZE(n > 1 ? n + 1 : 0);
    bool was = tr__tls_enter(tls);
    struct tr_sig *sig = NULL;

    if (tr__fault())
        tr__raise_oom();
    if (tr__likely((to.w & 7) == TR__TAG_PID && !tr__watching()))
        sig = tr__block_at_hand(tls, size);
    if (tr__unlikely(!sig)) {
        tr__tls_leave(tls, was);
        send_words_as_args(to, n, a, b, c);
        return;
    }
    uint64_t *w = tr__sig_words(sig);
    tr__sig_head(sig, TR__SIG_MESSAGE, to.w, n > 1 ? tr__box_w(w) : a, size);
    if (n > 1) {
        w[0] = TR__HEADER(TR__KIND_TUPLE, n);
        w[1] = a;
        w[2] = b;
        if (n > 2)
            w[3] = c;
    }
    send_and_leave(tls, was, to.w, sig);
}

/* --- one object, copied as it lies --- */

/* The object of a term that is one object, as far as a short look tells. */
static inline const uint64_t *only_object(const struct tr_arg *args, int n)
{
    if (n != 1 || args[0].kind != TR__ARG_WORD || !tr__is_box(args[0].as.u))
        return NULL;
    const uint64_t *object = tr__box(args[0].as.u);
    size_t words = TR__HEADER_N(*object);
    if (tr__unlikely(words >= TR__SIG_WORDS_MAX))
        return NULL;
    if (TR__HEADER_KIND(*object) >= TR__KIND_RAW)
        return object;
    if (tr__likely(words >= LOOK_AT && object[1] & object[2] & object[3] & object[4] & TR__COMMON))
        return object;
    return tr__words_immediate(object + 1, words < LOOK_AT ? words : LOOK_AT) ? object : NULL;
}

/* Copies it as it lies, without a size pass; NULL when it refers to others after all. */
static inline struct tr_sig *object_message(struct tr_tls *tls, tr_term to, const uint64_t *object)
{
    size_t size = TR__SIG_WORD_SIZE(TR__HEADER_N(*object) + 1);
    struct tr_sig *sig =
        tr__sig_init(tr__block_alloc_inside(tls, size), TR__SIG_MESSAGE, to.w, size);

    if (tr__unlikely(!sig))
        tr__raise_oom();
    if (tr__unlikely(!tr__object_copy(tls, tr__sig_words(sig), &sig->counted, object))) {
        tr__sig_free_inside(tls, sig);
        return NULL;
    }
    sig->term = tr__box_w(tr__sig_words(sig));
    return sig;
}

void tr_send_args(tr_term to, const struct tr_arg *args, int n)
{
    struct tr_tls *tls;
    bool was = tr__enter_at(&tls);
    const uint64_t *object = (to.w & 7) == TR__TAG_PID ? only_object(args, n) : NULL;
    struct tr_sig *sig = object ? object_message(tls, to, object) : NULL;

    if (sig) {
        send_and_leave(tls, was, to.w, sig);
        return;
    }
    send_args(to, args, n);
    tr__tls_leave(tr__tls(), was);
}

void tr__send_1_args(tr_term to, struct tr_arg a)
{
    tr_send_args(to, &a, 1);
}

void tr__send_2_args(tr_term to, struct tr_arg a, struct tr_arg b)
{
    tr_send_args(to, (const struct tr_arg[]){ a, b }, 2);
}

void tr__send_3_args(tr_term to, struct tr_arg a, struct tr_arg b, struct tr_arg c)
{
    tr_send_args(to, (const struct tr_arg[]){ a, b, c }, 3);
}

/* --- the same message to many --- */

#define HEAD_WORDS  (sizeof(struct tr_sig) / sizeof(uint64_t))
#define SMALL_WORDS 16u
#define STEP_WORDS  2u /* copied at a time: blocks are aligned to that */

_Static_assert((HEAD_WORDS + SMALL_WORDS + 1) % STEP_WORDS == 0, "an image is whole steps");

/*
 * A message made once. A small one is an image of the signal, which is copied as it lies for each
 * receiver: then what points into it is moved by the same distance as the whole. Any other message
 * is shared, and each receiver holds a reference.
 */
struct model {
    struct tr_shared *shared; /* NULL: copied; the current heap holds a reference, so that it goes
                                 with the process should that end in between */
    size_t steps;
    uint32_t moved; /* a bit for each word that points into the image */
    union {
        struct tr_sig sig;
        uint64_t words[HEAD_WORDS + SMALL_WORDS + 1];
    } image;
};

static void share(struct model *m, tr_term term)
{
    m->shared = tr__share(term);
    if (!m->shared)
        tr__raise_oom();
    struct tr_arg arg = tr__arg_shared(m->shared);
    (void)tr_build_args(&arg, 1);
    tr__shared_release(m->shared);
}

/* Which of the words between `from` and `end` point to others of them. */
static uint32_t pointers(const struct model *m, size_t from, size_t end)
{
    uint32_t found = 0;

    for (size_t i = from; i < end; i++) {
        uint64_t w = m->image.words[i];
        if ((w & 7) == TR__TAG_HEADER)
            i += TR__HEADER_KIND(w) >= TR__KIND_RAW ? TR__HEADER_N(w) : 0;
        else if (!tr__is_immediate(w))
            found |= UINT32_C(1) << i;
    }
    return found;
}

#define TERM_WORD (offsetof(struct tr_sig, term) / sizeof(uint64_t))

/* Makes the image of a message of `n` words at most; false when it refers to something counted. */
static bool image_make(struct model *m, size_t n, const struct tr_arg *args, int nargs)
{
    struct tr_sig *sig = &m->image.sig;
    uint64_t *out = m->image.words + HEAD_WORDS;

    m->steps = (HEAD_WORDS + n + STEP_WORDS - 1) / STEP_WORDS;
    tr__sig_init(sig, TR__SIG_MESSAGE, 0, m->steps * STEP_WORDS * sizeof(uint64_t));
    sig->term = tr__args_build(&out, &sig->counted, args, nargs).w;
    if (!sig->term)
        tr__raise_oom();
    if (sig->counted) {
        tr__counted_release(sig->counted);
        return false;
    }
    m->moved = pointers(m, TERM_WORD, TERM_WORD + 1) |
               pointers(m, HEAD_WORDS, (size_t)(out - m->image.words));
    return true;
}

static void model_make(struct model *m, const struct tr_arg *args, int nargs)
{
    size_t n = tr__args_size(args, nargs);

    memset(m, 0, sizeof *m);
    if (n > SMALL_WORDS || !image_make(m, n, args, nargs))
        share(m, tr_build_args(args, nargs));
}

/* The signal for one receiver; NULL without memory. The caller is inside. */
static inline struct tr_sig *image_copy(struct tr_tls *tls, const struct model *m, uint64_t pid)
{
    struct tr_sig *sig = tr__block_alloc_inside(tls, m->image.sig.size);
    uint64_t *to = (uint64_t *)(void *)sig;
    const uint64_t *from = m->image.words;

    if (tr__unlikely(!sig))
        return NULL;
    size_t n = m->steps;
    do {
        n--;
        memcpy(to + n * STEP_WORDS, from + n * STEP_WORDS, STEP_WORDS * sizeof *to);
    } while (n);
    sig->to = pid;
    for (uint32_t rest = m->moved; rest; rest &= rest - 1)
        to[__builtin_ctz(rest)] += (uint64_t)(uintptr_t)to - (uint64_t)(uintptr_t)from;
    return sig;
}

static inline struct tr_sig *model_copy(struct tr_tls *tls, const struct model *m, uint64_t pid)
{
    if (tr__likely(!m->shared))
        return image_copy(tls, m, pid);
    struct tr_arg shared = tr__arg_shared(m->shared);
    return tr__sig_message(pid, &shared, 1);
}

/* Sends to the process of a pid; `tls` is the calling thread's, the result too. The caller is
   inside. */
static inline struct tr_tls *send_inside(struct tr_tls *tls, struct tr_sig *sig)
{
    struct tr_proc *to = tr__slot_at(TR__PID_SLOT(sig->to));

    if (tr__unlikely(!to || atomic_load_explicit(&to->id, memory_order_acquire) != sig->to)) {
        tr__sig_free(sig);
        return tls;
    }
    if (tr__unlikely(tr__is_capped(to))) {
        (void)tr__caps_send(to, sig, TR__CAPS_WAITS);
        return tr__tls();
    }
    tr__push_inside(tls, to, sig);
    return tls;
}

void tr_send_each_args(const tr_pid *pids, size_t npids, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct model m;

    tr_scope
    {
        model_make(&m, args, n);
        struct tr_tls *tls = tr__tls();
        for (size_t i = 0; i < npids; i++) {
            if ((pids[i].w & 7) != TR__TAG_PID)
                tr__raise_badarg((tr_term){ pids[i].w });
            struct tr_sig *sig = model_copy(tls, &m, pids[i].w);
            if (!sig)
                tr__raise_oom();
            tls = charge_at(send_inside(tls, sig), TR__COST_SEND_EACH);
        }
    }
}
