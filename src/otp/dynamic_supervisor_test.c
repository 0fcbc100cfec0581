/* SPDX-License-Identifier: MIT */
/* Dynamic supervisors, and simple_one_for_one. */
#include "dolls.h"

tr_atoms(max_children, simple_one_for_one);

static tr_pid start_dynamic(const struct tr_dynamic_supervisor *s)
{
    tr_pid pid = { 0 };
    tr_term result = tr_dynamic_supervisor_start_link(s, NULL);

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "did not start: %s", tr_inspect(result));
    return pid;
}

static tr_pid add(tr_pid sup, const struct tr_child_spec *spec)
{
    tr_pid pid = { 0 };
    tr_term result = tr_dynamic_supervisor_start_child(sup, spec);

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "did not start: %s", tr_inspect(result));
    return pid;
}

static void crash_pid(tr_pid pid, tr_term id, tr_term reason)
{
    tr_send(pid, a_leave, reason);
    ENDED(id, reason);
}

#define CRASH_PID(pid, id, ...) crash_pid(pid, tr_build(id), tr_build(__VA_ARGS__))

TEST_PROC(it_starts_empty_and_grows)
{
    FACT("DYN-001", "a dynamic supervisor starts with no children; they have no id");
    FACT("DYN-002", "defaults: 3 restarts in 5 s, no limit of children, no extra arguments");
    FACT("DYN-010", "one specification can be started many times");
    FACT("DYN-015", "which_children lists {undefined, Pid, Type, Modules}; counts are 0 at first");
    begin();
    tr_pid sup = start_dynamic(NULL);
    const struct tr_child_spec *spec = A_DOLL(a, "calm");

    CHECK(counts_are(sup, 0, 0, 0, 0));
    CHECK_TERM(tr_dynamic_supervisor_which_children(sup), tr_nil());
    tr_pid first = add(sup, spec), second = add(sup, spec);
    CHECK(first.w != second.w);
    CHECK_TERM(tr_dynamic_supervisor_which_children(sup),
               tr_build(tr_list(tr_tuple(a_undefined, second, a_worker, tr_list(a_a)),
                                tr_tuple(a_undefined, first, a_worker, tr_list(a_a)))));
    CHECK(counts_are(sup, 2, 2, 0, 2));
    STARTED(a_a);
    STARTED(a_a);
    for (int i = 0; i < 3; i++) {
        CRASH_PID(first, a_a, a_boom);
        STARTED(a_a);
        CHECK_WITHIN(patience(10000),
                     tr_match(tr_head(tr_tail(tr_dynamic_supervisor_which_children(sup))),
                              a_undefined, &first, tr_any(), tr_any()));
    }
    CRASH_PID(first, a_a, a_boom);
    ENDED(a_a, a_shutdown);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
}

static tr_term init_with(tr_term arg)
{
    return arg;
}

TEST_PROC(wrong_flags_are_named)
{
    FACT("DYN-003", "bad flags: {supervisor_data, {What, Value}}; a bad value: {bad_return, ...}; "
                    "ignore: ignore");
    begin();
    static const struct {
        const char *flags, *what;
    } wrong[] = {
        { "#{strategy => one_for_all}", "{invalid_strategy,one_for_all}" },
        { "#{intensity => a}", "{invalid_intensity,a}" },
        { "#{period => 0}", "{invalid_period,0}" },
        { "#{max_children => -1}", "{invalid_max_children,-1}" },
        { "#{extra_arguments => a}", "{invalid_extra_arguments,a}" },
        { "#{auto_shutdown => any_significant}", "{invalid_auto_shutdown,any_significant}" },
    };
    static const struct tr_dynamic_supervisor s = { .init = init_with };
    tr_term flags, what;
    tr_pid sup;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(tr_parse(wrong[i].flags, strlen(wrong[i].flags), &flags, NULL), TR_OK);
        CHECK(tr_match(tr_dynamic_supervisor_start_link(&s, NULL, tr_tuple(a_ok, flags)), a_error,
                       tr_tuple(a_supervisor_data, &what)));
        CHECK_STR(tr_inspect(what), wrong[i].what);
    }
    CHECK_TERM(tr_dynamic_supervisor_start_link(&s, NULL, a_ignore), tr_build(a_ignore));
    CHECK_STR(tr_inspect(tr_dynamic_supervisor_start_link(&s, NULL, 7)),
              "{error,{bad_return,{dynamic_supervisor,init,7}}}");
    CHECK(
        tr_match(tr_dynamic_supervisor_start_link(&s, NULL, tr_tuple(a_ok, tr_map())), a_ok, &sup));
    CHECK_MAILBOX(0);
    end_sup(sup);
}

