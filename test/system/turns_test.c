/* SPDX-License-Identifier: MIT */
/* Turns: more processes than a run queue's ring holds have their share; a tree of them stays small.
 */
#include "base/compiler.h"
#include "check_proc.h"

enum { MANY = 3000, TURNS = 5 };

static int turns[MANY];
static int have_enough;
static bool begun, stop;

__attribute__((constructor)) static void ask_for_one_worker(void)
{
    setenv("TROUPE_SCHEDULERS", "1", 1);
}

static void computes(tr_term arg)
{
    int64_t i;

    CHECK(tr_match(arg, &i));
    while (!stop) {
        if (begun && ++turns[i] == TURNS)
            have_enough++;
        tr_yield();
    }
}

TEST_PROC_REAL(those_that_never_wait_take_turns_however_many)
{
    int most = 0;

    for (int64_t i = 0; i < MANY; i++)
        tr_spawn(computes, i);
    begun = true;
    while (have_enough < MANY)
        tr_yield();
    stop = true;
    for (int i = 0; i < MANY; i++)
        most = turns[i] > most ? turns[i] : most;
    CHECK(most <= 2 * TURNS);
}

static void answers(tr_term from)
{
    tr_pid pid;

    CHECK(tr_match(from, &pid));
    tr_send(pid, 1);
}

TEST_PROC_REAL(those_that_come_new_do_not_starve_those_that_compute)
{
    int64_t n;

    for (int64_t i = 0; i < MANY; i++)
        tr_spawn(computes, i);
    begun = true;
    while (have_enough < MANY) {
        tr_spawn(answers, tr_self());
        tr_receive (m)
            tr_on (m, &n)
                CHECK_INT(n, 1);
    }
    stop = true;
}

static bool has_begun[MANY];
static int begun_at_all;

/* Whoever begins makes room in the ring for one, and fills it. */
static void begins_another(tr_term arg)
{
    int64_t i;

    CHECK(tr_match(arg, &i));
    begun_at_all += !has_begun[i];
    has_begun[i] = true;
    if (!stop)
        tr_spawn(begins_another, i);
}

TEST_PROC_REAL(new_ones_begin_however_many_come_after_them)
{
    enum { ENOUGH = 400 }; /* more than the ring holds */

    for (int64_t i = 0; i < ENOUGH; i++)
        tr_spawn(begins_another, i);
    while (begun_at_all < ENOUGH)
        tr_yield();
    stop = true;
}

enum { FAN_OUT = 10, INNER = 11111 };

static int present, most_present;

/* Has children, and they theirs, down to the leaves; each tells its parent when it is done. */
static void node(tr_term arg)
{
    tr_pid parent, self = tr_self();
    int64_t depth;

    CHECK(tr_match(arg, &parent, &depth));
    if (depth > 0) {
        present++;
        most_present = present > most_present ? present : most_present;
        for (int i = 0; i < FAN_OUT; i++)
            tr_spawn(node, self, depth - 1);
        for (int i = 0; i < FAN_OUT; i++)
            tr_receive (m)
                tr_on (m, 1)
                    continue;
        present--;
    }
    tr_send(parent, 1);
}

TEST_PROC_REAL(a_tree_is_never_there_all_at_once)
{
#if defined TR__SANITIZED || defined TR_HOSTILE
    SKIP("too little of the tree is done in a millisecond, or in a turn");
#endif
    tr_spawn(node, tr_self(), 5);
    tr_receive (m)
        tr_on (m, 1)
            CHECK_INT(present, 0);
    CHECK(most_present < INNER / 8);
}

/* --- those that do nothing but spawn --- */

#if defined TR__SANITIZED || defined TR_HOSTILE
enum { SPAWNERS = 4, SPAWNED = 3000 }; /* a stack costs much there */
#else
enum { SPAWNERS = 4, SPAWNED = 50000 };
#endif

static int64_t most_at_once;

static void ends(tr_term unused)
{
    (void)unused;
}

static void spawns(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    for (int i = 0; i < SPAWNED; i++) {
        int64_t count = i % 64 ? 0 : tr_process_count();
        most_at_once = count > most_at_once ? count : most_at_once;
        tr_spawn(ends);
    }
    tr_send(boss, 1);
}

TEST_PROC_REAL(those_that_spawn_without_end_wait_for_what_they_have_spawned)
{
    for (int i = 0; i < SPAWNERS; i++)
        tr_spawn(spawns, tr_self());
    for (int i = 0; i < SPAWNERS; i++)
        tr_receive (m)
            tr_on (m, 1) {
            }
    CHECK(most_at_once < SPAWNERS * SPAWNED / 4);
}
