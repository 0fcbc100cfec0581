/* SPDX-License-Identifier: MIT */
/* What the tests of containment share: crimes that the compiler does not see through. */
#ifndef TROUPE_TEST_CONTAIN_H
#define TROUPE_TEST_CONTAIN_H

#include "conformance/puppet.h"

#include <stdio.h>

static volatile int opaque_int __attribute__((unused));
static FILE *volatile opaque_file __attribute__((unused));

static inline void *hidden(void *p)
{
    __asm__ volatile("" : "+r"(p));
    return p;
}

#if defined(__SANITIZE_THREAD__)
#define CONTAIN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONTAIN_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__SANITIZE_UNDEFINED__)
#define CONTAIN_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONTAIN_SANITIZED 1
#endif
#endif

#ifdef CONTAIN_SANITIZED
void __lsan_disable(void);
#endif

/* From here on the process, or whatever its thread runs next, may lose memory unseen. */
static inline void may_leak(void)
{
#if defined(CONTAIN_SANITIZED) && !defined(CONTAIN_TSAN)
    __lsan_disable();
#endif
}

/* A sanitizer's build leaves faults to the sanitizer. */
static inline void needs_faults(void)
{
#ifdef CONTAIN_SANITIZED
    check_skip("faults are the sanitizer's");
#endif
}

#endif
