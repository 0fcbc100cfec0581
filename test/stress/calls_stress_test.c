/* SPDX-License-Identifier: MIT */
/*
 * Calls in all directions. Where no cycle can close none may be reported, however replies race with
 * the next calls of those who sent them; where cycles close, each is broken, so everything goes on.
 */
#include "load.h"

#include <stdatomic.h>

tr_atoms(ok, work, peers, done, deadlock, report);

enum { SERVERS = 12, DEPTH = 6 };

static atomic_int cycles;

struct node {
    tr_pid peers[SERVERS];
    int64_t self;
    uint64_t random;
    bool acyclic; /* calls only those with a higher number */
};

static tr_gen_result node_init(void *state, tr_term arg)
{
    struct node *n = state;

    CHECK(tr_match(arg, &n->self, &n->acyclic));
    n->random = (uint64_t)n->self * 7919 + 1;
    return tr_gen_ok();
}

/* Calls another one, at most `depth` deep; a cycle is counted, and is no harm. */
static void call_somebody(struct node *n, int depth)
{
    int64_t least = n->acyclic ? n->self + 1 : 0;
    tr_term result;

    if (depth == 0 || least >= SERVERS)
        return;
    int64_t to = least + load_below(&n->random, SERVERS - (int)least);
    if (to == n->self)
        return;
    tr_err err = tr_try_call_within(TR_INFINITY, n->peers[to], &result, a_work, depth - 1);
    if (err == TR_EDEADLOCK) {
        CHECK(!n->acyclic);
        atomic_fetch_add(&cycles, 1);
    } else if (err) {
        check_fail(__FILE__, __LINE__, "a call failed: %s", tr_inspect(result));
    }
}

static tr_gen_result node_call(void *state, tr_term request, tr_term from)
{
    struct node *n = state;
    tr_term rest, pid;
    int depth;

    if (tr_match(request, a_peers, &rest)) {
        for (int i = 0; tr_list_next(&rest, &pid); i++)
            CHECK(tr_match(pid, &n->peers[i]));
        return tr_gen_reply(a_ok);
    }
    if (tr_match(request, a_done))
        return tr_gen_reply(a_ok);
    CHECK(tr_match(request, a_work, &depth));
    switch (load_below(&n->random, 3)) {
    case 0: /* the answer first: it races with the call that follows */
        tr_reply(from, a_ok);
        call_somebody(n, depth);
        return tr_gen_noreply();
    case 1:
        call_somebody(n, depth);
        call_somebody(n, depth);
        return tr_gen_reply(a_ok);
    default:
        return tr_gen_reply(a_ok);
    }
}

static const struct tr_gen_server node = {
    .name = "node", .state_size = sizeof(struct node), .init = node_init, .handle_call = node_call
};

static void client(tr_term arg)
{
    tr_pid boss;
    tr_term pids, pid;
    int64_t end;
    tr_pid servers[SERVERS];

    CHECK(tr_match(arg, &boss, &end, &pids));
    for (int i = 0; tr_list_next(&pids, &pid); i++)
        CHECK(tr_match(pid, &servers[i]));
    uint64_t random = tr_self().w;
    while (check_now_ms() < end)
        tr_call_within(TR_INFINITY, servers[load_below(&random, SERVERS)], a_work, DEPTH);
    tr_send(boss, a_done);
}

/* Clients call servers that call each other; returns when all have their answers. */
static void run(bool acyclic)
{
    enum { CLIENTS = 8 };
    int64_t end = load_end_ms();
    tr_term pids = tr_nil();
    tr_pid servers[SERVERS];

    for (int i = 0; i < SERVERS; i++)
        CHECK(tr_match(tr_gen_server_start(&node, NULL, i, acyclic), a_ok, &servers[i]));
    for (int i = SERVERS - 1; i >= 0; i--)
        pids = tr_list_push(pids, tr_build(servers[i]));
    for (int i = 0; i < SERVERS; i++)
        tr_call(servers[i], a_peers, pids);
    for (int i = 0; i < CLIENTS; i++)
        tr_spawn(client, tr_self(), end, pids);
    for (int i = 0; i < CLIENTS; i++) {
        tr_receive (m)
            tr_on (m, a_done) {
            }
    }
    /* Some may still be in the calls that they make after an answer, each one less deep. */
    for (int i = 0; i < SERVERS * (DEPTH + 1); i++)
        tr_call_within(TR_INFINITY, servers[i % SERVERS], a_done);
}

