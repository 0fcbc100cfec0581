/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping the whole.
 *
 *     int main(int argc, char **argv)
 *     {
 *         return tr_main(argc, argv, body);
 *     }
 */
#ifndef TROUPE_RUNTIME_H
#define TROUPE_RUNTIME_H

#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

/* What tr_main returns, and the program ends with, when not all could be stopped in order. */
#define TR_STATUS_FORCED 3

/* Options of tr_main; zero is the default of each. */
struct tr_main_opts {
    int64_t stop_ms;   /* the deadline of a stop; 0: ten seconds; TR_INFINITY: none */
    bool keep_signals; /* SIGTERM and SIGINT are none of the library's business */
};

/*
 * Starts the runtime, runs `body` as the first process with the command line's arguments as a
 * list of binaries, and stops everything when body has ended: all other processes are killed,
 * their clean-up runs, the threads end. 0; or 1 when body ended with another reason than normal,
 * shutdown or {shutdown, _}, or with one of these only because a process with which it is linked
 * did, such as a supervisor that cannot start its children (the reason is printed), or when the
 * runtime cannot start (the cause is printed); or TR_STATUS_FORCED, see below. Blocks. One at a
 * time; it may be called again afterwards. tr_main_opt is the same with options, or NULL.
 *
 * Stopping in order. SIGTERM and SIGINT, unless the program handles or ignores them itself when it
 * calls tr_main, send the first process the exit signal `shutdown` from <0.0.0>, as OTP's init
 * does: it ends, or, if it traps exits, gets {'EXIT', <0.0.0>, shutdown}. When it ends
 * with shutdown or {shutdown, _}, whatever the cause, those linked with it are told first, and have
 * until the deadline to end, each with those below it; only then are the others killed. A program
 * that was stopped so ends with status 0, as OTP does, and which systemd takes for success.
 *
 * Stopping by force. The deadline counts from the signal, or the end of body. Who still runs when
 * it passes is named on standard error, with what it waits for, and killed; the status is
 * TR_STATUS_FORCED. If after one more second a process still runs, since it is in code that cannot
 * be left in its middle (troupe/fault.h), the program ends without returning from tr_main: no
 * atexit functions, no flush of stdio. The same happens at once at a second signal.
 *
 * A child of fork may call exec or _exit, and nothing of the library: it says so on standard error
 * and ends with status 126. fork with exec, posix_spawn, system and popen may be used by processes.
 *
 * One worker thread runs for each core the program may use (affinity and cgroup quota); the
 * environment variable TROUPE_SCHEDULERS sets another number.
 */
int tr_main(int argc, char **argv, tr_process_fn body);
int tr_main_opt(int argc, char **argv, tr_process_fn body, const struct tr_main_opts *opts);

/* The process whose end is that of the program; w is 0 while there is none. Any thread. */
tr_pid tr_first_process(void);

TR_HEADER_END

#endif
