/* SPDX-License-Identifier: MIT */
/*
 * The end of a server, and the reports that servers make.
 *
 * A stop that is asked for runs terminate at once. A failure in a callback ends the process where
 * it stands; then the reports are written, and terminate runs, among the deferred functions of the
 * process, before those that were registered by init. One function does all that, since a million
 * servers may be idle.
 */
#include "otp/debug.h"
#include "otp/report.h"
#include "otp/server.h"

tr_atoms(message, state, reason, out_of_memory);

void tr__server_terminate(struct tr_server *s, tr_term reason)
{
    if (s->ended)
        return;
    s->ended = true;
    if (s->callbacks->terminate)
        s->callbacks->terminate(s->state, reason);
}

_Noreturn void tr__server_stop(struct tr_server *s, tr_term reason)
{
    tr__server_terminate(s, reason);
    tr_exit(reason);
}

static void report_failure(const struct tr_server *s, tr_term reason)
{
    struct tr_report r;
    tr_term status;

    if (!tr_log_allows(TR_LOG_ERROR))
        return;
    r.size = 0;
    status = tr_build(tr_map(a_reason, reason));
    if (s->message.w)
        status = tr_map_put(status, tr_build(a_message), s->message);
    status = tr__server_status(s, status);
    tr__report_text(&r, "=ERROR REPORT====\n");
    tr__report_line(&r, "** Generic server terminating", tr__own_name());
    tr__report_part(&r, "** Last message in was", status, a_message);
    tr__report_part(&r, "** When server state was", status, a_state);
    tr__report_part(&r, "** Reason for termination was", status, a_reason);
    tr__report_deliver(&r, TR_LOG_ERROR);
}

void tr__server_unhandled(const struct tr_server *s, tr_term message)
{
    struct tr_report r;

    if (!tr_log_allows(TR_LOG_WARNING))
        return;
    r.size = 0;
    tr__report_text(&r, "=WARNING REPORT====\n");
    tr__report_line(&r, "** Undefined handle_info in", tr_build(tr_intern(s->callbacks->name)));
    tr__report_line(&r, "** Unhandled message", message);
    tr__report_deliver(&r, TR_LOG_WARNING);
}

void tr__server_ended(void *server)
{
    struct tr_server *s = server;
    tr_term reason = tr_exit_reason();

    if (tr_exit_signalled())
        return;
    /* The reports first: a terminate that fails ends this function. */
    if (tr__report_is_fault(reason) && !tr_match(reason, a_out_of_memory))
        report_failure(s, reason);
    tr__server_terminate(s, reason);
}
