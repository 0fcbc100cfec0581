/* SPDX-License-Identifier: MIT */
/* What the programs of this folder share: waiting for a process to end, so that what several of
   them print comes in a fixed order. */
#ifndef ARTICLES_AWAIT_H
#define ARTICLES_AWAIT_H

#include <troupe.h>

tr_atoms(DOWN, process);

static inline void await_end(tr_ref monitor)
{
    tr_receive (m) {
        tr_on (m, a_DOWN, monitor, a_process, tr_any(), tr_any()) {
        }
    }
}

static inline void await_end_of(tr_pid pid)
{
    await_end(tr_monitor(pid));
}

#endif
