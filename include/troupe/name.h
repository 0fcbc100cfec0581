/* SPDX-License-Identifier: MIT */
/*
 * Names: atoms that stand for processes.
 *
 *     if (tr_register(a_logger, pid) == TR_EEXIST)
 *         puts("somebody else is the logger");
 *     tr_send(a_logger, a_line, "hello");
 */
#ifndef TROUPE_NAME_H
#define TROUPE_NAME_H

#include <stdbool.h>

#include "troupe/term.h"
#include "troupe/version.h"

TR_HEADER_BEGIN

/*
 * Gives a process a name, until it ends or tr_unregister. TR_EEXIST: the name is taken, or the
 * process has one already; TR_ENOPROC: no such process; TR_EINVAL: the name is `undefined`;
 * TR_ENOMEM. Any thread. (register/2)
 */
TR_MUST_USE tr_err tr_register(tr_atom name, tr_pid pid);

/* Takes a name away; TR_ENOTFOUND when nobody holds it. Any thread. (unregister/1) */
tr_err tr_unregister(tr_atom name);

/* The holder of a name; false, *pid untouched, when there is none. `pid` may be NULL. Any thread.
   (whereis/1) */
bool tr_whereis(tr_atom name, tr_pid *pid);

/* A list of all names that are held, in the current heap. Any thread. (registered/0) */
tr_term tr_registered(void);

TR_HEADER_END

#endif
