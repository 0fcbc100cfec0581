/* SPDX-License-Identifier: MIT */
/* /proc/self/task/TID/syscall: "running", or number and arguments of the call a thread is in. */
#define _GNU_SOURCE
#include "os/syscalls.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The calls that block most often; the first argument of some is a descriptor. */
static const struct {
    long number;
    const char *name;
    bool descriptor;
} calls[] = {
    { SYS_read, "read", true },
    { SYS_write, "write", true },
    { SYS_readv, "readv", true },
    { SYS_writev, "writev", true },
    { SYS_accept, "accept", true },
    { SYS_accept4, "accept4", true },
    { SYS_connect, "connect", true },
    { SYS_recvfrom, "recvfrom", true },
    { SYS_recvmsg, "recvmsg", true },
    { SYS_sendto, "sendto", true },
    { SYS_sendmsg, "sendmsg", true },
    { SYS_fsync, "fsync", true },
    { SYS_flock, "flock", true },
    { SYS_fcntl, "fcntl", true },
    { SYS_epoll_pwait, "epoll_pwait", true },
    { SYS_futex, "futex (a lock or condition)", false },
    { SYS_ppoll, "ppoll", false },
    { SYS_pselect6, "pselect", false },
    { SYS_nanosleep, "nanosleep", false },
    { SYS_clock_nanosleep, "clock_nanosleep", false },
    { SYS_wait4, "wait4", false },
    { SYS_waitid, "waitid", false },
    { SYS_rt_sigtimedwait, "sigtimedwait", false },
#ifdef SYS_poll
    { SYS_poll, "poll", false },
    { SYS_select, "select", false },
    { SYS_epoll_wait, "epoll_wait", true },
    { SYS_pause, "pause", false },
#endif
};

/* What the file holds, or an empty text. stdio could wait for memory that somebody has locked. */
static void read_state(pid_t tid, char *line, size_t size)
{
    char path[64];
    ssize_t n = -1;

    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, line, size - 1);
        close(fd);
    }
    line[n > 0 ? n : 0] = '\0';
}

enum { LOOKS = 4 }; /* a millisecond apart */

void tr__syscall_text(pid_t tid, char *text, size_t size)
{
    char line[256];
    char *rest;

    /* A signal wakes a thread that is blocked for a moment: whether it runs shows in several looks.
     */
    for (int looks = 0;; looks++) {
        read_state(tid, line, sizeof line);
        if (strncmp(line, "running", 7) != 0)
            break;
        if (looks == LOOKS) {
            snprintf(text, size, "runs");
            return;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    long number = strtol(line, &rest, 10);
    if (rest == line || number < 0) {
        snprintf(text, size, "runs or is blocked");
        return;
    }
    unsigned long first = strtoul(rest, NULL, 16);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i].number != number)
            continue;
        if (calls[i].descriptor)
            snprintf(text, size, "is blocked in %s of descriptor %lu", calls[i].name, first);
        else
            snprintf(text, size, "is blocked in %s", calls[i].name);
        return;
    }
    snprintf(text, size, "is blocked in system call %ld", number);
}
