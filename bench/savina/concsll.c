/* SPDX-License-Identifier: MIT */
/*
 * Concurrent sorted linked list: 20 workers ask an actor that holds a list, `size` times each: one
 * time in a hundred for its length, one in ten to add, else whether a number is there. The check is
 * the sum of the numbers in the end.
 */
#include "workers.h"

tr_atoms(write, contains, size);

enum { SIZE_PERCENT = 1 };

/* A node holds many values in order: a list of single ones waits for memory at each step. */
enum { VALUES = 60 };

struct node {
    struct node *next;
    int32_t n, values[VALUES];
};

/* Moves the upper half of a full node to a new one behind it. */
static void split(struct node *node)
{
    struct node *upper = tr_alloc(sizeof *upper);

    upper->n = VALUES / 2;
    upper->next = node->next;
    memcpy(upper->values, node->values + VALUES - upper->n, sizeof(int32_t[VALUES / 2]));
    node->n = VALUES - upper->n;
    node->next = upper;
}

static void add(struct node *node, int32_t value)
{
    while (node->next && node->next->values[0] <= value)
        node = node->next;
    if (node->n == VALUES) {
        split(node);
        if (node->next->values[0] <= value)
            node = node->next;
    }
    int32_t at = node->n++;
    for (; at > 0 && node->values[at - 1] > value; at--)
        node->values[at] = node->values[at - 1];
    node->values[at] = value;
}

/* Looks through the whole list, as Savina's does. */
static bool holds(const struct node *node, int32_t value)
{
    for (; node; node = node->next)
        for (int32_t i = 0; i < node->n; i++)
            if (node->values[i] == value)
                return true;
    return false;
}

static int64_t sum(const struct node *node)
{
    int64_t sum = 0;

    for (; node; node = node->next)
        for (int32_t i = 0; i < node->n; i++)
            sum += node->values[i];
    return sum;
}

static void list(tr_term arg)
{
    struct node first = { .n = 0 };
    int64_t length = 0;
    tr_pid from;
    int value;

    (void)arg;
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_contains, &from, &value)
                tr_send(from, a_result, (int)holds(&first, value));
            tr_on (m, a_write, &from, &value) {
                add(&first, value);
                length++;
                tr_send(from, a_result, value);
            }
            tr_on (m, a_size, &from)
                tr_send(from, a_result, length);
            tr_on (m, a_stop, &from) {
                tr_send(from, a_done, sum(&first));
                return;
            }
        }
    }
}

static void ask(tr_pid list, int64_t *random)
{
    tr_pid self = tr_self();
    int64_t percent = savina_random(random) % 100;

    if (percent < SIZE_PERCENT)
        tr_send(list, a_size, self);
    else if (percent < SIZE_PERCENT + WRITE_PERCENT)
        tr_send(list, a_write, self, savina_random(random));
    else
        tr_send(list, a_contains, self, savina_random(random));
}

static int64_t iterate(int64_t size)
{
    return savina_ask_all(list, ask, size, size + WRITE_PERCENT + SIZE_PERCENT);
}

static const struct savina benchmark = { .name = "concsll", .size = 8000, .iterate = iterate };

int main(int argc, char **argv)
{
    return savina_main(argc, argv, &benchmark);
}
