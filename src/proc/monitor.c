/* SPDX-License-Identifier: MIT */
/*
 * Monitors and aliases.
 *
 * A monitor has an end at each side under the same reference: the watcher's, by which a 'DOWN' is
 * recognised as still wanted, and the watched one's, which becomes the 'DOWN'. An alias is a
 * watcher's end that accepts messages; it may outlive its monitor.
 */
#include "mem/block.h"
#include "proc/proc.h"
#include "term/raise.h"

static uint64_t id_of(struct tr_proc *p)
{
    return atomic_load_explicit(&p->id, memory_order_relaxed);
}

uint64_t tr__new_ref(struct tr_proc *p)
{
    uint64_t ref = TR__REF_W(p->slot.index, ++p->ref_count);

    /* Nothing in the mailbox, nor in the inbox so far, can hold this reference. */
    if (tr__inbox_has_new(p))
        tr__take_signals(p);
    p->mark_ref = ref;
    p->mark_at = p->last;
    return ref;
}

bool tr__monitor_ends(struct tr_tie *ends[2], uint64_t ref, uint64_t watcher, uint64_t watched)
{
    ends[0] = tr__tie_new(TR__TIE_MONITOR, ref, watched);
    ends[1] = tr__tie_new(TR__TIE_WATCHER, ref, watcher);
    if (ends[0] && ends[1])
        return true;
    tr__tie_free(ends[0]);
    tr__tie_free(ends[1]);
    return false;
}

bool tr__monitor_both(struct tr_proc *parent, struct tr_proc *child,
                      const struct tr_spawn_opts *opts, tr_ref *ref)
{
    struct tr_tie *ends[2];
    uint64_t w = tr__new_ref(parent);

    if (!tr__monitor_ends(ends, w, id_of(parent), id_of(child)))
        return false;
    ends[0]->alias = ends[1]->alias = (uint8_t)opts->monitor_alias;
    if (opts->monitor_tag.w)
        ends[1]->tag = opts->monitor_tag.w;
    ends[1]->at_spawn = true;
    tr__ties_insert(&parent->ties, ends[0]);
    tr__ties_insert(&child->ties, ends[1]);
    ref->w = w;
    return true;
}

tr_ref tr_parent_monitor(void)
{
    struct tr_proc *p = TR__SELF();
    struct tr_tie *tie = NULL;

    while ((tie = tr__ties_next(&p->ties, tie)))
        if (tie->at_spawn)
            return (tr_ref){ tie->key };
    return (tr_ref){ 0 };
}

/* Writes {Tag, Ref, process, Object, Reason} over the tie, after all of it has been read. */
static struct tr_sig *down_in_place(struct tr_tie *tie, uint64_t object, uint64_t reason,
                                    uint64_t node)
{
    uint64_t tag = tie->tag;
    uint64_t ref = tie->key;
    uint64_t name = tie->name;
    struct tr_sig *sig = &tie->sig;
    uint64_t *w = tr__sig_words(sig);

    w[0] = TR__HEADER(TR__KIND_TUPLE, 5);
    w[1] = tag;
    w[2] = ref;
    w[3] = TR_ATOM_W(process);
    w[4] = name ? tr__box_w(&w[6]) : object;
    w[5] = reason;
    if (name) {
        w[6] = TR__HEADER(TR__KIND_TUPLE, 2);
        w[7] = name;
        w[8] = node;
    }
    sig->term = tr__box_w(w);
    return sig;
}

_Static_assert(sizeof(struct tr_tie) >= TR__SIG_WORD_SIZE(9), "a 'DOWN' by name must fit a tie");

/* The same in a block of its own, with a reason that is shared. */
static struct tr_sig *down_apart(const struct tr_tie *tie, uint64_t object,
                                 struct tr_shared *reason)
{
    struct tr_arg by_name[] = { tr__arg_word(tie->name), tr__arg_word(TR_ATOM_W(nonode_nohost)) };
    struct tr_arg args[] = { tr__arg_word(tie->tag), tr__arg_word(tie->key),
                             tr__arg_atom(TR_ATOM(process)),
                             tie->name ? tr__arg_many(TR__ARG_TUPLE, by_name, 2)
                                       : tr__arg_word(object),
                             tr__arg_shared(reason) };

    return tr__sig_message(tie->peer, args, 5);
}

