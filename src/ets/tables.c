/* SPDX-License-Identifier: MIT */
/* Tables as wholes: made, deleted, renamed, given away, and what is known of them. */
#include "ets/table.h"
#include "mem/block.h"
#include "term/raise.h"

tr_atoms(set, ordered_set, bag, duplicate_bag, public, protected, private, none, undefined);
tr_atoms(id, name, named_table, type, protection, owner, heir, keypos, size, memory, fixed, node,
         read_concurrency, write_concurrency, decentralized_counters, compressed,
         safe_fixed_monotonic_time, monotonic_time);
tr_atom_as(a_nonode, "nonode@nohost");

/* --- making and deleting --- */

static bool are_valid(tr_atom name, const struct tr_ets_opts *o)
{
    return tr__is_atom_w(name.w) && (unsigned)o->type <= TR_ETS_DUPLICATE_BAG &&
           (unsigned)o->access <= TR_ETS_PRIVATE && o->keypos <= INT32_MAX &&
           (!o->heir.w || (o->heir.w & 7) == TR__TAG_PID) && !(o->named && name.w == a_undefined.w);
}

/* Sets what the heir is told; false without memory. The table is not known yet, or the lock is
   held. */
static bool set_heir(struct tr_table *t, uint64_t heir, tr_term data)
{
    struct tr_shared *share = NULL;

    if (data.w && !tr__is_immediate(data.w)) {
        share = tr__share(data);
        if (!share)
            return false;
    }
    if (t->heir_share)
        tr__shared_release(t->heir_share);
    t->heir = heir;
    t->heir_share = share;
    t->heir_data = data.w ? data.w : a_undefined.w;
    return true;
}

static struct tr_table *table_new(tr_atom name, const struct tr_ets_opts *o)
{
    struct tr_table *t = tr__block_alloc(sizeof *t);
    uint32_t keypos = o->keypos ? o->keypos : 1;

    if (!t)
        return NULL;
    *t = (struct tr_table){ .type = (uint8_t)o->type,
                            .named = o->named,
                            .keypos = keypos,
                            .read_concurrency = o->read_concurrency,
                            .write_concurrency = o->write_concurrency,
                            .decentralized_counters = o->decentralized_counters };
    atomic_init(&t->access, (uint8_t)o->access);
    atomic_init(&t->name, name.w);
    atomic_init(&t->store, tr__store_new(o->type, keypos));
    if (!tr__table_store(t))
        goto no_store;
    if (!set_heir(t, o->heir.w, o->heir_data))
        goto no_heir;
    return t;

no_heir:
    while (!tr__store_free_some(tr__table_store(t)))
        ;
no_store:
    tr__block_free(t, sizeof *t);
    return NULL;
}

tr_err tr__table_make(struct tr_table **table, tr_atom name, const struct tr_ets_opts *opts,
                      uint32_t value_size)
{
    static const struct tr_ets_opts defaults;
    struct tr_proc *p = TR__SELF();

    opts = opts ? opts : &defaults;
    if (!are_valid(name, opts))
        return TR_EINVAL;
    struct tr_table *t = table_new(name, opts);
    if (!t)
        return TR_ENOMEM;
    t->value_size = value_size;
    tr_err err = tr__table_publish(t, p);
    if (err)
        tr__table_destroy(NULL, t);
    else
        *table = t;
    return err;
}

static tr_term handle_of(struct tr_table *t)
{
    return (tr_term){ t->named ? atomic_load_explicit(&t->name, memory_order_relaxed) : t->id };
}

tr_err tr_ets_try_new(tr_term *table, tr_atom name, const struct tr_ets_opts *opts)
{
    TR__ENTER();
    struct tr_table *t;
    tr_err err = tr__table_make(&t, name, opts, 0);

    if (!err)
        *table = handle_of(t);
    return err;
}

_Noreturn void tr__table_raise(tr_err err, tr_atom name)
{
    if (err == TR_ENOMEM)
        tr__raise_oom();
    if (err == TR_ELIMIT)
        tr__raise_limit();
    tr__raise_badarg((tr_term){ name.w });
}

