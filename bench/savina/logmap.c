/* SPDX-License-Identifier: MIT */
/*
 * Logistic map: 10 series of `size` terms; a worker asks the computer of its rate for each next
 * term and waits for it, while the master's requests queue up. The check is the sum of the last
 * terms in billionths.
 */
#include "savina.h"

tr_atoms(next, get, compute, result);

enum { SERIES = 10 };

static const double START_RATE = 3.46, INCREMENT = 0.0025;

static void computer(tr_term arg)
{
    tr_pid from;
    tr_ref ref;
    double rate, term;

    tr_match(arg, &rate);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_compute, &from, &ref, &term)
                tr_send(from, a_result, ref, rate * term * (1 - term));
            tr_on (m, a_stop)
                return;
        }
    }
}

static double compute(tr_pid computer, double term)
{
    tr_ref ref = tr_make_ref();

    tr_send(computer, a_compute, tr_self(), ref, term);
    tr_receive_ref(m, ref) tr_on (m, a_result, ref, &term) continue;
    return term;
}

static void worker(tr_term arg)
{
    tr_pid master, computer;
    double term;

    tr_match(arg, &master, &computer, &term);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_next)
                term = compute(computer, term);
            tr_on (m, a_get) {
                tr_send(master, a_done, (int64_t)llround(term * 1e9));
                return;
            }
        }
    }
}

static int64_t iterate(int64_t size)
{
    tr_pid computers[SERIES], workers[SERIES];

    for (int i = 0; i < SERIES; i++) {
        computers[i] = tr_spawn(computer, START_RATE + i * INCREMENT);
        workers[i] = tr_spawn(worker, tr_self(), computers[i], i * INCREMENT);
    }
    for (int64_t n = 0; n < size; n++)
        for (int i = 0; i < SERIES; i++)
            tr_send(workers[i], a_next);
    for (int i = 0; i < SERIES; i++)
        tr_send(workers[i], a_get);
    int64_t sum = savina_await(SERIES);
    savina_stop(computers, SERIES);
    return sum;
}

static const struct savina benchmark = { .name = "logmap", .size = 25000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
