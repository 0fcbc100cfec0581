/* SPDX-License-Identifier: MIT */
/* The parent of one application's tree: runs its callbacks, and sees its tree end. */
#include "otp/application.h"

tr_atoms(ok, error, normal, shutdown, start, start_phase, bad_return, badarg, EXIT, app_started,
         app_stop, app_config);

struct master {
    const struct tr_application *spec;
    tr_pid controller;
    tr_pid top;
    tr_term state; /* kept */
};

/* --- callbacks, whose failure is a result --- */

struct job {
    const struct tr_application *spec;
    tr_atom phase;
    tr_term arg, result;
};

static void run_start(void *job)
{
    struct job *j = job;

    if (j->spec->start)
        j->result = j->spec->start(j->arg);
    else
        j->result = tr_supervisor_start_link(j->spec->supervisor, NULL, j->arg);
}

static void run_phase(void *job)
{
    struct job *j = job;

    j->result = j->spec->start_phase(j->phase, j->arg);
}

static void run_prep_stop(void *job)
{
    struct job *j = job;

    j->result = j->spec->prep_stop(j->arg);
}

static void run_stop(void *job)
{
    struct job *j = job;

    j->spec->stop(j->arg);
}

/* What the callback returned, or {'EXIT', Reason}. */
static tr_term run(void (*fn)(void *), struct job *j)
{
    tr_term reason;

    if (tr_catch(fn, j, &reason))
        j->result = tr_build(a_EXIT, reason);
    return j->result;
}

/* --- starting --- */

/* {App, Function, Args} */
static tr_term mfa(const struct master *m, tr_atom function, tr_term args)
{
    return tr_build(tr_intern(m->spec->name), function, args);
}

/* Ok, or the reason of what was called and returned this. */
static tr_term judged(tr_term result, tr_term call)
{
    tr_term reason;

    if (tr_match(result, a_ok))
        return result;
    if (tr_match(result, a_error, &reason))
        return tr_build(a_error, tr_tuple(reason, call));
    return tr_build(a_error, tr_tuple(a_bad_return, tr_tuple(call, result)));
}

static tr_term start(struct master *m)
{
    struct job j = { .spec = m->spec };
    tr_term state = tr_nil();

    tr__env_parse(m->spec->arg, &j.arg); /* was looked at when it was loaded */
    tr_term result = run(run_start, &j);
    if (tr_match(result, a_ok, &m->top) || tr_match(result, a_ok, &m->top, &state)) {
        m->state = tr_keep(state);
        return tr_build(a_ok);
    }
    return judged(result, mfa(m, a_start, tr_build(tr_list(a_normal, j.arg))));
}

static tr_term phases(const struct master *m)
{
    tr_term result = tr_build(a_ok);

    if (!m->spec->start_phase)
        return result;
    for (const struct tr_start_phase *p = m->spec->phases; p && p->name && tr_match(result, a_ok);
         p++) {
        struct job j = { .spec = m->spec, .phase = tr_intern(p->name) };
        if (!tr__env_parse(p->arg, &j.arg))
            tr_exit(a_badarg, p->arg);
        result = run(run_phase, &j);
        result = judged(result, mfa(m, a_start_phase, tr_build(tr_list(j.phase, a_normal, j.arg))));
    }
    return result;
}

/* --- stopping --- */

static void end_tree(const struct master *m)
{
    tr_exit_to(m->top, a_shutdown);
    tr_receive (r)
        tr_on (r, a_EXIT, m->top, tr_any()) {
        }
}

static void prep_stop(struct master *m)
{
    struct job j = { .spec = m->spec, .arg = m->state };
    tr_term failed;

    if (!m->spec->prep_stop || tr_match(run(run_prep_stop, &j), a_EXIT, &failed))
        return;
    tr_term before = m->state;
    m->state = tr_keep(j.result);
    tr_release(before);
}

static void call_stop(struct master *m)
{
    struct job j = { .spec = m->spec, .arg = m->state, .result = tr_nil() };

    if (m->spec->stop)
        run(run_stop, &j);
}

static _Noreturn void stop(struct master *m)
{
    prep_stop(m);
    end_tree(m);
    call_stop(m);
    tr_exit(a_normal);
}

static _Noreturn void tree_has_ended(struct master *m, tr_term reason)
{
    reason = tr_keep(reason);
    prep_stop(m);
    call_stop(m);
    tr_exit(reason);
}

/* --- running --- */

static void serve(struct master *m)
{
    tr_term a, b, c;

    tr_receive (r) {
        tr_on (r, a_app_stop, m->controller)
            stop(m);
        tr_on (r, a_EXIT, m->controller, tr_any())
            stop(m);
        tr_on (r, a_EXIT, m->top, &a)
            tree_has_ended(m, a);
        tr_on (r, a_app_config, &a, &b, &c) {
            if (m->spec->config_change)
                m->spec->config_change(a, b, c);
        }
        tr_on (r, tr_any()) {
        }
    }
}

void tr__application_master(tr_term arg)
{
    struct master m = { .top = { 0 } };
    uint64_t spec;

    if (!tr_match(arg, &spec, &m.controller))
        tr_error(a_badarg, arg);
    m.spec = (const struct tr_application *)(uintptr_t)spec;
    tr_trap_exit(true);
    tr_term result = start(&m);
    if (tr_match(result, a_ok))
        result = phases(&m);
    if (!tr_match(result, a_ok) && m.top.w)
        end_tree(&m);
    tr_send(m.controller, a_app_started, tr_self(), result);
    if (!tr_match(result, a_ok))
        return;
    for (;;)
        serve(&m);
}
