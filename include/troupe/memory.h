/* SPDX-License-Identifier: MIT */
/*
 * Memory and clean-up tied to a process.
 *
 *     FILE *f = fopen(path, "r");
 *     tr_defer(close_file, f);           closed however the process ends
 *     char *buffer = tr_alloc(65536);    freed however the process ends
 */
#ifndef TROUPE_MEMORY_H
#define TROUPE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "troupe/term.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/* Zeroed memory owned by the process, aligned for any type; freed when the process ends, or by
   tr_free. Without memory the process ends with out_of_memory. Process only. */
void *tr_alloc(size_t size);

/* Frees what tr_alloc returned, before the process ends. NULL is allowed. Owner only. */
void tr_free(void *p);

/*
 * Runs fn(arg) once when the process ends, whatever the way: return, exit, exit signal, kill.
 * Functions run on the process itself, the last registered first; an exit inside one skips the
 * rest of that one, and the reason stays what it was. Without memory for the registration fn(arg)
 * runs at once, and then the process ends with out_of_memory: so whatever happens, nobody else has
 * to see to arg. Process only.
 */
void tr_defer(void (*fn)(void *), void *arg);

/* Forgets the newest registration of that pair, without running it; false when there is none.
   Owner only. */
bool tr_defer_cancel(void (*fn)(void *), void *arg);

/* Why the caller ends, for functions registered by tr_defer; w is 0 in a process that does not end.
   Borrowed. Process only. */
tr_term tr_exit_reason(void);

/* True when an exit signal ends the caller, false when its own code does, or it does not end.
   Process only. */
bool tr_exit_signalled(void);

/* --- for the library's own use --- */

/*
 * Has fn(memory) run when the process ends, as if tr_defer had registered it just now, with a piece
 * of memory that tr_alloc gave; instead of what was to run with it before, nothing for NULL. It is
 * for what has nothing to do when a signal ends the process: then it may be left out. Owner only.
 */
void tr__at_end(void *memory, void (*fn)(void *));

/* Has nothing run with the piece for which fn was to run last; false when there is none. Owner
   only. */
bool tr__at_end_forget(void (*fn)(void *));

TR_HEADER_END

#endif
