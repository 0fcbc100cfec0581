/* SPDX-License-Identifier: MIT */
/* Calls, and requests whose answer is fetched later: what the caller sees. */
#include "subject.h"

tr_atoms(nodedown, noconnection, deadlock, one, two);
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");
tr_atom_as(a_alias, "alias");
tr_atom_as(a_here, "nonode@nohost");

#define TIMEOUT(n) tr_build(n)

/* --- call --- */

TEST_PROC(call_returns_the_reply)
{
    FACT("GS-009", "call blocks until the reply arrives; with infinity for ever");
    FACT("GS-015", "reply is sent to the caller; after noreply it waits on");
    tr_pid pid = start_subject();

    CHECK_TERM(tr_call(pid, a_echo, tr_tuple("text", tr_list(1, 2.5))),
               tr_build("text", tr_list(1, 2.5)));
    CHECK_TERM(tr_call_within(TR_INFINITY, tr_build(pid), a_sleep, 20), tr_build(a_ok, 1));
    tr_pid caller = tr_spawn(calls, pid, 60000, a_later);
    tr_ref ref = tr_monitor(caller);
    tr_sleep(10);
    CHECK(tr_is_alive(caller));
    tr_cast(pid, a_answer, tr_tuple(1, 2));
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_reply, tr_tuple(1, 2)));
}

/* Sends to the caller as fast as it may. */
static void disturbs(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    for (int64_t i = 0; i < 500; i++)
        tr_send(to, a_two, i, tr_tuple(i, "text"));
    tr_send(to, a_one);
}

/* That one answer of each shape comes whole, and the clauses that are open keep their messages. */
static void check_answers(tr_pid pid)
{
    const tr_term answers[] = { tr_build(1),
                                tr_nil(),
                                tr_build(tr_tuple()),
                                tr_build(a_ok, pid),
                                tr_build(1, 2, 3, tr_make_ref()),
                                tr_build(1, 2, 3, 4, 5),
                                tr_build(a_ok, "a text"),
                                tr_build(a_ok, tr_list(1, 2)),
                                tr_build(tr_list(1, 2)),
                                tr_build(2.5) };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        CHECK_TERM(tr_call(pid, a_echo, answers[i]), answers[i]);
        CHECK_TERM(tr_call_within(TR_INFINITY, pid, a_echo, answers[i]), answers[i]);
    }
}

TEST_PROC(answers_of_any_shape_come_whole_and_alone_or_not)
{
    tr_pid pid = start_subject();
    bool more = true;
    int64_t n, next = 0;
    tr_term part;

    check_answers(pid);
    CHECK_MAILBOX(0);
    tr_spawn(disturbs, tr_self());
    while (more) {
        tr_receive (m) {
            tr_on (m, a_two, &n, &part) {
                CHECK_INT(n, next++);
                if (n % 50 == 0)
                    check_answers(pid);
                CHECK_TERM(part, tr_build(n, "text"));
            }
            tr_on (m, a_one)
                more = false;
        }
    }
    CHECK_INT(next, 500);
    CHECK_MAILBOX(0);
    CHECK_TERM(info(tr_self(), tr_intern("monitors")), tr_nil());
}

static void calls_from_where_messages_are_dropped(tr_term arg)
{
    tr_pid pid;
    tr_term result;

    CHECK(tr_match(arg, &pid));
    tr_set_max_mailbox(2, TR_MAILBOX_DROP_OLDEST);
    tr_spawn(disturbs, tr_self());
    for (int i = 0; i < 5; i++) {
        check_answers(pid);
        CHECK_INT(tr_try_call_within(1, pid, &result, a_later), TR_ETIMEOUT);
    }
}

TEST_PROC(answers_come_past_a_mailbox_that_drops_what_others_send)
{
    tr_ref ref;
    tr_pid pid = start_subject();

    tr_spawn_monitor(calls_from_where_messages_are_dropped, &ref, pid);
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_normal));
}

