/* SPDX-License-Identifier: MIT */
/* Monitors. */

#include "conformance/puppet.h"

tr_atoms(oops, name, nobody, noconnection, other, tag);
tr_atom_as(a_elsewhere, "other@elsewhere");

static void exit_when_told(tr_term arg)
{
    tr_term reason;

    (void)arg;
    tr_receive (m)
        tr_on (m, a_go, &reason)
            tr_exit(reason);
}

TEST_PROC(monitor_gives_one_down_for_any_reason)
{
    FACT("LM-015", "monitor gives a new reference; when the target ends one {'DOWN', Ref, process, "
                   "Pid, Reason} comes, whatever the reason");
    uint64_t before = 0;

    for (int i = 0; i < check_rounds(5000); i++) {
        tr_pid p = tr_spawn(exit_when_told);
        tr_ref ref = tr_monitor(p);
        CHECK(ref.w != before);
        before = ref.w;
        if (i % 2)
            tr_send(p, a_go, tr_tuple(a_oops, i));
        else
            tr_send(p, a_go, a_normal);
        if (i % 2)
            CHECK_NEXT(a_DOWN, ref, a_process, p, tr_tuple(a_oops, i));
        else
            CHECK_NEXT(a_DOWN, ref, a_process, p, a_normal);
        CHECK_NO_MESSAGE();
    }
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

TEST_PROC(each_monitor_is_independent)
{
    FACT("LM-016", "each monitor call makes a monitor of its own, which gives its own 'DOWN'");
    enum { N = 100 };
    tr_ref refs[N];

    for (int round = 0; round < 50; round++) {
        tr_pid p = tr_spawn(exit_when_told);
        for (int i = 0; i < N; i++)
            refs[i] = tr_monitor(p);
        for (int i = 0; i < N; i += 3)
            CHECK(tr_demonitor(refs[i]));
        tr_send(p, a_go, a_oops);
        for (int i = 0; i < N; i++)
            if (i % 3)
                CHECK_TERM(DOWN_REASON(refs[i]), tr_build(a_oops));
        CHECK_NO_MESSAGE();
    }
}

TEST_PROC(monitoring_the_dead_gives_noproc)
{
    FACT("LM-017", "monitoring a pid that is dead or never was gives a reference and a 'DOWN' with "
                   "noproc");
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid p = i % 2 ? dead_pid() : never_pid();
        tr_ref ref = tr_monitor(p);
        CHECK(ref.w);
        CHECK_NEXT(a_DOWN, ref, a_process, p, a_noproc);
    }
    CHECK_NO_MESSAGE();
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

static void end_at_once(tr_term arg)
{
    tr_exit(arg);
}

TEST_PROC(monitoring_the_dying_gives_exactly_one_down)
{
    tr_term reason;

    for (int i = 0; i < check_rounds(20000); i++) {
        tr_pid p = tr_spawn(end_at_once, a_oops);
        tr_ref ref = tr_monitor(p);
        tr_scope
        {
            reason = DOWN_REASON(ref);
            CHECK(tr_match(reason, a_oops) || tr_match(reason, a_noproc));
        }
        CHECK_NO_MESSAGE();
    }
}

TEST_PROC(monitor_by_name_answers_by_name)
{
    FACT("LM-018", "a monitor by name gives a 'DOWN' that names {Name, Node}, with or without a "
                   "node");
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid p = tr_spawn(exit_when_told);
        CHECK_INT(tr_register(a_name, p), TR_OK);
        tr_ref r = tr_monitor(a_name);
        tr_ref s = tr_monitor(tr_build(a_name, a_nonode));
        tr_ref t = tr_monitor(tr_build(a_name));
        tr_send(p, a_go, tr_tuple(a_oops, i));
        for (int k = 0; k < 3; k++) {
            tr_ref ref = k == 0 ? r : k == 1 ? s : t;
            tr_receive (m) {
                tr_on (m, a_DOWN, ref, a_process, tr_tuple(a_name, a_nonode), tr_tuple(a_oops, i)) {
                }
                tr_after (m, patience(10000))
                    CHECK(false);
            }
        }
        CHECK_NO_MESSAGE();
    }
}

TEST_PROC(monitor_by_name_watches_the_process_of_that_moment)
{
    tr_pid p = tr_spawn(puppet);

    CHECK_INT(tr_register(a_name, p), TR_OK);
    tr_ref ref = tr_monitor(a_name);
    CHECK_INT(tr_unregister(a_name), TR_OK);
    CHECK_INT(tr_register(a_name, tr_spawn(puppet)), TR_OK);
    tr_exit_to(p, a_oops);
    CHECK_NEXT(a_DOWN, ref, a_process, tr_tuple(a_name, a_nonode), a_oops);
}

TEST_PROC(monitoring_a_name_nobody_holds_gives_noproc)
{
    FACT("LM-019", "monitoring a name that nobody holds gives {'DOWN', Ref, process, {Name, Node}, "
                   "noproc}");
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_ref ref = tr_monitor(a_nobody);
        CHECK_NEXT(a_DOWN, ref, a_process, tr_tuple(a_nobody, a_nonode), a_noproc);
    }
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

static void monitor_self(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_ref ref = tr_monitor(tr_self()), other = tr_monitor(tr_self());
    CHECK(ref.w && ref.w != other.w);
    tr_send(to, a_ready, tr_demonitor(other));
}

TEST_PROC(process_may_monitor_itself)
{
    FACT("LM-020", "a process that monitors itself gets a reference and never a 'DOWN'");
    CHECK_ENDS(tr_build(a_normal), monitor_self, tr_self());
    for (int i = 0; i < 100; i++) {
        tr_ref ref = tr_monitor(tr_self());
        CHECK(ref.w);
        if (i % 2)
            tr_demonitor(ref);
    }
    tr_sleep(10);
    CHECK_INT(tr_mailbox_length(), 1);
}

