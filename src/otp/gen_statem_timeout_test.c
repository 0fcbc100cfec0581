/* SPDX-License-Identifier: MIT */
/* State machines: timeouts. */
#include "machine.h"

tr_atom_as(a_abs, "abs");

/* The machine has nothing more to tell, now and for some time. */
static void check_silence(void)
{
    tr_term message;

    tr_receive (m) {
        tr_on (m, &message)
            check_fail(__FILE__, __LINE__, "%s came", tr_inspect(message));
        tr_after (m, 50) {
        }
    }
}

/* --- event timeouts --- */

TEST_PROC(event_timeout_comes_when_nothing_else_does)
{
    FACT("STATEM-018", "an event timeout comes if no other event does within its time; any event, "
                       "of any kind, cancels it");
    tr_pid pid = START(&machine);

    int64_t before = tr_monotonic_ms();
    MAKE(pid, a_a, a_keep, A(tr_event_timeout(20, a_x, 1)));
    NEXT(a_a, a_timeout, tr_tuple(a_x, 1));
    CHECK(tr_monotonic_ms() - before >= 20);
    MAKE(pid, a_a, a_keep, A(tr_event_timeout(20, a_x)));
    tr_send(pid, 1);
    NEXT(a_a, a_info, 1);
    MAKE(pid, a_a, a_keep, tr_list(A(tr_event_timeout(20, a_x)), A(tr_internal(2))));
    NEXT(a_a, a_internal, 2);
    MAKE(pid, a_a, a_keep, tr_list(A(tr_event_timeout(0, a_x)), A(tr_internal(3))));
    NEXT(a_a, a_internal, 3);
    MAKE(pid, a_a, a_keep, tr_list(A(tr_event_timeout(20, a_x)), A(tr_named_timeout(a_y, 1, 4))));
    NEXT(a_a, tr_tuple(a_timeout, a_y), 4);
    check_silence();
}

TEST_PROC(system_messages_leave_an_event_timeout_alone)
{
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep, A(tr_event_timeout(30, a_x)));
    tr_sys_get_state(pid);
    NEXT(a_a, a_timeout, a_x);
}

/* --- state timeouts --- */

TEST_PROC(state_timeout_lasts_as_long_as_the_state)
{
    FACT("STATEM-019", "a state timeout comes unless the state changes first; other events do not "
                       "cancel it, setting it again replaces it");
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep, A(tr_state_timeout(20, 1)));
    MAKE(pid, a_a, a_keep, tr_nil());
    NEXT(a_a, a_state_timeout, 1);
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(20, 2)));
    MAKE(pid, a_a, a_next, a_b, tr_nil());
    MAKE(pid, a_b, a_next, a_a, A(tr_state_timeout(60000, 3)));
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(1, 4)));
    NEXT(a_a, a_state_timeout, 4);
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(20, 5)));
    MAKE(pid, a_a, a_keep, A(tr_state_timeout_cancel()));
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(20, 6)));
    MAKE(pid, a_a, a_keep, A(tr_state_timeout(TR_INFINITY, 7)));
    check_silence();
}

TEST_PROC(timeout_of_the_next_state_is_set_on_the_way)
{
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep, A(tr_state_timeout(60000, 1)));
    MAKE(pid, a_a, a_next, a_b, A(tr_state_timeout(1, 2)));
    NEXT(a_b, a_state_timeout, 2);
}

TEST_PROC(timer_that_fired_too_late_is_not_seen)
{
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep, A(tr_state_timeout(10, 1)));
    tr_sys_suspend(pid);
    tr_cast(pid, DO(a_next, a_b, tr_nil()));
    tr_sleep(40);
    tr_sys_resume(pid);
    NEXT(a_a, a_cast, DO(a_next, a_b, tr_nil()));
    check_silence();
}

/* --- named timeouts --- */

TEST_PROC(named_timeouts_are_independent)
{
    FACT("STATEM-020", "neither events nor state changes cancel a generic timeout; each name is "
                       "independent; setting it again replaces it");
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_named_timeout(a_x, 30, 1)), A(tr_named_timeout(tr_tuple(a_x, "y"), 10, 2)),
                 A(tr_named_timeout(a_z, 20, 3))));
    MAKE(pid, a_a, a_next, a_b, A(tr_named_timeout(a_z, 60000, 4)));
    NEXT(a_b, tr_tuple(a_timeout, tr_tuple(a_x, "y")), 2);
    NEXT(a_b, tr_tuple(a_timeout, a_x), 1);
    MAKE(pid, a_b, a_keep, A(tr_named_timeout(a_z, 1, 5)));
    NEXT(a_b, tr_tuple(a_timeout, a_z), 5);
    MAKE(pid, a_b, a_keep, A(tr_named_timeout(a_z, 20, 6)));
    MAKE(pid, a_b, a_keep, A(tr_named_timeout_cancel(a_z)));
    MAKE(pid, a_b, a_keep, A(tr_named_timeout_cancel(a_z)));
    check_silence();
}

static tr_statem_result knows_names(void *data, tr_term state, const struct tr_event *event)
{
    struct machine *s = data;
    int64_t n;

    (void)state;
    if (tr_got_named_timeout(event, a_x, &n) || tr_got_named_timeout(event, tr_tuple(a_y, 1), &n))
        tr_send(s->boss, a_got, n);
    if (tr_got_event_timeout(event, a_z, &n) || tr_got_info(event, a_z, &n) ||
        tr_got_internal(event, a_z, &n))
        tr_send(s->boss, a_got, n);
    return tr_keep_state();
}

