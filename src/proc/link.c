/* SPDX-License-Identifier: MIT */
/*
 * Links.
 *
 * Each side has its own end; making one sends the other side its end. Unlinking is a request with
 * a number that the other side acknowledges: until then an end marked with the number stays, so
 * that an exit signal already on its way is recognised and dropped. Either the acknowledgement or
 * the other's exit signal takes it away.
 */
#include "mem/block.h"
#include "proc/proc.h"
#include "term/raise.h"

static uint64_t id_of(struct tr_proc *p)
{
    return atomic_load_explicit(&p->id, memory_order_relaxed);
}

bool tr__link_both(struct tr_proc *parent, struct tr_proc *child)
{
    struct tr_tie *mine = tr__tie_new(TR__TIE_LINK, id_of(child), id_of(child));
    struct tr_tie *theirs = tr__tie_new(TR__TIE_LINK, id_of(parent), id_of(parent));

    if (!mine || !theirs) {
        tr__tie_free(mine);
        tr__tie_free(theirs);
        return false;
    }
    tr__ties_insert(&parent->ties, mine);
    tr__ties_insert(&child->ties, theirs);
    return true;
}

struct tr_sig *tr__exit_in_place(struct tr_tie *tie, uint64_t from, uint64_t reason)
{
    struct tr_sig *sig = &tie->sig;
    uint64_t *w = tr__sig_words(sig);

    w[0] = TR__HEADER(TR__KIND_TUPLE, 3);
    w[1] = TR_ATOM_W(EXIT);
    w[2] = from;
    w[3] = reason;
    sig->term = tr__box_w(w);
    sig->kind = TR__SIG_EXIT;
    sig->flags = TR__SIG_LINKED;
    return sig;
}

void tr__link_exit_send(struct tr_tie *tie, uint64_t from, struct tr_reason reason)
{
    uint64_t to = tie->key;
    struct tr_sig *sig = NULL;

    if (reason.share) {
        struct tr_arg args[] = { tr__arg_atom(TR_ATOM(EXIT)), tr__arg_word(from),
                                 tr__arg_shared(reason.share) };
        sig = tr__sig_message(to, args, 3);
        if (sig)
            tr__tie_free(tie);
        else
            reason.word = TR_ATOM_W(out_of_memory);
    }
    if (!sig)
        sig = tr__exit_in_place(tie, from, reason.word);
    sig->to = to;
    sig->kind = TR__SIG_EXIT;
    sig->flags = TR__SIG_LINKED;
    tr__sig_send_exit(sig);
}

struct tr_sig *tr__unlink_signal(enum tr_sig_kind kind, uint64_t to, uint64_t from, uint64_t id)
{
    struct tr_sig *sig = tr__sig_new(kind, to, TR__SIG_WORD_SIZE(2));

    if (sig) {
        tr__sig_words(sig)[0] = from;
        tr__sig_words(sig)[1] = id;
    }
    return sig;
}

/* What the caller sees when it links to the dead. */
static void link_to_dead(struct tr_proc *p, tr_pid pid)
{
    if (!(p->flags & TR__P_TRAP_EXIT))
        tr__exit(p, TR_ATOM_W(noproc));
    struct tr_sig *sig = tr__sig_exit(id_of(p), pid.w, TR_ATOM_W(noproc), 0);
    if (!sig)
        tr__raise_oom();
    sig->kind = TR__SIG_MESSAGE;
    tr__push(p, sig);
}

void tr_link(tr_pid pid)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__spend(p, TR__COST_CALL);
    if (pid.w == id_of(p))
        return;
    if ((pid.w & 7) != TR__TAG_PID)
        tr__raise_badarg((tr_term){ pid.w ? pid.w : TR__NIL });
    struct tr_tie *mine = tr__ties_find(&p->ties, pid.w);
    if (mine && !mine->unlink_id)
        return;
    if (!tr__proc_alive(pid.w)) {
        link_to_dead(p, pid);
        return;
    }
    struct tr_tie *theirs = tr__tie_new(TR__TIE_LINK, id_of(p), id_of(p));
    struct tr_tie *made = mine ? mine : tr__tie_new(TR__TIE_LINK, pid.w, pid.w);
    if (!theirs || !made) {
        tr__tie_free(theirs);
        if (made != mine)
            tr__tie_free(made);
        tr__raise_oom();
    }
    made->unlink_id = 0;
    if (!mine)
        tr__ties_insert(&p->ties, made);
    theirs->sig.kind = TR__SIG_LINK;
    theirs->sig.to = pid.w;
    tr__sig_send(&theirs->sig);
}

void tr_unlink(tr_pid pid)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__spend(p, TR__COST_CALL);
    /* A link that the other side has just made counts too. */
    tr__take_signals(p);
    struct tr_tie *tie = tr__ties_find(&p->ties, pid.w);
    if (!tie || tie->kind != TR__TIE_LINK || tie->unlink_id)
        return;
    uint64_t id = p->ref_count + 1;
    struct tr_sig *sig = tr__unlink_signal(TR__SIG_UNLINK, pid.w, id_of(p), id);
    if (!sig)
        tr__raise_oom();
    p->ref_count = id;
    tie->unlink_id = id;
    tr__sig_send(sig);
}
