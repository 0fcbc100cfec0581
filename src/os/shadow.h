/* SPDX-License-Identifier: MIT */
/* Shadow stacks: a second stack of return addresses that the processor compares with the first. */
#ifndef TROUPE_OS_SHADOW_H
#define TROUPE_OS_SHADOW_H

#include <stdbool.h>

/* True when the calling thread has one. A switch to another stack would end the program there. */
bool tr__shadow_stack_on(void);

#endif
