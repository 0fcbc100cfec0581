/* SPDX-License-Identifier: MIT */
/* Directories: opening, closing, finding; inserting and removing entries. */
#include "proc/directory.h"

#include "base/fault.h"
#include "mem/block.h"
#include "term/raise.h"

#include <stdlib.h>

enum { NAMES = 256 };

/* Directories are never freed, as atoms are not, so looking one up needs no lock. */
static _Atomic(struct tr_directory *) names[NAMES];
static struct tr_spin opening;

static _Atomic(struct tr_directory *) *chain_of(tr_atom name)
{
    return &names[(name.w >> 6) % NAMES];
}

/* Open or not; NULL when there never was one. */
static struct tr_directory *find(tr_atom name)
{
    /* Acquire pairs with the release in find_or_make. */
    struct tr_directory *d = atomic_load_explicit(chain_of(name), memory_order_acquire);

    while (d && d->name.w != name.w)
        d = d->next;
    return d;
}

struct tr_directory *tr_directory_find(tr_atom name)
{
    struct tr_directory *d = find(name);

    return d && atomic_load_explicit(&d->open, memory_order_acquire) ? d : NULL;
}

static struct tr_directory *find_or_make(tr_atom name)
{
    struct tr_directory *d = find(name);

    if (d)
        return d;
    d = tr__fault() ? NULL : aligned_alloc(TR__CACHE_LINE, sizeof *d);
    if (!d)
        return NULL;
    memset(d, 0, sizeof *d);
    d->name = name;
    d->next = atomic_load_explicit(chain_of(name), memory_order_relaxed);
    atomic_store_explicit(chain_of(name), d, memory_order_release);
    return d;
}

/* The lock is held. */
static tr_err open_locked(struct tr_directory **d, tr_atom name, bool unique, uint64_t info)
{
    struct tr_directory *found = find_or_make(name);

    if (!found)
        return TR_ENOMEM;
    if (atomic_load_explicit(&found->open, memory_order_relaxed))
        return TR_EEXIST;
    atomic_store_explicit(&found->unique, unique, memory_order_relaxed);
    atomic_store_explicit(&found->info, info, memory_order_release);
    atomic_store_explicit(&found->open, true, memory_order_release);
    *d = found;
    return TR_OK;
}

tr_err tr_directory_open(struct tr_directory **d, tr_atom name, bool unique, tr_term info)
{
    TR__ENTER();

    if (!tr__is_atom_w(name.w) || !info.w)
        return TR_EINVAL;
    uint64_t lasting = tr__lasting(info);
    if (!lasting)
        return TR_ENOMEM;
    tr__spin_lock(&opening);
    tr_err err = open_locked(d, name, unique, lasting);
    tr__spin_unlock(&opening);
    if (err)
        tr__lasting_free(lasting);
    return err;
}

bool tr_directory_is_unique(const struct tr_directory *d)
{
    return tr__is_unique(d);
}

tr_err tr_directory_set_info(struct tr_directory *d, tr_term info)
{
    TR__ENTER();
    uint64_t lasting = info.w ? tr__lasting(info) : 0;
    tr_err err = TR_OK;

    if (!lasting)
        return info.w ? TR_ENOMEM : TR_EINVAL;
    tr__spin_lock(&d->info_lock);
    if (atomic_load_explicit(&d->open, memory_order_acquire))
        lasting = atomic_exchange_explicit(&d->info, lasting, memory_order_acq_rel);
    else
        err = TR_ENOPROC;
    tr__spin_unlock(&d->info_lock);
    tr__lasting_retire(lasting);
    tr__retired_free();
    return err;
}

/* --- inserting --- */

/* What an entry is made of: terms that last, which it takes over. */
struct draft {
    uint64_t hash, key, pid, value;
};

/* The key may be there already: then the word of the draft stays the caller's. */
static tr_err place(struct tr_directory *d, struct draft *f, struct tr_owner *o, uint64_t *holder)
{
    struct tr_key_shard *s = tr__key_shard(d, f->hash);
    bool failed = false;
    struct tr_key *k = tr__key_find(s, f->hash, (tr_term){ f->key }, &failed);

    if (failed)
        return TR_ENOMEM;
    if (k && tr__is_unique(d)) {
        *holder = atomic_load_explicit(&k->first, memory_order_relaxed)->pid;
        return TR_EEXIST;
    }
    if (!k) {
        if (!(k = tr__key_add(s, f->hash, f->key)))
            return TR_ENOMEM;
        f->key = 0;
    }
    struct tr_entry *e = tr__entry_add(s, k);
    if (!e)
        return TR_ENOMEM;
    e->pid = f->pid;
    e->id = atomic_fetch_add_explicit(&d->last_id, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&e->value, f->value, memory_order_relaxed);
    tr__owner_link(o, e);
    tr__entry_show(s, e);
    f->value = 0;
    return TR_OK;
}