tr_term tr_ets_new(tr_atom name, const struct tr_ets_opts *opts)
{
    TR__ENTER();
    tr_term table;
    tr_err err = tr_ets_try_new(&table, name, opts);

    if (err)
        tr__table_raise(err, name);
    return table;
}

void tr_ets_delete_table_of(tr_term table)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);

    tr__spin_lock(&tr__tables_lock);
    bool mine = tr__table_unpublish(t);
    tr__spin_unlock(&tr__tables_lock);
    tr__reader_end(&p->worker->reader);
    if (!mine)
        tr__raise_badarg(table);
    tr__table_destroy(p, t);
    tr__spend(p, TR__COST_CHANGE);
}

bool tr_ets_whereis(tr_atom name, tr_term *table)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    tr__reader_begin(&p->worker->reader);
    struct tr_table *t = tr__is_atom_w(name.w) ? tr__table_find(name.w) : NULL;
    if (t && table)
        table->w = t->id;
    tr__reader_end(&p->worker->reader);
    return t != NULL;
}

tr_term tr_ets_rename_table(tr_term table, tr_atom name)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_table *t = tr__table_open(p, table.w, TR__WRITE);
    tr_err err = TR_EINVAL;

    if (tr__is_atom_w(name.w) && name.w != a_undefined.w) {
        tr__spin_lock(&tr__tables_lock);
        if (atomic_load_explicit(&t->owner, memory_order_relaxed))
            err = tr__table_rename(t, name.w);
        tr__spin_unlock(&tr__tables_lock);
    }
    tr_term handle = handle_of(t);
    tr__reader_end(&p->worker->reader);
    if (err)
        tr__table_raise(err, name);
    return handle;
}

/* --- owners --- */

void tr_ets_give_away_args(tr_term table, tr_pid to, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    uint64_t self = atomic_load_explicit(&p->id, memory_order_relaxed);
    tr_term gift = tr_build_args(args, n);
    struct tr_table *t = tr__table_open(p, table.w, TR__OWN);
    bool given = false, told = false;

    if ((to.w & 7) == TR__TAG_PID && to.w != self) {
        tr__spin_lock(&tr__tables_lock);
        if (atomic_load_explicit(&t->owner, memory_order_relaxed) == self)
            given = tr__table_give(t, to.w);
        tr__spin_unlock(&tr__tables_lock);
    }
    /* The section keeps it, should the new owner delete it at once. */
    if (given)
        told = tr__table_tell(t, to.w, self, tr__arg_term(gift));
    tr__reader_end(&p->worker->reader);
    if (!given)
        tr__raise_badarg(tr_build(to));
    if (!told)
        tr__raise_oom();
    tr__spend(p, TR__COST_SEND);
}

void tr_ets_set_heir_args(tr_term table, tr_pid heir, const struct tr_arg *args, int n)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    tr_term data = n ? tr_build_args(args, n) : (tr_term){ 0 };

    if (heir.w && (heir.w & 7) != TR__TAG_PID)
        tr__raise_badarg(tr_build("heir"));
    struct tr_table *t = tr__table_open(p, table.w, TR__OWN);
    tr__spin_lock(&tr__tables_lock);
    bool ok = set_heir(t, heir.w, data);
    tr__spin_unlock(&tr__tables_lock);
    tr__table_close(p, TR__COST_CALL);
    if (!ok)
        tr__raise_oom();
}

void tr_ets_set_access_of(tr_term table, enum tr_ets_access access)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();

    if ((unsigned)access > TR_ETS_PRIVATE)
        tr__raise_badarg(tr_build((int)access));
    struct tr_table *t = tr__table_open(p, table.w, TR__OWN);
    atomic_store_explicit(&t->access, (uint8_t)access, memory_order_relaxed);
    tr__table_close(p, TR__COST_CALL);
}

void tr_ets_safe_fixtable_of(tr_term table, bool fix)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct tr_table *t = tr__table_open(p, table.w, TR__READ);

    tr__table_fix(t, p, fix);
    tr__table_close(p, TR__COST_CALL);
}

