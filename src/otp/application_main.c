/* SPDX-License-Identifier: MIT */
/* A program that is an application: the first process starts it and waits. */
#include "otp/application.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

tr_atoms(error, shutdown);

/* Of the program; set before tr_main. */
static struct {
    const struct tr_application *application;
    const char *config;
    _Atomic int status;
} program;

static void complain(const char *what, tr_term why)
{
    const char *text;

    fprintf(stderr, "%s: %s\n", what, tr_match(why, &text) ? text : tr_inspect(why));
    atomic_store(&program.status, 1);
}

static bool start(void)
{
    tr_term result, why;

    if (program.config) {
        result = tr_application_read_config(program.config);
        if (tr_match(result, a_error, &why)) {
            complain("configuration", why);
            return false;
        }
    }
    result = tr_application_ensure_all_started(program.application, TR_APPLICATION_PERMANENT);
    if (tr_match(result, a_error, &why)) {
        complain("cannot start", why);
        return false;
    }
    return true;
}

/* Ends with shutdown also if it cannot start: what has been started is stopped in order. */
static void body(tr_term args)
{
    (void)args;
    if (!start())
        tr_exit(a_shutdown);
    for (;;)
        tr_receive (m)
            tr_on (m, tr_any()) {
            }
}

int tr_application_main_opt(int argc, char **argv, const struct tr_application *application,
                            const struct tr_application_opts *opts)
{
    const char *config = getenv("TROUPE_CONFIG");

    program.application = application;
    program.config = config && *config ? config : opts ? opts->config : NULL;
    atomic_store(&program.status, 0);
    int status = tr_main_opt(argc, argv, body, opts ? &opts->main : NULL);
    return status ? status : atomic_load(&program.status);
}

int tr_application_main(int argc, char **argv, const struct tr_application *application)
{
    return tr_application_main_opt(argc, argv, application, NULL);
}

void tr_application_halt(int status)
{
    atomic_store(&program.status, status);
    if (tr_first_process().w)
        tr_exit_to(tr_first_process(), a_shutdown);
}
