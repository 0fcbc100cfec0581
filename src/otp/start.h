/* SPDX-License-Identifier: MIT */
/* What other ways of starting processes share with troupe/start.h. */
#ifndef TROUPE_OTP_START_H
#define TROUPE_OTP_START_H

#include "troupe/term.h"

/* The ancestors of a child of the caller, nearest first. Any thread. */
tr_term tr__child_ancestors(void);

/* tr_init_ack(a_ok, tr_self()), for less. */
void tr__init_ack_self(void);

#endif
