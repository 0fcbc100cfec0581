/* SPDX-License-Identifier: MIT */
/* Sending: to whom, in which order, and what becomes of it. */

#include "conformance/puppet.h"

#include <stdio.h>
#include <stdlib.h>

tr_atoms(hello, nobody, number, other, name, sender, error);
tr_atom_as(a_elsewhere, "other@elsewhere");

TEST_PROC(send_neither_blocks_nor_fails)
{
    FACT("MSG-001", "sending never waits for the receiver, and a message to a dead pid vanishes");
    const int n = check_rounds(100000);
    tr_pid sleeper = tr_spawn(idle), dead = dead_pid();

    CHECK(tr_suspend(sleeper));
    for (int i = 0; i < n; i++) {
        tr_send(sleeper, a_hello, i);
        tr_send(dead, a_hello, "a text", i);
        tr_send(never_pid(), a_hello);
    }
    CHECK_INFO(sleeper, a_message_queue_len, n);
    CHECK_NO_MESSAGE();
}

static void send_to_nobody(tr_term arg)
{
    (void)arg;
    tr_send(a_nobody, a_hello);
}

static void send_to_nonsense(tr_term arg)
{
    tr_send(arg, a_hello);
}

TEST_PROC(send_to_an_unknown_name_is_badarg)
{
    FACT("MSG-002", "sending to a name that nobody holds is badarg; sending to {Name, Node} never "
                    "fails");
    CHECK_ENDS(tr_build(a_badarg, a_nobody), send_to_nobody);
    CHECK_INT(tr_try_send(a_nobody, a_hello), TR_ENOTFOUND);
    tr_send(tr_build(a_nobody, a_nonode), a_hello);
    tr_send(tr_build(a_nobody, a_elsewhere), a_hello);
    CHECK_INT(tr_try_send(tr_build(a_nobody, a_nonode), a_hello), TR_OK);

    CHECK_INT(tr_register(a_name, tr_self()), TR_OK);
    tr_send(a_name, a_hello, 1);
    tr_send(tr_build(a_name), a_hello, 2);
    tr_send(tr_build(a_name, a_nonode), a_hello, 3);
    tr_send(tr_build(tr_self()), a_hello, 4);
    for (int i = 1; i <= 4; i++)
        CHECK_NEXT(a_hello, i);
    CHECK_NO_MESSAGE();
}

TEST_PROC(send_to_what_is_no_destination_is_badarg)
{
    CHECK_ENDS(tr_build(a_badarg, 5), send_to_nonsense, 5);
    CHECK_BADARG(send_to_nonsense, "name");
    CHECK_BADARG(send_to_nonsense, a_name, a_nonode, 5);
    CHECK_INT(tr_try_send(tr_build(5), a_hello), TR_EBADARG);
    CHECK_INT(tr_try_send(tr_nil(), a_hello), TR_EBADARG);
    CHECK_INT(tr_try_send(tr_build("name"), a_hello), TR_EBADARG);
    CHECK_INT(tr_try_send(tr_build(a_name, a_nonode, 5), a_hello), TR_EBADARG);
}

static bool holds(tr_term list, tr_term wanted)
{
    tr_term item;

    while (tr_list_next(&list, &item))
        if (tr_equal(item, wanted))
            return true;
    return false;
}

/* Takes numbered messages and numbered exit signals in turn. */
static void receive_numbered(tr_term arg)
{
    int last;
    tr_pid to;

    CHECK(tr_match(arg, &to, &last));
    tr_trap_exit(true);
    tr_send(to, a_ready);
    for (int i = 0; i <= last; i++) {
        CHECK_NEXT(a_number, i);
        CHECK_NEXT(a_EXIT, to, tr_tuple(a_number, i));
    }
    tr_send(to, a_done);
}

TEST_PROC(messages_and_exit_signals_keep_their_common_order)
{
    FACT("MSG-003", "messages and exit signals between two processes arrive in the order they were "
                    "sent");
    const int last = check_rounds(50000);
    tr_pid pid = tr_spawn(receive_numbered, tr_self(), last);

    CHECK_NEXT(a_ready);
    for (int i = 0; i <= last; i++) {
        tr_send(pid, a_number, i);
        tr_exit_to(pid, a_number, i);
        if (i % 64 == 0)
            tr_yield();
    }
    CHECK_NEXT(a_done);
}

