/* SPDX-License-Identifier: MIT */
/*
 * The hash table of set, bag and duplicate_bag: its lines, and how one is read and locked.
 *
 * A line is two cache lines: a lock, seven entries of two words, and a pointer to a further line
 * when seven do not suffice, which is rare. The first word of an entry is the key, or a mark made
 * of its hash where the key is no immediate. The second is the value, where the object is a pair of
 * immediates in a set, else it refers to the node. So a lookup misses the cache once, for the two
 * halves of a line together, and once more for the node if there is one.
 *
 * Lines are chosen by the upper bits of the hash: the lines in a row are the hashes in order,
 * however many lines there are. A walk goes by hash, and no growing or shrinking confuses it.
 *
 * Readers take no lock and wait for nobody; writers lock the line. The first word of an entry is
 * stored last when it comes, and cleared when it goes, and is the same for all that a key may have:
 * that is replaced by one store to the second word. Each unlocking counts. A reader loads the lock
 * word, the two words, and the lock word again (all acquire): if the count is the same, at most one
 * change of this line has gone on meanwhile, and the entry cannot have gone to another key, which
 * takes two. Else it looks again. Entries never move to another place of their line, so none is
 * missed. Nodes and lines that were taken out are retired (src/mem/readers.h), so what was loaded
 * stays as long as the section.
 *
 * head of a line: bit 0 locked, bit 1 moved (hash_resize.c), above them a count of its changes.
 */
#ifndef TROUPE_ETS_HASH_H
#define TROUPE_ETS_HASH_H

#include "ets/store.h"

#define TR__LINE_ENTRIES 7
#define TR__LINE_LOCKED  UINT64_C(1)
#define TR__LINE_MOVED   UINT64_C(2)
#define TR__LINE_CHANGE  UINT64_C(4)

struct tr_entry {
    _Atomic uint64_t first;  /* a key, a mark, or 0: free */
    _Atomic uint64_t second; /* a value, or a node */
};

struct tr_line {
    _Atomic uint64_t head;
    _Atomic(struct tr_line *) more; /* of the same chain; its head is not used */
    struct tr_entry entries[TR__LINE_ENTRIES];
};

_Static_assert(sizeof(struct tr_line) == 2 * TR__CACHE_LINE, "a line is two cache lines");

struct tr_lines {
    struct tr_retired retired;
    unsigned shift; /* of a hash, to its line */
    size_t n;
    size_t freed;                    /* lines of a store that is being freed */
    struct tr_line *line;            /* n of them */
    _Atomic(struct tr_lines *) next; /* to which these are being moved */
    struct tr_spin moving;           /* guards moved */
    size_t moved;                    /* lines from the first on */
};

/* --- entries --- */

static inline uint64_t tr__entry_first(struct tr_entry *e)
{
    return atomic_load_explicit(&e->first, memory_order_acquire);
}

static inline uint64_t tr__entry_second(struct tr_entry *e)
{
    return atomic_load_explicit(&e->second, memory_order_acquire);
}

/* Both words; first 0 takes it out. The line is locked. */
static inline void tr__entry_set(struct tr_entry *e, uint64_t first, uint64_t second)
{
    if (first)
        atomic_store_explicit(&e->second, second, memory_order_release);
    if (first != atomic_load_explicit(&e->first, memory_order_relaxed))
        atomic_store_explicit(&e->first, first, memory_order_release);
}

/* The first word for a key that is no immediate: no term. */
static inline uint64_t tr__mark_of(uint64_t hash)
{
    return (hash & ~UINT64_C(7)) | TR__TAG_HEADER;
}

static inline bool tr__is_mark(uint64_t first)
{
    return (first & 7) == TR__TAG_HEADER;
}

static inline uint64_t tr__first_of_key(uint64_t hash, uint64_t key)
{
    return tr__is_immediate(key) ? key : tr__mark_of(hash);
}

/*
 * Which entry of a line has that first word; -1: none. Without a branch for each: which one it is
 * cannot be predicted, and a wrong guess would be found out only when the line has come from
 * memory. So the processor goes on to what follows, maybe the next lookup, before that.
 */
static inline int tr__line_place(struct tr_line *line, uint64_t first)
{
    int place = -1;

#pragma GCC unroll 7
    for (int i = TR__LINE_ENTRIES - 1; i >= 0; i--)
        place = tr__entry_first(&line->entries[i]) == first ? i : place;
    /* What is known of the value here would be used for a branch. */
    __asm__("" : "+r"(place));
    return place;
}

/* --- lines --- */

/* The line of a hash in the newest array to which it has come. The lock word was loaded before
   anything else of the line. */
static inline struct tr_line *tr__line_of(struct tr_store *s, uint64_t hash, uint64_t *head)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    struct tr_line *line = &lines->line[hash >> lines->shift];

    while (tr__unlikely((*head = atomic_load_explicit(&line->head, memory_order_acquire)) &
                        TR__LINE_MOVED)) {
        lines = atomic_load_explicit(&lines->next, memory_order_acquire);
        line = &lines->line[hash >> lines->shift];
    }
    return line;
}

static inline struct tr_line *tr__line_more(struct tr_line *line)
{
    return atomic_load_explicit(&line->more, memory_order_acquire);
}

/* Has something changed since `head` was loaded that what was read may be a mixture of? */
static inline bool tr__line_is_stale(struct tr_line *line, uint64_t head)
{
    uint64_t now = atomic_load_explicit(&line->head, memory_order_acquire);

    return tr__unlikely((now ^ head) & ~TR__LINE_LOCKED);
}

/* What is under an immediate; item 0: nothing. Inlined where lookups are to be fast. */
static inline void tr__hash_look(struct tr_store *s, uint64_t hash, uint64_t key,
                                 struct tr_found *found)
{
    struct tr_line *line, *l;
    uint64_t head;

    found->key = key;
    do {
        int place;
        l = line = tr__line_of(s, hash, &head);
        while (tr__unlikely((place = tr__line_place(l, key)) < 0 && (l = tr__line_more(l)) != NULL))
            ;
        found->item = place < 0 ? 0 : tr__entry_second(&l->entries[place]);
    } while (tr__line_is_stale(line, head));
}

void tr__line_lock(struct tr_line *line);
/* `marks`: TR__LINE_MOVED or 0. */
void tr__line_unlock(struct tr_line *line, uint64_t marks);

/* A free entry of a locked line, in one more line if need be; NULL without memory. */
struct tr_entry *tr__line_entry(struct tr_line *line);

/* --- arrays --- */

struct tr_lines *tr__lines_new(size_t n);
void tr__lines_free(struct tr_lines *lines);

/* After an object more or less: sees to the number of lines. */
void tr__hash_keep_size(struct tr_store *s, struct tr_worker *w, bool crowded);

#endif
