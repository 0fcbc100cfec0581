/* SPDX-License-Identifier: MIT */
/*
 * Time zones, as the system has them (/usr/share/zoneinfo).
 *
 *     struct tr_zone *zone;
 *
 *     if (tr_zone_open(&zone, "Europe/Berlin") == TR_OK)
 *         printf("%d s ahead of UTC\n", tr_zone_offset(zone, time(NULL)));
 *
 * Times are seconds since 1970 began, UTC, without leap seconds. A civil time is the same count
 * made of what a clock on the wall shows. NULL is UTC. Any thread; nothing here depends on TZ.
 *
 * This header is not part of <troupe.h>.
 */
#ifndef TROUPE_KIT_ZONE_H
#define TROUPE_KIT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/error.h"

TR_HEADER_BEGIN

struct tr_zone;

/* Reads a zone by its name. TR_ENOTFOUND: there is none of that name; TR_ESYNTAX: its file is no
   zone file of version 2 or later; TR_ENOMEM; TR_ESYS. Blocks as the file does. */
TR_MUST_USE tr_err tr_zone_open(struct tr_zone **zone, const char *name);

/* Frees it; NULL is allowed. */
void tr_zone_close(struct tr_zone *zone);

/* How many seconds the zone is ahead of UTC at that time. */
int tr_zone_offset(const struct tr_zone *zone, int64_t time);

/* The first time after `time` at which the offset may change; false when it never does again. */
bool tr_zone_next_change(const struct tr_zone *zone, int64_t time, int64_t *change);

/* The time at which clocks show a civil time: the first one where it exists twice; where it does
   not exist, the moment at which clocks jump over it. */
int64_t tr_zone_from_civil(const struct tr_zone *zone, int64_t civil);

TR_HEADER_END

#endif