/* Looks, at each message, at what ties it to the sender, who waits for the answer. */
static void look_at_ties(tr_term arg)
{
    tr_pid from;
    bool linked = false;
    int nmonitors = 0;

    CHECK(tr_match(arg, &from));
    tr_trap_exit(true);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_number, &linked, &nmonitors) {
                size_t watchers = 0;
                CHECK_INT(holds(INFO(tr_self(), a_links), tr_build(from)), linked);
                CHECK(tr_list_length(INFO(tr_self(), a_monitored_by), &watchers));
                CHECK_INT(watchers, nmonitors);
                tr_send(from, a_done);
            }
        }
    }
}

TEST_PROC(ties_made_and_removed_before_a_message_are_seen_with_it)
{
    FACT("MSG-003", "links, unlinks, monitors, demonitors and messages between two processes "
                    "arrive in the order they were sent");
    tr_pid pid = tr_spawn(look_at_ties, tr_self());
    tr_ref refs[4] = { 0 };
    bool linked = false;

    for (unsigned i = 0; i < (unsigned)check_rounds(20000); i++) {
        int nmonitors = 0;
        for (unsigned j = 0; j < 8; j++) {
            unsigned what = (i * 2654435761u + j * 40503u) >> 7;
            tr_ref *ref = &refs[what / 4 % 4];
            if (what % 4 == 0)
                tr_link(pid);
            if (what % 4 == 1)
                tr_unlink(pid);
            if (what % 4 < 2)
                linked = what % 4 == 0;
            if (what % 4 == 2 && !ref->w) {
                *ref = tr_monitor(pid);
            } else if (what % 4 == 3 && ref->w) {
                CHECK(tr_demonitor(*ref));
                ref->w = 0;
            }
        }
        for (int j = 0; j < 4; j++)
            nmonitors += refs[j].w != 0;
        tr_send(pid, a_number, linked, nmonitors);
        CHECK_NEXT(a_done);
    }
}

static void send_numbers(tr_term arg)
{
    tr_pid to;
    int sender, n;

    CHECK(tr_match(arg, &to, &sender, &n));
    for (int i = 0; i < n; i++) {
        if (i % 2)
            tr_send(to, sender, i);
        else
            tr_send(to, tr_tuple(sender, i));
    }
}

TEST_PROC(senders_do_not_disturb_each_others_order)
{
    FACT("MSG-004", "of several senders all messages arrive, each sender's in its order; nothing "
                    "else is promised");
    enum { SENDERS = 16, EACH = 5000 };
    int next[SENDERS] = { 0 }, sender, n;

    for (int i = 0; i < SENDERS; i++)
        tr_spawn(send_numbers, tr_self(), i, EACH);
    for (int i = 0; i < SENDERS * EACH; i++) {
        tr_receive (m) {
            tr_on (m, &sender, &n) {
                CHECK_INT(n, next[sender]);
                next[sender]++;
            }
            tr_after (m, patience(10000))
                CHECK(false);
        }
    }
    CHECK_NO_MESSAGE();
}

static void check_bytes(tr_term arg)
{
    tr_pid to;
    tr_bin bin;

    CHECK(tr_match(arg, &to));
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_number, &bin) {
                for (size_t i = 0; i < bin.size; i++)
                    CHECK_INT(((const char *)bin.data)[i], 'a');
                tr_send(to, a_done);
            }
        }
    }
}

TEST_PROC(message_does_not_change_with_the_senders_copy)
{
    FACT("MSG-005", "a message is a copy: what the sender changes afterwards is not seen");
    static const size_t sizes[] = { 1, 63, 64, 65, 1000, 100000 };
    tr_pid pid = tr_spawn(check_bytes, tr_self());
    char *bytes = tr_alloc(100000);

    for (int i = 0; i < check_rounds(6000); i++) {
        size_t size = sizes[i % 6];
        memset(bytes, 'a', size);
        tr_send(pid, a_number, ((tr_bin){ bytes, size }));
        memset(bytes, 'b', size);
        CHECK_NEXT(a_done);
    }
}

