/* SPDX-License-Identifier: MIT */
/* A queue that is a server; queue.c is the same as an agent. */
#include <stdio.h>
#include <string.h>

#include <troupe.h>

tr_atoms(queue, dequeue, enqueue, nil);

enum { ROOM = 16 };

struct queue {
    int64_t items[ROOM]; /* the first one leaves next */
    size_t n;
};

static tr_gen_result init(void *state, tr_term items)
{
    struct queue *q = state;
    tr_term item;

    while (q->n < ROOM && tr_list_next(&items, &item))
        tr_match(item, &q->items[q->n++]);
    return tr_gen_ok();
}

static tr_term list(const struct queue *q)
{
    tr_term items = tr_nil();

    for (size_t i = q->n; i > 0; i--)
        items = tr_list_push(items, tr_build(q->items[i - 1]));
    return items;
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct queue *q = state;

    (void)from;
    if (tr_match(request, a_queue))
        return tr_gen_reply(list(q));
    if (!tr_match(request, a_dequeue))
        return tr_gen_unknown();
    if (q->n == 0)
        return tr_gen_reply(a_nil);
    int64_t first = q->items[0];
    memmove(q->items, q->items + 1, --q->n * sizeof *q->items);
    return tr_gen_reply(first);
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct queue *q = state;

    if (q->n == ROOM || !tr_match(request, a_enqueue, &q->items[q->n]))
        return tr_gen_unknown();
    q->n++;
    return tr_gen_noreply();
}

static const struct tr_gen_server server = {
    .name = "queue",
    .state_size = sizeof(struct queue),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
};

static void body(tr_term args)
{
    (void)args;
    tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.name = a_queue), tr_list(1, 2, 3));
    printf("%s\n", tr_inspect(tr_call(a_queue, a_dequeue)));
    printf("%s\n", tr_inspect(tr_call(a_queue, a_dequeue)));
    printf("%s\n", tr_inspect(tr_call(a_queue, a_queue)));
    tr_cast(a_queue, a_enqueue, 5);
    printf("%s\n", tr_inspect(tr_call(a_queue, a_queue)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
