/* SPDX-License-Identifier: MIT */
/* The functions of troupe/application.h, which ask the controller. */
#include "otp/application.h"

tr_atoms(ok, error, load, unload, start, stop, which, loaded, get_env, set_env, delete_env, all_env,
         config, of, already_started, circular, badarg, application_controller);

/* The controller, started by whoever asks first. */
static tr_pid controller(void)
{
    tr_pid pid;

    while (!tr_whereis(a_application_controller, &pid)) {
        tr_term started = tr_gen_server_start(&tr__application_controller,
                                              TR_GEN_SERVER_OPTS(.name = a_application_controller));
        tr_term reason;
        if (tr_match(started, a_error, &reason) && !tr_match(reason, a_already_started, &pid))
            tr_exit(reason);
    }
    return pid;
}

#define ASK(...) tr_call_within(TR_INFINITY, controller(), __VA_ARGS__)

static uint64_t address(const struct tr_application *application)
{
    if (!application)
        tr_error(a_badarg, tr_nil());
    return (uint64_t)(uintptr_t)application;
}

tr_term tr_application_start(const struct tr_application *application,
                             enum tr_application_type type)
{
    return ASK(a_start, address(application), (int)type);
}

tr_term tr_application_ensure_started(const struct tr_application *application,
                                      enum tr_application_type type)
{
    tr_term result = tr_application_start(application, type);

    return tr_match(result, a_error, tr_tuple(a_already_started, tr_any())) ? tr_build(a_ok)
                                                                            : result;
}

/* --- with all that it needs --- */

/* An application whose needs are being started, and the one that needs it. */
struct need {
    const struct need *by;
    const struct tr_application *application;
};

static bool is_circular(const struct need *need)
{
    for (const struct need *n = need->by; n; n = n->by)
        if (n->application == need->application)
            return true;
    return false;
}

/* Ok, or {error, {App, Reason}}; adds what it has started in front of *started. */
static tr_term start_all(const struct need *need, enum tr_application_type type, tr_term *started)
{
    const struct tr_application *const *n = need->application->applications;
    tr_atom name = tr_intern(need->application->name);
    tr_term result = tr_build(a_ok), reason;

    if (is_circular(need))
        return tr_build(a_error, tr_tuple(name, a_circular));
    for (; n && *n && tr_match(result, a_ok); n++)
        result = start_all(&(struct need){ need, *n }, type, started);
    if (!tr_match(result, a_ok))
        return result;
    result = tr_application_start(need->application, type);
    if (tr_match(result, a_ok))
        *started = tr_list_push(*started, tr_build(name));
    else if (tr_match(result, a_error, &reason) && !tr_match(reason, a_already_started, tr_any()))
        return tr_build(a_error, tr_tuple(name, reason));
    return tr_build(a_ok);
}

tr_term tr_application_ensure_all_started(const struct tr_application *application,
                                          enum tr_application_type type)
{
    tr_term started = tr_nil();
    tr_atom name;
    tr_term item;

    address(application);
    tr_term result = start_all(&(struct need){ NULL, application }, type, &started);
    if (tr_match(result, a_ok))
        return tr_build(a_ok, tr_list_reverse(started));
    while (tr_list_next(&started, &item))
        if (tr_match(item, &name))
            tr_application_stop(name);
    return result;
}

/* --- the rest --- */

tr_term tr_application_stop(tr_atom name)
{
    return ASK(a_stop, name);
}

tr_term tr_application_load(const struct tr_application *application)
{
    return ASK(a_load, address(application));
}

tr_term tr_application_unload(tr_atom name)
{
    return ASK(a_unload, name);
}

tr_term tr_application_which(void)
{
    return ASK(a_which);
}

tr_term tr_application_loaded(void)
{
    return ASK(a_loaded);
}

bool tr_application_of(tr_pid pid, tr_atom *name)
{
    return tr_match(ASK(a_of, pid), a_ok, name);
}

void tr_application_put_env_args(tr_atom app, tr_atom key, struct tr_arg value, bool persistent)
{
    ASK(a_set_env, app, key, tr_build_args(&value, 1), persistent);
}

bool tr_application_fetch_env(tr_atom app, tr_atom key, tr_term *value)
{
    return tr_match(ASK(a_get_env, app, key), a_ok, value);
}

tr_term tr_application_get_env_args(tr_atom app, tr_atom key, struct tr_arg otherwise)
{
    tr_term value;

    return tr_application_fetch_env(app, key, &value) ? value : tr_build_args(&otherwise, 1);
}

void tr_application_delete_env(tr_atom app, tr_atom key)
{
    ASK(a_delete_env, app, key);
}

tr_term tr_application_all_env(tr_atom app)
{
    return ASK(a_all_env, app);
}

tr_term tr_application_read_config(const char *path)
{
    tr_term apps = tr_nil();
    tr_term result = tr__env_read(path, &apps);

    return tr_match(result, a_ok) ? ASK(a_config, apps) : result;
}
