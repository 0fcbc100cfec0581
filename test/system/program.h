/* SPDX-License-Identifier: MIT */
#ifndef PROGRAM_H
#define PROGRAM_H

/*
 * A program of its own, with what it prints, for tests of how programs end.
 *
 *     struct program p = program_start(body, NULL);
 *     program_await(&p, "ready");
 *     kill(p.pid, SIGTERM);
 *     CHECK_INT(program_end(&p), 0);
 *     CHECK_STR(p.text, "ready\n");
 */

#include "check_proc.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROGRAM_LIMIT_MS = 15000 };

struct program {
    pid_t pid;
    int output;
    size_t size;
    char text[16384]; /* what it has printed on standard output and error */
};

/* A child that calls tr_main_opt(body, opts) and exits with its result. */
__attribute__((unused)) static struct program program_start(tr_process_fn body,
                                                            const struct tr_main_opts *opts)
{
    struct program p = { .size = 0 };
    int ends[2];

    CHECK_INT(pipe(ends), 0);
    fflush(NULL);
    p.pid = fork();
    CHECK(p.pid >= 0);
    if (p.pid == 0) {
        close(ends[0]);
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        setvbuf(stdout, NULL, _IONBF, 0);
        exit(tr_main_opt(0, NULL, body, opts));
    }
    close(ends[1]);
    p.output = ends[0];
    return p;
}

/* Reads more of its output, waiting for it; false when there is no more. */
__attribute__((unused)) static bool program_read(struct program *p)
{
    struct pollfd wait = { .fd = p->output, .events = POLLIN };
    size_t room = sizeof p->text - 1 - p->size;
    int64_t limit = PROGRAM_LIMIT_MS * check_env("TEST_TIMEOUT", 1);

    if (poll(&wait, 1, (int)limit) <= 0)
        check_fail(__FILE__, __LINE__, "silent for %" PRId64 " ms after \"%s\"", limit, p->text);
    ssize_t n = read(p->output, p->text + p->size, room);
    if (n > 0)
        p->size += (size_t)n;
    return n > 0;
}

/* Waits until it has printed that. */
__attribute__((unused)) static void program_await(struct program *p, const char *text)
{
    while (!strstr(p->text, text))
        if (!program_read(p))
            check_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", text, p->text);
}

/* Waits for its end; the exit status, or -signal. The text is complete then. */
__attribute__((unused)) static int program_end(struct program *p)
{
    int status = 0;

    while (program_read(p))
        ;
    CHECK_INT(waitpid(p->pid, &status, 0), p->pid);
    close(p->output);
    fputs(p->text, stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define CHECK_PRINTED(p, part)                                                                     \
    do {                                                                                           \
        if (!strstr((p).text, part))                                                               \
            check_fail(__FILE__, __LINE__, "\"%s\" is not in \"%s\"", part, (p).text);             \
    } while (0)

#endif
