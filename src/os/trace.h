/* SPDX-License-Identifier: MIT */
/*
 * Backtraces: addresses, taken cheaply where something happens, and what they mean, found when a
 * report is written.
 *
 * The frames end with the first function of the process: the context switch leaves no return
 * address above it.
 */
#ifndef TROUPE_OS_TRACE_H
#define TROUPE_OS_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* The caller's own frames, innermost first; how many. Async-signal-safe. */
int tr__trace_here(void **pcs, int max);

/* The frames of what a signal interrupted, by the handler it is called from; the first is the
   interrupted instruction itself. Async-signal-safe. */
int tr__trace_from(const void *context, void **pcs, int max);

/*
 * The same, one by one, until `each` returns false or the frames end. `pc` lies in the call, `back`
 * is where the call returns to (the interrupted instruction, of the first frame), `limit` the end
 * of the frame of what was called: its return address is stored at or below the word before.
 */
struct tr_frame {
    const void *pc, *back;
    const void **limit;
};

void tr__trace_walk(const void *context, bool (*each)(const struct tr_frame *frame, void *arg),
                    void *arg);

/* Writes what stands at `pc` into `out`, NUL-terminated, cut where it does not fit; its length.
   Not for signal handlers, save where the program ends anyway. */
size_t tr__trace_describe(void *pc, char *out, size_t size);

#endif
