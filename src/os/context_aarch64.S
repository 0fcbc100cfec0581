/* SPDX-License-Identifier: MIT */
/*
 * Context switch for arm64, AAPCS64.
 *
 * Frame, from the saved stack pointer upwards: x19-x28, x29, resume address, d8-d15, fpcr: 168
 * bytes, rounded to 176 for alignment. `br` and not `ret`: see context_x86_64.h.
 */
    .text

    .globl  tr__context_raw_switch
    .hidden tr__context_raw_switch
    .type   tr__context_raw_switch, %function
    .p2align 4
tr__context_raw_switch:
    sub     sp, sp, #176
    stp     x19, x20, [sp, #0]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    mrs     x9, fpcr
    str     x9, [sp, #160]
    mov     x10, sp
    str     x10, [x0]
    mov     sp, x1
    ldr     x10, [sp, #160]
    cmp     x9, x10
    b.eq    1f
    msr     fpcr, x10
1:  ldp     x19, x20, [sp, #0]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #176
    mov     x16, x30
    br      x16
    .size   tr__context_raw_switch, . - tr__context_raw_switch

/* uint64_t tr__context_raw_words(void) */
    .globl  tr__context_raw_words
    .hidden tr__context_raw_words
    .type   tr__context_raw_words, %function
    .p2align 4
tr__context_raw_words:
    mrs     x0, fpcr
    ret
    .size   tr__context_raw_words, . - tr__context_raw_words

/* void *tr__context_raw_make(void *top, void (*entry)(void), uint64_t words): the first resume jumps to entry_shim,
   which clears the link register so that backtraces end there. */
    .globl  tr__context_raw_make
    .hidden tr__context_raw_make
    .type   tr__context_raw_make, %function
    .p2align 4
tr__context_raw_make:
    and     x0, x0, #-16
    sub     x0, x0, #176
    str     x1, [x0, #0]
    str     xzr, [x0, #80]
    adr     x9, entry_shim
    str     x9, [x0, #88]
    str     x2, [x0, #160]
    ret
    .size   tr__context_raw_make, . - tr__context_raw_make

entry_shim:
    mov     x30, xzr
    mov     x16, x19
    br      x16

    .section .note.GNU-stack, "", %progbits
