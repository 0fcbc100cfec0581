/* SPDX-License-Identifier: MIT */
/* The end of a machine, and the report of a failure; see gen_server_end.c for when what runs. */
#include "otp/debug.h"
#include "otp/report.h"
#include "otp/statem.h"

tr_atoms(reason, queue, postponed, timeouts, log, state, data, out_of_memory, terminate,
         state_functions, handle_event_function, state_enter);

/* --- terminate --- */

static void terminate(struct tr_machine *m, tr_term reason)
{
    if (m->ended)
        return;
    m->ended = true;
    if (m->callbacks->terminate)
        m->callbacks->terminate(m->data, m->state, reason);
    if (!tr__report_is_fault(reason))
        tr_sys_event(&m->sys, a_terminate, reason, m->state);
}

_Noreturn void tr__statem_stop(struct tr_machine *m, tr_term reason)
{
    terminate(m, reason);
    tr_exit(reason);
}

/* --- the report --- */

static tr_term mode(const struct tr_gen_statem *callbacks)
{
    tr_atom mode = callbacks->states ? a_state_functions : a_handle_event_function;

    return callbacks->state_enter ? tr_build(tr_list(mode, a_state_enter)) : tr_build(mode);
}

/* A list that holds something. */
static void add_list(struct tr_report *r, const char *name, tr_term list)
{
    if (tr_is_list(list) && !tr_is_nil(list))
        tr__report_line(r, name, list);
}

static tr_term part(tr_term status, tr_atom key)
{
    tr_term value = tr_nil();

    tr_map_get(status, tr_build(key), &value);
    return value;
}

/* The present event is the first in the queue. */
static void add_queue(struct tr_report *r, tr_term queue)
{
    tr_term event;

    if (tr_list_next(&queue, &event))
        tr__report_line(r, "** Last event", event);
    add_list(r, "** Queued", queue);
}

static void report_failure(const struct tr_machine *m, tr_term reason)
{
    struct tr_report r = { .size = 0 };
    tr_term status = tr__statem_status(m, tr_build(tr_map(a_reason, reason)));

    tr__report_text(&r, "=ERROR REPORT====\n");
    tr__report_line(&r, "** State machine terminating", tr__own_name());
    add_queue(&r, part(status, a_queue));
    tr__report_line(&r, "** When server state was",
                    tr_build(part(status, a_state), part(status, a_data)));
    tr__report_part(&r, "** Reason for termination was", status, a_reason);
    tr__report_line(&r, "** Callback modules", tr__statem_modules(m));
    tr__report_line(&r, "** Callback mode", mode(m->callbacks));
    add_list(&r, "** Postponed", part(status, a_postponed));
    if (m->timeouts)
        tr__report_part(&r, "** Time-outs", status, a_timeouts);
    add_list(&r, "** Log", part(status, a_log));
    tr__report_deliver(&r, TR_LOG_ERROR);
}

void tr__statem_ended(void *machine)
{
    struct tr_machine *m = machine;
    tr_term reason = tr_exit_reason();

    if (tr_exit_signalled())
        return;
    /* The reports first: a terminate that fails ends this function. */
    if (tr__report_is_fault(reason) && !tr_match(reason, a_out_of_memory))
        report_failure(m, reason);
    terminate(m, reason);
}