TEST_PROC(graph_without_cycles_reports_none)
{
    run(true);
    CHECK_INT(atomic_load(&cycles), 0);
}

TEST_PROC(cycles_are_broken_and_all_goes_on)
{
    run(false);
    CHECK(atomic_load(&cycles) > 0);
}

/* --- a reply that races with a call back --- */

/* Answers, then at once calls whoever asked: its edge must be gone by then. */
static tr_gen_result echo_call(void *state, tr_term request, tr_term from)
{
    tr_pid back;

    (void)state;
    if (!tr_match(request, a_work, &back))
        return tr_gen_reply(a_ok);
    tr_reply(from, a_ok);
    tr_call_within(TR_INFINITY, back, a_report);
    return tr_gen_noreply();
}

static tr_gen_result caller_call(void *state, tr_term request, tr_term from)
{
    tr_pid server;

    (void)state;
    (void)from;
    if (!tr_match(request, a_work, &server))
        return tr_gen_reply(a_ok);
    return tr_gen_reply(tr_call_within(TR_INFINITY, server, a_work, tr_self()));
}

static tr_gen_result plain_init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

TEST_PROC(reply_on_its_way_is_no_edge)
{
    static const struct tr_gen_server echo = { .name = "echo",
                                               .init = plain_init,
                                               .handle_call = echo_call };
    static const struct tr_gen_server caller = { .name = "caller",
                                                 .init = plain_init,
                                                 .handle_call = caller_call };
    int64_t end = load_end_ms();
    tr_pid a, b;

    CHECK(tr_match(tr_gen_server_start_link(&echo, NULL), a_ok, &a));
    CHECK(tr_match(tr_gen_server_start_link(&caller, NULL), a_ok, &b));
    while (check_now_ms() < end) {
        CHECK_TERM(tr_call_within(TR_INFINITY, b, a_work, a), tr_build(a_ok));
        /* Its call back has ended, or the next round would close a cycle in earnest. */
        CHECK_TERM(tr_call_within(TR_INFINITY, a, a_report), tr_build(a_ok));
    }
}

/* --- answers that come after the server has slept --- */

enum { LATE_CLIENTS = 6 };

struct late {
    tr_term from[LATE_CLIENTS]; /* kept */
    int n;
};

/* The request goes while its monitor stays, as the server hibernates. */
static tr_gen_result late_call(void *state, tr_term request, tr_term from)
{
    struct late *s = state;

    (void)request;
    s->from[s->n++] = tr_keep(from);
    return tr_gen_noreply();
}

static tr_gen_result late_cast(void *state, tr_term request)
{
    struct late *s = state;

    (void)request;
    if (s->n > 0) {
        tr_reply(s->from[--s->n], a_ok);
        tr_release(s->from[s->n]);
    }
    return tr_gen_noreply();
}

static void late_client(tr_term arg)
{
    tr_pid boss, server;
    int64_t end;

    CHECK(tr_match(arg, &boss, &server, &end));
    while (check_now_ms() < end)
        CHECK_TERM(tr_call_within(TR_INFINITY, server, a_work), tr_build(a_ok));
    tr_send(boss, a_done);
}

TEST_PROC(late_answers_race_with_the_servers_sleep)
{
    static const struct tr_gen_server late = { .name = "late",
                                               .state_size = sizeof(struct late),
                                               .init = plain_init,
                                               .handle_call = late_call,
                                               .handle_cast = late_cast };
    int64_t end = load_end_ms();
    tr_pid server;
    int left = LATE_CLIENTS;

    CHECK(tr_match(tr_gen_server_start_link(&late, NULL), a_ok, &server));
    for (int i = 0; i < LATE_CLIENTS; i++)
        tr_spawn(late_client, tr_self(), server, end);
    while (left > 0) {
        tr_cast(server, a_report);
        tr_receive (m) {
            tr_on (m, a_done)
                left--;
            tr_after (m, 0)
                tr_yield();
        }
    }
}
