/* SPDX-License-Identifier: MIT */
/* What processes do at this moment, in words, for who looks for the one that holds things up. */
#ifndef TROUPE_PROC_SURVIVORS_H
#define TROUPE_PROC_SURVIVORS_H

/*
 * Prints a line for each process, the first fifty, on standard error, past stdio: pid, name,
 * function and place of its spawn, what it does or waits for, and whence. Any thread but a
 * worker's; waits for nobody. Processes go on meanwhile, so a line can be half out of date.
 */
void tr__survivors_print(void);

/* Logs that all threads are in use, and which processes hold them: as many lines as there are
   places where these were spawned, eight at most. The monitor's thread. */
void tr__holders_log(int limit);

#endif
