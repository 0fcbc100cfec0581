/* SPDX-License-Identifier: MIT */
/* What can be asked about processes, and the dictionary. */

#include "base/compiler.h"
#include "conformance/puppet.h"

#include <stdatomic.h>

tr_atoms(a, b, c, registered_name, label, job, status, memory, heap_size, total_heap_size,
         stack_size, reductions, trap_exit, priority, group_leader, dictionary, initial_call,
         parent, ancestors, running, runnable, waiting, suspended, nonsense, key, value, other,
         backtrace);
tr_atom_as(a_false, "false");
tr_atom_as(a_true, "true");

TEST_PROC(info_about_the_dead_is_none)
{
    FACT("PROC-018", "there is no information about a dead pid, neither one item nor a list");
    tr_term value = { 7 };

    CHECK(!tr_process_info(dead_pid(), a_links, &value));
    CHECK(!tr_process_info_list(dead_pid(), tr_build(tr_list(a_links, a_messages)), &value));
    CHECK(!tr_process_info(never_pid(), a_links, &value));
    CHECK_INT(value.w, 7);
}

static void ask_nonsense(tr_term arg)
{
    tr_term value;

    (void)arg;
    tr_process_info(tr_self(), a_nonsense, &value);
}

static void ask_list_with_nonsense(tr_term arg)
{
    tr_term value;

    tr_process_info_list(tr_self(), arg, &value);
}

TEST_PROC(info_of_an_unknown_item_is_badarg)
{
    CHECK_ENDS(tr_build(a_badarg, a_nonsense), ask_nonsense);
    CHECK_BADARG(ask_list_with_nonsense, tr_list(a_links, a_nonsense));
    CHECK_BADARG(ask_list_with_nonsense, tr_list(5));
    CHECK_BADARG(ask_list_with_nonsense, a_links);
}

TEST_PROC(info_list_keeps_order_and_repeats)
{
    FACT("PROC-019", "several items come in the order asked, one asked for twice comes twice");
    tr_term items = tr_build(
        tr_list(a_message_queue_len, a_links, a_registered_name, a_message_queue_len, a_trap_exit));
    tr_pid pid = tr_spawn(puppet);
    tr_term values;
    tr_term want =
        tr_build(tr_list(tr_tuple(a_message_queue_len, 1), tr_tuple(a_links, tr_list()),
                         tr_tuple(a_registered_name, tr_list()), tr_tuple(a_message_queue_len, 1),
                         tr_tuple(a_trap_exit, a_false)));

    tr_send(pid, a_other);
    CHECK(tr_process_info_list(pid, items, &values));
    CHECK_TERM(values, want);
    tr_send(tr_self(), a_other);
    CHECK(tr_process_info_list(tr_self(), items, &values));
    CHECK_TERM(values, want);
    CHECK(tr_process_info_list(pid, tr_nil(), &values));
    CHECK_TERM(values, tr_nil());
}

TEST_PROC(messages_are_listed_in_order_and_stay)
{
    FACT("PROC-020", "item messages lists the mailbox in order of arrival and removes nothing; "
                     "message_queue_len is its length");
    tr_pid pid = tr_spawn(puppet);
    tr_term list = tr_nil();

    for (int i = 0; i < 1000; i++) {
        tr_send(pid, i, "text", tr_list(i, i));
        list = tr_list_push(list, tr_build(i, "text", tr_list(i, i)));
        tr_scope
        {
            CHECK_INFO(pid, a_message_queue_len, i + 1);
        }
    }
    for (int i = 0; i < 2; i++)
        CHECK_TERM(INFO(pid, a_messages), tr_list_reverse(list));
    CHECK_INFO(pid, a_message_queue_len, 1000);
}

TEST_PROC(registered_name_is_listed)
{
    FACT("PROC-021", "item registered_name is [] without a name, else the name");
    tr_pid pid = tr_spawn(puppet);

    CHECK_INFO(pid, a_registered_name, tr_list());
    CHECK_INT(tr_register(a_job, pid), TR_OK);
    CHECK_INFO(pid, a_registered_name, a_job);
    CHECK_INT(tr_unregister(a_job), TR_OK);
    CHECK_INFO(pid, a_registered_name, tr_list());
}

TEST_PROC(links_and_monitors_are_listed)
{
    FACT("PROC-022", "links lists linked pids, monitors what is watched, a name as {process, "
                     "{Name, Node}}, monitored_by the watchers, twice who watches twice");
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet);

    CHECK_INFO(p, a_links, tr_list());
    CHECK_INFO(p, a_monitors, tr_list());
    CHECK_INFO(p, a_monitored_by, tr_list());
    ORDER(p, order_link, q);
    CHECK_INFO(p, a_links, tr_list(q));
    CHECK_INFO(q, a_links, tr_list(p));
    ORDER(p, order_unlink, q);

    ORDER(p, order_monitor, q);
    CHECK_INFO(p, a_monitors, tr_list(tr_tuple(a_process, q)));
    ORDER(p, order_monitor, q);
    CHECK_INFO(p, a_monitors, tr_list(tr_tuple(a_process, q), tr_tuple(a_process, q)));
    CHECK_INFO(q, a_monitored_by, tr_list(p, p));

    CHECK_INT(tr_register(a_job, p), TR_OK);
    ORDER(q, order_monitor, a_job);
    CHECK_INFO(q, a_monitors, tr_list(tr_tuple(a_process, tr_tuple(a_job, a_nonode))));
    CHECK_INFO(p, a_monitored_by, tr_list(q));
}

