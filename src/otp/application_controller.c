/* SPDX-License-Identifier: MIT */
/*
 * The application controller: which applications are known, which run, in which order they were
 * started, and with what they are configured.
 *
 * A start or a stop is one message to the master and one from it; the callers wait in a list, as
 * From terms. When everything is to end, applications are stopped one after the other, the one
 * started last first, and meanwhile the controller goes on answering.
 */
#include "otp/application.h"
#include "otp/report.h"

#include <string.h>

tr_atoms(ok, error, normal, shutdown, EXIT, load, unload, start, stop, which, loaded, config, of,
         running, not_started, already_started, already_loaded, not_loaded, bad_application,
         application_terminated, app_started, app_stop, app_config, ancestors, parent, undefined,
         temporary, transient, permanent, none);

enum state { LOADED, STARTING, RUNNING, STOPPING };

struct app {
    struct app *next; /* the one that was loaded before */
    const struct tr_application *spec;
    tr_atom name;
    enum state state;
    enum tr_application_type type;
    uint64_t started; /* counts starts: the greatest was the last */
    tr_pid master;    /* 0: none */
    tr_term waiting;  /* kept: a list of From, of those who wait for the start or the stop */
};

struct controller {
    struct app *apps;
    uint64_t starts;
    tr_pid first;   /* the first process */
    tr_term ending; /* kept: why everything is stopped; 0 while it is not */
    struct tr_app_env env;
};

/* --- the table --- */

static struct app *find(const struct controller *c, tr_atom name)
{
    struct app *a = c->apps;

    while (a && a->name.w != name.w)
        a = a->next;
    return a;
}

static struct app *of_master(const struct controller *c, tr_pid master)
{
    struct app *a = c->apps;

    while (a && a->master.w != master.w)
        a = a->next;
    return a;
}

static bool is_up(const struct app *a)
{
    return a->state == RUNNING || a->state == STOPPING;
}

/* The one started last of those that run, start or stop. */
static struct app *newest(const struct controller *c)
{
    struct app *found = NULL;

    for (struct app *a = c->apps; a; a = a->next)
        if (a->state != LOADED && (!found || a->started > found->started))
            found = a;
    return found;
}

static tr_term error(tr_atom what, tr_atom app)
{
    return tr_build(a_error, tr_tuple(what, app));
}

/* --- those who wait --- */

static void wait_for(struct app *a, tr_term from)
{
    tr_term before = a->waiting;

    a->waiting = tr_keep(tr_list_push(before, from));
    tr_release(before);
}

static void answer_all(struct app *a, tr_term first, tr_term others)
{
    tr_term list = tr_list_reverse(a->waiting);
    tr_term from;

    while (tr_list_next(&list, &from)) {
        tr_reply(from, first);
        first = others;
    }
    tr_release(a->waiting);
    a->waiting = tr_nil();
}

/* --- reports --- */

static tr_atom type_name(const struct app *a)
{
    return a->type == TR_APPLICATION_PERMANENT   ? a_permanent
           : a->type == TR_APPLICATION_TRANSIENT ? a_transient
                                                 : a_temporary;
}

static void report_end(const struct app *a, tr_term reason)
{
    struct tr_report r = { .size = 0 };

    if (!tr_log_allows(TR_LOG_NOTICE))
        return;
    tr__report_text(&r, "=INFO REPORT====\n");
    tr__report_line(&r, "    application", tr_build(a->name));
    tr__report_line(&r, "    exited", reason);
    tr__report_line(&r, "    type", tr_build(type_name(a)));
    tr__report_deliver(&r, TR_LOG_NOTICE);
}

static void report_start(const struct app *a)
{
    enum tr_log_level level = tr_log_progress_level();
    struct tr_report r = { .size = 0 };

    if (!tr_log_allows(level))
        return;
    tr__report_text(&r, "=PROGRESS REPORT====\n");
    tr__report_line(&r, "    application", tr_build(a->name));
    tr__report_deliver(&r, level);
}

/* --- loading --- */

static bool is_sound(const struct controller *c, const struct tr_application *spec, tr_term *env)
{
    tr_atom name;
    tr_term arg;

    if (!spec->name || tr_try_intern(spec->name, strlen(spec->name), &name))
        return false;
    for (const struct tr_start_phase *p = spec->phases; p && p->name; p++)
        if (tr_try_intern(p->name, strlen(p->name), &name) || !tr__env_parse(p->arg, &arg))
            return false;
    return tr__env_parse(spec->arg, &arg) && tr__env_configured(&c->env, spec, env);
}

/* What is configured takes the place of what was set; the rest stays. */
static void apply_env(struct controller *c, tr_atom name, tr_term configured)
{
    struct tr_map_iter it;
    tr_term key, value, map = tr__env_of(c->env.now, name);

    for (tr_map_iter_init(&it, configured); tr_map_next(&it, &key, &value);)
        map = tr_map_put(map, key, value);
    tr__env_set(&c->env.now, name, map);
}

