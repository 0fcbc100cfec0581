/* SPDX-License-Identifier: MIT */
/* Counting: a producer sends `size` increments to a counter, then asks for the count. */
#include "savina.h"

tr_atoms(increment, retrieve);

static void counter(tr_term arg)
{
    int64_t count = 0;
    tr_pid from;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_increment)
                count++;
            tr_on (m, a_retrieve, &from) {
                tr_send(from, a_done, count);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid pid = tr_spawn(counter);

    for (int64_t i = 0; i < size; i++)
        tr_send(pid, a_increment);
    tr_send(pid, a_retrieve, tr_self());
    return savina_await(1);
}

static const struct savina benchmark = { .name = "count", .size = 1000000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
