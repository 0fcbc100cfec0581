/* SPDX-License-Identifier: MIT */
/*
 * On how many workers to run processes that talk to each other.
 *
 * A message to another core costs what fetching a few lines from its cache costs, ten times the
 * rest of it where the cores are far apart. Whether a second core is worth that shows nowhere but
 * in what gets done. So while messages are all that is done, the monitor tries half the workers for
 * a moment: the others rest, having given away what they had. If more gets done, it stays so; and
 * from time to time it tries twice as many. A try that fails is repeated after twice the time. A
 * program begins on half of them: the other half comes with the first look at anything else than
 * messages.
 *
 * What gets done is counted in the prices of calls, with each receive and each turn at the price of
 * a send (new_budget in worker.c): in the time that they take they are all about as dear.
 *
 * Nothing relies on a worker that rests: to the others it is one in a long turn, whose ring is
 * empty and which offers nothing. It looks after its timers, and the descriptors, and gives away
 * what that wakes. All rest ends when a worker that does not rest has nothing to do, or a process
 * holds one up while others wait; so nobody waits longer for that than for the monitor.
 */
#include "sched/gather.h"

#include "base/clock.h"
#include "os/futex.h"
#include "sched/poll.h"

#define DENSE     16384 /* work a millisecond and worker: less, and it is not messages that count */
#define PAUSE     32    /* ticks between two tries, the first time */
#define PAUSE_MAX 1024
#define SHORTEST  (TR__NS_PER_MS / 2) /* of a tick that counts */
#define SLOW      4                   /* ticks in a row that make a try due */
#define SOON      2                   /* ticks until the first try, and one that must be repeated */

enum phase {
    STEADY,
    SETTLING, /* a tick, until all that is in the way has moved */
    TRYING
};

/* The monitor's only. */
static struct {
    enum phase phase;
    int limit;       /* workers that do not rest */
    int before;      /* the same before the try */
    int wait, pause; /* ticks */
    int64_t then;    /* the last look */
    uint64_t work;   /* done by then */
    uint64_t last;   /* work in a millisecond at the last look, */
    uint64_t rate;   /* the best before the try; with what was decided, */
    uint64_t tried;  /* and the best of the try */
    bool won;        /* the last try was better */
    int slow;        /* ticks in a row with less than three quarters of `rate` */
} gather;

bool tr__is_resting(struct tr_worker *w)
{
    return atomic_load_explicit(&w->rest, memory_order_relaxed) == TR__RESTS;
}

static void ask(struct tr_worker *w)
{
    atomic_store_explicit(&w->rest, TR__REST_ASKED, memory_order_relaxed);
}

static void call_back(struct tr_worker *w)
{
    if (atomic_exchange_explicit(&w->rest, TR__REST_WORKS, memory_order_relaxed) != TR__RESTS)
        return;
    tr__futex_wake(&w->rest, 1);
    tr__poll_break();
}

static void set_limit(int limit)
{
    bool fewer = limit < gather.limit;

    for (int i = 0; i < tr__sched.count; i++) {
        if (i >= limit && i < gather.limit)
            ask(tr__worker_at(i));
        if (i < limit && i >= gather.limit)
            call_back(tr__worker_at(i));
    }
    gather.limit = limit;
    atomic_store_explicit(&tr__sched.some_rest, limit < tr__sched.count, memory_order_relaxed);
    /* Who is parked is to rest as well: who is idle afterwards is one of those that should not. */
    if (fewer)
        tr__idle_wake_all();
}

void tr__gather_init(void)
{
    gather.phase = STEADY;
    gather.limit = tr__sched.count;
    gather.won = false;
    gather.slow = 0;
    gather.rate = 0;
    gather.wait = SOON;
    gather.pause = PAUSE;
    gather.then = tr__clock_ns();
    gather.work = gather.last = 0;
    atomic_store(&tr__sched.some_rest, false);
    if (gather.limit > 1)
        set_limit(gather.limit / 2);
}

static uint64_t work_done(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < tr__sched.count; i++)
        sum += atomic_load_explicit(&tr__worker_at(i)->work, memory_order_relaxed);
    return sum;
}

