/* SPDX-License-Identifier: MIT */
/*
 * Specifications of children.
 *
 * They travel as OTP's maps, #{id, start, restart, significant, shutdown, type, modules}, so that
 * there is one way in for those written in C and those sent by others, and one check. What a start
 * is in C, Erlang has no word for: it is the entry '$c', {Kind, Address, Name}. A start without
 * that entry is one of another program, and fails with undef.
 */
#include "otp/supervisor.h"

#include <string.h>

tr_atoms(id, start, restart, significant, shutdown, type, modules, start_link, permanent, transient,
         temporary, worker, supervisor, brutal_kill, infinity, dynamic, missing_id, missing_start,
         invalid_mfa, invalid_restart_type, invalid_significant, invalid_child_type,
         invalid_shutdown, invalid_modules, invalid_module, invalid_child_spec, bad_combination,
         auto_shutdown, never, undefined);
tr_atom_as(a_c, "$c");
tr_atom_as(a_true, "true");
tr_atom_as(a_false, "false");

enum { WORKER_SHUTDOWN_MS = 5000 };

/* --- from structs to terms --- */

/* What the struct says the child is. */
struct thing {
    enum tr_child_kind kind;
    uintptr_t address;
    const char *module; /* NULL: has no name of its own */
    bool supervisor;
};

static const char *or_default(const char *name, const char *otherwise)
{
    return name ? name : otherwise;
}

static struct thing thing_of(const struct tr_child_spec *s)
{
    if (s->server)
        return (struct thing){ TR__CHILD_SERVER, (uintptr_t)s->server, s->server->name, false };
    if (s->statem)
        return (struct thing){ TR__CHILD_STATEM, (uintptr_t)s->statem, s->statem->name, false };
    if (s->process)
        return (struct thing){ TR__CHILD_PROCESS, (uintptr_t)s->process, NULL, false };
    if (s->supervisor)
        return (struct thing){ TR__CHILD_SUPERVISOR, (uintptr_t)s->supervisor,
                               or_default(s->supervisor->name, "supervisor"), true };
    if (s->dynamic_supervisor)
        return (struct thing){ TR__CHILD_DYNAMIC, (uintptr_t)s->dynamic_supervisor,
                               or_default(s->dynamic_supervisor->name, "dynamic_supervisor"),
                               true };
    if (s->partition_supervisor)
        return (struct thing){ TR__CHILD_PARTITIONS, (uintptr_t)s->partition_supervisor,
                               "partition_supervisor", true };
    if (s->start)
        return (struct thing){ TR__CHILD_FUNCTION, (uintptr_t)s->start, NULL, false };
    return (struct thing){ TR__CHILD_UNKNOWN, 0, NULL, false };
}

