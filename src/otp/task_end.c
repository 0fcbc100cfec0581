/* SPDX-License-Identifier: MIT */
/*
 * Giving tasks up: shutdown and ignore.
 *
 * A shutdown watches the task by a monitor of its own, since that of the task may have been used up
 * by a wait that ended before. Where this one finds nobody, the first one may still know the
 * reason.
 */
#include "otp/task.h"

tr_atoms(DOWN, shutdown, kill, killed, noproc);

/* What has come from the task itself; false when nothing has. */
static bool take_result(struct tr_task task, tr_term *value)
{
    bool found = true;
    tr_term t;

    tr_receive (m) {
        tr_on (m, task.ref, &t)
            *value = tr_receive_result(&m, t);
        tr_after (m, 0)
            found = false;
    }
    return found;
}

/* The reason in the 'DOWN' of a monitor; false when none comes in time. */
static bool await_down(tr_ref ref, int64_t timeout_ms, tr_term *reason)
{
    bool found = true;
    tr_term t;

    tr_receive (m) {
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), &t)
            *reason = tr_receive_result(&m, t);
        tr_after (m, timeout_ms)
            found = false;
    }
    return found;
}

/* Waits for the end that was asked for; the reason of it. */
static tr_term end_of(struct tr_task task, int64_t timeout_ms)
{
    bool brutal = timeout_ms == TR_TASK_BRUTAL_KILL;
    tr_ref watch = tr_monitor(task.pid);
    tr_term reason, first;

    tr_unlink(task.pid);
    tr_exit_to(task.pid, brutal ? a_kill : a_shutdown);
    if (!await_down(watch, brutal ? TR_INFINITY : timeout_ms, &reason)) {
        tr_exit_to(task.pid, a_kill);
        await_down(watch, TR_INFINITY, &reason);
    }
    if (tr_match(reason, a_noproc) && await_down(task.ref, 0, &first))
        reason = first;
    tr_demonitor_flush(task.ref);
    return reason;
}

tr_err tr_task_shutdown(struct tr_task task, int64_t timeout_ms, tr_term *value)
{
    if (timeout_ms != TR_TASK_BRUTAL_KILL)
        tr__deadline_of(timeout_ms);
    if (!tr__task_is_mine(task))
        return TR_EINVAL;
    if (!task.pid.w)
        return take_result(task, value) ? TR_OK : TR_ENOTFOUND;
    tr_term reason = end_of(task, timeout_ms);
    if (take_result(task, value))
        return TR_OK;
    tr_atom told = timeout_ms == TR_TASK_BRUTAL_KILL ? a_killed : a_shutdown;
    if (tr_match(reason, told))
        return TR_ENOTFOUND;
    *value = reason;
    return TR_ECLOSED;
}

tr_err tr_task_ignore(struct tr_task task, tr_term *value)
{
    tr_term reason;

    if (!tr__task_is_mine(task))
        return TR_EINVAL;
    bool ended = await_down(task.ref, 0, &reason);
    if (!ended && task.pid.w)
        tr_unlink(task.pid);
    /* From here on neither can arrive; what has come before is taken. */
    tr_demonitor_flush(task.ref);
    if (take_result(task, value))
        return TR_OK;
    if (!ended)
        return TR_ENOTFOUND;
    *value = reason;
    return TR_ECLOSED;
}
