/* SPDX-License-Identifier: MIT */
/*
 * The raw switch for x86-64, System V calling convention, as inline assembly.
 *
 * What the compiler can save itself is declared clobbered, so only what is live gets saved. rbp and
 * rbx are pushed by hand, because the compiler may need them to address things. The stack pointer
 * first skips the red zone of the function around.
 *
 * The control words of floating point (mxcsr, x87) belong to the flow that is entered; the thread's
 * own flow computes nothing, and keeps what it finds. So they are read once for two switches, when
 * a flow is left, and put down twice: in its frame, and in `words`, which tells what the processor
 * holds. Who is entered compares, and loads only where they differ. Reading costs as much as an
 * atomic operation, loading more.
 *
 * Frame, from the saved stack pointer upwards: control words (of a flow, not of the thread), resume
 * address, rbx, rbp. A switch ends in an indirect jump and not in a return: that would be predicted
 * to go back to whoever called last.
 */
#ifndef TROUPE_OS_CONTEXT_X86_64_H
#define TROUPE_OS_CONTEXT_X86_64_H

#include "base/compiler.h"

#include <stdint.h>

#ifdef __AVX512F__
#define TR__CLOBBERS_512                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",  \
        "k7"
#else
#define TR__CLOBBERS_512
#endif

#define TR__CLOBBERS                                                                               \
    "rax", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",    \
        "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",         \
        "xmm13", "xmm14", "xmm15", "cc", "memory" TR__CLOBBERS_512

/* Code compiled with -fcf-protection marks where indirect jumps may arrive. */
#if defined(__CET__) && __CET__ & 1
#define TR__LANDING "endbr64\n\t"
#else
#define TR__LANDING
#endif

/* From the thread to a flow. */
static inline __attribute__((always_inline)) void tr__context_raw_enter(void **from, void *to,
                                                                        uint64_t *words)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushq %%rbp\n\t"
                     "pushq %%rbx\n\t"
                     "leaq 1f(%%rip), %%rdx\n\t"
                     "pushq %%rdx\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq %1, %%rsp\n\t"
                     "popq %%rax\n\t"
                     "popq %%rdx\n\t"
                     "cmpq (%2), %%rax\n\t"
                     "jne 2f\n\t"
                     "jmp *%%rdx\n"
                     "2:\tldmxcsr -16(%%rsp)\n\t"
                     "fldcw -12(%%rsp)\n\t"
                     "jmp *%%rdx\n"
                     "1:\t" TR__LANDING "popq %%rbx\n\t"
                     "popq %%rbp\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(from), "+S"(to), "+c"(words)
                     :
                     : TR__CLOBBERS);
}

/* From a flow to the thread. */
static inline __attribute__((always_inline)) void tr__context_raw_leave(void **from, void *to,
                                                                        uint64_t *words)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushq %%rbp\n\t"
                     "pushq %%rbx\n\t"
                     "leaq 1f(%%rip), %%rdx\n\t"
                     "pushq %%rdx\n\t"
                     "pushq $0\n\t"
                     "stmxcsr (%%rsp)\n\t"
                     "fnstcw 4(%%rsp)\n\t"
                     "movl (%%rsp), %%eax\n\t"
                     "movzwl 4(%%rsp), %%edx\n\t"
                     "movl %%eax, (%2)\n\t"
                     "movl %%edx, 4(%2)\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq %1, %%rsp\n\t"
                     "popq %%rdx\n\t"
                     "jmp *%%rdx\n"
                     "1:\t" TR__LANDING "popq %%rbx\n\t"
                     "popq %%rbp\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(from), "+S"(to), "+c"(words)
                     :
                     : TR__CLOBBERS);
}

#endif
