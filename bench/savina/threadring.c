/* SPDX-License-Identifier: MIT */
/* Thread ring: a token goes `size` steps round a ring of 100 actors; then they end in turn. */
#include "savina.h"

tr_atoms(next, ping);

enum { ACTORS = 100 };

static void actor(tr_term arg)
{
    tr_pid parent, next = { 0 };
    int64_t id, left;

    tr_match(arg, &parent, &id);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_ping, &left) {
                if (left > 0)
                    tr_send(next, a_ping, left - 1);
                else
                    tr_send(next, a_stop, ACTORS);
            }
            tr_on (m, a_stop, &left) {
                if (left > 1)
                    tr_send(next, a_stop, left - 1);
                else
                    tr_send(parent, a_done, id);
                return;
            }
            tr_on (m, a_next, &next)
                continue;
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid actors[ACTORS];

    for (int64_t i = 0; i < ACTORS; i++)
        actors[i] = tr_spawn(actor, tr_self(), i);
    for (int i = 0; i < ACTORS; i++)
        tr_send(actors[i], a_next, actors[(i + 1) % ACTORS]);
    tr_send(actors[0], a_ping, size);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "threadring", .size = 100000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
