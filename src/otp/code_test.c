/* SPDX-License-Identifier: MIT */
/* Servers that go over to other callbacks while they run. */
#include "children.h"

tr_atoms(get, increment, undef, refused, other_code, one, two);

static tr_gen_result starts(void *state, tr_term arg)
{
    int64_t *n = state;

    tr_match(arg, n);
    return tr_gen_ok();
}

static tr_gen_result counts(void *state, tr_term request)
{
    int64_t *n = state;

    if (!tr_match(request, a_increment))
        return tr_gen_unknown();
    ++*n;
    return tr_gen_noreply();
}

static tr_gen_result old_call(void *state, tr_term request, tr_term from)
{
    int64_t *n = state;

    (void)from;
    return tr_match(request, a_get) ? tr_gen_reply(1, *n) : tr_gen_unknown();
}

static tr_gen_result new_call(void *state, tr_term request, tr_term from)
{
    int64_t *n = state;

    (void)from;
    return tr_match(request, a_get) ? tr_gen_reply(2, n[0], n[1]) : tr_gen_unknown();
}

/* Extra says what happens; the new half of the state is set from it. */
static bool changes(void *state, tr_term old_version, tr_term extra)
{
    int64_t *n = state;

    CHECK(tr_match(old_version, 1));
    CHECK_INT(n[1], 0);
    n[0] += 100;
    if (tr_match(extra, a_boom))
        tr_exit(a_boom);
    return tr_match(extra, &n[1]);
}

static void told_at_the_end(void *state, tr_term reason)
{
    int64_t *n = state;
    tr_pid boss;

    (void)reason;
    if (tr_whereis(a_boss, &boss))
        tr_send(boss, a_killed, n[1]);
}

static const struct tr_gen_server old = { .name = "counter",
                                          .state_size = 8,
                                          .init = starts,
                                          .handle_call = old_call,
                                          .handle_cast = counts };
static const struct tr_gen_server new = { .name = "counter",
                                          .state_size = 16,
                                          .init = starts,
                                          .handle_call = new_call,
                                          .handle_cast = counts,
                                          .code_change = changes,
                                          .terminate = told_at_the_end };
static const struct tr_gen_server without_change = {
    .name = "counter", .state_size = 16, .init = starts, .handle_call = new_call
};
static const struct tr_gen_server same_size = {
    .name = "counter", .state_size = 8, .init = starts, .handle_call = old_call
};

static tr_pid start_old(void)
{
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&old, NULL, 5), a_ok, &pid));
    return pid;
}

static tr_term upgrade(tr_pid pid, const struct tr_gen_server *to, tr_term extra)
{
    return tr_code_upgrade(pid, &old, to, tr_build(1), extra);
}

#define CHECK_OK(term) CHECK_TERM(term, tr_build(a_ok))

TEST_PROC(server_goes_over_with_its_state_and_its_messages)
{
    tr_pid pid = start_old();

    CHECK_INT(tr_register(a_boss, tr_self()), TR_OK);
    tr_sys_suspend(pid);
    for (int i = 0; i < 3; i++)
        tr_cast(pid, a_increment);
    CHECK_OK(upgrade(pid, &new, tr_build(7)));
    CHECK_TERM(tr_call(pid, a_get), tr_build(2, 108, 7));
    CHECK_OK(upgrade(pid, &new, tr_build(7)));
    CHECK_TERM(tr_call(pid, a_get), tr_build(2, 108, 7));
    tr_stop(pid, a_normal, TR_INFINITY);
    tr_receive (m)
        tr_on (m, a_killed, 7) {
        }
}

TEST_PROC(server_that_cannot_go_over_stays_as_it_was)
{
    tr_pid pid = start_old();

    CHECK_TERM(upgrade(pid, &new, tr_build(a_why)), tr_build(a_error, a_refused));
    CHECK_TERM(upgrade(pid, &new, tr_build(a_boom)), tr_build(a_error, tr_tuple(a_EXIT, a_boom)));
    CHECK_TERM(upgrade(pid, &without_change, tr_nil()), tr_build(a_error, a_undef));
    CHECK_TERM(tr_code_upgrade(pid, &without_change, &new, tr_build(1), tr_build(7)),
               tr_build(a_error, a_other_code));
    CHECK_TERM(tr_call(pid, a_get), tr_build(1, 5));
    CHECK_OK(upgrade(pid, &same_size, tr_nil()));
    CHECK_TERM(tr_call(pid, a_get), tr_build(1, 5));
}

TEST_PROC(tree_goes_over_and_restarts_run_the_new_code)
{
    const struct tr_supervisor inner = {
        .children = TR_CHILDREN({ .server = &old, .name = "two", .arg = "2" }),
    };
    const struct tr_supervisor outer = {
        .children =
            TR_CHILDREN({ .server = &old, .name = "one", .arg = "1" },
                        { .process = silent_child, .id = "silent" }, { .supervisor = &inner }),
    };
    tr_pid sup, pid, after;

    no_reports();
    CHECK(tr_match(tr_supervisor_start_link(&outer, NULL), a_ok, &sup));
    CHECK(tr_whereis(a_one, &pid));
    CHECK_TERM(tr_code_upgrade_tree(sup, &old, &new, tr_build(1), tr_build(3)), tr_build(a_ok, 2));
    CHECK_TERM(tr_call(a_one, a_get), tr_build(2, 101, 3));
    CHECK_TERM(tr_call(a_two, a_get), tr_build(2, 102, 3));
    tr_exit_to(pid, a_boom);
    CHECK_WITHIN(patience(10000), tr_whereis(a_one, &after) && after.w != pid.w);
    CHECK_TERM(tr_call(a_one, a_get), tr_build(2, 1, 0));
}

