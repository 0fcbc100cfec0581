/* SPDX-License-Identifier: MIT */
/* The system monitor, and the search for processes that wait for ever. */
#include "base/fault.h"
#include "check_proc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

tr_atoms(monitor, long_schedule, long_message_queue, large_heap, timeout, message_queue_len, sender,
         heap_size, go, stop, ready, filler, boss);

static int64_t patience(int64_t ms)
{
    return ms * check_env("TEST_TIMEOUT", 1);
}

static void block(int ms)
{
    struct timespec t = { 0, ms * 1000000L };

    nanosleep(&t, NULL);
}

static void blocks(tr_term arg)
{
    int ms;

    CHECK(tr_match(arg, &ms));
    block(ms);
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

TEST_PROC_REAL(long_schedule_is_told_when_it_is_over)
{
    int64_t ms = 0;

    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_schedule_ms = 20 });
    tr_spawn(blocks, 0);
    tr_pid pid = tr_spawn(blocks, 30);
    tr_receive (m) {
        tr_on (m, a_monitor, pid, a_long_schedule, tr_list(tr_tuple(a_timeout, &ms)))
            CHECK(ms >= 30);
        tr_after (m, patience(10000))
            check_fail(__FILE__, __LINE__, "nothing was told");
    }
}

static void announces(tr_term arg)
{
    tr_pid parent;

    CHECK(tr_match(arg, &parent));
    tr_blocking_begin();
    block(30);
    tr_blocking_end();
    tr_send(parent, a_ready);
}

TEST_PROC_REAL(announced_blocking_is_not_told)
{
    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_schedule_ms = 20 });
    tr_pid pid = tr_spawn(announces, tr_self());
    tr_receive (m)
        tr_on (m, a_ready) {
        }
    tr_receive (m) {
        tr_on (m, a_monitor, pid, tr_any(), tr_any())
            check_fail(__FILE__, __LINE__, "it was told");
        tr_after (m, 1) {
        }
    }
}

/* --- mailboxes --- */

static void fills(tr_term arg)
{
    tr_pid to, parent;
    int n;

    CHECK(tr_match(arg, &to, &n, &parent));
    for (int i = 0; i < n; i++)
        tr_send(to, a_filler, i);
    tr_send(parent, a_ready);
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

static void hoards(tr_term arg)
{
    (void)arg;
    for (;;) {
        tr_receive (m)
            tr_on (m, a_go) {
            }
        /* Everything at once, so that the mailbox is empty, then again. */
        while (tr_mailbox_length() > 0)
            tr_receive (m)
                tr_on (m, tr_any()) {
                }
    }
}

static tr_pid fill(tr_pid to, int n)
{
    tr_pid pid = tr_spawn(fills, to, n, tr_self());

    tr_receive (m)
        tr_on (m, a_ready) {
        }
    return pid;
}

/* The sender that the next report names, with w of 0 for none. */
static tr_pid told_sender(tr_pid of, int64_t *n, int64_t *count)
{
    tr_pid pid = { 0 };

    tr_receive (m) {
        tr_on (m, a_monitor, of, a_long_message_queue,
               tr_list(tr_tuple(a_message_queue_len, n), tr_tuple(a_sender, &pid, count))) {
        }
        tr_on (m, a_monitor, of, a_long_message_queue, tr_list(tr_tuple(a_message_queue_len, n))) {
        }
        tr_after (m, patience(10000))
            check_fail(__FILE__, __LINE__, "nothing was told");
    }
    return pid;
}

TEST_PROC(long_mailbox_is_told_once_with_its_top_sender)
{
    int64_t n, count;

    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_message_queue = 150 });
    tr_pid hoarder = tr_spawn(hoards);
    fill(hoarder, 40);
    tr_pid most = fill(hoarder, 200);
    tr_pid told = told_sender(hoarder, &n, &count);
    CHECK_INT(told.w, most.w);
    CHECK(n >= 150 && count > n / 2);
    fill(hoarder, 10);
    tr_receive (m) {
        tr_on (m, a_monitor, hoarder, a_long_message_queue, tr_any())
            check_fail(__FILE__, __LINE__, "it was told twice");
        tr_after (m, 1) {
        }
    }
    /* Empty in between: told again. */
    tr_send(hoarder, a_go);
    tr_term length;
    do
        CHECK(tr_process_info(hoarder, a_message_queue_len, &length));
    while (!tr_match(length, 0));
    most = fill(hoarder, 400);
    CHECK_INT(told_sender(hoarder, &n, &count).w, most.w);
}

