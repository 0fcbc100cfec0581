/* SPDX-License-Identifier: MIT */
#ifndef KIT_AGAIN_H
#define KIT_AGAIN_H

#include "troupe.h"

/* Ends the caller with what tr_catch has caught. An error, and no exit that was meant, is still
   reported. */
TR_NORETURN static inline void tr__exit_again(tr_term reason)
{
    tr_term trace;

    if (tr_match(reason, tr_any(), &trace) && tr_is_list(trace))
        tr_report_exits();
    tr_exit(reason);
}

#endif
