/* SPDX-License-Identifier: MIT */
/*
 * The atom table.
 *
 * Atoms are numbered from 0 and never go away. A segment holds the entries of 1,024 numbers in a
 * row; an entry is written once, before its number is known to anybody, so names are read without a
 * lock. The index from text to number is an open hash table that is replaced when it fills up:
 * readers go on in the old one, which stays allocated (all old ones together are smaller than the
 * present one), find nothing in the worst case, and then look again under the lock.
 *
 * Everything here is malloc'ed and lasts for ever; the table works before any constructor has run.
 */
#include "base/fault.h"
#include "os/tls.h"
#include "term/atom_table.h"
#include "term/hash.h"
#include "term/raise.h"
#include "term/term.h"
#include "term/utf8.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SEGMENT       1024u
#define LIMIT_MAX     16777216u
#define LIMIT_DEFAULT 1048576u
#define CHARS_MAX     255u
#define FIRST_SLOTS   1024u
#define ARENA_SIZE    65536u
#define RECENT        256u

struct entry {
    const char *text; /* NUL-terminated */
    size_t size;
    uint64_t hash;
};

/* The index: numbers plus one, 0 for an empty slot; at most three quarters full. */
struct index {
    struct index *older;
    size_t mask;
    _Atomic uint32_t slots[];
};

static struct entry *_Atomic segments[LIMIT_MAX / SEGMENT];
static struct index *_Atomic index_now;
static _Atomic uint32_t count;
static _Atomic uint32_t limit = LIMIT_DEFAULT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for inserting */
static char *arena;                                      /* guarded by lock: room for texts */
static size_t arena_left;                                /* guarded by lock */

static void *get_memory(size_t size)
{
    return tr__fault() ? NULL : calloc(1, size);
}

static struct entry *entry_of(uint32_t number)
{
    /* Acquire pairs with the release in add: the segment's memory is visible. */
    struct entry *segment = atomic_load_explicit(&segments[number / SEGMENT], memory_order_acquire);

    return &segment[number % SEGMENT];
}

static uint64_t hash_of(const char *text, size_t size)
{
    return tr__mix_bytes(7, text, size);
}

/* The number of a text in an index, or -1. */
static int64_t find(const struct index *index, const char *text, size_t size, uint64_t hash)
{
    if (!index)
        return -1;
    for (size_t i = hash & index->mask;; i = (i + 1) & index->mask) {
        /* Acquire pairs with the release in put: the entry is complete. */
        uint32_t number = atomic_load_explicit(&index->slots[i], memory_order_acquire);
        if (number == 0)
            return -1;
        const struct entry *entry = entry_of(number - 1);
        if (entry->hash == hash && entry->size == size && memcmp(entry->text, text, size) == 0)
            return number - 1;
    }
}

static void put(struct index *index, uint32_t number, uint64_t hash)
{
    size_t i = hash & index->mask;

    while (atomic_load_explicit(&index->slots[i], memory_order_relaxed))
        i = (i + 1) & index->mask;
    atomic_store_explicit(&index->slots[i], number + 1, memory_order_release);
}

/* Makes room for one more number in the index. */
static bool grow_index(uint32_t n)
{
    struct index *old = atomic_load_explicit(&index_now, memory_order_relaxed);
    size_t slots = old ? 2 * (old->mask + 1) : FIRST_SLOTS;

    if (old && n + 1 <= (old->mask + 1) / 4 * 3)
        return true;
    struct index *index = get_memory(sizeof(*index) + slots * sizeof(index->slots[0]));
    if (!index)
        return false;
    index->older = old;
    index->mask = slots - 1;
    for (uint32_t i = 0; i < n; i++)
        put(index, i, entry_of(i)->hash);
    atomic_store_explicit(&index_now, index, memory_order_release);
    return true;
}

static bool grow_segments(uint32_t n)
{
    if (atomic_load_explicit(&segments[n / SEGMENT], memory_order_relaxed))
        return true;
    struct entry *segment = get_memory(SEGMENT * sizeof(*segment));
    if (!segment)
        return false;
    atomic_store_explicit(&segments[n / SEGMENT], segment, memory_order_release);
    return true;
}

/* A copy of the text that lasts. */
static const char *store(const char *text, size_t size)
{
    if (arena_left < size + 1) {
        char *room = get_memory(ARENA_SIZE);
        if (!room)
            return NULL;
        arena = room;
        arena_left = ARENA_SIZE;
    }
    char *copy = arena;
    memcpy(copy, text, size);
    copy[size] = 0;
    arena += size + 1;
    arena_left -= size + 1;
    return copy;
}

/* The lock is held. `lasting` is the text itself if it need not be copied. */
static tr_err add(const char *text, size_t size, uint64_t hash, const char *lasting,
                  uint32_t *number)
{
    uint32_t n = atomic_load_explicit(&count, memory_order_relaxed);

    if (n >= atomic_load_explicit(&limit, memory_order_relaxed))
        return TR_ELIMIT;
    if (!grow_segments(n) || !grow_index(n))
        return TR_ENOMEM;
    if (!lasting)
        lasting = store(text, size);
    if (!lasting)
        return TR_ENOMEM;
    *entry_of(n) = (struct entry){ lasting, size, hash };
    /* Counted before it can be found: who has found it may ask for its name at once. */
    atomic_store_explicit(&count, n + 1, memory_order_release);
    put(atomic_load_explicit(&index_now, memory_order_relaxed), n, hash);
    *number = n;
    return TR_OK;
}

/* The lock is held. Gives the well-known atoms their numbers; a failure leaves the rest for later.
 */
