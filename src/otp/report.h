/* SPDX-License-Identifier: MIT */
/* Reports: of crashed processes started by the functions of troupe/start.h, and of servers. */
#ifndef TROUPE_OTP_REPORT_H
#define TROUPE_OTP_REPORT_H

#include "troupe/term.h"

#include <stddef.h>

/* A text of bounded size; size 0 is an empty one. */
struct tr_report {
    size_t size; /* less than sizeof text */
    char text[4096];
};

/* Adds a text as it is, or a line "name: term"; what has no room is left out. */
void tr__report_text(struct tr_report *r, const char *text);
void tr__report_line(struct tr_report *r, const char *name, tr_term term);

/* Hands the text to the sink of reports. */
void tr__report_deliver(const struct tr_report *r);

/* False for normal, shutdown and {shutdown, _}. */
bool tr__report_is_fault(tr_term reason);

/* Writes a report if the caller's reason to end asks for one; for tr_defer. */
void tr__report_end(void *unused);

#endif
