/* SPDX-License-Identifier: MIT */
/*
 * The table of children: in the order in which they were started first, by id, and by pid.
 *
 * Each index is a table of chains with about as many buckets as children, so that a supervisor of a
 * million finds one as fast as a supervisor of three. Room is made before a child is added, so that
 * nothing fails afterwards: one that runs is always found.
 */
#include "otp/supervisor.h"

#include <string.h>

enum { LEAST_BUCKETS = 8 };

static size_t id_hash(const struct tr_child *c)
{
    return tr_hash(c->id);
}

static size_t mix(uint64_t w)
{
    return (size_t)((w * UINT64_C(0x9E3779B97F4A7C15)) >> 20);
}

static size_t pid_hash(const struct tr_child *c)
{
    return mix(c->pid.w);
}

/* --- one index; `by_pid` says which --- */

static struct tr_child **next_of(struct tr_child *c, bool by_pid)
{
    return by_pid ? &c->next_by_pid : &c->next_by_id;
}

static struct tr_child **bucket(struct tr_child_index *index, size_t hash)
{
    return &index->buckets[hash & (index->size - 1)];
}

static void link_in(struct tr_child_index *index, struct tr_child *c, bool by_pid)
{
    struct tr_child **head = bucket(index, by_pid ? pid_hash(c) : id_hash(c));

    *next_of(c, by_pid) = *head;
    *head = c;
}

static void grow(struct tr_child_index *index, bool by_pid)
{
    struct tr_child_index bigger = { .size = index->size ? index->size * 2 : LEAST_BUCKETS };

    bigger.buckets = tr_alloc(bigger.size * sizeof(*bigger.buckets));
    for (size_t i = 0; i < index->size; i++) {
        struct tr_child *next;
        for (struct tr_child *c = index->buckets[i]; c; c = next) {
            next = *next_of(c, by_pid);
            link_in(&bigger, c, by_pid);
        }
    }
    tr_free(index->buckets);
    *index = bigger;
}

static void take_out(struct tr_child_index *index, struct tr_child *c, bool by_pid)
{
    struct tr_child **at = bucket(index, by_pid ? pid_hash(c) : id_hash(c));

    while (*at != c)
        at = next_of(*at, by_pid);
    *at = *next_of(c, by_pid);
}

struct tr_child *tr__children_by_id(struct tr_sup *s, tr_term id)
{
    if (!s->children.by_id.size)
        return NULL;
    struct tr_child *c = *bucket(&s->children.by_id, tr_hash(id));
    while (c && !tr_equal(c->id, id))
        c = c->next_by_id;
    return c;
}

struct tr_child *tr__children_by_pid(struct tr_sup *s, tr_pid pid)
{
    if (!s->children.by_pid.size || !pid.w)
        return NULL;
    struct tr_child *c = *bucket(&s->children.by_pid, mix(pid.w));
    while (c && c->pid.w != pid.w)
        c = c->next_by_pid;
    return c;
}

/* --- children --- */

/* Most ids and arguments are one word, which needs no keeping. */
static tr_term keep(tr_term t)
{
    return tr_is_atom(t) || tr_is_nil(t) ? t : tr_keep(t);
}

struct tr_child *tr__children_add(struct tr_sup *s, const struct tr_child *c)
{
    struct tr_children *t = &s->children;
    struct tr_child *new = tr_alloc(sizeof *new);

    *new = *c;
    new->id = c->id.w ? keep(c->id) : c->id;
    new->args = keep(c->args);
    if (c->modules.w)
        new->modules = tr_keep(c->modules);
    if (c->name.w)
        new->name = tr_keep(c->name);
    new->pid.w = 0;
    new->state = TR__CHILD_STOPPED;
    if ((size_t)t->n >= t->by_id.size) {
        grow(&t->by_id, false);
        grow(&t->by_pid, true);
    }
    new->newer = NULL;
    new->older = t->newest;
    if (t->newest)
        t->newest->newer = new;
    else
        t->oldest = new;
    t->newest = new;
    if (new->id.w)
        link_in(&t->by_id, new, false);
    t->n++;
    t->supervisors += new->supervisor;
    return new;
}

void tr__child_becomes(struct tr_sup *s, struct tr_child *c, enum tr_child_state state, tr_pid pid)
{
    struct tr_children *t = &s->children;

    if (c->timer.w)
        tr_cancel_timer(c->timer, NULL);
    c->timer.w = 0;
    if (c->pid.w)
        take_out(&t->by_pid, c, true);
    t->restarting += (state == TR__CHILD_RESTARTING) - (c->state == TR__CHILD_RESTARTING);
    c->state = (uint8_t)state;
    c->pid = pid;
    if (pid.w)
        link_in(&t->by_pid, c, true);
}

void tr__children_remove(struct tr_sup *s, struct tr_child *c)
{
    struct tr_children *t = &s->children;

    tr__child_becomes(s, c, TR__CHILD_STOPPED, (tr_pid){ 0 });
    if (c->id.w)
        take_out(&t->by_id, c, false);
    if (c->older)
        c->older->newer = c->newer;
    else
        t->oldest = c->newer;
    if (c->newer)
        c->newer->older = c->older;
    else
        t->newest = c->older;
    t->n--;
    t->supervisors -= c->supervisor;
    if (c->id.w)
        tr_release(c->id);
    tr_release(c->args);
    if (c->modules.w)
        tr_release(c->modules);
    if (c->name.w)
        tr_release(c->name);
    tr_free(c);
}
