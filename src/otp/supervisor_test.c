/* SPDX-License-Identifier: MIT */
/* Supervisors: starting, and children added, ended, restarted and deleted by hand. */
#include "dolls.h"

static const struct tr_supervisor three = {
    .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "trap"), DOLL(c, "calm"))
};

static tr_term start_error(const struct tr_supervisor *s)
{
    tr_term why = tr_nil();

    CHECK(tr_match(tr_supervisor_start_link(s, NULL), a_error, &why));
    return why;
}

/* --- starting --- */

TEST_PROC(children_start_in_order_and_end_in_the_opposite_one)
{
    FACT("SUP-001", "children start in the order given, one after the other, then start_link "
                    "returns {ok, Pid}");
    FACT("SUP-002", "a supervisor traps exits");
    FACT("SUP-036", "a supervisor that is stopped ends its children in reverse order first");
    begin();
    tr_pid sup = start_sup(&three);
    bool traps = false;

    STARTED(a_a);
    STARTED(a_b);
    STARTED(a_c);
    CHECK(tr_match(info(sup, a_trap_exit), &traps) && traps);
    tr_stop(sup, a_normal, TR_INFINITY);
    ENDED(a_c, a_shutdown);
    ENDED(a_b, a_shutdown);
    ENDED(a_a, a_shutdown);
    CHECK_TERM(exit_of(sup), tr_build(a_normal));
}

TEST_PROC(failing_child_ends_those_before_it_and_the_start)
{
    FACT("SUP-003", "a child that cannot start ends the ones before it in reverse order, and "
                    "start_link returns {error, {shutdown, {failed_to_start_child, Id, Reason}}}");
    begin();
    const struct tr_supervisor s = { .children =
                                         TR_CHILDREN(DOLL(a, "calm"), DOLL(b, "calm"),
                                                     DOLL(c, "{fail, [why]}"), DOLL(d, "calm")) };

    CHECK_TERM(start_error(&s),
               tr_build(a_shutdown, tr_tuple(a_failed_to_start_child, a_c, tr_list(a_why))));
    STARTED(a_a);
    STARTED(a_b);
    ENDED(a_b, a_shutdown);
    ENDED(a_a, a_shutdown);
    CHECK_MAILBOX(0);
}

TEST_PROC(specification_is_filled_with_defaults)
{
    FACT("SUP-004", "restart permanent, worker, 5000 ms for workers and infinity for supervisors, "
                    "modules the start module, significant false");
    FACT("SUP-022", "get_childspec gives the specification with all defaults, or not_found");
    begin();
    static const struct tr_supervisor none = { .name = "none" };
    const struct tr_supervisor s = { .children = TR_CHILDREN(DOLL(a, "calm"),
                                                             { .supervisor = &none, .id = "b" }) };
    tr_pid sup = start_sup(&s);
    tr_term spec, value;

    CHECK(tr_match(tr_supervisor_get_childspec(sup, "a"), a_ok, &spec));
    CHECK(tr_match(spec, tr_map(a_id, a_a, a_restart, a_permanent, a_shutdown, 5000, a_type,
                                a_worker, a_modules, tr_list(a_a), a_significant, a_false)));
    CHECK(tr_map_get(spec, tr_build(a_start), &value));
    CHECK_TERM(value, tr_build(a_a, a_start_link, tr_list(tr_tuple(a_a, a_calm))));
    CHECK(tr_match(tr_supervisor_get_childspec(sup, "b"), a_ok, &spec));
    CHECK(tr_match(spec, tr_map(a_shutdown, a_infinity, a_type, a_supervisor)));
    CHECK_TERM(tr_supervisor_get_childspec(sup, "x"), tr_build(a_error, a_not_found));
    /* What was read back can be used to start one. */
    CHECK_TERM(tr_supervisor_terminate_child(sup, "a"), tr_build(a_ok));
    CHECK(tr_match(tr_supervisor_get_childspec(sup, "a"), a_ok, &spec));
    CHECK_TERM(tr_supervisor_delete_child(sup, "a"), tr_build(a_ok));
    CHECK(tr_match(tr_supervisor_start_child_term(tr_build(sup), spec), a_ok, tr_any()));
    end_sup(sup);
}

