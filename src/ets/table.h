/* SPDX-License-Identifier: MIT */
/*
 * Tables: handles, names, rights, owners.
 *
 * The handle of a table is a reference that no process has: its slot lies above all slots of
 * processes, its counter is an index and a generation. It is looked up like a pid, without a lock.
 * What changes rarely (names, owners, heirs, fixations) is guarded by one lock for all tables.
 */
#ifndef TROUPE_ETS_TABLE_H
#define TROUPE_ETS_TABLE_H

#include "base/ring.h"
#include "ets/store.h"
#include "term/raise.h"

/* How often a process has fixed a table. */
struct tr_fixation {
    struct tr_fixation *next; /* of the table */
    struct tr_ring of_owner;  /* of the process, in the index by pid */
    struct tr_table *table;
    uint64_t pid;
    uint64_t count;
};

struct tr_table {
    struct tr_retired retired;
    uint64_t id; /* handle */
    _Atomic(struct tr_store *) store;
    _Atomic uint64_t owner; /* pid; 0 once it is deleted. Written with the lock held */
    _Atomic uint8_t access; /* enum tr_ets_access; written with the lock held */
    uint8_t type;           /* enum tr_ets_type */
    bool named;
    uint32_t keypos;
    uint32_t value_size; /* of a typed table: bytes; else 0 */
    bool read_concurrency, write_concurrency, decentralized_counters; /* as they were given */

    /* Guarded by the lock of all tables. */
    _Atomic uint64_t name; /* atom */
    uint64_t heir;         /* pid; 0: none */
    uint64_t heir_data;    /* a word, unless it is shared: */
    struct tr_shared *heir_share;
    struct tr_ring of_owner; /* its tables, in the index by pid */
    struct tr_fixation *fixations;

    struct tr_spin batch_lock; /* who inserts several, or deletes all */
};

enum tr_right { TR__READ, TR__WRITE, TR__OWN };

extern struct tr_spin tr__tables_lock;

/* The directory: entries in chunks, which are never freed. */
struct tr_table_entry {
    _Atomic(struct tr_table *) table;
    uint32_t generation; /* of the next table here; guarded by the lock, as is next_free */
    uint32_t next_free;  /* index; 0: none */
};

#define TR__TABLE_INDEX_BITS 20
#define TR__TABLE_CHUNK      1024u

extern _Atomic(struct tr_table_entry *) tr__table_chunks[];

static inline struct tr_table_entry *tr__table_entry(uint32_t index)
{
    /* Acquire pairs with the release of who made the chunk: it is seen zeroed. */
    struct tr_table_entry *chunk =
        atomic_load_explicit(&tr__table_chunks[index / TR__TABLE_CHUNK], memory_order_acquire);

    return chunk ? &chunk[index % TR__TABLE_CHUNK] : NULL;
}

static inline uint32_t tr__table_index(uint64_t handle)
{
    return (uint32_t)TR__REF_COUNTER(handle) & ((1u << TR__TABLE_INDEX_BITS) - 1);
}

struct tr_table *tr__table_of_name(uint64_t name);

/* The table of a handle or name, or NULL. In a section. */
static inline struct tr_table *tr__table_find(uint64_t handle)
{
    if (tr__unlikely((handle & 3) != TR__TAG_REF))
        return tr__is_atom_w(handle) ? tr__table_of_name(handle) : NULL;
    struct tr_table_entry *e = tr__table_entry(tr__table_index(handle));
    struct tr_table *t = e ? atomic_load_explicit(&e->table, memory_order_acquire) : NULL;
    return t && t->id == handle ? t : NULL;
}

/* True when the process may do that. */
static inline bool tr__table_allows(const struct tr_table *t, const struct tr_proc *p,
                                    enum tr_right right)
{
    uint8_t access = atomic_load_explicit(&t->access, memory_order_relaxed);

    if (right == TR__READ && access != TR_ETS_PRIVATE)
        return true;
    if (right == TR__WRITE && access == TR_ETS_PUBLIC)
        return true;
    return atomic_load_explicit(&t->owner, memory_order_relaxed) ==
           atomic_load_explicit(&p->id, memory_order_relaxed);
}

/*
 * Begins a section and finds the table in it; ends the caller with badarg, and no section, when
 * there is no such table or the caller may not do that. tr__table_try returns NULL instead.
 */
static inline struct tr_table *tr__table_open(struct tr_proc *p, uint64_t handle,
                                              enum tr_right right);
static inline struct tr_table *tr__table_try(struct tr_proc *p, uint64_t handle,
                                             enum tr_right right);

/* Ends the section, frees what may be freed, and charges the caller. */
static inline void tr__table_close(struct tr_proc *p, int32_t cost)
{
    tr__reader_end(&p->worker->reader);
    tr__reader_sweep(&p->worker->reader);
    tr__spend(p, cost);
}