static const struct tr_dynamic_supervisor plain = { .max_children = 0 };

TEST_PROC(it_has_a_name_and_a_parent)
{
    FACT("DYN-004", "it can be named, traps exits, and can be a child of type supervisor");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(
                                         { .dynamic_supervisor = &plain, .name = "sup" }) };
    tr_pid top = start_sup(&s), sup;
    bool traps = false;

    CHECK(tr_whereis(a_sup, &sup));
    CHECK(tr_match(info(sup, a_trap_exit), &traps) && traps);
    CHECK(counts_are(top, 1, 1, 1, 0));
    add(sup, A_DOLL(a, "calm"));
    STARTED(a_a);
    tr_stop(top, a_normal, TR_INFINITY);
    ENDED(a_a, a_shutdown);
    exit_of(top);
}

TEST_PROC(start_child_returns_what_its_start_did)
{
    FACT("DYN-005", "{ok, Pid}, {ok, Pid, Info}, ignore, {error, Reason}; any other V: {error, V}");
    FACT("DYN-006", "a start function that fails gives {error, Reason}; the supervisor goes on");
    begin();
    tr_pid sup = start_dynamic(NULL);

    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, A_DOLL(a, "{start,ignore}")),
               tr_build(a_ignore));
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, A_DOLL(a, "{start,{error,why}}")),
               tr_build(a_error, a_why));
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, A_DOLL(a, "{start,7}")),
               tr_build(a_error, 7));
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, A_DOLL(a, "{raise,why}")),
               tr_build(a_error, a_why));
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, A_DOLL(a, "{fail,[why]}")),
               tr_build(a_error, tr_list(a_why)));
    tr_pid other = tr_spawn(silent_child);
    CHECK_TERM(
        tr_dynamic_supervisor_start_child(
            sup, TR_CHILD(.id = "a", .start = start_doll,
                          .arg_term = tr_build(a_a, tr_tuple(a_start, tr_tuple(a_ok, other, 7))))),
        tr_build(a_ok, other, 7));
    CHECK(counts_are(sup, 1, 1, 0, 1));
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, other), tr_build(a_ok));
    CHECK(!tr_is_alive(other));
    end_sup(sup);
}

TEST_PROC(more_children_than_allowed_are_refused)
{
    FACT("DYN-007", "with max_children children present: {error, max_children}");
    begin();
    static const struct tr_dynamic_supervisor two = { .max_children = 2 };
    static const struct tr_dynamic_supervisor none = { .max_children = TR_ZERO };
    const struct tr_child_spec *spec = A_DOLL(a, "calm", .restart = TR_TEMPORARY);
    const tr_term full = tr_build(a_error, a_max_children);
    tr_pid sup = start_dynamic(&two);

    tr_pid first = add(sup, spec);
    add(sup, spec);
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, spec), full);
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, first), tr_build(a_ok));
    add(sup, spec);
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, spec), full);
    end_sup(sup);
    sup = start_dynamic(&none);
    CHECK_TERM(tr_dynamic_supervisor_start_child(sup, spec), full);
    end_sup(sup);
}

TEST_PROC(wrong_specification_never_reaches_the_supervisor)
{
    FACT("DYN-008", "an invalid specification is refused, also without a supervisor");
    begin();
    static const struct {
        const char *spec, *what;
    } wrong[] = {
        { "a", "{invalid_child_spec,a}" },
        { "#{id => a}", "{invalid_child_spec,#{id => a}}" },
        { "#{id => a, start => m}", "{invalid_mfa,m}" },
        { "{m,permanent,5,worker,[]}", "{invalid_mfa,m}" },
        { "#{id => a, start => {m,f,[]}, restart => 1}", "{invalid_restart_type,1}" },
        { "#{id => a, start => {m,f,[]}, shutdown => -1}", "{invalid_shutdown,-1}" },
        { "#{id => a, start => {m,f,[]}, restart => temporary, significant => true}",
          "{invalid_significant,true}" },
    };
    tr_term spec, what = tr_nil();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(tr_parse(wrong[i].spec, strlen(wrong[i].spec), &spec, NULL), TR_OK);
        CHECK(tr_match(tr_dynamic_supervisor_start_child_term(tr_build(a_sup), spec), a_error,
                       &what));
        CHECK_STR(tr_inspect(what), wrong[i].what);
    }
}

