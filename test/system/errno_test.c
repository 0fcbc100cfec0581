/* SPDX-License-Identifier: MIT */
/*
 * errno belongs to the process, whatever the compiler believes of its address. errno_lto.sh builds
 * this file and the whole library as one unit at -O3.
 */
#define _GNU_SOURCE
#include "check_proc.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

tr_atoms(done, go);

static atomic_int moves;

/* Two failures with different results, by turns. */
static int fail(int i)
{
    if (i % 2) {
        CHECK(open("/nonexistent/file", O_RDONLY) < 0);
        return ENOENT;
    }
    CHECK(close(-1) < 0);
    return EBADF;
}

/* All in one function, so that the compiler may keep what it knows. */
static void fails_and_looks(tr_term arg)
{
    tr_pid boss;
    int rounds;
    pid_t tid = gettid();

    CHECK(tr_match(arg, &boss, &rounds));
    CHECK_INT(errno, 0);
    for (int i = 0; i < rounds; i++) {
        int want = fail(i);
        CHECK_INT(errno, want);
        tr_yield();
        CHECK_INT(errno, want);
        tr_send(tr_self(), a_go, i);
        tr_receive (m)
            tr_on (m, a_go, i)
                CHECK_INT(errno, want);
        CHECK_INT(errno, want);
        if (i % 8 == 0)
            tr_sleep(1);
        CHECK_INT(errno, want);
        if (i % 16 == 0) {
            usleep(2000); /* long enough for the worker to go on on another thread */
            CHECK_INT(errno, want);
            tr_yield();
        }
        CHECK_INT(errno, want);
        want = fail(i + 1);
        tr_blocking_begin();
        CHECK_INT(errno, want);
        tr_blocking_end();
        CHECK_INT(errno, want);
        errno = i + 1000;
        tr_yield();
        CHECK_INT(errno, i + 1000);
        if (gettid() != tid)
            atomic_fetch_add(&moves, 1);
        tid = gettid();
    }
    tr_send(boss, a_done);
}

static void run_many(tr_term arg)
{
    enum { ACTORS = 20, ROUNDS = 60 };

    (void)arg;
    for (int i = 0; i < ACTORS; i++)
        tr_spawn_link(fails_and_looks, tr_self(), ROUNDS);
    for (int i = 0; i < ACTORS; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
}

TEST(errno_survives_switches_and_moves_to_other_threads)
{
    setenv("TROUPE_SCHEDULERS", "4", 1);
    CHECK_INT(tr_main(0, NULL, run_many), 0);
    CHECK(atomic_load(&moves) > 20);
}

TEST(errno_of_other_threads_is_the_ordinary_one)
{
    CHECK(close(-1) < 0);
    CHECK_INT(errno, EBADF);
    CHECK(tr_errno_location() == &errno);
}
