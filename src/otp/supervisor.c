/* SPDX-License-Identifier: MIT */
/*
 * The supervisor: a server whose state is the table of its children.
 *
 * Its requests and answers are those of OTP's supervisor and of Elixir's DynamicSupervisor, so that
 * either's functions can be used on it from elsewhere.
 */
#include "otp/supervisor.h"

tr_atoms(ok, error, ignore, init, call, bad_return, supervisor, supervisor_data, start_spec,
         bad_start_spec, duplicate_child_name, shutdown, failed_to_start_child, local,
         registered_name, EXIT, timeout, try_again_restart, start_child, terminate_child,
         restart_child, delete_child, which_children, which_child, count_children, get_childspec,
         not_found, running, restarting, undefined, already_started, already_present, child, specs,
         active, supervisors, workers, start_error);

/* --- init --- */

/* {local, Name}, `via` unless it is [], or {Pid, Module} */
static tr_term own_name(tr_atom module, tr_term via)
{
    tr_term name = tr_nil();

    if (!tr_is_nil(via))
        return via;
    tr_process_info(tr_self(), a_registered_name, &name);
    return tr_is_nil(name) ? tr_build(tr_self(), module) : tr_build(a_local, name);
}

static tr_gen_result bad_spec(tr_term what)
{
    return tr_gen_stop(a_start_spec, what);
}

/* simple_one_for_one: the one specification is kept. */
static tr_gen_result init_prototype(struct tr_sup *s, tr_term specs)
{
    struct tr_child c;
    size_t n;

    if (!tr_list_length(specs, &n) || n != 1)
        return tr_gen_stop(a_bad_start_spec, specs);
    tr_term wrong = tr__child_parse(&c, tr_head(specs), s->auto_shutdown);
    if (wrong.w)
        return bad_spec(wrong);
    s->prototype = tr_alloc(sizeof c);
    *s->prototype = c;
    s->prototype->id = (tr_term){ 0 };
    s->prototype->args = tr_keep(c.args);
    if (c.modules.w)
        s->prototype->modules = tr_keep(c.modules);
    if (c.name.w)
        s->prototype->name = tr_keep(c.name);
    return tr_gen_ok();
}

/* What is wrong with the specifications, or w of 0 when all are in the table. */
static tr_term add_children(struct tr_sup *s, tr_term specs)
{
    tr_term spec;

    while (tr_list_next(&specs, &spec)) {
        struct tr_child c;
        tr_term wrong = tr__child_parse(&c, spec, s->auto_shutdown);
        if (wrong.w)
            return wrong;
        if (tr__children_by_id(s, c.id))
            return tr_build(a_duplicate_child_name, c.id);
        tr__children_add(s, &c);
    }
    return tr_is_nil(specs) ? (tr_term){ 0 } : specs;
}

static tr_gen_result init_children(struct tr_sup *s, tr_term specs)
{
    struct tr_child *failed = NULL;
    tr_term wrong = add_children(s, specs);

    if (wrong.w)
        return bad_spec(wrong);
    tr_term reason = tr__supervisor_start_children(s, s->children.oldest, &failed);
    if (!reason.w)
        return tr_gen_ok();
    tr_term id = tr_copy(failed->id);
    tr__supervisor_end_children(s, NULL);
    return tr_gen_stop(a_shutdown, tr_tuple(a_failed_to_start_child, id, reason));
}

/* The flags, and the specifications where there are some; false for anything else. */
static bool split(const struct tr_sup *s, tr_term value, tr_term *flags, tr_term *children)
{
    *children = tr_nil();
    if (s->dynamic)
        return tr_match(value, a_ok, flags);
    return tr_match(value, a_ok, tr_tuple(flags, children));
}

