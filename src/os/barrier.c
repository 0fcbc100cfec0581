/* SPDX-License-Identifier: MIT */
/* membarrier(2), expedited: a few microseconds for the caller, one interrupt for the others. */
#define _GNU_SOURCE
#include "os/barrier.h"

#include "base/fault.h"
#include "base/panic.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool tr__barrier_prepare(void)
{
    static bool prepared;
    int saved = errno;

    if (!prepared)
        prepared = !tr__fault() &&
                   syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    errno = saved;
    return prepared;
}

void tr__barrier_all(void)
{
    int saved = errno;

    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        TR__PANIC("membarrier failed with error %d after it was prepared", errno);
    errno = saved;
}