TEST_PROC(events_are_matched_by_type_name_and_content)
{
    static struct tr_gen_statem t;

    t = machine;
    t.handle_event = knows_names;
    START(&t, a_a,
          tr_list(A(tr_named_timeout(a_x, 0, 1)), A(tr_named_timeout(tr_tuple(a_y, 1), 0, 2)),
                  A(tr_named_timeout(a_z, 0, 3)), A(tr_event_timeout(0, a_z, 4)),
                  A(tr_next_event(a_info, a_z, 5)), A(tr_internal(a_z, 6)),
                  A(tr_internal(a_y, 7))));
    NEXT(5);
    NEXT(6);
    NEXT(1);
    NEXT(2);
    check_silence();
}

/* --- update, absolute times, no time --- */

TEST_PROC(update_changes_the_content_alone)
{
    FACT("STATEM-021", "an update changes the content of a running timeout, not its time; one that "
                       "is not running fires at once with the new content");
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_state_timeout(20, 1)), A(tr_named_timeout(a_x, 30, 2)),
                 A(tr_named_timeout(a_y, 60000, 3))));
    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_named_timeout_update(a_x, 4)), A(tr_state_timeout_update(5))));
    NEXT(a_a, a_state_timeout, 5);
    NEXT(a_a, tr_tuple(a_timeout, a_x), 4);
    MAKE(pid, a_a, a_keep, tr_list(A(tr_state_timeout_update(6)), A(tr_event_timeout_update(7))));
    NEXT(a_a, a_state_timeout, 6);
    MAKE(pid, a_a, a_keep, A(tr_event_timeout_update(8)));
    NEXT(a_a, a_timeout, 8);
    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_state_timeout(0, 9)),
                 A(tr_internal(DO(a_keep, A(tr_state_timeout_update(10)))))));
    NEXT(a_a, a_internal, DO(a_keep, A(tr_state_timeout_update(10))));
    NEXT(a_a, a_state_timeout, 10);
}

TEST_PROC(time_may_be_a_point_on_the_clock)
{
    FACT("STATEM-022", "a time may be an absolute point on the monotonic clock");
    const bool yes = true, no = false;
    tr_pid pid = START(&machine);

    int64_t at = tr_monotonic_ms() + 30;
    MAKE(pid, a_a, a_keep, A(tr_state_timeout_at(at, 1)));
    NEXT(a_a, a_state_timeout, 1);
    CHECK(tr_monotonic_ms() >= at);
    MAKE(pid, a_a, a_keep, A(tr_event_timeout_at(0, 2)));
    NEXT(a_a, a_timeout, 2);
    MAKE(pid, a_a, a_keep, A(tr_named_timeout_at(a_x, -1, 3)));
    NEXT(a_a, tr_tuple(a_timeout, a_x), 3);
    MAKE(pid, a_a, a_keep,
         tr_tuple(a_state_timeout, 1, 4, tr_list(tr_tuple(a_abs, yes), tr_tuple(a_abs, no))));
    NEXT(a_a, a_state_timeout, 4);
    MAKE(pid, a_a, a_keep, A(tr_state_timeout_at(TR_INFINITY, 5)));
    check_silence();
}

TEST_PROC(timeout_of_no_time_comes_before_messages)
{
    FACT("STATEM-023", "a timeout of 0 is queued after inserted events and before new messages");
    const tr_term what =
        DO(a_keep, tr_list(A(tr_named_timeout(a_x, 0, 1)), A(tr_state_timeout(0, 2)),
                           A(tr_internal(3)), A(tr_event_timeout(0, 4))));
    tr_pid pid = START(&machine);

    tr_sys_suspend(pid);
    tr_cast(pid, what);
    tr_cast(pid, 5);
    tr_sys_resume(pid);
    NEXT(a_a, a_cast, what);
    NEXT(a_a, a_internal, 3);
    NEXT(a_a, tr_tuple(a_timeout, a_x), 1);
    NEXT(a_a, a_state_timeout, 2);
    NEXT(a_a, a_cast, 5);
    tr_cast(pid, DO(a_next, a_b, A(tr_state_timeout(0, 6))));
    tr_call(pid, a_echo, 1);
    NEXT(a_a, a_cast, DO(a_next, a_b, A(tr_state_timeout(0, 6))));
    NEXT(a_b, a_state_timeout, 6);
    NEXT(a_b, a_call, tr_tuple(a_echo, 1));
    check_silence();
}

TEST_PROC(wrong_timeout_ends_the_machine)
{
    FACT("STATEM-024", "an invalid timeout action ends the machine with "
                       "{bad_action_from_state_function, Action}");
    const tr_term bad[] = {
        A(tr_state_timeout(-1, a_x)),
        A(tr_event_timeout((INT64_C(1) << 43) + 1, a_x)),
        tr_build(a_state_timeout, a_never, 1),
        tr_build(a_never, 1, 1),
        tr_build(a_never, tr_intern("cancel")),
        tr_build(a_state_timeout, 1, 1, tr_tuple(a_abs, a_never)),
        tr_build(a_state_timeout, 1, 1, tr_list(tr_tuple(a_never, 1))),
        tr_build(a_state_timeout, -1, 1, tr_nil()),
        tr_build(-1),
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_TERM(END_OF(&machine, a_keep, bad[i]),
                   tr_build(tr_tuple(a_bad_action_from_state_function, bad[i]), tr_nil()));
    }
}

TEST_PROC(timeouts_that_are_set_can_be_seen)
{
    tr_pid pid = START(&machine);

    MAKE(pid, a_a, a_keep,
         tr_list(A(tr_state_timeout(60000, 1)), A(tr_named_timeout(a_x, 60000, 2))));
    CHECK(strstr(tr_inspect(tr_sys_get_status(pid)),
                 "{<<\"Time-outs\">>,{2,[{state_timeout,1},{{timeout,x},2}]}}"));
}