TEST_PROC(timeout_ends_the_caller_and_not_the_server)
{
    FACT("GS-010", "on timeout the caller exits with {timeout, {gen_server, call, [Server, "
                   "Request, Timeout]}}; the server is unaffected");
    tr_pid pid = start_subject();
    tr_term result;

    CHECK_TERM(end_of_caller(tr_build(pid), 10, tr_build(a_later)),
               call_failed(tr_build(a_timeout), tr_build(pid), tr_build(a_later), TIMEOUT(10)));
    tr_cast(pid, a_answer, 1);
    CHECK_INT(tr_try_call_within(1, pid, &result, a_sleep, 30), TR_ETIMEOUT);
    CHECK_TERM(result, tr_build(a_timeout));
    CHECK_INT(tr_try_call_within(0, pid, &result, a_later), TR_ETIMEOUT);
    CHECK_TERM(tr_call(pid, a_echo, 2), tr_build(2));
    CHECK_MAILBOX(0);
}

TEST_PROC(call_to_nobody_fails)
{
    FACT("GS-011", "call to a dead pid or unknown name exits with {noproc, ...}");
    FACT("GS-014", "call to a node that is not there exits with {{nodedown, Node}, ...}");
    tr_term nowhere = tr_build(a_worker, tr_intern("no@where"));
    tr_term down = tr_build(a_nodedown, tr_intern("no@where"));
    tr_term result;
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(returning_child, &ref);

    down_reason(ref, a_DOWN);
    CHECK_TERM(end_of_caller(tr_build(pid), 10, tr_build(1)),
               call_failed(tr_build(a_noproc), tr_build(pid), tr_build(1), TIMEOUT(10)));
    CHECK_TERM(
        end_of_caller(tr_build(a_worker), TR_INFINITY, tr_build(1)),
        call_failed(tr_build(a_noproc), tr_build(a_worker), tr_build(1), tr_build(a_infinity)));
    CHECK_TERM(end_of_caller(nowhere, 10, tr_build(1)),
               call_failed(down, nowhere, tr_build(1), TIMEOUT(10)));
    CHECK_INT(tr_try_call(pid, &result, 1), TR_ENOPROC);
    CHECK_TERM(result, tr_build(a_noproc));
    CHECK_INT(tr_try_call(nowhere, &result, 1), TR_ENOPROC);
    CHECK_TERM(result, down);
    CHECK_MAILBOX(0);
}

TEST_PROC(server_that_ends_during_a_call_gives_its_reason)
{
    FACT("GS-012 GS-016", "a server that ends without a reply gives the caller its reason, also "
                          "normal and shutdown");
    const tr_term reasons[] = { tr_build(a_normal), tr_build(a_shutdown), tr_build(a_shutdown, 1),
                                tr_build(a_why, "text") };

    for (int i = 0; i < 4; i++) {
        tr_pid pid = start_subject();
        tr_term request = tr_build(a_stop, reasons[i]);
        CHECK_TERM(end_of_caller(tr_build(pid), 5000, request),
                   call_failed(reasons[i], tr_build(pid), request, TIMEOUT(5000)));
        EXPECT(a_terminate, reasons[i]);
        tr_term result;
        CHECK_INT(tr_try_call(start_subject(), &result, a_stop, reasons[i]), TR_ECLOSED);
        CHECK_TERM(result, reasons[i]);
        EXPECT(a_terminate, reasons[i]);
    }
    tr_pid pid = start_subject();
    CHECK_TERM(tr_call(pid, a_stop, a_shutdown, "bye"), tr_build("bye"));
    EXPECT(a_terminate, a_shutdown);
    CHECK_MAILBOX(0);
}

static void calls_itself(tr_term arg)
{
    tr_term to;

    CHECK_INT(tr_register(a_worker, tr_self()), TR_OK);
    if (tr_match(arg, 1))
        to = tr_build(tr_self());
    else if (tr_match(arg, 2))
        to = tr_build(a_worker);
    else
        to = tr_build(a_worker, a_here);
    tr_call(to, a_echo);
}

TEST_PROC(call_to_oneself_fails_at_once)
{
    FACT("GS-013", "call to oneself, by pid or name, exits with {calling_self, ...}");
    tr_term why, to;
    tr_ref ref;

    for (int i = 1; i <= 3; i++) {
        tr_spawn_monitor(calls_itself, &ref, i);
        CHECK(tr_match(down_reason(ref, a_DOWN), &why,
                       tr_tuple(a_gen_server, a_call, tr_list(&to, a_echo, 5000))));
        CHECK_TERM(why, tr_build(a_calling_self));
    }
}

