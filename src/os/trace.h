/* SPDX-License-Identifier: MIT */
/*
 * Backtraces: addresses, taken cheaply where something happens, and what they mean, found when a
 * report is written.
 *
 * An address is not the one that a call returns to but one inside the call, or the instruction that
 * was interrupted: so it belongs to the line that a reader wants to see. The frames end with the
 * first function of the process: the context switch leaves no return address above it.
 */
#ifndef TROUPE_OS_TRACE_H
#define TROUPE_OS_TRACE_H

#include <stdbool.h>
#include <stddef.h>

/* The caller's own frames, innermost first, from the function on that calls this; how many.
   Async-signal-safe. */
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

/*
 * Writes "function+0x12 at file.c:34", or as much of it as is known: "function+0x12
 * (module+0x345)", "module+0x345", "0x7f0000000345". At most `size` bytes with the NUL; returns the
 * length that the whole text has. Reads files, blocks, allocates, and takes 100 KiB of stack: not
 * for a handler, nor for the stack of a process. Any thread.
 */
size_t tr__trace_describe(const void *pc, char *out, size_t size);

/* The same without file and line. Reads a file, but allocates nothing and takes 12 KiB of stack;
   for a process, and for a handler where the program ends anyway. */
size_t tr__trace_name(const void *pc, char *out, size_t size);

#endif
