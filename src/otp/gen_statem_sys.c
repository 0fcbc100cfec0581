/* SPDX-License-Identifier: MIT */
/* How a machine shows its state and data, and takes over others. */
#include "otp/debug.h"
#include "otp/gen.h"
#include "otp/statem.h"

tr_atoms(header, data, state, queue, postponed, timeouts, log);

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
    .get_state = get_state, .set_state = set_state, .status = status, .terminate = terminate

const struct tr_sys_callbacks *tr__statem_sys(const struct tr_gen_statem *callbacks)
{
    static const struct tr_sys_callbacks changing = { COMMON, .code_change = code_change };
    static const struct tr_sys_callbacks fixed = { COMMON };

    return callbacks->code_change ? &changing : &fixed;
}