TEST_PROC(extra_arguments_come_first)
{
    FACT("DYN-009", "extra arguments are put in front of the child's own, also at restarts");
    begin();
    static const struct tr_dynamic_supervisor s = { .extra_args = "[a]" };
    tr_pid sup = start_dynamic(&s);
    /* So the doll is {a, calm}. */
    tr_pid pid = add(sup, TR_CHILD(.id = "x", .start = start_doll, .arg = "calm"));

    STARTED(a_a);
    CRASH_PID(pid, a_a, a_boom);
    STARTED(a_a);
    end_sup(sup);
}

TEST_PROC(each_type_is_restarted_as_it_says)
{
    FACT("DYN-011", "temporary children are dropped; transient ones restarted unless normal, "
                    "shutdown, {shutdown, _}; permanent ones always");
    FACT("DYN-012", "a restarted child is known by its new pid alone");
    begin();
    static const struct tr_dynamic_supervisor s = { .max_restarts = 100 };
    const tr_term reasons[] = { tr_build(a_normal), tr_build(a_shutdown), tr_build(a_shutdown, 1),
                                tr_build(a_boom) };
    tr_pid sup = start_dynamic(&s), after;

    for (int type = TR_PERMANENT; type <= TR_TEMPORARY; type++) {
        for (int i = 0; i < 4; i++) {
            bool again = type == TR_PERMANENT || (type == TR_TRANSIENT && i == 3);
            tr_pid pid = add(sup, A_DOLL(a, "calm", .restart = (enum tr_restart)type));
            STARTED(a_a);
            crash_pid(pid, tr_build(a_a), reasons[i]);
            if (!again) {
                CHECK_WITHIN(patience(10000), counts_are(sup, 0, 0, 0, 0));
                continue;
            }
            STARTED(a_a);
            CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, pid),
                       tr_build(a_error, a_not_found));
            CHECK(tr_match(tr_dynamic_supervisor_which_children(sup),
                           tr_list(tr_tuple(a_undefined, &after, tr_any(), tr_any()))));
            CHECK(after.w != pid.w);
            CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, after), tr_build(a_ok));
            ENDED(a_a, a_shutdown);
        }
    }
    CHECK(no_event());
    end_sup(sup);
}

TEST_PROC(failed_restart_is_tried_again)
{
    FACT("DYN-013", "more than max_restarts end the supervisor with shutdown, after its children");
    begin();
    static const struct tr_dynamic_supervisor s = { .max_restarts = 3, .max_seconds = 1000 };
    tr_pid sup = start_dynamic(&s);
    tr_pid pid = add(sup, A_DOLL(a, "flaky"));

    add(sup, A_DOLL(b, "trap"));
    STARTED(a_a);
    STARTED(a_b);
    atomic_store(&flaky_left, 2);
    CRASH_PID(pid, a_a, a_boom);
    STARTED(a_a);
    CHECK_INT(atomic_load(&flaky_left), 0);
    CHECK(tr_match(tr_dynamic_supervisor_which_children(sup),
                   tr_list(tr_any(), tr_tuple(a_undefined, &pid, tr_any(), tr_any()))));
    CRASH_PID(pid, a_a, a_boom);
    ENDED(a_b, a_shutdown);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
}

