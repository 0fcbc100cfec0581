/* SPDX-License-Identifier: MIT */
/* Fork-join throughput: `size` messages to each of 60 actors, in turn; a little work for each. */
#include "savina.h"

tr_atoms(message);

enum { ACTORS = 60 };

static int64_t per_actor;

static void actor(tr_term arg)
{
    tr_pid parent;
    volatile double theta = 37.2;
    int64_t taken = 0;

    tr_match(arg, &parent);
    while (taken < per_actor) {
        tr_receive (m) {
            tr_on (m, a_message)
                taken += sin(theta) * sin(theta) > 0;
        }
    }
    tr_send(parent, a_done, taken);
}

static int64_t iterate(int64_t size)
{
    tr_pid actors[ACTORS];

    per_actor = size;
    for (int i = 0; i < ACTORS; i++)
        actors[i] = tr_spawn(actor, tr_self());
    for (int64_t n = 0; n < size; n++)
        for (int i = 0; i < ACTORS; i++)
            tr_send(actors[i], a_message);
    return savina_await(ACTORS);
}

static const struct savina benchmark = { .name = "fjthrput", .size = 10000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
