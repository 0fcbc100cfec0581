/* SPDX-License-Identifier: MIT */
/* What all processes do at this moment, for the last words of a program that does not stop. */
#ifndef TROUPE_PROC_SURVIVORS_H
#define TROUPE_PROC_SURVIVORS_H

/*
 * Prints a line for each process, the first fifty, on standard error, past stdio: pid, name,
 * function and place of its spawn, what it does or waits for, and whence. Any thread but a
 * worker's; waits for nobody. Processes go on meanwhile, so a line can be half out of date.
 */
void tr__survivors_print(void);

#endif
