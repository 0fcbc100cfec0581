/* SPDX-License-Identifier: MIT */
/* A memory barrier on all threads of the program at once. */
#ifndef TROUPE_OS_BARRIER_H
#define TROUPE_OS_BARRIER_H

#include <stdbool.h>

/* Prepares; false when the kernel has no such barrier (before Linux 4.14, some emulators). */
bool tr__barrier_prepare(void);

/* Every thread of this program passes a full memory barrier before it returns. Any thread. */
void tr__barrier_all(void);

#endif
