/* SPDX-License-Identifier: MIT */
/*
 * Running tests: each under each seed in a forked child, whose output is kept until it is known
 * whether anybody wants to see it.
 */
#define _GNU_SOURCE
#include "kit/test_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S 60

/* With this status a child says that its test has come to its end and passed: the program itself
   may end with 0. */
enum { CHILD_PASSED = 113 };

enum { EARLY = -2 }; /* the program ended as if all were well */

static bool forked;
static tr_process_fn body_to_run;

void tr__test_stop(const char *file, int line, const char *text, const char *detail)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s%s%s\n", file, line, text, detail ? ": " : "", detail ? detail : "");
    fflush(NULL);
    if (!forked) {
        signal(SIGABRT, SIG_DFL); /* the end of the program, not of a process */
        abort();
    }
    _exit(EXIT_FAILURE);
}

static void first(tr_term args)
{
    (void)args;
    tr__test_keeper(body_to_run);
}

static int run_here(tr_process_fn body, uint64_t seed)
{
    body_to_run = body;
    tr_replay(seed);
    int status = tr_main(0, NULL, first);
    const char *broken = tr_replay_broken();
    if (broken)
        fprintf(stderr, "the test depends on the outside: %s\n", broken);
    fflush(NULL);
    return status || tr__test_has_failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* 0 when the test passed; else what waitpid gives, or -1 when no child could be started. `output`
   may be NULL. */
static int run_child(tr_process_fn body, uint64_t seed, FILE *output)
{
    int status = -1;

    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        forked = true;
        if (output) {
            dup2(fileno(output), STDOUT_FILENO);
            dup2(fileno(output), STDERR_FILENO);
        }
        alarm(LIMIT_S);
        _exit(run_here(body, seed) ? EXIT_FAILURE : CHILD_PASSED);
    }
    if (child < 0)
        return -1;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_PASSED)
        return 0;
    return status ? status : EARLY;
}

static void show(FILE *output)
{
    char bytes[4096];
    size_t n;

    rewind(output);
    while ((n = fread(bytes, 1, sizeof bytes, output)) > 0)
        fwrite(bytes, 1, n, stderr);
}

/* The command line of this program, as far as it fits. */
static void print_command(void)
{
    char text[1024];
    FILE *file = fopen("/proc/self/cmdline", "re");
    size_t n = file ? fread(text, 1, sizeof text, file) : 0;

    for (size_t at = 0; at < n; at += strnlen(text + at, n - at) + 1)
        fprintf(stderr, " %.*s", (int)(n - at), text + at);
    if (file)
        fclose(file);
}

static void tell(const char *name, uint64_t seed, int status)
{
    if (status == -1)
        fprintf(stderr, "%s: cannot start a process: %s\n", name, strerror(errno));
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        fprintf(stderr, "%s: still running after %d s\n", name, LIMIT_S);
    else if (status == EARLY)
        fprintf(stderr, "%s: the program ended before the test did\n", name);
    else if (WIFSIGNALED(status))
        fprintf(stderr, "%s: %s\n", name, strsignal(WTERMSIG(status)));
    fprintf(stderr, "%s: failed under seed %llu; to run it again:\n", name,
            (unsigned long long)seed);
    fprintf(stderr, "    TROUPE_TEST_SEED=%llu TROUPE_TEST_ONLY=%s", (unsigned long long)seed,
            name);
    print_command();
    fputc('\n', stderr);
}

/* A number that the environment gives; false when it gives none. */
static bool number_of(const char *variable, uint64_t *n)
{
    const char *text = getenv(variable);

    if (!text || !*text)
        return false;
    *n = strtoull(text, NULL, 0);
    return true;
}

static bool is_wanted(const char *name)
{
    const char *only = getenv("TROUPE_TEST_ONLY");

    return !only || !*only || strcmp(only, name) == 0;
}

static bool may_fork(void)
{
    const char *text = getenv("TROUPE_TEST_FORK");

    return !text || strcmp(text, "0") != 0;
}

/* A file without a name, closed on exec; NULL when there is none to be had. */
static FILE *scratch_file(void)
{
    FILE *file = tmpfile();

    if (file)
        fcntl(fileno(file), F_SETFD, FD_CLOEXEC);
    return file;
}

/* `visible`: the output goes where that of the program goes. */
static int run(const char *name, tr_process_fn body, uint64_t seed, bool visible)
{
    if (!may_fork())
        return run_here(body, seed);
    FILE *output = visible ? NULL : scratch_file();
    int status = run_child(body, seed, output);
    if (status && output)
        show(output);
    if (output)
        fclose(output);
    if (status)
        tell(name, seed, status);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}

int tr_test_run_named(const char *name, tr_process_fn body, uint64_t seed)
{
    bool given = number_of("TROUPE_TEST_SEED", &seed);

    return is_wanted(name) ? run(name, body, seed, given) : EXIT_SUCCESS;
}

int tr_test_explore_named(const char *name, tr_process_fn body, uint64_t n)
{
    uint64_t seed;

    if (!is_wanted(name))
        return EXIT_SUCCESS;
    if (number_of("TROUPE_TEST_SEED", &seed))
        return run(name, body, seed, true);
    number_of("TROUPE_TEST_SEEDS", &n);
    for (seed = 1; seed <= n; seed++)
        if (run(name, body, seed, false))
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
