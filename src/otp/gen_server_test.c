/* SPDX-License-Identifier: MIT */
/* Servers: what happens between a request and its answer. */
#include "children.h"

tr_atoms(push, pop, empty, noproc, gen_server, call, calling_self, stop_it, state);

struct stack {
    int64_t items[10];
    int n;
};

static tr_gen_result stack_init(void *state, tr_term arg)
{
    struct stack *s = state;

    if (tr_match(arg, &s->items[0]))
        s->n = 1;
    return tr_gen_ok();
}

static tr_gen_result stack_call(void *state, tr_term request, tr_term from)
{
    struct stack *s = state;

    (void)from;
    if (tr_match(request, a_pop))
        return s->n ? tr_gen_reply(s->items[--s->n]) : tr_gen_reply(a_empty, "list");
    return tr_gen_unknown();
}

static tr_gen_result stack_cast(void *state, tr_term request)
{
    struct stack *s = state;

    if (s->n < 10 && tr_match(request, a_push, &s->items[s->n])) {
        s->n++;
        return tr_gen_noreply();
    }
    return tr_gen_unknown();
}

static const struct tr_gen_server stack = {
    .name = "stack",
    .state_size = sizeof(struct stack),
    .init = stack_init,
    .handle_call = stack_call,
    .handle_cast = stack_cast,
};

TEST_PROC(requests_are_handled_in_order)
{
    FACT("GS-022", "calls, casts and plain messages of one client are handled in the order sent");
    tr_pid pid;

    CHECK(tr_match(tr_gen_server_start_link(&stack, NULL, 7), a_ok, &pid));
    tr_cast(pid, a_push, 8);
    CHECK_TERM(tr_call(pid, a_pop), tr_build(8));
    CHECK_TERM(tr_call(pid, a_pop), tr_build(7));
    CHECK_TERM(tr_call(pid, a_pop), tr_build(a_empty, "list"));
    tr_stop(pid, a_normal, TR_INFINITY);
    CHECK_MAILBOX(0);
}
