/* SPDX-License-Identifier: MIT */
/* Ping pong: two actors, one message at a time between them; the size is the number of pings. */
#include "savina.h"

tr_atoms(ping, pong);

static void ponger(tr_term arg)
{
    int64_t pings = 0;
    tr_pid from;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_ping, &from) {
                pings++;
                tr_send(from, a_pong);
            }
            tr_on (m, a_stop, &from) {
                tr_send(from, a_done, pings);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid self = tr_self(), partner = tr_spawn(ponger);

    for (int64_t i = 0; i < size; i++) {
        tr_send(partner, a_ping, self);
        tr_receive (m)
            tr_on (m, a_pong)
                continue;
    }
    tr_send(partner, a_stop, self);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "pingpong", .size = 40000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
