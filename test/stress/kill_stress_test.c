/* SPDX-License-Identifier: MIT */
/*
 * Processes killed at random points, holding all that a process can hold: nothing of it is left,
 * and each deferred function has run once. 100,000 of them; a million with TR_LONG=1.
 */

#include "base/compiler.h"
#include "load.h"
#include "mem/block.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* AddressSanitizer keeps freed memory for a while. */
#ifdef TR__SANITIZED
#define RESIDENT_SLACK (INT64_C(512) << 20)
#else
#define RESIDENT_SLACK (INT64_C(8) << 20)
#endif

tr_atoms(item, never, key, oops);

enum { KILLERS = 4, AT_ONCE = 100, DEFERRED_MAX = 1 << 23, NAMES = 64 };

/* For each registration: 1 once tr_defer has returned; how often the function ran. */
static _Atomic(uint8_t) registered[DEFERRED_MAX], ran[DEFERRED_MAX];
static _Atomic(uint32_t) deferred;

static tr_atom names[NAMES];

/* A clean-up function that is itself a target: it may be in the middle of anything. */
static void clean_up(void *arg)
{
    uintptr_t i = (uintptr_t)arg;

    atomic_fetch_add(&ran[i], 1);
    switch (i % 5) {
    case 0:
        tr_yield();
        break;
    case 1:
        tr_receive (m) {
            tr_on (m, a_never) {
            }
            tr_after (m, 1) {
            }
        }
        break;
    case 2:
        tr_exit(a_oops, tr_list("from", "clean-up"));
    case 3:
        tr_send(tr_self(), a_item, "to itself");
        break;
    default:
        memset(tr_alloc(300), 1, 300);
    }
}

static void defer_one(void)
{
    uint32_t i = atomic_fetch_add(&deferred, 1);

    CHECK(i < DEFERRED_MAX);
    tr_defer(clean_up, (void *)(uintptr_t)i);
    atomic_store(&registered[i], 1);
}

static void wait_long(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_never) {
        }
}

static void take_hold_of_something(uint64_t *seed)
{
    switch (load_below(seed, 9)) {
    case 0:
        defer_one();
        return;
    case 1:
        memset(tr_alloc(1 + (size_t)load_below(seed, 5000)), 1, 1);
        return;
    case 2:
        tr_put(tr_build(a_key, load_below(seed, 20)), tr_build("some text", tr_list(1, 2, 3)));
        return;
    case 3:
        tr_keep(tr_build(tr_list(1.5, "two", 3), load_below(seed, 100)));
        return;
    case 4:
        tr_send_after(1000000 + load_below(seed, 1000), tr_self(), a_never, "later");
        return;
    case 5:
        tr_send_interval(1000000, tr_self(), a_never);
        return;
    case 6:
        if (tr_register(names[load_below(seed, NAMES)], tr_self()))
            tr_yield();
        return;
    case 7:
        /* Linked, so that it ends too. */
        tr_monitor(tr_spawn_link(wait_long, "text"));
        return;
    default:
        tr_monitor(tr_parent());
        tr_alias();
    }
}

/* Until it is killed. */
static void live(tr_term arg)
{
    uint64_t seed;

    CHECK(tr_match(arg, &seed));
    for (int i = load_below(&seed, 10); i > 0; i--)
        take_hold_of_something(&seed);
    switch (load_below(&seed, 6)) {
    case 0:
        tr_set_max_mailbox(1, (enum tr_mailbox_policy)load_below(&seed, 4));
        wait_long(arg);
        return;
    case 1:
        tr_hibernate(wait_long, "text");
    case 2:
        tr_receive (m) {
            tr_term text;
            tr_on (m, a_item, &text)
                wait_long(text);
        }
        return;
    case 3:
        for (int i = 0; i < 100; i++) {
            tr_scope tr_build("text", seed);
            tr_yield();
        }
        break;
    case 4:
        for (int i = 0; i < 10; i++)
            tr_is_alive(tr_parent());
        break;
    default:
        break;
    }
    tr_sleep(TR_INFINITY);
}

/* Waits, where the mailbox is full, until the receiver is killed. */
static void send_some(tr_term arg)
{
    static const char bytes[3000];
    const tr_bin big = { bytes, sizeof bytes };
    tr_pid to;
    uint64_t seed;

    CHECK(tr_match(arg, &to, &seed));
    for (int i = load_below(&seed, 5); i > 0; i--) {
        if (load_below(&seed, 4) == 0)
            tr_send(to, a_item, big);
        else
            tr_send(to, a_item, tr_list("text", 1.5, i));
    }
}

static void kill_batch(uint64_t *seed)
{
    tr_pid pids[AT_ONCE];
    tr_ref refs[AT_ONCE];

    for (int i = 0; i < AT_ONCE; i++) {
        pids[i] = tr_spawn_monitor(live, &refs[i], load_random(seed));
        if (load_below(seed, 2))
            tr_spawn(send_some, pids[i], load_random(seed));
        if (load_below(seed, 4) == 0)
            tr_yield();
        tr_exit_to(pids[load_below(seed, i + 1)], a_kill);
    }
    for (int i = 0; i < AT_ONCE; i++) {
        tr_exit_to(pids[i], a_kill);
        tr_receive_ref(m, refs[i])
        {
            tr_on (m, a_DOWN, refs[i], a_process, pids[i], tr_any()) {
            }
            tr_after (m, patience(20000))
                CHECK(false);
        }
    }
}

static void kill_many(tr_term arg)
{
    tr_pid boss;
    uint64_t seed;
    int64_t n;

    CHECK(tr_match(arg, &boss, &seed, &n));
    for (; n > 0; n -= AT_ONCE)
        kill_batch(&seed);
    tr_send(boss, a_done);
}

static void run(int64_t n, uint64_t seed)
{
    int64_t before = tr_process_count();

    for (uint64_t i = 1; i <= KILLERS; i++)
        tr_spawn(kill_many, tr_self(), seed * i, n / KILLERS);
    for (int i = 0; i < KILLERS; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    CHECK_PROCESS_COUNT(before);
}

struct use {
    int64_t resident, blocks, allocated;
};

static struct use memory_in_use(void)
{
    struct use use = { .blocks = (int64_t)tr__block_reserved() };
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
    fclose(file);
    use.resident = pages * sysconf(_SC_PAGESIZE);
    use.allocated = (int64_t)mallinfo2().uordblks;
    return use;
}

static void name_them(void)
{
    char text[24];

    for (int i = 0; i < NAMES; i++) {
        snprintf(text, sizeof text, "victim_%d", i);
        names[i] = tr_intern(text);
    }
}

TEST_PROC_REAL(stress_killed_processes_leave_nothing)
{
    int64_t n = check_env("TR_LONG", 0) ? 1000000 : 100000 / check_env("TEST_TIMEOUT", 1);

    name_them();
    memset(ran, 0, sizeof ran);
    memset(registered, 0, sizeof registered);
    run(10000, 2026);
    struct use before = memory_in_use();
    run(n, 2027);
    struct use after = memory_in_use();
    CHECK_TERM(tr_registered(), tr_nil());
    CHECK_NO_MESSAGE();
    for (uint32_t i = 0; i < atomic_load(&deferred); i++)
        CHECK_INT(ran[i], registered[i]);
    CHECK(after.blocks <= before.blocks + (2 << 20));
    CHECK(after.allocated <= before.allocated + patience(1 << 20));
    CHECK(after.resident <= before.resident + RESIDENT_SLACK);
}