/* The argument is {Module, IsDynamic, Via, Value}; Value may be {call, Function, Argument}. */
static tr_gen_result sup_init(void *state, tr_term arg)
{
    struct tr_sup *s = state;
    tr_term via, value, init_arg, flags, children;
    uint64_t function;

    if (!tr_match(arg, &s->module, &s->dynamic, &via, &value))
        return tr_gen_unknown();
    tr_trap_exit(true);
    if (tr_match(value, a_call, &function, &init_arg))
        value = ((tr_term(*)(tr_term))(uintptr_t)function)(init_arg);
    if (value.w && tr_match(value, a_ignore))
        return tr_gen_ignore();
    if (!value.w || !split(s, value, &flags, &children))
        return tr_gen_stop(a_bad_return,
                           tr_tuple(s->module, a_init, value.w ? value : tr_build(a_undefined)));
    tr_term wrong = tr__supervisor_set_flags(s, flags);
    if (wrong.w)
        return tr_gen_stop(a_supervisor_data, wrong);
    s->name = tr_keep(own_name(s->module, via));
    tr_set_initial_call(tr_build(a_supervisor, s->module, 1));
    if (s->strategy == TR_SIMPLE_ONE_FOR_ONE) {
        s->dynamic = true;
        return init_prototype(s, children);
    }
    return s->dynamic ? tr_gen_ok() : init_children(s, children);
}

/* --- requests --- */

/* {child, undefined, Id, Start, Restart, Significant, Shutdown, Type, Modules}, OTP's record. */
static tr_term record(const struct tr_child *c)
{
    return tr_build(a_child, a_undefined, c->id, tr__child_start_of(c), tr__child_restart(c),
                    (bool)c->significant, tr__child_shutdown(c), tr__child_type(c),
                    tr__child_modules(c));
}

/* ignore is {ok, undefined} for callers. */
static tr_term as_answer(tr_term result)
{
    return tr_match(result, a_ignore) ? tr_build(a_ok, a_undefined) : result;
}

/* The restarting child's pid, as OTP shows it to those who would start it. */
static tr_term pid_or_restarting(const struct tr_child *c)
{
    tr_term pid = c->pid.w ? tr_build(c->pid) : tr_build(a_undefined);

    return c->state == TR__CHILD_RESTARTING ? tr_build(a_restarting, pid) : pid;
}

static tr_term present(const struct tr_child *c)
{
    if (c->state == TR__CHILD_STOPPED)
        return tr_build(a_error, a_already_present);
    return tr_build(a_error, tr_tuple(a_already_started, pid_or_restarting(c)));
}

static tr_term start_child(struct tr_sup *s, tr_term spec)
{
    struct tr_child parsed;
    tr_term reason;

    tr_term wrong = tr__child_parse(&parsed, spec, s->auto_shutdown);
    if (wrong.w)
        return tr_build(a_error, wrong);
    struct tr_child *c = tr__children_by_id(s, parsed.id);
    if (c)
        return present(c);
    c = tr__children_add(s, &parsed);
    tr_term result = tr__child_start(s, c);
    if (tr_match(result, a_error, &reason)) {
        if (!tr_match(reason, a_already_started, tr_any())) {
            tr__supervisor_report(s, a_start_error, reason, c);
            result = tr_build(a_error, tr_tuple(reason, record(&parsed)));
        }
        tr__children_remove(s, c);
    } else if (tr_match(result, a_ignore) && c->restart == TR_TEMPORARY) {
        tr__children_remove(s, c);
    }
    return as_answer(result);
}

static tr_term terminate_child(struct tr_sup *s, struct tr_child *c)
{
    tr__child_end(s, c);
    tr__child_gone(s, c);
    return tr_build(a_ok);
}

static tr_term restart_child(struct tr_sup *s, struct tr_child *c)
{
    if (c->state != TR__CHILD_STOPPED)
        return tr_build(a_error, c->state == TR__CHILD_RUNNING ? a_running : a_restarting);
    tr_term result = tr__child_start(s, c);
    tr_term reason;
    if (tr_match(result, a_error, &reason))
        tr__supervisor_report(s, a_start_error, reason, c);
    return as_answer(result);
}

static tr_term delete_child(struct tr_sup *s, struct tr_child *c)
{
    if (c->state != TR__CHILD_STOPPED)
        return tr_build(a_error, c->state == TR__CHILD_RUNNING ? a_running : a_restarting);
    tr__children_remove(s, c);
    return tr_build(a_ok);
}

/* {Id, Pid | undefined | restarting, Type, Modules} */
static tr_term entry(const struct tr_child *c)
{
    tr_term id = c->id.w ? c->id : tr_build(a_undefined);
    tr_term pid = c->state == TR__CHILD_RUNNING
                      ? tr_build(c->pid)
                      : tr_build(c->state == TR__CHILD_STOPPED ? a_undefined : a_restarting);

    return tr_build(id, pid, tr__child_type(c), tr__child_modules(c));
}

