/* SPDX-License-Identifier: MIT */
/* Registries: registering, looking up, what becomes of the entries of those who end. */
#include "subject.h"

tr_atoms(reg, already_started, name, lobby, value, links, first, second, ready, ear, unregister,
         unknown_registry, meta, keys, partitions, listeners, held, done, answered, die, nil);
tr_atom_as(a_register, "register");

static void start(enum tr_registry_keys keys, int partitions)
{
    tr_pid pid;

    CHECK(tr_match(tr_registry_start_link(
                       TR_REGISTRY_OPTS(.name = a_reg, .keys = keys, .partitions = partitions)),
                   a_ok, &pid));
}

/* Registers {Key, Value} pairs, then waits. */
static void holder(tr_term arg)
{
    tr_term entries, entry, key, val;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &entries));
    while (tr_list_next(&entries, &entry)) {
        CHECK(tr_match(entry, &key, &val));
        CHECK_INT(tr_registry_register(a_reg, NULL, key, val), TR_OK);
    }
    tr_send(boss, a_ready);
    tr_receive (m) {
        tr_on (m, a_die)
            return;
    }
}

static tr_pid hold(tr_term entries)
{
    tr_pid pid = tr_spawn(holder, tr_self(), entries);

    tr_receive (m)
        tr_on (m, a_ready) {
        }
    return pid;
}

static bool is_linked(tr_pid pid)
{
    tr_term rest = info(tr_self(), a_links), item;

    while (tr_list_next(&rest, &item))
        if (item.w == pid.w)
            return true;
    return false;
}

TEST_PROC(registering_links_with_a_part_of_the_registry)
{
    FACT("NAME-016 NAME-021", "registering gives the part of the registry that looks after the "
                              "caller, which is linked with it until its last key is unregistered");
    tr_pid part, again;

    start(TR_UNIQUE, 0);
    CHECK_INT(tr_registry_register(a_reg, &part, "lobby", 1), TR_OK);
    CHECK(tr_is_alive(part) && is_linked(part));
    CHECK_INT(tr_registry_register(a_reg, &again, a_second, 2), TR_OK);
    CHECK(again.w == part.w);
    tr_registry_unregister(a_reg, "lobby");
    tr_registry_unregister(a_reg, "lobby");
    CHECK(is_linked(part));
    tr_registry_unregister(a_reg, a_second);
    CHECK(!is_linked(part));
}

TEST_PROC(taken_key_changes_nothing)
{
    FACT("NAME-017 NAME-018", "a key that another live process holds is refused with its pid; a "
                              "lookup gives the one entry, or nothing");
    tr_pid pid = { 0 };

    start(TR_UNIQUE, 0);
    tr_pid a = hold(tr_build(tr_list(tr_tuple("lobby", 1))));
    CHECK_INT(tr_registry_register(a_reg, &pid, "lobby", 2), TR_EEXIST);
    CHECK(pid.w == a.w);
    CHECK_TERM(tr_registry_lookup(a_reg, "lobby"), tr_build(tr_list(tr_tuple(a, 1))));
    CHECK_TERM(tr_registry_lookup(a_reg, "kitchen"), tr_nil());
    CHECK_TERM(info(tr_self(), a_links), tr_build(tr_list(tr_whereis(a_reg, &pid) ? pid : pid)));
    pid.w = 0;
    CHECK(tr_registry_whereis(a_reg, "lobby", &pid) && pid.w == a.w);
    CHECK(!tr_registry_whereis(a_reg, "kitchen", &pid));
    tr_exit_to(a, a_kill);
    CHECK(!tr_is_alive(a));
    CHECK_INT(tr_registry_register(a_reg, &pid, "lobby", 2), TR_OK);
    CHECK_TERM(tr_registry_lookup(a_reg, "lobby"), tr_build(tr_list(tr_tuple(tr_self(), 2))));
    CHECK_INT(tr_registry_register(a_reg, &pid, "lobby", 3), TR_EEXIST);
    CHECK(pid.w == tr_self().w);
}

