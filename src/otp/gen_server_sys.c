/* SPDX-License-Identifier: MIT */
/* How a server shows its state, and takes over another one. */
#include "otp/debug.h"
#include "otp/gen.h"
#include "otp/server.h"

tr_atoms(header, data, state, message, reason, log, running);

tr_term tr__server_state(const struct tr_server *s)
{
    if (s->callbacks->get_state)
        return s->callbacks->get_state(s->state);
    return tr_binary(s->state, s->callbacks->state_size);
}

tr_term tr__server_status(const struct tr_server *s, tr_term status)
{
    status = tr_map_put(status, tr_build(a_state), tr__server_state(s));
    if (s->callbacks->format_status)
        status = s->callbacks->format_status(s->state, status);
    return status;
}

static tr_term get_state(void *server)
{
    return tr__server_state(server);
}

static bool set_state(void *server, tr_term state)
{
    struct tr_server *s = server;

    if (s->callbacks->set_state)
        return s->callbacks->set_state(s->state, state);
    /* Without either, the state is shown as its bytes, and taken as them. */
    return !s->callbacks->get_state && tr__gen_set_bytes(s->state, s->callbacks->state_size, state);
}

static bool code_change(void *server, tr_term module, tr_term old_version, tr_term extra)
{
    struct tr_server *s = server;

    (void)module;
    return s->callbacks->code_change(s->state, old_version, extra);
}

static tr_term status(void *server)
{
    struct tr_server *s = server;
    const struct tr_sys sys = { .debug = s->debug };
    tr_term shown = tr__server_status(s, tr_build(tr_map(a_log, tr_sys_log(&sys))));
    tr_term state = tr_nil();
    tr_term log = tr_nil();

    tr_map_get(shown, tr_build(a_state), &state);
    tr_map_get(shown, tr_build(a_log), &log);
    return tr_build(
        tr_list(tr_tuple(a_header, tr_tuple("Status for generic server", tr__own_name())),
                tr_tuple(a_data, tr_list(tr_tuple("Logged events", log))),
                tr_tuple(a_data, tr_list(tr_tuple("State", state)))));
}

static void terminate(void *server, tr_term reason)
{
    tr__server_stop(server, reason);
}

#define COMMON                                                                                     \
    .get_state = get_state, .set_state = set_state, .status = status, .terminate = terminate

const struct tr_sys_callbacks *tr__server_sys(const struct tr_server *s)
{
    static const struct tr_sys_callbacks changing = { COMMON, .code_change = code_change };
    static const struct tr_sys_callbacks fixed = { COMMON };

    return s->callbacks->code_change ? &changing : &fixed;
}
