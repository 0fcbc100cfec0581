/* SPDX-License-Identifier: MIT */
/*
 * Registries against processes that end all the time: many register, update, unregister, look up
 * and end, while others look at everything; in the end nothing is left.
 */
#include "load.h"

tr_atoms(uniq, dupl, ok, oops, scope);

enum { KEYS = 16, ACTORS = 24 };

static tr_term key_of(uint64_t *seed)
{
    int i = load_below(seed, KEYS);

    return i % 2 ? tr_build(i) : tr_build("a key of many words that is no immediate", i);
}

static tr_term grow(tr_term value, void *unused)
{
    int64_t n = 0;

    (void)unused;
    CHECK(tr_match(value, &n, "value"));
    return tr_build(n + 1, "value");
}

static void register_one(tr_atom registry, tr_term key)
{
    tr_pid pid;
    tr_err err = tr_registry_register(registry, &pid, key, tr_tuple(0, "value"));

    CHECK(err == TR_OK || (err == TR_EEXIST && registry.w == a_uniq.w));
    CHECK(pid.w != 0);
}

/* What is found is whole, whoever has ended or removed it meanwhile. */
static void look(tr_atom registry, tr_term key)
{
    tr_term rest = tr_registry_lookup(registry, key), entry;
    tr_pid pid;

    while (tr_list_next(&rest, &entry))
        CHECK(tr_match(entry, &pid, tr_tuple(tr_any(), "value")));
}

static void step(uint64_t *seed)
{
    tr_atom registry = load_below(seed, 2) ? a_uniq : a_dupl;
    tr_term key = key_of(seed);
    tr_pid pid;

    switch (load_below(seed, 8)) {
    case 0:
    case 1:
        register_one(registry, key);
        return;
    case 2:
        tr_registry_unregister(registry, key);
        CHECK_TERM(tr_registry_values(registry, key, tr_self()), tr_nil());
        return;
    case 3:
        CHECK(tr_registry_update_value(a_uniq, key, grow, NULL, NULL, NULL) != TR_ENOMEM);
        return;
    case 4:
        tr_registry_whereis(registry, key, &pid);
        return;
    case 5:
        tr_pubsub_broadcast(a_dupl, key, "news for all", 1, 2);
        return;
    case 6:
        tr_registry_keys(registry, tr_self());
        return;
    default:
        look(registry, key);
    }
}

static void actor(tr_term arg)
{
    uint64_t seed;

    CHECK(tr_match(arg, &seed));
    seed |= 1;
    for (int n = 1 + load_below(&seed, 60); n > 0; n--)
        tr_scope
        {
            step(&seed);
        }
    if (load_below(&seed, 2))
        tr_exit(a_oops);
}

static void start(tr_atom name, enum tr_registry_keys keys)
{
    tr_pid pid;

    CHECK(tr_match(
        tr_registry_start_link(TR_REGISTRY_OPTS(.name = name, .keys = keys, .partitions = 3)), a_ok,
        &pid));
}

static void count_all(tr_atom registry)
{
    tr_term rest = tr_directory_all(tr_directory_find(registry)), entry;
    tr_pid pid;

    while (tr_list_next(&rest, &entry))
        CHECK(tr_match(entry, tr_any(), &pid, tr_tuple(tr_any(), "value")));
}

TEST_PROC(entries_of_many_that_come_and_go)
{
    uint64_t seed = 17;

    start(a_uniq, TR_UNIQUE);
    start(a_dupl, TR_DUPLICATE);
    int64_t before = tr_process_count();
    for (int64_t end = load_end_ms(); check_now_ms() < end;) {
        for (int i = 0; i < ACTORS; i++) {
            tr_pid pid = tr_spawn(actor, load_random(&seed));
            if (load_below(&seed, 4) == 0)
                tr_exit_to(pid, a_kill);
        }
        tr_scope
        {
            count_all(a_uniq);
            count_all(a_dupl);
        }
        CHECK_WITHIN(patience(10000), tr_process_count() < before + 4 * ACTORS);
    }
    CHECK_PROCESS_COUNT(before);
    CHECK_WITHIN(patience(10000), tr_registry_count(a_uniq) == 0);
    CHECK_WITHIN(patience(10000), tr_registry_count(a_dupl) == 0);
}

/* --- groups --- */

static void member(tr_term arg)
{
    uint64_t seed;

    CHECK(tr_match(arg, &seed));
    seed |= 1;
    for (int n = 1 + load_below(&seed, 10); n > 0; n--) {
        int group = load_below(&seed, 4);
        tr_scope
        {
            if (load_below(&seed, 3))
                tr_pg_join(a_scope, group, tr_self());
            else
                CHECK(tr_pg_leave(a_scope, group, tr_self()) != TR_ENOMEM);
            tr_pg_get_members(a_scope, group);
        }
    }
}

TEST_PROC(groups_of_many_that_come_and_go)
{
    uint64_t seed = 23;
    tr_pid pid;

    CHECK(tr_match(tr_pg_start_link(a_scope), a_ok, &pid));
    int64_t before = tr_process_count();
    for (int64_t end = load_end_ms(); check_now_ms() < end;) {
        for (int i = 0; i < ACTORS; i++)
            tr_spawn(member, load_random(&seed));
        CHECK_WITHIN(patience(10000), tr_process_count() < before + 4 * ACTORS);
    }
    CHECK_PROCESS_COUNT(before);
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_pg_which_groups(a_scope)));
    CHECK_INT(tr_directory_count(tr_directory_find(tr_intern("scope.watches"))), 0);
}
