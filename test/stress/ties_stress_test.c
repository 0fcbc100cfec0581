/* SPDX-License-Identifier: MIT */
/* Links, monitors and aliases against processes that end all the time. */

#include "load.h"

#include <stdatomic.h>

tr_atoms(oops, target);

static void live_shortly(tr_term arg)
{
    int turns;

    CHECK(tr_match(arg, &turns));
    for (int i = 0; i < turns; i++)
        tr_yield();
    tr_exit(a_oops);
}

enum {
    WATCHERS = 3000,
    AT_ONCE = 600, /* so many that with their targets the thread sanitizer can follow all */
    MONITORS = 100,
    TARGETS = 10
};

static void watch_and_let_go(tr_term arg)
{
    tr_ref refs[MONITORS];
    tr_pid boss;
    uint64_t seed;
    int fired = 0;

    CHECK(tr_match(arg, &boss, &seed));
    for (int i = 0; i < MONITORS; i += MONITORS / TARGETS) {
        tr_pid pid = tr_spawn(live_shortly, load_below(&seed, 4));
        for (int j = 0; j < MONITORS / TARGETS; j++)
            refs[i + j] = tr_monitor(pid);
    }
    for (int i = 0; i < MONITORS; i++) {
        if (load_below(&seed, 2)) {
            tr_demonitor_flush(refs[i]);
        } else if (!tr_demonitor(refs[i])) {
            fired++;
            tr_release(DOWN_REASON(refs[i]));
        }
    }
    CHECK_INFO(tr_self(), a_monitors, tr_list());
    for (int i = 0; i < 3; i++)
        tr_yield();
    CHECK_NO_MESSAGE();
    tr_send(boss, a_done, fired);
}

TEST_PROC_REAL(stress_thousands_of_watchers_leave_nothing_behind)
{
    FACT("LM-032", "thousands of processes, each making 100 monitors on short-lived processes and "
                   "removing them at the same time, end with no monitor left and no stray 'DOWN'");
    int64_t end = load_end_ms(), before = tr_process_count();
    int fired;

    do {
        for (int i = 0; i < WATCHERS + AT_ONCE; i++) {
            if (i < WATCHERS)
                tr_spawn(watch_and_let_go, tr_self(), (uint64_t)i + 1);
            if (i < AT_ONCE)
                continue;
            tr_receive (m) {
                tr_on (m, a_done, &fired) {
                }
                tr_after (m, patience(30000))
                    CHECK(false);
            }
        }
        CHECK_PROCESS_COUNT(before);
        CHECK_INFO(tr_self(), a_monitored_by, tr_list());
    } while (check_now_ms() < end);
}

/* Watches, and lets go of, one process that outlives it. */
static void pester(tr_term arg)
{
    tr_pid target, boss;
    uint64_t seed;

    CHECK(tr_match(arg, &target, &boss, &seed));
    tr_trap_exit(true);
    for (int i = 0; i < 50; i++) {
        tr_ref ref = tr_monitor(target);
        if (load_below(&seed, 2))
            tr_link(target);
        if (load_below(&seed, 2))
            tr_unlink(target);
        if (load_below(&seed, 3))
            tr_demonitor_flush(ref);
    }
    if (load_below(&seed, 2))
        tr_exit_to(tr_self(), a_kill);
}

TEST_PROC_REAL(stress_target_forgets_watchers_that_die)
{
    int64_t end = load_end_ms(), before = tr_process_count() + 1;
    tr_pid target = tr_spawn(puppet);
    uint64_t seed = 1;

    ORDER(target, order_trap_exit, 1);
    do {
        for (int i = 0; i < 500; i++)
            tr_spawn(pester, target, tr_self(), load_random(&seed));
        CHECK_PROCESS_COUNT(before);
        CHECK_WITHIN(patience(5000), tr_is_nil(INFO(target, a_monitored_by)));
        CHECK_WITHIN(patience(5000), tr_is_nil(INFO(target, a_links)));
    } while (check_now_ms() < end);
}

enum { NODES = 40 };

static _Atomic(uint64_t) nodes[NODES]; /* the processes of the web at this moment */

/* Links with, and unlinks from, others at random; some fail, and take those linked with them. */
static void be_node(tr_term arg)
{
    uint64_t seed;
    int place;
    bool trap;

    CHECK(tr_match(arg, &place, &seed));
    trap = load_below(&seed, 3) == 0;
    tr_trap_exit(trap);
    atomic_store(&nodes[place], tr_self().w);
    for (int i = 0; i < 100; i++) {
        tr_pid other = { atomic_load(&nodes[load_below(&seed, NODES)]) };
        if (!other.w)
            continue;
        switch (load_below(&seed, 6)) {
        case 0:
        case 1:
            tr_link(other);
            break;
        case 2:
        case 3:
            tr_unlink(other);
            break;
        case 4:
            tr_monitor(other);
            break;
        default:
            tr_yield();
        }
    }
    if (load_below(&seed, 2))
        tr_exit(a_oops);
}

TEST_PROC_REAL(stress_web_of_links_falls_apart_and_nothing_hangs)
{
    int64_t end = load_end_ms(), before = tr_process_count();
    uint64_t seed = 77;

    do {
        tr_ref refs[NODES];
        for (int i = 0; i < NODES; i++)
            tr_spawn_monitor(be_node, &refs[i], i, load_random(&seed));
        for (int i = 0; i < NODES; i++)
            tr_release(DOWN_REASON(refs[i]));
        CHECK_PROCESS_COUNT(before);
        CHECK_NO_MESSAGE();
    } while (check_now_ms() < end);
}

static void serve(tr_term arg)
{
    tr_ref alias;
    int served = 0, most;

    CHECK(tr_match(arg, &most));
    while (served < most) {
        tr_receive (m) {
            tr_on (m, a_target, &alias) {
                tr_send(alias, alias, served);
                if (served % 3 == 0)
                    tr_send(alias, alias, a_oops);
                served++;
            }
        }
    }
}

/* Calls as servers are called: an alias that ends with the reply, given up now and then. */
static void call_servers(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t end;

    CHECK(tr_match(arg, &boss, &seed, &end));
    while (check_now_ms() < end) {
        tr_pid server = tr_spawn(serve, 1 + load_below(&seed, 20));
        bool alive = true;
        while (alive) {
            tr_ref ref = tr_monitor_opt(server, .alias = TR_ALIAS_REPLY_DEMONITOR);
            int64_t wait = load_below(&seed, 4) ? TR_INFINITY : 0;
            tr_send(server, a_target, ref);
            tr_receive_ref(m, ref)
            {
                tr_on (m, ref, tr_any())
                    tr_demonitor_flush(ref);
                tr_on (m, a_DOWN, ref, a_process, server, tr_any())
                    alive = false;
                tr_after (m, wait) {
                    tr_demonitor_flush(ref);
                    tr_receive (n) {
                        tr_on (n, ref, tr_any()) {
                        }
                        tr_after (n, 0) {
                        }
                    }
                }
            }
            CHECK_NO_MESSAGE();
        }
    }
    tr_send(boss, a_done);
}

TEST_PROC_REAL(stress_calls_through_aliases_leave_no_late_reply)
{
    int64_t end = load_end_ms(), before = tr_process_count();

    for (int i = 0; i < 16; i++)
        tr_spawn(call_servers, tr_self(), (uint64_t)i + 5, end);
    for (int i = 0; i < 16; i++) {
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, end - check_now_ms() + patience(15000))
                CHECK(false);
        }
    }
    CHECK_PROCESS_COUNT(before);
}
