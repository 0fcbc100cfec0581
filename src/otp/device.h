/* SPDX-License-Identifier: MIT */
/* The far side of the I/O protocol: what a group leader does with requests. */
#ifndef TROUPE_OTP_DEVICE_H
#define TROUPE_OTP_DEVICE_H

#include "troupe.h"

/* The body of the process `user`. */
void tr__user(tr_term unused);

/* The body of a process that collects output; the argument is {Owner, Leader}: the process whose
   end is its own, and the group leader to be named when it is stopped by {stop, From, Ref}: it
   answers {Ref, Text, Leader} and ends. */
void tr__capture(tr_term arg);

#endif