/* Work in a millisecond since the last look. */
static uint64_t rate(int64_t now)
{
    uint64_t work = work_done();
    uint64_t ns = (uint64_t)(now - gather.then);
    uint64_t done = work - gather.work;

    gather.work = work;
    gather.then = now;
    return ns ? done * TR__NS_PER_MS / ns : 0;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void try_with(int limit, uint64_t present)
{
    gather.before = gather.limit;
    gather.rate = most(present, gather.last);
    gather.phase = SETTLING;
    set_limit(limit);
}

static void go_on(int limit, int pause)
{
    if (limit != gather.limit)
        set_limit(limit);
    gather.pause = pause < PAUSE_MAX ? pause : PAUSE_MAX;
    gather.wait = gather.pause;
    gather.slow = 0;
    gather.phase = STEADY;
}

/* Is it worth a try, and with how many? */
static void consider(uint64_t present)
{
    int count = tr__sched.count;
    bool all = gather.limit == count;
    bool dense = present > DENSE * (uint64_t)gather.limit;

    gather.slow = dense && present < gather.rate - gather.rate / 4 ? gather.slow + 1 : 0;
    if (gather.slow >= SLOW || (!all && !dense))
        gather.wait = 0;
    if (gather.wait > 0)
        gather.wait--;
    else if (!all)
        try_with(gather.limit * 2 < count ? gather.limit * 2 : count, present);
    else if (dense && count - tr__idle_count() > 1)
        try_with(count / 2, present);
}

/* Better by a sixteenth is enough; but for fewer twice, since programs change while they are
   watched, or by a half. */
static void decide(void)
{
    bool fewer = gather.limit < gather.before;
    bool better = gather.tried > gather.rate + gather.rate / 16;
    bool sure = !fewer || gather.won || gather.tried > gather.rate + gather.rate / 2;

    gather.won = better;
    if (better && sure) {
        gather.rate = gather.tried;
        go_on(gather.limit, PAUSE);
    } else {
        go_on(gather.before, better ? gather.pause : gather.pause * 2);
        if (better)
            gather.wait = SOON;
    }
}

static void look(uint64_t present, bool held_up)
{
    if (gather.limit < tr__sched.count && (held_up || tr__idle_count() > 0)) {
        go_on(tr__sched.count, gather.phase == STEADY ? PAUSE : gather.pause * 2);
        return;
    }
    switch (gather.phase) {
    case STEADY:
        consider(present);
        break;
    case SETTLING:
        gather.phase = TRYING;
        gather.tried = present;
        break;
    case TRYING:
        gather.tried = most(gather.tried, present);
        decide();
        break;
    }
}

void tr__gather_tick(int64_t now, bool held_up)
{
    /* Somebody may have woken the monitor early. */
    if (tr__sched.count < 2 || now - gather.then < SHORTEST)
        return;
    uint64_t present = rate(now);
    look(present, held_up);
    gather.last = present;
}

/* --- the worker --- */

/* Sleeps for a tick at most, since nobody wakes it for a timer that others start; or until one of
   its timers is due or, if nobody else looks, until something happens to a descriptor. */
static void sleep_a_while(struct tr_worker *w)
{
    struct tr_poll_events list;
    int64_t due = atomic_load_explicit(&w->wheel.next_due, memory_order_relaxed);
    int64_t now = tr__clock_ns();
    int64_t ns = due - now < TR__NS_PER_MS ? due - now : TR__NS_PER_MS;

    if (ns <= 0)
        return;
    if (!tr__poll_begin()) {
        tr__futex_wait(&w->rest, TR__RESTS, ns);
        return;
    }
    tr__poll_sleep(&list, ns);
    tr__poll_end();
    tr__poll_tell(&list);
}

TR__NOINLINE void tr__gather_rest(struct tr_worker *w)
{
    uint32_t asked = TR__REST_ASKED;

    /* It may have been woken to look for work, or seen some when it was about to park: somebody who
       is parked must do it. */
    tr__idle_search(w);
    tr__idle_found(w);
    if (!atomic_compare_exchange_strong_explicit(&w->rest, &asked, TR__RESTS, memory_order_relaxed,
                                                 memory_order_relaxed))
        return;
    while (tr__is_resting(w) && !tr__sched_stops()) {
        tr__worker_give_away(w);
        sleep_a_while(w);
        tr__worker_advance_timers(w);
    }
}
