/* SPDX-License-Identifier: MIT */
/*
 * Raising: how the term layer ends its caller without knowing what a process is.
 */
#ifndef TROUPE_TERM_RAISE_H
#define TROUPE_TERM_RAISE_H

#include "troupe/term.h"

/*
 * Hands the reason to the hook of the process layer, which does not return when the caller is a
 * process. If there is no hook, or it returns, prints the reason and aborts.
 */
_Noreturn void tr__raise(tr_term reason);

/* Set once, before the first process. */
void tr__raise_set_hook(void (*hook)(tr_term reason));

/* {badarg, What} */
_Noreturn void tr__raise_badarg(tr_term what);

/* out_of_memory and system_limit; allocate nothing. */
_Noreturn void tr__raise_oom(void);
_Noreturn void tr__raise_limit(void);

#endif
