/* SPDX-License-Identifier: MIT */
/*
 * Replay: a run of the whole program as a pure function of one number, the seed (rule R8).
 *
 * One worker; its loop is another one (tr__replay_run), so that the ordinary one pays nothing.
 * Which process runs next, how long its turn is and how much time passes come from a generator that
 * starts at the seed; when nothing can run, the clock jumps to the next timer.
 *
 * What the layer above adds to each turn is in struct tr_replay_hooks.
 */
#ifndef TROUPE_SCHED_REPLAY_H
#define TROUPE_SCHED_REPLAY_H

#include "sched/worker.h"

struct tr_replay_hooks {
    /* A number that names the runnable, the same in each run of the seed. */
    uint64_t (*name)(struct tr_runnable *r);
    /* A hash of what it is about to see. */
    uint64_t (*look)(struct tr_runnable *r);
    /* Around each turn; `before` may shorten the budget. */
    void (*before)(struct tr_worker *w, struct tr_runnable *r);
    void (*after)(struct tr_worker *w, struct tr_runnable *r);
    /* Sends what was held back and is due; all of it when `now` is TR__NEVER. */
    void (*deliver)(int64_t now);
    /* When the first of it is due; TR__NEVER. */
    int64_t (*due)(void);
    /* Nothing can run any more: prints what waits, and ends the run. Called by the monitor. */
    void (*stand_still)(void);
};

/* This run is a replay. Constant while the scheduler runs. */
extern bool tr__replay_on;

/* The next start of the scheduler is a replay with that seed. */
void tr__replay_ask(uint64_t seed);

/* Called by tr_main: who replays, and the end of the replay. */
void tr__replay_hooks(const struct tr_replay_hooks *hooks);
void tr__replay_end(void);

/* Looks whether the run that starts now is to be a replay, and prepares it. */
void tr__replay_begin(void);

/* In place of tr__worker_run. */
void tr__replay_run(struct tr_worker *w);

/* One look by the monitor, which ends a run that stands still; false when the run is no longer a
   replay. */
bool tr__replay_watch(void);

/* A number below n from the seed; any number when n is 0. The worker's thread only. */
uint64_t tr__replay_draw(uint64_t n);

/* The same for numbers that the program asks for. */
uint64_t tr__replay_random(void);

/* Mixes a word into the digest. */
void tr__replay_note(uint64_t word);

/* Is the worker to be taken from the process that enters the library? The worker's thread only. */
bool tr__replay_takes(void);

/* `r`, which is about to give its worker back, is to go on when nothing else can run. */
void tr__replay_settle(struct tr_runnable *r);

/*
 * The run depends on something outside: says so once, naming the function, and goes on as an
 * ordinary run of one worker with a clock that runs. Nothing outside of a replay. Any thread.
 */
void tr__replay_breaks(const char *function);

/* What has broken the replay, or NULL. */
const char *tr__replay_broken(void);

/* The seed and the digest of the present replay, or the last one. */
uint64_t tr__replay_seed(void);
uint64_t tr__replay_digest(void);

#endif
