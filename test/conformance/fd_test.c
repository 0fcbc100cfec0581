/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors, closing them, and what becomes of them when a process ends. */
#include "puppet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int ends[2];

static void open_pair(void)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

/* A process that waits, and tells what came of it. */
static void waits(tr_term arg)
{
    tr_pid boss;
    int fd, events;
    int64_t ms;

    CHECK(tr_match(arg, &boss, &fd, &events, &ms));
    tr_send(boss, a_ready, tr_self());
    tr_err err = tr_wait_fd(fd, events, ms);
    tr_send(boss, a_done, tr_self(), (int)err);
}

static tr_pid start_waiting(int fd, int events, int64_t ms)
{
    tr_pid pid = tr_spawn(waits, tr_self(), fd, events, ms);

    tr_receive (m)
        tr_on (m, a_ready, pid) {
        }
    return pid;
}

static tr_err result_of(tr_pid pid)
{
    int err = 1;

    tr_receive (m) {
        tr_on (m, a_done, pid, &err) {
        }
        tr_after (m, patience(10000))
            check_fail(__FILE__, __LINE__, "it still waits");
    }
    return (tr_err)err;
}

static void write_byte(int fd)
{
    CHECK(write(fd, "x", 1) == 1);
}

TEST_PROC_REAL(a_descriptor_is_waited_for_until_it_is_ready)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    tr_sleep(5);
    write_byte(ends[1]);
    CHECK_INT(result_of(pid), TR_OK);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_WRITE, TR_INFINITY), TR_OK);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ | TR_FD_WRITE, 0), TR_OK);
}

TEST_PROC_REAL(a_wait_for_a_descriptor_has_a_limit)
{
    int64_t before = check_now_ms();

    open_pair();
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 20), TR_ETIMEOUT);
    CHECK(check_now_ms() - before >= 20);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 0), TR_ETIMEOUT);
    /* What comes later is there for the next wait. */
    write_byte(ends[1]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 10000), TR_OK);
}

TEST_PROC_REAL(the_end_of_a_stream_is_something_to_read)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    close(ends[1]);
    CHECK_INT(result_of(pid), TR_OK);
}

TEST_PROC_REAL(wrong_arguments_are_refused)
{
    open_pair();
    CHECK_INT(tr_wait_fd(-1, TR_FD_READ, 10), TR_EINVAL);
    CHECK_INT(tr_wait_fd(-1, TR_FD_READ, 0), TR_EINVAL);
    CHECK_INT(tr_wait_fd(1 << 30, TR_FD_READ, 10), TR_EINVAL);
    CHECK_INT(tr_wait_fd(ends[0], 0, 10), TR_EINVAL);
    CHECK_INT(tr_wait_fd(ends[0], 4, 10), TR_EINVAL);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, -5), TR_EINVAL);
    close(ends[0]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 10), TR_EINVAL);
    CHECK_INT(tr_close_fd(ends[0]), TR_EINVAL);
}

TEST_PROC_REAL(a_file_is_always_ready)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0);
    CHECK_INT(tr_wait_fd(fd, TR_FD_READ, TR_INFINITY), TR_OK);
}

TEST_PROC_REAL(readers_and_writers_wait_for_one_descriptor)
{
    char buffer[4096] = { 0 };
    tr_pid readers[3];

    open_pair();
    while (write(ends[0], buffer, sizeof buffer) > 0)
        ;
    tr_pid writer = start_waiting(ends[0], TR_FD_WRITE, TR_INFINITY);
    for (int i = 0; i < 3; i++)
        readers[i] = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    write_byte(ends[1]);
    for (int i = 0; i < 3; i++)
        CHECK_INT(result_of(readers[i]), TR_OK);
    while (read(ends[1], buffer, sizeof buffer) > 0)
        ;
    CHECK_INT(result_of(writer), TR_OK);
}

TEST_PROC_REAL(messages_wait_while_their_process_waits_for_a_descriptor)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    for (int i = 0; i < 100; i++)
        tr_send(pid, i);
    CHECK_INFO(pid, a_message_queue_len, 100);
    write_byte(ends[1]);
    CHECK_INT(result_of(pid), TR_OK);
}