TEST_PROC(call_takes_only_its_own_messages)
{
    FACT("GS-017", "call consumes only its own reply or 'DOWN'");
    tr_pid pid = start_subject();
    tr_ref ref = tr_make_ref();

    tr_send(tr_self(), tr_cons(a_alias, ref), 1);
    tr_send(tr_self(), a_DOWN, ref, a_process, pid, a_normal);
    CHECK_TERM(tr_call(pid, a_echo, 1), tr_build(1));
    CHECK_MAILBOX(2);
    tr_receive (m)
        tr_on (m, tr_cons(a_alias, ref), 1) {
        }
    EXPECT(a_DOWN, ref, a_process, pid, a_normal);
}

/* How long it takes to look through the mailbox so often, in vain. */
static int64_t time_of_looking(int times)
{
    int64_t started = tr_monotonic_ns();

    for (int i = 0; i < times; i++) {
        tr_receive (m) {
            tr_on (m, a_told) {
            }
            tr_after (m, 0) {
            }
        }
    }
    return tr_monotonic_ns() - started;
}

TEST_PROC_REAL(call_behind_many_messages_looks_at_none_of_them)
{
    tr_pid pid = start_subject();

    for (int i = 0; i < 100000; i++)
        tr_send(tr_self(), i);
    tr_call(pid, a_echo, 1);
    int64_t started = tr_monotonic_ns();
    for (int i = 0; i < 1000; i++)
        CHECK_TERM(tr_call(pid, a_echo, i), tr_build(i));
    CHECK(tr_monotonic_ns() - started < time_of_looking(1000));
    CHECK_MAILBOX(100000);
}

static void calls_badly(tr_term arg)
{
    tr_term result;

    tr_err err = tr_try_call_within(-1, arg, &result, a_tell, 1);
    tr_exit(err);
}

TEST_PROC(invalid_timeout_sends_nothing)
{
    FACT("GS-018", "a negative timeout is an argument error, and no request is sent");
    tr_ref ref;

    tr_spawn_monitor(calls_badly, &ref, tr_self());
    CHECK_TERM(down_reason(ref, a_DOWN), tr_build(a_badarg, -1));
    CHECK_MAILBOX(0);
}

/* --- the shapes --- */

static void calls_boss(tr_term arg)
{
    tr_pid boss;

    tr_match(arg, &boss);
    tr_term reply = tr_call(boss, a_echo, 1);
    tr_cast(boss, a_told, reply);
}

TEST_PROC(shapes_are_those_of_otp)
{
    FACT("GS-051", "a call is {'$gen_call', {Client, Tag}, Request}, its reply {Tag, Reply}");
    FACT("GS-052", "[alias|Ref] and [[alias|Ref]|_] are answered through the alias");
    FACT("GS-053", "a cast is {'$gen_cast', Request}");
    tr_pid caller = tr_spawn(calls_boss, tr_self());
    tr_ref alias, tag;
    tr_pid pid;

    tr_receive (m)
        tr_on (m, a_gen_call, tr_tuple(&pid, tr_cons(a_alias, &alias)), tr_tuple(a_echo, 1)) {
            CHECK(pid.w == caller.w);
            tr_send(alias, tr_cons(a_alias, alias), "reply");
        }
    EXPECT(a_gen_cast, tr_tuple(a_told, "reply"));

    pid = start_subject();
    alias = tr_alias();
    tag = tr_make_ref();
    tr_send(pid, a_gen_call, tr_tuple(tr_self(), tag), tr_tuple(a_echo, 1));
    EXPECT(tag, 1);
    tr_send(pid, a_gen_call, tr_tuple(caller, tr_cons(a_alias, alias)), tr_tuple(a_echo, 2));
    EXPECT(tr_cons(a_alias, alias), 2);
    tr_send(pid, a_gen_call, tr_tuple(caller, tr_cons(tr_cons(a_alias, alias), "more")),
            tr_tuple(a_echo, 3));
    EXPECT(tr_cons(tr_cons(a_alias, alias), "more"), 3);
    tr_unalias(alias);
    tr_send(pid, a_gen_call, tr_tuple(tr_self(), tr_cons(a_alias, alias)), tr_tuple(a_echo, 4));
    CHECK_TERM(tr_call(pid, a_echo, 5), tr_build(5));
    CHECK_MAILBOX(0);
}

