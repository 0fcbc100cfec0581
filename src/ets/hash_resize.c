/* SPDX-License-Identifier: MIT */
/*
 * Another number of lines.
 *
 * A new array hangs at the old one, and writers move a few lines with each insertion or deletion.
 * The objects of a line are put into the new lines first, then the line is marked as moved
 * (release), for good; its entries stay as they are. Who loads the lock word without the mark
 * (acquire), and then the entries, therefore sees all objects that were there at that moment; who
 * sees the mark goes on to the new array and finds them there. When all are moved the new array
 * takes the place of the old one.
 */
#include "base/fault.h"
#include "ets/hash.h"
#include "mem/block.h"
#include "os/pages.h"

#include <stdlib.h>

#define LINES_MIN  2u
#define PAGES_FROM 65536u /* bytes: larger arrays are mapped */
#ifdef TR_HOSTILE
#define FULL 2 /* objects per line */
#else
#define FULL 4
#endif
#define MOVED_AT_ONCE 4

/* --- arrays --- */

static void *line_memory(size_t n)
{
    size_t size = n * sizeof(struct tr_line);

    if (size >= PAGES_FROM)
        return size >= TR__HUGE_PAGE ? tr__pages_map_huge(size) : tr__pages_map(size, TR__PAGE);
    void *p = tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, size);
    if (p)
        memset(p, 0, size);
    return p;
}

static void line_memory_free(struct tr_line *line, size_t n)
{
    if (n * sizeof(struct tr_line) >= PAGES_FROM)
        tr__pages_unmap(line, n * sizeof(struct tr_line));
    else
        free(line);
}

void tr__lines_free(struct tr_lines *lines)
{
    for (size_t i = 0; i < lines->n && lines->line; i++) {
        struct tr_line *more = atomic_load_explicit(&lines->line[i].more, memory_order_relaxed);
        while (more) {
            struct tr_line *next = atomic_load_explicit(&more->more, memory_order_relaxed);
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
    tr__lines_free((struct tr_lines *)retired);
}

struct tr_lines *tr__lines_new(size_t n)
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
    struct tr_lines *lines = tr__lines_new(LINES_MIN);

    atomic_init(&s->hash.lines, lines);
    return lines ? TR_OK : TR_ENOMEM;
}

/* --- moving --- */

static uint64_t hash_of(struct tr_entry *e)
{
    uint64_t first = tr__entry_first(e);

    return tr__is_mark(first) ? tr__node_of_w(tr__entry_second(e))->hash : tr__key_hash(first);
}

/* Puts an entry into the array to which its line is being moved. */
static bool put_ahead(struct tr_lines *to, struct tr_entry *from)
{
    struct tr_line *line = &to->line[hash_of(from) >> to->shift];

    tr__line_lock(line);
    struct tr_entry *e = tr__line_entry(line);
    if (e)
        tr__entry_set(e, tr__entry_first(from), tr__entry_second(from));
    tr__line_unlock(line, 0);
    return e != NULL;
}

/* Takes out what was put ahead: nobody has looked there. */
static void take_back(struct tr_lines *to, struct tr_entry *from)
{
    struct tr_line *line = &to->line[hash_of(from) >> to->shift];

    tr__line_lock(line);
    for (struct tr_line *l = line; l; l = tr__line_more(l))
        for (int i = 0; i < TR__LINE_ENTRIES; i++)
            if (tr__entry_first(&l->entries[i]) == tr__entry_first(from) &&
                tr__entry_second(&l->entries[i]) == tr__entry_second(from))
                tr__entry_set(&l->entries[i], 0, 0);
    tr__line_unlock(line, 0);
}

/* Moves one line; false without memory, and then it is where it was. */
static bool line_move(struct tr_line *line, struct tr_lines *to)
{
    bool ok = true;

    tr__line_lock(line);
    for (struct tr_line *l = line; l && ok; l = tr__line_more(l))
        for (int i = 0; i < TR__LINE_ENTRIES && ok; i++)
            ok = !tr__entry_first(&l->entries[i]) || put_ahead(to, &l->entries[i]);
    for (struct tr_line *l = line; l && !ok; l = tr__line_more(l))
        for (int i = 0; i < TR__LINE_ENTRIES; i++)
            if (tr__entry_first(&l->entries[i]))
                take_back(to, &l->entries[i]);
    tr__line_unlock(line, ok ? TR__LINE_MOVED : 0);
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
                          lines->n * sizeof(struct tr_line));
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
    struct tr_lines *to = tr__lines_new(n), *none = NULL;
    if (to && !atomic_compare_exchange_strong_explicit(&lines->next, &none, to,
                                                       memory_order_release, memory_order_relaxed))
        tr__lines_free(to);
}

void tr__hash_keep_size(struct tr_store *s, struct tr_worker *w, bool crowded)
{
    struct tr_lines *lines = atomic_load_explicit(&s->hash.lines, memory_order_acquire);
    _Atomic int64_t *mine = &s->counters[(uint32_t)w->index & s->counter_mask].n;

    if (tr__unlikely(atomic_load_explicit(&lines->next, memory_order_relaxed) != NULL))
        move_some(s, w, lines);
    else if (crowded || atomic_load_explicit(mine, memory_order_relaxed) % 32 == 0)
        resize(s, lines);
}
