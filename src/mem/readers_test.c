/* SPDX-License-Identifier: MIT */
/*
 * Read sections: what was retired is freed, and not before those who may see it are done. Each test
 * is done with both kinds of records, with threads that have none, and what can be mixed is mixed.
 */
#include "mem/readers.h"

#include "check.h"
#include "os/barrier.h"
#include "os/tls.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { MANY = 200, SIZE = 1024 };

/* A record each for several threads, and how a thread comes to own one. */
enum kind { LIGHT, HEAVY, SHARED, KINDS };

static struct tr_reader records[4];

static void own(int i, enum kind kind)
{
    records[i] = (struct tr_reader){ 0 };
    tr__tls()->reader = kind == SHARED ? NULL : &records[i];
    if (kind != SHARED)
        tr__reader_add(&records[i], kind == LIGHT && tr__barrier_prepare());
}

static void disown(void)
{
    if (tr__tls()->reader)
        tr__reader_remove(tr__tls()->reader);
    tr__tls()->reader = NULL;
}

struct thing {
    struct tr_retired retired;
    _Atomic(uintptr_t) word;
    _Atomic(int) alive;
};

static _Atomic(int) freed;

static void bury(struct thing *t)
{
    CHECK_INT(atomic_exchange(&t->alive, 0), 1);
    atomic_fetch_add(&freed, 1);
    free(t);
}

static void destroy(struct tr_retired *r)
{
    bury((struct thing *)(void *)r);
}

static void destroy_word(_Atomic(uintptr_t) *word)
{
    bury(tr__container_of(word, struct thing, word));
}

static struct thing *new_thing(void)
{
    struct thing *t = calloc(1, sizeof *t);

    CHECK(t);
    atomic_store(&t->alive, 1);
    return t;
}

static void retire(struct thing *t)
{
    tr__retire(&t->retired, destroy, SIZE);
    tr__retired_free();
}

static void retire_many(int n)
{
    for (int i = 0; i < n; i++)
        retire(new_thing());
}

static int how_many_freed(void)
{
    return atomic_load(&freed);
}

static void check_freed(enum kind kind)
{
    int before = how_many_freed();

    own(0, kind);
    retire_many(MANY);
    CHECK(how_many_freed() > before);
    disown();
    if (kind != SHARED)
        CHECK_INT(how_many_freed(), before + MANY);
}

TEST(what_was_retired_is_freed)
{
    for (enum kind k = LIGHT; k < KINDS; k++)
        check_freed(k);
}

TEST(what_was_retired_by_a_word_is_freed)
{
    struct tr_reader *r = &records[0];

    tr__retired_word_destroy = destroy_word;
    own(0, LIGHT);
    for (int i = 0; i < MANY; i++) {
        struct thing *t = new_thing();
        tr__reader_retire_word(r, &t->word, SIZE);
        CHECK(atomic_load(&t->word) % 2);
        tr__reader_sweep(r);
    }
    CHECK(how_many_freed() > 0);
    disown();
    CHECK_INT(how_many_freed(), MANY);
}

/* --- a section that is open --- */

static void check_kept(enum kind kind)
{
    int before = how_many_freed();
    struct tr_reader *r;

    own(1, kind);
    r = tr__read_begin();
    CHECK(tr__reader_is_open(r));
    tr__tls()->reader = NULL;
    own(0, LIGHT);
    retire_many(MANY);
    CHECK_INT(how_many_freed(), before);
    tr__read_end(r);
    CHECK(!tr__reader_is_open(r));
    retire_many(MANY);
    CHECK(how_many_freed() > before + MANY);
    disown();
    CHECK_INT(how_many_freed(), before + 2 * MANY);
    tr__tls()->reader = kind == SHARED ? NULL : &records[1];
    disown();
}

TEST(nothing_is_freed_before_a_section_ends)
{
    for (enum kind k = LIGHT; k < KINDS; k++)
        check_kept(k);
}

TEST(section_that_begins_later_holds_nothing_up)
{
    own(1, LIGHT);
    struct tr_reader *r = tr__read_begin();
    own(0, LIGHT);
    retire_many(MANY);
    CHECK_INT(how_many_freed(), 0);
    tr__read_end(r);
    tr__reader_begin(r);
    tr__reader_sweep_now(&records[0]);
    CHECK(how_many_freed() > 0);
    tr__reader_end(r);
    disown();
    tr__reader_remove(&records[1]);
    CHECK_INT(how_many_freed(), MANY);
}

/* --- waiting --- */

static atomic_bool waited;

static void *wait_for_readers(void *unused)
{
    tr__readers_wait();
    atomic_store(&waited, true);
    return unused;
}

TEST(who_waits_waits_for_the_sections_that_go_on)
{
    pthread_t thread;

    own(0, LIGHT);
    tr__reader_begin(&records[0]);
    CHECK(pthread_create(&thread, NULL, wait_for_readers, NULL) == 0);
    for (int i = 0; i < 1000; i++) {
        sched_yield();
        CHECK(!atomic_load(&waited));
    }
    tr__reader_end(&records[0]);
    pthread_join(thread, NULL);
    CHECK(atomic_load(&waited));
    disown();
}

/* --- readers and writers at once --- */

static _Atomic(struct thing *) shared;
static atomic_bool stop;

static void *read_on(void *kind)
{
    int i = (int)(uintptr_t)kind;

    own(1 + i, (enum kind)i);
    while (!atomic_load(&stop)) {
        struct tr_reader *r = tr__read_begin();
        struct thing *t = atomic_load_explicit(&shared, memory_order_acquire);
        CHECK(atomic_load_explicit(&t->alive, memory_order_relaxed) == 1);
        tr__read_end(r);
    }
    disown();
    return NULL;
}

static void write_on(enum kind kind)
{
    own(0, kind);
    for (int i = 0; i < 20 * MANY; i++)
        retire(atomic_exchange(&shared, new_thing()));
    disown();
}

TEST(readers_never_see_what_was_freed)
{
    pthread_t threads[KINDS];

    tr__barrier_prepare(); /* before there are threads, as in a program */
    atomic_store(&shared, new_thing());
    for (uintptr_t i = 0; i < KINDS; i++)
        CHECK(pthread_create(&threads[i], NULL, read_on, (void *)i) == 0);
    for (enum kind k = LIGHT; k < KINDS; k++)
        write_on(k);
    atomic_store(&stop, true);
    for (int i = 0; i < KINDS; i++)
        pthread_join(threads[i], NULL);
    /* What a section held up is freed now. */
    retire_many(2 * MANY);
    CHECK(how_many_freed() > 3 * 20 * MANY);
}