static tr_term load(struct controller *c, const struct tr_application *spec)
{
    tr_term env;

    if (!is_sound(c, spec, &env))
        return tr_build(a_error,
                        tr_tuple(a_bad_application, spec->name ? tr_build(spec->name) : tr_nil()));
    tr_atom name = tr_intern(spec->name);
    if (find(c, name))
        return error(a_already_loaded, name);
    struct app *a = tr_alloc(sizeof *a);
    *a = (struct app){ .next = c->apps, .spec = spec, .name = name, .waiting = tr_nil() };
    c->apps = a;
    apply_env(c, name, env);
    return tr_build(a_ok);
}

static tr_term unload(struct controller *c, tr_atom name)
{
    struct app *a = find(c, name);

    if (!a)
        return error(a_not_loaded, name);
    if (a->state != LOADED)
        return error(a_running, name);
    struct app **at = &c->apps;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    tr_free(a);
    tr__env_set(&c->env.now, name, tr__env_of(c->env.persistent, name));
    return tr_build(a_ok);
}

/* --- starting --- */

static bool lacks(const struct controller *c, const struct tr_application *spec, tr_atom *missing)
{
    for (const struct tr_application *const *need = spec->applications; need && *need; need++) {
        *missing = tr_intern((*need)->name);
        const struct app *a = find(c, *missing);
        if (!a || a->state != RUNNING)
            return true;
    }
    return false;
}

static void runs(struct app *a)
{
    a->state = RUNNING;
    report_start(a);
    answer_all(a, tr_build(a_ok), error(a_already_started, a->name));
}

static void begin(struct controller *c, struct app *a)
{
    a->started = ++c->starts;
    if (!a->spec->start && !a->spec->supervisor) {
        runs(a);
        return;
    }
    a->state = STARTING;
    a->master = tr_proc_spawn_link(tr__application_master, (uint64_t)(uintptr_t)a->spec, tr_self());
}

static tr_gen_result start(struct controller *c, const struct tr_application *spec,
                           enum tr_application_type type, tr_term from)
{
    tr_atom name, missing;

    if (c->ending.w)
        return tr_gen_reply(a_error, a_shutdown);
    tr_term loaded = load(c, spec);
    if (!tr_match(loaded, a_ok) && !tr_match(loaded, a_error, tr_tuple(a_already_loaded, &name)))
        return tr_gen_reply(loaded);
    struct app *a = find(c, tr_intern(spec->name));
    if (is_up(a))
        return tr_gen_reply(error(a_already_started, a->name));
    if (a->state == LOADED && lacks(c, a->spec, &missing))
        return tr_gen_reply(error(a_not_started, missing));
    wait_for(a, from);
    if (a->state == LOADED) {
        a->type = type;
        begin(c, a);
    }
    return tr_gen_noreply();
}

static void on_started(struct app *a, tr_term result)
{
    if (tr_match(result, a_ok)) {
        runs(a);
        return;
    }
    a->state = LOADED;
    a->master.w = 0;
    answer_all(a, result, result);
}

/* --- stopping --- */

/* Stops the next one, or ends when there is none. */
static tr_gen_result go_on_ending(struct controller *c)
{
    struct app *a;

    while ((a = newest(c)) && a->state == RUNNING && !a->master.w)
        a->state = LOADED;
    if (!a)
        return tr_gen_stop(c->ending);
    if (a->state == RUNNING) {
        a->state = STOPPING;
        tr_send(a->master, a_app_stop, tr_self());
    }
    return tr_gen_noreply();
}

static tr_gen_result end_all(struct controller *c, tr_term reason)
{
    if (c->ending.w)
        return tr_gen_noreply();
    c->ending = tr_keep(reason);
    return go_on_ending(c);
}

static tr_gen_result stop(struct app *a, tr_atom name, tr_term from)
{
    if (!a || !is_up(a))
        return tr_gen_reply(error(a_not_started, name));
    if (!a->master.w) {
        a->state = LOADED;
        return tr_gen_reply(a_ok);
    }
    wait_for(a, from);
    if (a->state == RUNNING)
        tr_send(a->master, a_app_stop, tr_self());
    a->state = STOPPING;
    return tr_gen_noreply();
}

static bool ends_all(const struct app *a, tr_term reason)
{
    return a->type == TR_APPLICATION_PERMANENT ||
           (a->type == TR_APPLICATION_TRANSIENT && !tr_match(reason, a_normal));
}

/* A master has ended: it was told to, or its tree did by itself, or somebody killed it. */
static tr_gen_result on_end(struct controller *c, struct app *a, tr_term reason)
{
    enum state before = a->state;

    a->state = LOADED;
    a->master.w = 0;
    if (before == STARTING)
        answer_all(a, tr_build(a_error, reason), tr_build(a_error, reason));
    else
        answer_all(a, tr_build(a_ok), tr_build(a_ok));
    if (before == RUNNING)
        report_end(a, reason);
    if (c->ending.w)
        return go_on_ending(c);
    if (before == RUNNING && ends_all(a, reason))
        return end_all(c, tr_build(a_application_terminated, a->name, reason));
    return tr_gen_noreply();
}

