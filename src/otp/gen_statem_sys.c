/* SPDX-License-Identifier: MIT */
/* How a machine shows its state and data, and takes over others. */
#include "otp/debug.h"
#include "otp/gen.h"
#include "otp/statem.h"

#include <string.h>

tr_atoms(header, data, state, queue, postponed, timeouts, log, ok, error, undef, refused,
         other_code, EXIT);

/* --- what is shown --- */

tr_term tr__statem_data(const struct tr_machine *m)
{
    if (m->callbacks->get_data)
        return m->callbacks->get_data(m->data);
    return tr_binary(m->data, m->data_size);
}

tr_term tr__statem_modules(const struct tr_machine *m)
{
    tr_term list = tr_nil();

    for (const struct tr_pushed *p = m->pushed; p; p = p->next)
        list = tr_list_push(list, tr_build(tr_intern(p->callbacks->name)));
    return tr_list_push(tr_list_reverse(list), tr_build(tr_intern(m->callbacks->name)));
}

static tr_term queue_with_present(const struct tr_machine *m)
{
    tr_term list = tr__queue_list(&m->queue);

    return m->event.type ? tr_list_push(list, tr__statem_event_term(&m->event)) : list;
}

tr_term tr__statem_status(const struct tr_machine *m, tr_term status)
{
    status = tr_map_put(status, tr_build(a_state), m->state);
    status = tr_map_put(status, tr_build(a_data), tr__statem_data(m));
    status = tr_map_put(status, tr_build(a_queue), queue_with_present(m));
    status = tr_map_put(status, tr_build(a_postponed), tr__queue_list(&m->postponed));
    status = tr_map_put(status, tr_build(a_timeouts), tr__statem_timeouts(m));
    status = tr_map_put(status, tr_build(a_log), tr_sys_log(&m->sys));
    if (m->callbacks->format_status)
        status = m->callbacks->format_status(m->data, status);
    return status;
}

/* --- the callbacks --- */

static tr_term get_state(void *machine)
{
    const struct tr_machine *m = machine;

    return tr_build(m->state, tr__statem_data(m));
}

static bool set_data(struct tr_machine *m, tr_term data)
{
    if (m->callbacks->set_data)
        return m->callbacks->set_data(m->data, data);
    /* Without either, the data is shown as its bytes, and taken as them. */
    return !m->callbacks->get_data && tr__gen_set_bytes(m->data, m->data_size, data);
}

static bool set_state(void *machine, tr_term pair)
{
    struct tr_machine *m = machine;
    tr_term state, data;

    if (!tr_match(pair, &state, &data) || !set_data(m, data))
        return false;
    tr__statem_adopt(m, state);
    return true;
}

static bool code_change(void *machine, tr_term module, tr_term old_version, tr_term extra)
{
    struct tr_machine *m = machine;
    tr_term state = m->state;

    (void)module;
    if (!m->callbacks->code_change(m->data, &state, old_version, extra))
        return false;
    tr__statem_adopt(m, state);
    return true;
}

/* --- other code --- */

struct change {
    const struct tr_gen_statem *callbacks;
    void *data;
    tr_term state, old_version, extra;
    bool changed;
};

static void run_code_change(void *change)
{
    struct change *c = change;

    c->changed = c->callbacks->code_change(c->data, &c->state, c->old_version, c->extra);
}

/* Ok, or why not. */
static tr_term convert(struct change *c, size_t old_size)
{
    tr_term reason;

    if (!c->callbacks->code_change)
        return c->callbacks->data_size == old_size ? tr_build(a_ok) : tr_build(a_error, a_undef);
    if (tr_catch(run_code_change, c, &reason))
        return tr_build(a_error, tr_tuple(a_EXIT, reason));
    return c->changed ? tr_build(a_ok) : tr_build(a_error, a_refused);
}

/* The machine goes on with other callbacks and data; those below that were pushed over, too. */
static void take_over(struct tr_machine *m, const struct tr_gen_statem *old, const struct change *c)
{
    if (m->data != m->room)
        tr_free(m->data);
    m->data = c->data;
    m->data_size = c->callbacks->data_size;
    tr__statem_use(m, c->callbacks);
    for (struct tr_pushed *p = m->pushed; p; p = p->next)
        if (p->callbacks == old)
            p->callbacks = c->callbacks;
    tr__statem_adopt(m, c->state);
}

/* On a copy of the data, so that the machine is as before if it cannot be converted. */
static tr_term replace_code(struct tr_sys *sys, uint64_t old_code, uint64_t new_code,
                            tr_term old_version, tr_term extra)
{
    const struct tr_gen_statem *new = (const struct tr_gen_statem *)(uintptr_t)new_code;
    struct tr_machine *m = sys->data;
    const struct tr_gen_statem *old = m->callbacks;
    struct change c = { new, NULL, m->state, old_version, extra, false };
    tr_term wrong = tr__statem_refusal(new);

    if (old == new)
        return tr_build(a_ok);
    if ((uint64_t)(uintptr_t)old != old_code)
        return tr_build(a_error, a_other_code);
    if (wrong.w)
        return tr_build(a_error, wrong);
    c.data = tr_alloc(new->data_size > m->data_size ? new->data_size : m->data_size);
    memcpy(c.data, m->data, m->data_size);
    tr_term result = convert(&c, m->data_size);
    if (tr_match(result, a_ok))
        take_over(m, old, &c);
    else
        tr_free(c.data);
    return result;
}

static tr_term data_of(const char *name, tr_term status, tr_atom key)
{
    tr_term value = tr_nil();

    tr_map_get(status, tr_build(key), &value);
    return tr_build(a_data, tr_list(tr_tuple(name, value)));
}

static tr_term status(void *machine)
{
    const struct tr_machine *m = machine;
    tr_term shown = tr__statem_status(m, tr_build(tr_map()));
    tr_term state = tr_nil(), data = tr_nil();

    tr_map_get(shown, tr_build(a_state), &state);
    tr_map_get(shown, tr_build(a_data), &data);
    return tr_build(
        tr_list(tr_tuple(a_header, tr_tuple("Status for state machine", tr__own_name())),
                tr_tuple(a_data, tr_list(tr_tuple("Modules", tr__statem_modules(m)))),
                data_of("Time-outs", shown, a_timeouts), data_of("Logged events", shown, a_log),
                data_of("Postponed", shown, a_postponed),
                tr_tuple(a_data, tr_list(tr_tuple("State", tr_tuple(state, data))))));
}

static void terminate(void *machine, tr_term reason)
{
    tr__statem_stop(machine, reason);
}

#define COMMON                                                                                     \
    .get_state = get_state, .set_state = set_state, .replace_code = replace_code,                  \
    .status = status, .terminate = terminate

const struct tr_sys_callbacks *tr__statem_sys(const struct tr_gen_statem *callbacks)
{
    static const struct tr_sys_callbacks changing = { COMMON, .code_change = code_change };
    static const struct tr_sys_callbacks fixed = { COMMON };

    return callbacks->code_change ? &changing : &fixed;
}