static tr_term order_label(tr_term term)
{
    tr_set_label(term);
    return tr_nil();
}

TEST_PROC(label_is_set_by_the_owner_and_read_by_all)
{
    FACT("PROC-023", "a process sets its label; any other reads it; undefined until then");
    tr_pid p = tr_spawn(puppet);
    tr_term value;

    CHECK_INFO(p, a_label, a_undefined);
    ORDER(p, order_label, a_job, 5, "in the cellar");
    CHECK_INFO(p, a_label, tr_tuple(a_job, 5, "in the cellar"));
    ORDER(p, order_label, a_job, 6);
    CHECK_INFO(p, a_label, tr_tuple(a_job, 6));
    tr_set_label(tr_build(a_job));
    CHECK_INFO(tr_self(), a_label, a_job);
    end(p);
    CHECK(!tr_process_info(p, a_label, &value));
}

static bool is_in(tr_term list, tr_pid pid)
{
    tr_term item;

    while (tr_list_next(&list, &item))
        if (tr_equal(item, tr_build(pid)))
            return true;
    return false;
}

static atomic_bool churning;

static void churn(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    while (atomic_load(&churning))
        tr_spawn(puppet_nothing);
    tr_send(to, a_done);
}

TEST_PROC(list_of_processes_holds_exactly_the_living)
{
    FACT("PROC-024", "processes() lists all that live, the caller too, and none that has ended; "
                     "sending to those listed is safe whatever they are doing");
    tr_pid living[10], dead[10];

    for (int i = 0; i < 10; i++) {
        living[i] = tr_spawn(puppet);
        dead[i] = dead_pid();
    }
    atomic_store(&churning, true);
    for (int i = 0; i < 4; i++)
        tr_spawn(churn, tr_self());
    for (int round = 0; round < 300; round++) {
        tr_scope
        {
            tr_term list = tr_processes(), item;
            CHECK(is_in(list, tr_self()));
            for (int i = 0; i < 10; i++) {
                CHECK(is_in(list, living[i]));
                CHECK(!is_in(list, dead[i]));
            }
            while (tr_list_next(&list, &item))
                if (!tr_equal(item, tr_build(tr_self())))
                    tr_send(item, a_other);
        }
    }
    atomic_store(&churning, false);
    for (int i = 0; i < 4; i++)
        CHECK_NEXT(a_done);
    for (int i = 0; i < 10; i++)
        CHECK_INFO(living[i], a_message_queue_len, 300);
}

static bool is_unset(tr_term term)
{
    return term.w == 0;
}

TEST_PROC(dictionary_keeps_terms_by_key)
{
    FACT("PROC-025", "put, get and erase of the dictionary give the value before or none; keys, "
                     "and keys of a value, can be listed");
    tr_term key = tr_build(a_key, 1, "one");
    tr_term keys;

    CHECK(is_unset(tr_get(key)));
    CHECK(is_unset(tr_put(key, tr_build(a_a, tr_list(1, 2)))));
    CHECK_TERM(tr_get(tr_build(a_key, 1, "one")), tr_build(a_a, tr_list(1, 2)));
    CHECK_TERM(tr_put(key, tr_build(a_b)), tr_build(a_a, tr_list(1, 2)));
    CHECK_TERM(tr_get(key), tr_build(a_b));
    CHECK(is_unset(tr_get(tr_build(a_key, 1.0, "one"))));

    CHECK(is_unset(tr_put(tr_build(a_other), tr_build(a_b))));
    CHECK(is_unset(tr_put(tr_build(a_c), tr_build(5))));
    keys = tr_get_keys();
    size_t n = 0;
    CHECK(tr_list_length(keys, &n) && n == 3);
    keys = tr_get_keys_of(tr_build(a_b));
    CHECK(tr_list_length(keys, &n) && n == 2);
    CHECK_TERM(tr_get_keys_of(tr_build(5)), tr_build(tr_list(a_c)));
    CHECK_TERM(tr_get_keys_of(tr_build(6)), tr_nil());

    CHECK_TERM(tr_erase(key), tr_build(a_b));
    CHECK(is_unset(tr_erase(key)));
    CHECK(is_unset(tr_get(key)));
    CHECK_TERM(tr_get_keys_of(tr_build(a_b)), tr_build(tr_list(a_other)));
    CHECK_TERM(tr_erase(tr_build(a_other)), tr_build(a_b));
    CHECK_INFO(tr_self(), a_dictionary, tr_list(tr_tuple(a_c, 5)));
}

