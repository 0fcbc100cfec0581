/* SPDX-License-Identifier: MIT */
/*
 * Faults of the processor in a process, and what becomes of them.
 *
 * A fault in the program's own code ends the process that caused it and nobody else. Its links and
 * monitors get the reason:
 *
 *     stack_overflow                            the stack is full
 *     {fault, Signal, Address, [Where]}         Signal is sigsegv (a null or wild pointer), sigbus,
 *                                               sigfpe (division by zero), sigill (on x86-64
 *                                               also __builtin_trap) or sigabrt (abort, assert);
 * Where is a binary for each open function, innermost first
 *
 * The program's own code is the executable, and what tr_own_code declares. In a function of the C
 * library that keeps no state (strlen, memcpy, read), called by the program's own code, the
 * process ends as well. Anywhere else, inside malloc, stdio, another library or this one, a lock
 * may be held or a structure half changed: then the program ends, after a report on standard
 * error, by the signal as if nobody had caught it. So it does when it is linked statically with
 * the C library, or has a malloc in its executable, since its own code cannot be told apart then.
 *
 * The same rules hold for exit signals. A process takes them when it calls the library; one that
 * does not for some 20 ms, because it loops or blocks, is ended in the middle of its own code, or
 * of a system call that it made there. A loop in a function that a library calls back (the
 * comparison of a qsort) is left alone for a second more; what the library holds then is lost.
 *
 * A wild write that meets memory of others is not noticed. A function whose frame is larger than
 * the guard below the stack (20 KiB) may jump over it, unless the program is compiled with
 * -fstack-clash-protection.
 *
 * Handlers that the program had installed before tr_main are called for what is not contained; one
 * installed afterwards takes precedence. A sanitizer's build leaves faults to the sanitizer.
 */
#ifndef TROUPE_FAULT_H
#define TROUPE_FAULT_H

#include <stdbool.h>

#include "troupe/error.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/*
 * Whether faults are contained; they are unless this says otherwise, or the environment variable
 * TROUPE_CONTAIN_FAULTS is 0. Off, the library installs no handler for them, and a fault does what
 * it does in any program. Before tr_main. (No counterpart: Erlang code cannot fault.)
 */
void tr_contain_faults(bool on);

/*
 * Declares the shared library that `address` lies in (that of one of its functions, say) the
 * program's own code: its processes may be ended in the middle of it, by faults and by exit
 * signals. TR_ENOTFOUND when the address lies in none, or more than 60 were declared. Any thread.
 */
TR_MUST_USE tr_err tr_own_code(const void *address);

TR_HEADER_END

#endif
