/* SPDX-License-Identifier: MIT */
/* The first frame of a stack on x86-64, and calls of functions that switch; the switches are in
   context_x86_64.h. */
#include "os/context.h"

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
    /* Where `entry` begins, the stack pointer must be 8 past a multiple of 16, as after a call;
       what it points to is the address that entry returns to, where backtraces end. */
    uint64_t *bottom = (uint64_t *)(((uintptr_t)top & ~(uintptr_t)15) - 8);
    struct tr_context_frame *frame = (struct tr_context_frame *)bottom - 1;

    *bottom = 0;
    *frame =
        (struct tr_context_frame){ .words = words, .pc = (void *)(uintptr_t)entry, .rsp = bottom };
    return frame;
}

/* The sanitizers would write code of theirs into it, and a profiler its counters. */
#ifndef TR__SANITIZED
__attribute__((naked, noinline, no_profile_instrument_function)) bool
tr__context_call(__attribute__((unused)) void *a, __attribute__((unused)) uint64_t b,
                 __attribute__((unused)) tr_context_fn *fn)
{
    __asm__ volatile(TR__LANDING "pushq %rbp\n\t"
                                 ".cfi_def_cfa_offset 16\n\t"
                                 ".cfi_offset %rbp, -16\n\t"
                                 "movq %rsp, %rbp\n\t"
                                 "call *%rdx\n\t"
                                 "popq %rbp\n\t"
                                 ".cfi_restore %rbp\n\t"
                                 ".cfi_def_cfa_offset 8\n\t"
                                 "popq %rdx\n\t"
                                 ".cfi_def_cfa_offset 0\n\t"
                                 ".cfi_register %rip, %rdx\n\t"
                                 "notrack jmp *%rdx");
}
#endif
