/* SPDX-License-Identifier: MIT */
/*
 * Circuit breakers.
 *
 * The state is a word, era * 4 + state, where each change begins a new era: a call keeps the word
 * under which it began, and its result counts only in the same era. The word is written under the
 * lock, and read without it: whoever finds it closed may call, whoever finds it open and its time
 * not over may not. Else the lock decides. `until_ns` is written before the word that it belongs
 * to; who reads the two of different eras refuses or takes the lock once too often, no more.
 *
 * Under the lock there is no call of the library (kit/lock.h): clock and random number are taken
 * before, and notifications are sent after.
 */
#include "troupe/kit/breaker.h"
#include "kit/again.h"
#include "kit/backoff.h"
#include "kit/lock.h"
#include "troupe.h"

#include <stdlib.h>

#define NS_PER_MS    INT64_C(1000000)
#define MAX_MS       (INT64_C(1) << 31)
#define MAX_COUNT    1000000
#define MAX_FAILURES 5
#define MIN_CALLS    10
#define WINDOW_MS    10000
#define TRIAL_MS     60000
#define FIRST_MS     1000
#define NSLICES      10

tr_atoms(error, circuit_open, breaker, open, half_open, closed);

struct slice {
    int64_t calls, failures;
};

struct tr_breaker {
    struct tr_breaker_opts opts;
    tr_atom name;
    uint64_t word;
    int64_t until_ns; /* how long it is open, or trials may take */
    int64_t nrefused;

    /* Under the lock. */
    pthread_mutex_t lock;
    struct slice slices[NSLICES];
    int64_t newest; /* number of the newest slice since the clock began */
    int64_t nopened;
    int64_t nin_row; /* how often it has opened since it last closed */
    int ntrials, nsucceeded;
};

/* What one step under the lock is given, and what it has changed. */
struct step {
    int64_t now_ns;
    int64_t open_ms;  /* should it open now; of trip: how long */
    uint64_t changed; /* the new word, to be told; 0: none */
};

static enum tr_breaker_state state_of(uint64_t word)
{
    return (enum tr_breaker_state)(word & 3);
}

static uint64_t read_word(const struct tr_breaker *b)
{
    return __atomic_load_n(&b->word, __ATOMIC_ACQUIRE);
}

static int64_t read_until(const struct tr_breaker *b)
{
    return __atomic_load_n(&b->until_ns, __ATOMIC_RELAXED);
}

/* --- under the lock --- */

static void change(struct tr_breaker *b, struct step *step, enum tr_breaker_state to,
                   int64_t until_ns)
{
    uint64_t word = (b->word / 4 + 1) * 4 + to;

    /* Trials that are made room for are no change to be told. */
    if (to != TR_BREAKER_HALF_OPEN || state_of(b->word) != to)
        step->changed = word;
    b->ntrials = b->nsucceeded = 0;
    __atomic_store_n(&b->until_ns, until_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&b->word, word, __ATOMIC_RELEASE);
}

static void close_it(struct tr_breaker *b, struct step *step)
{
    memset(b->slices, 0, sizeof b->slices);
    __atomic_store_n(&b->nin_row, 0, __ATOMIC_RELAXED);
    change(b, step, TR_BREAKER_CLOSED, 0);
}

static void open_it(struct tr_breaker *b, struct step *step)
{
    b->nopened++;
    __atomic_add_fetch(&b->nin_row, 1, __ATOMIC_RELAXED);
    change(b, step, TR_BREAKER_OPEN,
           step->open_ms == TR_INFINITY ? INT64_MAX : step->now_ns + step->open_ms * NS_PER_MS);
}

/* Forgets what is no longer in the window. */
static void move_window(struct tr_breaker *b, int64_t now_ns)
{
    int64_t newest = now_ns / (b->opts.window_ms * NS_PER_MS / NSLICES);

    if (newest - b->newest > NSLICES)
        b->newest = newest - NSLICES;
    while (b->newest < newest)
        b->slices[++b->newest % NSLICES] = (struct slice){ .calls = 0 };
}

static struct slice sum_of(const struct tr_breaker *b)
{
    struct slice sum = { .calls = 0 };

    for (int i = 0; i < NSLICES; i++) {
        sum.calls += b->slices[i].calls;
        sum.failures += b->slices[i].failures;
    }
    return sum;
}

static bool is_too_much(const struct tr_breaker_opts *o, struct slice sum)
{
    if (o->max_failures && sum.failures >= o->max_failures)
        return true;
    return o->max_percent && sum.calls >= o->min_calls &&
           sum.failures * 100 >= sum.calls * o->max_percent;
}

static void count(struct tr_breaker *b, struct step *step, bool success)
{
    move_window(b, step->now_ns);
    struct slice *slice = &b->slices[b->newest % NSLICES];
    slice->calls++;
    slice->failures += !success;
    if (!success && is_too_much(&b->opts, sum_of(b)))
        open_it(b, step);
}

