/* SPDX-License-Identifier: MIT */
/* What tr_main and the calls that break a replay need of src/proc/replay.c. */
#ifndef TROUPE_PROC_REPLAY_H
#define TROUPE_PROC_REPLAY_H

/* Before the scheduler starts, and after it has stopped. */
void tr__replay_prepare(void);
void tr__replay_finish(void);

/* A thread that runs no process has called that function: a replay depends on the outside. */
void tr__replay_outside(const char *function);

#endif
