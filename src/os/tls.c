/* SPDX-License-Identifier: MIT */
/* The thread-local record. */
#include "os/tls.h"

__attribute__((used)) __thread struct tr_tls tr__tls_of_thread; /* named in assembly */

TR__NOINLINE struct tr_tls *tr__tls_call(void)
{
    __asm__ volatile("" ::: "memory");
    return &tr__tls_of_thread;
}