TEST_PROC(dictionary_values_outlive_the_scope_they_were_put_in)
{
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_scope
        {
            tr_put(tr_build(a_key, i), tr_build(a_value, i, tr_list(i, "some text")));
        }
    }
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_scope
        {
            CHECK_TERM(tr_get(tr_build(a_key, i)), tr_build(a_value, i, tr_list(i, "some text")));
        }
    }
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_scope
        {
            CHECK_TERM(tr_erase(tr_build(a_key, i)), tr_build(a_value, i, tr_list(i, "some text")));
        }
    }
    CHECK_TERM(tr_get_keys(), tr_nil());
}

static tr_term order_put(tr_term value)
{
    tr_put(tr_build(a_key), value);
    return tr_get(tr_build(a_key));
}

TEST_PROC(dictionary_belongs_to_its_process)
{
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet);

    CHECK_TERM(ORDER(p, order_put, 1), tr_build(1));
    CHECK_TERM(ORDER(q, order_put, 2), tr_build(2));
    CHECK_INFO(p, a_dictionary, tr_list(tr_tuple(a_key, 1)));
    CHECK(is_unset(tr_get(tr_build(a_key))));
}

static tr_term order_reports(tr_term arg)
{
    tr_term list, call;

    CHECK(tr_match(arg, &list, &call));
    tr_set_ancestors(list);
    tr_set_initial_call(call);
    return tr_nil();
}

TEST_PROC(every_item_has_a_value_of_its_kind)
{
    static tr_atom *const sizes[] = { &a_memory,     &a_heap_size,  &a_total_heap_size,
                                      &a_stack_size, &a_reductions, &a_message_queue_len };
    static tr_atom *const lists[] = { &a_links, &a_monitors, &a_monitored_by, &a_messages,
                                      &a_dictionary };
    tr_pid p = tr_spawn(puppet), asked[] = { p, tr_self() };
    int64_t n;

    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            CHECK(tr_match(INFO(asked[k], *sizes[i]), &n) && n >= 0);
        for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
            CHECK(tr_is_list(INFO(asked[k], *lists[i])));
        CHECK(tr_match(INFO(asked[k], a_memory), &n) && n > 0);
        CHECK_INFO(asked[k], a_trap_exit, a_false);
        CHECK_INFO(asked[k], a_priority, a_normal);
        CHECK(tr_is_pid(INFO(asked[k], a_group_leader)));
        INFO(asked[k], a_initial_call);
        INFO(asked[k], a_ancestors);
    }
    CHECK_INFO(tr_self(), a_status, a_running);
    CHECK_WITHIN(patience(5000), tr_equal(INFO(p, a_status), tr_build(a_waiting)));
    CHECK(tr_suspend(p));
    CHECK_INFO(p, a_status, a_suspended);
    CHECK(tr_resume(p));

    ORDER(p, order_reports, tr_list(a_job, tr_self()), tr_tuple(a_a, a_b, 1));
    CHECK_INFO(p, a_ancestors, tr_list(a_job, tr_self()));
    CHECK_INFO(p, a_initial_call, tr_tuple(a_a, a_b, 1));
}

static void ask_itself_and_end(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_ready, tr_self());
    tr_receive (m)
        tr_on (m, a_go) {
        }
}

TEST_PROC(asking_a_process_that_ends_never_hangs)
{
    tr_pid pid = { 0 };
    tr_term value;

    for (int i = 0; i < check_rounds(5000); i++) {
        tr_spawn(ask_itself_and_end, tr_self());
        tr_receive (m)
            tr_on (m, a_ready, &pid) {
            }
        tr_send(pid, a_go);
        if (tr_process_info(pid, a_message_queue_len, &value))
            CHECK(tr_is_integer(value));
        CHECK_WITHIN(patience(5000), !tr_is_alive(pid));
    }
}

/* --- backtrace --- */

static TR__NOINLINE void waits_deep_inside(void)
{
    tr_receive (m)
        tr_on (m, a_key) {
        }
    __asm__ volatile("" ::: "memory");
}

static void waits_somewhere(tr_term arg)
{
    (void)arg;
    waits_deep_inside();
    __asm__ volatile("" ::: "memory");
}

static bool names(tr_term list, const char *function)
{
    tr_term item;
    const char *text;

    while (tr_list_next(&list, &item))
        if (tr_match(item, &text) && strncmp(text, function, strlen(function)) == 0)
            return true;
    return false;
}

static void hibernates(tr_term arg)
{
    tr_hibernate(waits_somewhere, arg);
}

TEST_PROC(backtrace_names_the_calls_of_another_process)
{
    tr_term list;

    tr_pid pid = tr_spawn(waits_somewhere);
    CHECK_WITHIN(10000,
                 tr_process_info(pid, a_backtrace, &list) && names(list, "waits_deep_inside+0x"));
    CHECK(names(list, "waits_somewhere+0x"));
    CHECK(tr_process_info(tr_self(), a_backtrace, &list));
    CHECK(names(list, "tr_process_info+0x"));
    pid = tr_spawn(hibernates);
    CHECK_WITHIN(10000, tr_process_info(pid, a_backtrace, &list) && tr_is_nil(list));
}
