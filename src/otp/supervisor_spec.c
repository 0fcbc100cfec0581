/* SPDX-License-Identifier: MIT */
/*
 * Specifications of children.
 *
 * They travel as OTP's maps, #{id, start, restart, significant, shutdown, type, modules}. What a
 * start is in C, Erlang has no word for: it is the entry '$c', {Kind, Address, Name}. A start
 * without that entry is one of another program, and fails with undef. Between two that are both
 * written in C a tuple says the same (tr__child_ask_start).
 */
#include "otp/supervisor.h"

#include <string.h>

tr_atoms(id, start, restart, significant, shutdown, type, modules, start_link, permanent, transient,
         temporary, worker, supervisor, brutal_kill, infinity, undefined);
tr_atom_as(a_c, "$c");

enum { SHUTDOWN_MAX_MS = INT32_MAX };

/* --- from structs to terms --- */

/* What the struct says the child is. */
struct thing {
    enum tr_child_kind kind;
    const void *what;
};

static struct thing thing_of(const struct tr_child_spec *s)
{
    struct thing t = { TR__CHILD_UNKNOWN, NULL };

    if (s->server)
        t = (struct thing){ TR__CHILD_SERVER, s->server };
    else if (s->statem)
        t = (struct thing){ TR__CHILD_STATEM, s->statem };
    else if (s->process)
        t = (struct thing){ TR__CHILD_PROCESS, (const void *)(uintptr_t)s->process };
    else if (s->supervisor)
        t = (struct thing){ TR__CHILD_SUPERVISOR, s->supervisor };
    else if (s->dynamic_supervisor)
        t = (struct thing){ TR__CHILD_DYNAMIC, s->dynamic_supervisor };
    else if (s->partition_supervisor)
        t = (struct thing){ TR__CHILD_PARTITIONS, s->partition_supervisor };
    else if (s->start)
        t = (struct thing){ TR__CHILD_FUNCTION, (const void *)(uintptr_t)s->start };
    return t;
}

bool tr__child_is_something(const struct tr_child_spec *s)
{
    return thing_of(s).what;
}

static bool is_supervisor(const struct tr_child_spec *s, struct thing t)
{
    if (s->type != TR_CHILD_DEFAULT)
        return s->type == TR_SUPERVISOR;
    return t.kind == TR__CHILD_SUPERVISOR || t.kind == TR__CHILD_DYNAMIC ||
           t.kind == TR__CHILD_PARTITIONS;
}

static const char *or_default(const char *name, const char *otherwise)
{
    return name ? name : otherwise;
}

const char *tr__child_module_name(enum tr_child_kind kind, const void *what)
{
    switch (kind) {
    case TR__CHILD_SERVER:
        return ((const struct tr_gen_server *)what)->name;
    case TR__CHILD_STATEM:
        return ((const struct tr_gen_statem *)what)->name;
    case TR__CHILD_SUPERVISOR:
        return or_default(((const struct tr_supervisor *)what)->name, "supervisor");
    case TR__CHILD_DYNAMIC:
        return or_default(((const struct tr_dynamic_supervisor *)what)->name, "dynamic_supervisor");
    case TR__CHILD_PARTITIONS:
        return "partition_supervisor";
    case TR__CHILD_UNKNOWN:
    case TR__CHILD_PROCESS:
    case TR__CHILD_FUNCTION:
        break;
    }
    return NULL;
}

/* w is 0 when there is none. */
static tr_term id_of(const struct tr_child_spec *s, const char *module)
{
    const char *text = s->id ? s->id : s->name ? s->name : module;

    if (s->id_term.w || !text)
        return s->id_term;
    return tr_build(tr_intern(text));
}

/* A list; the text itself where it is not one of Erlang's terms. */
static tr_term args_of(const struct tr_child_spec *s)
{
    tr_term arg;

    if (s->arg_term.w)
        return tr_build(tr_list(s->arg_term));
    if (s->arg_pointer)
        return tr_build(tr_list((uint64_t)(uintptr_t)s->arg_pointer));
    if (!s->arg)
        return tr_nil();
    if (tr_parse(s->arg, strlen(s->arg), &arg, NULL))
        return tr_build(s->arg);
    return tr_build(tr_list(arg));
}

static tr_term start_of(const struct tr_child_spec *s, const char *name, tr_term id)
{
    tr_term module = name ? tr_build(tr_intern(name)) : id;

    if (!module.w || !tr_is_atom(module))
        module = tr_build(a_undefined);
    return tr_build(module, a_start_link, args_of(s));
}

static bool has_name(const struct tr_child_spec *s)
{
    return s->name || s->via || s->via_term.w;
}

/* An atom, or {via, Module, Term}; undefined when it is to have none. */
static tr_term name_of(const struct tr_child_spec *s)
{
    tr_term via;

    if (s->name)
        return tr_build(tr_intern(s->name));
    if (s->via_term.w)
        return s->via_term;
    if (!s->via)
        return tr_build(a_undefined);
    return tr_parse(s->via, strlen(s->via), &via, NULL) ? tr_build(s->via) : via;
}

static tr_term shutdown_of(int64_t ms)
{
    if (ms == TR_BRUTAL_KILL)
        return tr_build(a_brutal_kill);
    if (ms == TR_INFINITY)
        return tr_build(a_infinity);
    return tr_build(ms == TR_ZERO ? 0 : ms);
}

static const tr_atom *const restarts[] = { &a_permanent, &a_transient, &a_temporary };

static tr_term restart_of(enum tr_restart restart)
{
    return restart <= TR_TEMPORARY ? tr_build(*restarts[restart]) : tr_build((int)restart);
}

