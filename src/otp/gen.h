/* SPDX-License-Identifier: MIT */
/* What gen_server and gen_statem share: processes that are a table of callbacks over a C struct. */
#ifndef TROUPE_OTP_GEN_H
#define TROUPE_OTP_GEN_H

#include "troupe/gen_server.h"

/* --- in the starter --- */

/* How such a process is started. */
struct tr_gen_start {
    tr_process_fn body; /* begins with tr__gen_started */
    const char *site;
    const void *callbacks;
    enum tr_gen_server_tie tie;
    const struct tr_gen_server_opts *opts; /* may be NULL */
};

/* Starts it and waits for its init: what the start functions return. */
tr_term tr__gen_start(const struct tr_gen_start *how, const struct tr_arg *args, int n);

/* tr_gen_server_start_link without options; {ok, Pid} is built in `room`. The result is w of 0 when
   there is more to it: then nothing was started, and that function says why. */
tr_term tr__gen_server_try_start(const struct tr_gen_server *server, uint64_t *room,
                                 struct tr_arg arg);

/* {undef, [{Name, Callback, Arity}]} */
tr_term tr__gen_undef(const char *name, tr_term callback, int arity);

/* The debug options as a term, since whoever gave them may end while the process starts. */
tr_term tr__gen_debug_opts(const struct tr_gen_server_opts *opts);

/* --- in the started process --- */

/* What it was started with. */
struct tr_gen_started {
    const void *callbacks;
    tr_pid parent; /* 0 without a link */
    tr_term debug; /* tr__gen_debug_opts */
    tr_term via;
    tr_term arg;
};

struct tr_gen_started tr__gen_started(tr_term arg);

/* Begins, as tr__start_begun, with the memory of the behaviour, for tr__init_ack_at_end. */
void tr__gen_begin(const struct tr_gen_started *s, void *memory);

/* Switches on what tr__gen_debug_opts says. */
void tr__gen_debug(struct tr_sys *sys, tr_term opts);

/* Ends a caller that becomes such a process and does not hold the name that it is to have. */
void tr__gen_check_name(const struct tr_gen_server_opts *opts);

/* Takes over a state that was shown as a binary of its bytes; false when it is none such. */
bool tr__gen_set_bytes(void *state, size_t size, tr_term bytes);

/* What is to be run in the place of this table of callbacks, see tr_code_redirect. Any thread. */
const void *tr__code_newest(const void *table);

#endif
