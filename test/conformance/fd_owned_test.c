/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that a process owns: they are watched without being asked for each wait, and nothing
 * that happens to them may be missed for it; and who looks at descriptors, when.
 */
#include "puppet.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

/* The two ends of a connection, of which the caller owns the first. */
static void open_tcp(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    CHECK(connect(ends[1], (struct sockaddr *)&address, size) == 0);
    ends[0] = tr_accept(listener, patience(10000));
    CHECK(ends[0] >= 0);
    close(listener);
    tr_own_fd(ends[0]);
}

static void open_unix(void)
{
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    tr_own_fd(ends[0]);
}

static void write_bytes(const char *bytes)
{
    CHECK_INT(write(ends[1], bytes, strlen(bytes)), strlen(bytes));
}

static void check_read(const char *bytes)
{
    char buffer[100];
    ssize_t n = tr_read(ends[0], buffer, sizeof buffer, patience(10000));

    CHECK_INT(n, strlen(bytes));
    CHECK(memcmp(buffer, bytes, strlen(bytes)) == 0);
}

static void writes_later(tr_term arg)
{
    int64_t ms;

    CHECK(tr_match(arg, &ms));
    tr_sleep(ms);
    write_bytes("later");
}

static void read_again_and_again(void)
{
    for (int i = 0; i < 300; i++) {
        if (i % 3 == 0) {
            write_bytes("at once");
            check_read("at once");
        } else {
            tr_spawn(writes_later, (int64_t)i % 3 - 1);
            if (i % 2)
                CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
            check_read("later");
        }
        if (i % 50 == 0)
            CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
    }
}

TEST_PROC_REAL(an_owned_descriptor_is_waited_for_again_and_again)
{
    open_tcp();
    read_again_and_again();
    open_unix();
    read_again_and_again();
}

TEST_PROC_REAL(what_is_left_to_read_of_an_owned_descriptor_needs_no_new_event)
{
    char c;

    open_tcp();
    write_bytes("xyz");
    for (int i = 0; i < 3; i++) {
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ | TR_FD_WRITE, 1), TR_OK);
        CHECK_INT(tr_read(ends[0], &c, 1, TR_INFINITY), 1);
    }
    CHECK_INT(tr_read(ends[0], &c, 1, 1), TR_ETIMEOUT);
    /* Read by others, of whom the library knows nothing. */
    write_bytes("x");
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
    CHECK_INT(read(ends[0], &c, 1), 1);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
}

/* The end arrives before the last bytes are read, with them, or behind them. */
TEST_PROC_REAL(the_end_of_a_stream_is_seen_behind_a_short_read)
{
    for (int i = 0; i < 60; i++) {
        open_tcp();
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
        write_bytes("last");
        if (i % 3 == 0)
            close(ends[1]);
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
        if (i % 3 == 1)
            close(ends[1]);
        check_read("last");
        if (i % 3 == 2)
            close(ends[1]);
        check_read("");
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
        check_read("");
        CHECK(tr_disown_fd(ends[0]));
        CHECK_INT(tr_close_fd(ends[0]), TR_OK);
    }
}

TEST_PROC_REAL(urgent_data_hide_nothing_that_is_behind_them)
{
    open_tcp();
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
    write_bytes("before");
    CHECK_INT(send(ends[1], "!", 1, MSG_OOB), 1);
    write_bytes("behind");
    /* All of it has arrived before the first part is read. */
    tr_sleep(20);
    check_read("before");
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, patience(10000)), TR_OK);
    check_read("behind");
}

TEST_PROC_REAL(room_to_write_is_waited_for_again_and_again)
{
    static char bytes[100000];
    size_t written = 0, got = 0;
    ssize_t n;

    open_unix();
    for (int i = 0; i < 20; i++) {
        while ((n = write(ends[0], bytes, sizeof bytes)) > 0)
            written += (size_t)n;
        /* Ready is a hint: room that was seen before it was filled may be told of afterwards. */
        CHECK_WITHIN(10000, tr_wait_fd(ends[0], TR_FD_WRITE, 1) == TR_ETIMEOUT);
        while ((n = read(ends[1], bytes, sizeof bytes)) > 0)
            got += (size_t)n;
        CHECK_INT(got, written);
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_WRITE, patience(10000)), TR_OK);
    }
}

