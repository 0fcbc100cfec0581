/* SPDX-License-Identifier: MIT */
/*
 * The loop of a replayed run.
 *
 * Before each turn everything that can run is collected from the worker's queues, and one of it is
 * chosen. How it is chosen and how long turns are differs from seed to seed, not only from turn to
 * turn: some bugs want many switches, others one process that is always late. In half of the seeds
 * a process may lose its worker wherever it enters the library, as in a run on a busy machine.
 *
 * What comes from outside (a thread of the program, a descriptor, a call that blocks) cannot be
 * replayed. A run that meets it says so and becomes an ordinary one: the clock runs, the monitor
 * watches, the worker may change its thread. Only the choice among what can run stays random.
 */
#include "sched/replay.h"

#include "base/clock.h"
#include "base/panic.h"
#include "os/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define START_NS      (INT64_C(1000) * TR__NS_PER_S)
#define TURN_NS       2000 /* a turn takes up to so long */
#define LONG_TURN_NS  TR__NS_PER_MS
#define LONG_TURN     256 /* one turn in so many is a long one */
#define TAKES         16  /* so many functions are entered until the worker is taken */
#define STANDSTILL_NS TR__NS_PER_S
#define STUCK_NS      (10 * TR__NS_PER_S)

/* How one of those that can run is chosen. */
enum order {
    ANY,
    NEWEST,  /* most often the one that came last */
    CONTEST, /* each has a rank for the whole run; the better of any two */
    NORDERS
};

/* How long turns are. */
enum length { SHORT, MIXED, FULL, NLENGTHS };

struct ready {
    struct tr_runnable **items;
    size_t n, size;
};

static struct {
    bool asked;
    uint64_t seed;
    const struct tr_replay_hooks *hooks;
    enum order order;
    enum length length;
    bool takes; /* the worker, now and then, from who enters the library */
    uint64_t state, random, digest;
    struct ready ready[TR__PRIO_COUNT];
    struct ready settled;         /* those that wait until nothing else can run */
    struct tr_runnable *settling; /* goes there when it is collected next */
    uint32_t seen;                /* turn at the monitor's last look; monitor only, as `since` */
    int64_t since;
    _Atomic bool begun;  /* something has run */
    _Atomic bool parked; /* the worker waits for the outside */
    bool stood_still;    /* that was told; monitor only */
    _Atomic(const char *) broken;
} replay;

bool tr__replay_on;

/* --- the generator --- */

