/* SPDX-License-Identifier: MIT */
/*
 * Sending: build the message in a block of its own, then push it.
 *
 * The destination is resolved first: a name is looked up when the message is sent.
 */
#include "proc/caps.h"
#include "proc/proc.h"
#include "proc/replay.h"
#include "term/raise.h"

/* The pid or alias that a destination means: TR_ENOTFOUND for a name that nobody holds, TR_EBADARG
   for what is no destination. *to is 0 for one that swallows everything. */
static tr_err resolve(tr_term dest, uint64_t *to)
{
    tr_atom name, node;

    *to = 0;
    if ((dest.w & 7) == TR__TAG_PID || (dest.w & 3) == TR__TAG_REF) {
        *to = dest.w;
        return TR_OK;
    }
    if (tr__is_atom_w(dest.w))
        return tr__name_lookup(dest.w, to) ? TR_OK : TR_ENOTFOUND;
    if (!dest.w || !tr_match(dest, &name, &node))
        return TR_EBADARG;
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

static inline void charge(void)
{
    struct tr_proc *p = tr__self();

    if (tr__likely(p))
        tr__spend(p, TR__COST_SEND);
    else
        tr__replay_outside("tr_send");
}

tr_err tr_try_send_args(tr_term to, const struct tr_arg *args, int n)
{
    TR__ENTER();
    uint64_t dest;

    tr_err err = resolve(to, &dest);
    if (err)
        return err;
    struct tr_sig *sig = tr__sig_message(dest, args, n);
    if (!sig)
        return TR_ENOMEM;
    err = deliver(sig, TR__CAPS_TRIES);
    charge();
    return err;
}

void tr_send_args(tr_term to, const struct tr_arg *args, int n)
{
    TR__ENTER();
    uint64_t dest;

    if (resolve(to, &dest))
        tr__raise_badarg(to.w ? to : tr_nil());
    struct tr_sig *sig = tr__sig_message(dest, args, n);
    if (!sig)
        tr__raise_oom();
    (void)deliver(sig, TR__CAPS_WAITS);
    charge();
}

void tr__send_words(tr_term to, const uint64_t *words, unsigned n)
{
    TR__ENTER();
    uint64_t dest = to.w;

    if (tr__unlikely((dest & 7) != TR__TAG_PID && resolve(to, &dest)))
        tr__raise_badarg(to.w ? to : tr_nil());
    struct tr_sig *sig = tr__sig_new(TR__SIG_MESSAGE, dest, TR__SIG_WORD_SIZE(n > 1 ? n + 1 : 0));
    if (tr__unlikely(!sig))
        tr__raise_oom();
    if (n > 1) {
        tr__sig_words(sig)[0] = TR__HEADER(TR__KIND_TUPLE, n);
        for (unsigned i = 0; i < n; i++)
            tr__sig_words(sig)[i + 1] = words[i];
        sig->term = tr__box_w(tr__sig_words(sig));
    } else {
        sig->term = words[0];
    }
    (void)deliver(sig, TR__CAPS_WAITS);
    charge();
}
