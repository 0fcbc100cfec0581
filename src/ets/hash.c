/* SPDX-License-Identifier: MIT */
/*
 * The hash table of set, bag and duplicate_bag.
 *
 * A line is one cache line: a lock, three entries of two words, and a pointer to a further line
 * when three do not suffice. An entry of a set whose object is a pair of immediates is that pair:
 * key and value. Any other is a mark made of the node's hash and a pointer to the node. So a lookup
 * misses the cache once, for the line, and once more for the node if there is one.
 *
 * Lines are chosen by the upper bits of the hash: the lines in a row are the hashes in order,
 * however many lines there are. A walk goes by hash, and no growing or shrinking confuses it.
 *
 * Readers take no lock and wait for nobody; writers lock the line. The first word of an entry is
 * stored last when it comes, and cleared when it goes; what a key has is replaced by one store to
 * the second word. Each unlocking counts. A reader loads the lock word, the two words, and the lock
 * word again (all acquire): if the count is the same, at most one change of this line has gone on
 * meanwhile, and the entry cannot have gone to another key, which takes two. Else it looks again.
 * Entries never move to another place of their line, so none is missed. Nodes and lines that were
 * taken out are retired (src/mem/readers.h), so what was loaded stays as long as the section.
 *
 * Another number of lines: a new array hangs at the old one, and writers move a few lines with each
 * insertion or deletion. The nodes of a line are put into the new lines first, then the line is
 * marked as moved (release), for good; its entries stay as they are. Who loads the lock word
 * without the mark (acquire), and then the entries, therefore sees all nodes that were there at
 * that moment; who sees the mark goes on to the new array and finds them there. When all are moved
 * the new array takes the place of the old one.
 *
 * An object that becomes a pair, or is no longer one, changes both words of its entry. The line is
 * marked as torn then, for two stores, and readers wait for that.
 *
 * head of a line: bit 0 locked, bit 1 moved, bit 2 torn, above them a count of its changes.
 */
#include "base/fault.h"
#include "ets/store.h"
#include "mem/block.h"
#include "os/pages.h"

#include <sched.h>
#include <stdlib.h>

#define ENTRIES    3
#define LOCKED     UINT64_C(1)
#define MOVED      UINT64_C(2)
#define TORN       UINT64_C(4)
#define CHANGE     UINT64_C(8)
#define LINES_MIN  4u
#define PAGES_FROM 65536u /* bytes: larger arrays are mapped */
#ifdef TR_HOSTILE
#define FULL 1 /* objects per line */
#else
#define FULL 2
#endif
#define MOVED_AT_ONCE 4

struct line {
    _Atomic uint64_t head;
    struct entry {
        _Atomic uint64_t first;  /* a key, a mark, or 0: free */
        _Atomic uint64_t second; /* a value, or a node */
    } entries[ENTRIES];
    _Atomic(struct line *) more; /* of the same chain; its head is not used */
};

_Static_assert(sizeof(struct line) == TR__CACHE_LINE, "a line is one cache line");

struct tr_lines {
    struct tr_retired retired;
    unsigned shift; /* of a hash, to its line */
    size_t n;
    size_t freed;                    /* lines of a store that is being freed */
    struct line *line;               /* n of them */
    _Atomic(struct tr_lines *) next; /* to which these are being moved */
    struct tr_spin moving;           /* guards moved */
    size_t moved;                    /* lines from the first on */
};

/* --- arrays --- */

static void *line_memory(size_t n)
{
    size_t size = n * sizeof(struct line);

    if (size >= PAGES_FROM)
        return size >= TR__HUGE_PAGE ? tr__pages_map_huge(size) : tr__pages_map(size, TR__PAGE);
    void *p = tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, size);
    if (p)
        memset(p, 0, size);
    return p;
}

static void line_memory_free(struct line *line, size_t n)
{
    if (n * sizeof(struct line) >= PAGES_FROM)
        tr__pages_unmap(line, n * sizeof(struct line));
    else
        free(line);
}

