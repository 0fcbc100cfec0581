/* SPDX-License-Identifier: MIT */
/* Starting and stopping the scheduler. */
#ifndef TROUPE_SCHED_SCHED_H
#define TROUPE_SCHED_SCHED_H

#include "troupe/error.h"

/* Makes `count` workers and starts their threads. TR_ENOMEM, TR_ESYS; nothing is left behind. */
tr_err tr__sched_start(int count);

/* Watches the workers until tr__sched_stop is called, then waits for their threads and frees them.
   Blocks; called by the thread that started the scheduler. */
void tr__sched_run(void);

/* Tells the workers to stop after their present turn. Any thread. */
void tr__sched_stop(void);

#endif