static tr_term erlang_flags(tr_term arg)
{
    return tr_build(a_ok, tr_tuple(arg, tr_list(tr_child_to_term(A_DOLL(a, "calm")))));
}

TEST_PROC(defaults_of_flags_are_those_of_erlang_or_elixir)
{
    FACT("SUP-005", "flags without values: one_for_one, intensity 1; the struct has Elixir's 3");
    begin();
    static const struct tr_supervisor erlang = { .init = erlang_flags };
    const struct tr_supervisor elixir = { .children = TR_CHILDREN(DOLL(a, "calm")) };
    tr_pid sup;

    CHECK(tr_match(tr_supervisor_start_link(&erlang, NULL, tr_map()), a_ok, &sup));
    STARTED(a_a);
    CRASH(sup, a_a, a_boom);
    STARTED(a_a);
    CRASH(sup, a_a, a_boom);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
    sup = start_sup(&elixir);
    STARTED(a_a);
    for (int i = 0; i < 3; i++) {
        CRASH(sup, a_a, a_boom);
        STARTED(a_a);
    }
    CRASH(sup, a_a, a_boom);
    CHECK_TERM(exit_of(sup), tr_build(a_shutdown));
    CHECK_MAILBOX(0);
}

static tr_term reason_of_failed(const struct tr_supervisor *s)
{
    tr_term reason = tr_nil();

    CHECK(tr_match(start_error(s), a_shutdown, tr_tuple(a_failed_to_start_child, a_a, &reason)));
    return reason;
}

TEST_PROC(each_result_of_a_start_function_has_its_meaning)
{
    FACT("SUP-006", "{ok, Pid}, {ok, Pid, Info}, ignore, {error, Reason}; any other V is "
                    "{error, V}, and so is a start function that fails");
    begin();
    const struct tr_supervisor odd_value = { .children = TR_CHILDREN(DOLL(a, "{start, odd}")) };
    const struct tr_supervisor error = { .children =
                                             TR_CHILDREN(DOLL(a, "{start, {error, why}}")) };
    const struct tr_supervisor raising = { .children = TR_CHILDREN(DOLL(a, "{raise, why}")) };

    CHECK_TERM(reason_of_failed(&odd_value), tr_build(a_odd));
    CHECK_TERM(reason_of_failed(&error), tr_build(a_why));
    CHECK_TERM(reason_of_failed(&raising), tr_build(a_EXIT, a_why));
    CHECK_MAILBOX(0);
}

TEST_PROC(ignored_child_is_kept_unless_temporary)
{
    FACT("SUP-007", "a child that returns ignore is kept with pid undefined");
    FACT("SUP-008", "a temporary one is not kept; start_child gives {ok, undefined}");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(
                                         DOLL(a, "{start, ignore}"),
                                         DOLL(b, "{start, ignore}", .restart = TR_TRANSIENT),
                                         DOLL(c, "{start, ignore}", .restart = TR_TEMPORARY)) };
    tr_pid sup = start_sup(&s);
    const tr_term answer = tr_build(a_ok, a_undefined);

    CHECK(counts_are(sup, 2, 0, 0, 2));
    CHECK_TERM(where(sup, a_a), tr_build(a_undefined));
    CHECK_TERM(where(sup, a_b), tr_build(a_undefined));
    CHECK_TERM(tr_supervisor_start_child(sup, A_DOLL(d, "{start, ignore}")), answer);
    CHECK(counts_are(sup, 3, 0, 0, 3));
    CHECK_TERM(
        tr_supervisor_start_child(sup, A_DOLL(e, "{start, ignore}", .restart = TR_TEMPORARY)),
        answer);
    CHECK(counts_are(sup, 3, 0, 0, 3));
    end_sup(sup);
}

static tr_term init_callback(tr_term arg)
{
    tr_term reason;

    if (tr_match(arg, a_raise, &reason))
        tr_error(reason);
    return arg;
}

