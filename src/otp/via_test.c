/* SPDX-License-Identifier: MIT */
/* Names through via modules, wherever a name is wanted. */
#include "subject.h"

tr_atoms(via, already_started, Registry, reg, dup, key, phones, yes, unknown, nil, ask, get,
         nowhere);

static tr_term name_of(tr_atom registry, const char *key)
{
    return tr_build(a_via, a_Registry, tr_tuple(registry, key));
}

static tr_gen_result init(void *state, tr_term arg)
{
    *(tr_term *)state = tr_keep(arg);
    if (tr_match(arg, a_stop))
        return tr_gen_stop(a_stop);
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    (void)from;
    return tr_gen_reply(tr_match(request, a_get) ? *(tr_term *)state : request);
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    tr_pid pid;

    (void)state;
    if (tr_match(message, a_ask, &pid))
        tr_send(pid, a_yes);
    return tr_gen_noreply();
}

static const struct tr_gen_server server = { .name = "server",
                                             .state_size = sizeof(tr_term),
                                             .init = init,
                                             .handle_call = handle_call,
                                             .handle_cast = handle_info,
                                             .handle_info = handle_info };

static void start_registries(void)
{
    tr_pid pid;

    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE)), a_ok,
                   &pid));
    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_dup, .keys = TR_DUPLICATE)),
                   a_ok, &pid));
}

static void expect_yes(void)
{
    tr_receive (m)
        tr_on (m, a_yes) {
        }
}

TEST_PROC(server_named_through_a_registry)
{
    FACT("NAME-007 NAME-008 NAME-023", "a server is addressed, and found, by {via, Registry, {Reg, "
                                       "Key}}; its value is nil, or the third element of the name");
    tr_term name = name_of(a_reg, "one");
    tr_pid pid, found, two;

    start_registries();
    CHECK(tr_match(tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.via = name), 5), a_ok,
                   &pid));
    CHECK(tr_whereis_server(name, &found) && found.w == pid.w);
    CHECK_TERM(tr_registry_lookup(a_reg, "one"), tr_build(tr_list(tr_tuple(pid, a_nil))));
    CHECK_TERM(tr_call(name, a_get), tr_build(5));
    tr_cast(name, a_ask, tr_self());
    expect_yes();
    tr_send(name, a_ask, tr_self());
    expect_yes();
    struct tr_request r = tr_send_request(name, a_get);
    tr_term result;
    CHECK_INT(tr_receive_response(&r, 5000, &result), TR_OK);
    tr_term with_value = tr_build(a_via, a_Registry, tr_tuple(a_reg, "two", "value"));
    CHECK(
        tr_match(tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.via = with_value)), a_ok, &two));
    CHECK_TERM(tr_registry_lookup(a_reg, "two"), tr_build(tr_list(tr_tuple(two, "value"))));
    tr_stop(name, a_normal, TR_INFINITY);
    CHECK(!tr_whereis_server(name, &found));
}

TEST_PROC(taken_via_name)
{
    FACT("NAME-009 NAME-013 NAME-024", "a start under a via name that a live server holds returns "
                                       "{error, {already_started, Pid}}, and init does not run");
    tr_term name = name_of(a_reg, "one"), taken;
    struct tr_gen_server_opts opts = { .via = name };
    tr_pid pid;

    start_registries();
    CHECK(tr_match(tr_gen_server_start(&server, &opts), a_ok, &pid));
    taken = tr_build(a_error, tr_tuple(a_already_started, pid));
    CHECK_TERM(tr_gen_server_start(&server, &opts, a_stop), taken);
    CHECK_TERM(tr_gen_server_start_link(&server, &opts, a_stop), taken);
    CHECK_TERM(tr_gen_server_start_monitor(&server, &opts, a_stop), taken);
    tr_exit_to(pid, a_kill);
    CHECK(!tr_is_alive(pid));
    CHECK(tr_match(tr_gen_server_start(&server, &opts), a_ok, &pid));
}

