/* SPDX-License-Identifier: MIT */
/* Events from inside the library. */
#ifndef TROUPE_PROC_LOG_H
#define TROUPE_PROC_LOG_H

#include "troupe/log.h"

/* Logs a text as the calling process, or thread, with addresses of a backtrace. The caller is
   inside. `site` may be NULL. */
void tr__log_text(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                  const char *text, void *const *pcs, int npcs);

#endif
