/* SPDX-License-Identifier: MIT */
/*
 * The table of names: for each atom, the pid of its holder.
 *
 * Looking up is one load, since an atom is a number. Changes are made under one lock. A process
 * that ends reads its own name without it, so that the many that have none pay nothing: see
 * tr_register for why neither side can miss the other.
 */
#include "base/fault.h"
#include "base/spin.h"
#include "proc/proc.h"
#include "term/raise.h"

#include <stdlib.h>

#define CHUNK  4096u
#define CHUNKS 4096u

typedef _Atomic(uint64_t) entry;

static _Atomic(entry *) chunks[CHUNKS];
static struct tr_spin lock;

static uint64_t index_of(uint64_t name)
{
    return name >> 6;
}

/* The entry of a name; NULL when nobody ever held one near it. */
static entry *find(uint64_t name)
{
    /* Acquire pairs with the release in find_or_make: the chunk is seen zeroed. */
    entry *chunk = atomic_load_explicit(&chunks[index_of(name) / CHUNK], memory_order_acquire);

    return chunk ? &chunk[index_of(name) % CHUNK] : NULL;
}

/* The lock is held. */
static entry *find_or_make(uint64_t name)
{
    _Atomic(entry *) *chunk = &chunks[index_of(name) / CHUNK];

    if (!atomic_load_explicit(chunk, memory_order_relaxed)) {
        entry *fresh = tr__fault() ? NULL : calloc(CHUNK, sizeof *fresh);
        if (!fresh)
            return NULL;
        atomic_store_explicit(chunk, fresh, memory_order_release);
    }
    return find(name);
}

bool tr__name_lookup(uint64_t name, uint64_t *pid)
{
    entry *e = find(name);
    uint64_t holder = e ? atomic_load_explicit(e, memory_order_acquire) : 0;

    if (holder)
        *pid = holder;
    return holder != 0;
}

/* The lock is held. */
static tr_err give(struct tr_proc *p, uint64_t pid, uint64_t name)
{
    entry *e = find_or_make(name);

    if (!e)
        return TR_ENOMEM;
    if (atomic_load_explicit(e, memory_order_relaxed) || atomic_load(&p->name))
        return TR_EEXIST;
    /* The ending process clears its id, then reads its name; we write the name, then read the id;
       all in one total order. So either we see that it has ended, or it sees the name and takes
       it away once it gets the lock. */
    atomic_store(&p->name, name);
    if (atomic_load(&p->id) != pid) {
        atomic_store(&p->name, 0);
        return TR_ENOPROC;
    }
    atomic_store_explicit(e, pid, memory_order_release);
    return TR_OK;
}

tr_err tr__name_give(struct tr_proc *p, uint64_t name)
{
    tr__spin_lock(&lock);
    tr_err err = give(p, atomic_load(&p->id), name);
    tr__spin_unlock(&lock);
    return err;
}

tr_err tr_register(tr_atom name, tr_pid pid)
{
    TR__GUARD();
    struct tr_proc *p = tr__proc_at(pid.w);

    if (!tr__is_atom_w(name.w) || name.w == TR_ATOM_W(undefined) || (pid.w & 7) != TR__TAG_PID)
        return TR_EINVAL;
    if (!p || !tr__proc_alive(pid.w))
        return TR_ENOPROC;
    tr__spin_lock(&lock);
    tr_err err = give(p, pid.w, name.w);
    tr__spin_unlock(&lock);
    return err;
}

/* The lock is held; `holder` is what the entry must hold. */
static void take(entry *e, uint64_t holder)
{
    struct tr_proc *p = tr__proc_at(holder);

    atomic_store_explicit(e, 0, memory_order_release);
    if (p)
        atomic_store(&p->name, 0);
}

tr_err tr_unregister(tr_atom name)
{
    TR__GUARD();
    entry *e = find(name.w);
    uint64_t holder = 0;

    if (!tr__is_atom_w(name.w) || !e)
        return TR_ENOTFOUND;
    tr__spin_lock(&lock);
    holder = atomic_load_explicit(e, memory_order_relaxed);
    if (holder)
        take(e, holder);
    tr__spin_unlock(&lock);
    return holder ? TR_OK : TR_ENOTFOUND;
}

void tr__name_drop(struct tr_proc *p)
{
    tr__spin_lock(&lock);
    uint64_t name = atomic_load(&p->name);
    if (name)
        take(find(name), 0);
    atomic_store(&p->name, 0);
    tr__spin_unlock(&lock);
}

bool tr_whereis(tr_atom name, tr_pid *pid)
{
    uint64_t holder;

    tr__fork_check();
    if (!tr__is_atom_w(name.w) || !tr__name_lookup(name.w, &holder))
        return false;
    if (pid)
        pid->w = holder;
    return true;
}

tr_term tr_registered(void)
{
    tr_term list = tr_nil();

    for (uint64_t i = 0; i < CHUNKS; i++) {
        entry *chunk = atomic_load_explicit(&chunks[i], memory_order_acquire);
        for (uint64_t j = 0; chunk && j < CHUNK; j++)
            if (atomic_load_explicit(&chunk[j], memory_order_relaxed))
                list = tr_list_push(list, (tr_term){ TR__ATOM_W(i * CHUNK + j) });
    }
    return list;
}
