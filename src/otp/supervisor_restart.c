/* SPDX-License-Identifier: MIT */
/*
 * What happens when a child ends: strategies, and trying again.
 *
 * A restart that fails leaves its child RESTARTING, and the supervisor returns to its mailbox
 * before the next try, so that it can be asked, or told to stop, in between. The same holds while a
 * restart waits for its back-off.
 */
#include "otp/supervisor.h"

tr_atoms(shutdown, error, ignore, try_again_restart, start_error, reached_max_restart_intensity);

/* --- several children --- */

void tr__supervisor_end_children(struct tr_sup *s, struct tr_child *first)
{
    struct tr_child *stop = first ? first->older : NULL;

    for (struct tr_child *older, *c = s->children.newest; c != stop; c = older) {
        older = c->older;
        tr_scope
        {
            tr__child_end(s, c);
        }
        tr__child_gone(s, c);
    }
}

/* Starts one of many; w is 0, or the reason, which is reported. */
static tr_term start_one(struct tr_sup *s, struct tr_child *c)
{
    tr_term result = tr__child_start(s, c);
    tr_term reason = { 0 };

    if (tr_match(result, a_error, &reason))
        tr__supervisor_report(s, a_start_error, reason, c);
    else if (tr_match(result, a_ignore) && c->restart == TR_TEMPORARY)
        tr__children_remove(s, c);
    return reason;
}

tr_term tr__supervisor_start_children(struct tr_sup *s, struct tr_child *first,
                                      struct tr_child **failed)
{
    for (struct tr_child *newer, *c = first; c; c = newer) {
        tr_term kept = { 0 };
        newer = c->newer;
        tr_scope
        {
            tr_term reason = start_one(s, c);
            if (reason.w)
                kept = tr_keep(reason);
        }
        if (kept.w) {
            tr_term reason = tr_copy(kept);
            tr_release(kept);
            *failed = c;
            return reason;
        }
    }
    return (tr_term){ 0 };
}

/* --- one restart --- */

/* Nothing left to do, or another try later. */
static void restart_one(struct tr_sup *s, struct tr_child *c)
{
    tr_pid last = c->pid;
    tr_term result = tr__child_start(s, c);
    tr_term reason;

    if (!tr_match(result, a_error, &reason))
        return;
    tr__supervisor_report(s, a_start_error, reason, c);
    tr__child_becomes(s, c, TR__CHILD_RESTARTING, last);
    tr__supervisor_try_later(s, c);
}

/* The child itself has ended, and is not temporary; the others that are concerned are ended. */
static void end_group(struct tr_sup *s, struct tr_child *c)
{
    tr__child_becomes(s, c, TR__CHILD_STOPPED, (tr_pid){ 0 });
    tr__supervisor_end_children(s, s->strategy == TR_ONE_FOR_ALL ? NULL : c);
}

static void restart_group(struct tr_sup *s, struct tr_child *c)
{
    struct tr_child *failed = NULL;
    tr_pid last = c->pid;

    end_group(s, c);
    tr_term reason = tr__supervisor_start_children(
        s, s->strategy == TR_ONE_FOR_ALL ? s->children.oldest : c, &failed);
    if (!reason.w)
        return;
    tr__child_becomes(s, failed, TR__CHILD_RESTARTING, failed == c ? last : (tr_pid){ 0 });
    tr__supervisor_try_later(s, failed);
}

static void restart_now(struct tr_sup *s, struct tr_child *c)
{
    c->counted = false;
    if (s->strategy == TR_ONE_FOR_ONE)
        restart_one(s, c);
    else
        restart_group(s, c);
}

void tr__supervisor_try_later(struct tr_sup *s, struct tr_child *c)
{
    int64_t delay = tr__restart_delay(s, c);
    tr_term key = c->id.w ? c->id : tr_build(c->pid);

    if (delay)
        c->timer = tr_start_timer(delay, tr_self(), a_try_again_restart, key);
    else
        tr_cast(tr_self(), a_try_again_restart, key);
}

/* The child's end counts now; its next process waits. */
static void restart_later(struct tr_sup *s, struct tr_child *c)
{
    tr_pid last = c->pid;

    if (s->strategy == TR_ONE_FOR_ALL || s->strategy == TR_REST_FOR_ONE)
        end_group(s, c);
    tr__child_becomes(s, c, TR__CHILD_RESTARTING, last);
    tr__supervisor_try_later(s, c);
    c->counted = true;
}

/* False when there were too many. */
static bool count(struct tr_sup *s, struct tr_child *c)
{
    if (c->counted || tr__restart_allowed(&s->limit))
        return true;
    tr__supervisor_report(s, a_shutdown, tr_build(a_reached_max_restart_intensity), c);
    tr__child_gone(s, c);
    return false;
}

bool tr__supervisor_try_again(struct tr_sup *s, struct tr_child *c)
{
    if (!count(s, c))
        return false;
    restart_now(s, c);
    return true;
}

/* --- the end of a child --- */

/* True when the supervisor is to end since this significant child has. */
static bool ends_all(struct tr_sup *s, bool significant)
{
    if (!significant || s->auto_shutdown == TR_NEVER)
        return false;
    if (s->auto_shutdown == TR_ANY_SIGNIFICANT)
        return true;
    for (const struct tr_child *c = s->children.oldest; c; c = c->newer)
        if (c->significant && c->state != TR__CHILD_STOPPED)
            return false;
    return true;
}

bool tr__supervisor_child_ended(struct tr_sup *s, tr_pid pid, tr_term reason)
{
    struct tr_child *c = tr__children_by_pid(s, pid);

    if (!c || c->state != TR__CHILD_RUNNING)
        return true;
    if (s->dynamic)
        return tr__dynamic_child_ended(s, c, reason);
    if (!tr__child_wants_restart(s, c, reason)) {
        bool significant = c->significant;
        tr__child_gone(s, c);
        return !ends_all(s, significant);
    }
    if (!count(s, c))
        return false;
    if (s->backoff.first_ms)
        restart_later(s, c);
    else
        restart_now(s, c);
    return true;
}
