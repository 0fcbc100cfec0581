/* SPDX-License-Identifier: MIT */
/*
 * A cache for each user: a server that is started when the user is first seen, found by name in a
 * registry. Each user's requests are handled one after the other, and nobody waits for another.
 */
#include <stdio.h>

#include <troupe.h>

tr_atoms(via, Registry, users, caches, put, get, nil);

/* --- the cache of one user --- */

static tr_gen_result init(void *state, tr_term unused)
{
    (void)unused;
    *(tr_term *)state = tr_keep(tr_build(tr_map()));
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    tr_term *map = state, before = *map, key, value;

    (void)from;
    if (tr_match(request, a_get, &key))
        return tr_map_get(*map, key, &value) ? tr_gen_reply(value) : tr_gen_reply(a_nil);
    if (!tr_match(request, a_put, &key, &value))
        return tr_gen_unknown();
    *map = tr_keep(tr_map_put(*map, key, value));
    tr_release(before);
    return tr_gen_reply(value);
}

static const struct tr_gen_server cache = {
    .name = "cache", .state_size = sizeof(tr_term), .init = init, .handle_call = handle_call
};

/* --- all of them --- */

static tr_term name_of(tr_term user)
{
    return tr_build(a_via, a_Registry, tr_tuple(a_users, user));
}

static tr_term start_cache(tr_term user)
{
    return tr_gen_server_start_link(&cache, TR_GEN_SERVER_OPTS(.via = name_of(user)));
}

/* The cache of a user, started if need be; of two who start it one succeeds, and both find it. */
static tr_term cache_of(const char *user)
{
    tr_term name = tr_build(user);
    tr_pid pid;

    if (!tr_registry_whereis(a_users, user, &pid))
        tr_dynamic_supervisor_start_child(
            a_caches, TR_CHILD(.start = start_cache, .id = "cache", .arg_term = name));
    return name_of(name);
}

static void body(tr_term args)
{
    (void)args;
    tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_users, .keys = TR_UNIQUE));
    tr_dynamic_supervisor_start_link(NULL, TR_GEN_SERVER_OPTS(.name = a_caches));

    tr_call(cache_of("anna"), a_put, "colour", "red");
    tr_call(cache_of("bert"), a_put, "colour", "blue");
    printf("anna: %s\n", tr_inspect(tr_call(cache_of("anna"), a_get, "colour")));
    printf("bert: %s\n", tr_inspect(tr_call(cache_of("bert"), a_get, "colour")));
    printf("caches: %d\n", (int)tr_dynamic_supervisor_count_children(a_caches).active);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
