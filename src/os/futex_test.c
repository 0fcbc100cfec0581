/* SPDX-License-Identifier: MIT */
/* Sleeping on a word. */
#include "os/futex.h"

#include "base/clock.h"
#include "check.h"

#include <errno.h>
#include <pthread.h>

static _Atomic uint32_t word;
static _Atomic int nwoken;

static void *sleep_on_it(void *unused)
{
    (void)unused;
    while (atomic_load(&word) == 0)
        tr__futex_wait(&word, 0, -1);
    atomic_fetch_add(&nwoken, 1);
    return NULL;
}

TEST(a_wait_returns_at_once_when_the_word_differs)
{
    atomic_store(&word, 5);
    int64_t before = check_now_ms();
    tr__futex_wait(&word, 4, -1);
    CHECK(check_now_ms() - before < 1000);
}

TEST(a_wait_ends_with_its_time)
{
    int64_t before = tr__clock_ns();

    errno = 4711;
    tr__futex_wait(&word, 0, 20 * TR__NS_PER_MS);
    CHECK(tr__clock_ns() - before >= 20 * TR__NS_PER_MS);
    CHECK_INT(errno, 4711);
}

TEST(all_sleepers_are_woken)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, sleep_on_it, NULL);
    check_pause();
    atomic_store(&word, 1);
    tr__futex_wake(&word, 4);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&nwoken), 4);
}

static void *play(void *me)
{
    uint32_t mine = me != NULL;

    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t now;
        while ((now = atomic_load(&word)) % 2 != mine)
            tr__futex_wait(&word, now, -1);
        atomic_fetch_add(&word, 1);
        tr__futex_wake(&word, 1);
    }
    return NULL;
}

TEST(two_threads_take_turns)
{
    pthread_t thread;

    pthread_create(&thread, NULL, play, &word);
    play(NULL);
    pthread_join(thread, NULL);
    CHECK_INT(atomic_load(&word), 4000);
}
