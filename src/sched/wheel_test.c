/* SPDX-License-Identifier: MIT */
/* The wheel against a list: never early, never lost, whatever the distance. */
#include "sched/wheel.h"

#include "base/compiler.h"
#include "check.h"

#include <stdlib.h>

#define TICK (INT64_C(1) << TR__TICK_BITS)

struct entry {
    struct tr_wheel_node node;
    int fired;
    int64_t fired_at;
    int order;
};

static struct tr_wheel wheel;
static int64_t now;
static int nfired;

static void note(struct tr_wheel_node *node)
{
    struct entry *e = tr__container_of(node, struct entry, node);

    e->fired++;
    e->fired_at = now;
    e->order = nfired++;
}

static void start(struct entry *e, int64_t due)
{
    *e = (struct entry){ .node = { .due = due, .fire = note } };
    tr__ring_init(&e->node.ring);
    tr__spin_lock(&wheel.lock);
    tr__wheel_start(&wheel, &e->node);
    tr__spin_unlock(&wheel.lock);
}

static void cancel(struct entry *e)
{
    tr__spin_lock(&wheel.lock);
    if (tr__wheel_pending(&e->node))
        tr__wheel_cancel(&wheel, &e->node);
    tr__spin_unlock(&wheel.lock);
}

static int advance_to(int64_t t)
{
    now = t;
    int n = tr__wheel_advance(&wheel, t);
    tr__wheel_check(&wheel);
    return n;
}

static uint64_t random_state = 88172645463325252u;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static const int64_t begins[] = { 0, 12345678901, INT64_C(1) << 45, (INT64_C(1) << 55) - 1,
                                  (INT64_C(1) << 60) - 7 };
#define NBEGINS (int)(sizeof begins / sizeof *begins)

/* The distances at which level and slot change, and their neighbours. */
static int64_t edge(int level, int which)
{
    return (INT64_C(1) << (6 * level)) + which - 1;
}

TEST(a_timer_fires_at_its_tick_and_not_before)
{
    for (int b = 0; b < NBEGINS; b++) {
        for (int level = 0; level <= 7; level++) {
            for (int which = 0; which < 3; which++) {
                struct entry e;
                int64_t due = begins[b] + edge(level, which) * TICK + which;
                tr__wheel_init(&wheel, begins[b]);
                start(&e, due);
                CHECK_INT(advance_to(due - 1), 0);
                CHECK(tr__wheel_pending(&e.node));
                CHECK_INT(advance_to(due + TICK), 1);
                CHECK_INT(e.fired, 1);
                CHECK(!tr__wheel_pending(&e.node));
            }
        }
    }
}

TEST(what_is_due_already_fires_at_the_next_look)
{
    struct entry e[3];

    tr__wheel_init(&wheel, 100 * TICK);
    start(&e[0], 0);
    start(&e[1], -5);
    start(&e[2], 100 * TICK);
    CHECK(tr__wheel_is_due(&wheel, 100 * TICK));
    CHECK_INT(advance_to(100 * TICK), 3);
}

TEST(next_due_is_never_later_than_the_first_timer)
{
    tr__wheel_init(&wheel, 0);
    CHECK(!tr__wheel_is_due(&wheel, INT64_MAX - 1));
    for (int i = 0; i < 2000; i++) {
        struct entry e;
        int64_t due = now + 1 + (int64_t)(random_next() % (1u << 30));
        start(&e, due);
        for (int k = 0; k < 100 && !e.fired; k++) {
            int64_t next = atomic_load(&wheel.next_due);
            CHECK(next <= due + TICK);
            advance_to(next);
        }
        CHECK_INT(e.fired, 1);
        CHECK(e.fired_at >= due);
    }
    CHECK_INT(atomic_load(&wheel.next_due), TR__NEVER);
}

