/* SPDX-License-Identifier: MIT */
/* What the two halves of the test kit share: src/kit/test_run.c runs tests, test.c is what they
   call. */
#ifndef TROUPE_KIT_TEST_RUN_H
#define TROUPE_KIT_TEST_RUN_H

#include "troupe/test.h"

/* Prints place and text, and what it is about if there is something; ends the test. */
TR_NORETURN void tr__test_stop(const char *file, int line, const char *text, const char *detail);

/* The first process of a test: keeps the processes that the test starts, and judges at the end. */
void tr__test_keeper(tr_process_fn body);

/* The test has failed although its processes have ended well. */
bool tr__test_has_failed(void);

#endif
