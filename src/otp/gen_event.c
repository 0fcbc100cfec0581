/* SPDX-License-Identifier: MIT */
/*
 * Event managers. What their users call is in gen_event_client.c.
 *
 * A manager is a server whose requests are OTP's: {Caller, From, Request} for those with an answer,
 * {notify, Event} for the rest. A handler is {Address, Id} in requests where it is added, and Name
 * or {Name, Id} elsewhere. Its callbacks run in tr_catch, so that its failure is its own.
 */
#include "otp/report.h"
#include "otp/request.h"
#include "troupe.h"

tr_atoms(ok, error, normal, shutdown, stop, notify, sync_notify, call, add_handler, add_sup_handler,
         delete_handler, swap_handler, which_handlers, remove_handler, module_not_found, bad_module,
         gen_event_EXIT, swapped, undef, handle_call, bad_return_value, EXIT);
tr_atom_as(a_false, "false");
tr_atom_as(a_gen_call, "$gen_call");
tr_atom_as(a_gen_cast, "$gen_cast");

struct handler {
    struct handler *next; /* the one that was added before */
    const struct tr_event_handler *callbacks;
    tr_term name;      /* kept: Name or {Name, Id} */
    tr_pid supervisor; /* 0: none */
    bool removed;      /* while handlers are being gone through */
    void *state;
};

struct manager {
    struct handler *handlers;
};

/* --- callbacks, whose failure is a result --- */

typedef tr_event_result (*take_fn)(void *state, tr_term term);

struct job {
    struct handler *h;
    take_fn fn;
    tr_term arg;
    tr_event_result result;
    tr_term ended; /* what terminate returned */
};

static void run_take(void *job)
{
    struct job *j = job;

    j->result = j->fn(j->h->state, j->arg);
}

static void run_terminate(void *job)
{
    struct job *j = job;

    j->ended = j->h->callbacks->terminate(j->h->state, j->arg);
}

/* What terminate returned, or {'EXIT', Reason}. */
static tr_term terminate(struct handler *h, tr_term why)
{
    struct job j = { .h = h, .arg = why };
    tr_term reason;

    if (!h->callbacks->terminate)
        return tr_build(a_ok);
    return tr_catch(run_terminate, &j, &reason) ? tr_build(a_EXIT, reason) : j.ended;
}

/* True, with the result; false with the reason of its failure. */
static bool take(struct handler *h, take_fn fn, tr_term arg, tr_event_result *result,
                 tr_term *reason)
{
    struct job j = { .h = h, .fn = fn, .arg = arg };

    if (tr_catch(run_take, &j, reason))
        return false;
    *result = j.result;
    if (j.result.what >= TR__EVENT_OK && j.result.what <= TR__EVENT_ERROR)
        return true;
    *reason = tr_build(a_bad_return_value, j.result.what);
    return false;
}

/* --- the list of handlers --- */

static tr_term state_of(const struct handler *h)
{
    if (h->callbacks->get_state)
        return h->callbacks->get_state(h->state);
    return tr_binary(h->state, h->callbacks->state_size);
}

static struct handler *find(const struct manager *m, tr_term name)
{
    struct handler *h = m->handlers;

    while (h && (h->removed || !tr_equal(h->name, name)))
        h = h->next;
    return h;
}

static struct handler *new_handler(const struct tr_event_handler *callbacks, tr_term id)
{
    struct handler *h = tr_alloc(sizeof *h);
    tr_atom name = tr_intern(callbacks->name);

    h->callbacks = callbacks;
    h->name = tr_keep(tr_match(id, a_false) ? tr_build(name) : tr_build(name, id));
    h->state = tr_alloc(callbacks->state_size ? callbacks->state_size : 1);
    return h;
}

static void free_handler(struct handler *h)
{
    tr_release(h->name);
    tr_free(h->state);
    tr_free(h);
}

/* Frees those that were removed. */
static void sweep(struct manager *m)
{
    for (struct handler **at = &m->handlers; *at;) {
        struct handler *h = *at;
        if (h->removed) {
            *at = h->next;
            free_handler(h);
        } else {
            at = &h->next;
        }
    }
}

static bool supervises(const struct manager *m, tr_pid pid)
{
    for (const struct handler *h = m->handlers; h; h = h->next)
        if (!h->removed && h->supervisor.w == pid.w)
            return true;
    return false;
}

