/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT, by which the system and the user ask a program to stop. */
#ifndef TROUPE_OS_QUIT_H
#define TROUPE_OS_QUIT_H

/*
 * From now on fn(signal) is called for each of the two that had its default effect until now; one
 * that the program handles or ignores stays as it is. `fn` runs in a signal handler, on any thread.
 */
void tr__quit_take(void (*fn)(int signal));

/* Gives back what was taken, unless the program has changed it since. May be called in the child of
   a fork. */
void tr__quit_return(void);

#endif