/* --- several servers --- */

TEST_PROC(multi_call_says_who_answered)
{
    FACT("GS-026", "multi_call gives {Replies, BadNodes}; nodes that are not there, have no such "
                   "name or do not answer in time are bad");
    tr_atom nowhere = tr_intern("no@where");
    tr_pid pid = start_subject();

    CHECK_INT(tr_register(a_worker, pid), TR_OK);
    CHECK_TERM(tr_multi_call(5000, tr_build(tr_list(a_here, nowhere)), a_worker, a_echo, 1),
               tr_build(tr_list(tr_tuple(a_here, 1)), tr_list(nowhere)));
    CHECK_TERM(tr_multi_call(5000, tr_build(tr_list(a_here)), a_boss, a_echo, 1),
               tr_build(tr_nil(), tr_list(a_here)));
    CHECK_TERM(tr_multi_call(5, tr_build(tr_list(a_here)), a_worker, a_later),
               tr_build(tr_nil(), tr_list(a_here)));
    tr_cast(pid, a_answer, 1);
    tr_call(pid, a_echo, 1);
    CHECK_MAILBOX(0);
}

/* --- requests --- */

TEST_PROC(response_is_fetched_later)
{
    FACT("GS-045", "send_request returns at once; the response is a reply, or an error with the "
                   "reason and the server");
    tr_pid pid = start_subject();
    tr_term result;

    struct tr_request request = tr_send_request(pid, a_echo, tr_tuple("long", 1));
    CHECK_INT(tr_receive_response(&request, patience(5000), &result), TR_OK);
    CHECK_TERM(result, tr_build("long", 1));
    request = tr_send_request(tr_build(pid), a_stop, a_why);
    CHECK_INT(tr_wait_response(&request, patience(5000), &result), TR_ECLOSED);
    CHECK_TERM(result, tr_build(a_why, pid));
    EXPECT(a_terminate, a_why);
    request = tr_send_request(pid, 1);
    CHECK_INT(tr_wait_response(&request, TR_INFINITY, &result), TR_ENOPROC);
    CHECK_TERM(result, tr_build(a_noproc, pid));
    CHECK_MAILBOX(0);
}

/* Takes one request and answers it with what it asks. */
static void answer_one(void)
{
    tr_term from, request;

    tr_receive (m)
        tr_on (m, a_gen_call, &from, &request)
            tr_reply(from, request);
}

static void answers_two(tr_term arg)
{
    (void)arg;
    answer_one();
    answer_one();
    tr_exit(a_why);
}

TEST_PROC(request_to_oneself_is_answered_like_any)
{
    tr_term result;
    struct tr_request request = tr_send_request(tr_self(), a_echo, "text");

    answer_one();
    CHECK_INT(tr_receive_response(&request, patience(5000), &result), TR_OK);
    CHECK_TERM(result, tr_build(a_echo, "text"));
    CHECK_MAILBOX(0);
}

/* The monitor comes before the request there, too: the third one learns of the end. */
TEST_PROC(requests_to_a_process_with_caps_are_answered)
{
    const struct tr_spawn_opts opts = { .max_mailbox = 1 };
    tr_pid pid = tr_spawn_opt(answers_two, &opts);
    tr_term result;

    struct tr_request one = tr_send_request(pid, 1);
    struct tr_request two = tr_send_request(pid, "two");
    struct tr_request three = tr_send_request(pid, 3);
    CHECK_INT(tr_receive_response(&one, patience(5000), &result), TR_OK);
    CHECK_TERM(result, tr_build(1));
    CHECK_INT(tr_receive_response(&two, patience(5000), &result), TR_OK);
    CHECK_TERM(result, tr_build("two"));
    tr_err err = tr_receive_response(&three, patience(5000), &result);
    CHECK(err == TR_ECLOSED || err == TR_ENOPROC);
    CHECK_MAILBOX(0);
}

