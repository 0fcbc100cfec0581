/* SPDX-License-Identifier: MIT */
/* What each CPU's file (context_x86_64, context_aarch64, context_ucontext) provides. */
#ifndef TROUPE_OS_CONTEXT_RAW_H
#define TROUPE_OS_CONTEXT_RAW_H

/* Saves what the caller needs on its stack, its stack pointer in *from, and resumes `to`. */
#if defined(__x86_64__)
#include "os/context_x86_64.h"
#else
void tr__context_raw_switch(void **from, void *to);
#endif

/* A stack pointer that tr__context_raw_switch can resume: it starts `entry` below `top`. */
void *tr__context_raw_make(void *top, void (*entry)(void));

#endif
