/* SPDX-License-Identifier: MIT */
/*
 * Making, freeing and addressing signals, and answering for the dead.
 *
 * In the exit signal of tr_end_watched two words behind the term say where its tie is.
 */
#include "proc/signal.h"

#include "base/plant.h"
#include "proc/proc.h"
#include "term/words.h"

#include <string.h>

#define FLAT_MAX 8u

/* Most messages: a few values that need no memory of their own. Their words; false: another one. */
static inline bool flat(const struct tr_arg *args, uint32_t n, uint64_t words[FLAT_MAX])
{
    if (n == 2) /* most of all */
        return tr__arg_immediate(args[0], &words[0]) && tr__arg_immediate(args[1], &words[1]);
    if (n > FLAT_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!tr__arg_immediate(args[i], &words[i]))
            return false;
    return true;
}

/* The same for a tuple that has been built: its words; NULL: another one. */
static inline const uint64_t *flat_tuple(uint64_t word, uint32_t *n)
{
    const uint64_t *object = tr__is_kind(word, TR__KIND_TUPLE) ? tr__box(word) : NULL;

    if (!object || TR__HEADER_N(object[0]) > FLAT_MAX)
        return NULL;
    *n = (uint32_t)TR__HEADER_N(object[0]);
    for (uint32_t i = 1; i <= *n; i++)
        if (!tr__is_immediate(object[i]))
            return NULL;
    return object + 1;
}

/* A message with room for `head` words, then a tuple of these; *word is the tuple. */
TR__INLINED struct tr_sig *flat_message(uint64_t to, size_t head, const uint64_t *words, uint32_t n,
                                        uint64_t *word)
{
    struct tr_sig *sig = tr__sig_new(TR__SIG_MESSAGE, to, TR__SIG_WORD_SIZE(head + 1 + n));

    if (tr__unlikely(!sig))
        return NULL;
    uint64_t *out = tr__sig_words(sig) + head;
    out[0] = TR__HEADER(TR__KIND_TUPLE, n);
    tr__words_copy_few(out + 1, words, n);
    *word = tr__box_w(out);
    return sig;
}

struct tr_sig *tr__sig_message(uint64_t to, const struct tr_arg *args, int n)
{
    uint64_t few[FLAT_MAX], tuple;

    if (n > 1 && flat(args, (uint32_t)n, few)) {
        struct tr_sig *sig = flat_message(to, 0, few, (uint32_t)n, &tuple);
        if (tr__likely(sig != NULL))
            sig->term = tuple;
        return sig;
    }
    size_t words = tr__args_size(args, n);

    if (words > TR__SIG_WORDS_MAX)
        return NULL;
    struct tr_sig *sig = tr__sig_new(TR__SIG_MESSAGE, to, TR__SIG_WORD_SIZE(words));
    if (!sig)
        return NULL;
    uint64_t *out = tr__sig_words(sig);
    sig->term = tr__args_build(&out, &sig->counted, args, n).w;
    if (!sig->term) {
        tr__sig_free(sig);
        return NULL;
    }
    return sig;
}

/* A term or a list of them: flat too, or to be sized first. */
static TR__NOINLINE struct tr_sig *framed_term(uint64_t to, size_t head, struct tr_arg arg,
                                               uint64_t *word)
{
    uint32_t n;
    const uint64_t *tuple = arg.kind == TR__ARG_WORD ? flat_tuple(arg.as.u, &n) : NULL;

    if (tuple)
        return flat_message(to, head, tuple, n, word);
    size_t words = head + tr__args_size(&arg, 1);
    if (words > TR__SIG_WORDS_MAX)
        return NULL;
    struct tr_sig *sig = tr__sig_new(TR__SIG_MESSAGE, to, TR__SIG_WORD_SIZE(words));
    if (!sig)
        return NULL;
    uint64_t *out = tr__sig_words(sig) + head;
    *word = tr__args_build(&out, &sig->counted, &arg, 1).w;
    if (*word)
        return sig;
    tr__sig_free(sig);
    return NULL;
}