TEST_PROC(tree_says_who_did_not_go_over)
{
    const struct tr_supervisor outer = {
        .children = TR_CHILDREN({ .server = &old, .name = "one", .arg = "1" }),
    };
    tr_pid sup, pid;

    CHECK(tr_match(tr_supervisor_start_link(&outer, NULL), a_ok, &sup));
    CHECK(tr_whereis(a_one, &pid));
    CHECK_TERM(tr_code_upgrade_tree(sup, &old, &new, tr_build(1), tr_build(a_why)),
               tr_build(a_error, tr_tuple(pid, a_refused)));
    CHECK_TERM(tr_call(a_one, a_get), tr_build(1, 1));
}

TEST_PROC_REAL(what_cannot_be_loaded_is_an_error)
{
    struct tr_code_object *code = NULL;

    no_reports();
    CHECK_INT(tr_code_load("/nowhere/counter.so", &code), TR_ENOTFOUND);
    CHECK_INT(tr_code_load("/proc/self/cmdline", &code), TR_ESYS);
    CHECK(!code);
}

/* --- state machines --- */

static tr_statem_result lamp_init(void *data, tr_term arg)
{
    (void)arg;
    *(int64_t *)data = 1;
    return tr_statem_ok(tr_tuple(a_one, 0));
}

static tr_statem_result lamp_answer(int version, const int64_t *data, tr_term state,
                                    const struct tr_event *event)
{
    if (event->type == TR_EVENT_CALL)
        return tr_keep_state(tr_reply_to(event->from, version, *data, state));
    return tr_statem_unknown();
}

static tr_statem_result old_lamp(void *data, tr_term state, const struct tr_event *event)
{
    if (event->type == TR_EVENT_CAST)
        return tr_keep_state(tr_postpone());
    return lamp_answer(1, data, state, event);
}

static tr_statem_result new_lamp(void *data, tr_term state, const struct tr_event *event)
{
    int64_t *n = data;

    if (tr_got_cast(event, a_boss)) {
        n[1]++;
        return tr_keep_state();
    }
    if (tr_got_call(event, a_increment))
        return tr_next_state(a_boom, tr_reply_to(event->from, n[1]));
    return lamp_answer(2, data, state, event);
}

static bool lamp_changes(void *data, tr_term *state, tr_term old_version, tr_term extra)
{
    int64_t *n = data;

    CHECK(tr_match(old_version, 1));
    CHECK_TERM(*state, tr_build(a_one, 0));
    n[0] += 10;
    if (tr_match(extra, a_boom))
        tr_exit(a_boom);
    *state = tr_build(a_two);
    return tr_match(extra, a_get);
}

static const struct tr_gen_statem old_machine = {
    .name = "lamp", .data_size = 8, .init = lamp_init, .handle_event = old_lamp
};
static const struct tr_gen_statem new_machine = { .name = "lamp",
                                                  .data_size = 16,
                                                  .init = lamp_init,
                                                  .handle_event = new_lamp,
                                                  .code_change = lamp_changes };
static const struct tr_gen_statem broken_machine = { .name = "lamp", .data_size = 8 };

static tr_term upgrade_machine(tr_pid pid, const struct tr_gen_statem *to, tr_term extra)
{
    return tr_code_upgrade(pid, &old_machine, to, tr_build(1), extra);
}

TEST_PROC(machine_goes_over_with_its_data_and_what_it_postponed)
{
    tr_pid pid;

    CHECK(tr_match(tr_gen_statem_start(&old_machine, NULL), a_ok, &pid));
    tr_cast(pid, a_boss);
    CHECK_TERM(tr_call(pid, a_get), tr_build(1, 1, tr_tuple(a_one, 0)));
    CHECK_TERM(upgrade_machine(pid, &new_machine, tr_build(a_why)), tr_build(a_error, a_refused));
    CHECK_TERM(upgrade_machine(pid, &new_machine, tr_build(a_boom)),
               tr_build(a_error, tr_tuple(a_EXIT, a_boom)));
    tr_term wrong;
    CHECK(tr_match(upgrade_machine(pid, &broken_machine, tr_nil()), a_error, &wrong));
    CHECK_TERM(tr_call(pid, a_get), tr_build(1, 1, tr_tuple(a_one, 0)));
    CHECK_OK(upgrade_machine(pid, &new_machine, tr_build(a_get)));
    CHECK_TERM(tr_call(pid, a_get), tr_build(2, 11, a_two));
    CHECK_TERM(tr_call(pid, a_increment), tr_build(0));
    CHECK_TERM(tr_call(pid, a_increment), tr_build(1));
    CHECK_OK(upgrade_machine(pid, &new_machine, tr_build(a_get)));
    CHECK_TERM(tr_code_upgrade(pid, &old_machine, &broken_machine, tr_build(1), tr_nil()),
               tr_build(a_error, a_other_code));
    CHECK_INT(tr_code_redirect(&old_machine, &new_machine), TR_OK);
    CHECK(tr_match(tr_gen_statem_start(&old_machine, NULL), a_ok, &pid));
    CHECK_TERM(tr_call(pid, a_get), tr_build(2, 1, tr_tuple(a_one, 0)));
}