TEST_PROC(keys_and_values_of_a_process)
{
    FACT("NAME-019", "the keys of a process, and its values under a key, are listed; for a process "
                     "with none both are empty");
    start(TR_DUPLICATE, 2);
    tr_pid a = hold(tr_build(tr_list(tr_tuple(1, 10), tr_tuple("two", 20), tr_tuple(1, 11))));
    CHECK_TERM(tr_registry_keys(a_reg, a), tr_build(tr_list(1, "two", 1)));
    CHECK_TERM(tr_registry_values(a_reg, 1, a), tr_build(tr_list(10, 11)));
    CHECK_TERM(tr_registry_values(a_reg, 3, a), tr_nil());
    CHECK_TERM(tr_registry_keys(a_reg, tr_self()), tr_nil());
    CHECK_TERM(tr_registry_values(a_reg, 1, tr_self()), tr_nil());
}

TEST_PROC(entries_go_with_their_process)
{
    FACT("NAME-020", "when a process ends, for whatever reason, all its entries go, whatever "
                     "partitions keys and pid fall into");
    tr_pid pids[8];

    start(TR_DUPLICATE, 3);
    for (int i = 0; i < 8; i++)
        pids[i] = hold(tr_build(tr_list(tr_tuple("all", i), tr_tuple(i, i), tr_tuple(a_lobby, 0))));
    CHECK_INT(tr_registry_count(a_reg), 24);
    for (int i = 0; i < 8; i++) {
        if (i % 2)
            tr_exit_to(pids[i], a_kill);
        else
            tr_send(pids[i], a_die);
    }
    CHECK_WITHIN(5000, tr_registry_count(a_reg) == 0);
    CHECK_TERM(tr_registry_lookup(a_reg, "all"), tr_nil());
    CHECK_TERM(tr_registry_keys(a_reg, pids[3]), tr_nil());
}

static tr_term add_to(tr_term val, void *n)
{
    int64_t i = 0;

    CHECK(tr_match(val, &i));
    return tr_build(i + *(int *)n);
}

static tr_term never(tr_term val, void *arg)
{
    (void)arg;
    FAIL("a function that must not run");
    return val;
}

TEST_PROC(holder_updates_its_value)
{
    FACT("NAME-022",
         "the holder of a unique key updates its value by a function; for a key that is "
         "free or another's the function does not run");
    tr_term new, old;
    int n = 5;

    start(TR_UNIQUE, 0);
    CHECK_INT(tr_registry_register(a_reg, NULL, "k", 1), TR_OK);
    CHECK_INT(tr_registry_update_value(a_reg, "k", add_to, &n, &new, &old), TR_OK);
    CHECK_TERM(new, tr_build(6));
    CHECK_TERM(old, tr_build(1));
    CHECK_TERM(tr_registry_values(a_reg, "k", tr_self()), tr_build(tr_list(6)));
    hold(tr_build(tr_list(tr_tuple("theirs", 1))));
    CHECK_INT(tr_registry_update_value(a_reg, "theirs", never, NULL, NULL, NULL), TR_ENOTFOUND);
    CHECK_INT(tr_registry_update_value(a_reg, "free", never, NULL, NULL, NULL), TR_ENOTFOUND);
}

TEST_PROC(keys_are_compared_exactly)
{
    FACT("NAME-025", "1 and 1.0 are two keys");
    start(TR_UNIQUE, 0);
    CHECK_INT(tr_registry_register(a_reg, NULL, 1, a_first), TR_OK);
    CHECK_INT(tr_registry_register(a_reg, NULL, 1.0, a_second), TR_OK);
    CHECK_TERM(tr_registry_lookup(a_reg, 1), tr_build(tr_list(tr_tuple(tr_self(), a_first))));
}

TEST_PROC(duplicate_keys)
{
    FACT("NAME-026 NAME-027", "a duplicate key is held by many, and by one several times; "
                              "unregister removes all entries of the caller and no others");
    start(TR_DUPLICATE, 2);
    CHECK_INT(tr_registry_register(a_reg, NULL, "k", 1), TR_OK);
    tr_pid a = hold(tr_build(tr_list(tr_tuple("k", 2))));
    CHECK_INT(tr_registry_register(a_reg, NULL, "k", 3), TR_OK);
    CHECK_TERM(tr_registry_lookup(a_reg, "k"),
               tr_build(tr_list(tr_tuple(tr_self(), 1), tr_tuple(a, 2), tr_tuple(tr_self(), 3))));
    tr_registry_unregister(a_reg, "k");
    CHECK_TERM(tr_registry_lookup(a_reg, "k"), tr_build(tr_list(tr_tuple(a, 2))));
}