static void count_trial(struct tr_breaker *b, struct step *step, bool success)
{
    if (!success)
        open_it(b, step);
    else if (++b->nsucceeded == b->opts.max_trials)
        close_it(b, step);
}

/* Whether the caller may call. */
static bool admit(struct tr_breaker *b, struct step *step)
{
    enum tr_breaker_state state = state_of(b->word);

    if (state == TR_BREAKER_CLOSED)
        return true;
    if (step->now_ns >= b->until_ns && (state == TR_BREAKER_OPEN || b->ntrials))
        change(b, step, TR_BREAKER_HALF_OPEN, step->now_ns + b->opts.trial_ms * NS_PER_MS);
    if (state_of(b->word) == TR_BREAKER_OPEN || b->ntrials == b->opts.max_trials)
        return false;
    b->ntrials++;
    return true;
}

/* --- after it --- */

static void tell(const struct tr_breaker *b, const struct step *step)
{
    const tr_atom names[] = { a_closed, a_open, a_half_open };

    if (!step->changed || !b->opts.notify.w)
        return;
    /* Who is told may have ended, or have its mailbox full: that is no concern of the caller's. */
    (void)!tr_try_send(b->opts.notify, a_breaker, b->name, names[state_of(step->changed)],
                       step->changed / 4);
}

static tr_err enter(struct tr_breaker *b, uint64_t *call, struct step *step)
{
    uint64_t word = read_word(b);
    bool may = state_of(word) == TR_BREAKER_CLOSED;

    step->now_ns = tr_monotonic_ns();
    if (!may && (state_of(word) == TR_BREAKER_HALF_OPEN || step->now_ns >= read_until(b))) {
        sigset_t signals;
        tr__kit_lock(&b->lock, &signals);
        may = admit(b, step);
        word = b->word;
        tr__kit_unlock(&b->lock, &signals);
    }
    *call = word;
    if (may)
        return TR_OK;
    __atomic_fetch_add(&b->nrefused, 1, __ATOMIC_RELAXED);
    return TR_EBUSY;
}

static void leave(struct tr_breaker *b, uint64_t call, bool success, struct step *step)
{
    sigset_t signals;

    /* As long as it is to be open, should this call open it: no other does so in its era. */
    if (!success)
        step->open_ms =
            tr__backoff_ms(&b->opts.open, 1 + __atomic_load_n(&b->nin_row, __ATOMIC_RELAXED));
    step->now_ns = tr_monotonic_ns();
    tr__kit_lock(&b->lock, &signals);
    if (call == b->word && state_of(call) == TR_BREAKER_CLOSED)
        count(b, step, success);
    else if (call == b->word && state_of(call) == TR_BREAKER_HALF_OPEN)
        count_trial(b, step, success);
    tr__kit_unlock(&b->lock, &signals);
}

tr_err tr_breaker_enter(struct tr_breaker *breaker, uint64_t *call)
{
    struct step step = { .changed = 0 };
    tr_err err = enter(breaker, call, &step);

    tell(breaker, &step);
    return err;
}

void tr_breaker_leave(struct tr_breaker *breaker, uint64_t call, bool success)
{
    struct step step = { .changed = 0 };

    leave(breaker, call, success, &step);
    tell(breaker, &step);
}

void tr_breaker_trip(struct tr_breaker *breaker, int64_t ms)
{
    struct step step = { .now_ns = tr_monotonic_ns(), .open_ms = ms };
    sigset_t signals;

    if (ms < 1 && ms != TR_INFINITY)
        return;
    if (ms > (INT64_MAX - step.now_ns) / NS_PER_MS)
        step.open_ms = TR_INFINITY;
    tr__kit_lock(&breaker->lock, &signals);
    open_it(breaker, &step);
    tr__kit_unlock(&breaker->lock, &signals);
    tell(breaker, &step);
}

void tr_breaker_reset(struct tr_breaker *breaker)
{
    struct step step = { .changed = 0 };
    sigset_t signals;

    tr__kit_lock(&breaker->lock, &signals);
    close_it(breaker, &step);
    tr__kit_unlock(&breaker->lock, &signals);
    tell(breaker, &step);
}

/* --- calls --- */

/* A call that goes on; not on the stack, which is gone when the clean-up runs. */
struct call {
    struct tr_breaker *breaker; /* NULL: it has not begun, or its result is counted */
    uint64_t number;
};

struct work {
    const struct tr_breaker *breaker;
    tr_breaker_fn fn;
    tr_term arg, result;
    bool success;
};

static bool is_failure(tr_term result)
{
    return tr_match(result, a_error) || tr_match(result, a_error, tr_any());
}

static void work(void *arg)
{
    struct work *w = arg;
    bool (*fails)(tr_term) = w->breaker->opts.is_failure;

    w->result = w->fn(w->arg);
    w->success = !(fails ? fails : is_failure)(w->result);
}

static void ends_in_call(void *arg)
{
    const struct call *c = arg;

    if (c->breaker)
        tr_breaker_leave(c->breaker, c->number, false);
}

