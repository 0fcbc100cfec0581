/* SPDX-License-Identifier: MIT */
/* Selective receive: which message, when, how long, and how long what it gave lives. */

#include "conformance/puppet.h"

tr_atoms(a, b, number, noise, wanted, timeout, timeout_value, last, outer, inner, text);

TEST_PROC(receive_takes_the_oldest_message_any_clause_accepts)
{
    FACT("MSG-009", "for each message in order of arrival all clauses are tried before the next "
                    "message");
    tr_atom got = a_done;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_send(tr_self(), a_noise);
        tr_send(tr_self(), a_b);
        tr_send(tr_self(), a_a);
        tr_receive (m) {
            tr_on (m, a_a)
                got = a_a;
            tr_on (m, a_b)
                got = a_b;
        }
        CHECK(got.w == a_b.w);
        tr_receive (m)
            tr_on (m, &got) {
            }
        CHECK(got.w == a_noise.w);
        CHECK_NEXT(a_a);
    }
}

TEST_PROC(rejected_messages_keep_their_order)
{
    FACT("MSG-010", "messages that no clause accepts stay in their order for later receives");
    for (int i = 0; i < 300; i++)
        tr_send(tr_self(), a_number, i);
    for (int i = 1; i < 300; i += 3)
        tr_receive (m)
            tr_on (m, a_number, i) {
            }
    tr_send(tr_self(), a_last);
    tr_receive (m)
        tr_on (m, a_last) {
        }
    tr_receive (m) {
        tr_on (m, a_wanted)
            CHECK(false);
        tr_after (m, 0) {
        }
    }
    for (int i = 0; i < 300; i++)
        if (i % 3 != 1)
            CHECK_NEXT(a_number, i);
    CHECK_NO_MESSAGE();
}

static int nlooks;

static tr_atom looked_for(tr_atom name)
{
    nlooks++;
    return name;
}

static void send_one_by_one(tr_term arg)
{
    tr_pid to;
    int n;

    CHECK(tr_match(arg, &to, &n));
    for (int i = 0; i < n; i++) {
        tr_send(to, a_noise);
        tr_sleep(1);
    }
    tr_send(to, a_wanted);
}

TEST_PROC(waiting_receive_looks_at_each_message_once)
{
    FACT("MSG-011", "a receive that waits is woken by new messages and looks only at those");
    for (int i = 0; i < 1000; i++)
        tr_send(tr_self(), a_noise);
    tr_spawn(send_one_by_one, tr_self(), 50);
    tr_receive (m) {
        tr_on (m, looked_for(a_wanted)) {
        }
        tr_after (m, patience(10000))
            CHECK(false);
    }
    CHECK_INT(nlooks, 1051);
    for (int i = 0; i < 1050; i++)
        CHECK_NEXT(a_noise);
    CHECK_NO_MESSAGE();
}

static void make_noise(tr_term arg)
{
    tr_pid to;

    CHECK(tr_match(arg, &to));
    for (int64_t end = check_now_ms() + 2000; check_now_ms() < end;) {
        tr_send(to, a_noise);
        tr_sleep(5);
    }
}

TEST_PROC(timeout_counts_from_the_start_of_the_receive)
{
    FACT("MSG-012", "messages that do not match do not restart the timeout");
    tr_pid noise = tr_spawn(make_noise, tr_self());

    for (int i = 0; i < 3; i++) {
        int64_t start = check_now_ms();
        tr_receive (m) {
            tr_on (m, a_wanted)
                CHECK(false);
            tr_after (m, 200) {
            }
        }
        int64_t took = check_now_ms() - start;
        CHECK(took >= 199 && took < 200 + patience(300));
    }
    end(noise);
    CHECK(tr_mailbox_length() > 10);
}

static void wait_for_ever(tr_term arg)
{
    (void)arg;
    tr_receive (m) {
        tr_on (m, a_wanted) {
        }
        tr_after (m, TR_INFINITY)
            tr_exit(a_timeout);
    }
}