/* --- what fails --- */

static void calls_lookup(void *arg)
{
    (void)arg;
    tr_registry_lookup(a_other, 1);
}

static void calls_register(void *arg)
{
    (void)arg;
    CHECK_INT(tr_registry_register(a_other, NULL, 1, 2), TR_OK);
}

static void calls_meta(void *arg)
{
    tr_term v;

    (void)arg;
    tr_registry_meta(a_other, 1, &v);
}

static void calls_update(void *arg)
{
    (void)arg;
    CHECK_INT(tr_registry_update_value(a_reg, 1, never, NULL, NULL, NULL), TR_OK);
}

static void check_fails(void (*fn)(void *), tr_term why)
{
    tr_term reason;

    CHECK(tr_catch(fn, NULL, &reason));
    CHECK(tr_match(reason, tr_tuple(a_badarg, why), tr_any()));
}

TEST_PROC(registry_that_does_not_run)
{
    FACT("NAME-035",
         "an operation on a registry that does not run fails with badarg, and names it");
    tr_term why = tr_build(a_unknown_registry, a_other);

    check_fails(calls_lookup, why);
    check_fails(calls_register, why);
    check_fails(calls_meta, why);
}

TEST_PROC(no_update_of_duplicate_keys)
{
    FACT("NAME-028", "a value of a registry with duplicate keys cannot be updated");
    start(TR_DUPLICATE, 0);
    check_fails(calls_update, tr_build(tr_intern("duplicate"), a_reg));
}

static void starts(void *opts)
{
    tr_registry_start_link(opts);
}

static void check_refused(struct tr_registry_opts opts, tr_atom what)
{
    int64_t before = tr_process_count();
    tr_term reason;

    CHECK(tr_catch(starts, &opts, &reason));
    CHECK_TERM(reason, tr_build(a_badarg, what));
    CHECK_WITHIN(10000, tr_process_count() == before);
}

TEST_PROC(partitions_and_bad_options)
{
    FACT("NAME-036", "a registry with N partitions has N children; bad options are refused before "
                     "anything starts");
    start(TR_UNIQUE, 4);
    CHECK_INT(tr_supervisor_count_children(a_reg).active, 4);
    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE)),
                   a_error, tr_tuple(a_already_started, tr_any())));
    check_refused((struct tr_registry_opts){ .keys = TR_UNIQUE }, a_name);
    check_refused((struct tr_registry_opts){ .name = a_other }, a_keys);
    check_refused((struct tr_registry_opts){ .name = a_other, .keys = TR_UNIQUE, .partitions = -1 },
                  a_partitions);
    check_refused(
        (struct tr_registry_opts){ .name = a_other, .keys = TR_UNIQUE, .listeners = tr_build(5) },
        a_listeners);
    check_refused(
        (struct tr_registry_opts){ .name = a_other, .keys = TR_UNIQUE, .meta = tr_build(5) },
        a_meta);
}

TEST_PROC(registry_that_ends_leaves_nothing)
{
    tr_pid sup, part;
    tr_term reason;

    tr_trap_exit(true);
    start(TR_UNIQUE, 2);
    CHECK(tr_whereis(a_reg, &sup));
    CHECK_INT(tr_registry_register(a_reg, &part, "k", 1), TR_OK);
    tr_stop(sup, a_normal, TR_INFINITY);
    tr_receive (m)
        tr_on (m, tr_intern("EXIT"), part, &reason)
            CHECK_TERM(reason, tr_build(tr_intern("shutdown")));
    check_fails(calls_lookup, tr_build(a_unknown_registry, a_other));
    start(TR_DUPLICATE, 1);
    CHECK_INT(tr_registry_count(a_reg), 0);
    CHECK_INT(tr_registry_register(a_reg, &part, "k", 1), TR_OK);
}

/* Another process holds on to the partition, and has no entry any more when that has started anew.
 */
TEST_PROC(partition_that_fails_starts_with_no_entries)
{
    tr_pid part, again;

    tr_trap_exit(true);
    start(TR_UNIQUE, 1);
    CHECK_INT(tr_registry_register(a_reg, &part, "k", 1), TR_OK);
    tr_exit_to(part, a_kill);
    CHECK_WITHIN(5000,
                 !tr_is_alive(part) && tr_directory_find(a_reg) && tr_registry_count(a_reg) == 0);
    CHECK_INT(tr_registry_register(a_reg, &again, "k", 1), TR_OK);
    CHECK(again.w != part.w);
}

