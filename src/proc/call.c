/* SPDX-License-Identifier: MIT */
/*
 * Requests and answers between processes, below the level of messages.
 *
 * The request is a signal; the answer is a message that is taken out of the mailbox here and never
 * seen by the program: {Ref, Answer}, {Ref} from the dead, {Ref, _, _} when the other side had no
 * memory. The last two travel in a block that the request brings along, so there is always an
 * answer.
 */
#include "proc/call.h"

#include "proc/proc.h"
#include "term/raise.h"

#include <setjmp.h>

enum { DEAD = 1, ANSWERED = 2, NO_MEMORY = 3 };

struct request {
    struct tr_sig_call call;
    uint64_t from;
    uint64_t ref;
    uint64_t argument;
    tr_call_fn fn;
    struct tr_sig *spare; /* for an answer without a value */
};

/* Fills the spare block; the size of the tuple says what it means. */
static struct tr_sig *without_value(struct request *r, unsigned meaning)
{
    struct tr_sig *sig = r->spare;
    uint64_t *w = tr__sig_words(sig);

    w[0] = TR__HEADER(TR__KIND_TUPLE, meaning);
    w[1] = r->ref;
    w[2] = w[3] = TR__NIL;
    sig->term = tr__box_w(w);
    return sig;
}

static TR__NOINLINE struct tr_sig *with_value(struct tr_proc *p, struct request *r)
{
    struct tr_arg args[] = { tr__arg_word(r->ref), tr__arg_term(r->fn(p, r->argument)) };

    return tr__sig_message(r->from, args, 2);
}

/* The same, and NULL where it raises: that must not end a process which only answers, and which may
   be hibernated, on the stack of its thread. */
static struct tr_sig *try_with_value(struct tr_proc *p, struct request *r)
{
    struct tr_scope_mark mark = tr_scope_begin();
    struct tr_sig *volatile sig = NULL;
    jmp_buf catcher;

    p->worker->catcher = &catcher;
    if (_setjmp(catcher) == 0)
        sig = with_value(p, r);
    p->worker->catcher = NULL;
    tr_scope_end(&mark);
    return sig;
}

static void serve(struct tr_proc *p, struct tr_sig_call *call)
{
    struct request *r = (struct request *)(void *)call;
    struct tr_sig *answer = p ? try_with_value(p, r) : NULL;

    if (answer)
        tr__sig_free(r->spare);
    else
        answer = without_value(r, p ? NO_MEMORY : DEAD);
    if (p)
        tr__sig_discard(p, &r->call.sig);
    else
        tr__sig_free(&r->call.sig);
    tr__sig_send(answer);
}

/* {ref, ...} */
static bool is_answer(uint64_t message, void *ref)
{
    const uint64_t *box = tr__is_kind(message, TR__KIND_TUPLE) ? tr__box(message) : NULL;

    return box && TR__HEADER_N(box[0]) >= 1 && box[1] == *(uint64_t *)ref;
}

/* Copies the value into the heap of `p`; false without memory, so that the caller can clean up. */
static bool take_value(struct tr_proc *p, tr_term value, tr_term *copy)
{
    size_t words = tr__term_size(value);

    *copy = value;
    if (words == 0)
        return true;
    uint64_t *out = words == SIZE_MAX ? NULL : tr__heap_reserve(&p->heap, words);

    if (!out)
        return false;
    *copy = tr__term_copy(&out, &p->heap.counted, value);
    p->heap.top = out;
    return true;
}

static struct request *request(uint64_t to, uint64_t from, uint64_t ref)
{
    struct request *r = (struct request *)(void *)tr__sig_new(TR__SIG_CALL, to, sizeof *r);
    struct tr_sig *spare = tr__sig_new(TR__SIG_MESSAGE, from, TR__SIG_WORD_SIZE(4));

    if (!r || !spare) {
        if (r)
            tr__sig_free(&r->call.sig);
        if (spare)
            tr__sig_free(spare);
        tr__raise_oom();
    }
    r->call.serve = serve;
    r->from = from;
    r->ref = ref;
    r->spare = spare;
    return r;
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
    struct request *r = request(pid, self, ref);
    r->argument = argument;
    r->fn = fn;
    tr__sig_send(&r->call.sig);
    struct tr_sig *sig =
        tr__mailbox_remove(p, tr__await_message(p, ref, TR__NEVER, is_answer, &ref));
    const uint64_t *tuple = tr__box(sig->term);
    size_t meaning = TR__HEADER_N(tuple[0]);
    bool ok = meaning != ANSWERED || take_value(p, (tr_term){ tuple[2] }, answer);
    tr__sig_discard(p, sig);
    if (meaning == NO_MEMORY || !ok)
        tr__raise_oom();
    return meaning == ANSWERED;
}
