/* SPDX-License-Identifier: MIT */
/* The timers of programs: making them, firing, the interface, and what their owner is told. */
#include "proc/timer.h"

#include "base/clock.h"
#include "base/plant.h"
#include "mem/block.h"
#include "proc/replay.h"
#include "sched/replay.h"
#include "term/raise.h"

#define MS_MAX (INT64_C(1) << 43) /* in nanoseconds it still fits 64 bits */

const struct tr_timer_opts *tr__timer_wrap(void)
{
    static const struct tr_timer_opts wrap = { .wrap = true };

    return &wrap;
}

const struct tr_timer_opts *tr__timer_repeat(void)
{
    static const struct tr_timer_opts repeat = { .repeat = true };

    return &repeat;
}

const struct tr_timer_opts *tr__timer_exit(void)
{
    static const struct tr_timer_opts exit = { .exit = true };

    return &exit;
}

tr_atom tr__atom_kill(void)
{
    return TR_ATOM(kill);
}

int64_t tr_monotonic_ns(void)
{
    if (tr__unlikely(tr__replay_on) && !tr__self())
        tr__replay_outside("tr_monotonic_ns");
    return tr__clock_ns();
}

int64_t tr_monotonic_ms(void)
{
    return tr_monotonic_ns() / TR__NS_PER_MS;
}

/* --- making one --- */

static void list_add(struct tr_timer **first, struct tr_timer *t)
{
    t->next = *first;
    t->link = first;
    if (t->next)
        t->next->link = &t->next;
    *first = t;
}

static void list_remove(struct tr_timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
}

static struct tr_timer *timer_of(struct tr_sig *sig)
{
    return tr__container_of(sig, struct tr_timer, sig);
}

void tr__timer_free(struct tr_sig *sig)
{
    struct tr_timer *t = timer_of(sig);

    tr__block_free(t, t->size);
}

/* The signal that a timer sends: exit signal, {timeout, Ref, Message}, or the message itself. */
struct content {
    struct tr_arg args[3];
    const struct tr_arg *all;
    int n;
};

static void fill_content(struct content *c, const struct tr_timer_opts *opts, uint64_t ref,
                         const struct tr_arg *args, int n)
{
    struct tr_arg whole = n == 1   ? args[0]
                          : n == 0 ? tr__arg_word(TR__NIL)
                                   : tr__arg_many(TR__ARG_TUPLE, args, (uint32_t)n);

    c->all = c->args;
    c->n = 3;
    if (opts->exit) {
        struct tr_proc *p = tr__self();
        c->args[0] = tr__arg_atom(TR_ATOM(EXIT));
        c->args[1] = p ? tr__arg_word(atomic_load(&p->id)) : tr__arg_word(TR__NIL);
        c->args[2] = whole;
    } else if (opts->wrap) {
        c->args[0] = tr__arg_atom(TR_ATOM(timeout));
        c->args[1] = tr__arg_word(ref);
        c->args[2] = whole;
    } else {
        c->all = args;
        c->n = n;
    }
}

/* A block for a timer whose signal has so many words; NULL without memory. The caller is inside. */
static struct tr_timer *make(uint64_t ref, uint64_t to, const struct tr_timer_opts *opts,
                             size_t words)
{
    size_t size = sizeof(struct tr_timer) + words * sizeof(uint64_t);

    if (words > UINT32_MAX / sizeof(uint64_t) - sizeof(struct tr_timer))
        return NULL;
    struct tr_timer *t = tr__block_alloc_inside(tr__tls(), size);
    if (!t)
        return NULL;
    *t = (struct tr_timer){ .ref = ref, .to = to, .size = (uint32_t)size };
    tr__ring_init(&t->node.ring);
    t->sig.size = (uint32_t)(size - offsetof(struct tr_timer, sig));
    t->sig.kind = opts->exit ? TR__SIG_EXIT : TR__SIG_MESSAGE;
    t->sig.flags = TR__SIG_TIMER;
    t->sig.to = to;
    return t;
}

