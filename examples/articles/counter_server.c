/* SPDX-License-Identifier: MIT */
/* Exercise: a counter that is a server. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(counter, increment, decrement, get);

static tr_gen_result init(void *count, tr_term initial)
{
    tr_match(initial, (int64_t *)count);
    return tr_gen_ok();
}

static tr_gen_result handle_cast(void *count, tr_term request)
{
    if (tr_match(request, a_increment))
        ++*(int64_t *)count;
    else if (tr_match(request, a_decrement))
        --*(int64_t *)count;
    else
        return tr_gen_unknown();
    return tr_gen_noreply();
}

static tr_gen_result handle_call(void *count, tr_term request, tr_term from)
{
    (void)from;
    return tr_match(request, a_get) ? tr_gen_reply(*(int64_t *)count) : tr_gen_unknown();
}

static const struct tr_gen_server server = {
    .name = "counter",
    .state_size = sizeof(int64_t),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
};

static void body(tr_term args)
{
    (void)args;
    tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.name = a_counter), 0);
    for (int i = 0; i < 3; i++)
        tr_cast(a_counter, a_increment);
    tr_cast(a_counter, a_decrement);
    printf("%s\n", tr_inspect(tr_call(a_counter, a_get)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
