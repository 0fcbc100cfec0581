/* SPDX-License-Identifier: MIT */
/*
 * Directories: the functions that only read.
 *
 * What is found is copied to the current heap while the section is open. Nothing may be raised in
 * there, so lack of memory is a flag until it has ended. A list is built from its front: the tail
 * of its last cell is written when the next one comes.
 */
#include "mem/heap.h"
#include "proc/directory.h"
#include "term/raise.h"

/* A list that grows at its end. */
struct list {
    struct tr_heap *heap;
    uint64_t first;
    uint64_t *tail; /* of the last cell */
    bool failed;    /* no memory; nothing more is added */
};

static struct list list_begin(void)
{
    struct list l = { tr__heap_current(), TR__NIL, NULL, false };

    return l;
}

/* A copy; 0 without memory. */
static inline uint64_t copy(struct list *l, uint64_t word)
{
    if (tr__is_immediate(word))
        return word;
    size_t n = tr__term_size((tr_term){ word });
    uint64_t *out;

    if (n == SIZE_MAX || !(out = tr__heap_alloc(l->heap, n)))
        return 0;
    return tr__term_copy(&out, &l->heap->counted, (tr_term){ word }).w;
}

/* Adds a tuple of n words, or one word; a word of 0 is one that could not be copied. */
static void add(struct list *l, const uint64_t *words, size_t n)
{
    size_t tuple = n > 1 ? n + 1 : 0;
    uint64_t *cell = l->failed ? NULL : tr__heap_alloc(l->heap, 2 + tuple);

    l->failed = !cell;
    for (size_t i = 0; i < n; i++)
        l->failed = l->failed || !words[i];
    if (!cell)
        return;
    cell[0] = words[0];
    cell[1] = TR__NIL;
    if (tuple) {
        cell[0] = tr__box_w(cell + 2);
        cell[2] = TR__HEADER(TR__KIND_TUPLE, n);
        memcpy(cell + 3, words, n * sizeof *words);
    }
    *(l->tail ? l->tail : &l->first) = tr__cons_w(cell);
    l->tail = cell + 1;
}

static tr_term list_end(const struct list *l)
{
    if (l->failed)
        tr__raise_oom();
    return (tr_term){ l->first };
}

/* --- by key --- */

static struct tr_entry *first_of(const struct tr_key *k)
{
    return atomic_load_explicit(&k->first, memory_order_acquire);
}

static struct tr_entry *next_of(const struct tr_entry *e)
{
    return atomic_load_explicit(&e->next, memory_order_acquire);
}

static uint64_t value_of(const struct tr_entry *e)
{
    return atomic_load_explicit(&e->value, memory_order_acquire);
}

/* The pid of the only entry of a key, if its slot shows that. */
static uint64_t shown(const struct tr_key_slot *slot)
{
    return atomic_load_explicit(&slot->pid, memory_order_acquire);
}

/* In a unique directory one who has ended holds nothing. */
static bool counts(const struct tr_directory *d, uint64_t pid)
{
    return !tr__is_unique(d) || tr__proc_alive(pid);
}

/* [{Pid, Value}] of two immediates. */
static inline tr_term one_pair(struct tr_heap *heap, uint64_t pid, uint64_t value)
{
    uint64_t *cell = tr__heap_alloc(heap, 5);

    if (!cell)
        tr__raise_oom();
    cell[0] = tr__box_w(cell + 2);
    cell[1] = TR__NIL;
    cell[2] = TR__HEADER(TR__KIND_TUPLE, 2);
    cell[3] = pid;
    cell[4] = value;
    return (tr_term){ tr__cons_w(cell) };
}