void tr__down_send(struct tr_tie *tie, uint64_t object, struct tr_reason reason, bool linked)
{
    uint64_t watcher = tie->peer;
    struct tr_sig *sig = reason.share ? down_apart(tie, object, reason.share) : NULL;

    if (sig)
        tr__tie_free(tie);
    else
        sig = down_in_place(tie, object, reason.share ? TR_ATOM_W(out_of_memory) : reason.word,
                            TR_ATOM_W(nonode_nohost));
    sig->kind = TR__SIG_DOWN;
    sig->to = watcher;
    if (linked)
        sig->flags = TR__SIG_LINKED;
    if (linked && reason.word != TR_ATOM_W(normal))
        tr__sig_send_exit(sig);
    else
        tr__sig_send(sig);
}

void tr__monitor_end(struct tr_proc *p, struct tr_tie *tie)
{
    if (tie->alias == TR__ALIAS_EXPLICIT) {
        tie->kind = TR__TIE_ALIAS;
        return;
    }
    tr__ties_remove(&p->ties, tie);
    tr__tie_free(tie);
}

/* The watcher's end never came through an inbox, so it may travel as a signal. */
static void become_demonitor(struct tr_tie *tie)
{
    struct tr_sig *sig = &tie->sig;
    uint64_t ref = tie->key;

    sig->kind = TR__SIG_DEMONITOR;
    sig->to = tie->peer;
    tr__sig_words(sig)[0] = ref;
    tr__sig_send(sig);
}

void tr__monitor_withdraw(struct tr_proc *p, struct tr_tie *tie)
{
    if (tie->peer == 0 || tie->peer == id_of(p))
        tr__tie_free(tie);
    else
        become_demonitor(tie);
}

void tr__monitor_answered(struct tr_sig *sig)
{
    struct tr_proc *sender = tr__self();

    if (!sender)
        return;
    struct tr_tie **at = tr__ties_at(&sender->ties, sig->to);
    struct tr_tie *tie = *at;
    if (!tie || tie->kind != TR__TIE_WATCHER || tie->alias != TR__ALIAS_REPLY)
        return;
    tr__ties_unlink(&sender->ties, at);
    tr__tie_discard(sender, tie);
    sig->flags |= TR__SIG_LAST;
}

/* The other end of a monitor has gone, since its owner thought that the alias would end it; but the
   alias had been ended before, and the monitor goes on. Without memory it says that it is over. */
static void renew(struct tr_proc *p, struct tr_tie *tie)
{
    struct tr_tie *end = tr__tie_new(TR__TIE_WATCHER, tie->key, id_of(p));
    uint64_t object = tie->peer;

    if (end) {
        end->name = tie->name;
        end->tag = tie->tag;
        end->sig.kind = TR__SIG_MONITOR;
        end->sig.to = tie->peer;
        tr__sig_send(&end->sig);
        return;
    }
    tr__ties_remove(&p->ties, tie);
    struct tr_sig *down =
        down_in_place(tie, object, TR_ATOM_W(out_of_memory), TR_ATOM_W(nonode_nohost));
    down->kind = TR__SIG_MESSAGE;
    tr__mailbox_append(p, down);
}

bool tr__alias_accepts(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_tie **at = tr__ties_at(&p->ties, sig->to);
    struct tr_tie *tie = *at;
    bool last = sig->flags & TR__SIG_LAST;

    sig->flags = sig->flags & (15u - TR__SIG_LAST);
    if (!tie || tie->alias == TR__ALIAS_NONE) {
        if (tie && last)
            renew(p, tie);
        return false;
    }
    if (tie->alias == TR__ALIAS_REPLY) {
        tr__ties_unlink(&p->ties, at);
        if (last)
            tr__tie_free(tie);
        else
            tr__monitor_withdraw(p, tie);
    }
    return true;
}

/* Whom to watch: a pid, a name, or {Name, Node}. False for anything else. */
struct target {
    uint64_t pid;    /* 0: nobody */
    uint64_t name;   /* 0: by pid */
    uint64_t node;   /* of the name */
    uint64_t reason; /* when nobody */
};

static bool find_target(tr_term to, struct target *t)
{
    tr_atom name, node;

    *t = (struct target){ .reason = TR_ATOM_W(noproc), .node = TR_ATOM_W(nonode_nohost) };
    if ((to.w & 7) == TR__TAG_PID) {
        t->pid = to.w;
        return true;
    }
    if (tr__is_atom_w(to.w)) {
        t->name = to.w;
    } else if (tr_match(to, &name, &node)) {
        t->name = name.w;
        t->node = node.w;
        if (node.w != TR_ATOM_W(nonode_nohost)) {
            t->reason = TR_ATOM_W(noconnection);
            return true;
        }
    } else {
        return false;
    }
    tr__name_lookup(t->name, &t->pid);
    return true;
}

