/* SPDX-License-Identifier: MIT */
/* The reports that servers make: lines of names and terms, as one event of the log. */
#ifndef TROUPE_OTP_REPORT_H
#define TROUPE_OTP_REPORT_H

#include "troupe/log.h"
#include "troupe/term.h"

#include <stdbool.h>
#include <stddef.h>

/* A text of bounded size; size 0 is an empty one. */
struct tr_report {
    size_t size; /* less than sizeof text */
    char text[4096];
};

/* Adds a text as it is, or a line "name: term"; what has no room is left out. */
void tr__report_text(struct tr_report *r, const char *text);
void tr__report_line(struct tr_report *r, const char *name, tr_term term);

/* Adds a line for what a map has under that key, if it has. */
void tr__report_part(struct tr_report *r, const char *name, tr_term status, tr_atom key);

/* Hands the text to the log. */
void tr__report_deliver(struct tr_report *r, enum tr_log_level level);

/* False for normal, shutdown and {shutdown, _}. */
bool tr__report_is_fault(tr_term reason);

#endif
