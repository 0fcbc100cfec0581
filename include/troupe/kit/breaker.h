/* SPDX-License-Identifier: MIT */
/*
 * Circuit breakers: a service that fails is left alone for a while.
 *
 *     static struct tr_breaker *mail;                      5 failures in 10 seconds open it
 *
 *     tr_breaker_new(&mail, &(const struct tr_breaker_opts){ .name = "mail" }, NULL);
 *
 *     tr_term result;
 *     if (tr_breaker_call(mail, &result, send_mail, "anna@localhost", "hello") == TR_EBUSY)
 *         ...                                              not called: {error, circuit_open}
 *
 * Closed, it lets all calls through and counts how they end. When too many fail it opens: calls are
 * refused at once. After a while it is half-open and lets a few trial calls through: if all of them
 * succeed it closes, if one fails it is open again, for twice as long.
 *
 * It has no process. Calls run in their callers; whether one may run is read from memory, without a
 * lock while the breaker is closed or open; a result is counted under a lock, in a few
 * instructions. A call that began before the last change of state counts for nothing.
 *
 * This header is not part of <troupe.h>. (fuse, resilience4j, gobreaker)
 */
#ifndef TROUPE_KIT_BREAKER_H
#define TROUPE_KIT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "troupe/message.h"
#include "troupe/supervisor.h"

TR_HEADER_BEGIN

/* Zero is the default of each. */
struct tr_breaker_opts {
    const char *name; /* an atom, in notifications; "breaker" */
    int max_failures; /* so many in a window open it; 5, or not looked at with max_percent */
    int max_percent; /* so many of 100 calls in a window do, of min_calls at least; not looked at */
    int min_calls;   /* 10 */
    int64_t window_ms; /* up to 2^31; 10,000. Moves in steps of a tenth */
    int max_trials;    /* calls while half-open, all of which must succeed; 1 */
    int64_t trial_ms;  /* trials that take longer make room for others; up to 2^31; 60,000 */

    /* How long it is open: first_ms (1,000), then twice as long each time until it has closed, up
       to max_ms (30,000), of which a random share of up to jitter_percent (50) is left out. */
    struct tr_backoff open;

    /* Gets {breaker, Name, State, N} on each change: a pid or a name, which may be nobody's. State
       is open, half_open or closed; N grows, as messages of two callers may overtake each other. */
    tr_term notify;

    /* Whether what a call has returned is a failure; if NULL, error and {error, _} are. */
    bool (*is_failure)(tr_term result);
};

struct tr_breaker;

/* Makes a breaker, closed. TR_EINVAL: an option is wrong, *bad_option (may be NULL) is its name;
   TR_ENOMEM. Any thread. */
TR_MUST_USE tr_err tr_breaker_new(struct tr_breaker **breaker, const struct tr_breaker_opts *opts,
                                  const char **bad_option);

/* Frees it, when nobody uses it any more; NULL is allowed. Any thread. */
void tr_breaker_free(struct tr_breaker *breaker);

/*
 * tr_err tr_breaker_call(breaker, &result, fn, ...): runs fn(arg) in the caller, where arg is made
 * of the further arguments.
 *
 *     TR_OK     fn has returned; *result (may be NULL) is what, also when that is a failure
 *     TR_EBUSY  the breaker is open, and fn was not called; *result is {error, circuit_open}
 *
 * A caller that ends in fn, whatever the way, is a failure; fn's own exits and errors go on. A kill
 * is one too: so a call that took too long counts. Process only; blocks as fn does.
 */
typedef tr_term (*tr_breaker_fn)(tr_term arg);

TR_MUST_USE tr_err tr_breaker_call_args(struct tr_breaker *breaker, tr_term *result,
                                        tr_breaker_fn fn, const struct tr_arg *args, int n);
#define tr_breaker_call(breaker, result, fn, ...)                                                  \
    tr_breaker_call_args(breaker, result, fn, TR_ARGS(__VA_ARGS__))

/* For a call that is no function: asks whether it may be made (TR_OK, TR_EBUSY), and tells how it
   ended, with the number that *call was set to. A trial that is not reported holds its place for
   trial_ms. Any thread; never block. */
TR_MUST_USE tr_err tr_breaker_enter(struct tr_breaker *breaker, uint64_t *call);
void tr_breaker_leave(struct tr_breaker *breaker, uint64_t call, bool success);

/* Opens it by hand, for so many ms; TR_INFINITY: until tr_breaker_reset. Less than 1 does nothing.
   Any thread; never blocks. */
void tr_breaker_trip(struct tr_breaker *breaker, int64_t ms);

/* Closes it by hand, with nothing counted. Any thread; never blocks. */
void tr_breaker_reset(struct tr_breaker *breaker);

enum tr_breaker_state { TR_BREAKER_CLOSED, TR_BREAKER_OPEN, TR_BREAKER_HALF_OPEN };

/* The state now. One whose time is over is half-open, which the next caller makes it. No lock. Any
   thread. */
enum tr_breaker_state tr_breaker_state(const struct tr_breaker *breaker);

struct tr_breaker_info {
    enum tr_breaker_state state;
    int64_t calls, failures; /* in the window; 0 unless it is closed */
    int64_t refused;         /* since it was made */
    int64_t opened;          /* how often, since it was made */
    int64_t open_ms;         /* how long it is still open; 0, or TR_INFINITY */
};

struct tr_breaker_info tr_breaker_status(struct tr_breaker *breaker);

TR_HEADER_END

#endif