/* --- names that are none --- */

static void starts(void *name)
{
    tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.via = *(tr_term *)name));
}

TEST_PROC(bad_via_name_is_refused)
{
    FACT("NAME-010 NAME-011",
         "a name of another form, or with an unknown module, is refused before "
         "anything starts; none is no name");
    tr_term bad[] = { tr_build("text"), tr_build(a_via, a_reg), tr_build(a_via, a_unknown, 1),
                      tr_build(a_reg) };
    tr_term reason;
    tr_pid pid;

    start_registries();
    int64_t before = tr_process_count();
    for (size_t i = 0; i < 4; i++) {
        CHECK(tr_catch(starts, &bad[i], &reason));
        CHECK_TERM(reason, tr_build(a_badarg, bad[i]));
    }
    CHECK_WITHIN(10000, tr_process_count() == before);
    CHECK(tr_match(tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.timeout_ms = 0)), a_ok, &pid));
}

static void sends(void *to)
{
    tr_send(*(tr_term *)to, 1);
}

TEST_PROC(name_that_nobody_has)
{
    FACT("NAME-014",
         "a call of a via name that nobody has ends the caller with noproc; a cast to it "
         "does nothing");
    tr_term name = name_of(a_reg, "nobody"), result;
    tr_pid pid;

    start_registries();
    CHECK_INT(tr_try_call(name, &result, a_get), TR_ENOPROC);
    CHECK_TERM(result, tr_build(a_noproc));
    tr_cast(name, a_get);
    CHECK(!tr_whereis_server(name, &pid));
    struct tr_request r = tr_send_request(name, a_get);
    CHECK_INT(tr_receive_response(&r, 5000, &result), TR_ENOPROC);
    CHECK(tr_catch(sends, &name, &result));
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(duplicate_registry_is_no_via)
{
    FACT("NAME-028", "a registry with duplicate keys as a via name is badarg");
    tr_term name = name_of(a_dup, "x"), reason;

    start_registries();
    CHECK(tr_catch(sends, &name, &reason));
    CHECK(tr_match(reason, tr_tuple(a_badarg, tr_any()), tr_any()));
}

/* --- a module of the program's own --- */

static tr_pid phone;

static bool phone_register(tr_term name, tr_pid pid)
{
    CHECK(tr_match(name, "112"));
    if (phone.w)
        return false;
    phone = pid;
    return true;
}

static void phone_unregister(tr_term name)
{
    (void)name;
    phone.w = 0;
}

static bool phone_whereis(tr_term name, tr_pid *pid)
{
    if (!phone.w || !tr_match(name, "112"))
        return false;
    *pid = phone;
    return true;
}

TEST_PROC(module_of_the_programs_own)
{
    FACT("NAME-012", "a via module registers, unregisters and finds names; sending to one that is "
                     "not there is badarg");
    static const struct tr_via phones = { "phones", phone_register, phone_unregister,
                                          phone_whereis };
    static const struct tr_via impostor = { .name = "phones" };
    tr_term name = tr_build(a_via, a_phones, "112"), reason, term;
    tr_pid pid;

    CHECK_INT(tr_via_add(&phones), TR_OK);
    CHECK_INT(tr_via_add(&phones), TR_OK);
    CHECK_INT(tr_via_add(&impostor), TR_EEXIST);
    CHECK(tr_via_module(name, &term) == &phones && tr_match(term, "112"));
    CHECK(tr_catch(sends, &name, &reason));
    CHECK_TERM(reason, tr_build(a_badarg, name));
    CHECK(tr_match(tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.via = name), 7), a_ok, &pid));
    CHECK_TERM(tr_call(name, a_get), tr_build(7));
    CHECK_TERM(tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.via = name)),
               tr_build(a_error, tr_tuple(a_already_started, pid)));
    phones.unregister_name(term);
    CHECK(!tr_whereis_server(name, &pid));
}
