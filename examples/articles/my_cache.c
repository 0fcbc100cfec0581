/* SPDX-License-Identifier: MIT */
/* The shortest cache there is: an agent with a name, whose state is a map. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(cache, key);

static tr_term empty(tr_term unused)
{
    (void)unused;
    return tr_build(tr_map());
}

static tr_term put(tr_term map, tr_term pair)
{
    return tr_map_put(map, tr_element(pair, 0), tr_element(pair, 1));
}

static tr_term get(tr_term map, tr_term key)
{
    tr_term value;

    return tr_map_get(map, key, &value) ? value : tr_nil();
}

static void body(tr_term args)
{
    const char *value = "nothing";

    (void)args;
    tr_agent_start_link(empty, TR_AGENT_OPTS(.name = a_cache));
    tr_agent_update(a_cache, put, a_key, "value");
    tr_match(tr_agent_get(a_cache, get, a_key), &value);
    puts(value);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