TEST_PROC(init_callback_may_ignore_be_wrong_or_fail)
{
    FACT("SUP-009", "init giving ignore: ignore; an unknown value: {bad_return, ...}; a failure: "
                    "{error, {Error, Stack}}; no 'EXIT' is left");
    begin();
    static const struct tr_supervisor s = { .name = "mine", .init = init_callback };

    CHECK_TERM(tr_supervisor_start_link(&s, NULL, a_ignore), tr_build(a_ignore));
    CHECK_TERM(tr_supervisor_start_link(&s, NULL, 7),
               tr_build(a_error, tr_tuple(a_bad_return, tr_tuple(tr_intern("mine"), a_init, 7))));
    CHECK_TERM(tr_supervisor_start_link(&s, NULL, a_raise, a_boom),
               tr_build(a_error, tr_tuple(a_boom, tr_nil())));
    CHECK_MAILBOX(0);
}

static tr_term flag_error(tr_term flags)
{
    static const struct tr_supervisor s = { .init = erlang_flags };
    tr_term what = tr_nil();

    CHECK(tr_match(tr_supervisor_start_link(&s, NULL, flags), a_error,
                   tr_tuple(a_supervisor_data, &what)));
    return what;
}

TEST_PROC(wrong_flags_are_named)
{
    FACT("SUP-010", "invalid strategy, intensity, period and auto_shutdown are reported as "
                    "{supervisor_data, {What, Value}}; unknown flags are ignored");
    begin();
    static const struct {
        const char *flags, *what;
    } wrong[] = {
        { "#{strategy => odd}", "{invalid_strategy,odd}" },
        { "#{intensity => -1}", "{invalid_intensity,-1}" },
        { "#{intensity => a}", "{invalid_intensity,a}" },
        { "#{period => 0}", "{invalid_period,0}" },
        { "#{auto_shutdown => yes}", "{invalid_auto_shutdown,yes}" },
        { "{one_for_one,1,x}", "{invalid_period,x}" },
        { "[]", "{invalid_type,[]}" },
        { "#{'$backoff' => {5,1,0}}", "{invalid_backoff,{5,1,0}}" },
    };
    static const struct tr_supervisor odd = { .strategy = (enum tr_strategy)9 };
    static const struct tr_supervisor negative = { .max_restarts = -5 };
    static const struct tr_supervisor s = { .init = erlang_flags };
    tr_term flags;
    tr_pid sup;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(tr_parse(wrong[i].flags, strlen(wrong[i].flags), &flags, NULL), TR_OK);
        CHECK_STR(tr_inspect(flag_error(flags)), wrong[i].what);
    }
    CHECK_STR(tr_inspect(start_error(&odd)), "{supervisor_data,{invalid_strategy,9}}");
    CHECK_STR(tr_inspect(start_error(&negative)), "{supervisor_data,{invalid_intensity,-5}}");
    CHECK(tr_match(tr_supervisor_start_link(&s, NULL, tr_map(a_x, 1)), a_ok, &sup));
    end_sup(sup);
}

static tr_term spec_error(const char *text)
{
    tr_pid sup = start_sup(&(const struct tr_supervisor){ .name = "empty" });
    tr_term spec, what = tr_nil();

    CHECK_INT(tr_parse(text, strlen(text), &spec, NULL), TR_OK);
    tr_term answer = tr_supervisor_start_child_term(tr_build(sup), spec);
    CHECK(tr_match(answer, a_error, &what));
    end_sup(sup);
    return what;
}

