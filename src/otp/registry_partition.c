/* SPDX-License-Identifier: MIT */
/*
 * A partition of a registry: traps exits, and removes the entries of those linked with it that end.
 *
 * When one partition fails all start again, the first one first, and with a directory that is
 * empty: those registered before, if they live, are linked with nobody.
 *
 * A lock is a call that is answered when its turn has come, and a cast that gives it back. Each
 * request is watched, so that the lock goes on when its holder, or one who waits, ends.
 */
#include "otp/registry.h"

#include <stdio.h>
#include <string.h>

tr_atoms(lock, unlock, locked, DOWN, EXIT, badarg, already_open, out_of_memory);

/* One who holds a lock or waits for it. */
struct waiter {
    struct waiter *next; /* for the same key, in the order of the calls; the first one holds it */
    tr_ref watch;
    tr_term from; /* kept */
};

struct held_lock {
    struct held_lock *next;
    tr_term key; /* kept */
    struct waiter *first;
};

struct partition {
    struct tr_directory *directory;
    struct tr_directory *meta; /* of the first partition */
    struct held_lock *locks;
};

tr_atom tr__registry_meta_name(tr_atom registry)
{
    size_t size;
    const char *name = tr_atom_name(registry, &size);
    char text[1100];

    snprintf(text, sizeof text, "%s.meta", name);
    return tr_intern(text);
}

/* --- the tables, in the first partition --- */

static void close_table(void *directory)
{
    struct tr_directory **d = directory;

    if (*d)
        tr_directory_close(*d);
}

/* In this order: the process may end between the two. */
void tr__registry_open(struct tr_directory **d, tr_atom name, bool unique, tr_term info)
{
    tr_defer(close_table, d);
    tr_err err = tr_directory_open(d, name, unique, info);
    if (err)
        tr_exit(err == TR_ENOMEM ? a_out_of_memory : a_already_open);
}

static void open_tables(struct partition *p, tr_atom name, bool unique, tr_term info, tr_term meta)
{
    struct tr_map_iter it;
    tr_term key, value;

    tr__registry_open(&p->meta, tr__registry_meta_name(name), true, tr_nil());
    for (tr_map_iter_init(&it, meta); tr_map_next(&it, &key, &value);)
        if (tr_directory_insert(p->meta, key, tr_self(), value, NULL))
            tr_exit(a_out_of_memory);
    tr__registry_open(&p->directory, name, unique, info);
}

static tr_gen_result init(void *state, tr_term arg)
{
    struct partition *p = state;
    tr_term info, meta;
    tr_atom name;
    bool unique;
    int index;

    if (!tr_match(arg, &name, &unique, &index, &info, &meta))
        return tr_gen_stop(a_badarg);
    tr_trap_exit(true);
    if (index == 0)
        open_tables(p, name, unique, info, meta);
    else
        p->directory = tr_directory_find(name);
    return tr_gen_ok();
}

/* --- locks --- */

/* The lock of a key, in the place of `next` that points to it, or to NULL. */
static struct held_lock **find_lock(struct partition *p, tr_term key)
{
    struct held_lock **at = &p->locks;

    while (*at && !tr_equal((*at)->key, key))
        at = &(*at)->next;
    return at;
}

static void drop_waiter(struct waiter **at)
{
    struct waiter *w = *at;

    *at = w->next;
    tr_demonitor_flush(w->watch);
    tr_release(w->from);
    tr_free(w);
}

/* The first one in the queue has changed: it holds the lock now. */
static void hand_over(struct held_lock **at)
{
    struct held_lock *l = *at;

    if (l->first) {
        tr_reply(l->first->from, a_locked, l->first->watch);
        return;
    }
    *at = l->next;
    tr_release(l->key);
    tr_free(l);
}

static tr_gen_result handle_call(void *state, tr_term request, tr_term from)
{
    struct partition *p = state;
    tr_term key;
    tr_pid pid;

    if (!tr_match(request, a_lock, &key) || !tr_match(from, &pid, tr_any()))
        return tr_gen_unknown();
    struct held_lock **at = find_lock(p, key);
    if (!*at) {
        *at = tr_alloc(sizeof **at);
        (*at)->key = tr_keep(key);
    }
    struct waiter **last = &(*at)->first;
    while (*last)
        last = &(*last)->next;
    *last = tr_alloc(sizeof **last);
    (*last)->from = tr_keep(from);
    (*last)->watch = tr_monitor(pid);
    if (last == &(*at)->first)
        hand_over(at);
    return tr_gen_noreply();
}

/* Whoever has this monitor needs the lock no more. */
static void give_up(struct partition *p, tr_ref watch)
{
    for (struct held_lock **at = &p->locks; *at; at = &(*at)->next) {
        for (struct waiter **w = &(*at)->first; *w; w = &(*w)->next) {
            if ((*w)->watch.w != watch.w)
                continue;
            bool held = w == &(*at)->first;
            drop_waiter(w);
            if (held)
                hand_over(at);
            return;
        }
    }
}

static tr_gen_result handle_cast(void *state, tr_term request)
{
    tr_ref watch;

    if (!tr_match(request, a_unlock, &watch))
        return tr_gen_unknown();
    give_up(state, watch);
    return tr_gen_noreply();
}

static tr_gen_result handle_info(void *state, tr_term message)
{
    struct partition *p = state;
    tr_ref watch;
    tr_pid pid;

    if (tr_match(message, a_EXIT, &pid, tr_any()))
        tr_directory_drop(p->directory, pid);
    else if (tr_match(message, a_DOWN, &watch, tr_any(), tr_any(), tr_any()))
        give_up(p, watch);
    return tr_gen_noreply();
}

const struct tr_gen_server tr__registry_partition_server = {
    .name = "registry_partition",
    .state_size = sizeof(struct partition),
    .init = init,
    .handle_call = handle_call,
    .handle_cast = handle_cast,
    .handle_info = handle_info,
};

/* --- the caller's side of a lock --- */

struct critical {
    tr_term (*fn)(void *arg);
    void *arg;
    tr_term result;
};

static void run(void *critical)
{
    struct critical *c = critical;

    c->result = c->fn(c->arg);
}

tr_term tr_registry_lock_args(tr_atom registry, struct tr_arg key, tr_term (*fn)(void *arg),
                              void *arg)
{
    struct tr_directory *d = tr__registry(registry);
    tr_term wanted = tr_build_args(&key, 1);
    struct critical c = { fn, arg, tr_nil() };
    tr_term reply, reason;
    tr_ref watch;

    tr_atom partition = tr__registry_partition_of(d, tr_hash(wanted));
    reply = tr_call_within(TR_INFINITY, partition, a_lock, wanted);
    if (!tr_match(reply, a_locked, &watch))
        tr_error(a_badarg, reply);
    bool ended = tr_catch(run, &c, &reason);
    tr_cast(partition, a_unlock, watch);
    if (ended)
        tr_exit(reason);
    return c.result;
}
