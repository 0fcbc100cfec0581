/* SPDX-License-Identifier: MIT */
/* Caps on memory, mailbox and reductions: what happens at each, and what never counts. */
#include "conformance/caps.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

tr_atoms(out_of_memory, mailbox_full, reductions, drop_oldest, max_memory, max_mailbox,
         mailbox_policy, max_reductions, messages_dropped, senders_waiting, memory);

TEST_PROC(caps_are_off_by_default_and_told_by_process_info)
{
    tr_pid plain = tr_spawn(idle);
    const struct tr_spawn_opts opts = { .max_memory = 1 << 20,
                                        .max_mailbox = 7,
                                        .mailbox_policy = TR_MAILBOX_DROP_OLDEST,
                                        .max_reductions = 1 << 30 };
    tr_pid capped = tr_spawn_opt(idle, &opts);
    tr_term value;

    CHECK_INT(number_of(plain, a_max_memory), 0);
    CHECK_INT(number_of(plain, a_max_mailbox), 0);
    CHECK_INT(number_of(plain, a_max_reductions), 0);
    CHECK_INT(number_of(plain, a_messages_dropped), 0);
    CHECK_INT(number_of(plain, a_senders_waiting), 0);
    CHECK_INT(number_of(capped, a_max_memory), 1 << 20);
    CHECK_INT(number_of(capped, a_max_mailbox), 7);
    CHECK_INT(number_of(capped, a_max_reductions), 1 << 30);
    CHECK(tr_process_info(capped, a_mailbox_policy, &value));
    CHECK_TERM(value, tr_build(a_drop_oldest));
}

TEST_PROC(mailbox_policy_out_of_range_is_refused)
{
    const struct tr_spawn_opts opts = { .max_mailbox = 1, .mailbox_policy = 4 };
    tr_pid pid;

    CHECK_INT(tr_try_spawn(&pid, idle, &opts), TR_EINVAL);
}

TEST_PROC(drop_newest_keeps_the_first_and_counts_the_rest)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_DROP_NEWEST);

    for (int i = 0; i < 3 * MAX; i++)
        tr_send(pid, a_item, i);
    CHECK_INT(tr_try_send(pid, a_item, 0), TR_EBUSY);
    CHECK_INT(number_of(pid, a_message_queue_len), MAX);
    CHECK_INT(number_of(pid, a_messages_dropped), 2 * MAX + 1);
    let_go(pid);
    CHECK_INT(number_of(pid, a_max_mailbox), MAX);
    expect_items(0, MAX - 1);
    CHECK_WITHIN(patience(5000), number_of(pid, a_message_queue_len) == 0);
    CHECK_INT(tr_try_send(pid, a_item, 0), TR_OK);
}

static atomic_bool told_of_full;

static void look_for_full(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    if (strstr(event->text, " is full: 10 messages; top sender <0.1.1>"))
        atomic_store(&told_of_full, true);
}

TEST_PROC(full_mailbox_is_logged_with_its_top_sender)
{
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = look_for_full }), TR_OK);
    tr_pid pid = spawn_holder(TR_MAILBOX_DROP_NEWEST);
    for (int i = 0; i <= MAX; i++)
        tr_send(pid, a_item, i);
    CHECK_WITHIN(patience(10000), atomic_load(&told_of_full));
}

TEST_PROC(drop_oldest_keeps_the_last_and_counts_the_rest)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_DROP_OLDEST);

    for (int i = 0; i < 3 * MAX; i++) {
        CHECK_INT(tr_try_send(pid, a_item, i), TR_OK);
        if (i % 7 == 0)
            tr_is_alive(pid);
    }
    /* It drops the last ones when it has none of them in its hands. */
    CHECK_WITHIN(patience(10000), number_of(pid, a_message_queue_len) == MAX);
    CHECK_INT(number_of(pid, a_messages_dropped), 2 * MAX);
    let_go(pid);
    expect_items(2 * MAX, 3 * MAX - 1);
    expect_done();
}

static void block_outside(tr_term arg)
{
    int fd;

    CHECK(tr_match(arg, &fd));
    tr_trap_exit(true);
    tr_blocking_begin();
    char byte;
    CHECK(read(fd, &byte, 1) == 1);
    tr_blocking_end();
    tr_receive (m) {
        int64_t n;
        tr_on (m, a_item, &n)
            CHECK_INT(n, 990);
    }
    CHECK_INT(number_of(tr_self(), a_message_queue_len), MAX - 1);
    CHECK_INT(number_of(tr_self(), a_messages_dropped), 990);
}

