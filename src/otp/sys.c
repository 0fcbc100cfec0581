/* SPDX-License-Identifier: MIT */
/* System messages: the side that is asked. */
#include "otp/server.h"

const struct tr_sys_callbacks tr__server_sys = { .name = "gen_server" };

void tr_sys_debug_start(struct tr_sys *sys, const struct tr_sys_debug_opts *opts)
{
    (void)sys;
    (void)opts;
}

void tr_sys_event_args(struct tr_sys *sys, const struct tr_arg *args, int n)
{
    (void)sys;
    (void)args;
    (void)n;
}

void tr_sys_handle(struct tr_sys *sys, tr_term from, tr_term request)
{
    (void)sys;
    tr_handle_system(from, request);
}