static void wait_negative(tr_term arg)
{
    int64_t ms;

    CHECK(tr_match(arg, &ms));
    tr_receive (m) {
        tr_on (m, a_wanted) {
        }
        tr_after (m, ms)
            tr_exit(a_timeout);
    }
}

static void sleep_for(tr_term arg)
{
    int64_t ms;

    CHECK(tr_match(arg, &ms));
    tr_sleep(ms);
}

TEST_PROC(infinity_never_fires_and_negative_times_are_refused)
{
    FACT("MSG-013", "a timeout of infinity never fires; a negative one ends the caller with "
                    "timeout_value");
    tr_ref ref;
    tr_pid pid = tr_spawn_monitor(wait_for_ever, &ref);

    tr_receive (m) {
        tr_on (m, tr_any())
            CHECK(false);
        tr_after (m, 300) {
        }
    }
    tr_send(pid, a_wanted);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
    CHECK_ENDS(tr_build(a_timeout_value), wait_negative, -1);
    CHECK_ENDS(tr_build(a_timeout_value), wait_negative, INT64_MIN);
    CHECK_ENDS(tr_build(a_timeout_value), wait_negative, -(INT64_C(1) << 40));
}

TEST_PROC(sleep_may_be_longer_than_any_timer_or_nothing)
{
    FACT("MSG-014", "sleeping more than 2^32 ms is allowed and lasts; sleeping 0 returns at once");
    static const int64_t times[] = { INT64_C(1) << 32, INT64_C(1) << 33, INT64_C(1) << 50,
                                     INT64_MAX, TR_INFINITY };
    enum { N = sizeof times / sizeof *times };
    tr_pid pids[N], waiting[N];

    for (int i = 0; i < N; i++) {
        pids[i] = tr_spawn(sleep_for, times[i]);
        waiting[i] = tr_spawn(wait_negative, times[i]);
    }
    int64_t start = check_now_ms();
    for (int i = 0; i < check_rounds(10000); i++)
        tr_sleep(0);
    CHECK(check_now_ms() - start < patience(1000));
    tr_sleep(300);
    CHECK(check_now_ms() - start >= 299);
    for (int i = 0; i < N; i++)
        CHECK(tr_is_alive(pids[i]) && tr_is_alive(waiting[i]));

    tr_ref ref;
    tr_spawn_monitor(sleep_for, &ref, -5);
    CHECK(!tr_equal(DOWN_REASON(ref), tr_build(a_normal)));
}

TEST_PROC(draining_gives_all_messages_and_then_the_timeout)
{
    FACT("MSG-015", "receiving anything with timeout 0 gives all messages in order, then the "
                    "timeout");
    int n = 0, got;
    bool empty = false;

    for (int i = 0; i < 1000; i++)
        tr_send(tr_self(), i);
    while (!empty) {
        tr_receive (m) {
            tr_on (m, &got) {
                CHECK_INT(got, n);
                n++;
            }
            tr_after (m, 0)
                empty = true;
        }
    }
    CHECK_INT(n, 1000);
}

TEST_PROC(timeout_zero_prefers_a_message_that_is_there)
{
    for (int i = 0; i < check_rounds(10000); i++) {
        bool got = false;
        tr_send(tr_self(), a_noise);
        tr_send(tr_self(), a_wanted);
        tr_receive (m) {
            tr_after (m, 0)
                CHECK(false);
            tr_on (m, a_wanted)
                got = true;
        }
        CHECK(got);
        CHECK_NEXT(a_noise);
    }
}

static int nlimits;

/* The message is in the mailbox when the receive learns how long it may wait. */
static int64_t limit_of(int64_t ms)
{
    nlimits++;
    tr_send(tr_self(), a_wanted);
    tr_yield();
    return ms;
}

TEST_PROC(what_comes_while_the_limit_is_computed_is_not_overlooked)
{
    static const int64_t limits[] = { 0, 1, 100000, TR_INFINITY };

    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        bool got = false;
        tr_send(tr_self(), a_noise);
        tr_receive (m) {
            tr_on (m, a_wanted)
                got = true;
            tr_after (m, limit_of(limits[i]))
                CHECK(false);
        }
        CHECK(got);
        CHECK_NEXT(a_noise);
        CHECK_NO_MESSAGE();
        CHECK_INT(nlimits, i + 1);
    }
}

