/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers between processes, below the level of messages.
 *
 * The request is a signal; the answer is a message {Ref, Answer}, or {Ref} from the dead, which is
 * taken out of the mailbox here and never seen by the program.
 */
#include "proc/call.h"

#include "proc/proc.h"
#include "term/raise.h"

struct request {
    struct tr_sig_call call;
    uint64_t from;
    uint64_t ref;
    uint64_t argument;
    tr_call_fn fn;
};

static struct tr_sig *answer_of(struct tr_proc *p, const struct request *r)
{
    struct tr_arg args[2] = { tr__arg_word(r->ref) };

    if (!p) {
        struct tr_arg alone = tr__arg_many(TR__ARG_TUPLE, args, 1);
        return tr__sig_message(r->from, &alone, 1);
    }
    struct tr_sig *sig = NULL;
    tr_scope
    {
        args[1] = tr__arg_term(r->fn(p, r->argument));
        sig = tr__sig_message(r->from, args, 2);
    }
    return sig;
}

static void serve(struct tr_proc *p, struct tr_sig_call *call)
{
    struct request *r = (struct request *)(void *)call;
    struct tr_sig *answer = answer_of(p, r);

    if (p)
        tr__sig_discard(p, &r->call.sig);
    else
        tr__sig_free(&r->call.sig);
    if (answer)
        tr__sig_send(answer);
}

static bool is_answer(const struct tr_sig *sig, uint64_t ref)
{
    const uint64_t *box = tr__is_kind(sig->term, TR__KIND_TUPLE) ? tr__box(sig->term) : NULL;

    return box && TR__HEADER_N(box[0]) >= 1 && box[1] == ref;
}

/* Waits for {ref, ...} and takes it out of the mailbox. */
static struct tr_sig *await(struct tr_proc *p, uint64_t ref)
{
    struct tr_sig **at = p->mark_at;

    for (;;) {
        while (*at && !is_answer(*at, ref))
            at = &(*at)->next;
        if (*at)
            return tr__mailbox_remove(p, at);
        if (tr__inbox_has_new(p)) {
            tr__take_signals(p);
            if (!(p->flags & TR__P_EXITING))
                tr__check_dying(p);
        } else {
            tr__wait(p);
        }
    }
}

bool tr__call(uint64_t pid, tr_call_fn fn, uint64_t argument, tr_term *answer)
{
    struct tr_proc *p = TR__SELF();
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);

    if (pid == self) {
        *answer = fn(p, argument);
        return true;
    }
    uint64_t ref = tr__new_ref(p);
    struct request *r = (struct request *)(void *)tr__sig_new(TR__SIG_CALL, pid, sizeof *r);
    if (!r)
        tr__raise_oom();
    r->call.serve = serve;
    r->from = self;
    r->ref = ref;
    r->argument = argument;
    r->fn = fn;
    tr__sig_send(&r->call.sig);
    struct tr_sig *sig = await(p, ref);
    const uint64_t *tuple = tr__box(sig->term);
    bool alive = TR__HEADER_N(tuple[0]) == 2;
    if (alive)
        *answer = tr_copy((tr_term){ tuple[2] });
    tr__sig_discard(p, sig);
    return alive;
}
