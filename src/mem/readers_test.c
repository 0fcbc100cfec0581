/* SPDX-License-Identifier: MIT */
/* Read sections: what was retired is freed, and not before those who may see it are done. */
#include "mem/readers.h"

#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { MANY = 1000 };

struct thing {
    struct tr_retired retired;
    _Atomic(int) alive;
};

static _Atomic(int) freed;

static void destroy(struct tr_retired *r)
{
    struct thing *t = (struct thing *)(void *)r;

    atomic_store(&t->alive, 0);
    atomic_fetch_add(&freed, 1);
    free(t);
}

static struct thing *new_thing(void)
{
    struct thing *t = calloc(1, sizeof *t);

    CHECK(t);
    atomic_store(&t->alive, 1);
    return t;
}

static void retire_many(int n)
{
    for (int i = 0; i < n; i++) {
        tr__retire(&new_thing()->retired, destroy);
        tr__retired_free();
    }
}

TEST(what_was_retired_is_freed)
{
    tr__readers_prepare();
    retire_many(MANY);
    CHECK(atomic_load(&freed) > MANY / 2 && atomic_load(&freed) <= MANY);
}

TEST(nothing_is_freed_before_a_section_ends)
{
    tr__readers_prepare();
    struct tr_reader *r = tr__read_begin();
    if (!r)
        SKIP("no membarrier: sections are locks here");
    retire_many(MANY);
    CHECK_INT(atomic_load(&freed), 0);
    tr__read_end(r);
    retire_many(MANY);
    CHECK(atomic_load(&freed) > MANY);
}

TEST(section_that_was_left_open_ends_with_the_next_one)
{
    tr__readers_prepare();
    if (!tr__read_begin())
        SKIP("no membarrier: sections are locks here");
    retire_many(MANY);
    CHECK_INT(atomic_load(&freed), 0);
    tr__read_end(tr__read_begin());
    retire_many(MANY);
    CHECK(atomic_load(&freed) > MANY);
}

/* --- readers and a writer at once --- */

static _Atomic(struct thing *) shared;
static atomic_bool stop;

static void *read_on(void *unused)
{
    while (!atomic_load(&stop)) {
        struct tr_reader *r = tr__read_begin();
        struct thing *t = atomic_load_explicit(&shared, memory_order_acquire);
        CHECK(atomic_load_explicit(&t->alive, memory_order_relaxed) == 1);
        tr__read_end(r);
    }
    return unused;
}

TEST(readers_never_see_what_was_freed)
{
    pthread_t threads[3];

    tr__readers_prepare();
    atomic_store(&shared, new_thing());
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&threads[i], NULL, read_on, NULL) == 0);
    for (int i = 0; i < 20 * MANY; i++) {
        struct thing *old = atomic_exchange(&shared, new_thing());
        tr__retire(&old->retired, destroy);
        tr__retired_free();
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    /* The records of threads that have ended are used again. */
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_create(&threads[i], NULL, read_on, NULL) == 0);
        pthread_join(threads[i], NULL);
    }
}
