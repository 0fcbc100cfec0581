/* SPDX-License-Identifier: MIT */
/*
 * Applications: a program as parts that are started, configured and stopped as one.
 *
 *     static const struct tr_application web = {
 *         .name = "web",
 *         .applications = TR_APPLICATIONS(&database),
 *         .env = "[{port, 8080}]",
 *         .supervisor = &web_tree,
 *     };
 *
 *     int main(int argc, char **argv)
 *     {
 *         return tr_application_main(argc, argv, &web);
 *     }
 *
 * An application is constant data: a name, what it needs, its configuration, and how its tree of
 * processes begins. The process `application_controller` knows them all. It begins with the first
 * call to a function of this header, is linked with the first process, and when that ends with
 * shutdown - on SIGTERM, or by tr_application_halt - it stops all applications, the one started
 * last first, before the program ends.
 *
 * Each application that has a start function runs under a process of its own, the parent of its
 * tree: start, start_phase, prep_stop, stop and config_change run there.
 *
 * What the environment of an application holds, from the least to the most important:
 *
 *     .env of the application
 *     the configuration file: [{App, [{Key, Value}]}], with or without a dot at its end
 *     variables TROUPE_APP_KEY of the program's environment: TROUPE_WEB_PORT=80 is {port, 80} of
 *         web. The value is read as a term; what is none is a binary of its text
 *     tr_application_put_env
 */
#ifndef TROUPE_APPLICATION_H
#define TROUPE_APPLICATION_H

#include <stdbool.h>

#include "troupe/runtime.h"
#include "troupe/supervisor.h"

TR_HEADER_BEGIN

/* What the end of an application's tree, other than by a stop, does to the program. */
enum tr_application_type {
    TR_APPLICATION_TEMPORARY, /* nothing; it is reported */
    TR_APPLICATION_TRANSIENT, /* ends it, unless the reason is normal */
    TR_APPLICATION_PERMANENT  /* ends it: all others are stopped, then the first process gets the
                                 exit signal {application_terminated, App, Reason} */
};

/* A step of the start, after the start function; run in the order in which they stand. */
struct tr_start_phase {
    const char *name; /* an atom */
    const char *arg;  /* as Erlang writes it; [] */
};

/*
 * All but the name may be left out. What is pointed to must last as long as the program.
 *
 * start(arg): starts the tree, linked with the caller: {ok, Pid}, {ok, Pid, State}, or
 * {error, Reason}. `supervisor` stands for a start function that starts that one. An application
 * with neither is a library: it can be configured, needed, started and stopped, and has no process.
 *
 * start_phase(phase, arg): ok, or {error, Reason}, which ends the tree again.
 *
 * prep_stop(state): the application is about to be stopped; what it returns is the state from here
 * on. stop(state): its tree has ended. Both run also when the tree ended by itself.
 *
 * config_change(changed, added, removed): the configuration was read again. Two lists of
 * {Key, Value}, and one of keys.
 */
struct tr_application {
    const char *name;                                 /* an atom */
    const char *description;                          /* a text; "" */
    const char *version;                              /* a text; "" */
    const struct tr_application *const *applications; /* TR_APPLICATIONS(...): what it needs */
    const char *env;                                  /* [{Key, Value}] as Erlang writes it */
    const char *arg;                                  /* of start, as Erlang writes it; [] */
    tr_term (*start)(tr_term arg);
    const struct tr_supervisor *supervisor;
    const struct tr_start_phase *phases; /* TR_START_PHASES(...) */
    tr_term (*start_phase)(tr_atom phase, tr_term arg);
    tr_term (*prep_stop)(tr_term state);
    void (*stop)(tr_term state);
    void (*config_change)(tr_term changed, tr_term added, tr_term removed);
};

#define TR_APPLICATIONS(...) ((const struct tr_application *const[]){ __VA_ARGS__, NULL })
#define TR_START_PHASES(...) ((const struct tr_start_phase[]){ __VA_ARGS__, { NULL, NULL } })

/* --- a program that is an application --- */

/* Options of tr_application_main; zero is the default of each. */
struct tr_application_opts {
    const char *config; /* the configuration file; the variable TROUPE_CONFIG comes before it */
    struct tr_main_opts main;
};

/*
 * Runs a program: reads the configuration, starts the application and all that it needs as
 * permanent ones, and goes on until it is told to stop: by SIGTERM or SIGINT, by
 * tr_application_halt, or by the end of an application. Returns what tr_main returns, or what
 * tr_application_halt was given; 1 after a message on standard error when the configuration cannot
 * be read, or an application does not start. opts may be NULL.
 */