TEST_PROC_REAL(an_exit_signal_ends_a_process_that_waits_for_a_descriptor)
{
    tr_ref ref;

    open_pair();
    for (int i = 0; i < 100; i++) {
        tr_pid pid = start_waiting(ends[0], TR_FD_READ, i % 2 ? TR_INFINITY : 10000);
        ref = tr_monitor(pid);
        tr_exit_to(pid, a_kill);
        CHECK_TERM(down_reason_at(__FILE__, __LINE__, ref), tr_build(a_killed));
    }
    /* None of them is told any more. */
    write_byte(ends[1]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
}

TEST_PROC_REAL(who_waits_for_a_descriptor_learns_that_it_is_closed)
{
    tr_pid pids[5];

    for (int round = 0; round < 50; round++) {
        open_pair();
        for (int i = 0; i < 5; i++)
            pids[i] = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
        CHECK_INT(tr_close_fd(ends[0]), TR_OK);
        for (int i = 0; i < 5; i++) {
            tr_err err = result_of(pids[i]);
            /* One that had not come so far finds no descriptor. */
            CHECK(err == TR_ECLOSED || err == TR_EINVAL);
        }
        close(ends[1]);
    }
}

TEST_PROC_REAL(a_number_that_was_closed_and_opened_again_confuses_nobody)
{
    int old[2];

    open_pair();
    old[0] = ends[0];
    old[1] = ends[1];
    tr_pid pid = start_waiting(old[0], TR_FD_READ, TR_INFINITY);
    CHECK_INT(tr_wait_fd(old[0], TR_FD_READ, 20), TR_ETIMEOUT);
    close(old[0]);
    open_pair();
    CHECK_INT(ends[0], old[0]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 20), TR_ETIMEOUT);
    CHECK_INT(result_of(pid), TR_ECLOSED);
    write_byte(ends[1]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
}

TEST_PROC_REAL(closing_behind_the_back_of_who_waits_lets_him_run_out_of_time)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, 30);
    close(ends[0]);
    tr_err err = result_of(pid);
    CHECK(err == TR_ETIMEOUT || err == TR_EINVAL);
}

TEST_PROC_REAL(who_waits_for_a_closed_number_is_told_when_another_asks_for_it)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 20), TR_ETIMEOUT);
    close(ends[0]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_EINVAL);
    CHECK_INT(result_of(pid), TR_ECLOSED);
}

/* The old file lives on under another number, and is still watched under this one. */
TEST_PROC_REAL(events_of_the_file_that_had_the_number_before_wake_nobody)
{
    int old[2];

    open_pair();
    old[0] = ends[0];
    old[1] = ends[1];
    tr_pid pid = start_waiting(old[0], TR_FD_READ, TR_INFINITY);
    CHECK_INT(tr_wait_fd(old[0], TR_FD_READ, 20), TR_ETIMEOUT);
    CHECK(dup(old[0]) >= 0);
    close(old[0]);
    open_pair();
    CHECK_INT(ends[0], old[0]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
    CHECK_INT(result_of(pid), TR_ECLOSED);
    pid = start_waiting(ends[0], TR_FD_READ, 50);
    write_byte(old[1]);
    CHECK_INT(result_of(pid), TR_ETIMEOUT);
}

TEST_PROC_REAL(a_suspended_process_hears_of_its_descriptor_when_it_is_resumed)
{
    open_pair();
    tr_pid pid = start_waiting(ends[0], TR_FD_READ, TR_INFINITY);
    CHECK(tr_suspend(pid));
    write_byte(ends[1]);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
    tr_sleep(20);
    CHECK_NO_MESSAGE();
    CHECK(tr_resume(pid));
    CHECK_INT(result_of(pid), TR_OK);
}

/* --- owners --- */

static void wait_and_tell(void *unused)
{
    tr_pid boss = tr_parent();

    (void)unused;
    tr_send(boss, a_done, tr_self(), (int)tr_wait_fd(ends[1], TR_FD_WRITE, TR_INFINITY));
    tr_send(boss, a_done, tr_self(), (int)tr_wait_fd(ends[0], TR_FD_READ, 1));
}

static void waits_when_it_ends(tr_term arg)
{
    tr_defer(wait_and_tell, NULL);
    waits(arg);
}

TEST_PROC_REAL(a_clean_up_may_wait_for_descriptors_too)
{
    open_pair();
    tr_pid pid = tr_spawn(waits_when_it_ends, tr_self(), ends[0], TR_FD_READ, TR_INFINITY);
    tr_receive (m)
        tr_on (m, a_ready, pid) {
        }
    tr_exit_to(pid, a_kill);
    CHECK_INT(result_of(pid), TR_OK);
    CHECK_INT(result_of(pid), TR_ETIMEOUT);
    CHECK_WITHIN(patience(5000), tr_process_count() == 1);
}

static void owns(tr_term arg)
{
    int keep, give;

    CHECK(tr_match(arg, &keep, &give));
    tr_own_fd(keep);
    tr_own_fd(give);
    CHECK(tr_disown_fd(give));
    CHECK(!tr_disown_fd(give));
    tr_exit(a_kill);
}

TEST_PROC_REAL(the_descriptors_that_a_process_owns_go_with_it)
{
    tr_ref ref;

    open_pair();
    tr_spawn_monitor(owns, &ref, ends[0], ends[1]);
    tr_release(down_reason_at(__FILE__, __LINE__, ref));
    CHECK_WITHIN(patience(10000), fcntl(ends[0], F_GETFD) < 0 && errno == EBADF);
    CHECK(fcntl(ends[1], F_GETFD) >= 0);
}

enum { BYTES = 1 << 20 };

static void writes_much(tr_term arg)
{
    static char bytes[BYTES];
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    CHECK_INT(tr_write(ends[1], bytes, BYTES, patience(10000)), TR_OK);
    tr_send(boss, a_done);
}

TEST_PROC_REAL(read_and_write_wait_where_they_would_block)
{
    char buffer[10000];
    size_t got = 0;

    open_pair();
    tr_spawn(writes_much, tr_self());
    while (got < BYTES) {
        ssize_t n = tr_read(ends[0], buffer, sizeof buffer, patience(10000));
        CHECK(n > 0);
        got += (size_t)n;
    }
    tr_receive (m)
        tr_on (m, a_done) {
        }
    CHECK_INT(tr_read(ends[0], buffer, sizeof buffer, 10), TR_ETIMEOUT);
    tr_close_fd(ends[1]);
    CHECK_INT(tr_read(ends[0], buffer, sizeof buffer, 10), 0);
    CHECK_INT(tr_write(ends[0], buffer, 10, 10), TR_ESYS);
    CHECK_INT(errno, EPIPE);
    CHECK_INT(tr_nonblock_fd(-1), TR_EINVAL);
}

/* --- what is opened here --- */

static bool was_open[1024];

/* All descriptors that were not open before are closed on exec. */
static void check_new_ones(void)
{
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && !was_open[fd] && !(flags & FD_CLOEXEC))
            check_fail(__FILE__, __LINE__, "descriptor %d stays open on exec", fd);
    }
}

