/* SPDX-License-Identifier: MIT */
/* Exercise: a cache that is an agent, and whose entries expire. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(cache, ok, expired, not_found);

/* --- what runs in the agent --- */

static tr_term empty(tr_term unused)
{
    (void)unused;
    return tr_build(tr_map());
}

static tr_term put(tr_term map, tr_term arg)
{
    tr_term key, value;
    int64_t expires_at;

    if (!tr_match(arg, &key, &value, &expires_at))
        return map;
    return tr_map_put(map, key, tr_build(value, expires_at));
}

static tr_term get(tr_term map, tr_term key)
{
    tr_term entry, value;
    int64_t expires_at;

    if (!tr_map_get(map, key, &entry) || !tr_match(entry, &value, &expires_at))
        return tr_build(a_not_found);
    return tr_monotonic_ms() < expires_at ? tr_build(a_ok, value) : tr_build(a_expired);
}

/* --- what its users call --- */

static void cache_start_link(void)
{
    tr_agent_start_link(empty, TR_AGENT_OPTS(.name = a_cache));
}

static void cache_put(const char *key, const char *value, int64_t ttl_ms)
{
    tr_agent_update(a_cache, put, key, value, tr_monotonic_ms() + ttl_ms);
}

static tr_term cache_get(const char *key)
{
    return tr_agent_get(a_cache, get, key);
}

static void body(tr_term args)
{
    (void)args;
    cache_start_link();
    cache_put("a", "stays for a minute", 60000);
    cache_put("b", "is gone at once", 0);
    printf("%s\n", tr_inspect(cache_get("a")));
    printf("%s\n", tr_inspect(cache_get("b")));
    printf("%s\n", tr_inspect(cache_get("c")));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
