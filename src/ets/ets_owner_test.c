/* SPDX-License-Identifier: MIT */
/* Tables: rights, owners, heirs, fixations. */
#include "conformance/puppet.h"

tr_atoms(t, x, key, owner, heir, size, protection, fixed, public, gift, undefined, ready, took,
         none, process, normal, oops, kill, act, badarg);
tr_atom_as(a_transfer, "ETS-TRANSFER");
tr_atom_as(a_fixed_time, "safe_fixed_monotonic_time");

/* What a process other than the owner tries; it ends with badarg where that is forbidden. */
static void reads(tr_term arg)
{
    tr_ets_lookup(arg, a_key);
}

static void writes(tr_term arg)
{
    tr_ets_insert(arg, a_key, 2);
}

static void deletes(tr_term arg)
{
    tr_ets_delete_table(arg);
}

static void sets_heir(tr_term arg)
{
    tr_ets_set_heir(arg, tr_self(), a_x);
}

static bool may(tr_process_fn fn, tr_term table)
{
    tr_ref ref;

    tr_spawn_monitor(fn, &ref, table);
    tr_term reason = DOWN_REASON(ref);
    bool ok = tr_equal(reason, tr_build(a_normal));
    CHECK(ok || tr_match(reason, a_badarg, tr_any()));
    return ok;
}

TEST_PROC(rights_are_kept)
{
    FACT("ETS-027", "public: all read and write; protected: all read; private: the owner only");
    FACT("ETS-006", "a public table is deleted by anyone, others by their owner");
    for (int access = TR_ETS_PROTECTED; access <= TR_ETS_PRIVATE; access++) {
        tr_term table =
            tr_ets_new(a_t, &(struct tr_ets_opts){ .access = (enum tr_ets_access)access });
        tr_ets_insert(table, a_key, 1);
        CHECK_INT(may(reads, table), access != TR_ETS_PRIVATE);
        CHECK_INT(may(writes, table), access == TR_ETS_PUBLIC);
        CHECK(!may(sets_heir, table));
        CHECK_INT(may(deletes, table), access == TR_ETS_PUBLIC);
    }
}

static void make_table(tr_term arg)
{
    tr_pid boss, heir = { 0 };
    tr_term table;
    bool named, dies;

    CHECK(tr_match(arg, &boss, &named, &dies, tr_any()));
    if (tr_is_pid(tr_element(arg, 3)))
        heir.w = tr_element(arg, 3).w;
    table = tr_ets_new(a_t, &(struct tr_ets_opts){ .named = named,
                                                   .access = TR_ETS_PUBLIC,
                                                   .heir = heir,
                                                   .heir_data = tr_build("inherited") });
    for (int i = 0; i < 1000; i++)
        tr_ets_insert(table, i, "object", i);
    tr_send(boss, a_ready, table, tr_self());
    if (dies)
        tr_exit(a_oops);
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
}

/* A table of another process, which ends at once, or at the next message. */
static tr_term table_of_other(bool named, bool dies, tr_term heir, tr_pid *maker, tr_ref *ref)
{
    tr_term table = { 0 };

    *maker = tr_spawn_monitor(make_table, ref, tr_self(), named, dies, heir);
    tr_receive (m)
        tr_on (m, a_ready, &table, maker) {
        }
    return table;
}

TEST_PROC(table_dies_with_its_owner)
{
    FACT("ETS-028", "a table is deleted when its owner ends, whatever the reason");
    FACT("PROC-033", "tables of an ended process are gone when its end is known");
    FACT("ETS-047", "its name is free at once");
    for (int i = 0; i < 3; i++) {
        tr_pid maker;
        tr_ref ref;
        tr_term table = table_of_other(true, i == 0, tr_build(a_none), &maker, &ref);
        if (i == 1)
            tr_exit_to(maker, a_kill);
        else
            tr_send(maker, a_x);
        tr_release(DOWN_REASON(ref));
        CHECK_TERM(tr_ets_info(table), tr_build(a_undefined));
        CHECK_TERM(tr_ets_new(a_t, &(struct tr_ets_opts){ .named = true }), tr_build(a_t));
        tr_ets_delete_table(a_t);
    }
}

TEST_PROC(heir_takes_over)
{
    FACT("ETS-031", "an heir that lives becomes the owner and is told, and the contents stay");
    for (int named = 0; named < 2; named++) {
        tr_pid maker;
        tr_ref ref;
        tr_term table = table_of_other(named, false, tr_build(tr_self()), &maker, &ref);
        tr_send(maker, a_x);
        tr_release(DOWN_REASON(ref));
        CHECK_NEXT(a_transfer, table, maker, "inherited");
        CHECK_TERM(tr_ets_info_of(table, a_owner), tr_build(tr_self()));
        CHECK_TERM(tr_ets_info_of(table, a_size), tr_build(1000));
        CHECK_TERM(tr_ets_info_of(table, a_heir), tr_build(a_none));
        tr_ets_delete_table(table);
    }
}

