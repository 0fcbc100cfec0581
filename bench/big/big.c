/* SPDX-License-Identifier: MIT */
/*
 * Big, of the Savina suite: 128 actors, each of which sends 10,000 pings, one at a time, each to an
 * actor it chooses at random, and answers the pings of all others meanwhile. The sink hears from
 * each that is done. The random numbers are Savina's own, the same in each language.
 */
#include "bench.h"

tr_atoms(ping, pong, done, wrong_pong);

enum { ACTORS = 128 };

static int64_t pings_each;
static tr_pid actors[ACTORS]; /* Written before the first message is sent, read-only after. */

struct actor {
    int64_t id;
    tr_pid sink;
    int64_t random;
    int64_t sent;
    int64_t expected; /* The actor whose pong is awaited. */
};

static void send_ping(struct actor *a)
{
    if (a->sent++ == pings_each) {
        tr_send(a->sink, a_done);
        return;
    }
    a->random = (a->random * 1309 + 13849) & 65535;
    a->expected = a->random % ACTORS;
    tr_send(actors[a->expected], a_ping, a->id);
}

static void take_pong(struct actor *a, int64_t from)
{
    if (from != a->expected)
        tr_exit(a_wrong_pong);
    send_ping(a);
}

static void actor(tr_term arg)
{
    struct actor a = { 0 };

    tr_match(arg, &a.sink, &a.id);
    a.random = a.expected = a.id;
    for (;;) {
        int64_t from;

        tr_receive (m) {
            tr_on (m, a_ping, &from)
                tr_send(actors[from], a_pong, a.id);
            tr_on (m, a_pong, &from)
                take_pong(&a, from);
        }
    }
}

static void body(tr_term args)
{
    (void)args;
    tr_pid self = tr_self();

    for (int64_t i = 0; i < ACTORS; i++)
        actors[i] = tr_spawn(actor, self, i);

    int64_t start = tr_monotonic_ns();
    for (int64_t i = 0; i < ACTORS; i++)
        tr_send(actors[i], a_pong, i);
    for (int ended = 0; ended < ACTORS;) {
        tr_receive (m) {
            tr_on (m, a_done)
                ended++;
        }
    }
    bench_report_rate("big", 2 * ACTORS * pings_each, start, "messages/s");
}

int main(int argc, char **argv)
{
    pings_each = bench_size(argc, argv, 10000);
    return tr_main(argc, argv, body);
}