TEST_PROC_REAL(drop_oldest_works_on_a_receiver_that_takes_nothing)
{
    const struct tr_spawn_opts opts = { .max_mailbox = MAX,
                                        .mailbox_policy = TR_MAILBOX_DROP_OLDEST };
    int fds[2];
    tr_ref ref;

    CHECK(pipe(fds) == 0);
    tr_pid pid = tr_spawn_opt(block_outside, &opts, fds[0]);
    ref = tr_monitor(pid);
    tr_sleep(20);
    for (int i = 0; i < 1000; i++)
        tr_send(pid, a_item, i);
    CHECK(write(fds[1], "x", 1) == 1);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

TEST_PROC(drop_oldest_goes_on_while_a_selective_receive_waits)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_DROP_OLDEST);

    for (int i = 0; i < 1000; i++) {
        tr_send(pid, a_item, i);
        if (i % 10 == 0)
            tr_yield();
        /* While it looks at one of them, as many may come again. */
        if (i % 100 == 0)
            CHECK(number_of(pid, a_message_queue_len) <= 2 * MAX);
    }
    CHECK_WITHIN(patience(10000), number_of(pid, a_messages_dropped) == 1000 - MAX);
    let_go(pid);
    expect_items(990, 999);
    expect_done();
}

static tr_bin zeros(size_t size)
{
    static const char bytes[1 << 16];

    CHECK(size <= sizeof bytes);
    return (tr_bin){ bytes, size };
}

static void ask_often(tr_term arg)
{
    tr_pid other;
    tr_term value;

    CHECK(tr_match(arg, &other));
    for (int i = 0; i < check_rounds(500); i++)
        CHECK(tr_process_info(other, a_memory, &value));
}

/* What is dropped may stand before the answer, or be what was looked at last. */
TEST_PROC(an_answer_comes_through_a_mailbox_that_drops)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref,
                                        .max_mailbox = 1,
                                        .mailbox_policy = TR_MAILBOX_DROP_OLDEST };
    const struct tr_spawn_opts late = { .priority = TR_PRIORITY_LOW };
    tr_pid pid = tr_spawn_opt(ask_often, &opts, tr_spawn_opt(idle, &late));

    for (int i = 0; tr_is_alive(pid); i++) {
        tr_send(pid, a_item, zeros((size_t)i % 64)); /* in blocks of several sizes */
        if (i % 5 == 0)
            tr_yield();
    }
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

TEST_PROC(full_mailbox_ends_the_receiver_even_if_it_traps_exits)
{
    tr_pid pid = spawn_holder(TR_MAILBOX_EXIT);
    tr_ref ref = tr_monitor(pid);

    for (int i = 0; i < MAX; i++)
        CHECK_INT(tr_try_send(pid, a_item, i), TR_OK);
    CHECK(tr_is_alive(pid));
    CHECK_INT(tr_try_send(pid, a_item, MAX), TR_EBUSY);
    tr_send(pid, a_item, MAX);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_mailbox_full, MAX, tr_self()));
}

/* --- memory --- */

static void take_memory(tr_term arg)
{
    int way;

    CHECK(tr_match(arg, &way));
    tr_trap_exit(true);
    for (int64_t i = 0;; i++) {
        switch (way) {
        case 0:
            memset(tr_alloc(1000), 1, 1000);
            break;
        case 1:
            tr_build("some text that is not so short", i);
            break;
        default:
            tr_keep(tr_build("some text that is not so short", i));
        }
        CHECK(i < 100000);
    }
}

TEST_PROC(memory_beyond_the_cap_ends_the_process_with_out_of_memory)
{
    for (int way = 0; way < 3; way++) {
        tr_ref ref;
        const struct tr_spawn_opts opts = { .monitor = &ref, .max_memory = 1 << 20 };
        tr_spawn_opt(take_memory, &opts, way);
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_out_of_memory));
    }
}

static void take_and_give_back(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 100000; i++) {
        void *p = tr_alloc(1000);
        tr_scope
        {
            tr_term kept = tr_keep(tr_build("some text that is not so short", i));
            tr_release(kept);
        }
        tr_free(p);
        if (i % 1000 == 0)
            CHECK(number_of(tr_self(), a_memory) < 100000);
    }
}

