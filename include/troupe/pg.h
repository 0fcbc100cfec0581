/* SPDX-License-Identifier: MIT */
/*
 * Process groups: processes under a common name, for as long as they live.
 *
 *     tr_pg_start_link(a_jobs);                       a scope; group names are its own
 *
 *     tr_pg_join(a_jobs, "printers", tr_self());
 *     tr_pg_get_members(a_jobs, "printers")           [<0.7.0>]
 *
 * A group is any term; it exists while it has members. A process may join several times, and is
 * then a member as often. A process that ends leaves all its groups. Whoever wants to know of
 * changes monitors a group, or the scope.
 *
 * Changes are made by the process of the scope, one after the other: the functions that say
 * "process only" call it, and end the caller as tr_call does, with noproc when the scope does not
 * run. Reading asks nobody (troupe/directory.h): any thread. Where a group is wanted it is given as
 * to tr_build. Results are in the current heap. At present all members are on this node.
 * (OTP's pg)
 */
#ifndef TROUPE_PG_H
#define TROUPE_PG_H

#include <stdbool.h>

#include "troupe/message.h"
#include "troupe/process.h"

TR_HEADER_BEGIN

/* Starts a scope under that name: {ok, Pid}, or {error, {already_started, Pid}}. Process only;
   blocks. (pg:start_link/1, pg:start/1) */
tr_term tr_pg_start_link(tr_atom scope);
tr_term tr_pg_start(tr_atom scope);

/*
 * void tr_pg_join(scope, group, pids): makes a process, or each of a list, a member. What is no
 * local pid ends the caller with {{nolocal, What}, []}, and nobody has joined. Process only;
 * blocks. (pg:join/3)
 *
 * tr_err tr_pg_leave(scope, group, pids): ends one membership of a process, or one for each of a
 * list. TR_ENOTFOUND when none of them is a member. Process only; blocks. (pg:leave/3)
 */
void tr_pg_join_args(tr_atom scope, struct tr_arg group, struct tr_arg pids);
tr_err tr_pg_leave_args(tr_atom scope, struct tr_arg group, struct tr_arg pids);
#define tr_pg_join(scope, group, pids)  tr_pg_join_args(scope, TR_ARG(group), TR_ARG(pids))
#define tr_pg_leave(scope, group, pids) tr_pg_leave_args(scope, TR_ARG(group), TR_ARG(pids))

/* tr_term tr_pg_get_members(scope, group): the pids, once for each join, in no particular order;
   the empty list when there is no such group, or no such scope. (pg:get_members/2) */
tr_term tr_pg_get_members_args(tr_atom scope, struct tr_arg group);
#define tr_pg_get_members(scope, group) tr_pg_get_members_args(scope, TR_ARG(group))
/* The same for members on this node. (pg:get_local_members/2) */
#define tr_pg_get_local_members(scope, group) tr_pg_get_members_args(scope, TR_ARG(group))

/* The groups that have members, and those that have some on this node. (pg:which_groups/1,
   pg:which_local_groups/1) */
tr_term tr_pg_which_groups(tr_atom scope);
tr_term tr_pg_which_local_groups(tr_atom scope);

/*
 * tr_ref tr_pg_monitor(scope, group, &members): from now on the caller is sent
 * {Ref, join, Group, Pids} and {Ref, leave, Group, Pids}, one message for each call that changes
 * the group, and one for each membership that ends with its process. *members is what it is at that
 * moment. Process only; blocks. (pg:monitor/2)
 *
 * tr_ref tr_pg_monitor_scope(scope, &groups): the same for all groups; *groups is a map from each
 * to its members. (pg:monitor_scope/1)
 *
 * Ends one of these, and takes its messages out of the mailbox; false when it is none of the
 * caller's. Process only; blocks. (pg:demonitor/2)
 */
tr_ref tr_pg_monitor_args(tr_atom scope, struct tr_arg group, tr_term *members);
#define tr_pg_monitor(scope, group, members) tr_pg_monitor_args(scope, TR_ARG(group), members)
tr_ref tr_pg_monitor_scope(tr_atom scope, tr_term *groups);
bool tr_pg_demonitor(tr_atom scope, tr_ref ref);

TR_HEADER_END

#endif
