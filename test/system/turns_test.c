/* SPDX-License-Identifier: MIT */
/* Turns: more processes than a run queue's ring holds, all of which compute, have their share. */
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
