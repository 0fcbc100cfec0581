/* SPDX-License-Identifier: MIT */
/* Reserving, guarding and giving back. */
#include "os/pages.h"

#include "check.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* The signal by which a child dies that writes there; 0 when it lives. */
static int signal_of_write(volatile char *at)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        *at = 1;
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(pages_come_aligned_and_zeroed)
{
    for (size_t align = TR__PAGE; align <= (size_t)1 << 22; align *= 4) {
        char *p = tr__pages_map(3 * TR__PAGE, align);
        CHECK(p != NULL);
        CHECK_INT((uintptr_t)p % align, 0);
        for (size_t i = 0; i < 3 * TR__PAGE; i++)
            CHECK_INT(p[i], 0);
        p[0] = p[3 * TR__PAGE - 1] = 1;
        tr__pages_unmap(p, 3 * TR__PAGE);
    }
}

TEST(what_cannot_be_had_is_refused)
{
    errno = 4711;
    CHECK(tr__pages_map((size_t)1 << 62, TR__PAGE) == NULL);
    CHECK_INT(errno, 4711);
}

TEST(a_guard_faults_and_its_neighbours_do_not)
{
    char *p = tr__pages_map(3 * TR__PAGE, TR__PAGE);

    CHECK(tr__pages_guard(p + TR__PAGE, TR__PAGE));
    CHECK_INT(signal_of_write(p + TR__PAGE), SIGSEGV);
    CHECK_INT(signal_of_write(p + 2 * TR__PAGE - 1), SIGSEGV);
    CHECK_INT(signal_of_write(p + TR__PAGE - 1), 0);
    CHECK_INT(signal_of_write(p + 2 * TR__PAGE), 0);
}

TEST(discarded_pages_are_zero_and_guards_stay)
{
    char *p = tr__pages_map(3 * TR__PAGE, TR__PAGE);

    p[TR__PAGE] = p[3 * TR__PAGE - 1] = 7;
    CHECK(tr__pages_guard(p, TR__PAGE));
    tr__pages_discard(p, 3 * TR__PAGE);
    CHECK_INT(p[TR__PAGE] + p[3 * TR__PAGE - 1], 0);
    CHECK_INT(signal_of_write(p), SIGSEGV);
}
