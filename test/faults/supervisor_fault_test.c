/* SPDX-License-Identifier: MIT */
/* Supervisors, with each allocation in them failing in turn. */
#include "faults.h"

tr_atoms(ok, child, start_child, terminate_child);

static tr_gen_result init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static const struct tr_gen_server server = { .name = "server", .init = init };
static const struct tr_supervisor two = { .max_restarts = 10,
                                          .children =
                                              TR_CHILDREN({ .server = &server, .id = "a" },
                                                          { .server = &server, .name = "child" }) };

/* Kills the named child, and waits until another one has its name; false when there will be none,
   since the supervisor has ended. */
static bool restarts(tr_pid sup)
{
    tr_pid before, after;

    if (!tr_whereis(a_child, &before))
        return false;
    tr_exit_to(before, a_kill);
    while (tr_is_alive(sup)) {
        if (tr_whereis(a_child, &after) && after.w != before.w)
            return true;
        tr_sleep(1);
    }
    return false;
}

/* Whatever fails, its caller gets a result, or the supervisor and all its children end. */
FAULT_TEST(a_supervisor_starts_restarts_and_stops)
{
    tr_pid sup;

    tr_trap_exit(true);
    tr_log_set_level(TR_LOG_EMERGENCY);
    arm();
    if (!tr_match(tr_supervisor_start_link(&two, NULL), a_ok, &sup))
        return false;
    bool restarted = restarts(sup);
    return tr_try_stop(sup, NULL, a_normal, PATIENCE_MS) == TR_OK && restarted;
}

FAULT_TEST(a_dynamic_supervisor_starts_and_ends_a_child)
{
    tr_term result;
    tr_pid sup, child;

    tr_trap_exit(true);
    tr_log_set_level(TR_LOG_EMERGENCY);
    if (!tr_match(tr_dynamic_supervisor_start_link(NULL, NULL), a_ok, &sup))
        return false;
    arm();
    /* By requests of its own: the functions of the header end the caller if the supervisor ends. */
    bool started = tr_try_call(sup, &result, a_start_child,
                               tr_child_to_term(TR_CHILD(.server = &server))) == TR_OK &&
                   tr_match(result, a_ok, &child);
    bool ended = started && tr_try_call(sup, &result, a_terminate_child, child) == TR_OK &&
                 tr_match(result, a_ok);
    return tr_try_stop(sup, NULL, a_normal, PATIENCE_MS) == TR_OK && ended;
}