TEST_PROC(request_to_nobody_has_a_response)
{
    FACT("GS-046", "send_request to an unknown name does not fail: its response is noproc, for "
                   "another node noconnection");
    tr_term nowhere = tr_build(a_worker, tr_intern("no@where"));
    tr_term result;

    struct tr_request request = tr_send_request(a_worker, 1);
    CHECK_INT(tr_receive_response(&request, 1000, &result), TR_ENOPROC);
    CHECK_TERM(result, tr_build(a_noproc, a_worker));
    request = tr_send_request(nowhere, 1);
    CHECK_INT(tr_receive_response(&request, 1000, &result), TR_ENOPROC);
    CHECK_TERM(result, tr_build(a_noconnection, nowhere));
}

TEST_PROC(waiting_keeps_a_request_open_and_receiving_does_not)
{
    FACT("GS-047", "wait_response keeps the request after a timeout; receive_response abandons it");
    tr_pid pid = start_subject();
    tr_term result;

    struct tr_request request = tr_send_request(pid, a_later);
    CHECK_INT(tr_wait_response(&request, 1, &result), TR_ETIMEOUT);
    tr_cast(pid, a_answer, 1);
    CHECK_INT(tr_wait_response(&request, patience(5000), &result), TR_OK);
    CHECK_TERM(result, tr_build(1));
    request = tr_send_request(pid, a_later);
    CHECK_INT(tr_receive_response(&request, 1, &result), TR_ETIMEOUT);
    tr_cast(pid, a_answer, 2);
    tr_call(pid, a_echo, 1);
    CHECK_MAILBOX(0);
}

TEST_PROC(message_is_checked_for_being_the_response)
{
    FACT("GS-048", "check_response of another message says so");
    tr_pid pid = start_subject();
    struct tr_request request = tr_send_request(pid, a_echo, 1);
    tr_err err = TR_EINVAL;
    tr_term message, result;

    CHECK_INT(tr_check_response(tr_build(a_told, 1), &request, &result), TR_ENOTFOUND);
    CHECK_INT(tr_check_response(tr_build(a_DOWN, tr_make_ref(), 1, 2, 3), &request, &result),
              TR_ENOTFOUND);
    tr_receive (m)
        tr_on (m, &message) {
            err = tr_check_response(message, &request, &result);
            CHECK_TERM(result, tr_build(1));
        }
    CHECK_INT(err, TR_OK);
}

TEST_PROC(collection_gives_responses_as_they_come)
{
    tr_pid pid = start_subject();
    struct tr_reqids *ids = tr_reqids_new();
    tr_term result, label;

    CHECK_INT(tr_reqids_wait(ids, 1000, &result, &label), TR_EINVAL);
    struct tr_request slow = tr_send_request(pid, a_later);
    tr_reqids_add(ids, slow, tr_build(a_one, "slow"));
    tr_reqids_add(ids, tr_send_request(pid, a_echo, 2), tr_build(a_two));
    CHECK_INT(tr_reqids_size(ids), 2);
    CHECK(tr_match(tr_reqids_to_list(ids), tr_list(tr_tuple(slow.ref, tr_tuple(a_one, "slow")),
                                                   tr_tuple(tr_any(), a_two))));
    CHECK_INT(tr_reqids_check(tr_build(1), ids, &result, &label), TR_ENOTFOUND);
    CHECK_INT(tr_reqids_receive(ids, patience(5000), &result, &label), TR_OK);
    CHECK_TERM(tr_build(result, label), tr_build(2, a_two));
    CHECK_INT(tr_reqids_wait(ids, 1, &result, &label), TR_ETIMEOUT);
    tr_cast(pid, a_answer, tr_tuple(1, 2));
    CHECK_INT(tr_reqids_wait(ids, patience(5000), &result, NULL), TR_OK);
    CHECK_TERM(result, tr_build(1, 2));
    tr_reqids_add(ids, tr_send_request(pid, a_sleep, 300), tr_nil());
    for (int i = 0; i < 20; i++)
        tr_reqids_add(ids, tr_send_request(pid, a_sleep, 1), tr_build(i));
    CHECK_INT(tr_reqids_receive(ids, 0, &result, &label), TR_ETIMEOUT);
    CHECK_INT(tr_reqids_size(ids), 0);
    tr_reqids_add(ids, tr_send_request(pid, a_sleep, 1), tr_nil());
    tr_reqids_free(ids);
    tr_reqids_free(NULL);
    tr_call(pid, a_echo, 1);
    CHECK_MAILBOX(0);
}
