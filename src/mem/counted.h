/* SPDX-License-Identifier: MIT */
/*
 * Counted objects: bytes shared by many blocks of terms.
 *
 * A block of terms (a heap, a message, a kept copy) that refers to a shared object holds in its own
 * words one struct tr_counted for each reference, chained from the owner of the block. Whoever
 * frees the block releases the chain. The struct is at the same time a boxed term object: its first
 * word is a header (src/term/term.h).
 */
#ifndef TROUPE_MEM_COUNTED_H
#define TROUPE_MEM_COUNTED_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Freed by `destroy` when the last reference goes, on the thread that lets it go. */
struct tr_shared {
    _Atomic uint64_t refs;
    size_t size; /* bytes of the whole block, this header included */
    void (*destroy)(struct tr_shared *shared);
};

struct tr_counted {
    uint64_t header;
    struct tr_shared *shared;
    const void *data; /* inside the shared object */
    uint64_t size;    /* bits, for binaries */
    struct tr_counted *next;
};

#define TR__COUNTED_WORDS (sizeof(struct tr_counted) / sizeof(uint64_t))

/*
 * References to one object that a worker has in hand: counted in the object, and not part of any
 * block. What is taken and let go again and again, such as a binary sent in each message of a turn,
 * so costs two atomic operations a turn, not two a message. tr__shared_settle empties the hand
 * after each turn; an object that nobody else refers to is not kept in it.
 */
struct tr_shared_hand {
    struct tr_shared *of; /* looked into only while n is not 0: it may be gone */
    uint64_t n;
};

/* One reference more, one less. Any thread; who retains has a reference to be sure of. */
void tr__shared_retain(struct tr_shared *shared);
void tr__shared_release(struct tr_shared *shared);

/* Gives back what is in the hand. Its worker only. */
static inline void tr__shared_settle(struct tr_shared_hand *hand);
void tr__shared_settle_slow(struct tr_shared_hand *hand);

/* Releases every member of a chain from `list` up to, and not with, `end` (NULL for all). */
void tr__counted_release_until(struct tr_counted *list, const struct tr_counted *end);

static inline void tr__counted_release(struct tr_counted *list)
{
    if (list)
        tr__counted_release_until(list, NULL);
}

static inline void tr__shared_settle(struct tr_shared_hand *hand)
{
    if (tr__unlikely(hand->of))
        tr__shared_settle_slow(hand);
}

#endif
