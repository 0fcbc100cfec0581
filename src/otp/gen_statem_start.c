/* SPDX-License-Identifier: MIT */
/* A machine from the start function to the first state. */
#include "otp/gen.h"
#include "otp/start.h"
#include "otp/statem.h"

#include <string.h>

tr_atoms(ok, error, ignore, normal, init, badarg, undef, handle_event, handle_event_function,
         state_functions, bad_return_from_init, bad_return_from_callback_mode);

/* --- the callbacks --- */

tr_term tr__statem_refusal(const struct tr_gen_statem *callbacks)
{
    const struct tr_state *s = callbacks->states;

    if (s && callbacks->handle_event)
        return tr_build(a_bad_return_from_callback_mode,
                        tr_list(a_state_functions, a_handle_event_function));
    if (!s && !callbacks->handle_event)
        return tr__gen_undef(callbacks->name, tr_build(a_handle_event), 4);
    for (; s && s->name; s++)
        if (!s->fn)
            return tr__gen_undef(callbacks->name, tr_build(*s->name), 3);
    return (tr_term){ 0 };
}

void tr__statem_use(struct tr_machine *m, const struct tr_gen_statem *callbacks)
{
    m->callbacks = callbacks;
    m->sys.callbacks = tr__statem_sys(callbacks);
    m->sys.module = callbacks->name;
}

/* --- in the machine --- */

static struct tr_machine *new_machine(const struct tr_gen_statem *callbacks, tr_pid parent,
                                      tr_term debug)
{
    struct tr_machine *m = tr_alloc(sizeof *m + callbacks->data_size);

    tr__statem_use(m, callbacks);
    m->data_size = callbacks->data_size;
    m->data = m->room;
    m->sys.data = m;
    m->sys.parent = parent;
    tr__gen_debug(&m->sys, debug);
    return m;
}

/* Nothing was started, so nothing is to be ended: no terminate. */
static _Noreturn void cannot_start(tr_statem_result r)
{
    switch ((enum tr__statem_what)r.what) {
    case TR__STATEM_IGNORE:
        tr_init_fail(a_ignore, a_normal);
    case TR__STATEM_ERROR:
        tr_init_fail(tr_tuple(a_error, r.value), a_normal);
    case TR__STATEM_STOP:
        tr_init_fail(tr_tuple(a_error, r.value), r.value);
    default:
        break;
    }
    tr_term reason = tr_build(a_bad_return_from_init, tr__statem_result_term(r));
    tr_init_fail(tr_tuple(a_error, reason), tr_tuple(reason, tr_nil()));
}

static void body(tr_term arg)
{
    struct tr_gen_started started = tr__gen_started(arg);
    struct tr_machine *m = new_machine(started.callbacks, started.parent, started.debug);

    tr__gen_begin(&started, m);
    tr_set_initial_module(tr_intern(m->callbacks->name));
    tr_statem_result r = m->callbacks->init(m->data, started.arg);

    if (r.what != TR__STATEM_OK)
        cannot_start(r);
    tr__init_ack_at_end(m, tr__statem_ended);
    tr__statem_begin(m, r);
}

/* --- in the starter --- */

static void check_table(const struct tr_gen_statem *statem)
{
    if (!statem || !statem->name)
        tr_exit(a_badarg, a_undef);
}

tr_term tr_gen_statem_start_args(const struct tr_gen_statem *statem, enum tr_gen_server_tie tie,
                                 const struct tr_gen_server_opts *opts, const struct tr_arg *args,
                                 int n)
{
    static const char site[] = "gen_statem\0" __FILE__;

    check_table(statem);
    statem = tr__code_newest(statem);
    tr_term refusal = statem->init ? tr__statem_refusal(statem)
                                   : tr__gen_undef(statem->name, tr_build(a_init), 1);
    if (refusal.w)
        return tr_build(a_error, refusal);
    return tr__gen_start(&(const struct tr_gen_start){ body, site, statem, tie, opts }, args, n);
}

/* --- a process that becomes a machine --- */

_Noreturn void tr_gen_statem_enter_loop(const struct tr_gen_statem *statem, tr_statem_result first,
                                        const void *data, const struct tr_gen_server_opts *opts)
{
    check_table(statem);
    tr_term refusal = tr__statem_refusal(statem);
    if (refusal.w)
        tr_exit(refusal);
    if (first.what != TR__STATEM_OK)
        tr_exit(a_badarg, tr__statem_result_term(first));
    tr__gen_check_name(opts);
    struct tr_machine *m = new_machine(statem, tr_parent(), tr__gen_debug_opts(opts));
    if (data)
        memcpy(m->data, data, statem->data_size);
    tr_report_exits();
    tr__at_end(m, tr__statem_ended);
    tr__statem_begin(m, first);
}
