/* SPDX-License-Identifier: MIT */
/* An agent whose state is a term: configuration keys that everybody can read and set. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(configure, env, production, ok, error);

/* --- what runs in the agent --- */

static tr_term initial(tr_term map)
{
    return map;
}

static tr_term fetch(tr_term map, tr_term key)
{
    tr_term value;

    return tr_map_get(map, key, &value) ? tr_build(a_ok, value) : tr_build(a_error);
}

static tr_term put(tr_term map, tr_term pair)
{
    tr_term key, value;

    return tr_match(pair, &key, &value) ? tr_map_put(map, key, value) : map;
}

/* --- what its users call --- */

static void configure_start_link(tr_term map)
{
    tr_agent_start_link(initial, TR_AGENT_OPTS(.name = a_configure), map);
}

static tr_term configure_get(tr_atom key)
{
    return tr_agent_get(a_configure, fetch, key);
}

static void configure_set(tr_atom key, tr_atom value)
{
    tr_agent_update(a_configure, put, key, value);
}

static void body(tr_term args)
{
    (void)args;
    configure_start_link(tr_build(tr_map(a_env, a_production)));
    printf("%s\n", tr_inspect(configure_get(a_env)));
    tr_agent_stop(a_configure);

    configure_start_link(tr_build(tr_map()));
    printf("%s\n", tr_inspect(configure_get(a_env)));
    configure_set(a_env, a_production);
    printf("%s\n", tr_inspect(configure_get(a_env)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
