/* SPDX-License-Identifier: MIT */
/* Processes that end in the middle of the program's own code: by a fault, or by a kick. */
#ifndef TROUPE_PROC_CONTAIN_H
#define TROUPE_PROC_CONTAIN_H

#include "proc/proc.h"

/* Bits of tr_proc.runnable.marks; set by others, or by a signal handler. */
enum {
    TR__MARK_EXIT = 1,   /* an exit signal was sent, and nobody has looked at it in vain since */
    TR__MARK_DOOMED = 2, /* that signal ends the process: a system call may be interrupted for it */
    TR__MARK_OVERFLOW = 4 /* lives on the reserve of its stack until it can be ended */
};

/* Installs and removes the signal handlers, before the threads start and when they have ended. */
void tr__contain_start(void);
void tr__contain_stop(void);

#endif
