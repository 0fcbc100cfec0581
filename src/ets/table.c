/* SPDX-License-Identifier: MIT */
/*
 * The directory of tables, their names, and to whom they belong.
 *
 * Finding a table takes no lock: the directory is an array in chunks that are never freed, and an
 * entry is a pointer to the table, or NULL. A table that is deleted is taken out of it first, and
 * freed when no section that could have found it is left. The handle carries a generation, so that
 * an old one does not find the next table of its index.
 */
#include "ets/table.h"

#include "base/fault.h"
#include "mem/block.h"
#include "proc/replay.h"
#include "term/raise.h"

#include <stdlib.h>

#define CHUNKS      1024u
#define NAMES       4096u /* in a chunk of names, and chunks */
#define OWNERS      1024u
#define LOW_BITS    18 /* of a generation, in the counter of the reference */
#define HIGH_SLOTS  2048u
#define FIRST_SLOT  ((UINT32_C(1) << TR__SLOT_BITS) - 4096u)
#define GENERATIONS (HIGH_SLOTS << LOW_BITS)
#define SMALL       256  /* objects that are freed in one go */
#define SMALL_BYTES 8192 /* what a table of less takes, about */

typedef _Atomic(struct tr_table *) name_entry;

struct tr_spin tr__tables_lock;
_Atomic(struct tr_table_entry *) tr__table_chunks[CHUNKS];
static _Atomic(name_entry *) names[NAMES];
static struct tr_ring owners[OWNERS]; /* guarded by the lock, as are all below */
static struct tr_ring fixers[OWNERS];
static uint32_t first_free, used = 1;
static bool ready;

/* --- finding --- */

static name_entry *name_at(uint64_t name)
{
    uint64_t i = name >> 6;
    name_entry *chunk = atomic_load_explicit(&names[i / NAMES], memory_order_acquire);

    return chunk ? &chunk[i % NAMES] : NULL;
}

struct tr_table *tr__table_of_name(uint64_t name)
{
    name_entry *e = name_at(name);

    return e ? atomic_load_explicit(e, memory_order_acquire) : NULL;
}

struct tr_shape tr__table_shape(struct tr_proc *p, tr_term table, enum tr_right right)
{
    struct tr_table *t = tr__table_open(p, table.w, right);
    struct tr_shape shape = { t->type, t->keypos };
    bool typed = t->value_size != 0;

    tr__reader_end(&p->worker->reader);
    if (typed)
        tr__raise_badarg(table);
    return shape;
}

void tr__tables_each(void (*fn)(struct tr_table *t, void *arg), void *arg)
{
    for (uint32_t i = 1; i < used; i++) {
        struct tr_table *t = atomic_load_explicit(&tr__table_entry(i)->table, memory_order_relaxed);
        if (t)
            fn(t, arg);
    }
}

/* --- making known; the lock is held --- */

static struct tr_ring *owned_by(struct tr_ring *heads, uint64_t pid)
{
    return &heads[(TR__PID_SLOT(pid) ^ TR__PID_GENERATION(pid)) % OWNERS];
}

/* A free index, 0 when there is none; *err says why. */
static uint32_t index_take(tr_err *err)
{
    uint32_t index = first_free;

    if (index) {
        first_free = tr__table_entry(index)->next_free;
        return index;
    }
    *err = TR_ELIMIT;
    if (used == TR__TABLE_CHUNK * CHUNKS)
        return 0;
    *err = TR_ENOMEM;
    if (!tr__table_entry(used)) {
        struct tr_table_entry *chunk = tr__fault() ? NULL : calloc(TR__TABLE_CHUNK, sizeof *chunk);
        if (!chunk)
            return 0;
        atomic_store_explicit(&tr__table_chunks[used / TR__TABLE_CHUNK], chunk,
                              memory_order_release);
    }
    return used++;
}

static void index_return(uint32_t index)
{
    struct tr_table_entry *e = tr__table_entry(index);

    /* One whose generations are used up is left out for good. */
    if (++e->generation == GENERATIONS)
        return;
    e->next_free = first_free;
    first_free = index;
}

/* Makes room for the name, if it is free. */
static tr_err name_prepare(uint64_t name)
{
    _Atomic(name_entry *) *chunk = &names[(name >> 6) / NAMES];

    if (!atomic_load_explicit(chunk, memory_order_relaxed)) {
        name_entry *fresh = tr__fault() ? NULL : calloc(NAMES, sizeof *fresh);
        if (!fresh)
            return TR_ENOMEM;
        atomic_store_explicit(chunk, fresh, memory_order_release);
    }
    return atomic_load_explicit(name_at(name), memory_order_relaxed) ? TR_EEXIST : TR_OK;
}

bool tr__table_give(struct tr_table *t, uint64_t pid)
{
    struct tr_proc *p = tr__proc_at(pid);

    if (!p || !tr__proc_alive(pid))
        return false;
    /* Before the look at the id: see tr__tables_hook. */
    atomic_store(&p->has_tables, true);
    if (atomic_load(&p->id) != pid)
        return false;
    atomic_store_explicit(&t->owner, pid, memory_order_relaxed);
    tr__ring_remove(&t->of_owner);
    tr__ring_append(owned_by(owners, pid), &t->of_owner);
    return true;
}

