/* SPDX-License-Identifier: MIT */
/* Partition supervisors. */
#include "dolls.h"

tr_atoms(parts, badarg, name, partitions, key);

static tr_term plus_index(tr_term arg, int i)
{
    tr_term conduct;

    CHECK(tr_match(arg, tr_any(), &conduct));
    return tr_build(i, conduct);
}

static const struct tr_partition_supervisor four = { .child = DOLL(a, "calm"),
                                                     .partitions = 4,
                                                     .with_argument = plus_index };
static const struct tr_partition_supervisor each = { .child = DOLL(a, "calm") };
static const struct tr_dynamic_supervisor many = { .name = "many" };

static tr_pid start_parts(const struct tr_partition_supervisor *s)
{
    tr_pid pid = { 0 };
    tr_term result = tr_partition_supervisor_start_link(s, TR_GEN_SERVER_OPTS(.name = a_parts));

    if (!tr_match(result, a_ok, &pid))
        check_fail(__FILE__, __LINE__, "did not start: %s", tr_inspect(result));
    return pid;
}

TEST_PROC(one_partition_for_each_scheduler)
{
    FACT("DYN-021", "N children from one specification, by default one for each scheduler, with "
                    "ids 0 to N-1");
    FACT("DYN-026", "which_children and count_children describe the partitions");
    begin();
    tr_pid sup = start_parts(&each);
    int n = tr_schedulers_online();
    tr_term all = tr_supervisor_which_children(sup), one;

    CHECK_INT(tr_partition_count(a_parts), n);
    CHECK(counts_are(sup, n, n, 0, n));
    for (int i = n - 1; i >= 0; i--) {
        CHECK(tr_list_next(&all, &one));
        CHECK(tr_match(one, i, tr_any(), a_worker, tr_list(a_a)));
    }
    end_sup(sup);
}

TEST_PROC(key_chooses_the_partition)
{
    FACT("DYN-022", "an integer key goes to abs(Key) rem N, any other to a hash of it; the same "
                    "key always to the same partition");
    FACT("DYN-023", "a function adapts the argument to the partition");
    begin();
    tr_pid sup = start_parts(&four), pids[4];

    for (int i = 0; i < 4; i++) {
        STARTED(i);
        CHECK(tr_match(tr_supervisor_which_child(sup, i), a_ok,
                       tr_tuple(i, &pids[i], tr_any(), tr_any())));
        CHECK(tr_partition(a_parts, i).w == pids[i].w);
        CHECK(tr_partition(a_parts, -i - 8).w == pids[i].w);
        CHECK(tr_partition(a_parts, i + 4000).w == pids[i].w);
    }
    CHECK(tr_partition(a_parts, INT64_MIN).w == pids[0].w);
    bool used[4] = { false };
    for (int i = 0; i < 100; i++) {
        tr_pid pid = tr_partition(a_parts, tr_tuple(a_key, i));
        CHECK(tr_partition(a_parts, tr_tuple(a_key, i)).w == pid.w);
        for (int k = 0; k < 4; k++)
            used[k] |= pid.w == pids[k].w;
    }
    CHECK(used[0] && used[1] && used[2] && used[3]);
    /* A restarted one is found under its new pid. */
    tr_send(pids[2], a_leave, a_boom);
    CHECK_TERM(next_event(), tr_build(a_ended, 2, a_boom));
    STARTED(2);
    CHECK_WITHIN(patience(10000), tr_partition(a_parts, 2).w != pids[2].w);
    CHECK(tr_is_alive(tr_partition(a_parts, 2)));
    end_sup(sup);
}

static void starts_badly(tr_term which)
{
    struct tr_partition_supervisor s = each;
    int i;

    CHECK(tr_match(which, &i));
    if (i == 1)
        s.child = (struct tr_child_spec){ 0 };
    if (i == 2)
        s.partitions = -1;
    tr_partition_supervisor_start_link(&s, i == 0 ? NULL : TR_GEN_SERVER_OPTS(.name = a_parts));
}

static void counts(tr_term unused)
{
    (void)unused;
    tr_partition_count(a_parts);
}

static void asks(tr_term unused)
{
    (void)unused;
    tr_supervisor_count_children(a_parts);
}

static void looks_up(tr_term unused)
{
    (void)unused;
    tr_partition(a_parts, 1);
}

static void resizes(tr_term n)
{
    int to;

    CHECK(tr_match(n, &to));
    tr_partition_resize(a_parts, to);
}

