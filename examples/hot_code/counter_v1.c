/* SPDX-License-Identifier: MIT */
/* A counter, first version: its state is a number. */
#include <troupe.h>

tr_atoms(increment, get, version);

static tr_gen_result init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    int64_t *n = state;

    (void)from;
    if (tr_match(request, a_get))
        return tr_gen_reply(*n);
    return tr_match(request, a_version) ? tr_gen_reply(1) : tr_gen_unknown();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    int64_t *n = state;

    if (!tr_match(request, a_increment))
        return tr_gen_unknown();
    ++*n;
    return tr_gen_noreply();
}

/* Found by its name, also where symbols are hidden unless they say otherwise. */
extern const struct tr_gen_server counter __attribute__((visibility("default")));
const struct tr_gen_server counter = { .name = "counter",
                                       .state_size = sizeof(int64_t),
                                       .init = init,
                                       .handle_call = handle_call,
                                       .handle_cast = handle_cast };
