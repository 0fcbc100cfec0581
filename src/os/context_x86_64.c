/* SPDX-License-Identifier: MIT */
/* The first frame of a stack on x86-64; the switches are in context_x86_64.h. */
#include "os/context_raw.h"

#include <stdint.h>

uint64_t tr__context_raw_words(void)
{
    uint32_t mxcsr;
    uint16_t x87;

    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    return (uint64_t)x87 << 32 | mxcsr;
}

void *tr__context_raw_make(void *top, void (*entry)(void), uint64_t words)
{
    /* Where `entry` begins, the stack pointer must be 8 past a multiple of 16, as after a call. */
    uint64_t *frame = (uint64_t *)(((uintptr_t)top & ~(uintptr_t)15) - 40);

    frame[0] = words;
    frame[1] = (uint64_t)(uintptr_t)entry;
    frame[2] = 0; /* as entry's return address: backtraces end here */
    frame[3] = 0;
    return frame;
}