TEST_PROC(message_outlives_the_terms_it_was_made_of)
{
    for (int i = 0; i < check_rounds(1000); i++) {
        tr_scope
        {
            tr_term list = tr_nil();
            for (int j = 0; j < 20; j++)
                list = tr_list_push(list, tr_build(j, "text", 1.5, tr_map(j, tr_list(j))));
            tr_send(tr_self(), a_hello, list);
        }
        tr_scope
        {
            tr_term other = tr_nil();
            for (int j = 0; j < 40; j++)
                other = tr_list_push(other, tr_build(a_other, j));
        }
        tr_term list;
        tr_receive (m) {
            tr_on (m, a_hello, &list) {
                for (int j = 19; j >= 0; j--, list = tr_tail(list))
                    CHECK_TERM(tr_head(list), tr_build(j, "text", 1.5, tr_map(j, tr_list(j))));
                CHECK(tr_is_nil(list));
            }
        }
    }
}

/* Sends the term to itself as it is, and as a part of another one. */
static void check_arrives(tr_term term)
{
    tr_send(tr_self(), term);
    CHECK_NEXT(term);
    tr_send(tr_self(), a_hello, term, term);
    CHECK_NEXT(a_hello, term, term);
}

/* Tuples of immediates are copied in one go: up to a word that is none, wherever it stands. */
TEST_PROC(message_of_one_object_is_whole_whatever_stands_in_it)
{
    static const char large[100] = "shared";
    const int most = 150;
    tr_term items[150], boxed[] = { tr_build("text"), tr_build(tr_list(1, a_hello)), tr_build(1.5),
                                    tr_build(a_hello, 1), tr_binary(large, sizeof large) };
    tr_term immediates[] = {
        tr_build(7), tr_build(a_hello), tr_build(tr_self()), tr_build(tr_make_ref()),
        tr_nil(),    tr_build(-1)
    };

    for (int n = 0; n <= most; n += n < 20 ? 1 : 13)
        tr_scope
        {
            for (int i = 0; i < n; i++)
                items[i] = immediates[i % 6];
            check_arrives(tr_tuple_from_array(items, (size_t)n));
            check_arrives(tr_list_from_array(items, (size_t)n));
            for (int at = 0; at < n; at += n < 20 ? 1 : 7) {
                tr_term was = items[at];
                items[at] = boxed[at % 5];
                check_arrives(tr_tuple_from_array(items, (size_t)n));
                items[at] = was;
            }
        }
    for (int i = 0; i < 5; i++)
        check_arrives(boxed[i]);
}

static void pass_on(tr_term arg)
{
    tr_pid to;
    tr_term bytes;

    CHECK(tr_match(arg, &to));
    for (;;)
        tr_receive (m)
            tr_on (m, &bytes) {
                tr_send(to, bytes);
                tr_send(to, a_hello, bytes);
            }
}

/* Processes of all workers let go of the same bytes in any order; the last one frees them. */
TEST_PROC(bytes_that_many_share_live_as_long_as_anybody_has_them)
{
    static const char large[1000] = "shared";
    const int n = check_rounds(2000);
    tr_pid to[4];
    tr_term bytes;

    for (int i = 0; i < 4; i++)
        to[i] = tr_spawn_link(pass_on, tr_self());
    for (int i = 0; i < n; i++)
        tr_scope
        {
            tr_term made = tr_binary(large, sizeof large);
            for (int k = 0; k < 4; k++)
                tr_send(to[k], i % 3 ? made : tr_sub_binary(made, 1, 500));
        }
    for (int i = 0; i < 8 * n; i++)
        tr_receive (m) {
            tr_on (m, a_hello, &bytes)
                CHECK(bytes.w != 0);
            tr_on (m, &bytes)
                CHECK(tr_is_binary(bytes));
        }
    CHECK_NO_MESSAGE();
}

TEST_PROC(name_is_resolved_when_the_message_is_sent)
{
    FACT("MSG-006", "a name is looked up when the message is sent; giving it to another process "
                    "later does not redirect it");
    tr_pid p = tr_spawn(puppet), q = tr_spawn(puppet);

    for (int i = 0; i < 1000; i++) {
        CHECK(tr_suspend(p));
        CHECK_INT(tr_register(a_name, p), TR_OK);
        tr_send(a_name, a_number, i);
        CHECK_INT(tr_unregister(a_name), TR_OK);
        CHECK_INT(tr_register(a_name, q), TR_OK);
        CHECK(tr_resume(p));
        CHECK_INT(tr_unregister(a_name), TR_OK);
    }
    CHECK_INFO(p, a_message_queue_len, 1000);
    CHECK_INFO(q, a_message_queue_len, 0);
}