TEST_PROC(wrong_specifications_are_named)
{
    FACT("SUP-011", "wrong specifications at the start give {start_spec, What}");
    FACT("SUP-015", "start_child names what is wrong; a negative shutdown is, 0 is not");
    FACT("SUP-045", "a significant child that is permanent, or without auto_shutdown, is refused");
    begin();
    static const struct {
        const char *spec, *what;
    } wrong[] = {
        { "#{start => {m,f,[]}}", "missing_id" },
        { "#{id => a}", "missing_start" },
        { "#{id => a, start => m}", "{invalid_mfa,m}" },
        { "#{id => a, start => {m,f,a}}", "{invalid_mfa,{m,f,a}}" },
        { "#{id => a, start => {m,f,[]}, restart => 1}", "{invalid_restart_type,1}" },
        { "#{id => a, start => {m,f,[]}, shutdown => -1}", "{invalid_shutdown,-1}" },
        { "#{id => a, start => {m,f,[]}, type => 1}", "{invalid_child_type,1}" },
        { "#{id => a, start => {m,f,[]}, modules => 1}", "{invalid_modules,1}" },
        { "#{id => a, start => {m,f,[]}, modules => [1]}", "{invalid_module,1}" },
        { "#{id => a, start => {m,f,[]}, significant => 1}", "{invalid_significant,1}" },
        { "#{id => a, start => {m,f,[]}, significant => true}",
          "{bad_combination,[{auto_shutdown,never},{significant,true}]}" },
        { "{a,{m,f,[]},permanent,5,worker,x}", "{invalid_modules,x}" },
        { "a", "{invalid_child_spec,a}" },
    };
    const struct tr_supervisor no_term = { .children = TR_CHILDREN(
                                               { .id = "a", .start = start_doll, .arg = "{" }) };
    const struct tr_supervisor no_start = { .children = TR_CHILDREN({ .id = "a" }) };
    const struct tr_supervisor permanent = { .auto_shutdown = TR_ANY_SIGNIFICANT,
                                             .children = TR_CHILDREN(
                                                 DOLL(a, "calm", .significant = true)) };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_STR(tr_inspect(spec_error(wrong[i].spec)), wrong[i].what);
    CHECK_STR(tr_inspect(start_error(&no_term)),
              "{start_spec,{invalid_mfa,{a,start_link,<<\"{\">>}}}");
    CHECK_STR(tr_inspect(start_error(&no_start)), "{start_spec,missing_start}");
    CHECK_STR(tr_inspect(start_error(&permanent)),
              "{start_spec,{bad_combination,[{restart,permanent},{significant,true}]}}");
    /* What no program here knows does not start. */
    CHECK(tr_match(spec_error("#{id => a, start => {m,f,[]}, shutdown => 0}"),
                   tr_tuple(a_EXIT, tr_any()), tr_any()));
}

TEST_PROC(two_children_with_one_id_are_refused)
{
    FACT("SUP-012", "two children with the same id: {duplicate_child_name, Id}");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(DOLL(a, "calm"), DOLL(a, "calm")) };

    CHECK_STR(tr_inspect(start_error(&s)), "{start_spec,{duplicate_child_name,a}}");
    CHECK(no_event());
}

static tr_gen_result named_init(void *state, tr_term arg)
{
    (void)state;
    return tr_match(arg, 5) ? tr_gen_ok() : tr_gen_stop(arg);
}

static void waits(tr_term arg)
{
    CHECK(tr_child_pointer(arg) == &flaky_left);
    tr_send(tester, a_started, a_b);
    tr_sleep(TR_INFINITY);
}

static const struct tr_gen_server named = { .name = "named", .init = named_init };

TEST_PROC(servers_processes_and_supervisors_are_children)
{
    begin();
    const struct tr_supervisor inner = { .children = TR_CHILDREN(DOLL(c, "calm")) };
    const struct tr_supervisor s = {
        .children =
            TR_CHILDREN({ .server = &named, .arg = "5", .name = "d" },
                        { .process = waits, .id = "b", .name = "e", .arg_pointer = &flaky_left },
                        { .supervisor = &inner, .name = "sup" }, { .server = &named, .arg = "5" })
    };
    tr_pid sup = start_sup(&s);

    CHECK(tr_whereis(a_d, NULL) && tr_whereis(a_e, NULL) && tr_whereis(a_sup, NULL));
    CHECK(counts_are(sup, 4, 4, 1, 3));
    CHECK(tr_match(tr_supervisor_which_children(a_sup),
                   tr_list(tr_tuple(a_c, tr_any(), a_worker, tr_list(a_c)))));
    end_sup(sup);
    CHECK(!tr_whereis(a_d, NULL) && !tr_whereis(a_e, NULL) && !tr_whereis(a_sup, NULL));
}

