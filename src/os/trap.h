/* SPDX-License-Identifier: MIT */
/*
 * Signals that interrupt a process: faults of the processor, abort, and the kick.
 *
 * They are handled on a stack of the thread's own, since the process may have used up its own. A
 * handler never runs library code on behalf of the process: it looks, and may make the interrupted
 * flow go on elsewhere when it returns.
 *
 * What is not ours goes on to the handler that the program had installed before; without one the
 * signal does what it does by default.
 */
#ifndef TROUPE_OS_TRAP_H
#define TROUPE_OS_TRAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tr_trap {
    int signal;
    bool sent;         /* by somebody, with kill(2): not caused by what the thread did */
    uintptr_t address; /* of a SIGSEGV or SIGBUS */
    void *context;     /* ucontext_t of what was interrupted */
};

struct tr_trap_hooks {
    bool (*fault)(const struct tr_trap *trap); /* true: dealt with, the context leads elsewhere */
    void (*last)(const struct tr_trap *trap);  /* nobody deals with it: the program ends next */
    void (*kick)(const struct tr_trap *trap);
};

/* Installs the handlers; without `faults` only that of kicks. */
void tr__trap_install(const struct tr_trap_hooks *hooks, bool faults);

/* Puts back what was there before, save where the program has replaced ours. */
void tr__trap_remove(void);

/* Gives the calling thread its stack for handlers and lets the signals in; false without memory.
   Undone by tr__trap_thread_end. */
bool tr__trap_thread_begin(void);
void tr__trap_thread_end(void);

/* Kicks a thread of this program. With `interrupt` a system call that it waits in fails with EINTR;
   without, the call goes on afterwards. */
void tr__trap_kick(pid_t thread, bool interrupt);

/* Calls fn(arg), in a signal handler; false when that caused a fault and was left there. */
bool tr__trap_try(void (*fn)(void *), void *arg);

/* What was interrupted. */
uintptr_t tr__trap_pc(const void *context);
uintptr_t tr__trap_sp(const void *context);

/* The return address of a function that was called but has not done anything yet. */
uintptr_t tr__trap_caller(const void *context);

/* What to put in the place of a return address, so that fn(NULL), which never returns, runs instead
   of the caller. One fn for all. */
const void *tr__trap_landing(void (*fn)(void *));

/* Makes the handler return into fn(arg), which never returns, on the stack below `top`. */
void tr__trap_redirect(void *context, void (*fn)(void *), void *arg, void *top);

#endif