/* --- listeners, metadata, locks --- */

TEST_PROC(listeners_are_told)
{
    FACT("NAME-034",
         "listeners get {register, Registry, Key, Pid, Value} for each registration and "
         "{unregister, Registry, Key, Pid} when a key is unregistered");
    tr_pid pid;

    CHECK_INT(tr_register(a_ear, tr_self()), TR_OK);
    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE,
                                                           .listeners = tr_build(tr_list(
                                                               a_ear, tr_intern("nobody"))))),
                   a_ok, &pid));
    CHECK_INT(tr_registry_register(a_reg, NULL, "k", 1), TR_OK);
    tr_registry_unregister(a_reg, "k");
    tr_receive (m)
        tr_on (m, a_register, a_reg, "k", tr_self(), 1) {
        }
    tr_receive (m)
        tr_on (m, a_unregister, a_reg, "k", tr_self()) {
        }
    tr_pid a = hold(tr_build(tr_list(tr_tuple("k", 2))));
    tr_receive (m)
        tr_on (m, a_register, a_reg, "k", a, 2) {
        }
    tr_exit_to(a, a_kill);
    CHECK_WITHIN(5000, tr_registry_count(a_reg) == 0);
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(metadata)
{
    FACT("NAME-038", "metadata given at the start are read, stored and deleted by key; an absent "
                     "key gives nothing");
    tr_term v;
    tr_pid pid;

    CHECK(tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = TR_UNIQUE,
                                                           .meta = tr_build(tr_map("a", 1)))),
                   a_ok, &pid));
    CHECK(tr_registry_meta(a_reg, "a", &v) && tr_match(v, 1));
    CHECK(!tr_registry_meta(a_reg, "b", &v));
    tr_registry_put_meta(a_reg, "b", "text");
    tr_registry_put_meta(a_reg, "a", tr_tuple(1, "x"));
    CHECK(tr_registry_meta(a_reg, "b", &v) && tr_match(v, "text"));
    CHECK(tr_registry_meta(a_reg, "a", &v) && tr_match(v, 1, "x"));
    tr_registry_delete_meta(a_reg, "a");
    CHECK(!tr_registry_meta(a_reg, "a", &v));
    CHECK_INT(tr_registry_count(a_reg), 0);
}

static tr_term in_lock(void *boss)
{
    tr_send(*(tr_pid *)boss, a_held, tr_self());
    tr_receive (m)
        tr_on (m, a_go_on) {
        }
    return tr_build("result");
}

static void locker(tr_term arg)
{
    tr_term key;
    tr_pid boss;

    CHECK(tr_match(arg, &boss, &key));
    tr_term result = tr_registry_lock_args(a_reg, TR_ARG(key), in_lock, &boss);
    tr_send(boss, a_done, result);
}

static tr_pid next_holder(void)
{
    tr_pid pid = { 0 };

    tr_receive (m)
        tr_on (m, a_held, &pid) {
        }
    return pid;
}

TEST_PROC(locks)
{
    FACT("NAME-037", "a function runs while its caller holds the lock of a key, and its result is "
                     "returned; the same key waits, others do not; one who ends lets go");
    start(TR_UNIQUE, 2);
    tr_pid a = tr_spawn(locker, tr_self(), "k");
    CHECK(next_holder().w == a.w);
    tr_pid b = tr_spawn(locker, tr_self(), "k");
    tr_pid c = tr_spawn(locker, tr_self(), "other");
    CHECK(next_holder().w == c.w);
    tr_pid d = tr_spawn(locker, tr_self(), "k");
    tr_sleep(2);
    CHECK_INT(tr_mailbox_length(), 0);
    tr_send(a, a_go_on);
    tr_receive (m)
        tr_on (m, a_done, "result") {
        }
    tr_pid next = next_holder();
    CHECK(next.w == b.w || next.w == d.w);
    tr_exit_to(next, a_kill);
    tr_pid last = next_holder();
    CHECK(last.w == (next.w == b.w ? d.w : b.w));
    tr_send(last, a_go_on);
    tr_receive (m)
        tr_on (m, a_done, "result") {
        }
}
