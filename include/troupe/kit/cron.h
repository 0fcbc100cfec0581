/* SPDX-License-Identifier: MIT */
/*
 * Cron: jobs that run by the calendar.
 *
 *     static const struct tr_cron cron = {
 *         .name = "cron",
 *         .jobs = TR_CRON_JOBS({ .id = "report", .schedule = "30 6 * * mon-fri", .run = report,
 *                                .zone = "Europe/Berlin" },
 *                              { .id = "sweep", .schedule = "0,30 * * * *", .run = sweep,
 *                                .no_overlap = true }),
 *     };
 *
 *     tr_cron_start_link(&cron);
 *
 * A schedule has five fields, or six with seconds in front:
 *
 *     second 0-59   minute 0-59   hour 0-23   day 1-31   month 1-12   weekday 0-7
 *
 * A field is a list (1,15) of numbers, ranges (1-5), steps (1-30/5; 5/10 is 5-59/10) and of `*`,
 * which is all. Months and weekdays have names (jan, mon); 0 and 7 are Sunday; the day L is the
 * last one of the month. When both day and weekday are given (do not begin with `*`), either will
 * do, as cron always had it. `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`, `@midnight`,
 * `@hourly` and `@minutely` stand for schedules.
 *
 * When clocks change: a time that does not exist runs once, when clocks have jumped over it; one
 * that exists twice runs the first time only. A schedule of all hours follows the time that passes
 * instead: an hourly job runs every hour.
 *
 * This header is not part of <troupe.h>. (Quantum)
 */
#ifndef TROUPE_KIT_CRON_H
#define TROUPE_KIT_CRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/kit/zone.h"
#include "troupe/message.h"
#include "troupe/supervisor.h"
#include "troupe/task.h"

TR_HEADER_BEGIN

/* --- schedules --- */

/* A schedule that was read: bit n of a field stands for the number n. */
struct tr_schedule {
    uint64_t seconds, minutes;
    uint32_t hours, days, months, weekdays;
    bool last_day;
    bool any_day; /* one of day and weekday begins with `*`: both have to match */
};

/* Reads a schedule. TR_ESYNTAX: *at is the byte where the fault is, and *why says what (static);
   both may be NULL. Any thread. */
TR_MUST_USE tr_err tr_schedule_parse(struct tr_schedule *schedule, const char *text, size_t *at,
                                     const char **why);

/* The first time after `time` at which it is due in that zone (NULL: UTC); false when there is none
   in the next ten years. A pure function. Any thread. */
bool tr_schedule_next(const struct tr_schedule *schedule, const struct tr_zone *zone, int64_t time,
                      int64_t *next);

/* --- jobs --- */

/* Zero is the default of each but id, schedule and run. */
struct tr_cron_job {
    const char *id; /* an atom */
    const char *schedule;
    const char *zone; /* "Europe/Berlin"; UTC */
    tr_task_fn run;   /* run(arg) in a task of its own; what it returns is dropped */
    const char *arg;  /* as Erlang writes it; [] */
    bool no_overlap;  /* a run is left out while the last one goes on */
};

/* For .jobs: the jobs, each in braces, and a mark of the end. */
#define TR_CRON_JOBS(...) ((const struct tr_cron_job[]){ __VA_ARGS__, { .id = NULL } })

struct tr_cron {
    const char *name;               /* registered; NULL: none */
    const struct tr_cron_job *jobs; /* TR_CRON_JOBS(...); NULL: none */

    /* What time it is, in ms since 1970 began; the clock of the system if NULL, which in a replay
       begins with the year 2000. */
    int64_t (*clock_ms)(void);

    /* How late a run may start; 60,000, TR_ZERO. The machine slept, or the clock was set forward:
       what is later is left out, and logged. Of one job one run at most is late. */
    int64_t max_late_ms;
};

/*
 * Starts it, linked with the caller. The clock is looked at every 30 seconds at least, so a clock
 * that is set forward is noticed. When it is set back by up to three hours, nothing runs twice:
 * jobs wait until it is where it was. When by more, all is reckoned anew. {ok, Pid}, or
 *
 *     {error, {already_started, Pid}}
 *     {error, {bad_option, Name}}         name or max_late_ms
 *     {error, {bad_job, Id, What}}        as tr_cron_add
 *
 * The jobs run under a task supervisor, and end when it ends. Process only; blocks.
 */
tr_term tr_cron_start_link(const struct tr_cron *cron);

/* The same as the start function of a child: { .start = tr_cron_child, .arg_pointer = &cron,
   .id = "cron" }. Process only; blocks. */
tr_term tr_cron_child(tr_term arg);

/*
 * Adds a job: ok, or {error, {bad_job, Id, What}}, where Id is a binary and What is {schedule, At,
 * Why}, {schedule, never} (there is no 30 February), zone, run, arg, or id (none, or there is such
 * a job). What the struct points to is copied. Ends the caller as tr_call does. Process only;
 * blocks.
 */
tr_term tr_cron_add_term(tr_term to, const struct tr_cron_job *job);
#define tr_cron_add(to, job) tr_cron_add_term(TR__DEST(to), job)

/* Removes a job, whose present run goes on: ok, or {error, not_found}. As above. */
tr_term tr_cron_remove_term(tr_term to, const char *id);
#define tr_cron_remove(to, id) tr_cron_remove_term(TR__DEST(to), id)

/* Runs a job now, as if it were due: ok, or {error, not_found | running}. As above. */
tr_term tr_cron_run_term(tr_term to, const char *id);
#define tr_cron_run(to, id) tr_cron_run_term(TR__DEST(to), id)

/* [{Id, Next, NRuns, NSkipped}], in the order in which they were added: when it is due next, in
   seconds since 1970 began (none if never); how often it was started, and left out. As above. */
tr_term tr_cron_jobs_term(tr_term to);
#define tr_cron_jobs(to) tr_cron_jobs_term(TR__DEST(to))

TR_HEADER_END

#endif
