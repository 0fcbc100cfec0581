/* SPDX-License-Identifier: MIT */
/*
 * The near side of the log: who logs, and what, made into text before it leaves the caller.
 *
 * Everything is inside the library from the first line to the last: a process that were ended in
 * the middle would leave the log locked.
 */
#include "proc/log.h"

#include "base/fault.h"
#include "os/log.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX  65536
#define SHORT     256 /* texts up to this need no memory */
#define META_MAX  32
#define META_SIZE 256

struct pairs {
    struct tr_log_pair list[META_MAX];
    size_t n;
    size_t used;
    char room[4096];
};

static tr_term own_metadata(struct tr_proc *p)
{
    return (tr_term){ p ? tr__rare_of(p)->log_metadata : 0 };
}

/* Text in the room of `pairs`, without quotes where it is an atom or binary of text; NULL when the
   room is used up. */
static const char *text_of(struct pairs *pairs, tr_term term)
{
    char *text = pairs->room + pairs->used;
    size_t room = sizeof pairs->room - pairs->used;
    tr_bin bin;
    size_t size;

    if (room > META_SIZE)
        room = META_SIZE;
    if (room < 2)
        return NULL;
    if (tr_is_atom(term))
        size = (size_t)snprintf(text, room, "%s", tr_atom_name((tr_atom){ term.w }, NULL));
    else if (tr_binary_get(term, &bin))
        size = (size_t)snprintf(text, room, "%.*s", (int)(bin.size < room ? bin.size : room),
                                (const char *)bin.data);
    else
        size = tr_print_to(text, room, term);
    pairs->used += (size < room ? size : room - 1) + 1;
    return text;
}

/* Without the keys that are in `over`, which comes later and may be none. */
static void add_pairs(struct pairs *pairs, tr_term map, tr_term over)
{
    struct tr_map_iter iter;
    tr_term key, value;

    if (!map.w || !tr_is_map(map))
        return;
    for (tr_map_iter_init(&iter, map); pairs->n < META_MAX && tr_map_next(&iter, &key, &value);) {
        struct tr_log_pair *pair = &pairs->list[pairs->n];
        if (over.w && tr_is_map(over) && tr_map_get(over, key, NULL))
            continue;
        pair->key = text_of(pairs, key);
        pair->value = text_of(pairs, value);
        if (!pair->key || !pair->value)
            return;
        pairs->n++;
    }
}

void tr__log_text(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                  const char *text, void *const *pcs, int npcs)
{
    struct tr_proc *p = tr__self();
    uint64_t id = p ? atomic_load_explicit(&p->id, memory_order_relaxed) : 0;
    uint64_t name = p ? atomic_load_explicit(&p->name, memory_order_relaxed) : 0;
    struct pairs pairs = { .n = 0 };
    char process[64] = "";

    if (id)
        tr_print_to(process, sizeof process, (tr_term){ id });
    add_pairs(&pairs, own_metadata(p), meta);
    add_pairs(&pairs, meta, (tr_term){ 0 });
    struct tr_log_draft draft = { .pcs = pcs, .npcs = npcs };
    draft.event = (struct tr_log_event){ .level = level,
                                         .pid = { id },
                                         .process = process,
                                         .name = name ? tr_atom_name((tr_atom){ name }, NULL) : "",
                                         .text = text,
                                         .meta = pairs.list,
                                         .nmeta = pairs.n };
    if (site)
        draft.event.site = *site;
    tr__log_put(&draft);
}

/* Not for reports: a process that has faulted ends on a stack that others may need next. */
static void charge(void)
{
    struct tr_proc *p = tr__self();

    if (p)
        tr__spend(p, TR__COST_SPAWN);
}

void tr_log_vprintf(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                    const char *format, va_list args)
{
    TR__ENTER();
    char brief[SHORT], *text = brief;
    va_list again;

    if (!tr_log_allows(level))
        return;
    va_copy(again, args);
    int size = vsnprintf(brief, sizeof brief, format, args);
    if (size >= SHORT) {
        size_t room = size < TEXT_MAX ? (size_t)size + 1 : TEXT_MAX;
        char *whole = tr__fault() ? NULL : malloc(room);
        if (whole)
            vsnprintf(text = whole, room, format, again);
    }
    va_end(again);
    tr__log_text(site, level, meta, size < 0 ? format : text, NULL, 0);
    if (text != brief)
        free(text);
    charge();
}

void tr_log_printf(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                   const char *format, ...)
{
    va_list args;

    va_start(args, format);
    tr_log_vprintf(site, level, meta, format, args);
    va_end(args);
}

void tr_log_term_args(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                      const struct tr_arg *args, int n)
{
    TR__ENTER();
    char brief[SHORT], *text = brief;

    if (!tr_log_allows(level))
        return;
    tr_scope
    {
        tr_term term = tr_build_args(args, n);
        size_t size = tr_print_to(brief, sizeof brief, term);
        if (size >= SHORT) {
            size_t room = size < TEXT_MAX ? size + 1 : TEXT_MAX;
            char *whole = tr__fault() ? NULL : malloc(room);
            if (whole)
                tr_print_to(text = whole, room, term);
        }
        tr__log_text(site, level, meta, text, NULL, 0);
    }
    if (text != brief)
        free(text);
    charge();
}

void tr_log_set_metadata(tr_term map)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if (!map.w || !tr_is_map(map))
        tr__raise_badarg(map);
    uint64_t *field = &tr__rare(p)->log_metadata;
    tr_term kept = tr_keep(map);
    if (*field)
        tr_release((tr_term){ *field });
    *field = kept.w;
}

tr_term tr_log_metadata(void)
{
    TR__ENTER();
    tr_term own = own_metadata(TR__SELF());

    return own.w ? tr_copy(own) : tr_build(tr_map());
}

void tr_log_update_metadata(tr_term map)
{
    TR__ENTER();
    struct tr_map_iter iter;
    tr_term key, value;

    if (!map.w || !tr_is_map(map))
        tr__raise_badarg(map);
    tr_scope
    {
        tr_term whole = tr_log_metadata();
        for (tr_map_iter_init(&iter, map); tr_map_next(&iter, &key, &value);)
            whole = tr_map_put(whole, key, value);
        tr_log_set_metadata(whole);
    }
}

/* --- what waits for sinks does so outside, where the worker may go on with others --- */

struct request {
    const char *name;
    tr_err err;
    int64_t timeout_ms;
    bool done;
};

static void remove_sink(void *arg)
{
    struct request *r = arg;

    r->err = tr__log_remove_sink(r->name);
}

tr_err tr_log_remove_sink(const char *name)
{
    TR__ENTER();
    struct request r = { .name = name };

    tr__run_outside(remove_sink, &r);
    return r.err;
}

static void flush(void *arg)
{
    struct request *r = arg;

    r->done = tr__log_flush(r->timeout_ms);
}

bool tr_log_flush(int64_t timeout_ms)
{
    TR__ENTER();
    struct request r = { .timeout_ms = timeout_ms };

    tr__run_outside(flush, &r);
    return r.done;
}
