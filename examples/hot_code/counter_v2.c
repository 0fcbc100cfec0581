/* SPDX-License-Identifier: MIT */
/* The same counter, second version: it also knows how much was counted since the upgrade. */
#include <troupe.h>

tr_atoms(increment, get, since, version);

struct counter {
    int64_t n; /* what the first version had */
    int64_t since;
};

static tr_gen_result init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct counter *c = state;

    (void)from;
    if (tr_match(request, a_get))
        return tr_gen_reply(c->n);
    if (tr_match(request, a_since))
        return tr_gen_reply(c->since);
    return tr_match(request, a_version) ? tr_gen_reply(2) : tr_gen_unknown();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    struct counter *c = state;

    if (!tr_match(request, a_increment))
        return tr_gen_unknown();
    c->n++;
    c->since++;
    return tr_gen_noreply();
}

/* The number is at the same place, and what is new is zero: there is nothing to do. */
static bool code_change(void *state, tr_term old_version, tr_term extra)
{
    (void)state;
    (void)extra;
    return tr_match(old_version, 1);
}

/* Found by its name, also where symbols are hidden unless they say otherwise. */
extern const struct tr_gen_server counter __attribute__((visibility("default")));
const struct tr_gen_server counter = { .name = "counter",
                                       .state_size = sizeof(struct counter),
                                       .init = init,
                                       .handle_call = handle_call,
                                       .handle_cast = handle_cast,
                                       .code_change = code_change };