/* The 'DOWN' for a target that nobody is. */
static void down_at_once(struct tr_tie *tie, const struct target *t)
{
    uint64_t watcher = tie->peer;
    struct tr_sig *sig = down_in_place(tie, t->pid, t->reason, t->node);

    sig->kind = TR__SIG_DOWN;
    sig->to = watcher;
    tr__sig_send(sig);
}

tr_ref tr_monitor_term(tr_term to, const struct tr_monitor_opts *opts)
{
    TR__ENTER();
    static const struct tr_monitor_opts defaults;
    struct tr_proc *p = TR__SELF();
    struct tr_tie *ends[2];
    struct target t;

    tr__spend(p, TR__COST_CALL);
    if (!opts)
        opts = &defaults;
    if (!to.w || !find_target(to, &t) || (unsigned)opts->alias > TR_ALIAS_REPLY_DEMONITOR)
        tr__raise_badarg(to.w ? to : tr_nil());
    uint64_t ref = tr__new_ref(p);
    if (!tr__monitor_ends(ends, ref, id_of(p), t.pid))
        tr__raise_oom();
    ends[0]->alias = ends[1]->alias = (uint8_t)opts->alias;
    ends[0]->name = ends[1]->name = t.name;
    if (opts->tag.w)
        ends[0]->tag = ends[1]->tag = opts->tag.w;
    tr__ties_insert(&p->ties, ends[0]);
    ends[1]->sig.kind = TR__SIG_MONITOR;
    ends[1]->sig.to = t.pid;
    if (t.pid == id_of(p))
        tr__tie_free(ends[1]);
    else if (t.pid)
        tr__sig_send(&ends[1]->sig);
    else
        down_at_once(ends[1], &t);
    return (tr_ref){ ref };
}

static uint64_t end_watched(struct tr_proc *p, uint64_t pid, uint64_t reason)
{
    struct tr_tie *ends[2];
    uint64_t ref = tr__new_ref(p);

    if (!tr__monitor_ends(ends, ref, id_of(p), pid))
        tr__raise_oom();
    struct tr_sig *sig = tr__sig_end(pid, id_of(p), reason, ends[1]);
    if (!sig) {
        tr__tie_free(ends[0]);
        tr__tie_free(ends[1]);
        tr__raise_oom();
    }
    ends[0]->ends = true;
    tr__ties_insert(&p->ties, ends[0]);
    tr__sig_send_exit(sig);
    return ref;
}

tr_ref tr_end_watched(tr_pid pid, tr_atom reason)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if (pid.w == id_of(p) || (pid.w & 7) != TR__TAG_PID) {
        tr_ref ref = tr_monitor(pid);
        tr_exit_to(pid, reason);
        return ref;
    }
    tr__spend(p, TR__COST_CALL);
    return (tr_ref){ end_watched(p, pid.w, reason.w) };
}

bool tr_demonitor(tr_ref ref)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__spend(p, TR__COST_CALL);
    /* A 'DOWN' that has arrived makes the monitor inactive. */
    tr__take_signals(p);
    struct tr_tie *tie = tr__ties_find(&p->ties, ref.w);
    if (!tie || tie->kind != TR__TIE_MONITOR)
        return false;
    if (tie->alias != TR__ALIAS_EXPLICIT) {
        tr__ties_remove(&p->ties, tie);
        tr__monitor_withdraw(p, tie);
        return true;
    }
    /* The end stays as an alias, so the request needs a block of its own. */
    struct tr_tie *request = tr__tie_new(TR__TIE_MONITOR, ref.w, tie->peer);
    if (!request)
        tr__raise_oom();
    tie->kind = TR__TIE_ALIAS;
    tr__monitor_withdraw(p, request);
    return true;
}

tr_ref tr_alias(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    /* First of all, since it may end the process. */
    tr__spend(p, TR__COST_CALL);
    uint64_t ref = tr__new_ref(p);
    struct tr_tie *tie = tr__tie_new(TR__TIE_ALIAS, ref, 0);
    if (!tie)
        tr__raise_oom();
    tie->alias = TR__ALIAS_EXPLICIT;
    tr__ties_insert(&p->ties, tie);
    return (tr_ref){ ref };
}

bool tr_unalias(tr_ref alias)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__spend(p, TR__COST_CALL);
    /* What was sent through it before is still accepted. */
    tr__take_signals(p);
    struct tr_tie *tie = tr__ties_find(&p->ties, alias.w);
    if (!tie || tie->kind == TR__TIE_WATCHER || tie->alias == TR__ALIAS_NONE)
        return false;
    if (tie->kind == TR__TIE_MONITOR) {
        tie->alias = TR__ALIAS_NONE;
        return true;
    }
    tr__ties_remove(&p->ties, tie);
    tr__tie_free(tie);
    return true;
}