static void lines_free(struct tr_lines *lines)
{
    for (size_t i = 0; i < lines->n && lines->line; i++) {
        struct line *more = atomic_load_explicit(&lines->line[i].more, memory_order_relaxed);
        while (more) {
            struct line *next = atomic_load_explicit(&more->more, memory_order_relaxed);
            tr__block_free(more, sizeof *more);
            more = next;
        }
    }
    if (lines->line)
        line_memory_free(lines->line, lines->n);
    tr__block_free(lines, sizeof *lines);
}

static void lines_destroy(struct tr_retired *retired)
{
    lines_free((struct tr_lines *)retired);
}

static struct tr_lines *lines_new(size_t n)
{
    struct tr_lines *lines = tr__block_alloc(sizeof *lines);

    if (!lines)
        return NULL;
    *lines = (struct tr_lines){ .n = n };
    lines->shift = 64 - (unsigned)__builtin_ctzll(n);
    lines->line = line_memory(n);
    if (!lines->line) {
        tr__block_free(lines, sizeof *lines);
        return NULL;
    }
    return lines;
}

tr_err tr__hash_init(struct tr_store *s)
{
    struct tr_lines *lines = lines_new(LINES_MIN);

    atomic_init(&s->hash.lines, lines);
    return lines ? TR_OK : TR_ENOMEM;
}

/* --- entries --- */

/* The first word of an entry with a node: no term. */
static inline uint64_t mark_of(uint64_t hash)
{
    return (hash & ~UINT64_C(7)) | TR__TAG_HEADER;
}

static inline bool is_mark(uint64_t first)
{
    return (first & 7) == TR__TAG_HEADER;
}

static inline struct tr_node *node_of(uint64_t second)
{
    return (struct tr_node *)(uintptr_t)second;
}

static inline uint64_t first_of(struct entry *e)
{
    return atomic_load_explicit(&e->first, memory_order_acquire);
}

static inline uint64_t second_of(struct entry *e)
{
    return atomic_load_explicit(&e->second, memory_order_acquire);
}

static inline uint64_t hash_of(struct entry *e)
{
    uint64_t first = first_of(e);

    return is_mark(first) ? node_of(second_of(e))->hash : tr__key_hash(first);
}

static void entry_set(struct entry *e, uint64_t first, uint64_t second)
{
    if (first)
        atomic_store_explicit(&e->second, second, memory_order_release);
    if (first != atomic_load_explicit(&e->first, memory_order_relaxed))
        atomic_store_explicit(&e->first, first, memory_order_release);
}

static inline bool has_key(const struct tr_store *s, const struct tr_node *node, uint64_t key)
{
    uint64_t w = tr__node_key(s, node);

    return w == key || (!tr__is_immediate(key) && tr_equal((tr_term){ w }, (tr_term){ key }));
}

/* The line of a hash in the newest array to which it has come. The lock word was loaded before
   anything else of the line. */
static inline struct line *line_of(struct tr_store *s, uint64_t hash, uint64_t *head)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    struct line *line = &lines->line[hash >> lines->shift];

    while (
        tr__unlikely((*head = atomic_load_explicit(&line->head, memory_order_acquire)) & MOVED)) {
        lines = atomic_load_explicit(&lines->next, memory_order_acquire);
        line = &lines->line[hash >> lines->shift];
    }
    return line;
}

/* Has something changed since `head` was loaded that what was read may be a mixture of? */
static inline bool is_stale(struct line *line, uint64_t head)
{
    uint64_t now = atomic_load_explicit(&line->head, memory_order_acquire);

    return tr__unlikely(((now ^ head) & ~LOCKED) || (head & TORN));
}

/*
 * The entries of a line that may be those of a key, as bits. Without a branch for each: which one
 * it is cannot be predicted, and a wrong guess would be found out only when the line has come from
 * memory. So the processor goes on to what follows, maybe the next lookup, before that.
 */
static inline unsigned fitting(struct line *line, uint64_t key, uint64_t mark)
{
    unsigned fits = 0;

#pragma GCC unroll 3
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t first = first_of(&line->entries[i]);
        fits |= (unsigned)((first == key) | (first == mark)) << i;
    }
    return fits;
}

/* The entry of a key in a chain of lines, or NULL; *first and *second are what was in it. True when
   it was read at one moment. */
