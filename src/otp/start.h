/* SPDX-License-Identifier: MIT */
/* What other ways of starting processes share with troupe/start.h. */
#ifndef TROUPE_OTP_START_H
#define TROUPE_OTP_START_H

#include "troupe/start.h"

/* --- in the started process --- */

/* What the function of a plan begins with. `answers`: its starter waits, and only the link tells of
   its end. `memory`: of tr_alloc, whose tr__at_end is free until there is an answer; may be NULL.
   `via`: the name that it is to take, or []. */
void tr__start_begun(bool answers, void *memory, tr_term via);

/* tr_init_ack(a_ok, tr_self()), for less. */
void tr__init_ack_self(void);

/* tr__at_end with the memory that tr__start_begun was given, then the same. */
void tr__init_ack_at_end(void *memory, void (*fn)(void *));

/* --- in the starter --- */

struct tr_start_plan {
    tr_process_fn fn;
    const char *site;
    const struct tr_start_opts *opts; /* checked; .spawn.lineage is set, and .link for a link */
    const struct tr_arg *args;        /* for fn */
    int n;
    bool tries;     /* the result is w of 0 when no process can be started, else the caller ends */
    uint64_t *room; /* where to build {ok, Pid}, see tr__pair_in; NULL: in the heap */
};

/* Ends the caller when the options contradict each other. */
void tr__start_check(const struct tr_start_opts *opts);

/* What tr_start, tr_start_monitor and tr_start_link do; the name that opts->via says is for fn to
   take. */
tr_term tr__start(const struct tr_start_plan *plan);
tr_term tr__start_monitor(const struct tr_start_plan *plan, tr_ref *ref);
tr_term tr__start_link(const struct tr_start_plan *plan);

#endif
