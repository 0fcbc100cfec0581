/* SPDX-License-Identifier: MIT */
/*
 * The test runner.
 *
 * Each test is forked from this process, which itself never runs a test and starts no thread, so
 * that every test begins in the same state. The child leads a process group, and the whole group
 * is killed when the time is over. Its output goes to an unnamed file rather than a pipe: nothing
 * has to be read while it runs, and a full pipe cannot stop it.
 */

#include "check.h"

#include "os/code.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_SKIPPED = 77, TIME_LIMIT_S = 20 };

enum outcome { PASSED, FAILED, SKIPPED, NOUTCOMES };

static struct check_test *first_test;
static int64_t replays; /* runs under a seed that have passed */

void check_add(struct check_test *test)
{
    struct check_test **link = &first_test;

    while (*link)
        link = &(*link)->next;
    *link = test;
}

void check_fail(const char *file, int line, const char *format, ...)
{
    char text[4096];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);

    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

void check_skip(const char *reason)
{
    fprintf(stderr, "%s\n", reason);
    fflush(NULL);
    _exit(EXIT_SKIPPED);
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t (*check_now_ms)(void) = now_ms;

static void pause_thread(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

void (*check_pause)(void) = pause_thread;

int64_t check_env(const char *name, int64_t otherwise)
{
    const char *value = getenv(name);

    return value && *value ? strtoll(value, NULL, 10) : otherwise;
}

int check_rounds(int n)
{
    if (!check_env("CHECK_SEEDS", 0))
        return n;
    return n < 100 ? 1 : n / 100;
}

/* SIGCHLD is blocked in the runner, so that sigtimedwait can wait for a child with a limit. */
static void block_sigchld(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(how, &set, NULL);
}

/* Seed 0: not a replay. */
static void set_seed(int64_t seed)
{
    char text[24];

    if (!seed)
        return;
    snprintf(text, sizeof text, "%" PRId64, seed);
    setenv("TROUPE_REPLAY", text, 1);
}

static void run_child(const struct check_test *test, int argc, char **argv, FILE *output)
{
    setpgid(0, 0);
    block_sigchld(SIG_UNBLOCK);
    dup2(fileno(output), STDOUT_FILENO);
    dup2(fileno(output), STDERR_FILENO);
    exit(test->run(argc, argv));
}

/* Waits for the child; false when the limit passed and it had to be killed. */
static bool wait_child(pid_t child, int64_t limit_ms, int *status)
{
    int64_t deadline = check_now_ms() + limit_ms;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (;;) {
        if (waitpid(child, status, WNOHANG) == child)
            return true;

        int64_t left = deadline - check_now_ms();
        if (left <= 0)
            break;
        struct timespec pause = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
        sigtimedwait(&set, NULL, &pause);
    }
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, status, 0);
    return false;
}

static void show(FILE *output)
{
    char bytes[4096];
    size_t n;

    rewind(output);
    while ((n = fread(bytes, 1, sizeof bytes, output)) > 0)
        fwrite(bytes, 1, n, stdout);
}

static enum outcome judge(const struct check_test *test, bool in_time, int status, int64_t limit_ms)
{
    if (!in_time)
        printf("FAILED  %s: still running after %" PRId64 " s\n", test->name, limit_ms / 1000);
    else if (WIFSIGNALED(status))
        printf("FAILED  %s: %s\n", test->name, strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == EXIT_SKIPPED)
        return SKIPPED;
    else if (WEXITSTATUS(status) != 0)
        printf("FAILED  %s: exit status %d\n", test->name, WEXITSTATUS(status));
    else
        return PASSED;
    return FAILED;
}

/* TEST_TIMEOUT is a factor for slow builds; TR_LONG asks stress tests to go on for long. */
static int64_t time_limit_ms(void)
{
    int64_t factor = check_env("TEST_TIMEOUT", 1) * (check_env("TR_LONG", 0) ? 60 : 1);

    return TIME_LIMIT_S * 1000 * factor;
}

static FILE *new_output(void)
{
    FILE *output = tmpfile();

    if (!output) {
        perror("tmpfile");
        exit(EXIT_FAILURE);
    }
    return output;
}

static enum outcome run_once(const struct check_test *test, int64_t seed, int argc, char **argv)
{
    int64_t limit_ms = time_limit_ms();
    FILE *output = new_output();
    int status = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        exit(EXIT_FAILURE);
    }
    if (child == 0) {
        set_seed(seed);
        run_child(test, argc, argv, output);
    }
    bool in_time = wait_child(child, limit_ms, &status);
    enum outcome outcome = judge(test, in_time, status, limit_ms);
    if (outcome == SKIPPED)
        printf("skipped %s: ", test->name);
    if (outcome != PASSED)
        show(output);
    fclose(output);
    return outcome;
}

/* Replays a test under the seeds asked for, until it fails; counts the runs. */
static enum outcome run_seeds(const struct check_test *test, int64_t seeds, int argc, char **argv)
{
    int64_t first = check_env("CHECK_FIRST_SEED", 1);

    for (int64_t seed = first; seed < first + seeds; seed++) {
        enum outcome outcome = run_once(test, seed, argc, argv);
        if (outcome == FAILED)
            printf("again: CHECK_SEEDS=1 CHECK_FIRST_SEED=%" PRId64 " %s %s\n", seed, argv[0],
                   test->name);
        if (outcome != PASSED)
            return outcome;
        replays++;
    }
    return PASSED;
}

static enum outcome run_test(const struct check_test *test, int argc, char **argv)
{
    int64_t start = check_now_ms();
    int64_t seeds = check_env("CHECK_SEEDS", 0);
    enum outcome outcome =
        seeds ? run_seeds(test, seeds, argc, argv) : run_once(test, 0, argc, argv);

    if (outcome == PASSED)
        printf("passed  %s (%" PRId64 " ms)\n", test->name, check_now_ms() - start);
    return outcome;
}

static bool is_chosen(const struct check_test *test, int argc, char **argv)
{
    if (check_env("CHECK_SEEDS", 0) && !test->seeded)
        return false;
    for (int i = 1; i < argc; i++)
        if (strstr(test->name, argv[i]))
            return true;
    return argc < 2;
}

static int list_tests(void)
{
    for (const struct check_test *test = first_test; test; test = test->next)
        puts(test->name);
    return 0;
}

int main(int argc, char **argv)
{
    int n[NOUTCOMES] = { 0 };

    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_tests();

    block_sigchld(SIG_BLOCK);
    /* Once for all that are forked: it takes longer than a short test. */
    tr__code_prepare();
    for (const struct check_test *test = first_test; test; test = test->next)
        if (is_chosen(test, argc, argv))
            n[run_test(test, argc, argv)]++;

    printf("%d passed, %d failed, %d skipped\n", n[PASSED], n[FAILED], n[SKIPPED]);
    if (check_env("CHECK_SEEDS", 0)) {
        printf("%" PRId64 " replays\n", replays);
        return n[FAILED] ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (n[FAILED] > 0 || n[PASSED] + n[SKIPPED] == 0)
        return EXIT_FAILURE;
    return n[PASSED] > 0 ? EXIT_SUCCESS : EXIT_SKIPPED;
}