/* Runs what was let through. True, with the reason, when it would end the caller. */
static bool run(struct call *c, struct work *w, tr_term *reason)
{
    struct step step = { .changed = 0 };
    bool failed = tr_catch(work, w, reason);

    leave(c->breaker, c->number, w->success, &step);
    c->breaker = NULL;
    tell(w->breaker, &step);
    return failed;
}

tr_err tr_breaker_call_args(struct tr_breaker *breaker, tr_term *result, tr_breaker_fn fn,
                            const struct tr_arg *args, int n)
{
    struct work w = { .breaker = breaker, .fn = fn, .arg = tr_build_args(args, n) };
    struct call *c = tr_alloc(sizeof *c);
    struct step step = { .changed = 0 };
    tr_term reason;
    bool failed = false;

    /* First, so that no process that ends takes the place of a trial along. */
    tr_defer(ends_in_call, c);
    tr_err err = enter(breaker, &c->number, &step);
    if (!err)
        c->breaker = breaker;
    tell(breaker, &step);
    if (!err)
        failed = run(c, &w, &reason);
    tr_defer_cancel(ends_in_call, c);
    tr_free(c);
    if (failed)
        tr__exit_again(reason);
    if (result)
        *result = err ? tr_build(a_error, a_circuit_open) : w.result;
    return err;
}

/* --- how it stands --- */

static enum tr_breaker_state state_at(const struct tr_breaker *b, int64_t now_ns)
{
    enum tr_breaker_state state = state_of(read_word(b));

    return state == TR_BREAKER_OPEN && now_ns >= read_until(b) ? TR_BREAKER_HALF_OPEN : state;
}

enum tr_breaker_state tr_breaker_state(const struct tr_breaker *breaker)
{
    return state_at(breaker, tr_monotonic_ns());
}

struct tr_breaker_info tr_breaker_status(struct tr_breaker *breaker)
{
    int64_t now_ns = tr_monotonic_ns();
    sigset_t signals;

    tr__kit_lock(&breaker->lock, &signals);
    move_window(breaker, now_ns);
    struct slice sum = sum_of(breaker);
    struct tr_breaker_info s = { .state = state_at(breaker, now_ns),
                                 .calls = sum.calls,
                                 .failures = sum.failures,
                                 .refused = __atomic_load_n(&breaker->nrefused, __ATOMIC_RELAXED),
                                 .opened = breaker->nopened };
    int64_t until_ns = breaker->until_ns;
    tr__kit_unlock(&breaker->lock, &signals);
    if (s.state == TR_BREAKER_OPEN)
        s.open_ms =
            until_ns == INT64_MAX ? TR_INFINITY : (until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return s;
}

/* --- new --- */

/* The option that is wrong; NULL when none is. */
static const char *bad_option(const struct tr_breaker_opts *o, tr_atom *name)
{
    if (tr_try_intern(o->name, strlen(o->name), name))
        return "name";
    if (o->max_failures < 0 || o->max_failures > MAX_COUNT)
        return "max_failures";
    if (o->max_percent < 0 || o->max_percent > 100)
        return "max_percent";
    if (o->min_calls < 1 || o->min_calls > MAX_COUNT)
        return "min_calls";
    if (o->window_ms < 1 || o->window_ms > MAX_MS)
        return "window_ms";
    if (o->max_trials < 1 || o->max_trials > MAX_COUNT)
        return "max_trials";
    if (o->trial_ms < 1 || o->trial_ms > MAX_MS)
        return "trial_ms";
    if (!tr__backoff_is_good(&o->open) || o->open.max_ms > MAX_MS)
        return "open";
    if (o->notify.w && !tr_is_pid(o->notify) && !tr_is_atom(o->notify))
        return "notify";
    return NULL;
}

tr_err tr_breaker_new(struct tr_breaker **breaker, const struct tr_breaker_opts *opts,
                      const char **bad)
{
    struct tr_breaker_opts o = *opts;
    struct tr_breaker *b;
    tr_atom name;

    o.name = o.name ? o.name : "breaker";
    o.max_failures = o.max_failures || o.max_percent ? o.max_failures : MAX_FAILURES;
    o.min_calls = o.min_calls ? o.min_calls : MIN_CALLS;
    o.window_ms = o.window_ms ? o.window_ms : WINDOW_MS;
    o.max_trials = o.max_trials ? o.max_trials : 1;
    o.trial_ms = o.trial_ms ? o.trial_ms : TRIAL_MS;
    tr__backoff_defaults(&o.open, FIRST_MS);
    const char *which = bad_option(&o, &name);
    if (which && bad)
        *bad = which;
    if (which)
        return TR_EINVAL;
    if (!(b = calloc(1, sizeof *b)))
        return TR_ENOMEM;
    b->opts = o;
    b->name = name;
    pthread_mutex_init(&b->lock, NULL);
    *breaker = b;
    return TR_OK;
}

void tr_breaker_free(struct tr_breaker *breaker)
{
    if (!breaker)
        return;
    pthread_mutex_destroy(&breaker->lock);
    free(breaker);
}
