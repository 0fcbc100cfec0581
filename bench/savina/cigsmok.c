/* SPDX-License-Identifier: MIT */
/*
 * Cigarette smokers: an arbiter lets one of 200 smokers, chosen at random, smoke for a random
 * while, `size` times; the next begins when the last has said that it has. The check is the time
 * smoked.
 */
#include "savina.h"

tr_atoms(smoke, started);

enum { SMOKERS = 200, MEAN_WORK = 1000, LEAST_WORK = 10 };

static void smoker(tr_term arg)
{
    tr_pid arbiter;
    int64_t steps, smoked = 0;

    tr_match(arg, &arbiter);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_smoke, &steps) {
                tr_send(arbiter, a_started);
                savina_busy(steps);
                smoked += steps;
            }
            tr_on (m, a_stop) {
                tr_send(arbiter, a_done, smoked);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid smokers[SMOKERS];
    int64_t random = size * SMOKERS;

    for (int i = 0; i < SMOKERS; i++)
        smokers[i] = tr_spawn(smoker, tr_self());
    for (int64_t i = 0; i < size; i++) {
        tr_pid chosen = smokers[savina_random(&random) % SMOKERS];
        tr_send(chosen, a_smoke, savina_random(&random) % MEAN_WORK + LEAST_WORK);
        tr_receive (m)
            tr_on (m, a_started)
                continue;
    }
    savina_stop(smokers, SMOKERS);
    return savina_await(SMOKERS);
}

static const struct savina benchmark = { .name = "cigsmok", .size = 1000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
