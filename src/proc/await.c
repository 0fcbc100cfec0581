/* SPDX-License-Identifier: MIT */
/*
 * Waiting for one known message: the answer to a call, the acknowledgement of a start, the 'DOWN'
 * of a process that was told to end. It is most often the only message that comes, so it is found
 * here, without all that a receive provides for. A mailbox with a cap may lose messages whenever
 * signals are taken, and what stands before the one that is waited for is then looked at again.
 */
#include "base/clock.h"
#include "os/context.h"
#include "proc/caps.h"
#include "proc/proc.h"

struct await {
    struct tr_proc *p;
    uint64_t since;
    struct tr_sig **at; /* what stands before is not wanted */
    tr__wanted *wanted;
    void *what;
};

static inline struct tr_sig **first(struct tr_proc *p, uint64_t since)
{
    return p->mark_ref == since ? p->mark_at : &p->first;
}

/* Signals have been taken. */
static inline void find_place(struct await *a)
{
    if (tr__unlikely(tr__is_capped(a->p)))
        a->at = first(a->p, a->since);
}

/* False when what is wanted has not come. */
static inline bool look(struct await *a)
{
    struct tr_proc *p = a->p;

    while (*a->at || tr__inbox_has_new(p)) {
        if (!*a->at) {
            tr__resumed(p);
            find_place(a);
        } else if (a->wanted((*a->at)->term, a->what)) {
            return true;
        } else {
            a->at = &(*a->at)->next;
        }
    }
    return false;
}

/* Apart, so that one function is open across the switch. */
static TR__OPAQUE bool wait_and_look(void *await, uint64_t deadline)
{
    struct await *a = await;
    struct tr_proc *p = a->p;

    /* It was set just now, and cannot be over the first time. */
    do {
        p->wake_at = (int64_t)deadline;
        tr__wait(p);
        p->wake_at = TR__NEVER;
        find_place(a);
        if (look(a))
            return true;
    } while ((int64_t)deadline == TR__NEVER || tr__clock_ns() < (int64_t)deadline);
    return false;
}

/* Inline in what is called most: each function that is open across the switch returns to where the
   processor does not expect it. */
TR__INLINED struct tr_sig **await_message(struct tr_proc *p, uint64_t since, int64_t deadline,
                                          tr__wanted *wanted, void *what)
{
    struct await a = { p, since, first(p, since), wanted, what };

    p->worker->receives++;
    if (look(&a) || (deadline != 0 && tr__context_call(&a, (uint64_t)deadline, wait_and_look)))
        return a.at;
    return NULL;
}

struct tr_sig **tr__await_message(struct tr_proc *p, uint64_t since, int64_t deadline,
                                  tr__wanted *wanted, void *what)
{
    return await_message(p, since, deadline, wanted, what);
}

/* --- a tuple of words that need no copy --- */

struct expected {
    uint64_t first, second;
    size_t n;
    bool found; /* and not another one with the same second element */
};

static bool is_expected(uint64_t message, void *expected)
{
    struct expected *e = expected;
    const uint64_t *w = tr__is_kind(message, TR__KIND_TUPLE) ? tr__box(message) : NULL;
    size_t n = w ? TR__HEADER_N(w[0]) : 0;

    if (n < 2 || w[2] != e->second)
        return false;
    e->found = n == e->n && w[1] == e->first && tr__is_immediate(w[n]);
    return true;
}

enum tr__awaited tr__await(tr_atom first, uint64_t second, size_t n, tr_ref since, int64_t ms,
                           tr_term *last)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct expected e = { first.w, second, n, false };

    if (tr__is_capped(p))
        return TR__AWAITED_ANOTHER;
    tr__spend(p, TR__COST_RECEIVE);
    int64_t deadline = ms == 0 ? 0 : tr__deadline(ms);
    struct tr_sig **at = await_message(p, since.w, deadline, is_expected, &e);
    if (!at)
        return TR__AWAITED_NOTHING;
    if (!e.found)
        return TR__AWAITED_ANOTHER;
    *last = (tr_term){ tr__box((*at)->term)[n] };
    tr__sig_discard(p, tr__mailbox_remove(p, at));
    return TR__AWAITED;
}
