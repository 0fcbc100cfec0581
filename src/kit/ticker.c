/* SPDX-License-Identifier: MIT */
/*
 * Tickers: a server with one timer at a time.
 *
 * Tick n is due at base_ms + n * every_ms, plus its jitter, on the monotonic clock, and its timer
 * is absolute: what happens between two ticks cannot move the grid. Which ticks a slow function has
 * missed is counted from the moment at which its own tick was due, jitter included, so that jitter
 * alone misses none.
 */
#include "troupe/kit/ticker.h"
#include "troupe.h"

#include <string.h>

#define MAX_MS (INT64_C(1) << 31)

tr_atoms(ok, error, bad_option, name, every_ms, fn, to, jitter_percent, late, tick, timeout, pause,
         resume, status, skipped, paused, ticks);

struct ticker {
    int64_t every_ms, max_jitter_ms;
    void (*fn)(tr_term arg);
    tr_term to, arg; /* kept */
    bool once;       /* TR_TICKER_ONCE */

    int64_t base_ms, n; /* the grid, and the next tick on it */
    int64_t jitter_ms;  /* of the next tick */
    tr_ref timer;       /* w is 0: paused */
    int64_t nticks, nskipped;
};

static void set_timer(struct ticker *t)
{
    static const struct tr_timer_opts opts = { .absolute = true, .wrap = true };

    t->jitter_ms = t->max_jitter_ms ? (int64_t)tr_random((uint64_t)t->max_jitter_ms + 1) : 0;
    t->timer =
        tr_timer_opt(t->base_ms + t->n * t->every_ms + t->jitter_ms, tr_self(), &opts, a_tick);
}

static void begin(struct ticker *t)
{
    t->base_ms = tr_monotonic_ms();
    t->n = 1;
    set_timer(t);
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct ticker *t = state;
    uint64_t function;
    bool is_paused = false;

    if (!tr_match(arg, &t->every_ms, &t->max_jitter_ms, &function, &t->to, &t->arg, &t->once,
                  &is_paused))
        return tr_gen_unknown();
    t->fn = (void (*)(tr_term))(uintptr_t)function;
    t->to = tr_keep(t->to);
    t->arg = tr_keep(t->arg);
    if (!is_paused)
        begin(t);
    return tr_gen_ok();
}

static void tick(struct ticker *t)
{
    int64_t due = t->base_ms + t->n * t->every_ms + t->jitter_ms;

    t->nticks++;
    if (t->fn)
        t->fn(t->arg);
    else if (tr_try_send(t->to, t->arg)) /* a name may be nobody's for a while */
        tr_log_debug("a ticker could not send a tick");
    int64_t missed = (tr_monotonic_ms() - due) / t->every_ms;
    int64_t left_out = missed && t->once ? missed - 1 : missed;

    t->nskipped += left_out;
    t->n += left_out + 1;
    set_timer(t);
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct ticker *t = state;

    /* Not that of a timer which fired before it was cancelled. */
    if (t->timer.w && tr_match(message, a_timeout, t->timer, a_tick))
        tick(t);
    return tr_gen_noreply();
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct ticker *t = state;
    tr_ref none = { 0 };

    (void)from;
    if (tr_match(request, a_status))
        return tr_gen_reply(t->nticks, t->nskipped, (bool)(t->timer.w == 0));
    if (tr_match(request, a_pause)) {
        if (t->timer.w)
            tr_cancel_timer(t->timer, NULL);
        t->timer = none;
        return tr_gen_reply(a_ok);
    }
    if (!tr_match(request, a_resume))
        return tr_gen_unknown();
    if (!t->timer.w)
        begin(t);
    return tr_gen_reply(a_ok);
}

static tr_term get_state(const void *state)
{
    const struct ticker *t = state;

    return tr_build(tr_map(a_every_ms, t->every_ms, a_ticks, t->nticks, a_skipped, t->nskipped,
                           a_paused, (bool)(t->timer.w == 0)));
}

static const struct tr_gen_server ticker_server = {
    .name = "ticker",
    .state_size = sizeof(struct ticker),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
    .get_state = get_state,
};

/* --- the interface --- */

/* The option that is wrong; w is 0 when none is. */
static tr_atom wrong(const struct tr_ticker *t)
{
    tr_atom name;

    if (t->name && tr_try_intern(t->name, strlen(t->name), &name))
        return a_name;
    if (t->every_ms < 1 || t->every_ms > MAX_MS)
        return a_every_ms;
    if (!t->fn == !t->to.w)
        return a_fn;
    if (t->to.w && !tr_is_pid(t->to) && !tr_is_atom(t->to))
        return a_to;
    if (t->jitter_percent < 0 || t->jitter_percent > 100)
        return a_jitter_percent;
    if (t->late != TR_TICKER_SKIP && t->late != TR_TICKER_ONCE)
        return a_late;
    return (tr_atom){ 0 };
}

tr_term tr_ticker_start_link(const struct tr_ticker *ticker)
{
    tr_atom bad = wrong(ticker), name = { 0 };

    if (bad.w)
        return tr_build(a_error, tr_tuple(a_bad_option, bad));
    if (ticker->name)
        name = tr_intern(ticker->name);
    return tr_gen_server_start_link(
        &ticker_server, TR_GEN_SERVER_OPTS(.name = name), ticker->every_ms,
        ticker->every_ms * ticker->jitter_percent / 100, (uint64_t)(uintptr_t)ticker->fn,
        ticker->to.w ? ticker->to : tr_nil(), ticker->arg.w ? ticker->arg : tr_nil(),
        (bool)(ticker->late == TR_TICKER_ONCE), ticker->paused);
}

tr_term tr_ticker_child(tr_term arg)
{
    return tr_ticker_start_link(tr_child_pointer(arg));
}

void tr_ticker_pause_term(tr_term ticker)
{
    tr_call_within(TR_INFINITY, ticker, a_pause);
}

void tr_ticker_resume_term(tr_term ticker)
{
    tr_call_within(TR_INFINITY, ticker, a_resume);
}

struct tr_ticker_status tr_ticker_status_term(tr_term ticker)
{
    struct tr_ticker_status s = { .ticks = 0 };

    tr_match(tr_call_within(TR_INFINITY, ticker, a_status), &s.ticks, &s.skipped, &s.paused);
    return s;
}
