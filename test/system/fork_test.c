/* SPDX-License-Identifier: MIT */
/* fork, exec and spawned programs in a running node; what descriptors they inherit. */
#define _GNU_SOURCE
#include "system/program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>

extern char **environ;

enum { REFUSED = 126 };

tr_atoms(done, anything);

/* What a child may not do, one by one. */
static void call_send(void)
{
    tr_send(tr_self(), a_done);
}

static void call_receive(void)
{
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
}

static void nobody(tr_term arg)
{
    (void)arg;
}

static void call_spawn(void)
{
    tr_spawn(nobody);
}

static void call_sleep(void)
{
    tr_sleep(1);
}

static void call_put(void)
{
    tr_put(tr_build(1), tr_build(2));
}

static void call_alloc(void)
{
    tr_alloc(100);
}

static void call_exit(void)
{
    tr_exit(a_done);
}

static void call_whereis(void)
{
    tr_pid pid;

    tr_whereis(a_done, &pid);
}

static void call_main(void)
{
    tr_main(0, NULL, nobody);
}

static void call_nothing(void)
{
}

static void (*const forbidden[])(void) = { call_send,  call_receive, call_spawn,
                                           call_sleep, call_put,     call_alloc,
                                           call_exit,  call_whereis, call_main };

/* The status of a child that does that; what it prints on standard error is in `text`. */
static int status_of_child(void (*fn)(void), bool returns, char *text, size_t size)
{
    int ends[2], status = 0;
    size_t n = 0;
    ssize_t got;

    CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        fn();
        if (!returns)
            _exit(0);
        return -1;
    }
    close(ends[1]);
    while (n < size - 1 && (got = read(ends[0], text + n, size - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    close(ends[0]);
    CHECK_INT(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_PROC(a_call_in_the_child_of_a_fork_says_what_is_wrong)
{
    char text[512];

    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        int status = status_of_child(forbidden[i], false, text, sizeof text);
        if (status != REFUSED || !strstr(text, "child of a fork in a running node"))
            check_fail(__FILE__, __LINE__, "call %zu: status %d, \"%s\"", i, status, text);
    }
}

TEST_PROC(a_child_that_calls_nothing_of_the_library_is_left_alone)
{
    char text[512];

    CHECK_INT(status_of_child(call_nothing, false, text, sizeof text), 0);
    CHECK_STR(text, "");
}

/* The child goes on where its process did, up to the end of the process's function. */
static void forks_and_returns(tr_term arg)
{
    tr_pid boss;
    char text[512];

    CHECK(tr_match(arg, &boss));
    int status = status_of_child(call_nothing, true, text, sizeof text);
    if (status < 0)
        return;
    CHECK_INT(status, REFUSED);
    tr_send(boss, a_done);
}

TEST_PROC(a_child_that_returns_from_its_process_is_told)
{
    tr_spawn_link(forks_and_returns, tr_self());
    tr_receive (m)
        tr_on (m, a_done) {
        }
}

static int run_again(void)
{
    return tr_main(0, NULL, nobody);
}

TEST(a_fork_before_and_after_the_node_is_an_ordinary_one)
{
    for (int i = 0; i < 3; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
            _exit(run_again() == 0 ? 7 : 1);
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        CHECK_INT(run_again(), 0);
    }
}

static void pauses(void)
{
    for (;;)
        pause();
}

TEST_PROC(a_child_dies_of_the_signals_that_stop_the_node)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        pauses();
    kill(child, SIGTERM);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* --- exec --- */

static pid_t start_by_fork(char **argv)
{
    pid_t child = fork();

    if (child == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    return child;
}

static pid_t start_by_spawn(char **argv)
{
    pid_t child;

    return posix_spawnp(&child, argv[0], NULL, NULL, argv, environ) == 0 ? child : -1;
}

static pid_t (*const starters[])(char **argv) = { start_by_fork, start_by_spawn };

static void starts_programs(tr_term arg)
{
    char *argv[] = { (char *)"true", NULL };
    tr_pid boss;

    CHECK(tr_match(arg, &boss));
    for (int i = 0; i < 10; i++) {
        int status = -1;
        pid_t child = starters[i % 2](argv);
        CHECK(child > 0);
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK_INT(status, 0);
        tr_yield();
    }
    tr_send(boss, a_done);
}

static void chatters(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_send(tr_self(), a_anything, tr_list(1, 2, 3));
        tr_receive (m)
            tr_on (m, a_anything, tr_any()) {
            }
    }
}

TEST_PROC_REAL(many_processes_start_programs_beside_others_that_work)
{
    enum { STARTERS = 20 };

    for (int i = 0; i < 4; i++)
        tr_spawn(chatters);
    for (int i = 0; i < STARTERS; i++)
        tr_spawn_link(starts_programs, tr_self());
    for (int i = 0; i < STARTERS; i++)
        tr_receive (m)
            tr_on (m, a_done) {
            }
    CHECK_INT(system("exit 5") >> 8, 5);
}

TEST_PROC(a_started_program_can_be_stopped_by_signals)
{
    char *argv[] = { (char *)"sleep", (char *)"1000", NULL };

    for (int i = 0; i < 2; i++) {
        int status = 0;
        pid_t child = starters[i](argv);
        CHECK(child > 0);
        kill(child, SIGTERM);
        CHECK_INT(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
}

/* --- descriptors --- */

/* The open descriptors above 2, without the one that lists them. */
static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *e;
    int n = 0;

    CHECK(dir);
    while ((e = readdir(dir)))
        n += atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(dir);
    closedir(dir);
    return n;
}

/* How many of the node's descriptors are open after exec, by its own account. */
static int count_after_exec(pid_t (*start)(char **argv))
{
    char *argv[] = { (char *)"sh", (char *)"-c",
                     (char *)"n=0; for f in /proc/self/fd/*; do n=$((n + 1)); done; exit $n",
                     NULL };
    int status = 0;
    pid_t child = start(argv);

    CHECK(child > 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int before_exec;

static void count_in_process(tr_term arg)
{
    int ends[2];

    (void)arg;
    CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
    CHECK_INT(tr_wait_fd(ends[0], TR_FD_READ, 1), TR_ETIMEOUT); /* from now on there is a poller */
    close(ends[0]);
    close(ends[1]);
    for (int i = 0; i < 2; i++)
        CHECK_INT(count_after_exec(starters[i]), before_exec);
}

TEST(no_descriptor_of_the_library_is_inherited_by_a_started_program)
{
    /* Those that the test itself was started with. */
    before_exec = count_after_exec(start_by_fork);
    int open_before = count_descriptors();

    CHECK_INT(tr_main(0, NULL, count_in_process), 0);
    CHECK_INT(count_descriptors(), open_before);
}