/* --- the environment --- */

/* Tells a master what has changed, if anything has. */
static void tell(const struct app *a, tr_term before, tr_term after)
{
    tr_term changed, added, removed;

    if (tr__env_changes(before, after, &changed, &added, &removed))
        tr_send(a->master, a_app_config, changed, added, removed);
}

static tr_term configure(struct controller *c, tr_term apps)
{
    tr_term before = c->env.file;

    c->env.file = tr_keep(apps);
    tr_release(before);
    for (const struct app *a = c->apps; a; a = a->next) {
        tr_term old = tr__env_of(c->env.now, a->name);
        tr_term new;
        if (!tr__env_configured(&c->env, a->spec, &new))
            continue;
        if (a->master.w)
            tell(a, old, new);
        tr__env_set(&c->env.now, a->name, new);
    }
    return tr_build(a_ok);
}

/* --- what is asked --- */

static tr_term described(const struct app *a)
{
    return tr_build(a->name, a->spec->description ? a->spec->description : "",
                    a->spec->version ? a->spec->version : "");
}

static tr_term all_loaded(const struct controller *c)
{
    tr_term list = tr_nil();

    for (const struct app *a = c->apps; a; a = a->next)
        list = tr_list_push(list, described(a));
    return list;
}

/* The one started last first. */
static tr_term all_running(const struct controller *c)
{
    tr_term list = tr_nil();

    for (uint64_t n = 1; n <= c->starts; n++)
        for (const struct app *a = c->apps; a; a = a->next)
            if (a->started == n && is_up(a))
                list = tr_list_push(list, described(a));
    return list;
}

/* The application whose master is in the list of ancestors. */
static struct app *among(const struct controller *c, tr_term list)
{
    tr_term item;
    tr_pid pid;

    while (tr_is_list(list) && tr_list_next(&list, &item)) {
        struct app *a = tr_match(item, &pid) ? of_master(c, pid) : NULL;
        if (a)
            return a;
    }
    return NULL;
}

static tr_term app_of(const struct controller *c, tr_pid pid)
{
    tr_term ancestors, parent;

    while (pid.w && pid.w != tr_self().w) {
        struct app *a = of_master(c, pid);
        if (!a && tr_process_info(pid, a_ancestors, &ancestors))
            a = among(c, ancestors);
        if (a)
            return tr_build(a_ok, a->name);
        if (!tr_process_info(pid, a_parent, &parent) || !tr_match(parent, &pid))
            break;
    }
    return tr_build(a_undefined);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct controller *c = state;
    uint64_t spec;
    tr_atom name;
    tr_term apps;
    tr_pid pid;
    int type;

    if (tr_match(request, a_start, &spec, &type))
        return start(c, (const struct tr_application *)(uintptr_t)spec,
                     (enum tr_application_type)type, from);
    if (tr_match(request, a_stop, &name))
        return stop(find(c, name), name, from);
    if (tr_match(request, a_load, &spec))
        return tr_gen_reply(load(c, (const struct tr_application *)(uintptr_t)spec));
    if (tr_match(request, a_unload, &name))
        return tr_gen_reply(unload(c, name));
    if (tr_match(request, a_which))
        return tr_gen_reply(all_running(c));
    if (tr_match(request, a_loaded))
        return tr_gen_reply(all_loaded(c));
    if (tr_match(request, a_of, &pid))
        return tr_gen_reply(app_of(c, pid));
    if (tr_match(request, a_config, &apps))
        return tr_gen_reply(configure(c, apps));
    tr_term reply = tr__env_answer(&c->env, request);
    return tr_match(reply, a_none) ? tr_gen_unknown() : tr_gen_reply(reply);
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct controller *c = state;
    tr_term result;
    tr_pid pid;
    struct app *a;

    if (tr_match(message, a_app_started, &pid, &result)) {
        if ((a = of_master(c, pid)))
            on_started(a, result);
        return c->ending.w ? go_on_ending(c) : tr_gen_noreply();
    }
    if (!tr_match(message, a_EXIT, &pid, &result))
        return tr_gen_noreply();
    if (pid.w == c->first.w)
        return end_all(c, tr_build(a_shutdown));
    return (a = of_master(c, pid)) ? on_end(c, a, result) : tr_gen_noreply();
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct controller *c = state;

    (void)arg;
    tr_trap_exit(true);
    tr__env_init(&c->env);
    c->first = tr_first_process();
    if (c->first.w)
        tr_link(c->first);
    return tr_gen_ok();
}

const struct tr_gen_server tr__application_controller = {
    .name = "application_controller",
    .state_size = sizeof(struct controller),
    .init = init,
    .handle_call = handle_call,
    .handle_info = handle_info,
};
