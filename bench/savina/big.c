/* SPDX-License-Identifier: MIT */
/*
 * Big: 120 actors, each of which sends `size` pings, one at a time, each to an actor it chooses at
 * random, and answers the pings of all others meanwhile. The check is the sum of those answered.
 */
#include "savina.h"

tr_atoms(ping, pong, wrong_pong);

enum { ACTORS = 120 };

static int64_t pings_each;
static tr_pid actors[ACTORS]; /* Written before the first pong is sent, read-only after. */

struct actor {
    tr_pid sink;
    int64_t id, random, sent, expected, answered;
};

static void take_pong(struct actor *a, int64_t from)
{
    if (from != a->expected)
        tr_exit(a_wrong_pong);
    if (a->sent++ == pings_each) {
        tr_send(a->sink, a_done, 0);
        return;
    }
    a->expected = savina_random(&a->random) % ACTORS;
    tr_send(actors[a->expected], a_ping, a->id);
}

static void actor(tr_term arg)
{
    struct actor a = { 0 };
    int64_t from;

    tr_match(arg, &a.sink, &a.id);
    a.random = a.id;
    a.expected = -1;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_ping, &from) {
                a.answered++;
                tr_send(actors[from], a_pong, a.id);
            }
            tr_on (m, a_pong, &from)
                take_pong(&a, from);
            tr_on (m, a_stop) {
                tr_send(a.sink, a_done, a.answered);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    pings_each = size;
    for (int64_t i = 0; i < ACTORS; i++)
        actors[i] = tr_spawn(actor, tr_self(), i);
    for (int i = 0; i < ACTORS; i++)
        tr_send(actors[i], a_pong, -1);
    savina_await(ACTORS);
    savina_stop(actors, ACTORS);
    return savina_await(ACTORS);
}

static const struct savina benchmark = { .name = "big", .size = 20000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