static tr_err insert_locked(struct tr_directory *d, struct draft *f, struct tr_owner_shard *os,
                            uint64_t *holder)
{
    if (!atomic_load_explicit(&d->open, memory_order_acquire))
        return TR_ENOPROC;
    struct tr_owner *o = tr__owner_make(os, f->pid);
    if (!o)
        return TR_ENOMEM;
    struct tr_key_shard *s = tr__key_shard(d, f->hash);
    tr__spin_lock(&s->lock);
    tr_err err = place(d, f, o, holder);
    tr__spin_unlock(&s->lock);
    if (o->n == 0)
        tr__owner_drop(os, o);
    return err;
}

static tr_err try_insert(struct tr_directory *d, tr_term key, tr_pid pid, tr_term value,
                         uint64_t *holder)
{
    struct draft f = { .hash = tr__key_hash(key), .pid = pid.w };
    tr_err err = TR_ENOMEM;

    f.key = tr__lasting(key);
    if (f.key && (f.value = tr__lasting(value))) {
        struct tr_owner_shard *os = tr__owner_shard(d, pid.w);
        tr__spin_lock(&os->lock);
        err = insert_locked(d, &f, os, holder);
        tr__spin_unlock(&os->lock);
    }
    tr__lasting_free(f.key);
    tr__lasting_free(f.value);
    tr__retired_free();
    return err;
}

tr_err tr_directory_insert(struct tr_directory *d, tr_term key, tr_pid pid, tr_term value,
                           tr_pid *holder)
{
    TR__ENTER();
    uint64_t other = 0;
    tr_err err;

    if (!key.w || !value.w || (pid.w & 7) != TR__TAG_PID)
        return TR_EINVAL;
    tr__directory_charge();
    while ((err = try_insert(d, key, pid, value, &other)) == TR_EEXIST) {
        if (tr__proc_alive(other)) {
            if (holder)
                holder->w = other;
            break;
        }
        tr_directory_remove(d, key, (tr_pid){ other });
    }
    return err;
}

/* --- changing and removing --- */

tr_err tr_directory_update(struct tr_directory *d, tr_term key, tr_pid pid, tr_term value)
{
    TR__ENTER();
    tr__directory_charge(); /* may be the end of the caller: before there is anything to lose */
    uint64_t hash = tr__key_hash(key), lasting = value.w ? tr__lasting(value) : 0;
    struct tr_key_shard *s = tr__key_shard(d, hash);
    struct tr_entry *e = NULL;

    if (!lasting)
        return value.w ? TR_ENOMEM : TR_EINVAL;
    tr__spin_lock(&s->lock);
    bool failed = false;
    struct tr_key *k = tr__key_find(s, hash, key, &failed);
    if (k)
        e = atomic_load_explicit(&k->first, memory_order_relaxed);
    while (e && e->pid != pid.w)
        e = atomic_load_explicit(&e->next, memory_order_relaxed);
    if (e)
        lasting = tr__entry_change(s, e, lasting);
    tr__spin_unlock(&s->lock);
    tr__lasting_retire(lasting);
    tr__retired_free();
    if (failed)
        return TR_ENOMEM;
    return e ? TR_OK : TR_ENOTFOUND;
}

/* Takes one entry out of both tables; the owner's shard is locked. */
static void remove_entry(struct tr_directory *d, struct tr_owner *o, struct tr_entry *e)
{
    struct tr_key_shard *s = tr__key_shard(d, e->key->hash);

    tr__owner_unlink(o, e);
    tr__spin_lock(&s->lock);
    tr__entry_remove(s, e);
    tr__spin_unlock(&s->lock);
}

/* Which entries of an owner are to go: those that match whatever is set. */
struct filter {
    const struct tr_key *key;
    uint64_t id;
};

static size_t remove_those(struct tr_directory *d, struct tr_owner_shard *os, uint64_t pid,
                           struct filter f)
{
    struct tr_owner *o = tr__owner_find(os, pid);
    size_t n = 0;

