/* SPDX-License-Identifier: MIT */
/*
 * Random numbers, which a replay (troupe/replay.h) gives again.
 *
 *     int64_t pause_ms = 100 + (int64_t)tr_random(50);
 */
#ifndef TROUPE_RANDOM_H
#define TROUPE_RANDOM_H

#include <stdint.h>

#include "troupe/version.h"

TR_HEADER_BEGIN

/* A number from 0 to n - 1, each as likely as the others; any 64-bit number when n is 0. Good for
   jitter and for shuffling, not for secrets. Any thread. (rand:uniform/1) */
uint64_t tr_random(uint64_t n);

TR_HEADER_END

#endif
