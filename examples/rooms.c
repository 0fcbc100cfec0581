/* SPDX-License-Identifier: MIT */
/* Rooms found by their names: one server each, known to a registry. */
#include <troupe.h>

tr_atoms(via, Registry, rooms, enter);

/* --- a room --- */

struct room {
    int64_t visitors;
};

static tr_gen_result init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    return tr_gen_ok();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct room *r = state;

    (void)from;
    if (!tr_match(request, a_enter))
        return tr_gen_unknown();
    return tr_gen_reply(++r->visitors);
}

static const struct tr_gen_server room = {
    .name = "room", .state_size = sizeof(struct room), .init = init, .handle_call = handle_call
};

static tr_term name_of(const char *text)
{
    return tr_build(a_via, a_Registry, tr_tuple(a_rooms, text));
}

/* The result is {ok, Pid}, or {error, {already_started, Pid}}. */
static tr_term open_room(const char *name)
{
    return tr_gen_server_start(&room, TR_GEN_SERVER_OPTS(.via = name_of(name)));
}

/* --- their use --- */

static void body(tr_term args)
{
    tr_pid lobby;

    (void)args;
    tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_rooms, .keys = TR_UNIQUE));
    open_room("lobby");
    open_room("library");
    tr_call(name_of("lobby"), a_enter);
    tr_puts(tr_inspect(tr_call(name_of("lobby"), a_enter)));
    tr_puts(tr_inspect(tr_build(tr_registry_count(a_rooms))));

    /* A second lobby is refused; the first one is found by its name. */
    tr_term second = open_room("lobby");
    tr_registry_whereis(a_rooms, "lobby", &lobby);
    tr_puts(tr_inspect(tr_build(tr_equal(tr_element(tr_element(second, 1), 1), tr_build(lobby)))));

    /* Its name goes with it. */
    tr_stop(lobby, tr_intern("normal"), TR_INFINITY);
    tr_puts(tr_inspect(tr_registry_lookup(a_rooms, "lobby")));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