static tr_term all_children(const struct tr_sup *s)
{
    tr_term list = tr_nil();

    for (const struct tr_child *c = s->children.oldest; c; c = c->newer)
        list = tr_list_push(list, entry(c));
    return list;
}

static int64_t running(const struct tr_sup *s)
{
    int64_t n = 0;

    if (s->dynamic)
        return s->children.n - s->children.restarting;
    for (const struct tr_child *c = s->children.oldest; c; c = c->newer)
        n += c->state == TR__CHILD_RUNNING;
    return n;
}

static tr_term counts(const struct tr_sup *s)
{
    int64_t n = s->children.n;

    return tr_build(tr_list(tr_tuple(a_specs, s->prototype ? 1 : n), tr_tuple(a_active, running(s)),
                            tr_tuple(a_supervisors, s->children.supervisors),
                            tr_tuple(a_workers, n - s->children.supervisors)));
}

/* Requests about one child, by its id; w is 0 for any other request. */
static tr_term about_child(struct tr_sup *s, tr_term request)
{
    tr_atom what;
    tr_term id;

    if (!tr_match(request, &what, &id))
        return (tr_term){ 0 };
    struct tr_child *c = tr__children_by_id(s, id);
    tr_term unknown = tr_build(a_error, a_not_found);
    if (what.w == a_terminate_child.w)
        return c ? terminate_child(s, c) : unknown;
    if (what.w == a_restart_child.w)
        return c ? restart_child(s, c) : unknown;
    if (what.w == a_delete_child.w)
        return c ? delete_child(s, c) : unknown;
    if (what.w == a_which_child.w)
        return c ? tr_build(a_ok, entry(c)) : unknown;
    if (what.w == a_get_childspec.w)
        return c ? tr_build(a_ok, tr__child_spec(c)) : unknown;
    return (tr_term){ 0 };
}

static tr_gen_result sup_call(void *state, tr_term request, tr_term from)
{
    struct tr_sup *s = state;
    tr_term spec;

    (void)from;
    if (tr_match(request, a_which_children))
        return tr_gen_reply(all_children(s));
    if (tr_match(request, a_count_children))
        return tr_gen_reply(counts(s));
    if (s->dynamic)
        return tr__dynamic_call(s, request);
    if (tr_match(request, a_start_child, &spec))
        return tr_gen_reply(start_child(s, spec));
    if (tr__child_is_compact(request))
        return tr_gen_reply(start_child(s, request));
    tr_term answer = about_child(s, request);
    return answer.w ? tr_gen_reply(answer) : tr_gen_unknown();
}

/* --- other messages --- */

static tr_gen_result go_on(bool on)
{
    return on ? tr_gen_noreply() : tr_gen_stop(a_shutdown);
}

/* The key is the id, or the last pid. A message that came too late finds nothing to do: by a timer
   (w of 0: by none) that is no longer the child's, or while it is not RESTARTING. */
static tr_gen_result try_again(struct tr_sup *s, tr_term key, tr_ref timer)
{
    tr_pid pid;
    struct tr_child *c = s->dynamic && tr_match(key, &pid) ? tr__children_by_pid(s, pid)
                                                           : tr__children_by_id(s, key);

    if (!c || c->state != TR__CHILD_RESTARTING || c->timer.w != timer.w)
        return tr_gen_noreply();
    c->timer.w = 0;
    return go_on(s->dynamic ? tr__dynamic_try_again(s, c) : tr__supervisor_try_again(s, c));
}

static tr_gen_result sup_cast(void *state, tr_term request)
{
    tr_term key;

    if (tr_match(request, a_try_again_restart, &key))
        return try_again(state, key, (tr_ref){ 0 });
    return tr_gen_unknown();
}

static tr_gen_result sup_info(void *state, tr_term message)
{
    tr_term reason, key;
    tr_ref timer;
    tr_pid pid;

    if (tr_match(message, a_EXIT, &pid, &reason))
        return go_on(tr__supervisor_child_ended(state, pid, reason));
    if (tr_match(message, a_timeout, &timer, tr_tuple(a_try_again_restart, &key)))
        return try_again(state, key, timer);
    tr__supervisor_unexpected(state, message);
    return tr_gen_noreply();
}

