/* SPDX-License-Identifier: MIT */
/* Asks the kernel (x86-64, Linux 6.6); one that does not know the question has no shadow stacks. */
#define _GNU_SOURCE
#include "os/shadow.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_SHSTK_STATUS 0x5005
#define ARCH_SHSTK_SHSTK  1ul

bool tr__shadow_stack_on(void)
{
    unsigned long features = 0;
#ifdef SYS_arch_prctl
    int saved = errno;

    if (syscall(SYS_arch_prctl, ARCH_SHSTK_STATUS, &features) != 0)
        features = 0;
    errno = saved;
#endif
    return features & ARCH_SHSTK_SHSTK;
}