static void become_ready(void)
{
    for (uint32_t i = 0; i < OWNERS; i++) {
        tr__ring_init(&owners[i]);
        tr__ring_init(&fixers[i]);
    }
    ready = true;
}

static tr_err publish(struct tr_table *t, uint64_t owner)
{
    uint64_t name = atomic_load_explicit(&t->name, memory_order_relaxed);
    tr_err err = t->named ? name_prepare(name) : TR_OK;

    if (err)
        return err;
    uint32_t index = index_take(&err);
    if (!index)
        return err;
    struct tr_table_entry *e = tr__table_entry(index);
    t->id = TR__REF_W(FIRST_SLOT + (e->generation >> LOW_BITS),
                      (uint64_t)(e->generation & ((1u << LOW_BITS) - 1)) << TR__TABLE_INDEX_BITS |
                          index);
    tr__ring_init(&t->of_owner);
    /* The caller is not ending, or its exit comes by here later. */
    if (!tr__table_give(t, owner)) {
        atomic_store(&tr__proc_at(owner)->has_tables, true);
        atomic_store_explicit(&t->owner, owner, memory_order_relaxed);
        tr__ring_append(owned_by(owners, owner), &t->of_owner);
    }
    atomic_store_explicit(&e->table, t, memory_order_release);
    if (t->named)
        atomic_store_explicit(name_at(name), t, memory_order_release);
    return TR_OK;
}

tr_err tr__table_publish(struct tr_table *t, struct tr_proc *owner)
{
    tr__spin_lock(&tr__tables_lock);
    if (!ready)
        become_ready();
    tr_err err = publish(t, atomic_load_explicit(&owner->id, memory_order_relaxed));
    tr__spin_unlock(&tr__tables_lock);
    return err;
}

tr_err tr__table_rename(struct tr_table *t, uint64_t name)
{
    uint64_t before = atomic_load_explicit(&t->name, memory_order_relaxed);
    tr_err err = t->named && name != before ? name_prepare(name) : TR_OK;

    if (err)
        return err;
    atomic_store_explicit(&t->name, name, memory_order_relaxed);
    if (t->named && name != before) {
        atomic_store_explicit(name_at(name), t, memory_order_release);
        atomic_store_explicit(name_at(before), NULL, memory_order_release);
    }
    return TR_OK;
}

static void fixation_free(struct tr_fixation *f)
{
    tr__ring_remove(&f->of_owner);
    tr__block_free(f, sizeof *f);
}

bool tr__table_unpublish(struct tr_table *t)
{
    if (!atomic_load_explicit(&t->owner, memory_order_relaxed))
        return false;
    atomic_store_explicit(&t->owner, 0, memory_order_relaxed);
    tr__ring_remove(&t->of_owner);
    atomic_store_explicit(&tr__table_entry(tr__table_index(t->id))->table, NULL,
                          memory_order_release);
    if (t->named)
        atomic_store_explicit(name_at(atomic_load_explicit(&t->name, memory_order_relaxed)), NULL,
                              memory_order_release);
    index_return(tr__table_index(t->id));
    while (t->fixations) {
        struct tr_fixation *next = t->fixations->next;
        fixation_free(t->fixations);
        t->fixations = next;
    }
    return true;
}

/* --- freeing --- */

static void table_free(struct tr_table *t)
{
    struct tr_store *s = atomic_load_explicit(&t->store, memory_order_relaxed);

    if (t->heir_share)
        tr__shared_release(t->heir_share);
    while (s && !tr__store_free_some(s))
        ;
    tr__block_free(t, sizeof *t);
}

static void table_retired(struct tr_retired *retired)
{
    table_free((struct tr_table *)retired);
}

static void store_retired(struct tr_retired *retired)
{
    while (!tr__store_free_some((struct tr_store *)retired))
        ;
}

/* Frees a large store piece by piece. */
static void free_in_turns(struct tr_proc *p, struct tr_store *s)
{
    while (!tr__store_free_some(s))
        if (p)
            tr__spend(p, TR__COST_SPAWN);
}

void tr__store_destroy(struct tr_proc *p, struct tr_store *s)
{
    int64_t size = tr__store_size(s);

    if (size > SMALL) {
        tr__readers_wait();
        free_in_turns(p, s);
        return;
    }
    struct tr_worker *w = tr__worker();
    tr__reader_retire(&w->reader, &s->retired, store_retired, SMALL_BYTES);
    tr__reader_sweep(&w->reader);
}

