/* SPDX-License-Identifier: MIT */
/*
 * Cron: a server that knows when each job is due, and starts it as a task.
 *
 * It waits for the job that is due first, but never longer than 30 seconds, because the clock that
 * counts is not the one that timers follow: it may be set, or go on while the machine sleeps. Each
 * time it compares that clock with what is due. A job that is due, however often it was, is started
 * at most once, and is due next after the present time: so there is never a burst.
 */
#include "troupe/kit/cron.h"
#include "troupe.h"

#include <time.h>

/* clang-format off */
tr_atoms(ok, error, bad_option, bad_job, name, max_late_ms, id, schedule, zone, run, arg, never,
         none, add, remove, jobs, not_found, running, DOWN, EXIT, process, shutdown);
/* clang-format on */

#define LOOK_MS     30000
#define MAX_LATE_MS 60000
#define SET_BACK_MS (INT64_C(3) * 3600 * 1000)
#define YEAR_2000   INT64_C(946684800000)
#define NEVER       INT64_MAX

struct job {
    struct job *next; /* in the order in which they were added */
    tr_atom id;
    struct tr_schedule schedule;
    struct tr_zone *zone; /* NULL: UTC; closed by tr_defer, or when the job is removed */
    tr_task_fn run;
    tr_term arg; /* kept */
    bool no_overlap;
    int64_t due;  /* in seconds, or NEVER */
    tr_ref watch; /* of the run that goes on, if no_overlap; w is 0: none */
    int64_t nruns, nskipped;
};

struct cron {
    struct job *jobs;
    int64_t (*clock_ms)(void);
    int64_t max_late_ms;
    int64_t seen_ms; /* the latest time that the clock has shown */
    tr_pid tasks;
};

/* --- time --- */

