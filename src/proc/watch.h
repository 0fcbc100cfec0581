/* SPDX-License-Identifier: MIT */
/* What tr_system_monitor asks of those who run processes and send messages. */
#ifndef TROUPE_PROC_WATCH_H
#define TROUPE_PROC_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct tr_proc;

extern _Atomic(bool) tr__watch_on;

/* Is anything watched for? */
static inline bool tr__watching(void)
{
    return atomic_load_explicit(&tr__watch_on, memory_order_relaxed);
}

/* Around each turn of a process, on the worker's stack; the second looks at the process. */
void tr__watch_begin(void);
void tr__watch_end(struct tr_proc *p);

/* How long the process on this thread has had its turn, in ns; 0 where that need not be told. */
int64_t tr__watch_held_for(void);

/* Tells of a turn that long, if it is too long. Called by the process, or after its turn. */
void tr__watch_held(struct tr_proc *p, int64_t ns);

/* The present turn is never too long. */
void tr__watch_pardon(void);

/* The slot of the calling process; 0: none. */
uint32_t tr__watch_sender(void);

#endif
