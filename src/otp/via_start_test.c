/* SPDX-License-Identifier: MIT */
/* Names through via modules, for all that can be started under a name. */
#include "dolls.h"

tr_atoms(Registry, via, reg, server, machine, ask, yes, tree, badarg, parts);

static tr_term name_of(tr_atom key)
{
    return tr_build(a_via, a_Registry, tr_tuple(a_reg, key));
}

static tr_gen_result server_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result server_call(void *state, tr_term request, tr_term from)
{
    (void)state;
    (void)from;
    return tr_gen_reply(request);
}

static const struct tr_gen_server plain_server = { .name = "server",
                                                   .init = server_init,
                                                   .handle_call = server_call };

static void plain_process(tr_term arg)
{
    tr_pid who;

    CHECK_TERM(arg, tr_build(a_x));
    for (;;)
        tr_receive (m) {
            tr_on (m, a_ask, &who)
                tr_send(who, a_yes);
            tr_on (m, a_leave)
                return;
        }
}

static tr_pid start_registry(void)
{
    tr_pid pid = { 0 };

    begin();
    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE)), a_ok,
                   &pid));
    return pid;
}

/* The pid that started says; the name means it, and a second start finds it taken. */
static tr_pid holds(tr_atom key, tr_term started)
{
    tr_pid pid = { 0 }, found = { 0 };

    CHECK(tr_match(started, a_ok, &pid));
    CHECK(tr_whereis_server(name_of(key), &found) && found.w == pid.w);
    return pid;
}

static bool is_taken(tr_term result, tr_pid holder)
{
    return tr_equal(result, tr_build(a_error, tr_tuple(a_already_started, holder)));
}

TEST_PROC(whatever_has_start_options_takes_a_via_name)
{
    FACT("DYN-004", "a dynamic supervisor, as any other server, can be named through via");
    FACT("NAME-009", "so can the others that are servers; a name that is taken is already_started");
    const struct tr_supervisor nobody = { .name = "nobody" };
    const struct tr_gen_server_opts opts[] = { { .via = name_of(a_server) },
                                               { .via = name_of(a_machine) },
                                               { .via = name_of(a_sup) },
                                               { .via = name_of(a_tree) },
                                               { .via = name_of(a_e) } };
    const struct tr_task_supervisor_opts tasks = { .via = name_of(a_x) };
    start_registry();

    tr_pid pid = holds(a_server, tr_gen_server_start_link(&plain_server, &opts[0]));
    CHECK(is_taken(tr_gen_server_start_link(&plain_server, &opts[0]), pid));
    pid = holds(a_machine, tr_gen_statem_start_link(&idle_machine, &opts[1]));
    CHECK(is_taken(tr_gen_statem_start_link(&idle_machine, &opts[1]), pid));
    pid = holds(a_sup, tr_supervisor_start_link(&nobody, &opts[2]));
    CHECK(is_taken(tr_supervisor_start_link(&nobody, &opts[2]), pid));
    CHECK_TERM(tr_supervisor_which_children(name_of(a_sup)), tr_nil());
    pid = holds(a_tree, tr_dynamic_supervisor_start_link(NULL, &opts[3]));
    CHECK(is_taken(tr_dynamic_supervisor_start_link(NULL, &opts[3]), pid));
    CHECK_TERM(tr_dynamic_supervisor_which_children(name_of(a_tree)), tr_nil());
    pid = holds(a_e, tr_gen_event_start_link(&opts[4]));
    CHECK(is_taken(tr_gen_event_start_link(&opts[4]), pid));
    pid = holds(a_x, tr_task_supervisor_start_link(&tasks));
    CHECK(is_taken(tr_task_supervisor_start_link(&tasks), pid));
}

static tr_term agent_state(tr_term arg)
{
    return arg;
}

static tr_term same(tr_term state, tr_term arg)
{
    (void)arg;
    return state;
}

TEST_PROC(agent_with_a_via_name)
{
    FACT("AGENT-009", "an agent can be named through a registry, and used by that name");
    const struct tr_agent_opts opts = { .via = name_of(a_a) };

    start_registry();
    tr_pid pid = holds(a_a, tr_agent_start_link(agent_state, &opts, 7));
    CHECK(is_taken(tr_agent_start_link(agent_state, &opts, 8), pid));
    CHECK_TERM(tr_agent_get(name_of(a_a), same), tr_build(7));
}

/* --- children --- */

static const struct tr_supervisor nested = { .name = "nested" };
static const struct tr_dynamic_supervisor nested_dynamic = { .name = "nested_dynamic" };
static const struct tr_partition_supervisor nested_parts = { .child = { .server = &plain_server },
                                                             .partitions = 2 };

#define VIA(key) "{via, 'Registry', {reg, " key "}}"

static const struct tr_supervisor named_tree = {
    .children = TR_CHILDREN({ .server = &plain_server, .via = VIA("server") },
                            { .statem = &idle_machine, .via = VIA("machine") },
                            { .process = plain_process, .id = "p", .via = VIA("p"), .arg = "x" },
                            { .supervisor = &nested, .via = VIA("nested") },
                            { .dynamic_supervisor = &nested_dynamic, .via = VIA("dynamic") },
                            { .partition_supervisor = &nested_parts, .via = VIA("parts") }),
};