static void accepts(tr_term unused)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t size = sizeof(sa_family_t); /* the system chooses a name */
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)unused;
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    CHECK_INT(tr_accept(listener, 1), TR_ETIMEOUT);
    size = sizeof address;
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    CHECK(connect(client, (struct sockaddr *)&address, size) == 0);
    int fd = tr_accept(listener, 10000);
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_INT(tr_accept(client, 1), TR_ESYS);
    check_new_ones();
}

TEST(descriptors_of_the_library_are_closed_on_exec)
{
    for (int fd = 0; fd < 1024; fd++)
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    CHECK_INT(tr_main(0, NULL, accepts), 0);
    /* Nothing is left but the three sockets above. */
    int left = 0;
    for (int fd = 0; fd < 1024; fd++)
        left += fcntl(fd, F_GETFD) >= 0 && !was_open[fd];
    CHECK_INT(left, 3);
}

/* --- many --- */

#ifdef __SANITIZE_THREAD__
enum { PAIRS = 1000 }; /* it has room for 8,000 processes at a time */
#else
enum { PAIRS = 5000 };
#endif

static int pairs[PAIRS][2];

static bool open_pairs(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < PAIRS; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pairs[i]) != 0)
            return false;
    return true;
}

static int64_t processor_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static long switches(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

TEST_PROC_REAL(ten_thousand_idle_sockets_cost_no_time)
{
    if (!open_pairs())
        check_skip("too few descriptors allowed");
    for (int i = 0; i < PAIRS; i++) {
        tr_spawn(waits, tr_self(), pairs[i][0], TR_FD_READ, TR_INFINITY);
        tr_spawn(waits, tr_self(), pairs[i][1], TR_FD_READ, TR_INFINITY);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        tr_receive (m)
            tr_on (m, a_ready, tr_any()) {
            }
    tr_sleep(200);
    int64_t used = processor_ms();
    long switched = switches();
    tr_sleep(1000);
    CHECK(processor_ms() - used < patience(50));
    CHECK(switches() - switched < 50);
    for (int i = 0; i < PAIRS; i++) {
        write_byte(pairs[i][0]);
        write_byte(pairs[i][1]);
    }
    for (int i = 0; i < 2 * PAIRS; i++)
        tr_receive (m)
            tr_on (m, a_done, tr_any(), TR_OK) {
            }
}

static _Atomic bool stop_toggling;

static void toggles(tr_term arg)
{
    int i;
    char c;

    CHECK(tr_match(arg, &i));
    while (!atomic_load(&stop_toggling)) {
        write_byte(pairs[i][1]);
        tr_err err = tr_wait_fd(pairs[i][0], TR_FD_READ, 3);
        CHECK(err == TR_OK || err == TR_ETIMEOUT);
        while (read(pairs[i][0], &c, 1) > 0)
            ;
        err = tr_wait_fd(pairs[i][0], TR_FD_READ, 1);
        CHECK(err == TR_OK || err == TR_ETIMEOUT);
    }
}

TEST_PROC_REAL(readiness_meets_timeouts_and_kills_at_every_moment)
{
    tr_pid pids[40];
    int64_t end = check_now_ms() + 500;

    for (int i = 0; i < 20; i++)
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i]) == 0);
    for (int i = 0; i < 40; i++)
        pids[i] = tr_spawn(toggles, i / 2);
    while (check_now_ms() < end) {
        for (int i = 0; i < 40; i += 7) {
            tr_exit_to(pids[i], a_kill);
            pids[i] = tr_spawn(toggles, i / 2);
        }
        tr_sleep(1);
    }
    atomic_store(&stop_toggling, true);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}