int tr_application_main(int argc, char **argv, const struct tr_application *application);
int tr_application_main_opt(int argc, char **argv, const struct tr_application *application,
                            const struct tr_application_opts *opts);

/* Stops the program in order; `status` is what tr_application_main returns, if nothing fails
   meanwhile. Returns at once. Any thread. (init:stop/1, System.stop) */
void tr_application_halt(int status);

/* --- starting and stopping --- */

/*
 * Loads the application if need be and starts it; ok, or
 *
 *     {error, {not_started, App}}       the first it needs that does not run; nothing was started
 *     {error, {already_started, App}}
 *     {error, {Reason, {App, start, [normal, Arg]}}}       start returned {error, Reason}
 *     {error, {bad_return, {{App, start, [normal, Arg]}, Value}}}   or anything else;
 *                                       {'EXIT', Reason} when it failed
 *     {error, {Reason, {App, start_phase, [Phase, normal, Arg]}}}
 *     {error, {bad_application, What}}  a name, .env or .arg that cannot be read
 *     {error, shutdown}                 the program is about to end
 *
 * Process only; blocks until it has started. (application:start/2)
 */
tr_term tr_application_start(const struct tr_application *application,
                             enum tr_application_type type);

/* The same, but ok when it runs already. (application:ensure_started/2) */
tr_term tr_application_ensure_started(const struct tr_application *application,
                                      enum tr_application_type type);

/*
 * Starts also what it needs, and first: {ok, Started}, the names of those it has started, in that
 * order. {error, {App, Reason}}: that one did not start, and those started before were stopped
 * again; the Reason is circular when it needs itself. Process only; blocks.
 * (application:ensure_all_started/2)
 */
tr_term tr_application_ensure_all_started(const struct tr_application *application,
                                          enum tr_application_type type);

/*
 * Ends the tree, with prep_stop before and stop after it: ok, or {error, {not_started, App}}.
 * Never ends the program. Not to be called by the application's own tree, which would wait for
 * itself. Process only; blocks. (application:stop/1)
 */
tr_term tr_application_stop(tr_atom name);

/* Makes an application known, and its environment: ok, {error, {already_loaded, App}}, or
   {error, {bad_application, What}}. Process only; blocks. (application:load/1) */
tr_term tr_application_load(const struct tr_application *application);

/* Ok, {error, {running, App}}, {error, {not_loaded, App}}. Process only; blocks.
   (application:unload/1) */
tr_term tr_application_unload(tr_atom name);

/* [{App, Description, Version}] with the texts as binaries, of those that run, the one started last
   first, and of those that are known. Process only; blocks. (application:which_applications/0,
   loaded_applications/0) */
tr_term tr_application_which(void);
tr_term tr_application_loaded(void);

/* The application that a process belongs to, found by its ancestors and its parents as long as
   these live; false when to none. Process only; blocks. (application:get_application/1) */
bool tr_application_of(tr_pid pid, tr_atom *name);

/* --- the environment --- */

/*
 * void tr_application_put_env(app, key, value, persistent): sets it, whether or not there is such
 * an application. Loading the application sets what is configured anew, unless `persistent`; then
 * the value also survives unloading. Process only; blocks. (application:set_env/4)
 *
 * tr_term tr_application_get_env(app, key, default): the value, or the default.
 * (application:get_env/3)
 */
void tr_application_put_env_args(tr_atom app, tr_atom key, struct tr_arg value, bool persistent);
tr_term tr_application_get_env_args(tr_atom app, tr_atom key, struct tr_arg otherwise);
#define tr_application_put_env(app, key, value, persistent)                                        \
    tr_application_put_env_args(app, key, TR_ARG(value), persistent)
#define tr_application_get_env(app, key, otherwise)                                                \
    tr_application_get_env_args(app, key, TR_ARG(otherwise))

/* The value; false, *value untouched, when there is none. Process only; blocks.
   (Application.fetch_env/2) */
bool tr_application_fetch_env(tr_atom app, tr_atom key, tr_term *value);

/* Removes a value, also a persistent one. Process only; blocks. (application:unset_env/2) */
void tr_application_delete_env(tr_atom app, tr_atom key);

/* [{Key, Value}]. Process only; blocks. (application:get_all_env/1) */
tr_term tr_application_all_env(tr_atom app);

/*
 * Reads a configuration file, in the place of the one before: ok, or {error, Text}, a binary such
 * as "sys.config:3:17: syntax error", and then nothing has changed. Applications that are loaded
 * get the new values at once; those that run and that this changes are told by config_change.
 * Process only; blocks. (application:config_change/1)
 */
tr_term tr_application_read_config(const char *path);

TR_HEADER_END

#endif
