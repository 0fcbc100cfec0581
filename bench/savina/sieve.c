/* SPDX-License-Identifier: MIT */
/*
 * Sieve of Eratosthenes: the odd numbers below `size` go through a chain of actors that keep 1,000
 * primes each; who has no room left starts the next. The check is the number of primes.
 */
#include "savina.h"

tr_atoms(number);

enum { KEPT = 1000 };

struct filter {
    tr_pid parent, next;
    int64_t before; /* Primes in the filters before this one. */
    int64_t primes[KEPT], nprimes;
};

static void filter(tr_term arg);

static bool divided(const struct filter *f, int64_t number)
{
    for (int64_t i = 0; i < f->nprimes; i++)
        if (number % f->primes[i] == 0)
            return true;
    return false;
}

static void take(struct filter *f, int64_t number)
{
    if (divided(f, number))
        return;
    if (f->next.w)
        tr_send(f->next, a_number, number);
    else if (f->nprimes < KEPT)
        f->primes[f->nprimes++] = number;
    else
        f->next = tr_spawn(filter, f->parent, f->before + KEPT, number);
}

static void end(const struct filter *f)
{
    if (f->next.w)
        tr_send(f->next, a_stop);
    else
        tr_send(f->parent, a_done, f->before + f->nprimes);
}

static void filter(tr_term arg)
{
    struct filter *f = tr_alloc(sizeof *f);
    int64_t number;

    f->nprimes = 1;
    tr_match(arg, &f->parent, &f->before, &f->primes[0]);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_number, &number)
                take(f, number);
            tr_on (m, a_stop) {
                end(f);
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid first = tr_spawn(filter, tr_self(), 0, 2);

    for (int64_t number = 3; number < size; number += 2)
        tr_send(first, a_number, number);
    tr_send(first, a_stop);
    return savina_await(1);
}

static const struct savina benchmark = { .name = "sieve", .size = 100000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