static tr_term end_of(tr_process_fn fn, int arg)
{
    tr_ref ref;

    tr_spawn_monitor(fn, &ref, arg);
    return down_reason(ref, a_DOWN);
}

TEST_PROC(wrong_arguments_start_nothing)
{
    FACT("DYN-024", "a missing name or child, or a wrong number, is an argument error before "
                    "anything starts");
    FACT("DYN-025", "asking for an unknown name exits with {noproc, _}");
    begin();
    const tr_atom wrong[] = { a_name, a_child, a_partitions };
    tr_pid pid;

    for (int i = 0; i < 3; i++)
        CHECK_TERM(end_of(starts_badly, i), tr_build(a_badarg, wrong[i]));
    CHECK(no_event());
    CHECK_TERM(end_of(counts, 0), tr_build(a_noproc, a_parts));
    CHECK_TERM(end_of(looks_up, 0), tr_build(a_noproc, a_parts));
    CHECK(tr_match(end_of(asks, 0), a_noproc, tr_any()));
    CHECK_INT(tr_try_partition(a_parts, &pid, 1), TR_ENOPROC);
}

TEST_PROC(partitions_are_ended_and_started_again)
{
    FACT("DYN-027", "resizing to 0..N returns the size before; keys go to the first M; out of "
                    "that range it is an argument error");
    begin();
    tr_pid sup = start_parts(&four), pid;

    for (int i = 0; i < 4; i++)
        STARTED(i);
    CHECK_INT(tr_partition_resize(a_parts, 2), 4);
    CHECK_TERM(next_event(), tr_build(a_ended, 3, a_shutdown));
    CHECK_TERM(next_event(), tr_build(a_ended, 2, a_shutdown));
    CHECK_INT(tr_partition_count(a_parts), 2);
    CHECK(tr_partition(a_parts, 3).w == tr_partition(a_parts, 1).w);
    CHECK(counts_are(sup, 4, 2, 0, 4));
    CHECK_INT(tr_partition_resize(a_parts, 4), 2);
    STARTED(2);
    STARTED(3);
    CHECK(tr_partition(a_parts, 3).w != tr_partition(a_parts, 1).w);
    CHECK_INT(tr_partition_resize(a_parts, 0), 4);
    CHECK_INT(tr_try_partition(a_parts, &pid, 1), TR_ENOPROC);
    CHECK_TERM(end_of(resizes, 5), tr_build(a_badarg, 5));
    CHECK_TERM(end_of(resizes, -1), tr_build(a_badarg, -1));
    end_sup(sup);
}

TEST_PROC(partitions_are_dynamic_supervisors_too)
{
    FACT("DYN-028", "stopping it ends all partitions before it returns; then the name is free");
    begin();
    static const struct tr_partition_supervisor s = { .child = { .dynamic_supervisor = &many },
                                                      .partitions = 3 };
    tr_pid sup = start_parts(&s), pid;

    CHECK(counts_are(sup, 3, 3, 3, 0));
    CHECK(tr_match(tr_dynamic_supervisor_start_child(tr_partition(a_parts, 7), A_DOLL(a, "calm")),
                   a_ok, &pid));
    STARTED(a_a);
    tr_stop(sup, a_normal, TR_INFINITY);
    ENDED(a_a, a_shutdown);
    exit_of(sup);
    CHECK_WITHIN(10000, tr_process_count() == 1);
    CHECK_INT(tr_try_partition(a_parts, &pid, 1), TR_ENOPROC);
    /* The same name again, with more partitions than before. */
    sup = start_parts(&four);
    CHECK_INT(tr_partition_count(a_parts), 4);
    CHECK(tr_is_alive(tr_partition(a_parts, 3)));
    end_sup(sup);
}

static tr_pid needs_no_id(const struct tr_child_spec *child)
{
    const struct tr_partition_supervisor parts = { .child = *child, .partitions = 2 };
    tr_pid pid = start_parts(&parts);

    CHECK_INT(tr_partition_count(a_parts), 2);
    CHECK(tr_is_alive(tr_partition(a_parts, 1)));
    return pid;
}

TEST_PROC(child_needs_no_id)
{
    FACT("DYN-021", "the ids are the numbers of the partitions: the child's own needs none");
    begin();
    end_sup(needs_no_id(TR_CHILD(.start = start_doll, .arg = "{a, calm}")));
    end_sup(needs_no_id(TR_CHILD(.process = wait_for_system)));
    end_sup(needs_no_id(TR_CHILD(.statem = &idle_machine)));
}
