/* SPDX-License-Identifier: MIT */
/*
 * Cycles of calls: a call that would wait for itself fails at once instead of timing out.
 *
 * While a process waits for the answer to a call, the library knows for whom it waits. A call that
 * would close a cycle of processes, each waiting for the next, cannot be answered; it fails with
 * {deadlock, [Pids]}, the caller first, then whom it would have waited for, and so on. Only
 * cycles that hold at one moment as a whole are reported: an answer that is on its way, and a
 * request whose From was handed on, are no part of any. Calls with a finite timeout count too.
 *
 * tr_call and the server of troupe/gen_server.h take part by themselves. A behaviour of the
 * program's own takes part so:
 *
 *     tr_ref ref = tr_monitor_opt(server, .alias = TR_ALIAS_REPLY_DEMONITOR);
 *     tr_term cycle;
 *     if (tr_call_wait_begin(server, ref, &cycle) == TR_EDEADLOCK)
 *         ...                                  nothing was sent, so nothing will come
 *     tr_send(server, a_request, tr_tuple(tr_self(), tr_cons(a_alias, ref)), ...);
 *     ...                                      wait for the answer, the 'DOWN' or the timeout
 *     tr_call_wait_end(ref);
 */
#ifndef TROUPE_DEADLOCK_H
#define TROUPE_DEADLOCK_H

#include <stdbool.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

/*
 * From now on the caller does nothing but wait for an answer by `server`. `ref` is an alias of the
 * caller through which the answer will come; what anybody sends through it ends the wait. To be
 * called before the request is sent, one wait at a time. TR_EDEADLOCK when the wait would never
 * end: then it has not begun, and *cycle is the list of the pids, the caller's first, in the
 * current heap. TR_OK otherwise, also when lack of memory keeps the wait from being noted.
 * Process only.
 */
TR_MUST_USE tr_err tr_call_wait_begin(tr_pid server, tr_ref ref, tr_term *cycle);

/* The wait is over, whatever ended it. Process only. */
void tr_call_wait_end(tr_ref ref);

/*
 * Whoever sent `from`, the From of a request, no longer waits for the caller: to be called when
 * another process is to answer in the caller's place, before that process is told. A server of
 * troupe/gen_server.h does so itself for each call that it does not answer at once, when the
 * callback has returned; a callback that hands From on and then makes calls of its own has to do
 * it. Anything that is no From with an alias is ignored. Any thread.
 */
void tr_call_handed_on(tr_term from);

/* The same for one who waits for something to come through the alias `ref`. Any thread. */
void tr_call_wait_release(tr_ref ref);

/* Switches the detection off and on again (it is on at the start), for calls that begin from now
   on. Any thread. */
void tr_detect_deadlocks(bool on);

TR_HEADER_END

#endif
