/* SPDX-License-Identifier: MIT */
/* Cycles of calls: found at once, whatever their length; and only those that are one. */
#include "subject.h"

tr_atoms(deadlock, start, ask, chain, next, links_to);

/* A server that, asked to, passes a call on to the next; the last of the chain closes it. */
static tr_gen_result link_init(void *state, tr_term arg)
{
    (void)arg;
    ((tr_pid *)state)->w = 0;
    return tr_gen_ok();
}

static tr_gen_result link_call(void *state, tr_term request, tr_term from)
{
    tr_pid *next = state;
    tr_term result;

    (void)from;
    if (tr_match(request, a_next, next))
        return tr_gen_reply(a_ok);
    if (next->w == 0)
        return tr_gen_reply(a_ok, 0);
    if (tr_try_call_within(TR_INFINITY, *next, &result, a_ask) == TR_EDEADLOCK)
        return tr_gen_reply(a_deadlock, result);
    return tr_gen_reply(result);
}

static const struct tr_gen_server chain_link = {
    .name = "link",
    .state_size = sizeof(tr_pid),
    .init = link_init,
    .handle_call = link_call,
};

enum { LONGEST = 50 };

/* n servers, each of which calls the next one when it is called. */
static void make_chain(tr_pid *pids, int n)
{
    for (int i = 0; i < n; i++) {
        CHECK(tr_match(tr_gen_server_start(&chain_link, NULL), a_ok, &pids[i]));
        if (i > 0)
            tr_call(pids[i - 1], a_next, pids[i]);
    }
}

static void stop_chain(const tr_pid *pids, int n)
{
    for (int i = 0; i < n; i++)
        tr_stop(pids[i], a_normal, TR_INFINITY);
}

TEST_PROC(cycle_of_any_length_is_found)
{
    tr_pid pids[LONGEST];

    for (int n = 2; n <= LONGEST; n++) {
        make_chain(pids, n);
        CHECK_TERM(tr_call(pids[0], a_ask), tr_build(a_ok, 0));
        tr_call(pids[n - 1], a_next, pids[0]);
        tr_term result, list;
        CHECK(tr_match(tr_call(pids[0], a_ask), a_deadlock, &result));
        CHECK(tr_match(result, a_deadlock, &list));
        /* The one that closes it first, then in the order of the calls. */
        for (int i = 0; i < n; i++) {
            tr_term pid;
            CHECK(tr_list_next(&list, &pid));
            CHECK(pid.w == pids[(n - 1 + i) % n].w);
        }
        CHECK(tr_is_nil(list));
        /* Nothing was harmed: all of them answer. */
        tr_call(pids[n - 1], a_next, (tr_pid){ pids[n - 1].w });
        stop_chain(pids, n);
    }
}

TEST_PROC(cycle_of_one_is_a_call_to_oneself)
{
    tr_term result;

    CHECK_INT(tr_try_call(tr_self(), &result, 1), TR_EINVAL);
    CHECK_TERM(result, tr_build(a_calling_self));
}

/* --- the exit reason, and the switch --- */

static void calls_back(tr_term arg)
{
    tr_pid server;

    CHECK(tr_match(arg, &server));
    tr_call_within(TR_INFINITY, server, a_call, tr_self(), a_echo);
}

TEST_PROC(call_that_closes_a_cycle_ends_its_caller)
{
    tr_pid server = start_subject();
    tr_ref ref;
    tr_pid client = tr_spawn_monitor(calls_back, &ref, server);
    tr_term why = tr_build(tr_tuple(a_deadlock, tr_list(server, client)),
                           tr_tuple(a_gen_server, a_call, tr_list(client, a_echo, 5000)));

    EXPECT(a_terminate, why);
    CHECK(tr_match(down_reason(ref, a_DOWN), tr_any(), tr_tuple(a_gen_server, a_call, tr_any())));
}

TEST_PROC(detection_can_be_switched_off)
{
    tr_pid pids[2];
    tr_term result;

    make_chain(pids, 2);
    tr_call(pids[1], a_next, pids[0]);
    tr_detect_deadlocks(false);
    CHECK_INT(tr_try_call_within(30, pids[0], &result, a_ask), TR_ETIMEOUT);
    tr_detect_deadlocks(true);
}