/* --- what is known --- */

struct facts {
    tr_term id, name;
    bool named, read_concurrency, write_concurrency, decentralized_counters;
    enum tr_ets_type type;
    enum tr_ets_access access;
    tr_pid owner, heir;
    uint32_t keypos;
    int64_t size;
    uint64_t memory;
    struct {
        tr_pid pid;
        uint64_t count;
    } fixed[16]; /* the first of them */
    int nfixed;
};

/* Bytes of the objects, as of the first few hundred. */
struct sample {
    struct tr_visit visit;
    const struct tr_store *store;
    uint64_t objects, bytes;
};

static bool sample_fn(struct tr_visit *visit, struct tr_node *node)
{
    struct sample *sample = (struct sample *)visit;

    for (; node; node = tr__chain_next(sample->store, node)) {
        sample->objects++;
        sample->bytes += node->loose ? 0 : tr__node_size(node);
    }
    return true;
}

static uint64_t memory_of(struct tr_store *s, struct tr_worker *w)
{
    struct sample sample = { { .fn = sample_fn }, s, 0, 0 };
    struct tr_cursor cursor = { 0 };

    while (s->type != TR_ETS_ORDERED_SET && !cursor.done && sample.objects < 256)
        if (tr__store_portion(s, w, &cursor, &sample.visit))
            break;
    if (s->type == TR_ETS_ORDERED_SET)
        (void)!tr__store_portion(s, w, &cursor, &sample.visit);
    uint64_t each = sample.objects ? sample.bytes / sample.objects : 0;
    return tr__store_overhead(s) + each * (uint64_t)tr__store_size(s);
}

static void facts_of(struct tr_table *t, struct tr_worker *w, struct facts *f)
{
    struct tr_store *s = tr__table_store(t);

    tr__spin_lock(&tr__tables_lock);
    *f = (struct facts){ .id = { t->id },
                         .name = { atomic_load_explicit(&t->name, memory_order_relaxed) },
                         .named = t->named,
                         .read_concurrency = t->read_concurrency,
                         .write_concurrency = t->write_concurrency,
                         .decentralized_counters = t->decentralized_counters,
                         .type = t->type,
                         .access = atomic_load_explicit(&t->access, memory_order_relaxed),
                         .owner = { atomic_load_explicit(&t->owner, memory_order_relaxed) },
                         .heir = { t->heir },
                         .keypos = t->keypos };
    for (struct tr_fixation *fix = t->fixations; fix && f->nfixed < 16; fix = fix->next) {
        f->fixed[f->nfixed].pid.w = fix->pid;
        f->fixed[f->nfixed++].count = fix->count;
    }
    tr__spin_unlock(&tr__tables_lock);
    f->size = tr__store_size(s);
    f->memory = sizeof *t + memory_of(s, w);
}

static tr_atom type_atom(enum tr_ets_type type)
{
    const tr_atom atoms[] = { a_set, a_ordered_set, a_bag, a_duplicate_bag };

    return atoms[type];
}

static tr_atom access_atom(enum tr_ets_access access)
{
    const tr_atom atoms[] = { a_protected, a_public, a_private };

    return atoms[access];
}

static tr_term fixations(const struct facts *f)
{
    tr_term list = tr_nil();

    for (int i = 0; i < f->nfixed; i++)
        list = tr_list_push(list, tr_build(f->fixed[i].pid, f->fixed[i].count));
    return f->nfixed ? tr_build(a_monotonic_time, list) : tr_build(false);
}