/* --- removing --- */

/* Tells the one who supervises it why it is gone; `why` is normal and so on. */
static void drop(struct manager *m, struct handler *h, tr_term why)
{
    h->removed = true;
    if (!h->supervisor.w)
        return;
    tr_send(h->supervisor, a_gen_event_EXIT, h->name, why);
    if (!supervises(m, h->supervisor))
        tr_unlink(h->supervisor);
}

static void report_failure(const struct handler *h, tr_term message, tr_term reason)
{
    struct tr_report r = { .size = 0 };

    if (!tr_log_allows(TR_LOG_ERROR))
        return;
    tr__report_text(&r, "=ERROR REPORT====\n");
    tr__report_line(&r, "** gen_event handler crashed", h->name);
    tr__report_line(&r, "** Was installed in", tr_build(tr_self()));
    tr__report_line(&r, "** Last event was", message);
    tr__report_line(&r, "** When handler state was", state_of(h));
    tr__report_line(&r, "** Reason", reason);
    tr__report_deliver(&r, TR_LOG_ERROR);
}

static void has_failed(struct manager *m, struct handler *h, tr_term message, tr_term reason)
{
    tr_term exit = tr_build(a_EXIT, reason);

    report_failure(h, message, reason);
    terminate(h, tr_build(a_error, exit));
    drop(m, h, exit);
}

static void remove_normally(struct manager *m, struct handler *h)
{
    terminate(h, tr_build(a_remove_handler));
    drop(m, h, tr_build(a_normal));
}

/* --- events --- */

static void hand_on(struct manager *m, struct handler *h, take_fn fn, tr_term term)
{
    tr_event_result result;
    tr_term reason;

    if (h->removed || !fn)
        return;
    if (!take(h, fn, term, &result, &reason))
        has_failed(m, h, term, reason);
    else if (result.what == TR__EVENT_REMOVE)
        remove_normally(m, h);
    else if (result.what != TR__EVENT_OK)
        has_failed(m, h, term, tr_build(a_bad_return_value, result.what));
}

static void to_all(struct manager *m, tr_term event)
{
    for (struct handler *h = m->handlers; h; h = h->next)
        hand_on(m, h, h->callbacks->handle_event, event);
    sweep(m);
}

static void info_to_all(struct manager *m, tr_term message)
{
    for (struct handler *h = m->handlers; h; h = h->next)
        hand_on(m, h, h->callbacks->handle_info, message);
    sweep(m);
}

/* --- requests --- */

static tr_term add(struct manager *m, tr_term which, tr_term arg, tr_pid supervisor)
{
    tr_event_result result = tr_event_ok();
    uint64_t address;
    tr_term id, reason;

    if (!tr_match(which, &address, &id))
        return tr_build(a_error, a_bad_module);
    struct handler *h = new_handler((const struct tr_event_handler *)(uintptr_t)address, id);
    bool good = !h->callbacks->init || take(h, h->callbacks->init, arg, &result, &reason);
    if (good && result.what == TR__EVENT_OK) {
        h->next = m->handlers;
        m->handlers = h;
        h->supervisor = supervisor;
        if (supervisor.w)
            tr_link(supervisor);
        return tr_build(a_ok);
    }
    free_handler(h);
    if (!good)
        return tr_build(a_EXIT, reason);
    return tr_build(a_error,
                    result.what == TR__EVENT_ERROR ? result.value : tr_build(a_bad_return_value));
}

static tr_term delete_one(struct manager *m, tr_term which, tr_term arg)
{
    struct handler *h = find(m, which);

    if (!h)
        return tr_build(a_error, a_module_not_found);
    tr_term result = terminate(h, arg);
    drop(m, h, tr_build(a_normal));
    return result;
}

/* The new one takes over who supervised the old one. */
static tr_term swap(struct manager *m, tr_term which, tr_term arg, tr_term new, tr_term new_arg)
{
    struct handler *h = find(m, which);
    tr_term result = tr_build(a_error);
    tr_pid supervisor = { 0 };

    if (h) {
        result = terminate(h, arg);
        supervisor = h->supervisor;
        h->removed = true;
    }
    result = add(m, new, tr_build(new_arg, result), supervisor);
    if (!supervisor.w)
        return result;
    if (tr_match(result, a_ok))
        tr_send(supervisor, a_gen_event_EXIT, which,
                tr_tuple(a_swapped, m->handlers->name, supervisor));
    else
        drop(m, h, result);
    return result;
}

