/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that are waited for, read, written, closed and opened again all at once: nobody who
 * waits without a limit is left behind, and bytes reach only those whom they were for.
 */
#include "load.h"

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITERS = 6, PAIRS = 16 };

static bool open_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0;
}

static void wait_until_closed(tr_term arg)
{
    tr_pid boss;
    int fd;

    CHECK(tr_match(arg, &boss, &fd));
    tr_err err = tr_wait_fd(fd, TR_FD_READ, TR_INFINITY);
    /* Who comes late may find no file, or that of somebody else: the monitor's, for a moment. */
    if (err != TR_EINVAL && err != TR_OK)
        CHECK_INT(err, TR_ECLOSED);
    tr_send(boss, a_done);
}

/* The waiters are on their way into the wait when the descriptor is closed. */
TEST_PROC_REAL(who_comes_to_wait_while_the_descriptor_is_closed_does_not_wait_for_ever)
{
    int64_t end = load_end_ms();
    uint64_t seed = 1;
    int ends[2];

    CHECK(open_pair(ends));
    /* The first wait opens what the library needs, which should not get the number of a pair. */
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
    while (check_now_ms() < end) {
        CHECK(open_pair(ends));
        for (int i = 0; i < WAITERS; i++)
            tr_spawn(wait_until_closed, tr_self(), ends[0]);
        for (int i = load_below(&seed, 20); i > 0; i--)
            tr_yield();
        CHECK_INT(tr_close_fd(ends[0]), TR_OK);
        for (int i = 0; i < WAITERS; i++)
            tr_receive (m) {
                tr_on (m, a_done) {
                }
                tr_after (m, patience(10000))
                    check_fail(__FILE__, __LINE__, "one waits for ever");
            }
        close(ends[1]);
    }
}

/* --- numbers that are used again --- */

static _Atomic bool stop;

/* From now on the end of the pair goes with the process; its number. */
static int take_over(tr_term arg, int *fd)
{
    tr_pid opener;
    int own;

    CHECK(tr_match(arg, &opener, fd, &own));
    tr_own_fd(*fd);
    tr_send(opener, a_done);
    return own;
}

/* Sends its own number through the pair until it is told to stop. */
static void writes(tr_term arg)
{
    unsigned char byte;
    int fd, own = take_over(arg, &fd);

    byte = (unsigned char)own;
    while (!atomic_load(&stop) && tr_write(fd, &byte, 1, TR_INFINITY) == TR_OK)
        tr_yield();
}

/* Gets nothing but its own number, until the end. */
static void reads(tr_term arg)
{
    unsigned char buffer[64];
    ssize_t n;
    int fd, own = take_over(arg, &fd);

    while ((n = tr_read(fd, buffer, sizeof buffer, TR_INFINITY)) > 0)
        for (ssize_t i = 0; i < n; i++)
            CHECK_INT(buffer[i], own);
    CHECK_INT(n, 0);
}

/* A pair with a reader and a writer, again and again. One is killed; the other learns of it by what
   it has in hand. */
static void opens_and_kills(tr_term arg)
{
    uint64_t seed;
    tr_ref refs[2];
    tr_pid pids[2];
    int ends[2], own;

    CHECK(tr_match(arg, &seed, &own));
    while (!atomic_load(&stop)) {
        CHECK(open_pair(ends));
        pids[0] = tr_spawn_monitor(reads, &refs[0], tr_self(), ends[0], own);
        pids[1] = tr_spawn_monitor(writes, &refs[1], tr_self(), ends[1], own);
        for (int i = 0; i < 2; i++)
            tr_receive (m)
                tr_on (m, a_done) {
                }
        for (int i = 10 + load_below(&seed, 30); i > 0; i--)
            tr_yield();
        if (load_below(&seed, 4) == 0 && tr_suspend(pids[0])) {
            tr_yield();
            tr_resume(pids[0]);
        }
        tr_exit_to(pids[load_below(&seed, 2)], a_kill);
        for (int i = 0; i < 2; i++)
            tr_release(DOWN_REASON(refs[i]));
    }
}

TEST_PROC_REAL(a_number_used_again_gives_nobody_what_was_for_another)
{
    int64_t end = load_end_ms();
    tr_ref refs[PAIRS];

    for (int i = 0; i < PAIRS; i++)
        tr_spawn_monitor(opens_and_kills, &refs[i], i + 1, i);
    while (check_now_ms() < end)
        tr_sleep(10);
    atomic_store(&stop, true);
    for (int i = 0; i < PAIRS; i++)
        CHECK_TERM(DOWN_REASON(refs[i]), tr_build(a_normal));
    CHECK_PROCESS_COUNT(1);
}
