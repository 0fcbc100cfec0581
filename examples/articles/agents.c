/* SPDX-License-Identifier: MIT */
/* Two agents: one keeps a number, the other one, which has a name, a map. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(config, key, ok);

static tr_term initial(tr_term state)
{
    return state;
}

static tr_term state_of(tr_term state, tr_term unused)
{
    (void)unused;
    return state;
}

static tr_term plus(tr_term state, tr_term amount)
{
    int64_t n, by;

    return tr_match(state, &n) && tr_match(amount, &by) ? tr_build(n + by) : state;
}

static tr_term put(tr_term map, tr_term pair)
{
    return tr_map_put(map, tr_element(pair, 0), tr_element(pair, 1));
}

static void body(tr_term args)
{
    tr_pid agent;

    (void)args;
    if (!tr_match(tr_agent_start_link(initial, NULL, 0), a_ok, &agent))
        return;
    printf("%s\n", tr_inspect(tr_agent_get(agent, state_of)));
    tr_agent_update(agent, plus, 1);
    printf("%s\n", tr_inspect(tr_agent_get(agent, state_of)));

    tr_agent_start_link(initial, TR_AGENT_OPTS(.name = a_config), tr_map());
    tr_agent_update(a_config, put, a_key, "value");
    printf("%s\n", tr_inspect(tr_agent_get(a_config, state_of)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
