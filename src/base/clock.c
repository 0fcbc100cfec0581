/* SPDX-License-Identifier: MIT */
/*
 * The monotonic clock, and the one that a replayed run has in its place.
 *
 * While the clock is held each look at it takes LOOK_NS, so that a loop that waits for a time by
 * looking at the clock comes to an end.
 */
#include "base/clock.h"

#include "base/compiler.h"

#include <stdatomic.h>
#include <time.h>

#define LOOK_NS 50

enum { REAL, HELD, SHIFTED };

static _Atomic int mode;
static _Atomic int64_t held;  /* HELD: the time */
static _Atomic int64_t shift; /* SHIFTED: what the clock is ahead of the real one */

int64_t tr__clock_real_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * TR__NS_PER_S + ts.tv_nsec;
}

bool tr__clock_is_real(void)
{
    return atomic_load_explicit(&mode, memory_order_relaxed) == REAL;
}

int64_t tr__clock_ns(void)
{
    int m = atomic_load_explicit(&mode, memory_order_acquire);

    if (tr__likely(m == REAL))
        return tr__clock_real_ns();
    if (m == HELD)
        return atomic_fetch_add_explicit(&held, LOOK_NS, memory_order_relaxed) + LOOK_NS;
    return tr__clock_real_ns() + atomic_load_explicit(&shift, memory_order_relaxed);
}

void tr__clock_hold(int64_t now)
{
    atomic_store_explicit(&held, now, memory_order_relaxed);
    atomic_store_explicit(&mode, HELD, memory_order_release);
}

void tr__clock_move(int64_t ns)
{
    atomic_fetch_add_explicit(&held, ns, memory_order_relaxed);
}

void tr__clock_release(void)
{
    int64_t ahead = atomic_load_explicit(&held, memory_order_relaxed) - tr__clock_real_ns();

    atomic_store_explicit(&shift, ahead, memory_order_relaxed);
    /* Release pairs with the acquire in tr__clock_ns: who sees the mode sees the shift. */
    atomic_store_explicit(&mode, SHIFTED, memory_order_release);
}

void tr__clock_reset(void)
{
    atomic_store_explicit(&mode, REAL, memory_order_release);
}