TEST_PROC(heir_that_is_dead_takes_nothing)
{
    tr_pid maker;
    tr_ref ref;
    tr_term table = table_of_other(false, false, tr_build(dead_pid()), &maker, &ref);

    tr_send(maker, a_x);
    tr_release(DOWN_REASON(ref));
    CHECK_TERM(tr_ets_info(table), tr_build(a_undefined));
}

static void takes(tr_term arg)
{
    tr_pid boss;
    tr_term table, data;

    CHECK(tr_match(arg, &boss));
    tr_receive (m)
        tr_on (m, a_transfer, &table, tr_any(), &data) {
            tr_ets_insert(table, a_key, data);
            tr_send(boss, a_took);
        }
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
}

static void gives(tr_term arg)
{
    tr_term table;
    tr_pid to;

    CHECK(tr_match(arg, &table, &to));
    tr_ets_give_away(table, to, a_gift);
}

TEST_PROC(table_is_given_away)
{
    FACT("ETS-029",
         "give_away makes another process the owner and tells it; the giver loses its rights");
    tr_term table = tr_ets_new(a_t, NULL);
    tr_ref ref;
    tr_pid to = tr_spawn_monitor(takes, &ref, tr_self());

    tr_ets_insert(table, a_x, 1);
    tr_ets_give_away(table, to, a_gift, "for you");
    CHECK_TERM(tr_ets_info_of(table, a_owner), tr_build(to));
    CHECK_NEXT(a_took);
    CHECK_TERM(tr_ets_lookup_element(table, a_key, 2), tr_build(a_gift, "for you"));
    CHECK_BADARG(writes, table);
    tr_send(to, a_x);
    tr_release(DOWN_REASON(ref));
    CHECK_TERM(tr_ets_info(table), tr_build(a_undefined));
}

static void give_to(void *arg)
{
    tr_term *args = arg;

    tr_ets_give_away(args[0], ((tr_pid){ args[1].w }), a_gift);
}

TEST_PROC(giving_away_needs_an_owner_and_a_receiver)
{
    FACT("ETS-030",
         "give_away by another than the owner, to oneself, to the dead, or of no table is "
         "badarg");
    tr_term args[2] = { tr_ets_new(a_t, &(struct tr_ets_opts){ .access = TR_ETS_PUBLIC }) }, reason;

    CHECK_BADARG(gives, args[0], tr_self());
    args[1] = tr_build(tr_self());
    CHECK(tr_catch(give_to, args, &reason) && tr_match(reason, a_badarg, tr_any()));
    args[1] = tr_build(dead_pid());
    CHECK(tr_catch(give_to, args, &reason) && tr_match(reason, a_badarg, tr_any()));
    args[1] = tr_build(a_x);
    CHECK(tr_catch(give_to, args, &reason) && tr_match(reason, a_badarg, tr_any()));
    CHECK_TERM(tr_ets_info_of(args[0], a_owner), tr_build(tr_self()));
    tr_ets_delete_table(args[0]);
    args[1] = tr_build(tr_spawn(takes, tr_self()));
    CHECK(tr_catch(give_to, args, &reason) && tr_match(reason, a_badarg, tr_any()));
}

static void access_out_of_range(void *arg)
{
    tr_ets_set_access(*(tr_term *)arg, 7);
}

TEST_PROC(owner_changes_heir_and_access)
{
    FACT("ETS-032", "the owner changes heir and access; wrong values change nothing");
    tr_term table = tr_ets_new(a_t, NULL), reason;
    tr_pid p = tr_spawn(puppet), none = { 0 };

    tr_ets_set_heir(table, p, "data");
    CHECK_TERM(tr_ets_info_of(table, a_heir), tr_build(p));
    tr_ets_set_heir(table, none);
    CHECK_TERM(tr_ets_info_of(table, a_heir), tr_build(a_none));
    CHECK(tr_catch(access_out_of_range, &table, &reason));
    CHECK(!may(writes, table));
    tr_ets_set_access(table, TR_ETS_PUBLIC);
    CHECK(may(writes, table));
}

static void fixes(tr_term arg)
{
    tr_term table;
    tr_pid boss;

    CHECK(tr_match(arg, &table, &boss));
    tr_ets_safe_fixtable(table, true);
    tr_ets_safe_fixtable(table, true);
    tr_ets_safe_fixtable(table, false);
    tr_send(boss, a_ready);
    tr_receive (m)
        tr_on (m, tr_any()) {
        }
}

TEST_PROC(fixations_are_counted_and_go_with_the_process)
{
    FACT("ETS-035", "fixations are counted for each process, and go with it");
    tr_term table = tr_ets_new(a_t, NULL);
    tr_ref ref;
    tr_pid p = tr_spawn_monitor(fixes, &ref, table, tr_self());

    CHECK_NEXT(a_ready);
    CHECK_TERM(tr_ets_info_of(table, a_fixed), tr_build((bool)true));
    CHECK_TERM(tr_element(tr_ets_info_of(table, a_fixed_time), 1),
               tr_build(tr_list(tr_tuple(p, 1))));
    tr_send(p, a_x);
    tr_release(DOWN_REASON(ref));
    CHECK_TERM(tr_ets_info_of(table, a_fixed), tr_build((bool)false));
    tr_ets_safe_fixtable(table, true);
}
