/* SPDX-License-Identifier: MIT */
/* Local names. */

#include "conformance/puppet.h"

#include <stdio.h>

tr_atoms(fixed, one, two, three, nobody, number, hello, oops);

TEST_PROC(registered_process_is_found_and_reached_by_name)
{
    FACT("NAME-001", "a registered name stands for its process, for whereis and for sending, until "
                     "unregister or the end of the process");
    tr_pid holder;

    for (int i = 0; i < check_rounds(2000); i++) {
        tr_pid p = tr_spawn(puppet);
        CHECK_INT(tr_register(a_fixed, p), TR_OK);
        CHECK(tr_whereis(a_fixed, &holder) && holder.w == p.w);
        CHECK(tr_whereis(a_fixed, NULL));
        tr_send(a_fixed, a_number, i);
        CHECK_INFO(p, a_messages, tr_list(tr_tuple(a_number, i)));
        if (i % 2) {
            CHECK_INT(tr_unregister(a_fixed), TR_OK);
            CHECK(!tr_whereis(a_fixed, &holder));
            CHECK_INT(tr_try_send(a_fixed, a_hello), TR_ENOTFOUND);
            CHECK_INFO(p, a_message_queue_len, 1);
            tr_exit_to(p, a_kill);
        } else {
            end(p);
            CHECK(!tr_whereis(a_fixed, &holder));
            CHECK_INT(tr_try_send(a_fixed, a_hello), TR_ENOTFOUND);
        }
    }
}

TEST_PROC(unregister_does_nothing_to_the_process)
{
    FACT("NAME-002", "unregister neither signals nor ends the process; a name that nobody holds is "
                     "an error");
    tr_pid p = tr_spawn(puppet);

    CHECK_INT(tr_unregister(a_nobody), TR_ENOTFOUND);
    CHECK_INT(tr_register(a_fixed, p), TR_OK);
    CHECK_INT(tr_unregister(a_fixed), TR_OK);
    CHECK_INT(tr_unregister(a_fixed), TR_ENOTFOUND);
    CHECK_INFO(p, a_message_queue_len, 0);
    CHECK_TERM(ORDER(p, tr_copy, 1), tr_build(1));
    CHECK_NO_MESSAGE();
}

TEST_PROC(unknown_name_is_nobodys)
{
    FACT("NAME-003", "whereis of a name that nobody holds finds nothing");
    tr_pid pid = { 7 };

    CHECK(!tr_whereis(a_nobody, &pid));
    CHECK(!tr_whereis(a_undefined, &pid));
    CHECK_INT(pid.w, 7);
}

/* True when the list holds these names, each once, and no others but those at the start. */
static bool names_are(size_t before, const tr_atom *names, size_t n)
{
    tr_term list = tr_registered(), item;
    size_t length = 0, found = 0;

    CHECK(tr_list_length(list, &length));
    while (tr_list_next(&list, &item))
        for (size_t i = 0; i < n; i++)
            found += tr_equal(item, tr_build(names[i]));
    return found == n && length == before + n;
}

TEST_PROC(list_of_names_holds_exactly_those_held)
{
    FACT("NAME-004", "the list of names holds exactly the names held at that time");
    tr_atom names[200];
    tr_pid pids[200];
    size_t before = 0;

    CHECK(tr_list_length(tr_registered(), &before));
    for (int i = 0; i < 200; i++) {
        char text[32];
        snprintf(text, sizeof text, "name of number %d", i);
        names[i] = tr_intern(text);
        pids[i] = tr_spawn(puppet);
        CHECK_INT(tr_register(names[i], pids[i]), TR_OK);
        CHECK(names_are(before, names, (size_t)i + 1));
    }
    for (int i = 199; i >= 0; i--) {
        if (i % 2)
            end(pids[i]);
        else
            CHECK_INT(tr_unregister(names[i]), TR_OK);
        CHECK(names_are(before, names, (size_t)i));
    }
}

TEST_PROC(process_may_have_another_name_after_unregister)
{
    FACT("NAME-005", "after unregister a process may be registered under another name");
    tr_pid p = tr_spawn(puppet), holder;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_atom name = i % 3 == 0 ? a_one : i % 3 == 1 ? a_two : a_three;
        CHECK_INT(tr_register(name, p), TR_OK);
        CHECK(tr_whereis(name, &holder) && holder.w == p.w);
        CHECK_INT(tr_unregister(name), TR_OK);
    }
    CHECK_INFO(p, tr_intern("registered_name"), tr_list());
}

TEST_PROC(name_is_free_again_soon_after_its_holder_was_killed)
{
    FACT("NAME-006", "registering, killing and registering again never gets stuck: when the name "
                     "is still taken, waiting for the holder's end or unregistering frees it");
    int rounds = check_rounds(check_env("TR_LONG", 0) ? 1000000 : 50000);
    tr_pid holder = { 0 };

    for (int i = 0; i < rounds; i++) {
        tr_pid p = tr_spawn(idle);
        tr_err err;
        while ((err = tr_register(a_fixed, p)) == TR_EEXIST) {
            if (!tr_whereis(a_fixed, &holder))
                continue;
            if (i % 2) {
                tr_unregister(a_fixed);
            } else {
                tr_ref ref = tr_monitor(holder);
                tr_release(DOWN_REASON(ref));
            }
        }
        CHECK_INT(err, TR_OK);
        tr_exit_to(p, a_kill);
    }
    CHECK_WITHIN(patience(5000), !tr_whereis(a_fixed, NULL));
}

TEST_PROC(register_reports_each_failure_and_changes_nothing)
{
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet), holder;

    CHECK_INT(tr_register(a_one, p), TR_OK);
    CHECK_INT(tr_register(a_one, q), TR_EEXIST);
    CHECK_INT(tr_register(a_one, p), TR_EEXIST);
    CHECK_INT(tr_register(a_two, p), TR_EEXIST);
    CHECK_INT(tr_register(a_three, dead_pid()), TR_ENOPROC);
    CHECK_INT(tr_register(a_three, never_pid()), TR_ENOPROC);
    CHECK_INT(tr_register(a_undefined, q), TR_EINVAL);
    CHECK(tr_whereis(a_one, &holder) && holder.w == p.w);
    CHECK(!tr_whereis(a_two, NULL) && !tr_whereis(a_three, NULL));
    CHECK_INT(tr_register(a_two, q), TR_OK);
}

static void say_name(tr_term arg)
{
    tr_pid to, holder;

    CHECK(tr_match(arg, &to));
    CHECK(tr_whereis(a_fixed, &holder) && holder.w == tr_self().w);
    tr_send(to, a_done);
}

TEST_PROC(name_given_at_spawn_is_there_before_the_process_runs)
{
    struct tr_spawn_opts named = { .name = a_fixed };

    for (int i = 0; i < check_rounds(5000); i++) {
        tr_ref ref;
        named.monitor = &ref;
        tr_pid p = tr_spawn_opt(say_name, &named, tr_self()), holder;
        if (tr_whereis(a_fixed, &holder))
            CHECK_INT(holder.w, p.w);
        CHECK_NEXT(a_done);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
        CHECK(!tr_whereis(a_fixed, NULL));
    }
}
