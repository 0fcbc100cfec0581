/* SPDX-License-Identifier: MIT */
/* Calls and servers, with each allocation in them failing in turn. */
#include "faults.h"

tr_atoms(ok, error, echo, call_back, system, log);

static tr_gen_result init(void *state, tr_term arg)
{
    (void)arg;
    *(tr_term *)state = tr_keep(tr_build("a state", 1));
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    tr_term result, what;

    (void)state;
    (void)from;
    if (tr_match(request, a_echo, &what))
        return tr_gen_reply(what, "and more");
    return tr_gen_reply(tr_try_call((tr_pid){ request.w }, &result, a_echo));
}

static tr_term get_state(const void *state)
{
    return *(const tr_term *)state;
}

static const struct tr_gen_server server = {
    .name = "server",
    .state_size = sizeof(tr_term),
    .init = init,
    .handle_call = handle_call,
    .get_state = get_state,
};

static tr_pid start_server(void)
{
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start(&server, NULL), a_ok, &pid));
    return pid;
}

static bool done(tr_pid pid, bool ok)
{
    tr_exit_to(pid, a_kill);
    return ok;
}

FAULT_TEST(start_of_a_server)
{
    tr_pid pid;

    arm();
    tr_term started = tr_gen_server_start(&server, NULL, "an argument", 1);
    return tr_match(started, a_ok, &pid) && done(pid, true);
}

static void acknowledge(tr_term arg)
{
    (void)arg;
    tr_init_ack(a_ok, tr_self());
}

/* The starter is told why, or ends as the started process does. */
FAULT_TEST(start_of_a_linked_process)
{
    tr_term result = { 0 };

    tr_trap_exit(true);
    arm();
    result = tr_start_link(acknowledge, NULL);
    if (tr_match(result, a_ok, tr_any()))
        return true;
    CHECK_TERM(result, tr_build(a_error, a_out_of_memory));
    return false;
}

FAULT_TEST(a_call)
{
    tr_pid pid = start_server();
    tr_term result;

    arm();
    tr_err err = tr_try_call(pid, &result, a_echo, tr_list("one", "two"));
    return done(pid, err == TR_OK);
}

FAULT_TEST(a_request_with_a_label)
{
    tr_pid pid = start_server();
    tr_term result, label;

    arm();
    struct tr_reqids *ids = tr_reqids_new();
    tr_reqids_add(ids, tr_send_request(tr_build(pid), a_echo, 1), tr_build("label"));
    tr_err err = tr_reqids_receive(ids, TR_INFINITY, &result, &label);
    return done(pid, err == TR_OK);
}

FAULT_TEST(a_cycle_of_calls)
{
    tr_pid pid = start_server();
    tr_term result;

    arm();
    tr_err err = tr_try_call(pid, &result, tr_self());
    bool broken = err == TR_OK && tr_match(result, TR_EDEADLOCK);
    return done(pid, broken);
}

/* Sends a system message; true when it was answered. */
static bool ask(tr_pid pid, tr_ref watch, tr_term request)
{
    tr_ref tag = tr_make_ref();
    bool answered = false;

    tr_send(pid, a_system, tr_tuple(tr_self(), tag), request);
    tr_receive (m) {
        tr_on (m, tag, tr_any())
            answered = true;
        tr_on (m, a_DOWN, watch, tr_any(), tr_any(), tr_any()) {
        }
    }
    return answered;
}

FAULT_TEST(system_messages)
{
    tr_pid pid = start_server();
    tr_ref watch = tr_monitor(pid);
    tr_term result;

    arm();
    bool ok = ask(pid, watch, tr_build(tr_intern("debug"), tr_tuple(a_log, true))) &&
              tr_try_call(pid, &result, a_echo, 1) == TR_OK &&
              ask(pid, watch, tr_build(tr_intern("get_state"))) &&
              ask(pid, watch, tr_build(tr_intern("get_status")));
    return done(pid, ok);
}