static tr_term call(struct manager *m, tr_term which, tr_term request)
{
    struct handler *h = find(m, which);
    tr_event_result result;
    tr_term reason;

    if (!h)
        return tr_build(a_error, a_bad_module);
    if (!h->callbacks->handle_call)
        reason = tr_build(a_undef, tr_list(tr_tuple(h->name, a_handle_call, 2)));
    else if (take(h, h->callbacks->handle_call, request, &result, &reason)) {
        if (result.what == TR__EVENT_REMOVE_REPLY)
            remove_normally(m, h);
        if (result.what == TR__EVENT_REMOVE_REPLY || result.what == TR__EVENT_REPLY)
            return result.value;
        reason = tr_build(a_bad_return_value, result.what);
    }
    has_failed(m, h, request, reason);
    return tr_build(a_error, tr_tuple(a_EXIT, reason));
}

static tr_term names(const struct manager *m)
{
    tr_term list = tr_nil();

    for (const struct handler *h = m->handlers; h; h = h->next)
        list = tr_list_push(list, h->name);
    return tr_list_reverse(list);
}

/* The answer to a request; w is 0 for one that is none. */
static tr_term serve(struct manager *m, tr_term request)
{
    tr_term a, b, c, d;
    tr_pid pid;

    if (tr_match(request, a_sync_notify, &a)) {
        to_all(m, a);
        return tr_build(a_ok);
    }
    if (tr_match(request, a_add_handler, &a, &b))
        return add(m, a, b, (tr_pid){ 0 });
    if (tr_match(request, a_add_sup_handler, &a, &b, &pid))
        return add(m, a, b, pid);
    if (tr_match(request, a_delete_handler, &a, &b))
        return delete_one(m, a, b);
    if (tr_match(request, a_swap_handler, &a, &b, &c, &d))
        return swap(m, a, b, c, d);
    if (tr_match(request, a_call, &a, &b))
        return call(m, a, b);
    if (tr_match(request, a_which_handlers))
        return names(m);
    return (tr_term){ 0 };
}

/* The process that supervises handlers has ended. */
static void supervisor_ended(struct manager *m, tr_pid pid, tr_term reason)
{
    for (struct handler *h = m->handlers; h; h = h->next) {
        if (h->supervisor.w != pid.w || h->removed)
            continue;
        terminate(h, tr_build(a_stop, reason));
        h->removed = true;
    }
    sweep(m);
}

/* --- the server --- */

static tr_gen_result init(void *state, tr_term arg)
{
    (void)state;
    (void)arg;
    tr_trap_exit(true);
    return tr_gen_ok();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct manager *m = state;
    tr_term from, request, reply;
    tr_pid pid;

    if (tr_match(message, a_notify, &request)) {
        to_all(m, request);
        return tr_gen_noreply();
    }
    if (tr_match(message, &pid, &from, &request) && (reply = serve(m, request)).w) {
        tr_reply(from, reply);
        sweep(m);
        return tr_gen_noreply();
    }
    if (tr_match(message, a_EXIT, &pid, &request))
        supervisor_ended(m, pid, request);
    info_to_all(m, message);
    return tr_gen_noreply();
}

/* Calls and casts of servers are messages like any other. */
static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    return handle_info(state, tr_build(a_gen_call, from, request));
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    return handle_info(state, tr_build(a_gen_cast, request));
}

static void ends(void *state, tr_term reason)
{
    struct manager *m = state;

    (void)reason;
    for (struct handler *h = m->handlers; h; h = h->next) {
        terminate(h, tr_build(a_stop));
        drop(m, h, tr_build(a_shutdown));
    }
}

static tr_term get_state(const void *state)
{
    const struct manager *m = state;
    tr_term list = tr_nil(), id;
    tr_atom name;

    for (const struct handler *h = m->handlers; h; h = h->next) {
        if (!tr_match(h->name, &name, &id))
            id = tr_build(a_false);
        list = tr_list_push(list, tr_build(tr_intern(h->callbacks->name), id, state_of(h)));
    }
    return tr_list_reverse(list);
}

const struct tr_gen_server tr_gen_event = {
    .name = "gen_event",
    .state_size = sizeof(struct manager),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .terminate = ends,
    .get_state = get_state,
};