static inline bool find(const struct tr_store *s, struct line *line, uint64_t head, uint64_t hash,
                        uint64_t key, struct entry **found, uint64_t *first, uint64_t *second)
{
    uint64_t mark = mark_of(hash);
    struct line *l = line;

    *found = NULL;
    do {
        for (unsigned fits = fitting(l, key, mark); fits; fits &= fits - 1) {
            struct entry *e = &l->entries[__builtin_ctz(fits)];
            *first = first_of(e);
            *second = second_of(e);
            /* Before a node is looked at: by now it might be no node. */
            if (is_stale(line, head))
                return false;
            if (tr__likely(*first == key) ||
                (*first == mark && has_key(s, node_of(*second), key))) {
                *found = e;
                return true;
            }
        }
        l = atomic_load_explicit(&l->more, memory_order_acquire);
    } while (tr__unlikely(l != NULL));
    return !is_stale(line, head);
}

/* What an entry stands for. */
static inline struct tr_node *node_in(const struct tr_store *s, uint64_t hash, uint64_t first,
                                      uint64_t second, struct tr_pair *pair)
{
    if (is_mark(first))
        return tr__chain_visible(s, node_of(second));
    return tr__pair_fill(pair, hash, first, second);
}

struct tr_node *tr__hash_find(struct tr_store *s, uint64_t hash, uint64_t key, struct tr_pair *pair)
{
    uint64_t first, second, head;
    struct line *line;
    struct entry *e;

    do
        line = line_of(s, hash, &head);
    while (!find(s, line, head, hash, key, &e, &first, &second));
    return e ? node_in(s, hash, first, second, pair) : NULL;
}

_Atomic uint64_t *tr__hash_version(struct tr_store *s, uint64_t hash)
{
    uint64_t head;

    return &line_of(s, hash, &head)->head;
}

/* --- locks --- */

static void line_lock(struct line *line)
{
    for (int i = 0;; i++) {
        uint64_t head = atomic_load_explicit(&line->head, memory_order_relaxed);
        /* Acquire pairs with the release of the unlock; what is stored afterwards is stored with
           release, so who sees any of it sees the lock too. */
        if (!(head & LOCKED) &&
            atomic_compare_exchange_weak_explicit(&line->head, &head, head | LOCKED,
                                                  memory_order_acquire, memory_order_relaxed))
            return;
        if (i < 100)
            tr__cpu_relax();
        else
            sched_yield();
    }
}

static void line_unlock(struct line *line, uint64_t marks)
{
    uint64_t head = atomic_load_explicit(&line->head, memory_order_relaxed);

    atomic_store_explicit(&line->head, ((head + CHANGE) & ~(LOCKED | TORN)) | marks,
                          memory_order_release);
}

/* The locked line of a hash. */
static struct line *line_of_locked(struct tr_store *s, uint64_t hash)
{
    uint64_t head;

    for (;;) {
        struct line *line = line_of(s, hash, &head);
        line_lock(line);
        if (!(atomic_load_explicit(&line->head, memory_order_relaxed) & MOVED))
            return line;
        line_unlock(line, 0);
    }
}

/* --- another number of lines --- */

static struct line *line_more(void)
{
    struct line *more = tr__block_alloc(sizeof *more);

    if (more)
        memset(more, 0, sizeof *more);
    return more;
}

/* A free entry of a locked line, in one more line if need be; NULL without memory. */
static struct entry *entry_make(struct line *line)
{
    for (;;) {
        for (int i = 0; i < ENTRIES; i++)
            if (!first_of(&line->entries[i]))
                return &line->entries[i];
        struct line *more = atomic_load_explicit(&line->more, memory_order_relaxed);
        if (!more) {
            more = line_more();
            if (!more)
                return NULL;
            atomic_store_explicit(&line->more, more, memory_order_release);
        }
        line = more;
    }
}

/* Puts an entry into the array to which its line is being moved. */
static bool put_ahead(struct tr_lines *to, struct entry *from)
{
    struct line *line = &to->line[hash_of(from) >> to->shift];

    line_lock(line);
    struct entry *e = entry_make(line);
    if (e)
        entry_set(e, first_of(from), second_of(from));
    line_unlock(line, 0);
    return e != NULL;
}

