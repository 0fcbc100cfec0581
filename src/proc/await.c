/* SPDX-License-Identifier: MIT */
/*
 * Waiting for one known message: the acknowledgement of a start, the 'DOWN' of a process that was
 * told to end. They are tuples of words that need no copy, most often the only message that comes;
 * so they are found and taken here, without all that a receive provides for. Whatever is not as
 * expected is left to a receive.
 */
#include "base/clock.h"
#include "proc/caps.h"
#include "proc/proc.h"

struct expected {
    uint64_t first, second;
    size_t n;
};

enum finding { NOTHING, THE_ONE, ANOTHER };

/* What a message is: the expected one, another one with the same second element, or neither. */
static enum finding look(const struct tr_sig *sig, const struct expected *e)
{
    const uint64_t *w = tr__is_kind(sig->term, TR__KIND_TUPLE) ? tr__box(sig->term) : NULL;
    size_t n = w ? TR__HEADER_N(w[0]) : 0;

    if (n < 2 || w[2] != e->second)
        return NOTHING;
    return n == e->n && w[1] == e->first && tr__is_immediate(w[n]) ? THE_ONE : ANOTHER;
}

/* Where the first of those two is; points to NULL when the time is over. `waits`: it has just been
   set, and need not be compared with the clock at first. */
static TR__OPAQUE struct tr_sig **await(struct tr_proc *p, struct tr_sig **at,
                                        const struct expected *e, int64_t deadline, bool waits)
{
    for (;;) {
        while (*at && !look(*at, e))
            at = &(*at)->next;
        if (*at)
            return at;
        if (tr__inbox_has_new(p)) {
            tr__take_signals(p);
            tr__check_dying(p);
        } else if (!waits && deadline != TR__NEVER && tr__clock_ns() >= deadline) {
            return at;
        } else {
            p->wake_at = deadline;
            tr__wait(p);
            p->wake_at = TR__NEVER;
            waits = false;
        }
    }
}

enum tr__awaited tr__await(tr_atom first, uint64_t second, size_t n, tr_ref since, int64_t ms,
                           tr_term *last)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    const struct expected e = { first.w, second, n };

    if (tr__is_capped(p))
        return TR__AWAITED_ANOTHER;
    tr__spend(p, TR__COST_RECEIVE);
    int64_t deadline = tr__deadline(ms);
    struct tr_sig **at =
        await(p, p->mark_ref == since.w ? p->mark_at : &p->first, &e, deadline, ms != 0);
    if (!*at)
        return TR__AWAITED_NOTHING;
    if (look(*at, &e) == ANOTHER)
        return TR__AWAITED_ANOTHER;
    const uint64_t *w = tr__box((*at)->term);
    *last = (tr_term){ w[n] };
    tr__sig_discard(p, tr__mailbox_remove(p, at));
    return TR__AWAITED;
}
