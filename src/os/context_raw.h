/* SPDX-License-Identifier: MIT */
/* What each CPU's file (context_x86_64, context_aarch64, context_ucontext) provides. */
#ifndef TROUPE_OS_CONTEXT_RAW_H
#define TROUPE_OS_CONTEXT_RAW_H

#include <stdint.h>

/* For code in which a flow is left and another goes on: what the sanitizers would add to it marks
   variables on one stack, and takes the marks off on another. */
#define TR__UNSEEN __attribute__((no_sanitize("thread"), no_sanitize("address")))

/* Both save what the caller needs on its stack, its stack pointer in *from, and resume `to`. One
   goes from a thread's own flow to another, the other back; `words` is the thread's, and may hold
   what the processor does. */
#if defined(__x86_64__)
#include "os/context_x86_64.h"
#else
void tr__context_raw_switch(void **from, void *to);
#define tr__context_raw_enter(from, to, words) ((void)(words), tr__context_raw_switch(from, to))
#define tr__context_raw_leave(from, to, words, left)                                               \
    ((void)(words), (void)(left), tr__context_raw_switch(from, to))
#endif

/* The control words of the calling thread's own flow, before its first switch. */
uint64_t tr__context_raw_words(void);

/* A stack pointer that tr__context_raw_enter can resume: it starts `entry` below `top`, with these
   control words. */
void *tr__context_raw_make(void *top, void (*entry)(void), uint64_t words);

#endif