static int leave_in_each_way(int way)
{
    int passed = 0;

    for (int i = 0; i < 2; i++) {
        tr_receive (m) {
            tr_on (m, a_number, 1)
                break;
            tr_on (m, a_number, 2)
                continue;
            tr_on (m, a_number, 3)
                return way + 100;
            tr_on (m, a_number, 4)
                goto out;
            tr_on (m, a_number, 5) {
            }
        }
        passed++;
    }
    return passed;
out:
    return way + 200;
}

TEST_PROC(clause_may_be_left_in_every_way)
{
    for (int round = 0; round < 1000; round++) {
        for (int way = 1; way <= 5; way++) {
            tr_send(tr_self(), a_noise);
            tr_send(tr_self(), a_number, way);
            tr_send(tr_self(), a_number, way);
            int result = leave_in_each_way(way);
            CHECK_INT(result, way == 3 ? 103 : way == 4 ? 204 : 2);
            /* What was not taken is still there. */
            CHECK_NEXT(a_noise);
            if (way == 3 || way == 4)
                CHECK_NEXT(a_number, way);
            CHECK_NO_MESSAGE();
        }
    }
}

TEST_PROC(receives_nest)
{
    const char *outer, *inner;

    for (int i = 0; i < check_rounds(1000); i++) {
        tr_send(tr_self(), a_inner, "the inner text, longer than a word");
        tr_send(tr_self(), a_outer, "the outer text, longer than a word");
        tr_receive (m) {
            tr_on (m, a_outer, &outer) {
                tr_term built = tr_build(a_outer, i);
                tr_receive (n) {
                    tr_on (n, a_inner, &inner) {
                        CHECK_STR(inner, "the inner text, longer than a word");
                        CHECK_STR(outer, "the outer text, longer than a word");
                    }
                }
                tr_receive (n) {
                    tr_on (n, tr_any())
                        CHECK(false);
                    tr_after (n, 0)
                        tr_build(a_inner, i);
                }
                CHECK_STR(outer, "the outer text, longer than a word");
                CHECK_TERM(built, tr_build(a_outer, i));
            }
        }
    }
}

static int64_t kept_length(tr_term list)
{
    size_t n = 0;

    CHECK(tr_list_length(list, &n));
    return (int64_t)n;
}

TEST_PROC(what_is_kept_outlives_its_clause)
{
    tr_term list = { 0 }, kept[100];

    for (int i = 0; i < 100; i++) {
        tr_send(tr_self(), tr_list(i, "some text", tr_tuple(a_text, i)));
        tr_receive (m)
            tr_on (m, &list)
                kept[i] = tr_keep(list);
    }
    for (int i = 0; i < 100; i++) {
        CHECK_INT(kept_length(kept[i]), 3);
        CHECK_TERM(kept[i], tr_build(tr_list(i, "some text", tr_tuple(a_text, i))));
        tr_release(kept[i]);
    }
}

/* Messages of 1 MiB, one at a time: a clause that leaked would need 4 GiB. */
TEST_PROC(what_a_clause_was_handed_and_built_goes_with_it)
{
    enum { MIB = 1 << 20 };
    char *bytes = tr_alloc(MIB);
    tr_bin bin;
    int64_t most = 0, memory;

    memset(bytes, 'x', MIB);
    for (int i = 0; i < check_rounds(2000); i++) {
        tr_send(tr_self(), a_text, ((tr_bin){ bytes, MIB }));
        tr_receive (m) {
            tr_on (m, a_text, &bin) {
                tr_term list = tr_nil();
                for (int j = 0; j < 100; j++)
                    list = tr_list_push(list, tr_build(j, "text"));
                CHECK_INT(bin.size, MIB);
            }
        }
        if (i % 100 == 99) {
            tr_scope
            {
                CHECK(tr_match(INFO(tr_self(), (tr_intern("memory"))), &memory));
            }
            most = most > memory ? most : memory;
        }
    }
    CHECK(most < 16 * MIB);
}
