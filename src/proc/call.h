/* SPDX-License-Identifier: MIT */
/* Asking another process to do something small between two of its own steps. */
#ifndef TROUPE_PROC_CALL_H
#define TROUPE_PROC_CALL_H

#include "proc/signal.h"

/*
 * What the receiver runs: does the work and gives the answer, a term that may be built in the
 * current heap. `argument` is that of tr__call.
 */
typedef tr_term (*tr_call_fn)(struct tr_proc *p, uint64_t argument);

/*
 * Has `fn` run by the process `pid`, after all signals that the caller sent it before. True with
 * its answer in the current heap; false when there is no such process. The caller itself may be
 * asked too. Process only; blocks.
 */
bool tr__call(uint64_t pid, tr_call_fn fn, uint64_t argument, tr_term *answer);

#endif