/* Takes out what was put ahead: nobody has looked there. */
static void take_back(struct tr_lines *to, struct entry *from)
{
    struct line *line = &to->line[hash_of(from) >> to->shift];

    line_lock(line);
    for (struct line *l = line; l; l = atomic_load_explicit(&l->more, memory_order_relaxed))
        for (int i = 0; i < ENTRIES; i++)
            if (first_of(&l->entries[i]) == first_of(from) &&
                second_of(&l->entries[i]) == second_of(from))
                entry_set(&l->entries[i], 0, 0);
    line_unlock(line, 0);
}

/* Moves one line; false without memory, and then it is where it was. */
static bool line_move(struct line *line, struct tr_lines *to)
{
    bool ok = true;

    line_lock(line);
    for (struct line *l = line; l && ok; l = atomic_load_explicit(&l->more, memory_order_relaxed))
        for (int i = 0; i < ENTRIES && ok; i++)
            ok = !first_of(&l->entries[i]) || put_ahead(to, &l->entries[i]);
    for (struct line *l = line; l && !ok; l = atomic_load_explicit(&l->more, memory_order_relaxed))
        for (int i = 0; i < ENTRIES; i++)
            if (first_of(&l->entries[i]))
                take_back(to, &l->entries[i]);
    line_unlock(line, ok ? MOVED : 0);
    return ok;
}

/* Moves a few lines, unless somebody else does, and the array with the last of them. */
static void move_some(struct tr_store *s, struct tr_worker *w, struct tr_lines *lines)
{
    struct tr_lines *to = atomic_load_explicit(&lines->next, memory_order_acquire);

    if (!to || !tr__spin_try(&lines->moving))
        return;
    for (int i = 0; i < MOVED_AT_ONCE && lines->moved < lines->n; i++) {
        if (!line_move(&lines->line[lines->moved], to))
            break;
        if (++lines->moved < lines->n)
            continue;
        atomic_store_explicit(&s->hash.lines, to, memory_order_release);
        tr__reader_retire(&w->reader, &lines->retired, lines_destroy,
                          lines->n * sizeof(struct line));
    }
    tr__spin_unlock(&lines->moving);
}

/* Looks whether the lines are too many or too few, and begins to move them. */
static void resize(struct tr_store *s, struct tr_lines *lines)
{
    int64_t size = tr__store_size(s);
    size_t n = 0;

    if ((uint64_t)size > lines->n * FULL)
        n = lines->n * 2;
    else if (lines->n > LINES_MIN && (uint64_t)size < lines->n)
        n = lines->n / 2;
    if (!n || atomic_load_explicit(&lines->next, memory_order_relaxed))
        return;
    /* Without memory it stays as it is, and slower. */
    struct tr_lines *to = lines_new(n), *none = NULL;
    if (to && !atomic_compare_exchange_strong_explicit(&lines->next, &none, to,
                                                       memory_order_release, memory_order_relaxed))
        lines_free(to);
}

/* After a node more or less. */
static void keep_size(struct tr_store *s, struct tr_worker *w, bool crowded)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    _Atomic int64_t *mine = &s->counters[(uint32_t)w->index & s->counter_mask].n;

    if (tr__unlikely(atomic_load_explicit(&lines->next, memory_order_relaxed) != NULL))
        move_some(s, w, lines);
    else if (crowded || atomic_load_explicit(mine, memory_order_relaxed) % 32 == 0)
        resize(s, lines);
}

/* --- changes --- */

static void wait_a_little(int *rounds)
{
    if ((*rounds)++ < 100)
        tr__cpu_relax();
    else
        sched_yield();
}

/* The line of the key, locked, its entry and what it stands for; not while a batch has it in hand.
 */
static struct line *lock_key(struct tr_store *s, uint64_t hash, uint64_t key, struct tr_edit *edit,
                             struct entry **e, struct tr_node **old, struct tr_pair *pair)
{
    uint64_t first, second;

    for (int rounds = 0;; wait_a_little(&rounds)) {
        struct line *line = line_of_locked(s, hash);
        edit->held = &line->head;
        (void)find(s, line, atomic_load_explicit(&line->head, memory_order_relaxed), hash, key, e,
                   &first, &second);
        *old = NULL;
        if (*e)
            *old = is_mark(first) ? node_of(second) : tr__pair_fill(pair, hash, first, second);
        if (!tr__chain_is_pending(s, *old, edit->batch))
            return line;
        edit->held = NULL;
        line_unlock(line, 0);
    }
}