static inline struct tr_table *tr__table_try(struct tr_proc *p, uint64_t handle,
                                             enum tr_right right)
{
    tr__reader_begin(&p->worker->reader);
    struct tr_table *t = tr__table_find(handle);
    if (tr__likely(t && tr__table_allows(t, p, right)))
        return t;
    tr__reader_end(&p->worker->reader);
    return NULL;
}

static inline struct tr_table *tr__table_open(struct tr_proc *p, uint64_t handle,
                                              enum tr_right right)
{
    struct tr_table *t = tr__table_try(p, handle, right);

    if (tr__unlikely(!t))
        tr__raise_badarg((tr_term){ handle });
    return t;
}

/* Opens it to write what is made already: ends the caller, too, for want of memory (NULL), and
   frees the node where there is no such table. */
static inline struct tr_table *tr__table_open_for(struct tr_proc *p, uint64_t handle,
                                                  struct tr_node *node)
{
    if (tr__unlikely(!node))
        tr__raise_oom();
    struct tr_table *t = tr__table_try(p, handle, TR__WRITE);
    if (tr__unlikely(!t)) {
        tr__node_free(node);
        tr__raise_badarg((tr_term){ handle });
    }
    return t;
}

static inline struct tr_store *tr__table_store(struct tr_table *t)
{
    /* Acquire pairs with the release of who put it there. */
    return atomic_load_explicit(&t->store, memory_order_acquire);
}

/* What is fixed for the life of a table, so that objects can be made before it is looked at again.
 */
struct tr_shape {
    enum tr_ets_type type;
    uint32_t keypos;
};

/* Raises badarg as tr__table_open does, and for typed tables. */
struct tr_shape tr__table_shape(struct tr_proc *p, tr_term table, enum tr_right right);

/* A tuple that has a key? */
static inline bool tr__is_object(tr_term term, uint32_t keypos)
{
    return tr_is_tuple(term) && TR__HEADER_N(*tr__box(term.w)) >= keypos;
}

/* Prices, in terms of proc.h. */
enum { TR__COST_LOOKUP = TR__COST_CALL, TR__COST_CHANGE = 2 * TR__COST_CALL };

/* A new table of the caller, with everything but its store's contents; see tr_ets_try_new. */
TR_MUST_USE tr_err tr__table_make(struct tr_table **table, tr_atom name,
                                  const struct tr_ets_opts *opts, uint32_t value_size);
_Noreturn void tr__table_raise(tr_err err, tr_atom name);

/* Makes a table known; takes over the store. On failure nothing is done. */
TR_MUST_USE tr_err tr__table_publish(struct tr_table *t, struct tr_proc *owner);

/* Makes it unknown; false when somebody else has done so. Frees nothing. The lock is held. */
bool tr__table_unpublish(struct tr_table *t);

/* Frees a table that was unpublished, in turns with others. May switch. Not in a section. */
void tr__table_destroy(struct tr_proc *p, struct tr_table *t);

/* The same of a store that was taken out of its table. */
void tr__store_destroy(struct tr_proc *p, struct tr_store *s);

/* Gives a named table another name; TR_EEXIST, TR_ENOMEM. The lock is held. */
TR_MUST_USE tr_err tr__table_rename(struct tr_table *t, uint64_t name);

/* Makes a process own the table; the lock is held. False when it has begun to end. */
bool tr__table_give(struct tr_table *t, uint64_t pid);

/* Tells a process that it owns the table; false without memory. Not in a section. */
bool tr__table_tell(struct tr_table *t, uint64_t to, uint64_t from, struct tr_arg data);

/* Counts a fixation, or takes one back. Without memory a fixation is not counted. */
void tr__table_fix(struct tr_table *t, struct tr_proc *p, bool fix);

/* One portion of a walk, in a section of its own: `prepare` tells the visitor the store. False when
   it was the last one. May switch when it is over; raises as the functions of the header do. */
bool tr__walk_portion(struct tr_proc *p, tr_term table, enum tr_right right,
                      struct tr_cursor *cursor, struct tr_visit *visit,
                      void (*prepare)(struct tr_visit *visit, struct tr_store *s));

/* Calls fn for every table; the lock is held. */
void tr__tables_each(void (*fn)(struct tr_table *t, void *arg), void *arg);

/* Is anything but immediates in the argument? Its word, built in the caller's heap if need be. */
static inline uint64_t tr__arg_word_of(const struct tr_arg *arg)
{
    uint64_t w;

    return tr__arg_immediate(*arg, &w) ? w : tr_build_args(arg, 1).w;
}

#endif
