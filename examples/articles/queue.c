/* SPDX-License-Identifier: MIT */
/* An agent whose state is a C struct: a queue of numbers. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(queue, empty);

enum { ROOM = 16 };

struct queue {
    int64_t items[ROOM];
    int first, n;
};

/* --- what runs in the agent --- */

static void enqueue(void *state, tr_term item)
{
    struct queue *q = state;

    if (q->n < ROOM && tr_match(item, &q->items[(q->first + q->n) % ROOM]))
        q->n++;
}

static void fill(void *state, tr_term items)
{
    tr_term item;

    while (tr_list_next(&items, &item))
        enqueue(state, item);
}

static tr_term dequeue(void *state, tr_term unused)
{
    struct queue *q = state;

    (void)unused;
    if (q->n == 0)
        return tr_build(a_empty);
    int64_t item = q->items[q->first];
    q->first = (q->first + 1) % ROOM;
    q->n--;
    return tr_build(item);
}

static tr_term list(const void *state, tr_term unused)
{
    const struct queue *q = state;
    tr_term items = tr_nil();

    (void)unused;
    for (int i = q->n - 1; i >= 0; i--)
        items = tr_list_push(items, tr_build(q->items[(q->first + i) % ROOM]));
    return items;
}

/* --- its use --- */

static void body(tr_term args)
{
    (void)args;
    tr_agent_start_link(fill, TR_AGENT_OPTS(.state_size = sizeof(struct queue), .name = a_queue),
                        tr_list(1, 2, 3));
    for (int i = 0; i < 2; i++)
        printf("%s\n", tr_inspect(tr_agent_get_and_update(a_queue, dequeue)));
    printf("%s\n", tr_inspect(tr_agent_get(a_queue, list)));
    tr_agent_update(a_queue, enqueue, 5);
    printf("%s\n", tr_inspect(tr_agent_get(a_queue, list)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