static void sup_terminate(void *state, tr_term reason)
{
    struct tr_sup *s = state;

    (void)reason;
    if (s->dynamic)
        tr__dynamic_end_children(s);
    else
        tr__supervisor_end_children(s, NULL);
}

static tr_term sup_state(const void *state)
{
    return all_children(state);
}

/* --- the functions --- */

tr_term tr__supervisor_start(const char *module, bool dynamic, tr_term value,
                             const struct tr_gen_server_opts *opts)
{
    static const struct tr_gen_server server = { .name = "supervisor",
                                                 .state_size = sizeof(struct tr_sup),
                                                 .init = sup_init,
                                                 .handle_call = sup_call,
                                                 .handle_cast = sup_cast,
                                                 .handle_info = sup_info,
                                                 .terminate = sup_terminate,
                                                 .get_state = sup_state };
    struct tr_arg arg[] = { TR_ARG(tr_intern(module)), TR_ARG(dynamic),
                            TR_ARG(opts && opts->via.w ? opts->via : tr_nil()), TR_ARG(value) };
    return tr_gen_server_start_args(&server, TR_GEN_SERVER_LINK, opts, arg, 4);
}

tr_term tr__supervisor_ask(tr_term to, tr_term request)
{
    return tr_call_within(TR_INFINITY, to, request);
}

/* An array that ends with one that says nothing. */
static tr_term specs_of(const struct tr_child_spec *c)
{
    tr_term list = tr_nil();

    for (; c && (c->id || c->id_term.w || c->name || tr__child_is_something(c)); c++)
        list = tr_list_push(list, tr_child_to_term(c));
    return tr_list_reverse(list);
}

tr_term tr_supervisor_start_link_args(const struct tr_supervisor *supervisor,
                                      const struct tr_gen_server_opts *opts,
                                      const struct tr_arg *args, int n)
{
    const char *module = supervisor->name ? supervisor->name : "supervisor";
    tr_term value;

    if (supervisor->init)
        value = tr_build(a_call, (uint64_t)(uintptr_t)supervisor->init, tr_message_arg(args, n));
    else
        value = tr_build(a_ok,
                         tr_tuple(tr_supervisor_flags(supervisor), specs_of(supervisor->children)));
    return tr__supervisor_start(module, false, value, opts);
}

tr_term tr_supervisor_start_child_term(tr_term to, tr_term spec)
{
    return tr__supervisor_ask(to, tr_build(a_start_child, spec));
}

tr_term tr_supervisor_start_child_spec(tr_term to, const struct tr_child_spec *spec)
{
    return tr__child_ask_start(to, spec, false);
}

tr_term tr_supervisor_start_child_with_args(tr_term to, const struct tr_arg *args, int n)
{
    tr_term list = tr_nil();

    for (int i = n - 1; i >= 0; i--)
        list = tr_list_push(list, tr_build_args(&args[i], 1));
    return tr__supervisor_ask(to, tr_build(a_start_child, list));
}

tr_term tr_supervisor_terminate_child_term(tr_term to, tr_term id)
{
    return tr__supervisor_ask(to, tr_build(a_terminate_child, id));
}

tr_term tr_supervisor_restart_child_term(tr_term to, tr_term id)
{
    return tr__supervisor_ask(to, tr_build(a_restart_child, id));
}

tr_term tr_supervisor_delete_child_term(tr_term to, tr_term id)
{
    return tr__supervisor_ask(to, tr_build(a_delete_child, id));
}

tr_term tr_supervisor_which_children_term(tr_term to)
{
    return tr__supervisor_ask(to, tr_build(a_which_children));
}

tr_term tr_supervisor_which_child_term(tr_term to, tr_term id)
{
    return tr__supervisor_ask(to, tr_build(a_which_child, id));
}

tr_term tr_supervisor_get_childspec_term(tr_term to, tr_term id)
{
    return tr__supervisor_ask(to, tr_build(a_get_childspec, id));
}

struct tr_child_counts tr_supervisor_count_children_term(tr_term to)
{
    struct tr_child_counts n = { 0 };

    tr_match(tr__supervisor_ask(to, tr_build(a_count_children)),
             tr_list(tr_tuple(a_specs, &n.specs), tr_tuple(a_active, &n.active),
                     tr_tuple(a_supervisors, &n.supervisors), tr_tuple(a_workers, &n.workers)));
    return n;
}
