/* SPDX-License-Identifier: MIT */
/* The chain of frame pointers: each points to the one before it and the return address beside. */
#include "os/frames.h"

/* Where the switch has saved the frame pointer, in words; see the file of each processor. */
#if defined(__x86_64__)
#define FRAME_POINTER 3
#elif defined(__aarch64__)
#define FRAME_POINTER 10
#endif

TR__UNSYNCHRONISED int tr__frames_of(const struct tr_context *c, const void *bottom,
                                     const void *top, uintptr_t *pcs, int n)
{
    int found = 0;

#ifdef FRAME_POINTER
    const uintptr_t *at = c->sp;
    uintptr_t low = (uintptr_t)bottom;
    uintptr_t high = (uintptr_t)top - 2 * sizeof *at;

    if ((uintptr_t)at < low || (uintptr_t)at > high)
        return 0;
    uintptr_t fp = at[FRAME_POINTER];
    while (found < n && fp > low && fp <= high && fp % sizeof *at == 0) {
        const uintptr_t *frame = (const uintptr_t *)fp;
        if (!frame[1])
            break;
        pcs[found++] = frame[1];
        low = fp;
        fp = frame[0];
    }
#else
    (void)c, (void)bottom, (void)top, (void)pcs, (void)n;
#endif
    return found;
}
