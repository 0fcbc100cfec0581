/* SPDX-License-Identifier: MIT */
/* What each CPU's file (context_x86_64.S, context_aarch64.S, context_ucontext.c) provides. */
#ifndef TROUPE_OS_CONTEXT_RAW_H
#define TROUPE_OS_CONTEXT_RAW_H

/* Saves the caller's registers on its stack, its stack pointer in *from, and resumes `to`. */
void tr__context_raw_switch(void **from, void *to);

/* A stack pointer that tr__context_raw_switch can resume: it starts `entry` below `top`. */
void *tr__context_raw_make(void *top, void (*entry)(void));

#endif
