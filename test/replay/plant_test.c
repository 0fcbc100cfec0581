/* SPDX-License-Identifier: MIT */
/*
 * Bugs of the kinds that only a certain order of events shows, planted in the library: each is
 * found within 10,000 seeds, and the same test without the bug passes.
 */
#include "base/plant.h"
#include "check.h"
#include "troupe/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SEEDS = 10000, SEEDS_WITHOUT = 300 };

tr_atoms(ping, pong, go, oops, tick, EXIT);

enum tr_plant tr__plant;

static void echo(tr_term arg)
{
    tr_pid from;

    (void)arg;
    for (;;) {
        tr_receive (m)
            tr_on (m, a_ping, &from)
                tr_send(from, a_pong);
    }
}

static void ping_and_pong(tr_term arg)
{
    tr_pid pid = tr_test_start(echo);

    (void)arg;
    for (int i = 0; i < 5; i++) {
        tr_send(pid, a_ping, tr_self());
        tr_assert_receive(1000, a_pong);
    }
}

static void ends_at_once(tr_term arg)
{
    (void)arg;
}

static void watch_the_short_lived(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++)
        tr_assert_down(tr_monitor(tr_spawn(ends_at_once)), 1000, tr_any());
}

static void crash_when_told(tr_term arg)
{
    (void)arg;
    tr_receive (m)
        tr_on (m, a_go)
            tr_exit(a_oops);
}

/* An exit that came before the unlink is in the mailbox by then. With one worker none is under way
   at that moment unless it is held back. */
static void unlink_the_dying(tr_term arg)
{
    (void)arg;
    tr_trap_exit(true);
    tr_test_reorder(tr_self(), 5);
    for (int i = 0; i < 5; i++) {
        tr_pid pid = tr_spawn_link(crash_when_told);
        tr_send(pid, a_go);
        tr_unlink(pid);
        tr_receive (m) {
            tr_on (m, a_EXIT, pid, a_oops) {
            }
            tr_after (m, 0) {
            }
        }
        tr_refute_receive(10, tr_any());
    }
}

static void cancel_at_the_last_moment(tr_term arg)
{
    (void)arg;
    for (int i = 0; i < 10; i++) {
        int64_t then = tr_monotonic_ns() + (int64_t)tr_random(1300000);
        tr_ref timer = tr_send_after(1, tr_self(), a_tick);
        while (tr_monotonic_ns() < then)
            ;
        if (tr_cancel_timer(timer, NULL))
            tr_refute_receive(10, a_tick);
        else
            tr_assert_receive(10, a_tick);
    }
}

/* Runs a test under seeds with that bug; the seed that finds it, 0 when none does. */
static uint64_t find(enum tr_plant bug, const char *name, tr_process_fn body, uint64_t seeds)
{
    static char text[4096];
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    CHECK(file && saved >= 0);
    tr__plant = bug;
    dup2(fileno(file), STDERR_FILENO);
    int failed = tr_test_explore_named(name, body, seeds);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *at = strstr(text, "under seed ");
    if (!failed != !at)
        check_fail(__FILE__, __LINE__, "%s", text);
    return failed ? strtoull(at + strlen("under seed "), NULL, 10) : 0;
}

static void check_found(enum tr_plant bug, const char *name, tr_process_fn body)
{
    uint64_t seed = find(bug, name, body, SEEDS);

    CHECK(seed != 0);
    CHECK_INT(find(TR__PLANT_NONE, name, body, SEEDS_WITHOUT), 0);
}

#define PLANT_TEST(sentence, bug, body)                                                            \
    TEST(sentence)                                                                                 \
    {                                                                                              \
        check_found(bug, #body, body);                                                             \
    }

PLANT_TEST(lost_wake_up_is_found, TR__PLANT_LOST_WAKEUP, ping_and_pong)
PLANT_TEST(monitor_set_after_the_death_is_found, TR__PLANT_LATE_MONITOR, watch_the_short_lived)
PLANT_TEST(link_race_is_found, TR__PLANT_LINK_RACE, unlink_the_dying)
PLANT_TEST(cancelled_timer_that_fires_is_found, TR__PLANT_CANCELLED_TIMER,
           cancel_at_the_last_moment)