static tr_term type_of(const struct tr_child_spec *s, struct thing thing)
{
    if (s->type > TR_SUPERVISOR)
        return tr_build((int)s->type);
    return tr_build(is_supervisor(s, thing) ? a_supervisor : a_worker);
}

static tr_term modules_of(const char *text)
{
    tr_term modules;

    return tr_parse(text, strlen(text), &modules, NULL) ? tr_build(text) : modules;
}

tr_term tr_child_to_term(const struct tr_child_spec *s)
{
    struct thing thing = thing_of(s);
    const char *module = tr__child_module_name(thing.kind, thing.what);
    tr_term id = id_of(s, module);
    tr_term map = tr_build(tr_map(a_restart, restart_of(s->restart), a_type, type_of(s, thing),
                                  a_significant, (bool)s->significant));

    if (id.w)
        map = tr_map_put(map, tr_build(a_id), id);
    if (thing.what) {
        map = tr_map_put(map, tr_build(a_start), start_of(s, module, id));
        map = tr_map_put(map, tr_build(a_c),
                         tr_build((int)thing.kind, (uint64_t)(uintptr_t)thing.what, name_of(s)));
    }
    if (s->shutdown_ms)
        map = tr_map_put(map, tr_build(a_shutdown), shutdown_of(s->shutdown_ms));
    if (s->modules)
        map = tr_map_put(map, tr_build(a_modules), modules_of(s->modules));
    return map;
}

/* --- what C asks C --- */

/* Whether a tuple can say it: nothing in it is wrong, or rare. */
static bool is_plain(const struct tr_child_spec *s, struct thing thing)
{
    bool shutdown = s->shutdown_ms == TR_INFINITY ||
                    (s->shutdown_ms >= TR_BRUTAL_KILL && s->shutdown_ms <= SHUTDOWN_MAX_MS);

    return thing.what && shutdown && s->restart <= TR_TEMPORARY && s->type <= TR_SUPERVISOR &&
           !s->significant && !s->modules;
}

static int64_t shutdown_ms_of(const struct tr_child_spec *s, bool supervisor)
{
    if (!s->shutdown_ms)
        return supervisor ? TR_INFINITY : TR__WORKER_SHUTDOWN_MS;
    return s->shutdown_ms == TR_ZERO ? 0 : s->shutdown_ms;
}

static uint64_t traits_of(const struct tr_child_spec *s, struct thing thing)
{
    bool supervisor = is_supervisor(s, thing);
    int64_t ms = shutdown_ms_of(s, supervisor);
    uint64_t shutdown = ms == TR_INFINITY ? 0 : (uint64_t)(ms - TR_BRUTAL_KILL + 1);

    return shutdown * TR__TRAIT_SHUTDOWN + (uint64_t)s->restart * TR__TRAIT_RESTART +
           (supervisor ? TR__TRAIT_SUPERVISOR : 0) + thing.kind;
}

tr_term tr__child_ask_start(tr_term to, const struct tr_child_spec *s, bool dynamic)
{
    struct thing thing = thing_of(s);
    const char *module = tr__child_module_name(thing.kind, thing.what);
    uint64_t address = (uint64_t)(uintptr_t)thing.what;

    if (is_plain(s, thing) && dynamic && module && !has_name(s))
        return tr_call_within(TR_INFINITY, to, a_c, address, traits_of(s, thing), args_of(s));
    tr_term id = id_of(s, module);
    if (dynamic && !id.w)
        id = tr_build(a_undefined);
    if (is_plain(s, thing) && id.w)
        return tr_call_within(TR_INFINITY, to, a_c, address, traits_of(s, thing), args_of(s), id,
                              name_of(s));
    return dynamic ? tr_dynamic_supervisor_start_child_term(to, tr_child_to_term(s))
                   : tr_supervisor_start_child_term(to, tr_child_to_term(s));
}

void *tr_child_pointer(tr_term arg)
{
    uint64_t address = 0;

    tr_match(arg, &address);
    return (void *)(uintptr_t)address;
}

tr_term tr__child_id_text(const char *text)
{
    return tr_build(tr_intern(text));
}

tr_term tr__child_id_int(int64_t id)
{
    return tr_build(id);
}

/* --- from children to terms --- */

tr_term tr__child_shutdown(const struct tr_child *c)
{
    return c->shutdown_ms ? shutdown_of(c->shutdown_ms) : tr_build(0);
}

tr_atom tr__child_restart(const struct tr_child *c)
{
    return *restarts[c->restart];
}

tr_atom tr__child_type(const struct tr_child *c)
{
    return c->supervisor ? a_supervisor : a_worker;
}

static tr_atom module_of(const struct tr_child *c)
{
    return c->module.w ? c->module : tr_intern(tr__child_module_name(c->kind, c->what));
}

tr_term tr__child_start_of(const struct tr_child *c)
{
    return tr_build(module_of(c), c->function.w ? c->function : a_start_link, c->args);
}

tr_term tr__child_modules(const struct tr_child *c)
{
    return c->modules.w ? c->modules : tr_build(tr_list(module_of(c)));
}

tr_term tr__child_spec(const struct tr_child *c)
{
    tr_term map = tr_build(tr_map(a_id, c->id, a_start, tr__child_start_of(c), a_restart,
                                  tr__child_restart(c), a_significant, (bool)c->significant,
                                  a_shutdown, tr__child_shutdown(c), a_type, tr__child_type(c),
                                  a_modules, tr__child_modules(c)));

    if (!c->what)
        return map;
    return tr_map_put(map, tr_build(a_c),
                      tr_build((int)c->kind, (uint64_t)(uintptr_t)c->what,
                               c->name.w ? c->name : tr_build(a_undefined)));
}
