/* SPDX-License-Identifier: MIT */
/*
 * Bitonic sort: a network of actors sorts `size` numbers, a power of two. Splitters deal runs of
 * values to actors in turn, actors order pairs, joiners put the runs together in the same turn. The
 * check is a sum that depends on the order.
 */
#include "sorted.h"

tr_atoms(data);

/* Passes values on, under a number when it has one: {value, V} or {data, Order, V}. */
static void forward(tr_term arg)
{
    int64_t order, value;
    tr_pid next;

    tr_match(arg, &next, &order);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                if (order < 0)
                    tr_send(next, a_value, value);
                else
                    tr_send(next, a_data, order, value);
            }
            tr_on (m, a_stop) {
                tr_send(next, a_stop);
                return;
            }
        }
    }
}

static void splitter(tr_term arg)
{
    int64_t run, value, at = 0;
    size_t n = 0, to = 0;
    tr_term list, item;

    tr_match(arg, &run, &list);
    tr_list_length(list, &n);
    tr_pid *receivers = tr_alloc(n * sizeof *receivers);
    for (size_t i = 0; tr_list_next(&list, &item); i++)
        tr_match(item, &receivers[i]);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                tr_send(receivers[to], a_value, value);
                if (++at == run) {
                    to = (to + 1) % n;
                    at = 0;
                }
            }
            tr_on (m, a_stop) {
                savina_stop(receivers, (int64_t)n);
                return;
            }
        }
    }
}

struct joiner {
    tr_pid next;
    int64_t run, n, each;          /* Values of a run, inputs, values that one input sends. */
    int64_t *values, *come, *sent; /* Of each input. */
    int64_t at, in_run;
};

static void join(struct joiner *j, int64_t order, int64_t value)
{
    j->values[order * j->each + j->come[order]++] = value;
    while (j->sent[j->at] < j->come[j->at]) {
        tr_send(j->next, a_value, j->values[j->at * j->each + j->sent[j->at]++]);
        if (++j->in_run == j->run) {
            j->at = (j->at + 1) % j->n;
            j->in_run = 0;
        }
    }
}

static void joiner(tr_term arg)
{
    struct joiner j = { .at = 0 };
    int64_t order, value;

    tr_match(arg, &j.run, &j.n, &j.each, &j.next);
    j.values = tr_alloc((size_t)(j.n * j.each) * sizeof *j.values);
    j.come = tr_alloc((size_t)j.n * sizeof *j.come);
    j.sent = tr_alloc((size_t)j.n * sizeof *j.sent);
    for (int64_t ended = 0; ended < j.n;) {
        tr_receive (m) {
            tr_on (m, a_data, &order, &value)
                join(&j, order, value);
            tr_on (m, a_stop)
                ended++;
        }
    }
    tr_send(j.next, a_stop);
}

/* Orders two values, upwards or downwards. */
static void exchanger(tr_term arg)
{
    int64_t order, up, value, held = 0;
    bool holds = false;
    tr_pid next;

    tr_match(arg, &order, &up, &next);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_value, &value) {
                bool keep = (held <= value) == (up == 1);
                if (holds) {
                    tr_send(next, a_data, order, keep ? held : value);
                    tr_send(next, a_data, order, keep ? value : held);
                }
                holds = !holds;
                held = value;
            }
            tr_on (m, a_stop) {
                tr_send(next, a_stop);
                return;
            }
        }
    }
}

static tr_term with(tr_term list, tr_pid pid)
{
    return tr_list_push(list, tr_build(pid));
}

/* Orders the halves of a sequence by pairs; its values go on under its number. */
static tr_pid start_partition(int64_t order, int64_t length, bool up, tr_pid next)
{
    int64_t half = length / 2;
    tr_pid join = tr_spawn(joiner, 1, half, 2, tr_spawn(forward, next, order));
    tr_term workers = tr_nil();

    for (int64_t i = half - 1; i >= 0; i--)
        workers = with(workers, tr_spawn(exchanger, i, (int64_t)up, join));
    return tr_spawn(forward, tr_spawn(splitter, 1, workers), -1);
}

/* A step of a merge: parts the numbers into sequences; `same` of them in a row have one direction,
 * all of them when it is 0. */
static tr_pid start_step(int64_t length, int64_t sequences, int64_t same, tr_pid next)
{
    tr_pid join = tr_spawn(joiner, length, sequences, length, tr_spawn(forward, next, -1));
    tr_term workers = tr_nil();

    for (int64_t i = sequences - 1; i >= 0; i--) {
        bool up = !same || i / same % 2 == 0;
        workers = with(workers, length > 2 ? start_partition(i, length, up, join)
                                           : tr_spawn(exchanger, i, (int64_t)up, join));
    }
    return tr_spawn(forward, tr_spawn(splitter, length, workers), -1);
}

/* Merges sequences of `length`: the last merge makes one of all numbers. */
static tr_pid start_merge(int64_t length, int64_t size, tr_pid next)
{
    for (int64_t i = length / 2; i >= 1; i /= 2)
        next = start_step(length / i, size / length * i, length == size ? 0 : i, next);
    return tr_spawn(forward, next, -1);
}

static int64_t iterate(int64_t size)
{
    tr_pid next = tr_spawn(forward, tr_self(), -1);
    int64_t random = 2048;

    for (int64_t length = size; length >= 2; length /= 2)
        next = start_merge(length, size, next);
    next = tr_spawn(forward, next, -1);
    for (int64_t i = 0; i < size; i++)
        tr_send(next, a_value, savina_random(&random));
    tr_send(next, a_stop);
    int64_t check = savina_check_sorted(size);
    tr_receive (m)
        tr_on (m, a_stop)
            continue;
    return check;
}

static const struct savina benchmark = {
    .name = "bitonicsort", .size = 4096, .power_of_two = true, .iterate = iterate
};

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
