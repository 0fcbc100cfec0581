/* SPDX-License-Identifier: MIT */
/* What a thread of this program does in the kernel. */
#ifndef TROUPE_OS_SYSCALLS_H
#define TROUPE_OS_SYSCALLS_H

#include <stddef.h>
#include <sys/types.h>

/* "runs", "is blocked in read of descriptor 5", "is blocked in system call 123", or, where the
   kernel does not tell, "runs or is blocked". */
void tr__syscall_text(pid_t tid, char *text, size_t size);

#endif
