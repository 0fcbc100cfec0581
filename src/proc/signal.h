/* SPDX-License-Identifier: MIT */
/*
 * Signals: everything one process ever sends to another.
 *
 * Messages, exit signals, and the requests to link, monitor and so on are all struct tr_sig on the
 * one queue of the receiver (rule R2), so they arrive in the order in which they were sent. A
 * signal is one block, moved from the sender to the receiver.
 */
#ifndef TROUPE_PROC_SIGNAL_H
#define TROUPE_PROC_SIGNAL_H

#include "base/compiler.h"
#include "mem/block.h"
#include "mem/counted.h"
#include "proc/watch.h"
#include "term/atom_table.h"
#include "term/term.h"

#include <stdbool.h>
#include <stdint.h>

struct tr_proc;
struct tr_tie;

enum tr_sig_kind {
    TR__SIG_MESSAGE,
    TR__SIG_EXIT,       /* words: {'EXIT', From, Reason}; flags say where it comes from */
    TR__SIG_LINK,       /* a struct tr_tie, which becomes the receiver's end of the link */
    TR__SIG_UNLINK,     /* words: sender, number of the request */
    TR__SIG_UNLINK_ACK, /* words: sender, number of the request */
    TR__SIG_MONITOR,    /* a struct tr_tie, which becomes the receiver's record of its watcher */
    TR__SIG_DEMONITOR,  /* words: reference */
    TR__SIG_DOWN,       /* words: {Tag, Ref, process, Object, Reason} */
    TR__SIG_CALL,       /* a struct tr_sig_call: something for the receiver to do */
    TR__SIG_READY,      /* a struct tr_fd_wait: the descriptor is ready, or closed */
    TR__SIG_BELL,       /* part of a struct tr_caps: signals wait there */
    TR__SIG_REQUEST,    /* a monitor and the message that comes behind it: see ties.h */
    TR__SIG_END         /* a monitor and the exit signal that comes behind it */
};

enum {
    TR__SIG_LINKED = 1,  /* EXIT: through a link, not by tr_exit_to; DOWN: ends a link too */
    TR__SIG_TIED = 1,    /* REQUEST: its tie is in the receiver's table */
    TR__SIG_TIMER = 2,   /* the signal is part of a struct tr_timer */
    TR__SIG_COUNTED = 4, /* a message that takes room in a mailbox with a cap */
    TR__SIG_CRASH = 8,   /* EXIT: stands for a crash of the process itself */
    TR__SIG_LAST = 8 /* MESSAGE through an alias: its sender is watched no more by the receiver */
};

struct tr_sig {
    struct tr_sig *next; /* the inbox of the receiver, then its mailbox */
    uint64_t to;         /* pid or alias it was sent to: tells a reused slot from the one meant */
    uint64_t term;       /* the message, once it is one */
    struct tr_counted *counted; /* what the words refer to, as src/mem/counted.h says */
    uint32_t size;              /* bytes of the block */
    uint32_t kind : 4;          /* enum tr_sig_kind */
    uint32_t flags : 4;
    uint32_t from : 24; /* slot of the sender while mailboxes are watched, else 0: watch.c */
};

#define TR__SIG_WORD_SIZE(n) (sizeof(struct tr_sig) + (n) * sizeof(uint64_t))
#define TR__SIG_WORDS_MAX    ((UINT32_MAX - sizeof(struct tr_sig)) / sizeof(uint64_t))

/* The words that stand behind the head, in the same block. */
static inline uint64_t *tr__sig_words(struct tr_sig *sig)
{
    return (uint64_t *)(void *)(sig + 1);
}

/* A request that the receiver serves between two of its own steps; `serve` gets NULL when the
   receiver is dead, and owns the signal either way. */
struct tr_sig_call {
    struct tr_sig sig;
    void (*serve)(struct tr_proc *p, struct tr_sig_call *call);
};

/* Fills in the head of a block of `size` bytes, where mailboxes are not watched. */
static inline void tr__sig_head(struct tr_sig *sig, enum tr_sig_kind kind, uint64_t to,
                                uint64_t term, size_t size)
{
    sig->to = to;
    sig->term = term;
    sig->counted = NULL;
    sig->size = (uint32_t)size;
    sig->kind = kind & 15u;
    sig->flags = 0;
    sig->from = 0;
}

/* Fills in the head of a block of `size` bytes; NULL for NULL. */
static inline struct tr_sig *tr__sig_init(struct tr_sig *sig, enum tr_sig_kind kind, uint64_t to,
                                          size_t size)
{
    if (tr__unlikely(!sig))
        return NULL;
    tr__sig_head(sig, kind, to, 0, size);
    if (tr__unlikely(tr__watching()))
        sig->from = tr__watch_sender() & 0xffffffu;
    return sig;
}

/* A block for `size` bytes in all with the head filled in; NULL without memory. Any thread. */
static inline struct tr_sig *tr__sig_new(enum tr_sig_kind kind, uint64_t to, size_t size)
{
    struct tr_tls *tls = tr__tls();
    bool was = tr__tls_enter(tls);
    struct tr_sig *sig = tr__block_alloc_inside(tls, size);

    tr__tls_leave(tls, was);
    return tr__sig_init(sig, kind, to, size);
}

/* A message holding a copy of the argument list; raises badarg for arguments that are no terms,
   NULL without memory. */
struct tr_sig *tr__sig_message(uint64_t to, const struct tr_arg *args, int n);

/* The same for one argument, with `head` words in front of it that are the caller's to fill; *word
   is what the argument has become. */
struct tr_sig *tr__sig_framed(uint64_t to, size_t head, struct tr_arg arg, uint64_t *word);

/* An exit signal that carries a tie too: a TR__SIG_END, which becomes an ordinary one. */
struct tr_sig *tr__sig_end(uint64_t to, uint64_t from, uint64_t reason, struct tr_tie *tie);
struct tr_tie *tr__sig_end_take(struct tr_sig *sig);

/* An exit signal, link or not; NULL without memory. */
struct tr_sig *tr__sig_exit(uint64_t to, uint64_t from, uint64_t reason, int flags);

/* Frees a signal that is on no queue and was never the head of one (see mailbox.c); of a request
   whose tie is in use, the message. */
void tr__sig_free(struct tr_sig *sig);

/* The same for a caller that is inside; `tls` is the calling thread's. */
TR__INLINED void tr__sig_free_inside(struct tr_tls *tls, struct tr_sig *sig)
{
    if (tr__likely(!sig->counted && !(sig->flags & (TR__SIG_TIMER | TR__SIG_TIED))))
        tr__block_free_inside(tls, sig, sig->size);
    else
        tr__sig_free(sig);
}

/* Sends to the process of a pid word; frees or answers it when there is no such process. */
void tr__sig_send(struct tr_sig *sig);

/* What becomes of a signal whose receiver is dead. */
void tr__sig_undeliverable(struct tr_sig *sig);

#endif
