/* SPDX-License-Identifier: MIT */
/* Names against processes that end all the time. */

#include "load.h"

#include <stdatomic.h>
#include <stdio.h>

tr_atoms(hello, oops);

enum { NAMES = 8, ACTORS = 32 };

static tr_atom name_of(int i)
{
    static _Atomic(uint64_t) names[NAMES];
    char text[32];

    if (!atomic_load(&names[i])) {
        snprintf(text, sizeof text, "contested name %d", i);
        atomic_store(&names[i], tr_intern(text).w);
    }
    return (tr_atom){ atomic_load(&names[i]) };
}

static void end_by_itself(tr_term arg)
{
    tr_atom name;

    CHECK(tr_match(arg, &name));
    tr_err err = tr_register(name, tr_self());
    tr_pid holder;
    CHECK(err == TR_OK || err == TR_EEXIST);
    if (!err)
        CHECK(!tr_whereis(name, &holder) || holder.w != 0);
    tr_exit(a_oops);
}

/* Does to a name one of the things that can be done to it. */
static void handle_name(tr_atom name, uint64_t *seed)
{
    struct tr_spawn_opts named = { .name = name };
    tr_pid pid, holder;
    tr_err err;

    switch (load_below(seed, 8)) {
    case 0:
        tr_spawn(end_by_itself, name);
        return;
    case 1:
        pid = tr_spawn(puppet_nothing);
        err = tr_register(name, pid);
        CHECK(err == TR_OK || err == TR_EEXIST || err == TR_ENOPROC);
        return;
    case 2:
        err = tr_try_spawn(&pid, idle, &named);
        CHECK(err == TR_OK || err == TR_EEXIST);
        if (!err)
            tr_exit_to(pid, a_kill);
        return;
    case 3:
        err = tr_try_spawn(&pid, puppet_nothing, &named);
        CHECK(err == TR_OK || err == TR_EEXIST);
        return;
    case 4:
        err = tr_unregister(name);
        CHECK(err == TR_OK || err == TR_ENOTFOUND);
        return;
    case 5:
        if (tr_whereis(name, &holder))
            tr_exit_to(holder, a_oops);
        return;
    case 6:
        tr_demonitor_flush(tr_monitor(name));
        return;
    default:
        err = tr_try_send(name, a_hello);
        CHECK(err == TR_OK || err == TR_ENOTFOUND);
    }
}

static void act(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t end;

    CHECK(tr_match(arg, &boss, &seed, &end));
    tr_trap_exit(true);
    while (check_now_ms() < end) {
        for (int i = 0; i < 20; i++)
            handle_name(name_of(load_below(&seed, NAMES)), &seed);
        CHECK_NO_MESSAGE();
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_contested_names_always_become_free_again)
{
    int64_t end = load_end_ms(), before = tr_process_count();
    size_t names_before = 0, names = 0;

    CHECK(tr_list_length(tr_registered(), &names_before));
    for (int i = 0; i < ACTORS; i++)
        tr_spawn(act, tr_self(), (uint64_t)i + 99, end);
    for (int i = 0; i < ACTORS; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
    CHECK_PROCESS_COUNT(before);
    CHECK(tr_list_length(tr_registered(), &names));
    CHECK_INT(names, names_before);
    for (int i = 0; i < NAMES; i++)
        CHECK(!tr_whereis(name_of(i), NULL));
}

/* A name never stands for a process that has ended: whoever got the 'DOWN' finds it free. */
static void check_free_after_down(tr_term arg)
{
    tr_pid boss, holder;
    tr_atom name;
    int64_t end;
    struct tr_spawn_opts named = { 0 };

    CHECK(tr_match(arg, &boss, &name, &end));
    named.name = name;
    while (check_now_ms() < end) {
        for (int i = 0; i < 50; i++) {
            tr_ref ref;
            tr_pid pid;
            named.monitor = &ref;
            CHECK_INT(tr_try_spawn(&pid, i % 2 ? idle : puppet_nothing, &named), TR_OK);
            if (tr_whereis(name, &holder))
                CHECK_INT(holder.w, pid.w);
            tr_exit_to(pid, a_oops);
            tr_release(DOWN_REASON(ref));
            CHECK(!tr_whereis(name, NULL));
        }
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_name_is_free_when_its_holders_end_is_known)
{
    FACT("PROC-033", "who is told of an end finds the name free, always");
    int64_t end = load_end_ms(), before = tr_process_count();

    for (int i = 0; i < NAMES; i++)
        tr_spawn(check_free_after_down, tr_self(), name_of(i), end);
    for (int i = 0; i < NAMES; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
    CHECK_PROCESS_COUNT(before);
}
