/* SPDX-License-Identifier: MIT */
/*
 * Ties: what connects a process with others: links, monitors, watchers, aliases.
 *
 * Each process keeps its own ends in one table, found by the word that names them: a link by the
 * other's pid, everything else by its reference. A tie travels as a signal before it is in a table
 * and may leave as one, so handling a link or monitor request never needs memory.
 *
 * The request of a call (TR__SIG_REQUEST) is a message that has the tie of its sender in front, in
 * one block. It is a request as long as the message is in use, and TR__SIG_TIED as long as the tie
 * is; what is left when the message has gone is a tie like others. Whichever goes last frees the
 * block.
 */
#ifndef TROUPE_PROC_TIES_H
#define TROUPE_PROC_TIES_H

#include "proc/signal.h"

enum tr_tie_kind {
    TR__TIE_LINK,
    TR__TIE_MONITOR, /* this process watches `peer` */
    TR__TIE_WATCHER, /* `peer` watches this process */
    TR__TIE_ALIAS    /* an alias that is no monitor (any more) */
};

/* When an alias ends. */
enum tr_tie_alias {
    TR__ALIAS_NONE,
    TR__ALIAS_EXPLICIT,  /* by tr_unalias alone */
    TR__ALIAS_DEMONITOR, /* with the monitor */
    TR__ALIAS_REPLY      /* with the monitor, or with the first message through it */
};

struct tr_tie {
    struct tr_sig sig;   /* its words lie over what follows: see tr__down_send */
    struct tr_tie *next; /* chain of the table */
    uint64_t key;
    uint64_t peer;
    union {
        uint64_t name;  /* monitor by name: the atom */
        uint64_t after; /* link: the watcher whose 'DOWN' goes before its exit signal; 0: any */
    };
    uint64_t tag;       /* what stands first in the 'DOWN' message */
    uint64_t unlink_id; /* link: 0, or the request to unlink that is not yet acknowledged */
    uint8_t kind;       /* enum tr_tie_kind */
    uint8_t alias;      /* enum tr_tie_alias; of a watcher: as the watcher has it */
    bool at_spawn;      /* watcher: the parent, since the start */
    bool ends;          /* monitor: made by tr_end_watched */
    bool silent;        /* link: that monitor has told of its end */
    uint64_t room[2];   /* so that a 'DOWN' by name fits into the block */
};

struct tr_ties {
    union {
        struct tr_tie *few;      /* mask is 0: all are in this list */
        struct tr_tie **buckets; /* else: mask + 1 chains */
    };
    uint32_t count;
    uint32_t mask;
};

/* Fills in a tie, the head of its signal apart. */
static inline void tr__tie_init(struct tr_tie *tie, enum tr_tie_kind kind, uint64_t key,
                                uint64_t peer);

/* The words of a request in front of the message. */
#define TR__TIE_WORDS ((sizeof(struct tr_tie) - sizeof(struct tr_sig)) / sizeof(uint64_t))

/* The message of a request, whose tie is in use, has gone. */
static inline void tr__request_read(struct tr_sig *sig)
{
    sig->counted = NULL;
    sig->kind = TR__SIG_MONITOR;
    sig->flags = 0;
}

/* A block for a tie; NULL without memory. The caller is inside (os/tls.h). */
static inline struct tr_tie *tr__tie_new(enum tr_tie_kind kind, uint64_t key, uint64_t peer);

/* Gives it back; NULL is allowed. The caller is inside. */
static inline void tr__tie_free(struct tr_tie *tie)
{
    if (tie)
        tr__block_free_inside(tr__tls(), tie, tie->sig.size);
}

/* Where the tie of a key is linked, to be looked at and taken out; NULL stands there when there is
   none. Valid until the table changes. */
static inline struct tr_tie **tr__ties_at(struct tr_ties *ties, uint64_t key);
static inline void tr__ties_unlink(struct tr_ties *ties, struct tr_tie **at);

static inline struct tr_tie *tr__ties_find(struct tr_ties *ties, uint64_t key)
{
    return *tr__ties_at(ties, key);
}

/* Never fails: without memory for more buckets the chains grow longer. */
static inline void tr__ties_insert(struct tr_ties *ties, struct tr_tie *tie);

void tr__ties_remove(struct tr_ties *ties, struct tr_tie *tie);

/* Takes some tie out; NULL when there are none. */
struct tr_tie *tr__ties_pop(struct tr_ties *ties);

/* Steps through all: `tie` is NULL at first. */
struct tr_tie *tr__ties_next(const struct tr_ties *ties, const struct tr_tie *tie);

/* Frees the table itself; it must be empty. */
void tr__ties_fini(struct tr_ties *ties);

/* --- inline --- */

/* Field by field: to clear all of it first costs as much again. */
static inline void tr__tie_init(struct tr_tie *tie, enum tr_tie_kind kind, uint64_t key,
                                uint64_t peer)
{
    tie->key = key;
    tie->peer = peer;
    tie->name = 0;
    tie->tag = TR_ATOM_W(DOWN);
    tie->unlink_id = 0;
    tie->kind = (uint8_t)kind;
    tie->alias = TR__ALIAS_NONE;
    tie->at_spawn = false;
    tie->ends = false;
    tie->silent = false;
}

static inline struct tr_tie *tr__tie_new(enum tr_tie_kind kind, uint64_t key, uint64_t peer)
{
    struct tr_tie *tie = tr__block_alloc_inside(tr__tls(), sizeof *tie);

    if (tr__unlikely(!tie))
        return NULL;
    tr__sig_init(&tie->sig, TR__SIG_MONITOR, 0, sizeof *tie);
    tr__tie_init(tie, kind, key, peer);
    return tie;
}

/* So many are a list. */
#define TR__TIES_FEW 8u

/* Makes a table of the list, or a larger one of the table, if there is memory. */
void tr__ties_grow(struct tr_ties *ties);

static inline uint32_t tr__ties_hash(uint64_t key)
{
    return (uint32_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline struct tr_tie **tr__ties_chain(struct tr_ties *ties, uint64_t key)
{
    return tr__unlikely(ties->mask) ? &ties->buckets[tr__ties_hash(key) & ties->mask] : &ties->few;
}

static inline struct tr_tie **tr__ties_at(struct tr_ties *ties, uint64_t key)
{
    struct tr_tie **at = tr__ties_chain(ties, key);

    while (*at && (*at)->key != key)
        at = &(*at)->next;
    return at;
}

static inline void tr__ties_insert(struct tr_ties *ties, struct tr_tie *tie)
{
    if (tr__unlikely(ties->count >= TR__TIES_FEW && ties->count / 2 >= ties->mask))
        tr__ties_grow(ties);
    struct tr_tie **chain = tr__ties_chain(ties, tie->key);
    tie->next = *chain;
    *chain = tie;
    ties->count++;
}

static inline void tr__ties_unlink(struct tr_ties *ties, struct tr_tie **at)
{
    *at = (*at)->next;
    ties->count--;
}

#endif
