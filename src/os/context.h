/* SPDX-License-Identifier: MIT */
/*
 * A suspended flow of control, and the switches from a thread's own flow to it and back.
 *
 * A switch saves what the calling convention says a call preserves, the floating-point control
 * words included, and nothing else. The thread's own flow must not compute with floating point: it
 * may find the control words as the flow that it resumed left them. The sanitizers are told of each
 * switch, since they keep a picture of every stack.
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

/* A thread's own flow, while another one runs there. */
struct tr_context_home {
    struct tr_context context;
    uint64_t words;     /* the processor's control words, where the raw switches keep them */
    uint64_t own_words; /* the same when the thread began: what new flows start with */
};

/*
 * Calls fn(a, b), a function with a switch in it, and gives what it returns.
 *
 * The processor predicts that a function returns to where it was called last; but after a switch
 * that was in the flow which was left. So such functions are called from one place, here, whichever
 * flow it is; and from here it is a jump back to the caller, which is predicted by what was done
 * before. A caller that does nothing afterwards is left by a jump, too, and is not open meanwhile:
 * each function that is returns to where the processor does not expect it.
 */
typedef bool tr_context_fn(void *a, uint64_t b);

#if defined(__x86_64__) && !defined(TR__SANITIZED)
bool tr__context_call(void *a, uint64_t b, tr_context_fn *fn);
#else
static inline bool tr__context_call(void *a, uint64_t b, tr_context_fn *fn)
{
    return fn(a, b);
}
#endif

/* Makes `c` start `entry` at its first switch, on the stack [bottom, top), from any thread, with
   the control words of `home`. `entry` never returns. */
void tr__context_make(struct tr_context *c, void *bottom, void *top, void (*entry)(void),
                      const struct tr_context_home *home);

/* Describes the calling thread's own stack, so that it can be switched away from and back to. */
void tr__context_of_thread(struct tr_context_home *home);

/*
 * tr__context_enter suspends the thread's own flow and goes on in `to`. It returns at the next
 * tr__context_leave on this thread, which suspends its caller in `from`: with `ending` for ever,
 * and `from` may be reused at once. Else that returns when the flow is entered again, perhaps on
 * another thread: no address of a thread-local variable may be kept across it.
 *
 * tr__context_change goes from a flow to another one that has begun, without the thread's own,
 * where TR__CONTEXT_CHANGES says so. Who is resumed by that gets `left` from the switch that had
 * suspended it, else NULL. With NULL for `left` it is tr__context_leave: one switch for both.
 *
 * Where it can be, it is inlined: after a switch the processor's prediction of returns is wrong for
 * every function that is still open, so the fewer there are between here and the caller, the
 * better.
 */
#if defined(__x86_64__) && !defined(TR__SANITIZED)
#define TR__CONTEXT_CHANGES true
TR__INLINED void tr__context_enter(struct tr_context_home *home, struct tr_context *to)
{
    tr__context_raw_enter(&home->context.sp, to->sp, &home->words);
}

TR__INLINED void *tr__context_leave(struct tr_context *from, struct tr_context_home *home,
                                    bool ending)
{
    (void)ending;
    return tr__context_raw_leave(&from->sp, home->context.sp, &home->words, NULL);
}

TR__INLINED void *tr__context_change(struct tr_context *from, struct tr_context_home *home,
                                     struct tr_context *to, void *left)
{
    return tr__context_raw_leave(&from->sp, left ? to->sp : home->context.sp, &home->words, left);
}
#else
#define TR__CONTEXT_CHANGES false
void tr__context_enter(struct tr_context_home *home, struct tr_context *to);
void *tr__context_leave(struct tr_context *from, struct tr_context_home *home, bool ending);

static inline void *tr__context_change(struct tr_context *from, struct tr_context_home *home,
                                       struct tr_context *to, void *left)
{
    (void)to;
    (void)left;
    return tr__context_leave(from, home, false);
}
#endif

/* Fetches the innermost frames of a suspended flow into the cache, for who is about to have it
   entered: the lines are written as soon as it runs, and what it does next waits for that. */
static inline void tr__context_prefetch(const struct tr_context *c)
{
    const char *sp = c->sp;

    __builtin_prefetch(sp, 1);
    __builtin_prefetch(sp + 1 * TR__CACHE_LINE, 1);
    __builtin_prefetch(sp + 2 * TR__CACHE_LINE, 1);
    __builtin_prefetch(sp + 3 * TR__CACHE_LINE, 1);
}

/* The first thing `entry` calls: closes the switch that started it. `c` is its own context. */
void tr__context_entered(struct tr_context *c);

/* Tells the sanitizers that a context made by tr__context_make will not run again. */
void tr__context_drop(struct tr_context *c);

#endif