/* Puts a node at its place, or what it stands for. True when the node itself is not needed. */
static bool entry_put(const struct tr_store *s, struct line *line, struct entry *e,
                      struct tr_node *node)
{
    bool whole = node->pair && s->type == TR_ETS_SET && s->keypos == 1 &&
                 !atomic_load_explicit(&node->batch, memory_order_relaxed);

    uint64_t before = atomic_load_explicit(&e->first, memory_order_relaxed);
    uint64_t first = whole ? node->words[1] : mark_of(node->hash);

    if (before && before != first)
        atomic_fetch_or_explicit(&line->head, TORN, memory_order_acq_rel);
    entry_set(e, first, whole ? node->words[2] : (uint64_t)(uintptr_t)node);
    return whole;
}

tr_err tr__hash_edit(struct tr_store *s, struct tr_worker *w, uint64_t hash, uint64_t key,
                     struct tr_edit *edit)
{
    struct entry *e;
    struct tr_node *old, *node = NULL;
    struct tr_pair pair;
    struct line *line = lock_key(s, hash, key, edit, &e, &old, &pair);
    bool whole = false;
    tr_err err = TR_OK;

    if (!old)
        e = entry_make(line);
    bool crowded = e && (e < line->entries || e >= line->entries + ENTRIES);
    edit->added = 0;
    if (!e)
        err = TR_ENOMEM;
    else if ((node = edit->fn(edit, old)) == NULL)
        entry_set(e, 0, 0);
    else if (node != old)
        whole = entry_put(s, line, e, node);
    edit->held = NULL;
    line_unlock(line, 0);
    int64_t added = tr__store_is_bag(s) ? edit->added : (node != NULL) - (old != NULL);
    if (whole)
        tr__node_free(node);
    tr__store_count(s, w, added);
    if ((node != NULL) != (old != NULL))
        keep_size(s, w, crowded);
    return err;
}

/* --- walks --- */

/* The line that holds a hash, and the last hash up to which it tells all. */
static struct line *line_at(struct tr_store *s, uint64_t hash, uint64_t *last)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    struct line *line;

    *last = UINT64_MAX;
    for (;;) {
        uint64_t end = hash | (UINT64_MAX >> (64 - lines->shift));
        /* Of a line that was moved into a larger one the neighbour may not have come yet. */
        *last = end < *last ? end : *last;
        line = &lines->line[hash >> lines->shift];
        if (!(atomic_load_explicit(&line->head, memory_order_acquire) & MOVED))
            return line;
        lines = atomic_load_explicit(&lines->next, memory_order_acquire);
    }
}

/* What an entry stands for, read at one moment; NULL when it is free. */
static struct tr_node *node_at(const struct tr_store *s, struct line *line, struct entry *e,
                               struct tr_pair *pair)
{
    uint64_t head, first, second;

    do {
        head = atomic_load_explicit(&line->head, memory_order_acquire);
        first = first_of(e);
        second = second_of(e);
    } while (is_stale(line, head));
    if (!first)
        return NULL;
    return node_in(s, is_mark(first) ? 0 : tr__key_hash(first), first, second, pair);
}

bool tr__hash_portion(struct tr_store *s, struct tr_cursor *cursor, struct tr_visit *visit)
{
    uint64_t last;
    struct line *line = line_at(s, cursor->at, &last);
    struct tr_pair pair;

    for (struct line *l = line; l; l = atomic_load_explicit(&l->more, memory_order_acquire)) {
        for (int i = 0; i < ENTRIES; i++) {
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
static void line_clear(struct line *line)
{
    if (atomic_load_explicit(&line->head, memory_order_relaxed) & MOVED)
        return;
    for (; line; line = atomic_load_explicit(&line->more, memory_order_relaxed))
        for (int i = 0; i < ENTRIES; i++)
            if (is_mark(first_of(&line->entries[i])))
                chain_free(node_of(second_of(&line->entries[i])));
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
        lines_free(lines);
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
        size += sizeof *lines + lines->n * sizeof(struct line);
    return size;
}
