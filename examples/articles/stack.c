/* SPDX-License-Identifier: MIT */
/* A server: its interface is C functions, its messages stay in its file. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(stack, push, pop, nil);

/* --- the server --- */

struct stack {
    int64_t items[64]; /* the last one is the top */
    int n;
};

static void put(struct stack *s, int64_t item)
{
    if (s->n < 64)
        s->items[s->n++] = item;
}

static tr_gen_result init(void *state, tr_term items)
{
    tr_term rest = tr_list_reverse(items);
    tr_term item;
    int64_t n;

    while (tr_list_next(&rest, &item))
        if (tr_match(item, &n))
            put(state, n);
    return tr_gen_ok();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    int64_t item;

    if (!tr_match(request, a_push, &item))
        return tr_gen_unknown();
    put(state, item);
    return tr_gen_noreply();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct stack *s = state;

    (void)from;
    if (!tr_match(request, a_pop))
        return tr_gen_unknown();
    return s->n > 0 ? tr_gen_reply(s->items[--s->n]) : tr_gen_reply(a_nil);
}

static const struct tr_gen_server server = {
    .name = "stack",
    .state_size = sizeof(struct stack),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
};

/* --- what its users call --- */

static void stack_start_link(tr_term items)
{
    tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.name = a_stack), items);
}

static void stack_push(int64_t item)
{
    tr_cast(a_stack, a_push, item);
}

static tr_term stack_pop(void)
{
    return tr_call(a_stack, a_pop);
}

/* --- its use --- */

static void body(tr_term args)
{
    (void)args;
    stack_start_link(tr_build(tr_list(1, 2, 3)));
    stack_push(4);
    for (int i = 0; i < 5; i++)
        printf("%s\n", tr_inspect(stack_pop()));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
