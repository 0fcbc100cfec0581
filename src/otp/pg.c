/* SPDX-License-Identifier: MIT */
/*
 * Process groups: a server that changes, and directories that anybody reads.
 *
 * The directory of the scope's name holds the members: {Group, Pid}. A second one holds what the
 * server watches and who watches it: under the pid of a member the monitor of it; under
 * {group, Group} or `scope` those who are to be told, each with its reference, which is the
 * server's monitor of them.
 */
#include "otp/registry.h"

#include <stdio.h>

tr_atoms(ok, badarg, join, leave, not_joined, monitor, monitor_scope, demonitor, group, scope,
         nolocal, DOWN, out_of_memory, nil);

struct pg {
    struct tr_directory *members;
    struct tr_directory *watches;
};

/* --- in the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    struct pg *pg = state;
    tr_atom name;
    char text[1100];

    if (!tr_match(arg, &name))
        return tr_gen_stop(a_badarg);
    snprintf(text, sizeof text, "%s.watches", tr_atom_name(name, NULL));
    tr__registry_open(&pg->watches, tr_intern(text), false, tr_nil());
    tr__registry_open(&pg->members, name, false, tr_nil());
    return tr_gen_ok();
}

static void insert(struct tr_directory *d, tr_term key, tr_pid pid, tr_term value)
{
    if (tr_directory_insert(d, key, pid, value, NULL))
        tr_exit(a_out_of_memory);
}

/* Tells those who watch a group, or all groups. */
static void tell(struct pg *pg, tr_atom what, tr_term grp, tr_term pids)
{
    tr_term keys[] = { tr_build(a_group, grp), tr_build(a_scope) };
    tr_term watcher;
    tr_pid pid;
    tr_ref ref;

    for (size_t i = 0; i < 2; i++)
        for (tr_term rest = tr_directory_get(pg->watches, keys[i]); tr_list_next(&rest, &watcher);)
            if (tr_match(watcher, &pid, &ref))
                tr_send(pid, ref, what, grp, pids);
}

static bool is_watched(struct pg *pg, tr_pid pid)
{
    return tr_directory_pids(pg->watches, tr_build(pid), NULL, 0) > 0;
}

static void join(struct pg *pg, tr_term grp, tr_term pids)
{
    tr_term rest = pids;
    tr_term item;
    tr_pid pid;

    while (tr_list_next(&rest, &item)) {
        if (!tr_match(item, &pid))
            continue;
        insert(pg->members, grp, pid, tr_build(a_nil));
        if (!is_watched(pg, pid))
            insert(pg->watches, tr_build(pid), pid, tr_build(tr_monitor(pid)));
    }
    if (!tr_is_nil(pids))
        tell(pg, a_join, grp, pids);
}

/* Ends one membership; false when there is none. */
static bool leave_once(struct pg *pg, tr_term grp, tr_pid pid)
{
    tr_term rest = tr_directory_of(pg->members, pid);
    tr_term entry, of_entry;
    uint64_t id;

    while (tr_list_next(&rest, &entry))
        if (tr_match(entry, &id, &of_entry, tr_any()) && tr_equal(of_entry, grp))
            return tr_directory_take(pg->members, pid, id);
    return false;
}

/* A process that is in no group any more is not watched. */
static void forget_if_last(struct pg *pg, tr_pid pid)
{
    tr_term key = tr_build(pid), watch = tr_directory_get(pg->watches, key);
    tr_ref ref;

    if (tr_directory_count_of(pg->members, pid) > 0 || tr_is_nil(watch) ||
        !tr_match(tr_head(watch), tr_any(), &ref))
        return;
    tr_demonitor_flush(ref);
    tr_directory_remove(pg->watches, key, pid);
}

static tr_gen_result leave(struct pg *pg, tr_term grp, tr_term pids)
{
    tr_term left = tr_nil(), item;
    tr_pid pid;

    while (tr_list_next(&pids, &item)) {
        if (!tr_match(item, &pid) || !leave_once(pg, grp, pid))
            continue;
        left = tr_list_push(left, item);
        forget_if_last(pg, pid);
    }
    if (tr_is_nil(left))
        return tr_gen_reply(a_not_joined);
    tell(pg, a_leave, grp, tr_list_reverse(left));
    return tr_gen_reply(a_ok);
}

/* The pids of [{Pid, Value}]. */
static tr_term pids_of(tr_term entries)
{
    tr_term list = tr_nil(), entry;

    while (tr_list_next(&entries, &entry))
        list = tr_list_push(list, tr_element(entry, 0));
    return list;
}

static tr_term all_members(struct pg *pg)
{
    tr_term map = tr_map_from_arrays(NULL, NULL, 0), grp;

    for (tr_term rest = tr_directory_keys(pg->members); tr_list_next(&rest, &grp);)
        map = tr_map_put(map, grp, pids_of(tr_directory_get(pg->members, grp)));
    return map;
}

static tr_ref add_watcher(struct pg *pg, tr_term key, tr_term from)
{
    tr_pid pid = { 0 };

    tr_match(from, &pid, tr_any());
    tr_ref ref = tr_monitor(pid);
    insert(pg->watches, key, pid, tr_build(ref));
    return ref;
}

/* Removes the watcher with that reference; false when there is none. A member is one, too, but
   nobody knows the reference. */
