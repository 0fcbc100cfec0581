/* SPDX-License-Identifier: MIT */
/* Faults that are not contained: the whole program ends, and says why; or its own handler sees to
   them. */
#include "contain.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANDLED = 42 };

static char said[8192];

/* Runs prepare, then body as the first process, in a program of its own; how that ended. */
static int status_of(void (*prepare)(void), tr_process_fn body)
{
    int channel[2], status;
    size_t n = 0;
    ssize_t got;

    CHECK(pipe(channel) == 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        dup2(channel[1], STDERR_FILENO);
        close(channel[0]);
        close(channel[1]);
        if (prepare)
            prepare();
        _exit(tr_main(0, NULL, body));
    }
    close(channel[1]);
    while ((got = read(channel[0], said + n, sizeof said - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(channel[0]);
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static void check_ended_by(int signal, int status)
{
    if (!WIFSIGNALED(status) || WTERMSIG(status) != signal)
        check_fail(__FILE__, __LINE__, "status %#x; it said: %s", status, said);
}

static void reads_null(tr_term arg)
{
    (void)arg;
    opaque_int = *(volatile int *)hidden(NULL);
}

static void tears_the_heap(tr_term arg)
{
    (void)arg;
    /* glibc sees that this is none of its pieces, and aborts inside malloc. */
    free(hidden(said + 16));
}

static void prints_null(tr_term arg)
{
    (void)arg;
    /* The fault is inside stdio, which holds the lock of stderr. */
    fprintf(stderr, "%s", (char *)hidden((void *)16));
}

static void faults_inside_the_library(tr_term arg)
{
    /* A tuple that lies nowhere, copied into a message. */
    arg.w = 0x1230;
    tr_send(tr_self(), arg);
}

TEST(a_fault_inside_malloc_ends_the_program_with_a_report)
{
    needs_faults();
    check_ended_by(SIGABRT, status_of(NULL, tears_the_heap));
    CHECK(strstr(said, "troupe: Aborted"));
    CHECK(strstr(said, "in process <0.1.1>"));
    CHECK(strstr(said, "abort"));
}

TEST(a_fault_inside_stdio_ends_the_program)
{
    needs_faults();
    check_ended_by(SIGSEGV, status_of(NULL, prints_null));
    CHECK(strstr(said, "Segmentation fault at address 0x10"));
}

TEST(a_fault_inside_the_library_ends_the_program)
{
    needs_faults();
    check_ended_by(SIGSEGV, status_of(NULL, faults_inside_the_library));
    CHECK(strstr(said, "inside the library"));
}

static void contain_off(void)
{
    tr_contain_faults(false);
}

TEST(containment_is_off_by_one_option)
{
    needs_faults();
    CHECK_INT(WEXITSTATUS(status_of(NULL, reads_null)), 1);
    CHECK(strstr(said, "{fault,sigsegv,0,"));
    check_ended_by(SIGSEGV, status_of(contain_off, reads_null));
    CHECK(!strstr(said, "troupe"));
    setenv("TROUPE_CONTAIN_FAULTS", "0", 1);
    check_ended_by(SIGSEGV, status_of(NULL, reads_null));
}

static void handle(int signal)
{
    (void)signal;
    _exit(HANDLED);
}

static void handle_with_info(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    _exit(info->si_addr == (void *)16 ? HANDLED : 1);
}

static void install_handler(void)
{
    signal(SIGABRT, handle);
}

static void install_handler_with_info(void)
{
    struct sigaction action = { .sa_sigaction = handle_with_info, .sa_flags = SA_SIGINFO };

    sigaction(SIGSEGV, &action, NULL);
}

TEST(the_programs_own_handler_gets_what_is_not_contained)
{
    needs_faults();
    CHECK_INT(WEXITSTATUS(status_of(install_handler, tears_the_heap)), HANDLED);
    CHECK_INT(WEXITSTATUS(status_of(install_handler_with_info, prints_null)), HANDLED);
    CHECK_INT(WEXITSTATUS(status_of(install_handler_with_info, reads_null)), 1);
    CHECK(strstr(said, "{fault,sigsegv,0,"));
}

static void sent_from_outside(tr_term arg)
{
    (void)arg;
    kill(getpid(), SIGSEGV);
    tr_sleep(10000);
}

TEST(a_signal_sent_by_somebody_is_no_fault)
{
    needs_faults();
    check_ended_by(SIGSEGV, status_of(NULL, sent_from_outside));
    CHECK(strstr(said, "sent by another program"));
}

static void ends_well(tr_term arg)
{
    (void)arg;
}

TEST(the_handlers_are_put_back_when_the_runtime_ends)
{
    struct sigaction before, after;

    sigaction(SIGSEGV, NULL, &before);
    CHECK_INT(tr_main(0, NULL, ends_well), 0);
    sigaction(SIGSEGV, NULL, &after);
    CHECK(before.sa_handler == after.sa_handler);
    sigaction(SIGURG, NULL, &after);
    CHECK(after.sa_handler == SIG_DFL);
}