/* w is 0 when there is none. */
static tr_term id_of(const struct tr_child_spec *s, const struct thing *thing)
{
    const char *text = s->id ? s->id : s->name ? s->name : thing->module;

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

static tr_term start_of(const struct tr_child_spec *s, const struct thing *thing, tr_term id)
{
    tr_term module = thing->module ? tr_build(tr_intern(thing->module)) : id;

    if (!module.w || !tr_is_atom(module))
        module = tr_build(a_undefined);
    return tr_build(module, a_start_link, args_of(s));
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

static tr_term type_of(enum tr_child_type type, bool supervisor)
{
    if (type == TR_CHILD_DEFAULT)
        return tr_build(supervisor ? a_supervisor : a_worker);
    if (type <= TR_SUPERVISOR)
        return tr_build(type == TR_SUPERVISOR ? a_supervisor : a_worker);
    return tr_build((int)type);
}

static tr_term modules_of(const char *text)
{
    tr_term modules;

    return tr_parse(text, strlen(text), &modules, NULL) ? tr_build(text) : modules;
}

tr_term tr_child_to_term(const struct tr_child_spec *s)
{
    struct thing thing = thing_of(s);
    tr_term id = id_of(s, &thing);
    tr_term map =
        tr_build(tr_map(a_restart, restart_of(s->restart), a_type,
                        type_of(s->type, thing.supervisor), a_significant, (bool)s->significant));

    if (id.w)
        map = tr_map_put(map, tr_build(a_id), id);
    if (thing.address) {
        tr_term name = s->name ? tr_build(tr_intern(s->name)) : tr_build(a_undefined);
        map = tr_map_put(map, tr_build(a_start), start_of(s, &thing, id));
        map = tr_map_put(map, tr_build(a_c),
                         tr_build((int)thing.kind, (uint64_t)thing.address, name));
    }
    if (s->shutdown_ms)
        map = tr_map_put(map, tr_build(a_shutdown), shutdown_of(s->shutdown_ms));
    if (s->modules)
        map = tr_map_put(map, tr_build(a_modules), modules_of(s->modules));
    return map;
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

/* --- from terms to children; each step returns what is wrong, or w of 0 --- */

static const tr_term fine = { 0 };

static bool get(tr_term map, tr_atom key, tr_term *value)
{
    return tr_map_get(map, tr_build(key), value);
}

static tr_term parse_start(struct tr_child *c, tr_term spec)
{
    tr_atom module, function;
    tr_term args;
    size_t n;

    if (!get(spec, a_start, &c->start))
        return tr_build(a_missing_start);
    if (!tr_match(c->start, &module, &function, &args) || !tr_list_length(args, &n))
        return tr_build(a_invalid_mfa, c->start);
    c->modules = tr_build(tr_list(module));
    return fine;
}

static void parse_c(struct tr_child *c, tr_term spec)
{
    uint64_t address;
    tr_term entry;
    tr_atom name;
    int kind;

    if (!get(spec, a_c, &entry) || !tr_match(entry, &kind, &address, &name))
        return;
    c->kind = (uint8_t)kind;
    c->what = (const void *)(uintptr_t)address;
    c->name = name.w == a_undefined.w ? (tr_atom){ 0 } : name;
}

static tr_term parse_restart(struct tr_child *c, tr_term spec)
{
    tr_term value = tr_build(a_permanent);

    get(spec, a_restart, &value);
    for (uint8_t i = 0; i <= TR_TEMPORARY; i++) {
        if (tr_match(value, *restarts[i])) {
            c->restart = i;
            return fine;
        }
    }
    return tr_build(a_invalid_restart_type, value);
}

static tr_term combination(tr_atom key, tr_atom value)
{
    return tr_build(a_bad_combination,
                    tr_list(tr_tuple(key, value), tr_tuple(a_significant, a_true)));
}

static tr_term parse_significant(struct tr_child *c, tr_term spec,
                                 enum tr_auto_shutdown auto_shutdown)
{
    tr_term value = tr_build(a_false);

    get(spec, a_significant, &value);
    if (!tr_match(value, &c->significant))
        return tr_build(a_invalid_significant, value);
    if (c->significant && auto_shutdown == TR_NEVER)
        return combination(a_auto_shutdown, a_never);
    if (c->significant && c->restart == TR_PERMANENT)
        return combination(a_restart, a_permanent);
    return fine;
}

static tr_term parse_type(struct tr_child *c, tr_term spec)
{
    tr_term value = tr_build(a_worker);

    get(spec, a_type, &value);
    c->supervisor = tr_match(value, a_supervisor);
    return c->supervisor || tr_match(value, a_worker) ? fine
                                                      : tr_build(a_invalid_child_type, value);
}

static tr_term parse_shutdown(struct tr_child *c, tr_term spec)
{
    tr_term value;

    c->shutdown_ms = c->supervisor ? TR_INFINITY : WORKER_SHUTDOWN_MS;
    if (!get(spec, a_shutdown, &value))
        return fine;
    if (tr_match(value, a_infinity))
        c->shutdown_ms = TR_INFINITY;
    else if (tr_match(value, a_brutal_kill))
        c->shutdown_ms = TR_BRUTAL_KILL;
    else if (!tr_match(value, &c->shutdown_ms) || c->shutdown_ms < 0)
        return tr_build(a_invalid_shutdown, value);
    return fine;
}

static tr_term parse_modules(struct tr_child *c, tr_term spec)
{
    tr_term module, rest;

    if (!get(spec, a_modules, &c->modules) || tr_match(c->modules, a_dynamic))
        return fine;
    rest = c->modules;
    while (tr_list_next(&rest, &module))
        if (!tr_is_atom(module))
            return tr_build(a_invalid_module, module);
    return tr_is_nil(rest) ? fine : tr_build(a_invalid_modules, c->modules);
}

/* {Id, Start, Restart, Shutdown, Type, Modules} as a map. */
static tr_term from_tuple(tr_term spec)
{
    tr_term id, start, restart, shutdown, type, modules;

    if (!tr_match(spec, &id, &start, &restart, &shutdown, &type, &modules))
        return spec;
    return tr_build(tr_map(a_id, id, a_start, start, a_restart, restart, a_shutdown, shutdown,
                           a_type, type, a_modules, modules));
}

#define TRY(step)                                                                                  \
    do {                                                                                           \
        tr_term wrong = (step);                                                                    \
        if (wrong.w)                                                                               \
            return wrong;                                                                          \
    } while (0)

tr_term tr__child_parse(struct tr_child *c, tr_term spec, enum tr_auto_shutdown auto_shutdown)
{
    memset(c, 0, sizeof *c);
    spec = from_tuple(spec);
    if (!tr_is_map(spec))
        return tr_build(a_invalid_child_spec, spec);
    if (!get(spec, a_id, &c->id))
        return tr_build(a_missing_id);
    TRY(parse_start(c, spec));
    TRY(parse_restart(c, spec));
    TRY(parse_significant(c, spec, auto_shutdown));
    TRY(parse_type(c, spec));
    TRY(parse_shutdown(c, spec));
    TRY(parse_modules(c, spec));
    parse_c(c, spec);
    return fine;
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

tr_term tr__child_spec(const struct tr_child *c)
{
    tr_term map =
        tr_build(tr_map(a_id, c->id, a_start, c->start, a_restart, tr__child_restart(c),
                        a_significant, (bool)c->significant, a_shutdown, tr__child_shutdown(c),
                        a_type, tr__child_type(c), a_modules, c->modules));

    if (!c->what)
        return map;
    return tr_map_put(
        map, tr_build(a_c),
        tr_build((int)c->kind, (uint64_t)(uintptr_t)c->what, c->name.w ? c->name : a_undefined));
}
