/* SPDX-License-Identifier: MIT */
/*
 * Producer-consumer with a bounded buffer: 40 producers make `size` items each for 40 consumers; a
 * manager keeps up to 50 and lets producers wait. The check is the sum of the items consumed.
 */
#include "savina.h"

tr_atoms(produce, item, available, exit);

enum { PRODUCERS = 40, CONSUMERS = 40, BUFFER = 50, COST = 25 };

/* A queue of one of the manager's things; none grows beyond this. */
enum { QUEUE = 128 };

struct pids {
    tr_pid at[QUEUE];
    unsigned first, end;
};

struct manager {
    struct pids producers, consumers; /* Those that wait. */
    double items[QUEUE];
    unsigned first, end;
    int running;
};

static int64_t items_each;

static void push(struct pids *q, tr_pid pid)
{
    q->at[q->end++ % QUEUE] = pid;
}

static tr_pid pop(struct pids *q)
{
    return q->at[q->first++ % QUEUE];
}

static unsigned waiting(const struct pids *q)
{
    return q->end - q->first;
}

static double process(double item)
{
    int64_t random = COST;

    for (int i = 0; i < COST * 100; i++)
        item += log(savina_random_real(&random) + 0.01);
    return item;
}

static void producer(tr_term arg)
{
    tr_pid manager, self = tr_self();
    double item = 0;

    tr_match(arg, &manager);
    for (int64_t made = 0; made <= items_each; made++) {
        tr_receive (m)
            tr_on (m, a_produce)
                continue;
        if (made == items_each)
            break;
        item = process(item);
        tr_send(manager, a_item, item, self);
    }
    tr_send(manager, a_exit);
}

static void consumer(tr_term arg)
{
    tr_pid manager, self = tr_self();
    int64_t sum = 0;
    double state = 0, item;

    tr_match(arg, &manager);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_item, &item, tr_any()) {
                state = process(state + item);
                sum += llround(item);
                tr_send(manager, a_available, self);
            }
            tr_on (m, a_stop) {
                tr_send(manager, a_done, sum);
                return;
            }
        }
    }
}

static void take_item(struct manager *b, double item, tr_pid from)
{
    if (waiting(&b->consumers))
        tr_send(pop(&b->consumers), a_item, item, from);
    else
        b->items[b->end++ % QUEUE] = item;
    if (b->end - b->first >= BUFFER - PRODUCERS)
        push(&b->producers, from);
    else
        tr_send(from, a_produce);
}

static void serve_consumer(struct manager *b, tr_pid consumer)
{
    if (b->first == b->end) {
        push(&b->consumers, consumer);
        return;
    }
    tr_send(consumer, a_item, b->items[b->first++ % QUEUE], consumer);
    if (waiting(&b->producers))
        tr_send(pop(&b->producers), a_produce);
}

static void manage(struct manager *b)
{
    tr_pid from;
    double item;

    while (b->running || waiting(&b->consumers) < CONSUMERS) {
        tr_receive (m) {
            tr_on (m, a_item, &item, &from)
                take_item(b, item, from);
            tr_on (m, a_available, &from)
                serve_consumer(b, from);
            tr_on (m, a_exit)
                b->running--;
        }
    }
}

static int64_t iterate(int64_t size)
{
    struct manager b = { .running = PRODUCERS };

    items_each = size;
    for (int i = 0; i < CONSUMERS; i++)
        push(&b.consumers, tr_spawn(consumer, tr_self()));
    for (int i = 0; i < PRODUCERS; i++)
        tr_send(tr_spawn(producer, tr_self()), a_produce);
    manage(&b);
    while (waiting(&b.consumers))
        tr_send(pop(&b.consumers), a_stop);
    return savina_await(CONSUMERS);
}

static const struct savina benchmark = { .name = "bndbuffer", .size = 1000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
