/* SPDX-License-Identifier: MIT */
/* Process groups. */
#include "subject.h"

tr_atoms(scope, already_started, second, join, leave, nolocal, unknown, ready);

static void start(tr_atom name)
{
    tr_pid pid;

    CHECK(tr_match(tr_pg_start_link(name), a_ok, &pid));
}

static void idle(tr_term arg)
{
    (void)arg;
    tr_sleep(TR_INFINITY);
}

static bool has_groups(tr_atom name, size_t n)
{
    size_t length;

    CHECK(tr_list_length(tr_pg_which_groups(name), &length));
    return length == n;
}

static size_t members(tr_term group)
{
    size_t n;

    CHECK(tr_list_length(tr_pg_get_members(a_scope, group), &n));
    return n;
}

static void joins(void *pids)
{
    tr_pg_join(a_scope, "g", *(tr_term *)pids);
}

static void monitors(void *arg)
{
    tr_term t;

    (void)arg;
    tr_pg_monitor(a_scope, "g", &t);
}

TEST_PROC(scope_that_does_not_run)
{
    FACT("PG-001", "joining and monitoring in a scope that does not run ends the caller with "
                   "noproc; reading gives the empty list");
    tr_term self = tr_build(tr_self()), reason;

    CHECK(tr_catch(joins, &self, &reason) && tr_match(reason, a_noproc, tr_any()));
    CHECK(tr_catch(monitors, NULL, &reason) && tr_match(reason, a_noproc, tr_any()));
    CHECK_TERM(tr_pg_get_members(a_scope, "g"), tr_nil());
    CHECK_TERM(tr_pg_which_groups(a_scope), tr_nil());
}

TEST_PROC(joining_and_leaving)
{
    FACT("PG-002 PG-004 PG-005 PG-006",
         "a group, named by any term, is there with its first member "
         "and gone with its last; one that is not there has no "
         "members; local members and groups are listed by themselves");
    tr_pid self = tr_self();

    start(a_scope);
    CHECK_TERM(tr_pg_get_members(a_scope, "g"), tr_nil());
    CHECK(has_groups(a_scope, 0));
    tr_pg_join(a_scope, tr_tuple("g", 1), self);
    CHECK_TERM(tr_pg_get_members(a_scope, tr_tuple("g", 1)), tr_build(tr_list(self)));
    CHECK_TERM(tr_pg_get_local_members(a_scope, tr_tuple("g", 1)), tr_build(tr_list(self)));
    CHECK_TERM(tr_pg_which_groups(a_scope), tr_build(tr_list(tr_tuple("g", 1))));
    CHECK_TERM(tr_pg_which_local_groups(a_scope), tr_build(tr_list(tr_tuple("g", 1))));
    CHECK_INT(tr_pg_leave(a_scope, tr_tuple("g", 1), self), TR_OK);
    CHECK_INT(tr_pg_leave(a_scope, tr_tuple("g", 1), self), TR_ENOTFOUND);
    CHECK(has_groups(a_scope, 0));
    CHECK(tr_match(tr_pg_start(a_scope), a_error, tr_tuple(a_already_started, tr_any())));
}

TEST_PROC(joining_several_times)
{
    FACT("PG-003", "who joins several times is listed as often; a list of pids joins each of them, "
                   "and may hold one twice");
    tr_pid self = tr_self(), other = tr_spawn(idle);

    start(a_scope);
    tr_pg_join(a_scope, "g", self);
    tr_pg_join(a_scope, "g", tr_list(self, other, self));
    CHECK_INT(members(tr_build("g")), 4);
    CHECK_INT(tr_pg_leave(a_scope, "g", self), TR_OK);
    CHECK_INT(members(tr_build("g")), 3);
    CHECK_INT(tr_pg_leave(a_scope, "g", tr_list(self, other)), TR_OK);
    CHECK_TERM(tr_pg_get_members(a_scope, "g"), tr_build(tr_list(self)));
    tr_pg_join(a_scope, "g", tr_nil());
    CHECK_INT(members(tr_build("g")), 1);
}

TEST_PROC(only_local_pids_join)
{
    FACT("PG-007", "what is no local pid, alone or in a list, is an error, and nobody has joined");
    tr_term bad[] = { tr_build(5), tr_build(tr_list(tr_self(), a_scope)),
                      tr_build(tr_cons(tr_self(), 5)) };
    tr_term reason;

    start(a_scope);
    for (size_t i = 0; i < 3; i++) {
        CHECK(tr_catch(joins, &bad[i], &reason));
        CHECK(tr_match(reason, tr_tuple(a_nolocal, tr_any()), tr_any()));
    }
    CHECK(has_groups(a_scope, 0));
}

TEST_PROC(scopes_are_independent)
{
    FACT("PG-008", "the same group in two scopes is two groups");
    start(a_scope);
    start(a_second);
    tr_pg_join(a_scope, "g", tr_self());
    CHECK_TERM(tr_pg_get_members(a_second, "g"), tr_nil());
}

