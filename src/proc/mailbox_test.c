/* SPDX-License-Identifier: MIT */
/* Inbox and mailbox of a process that nobody runs: the test is its owner. */
#include "check.h"
#include "mem/block.h"
#include "proc/proc.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define ID TR__PID_W(1, 1)

static struct tr_proc proc;

static void open_inbox(void)
{
    memset(&proc, 0, sizeof proc);
    proc.last = &proc.first;
    proc.wake_at = TR__NEVER;
    proc.runnable.priority = TR__PRIO_NORMAL;
    atomic_store(&proc.id, ID);
    tr__inbox_open(&proc);
}

static struct tr_sig *message(uint64_t n)
{
    struct tr_sig *sig = tr__sig_new(TR__SIG_MESSAGE, ID, TR__SIG_WORD_SIZE(1));

    CHECK(sig != NULL);
    sig->term = n;
    return sig;
}

static uint64_t take_first(void)
{
    struct tr_sig *sig = tr__mailbox_remove(&proc, &proc.first);
    uint64_t n = sig->term;

    tr__sig_discard(&proc, sig);
    return n;
}

/* The process is on a run queue once for each time it was woken. */
static bool was_woken(void)
{
    return tr__runlist_pop(&tr__sched.lists[TR__PRIO_NORMAL]) == &proc.runnable;
}

TEST(messages_arrive_in_order)
{
    open_inbox();
    for (uint64_t n = 0, next = 0; n < 1000; n++) {
        tr__push(&proc, message(n));
        if (n % 7 == 0)
            CHECK(tr__take_signals(&proc));
        while (n % 21 == 0 && proc.first)
            CHECK_INT(take_first(), next++);
    }
    CHECK(!was_woken());
    tr__inbox_close(&proc);
}

TEST(nothing_new_is_nothing_taken)
{
    open_inbox();
    CHECK(!tr__inbox_has_new(&proc));
    CHECK(!tr__take_signals(&proc));
    tr__push(&proc, message(1));
    CHECK(tr__inbox_has_new(&proc));
    CHECK(tr__take_signals(&proc));
    CHECK(!tr__inbox_has_new(&proc));
    CHECK(!tr__take_signals(&proc));
    CHECK_INT(proc.nmessages, 1);
    tr__inbox_close(&proc);
    CHECK_INT(proc.nmessages, 0);
}

TEST(sleep_is_refused_when_something_new_is_there)
{
    open_inbox();
    tr__push(&proc, message(1));
    CHECK(!tr__inbox_sleep(&proc));
    tr__take_signals(&proc);
    tr__push(&proc, message(2));
    CHECK(!tr__inbox_sleep(&proc));
    tr__take_signals(&proc);
    CHECK(tr__inbox_sleep(&proc));
    CHECK(!was_woken());
    tr__push(&proc, message(3));
    CHECK(was_woken());
    tr__push(&proc, message(4));
    CHECK(!was_woken());
    tr__take_signals(&proc);
    for (uint64_t n = 1; n <= 4; n++)
        CHECK_INT(take_first(), n);
    tr__inbox_close(&proc);
}

TEST(a_poke_wakes_only_a_sleeper)
{
    open_inbox();
    tr__poke(&proc);
    CHECK(!was_woken());
    CHECK(tr__inbox_sleep(&proc));
    tr__poke(&proc);
    CHECK(was_woken());
    tr__poke(&proc);
    CHECK(!was_woken());
    tr__inbox_close(&proc);
    tr__poke(&proc);
    CHECK(!was_woken());
}

/* The head of the inbox is discarded at once: its block must not come back as the next head. */
TEST(a_discarded_head_is_not_taken_for_a_new_signal)
{
    open_inbox();
    for (uint64_t n = 0; n < 1000; n++) {
        struct tr_sig *sig = message(n);
        tr__push(&proc, sig);
        CHECK(tr__take_signals(&proc));
        CHECK_INT(take_first(), n);
        CHECK(proc.seen == sig && proc.flags & TR__P_SEEN_DEAD);
        if (n % 3 == 0) {
            CHECK(tr__inbox_sleep(&proc));
            CHECK(!proc.seen && !(proc.flags & TR__P_SEEN_DEAD));
            tr__poke(&proc);
            CHECK(was_woken());
        }
    }
    tr__inbox_close(&proc);
    CHECK(!(proc.flags & TR__P_SEEN_DEAD));
}

TEST(a_message_in_the_middle_can_be_taken)
{
    open_inbox();
    for (uint64_t n = 0; n < 5; n++)
        tr__push(&proc, message(n));
    tr__take_signals(&proc);
    tr__sig_discard(&proc, tr__mailbox_remove(&proc, &proc.first->next));
    struct tr_sig **at = &proc.first;
    while ((*at)->next)
        at = &(*at)->next;
    tr__sig_discard(&proc, tr__mailbox_remove(&proc, at));
    tr__push(&proc, message(5));
    tr__take_signals(&proc);
    for (uint64_t n = 0; n <= 5; n++)
        if (n != 1 && n != 4)
            CHECK_INT(take_first(), n);
    CHECK(!proc.first && proc.last == &proc.first);
    tr__inbox_close(&proc);
}

TEST(a_closed_inbox_refuses)
{
    open_inbox();
    tr__push(&proc, message(1));
    tr__push(&proc, message(2));
    tr__take_signals(&proc);
    tr__push(&proc, message(3));
    tr__inbox_close(&proc);
    tr__push(&proc, message(4));
    CHECK(!proc.first);
    CHECK(atomic_load(&proc.inbox) == TR__CLOSED);
}

/* Several senders; the owner sleeps whenever there is nothing, and must be woken each time. */
enum { SENDERS = 3 };

static uint64_t each;

static void *send_all(void *arg)
{
    uint64_t sender = (uint64_t)(uintptr_t)arg;

    for (uint64_t n = 0; n < each; n++) {
        tr__push(&proc, message(n * SENDERS + sender));
        if (n % 64 == sender)
            sched_yield();
    }
    return NULL;
}

TEST(no_wake_up_is_lost_between_senders_and_a_sleeper)
{
    pthread_t threads[SENDERS];
    uint64_t next[SENDERS] = { 0 };
    uint64_t left;

    each = (uint64_t)check_env("TR_ROUNDS", 100000);
    left = each * SENDERS;
    open_inbox();
    for (uintptr_t i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_all, (void *)i);
    while (left > 0) {
        tr__take_signals(&proc);
        while (proc.first) {
            uint64_t n = take_first();
            CHECK_INT(n / SENDERS, next[n % SENDERS]++);
            left--;
        }
        if (left > 0 && tr__inbox_sleep(&proc))
            while (!was_woken())
                sched_yield();
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    CHECK(!was_woken());
    tr__inbox_close(&proc);
}
