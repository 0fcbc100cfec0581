/* SPDX-License-Identifier: MIT */
/* What the calling thread is called in ps, top and gdb: at most 15 bytes. */
#ifndef TROUPE_OS_NAME_H
#define TROUPE_OS_NAME_H

#include <sys/prctl.h>

/* By the thread itself, since another's name is set by a file of /proc, which costs more than to
   start the thread. */
static inline void tr__thread_name(const char *name)
{
    prctl(PR_SET_NAME, name);
}

#endif