static bool remove_watcher(struct pg *pg, tr_pid pid, tr_ref ref)
{
    tr_term entry;
    uint64_t id;

    for (tr_term rest = tr_directory_of(pg->watches, pid); tr_list_next(&rest, &entry);)
        if (tr_match(entry, &id, tr_any(), ref))
            return tr_directory_take(pg->watches, pid, id);
    return false;
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct pg *pg = state;
    tr_term grp, pids;
    tr_pid caller;
    tr_ref ref;

    if (tr_match(request, a_join, &grp, &pids)) {
        join(pg, grp, pids);
        return tr_gen_reply(a_ok);
    }
    if (tr_match(request, a_leave, &grp, &pids))
        return leave(pg, grp, pids);
    if (tr_match(request, a_monitor, &grp)) {
        ref = add_watcher(pg, tr_build(a_group, grp), from);
        return tr_gen_reply(ref, pids_of(tr_directory_get(pg->members, grp)));
    }
    if (tr_match(request, a_monitor_scope)) {
        ref = add_watcher(pg, tr_build(a_scope), from);
        return tr_gen_reply(ref, all_members(pg));
    }
    if (!tr_match(request, a_demonitor, &ref) || !tr_match(from, &caller, tr_any()))
        return tr_gen_unknown();
    bool was = remove_watcher(pg, caller, ref);
    if (was)
        tr_demonitor_flush(ref);
    return tr_gen_reply(was);
}

/* All memberships of a process that has ended. */
static void ended(struct pg *pg, tr_pid pid)
{
    tr_term entries = tr_directory_of(pg->members, pid), entry;

    tr_directory_drop(pg->members, pid);
    while (tr_list_next(&entries, &entry))
        tell(pg, a_leave, tr_element(entry, 1), tr_build(tr_list(pid)));
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct pg *pg = state;
    tr_ref ref;
    tr_pid pid;

    if (!tr_match(message, a_DOWN, &ref, tr_any(), &pid, tr_any()))
        return tr_gen_noreply();
    tr_term watch = tr_directory_get(pg->watches, tr_build(pid));
    bool is_member = !tr_is_nil(watch) && tr_match(tr_head(watch), tr_any(), ref);
    remove_watcher(pg, pid, ref);
    if (is_member)
        ended(pg, pid);
    return tr_gen_noreply();
}

static const struct tr_gen_server server = {
    .name = "pg",
    .state_size = sizeof(struct pg),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
};

/* --- the interface --- */

tr_term tr_pg_start_link(tr_atom scope)
{
    return tr_gen_server_start_link(&server, TR_GEN_SERVER_OPTS(.name = scope), scope);
}

tr_term tr_pg_start(tr_atom scope)
{
    return tr_gen_server_start(&server, TR_GEN_SERVER_OPTS(.name = scope), scope);
}

/* A pid as a list of it; ends the caller when anything else than local pids is in it. */
static tr_term checked(tr_term pids)
{
    tr_term rest, item;
    tr_pid pid;

    if (!tr_is_list(pids))
        pids = tr_list_push(tr_nil(), pids);
    for (rest = pids; tr_list_next(&rest, &item);)
        if (!tr_match(item, &pid))
            tr_error(a_nolocal, item);
    if (!tr_is_nil(rest))
        tr_error(a_nolocal, rest);
    return pids;
}

static tr_term ask(tr_atom scope, tr_term request)
{
    return tr_call_within(TR_INFINITY, scope, request);
}

void tr_pg_join_args(tr_atom scope, struct tr_arg group, struct tr_arg pids)
{
    tr_scope
    {
        ask(scope, tr_build(a_join, tr_build_args(&group, 1), checked(tr_build_args(&pids, 1))));
    }
}

tr_err tr_pg_leave_args(tr_atom scope, struct tr_arg group, struct tr_arg pids)
{
    tr_err err = TR_OK;

    tr_scope
    {
        tr_term request =
            tr_build(a_leave, tr_build_args(&group, 1), checked(tr_build_args(&pids, 1)));
        if (!tr_match(ask(scope, request), a_ok))
            err = TR_ENOTFOUND;
    }
    return err;
}

tr_term tr_pg_get_members_args(tr_atom scope, struct tr_arg group)
{
    struct tr_directory *d = tr_directory_find(scope);

    return d ? pids_of(tr_directory_get(d, tr_build_args(&group, 1))) : tr_nil();
}

tr_term tr_pg_which_groups(tr_atom scope)
{
    struct tr_directory *d = tr_directory_find(scope);

    return d ? tr_directory_keys(d) : tr_nil();
}

tr_term tr_pg_which_local_groups(tr_atom scope)
{
    return tr_pg_which_groups(scope);
}

tr_ref tr_pg_monitor_args(tr_atom scope, struct tr_arg group, tr_term *members)
{
    tr_ref ref = { 0 };

    tr_match(ask(scope, tr_build(a_monitor, tr_build_args(&group, 1))), &ref, members);
    return ref;
}

tr_ref tr_pg_monitor_scope(tr_atom scope, tr_term *groups)
{
    tr_ref ref = { 0 };

    tr_match(ask(scope, tr_build(a_monitor_scope)), &ref, groups);
    return ref;
}

bool tr_pg_demonitor(tr_atom scope, tr_ref ref)
{
    bool was = false, more = true;

    tr_match(ask(scope, tr_build(a_demonitor, ref)), &was);
    while (was && more) {
        tr_receive (m) {
            tr_on (m, ref, a_join, tr_any(), tr_any()) {
            }
            tr_on (m, ref, a_leave, tr_any(), tr_any()) {
            }
            tr_after (m, 0)
                more = false;
        }
    }
    return was;
}