static struct tr_timer *make_with(uint64_t ref, uint64_t to, const struct tr_timer_opts *opts,
                                  const struct tr_arg *args, int n)
{
    struct content c;
    uint64_t word;

    if (n == 1 && !opts->exit && !opts->wrap && tr__arg_immediate(args[0], &word)) {
        struct tr_timer *t = make(ref, to, opts, 0);
        if (t)
            t->sig.term = word;
        return t;
    }
    fill_content(&c, opts, ref, args, n);
    struct tr_timer *t = make(ref, to, opts, tr__args_size(c.all, c.n));
    if (!t)
        return NULL;
    uint64_t *out = tr__sig_words(&t->sig);
    t->sig.term = tr__args_build(&out, &t->sig.counted, c.all, c.n).w;
    if (t->sig.term)
        return t;
    tr__sig_free(&t->sig);
    return NULL;
}

/* --- firing --- */

/* Sends a copy of the timer's signal; a repeating timer keeps its own. */
static void send_copy(struct tr_timer *t, uint64_t to)
{
    size_t words = tr__term_size((tr_term){ t->sig.term });
    struct tr_sig *sig =
        words == SIZE_MAX ? NULL : tr__sig_new(TR__SIG_MESSAGE, to, TR__SIG_WORD_SIZE(words));

    /* Without memory this tick is lost; the next one comes. */
    if (!sig)
        return;
    uint64_t *out = tr__sig_words(sig);
    sig->term = tr__term_copy(&out, &sig->counted, (tr_term){ t->sig.term }).w;
    tr__message_send(sig);
}

static uint64_t holder_of(uint64_t to)
{
    uint64_t pid = 0;

    if (!tr__is_atom_w(to))
        return to;
    tr__name_lookup(to, &pid);
    return pid;
}

static void fire_once(struct tr_worker *w, struct tr_timer *t)
{
    uint64_t to = holder_of(t->to);

    tr__timer_fired(w, t);
    t->sig.to = to;
    if (to && t->sig.kind == TR__SIG_EXIT)
        tr__sig_send_exit(&t->sig);
    else if (to)
        tr__sig_send(&t->sig);
    else
        tr__sig_free(&t->sig);
}

static void fire(struct tr_wheel_node *node)
{
    struct tr_timer *t = tr__container_of(node, struct tr_timer, node);
    struct tr_worker *w = tr__timer_worker(t->ref);

    if (!t->period) {
        fire_once(w, t);
        return;
    }
    uint64_t to = holder_of(t->to);
    /* One on its owner's list is taken down by the owner's end. */
    if (!t->owned && !tr__is_atom_w(t->to) && !tr__proc_alive(to)) {
        tr__timer_fired(w, t);
        tr__sig_free(&t->sig);
        return;
    }
    if (to)
        send_copy(t, to);
    /* From the time it was due, not from now: it does not drift. */
    t->node.due += t->period;
    tr__wheel_start(&w->wheel, node);
}

/* --- the interface --- */

static uint64_t checked_dest(tr_term to)
{
    if ((to.w & 7) != TR__TAG_PID && !tr__is_atom_w(to.w) && (to.w & 3) != TR__TAG_REF)
        tr__raise_badarg(to.w ? to : tr_nil());
    return to.w;
}

static void checked_time(int64_t ms, const struct tr_timer_opts *opts)
{
    if (ms > MS_MAX || ms < -MS_MAX || (ms < 0 && !opts->absolute) || (opts->repeat && ms == 0))
        tr__raise_badarg(tr_build(ms));
}

tr_ref tr_timer_args(int64_t ms, tr_term to, const struct tr_timer_opts *opts,
                     const struct tr_arg *args, int n)
{
    TR__ENTER();
    static const struct tr_timer_opts defaults;
    struct tr_proc *p = tr__self();
    struct tr_worker *w = p ? p->worker : tr__worker_at(0);

    if (!opts)
        opts = &defaults;
    checked_time(ms, opts);
    bool owned = p && to.w == atomic_load_explicit(&p->id, memory_order_relaxed);
    struct tr_timer **list = owned ? &tr__rare(p)->timers : NULL;
    uint64_t ref = tr__timer_ref(w, p != NULL);
    struct tr_timer *t = make_with(ref, checked_dest(to), opts, args, n);
    if (!t)
        tr__raise_oom();
    t->node.fire = fire;
    t->node.due = ms * TR__NS_PER_MS + (opts->absolute ? 0 : tr__now_near() + TR__CLOCK_NEAR_NS);
    if (opts->repeat) {
        t->period = ms * TR__NS_PER_MS;
        t->sig.kind = TR__SIG_MESSAGE;
    }
    t->owned = owned;
    if (owned)
        list_add(list, t);
    if (!tr__timer_start(w, t)) {
        if (t->owned)
            list_remove(t);
        tr__sig_free(&t->sig);
        tr__raise_oom();
    }
    if (p) {
        tr__spend(p, TR__COST_CALL);
    } else {
        tr__idle_wake_all(); /* the worker may sleep past the new timer */
        tr__replay_outside("tr_send_after");
    }
    return (tr_ref){ ref };
}

