/* SPDX-License-Identifier: MIT */
/* What the parts of tasks share. */
#ifndef TROUPE_OTP_TASK_H
#define TROUPE_OTP_TASK_H

#include "troupe.h"

/* The callers of what the calling process starts: itself, then its own. Any thread. */
tr_term tr__task_callers(void);

/* Makes the calling process one that was asked for by these, and is reported when it fails. */
void tr__task_enter(tr_term callers);

/* Ends the caller with {badarg, Task} when it is not the owner. */
void tr__task_check_owner(struct tr_task task);

bool tr__task_is_mine(struct tr_task task);

/* Times that may be spent in several waits: the point in time, and what is left of it. */
int64_t tr__deadline_of(int64_t timeout_ms);
int64_t tr__time_left(int64_t deadline);

#endif