TEST_PROC(memory_that_was_given_back_does_not_count)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_memory = 100000 };

    tr_spawn_opt(take_and_give_back, &opts);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

static void never_receive(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    tr_sleep(TR_INFINITY);
}

static void hibernate_again(tr_term arg)
{
    tr_hibernate(hibernate_again, arg);
}

TEST_PROC_REAL(messages_beyond_the_memory_cap_end_the_receiver)
{
    for (int hibernated = 0; hibernated < 2; hibernated++) {
        tr_ref ref;
        const struct tr_spawn_opts opts = { .monitor = &ref, .max_memory = 100000 };
        tr_pid pid = tr_spawn_opt(hibernated ? hibernate_again : never_receive, &opts);
        for (int i = 0; i < 3000; i++)
            tr_send(pid, a_item, i, tr_list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_out_of_memory));
    }
}

TEST_PROC_REAL(large_binaries_that_wait_count_as_memory)
{
    for (int policy = TR_MAILBOX_WAIT; policy <= TR_MAILBOX_EXIT; policy++) {
        tr_ref ref;
        const struct tr_spawn_opts opts = { .monitor = &ref,
                                            .max_memory = 1 << 20,
                                            .max_mailbox = 1000,
                                            .mailbox_policy = (enum tr_mailbox_policy)policy };
        tr_pid pid = tr_spawn_opt(never_receive, &opts);
        for (int i = 0; i < 20; i++)
            tr_send(pid, a_item, i, tr_list(zeros(1000), zeros(1 << 16)));
        CHECK_TERM(DOWN_REASON(ref), tr_build(a_out_of_memory));
    }
}

static void take_items(tr_term arg)
{
    tr_pid to;
    int n;

    CHECK(tr_match(arg, &to));
    for (int i = 0; i < 100; i++)
        tr_receive (m)
            tr_on (m, a_item, &n, tr_any())
                tr_send(to, a_item, n);
}

TEST_PROC(large_binaries_that_were_taken_or_dropped_do_not_count)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref,
                                        .max_memory = 1 << 20,
                                        .max_mailbox = 3,
                                        .mailbox_policy = TR_MAILBOX_DROP_OLDEST };
    tr_pid pid = tr_spawn_opt(take_items, &opts, tr_self());

    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 10; j++)
            tr_send(pid, a_item, i, zeros(1 << 16));
        tr_receive (m)
            tr_on (m, a_item, tr_any()) {
            }
    }
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}

static bool cleaned;

static void build_much(void *arg)
{
    (void)arg;
    tr_alloc(1 << 20);
    cleaned = true;
}

static void take_memory_and_clean(tr_term arg)
{
    tr_defer(build_much, NULL);
    take_memory(arg);
}

TEST_PROC(clean_up_may_take_more_than_the_cap)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_memory = 100000 };

    tr_spawn_opt(take_memory_and_clean, &opts, 0);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_out_of_memory));
    CHECK(cleaned);
}

/* --- reductions --- */

static void go_on_for_ever(tr_term arg)
{
    tr_pid nobody;

    CHECK(tr_match(arg, &nobody));
    tr_trap_exit(true);
    for (;;)
        tr_send(nobody, a_item);
}

TEST_PROC(process_that_never_receives_ends_at_its_cap_of_reductions)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_reductions = 100000 };
    tr_pid nobody = tr_spawn(idle);

    tr_exit_to(nobody, a_kill);
    tr_spawn_opt(go_on_for_ever, &opts, nobody);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_reductions, 100000));
}

static void work_and_receive(tr_term arg)
{
    tr_pid nobody;

    CHECK(tr_match(arg, &nobody));
    for (int i = 0; i < 100000; i++) {
        tr_send(nobody, a_item);
        if (i % 1000 == 0) {
            tr_receive (m)
                tr_after (m, 0) {
                }
        }
    }
}

TEST_PROC(each_receive_starts_the_reductions_again)
{
    tr_ref ref;
    const struct tr_spawn_opts opts = { .monitor = &ref, .max_reductions = 100000 };
    tr_pid nobody = tr_spawn(idle);

    tr_exit_to(nobody, a_kill);
    tr_spawn_opt(work_and_receive, &opts, nobody);
    CHECK_TERM(DOWN_REASON(ref), tr_build(a_normal));
}