/* The value of an item; false when there is no such item. */
static bool fact(const struct facts *f, tr_atom item, tr_term *value)
{
    bool fixed = f->nfixed > 0;
    const struct {
        tr_atom item;
        tr_term value;
    } all[] = {
        { a_id, f->id },
        { a_name, f->name },
        { a_named_table, tr_build(f->named) },
        { a_type, tr_build(type_atom(f->type)) },
        { a_protection, tr_build(access_atom(f->access)) },
        { a_owner, tr_build(f->owner) },
        { a_heir, f->heir.w ? tr_build(f->heir) : tr_build(a_none) },
        { a_keypos, tr_build(f->keypos) },
        { a_size, tr_build(f->size) },
        { a_memory, tr_build(f->memory / sizeof(uint64_t)) },
        { a_fixed, tr_build(fixed) },
        { a_node, tr_build(a_nonode) },
        { a_read_concurrency, tr_build(f->read_concurrency) },
        { a_write_concurrency, tr_build(f->write_concurrency) },
        { a_decentralized_counters, tr_build(f->decentralized_counters) },
        { a_compressed, tr_build((bool)false) },
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].item.w == item.w) {
            *value = all[i].value;
            return true;
        }
    if (item.w == a_safe_fixed_monotonic_time.w)
        *value = fixations(f);
    return item.w == a_safe_fixed_monotonic_time.w;
}

/* False when there is no such table. */
static bool look_at(tr_term table, struct facts *f)
{
    struct tr_proc *p = TR__SELF();

    tr__reader_begin(&p->worker->reader);
    struct tr_table *t = tr__table_find(table.w);
    if (t)
        facts_of(t, p->worker, f);
    tr__table_close(p, TR__COST_CALL);
    return t && f->owner.w;
}

tr_term tr_ets_info_item(tr_term table, tr_atom item)
{
    TR__ENTER();
    struct facts facts;
    tr_term value;

    if ((table.w & 3) != TR__TAG_REF && !tr__is_atom_w(table.w))
        tr__raise_badarg(table);
    if (!look_at(table, &facts))
        return tr_build(a_undefined);
    if (!fact(&facts, item, &value))
        tr__raise_badarg(tr_build(item));
    return value;
}

tr_term tr_ets_info_all(tr_term table)
{
    TR__ENTER();
    const tr_atom items[] = { a_id,
                              a_decentralized_counters,
                              a_read_concurrency,
                              a_write_concurrency,
                              a_compressed,
                              a_memory,
                              a_owner,
                              a_heir,
                              a_name,
                              a_size,
                              a_node,
                              a_named_table,
                              a_type,
                              a_keypos,
                              a_protection,
                              a_fixed };
    tr_term list = tr_nil(), value;
    struct facts facts;

    if ((table.w & 3) != TR__TAG_REF && !tr__is_atom_w(table.w))
        tr__raise_badarg(table);
    if (!look_at(table, &facts))
        return tr_build(a_undefined);
    for (size_t i = sizeof items / sizeof *items; i-- > 0;)
        if (fact(&facts, items[i], &value))
            list = tr_list_push(list, tr_build(items[i], value));
    return list;
}

/* The handles are counted first, then listed, so that no memory is taken with the lock held. */
struct listing {
    uint64_t *words;
    size_t n, room;
};

static void list_one(struct tr_table *t, void *arg)
{
    struct listing *l = arg;

    if (l->n < l->room)
        l->words[l->n] = handle_of(t).w;
    l->n++;
}

tr_term tr_ets_all(void)
{
    TR__ENTER();
    struct tr_proc *p = TR__SELF();
    struct listing l = { NULL, 0, 0 };
    tr_term list = tr_nil();

    do {
        tr__block_free(l.words, l.room * sizeof(uint64_t));
        l.room = l.n + 16;
        l.words = tr__block_alloc(l.room * sizeof(uint64_t));
        if (!l.words)
            tr__raise_oom();
        l.n = 0;
        tr__spin_lock(&tr__tables_lock);
        tr__tables_each(list_one, &l);
        tr__spin_unlock(&tr__tables_lock);
    } while (l.n > l.room);
    uint64_t *cells = tr__heap_alloc(&p->heap, 2 * l.n);
    for (size_t i = 0; cells && i < l.n; i++) {
        cells[2 * i] = l.words[i];
        cells[2 * i + 1] = list.w;
        list.w = tr__cons_w(cells + 2 * i);
    }
    tr__block_free(l.words, l.room * sizeof(uint64_t));
    if (!cells && l.n)
        tr__raise_oom();
    tr__spend(p, TR__COST_SPAWN);
    return list;
}
