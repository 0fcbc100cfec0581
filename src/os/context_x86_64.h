/* SPDX-License-Identifier: MIT */
/*
 * The raw switches for x86-64, System V calling convention, as inline assembly.
 *
 * What the compiler can save itself is declared clobbered, so only what is live gets saved. rbp and
 * rbx are kept by hand, because the compiler may need them to address things. They lie in a frame
 * that is a variable of the function around: so nothing is pushed below its stack pointer, where a
 * function that calls no other may have put variables, and the lines that a switch needs are those
 * of the function itself.
 *
 * The control words of floating point (mxcsr, x87) belong to the flow that is entered; the thread's
 * own flow computes nothing, and keeps what it finds. So they are read once when a flow is left,
 * and compared with those of the next one: reading costs as much as an atomic operation, loading
 * more. Where the thread's own flow comes between, they wait in its `words`.
 *
 * A switch ends in an indirect jump and not in a return: that would be predicted to go back to
 * whoever called last. Who is resumed finds its frame in rsi, and in rdi the flow that was left for
 * it, or NULL.
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
    "rax", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3",   \
        "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",        \
        "xmm14", "xmm15", "cc", "memory" TR__CLOBBERS_512

/* Code compiled with -fcf-protection marks where indirect jumps may arrive. */
#if defined(__CET__) && __CET__ & 1
#define TR__LANDING "endbr64\n\t"
#else
#define TR__LANDING
#endif

/* What a suspended flow's stack pointer points to. The thread's own has no words. */
struct tr_context_frame {
    uint64_t words;
    void *pc, *rbx, *rbp, *rsp;
};

/* The parts of a switch: rdi is the own frame, rsi the other one. */
#define TR__SAVE                                                                                   \
    "leaq 1f(%%rip), %%rax\n\t"                                                                    \
    "movq %%rax, 8(%%rdi)\n\t"                                                                     \
    "movq %%rbx, 16(%%rdi)\n\t"                                                                    \
    "movq %%rbp, 24(%%rdi)\n\t"                                                                    \
    "movq %%rsp, 32(%%rdi)\n\t"
#define TR__READ_WORDS /* into the own frame, and together in rax */                               \
    "stmxcsr (%%rdi)\n\t"                                                                          \
    "fnstcw 4(%%rdi)\n\t"                                                                          \
    "movl (%%rdi), %%r8d\n\t"                                                                      \
    "movzwl 4(%%rdi), %%eax\n\t"                                                                   \
    "shlq $32, %%rax\n\t"                                                                          \
    "orq %%r8, %%rax\n\t"                                                                          \
    "movq %%rax, (%%rdi)\n\t"
#define TR__LOAD_WORDS /* unless they are what rax holds */                                        \
    "cmpq (%%rsi), %%rax\n\t"                                                                      \
    "je 2f\n\t"                                                                                    \
    "ldmxcsr (%%rsi)\n\t"                                                                          \
    "fldcw 4(%%rsi)\n"                                                                             \
    "2:\t"
#define TR__RESUME /* with the flow that was left in rdi */                                        \
    "movq 32(%%rsi), %%rsp\n\t"                                                                    \
    "jmp *8(%%rsi)\n"                                                                              \
    "1:\t" TR__LANDING "movq 16(%%rsi), %%rbx\n\t"                                                 \
    "movq 24(%%rsi), %%rbp"

/* The frame becomes what is suspended in *from. The compiler is not to know that it is a variable
   whose time ends: it does not before the flow goes on. */
TR__UNSEEN TR__INLINED void *tr__context_own(void **from, struct tr_context_frame *frame)
{
    __asm__("" : "+r"(frame));
    return *from = frame;
}

/* From the thread to a flow. */
TR__UNSEEN TR__INLINED void tr__context_raw_enter(void **from, void *to, uint64_t *words)
{
    struct tr_context_frame frame;
    void *own = tr__context_own(from, &frame);

    __asm__ volatile(TR__SAVE "movq (%%rcx), %%rax\n\t" TR__LOAD_WORDS
                              "xorl %%edi, %%edi\n\t" TR__RESUME
                     : "+D"(own), "+S"(to), "+c"(words)
                     :
                     : "rdx", TR__CLOBBERS);
}

/* From a flow to another one, which is told that `left` was left; to the thread, if that is NULL.
   Gives who was left when the flow was resumed. */
TR__UNSEEN TR__INLINED void *tr__context_raw_leave(void **from, void *to, uint64_t *words,
                                                   void *left)
{
    struct tr_context_frame frame;
    void *own = tr__context_own(from, &frame);

    __asm__ volatile(TR__SAVE TR__READ_WORDS "movq %%rax, (%%rcx)\n\t"
                                             "testq %%rdx, %%rdx\n\t"
                                             "je 2f\n\t" TR__LOAD_WORDS
                                             "movq %%rdx, %%rdi\n\t" TR__RESUME
                     : "+D"(own), "+S"(to), "+c"(words), "+d"(left)
                     :
                     : TR__CLOBBERS);
    return own;
}

#endif
