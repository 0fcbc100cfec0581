/* SPDX-License-Identifier: MIT */
/* The hash table: lookups, changes, walks. How its lines are read is in hash.h. */
#include "ets/hash.h"

#include "mem/block.h"

#include <sched.h>

static inline bool has_key(const struct tr_store *s, const struct tr_node *node, uint64_t key)
{
    return tr_equal((tr_term){ tr__node_key(s, node) }, (tr_term){ key });
}

/* --- lookups --- */

/* As tr__hash_look, for a key that is no immediate; false when it is to be done again. */
static bool look_boxed(const struct tr_store *s, struct tr_line *line, uint64_t head, uint64_t hash,
                       struct tr_found *found)
{
    for (struct tr_line *l = line; l; l = tr__line_more(l))
        for (int i = 0; i < TR__LINE_ENTRIES; i++) {
            if (tr__entry_first(&l->entries[i]) != tr__mark_of(hash))
                continue;
            uint64_t item = tr__entry_second(&l->entries[i]);
            /* Before the node is looked at: by now it might be one of another key. */
            if (tr__line_is_stale(line, head))
                return false;
            if (has_key(s, tr__node_of_w(item), found->key)) {
                found->item = item;
                return true;
            }
        }
    return !tr__line_is_stale(line, head);
}

void tr__hash_find(struct tr_store *s, uint64_t hash, uint64_t key, struct tr_found *found)
{
    struct tr_line *line;
    uint64_t head;

    *found = (struct tr_found){ .key = key };
    if (tr__likely(tr__is_immediate(key))) {
        tr__hash_look(s, hash, key, found);
        return;
    }
    do
        line = tr__line_of(s, hash, &head);
    while (!look_boxed(s, line, head, hash, found));
}

_Atomic uint64_t *tr__hash_version(struct tr_store *s, uint64_t hash)
{
    uint64_t head;

    return &tr__line_of(s, hash, &head)->head;
}

/* --- locks --- */

static void pause_a_little(int round)
{
    if (round < 100)
        tr__cpu_relax();
    else
        sched_yield();
}

void tr__line_lock(struct tr_line *line)
{
    for (int i = 0;; i++) {
        uint64_t head = atomic_load_explicit(&line->head, memory_order_relaxed);
        /* Acquire pairs with the release of the unlock; what is stored afterwards is stored with
           release, so who sees any of it sees the lock too. */
        if (!(head & TR__LINE_LOCKED) &&
            atomic_compare_exchange_weak_explicit(&line->head, &head, head | TR__LINE_LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        pause_a_little(i);
    }
}

void tr__line_unlock(struct tr_line *line, uint64_t marks)
{
    uint64_t head = atomic_load_explicit(&line->head, memory_order_relaxed);

    atomic_store_explicit(&line->head, ((head + TR__LINE_CHANGE) & ~TR__LINE_LOCKED) | marks,
                          memory_order_release);
}

/* The locked line of a hash. Nothing behind the locking is loaded before it is done, so both cache
   lines are asked for before that. */
static struct tr_line *line_of_locked(struct tr_store *s, uint64_t hash)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    struct tr_line *line = &lines->line[hash >> lines->shift];
    uint64_t head;

    __builtin_prefetch(line, 1);
    __builtin_prefetch((char *)line + TR__CACHE_LINE, 1);
    for (;;) {
        line = tr__line_of(s, hash, &head);
        tr__line_lock(line);
        if (!(atomic_load_explicit(&line->head, memory_order_relaxed) & TR__LINE_MOVED))
            return line;
        tr__line_unlock(line, 0);
    }
}

/* --- changes --- */

static struct tr_line *line_new(void)
{
    struct tr_line *line = tr__block_alloc(sizeof *line);

    if (line)
        memset(line, 0, sizeof *line);
    return line;
}

struct tr_entry *tr__line_entry(struct tr_line *line)
{
    int place;

    while ((place = tr__line_place(line, 0)) < 0) {
        struct tr_line *more = tr__line_more(line);
        if (!more) {
            more = line_new();
            if (!more)
                return NULL;
            atomic_store_explicit(&line->more, more, memory_order_release);
        }
        line = more;
    }
    return &line->entries[place];
}

/* The entry of a key in a locked line, or NULL. */
static struct tr_entry *entry_of(const struct tr_store *s, struct tr_line *line, uint64_t hash,
                                 uint64_t key)
{
    bool plain = tr__is_immediate(key);
    uint64_t first = tr__first_of_key(hash, key);

    for (; line; line = tr__line_more(line)) {
        int place = tr__line_place(line, first);
        if (place < 0)
            continue;
        struct tr_entry *e = &line->entries[place];
        if (tr__likely(plain))
            return e;
        for (; e < line->entries + TR__LINE_ENTRIES; e++)
            if (tr__entry_first(e) == first && has_key(s, tr__node_of_w(tr__entry_second(e)), key))
                return e;
    }
    return NULL;
}

/* What an entry stands for. */
static struct tr_node *node_in(struct tr_entry *e, uint64_t hash, struct tr_pair *pair)
{
    uint64_t item = tr__entry_second(e);

    if (tr__is_node_w(item))
        return tr__node_of_w(item);
    return tr__pair_fill(pair, hash, tr__entry_first(e), item);
}

/* The line of the key, locked, its entry and what it stands for; not while a batch has it in hand.
 */
static struct tr_line *lock_key(struct tr_store *s, uint64_t hash, uint64_t key,
                                struct tr_edit *edit, struct tr_entry **e, struct tr_node **old,
                                struct tr_pair *pair)
{
    for (int round = 0;; pause_a_little(round++)) {
        struct tr_line *line = line_of_locked(s, hash);
        edit->held = &line->head;
        *e = entry_of(s, line, hash, key);
        *old = *e ? node_in(*e, hash, pair) : NULL;
        if (!tr__chain_is_pending(s, *old, edit->batch))
            return line;
        edit->held = NULL;
        tr__line_unlock(line, 0);
    }
}

tr_err tr__hash_edit(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                     struct tr_edit *edit)
{
    struct tr_entry *e;
    struct tr_node *old, *node = NULL;
    struct tr_pair pair;
    struct tr_line *line = lock_key(s, hash, key, edit, &e, &old, &pair);
    bool whole = false;
    tr_err err = TR_OK;

    if (!old)
        e = tr__line_entry(line);
    bool crowded = e && (e < line->entries || e >= line->entries + TR__LINE_ENTRIES);
    edit->added = 0;
    if (!e) {
        err = TR_ENOMEM;
    } else if ((node = edit->fn(edit, old)) == NULL) {
        tr__entry_set(e, 0, 0);
    } else if (node != old) {
        uint64_t item = tr__store_item(s, node, &whole);
        tr__entry_set(e, tr__first_of_key(hash, tr__node_key(s, node)), item);
    }
    edit->held = NULL;
    tr__line_unlock(line, 0);
    int64_t added = tr__store_is_bag(s) ? edit->added : (node != NULL) - (old != NULL);
    if (whole)
        tr__node_retire(&w->reader, node);
    tr__store_count(s, w, added);
    if ((node != NULL) != (old != NULL))
        tr__hash_keep_size(s, w, crowded);
    return err;
}

/* --- walks --- */

/* The line that holds a hash, and the last hash up to which it tells all. */
static struct tr_line *line_at(struct tr_store *s, uint64_t hash, uint64_t *last)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    struct tr_line *line;

    *last = UINT64_MAX;
    for (;;) {
        uint64_t end = hash | (UINT64_MAX >> (64 - lines->shift));
        /* Of a line that was moved into a larger one the neighbour may not have come yet. */
        *last = end < *last ? end : *last;
        line = &lines->line[hash >> lines->shift];
        if (!(atomic_load_explicit(&line->head, memory_order_acquire) & TR__LINE_MOVED))
            return line;
        lines = atomic_load_explicit(&lines->next, memory_order_acquire);
    }
}

