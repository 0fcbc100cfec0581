/* SPDX-License-Identifier: MIT */
/*
 * Links and monitors: how processes learn of each other's end.
 *
 *     tr_ref ref = tr_monitor(pid);
 *     tr_term reason;
 *
 *     tr_receive (m)
 *         tr_on (m, a_DOWN, ref, a_process, pid, &reason)
 *             printf("it ended: %s\n", tr_inspect(reason));
 */
#ifndef TROUPE_LINK_H
#define TROUPE_LINK_H

#include <stdbool.h>

#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

/*
 * Links the caller with another process: when one ends, the other gets an exit signal with its
 * reason. Linking twice is the same as once; linking to oneself does nothing. When there is no
 * such process, a caller that traps exits gets {'EXIT', Pid, noproc}, another one ends with
 * noproc. Process only. (link/1)
 */
void tr_link(tr_pid pid);

/* Removes the link, whichever side made it. Afterwards no exit signal arrives through it; one may
   already be in the mailbox of a process that traps exits. Process only. (unlink/1) */
void tr_unlink(tr_pid pid);

/* The same, and takes the {'EXIT', Pid, Reason} that may have come before out of the mailbox: true
   when there was one, with a copy of its reason in *reason unless that is NULL. Where it cannot
   have come before a reference was made, `since` is that one, and saves the look at older messages;
   0 looks at all. Process only. (unlink/1, and the receive that its documentation tells of) */
bool tr_unlink_flush(tr_pid pid, tr_ref since, tr_term *reason);

struct tr_monitor_opts {
    enum tr_monitor_alias alias;
    tr_atom tag; /* stands first in the message instead of 'DOWN' */
};

/*
 * tr_ref tr_monitor(to): one message {'DOWN', Ref, process, Object, Reason} when the process ends,
 * at once and with noproc when there is none. Object is the pid, or {Name, Node} when `to` was a
 * name. Each call makes a monitor of its own. Anything that is no pid, name or {Name, Node} ends
 * the caller with badarg. Process only. (monitor/2)
 *
 * tr_ref tr_monitor_opt(to, .alias = ..., .tag = ...) is the same with options. (monitor/3)
 */
tr_ref tr_monitor_term(tr_term to, const struct tr_monitor_opts *opts);
#define tr_monitor(to) tr_monitor_term(TR__DEST(to), NULL)
#define tr_monitor_opt(to, ...)                                                                    \
    tr_monitor_term(TR__DEST(to), &(const struct tr_monitor_opts){ __VA_ARGS__ })

/*
 * Watches another process and sends it an exit signal with that reason, as tr_monitor and
 * tr_exit_to would, as one step: for who is linked with a process, traps exits, and waits for its
 * end. When the 'DOWN' has come, no 'EXIT' of that link is in the mailbox or will be, unless its
 * reason is noproc: then the process had ended before (tr_unlink_flush). Process only.
 * (supervisor:shutdown/1)
 */
tr_ref tr_end_watched(tr_pid pid, tr_atom reason);

/*
 * For the library's own use: the same, but all is over when it returns, for a process that idles,
 * hibernated, and has nothing to do at its end, as a server that does not trap exits. The caller
 * has to trap them; it gets no 'DOWN', and no 'EXIT' of a link between the two. The reason of the
 * end is the one to be expected: `reason`, or killed for kill. False: nothing was done.
 */
bool tr__end_idle(tr_pid pid, tr_atom reason);

/*
 * Ends a monitor of the caller; afterwards no 'DOWN' for it arrives, but one may be in the mailbox
 * already. True when it was still active. Process only. (demonitor/2 with info)
 */
bool tr_demonitor(tr_ref ref);

/* The same, and takes a 'DOWN' out of the mailbox; true when the monitor was still active, so that
   there was nothing to take. Process only. (demonitor/2 with flush and info) */
bool tr_demonitor_flush(tr_ref ref);

TR_HEADER_END

#endif
