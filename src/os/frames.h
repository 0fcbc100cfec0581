/* SPDX-License-Identifier: MIT */
/* Who called: the frames of a suspended context. */
#ifndef TROUPE_OS_FRAMES_H
#define TROUPE_OS_FRAMES_H

#include "os/context.h"

#include <stdint.h>

/*
 * Return addresses, innermost first, at most `n`; how many were found. It follows the chain of
 * frame pointers within [bottom, top), which holds as far as the callers were compiled with them.
 */
int tr__frames_of(const struct tr_context *c, const void *bottom, const void *top, uintptr_t *pcs,
                  int n);

#endif
