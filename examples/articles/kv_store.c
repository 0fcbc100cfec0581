/* SPDX-License-Identifier: MIT */
/* A store of keys and values: a server whose state is a term. */
#include <stdio.h>

#include <troupe.h>

tr_atoms(kv_store, put, delete, get, nil, name);

/* --- the server --- */

static tr_gen_result init(void *state, tr_term unused)
{
    tr_term *map = state;

    (void)unused;
    *map = tr_keep(tr_build(tr_map()));
    return tr_gen_ok();
}

/* A state that is a term is kept until there is another one. */
static tr_gen_result become(tr_term *map, tr_term new_map)
{
    tr_term before = *map;

    *map = tr_keep(new_map);
    tr_release(before);
    return tr_gen_noreply();
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    tr_term *map = state, key, value;

    if (tr_match(request, a_put, &key, &value))
        return become(map, tr_map_put(*map, key, value));
    if (tr_match(request, a_delete, &key))
        return become(map, tr_map_remove(*map, key));
    return tr_gen_unknown();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    const tr_term *map = state;
    tr_term key, value;

    (void)from;
    if (!tr_match(request, a_get, &key))
        return tr_gen_unknown();
    return tr_map_get(*map, key, &value) ? tr_gen_reply(value) : tr_gen_reply(a_nil);
}

static const struct tr_gen_server server = {
    .name = "kv_store",
    .state_size = sizeof(tr_term),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
};

/* --- what its users call --- */

static void kv_start_link(void)
{
    tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.name = a_kv_store));
}

static void kv_put(tr_atom key, const char *value)
{
    tr_cast(a_kv_store, a_put, key, value);
}

static void kv_delete(tr_atom key)
{
    tr_cast(a_kv_store, a_delete, key);
}

static tr_term kv_get(tr_atom key)
{
    return tr_call(a_kv_store, a_get, key);
}

static void body(tr_term args)
{
    (void)args;
    kv_start_link();
    kv_put(a_name, "Alice");
    printf("%s\n", tr_inspect(kv_get(a_name)));
    kv_delete(a_name);
    printf("%s\n", tr_inspect(kv_get(a_name)));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