TEST_PROC(unknown_request_ends_the_scope)
{
    FACT("PG-009", "a call that is none of the interface ends the scope, and its caller sees why");
    tr_term reason;

    tr_trap_exit(true);
    CHECK(tr_log_remove_sink("default") != TR_EBUSY);
    start(a_scope);
    tr_pg_join(a_scope, "g", tr_self());
    CHECK_INT(tr_try_call(a_scope, &reason, a_unknown), TR_ECLOSED);
    CHECK_TERM(tr_pg_get_members(a_scope, "g"), tr_nil());
}

static void expect_change(tr_ref ref, tr_atom what, tr_term grp, tr_term pids)
{
    bool came = false;

    tr_receive (m) {
        tr_on (m, ref, what, grp, pids)
            came = true;
        tr_after (m, 5000) {
        }
    }
    CHECK(came);
}

TEST_PROC(monitor_of_a_group)
{
    FACT("PG-010 PG-012", "a monitor gives the members, then a message for each change, with the "
                          "whole list of a request");
    tr_pid self = tr_self(), other = tr_spawn(idle);
    tr_term now;

    start(a_scope);
    tr_pg_join(a_scope, "g", other);
    tr_ref ref = tr_pg_monitor(a_scope, "g", &now);
    CHECK_TERM(now, tr_build(tr_list(other)));
    tr_pg_join(a_scope, "another", self);
    tr_pg_join(a_scope, "g", tr_list(self, other));
    expect_change(ref, a_join, tr_build("g"), tr_build(tr_list(self, other)));
    CHECK_INT(tr_pg_leave(a_scope, "g", tr_list(self, other)), TR_OK);
    expect_change(ref, a_leave, tr_build("g"), tr_build(tr_list(self, other)));
    CHECK_INT(tr_mailbox_length(), 0);
}

TEST_PROC(monitor_of_a_scope)
{
    FACT("PG-011", "a monitor of a scope gives all groups with their members, then the changes of "
                   "all of them");
    tr_pid self = tr_self();
    tr_term now;

    start(a_scope);
    tr_pg_join(a_scope, "a", self);
    tr_pg_join(a_scope, "b", tr_list(self, self));
    tr_ref ref = tr_pg_monitor_scope(a_scope, &now);
    CHECK_TERM(now, tr_build(tr_map("a", tr_list(self), "b", tr_list(self, self))));
    tr_pg_join(a_scope, "c", self);
    expect_change(ref, a_join, tr_build("c"), tr_build(tr_list(self)));
}

TEST_PROC(end_of_a_member)
{
    FACT("PG-013", "the end of a member is a leave");
    tr_pid other = tr_spawn(idle), dead = tr_spawn(idle);
    tr_term now;

    start(a_scope);
    tr_ref ref = tr_pg_monitor(a_scope, "g", &now);
    tr_pg_join(a_scope, "g", tr_list(other, other));
    expect_change(ref, a_join, tr_build("g"), tr_build(tr_list(other, other)));
    tr_exit_to(other, a_kill);
    expect_change(ref, a_leave, tr_build("g"), tr_build(tr_list(other)));
    expect_change(ref, a_leave, tr_build("g"), tr_build(tr_list(other)));
    CHECK(has_groups(a_scope, 0));
    tr_exit_to(dead, a_kill);
    tr_pg_join(a_scope, "g", dead);
    expect_change(ref, a_join, tr_build("g"), tr_build(tr_list(dead)));
    expect_change(ref, a_leave, tr_build("g"), tr_build(tr_list(dead)));
}

TEST_PROC(end_of_a_monitor)
{
    FACT("PG-014", "demonitor ends the messages and removes those that have come; a second time, "
                   "or with another reference, it is false");
    tr_pid self = tr_self();
    tr_term now;

    start(a_scope);
    tr_ref ref = tr_pg_monitor(a_scope, "g", &now);
    tr_ref other = tr_pg_monitor_scope(a_scope, &now);
    tr_pg_join(a_scope, "g", self);
    CHECK_INT(tr_pg_leave(a_scope, "g", self), TR_OK);
    CHECK(tr_pg_demonitor(a_scope, ref));
    CHECK(!tr_pg_demonitor(a_scope, ref));
    CHECK(!tr_pg_demonitor(a_scope, tr_make_ref()));
    CHECK_INT(tr_mailbox_length(), 2);
    tr_pg_join(a_scope, "g", self);
    expect_change(other, a_join, tr_build("g"), tr_build(tr_list(self)));
    expect_change(other, a_leave, tr_build("g"), tr_build(tr_list(self)));
    expect_change(other, a_join, tr_build("g"), tr_build(tr_list(self)));
    CHECK_INT(tr_mailbox_length(), 0);
}

static void watcher(tr_term boss)
{
    tr_term now;
    tr_pid pid = { 0 };

    CHECK(tr_match(boss, &pid));
    tr_pg_monitor(a_scope, "g", &now);
    tr_send(pid, a_ready);
}

TEST_PROC(end_of_a_watcher)
{
    FACT("PG-015", "the end of a monitoring process ends its monitors");
    start(a_scope);
    tr_spawn(watcher, tr_self());
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    struct tr_directory *d = tr_directory_find(tr_intern("scope.watches"));
    CHECK(d);
    CHECK_WITHIN(5000, tr_directory_count(d) == 0);
}
