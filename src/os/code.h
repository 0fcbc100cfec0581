/* SPDX-License-Identifier: MIT */
/*
 * Whose code an address belongs to.
 *
 * A process may be ended in the middle of the program's own code: what that leaves half done is
 * the process's own. In the middle of malloc, of stdio or of another library it may not: a lock
 * would stay locked, a structure half changed, for everybody.
 */
#ifndef TROUPE_OS_CODE_H
#define TROUPE_OS_CODE_H

#include <stdbool.h>

enum tr_code {
    TR__CODE_OWN,     /* the program, and what it has declared its own */
    TR__CODE_LIBRARY, /* this library, where it is an object of its own */
    TR__CODE_PLAIN,   /* functions of the C library that keep no state: strlen, memcpy, read */
    TR__CODE_FOREIGN  /* everything else */
};

/*
 * Finds out what is where; must have been called before the others. False when the program cannot
 * be told from malloc, because it is linked statically or brings a malloc of its own: then all code
 * counts as foreign.
 */
bool tr__code_prepare(void);

/* Declares the object (executable or shared library) that holds `address` the program's own; false
   when there is none, or too many. Any thread. */
bool tr__code_add(const void *address);

/* Async-signal-safe. */
enum tr_code tr__code_at(const void *pc);

/* True in abort itself. Async-signal-safe. */
bool tr__code_is_abort(const void *pc);

#endif
