/* SPDX-License-Identifier: MIT */
/*
 * The end of a server, and the reports that servers make.
 *
 * A stop that is asked for runs terminate at once. A failure in a callback ends the process where
 * it stands; then terminate runs among the deferred functions of the process, before those that
 * were registered by init.
 */
#include "otp/report.h"
#include "otp/server.h"

#include <stdlib.h>

tr_atoms(normal, shutdown, initial_call, init);

_Noreturn void tr__server_stop(struct tr_server *s, tr_term reason)
{
    s->ended = true;
    if (s->callbacks->terminate)
        s->callbacks->terminate(s->state, reason);
    tr_exit(reason);
}

tr_term tr__server_state(const struct tr_server *s)
{
    if (s->callbacks->get_state)
        return s->callbacks->get_state(s->state);
    return tr_binary(s->state, s->callbacks->state_size);
}

static void report_failure(const struct tr_server *s, tr_term reason)
{
    struct tr_report r = { .size = 0 };

    tr__report_text(&r, "=ERROR REPORT====\n");
    tr__report_line(&r, "** Generic server terminating", tr__server_name());
    if (s->message.w)
        tr__report_line(&r, "** Last message in was", s->message);
    tr__report_line(&r, "** When server state was", tr__server_state(s));
    tr__report_line(&r, "** Reason for termination was", reason);
    tr__report_deliver(&r);
}

void tr__server_unhandled(const struct tr_server *s, tr_term message)
{
    struct tr_report r = { .size = 0 };

    tr__report_text(&r, "=WARNING REPORT====\n");
    tr__report_line(&r, "** Undefined handle_info in", tr_build(tr_intern(s->callbacks->name)));
    tr__report_line(&r, "** Unhandled message", message);
    tr__report_deliver(&r);
}

void tr__server_ended(void *server)
{
    struct tr_server *s = server;
    tr_term reason = tr_exit_reason();

    if (tr_exit_signalled())
        return;
    if (tr__report_is_fault(reason)) {
        /* What proc_lib notes at the start of each process is needed here only. */
        tr_set_initial_call(tr_build(tr_intern(s->callbacks->name), a_init, 1));
        report_failure(s, reason);
    }
    if (s->ended)
        return;
    s->ended = true;
    if (s->callbacks->terminate)
        s->callbacks->terminate(s->state, reason);
}
