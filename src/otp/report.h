/* SPDX-License-Identifier: MIT */
/* Crash reports of processes started by the functions of troupe/start.h. */
#ifndef TROUPE_OTP_REPORT_H
#define TROUPE_OTP_REPORT_H

/* Writes a report if the caller's reason to end asks for one; for tr_defer. */
void tr__report_end(void *unused);

#endif
