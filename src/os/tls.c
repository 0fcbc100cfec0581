/* SPDX-License-Identifier: MIT */
/* The thread-local record, and the C library's errno. */
#include "os/tls.h"

#include "troupe/errno.h"

__attribute__((used)) __thread struct tr_tls tr__tls_of_thread; /* named in assembly */

/* Opaque, so that no compiler concludes, as it may of the C library's own, that the result stays
   the same in a function. */
TR__OPAQUE int *tr_errno_location(void)
{
    __asm__ volatile("" ::: "memory");
    return __errno_location();
}

TR__NOINLINE struct tr_tls *tr__tls_call(void)
{
    __asm__ volatile("" ::: "memory");
    return &tr__tls_of_thread;
}
