/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork in a running node.
 *
 * It has the memory of the node and one of its threads: no workers, no monitor, and locks that
 * threads held which do not exist there. It may do what any child of a program with threads may,
 * which is to call exec or _exit; a call into the library must end it before it waits for ever.
 */
#ifndef TROUPE_OS_FORK_H
#define TROUPE_OS_FORK_H

#include "base/compiler.h"

#include <stdbool.h>

/* The node runs, or has stopped: a fork afterwards is an ordinary one. */
void tr__fork_watch(bool running);

extern bool tr__is_forked __attribute__((visibility("hidden")));

/* Says on standard error what is wrong, and ends the child with status 126. */
_Noreturn void tr__fork_refuse(void);

/* The slow paths of the library ask this. Each call that enters the library takes one there. */
static inline void tr__fork_check(void)
{
    if (tr__unlikely(tr__is_forked))
        tr__fork_refuse();
}

#endif