struct tr_sig *tr__sig_framed(uint64_t to, size_t head, struct tr_arg arg, uint64_t *word)
{
    uint64_t few[FLAT_MAX];

    if (arg.kind == TR__ARG_TUPLE && arg.n > 0 && flat(arg.as.p, arg.n, few))
        return flat_message(to, head, few, arg.n, word);
    if (tr__arg_immediate(arg, word))
        return tr__sig_new(TR__SIG_MESSAGE, to, TR__SIG_WORD_SIZE(head));
    return framed_term(to, head, arg, word);
}

struct tr_sig *tr__sig_exit(uint64_t to, uint64_t from, uint64_t reason, int flags)
{
    const uint64_t words[] = { TR_ATOM_W(EXIT), from, reason };
    uint64_t tuple;
    struct tr_sig *sig = flat_message(to, 0, words, 3, &tuple);

    if (sig) {
        sig->term = tuple;
        sig->kind = TR__SIG_EXIT;
        sig->flags = (unsigned)flags & 15u;
    }
    return sig;
}

struct tr_sig *tr__sig_end(uint64_t to, uint64_t from, uint64_t reason, struct tr_tie *tie)
{
    struct tr_sig *sig = tr__sig_new(TR__SIG_END, to, TR__SIG_WORD_SIZE(6));

    if (!sig)
        return NULL;
    uint64_t *w = tr__sig_words(sig);
    w[0] = TR__HEADER(TR__KIND_TUPLE, 3);
    w[1] = TR_ATOM_W(EXIT);
    w[2] = from;
    w[3] = reason;
    w[4] = TR__HEADER(TR__KIND_RAW, 1);
    w[5] = (uintptr_t)tie;
    sig->term = tr__box_w(w);
    return sig;
}

struct tr_tie *tr__sig_end_take(struct tr_sig *sig)
{
    sig->kind = TR__SIG_EXIT;
    return (struct tr_tie *)(uintptr_t)tr__sig_words(sig)[5];
}

void tr__sig_free(struct tr_sig *sig)
{
    tr__counted_release(sig->counted);
    if (sig->kind == TR__SIG_REQUEST && sig->flags & TR__SIG_TIED)
        tr__request_read(sig);
    else if (sig->flags & TR__SIG_TIMER)
        tr__timer_free(sig);
    else
        tr__block_free(sig, sig->size);
}

void tr__sig_send(struct tr_sig *sig)
{
    struct tr_proc *p = tr__receiver(sig);

    if (p)
        tr__push(p, sig);
    else
        tr__sig_undeliverable(sig);
}

static const struct tr_reason no_process = { TR_ATOM_W(noproc), NULL };

void tr__sig_undeliverable(struct tr_sig *sig)
{
    switch ((enum tr_sig_kind)sig->kind) {
    case TR__SIG_MONITOR:
        if (TR__PLANTED(LATE_MONITOR))
            break;
        tr__down_send((struct tr_tie *)(void *)sig, sig->to, no_process, false);
        return;
    case TR__SIG_REQUEST:
        tr__counted_release(sig->counted);
        tr__request_read(sig);
        tr__down_send((struct tr_tie *)(void *)sig, sig->to, no_process, false);
        return;
    case TR__SIG_END:
        tr__down_send(tr__sig_end_take(sig), sig->to, no_process, false);
        break;
    case TR__SIG_LINK:
        tr__link_exit_send((struct tr_tie *)(void *)sig, sig->to, no_process);
        return;
    case TR__SIG_CALL: {
        struct tr_sig_call *call = (struct tr_sig_call *)(void *)sig;
        call->serve(NULL, call);
        return;
    }
    case TR__SIG_BELL:
        return;
    default:
        break;
    }
    tr__sig_free(sig);
}