TEST_PROC(taken_names_are_told_with_their_holder)
{
    begin();
    static const struct tr_supervisor empty = { .name = "empty" };
    tr_pid sup, other;

    CHECK(
        tr_match(tr_supervisor_start_link(&empty, TR_GEN_SERVER_OPTS(.name = a_sup)), a_ok, &sup));
    CHECK_TERM(tr_supervisor_start_link(&empty, TR_GEN_SERVER_OPTS(.name = a_sup)),
               tr_build(a_error, tr_tuple(a_already_started, sup)));
    CHECK(tr_match(
        tr_supervisor_start_child(a_sup, TR_CHILD(.server = &named, .arg = "5", .name = "d")), a_ok,
        &other));
    const tr_term taken = tr_build(a_error, tr_tuple(a_already_started, other));
    CHECK_TERM(tr_supervisor_start_child(
                   a_sup, TR_CHILD(.server = &named, .arg = "5", .name = "d", .id = "second")),
               taken);
    CHECK_TERM(
        tr_supervisor_start_child(a_sup, TR_CHILD(.process = waits, .name = "d", .id = "second")),
        taken);
    CHECK(counts_are(sup, 1, 1, 0, 1));
    end_sup(sup);
}

/* --- by hand --- */

TEST_PROC(start_child_returns_what_its_start_did)
{
    FACT("SUP-013", "start_child gives {ok, Pid} or {ok, Pid, Info} as the start function did");
    FACT("SUP-014", "a failing one gives {error, {Reason, _}} and is not kept; {already_started, "
                    "Pid} is passed on");
    begin();
    tr_pid sup = start_sup(&three);
    tr_pid pid;
    tr_term self = tr_build(tester);

    CHECK(tr_match(tr_supervisor_start_child(sup, A_DOLL(d, "calm")), a_ok, &pid));
    CHECK(pid_of(sup, a_d).w == pid.w);
    CHECK(tr_match(
        tr_supervisor_start_child(
            sup, TR_CHILD(.id = "e", .start = start_doll,
                          .arg_term = tr_build(a_e, tr_tuple(a_start, tr_tuple(a_ok, sup, 7))),
                          .shutdown_ms = TR_BRUTAL_KILL, .restart = TR_TEMPORARY)),
        a_ok, sup, 7));
    CHECK(counts_are(sup, 5, 5, 0, 5));
    CHECK(tr_match(tr_supervisor_start_child(sup, A_DOLL(x, "{start, {error, why}}")), a_error,
                   tr_tuple(a_why, tr_any())));
    CHECK(tr_match(tr_supervisor_start_child(sup, A_DOLL(x, "{fail, why}")), a_error,
                   tr_tuple(a_why, tr_any())));
    CHECK_TERM(
        tr_supervisor_start_child(
            sup, TR_CHILD(.id = "x", .start = start_doll,
                          .arg_term = tr_build(
                              a_x, tr_tuple(a_start, tr_tuple(a_error, tr_tuple(a_already_started,
                                                                                self)))))),
        tr_build(a_error, tr_tuple(a_already_started, self)));
    CHECK_TERM(tr_supervisor_which_child(sup, "x"), tr_build(a_error, a_not_found));
    /* An id that is there. */
    CHECK_TERM(tr_supervisor_start_child(sup, A_DOLL(d, "calm")),
               tr_build(a_error, tr_tuple(a_already_started, pid)));
    CHECK_TERM(tr_supervisor_terminate_child(sup, "d"), tr_build(a_ok));
    CHECK_TERM(tr_supervisor_start_child(sup, A_DOLL(d, "calm")),
               tr_build(a_error, a_already_present));
    tr_exit_to(sup, a_kill);
    exit_of(sup);
}

