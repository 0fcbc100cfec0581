/* SPDX-License-Identifier: MIT */
/*
 * Context switch for x86-64, System V calling convention.
 *
 * Frame, from the saved stack pointer upwards: control words (mxcsr, x87), r15 r14 r13 r12 rbx
 * rbp, resume address. It ends in an indirect jump and not in `ret`: the return would be predicted
 * to go back to the caller of this switch, and a wrong guess costs four times the switch.
 * The floating-point control words are loaded only where they differ, since loading mxcsr stalls.
 */
    .text

    .globl  tr__context_raw_switch
    .hidden tr__context_raw_switch
    .type   tr__context_raw_switch, @function
    .p2align 4
tr__context_raw_switch:
    .cfi_startproc
    pushq   %rbp
    pushq   %rbx
    pushq   %r12
    pushq   %r13
    pushq   %r14
    pushq   %r15
    subq    $8, %rsp
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movl    (%rsp), %eax
    movzwl  4(%rsp), %edx
    movq    %rsp, (%rdi)
    movq    %rsi, %rsp
    cmpl    (%rsp), %eax
    jne     2f
1:  cmpw    4(%rsp), %dx
    jne     3f
4:  addq    $8, %rsp
    popq    %r15
    popq    %r14
    popq    %r13
    popq    %r12
    popq    %rbx
    popq    %rbp
    popq    %rcx
    jmp     *%rcx
2:  ldmxcsr (%rsp)
    jmp     1b
3:  fldcw   4(%rsp)
    jmp     4b
    .cfi_endproc
    .size   tr__context_raw_switch, . - tr__context_raw_switch

/* void *tr__context_raw_make(void *top, void (*entry)(void)) */
    .globl  tr__context_raw_make
    .hidden tr__context_raw_make
    .type   tr__context_raw_make, @function
    .p2align 4
tr__context_raw_make:
    .cfi_startproc
    movq    %rdi, %rax
    andq    $-16, %rax
    subq    $88, %rax
    stmxcsr (%rax)
    fnstcw  4(%rax)
    xorl    %ecx, %ecx
    movq    %rcx, 8(%rax)
    movq    %rcx, 16(%rax)
    movq    %rcx, 24(%rax)
    movq    %rcx, 32(%rax)
    movq    %rcx, 40(%rax)
    movq    %rcx, 48(%rax)
    movq    %rsi, 56(%rax)
    /* The word above the resume address is entry's return address: zero ends backtraces. */
    movq    %rcx, 64(%rax)
    movq    %rcx, 72(%rax)
    ret
    .cfi_endproc
    .size   tr__context_raw_make, . - tr__context_raw_make

    .section .note.GNU-stack, "", @progbits
