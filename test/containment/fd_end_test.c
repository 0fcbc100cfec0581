/* SPDX-License-Identifier: MIT */
/* The descriptors that a process owns are closed, whatever way it ends. */
#include "contain.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef void (*way)(int fd, tr_pid boss);

static void owns(tr_term arg)
{
    uint64_t fn;
    tr_pid boss;
    int fd;

    CHECK(tr_match(arg, &fn, &fd, &boss));
    tr_own_fd(fd);
    tr_send(boss, a_ready);
    ((way)(uintptr_t)fn)(fd, boss);
}

/* One end of a pair goes to a process that ends in this way, with a kill where it must; the other
   end sees it go; the number may be that of a file of the log's by then. */
static void check_way(way fn, bool kill)
{
    int ends[2];
    tr_ref ref;
    char c;

    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    tr_pid pid = tr_spawn_monitor(owns, &ref, (uint64_t)(uintptr_t)fn, ends[0], tr_self());
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    if (kill)
        tr_exit_to(pid, a_kill);
    tr_release(DOWN_REASON(ref));
    CHECK_INT(tr_read(ends[1], &c, 1, patience(10000)), 0);
    close(ends[1]);
}

static void returns(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
}

static void exits(int fd, tr_pid boss)
{
    (void)fd;
    tr_exit(boss);
}

static void raises(int fd, tr_pid boss)
{
    (void)fd;
    tr_error(a_badarg, boss);
}

static void has_no_memory(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    tr_set_max_memory(100000);
    for (;;)
        memset(tr_alloc(1000), 1, 1000);
}

static void exit_again(void *unused)
{
    (void)unused;
    tr_exit(a_shutdown);
}

static void exits_in_its_clean_up(int fd, tr_pid boss)
{
    (void)fd;
    tr_defer(exit_again, NULL);
    tr_exit(boss);
}

static void is_linked(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    tr_exit_to(tr_spawn_link(idle), a_shutdown);
    idle(tr_nil());
}

TEST_PROC_REAL(whatever_a_process_does_to_end_its_descriptors_go)
{
    check_way(returns, false);
    check_way(exits, false);
    check_way(raises, false);
    check_way(has_no_memory, false);
    check_way(exits_in_its_clean_up, false);
    check_way(is_linked, false);
}

static void waits_for_it(int fd, tr_pid boss)
{
    (void)boss;
    CHECK_INT(tr_wait_fd(fd, TR_FD_READ, TR_INFINITY), TR_OK);
}

static void waits_for_a_message(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    idle(tr_nil());
}

static void hibernates(int fd, tr_pid boss)
{
    (void)fd;
    tr_hibernate(idle, boss);
}

static void loops(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    for (;;)
        opaque_int++;
}

static void blocks(int fd, tr_pid boss)
{
    char c;

    (void)boss;
    fcntl(fd, F_SETFL, 0);
    CHECK(read(fd, &c, 1) == 1);
}

TEST_PROC_REAL(whatever_a_process_does_when_it_is_killed_its_descriptors_go)
{
    for (int i = 0; i < 20; i++) {
        check_way(waits_for_it, true);
        check_way(waits_for_a_message, true);
        check_way(hibernates, true);
    }
}

TEST_PROC_REAL(the_descriptors_of_a_process_that_loops_or_blocks_go_with_it)
{
    needs_faults();
    check_way(loops, true);
    check_way(blocks, true);
}

static void reads_null(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    opaque_int = *(volatile int *)hidden(NULL);
}

static void aborts(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    abort();
}

static int recurses(int n)
{
    volatile char frame[1000];

    frame[0] = (char)n;
    return n < 0 ? 0 : recurses(n + 1) + frame[0];
}

static void overflows(int fd, tr_pid boss)
{
    (void)fd;
    (void)boss;
    opaque_int = recurses(opaque_int & 1);
}

TEST_PROC_REAL(the_descriptors_of_a_process_that_faults_go_with_it)
{
    needs_faults();
    check_way(reads_null, false);
    check_way(aborts, false);
    check_way(overflows, false);
}