TEST_PROC(child_is_terminated_restarted_and_deleted)
{
    FACT("SUP-016", "terminate_child ends the child and keeps its specification; no restart");
    FACT("SUP-017", "restart_child starts it; {error, running}, {error, not_found}");
    FACT("SUP-018", "when that fails the error is returned and the child stays listed");
    FACT("SUP-019", "delete_child removes it; {error, running}, {error, not_found}");
    begin();
    const struct tr_supervisor s = { .children = TR_CHILDREN(DOLL(a, "flaky"), DOLL(b, "trap")) };
    tr_pid sup = start_sup(&s);
    tr_pid before = pid_of(sup, a_a), pid;
    const tr_term ok = tr_build(a_ok), unknown = tr_build(a_error, a_not_found);

    STARTED(a_a);
    STARTED(a_b);
    CHECK_TERM(tr_supervisor_restart_child(sup, a_a), tr_build(a_error, a_running));
    CHECK_TERM(tr_supervisor_delete_child(sup, a_a), tr_build(a_error, a_running));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), ok);
    CHECK(!tr_is_alive(before));
    ENDED(a_a, a_shutdown);
    CHECK_TERM(where(sup, a_a), tr_build(a_undefined));
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), ok);
    atomic_store(&flaky_left, 1);
    CHECK_TERM(tr_supervisor_restart_child(sup, a_a), tr_build(a_error, a_flaky));
    CHECK_TERM(where(sup, a_a), tr_build(a_undefined));
    CHECK(no_event());
    CHECK(tr_match(tr_supervisor_restart_child(sup, a_a), a_ok, &pid));
    CHECK(pid.w != before.w);
    STARTED(a_a);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), ok);
    CHECK_TERM(tr_supervisor_delete_child(sup, a_a), ok);
    CHECK_TERM(tr_supervisor_delete_child(sup, a_a), unknown);
    CHECK_TERM(tr_supervisor_restart_child(sup, a_a), unknown);
    CHECK_TERM(tr_supervisor_terminate_child(sup, a_a), unknown);
    CHECK(counts_are(sup, 1, 1, 0, 1));
    end_sup(sup);
}

TEST_PROC(children_are_listed_newest_first)
{
    FACT("SUP-020", "which_children lists {Id, Pid, Type, Modules}, most recently started first");
    FACT("SUP-021", "counts: known, running, and by type whether running or not");
    FACT("SUP-023", "one child can be looked up by its id");
    begin();
    tr_pid sup = start_sup(&three);
    tr_pid a = pid_of(sup, a_a), b = pid_of(sup, a_b);
    static const struct tr_supervisor empty = { .name = "empty" };

    CHECK_TERM(tr_supervisor_terminate_child(sup, a_c), tr_build(a_ok));
    CHECK_TERM(tr_supervisor_which_children(sup),
               tr_build(tr_list(tr_tuple(a_c, a_undefined, a_worker, tr_list(a_c)),
                                tr_tuple(a_b, b, a_worker, tr_list(a_b)),
                                tr_tuple(a_a, a, a_worker, tr_list(a_a)))));
    CHECK(counts_are(sup, 3, 2, 0, 3));
    CHECK(tr_match(
        tr_supervisor_start_child(sup, TR_CHILD(.supervisor = &empty, .modules = "dynamic")), a_ok,
        tr_any()));
    CHECK(counts_are(sup, 4, 3, 1, 3));
    CHECK(tr_match(tr_supervisor_which_child(sup, "empty"), a_ok,
                   tr_tuple(tr_intern("empty"), tr_any(), a_supervisor, tr_intern("dynamic"))));
    CHECK_TERM(tr_supervisor_which_child(sup, a_x), tr_build(a_error, a_not_found));
    end_sup(sup);
}

static void asks(tr_term name)
{
    tr_supervisor_which_children(name);
}

TEST_PROC(asking_nobody_ends_the_caller)
{
    FACT("SUP-024", "without such a supervisor the caller ends with {noproc, {gen_server, call, "
                    "[Name, Request, infinity]}}");
    begin();
    tr_ref ref;

    tr_spawn_monitor(asks, &ref, a_sup);
    CHECK_TERM(down_reason(ref, a_DOWN),
               tr_build(a_noproc, tr_tuple(a_gen_server, a_call,
                                           tr_list(a_sup, a_which_children, a_infinity))));
}

TEST_PROC(unexpected_messages_are_reported_and_ignored)
{
    FACT("SUP-041", "unexpected messages to a supervisor are logged and ignored");
    begin();
    tr_pid sup = start_sup(&three);
    int before = atomic_load(&nreports);

    tr_send(sup, a_odd, 1);
    CHECK(counts_are(sup, 3, 3, 0, 3));
    CHECK(tr_log_flush(patience(10000)));
    CHECK_INT(atomic_load(&nreports), before + 1);
    CHECK(reported("{odd,1}"));
    end_sup(sup);
}