/* The entries of a key whose slot does not show the only one; ends the section. */
static TR__NOINLINE tr_term get_all(struct tr_directory *d, const struct tr_key_slot *slot,
                                    bool failed, struct tr_reader *r)
{
    const struct tr_key *k = slot ? tr__slot_key(slot) : NULL;
    struct list l = list_begin();

    l.failed = failed;
    for (struct tr_entry *e = k ? first_of(k) : NULL; e && !l.failed; e = next_of(e)) {
        if (counts(d, e->pid)) {
            uint64_t words[] = { e->pid, copy(&l, value_of(e)) };
            add(&l, words, 2);
        }
    }
    tr__read_end(r);
    return list_end(&l);
}

tr_term tr_directory_get(struct tr_directory *d, tr_term key)
{
    struct tr_tls *tls;
    bool was = tr__enter_at(&tls), failed = false;
    uint64_t hash = tr__key_hash(key);
    tr_term entries;

    tls = tr__directory_charge_at(tls);
    struct tr_reader *r = tr__read_begin_inside(tls);
    const struct tr_key_slot *slot = tr__slot_find(tr__key_shard(d, hash), hash, key, &failed);
    uint64_t pid = slot ? shown(slot) : 0;
    if (tr__likely(pid)) {
        uint64_t value = atomic_load_explicit(&slot->value, memory_order_relaxed);
        tr__read_end(r);
        entries = counts(d, pid) ? one_pair(tr__heap_current_at(tls), pid, value) : tr_nil();
    } else {
        entries = get_all(d, slot, failed, r);
    }
    tr__tls_leave(tls, was);
    return entries;
}

/* The first holder of a key that lives, or 0; in a section. */
static uint64_t first_alive(const struct tr_key_slot *slot)
{
    uint64_t only = shown(slot);
    const struct tr_key *k = only ? NULL : tr__slot_key(slot);

    if (only)
        return tr__proc_alive(only) ? only : 0;
    for (struct tr_entry *e = k ? first_of(k) : NULL; e; e = next_of(e))
        if (tr__proc_alive(e->pid))
            return e->pid;
    return 0;
}

bool tr_directory_whereis(struct tr_directory *d, tr_term key, tr_pid *pid)
{
    struct tr_tls *tls;
    bool was = tr__enter_at(&tls), failed = false;
    uint64_t hash = tr__key_hash(key);

    tls = tr__directory_charge_at(tls);
    struct tr_reader *r = tr__read_begin_inside(tls);
    const struct tr_key_slot *slot = tr__slot_find(tr__key_shard(d, hash), hash, key, &failed);
    uint64_t found = slot ? first_alive(slot) : 0;
    tr__read_end(r);
    if (failed)
        tr__raise_oom();
    if (found)
        pid->w = found;
    tr__tls_leave(tls, was);
    return found != 0;
}

/* Stores the pids of a key, as many as there is room for; how many there are. In a section. */
static size_t store_pids(struct tr_directory *d, const struct tr_key *k, tr_pid *pids, size_t most)
{
    size_t n = 0;

    for (struct tr_entry *e = first_of(k); e; e = next_of(e)) {
        if (!counts(d, e->pid))
            continue;
        if (n == most) { /* the count may be older than what was found */
            size_t all = tr__key_count(k);
            return all > most ? all : most + 1;
        }
        pids[n++].w = e->pid;
    }
    return n;
}

size_t tr_directory_pids(struct tr_directory *d, tr_term key, tr_pid *pids, size_t most)
{
    TR__ENTER();
    uint64_t hash = tr__key_hash(key);
    bool failed = false;

    tr__directory_charge();
    struct tr_reader *r = tr__read_begin();
    const struct tr_key *k = tr__key_find(tr__key_shard(d, hash), hash, key, &failed);
    size_t n = k ? store_pids(d, k, pids, most) : 0;
    tr__read_end(r);
    if (failed)
        tr__raise_oom();
    return n;
}

/* --- everything --- */

/* Calls fn for each key, in a section, until it returns false. */
static void each_key(struct tr_directory *d, bool (*fn)(struct list *l, const struct tr_key *k),
                     struct list *l)
{
    struct tr_reader *r = tr__read_begin();