/* Frees a stopped timer, or sends it to its owner to be taken off its list. The caller is inside.
 */
static void dispose(struct tr_timer *t)
{
    struct tr_proc *p = tr__self();

    if (t->owned && !(p && atomic_load_explicit(&p->id, memory_order_relaxed) == t->to)) {
        tr__sig_send(&t->sig);
        return;
    }
    if (t->owned)
        list_remove(t);
    if (tr__likely(!t->sig.counted))
        tr__block_free_inside(tr__tls(), t, t->size);
    else
        tr__sig_free(&t->sig);
}

/* What is left of a time, in ms rounded up; never negative, and never more than there was at the
   start, whatever the two clocks differ. */
static int64_t left_of(int64_t due)
{
    int64_t left = due - 2 * TR__CLOCK_NEAR_NS - tr__now_near();

    return left > 0 ? (left + TR__NS_PER_MS - 1) / TR__NS_PER_MS : 0;
}

/* A timer for a process that has ended counts as no timer. */
static bool wanted(uint64_t to)
{
    struct tr_proc *p = tr__self();

    if (p && atomic_load_explicit(&p->id, memory_order_relaxed) == to)
        return !atomic_load_explicit(&p->ending, memory_order_relaxed);
    return tr__is_atom_w(to) || (to & 3) == TR__TAG_REF || tr__proc_alive(to);
}

bool tr_cancel_timer(tr_ref timer, int64_t *ms_left)
{
    TR__ENTER();
    bool planted = TR__PLANTED(CANCELLED_TIMER) && tr_read_timer(timer, ms_left);

    if (planted)
        tr__spend(tr__self(), TR__COST_CALL);
    struct tr_timer *t = tr__timer_stop(timer.w);
    if (!t)
        return planted;
    bool active = wanted(t->to);
    if (active && ms_left)
        *ms_left = left_of(t->node.due);
    dispose(t);
    if (tr__self())
        tr__spend(tr__self(), TR__COST_CALL);
    else
        tr__replay_outside("tr_cancel_timer");
    return active;
}

void tr_cancel_timer_async(tr_ref timer)
{
    struct tr_proc *p = TR__SELF();
    tr_pid self = { atomic_load_explicit(&p->id, memory_order_relaxed) };
    int64_t left;

    if (tr_cancel_timer(timer, &left))
        tr_send(self, TR_ATOM(cancel_timer), timer, left);
    else
        tr_send(self, TR_ATOM(cancel_timer), timer, TR_ATOM(false));
}

bool tr_read_timer(tr_ref timer, int64_t *ms_left)
{
    TR__ENTER();
    int64_t due;
    uint64_t to;

    if (!tr__timer_look(timer.w, &due, &to) || !wanted(to))
        return false;
    if (ms_left)
        *ms_left = left_of(due);
    return true;
}

/* --- between timers and their owner --- */

bool tr__timer_arrived(struct tr_proc *p, struct tr_sig *sig)
{
    struct tr_timer *t = timer_of(sig);

    (void)p;
    if (t->owned)
        list_remove(t);
    /* Written before the signal was pushed, and not since. */
    return tr__timer_is_on_its_way(sig);
}

bool tr__timer_is_on_its_way(struct tr_sig *sig)
{
    return timer_of(sig)->state != TR__TIMER_CANCELLED;
}

void tr__timers_drop(struct tr_proc *p)
{
    struct tr_timer *t;

    while ((t = tr__rare_of(p)->timers)) {
        list_remove(t);
        /* One that is not pending any more is on its way here, and is freed where it arrives. */
        if (tr__timer_stop(t->ref))
            tr__sig_free(&t->sig);
    }
}
