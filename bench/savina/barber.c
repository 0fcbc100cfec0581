/* SPDX-License-Identifier: MIT */
/*
 * Sleeping barber: `size` customers enter a waiting room of 1,000 seats; whom it is full for tries
 * again. Barber and arrivals work a random while for each. The check is the number of haircuts.
 */
#include "savina.h"

tr_atoms(enter, full, wait, next, start, finished, returned);

enum { SEATS = 1000, MEAN_WORK = 1000, LEAST_WORK = 10 };

static void customer(tr_term arg)
{
    tr_pid factory, self = tr_self();

    tr_match(arg, &factory);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_full)
                tr_send(factory, a_returned, self);
            tr_on (m, a_wait)
                continue;
            tr_on (m, a_start)
                continue;
            tr_on (m, a_finished) {
                tr_send(factory, a_done, 1);
                return;
            }
        }
    }
}

static void barber(tr_term arg)
{
    int64_t random = SAVINA_SEED;
    tr_pid customer, room;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_enter, &customer, &room) {
                tr_send(customer, a_start);
                savina_busy(savina_random(&random) % MEAN_WORK + LEAST_WORK);
                tr_send(customer, a_finished);
                tr_send(room, a_next);
            }
            tr_on (m, a_wait)
                continue;
            tr_on (m, a_stop)
                return;
        }
    }
}

struct room {
    tr_pid barber, seats[SEATS];
    unsigned first, taken;
    bool asleep;
};

static void enter(struct room *r, tr_pid customer)
{
    if (r->taken == SEATS) {
        tr_send(customer, a_full);
        return;
    }
    r->seats[(r->first + r->taken++) % SEATS] = customer;
    if (r->asleep) {
        r->asleep = false;
        tr_send(tr_self(), a_next);
    } else {
        tr_send(customer, a_wait);
    }
}

static void next(struct room *r)
{
    r->asleep = !r->taken;
    if (r->asleep) {
        tr_send(r->barber, a_wait);
        return;
    }
    tr_send(r->barber, a_enter, r->seats[r->first], tr_self());
    r->first = (r->first + 1) % SEATS;
    r->taken--;
}

static void room(tr_term arg)
{
    struct room *r = tr_alloc(sizeof *r);
    tr_pid customer;

    tr_match(arg, &r->barber);
    r->asleep = true;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_enter, &customer)
                enter(r, customer);
            tr_on (m, a_next)
                next(r);
            tr_on (m, a_stop) {
                tr_send(r->barber, a_stop);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid self = tr_self(), shop = tr_spawn(room, tr_spawn(barber)), back;
    int64_t random = SAVINA_SEED, haircuts = 0;

    for (int64_t i = 0; i < size; i++) {
        tr_send(shop, a_enter, tr_spawn(customer, self));
        savina_busy(savina_random(&random) % MEAN_WORK + LEAST_WORK);
    }
    while (haircuts < size) {
        tr_receive (m) {
            tr_on (m, a_returned, &back)
                tr_send(shop, a_enter, back);
            tr_on (m, a_done, 1)
                haircuts++;
        }
    }
    tr_send(shop, a_stop);
    return haircuts;
}

static const struct savina benchmark = { .name = "barber", .size = 5000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
