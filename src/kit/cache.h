/* SPDX-License-Identifier: MIT */
/*
 * What the two files of a cache share: its process, which is started with {TtlMs, JitterPercent,
 * MaxSize, Notify}. It is called with status, or with {Op, Key, Value, TtlMs}: get, put, delete,
 * touch, fill or update. Whom it answers a fill or an update by take or {take, Old} has the key
 * until it casts {release, Key, Pid}, or ends.
 */
#ifndef KIT_CACHE_H
#define KIT_CACHE_H

#include "troupe/gen_server.h"

extern const struct tr_gen_server tr__cache_server;

#endif
