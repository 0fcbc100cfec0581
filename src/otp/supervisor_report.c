/* SPDX-License-Identifier: MIT */
/* What supervisors report, in the words of OTP's supervisor reports. */
#include "otp/report.h"
#include "otp/supervisor.h"

tr_atoms(pid, id, mfargs, restart_type, significant, shutdown, child_type, undefined, restarting);

/* The child's own part of a report. */
static tr_term offender(const struct tr_child *c)
{
    tr_term pid = c->pid.w ? tr_build(c->pid) : tr_build(a_undefined);

    if (c->state == TR__CHILD_RESTARTING)
        pid = tr_build(a_restarting, pid);
    return tr_build(tr_list(
        tr_tuple(a_pid, pid), tr_tuple(a_id, c->id.w ? c->id : tr_build(a_undefined)),
        tr_tuple(a_mfargs, tr__child_start_of(c)), tr_tuple(a_restart_type, tr__child_restart(c)),
        tr_tuple(a_significant, (bool)c->significant), tr_tuple(a_shutdown, tr__child_shutdown(c)),
        tr_tuple(a_child_type, tr__child_type(c))));
}

/* A heading, and lines that begin with who the supervisor is. */
static void begin(struct tr_report *r, const char *heading, const struct tr_sup *s)
{
    r->size = 0;
    tr__report_text(r, heading);
    tr__report_line(r, "    Supervisor", s->name);
}

void tr__supervisor_report(const struct tr_sup *s, tr_atom context, tr_term reason,
                           const struct tr_child *c)
{
    struct tr_report r;

    if (!tr_log_allows(TR_LOG_ERROR))
        return;
    tr_scope
    {
        begin(&r, "=SUPERVISOR REPORT====\n", s);
        tr__report_line(&r, "    Context", tr_build(context));
        tr__report_line(&r, "    Reason", reason);
        tr__report_line(&r, "    Offender", offender(c));
        tr__report_deliver(&r, TR_LOG_ERROR);
    }
}

void tr__supervisor_progress(const struct tr_sup *s, const struct tr_child *c)
{
    enum tr_log_level level = tr_log_progress_level();
    struct tr_report r;

    if (!tr_log_allows(level))
        return;
    tr_scope
    {
        begin(&r, "=PROGRESS REPORT====\n", s);
        tr__report_line(&r, "    Started", offender(c));
        tr__report_deliver(&r, level);
    }
}

void tr__supervisor_unexpected(const struct tr_sup *s, tr_term message)
{
    struct tr_report r;

    if (!tr_log_allows(TR_LOG_ERROR))
        return;
    begin(&r, "=ERROR REPORT====\n", s);
    tr__report_line(&r, "** Supervisor received unexpected message", message);
    tr__report_deliver(&r, TR_LOG_ERROR);
}
