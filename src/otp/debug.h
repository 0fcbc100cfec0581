/* SPDX-License-Identifier: MIT */
/* What is kept for a process that is being debugged by system messages. */
#ifndef TROUPE_OTP_DEBUG_H
#define TROUPE_OTP_DEBUG_H

#include "otp/text.h"
#include "troupe/sys.h"

/* The name of the caller, or its pid if it has none. */
tr_term tr__own_name(void);

/* An event as a line, in the words of OTP's servers and machines; NUL-terminated, without newline.
 */
void tr__debug_line(struct tr_text *line, tr_term event);

/* Serves {debug, What}: the answer, in the current heap. */
tr_term tr__debug_request(struct tr_sys *sys, tr_term what);

/* What get_status shows of it: a list. */
tr_term tr__debug_status(const struct tr_sys *sys);

#endif