static int64_t system_clock_ms(void)
{
    struct timespec t;

    if (tr_replaying())
        return YEAR_2000 + tr_monotonic_ms();
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static int64_t seconds(int64_t ms)
{
    return ms / 1000 - (ms % 1000 < 0);
}

static int64_t due_after(const struct job *j, int64_t now_ms)
{
    int64_t due;

    return tr_schedule_next(&j->schedule, j->zone, seconds(now_ms), &due) ? due : NEVER;
}

/* --- runs --- */

static bool start(struct cron *c, struct job *j)
{
    tr_pid pid;
    tr_term result;

    if (j->watch.w) {
        j->nskipped++;
        return false;
    }
    result = tr_task_start_child(c->tasks, j->run, j->arg);
    if (!tr_match(result, a_ok, &pid)) {
        tr_log_warning("job %s could not start: %s", tr_atom_name(j->id, NULL), tr_inspect(result));
        j->nskipped++;
        return false;
    }
    j->nruns++;
    if (j->no_overlap)
        j->watch = tr_monitor(pid);
    return true;
}

/* The job is due. If that was too long ago, there may be a later time that is not. */
static void start_due(struct cron *c, struct job *j, int64_t now)
{
    int64_t due = j->due;

    if (now - due * 1000 > c->max_late_ms) {
        due = due_after(j, now - c->max_late_ms - 1);
        tr_log_warning("runs of job %s were left out: they are too late",
                       tr_atom_name(j->id, NULL));
        j->nskipped++;
    }
    if (due <= seconds(now))
        start(c, j);
    j->due = due_after(j, now);
}

/* Starts what is due; returns how long to wait. */
static int64_t look(struct cron *c)
{
    int64_t now = c->clock_ms(), wait = LOOK_MS;
    bool set_back = now < c->seen_ms - SET_BACK_MS;

    if (set_back || now > c->seen_ms)
        c->seen_ms = now;
    for (struct job *j = c->jobs; j; j = j->next) {
        if (set_back)
            j->due = due_after(j, now);
        else if (j->due <= seconds(now))
            start_due(c, j, now);
        if (j->due != NEVER && j->due * 1000 - now < wait)
            wait = j->due * 1000 - now;
    }
    return wait > 0 ? wait : 0;
}

/* --- jobs --- */

static void close_zone(void *zone)
{
    tr_zone_close(zone);
}

static void free_job(struct job *j)
{
    if (j->zone && tr_defer_cancel(close_zone, j->zone))
        tr_zone_close(j->zone);
    if (j->arg.w)
        tr_release(j->arg);
    tr_free(j);
}

static struct job **find(struct cron *c, tr_atom id)
{
    struct job **at = &c->jobs;

    while (*at && (*at)->id.w != id.w)
        at = &(*at)->next;
    return at;
}

/* Fills in a job; what is wrong with it, or a term with w of 0. */
static tr_term read_job(struct job *j, tr_term term)
{
    const char *schedule, *zone, *arg, *why;
    const tr_term none = { 0 };
    uint64_t run;
    tr_term value;
    size_t at;

    if (!tr_match(term, &schedule, &zone, &run, &arg, &j->no_overlap))
        return tr_build(a_schedule);
    if (tr_schedule_parse(&j->schedule, schedule, &at, &why))
        return tr_build(a_schedule, at, why);
    if (*zone) {
        if (tr_zone_open(&j->zone, zone))
            return tr_build(a_zone);
        tr_defer(close_zone, j->zone);
    }
    if (!run)
        return tr_build(a_run);
    j->run = (tr_task_fn)(uintptr_t)run;
    if (tr_parse(arg, strlen(arg), &value, NULL))
        return tr_build(a_arg);
    j->arg = tr_keep(value);
    return none;
}

static tr_term add(struct cron *c, const char *text, tr_term term)
{
    struct job *j = tr_alloc(sizeof *j);
    tr_term wrong;

    if (!*text || tr_try_intern(text, strlen(text), &j->id) || *find(c, j->id)) {
        wrong = tr_build(a_id);
    } else {
        wrong = read_job(j, term);
        if (!wrong.w && (j->due = due_after(j, c->clock_ms())) == NEVER)
            wrong = tr_build(a_schedule, a_never);
    }
    if (wrong.w) {
        free_job(j);
        return tr_build(a_error, tr_tuple(a_bad_job, text, wrong));
    }
    *find(c, j->id) = j;
    return tr_build(a_ok);
}

static tr_term remove_job(struct cron *c, tr_atom id)
{
    struct job **at = find(c, id), *j = *at;

    if (!j)
        return tr_build(a_error, a_not_found);
    *at = j->next;
    if (j->watch.w)
        tr_demonitor_flush(j->watch);
    free_job(j);
    return tr_build(a_ok);
}

static tr_term run_job(struct cron *c, tr_atom id)
{
    struct job *j = *find(c, id);

    if (!j)
        return tr_build(a_error, a_not_found);
    return start(c, j) ? tr_build(a_ok) : tr_build(a_error, a_running);
}

static tr_term list_jobs(const struct cron *c)
{
    tr_term list = tr_nil();

    for (const struct job *j = c->jobs; j; j = j->next) {
        tr_term due = j->due == NEVER ? tr_build(a_none) : tr_build(j->due);
        list = tr_list_push(list, tr_build(j->id, due, j->nruns, j->nskipped));
    }
    return tr_list_reverse(list);
}

/* --- the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    struct cron *c = state;
    tr_term jobs, job, result, spec;
    const char *id;
    uint64_t clock;

    if (!tr_match(arg, &clock, &c->max_late_ms, &jobs))
        return tr_gen_unknown();
    c->clock_ms = clock ? (int64_t(*)(void))(uintptr_t)clock : system_clock_ms;
    c->seen_ms = c->clock_ms();
    tr_trap_exit(true);
    result = tr_task_supervisor_start_link(NULL);
    if (!tr_match(result, a_ok, &c->tasks))
        return tr_gen_error(result);
    while (tr_list_next(&jobs, &job)) {
        if (!tr_match(job, &id, &spec))
            return tr_gen_unknown();
        result = add(c, id, spec);
        if (tr_match(result, a_error, &job))
            return tr_gen_error(job);
    }
    return tr_gen_timeout(look(c), tr_gen_ok());
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct cron *c = state;
    tr_term reply, spec;
    const char *text;
    tr_atom id;

    (void)from;
    if (tr_match(request, a_add, &text, &spec))
        reply = add(c, text, spec);
    else if (tr_match(request, a_remove, &id))
        reply = remove_job(c, id);
    else if (tr_match(request, a_run, &id))
        reply = run_job(c, id);
    else if (tr_match(request, a_jobs))
        reply = list_jobs(c);
    else
        return tr_gen_unknown();
    return tr_gen_timeout(look(c), tr_gen_reply(reply));
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct cron *c = state;
    tr_term reason;
    tr_ref ref;

    if (tr_match(message, a_EXIT, c->tasks, &reason))
        return tr_gen_stop(reason);
    if (tr_match(message, a_DOWN, &ref, a_process, tr_any(), tr_any()))
        for (struct job *j = c->jobs; j; j = j->next)
            if (j->watch.w == ref.w)
                j->watch = (tr_ref){ 0 };
    return tr_gen_timeout(look(c), tr_gen_noreply());
}

/* The jobs that run end before the server does. */
static void terminate(void *state, tr_term reason)
{
    struct cron *c = state;

    if (c->tasks.w && tr_try_stop(c->tasks, NULL, a_shutdown, TR_INFINITY))
        tr_log_debug("the tasks of a cron were gone: %s", tr_inspect(reason));
}

static tr_term get_state(const void *state)
{
    return list_jobs(state);
}

static const struct tr_gen_server cron_server = {
    .name = "cron",
    .state_size = sizeof(struct cron),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
    .terminate = terminate,
    .get_state = get_state,
};

/* --- the interface --- */

static const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

static tr_term job_term(const struct tr_cron_job *job)
{
    return tr_build(or_else(job->schedule, ""), or_else(job->zone, ""),
                    (uint64_t)(uintptr_t)job->run, or_else(job->arg, "[]"), job->no_overlap);
}

tr_term tr_cron_start_link(const struct tr_cron *cron)
{
    int64_t late = !cron->max_late_ms             ? MAX_LATE_MS
                   : cron->max_late_ms == TR_ZERO ? 0
                                                  : cron->max_late_ms;
    tr_atom name = { 0 };
    tr_term jobs = tr_nil();

    if (cron->name && tr_try_intern(cron->name, strlen(cron->name), &name))
        return tr_build(a_error, tr_tuple(a_bad_option, a_name));
    if (late < 0 || late > INT64_C(1000) * 86400 * 365)
        return tr_build(a_error, tr_tuple(a_bad_option, a_max_late_ms));
    for (const struct tr_cron_job *j = cron->jobs; j && (j->id || j->schedule || j->run); j++)
        jobs = tr_list_push(jobs, tr_build(or_else(j->id, ""), job_term(j)));
    return tr_gen_server_start_link(&cron_server, TR_GEN_SERVER_OPTS(.name = name),
                                    (uint64_t)(uintptr_t)cron->clock_ms, late,
                                    tr_list_reverse(jobs));
}

tr_term tr_cron_child(tr_term arg)
{
    return tr_cron_start_link(tr_child_pointer(arg));
}

tr_term tr_cron_add_term(tr_term to, const struct tr_cron_job *job)
{
    return tr_call(to, a_add, or_else(job->id, ""), job_term(job));
}

tr_term tr_cron_remove_term(tr_term to, const char *id)
{
    return tr_call(to, a_remove, tr_intern(id));
}

tr_term tr_cron_run_term(tr_term to, const char *id)
{
    return tr_call(to, a_run, tr_intern(id));
}

tr_term tr_cron_jobs_term(tr_term to)
{
    return tr_call(to, a_jobs);
}