TEST_PROC(demonitor_tells_whether_the_monitor_was_active)
{
    FACT("LM-021 LM-023", "demonitor is never an error; it is true when it removed an active "
                          "monitor, false for one that has fired, was removed or never was");
    tr_pid p = tr_spawn(puppet);
    tr_ref ref = tr_monitor(p);

    CHECK(tr_demonitor(ref));
    CHECK(!tr_demonitor(ref));
    CHECK(!tr_demonitor_flush(ref));
    CHECK(!tr_demonitor(tr_make_ref()));
    CHECK(!tr_demonitor(tr_alias()));
    ref = tr_monitor(p);
    tr_exit_to(p, a_oops);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
    CHECK(!tr_demonitor(ref));
    tr_demonitor_flush(tr_monitor(p));
    CHECK_NO_MESSAGE();
}

TEST_PROC(demonitor_by_another_process_does_nothing)
{
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet);
    tr_ref ref = tr_monitor(p);
    bool no = false;

    CHECK_TERM(ORDER(q, order_demonitor, ref), tr_build(no));
    tr_exit_to(p, a_oops);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
}

TEST_PROC(no_down_comes_after_demonitor)
{
    FACT("LM-022", "once demonitor has returned no new 'DOWN' comes; one may be there already, "
                   "which flush takes out");
    int active = 0, late = 0;

    for (int i = 0; i < check_rounds(50000); i++) {
        tr_ref ref;
        tr_spawn_monitor(end_at_once, &ref, a_oops);
        if (i % 4 == 0)
            tr_yield();
        if (i % 2) {
            active += tr_demonitor_flush(ref);
        } else if (!tr_demonitor(ref)) {
            late++;
            CHECK_TERM(DOWN_REASON(ref), tr_build(a_oops));
        }
        CHECK_NO_MESSAGE();
    }
    CHECK(active > 0 || late > 0);
    CHECK_INFO(tr_self(), a_monitors, tr_list());
}

TEST_PROC(flush_takes_only_its_own_down)
{
    tr_ref r, s;

    tr_spawn_monitor(end_at_once, &r, a_oops);
    tr_spawn_monitor(end_at_once, &s, a_oops);
    tr_send(tr_self(), a_other);
    CHECK_WITHIN(patience(5000), tr_mailbox_length() == 3);
    CHECK(!tr_demonitor_flush(r));
    CHECK_INT(tr_mailbox_length(), 2);
    CHECK_TERM(DOWN_REASON(s), tr_build(a_oops));
    CHECK_NEXT(a_other);
}

static void monitor_what(tr_term arg)
{
    tr_monitor(arg);
}

TEST_PROC(monitoring_what_is_no_process_is_badarg)
{
    FACT("LM-025", "monitoring anything but a pid, a name or {Name, Node} is badarg");
    CHECK_ENDS(tr_build(a_badarg, 5), monitor_what, 5);
    CHECK_BADARG(monitor_what, "name");
    CHECK_BADARG(monitor_what);
    CHECK_BADARG(monitor_what, a_name, a_nonode, 5);
    CHECK_BADARG(monitor_what, a_name, 5);
    CHECK_BADARG(monitor_what, tr_make_ref());
}

static void watch_and(tr_term arg)
{
    tr_pid pid, to;
    tr_atom how;
    tr_ref ref;

    CHECK(tr_match(arg, &pid, &to, &how));
    ref = tr_monitor(pid);
    tr_send(to, a_ready, tr_self());
    tr_receive (m)
        tr_on (m, a_go) {
        }
    if (how.w == a_other.w) {
        tr_demonitor(ref);
        tr_send(to, a_done, tr_self());
        tr_sleep(TR_INFINITY);
    }
}

TEST_PROC(watcher_that_ends_or_gives_up_is_not_listed)
{
    FACT("LM-027", "a watcher that ends or demonitors goes from the target's monitored_by");
    tr_pid p = tr_spawn(puppet);

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_pid w = tr_spawn(watch_and, p, tr_self(), i % 2 ? a_other : a_name);
        CHECK_NEXT(a_ready, w);
        CHECK_INFO(p, a_monitored_by, tr_list(w));
        if (i % 2) {
            tr_send(w, a_go);
            CHECK_NEXT(a_done, w);
            CHECK_INFO(p, a_monitored_by, tr_list());
            tr_exit_to(w, a_kill);
        } else {
            end(w);
            CHECK_WITHIN(patience(5000), tr_is_nil(INFO(p, a_monitored_by)));
        }
    }
}

TEST_PROC(tag_stands_first_in_the_message)
{
    FACT("LM-028", "a monitor made with tag T gives {T, Ref, process, Pid, Reason}");
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_pid p = tr_spawn(exit_when_told);
        tr_ref ref = tr_monitor_opt(p, .tag = a_tag);
        tr_send(p, a_go, tr_tuple(a_oops, i));
        CHECK_NEXT(a_tag, ref, a_process, p, tr_tuple(a_oops, i));
        ref = tr_monitor_opt(p, .tag = a_tag);
        CHECK_NEXT(a_tag, ref, a_process, p, a_noproc);
        tr_demonitor_flush(tr_monitor_opt(p, .tag = a_tag));
        CHECK_NO_MESSAGE();
    }
}

TEST_PROC(monitor_of_another_node_reports_no_connection)
{
    FACT("LM-026", "monitoring a name on a node that cannot be reached gives a 'DOWN' with "
                   "noconnection");
    tr_ref ref = tr_monitor(tr_build(a_name, a_elsewhere));

    CHECK_NEXT(a_DOWN, ref, a_process, tr_tuple(a_name, a_elsewhere), a_noconnection);
}
