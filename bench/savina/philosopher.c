/* SPDX-License-Identifier: MIT */
/*
 * Dining philosophers: 20 philosophers eat `size` times each. An arbitrator gives out both forks at
 * once, or denies them; who is denied asks again. The check is the number of meals.
 */
#include "savina.h"

tr_atoms(hungry, denied, eat, eaten);

enum { PHILOSOPHERS = 20 };

static int64_t rounds;

static void dine(tr_pid arbitrator, int64_t id)
{
    tr_pid self = tr_self();

    for (bool eating = false; !eating;) {
        tr_send(arbitrator, a_hungry, self, id);
        tr_receive (m) {
            tr_on (m, a_denied)
                continue;
            tr_on (m, a_eat)
                eating = true;
        }
    }
    tr_send(arbitrator, a_eaten, id);
}

static void philosopher(tr_term arg)
{
    tr_pid arbitrator;
    int64_t id;

    tr_match(arg, &arbitrator, &id);
    for (int64_t i = 0; i < rounds; i++)
        dine(arbitrator, id);
    tr_send(arbitrator, a_stop);
}

static int64_t arbitrate(void)
{
    bool taken[PHILOSOPHERS] = { false };
    int64_t meals = 0, id;
    tr_pid from;

    for (int left = PHILOSOPHERS; left;) {
        tr_receive (m) {
            tr_on (m, a_hungry, &from, &id) {
                bool *one = &taken[id], *other = &taken[(id + 1) % PHILOSOPHERS];
                if (*one || *other) {
                    tr_send(from, a_denied);
                } else {
                    *one = *other = true;
                    tr_send(from, a_eat);
                }
            }
            tr_on (m, a_eaten, &id) {
                taken[id] = taken[(id + 1) % PHILOSOPHERS] = false;
                meals++;
            }
            tr_on (m, a_stop)
                left--;
        }
    }
    return meals;
}

static int64_t iterate(int64_t size)
{
    rounds = size;
    for (int64_t i = 0; i < PHILOSOPHERS; i++)
        tr_spawn(philosopher, tr_self(), i);
    return arbitrate();
}

static const struct savina benchmark = { .name = "philosopher", .size = 10000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