static tr_pid holder(const char *key)
{
    tr_pid pid = { 0 };

    CHECK(tr_whereis_server(name_of(tr_intern(key)), &pid));
    return pid;
}

TEST_PROC(children_of_every_kind_take_via_names)
{
    tr_pid sup, pid, again = { 0 };
    tr_term process = name_of(tr_intern("p"));

    start_registry();
    CHECK(tr_match(tr_supervisor_start_link(&named_tree, NULL), a_ok, &sup));
    CHECK_TERM(tr_call(name_of(a_server), a_ask), tr_build(a_ask));
    holder("machine");
    CHECK_TERM(tr_supervisor_which_children(name_of(tr_intern("nested"))), tr_nil());
    CHECK_TERM(tr_dynamic_supervisor_which_children(name_of(tr_intern("dynamic"))), tr_nil());
    CHECK_INT(tr_partition_count(name_of(a_parts)), 2);
    tr_send(process, a_ask, tr_self());
    tr_receive (m)
        tr_on (m, a_yes) {
        }
    /* The name belongs to the child: it has it again after a restart. */
    pid = holder("p");
    tr_exit_to(pid, a_kill);
    CHECK_WITHIN(patience(10000), tr_whereis_server(process, &again) && again.w != pid.w);
    end_sup(sup);
    CHECK(!tr_whereis_server(process, &again));
}

TEST_PROC(children_added_later_take_via_names)
{
    tr_pid sup, dynamic, pid, other = { 0 };
    tr_term spec;

    start_registry();
    CHECK(tr_match(tr_supervisor_start_link(&nested, NULL), a_ok, &sup));
    CHECK(tr_match(tr_dynamic_supervisor_start_link(NULL, NULL), a_ok, &dynamic));
    pid = holds(a_a, tr_supervisor_start_child(
                         sup, TR_CHILD(.server = &plain_server, .via_term = name_of(a_a))));
    CHECK(tr_match(tr_supervisor_get_childspec(sup, "server"), a_ok, &spec));
    pid = holds(a_b, tr_dynamic_supervisor_start_child(
                         dynamic, TR_CHILD(.server = &plain_server, .via = VIA("b"))));
    CHECK(is_taken(tr_dynamic_supervisor_start_child(
                       dynamic, TR_CHILD(.server = &plain_server, .via = VIA("b"))),
                   pid));
    CHECK_TERM(tr_dynamic_supervisor_terminate_child(dynamic, pid), tr_build(a_ok));
    /* What get_childspec gave starts the same child again, under the same name. */
    CHECK_TERM(tr_supervisor_terminate_child(sup, "server"), tr_build(a_ok));
    CHECK(!tr_whereis_server(name_of(a_a), &other));
    pid = holds(a_a, tr_dynamic_supervisor_start_child_term(tr_build(dynamic), spec));
    end_sup(dynamic);
    end_sup(sup);
}

TEST_PROC(bad_via_name_of_a_child_is_told)
{
    tr_pid dynamic;
    tr_term reason;

    start_registry();
    CHECK(tr_match(tr_dynamic_supervisor_start_link(NULL, NULL), a_ok, &dynamic));
    CHECK(tr_match(tr_dynamic_supervisor_start_child(
                       dynamic, TR_CHILD(.server = &plain_server, .via = "{via, nowhere, x}")),
                   a_error, &reason));
    CHECK(tr_match(reason, a_badarg, tr_tuple(a_via, tr_any(), a_x)));
    CHECK(tr_match(tr_dynamic_supervisor_start_child(
                       dynamic, TR_CHILD(.process = plain_process, .via = "{via,")),
                   a_error, &reason));
    CHECK_TERM(reason, tr_build(a_badarg, "{via,"));
    end_sup(dynamic);
}

/* --- partitions --- */

static tr_pid parts_under(tr_atom key)
{
    const struct tr_gen_server_opts opts = { .via = name_of(key) };

    return holds(key, tr_partition_supervisor_start_link(&nested_parts, &opts));
}

static void looks_up(tr_term unused)
{
    (void)unused;
    tr_partition(name_of(a_parts), 0);
}

TEST_PROC(partitions_are_found_by_a_via_name)
{
    FACT("DYN-028", "the name of a partition supervisor may be a via name");
    tr_pid pid, other;
    tr_term reason;
    tr_ref ref;

    start_registry();
    tr_pid sup = parts_under(a_parts), second = parts_under(a_b);
    CHECK_INT(tr_try_partition(name_of(a_parts), &pid, 1), TR_OK);
    CHECK(
        tr_match(tr_supervisor_which_child(sup, 1), a_ok, tr_tuple(1, &other, tr_any(), tr_any())));
    CHECK(pid.w == other.w && tr_partition(name_of(a_b), 1).w != pid.w);
    CHECK_INT(tr_partition_resize(name_of(a_parts), 1), 2);
    CHECK_INT(tr_partition_count(name_of(a_parts)), 1);
    end_sup(sup);
    CHECK_INT(tr_try_partition(name_of(a_parts), &pid, 1), TR_ENOPROC);
    tr_spawn_monitor(looks_up, &ref);
    reason = down_reason(ref, a_DOWN);
    CHECK(tr_match(reason, a_noproc, name_of(a_parts)));
    sup = parts_under(a_parts);
    CHECK(tr_is_alive(tr_partition(name_of(a_parts), 1)));
    end_sup(sup);
    end_sup(second);
}
