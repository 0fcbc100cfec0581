/* SPDX-License-Identifier: MIT */
/*
 * Applications (troupe/application.h): what the parts share.
 *
 *     application.c              the functions of the program, which ask the controller
 *     application_controller.c   the controller: who is loaded, who runs, in which order
 *     application_env.c          what is configured
 *     application_master.c       the parent of one application's tree
 *     application_main.c         a program that is an application
 *
 * The controller never waits: a start or a stop is answered when the master has reported, so that
 * callbacks may read the environment.
 */
#ifndef TROUPE_OTP_APPLICATION_H
#define TROUPE_OTP_APPLICATION_H

#include "troupe.h"

extern const struct tr_gen_server tr__application_controller;

/*
 * The body of a master; its argument is {Spec, Controller}. It tells the controller
 * {app_started, Self, ok | {error, Reason}}, and when it failed ends. On {app_stop} it stops the
 * application and ends with normal, on {app_config, Changed, Added, Removed} it calls
 * config_change; it ends with the reason of the tree when that ends by itself.
 */
void tr__application_master(tr_term arg);

/* --- the environment; a map App => #{Key => Value} each, kept --- */

struct tr_app_env {
    tr_term now;        /* what is read */
    tr_term file;       /* the configuration file */
    tr_term persistent; /* what was set to stay */
};

void tr__env_init(struct tr_app_env *env);

/* What is configured for an application: .env, the file, the environment and what is persistent,
   as a map in the current heap. False when .env is none. */
bool tr__env_configured(const struct tr_app_env *env, const struct tr_application *spec,
                        tr_term *map);

/* The values of an application, an empty map when there are none. */
tr_term tr__env_of(tr_term apps, tr_atom app);

/* Sets all values of an application in one of the maps of maps. */
void tr__env_set(tr_term *apps, tr_atom app, tr_term map);

/* A map as a list of pairs. */
tr_term tr__env_list(tr_term map);

/* The values that differ, as lists of pairs, and the keys that are gone. False when nothing is. */
bool tr__env_changes(tr_term before, tr_term after, tr_term *changed, tr_term *added,
                     tr_term *removed);

/* Answers {get_env | set_env | delete_env | all_env, ...}, which may change the maps; none when it
   is another request. */
tr_term tr__env_answer(struct tr_app_env *env, tr_term request);

/* The text of a configuration file as a map of maps: ok, or {error, Text}. */
tr_term tr__env_read(const char *path, tr_term *apps);

/* A text of Erlang's as a term; NULL is the empty list. False when it is none. */
bool tr__env_parse(const char *text, tr_term *term);

#endif