/* After many events that nobody waits for, the kernel is not asked for more. */
TEST_PROC_REAL(who_comes_after_many_events_that_nobody_waited_for_misses_none)
{
    char c;

    open_tcp();
    for (int round = 0; round < 3; round++) {
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
        for (int i = 0; i < 50; i++) {
            write_bytes("x");
            tr_sleep(1);
        }
        for (int i = 0; i < 50; i++)
            CHECK_INT(tr_read(ends[0], &c, 1, patience(10000)), 1);
        tr_spawn(writes_later, INT64_C(2));
        check_read("later");
    }
}

static void waits_once(tr_term arg)
{
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    tr_send(boss, a_ready);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, TR_INFINITY), TR_OK);
    tr_send(boss, a_done);
}

TEST_PROC_REAL(who_waits_for_a_descriptor_is_not_left_behind_when_it_changes_hands)
{
    for (int i = 0; i < 50; i++) {
        open_tcp();
        tr_spawn(waits_once, tr_self());
        tr_receive (m)
            tr_on (m, a_ready) {
            }
        if (i % 2)
            CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 0), TR_ETIMEOUT);
        tr_own_fd(ends[0]);
        CHECK(tr_disown_fd(ends[0]) && tr_disown_fd(ends[0]));
        write_bytes("x");
        tr_receive (m) {
            tr_on (m, a_done) {
            }
            tr_after (m, patience(10000))
                check_fail(__FILE__, __LINE__, "it still waits");
        }
        tr_close_fd(ends[0]);
        close(ends[1]);
    }
}

TEST_PROC_REAL(a_number_that_was_owned_and_is_opened_again_is_watched_anew)
{
    for (int i = 0; i < 20; i++) {
        open_tcp();
        CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT);
        CHECK(tr_disown_fd(ends[0]));
        if (i % 2)
            close(ends[0]);
        else
            CHECK_INT(tr_close_fd(ends[0]), TR_OK);
        close(ends[1]);
        open_unix();
        tr_spawn(writes_later, INT64_C(1));
        check_read("later");
        tr_disown_fd(ends[0]);
        close(ends[0]);
        close(ends[1]);
    }
}

/* --- who looks --- */

static _Atomic bool stop;

static void is_busy(tr_term blocks)
{
    bool does = false;

    CHECK(tr_match(blocks, &does));
    while (!atomic_load(&stop))
        if (does)
            usleep(20000);
        else
            tr_yield();
}

static void check_heard_when_busy(bool blocks)
{
    atomic_store(&stop, false);
    for (int i = 0; i < tr_schedulers_online(); i++)
        tr_spawn(is_busy, blocks);
    for (int i = 0; i < 20; i++) {
        tr_spawn(writes_later, INT64_C(2));
        check_read("later");
    }
    atomic_store(&stop, true);
    CHECK_WITHIN(patience(10000), tr_process_count() == 1);
}

TEST_PROC_REAL(a_descriptor_is_heard_while_all_workers_are_busy)
{
    open_tcp();
    check_heard_when_busy(false);
    check_heard_when_busy(true);
}

enum { WORDS = 2000 };

static tr_pid listener;

static void *speaks(void *heard)
{
    for (int i = 1; i <= WORDS; i++) {
        tr_send(listener, i);
        while (atomic_load((_Atomic int *)heard) < i)
            usleep(10);
    }
    return NULL;
}

/* The worker that is woken may be the one that sleeps with the descriptors. */
TEST_PROC_REAL(messages_of_a_thread_are_heard_while_a_worker_looks_at_descriptors)
{
    static _Atomic int heard;
    pthread_t thread;
    int word = 0;

    open_tcp();
    tr_spawn(waits_once, tr_self());
    listener = tr_self();
    CHECK_INT(pthread_create(&thread, NULL, speaks, &heard), 0);
    for (int i = 1; i <= WORDS; i++) {
        tr_receive (m) {
            tr_on (m, &word) {
            }
            tr_after (m, patience(10000))
                check_fail(__FILE__, __LINE__, "nothing is heard any more");
        }
        CHECK_INT(word, i);
        atomic_store(&heard, i);
    }
    CHECK_INT(pthread_join(thread, NULL), 0);
    write_bytes("x");
    tr_receive (m)
        tr_on (m, a_done) {
        }
}