    for (struct tr_entry *e = o ? o->first : NULL, *next; e; e = next) {
        next = e->owner_next;
        if ((f.key && e->key != f.key) || (f.id && e->id != f.id))
            continue;
        remove_entry(d, o, e);
        n++;
    }
    if (o && o->n == 0)
        tr__owner_drop(os, o);
    return n;
}

/* The same by way of the key's list. The key's shard is locked, too. */
static size_t remove_by_key(struct tr_key_shard *s, struct tr_owner *o, struct tr_key *k)
{
    struct tr_entry *e = atomic_load_explicit(&k->first, memory_order_relaxed);
    size_t n = 0;

    while (e) {
        struct tr_entry *next = atomic_load_explicit(&e->next, memory_order_relaxed);
        if (e->pid == o->pid) {
            tr__owner_unlink(o, e);
            tr__entry_remove(s, e);
            n++;
        }
        e = next;
    }
    return n;
}

/* Walks the list of the key or that of the owner, whichever is shorter. SIZE_MAX without memory. */
static size_t remove_key(struct tr_directory *d, struct tr_owner_shard *os, uint64_t pid,
                         uint64_t hash, tr_term key)
{
    struct tr_key_shard *s = tr__key_shard(d, hash);
    struct tr_owner *o = tr__owner_find(os, pid);
    size_t n = 0;

    if (!o)
        return 0;
    tr__spin_lock(&s->lock);
    bool failed = false;
    struct tr_key *k = tr__key_find(s, hash, key, &failed);
    if (failed)
        n = SIZE_MAX;
    bool by_owner = k && tr__key_count(k) >= o->n;
    if (k && !by_owner)
        n = remove_by_key(s, o, k);
    tr__spin_unlock(&s->lock);
    if (by_owner) /* if the key goes meanwhile, the owner has no entry of it */
        return remove_those(d, os, pid, (struct filter){ .key = k });
    if (o->n == 0)
        tr__owner_drop(os, o);
    return n;
}

size_t tr_directory_remove(struct tr_directory *d, tr_term key, tr_pid pid)
{
    TR__ENTER();
    struct tr_owner_shard *os = tr__owner_shard(d, pid.w);
    uint64_t hash = tr__key_hash(key);

    tr__directory_charge();
    tr__spin_lock(&os->lock);
    size_t n = remove_key(d, os, pid.w, hash, key);
    tr__spin_unlock(&os->lock);
    tr__retired_free();
    if (n == SIZE_MAX)
        tr__raise_oom();
    return n;
}

static size_t remove_all_of(struct tr_directory *d, tr_pid pid, struct filter f)
{
    struct tr_owner_shard *os = tr__owner_shard(d, pid.w);

    tr__directory_charge();
    tr__spin_lock(&os->lock);
    size_t n = remove_those(d, os, pid.w, f);
    tr__spin_unlock(&os->lock);
    tr__retired_free();
    return n;
}

bool tr_directory_take(struct tr_directory *d, tr_pid pid, uint64_t id)
{
    TR__ENTER();
    return id && remove_all_of(d, pid, (struct filter){ .id = id }) == 1;
}

size_t tr_directory_drop(struct tr_directory *d, tr_pid pid)
{
    TR__ENTER();
    return remove_all_of(d, pid, (struct filter){ .key = NULL });
}

static void clear(struct tr_directory *d, struct tr_owner_shard *os)
{
    tr__spin_lock(&os->lock);
    for (size_t i = 0; os->buckets && i <= os->mask; i++)
        while (os->buckets[i])
            remove_those(d, os, os->buckets[i]->pid, (struct filter){ .key = NULL });
    tr__block_free(os->buckets, (os->mask + 1) * sizeof *os->buckets);
    os->buckets = NULL;
    os->mask = 0;
    tr__spin_unlock(&os->lock);
}

void tr_directory_close(struct tr_directory *d)
{
    TR__ENTER();

    /* Whoever inserts looks at `open` with an owner's shard locked, each of which is locked here
       afterwards. */
    tr__spin_lock(&d->info_lock);
    bool was = atomic_exchange_explicit(&d->open, false, memory_order_acq_rel);
    uint64_t info = was ? atomic_exchange_explicit(&d->info, TR__NIL, memory_order_acq_rel) : 0;
    tr__spin_unlock(&d->info_lock);
    tr__lasting_retire(info);
    for (unsigned i = 0; was && i < TR__DIRECTORY_SHARDS; i++)
        clear(d, &d->owners[i]);
    tr__retired_free();
}
