/* SPDX-License-Identifier: MIT */
/*
 * Agents: a server whose requests are functions.
 *
 * A request is {Op, Kind, Function, Argument}, where Function is an address of this program. The
 * state is a piece of memory or a kept term; `is_term` says which.
 */
#include "troupe.h"

#include <string.h>

tr_atoms(get, update, get_and_update, start, ok, normal, bad_return_value, badarg, badopt, undef);

typedef void (*change_fn)(void *state, tr_term arg);
typedef tr_term (*look_fn)(const void *state, tr_term arg);
typedef tr_term (*ask_fn)(void *state, tr_term arg);
typedef tr_term (*term_start_fn)(tr_term arg);
typedef tr_term (*term_fn)(tr_term state, tr_term arg);

struct agent {
    bool is_term;
    tr_term term; /* kept */
    void *memory;
    size_t size;
};

/* What a request asks for. */
struct request {
    tr_atom op;
    enum tr_agent_kind kind;
    void (*fn)(void);
    tr_term arg;
};

static bool parse(tr_term term, struct request *r)
{
    uint64_t fn;
    int kind;

    if (!tr_match(term, &r->op, &kind, &fn, &r->arg))
        return false;
    r->kind = (enum tr_agent_kind)kind;
    r->fn = (void (*)(void))(uintptr_t)fn;
    return true;
}

static void set_term(struct agent *a, tr_term term)
{
    tr_term kept = tr_keep(term);

    tr_release(a->term);
    a->term = kept;
}

/* --- functions on a state in memory --- */

static tr_gen_result on_memory(struct agent *a, const struct request *r)
{
    if (r->op.w == a_get.w && r->kind == TR_AGENT_LOOK)
        return tr_gen_reply(((look_fn)r->fn)(a->memory, r->arg));
    if (r->op.w == a_get_and_update.w && r->kind == TR_AGENT_ASK)
        return tr_gen_reply(((ask_fn)r->fn)(a->memory, r->arg));
    if (r->op.w != a_update.w || r->kind != TR_AGENT_CHANGE)
        return tr_gen_unknown();
    ((change_fn)r->fn)(a->memory, r->arg);
    return tr_gen_reply(a_ok);
}

/* --- functions on a term --- */

static tr_gen_result on_term(struct agent *a, const struct request *r)
{
    tr_term reply, state;

    if (r->kind != TR_AGENT_TERM)
        return tr_gen_unknown();
    tr_term result = ((term_fn)r->fn)(a->term, r->arg);
    if (r->op.w == a_get.w)
        return tr_gen_reply(result);
    if (r->op.w == a_update.w) {
        set_term(a, result);
        return tr_gen_reply(a_ok);
    }
    if (!tr_match(result, &reply, &state))
        return tr_gen_stop(a_bad_return_value, result);
    /* The reply may be a part of the old state. */
    reply = tr_copy(reply);
    set_term(a, state);
    return tr_gen_reply(reply);
}

/* --- the server --- */

/* Run by init: the argument is {Size, Request}. */
static tr_gen_result init(void *state, tr_term arg)
{
    struct agent *a = state;
    struct request r;
    tr_term request;

    if (!tr_match(arg, &a->size, &request) || !parse(request, &r))
        return tr_gen_stop(a_badarg);
    if (r.kind == TR_AGENT_TERM_START) {
        a->is_term = true;
        a->term = tr_keep(((term_start_fn)r.fn)(r.arg));
    } else {
        a->memory = tr_alloc(a->size);
        ((change_fn)r.fn)(a->memory, r.arg);
    }
    return tr_gen_ok();
}

static tr_gen_result perform(struct agent *a, tr_term request)
{
    struct request r;

    if (!parse(request, &r))
        return tr_gen_unknown();
    return a->is_term ? on_term(a, &r) : on_memory(a, &r);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    (void)from;
    return perform(state, request);
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    tr_gen_result r = perform(state, request);

    if (r.what == TR__GEN_REPLY)
        return tr_gen_noreply();
    return r;
}

/* Other messages are dropped, as Elixir's agent does. */
static tr_gen_result handle_info(void *state, tr_term message)
{
    (void)state;
    (void)message;
    return tr_gen_noreply();
}

static tr_term get_state(const void *state)
{
    const struct agent *a = state;

    return a->is_term ? a->term : tr_binary(a->memory, a->size);
}

static bool set_state(void *state, tr_term term)
{
    struct agent *a = state;
    tr_bin bytes;

    if (a->is_term) {
        set_term(a, term);
        return true;
    }
    if (!tr_binary_get(term, &bytes) || bytes.size != a->size)
        return false;
    memcpy(a->memory, bytes.data, bytes.size);
    return true;
}

static const struct tr_gen_server agent = {
    .name = "agent",
    .state_size = sizeof(struct agent),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
    .get_state = get_state,
    .set_state = set_state,
};

/* --- the interface --- */

static tr_term request(tr_atom op, struct tr_agent_fn fn, const struct tr_arg *args, int n)
{
    if (!fn.fn)
        tr_error(a_badarg, a_undef);
    return tr_build(op, (int)fn.kind, (uint64_t)(uintptr_t)fn.fn, tr_message_arg(args, n));
}

static tr_term start(enum tr_gen_server_tie tie, struct tr_agent_fn fn,
                     const struct tr_agent_opts *opts, const struct tr_arg *args, int n)
{
    static const struct tr_agent_opts defaults;

    opts = opts ? opts : &defaults;
    if (fn.kind != TR_AGENT_CHANGE && fn.kind != TR_AGENT_TERM_START)
        tr_error(a_badarg, a_start);
    const struct tr_gen_server_opts server = {
        .name = opts->name, .via = opts->via, .timeout_ms = opts->timeout_ms, .spawn = opts->spawn
    };
    const struct tr_arg arg[] = { TR_ARG(opts->state_size), TR_ARG(request(a_start, fn, args, n)) };
    return tr_gen_server_start_args(&agent, tie, &server, arg, 2);
}

tr_term tr_agent_start_args(struct tr_agent_fn fn, const struct tr_agent_opts *opts,
                            const struct tr_arg *args, int n)
{
    return start(TR_GEN_SERVER_ALONE, fn, opts, args, n);
}

tr_term tr_agent_start_link_args(struct tr_agent_fn fn, const struct tr_agent_opts *opts,
                                 const struct tr_arg *args, int n)
{
    return start(TR_GEN_SERVER_LINK, fn, opts, args, n);
}

static tr_atom name_of(enum tr_agent_op op)
{
    switch (op) {
    case TR_AGENT_GET:
        return a_get;
    case TR_AGENT_UPDATE:
        return a_update;
    default:
        return a_get_and_update;
    }
}

tr_term tr_agent_call_args(tr_term to, int64_t timeout_ms, enum tr_agent_op op,
                           struct tr_agent_fn fn, const struct tr_arg *args, int n)
{
    return tr_call_within(timeout_ms, to, request(name_of(op), fn, args, n));
}

tr_err tr_try_agent_call_args(tr_term to, int64_t timeout_ms, enum tr_agent_op op, tr_term *result,
                              struct tr_agent_fn fn, const struct tr_arg *args, int n)
{
    return tr_try_call_within(timeout_ms, to, result, request(name_of(op), fn, args, n));
}

void tr_agent_cast_args(tr_term to, struct tr_agent_fn fn, const struct tr_arg *args, int n)
{
    tr_scope
    {
        tr_cast(to, request(a_update, fn, args, n));
    }
}

void tr_agent_stop_term(tr_term to)
{
    tr_stop(to, a_normal, TR_INFINITY);
}
