/* SPDX-License-Identifier: MIT */
/*
 * Stopping in order and in time.
 *
 * One thread of its own, the guard, sleeps until a signal asks to stop or the first process begins
 * to end. It sends what OTP's init sends, then holds everybody to the deadline: whatever the
 * workers, the first process or a lock of the program hang on does not hold it up.
 */
#ifndef TROUPE_PROC_SHUTDOWN_H
#define TROUPE_PROC_SHUTDOWN_H

#include "troupe/runtime.h"

#include <stdint.h>

/* Starts the guard, and takes the signals. TR_ESYS when there can be no thread. */
tr_err tr__shutdown_start(const struct tr_main_opts *opts);

/* The first process exists: a signal that came before can be passed on. */
void tr__shutdown_first_is_there(void);

/* Everything has ended: stops the guard and gives the signals back. */
void tr__shutdown_finish(void);

/* The first process ends: the time until the deadline runs, if it does not yet. Any thread. */
void tr__shutdown_begin(void);

/* True once a signal has asked; true once the deadline has passed. Any thread. */
bool tr__shutdown_asked(void);
bool tr__shutdown_forced(void);

#endif