/* Steele, Lea and Flood's SplitMix64. */
static uint64_t next_word(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t tr__replay_draw(uint64_t n)
{
    uint64_t word = next_word(&replay.state);

    return n ? (uint64_t)((unsigned __int128)word * n >> 64) : word;
}

uint64_t tr__replay_random(void)
{
    return next_word(&replay.random);
}

void tr__replay_note(uint64_t word)
{
    uint64_t state = replay.digest ^ word;

    replay.digest = next_word(&state);
}

/* --- start and end --- */

void tr__replay_ask(uint64_t seed)
{
    replay.asked = true;
    replay.seed = seed;
}

void tr__replay_hooks(const struct tr_replay_hooks *hooks)
{
    replay.hooks = hooks;
}

static bool asked_by_environment(void)
{
    const char *text = getenv("TROUPE_REPLAY");
    char *end;

    if (!text || !*text)
        return false;
    errno = 0;
    replay.seed = strtoull(text, &end, 0);
    if (*end == '\0' && errno == 0)
        return true;
    fprintf(stderr, "troupe: TROUPE_REPLAY=%s is not a number; ignored\n", text);
    return false;
}

void tr__replay_begin(void)
{
    bool asked = replay.hooks && (replay.asked || asked_by_environment());

    tr__replay_on = asked;
    atomic_store(&replay.broken, NULL);
    if (!asked)
        return;
    replay.state = replay.digest = replay.seed;
    replay.random = ~replay.seed;
    replay.order = (enum order)tr__replay_draw(NORDERS);
    replay.length = (enum length)tr__replay_draw(NLENGTHS);
    replay.takes = tr__replay_draw(2);
    replay.settling = NULL;
    replay.seen = 0;
    replay.since = tr__clock_real_ns();
    replay.stood_still = false;
    atomic_store(&replay.begun, false);
    atomic_store(&replay.parked, false);
    tr__clock_hold(START_NS);
    tr__log_in_step(true);
}

static void ready_free(struct ready *q)
{
    free(q->items);
    *q = (struct ready){ 0 };
}

static void print_digest(void)
{
    const char *broken = tr__replay_broken();

    if (!getenv("TROUPE_REPLAY_DIGEST"))
        return;
    fflush(stdout);
    fprintf(stderr, "troupe: replay: seed %llu digest %016llx", (unsigned long long)replay.seed,
            (unsigned long long)replay.digest);
    if (broken)
        fprintf(stderr, ", unreliable: %s", broken);
    fputc('\n', stderr);
}

void tr__replay_end(void)
{
    replay.asked = false;
    if (!tr__replay_on)
        return;
    for (int i = 0; i < TR__PRIO_COUNT; i++)
        ready_free(&replay.ready[i]);
    ready_free(&replay.settled);
    print_digest();
    tr__replay_on = false;
    tr__log_in_step(false);
    tr__clock_reset();
}

uint64_t tr__replay_seed(void)
{
    return replay.seed;
}

uint64_t tr__replay_digest(void)
{
    return replay.digest;
}

/* --- the outside --- */

const char *tr__replay_broken(void)
{
    return atomic_load_explicit(&replay.broken, memory_order_acquire);
}

void tr__replay_breaks(const char *function)
{
    const char *none = NULL;

    if (!tr__replay_on ||
        !atomic_compare_exchange_strong_explicit(&replay.broken, &none, function,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return;
    tr__log_in_step(false);
    tr__clock_release();
    tr__monitor_call();
    fflush(stdout);
    fprintf(stderr, "troupe: replay: %s makes this run depend on the outside\n", function);
}

bool tr__replay_watch(void)
{
    uint32_t turn = atomic_load_explicit(&tr__sched.workers[0].turn_now, memory_order_relaxed);
    int64_t now = tr__clock_real_ns();

    if (tr__replay_broken())
        return false;
    if (turn != replay.seen || !atomic_load_explicit(&replay.begun, memory_order_acquire)) {
        replay.seen = turn;
        replay.since = now;
        return true;
    }
    /* Acquire pairs with the release in park: what waits can be looked at. */
    if (atomic_load_explicit(&replay.parked, memory_order_acquire)) {
        if (now - replay.since >= STANDSTILL_NS && !replay.stood_still) {
            replay.stood_still = true;
            replay.hooks->stand_still();
        }
    } else if (now - replay.since >= STUCK_NS) {
        tr__replay_breaks("a turn of more than ten seconds");
    }
    return true;
}

/* --- what can run --- */

static void add(struct ready *q, struct tr_runnable *r)
{
    if (q->n == q->size) {
        size_t size = q->size ? 2 * q->size : 64;
        struct tr_runnable **items = realloc(q->items, size * sizeof *items);
        if (!items)
            TR__PANIC("no memory for the replay");
        q->items = items;
        q->size = size;
    }
    q->items[q->n++] = r;
}

static struct tr_runnable *take(struct ready *q, size_t i)
{
    struct tr_runnable *r = q->items[i];

    q->items[i] = q->items[--q->n];
    return r;
}

void tr__replay_settle(struct tr_runnable *r)
{
    replay.settling = r;
}

static void sort_in(struct tr_runnable *r)
{
    bool settles = r == replay.settling;

    if (settles)
        replay.settling = NULL;
    add(settles ? &replay.settled : &replay.ready[r->priority], r);
}

/* Moves everything from the ordinary queues to ours. */
static void collect(struct tr_worker *w)
{
    struct tr_runnable *r = atomic_load_explicit(&w->next, memory_order_relaxed);

    atomic_store_explicit(&w->next, NULL, memory_order_relaxed);
    if (r)
        sort_in(r);
    while ((r = tr__runring_pop(&w->ring)))
        sort_in(r);
    for (int i = 0; i < TR__PRIO_COUNT; i++)
        while ((r = tr__common_pop((enum tr_runnable_priority)i)))
            sort_in(r);
}

static uint64_t rank(struct tr_runnable *r)
{
    uint64_t state = replay.hooks->name(r) ^ replay.seed;

    return next_word(&state);
}

static struct tr_runnable *pick(struct ready *q)
{
    size_t i = tr__replay_draw(q->n);

    if (replay.order == NEWEST && tr__replay_draw(4))
        i = q->n - 1;
    if (replay.order == CONTEST) {
        size_t other = tr__replay_draw(q->n);
        if (rank(q->items[other]) > rank(q->items[i]))
            i = other;
    }
    return take(q, i);
}

/* Priorities are promised: max, then high; low once for every eight normal ones. */
static struct tr_runnable *choose(void)
{
    struct ready *q = replay.ready;

    if (q[TR__PRIO_MAX].n)
        return pick(&q[TR__PRIO_MAX]);
    if (q[TR__PRIO_HIGH].n)
        return pick(&q[TR__PRIO_HIGH]);
    if (q[TR__PRIO_LOW].n && (!q[TR__PRIO_NORMAL].n || tr__replay_draw(9) == 0))
        return pick(&q[TR__PRIO_LOW]);
    if (q[TR__PRIO_NORMAL].n)
        return pick(&q[TR__PRIO_NORMAL]);
    return replay.settled.n ? take(&replay.settled, 0) : NULL;
}

/* --- time --- */

/* What takes time in a real run: most turns are short, some are interrupted for a while. */
static void pass_a_turn(void)
{
    bool is_long = tr__replay_draw(LONG_TURN) == 0;

    tr__clock_move((int64_t)tr__replay_draw(is_long ? LONG_TURN_NS : TURN_NS));
}

static void fire(struct tr_worker *w)
{
    int64_t now = tr__clock_ns();

    if (tr__wheel_is_due(&w->wheel, now))
        tr__wheel_advance(&w->wheel, now);
    replay.hooks->deliver(tr__replay_broken() ? TR__NEVER : now);
}

/* Nothing can run: goes on at the next timer. False when there is none. */
static bool jump(struct tr_worker *w)
{
    int64_t due = atomic_load_explicit(&w->wheel.next_due, memory_order_relaxed);
    int64_t held = replay.hooks->due();
    int64_t first = held < due ? held : due;
    int64_t now = tr__clock_ns();

    if (first == TR__NEVER || tr__replay_broken())
        return false;
    if (first > now)
        tr__clock_move(first - now);
    return true;
}

static void park(struct tr_worker *w)
{
    atomic_store_explicit(&replay.parked, true, memory_order_release);
    tr__idle_search(w);
    tr__idle_park(w);
    atomic_store_explicit(&replay.parked, false, memory_order_relaxed);
}

/* --- the loop --- */

/* Nothing is drawn, and the clock stands, until the first process is there. */
static void await_start(struct tr_worker *w)
{
    collect(w);
    while (!tr__sched_stops() && !replay.ready[TR__PRIO_NORMAL].n) {
        park(w);
        collect(w);
    }
}

static struct tr_runnable *next(struct tr_worker *w)
{
    while (!tr__sched_stops()) {
        pass_a_turn();
        fire(w);
        collect(w);
        struct tr_runnable *r = choose();
        if (r)
            return r;
        if (!jump(w))
            park(w);
    }
    return NULL;
}

bool tr__replay_takes(void)
{
    if (!tr__replay_on || !replay.takes || tr__replay_broken())
        return false;
    return tr__replay_draw(TAKES) == 0;
}

static int32_t budget(void)
{
    switch (replay.length) {
    case SHORT:
        return (int32_t)tr__replay_draw(32);
    case MIXED:
        return (int32_t)tr__replay_draw(UINT64_C(1) << tr__replay_draw(15));
    default:
        return tr__replay_draw(8) ? TR__TURN_BUDGET : (int32_t)tr__replay_draw(256);
    }
}

void tr__replay_run(struct tr_worker *w)
{
    struct tr_tls *tls = tr__tls();
    struct tr_runnable *r;

    if (!atomic_load_explicit(&replay.begun, memory_order_relaxed))
        await_start(w);
    if (replay.takes && !tr__replay_broken())
        atomic_store_explicit(&tls->lost, TR__RISKED, memory_order_relaxed);
    while (tls->worker && (r = next(w))) {
        atomic_store_explicit(&replay.begun, true, memory_order_release);
        atomic_store_explicit(&w->turn_now, ++w->turns, memory_order_relaxed);
        atomic_store_explicit(&w->preempt, false, memory_order_relaxed);
        w->budget = budget();
        tr__replay_note(replay.hooks->name(r));
        tr__replay_note(replay.hooks->look(r));
        replay.hooks->before(w, r);
        (void)r->run(w, r);
        /* Without a worker, another thread is in this loop already. */
        if (!tls->worker)
            return;
        tr__shared_settle(&w->blocks.hand);
        tr__replay_note((uint64_t)w->budget);
        replay.hooks->after(w, r);
    }
}
