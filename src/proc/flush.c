/* SPDX-License-Identifier: MIT */
/*
 * Taking the last message of a monitor or a link out of the mailbox.
 *
 * Once the tie has ended no further one comes, so a look at what is there is enough, and a receive
 * with all it provides for is not needed; but for a mailbox with a cap, which counts its messages.
 */
#include "proc/caps.h"
#include "proc/proc.h"

/* The words of a tuple of that size; NULL for any other message. */
static const uint64_t *tuple(const struct tr_sig *sig, size_t n)
{
    const uint64_t *w = tr__is_kind(sig->term, TR__KIND_TUPLE) ? tr__box(sig->term) : NULL;

    return w && TR__HEADER_N(w[0]) == n ? w : NULL;
}

/* {_, Ref, process, _, _} */
static bool is_down(const struct tr_sig *sig, uint64_t ref)
{
    const uint64_t *w = tuple(sig, 5);

    return w && w[2] == ref && w[3] == TR_ATOM_W(process);
}

/* {'EXIT', Pid, _} */
static bool is_exit(const struct tr_sig *sig, uint64_t pid)
{
    const uint64_t *w = tuple(sig, 3);

    return w && w[1] == TR_ATOM_W(EXIT) && w[2] == pid;
}

/* Where the first such message is of those that may hold the reference `since` (0: of all); points
   to NULL when there is none. */
static struct tr_sig **find(struct tr_proc *p, bool (*is)(const struct tr_sig *, uint64_t),
                            uint64_t word, uint64_t since)
{
    struct tr_sig **at = since && p->mark_ref == since ? p->mark_at : &p->first;

    while (*at && !is(*at, word))
        at = &(*at)->next;
    return at;
}

static void flush_counted(tr_ref ref)
{
    tr_receive_ref(m, ref)
    {
        tr_on (m, tr_any(), ref, TR_ATOM(process), tr_any(), tr_any()) {
        }
        tr_after (m, 0) {
        }
    }
}

bool tr_demonitor_flush(tr_ref ref)
{
    TR__ENTER();
    bool active = tr_demonitor(ref);
    struct tr_proc *p = tr__self();

    if (active)
        return true;
    if (tr__unlikely(tr__is_capped(p))) {
        flush_counted(ref);
        return false;
    }
    struct tr_sig **at = find(p, is_down, ref.w, ref.w);
    if (*at)
        tr__sig_discard(p, tr__mailbox_remove(p, at));
    return false;
}

static bool exit_counted(tr_pid pid, tr_ref since, tr_term *reason)
{
    bool found = true;
    tr_term t;

    tr_receive_ref(m, since)
    {
        tr_on (m, TR_ATOM(EXIT), pid, &t)
            *reason = tr_receive_result(&m, t);
        tr_after (m, 0)
            found = false;
    }
    return found;
}

bool tr_unlink_flush(tr_pid pid, tr_ref since, tr_term *reason)
{
    TR__ENTER();
    tr_term ignored;

    tr_unlink(pid);
    struct tr_proc *p = tr__self();
    if (!reason)
        reason = &ignored;
    if (tr__unlikely(tr__is_capped(p)))
        return exit_counted(pid, since, reason);
    struct tr_sig **at = find(p, is_exit, pid.w, since.w);
    if (!*at)
        return false;
    if (reason != &ignored)
        *reason = tr_copy((tr_term){ tr__box((*at)->term)[3] });
    tr__sig_discard(p, tr__mailbox_remove(p, at));
    return true;
}