TEST_PROC(restarting_children_are_shown_and_wait_for_their_back_off)
{
    begin();
    static const struct tr_dynamic_supervisor s = { .backoff = { .first_ms = 40 } };
    tr_pid sup = start_dynamic(&s);
    tr_pid pid = add(sup, A_DOLL(a, "calm"));

    STARTED(a_a);
    int64_t before = tr_monotonic_ms();
    CRASH_PID(pid, a_a, a_boom);
    CHECK_WITHIN(patience(10000),
                 tr_match(tr_dynamic_supervisor_which_children(sup),
                          tr_list(tr_tuple(a_undefined, a_restarting, tr_any(), tr_any()))));
    CHECK(counts_are(sup, 1, 0, 0, 1));
    STARTED(a_a);
    CHECK(tr_monotonic_ms() - before >= 20);
    CHECK(counts_are(sup, 1, 1, 0, 1));
    end_sup(sup);
}

TEST_PROC(child_is_terminated_by_its_pid)
{
    FACT("DYN-014", "terminate_child(Pid) ends it as its shutdown says; unknown: not_found");
    begin();
    tr_pid sup = start_dynamic(NULL);
    tr_pid a = add(sup, A_DOLL(a, "stubborn", .shutdown_ms = 20));

    STARTED(a_a);
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, a), tr_build(a_ok));
    ENDED(a_a, a_killed);
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, a), tr_build(a_error, a_not_found));
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, tester), tr_build(a_error, a_not_found));
    CHECK(counts_are(sup, 0, 0, 0, 0));
    end_sup(sup);
}

TEST_PROC(all_are_told_at_once_and_late_ones_killed)
{
    FACT("DYN-016", "at the end all are told at once; brutal_kill ones end with killed, late ones "
                    "are killed, the others end with shutdown");
    FACT("DYN-017", "a trapping child may end with a reason of its own; that of the supervisor "
                    "stays");
    FACT("DYN-018", "a synchronous stop returns after all have ended");
    begin();
    tr_pid sup = start_dynamic(NULL);
    enum { EACH = 5 };
    int shutdown = 0, killed = 0, own = 0;

    for (int i = 0; i < EACH; i++) {
        add(sup, A_DOLL(a, "calm"));
        add(sup, A_DOLL(b, "trap", .shutdown_ms = TR_BRUTAL_KILL));
        add(sup, A_DOLL(c, "stubborn", .shutdown_ms = 30));
        add(sup, A_DOLL(d, "{odd,{shutdown,7}}", .shutdown_ms = TR_INFINITY));
        add(sup, A_DOLL(e, "stubborn", .shutdown_ms = TR_ZERO));
    }
    for (int i = 0; i < 5 * EACH; i++)
        next_event();
    CHECK(counts_are(sup, 5 * EACH, 5 * EACH, 0, 5 * EACH));
    tr_stop(sup, a_normal, TR_INFINITY);
    CHECK_WITHIN(10000, tr_process_count() == 1);
    for (int i = 0; i < 5 * EACH; i++) {
        tr_term event = next_event();
        shutdown += tr_match(event, a_ended, a_a, a_shutdown);
        killed += tr_match(event, a_ended, tr_any(), a_killed);
        own += tr_match(event, a_ended, a_d, tr_tuple(a_shutdown, 7));
    }
    CHECK(shutdown == EACH && killed == 3 * EACH && own == EACH);
    CHECK_TERM(exit_of(sup), tr_build(a_normal));
}

static void naps(tr_term unused)
{
    (void)unused;
    tr_sleep(TR_INFINITY);
}

TEST_PROC(thousands_come_and_go)
{
    FACT("DYN-020", "starting and ending tens of thousands of temporary children is constant work "
                    "for each");
    FACT("SUP-050", "starting and ending 10,000 temporary children takes about ten times as long "
                    "as 1,000");
    begin();
    int64_t n = check_rounds((int)check_env("TEST_CHILDREN", 12000));
    const struct tr_child_spec *spec =
        TR_CHILD(.process = naps, .id = "x", .restart = TR_TEMPORARY);
    tr_pid sup = start_dynamic(NULL);

    for (int64_t i = 0; i < n; i++) {
        tr_scope
        {
            tr_pid pid = add(sup, spec);
            if (i % 2)
                CHECK_TERM(tr_dynamic_supervisor_terminate_child(sup, pid), tr_build(a_ok));
        }
    }
    CHECK(counts_are(sup, (int)n / 2, (int)n / 2, 0, (int)n / 2));
    end_sup(sup);
    CHECK_WITHIN(10000, tr_process_count() == 1);
}

