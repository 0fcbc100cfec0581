/* SPDX-License-Identifier: MIT */
/*
 * A suspended flow of control, and the switch from one to another.
 *
 * The switch saves what the calling convention says a call preserves, the floating-point control
 * words included, and nothing else. The sanitizers are told of each switch, since they keep a
 * picture of every stack.
 */
#ifndef TROUPE_OS_CONTEXT_H
#define TROUPE_OS_CONTEXT_H

#include "base/compiler.h"
#include "os/context_raw.h"

#include <stdbool.h>
#include <stddef.h>

struct tr_context {
    void *sp; /* NULL: nothing is suspended here */
#if defined(TR__ASAN)
    void *fake_stack;
    const void *bottom;
    size_t size;
#endif
#if defined(TR__TSAN)
    void *fiber;
#endif
};

/* Makes `c` start `entry` at its first switch, on the stack [bottom, top). `entry` never returns.
 */
void tr__context_make(struct tr_context *c, void *bottom, void *top, void (*entry)(void));

/* Describes the calling thread's own stack, so that it can be switched away from and back to. */
void tr__context_of_thread(struct tr_context *c);

/*
 * Suspends the caller in `from` and goes on in `to`. With `ending` the caller will never be
 * resumed and `from` may be reused at once. Returns when something switches back to `from`,
 * perhaps on another thread: no address of a thread-local variable may be kept across it.
 *
 * Where it can be, it is inlined: after a switch the processor's prediction of returns is wrong for
 * every function that is still open, so the fewer there are between here and the caller, the
 * better.
 */
#if defined(__x86_64__) && !defined(TR__SANITIZED)
static inline __attribute__((always_inline)) void
tr__context_switch(struct tr_context *from, struct tr_context *to, bool ending)
{
    (void)ending;
    tr__context_raw_switch(&from->sp, to->sp);
}
#else
void tr__context_switch(struct tr_context *from, struct tr_context *to, bool ending);
#endif

/* The first thing `entry` calls: closes the switch that started it. `c` is its own context. */
void tr__context_entered(struct tr_context *c);

/* Tells the sanitizers that a context made by tr__context_make will not run again. */
void tr__context_drop(struct tr_context *c);

#endif
