/* SPDX-License-Identifier: MIT */
/* Directories, registries, pubsub and groups, with each allocation in them failing in turn. */
#include "faults.h"

tr_atoms(reg, ok, dir, via, Registry);

static void no_reports(void)
{
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
}

static struct tr_directory *the_directory;

static void close_directory(void *unused)
{
    (void)unused;
    if (the_directory)
        tr_directory_close(the_directory);
    the_directory = NULL;
}

FAULT_TEST(a_directory)
{
    tr_term key = tr_build("a key", 1);

    tr_defer(close_directory, NULL);
    arm();
    tr_err err = tr_directory_open(&the_directory, a_dir, true, tr_build("info"));
    if (err) {
        CHECK_INT(err, TR_ENOMEM);
        CHECK(!tr_directory_find(a_dir));
        return false;
    }
    struct tr_directory *d = the_directory;
    err = tr_directory_insert(d, key, tr_self(), tr_build("value"), NULL);
    CHECK_INT(tr_directory_count(d), err == TR_OK);
    CHECK_INT(tr_directory_count_of(d, tr_self()), err == TR_OK);
    if (!err)
        err = tr_directory_update(d, key, tr_self(), tr_build("another value"));
    if (!err)
        err = tr_directory_set_info(d, tr_build("more"));
    CHECK(err == TR_OK || err == TR_ENOMEM);
    tr_directory_get(d, key);
    tr_directory_of(d, tr_self());
    tr_directory_all(d);
    tr_directory_keys(d);
    return err == TR_OK && tr_directory_remove(d, key, tr_self()) == 1;
}

/* A key so deep that comparing it takes memory. */
static tr_term deep(int i)
{
    tr_term term = tr_build(i);

    for (int level = 0; level < 100; level++)
        term = tr_build(term, a_dir);
    return term;
}

static void use_deep_keys(void *unused)
{
    struct tr_directory *d = the_directory;
    tr_pid pid;

    (void)unused;
    if (tr_directory_update(d, deep(1), tr_self(), tr_build(2)) != TR_OK)
        tr_exit(a_out_of_memory);
    if (tr_directory_insert(d, deep(2), tr_self(), tr_nil(), NULL) != TR_OK)
        tr_exit(a_out_of_memory);
    CHECK(tr_directory_whereis(d, deep(1), &pid));
    CHECK_INT(tr_directory_pids(d, deep(1), &pid, 1), 1);
    CHECK(!tr_is_nil(tr_directory_get(d, deep(1))));
    CHECK_INT(tr_directory_remove(d, deep(1), tr_self()), 1);
}

/* What fails there leaves neither a lock nor a read section behind. */
FAULT_TEST(deep_keys)
{
    tr_term reason;

    tr_defer(close_directory, NULL);
    CHECK_INT(tr_directory_open(&the_directory, a_dir, true, tr_nil()), TR_OK);
    struct tr_directory *d = the_directory;
    CHECK_INT(tr_directory_insert(d, deep(1), tr_self(), tr_nil(), NULL), TR_OK);
    arm();
    bool failed = tr_catch(use_deep_keys, NULL, &reason);
    if (failed)
        CHECK_TERM(reason, tr_build(a_out_of_memory));
    tr_directory_drop(d, tr_self());
    CHECK_INT(tr_directory_count(d), 0);
    CHECK(tr_is_nil(tr_directory_keys(d)));
    return !failed;
}

FAULT_TEST(many_entries)
{
    size_t n = 0;

    tr_defer(close_directory, NULL);
    CHECK_INT(tr_directory_open(&the_directory, a_dir, false, tr_nil()), TR_OK);
    struct tr_directory *d = the_directory;
    arm();
    for (int i = 0; i < 300; i++)
        n +=
            tr_directory_insert(d, tr_build("key", i % 150), tr_self(), tr_build(i), NULL) == TR_OK;
    CHECK_INT(tr_directory_count(d), n);
    CHECK_INT(tr_directory_drop(d, tr_self()), n);
    return n == 300;
}

static bool start(enum tr_registry_keys keys, tr_pid *pid)
{
    tr_trap_exit(true);
    return tr_match(tr_registry_start_link(TR_REGISTRY_OPTS(.name = a_reg, .keys = keys,
                                                            .meta = tr_build(tr_map("k", 1)))),
                    a_ok, pid);
}

FAULT_TEST(start_of_a_registry)
{
    tr_pid pid;

    no_reports();
    arm();
    if (!start(TR_UNIQUE, &pid)) {
        CHECK_WITHIN(PATIENCE_MS, !tr_directory_find(a_reg));
        return false;
    }
    tr_stop(pid, a_normal, TR_INFINITY);
    return true;
}

FAULT_TEST(registering)
{
    tr_pid pid;

    no_reports();
    CHECK(start(TR_UNIQUE, &pid));
    arm();
    tr_err err = tr_registry_register(a_reg, NULL, "key", tr_tuple("value", 1));
    CHECK(err == TR_OK || err == TR_ENOMEM);
    CHECK_INT(tr_registry_count(a_reg), err == TR_OK);
    if (!err) {
        tr_registry_put_meta(a_reg, "k", "text");
        tr_registry_lookup(a_reg, "key");
        tr_registry_unregister(a_reg, "key");
    }
    tr_stop(pid, a_normal, TR_INFINITY);
    return err == TR_OK;
}

FAULT_TEST(broadcasting)
{
    tr_pid pid;

    no_reports();
    CHECK(start(TR_DUPLICATE, &pid));
    for (int i = 0; i < 100; i++)
        CHECK_INT(tr_pubsub_subscribe(a_reg, "topic"), TR_OK);
    arm();
    tr_pubsub_broadcast(a_reg, "topic", "small", 1);
    tr_pubsub_broadcast(a_reg, "topic", tr_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
    CHECK_INT(tr_mailbox_length(), 200);
    tr_stop(pid, a_normal, TR_INFINITY);
    return true;
}

static void waits(tr_term arg)
{
    tr_init_ack(arg);
    tr_sleep(TR_INFINITY);
}

FAULT_TEST(start_under_a_via_name)
{
    tr_pid pid, child;

    no_reports();
    CHECK(start(TR_UNIQUE, &pid));
    tr_term name = tr_build(a_via, a_Registry, tr_tuple(a_reg, "key"));
    arm();
    bool started = tr_match(tr_start(waits, TR_START_OPTS(.via = name), a_ok), a_ok);
    if (started && tr_whereis_server(name, &child))
        tr_exit_to(child, a_kill);
    tr_stop(pid, a_normal, TR_INFINITY);
    return started;
}

static void use_group(void *peer)
{
    tr_term members;

    tr_pg_join(a_dir, "group", tr_list(tr_self(), *(tr_pid *)peer));
    tr_ref ref = tr_pg_monitor(a_dir, "group", &members);
    CHECK_INT(tr_pg_leave(a_dir, "group", *(tr_pid *)peer), TR_OK);
    CHECK(tr_pg_demonitor(a_dir, ref));
}

/* Without memory the scope ends, and with it the call. */
FAULT_TEST(a_group)
{
    tr_term reason;
    tr_pid pid;

    no_reports();
    arm();
    if (!tr_match(tr_pg_start(a_dir), a_ok, &pid))
        return false;
    bool ended = tr_catch(use_group, &peer, &reason);
    tr_exit_to(pid, a_kill);
    return !ended;
}
