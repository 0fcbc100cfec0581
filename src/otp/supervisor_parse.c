/* SPDX-License-Identifier: MIT */
/*
 * From specifications, as they travel, to children: one check for those written in C and those sent
 * by others. Each step returns what is wrong, or w of 0.
 */
#include "otp/supervisor.h"

#include <string.h>

tr_atoms(id, start, restart, significant, shutdown, type, modules, permanent, transient, temporary,
         worker, supervisor, brutal_kill, infinity, dynamic, missing_id, missing_start, invalid_mfa,
         invalid_restart_type, invalid_significant, invalid_child_type, invalid_shutdown,
         invalid_modules, invalid_module, invalid_child_spec, bad_combination, auto_shutdown, never,
         undefined);
tr_atom_as(a_c, "$c");
tr_atom_as(a_true, "true");
tr_atom_as(a_false, "false");

static const tr_term fine = { 0 };

static bool get(tr_term map, tr_atom key, tr_term *value)
{
    return tr_map_get(map, tr_build(key), value);
}

static tr_term parse_start(struct tr_child *c, tr_term spec)
{
    tr_term start;
    size_t n;

    if (!get(spec, a_start, &start))
        return tr_build(a_missing_start);
    if (!tr_match(start, &c->module, &c->function, &c->args) || !tr_list_length(c->args, &n))
        return tr_build(a_invalid_mfa, start);
    return fine;
}

static void set_thing(struct tr_child *c, int kind, uint64_t address, tr_term name)
{
    c->kind = (uint8_t)kind;
    c->what = (const void *)(uintptr_t)address;
    if (!tr_match(name, a_undefined))
        c->name = name;
}

static void parse_c(struct tr_child *c, tr_term spec)
{
    uint64_t address;
    tr_term entry, name;
    int kind;

    if (get(spec, a_c, &entry) && tr_match(entry, &kind, &address, &name))
        set_thing(c, kind, address, name);
}

static tr_term parse_restart(struct tr_child *c, tr_term spec)
{
    tr_term value = tr_build(a_permanent);

    get(spec, a_restart, &value);
    if (tr_match(value, a_permanent))
        c->restart = TR_PERMANENT;
    else if (tr_match(value, a_transient))
        c->restart = TR_TRANSIENT;
    else if (tr_match(value, a_temporary))
        c->restart = TR_TEMPORARY;
    else
        return tr_build(a_invalid_restart_type, value);
    return fine;
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

    c->shutdown_ms = c->supervisor ? TR_INFINITY : TR__WORKER_SHUTDOWN_MS;
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

bool tr__child_is_compact(tr_term spec)
{
    return tr_match(spec, a_c, tr_any(), tr_any(), tr_any()) ||
           tr_match(spec, a_c, tr_any(), tr_any(), tr_any(), tr_any(), tr_any());
}

bool tr__child_parse_compact(struct tr_child *c, tr_term spec)
{
    tr_term name = tr_build(a_undefined);
    uint64_t address, traits;

    memset(c, 0, sizeof *c);
    if (!tr_match(spec, a_c, &address, &traits, &c->args) &&
        !tr_match(spec, a_c, &address, &traits, &c->args, &c->id, &name))
        return false;
    set_thing(c, (int)(traits & TR__TRAIT_KIND), address, name);
    c->restart = (traits / TR__TRAIT_RESTART) & 3;
    c->supervisor = traits & TR__TRAIT_SUPERVISOR;
    uint64_t shutdown = traits / TR__TRAIT_SHUTDOWN;
    c->shutdown_ms = shutdown ? (int64_t)shutdown - 1 + TR_BRUTAL_KILL : TR_INFINITY;
    /* Where what is started has no name of its own, the id stands for it. */
    if (!tr__child_module_name(c->kind, c->what) && (!c->id.w || !tr_match(c->id, &c->module)))
        c->module = a_undefined;
    return true;
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

tr_term tr__child_parse(struct tr_child *c, tr_term spec, enum tr_auto_shutdown auto_shutdown)
{
    if (tr__child_parse_compact(c, spec))
        return fine;
    spec = from_tuple(spec);
    if (!tr_is_map(spec))
        return tr_build(a_invalid_child_spec, spec);
    if (!get(spec, a_id, &c->id))
        return tr_build(a_missing_id);
    TR__TRY(parse_start(c, spec));
    TR__TRY(parse_restart(c, spec));
    TR__TRY(parse_significant(c, spec, auto_shutdown));
    TR__TRY(parse_type(c, spec));
    TR__TRY(parse_shutdown(c, spec));
    TR__TRY(parse_modules(c, spec));
    parse_c(c, spec);
    return fine;
}
