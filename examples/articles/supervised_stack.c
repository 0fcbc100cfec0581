/* SPDX-License-Identifier: MIT */
/* A supervisor with one child, a stack; and the stack that comes after it has failed. */
#include <stdio.h>

#include "await.h"

tr_atoms(ok, stack, pop, nil, break_down);

static tr_gen_result init(void *state, tr_term items)
{
    *(tr_term *)state = tr_keep(items);
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    tr_term *rest = state, item;

    (void)from;
    if (!tr_match(request, a_pop))
        return tr_gen_unknown();
    return tr_list_next(rest, &item) ? tr_gen_reply(item) : tr_gen_reply(a_nil);
}

static const struct tr_gen_server stack = {
    .name = "stack", .state_size = sizeof(tr_term), .init = init, .handle_call = handle_call
};

static const struct tr_supervisor supervisor = {
    .strategy = TR_ONE_FOR_ONE,
    .children = TR_CHILDREN({ .server = &stack, .name = "stack", .arg = "[hello]" }),
};

static void wait_for_another(tr_pid old)
{
    tr_pid new;

    while (!tr_whereis(a_stack, &new) || new.w == old.w)
        tr_sleep(1);
}

static void body(tr_term args)
{
    tr_pid pid, first;

    (void)args;
    if (!tr_match(tr_supervisor_start_link(&supervisor, NULL), a_ok, &pid))
        return;
    struct tr_child_counts n = tr_supervisor_count_children(pid);
    printf("active: %d, specs: %d, supervisors: %d, workers: %d\n", (int)n.active, (int)n.specs,
           (int)n.supervisors, (int)n.workers);

    printf("%s\n", tr_inspect(tr_call(a_stack, a_pop)));
    printf("%s\n", tr_inspect(tr_call(a_stack, a_pop)));
    if (tr_whereis(a_stack, &first)) {
        tr_exit_to(first, a_break_down);
        wait_for_another(first);
    }
    printf("%s again\n", tr_inspect(tr_call(a_stack, a_pop)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