/* --- what is no cycle --- */

/* Answers the call of the one who waits from a process of its own, then calls that one. */
static void answers_for(tr_term arg)
{
    tr_term from;
    tr_pid client;

    CHECK(tr_match(arg, &from, &client));
    tr_sleep(5);
    tr_reply(from, a_ok);
}

static tr_gen_result hands_on(void *state, tr_term request, tr_term from)
{
    tr_pid client;

    (void)state;
    CHECK(tr_match(request, a_ask, &client));
    tr_call_handed_on(from);
    tr_spawn(answers_for, from, client);
    /* The client waits no longer for this server, so this is no cycle. */
    CHECK_TERM(tr_call(client, a_echo, 1), tr_build(1));
    return tr_gen_noreply();
}

static const struct tr_gen_server clerk = { .name = "clerk",
                                            .init = bare_init,
                                            .handle_call = hands_on };

TEST_PROC(request_that_was_handed_on_is_no_edge)
{
    tr_pid server;
    tr_pid client = start_subject();

    CHECK(tr_match(tr_gen_server_start(&clerk, NULL), a_ok, &server));
    CHECK_TERM(tr_call(client, a_call, server, tr_tuple(a_ask, client)), tr_build(a_ok));
    CHECK_TERM(tr_call(client, a_echo, 2), tr_build(2));
}

TEST_PROC(call_that_is_answered_later_is_no_edge)
{
    tr_pid server = start_subject();
    tr_pid client = start_subject();

    tr_cast(client, a_tell, 0);
    EXPECT(a_told, 0);
    struct tr_request request = tr_send_request(client, a_call, server, a_later);
    tr_term result;
    /* The client waits for the server, which has put the call aside and calls the client. */
    CHECK_INT(tr_wait_response(&request, 20, &result), TR_ETIMEOUT);
    struct tr_request back = tr_send_request(server, a_call, client, tr_tuple(a_echo, 1));
    CHECK_INT(tr_wait_response(&back, 20, &result), TR_ETIMEOUT);
    CHECK(tr_is_alive(server));
    tr_exit_to(client, a_kill);
}

static void waits_by_itself(tr_term arg)
{
    tr_pid server;
    tr_term cycle;

    CHECK(tr_match(arg, &server));
    tr_ref ref = tr_monitor_opt(server, .alias = TR_ALIAS_REPLY_DEMONITOR);
    CHECK_INT(tr_call_wait_begin(server, ref, &cycle), TR_OK);
    tr_send(server, tr_intern("$gen_call"), tr_tuple(tr_self(), tr_cons(tr_intern("alias"), ref)),
            tr_tuple(a_call, tr_self(), a_echo));
    tr_receive (m) {
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(),
               tr_tuple(tr_tuple(a_deadlock, tr_any()), tr_any())) {
        }
        tr_after (m, patience(10000))
            FAIL("the cycle was not found");
    }
    tr_call_wait_end(ref);
}

/* Waits for the server, and leaves that by an exit. */
static void gives_up_waiting(void *arg)
{
    tr_pid *server = arg;
    tr_term cycle;

    CHECK_INT(tr_call_wait_begin(*server, tr_make_ref(), &cycle), TR_OK);
    tr_exit(a_boss);
}

static void goes_on(tr_term arg)
{
    tr_pid server;
    tr_term reason, from, result;

    CHECK(tr_match(arg, &server));
    CHECK(tr_catch(gives_up_waiting, &server, &reason));
    struct tr_request request = tr_send_request(server, a_call, tr_self(), a_echo);
    tr_receive (m) {
        tr_on (m, tr_intern("$gen_call"), &from, a_echo)
            tr_reply(from, a_ok);
    }
    CHECK_INT(tr_wait_response(&request, patience(10000), &result), TR_OK);
    CHECK_TERM(result, tr_build(a_ok));
}

TEST_PROC(who_left_a_call_by_a_catch_waits_for_nobody)
{
    tr_ref ref;

    tr_spawn_monitor(goes_on, &ref, start_subject());
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
}

TEST_PROC(behaviour_of_ones_own_takes_part)
{
    tr_ref ref;

    tr_spawn_monitor(waits_by_itself, &ref, start_subject());
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
}
