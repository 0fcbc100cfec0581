/* SPDX-License-Identifier: MIT */
/*
 * Context switch for other CPUs: slow (each switch is two system calls) but portable.
 *
 * The ucontext lives at the top of the stack it describes, and its address serves as the saved
 * stack pointer; a thread's own context lives in the frame that called the switch.
 */
#include "os/context_raw.h"

#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

void tr__context_raw_switch(void **from, void *to)
{
    ucontext_t here;

    *from = &here;
    swapcontext(&here, to);
}

/* swapcontext keeps them itself. */
uint64_t tr__context_raw_words(void)
{
    return 0;
}

void *tr__context_raw_make(void *top, void (*entry)(void), uint64_t words)
{
    uintptr_t end = (uintptr_t)top & ~(uintptr_t)15;
    ucontext_t *u = (ucontext_t *)((end - sizeof *u) & ~(uintptr_t)15);
    /* Far more than makecontext itself needs; the guard page, not this size, bounds the stack. */
    size_t size = 16384;

    (void)words;
    getcontext(u);
    u->uc_stack.ss_sp = (char *)u - size;
    u->uc_stack.ss_size = size;
    u->uc_link = NULL;
    makecontext(u, entry, 0);
    return u;
}
