/* SPDX-License-Identifier: MIT */
/* How a server shows its state, and takes over another one. */
#include "otp/debug.h"
#include "otp/gen.h"
#include "otp/server.h"

#include <string.h>

tr_atoms(header, data, state, message, reason, log, running, ok, error, undef, refused, other_code,
         EXIT);

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

/* --- other code --- */

struct change {
    struct tr_server *s;
    tr_term old_version, extra;
    bool changed;
};

static void run_code_change(void *change)
{
    struct change *c = change;

    c->changed = c->s->callbacks->code_change(c->s->state, c->old_version, c->extra);
}

/* Ok, or why not. */
static tr_term convert(struct tr_server *s, size_t old_size, tr_term old_version, tr_term extra)
{
    struct change c = { s, old_version, extra, old_size == s->callbacks->state_size };
    tr_term reason;

    if (!s->callbacks->code_change)
        return c.changed ? tr_build(a_ok) : tr_build(a_error, a_undef);
    if (tr_catch(run_code_change, &c, &reason))
        return tr_build(a_error, tr_tuple(a_EXIT, reason));
    return c.changed ? tr_build(a_ok) : tr_build(a_error, a_refused);
}

/* A copy of the server with other callbacks takes its place, if it can be converted. */
static tr_term replace_code(struct tr_sys *sys, uint64_t old_code, uint64_t new_code,
                            tr_term old_version, tr_term extra)
{
    const struct tr_gen_server *new = (const struct tr_gen_server *)(uintptr_t)new_code;
    struct tr_server *s = sys->data;
    size_t size = s->callbacks->state_size;

    if (s->callbacks == new)
        return tr_build(a_ok);
    if ((uint64_t)(uintptr_t)s->callbacks != old_code)
        return tr_build(a_error, a_other_code);
    struct tr_server *t = tr_alloc(sizeof *t + (new->state_size > size ? new->state_size : size));
    memcpy(t, s, sizeof *s + size);
    t->callbacks = new;
    tr_term result = convert(t, size, old_version, extra);
    if (!tr_match(result, a_ok)) {
        tr_free(t);
        return result;
    }
    tr__at_end(t, tr__server_ended);
    tr_free(s);
    sys->data = t;
    sys->callbacks = tr__server_sys(t);
    sys->module = new->name;
    return result;
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
    .get_state = get_state, .set_state = set_state, .replace_code = replace_code,                  \
    .status = status, .terminate = terminate

const struct tr_sys_callbacks *tr__server_sys(const struct tr_server *s)
{
    static const struct tr_sys_callbacks changing = { COMMON, .code_change = code_change };
    static const struct tr_sys_callbacks fixed = { COMMON };

    return s->callbacks->code_change ? &changing : &fixed;
}