    for (unsigned s = 0; s < TR__DIRECTORY_SHARDS; s++) {
        struct tr_key_table *t = atomic_load_explicit(&d->keys[s].table, memory_order_acquire);
        for (size_t i = 0; t && i <= t->mask; i++) {
            const struct tr_key *k = tr__slot_key(&t->slots[i]);
            if (k && !fn(l, k)) {
                tr__read_end(r);
                return;
            }
        }
    }
    tr__read_end(r);
}

static bool add_entries(struct list *l, const struct tr_key *k)
{
    struct tr_entry *e = atomic_load_explicit(&k->first, memory_order_acquire);

    for (; e && !l->failed; e = next_of(e)) {
        uint64_t words[] = { copy(l, k->word), e->pid, copy(l, value_of(e)) };
        add(l, words, 3);
    }
    return !l->failed;
}

tr_term tr_directory_all(struct tr_directory *d)
{
    TR__ENTER();
    struct list l = list_begin();

    tr__directory_charge();
    each_key(d, add_entries, &l);
    return list_end(&l);
}

static bool add_key(struct list *l, const struct tr_key *k)
{
    if (atomic_load_explicit(&k->first, memory_order_acquire)) {
        uint64_t word = copy(l, k->word);
        add(l, &word, 1);
    }
    return !l->failed;
}

tr_term tr_directory_keys(struct tr_directory *d)
{
    TR__ENTER();
    struct list l = list_begin();

    tr__directory_charge();
    each_key(d, add_key, &l);
    return list_end(&l);
}

size_t tr_directory_count(struct tr_directory *d)
{
    size_t n = 0;

    for (unsigned s = 0; s < TR__DIRECTORY_SHARDS; s++)
        n += atomic_load_explicit(&d->keys[s].entries, memory_order_relaxed);
    return n;
}

/* --- by pid --- */

size_t tr_directory_count_of(struct tr_directory *d, tr_pid pid)
{
    TR__ENTER();
    struct tr_owner_shard *os = tr__owner_shard(d, pid.w);

    tr__spin_lock(&os->lock);
    struct tr_owner *o = tr__owner_find(os, pid.w);
    size_t n = o ? o->n : 0;
    tr__spin_unlock(&os->lock);
    return n;
}

/* Stores the first `most` entries of a pid; how many there are. */
static size_t gather(struct tr_owner_shard *os, uint64_t pid, struct tr_entry **entries,
                     size_t most)
{
    tr__spin_lock(&os->lock);
    struct tr_owner *o = tr__owner_find(os, pid);
    size_t n = 0;
    for (struct tr_entry *e = o ? o->first : NULL; e; e = e->owner_next, n++)
        if (n < most)
            entries[n] = e;
    tr__spin_unlock(&os->lock);
    return n;
}

tr_term tr_directory_of(struct tr_directory *d, tr_pid pid)
{
    TR__ENTER();
    struct tr_owner_shard *os = tr__owner_shard(d, pid.w);
    struct list l = list_begin();
    struct tr_entry **entries = NULL;
    size_t n, most = 0;

    tr__directory_charge();
    struct tr_reader *r = tr__read_begin();
    while ((n = gather(os, pid.w, entries, most)) > most) {
        most = n;
        entries = (struct tr_entry **)tr__heap_alloc(l.heap, most);
        l.failed = !entries;
        if (l.failed)
            break;
    }
    for (size_t i = 0; i < n && !l.failed; i++) {
        uint64_t words[] = { TR__SMALL_W((int64_t)entries[i]->id), copy(&l, entries[i]->key->word),
                             copy(&l, value_of(entries[i])) };
        add(&l, words, 3);
    }
    tr__read_end(r);
    return list_end(&l);
}

tr_term tr_directory_info(struct tr_directory *d)
{
    TR__ENTER();
    struct list l = list_begin();

    struct tr_reader *r = tr__read_begin();
    uint64_t word = copy(&l, atomic_load_explicit(&d->info, memory_order_acquire));
    tr__read_end(r);
    if (!word)
        tr__raise_oom();
    return (tr_term){ word };
}