TEST_PROC(sender_that_has_ended_is_not_named)
{
    int64_t n, count;

    tr_pid hoarder = tr_spawn(hoards);
    fill(hoarder, 200);
    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .long_message_queue = 150 });
    tr_send(hoarder, 1, 2);
    tr_pid told = told_sender(hoarder, &n, &count);
    CHECK(told.w == tr_self().w && count == 1);
}

/* --- heaps --- */

static void grows(tr_term arg)
{
    tr_term list = tr_nil();

    (void)arg;
    for (int i = 0; i < 10000; i++)
        list = tr_list_push(list, tr_build(i));
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

TEST_PROC(large_heap_is_told)
{
    int64_t size = 0;

    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .large_heap = 100000 });
    tr_pid pid = tr_spawn(grows);
    tr_receive (m) {
        tr_on (m, a_monitor, pid, a_large_heap, tr_list(tr_tuple(a_heap_size, &size)))
            CHECK(size >= 100000);
        tr_after (m, patience(10000))
            check_fail(__FILE__, __LINE__, "nothing was told");
    }
    tr_system_monitor(NULL);
    tr_spawn(grows);
    tr_sleep(1);
    CHECK_INT(tr_mailbox_length(), 0);
}

/* --- in the log --- */

static _Atomic(bool) seen_schedule, seen_queue, seen_heap;

static void look(const struct tr_log_event *event, void *arg)
{
    int ms, n, count;

    (void)arg;
    if (event->level != TR_LOG_WARNING || !*event->process)
        return;
    if (sscanf(event->text, "long schedule: it ran or blocked for %d ms", &ms) == 1 && ms >= 30)
        seen_schedule = true;
    if (sscanf(event->text, "long message queue: %d messages wait, %d of them from <0.", &n,
               &count) == 2)
        seen_queue = true;
    if (sscanf(event->text, "large heap: %d bytes", &n) == 1)
        seen_heap = true;
}

TEST_PROC_REAL(without_a_receiver_it_is_logged)
{
    CHECK_INT(tr_log_remove_sink("default"), TR_OK);
    CHECK_INT(tr_log_add_sink("test", &(struct tr_sink){ .write = look }), TR_OK);
    tr_system_monitor(&(struct tr_watch_opts){
        .long_schedule_ms = 20, .long_message_queue = 150, .large_heap = 100000 });
    tr_spawn(blocks, 30);
    tr_spawn(grows);
    fill(tr_spawn(hoards), 400);
    CHECK_WITHIN(patience(10000), seen_schedule && seen_queue && seen_heap);
}

TEST_PROC(watch_without_memory_tells_nothing_and_harms_nothing)
{
#ifndef TR_FAULTS
    SKIP("injected failures are not built in");
#endif
    tr_system_monitor(&(struct tr_watch_opts){ .to = tr_self(), .large_heap = 100000 });
    for (int64_t n = 1; n < 60; n++) {
        tr_ref ref;
        tr_spawn_monitor(grows, &ref);
        tr__fault_arm(n);
        tr_yield();
        tr__fault_arm(0);
    }
}

/* --- orphans --- */

static tr_pid lost;

static void waits(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_stop) {
        }
}

static void waits_a_while(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_after (m, 3600000) {
        }
}

static void has_timer(tr_term arg)
{
    tr_send_after(3600000, tr_self(), a_stop);
    waits(arg);
}

static void watches(tr_term arg)
{
    tr_pid whom;

    CHECK(tr_match(arg, &whom));
    tr_monitor(whom);
    waits(arg);
}

static void begets(tr_term arg)
{
    tr_pid first;

    CHECK(tr_match(arg, &first));
    lost = tr_spawn(waits);
    tr_spawn(waits_a_while);
    tr_spawn(has_timer);
    tr_spawn(watches, first);
    tr_spawn_opt(waits, &(struct tr_spawn_opts){ .name = a_boss });
}

TEST_PROC(process_that_waits_for_ever_unknown_is_found)
{
    tr_ref ref;

    tr_spawn_monitor(begets, &ref, tr_self());
    tr_receive (m)
        tr_on (m, tr_any(), ref, tr_any(), tr_any(), tr_any()) {
        }
    tr_spawn(waits); /* its parent lives */
    CHECK_WITHIN(patience(10000), tr_equal(tr_find_orphans(1), tr_build(tr_list(lost))));
    tr_send(lost, a_stop);
    CHECK_WITHIN(patience(10000), tr_is_nil(tr_find_orphans(0)));
}
