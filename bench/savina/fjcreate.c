/* SPDX-License-Identifier: MIT */
/* Fork-join actor creation: `size` actors, each of which gets one message, works a little, ends. */
#include "savina.h"

tr_atoms(message);

static void actor(tr_term arg)
{
    tr_pid parent;
    volatile double theta = 37.2;

    tr_match(arg, &parent);
    tr_receive (m)
        tr_on (m, a_message)
            tr_send(parent, a_done, sin(theta) * sin(theta) > 0);
}

static int64_t iterate(int64_t size)
{
    tr_pid self = tr_self();

    for (int64_t i = 0; i < size; i++)
        tr_send(tr_spawn(actor, self), a_message);
    return savina_await(size);
}

static const struct savina benchmark = { .name = "fjcreate", .size = 40000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
