/* SPDX-License-Identifier: MIT */
/* Publish and subscribe. */
#include "check_proc.h"

tr_atoms(news, ok, ready, rain, got, badarg, unknown_registry);

static void start(void)
{
    tr_pid pid;

    CHECK(tr_match(tr_pubsub_start_link(TR_PUBSUB_OPTS(.name = a_news)), a_ok, &pid));
}

/* Tells its boss of whatever it gets. */
static void subscriber(tr_term arg)
{
    tr_term topic, t;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &topic));
    CHECK_INT(tr_pubsub_subscribe(a_news, topic), TR_OK);
    tr_send(boss, a_ready);
    for (;;)
        tr_receive (m)
            tr_on (m, &t)
                tr_send(boss, a_got, tr_self(), t);
}

static void subscribe(tr_pid *pids, int n, tr_term topic)
{
    for (int i = 0; i < n; i++) {
        pids[i] = tr_spawn(subscriber, tr_self(), topic);
        tr_receive (m)
            tr_on (m, a_ready) {
            }
    }
}

static void check_all_got(const tr_pid *pids, int n, tr_term what)
{
    for (int i = 0; i < n; i++)
        tr_receive (m)
            tr_on (m, a_got, pids[i], what) {
            }
}

TEST_PROC(all_subscribers_of_a_topic_get_it)
{
    enum { N = 100 };
    tr_pid pids[N], other;

    start();
    subscribe(pids, N, tr_build("weather"));
    subscribe(&other, 1, tr_build("sport"));
    tr_pubsub_broadcast(a_news, "weather", a_rain, 12);
    check_all_got(pids, N, tr_build(a_rain, 12));
    tr_pubsub_local_broadcast(a_news, "weather", a_rain);
    check_all_got(pids, N, tr_build(a_rain));
    tr_pubsub_broadcast(a_news, "nothing", a_rain);
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(subscribing_twice_and_unsubscribing)
{
    start();
    CHECK_INT(tr_pubsub_subscribe(a_news, 1), TR_OK);
    CHECK_INT(tr_pubsub_subscribe(a_news, 1), TR_OK);
    tr_pubsub_broadcast(a_news, 1, a_rain);
    CHECK_INT(tr_mailbox_length(), 2);
    tr_pubsub_unsubscribe(a_news, 1);
    tr_pubsub_broadcast(a_news, 1, a_rain);
    CHECK_INT(tr_mailbox_length(), 2);
}

TEST_PROC(broadcast_from_leaves_one_out)
{
    tr_pid pids[3];

    start();
    subscribe(pids, 3, tr_build("t"));
    CHECK_INT(tr_pubsub_subscribe(a_news, "t"), TR_OK);
    tr_pubsub_broadcast_from(a_news, tr_self(), "t", a_rain);
    check_all_got(pids, 3, tr_build(a_rain));
    CHECK_INT(tr_mailbox_length(), 0);
    tr_pubsub_broadcast_from(a_news, pids[1], "t", a_rain);
    tr_receive (m)
        tr_on (m, a_rain) {
        }
    check_all_got(pids, 1, tr_build(a_rain));
    check_all_got(pids + 2, 1, tr_build(a_rain));
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(messages_of_every_size)
{
    static char text[5000];
    tr_pid pids[2];

    start();
    memset(text, 'x', sizeof text - 1);
    subscribe(pids, 2, tr_build("t"));
    tr_term messages[] = {
        tr_build(5),
        tr_nil(),
        tr_build(1.5),
        tr_build("short"),
        tr_build(tr_list(1, 2, 3)),
        tr_build(a_rain, tr_tuple("a", 2.5), tr_list(UINT64_MAX, a_rain)),
        tr_build(tr_map(a_rain, 1, "k", tr_list(1, "two"))),
        tr_build(a_rain, (const char *)text),
        tr_build(tr_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), (const char *)text),
        tr_build(tr_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
    };
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        tr_pubsub_broadcast(a_news, "t", messages[i]);
        check_all_got(pids, 2, messages[i]);
    }
}

/* A message made of arguments, not of a term: what stands in it is put together where it is sent
   from, and moved with it. */
TEST_PROC(messages_made_in_place)
{
    tr_pid pids[2];

    start();
    subscribe(pids, 2, tr_build("t"));
    tr_pubsub_broadcast(a_news, "t");
    check_all_got(pids, 2, tr_nil());
    tr_pubsub_broadcast(a_news, "t", a_rain, tr_list(tr_tuple(1, "two"), 2.5), UINT64_MAX);
    check_all_got(pids, 2, tr_build(a_rain, tr_list(tr_tuple(1, "two"), 2.5), UINT64_MAX));
    /* The room of what was there twice is left. */
    tr_pubsub_broadcast(a_news, "t", a_rain, tr_map(1, "a", 1, "b", 2, "c"), tr_list(1));
    check_all_got(pids, 2, tr_build(a_rain, tr_map(1, "b", 2, "c"), tr_list(1)));
    /* 16 words, and 17. */
    tr_pubsub_broadcast(a_news, "t", tr_tuple(1, 2, 3, 4, 5), tr_list(1, 2), 1.5);
    check_all_got(pids, 2, tr_build(tr_tuple(1, 2, 3, 4, 5), tr_list(1, 2), 1.5));
    tr_pubsub_broadcast(a_news, "t", tr_tuple(1, 2, 3, 4, 5, 6), tr_list(1, 2), 1.5);
    check_all_got(pids, 2, tr_build(tr_tuple(1, 2, 3, 4, 5, 6), tr_list(1, 2), 1.5));
}

TEST_PROC(subscribers_that_end_get_nothing)
{
    tr_pid pids[3];

    start();
    subscribe(pids, 3, tr_build("t"));
    tr_exit_to(pids[1], tr_intern("kill"));
    CHECK_WITHIN(5000, tr_registry_count(a_news) == 2);
    tr_pubsub_broadcast(a_news, "t", a_rain);
    check_all_got(pids, 1, tr_build(a_rain));
    check_all_got(pids + 2, 1, tr_build(a_rain));
}

static void broadcasts(void *arg)
{
    (void)arg;
    tr_pubsub_broadcast(a_news, "t", a_rain);
}

static void starts(void *arg)
{
    (void)arg;
    tr_pubsub_start_link(NULL);
}

static void sends_to_a_zero(void *arg)
{
    tr_pid pids[] = { tr_self(), { 0 } };

    (void)arg;
    tr_send_each(pids, 2, a_rain);
}

TEST_PROC(what_fails)
{
    tr_term reason;

    CHECK(tr_catch(broadcasts, NULL, &reason));
    CHECK(tr_match(reason, tr_tuple(a_badarg, tr_tuple(a_unknown_registry, a_news)), tr_any()));
    CHECK(tr_catch(starts, NULL, &reason));
    CHECK(tr_match(reason, a_badarg, tr_intern("name")));
    CHECK(tr_catch(sends_to_a_zero, NULL, &reason));
    tr_send_each(NULL, 0, a_rain);
}