void tr__table_destroy(struct tr_proc *p, struct tr_table *t)
{
    struct tr_store *s = atomic_load_explicit(&t->store, memory_order_relaxed);
    struct tr_worker *w = tr__worker();
    int64_t size = tr__store_size(s);

    if (size > SMALL) {
        tr__readers_wait();
        atomic_store_explicit(&t->store, NULL, memory_order_relaxed);
        table_free(t);
        free_in_turns(p, s);
        return;
    }
    tr__reader_retire(&w->reader, &t->retired, table_retired, SMALL_BYTES);
    tr__reader_sweep(&w->reader);
}

/* --- owners --- */

bool tr__table_tell(struct tr_table *t, uint64_t to, uint64_t from, struct tr_arg data)
{
    uint64_t handle = t->named ? atomic_load_explicit(&t->name, memory_order_relaxed) : t->id;
    struct tr_arg args[] = { tr__arg_atom(TR_ATOM(ETS_TRANSFER)), tr__arg_word(handle),
                             tr__arg_word(from), data };
    struct tr_sig *sig = tr__sig_message(to, args, 4);

    if (!sig)
        return false;
    tr__message_send(sig);
    return true;
}

/* A table of an ending process that nobody has taken over; or NULL. The lock is held. */
static struct tr_table *owned(uint64_t pid)
{
    struct tr_ring *head = owned_by(owners, pid);

    for (struct tr_ring *l = head->next; l != head; l = l->next) {
        struct tr_table *t = tr__container_of(l, struct tr_table, of_owner);
        if (atomic_load_explicit(&t->owner, memory_order_relaxed) == pid)
            return t;
    }
    return NULL;
}

/* Takes the heir and its data off the table; the data is a word, or shared. The lock is held. */
static uint64_t heir_take(struct tr_table *t, uint64_t *data, struct tr_shared **share)
{
    uint64_t heir = t->heir;

    *data = t->heir_data;
    *share = t->heir_share;
    t->heir = 0;
    t->heir_share = NULL;
    return heir;
}

/* One table of an ending process: to its heir, or out of the world. False when there is none. */
static bool drop_one(struct tr_proc *p, uint64_t pid, bool may_switch)
{
    struct tr_shared *share = NULL;
    uint64_t heir = 0, data = 0;

    tr__spin_lock(&tr__tables_lock);
    struct tr_table *t = owned(pid);
    if (t) {
        heir = t->heir != pid ? heir_take(t, &data, &share) : 0;
        if (heir && !tr__table_give(t, heir))
            heir = 0;
        if (!heir)
            tr__table_unpublish(t);
        else /* so that the heir cannot delete it before it is told */
            tr__reader_begin(&p->worker->reader);
    }
    tr__spin_unlock(&tr__tables_lock);
    if (!t)
        return false;
    if (heir) {
        (void)tr__table_tell(t, heir, pid, share ? tr__arg_shared(share) : tr__arg_word(data));
        tr__reader_end(&p->worker->reader);
    } else {
        tr__table_destroy(may_switch ? p : NULL, t);
    }
    if (share)
        tr__shared_release(share);
    return true;
}

static void drop_fixations(uint64_t pid)
{
    struct tr_ring *head = owned_by(fixers, pid);

    tr__spin_lock(&tr__tables_lock);
    for (struct tr_ring *l = head->next, *next; l != head; l = next) {
        struct tr_fixation *f = tr__container_of(l, struct tr_fixation, of_owner);
        next = l->next;
        if (f->pid != pid)
            continue;
        struct tr_fixation **at = &f->table->fixations;
        while (*at != f)
            at = &(*at)->next;
        *at = f->next;
        fixation_free(f);
    }
    tr__spin_unlock(&tr__tables_lock);
}

static void drop_all(struct tr_proc *p, uint64_t pid, bool may_switch)
{
    while (drop_one(p, pid, may_switch))
        ;
    drop_fixations(pid);
}

__attribute__((constructor)) static void hook(void)
{
    tr__tables_hook = drop_all;
    tr__retired_word_destroy = tr__node_destroy;
}

/* --- fixations --- */

void tr__table_fix(struct tr_table *t, struct tr_proc *p, bool fix)
{
    uint64_t pid = atomic_load_explicit(&p->id, memory_order_relaxed);
    struct tr_fixation *fresh = fix ? tr__block_alloc(sizeof *fresh) : NULL;

    tr__spin_lock(&tr__tables_lock);
    struct tr_fixation **at = &t->fixations, *f;
    while ((f = *at) && f->pid != pid)
        at = &f->next;
    bool there = atomic_load_explicit(&t->owner, memory_order_relaxed);
    if (f && fix) {
        f->count++;
    } else if (f && --f->count == 0) {
        *at = f->next;
        fixation_free(f);
    } else if (!f && fresh && there) {
        *fresh = (struct tr_fixation){ .table = t, .pid = pid, .count = 1 };
        tr__ring_init(&fresh->of_owner);
        tr__ring_append(owned_by(fixers, pid), &fresh->of_owner);
        *at = fresh;
        fresh = NULL;
        atomic_store(&p->has_tables, true);
    }
    tr__spin_unlock(&tr__tables_lock);
    tr__block_free(fresh, sizeof *fresh);
}