static tr_err add_known(void)
{
    static const char *const known[] = {
#define KNOWN_X(name)       #name,
#define KNOWN_Y(name, text) text,
        TR__ATOM_TABLE(KNOWN_X, KNOWN_Y)
    };
    uint32_t number;

    while ((number = atomic_load_explicit(&count, memory_order_relaxed)) < TR__ATOM_KNOWN) {
        const char *text = known[number];
        size_t size = strlen(text);
        tr_err err = add(text, size, hash_of(text, size), text, &number);
        if (err)
            return err;
    }
    return TR_OK;
}

static bool is_started(void)
{
    return atomic_load_explicit(&count, memory_order_acquire) >= TR__ATOM_KNOWN;
}

static tr_err start(void)
{
    if (is_started())
        return TR_OK;
    pthread_mutex_lock(&lock);
    tr_err err = add_known();
    pthread_mutex_unlock(&lock);
    return err;
}

/* At most 255 characters of UTF-8. */
static bool is_valid(const char *text, size_t size)
{
    size_t chars = 0;

    while (size) {
        uint32_t code;
        size_t n = tr__utf8_read(text, size, &code);
        if (n == 0 || ++chars > CHARS_MAX)
            return false;
        text += n;
        size -= n;
    }
    return true;
}

static tr_err find_or_add(const char *text, size_t size, bool may_add, tr_atom *atom)
{
    TR__GUARD();
    uint64_t hash = hash_of(text, size);
    uint32_t number = 0;
    tr_err err = start();

    if (err)
        return err;
    int64_t found = find(atomic_load_explicit(&index_now, memory_order_acquire), text, size, hash);
    if (found < 0) {
        pthread_mutex_lock(&lock);
        found = find(atomic_load_explicit(&index_now, memory_order_relaxed), text, size, hash);
        if (found < 0)
            err = may_add ? add(text, size, hash, NULL, &number) : TR_ENOTFOUND;
        pthread_mutex_unlock(&lock);
        if (err)
            return err;
    }
    atom->w = TR__ATOM_W(found < 0 ? number : (uint64_t)found);
    return TR_OK;
}

tr_err tr_try_intern(const char *text, size_t size, tr_atom *atom)
{
    if (!text || !is_valid(text, size))
        return TR_EINVAL;
    return find_or_add(text, size, true, atom);
}

tr_err tr_find_atom(const char *text, size_t size, tr_atom *atom)
{
    if (!text || !is_valid(text, size))
        return TR_EINVAL;
    return find_or_add(text, size, false, atom);
}

/* Numbers plus one of atoms that were asked for lately, by the address of the text: names of
   modules are asked for over and over. What is found is compared, so the address may have become
   that of another text. */
static _Atomic uint32_t recent[RECENT];

static _Atomic uint32_t *recent_of(const char *text)
{
    return &recent[((uintptr_t)text ^ ((uintptr_t)text >> 8)) % RECENT];
}

/* Not inlined: few calls come here. */
static TR__NOINLINE tr_atom intern(const char *text)
{
    tr_atom atom;
    tr_err err = tr_try_intern(text, text ? strlen(text) : 0, &atom);

    if (err == TR_EINVAL)
        tr__raise_badarg(text ? tr_build(text) : (tr_term){ 0 });
    if (err == TR_ELIMIT)
        tr__raise_limit();
    if (err)
        tr__raise_oom();
    atomic_store_explicit(recent_of(text), (uint32_t)(atom.w >> 6) + 1, memory_order_release);
    return atom;
}

tr_atom tr_intern(const char *text)
{
    if (text) {
        /* Acquire pairs with the release above: the entry is complete. */
        uint32_t number = atomic_load_explicit(recent_of(text), memory_order_acquire);
        if (number && strcmp(entry_of(number - 1)->text, text) == 0)
            return (tr_atom){ TR__ATOM_W((uint64_t)number - 1) };
    }
    return intern(text);
}

void tr__atoms_start(tr_atom *const *atoms, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tr_err err = tr_try_intern(names[i], strlen(names[i]), atoms[i]);
        if (err) {
            fprintf(stderr, "troupe: atom \"%s\": %s (%zu of at most %zu atoms)\n", names[i],
                    tr_strerror(err), tr_atom_count(), tr_atom_limit());
            abort();
        }
    }
}

static struct entry *known_entry(uint64_t w)
{
    uint64_t number = w >> 6;

    if (!tr__is_atom_w(w) || (!is_started() && start()) ||
        number >= atomic_load_explicit(&count, memory_order_acquire))
        tr__raise_badarg((tr_term){ 0 });
    return entry_of((uint32_t)number);
}

const char *tr_atom_name(tr_atom atom, size_t *size)
{
    const struct entry *entry = known_entry(atom.w);

    if (size)
        *size = entry->size;
    return entry->text;
}

uint64_t tr__atom_hash(uint64_t atom)
{
    return known_entry(atom)->hash;
}

size_t tr_atom_count(void)
{
    return atomic_load_explicit(&count, memory_order_relaxed);
}

size_t tr_atom_limit(void)
{
    return atomic_load_explicit(&limit, memory_order_relaxed);
}

tr_err tr_atom_set_limit(size_t new_limit)
{
    TR__GUARD();
    tr_err err = start();

    if (err)
        return err;
    pthread_mutex_lock(&lock);
    if (new_limit > LIMIT_MAX || new_limit < atomic_load_explicit(&count, memory_order_relaxed))
        err = TR_EINVAL;
    else
        atomic_store_explicit(&limit, (uint32_t)new_limit, memory_order_relaxed);
    pthread_mutex_unlock(&lock);
    return err;
}
