/* SPDX-License-Identifier: MIT */
/*
 * Dynamic supervisors: children that come and go at run time, by the million.
 *
 *     tr_dynamic_supervisor_start_link(NULL, TR_GEN_SERVER_OPTS(.name = a_sessions));
 *     tr_term started = tr_dynamic_supervisor_start_child(
 *         a_sessions, TR_CHILD(.server = &session, .restart = TR_TEMPORARY));
 *     tr_pid pid;
 *     if (tr_match(started, a_ok, &pid))
 *         tr_dynamic_supervisor_terminate_child(a_sessions, pid);
 *
 * Children have no id; they are told apart by pid. Starting and ending one takes constant time.
 * When the supervisor ends, all are told at once and waited for together.
 */
#ifndef TROUPE_DYNAMIC_SUPERVISOR_H
#define TROUPE_DYNAMIC_SUPERVISOR_H

#include "troupe/supervisor.h"

TR_HEADER_BEGIN

/* Zero is the default of each. */
struct tr_dynamic_supervisor {
    const char *name;       /* in reports; "dynamic_supervisor" */
    int max_restarts;       /* in max_seconds; 3, TR_ZERO: none */
    int max_seconds;        /* 5 */
    int64_t max_children;   /* no limit; TR_ZERO: none may start */
    const char *extra_args; /* a list as Erlang writes it: arguments in front of each child's own */
    struct tr_backoff backoff;

    /* Instead of all the above but `name`: returns {ok, Flags}, made by
       tr_dynamic_supervisor_flags, or ignore. */
    tr_term (*init)(tr_term arg);
};

/*
 * tr_term tr_dynamic_supervisor_start_link(&supervisor, opts, ...): starts one, linked with the
 * caller, without children. supervisor may be NULL: all defaults. Else as
 * tr_supervisor_start_link. Process only; blocks. (DynamicSupervisor.start_link/1)
 */
tr_term tr_dynamic_supervisor_start_link_args(const struct tr_dynamic_supervisor *supervisor,
                                              const struct tr_gen_server_opts *opts,
                                              const struct tr_arg *args, int n);
#define tr_dynamic_supervisor_start_link(supervisor, opts, ...)                                    \
    tr_dynamic_supervisor_start_link_args(supervisor, opts, TR_ARGS(__VA_ARGS__))

tr_term tr_dynamic_supervisor_flags(const struct tr_dynamic_supervisor *supervisor);

/*
 * Starts a child. {ok, Pid}, {ok, Pid, Info}, ignore and {error, Reason} as its start says;
 * {error, max_children}; a specification that is wrong is refused before the supervisor is asked:
 * {error, {invalid_child_spec, Spec}}, {error, {invalid_mfa, V}} and so on. With extra arguments
 * the child is started with a tuple of them and its own. Process only; blocks.
 * (DynamicSupervisor.start_child/2)
 */
tr_term tr_dynamic_supervisor_start_child_spec(tr_term to, const struct tr_child_spec *spec);
tr_term tr_dynamic_supervisor_start_child_term(tr_term to, tr_term spec);
#define tr_dynamic_supervisor_start_child(to, spec)                                                \
    tr_dynamic_supervisor_start_child_spec(TR__DEST(to), spec)

/* Ends a child, as its shutdown says, and returns when it has: ok, or {error, not_found}. Process
   only; blocks. (DynamicSupervisor.terminate_child/2) */
tr_term tr_dynamic_supervisor_terminate_child_term(tr_term to, tr_pid pid);
#define tr_dynamic_supervisor_terminate_child(to, pid)                                             \
    tr_dynamic_supervisor_terminate_child_term(TR__DEST(to), pid)

/* [{undefined, Pid | restarting, worker | supervisor, Modules}], and how many. Process only;
   blocks. (DynamicSupervisor.which_children/1, count_children/1) */
#define tr_dynamic_supervisor_which_children(to) tr_supervisor_which_children_term(TR__DEST(to))
#define tr_dynamic_supervisor_count_children(to) tr_supervisor_count_children_term(TR__DEST(to))

TR_HEADER_END

#endif