static void count_to(tr_term arg)
{
    tr_pid to;
    int n;

    CHECK(tr_match(arg, &to, &n));
    for (int i = 0; i < n; i++)
        tr_receive (m)
            tr_on (m, a_number, i) {
            }
    tr_send(to, a_done, tr_self());
}

TEST_PROC(starting_process_loses_no_message)
{
    FACT("MSG-008", "a process that is just starting accepts messages; none sent since its pid was "
                    "known is lost");
    for (int i = 0; i < check_rounds(5000); i++) {
        tr_pid pid = tr_spawn(count_to, tr_self(), 20);
        for (int j = 0; j < 20; j++)
            tr_send(pid, a_number, j);
        CHECK_NEXT(a_done, pid);
    }
}

TEST_PROC(messages_are_made_of_any_number_of_arguments)
{
    bool yes = true;
    char text[] = "on the stack";

    tr_send(tr_self());
    CHECK_NEXT();
    tr_send(tr_self(), 1);
    CHECK_NEXT(1);
    tr_send(tr_self(), text);
    CHECK_NEXT("on the stack");
    tr_send(tr_self(), yes, 1.5, INT64_MIN, UINT64_MAX);
    CHECK_NEXT(yes, 1.5, INT64_MIN, UINT64_MAX);
    tr_send(tr_self(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    CHECK_NEXT(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    tr_send(tr_self(), tr_cons(1, 2, tr_self()), tr_map());
    CHECK_NEXT(tr_cons(1, 2, tr_self()), tr_map());
    CHECK_INT(tr_try_send(tr_self(), text, 1), TR_OK);
    CHECK_NEXT("on the stack", 1);
}

static void send_null_string(tr_term arg)
{
    tr_pid to;
    const char *none = NULL;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_hello, none);
}

static void send_nan(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_hello, __builtin_nan(""));
}

static void send_capture(tr_term arg)
{
    tr_pid to;
    int n = 0;

    CHECK(tr_match(arg, &to));
    tr_send(to, a_hello, &n);
}

static void send_unset_term(tr_term arg)
{
    tr_pid to;
    tr_term unset = { 0 };

    CHECK(tr_match(arg, &to));
    tr_send(to, a_hello, unset);
}

TEST_PROC(arguments_that_are_no_terms_are_badarg_and_send_nothing)
{
    CHECK_BADARG(send_null_string, tr_self());
    CHECK_BADARG(send_nan, tr_self());
    CHECK_BADARG(send_capture, tr_self());
    CHECK_BADARG(send_unset_term, tr_self());
    CHECK_NO_MESSAGE();
}

/* Takes the first `n` numbers in an order that is drawn, so that their memory is free in no order.
 */
static void take_in_any_order(int n)
{
    int order[300] = { 0 };

    for (int i = 0; i < n; i++) {
        int at = (int)tr_random((uint64_t)i + 1);
        order[i] = order[at];
        order[at] = i;
    }
    for (int i = 0; i < n; i++)
        tr_receive (m)
            tr_on (m, a_number, order[i]) {
            }
}

static bool is_next(tr_term message, int *met)
{
    CHECK(tr_match(message, a_number, *met));
    ++*met;
    return true;
}

TEST_PROC(a_walk_meets_each_message_in_order_wherever_they_lie)
{
    for (int n = 1; n <= 300; n += 23) {
        int met = 0;

        for (int i = 0; i < n; i++)
            tr_send(tr_self(), a_number, i);
        take_in_any_order(n);
        for (int i = 0; i < n; i++)
            tr_send(tr_self(), a_number, i);
        tr_receive (m) {
            tr_when (m, is_next(m.message, &met) && met == n)
                continue;
        }
        for (int i = 0; i < n - 1; i++)
            CHECK_NEXT(a_number, i);
        CHECK_NO_MESSAGE();
    }
}