TEST(a_cancelled_timer_never_fires)
{
    enum { N = 5000 };
    struct entry *e = calloc(N, sizeof *e);

    tr__wheel_init(&wheel, 777);
    for (int i = 0; i < N; i++)
        start(&e[i], 777 + (int64_t)(random_next() % (UINT64_C(1) << (20 + i % 30))));
    for (int i = 0; i < N; i += 2)
        cancel(&e[i]);
    tr__wheel_check(&wheel);
    advance_to(INT64_C(1) << 51);
    for (int i = 0; i < N; i++)
        CHECK_INT(e[i].fired, i % 2);
    for (int l = 0; l < TR__WHEEL_LEVELS; l++)
        CHECK_INT(wheel.occupied[l], 0);
    free(e);
}

TEST(the_far_future_is_not_early_either)
{
    struct entry far, never;
    int64_t century = INT64_C(1) << 44; /* ticks */

    tr__wheel_init(&wheel, 5 * TICK);
    start(&far, (century + 1000) * TICK);
    start(&never, INT64_MAX);
    CHECK_INT(advance_to((century + 999) * TICK), 0);
    CHECK_INT(advance_to((century + 1000) * TICK), 1);
    CHECK_INT(far.fired, 1);
    CHECK_INT(advance_to(INT64_MAX - TICK), 0);
    CHECK(tr__wheel_pending(&never.node));
    cancel(&never);
}

TEST(a_million_timers_all_fire_in_the_order_of_their_ticks)
{
    int n = (int)check_env("TR_ROUNDS", 1000000);
    struct entry *e = malloc((size_t)n * sizeof *e);
    int64_t last = -1;

    tr__wheel_init(&wheel, 0);
    for (int i = 0; i < n; i++)
        start(&e[i], (int64_t)(random_next() % (UINT64_C(1) << 36)));
    CHECK_INT(advance_to(INT64_C(1) << 37), n);
    int *by_order = malloc((size_t)n * sizeof *by_order);
    for (int i = 0; i < n; i++)
        by_order[e[i].order] = i;
    for (int i = 0; i < n; i++) {
        int64_t tick = (e[by_order[i]].node.due + TICK - 1) / TICK;
        CHECK_INT(e[by_order[i]].fired, 1);
        CHECK(tick >= last);
        last = tick;
    }
    free(by_order);
    free(e);
}

/* Each step starts, cancels or lets time pass; after each, exactly those fired that had to. */
TEST(random_steps_agree_with_a_list)
{
    enum { N = 64 };
    static struct entry e[N];
    static int state[N]; /* 0: free, 1: pending */

    for (int round = 0; round < 200; round++) {
        now = (int64_t)(random_next() >> (10 + random_next() % 50));
        tr__wheel_init(&wheel, now);
        memset(state, 0, sizeof state);
        for (int step = 0; step < 500; step++) {
            int i = (int)(random_next() % N);
            unsigned what = (unsigned)(random_next() % 8);
            if (what < 4 && state[i] == 0) {
                start(&e[i], now + (int64_t)(random_next() >> (20 + random_next() % 44)));
                state[i] = 1;
            } else if (what == 4 && state[i] == 1) {
                cancel(&e[i]);
                state[i] = 0;
            } else if (what > 4) {
                advance_to(now + (int64_t)(random_next() >> (22 + random_next() % 42)));
            }
            tr__wheel_check(&wheel);
            for (int k = 0; k < N; k++) {
                if (state[k] != 1)
                    continue;
                bool must = (e[k].node.due + TICK - 1) >> TR__TICK_BITS <= now >> TR__TICK_BITS;
                bool may = e[k].node.due <= now;
                CHECK(may || !e[k].fired);
                if (what > 4)
                    CHECK(!must || e[k].fired == 1);
                if (e[k].fired)
                    state[k] = 0;
            }
        }
        for (int k = 0; k < N; k++)
            if (state[k])
                cancel(&e[k]);
    }
}

/* A timer that starts itself again from its own function would touch the wheel while it is
   locked; one that is started again between two looks may. */
TEST(a_timer_can_be_started_again_after_it_fired)
{
    struct entry e;

    tr__wheel_init(&wheel, 0);
    for (int64_t i = 1; i < 3000; i++) {
        start(&e, i * 3 * TICK);
        CHECK_INT(advance_to(i * 3 * TICK), 1);
    }
}
