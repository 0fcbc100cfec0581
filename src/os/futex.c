/* SPDX-License-Identifier: MIT */
/* The futex system call; errno is left as it was, since user code may be looking at it. */
#define _GNU_SOURCE
#include "os/futex.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void tr__futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t ns)
{
    struct timespec limit = { .tv_sec = (time_t)(ns / TR__NS_PER_S),
                              .tv_nsec = (long)(ns % TR__NS_PER_S) };
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, ns < 0 ? NULL : &limit, NULL, 0);
    errno = saved;
}

void tr__futex_wake(_Atomic uint32_t *word, int n)
{
    int saved = errno;

    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
    errno = saved;
}
