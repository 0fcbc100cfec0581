/* SPDX-License-Identifier: MIT */
/*
 * Catching what would end the process, without ending it.
 *
 * The receive clauses that lie between are closed, innermost first; the heap stays as it is, so the
 * reason lives as long as what the caller builds. Once the process ends, or hibernates, nothing
 * returns to where a catch was opened.
 */
#include "proc/caps.h"
#include "proc/proc.h"

#include <setjmp.h>

struct tr_catch {
    struct tr_catch *outer;
    struct tr_receive_scope *scopes; /* those that were open before */
    uint64_t reason;
    jmp_buf at;
};

void tr__catch(struct tr_proc *p, uint64_t reason)
{
    struct tr_catch *c = tr__rare_of(p)->catcher;

    if (!c)
        return;
    /* First, since the copy may raise: then it is for the outer one. */
    tr__rare(p)->catcher = c->outer;
    c->reason = tr_copy((tr_term){ reason }).w;
    tr__receive_close_until(p, c->scopes);
    tr__wait_abandoned(p);
    if (tr__is_capped(p))
        tr__caps_of(p)->looking = NULL;
    p->wake_at = TR__NEVER;
    longjmp(c->at, 1);
}

void tr__catch_forget(struct tr_proc *p)
{
    if (tr__rare_of(p)->catcher)
        tr__rare(p)->catcher = NULL;
}

/* Not inlined, as setjmp is in it. */
TR__NOINLINE static bool returns(struct tr_proc *p, struct tr_catch *c, void (*fn)(void *),
                                 void *arg)
{
    if (_setjmp(c->at) != 0) {
        tr__enter();
        return false;
    }
    tr__run_outside(fn, arg);
    p->extra->rare->catcher = c->outer;
    return true;
}

TR__OPAQUE bool tr_catch(void (*fn)(void *), void *arg, tr_term *reason)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_proc_rare *rare = tr__rare(p);
    struct tr_catch c;

    /* Not all of it: the jump buffer is large. */
    c.outer = rare->catcher;
    c.scopes = p->scopes;
    rare->catcher = &c;
    if (returns(p, &c, fn, arg))
        return false;
    *reason = (tr_term){ c.reason };
    return true;
}
