/* SPDX-License-Identifier: MIT */
/* Starting and stopping the whole. */
#ifndef TROUPE_RUNTIME_H
#define TROUPE_RUNTIME_H

#include "troupe/process.h"

TR_HEADER_BEGIN

/*
 * Starts the runtime, runs `body` as the first process with the command line's arguments as a
 * list of binaries, and stops everything when body has ended: all other processes are killed,
 * their clean-up runs, the threads end. 0; or 1 when body ended with another reason than normal,
 * shutdown or {shutdown, _} (the reason is printed), or when the runtime cannot start (the cause
 * is printed). Blocks. One at a time; it may be called again afterwards.
 *
 * One worker thread runs for each core the program may use (affinity and cgroup quota); the
 * environment variable TROUPE_SCHEDULERS sets another number.
 */
int tr_main(int argc, char **argv, tr_process_fn body);

TR_HEADER_END

#endif
