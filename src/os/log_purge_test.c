/* SPDX-License-Identifier: MIT */
/* Messages that are compiled out. */
#define TR_LOG_MAX TR_LOG_NOTICE

#include "check_proc.h"

#include <stdatomic.h>

tr_atoms(user);

static atomic_int evaluated;

static int evaluate(void)
{
    return atomic_fetch_add(&evaluated, 1);
}

TEST_PROC(arguments_of_what_is_compiled_out_are_not_evaluated)
{
    tr_log_set_level(TR_LOG_DEBUG);
    tr_log_info("%d", evaluate());
    tr_log_debug("%d", evaluate());
    tr_log_meta(TR_LOG_INFO, tr_map(a_user, evaluate()), "x");
    tr_log_term(TR_LOG_DEBUG, evaluate());
    CHECK_INT(atomic_load(&evaluated), 0);
    tr_log_notice("%d", evaluate());
    CHECK_INT(atomic_load(&evaluated), 1);
}

TEST_PROC(arguments_that_no_sink_takes_are_not_evaluated)
{
    tr_log_set_level(TR_LOG_ERROR);
    tr_log_notice("%d", evaluate());
    tr_log_term(TR_LOG_WARNING, evaluate());
    CHECK_INT(atomic_load(&evaluated), 0);
}