/* What an entry stands for, read at one moment; NULL when it is free. */
static struct tr_node *node_at(const struct tr_store *s, struct tr_line *line, struct tr_entry *e,
                               struct tr_pair *pair)
{
    struct tr_found found;
    uint64_t head;

    do {
        head = atomic_load_explicit(&line->head, memory_order_acquire);
        found.key = tr__entry_first(e);
        found.item = tr__entry_second(e);
    } while (tr__line_is_stale(line, head));
    if (!found.key)
        return NULL;
    return tr__found_node(s, tr__is_mark(found.key) ? 0 : tr__key_hash(found.key), &found, pair);
}

bool tr__hash_portion(struct tr_store *s, struct tr_cursor *cursor, struct tr_visit *visit)
{
    uint64_t last;
    struct tr_line *line = line_at(s, cursor->at, &last);
    struct tr_pair pair;

    for (struct tr_line *l = line; l; l = tr__line_more(l)) {
        for (int i = 0; i < TR__LINE_ENTRIES; i++) {
            struct tr_node *node = node_at(s, line, &l->entries[i], &pair);
            if (!node || node->hash < cursor->at || node->hash > last)
                continue;
            if (!visit->fn(visit, node))
                return false;
        }
    }
    cursor->at = last + 1;
    return last != UINT64_MAX;
}

/* --- the end --- */

static void chain_free(struct tr_node *node)
{
    while (node) {
        struct tr_node *next = atomic_load_explicit(&node->next, memory_order_relaxed);
        tr__node_free(node);
        node = next;
    }
}

/* The nodes of one line that are not in the next array too. */
static void line_clear(struct tr_line *line)
{
    if (atomic_load_explicit(&line->head, memory_order_relaxed) & TR__LINE_MOVED)
        return;
    for (; line; line = tr__line_more(line))
        for (int i = 0; i < TR__LINE_ENTRIES; i++) {
            uint64_t item = tr__entry_second(&line->entries[i]);
            if (tr__entry_first(&line->entries[i]) && tr__is_node_w(item))
                chain_free(tr__node_of_w(item));
        }
}

bool tr__hash_free_some(struct tr_store *s)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_relaxed);

    for (int i = 0; i < 256 && lines; i++) {
        if (lines->freed < lines->n) {
            line_clear(&lines->line[lines->freed++]);
            continue;
        }
        struct tr_lines *next = atomic_load_explicit(&lines->next, memory_order_relaxed);
        tr__lines_free(lines);
        lines = next;
    }
    atomic_store_explicit(&s->hash.lines, lines, memory_order_relaxed);
    return lines == NULL;
}

size_t tr__hash_overhead(struct tr_store *s)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    size_t size = 0;

    for (; lines; lines = atomic_load_explicit(&lines->next, memory_order_acquire))
        size += sizeof *lines + lines->n * sizeof(struct tr_line);
    return size;
}