/* --- simple_one_for_one --- */

static tr_pid start_simple(const struct tr_child_spec *spec)
{
    const struct tr_supervisor s = { .strategy = TR_SIMPLE_ONE_FOR_ONE,
                                     .max_restarts = 100,
                                     .children = (const struct tr_child_spec[]){ *spec, { 0 } } };

    return start_sup(&s);
}

TEST_PROC(simple_one_for_one_appends_arguments)
{
    FACT("SUP-046", "one specification, no children at first; start_child(Extra) appends to the "
                    "arguments; another number of specifications is {bad_start_spec, Specs}");
    FACT("SUP-047", "its children are listed with id undefined; specs is 1");
    begin();
    const struct tr_supervisor none = { .strategy = TR_SIMPLE_ONE_FOR_ONE };
    tr_pid sup = start_simple(TR_CHILD(.id = "x", .start = start_doll, .arg = "a")), pid;

    CHECK_TERM(tr_supervisor_start_link(&none, NULL),
               tr_build(a_error, tr_tuple(tr_intern("bad_start_spec"), tr_nil())));
    CHECK(counts_are(sup, 1, 0, 0, 0));
    CHECK(tr_match(tr_supervisor_start_child_with(sup, a_calm), a_ok, &pid));
    STARTED(a_a);
    CHECK_TERM(tr_supervisor_which_children(sup),
               tr_build(tr_list(tr_tuple(a_undefined, pid, a_worker, tr_list(a_x)))));
    CHECK(counts_are(sup, 1, 1, 0, 1));
    CRASH_PID(pid, a_a, a_boom);
    STARTED(a_a);
    end_sup(sup);
}

TEST_PROC(simple_children_are_ended_by_pid)
{
    FACT("SUP-048", "by id terminate_child, restart_child and delete_child give {error, "
                    "simple_one_for_one}");
    begin();
    tr_pid sup = start_simple(TR_CHILD(.id = "x", .start = start_doll, .arg = "a")), pid;
    const tr_term simple = tr_build(a_error, a_simple_one_for_one);

    CHECK(tr_match(tr_supervisor_start_child_with(sup, a_calm), a_ok, &pid));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_x), simple);
    CHECK_TERM(tr_supervisor_restart_child(sup, a_x), simple);
    CHECK_TERM(tr_supervisor_delete_child(sup, a_x), simple);
    CHECK_TERM(tr_supervisor_which_child(sup, a_x), simple);
    CHECK_TERM(tr_supervisor_get_childspec(sup, a_x), tr_build(a_error, a_not_found));
    CHECK_TERM(tr_supervisor_terminate_child(sup, tester), tr_build(a_error, a_not_found));
    CHECK_TERM(tr_supervisor_terminate_child(sup, pid), tr_build(a_ok));
    CHECK(counts_are(sup, 1, 0, 0, 0));
    end_sup(sup);
}

static atomic_bool ignores;

static tr_term maybe_ignored(tr_term arg)
{
    return atomic_load(&ignores) ? tr_build(a_ignore) : start_doll(arg);
}

TEST_PROC(ignored_simple_child_is_dropped)
{
    FACT("SUP-049", "ignore gives {ok, undefined} and adds nothing; at a restart the child is "
                    "dropped");
    FACT("SUP-014", "in a simple_one_for_one supervisor a failing start gives {error, Reason}");
    begin();
    tr_pid sup = start_simple(TR_CHILD(.id = "x", .start = maybe_ignored, .arg = "a")), pid;

    CHECK(tr_match(tr_supervisor_start_child_with(sup, a_calm), a_ok, &pid));
    CHECK_TERM(tr_supervisor_start_child_with(sup, tr_tuple(a_fail, a_why)),
               tr_build(a_error, a_why));
    STARTED(a_a);
    atomic_store(&ignores, true);
    CHECK_TERM(tr_supervisor_start_child_with(sup, a_calm), tr_build(a_ok, a_undefined));
    CRASH_PID(pid, a_a, a_boom);
    CHECK_WITHIN(patience(10000), counts_are(sup, 1, 0, 0, 0));
    CHECK(no_event());
    end_sup(sup);
}
