/* SPDX-License-Identifier: MIT */
/*
 * Tickers: something that is done every so many milliseconds.
 *
 *     static const struct tr_ticker sweep = { .name = "sweep", .every_ms = 60000, .fn = sweep_all
 * };
 *
 *     tr_ticker_start_link(&sweep);
 *     { .start = tr_ticker_child, .arg_pointer = &sweep, .id = "sweep" }      under a supervisor
 *
 * A ticker is a server. Its ticks are on a grid, every_ms apart, that begins one every_ms after the
 * start (or tr_ticker_resume): neither a slow function nor a late timer moves it, so there is no
 * drift. (timer:apply_interval/4)
 *
 * This header is not part of <troupe.h>. `ticker` is a pid, a name, or a term that is one of these.
 */
#ifndef TROUPE_KIT_TICKER_H
#define TROUPE_KIT_TICKER_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"

TR_HEADER_BEGIN

/* What becomes of ticks that come due while the function still runs. */
enum tr_ticker_late {
    TR_TICKER_SKIP, /* they are left out: the next one is the next on the grid */
    TR_TICKER_ONCE  /* one of them comes at once, the others are left out */
};

/* Zero is the default of each but `every_ms`, and one of `fn` and `to`. */
struct tr_ticker {
    const char *name;        /* registered; NULL: none */
    int64_t every_ms;        /* 1 to 2^31 */
    void (*fn)(tr_term arg); /* runs in the ticker; when it fails the ticker ends */
    tr_term to;              /* or this gets `arg` as a message: a pid, or a name, which may be
                                nobody's */
    tr_term arg;             /* copied; the empty list */
    int jitter_percent;      /* each tick is later than the grid by a random time, up to this share
                                of every_ms; 0 to 100 */
    enum tr_ticker_late late;
    bool paused; /* until tr_ticker_resume */
};

/*
 * Starts a ticker, linked with the caller. The struct need not last longer than the call, unless it
 * is that of a child. {ok, Pid}, or in the current heap
 *
 *     {error, {bad_option, Name}}      name, every_ms, fn (none, or both fn and to), to,
 *                                      jitter_percent or late
 *     {error, {already_started, Pid}}  the name is taken
 *
 * Process only; blocks.
 */
tr_term tr_ticker_start_link(const struct tr_ticker *ticker);

/* The same as the start function of a child, see above. Process only; blocks. */
tr_term tr_ticker_child(tr_term arg);

/* Stops the ticks; none comes after it has returned. Ends the caller as tr_call does. Process only;
   blocks, while the function runs too. */
void tr_ticker_pause_term(tr_term ticker);
#define tr_ticker_pause(ticker) tr_ticker_pause_term(TR__DEST(ticker))

/* Goes on, with a grid that begins now; does nothing for a ticker that is not paused. As above. */
void tr_ticker_resume_term(tr_term ticker);
#define tr_ticker_resume(ticker) tr_ticker_resume_term(TR__DEST(ticker))

/* How it stands. */
struct tr_ticker_status {
    int64_t ticks;   /* that came */
    int64_t skipped; /* that were left out */
    bool paused;
};

/* Ends the caller as tr_call does. Process only; blocks. */
struct tr_ticker_status tr_ticker_status_term(tr_term ticker);
#define tr_ticker_status(ticker) tr_ticker_status_term(TR__DEST(ticker))

TR_HEADER_END

#endif
