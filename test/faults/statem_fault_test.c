/* SPDX-License-Identifier: MIT */
/* State machines, with each allocation in them failing in turn. */
#include "faults.h"

tr_atoms(ok, first, second, wait, again);

static const struct tr_gen_statem second;

/* Uses all that a machine keeps: states and contents that are no immediates, postponed and inserted
   events, timeouts of each kind. */
static tr_statem_result handle_event(void *data, tr_term state, const struct tr_event *event)
{
    (void)data;
    if (tr_got_call(event, a_wait))
        return tr_match(state, a_second, tr_any())
                   ? tr_keep_state(tr_reply_to(event->from, "an answer", 1))
                   : tr_keep_state(tr_postpone(), tr_internal("a list", tr_list(1, 2)));
    if (tr_got_internal(event, tr_any(), tr_any()))
        return tr_keep_state(tr_state_timeout(60000, "content"),
                             tr_named_timeout(tr_tuple("a", "name"), 1, "content"),
                             tr_event_timeout(0, "zero"));
    if (tr_got_named_timeout(event, tr_tuple("a", "name"), tr_any()))
        return tr_next_state(tr_tuple(a_second, "state"), tr_push_callbacks(&second),
                             tr_named_timeout_update(a_again, "x"));
    return tr_keep_state();
}

static tr_statem_result init(void *data, tr_term arg)
{
    (void)data;
    (void)arg;
    return tr_statem_ok(tr_tuple(a_first, "state"));
}

static const struct tr_gen_statem machine = {
    .name = "machine", .init = init, .handle_event = handle_event, .state_enter = true
};

static const struct tr_gen_statem second = { .name = "second", .handle_event = handle_event };

static bool done(tr_pid pid, bool ok)
{
    tr_exit_to(pid, a_kill);
    return ok;
}

FAULT_TEST(start_of_a_machine)
{
    tr_pid pid;

    arm();
    tr_term started = tr_gen_statem_start(&machine, NULL, "an argument", 1);
    return tr_match(started, a_ok, &pid) && done(pid, true);
}

FAULT_TEST(events_of_a_machine)
{
    tr_pid pid;
    tr_term result;

    CHECK(tr_match(tr_gen_statem_start(&machine, NULL), a_ok, &pid));
    arm();
    return done(pid, tr_try_call(pid, &result, a_wait) == TR_OK);
}
