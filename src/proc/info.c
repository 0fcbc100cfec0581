/* SPDX-License-Identifier: MIT */
/*
 * tr_process_info: each item is a function that the process runs on itself and whose result is
 * copied to the one who asked.
 */
#include "troupe/info.h"

#include "os/trace.h"
#include "proc/call.h"
#include "proc/caps.h"
#include "proc/proc.h"
#include "term/raise.h"

#define FRAMES_MAX 64
#define TEXT_SIZE  320

static tr_term of_word(uint64_t w)
{
    return (tr_term){ w };
}

static tr_term registered_name(struct tr_proc *p)
{
    uint64_t name = atomic_load(&p->name);

    return of_word(name ? name : TR__NIL);
}

static tr_term ties_of(struct tr_proc *p, enum tr_tie_kind kind)
{
    tr_term list = tr_nil();
    struct tr_tie *tie = NULL;

    while ((tie = tr__ties_next(&p->ties, tie)))
        if (tie->kind == kind && !tie->unlink_id)
            list = tr_list_push(list, of_word(tie->peer));
    return list;
}

static tr_term links(struct tr_proc *p)
{
    return ties_of(p, TR__TIE_LINK);
}

static tr_term monitored_by(struct tr_proc *p)
{
    return ties_of(p, TR__TIE_WATCHER);
}

static tr_term monitors(struct tr_proc *p)
{
    tr_term list = tr_nil();
    struct tr_tie *tie = NULL;

    while ((tie = tr__ties_next(&p->ties, tie))) {
        if (tie->kind != TR__TIE_MONITOR)
            continue;
        tr_term object =
            tie->name ? tr_build(of_word(tie->name), TR_ATOM(nonode_nohost)) : of_word(tie->peer);
        list = tr_list_push(list, tr_build(TR_ATOM(process), object));
    }
    return list;
}

static tr_term messages(struct tr_proc *p)
{
    tr_term list = tr_nil();

    for (struct tr_sig *sig = p->first; sig; sig = sig->next)
        list = tr_list_push(list, of_word(sig->term));
    return tr_list_reverse(list);
}

static tr_term message_queue_len(struct tr_proc *p)
{
    return tr_build(p->nmessages);
}

/* Whoever answers runs at that moment; what it did before the question is what was asked. */
static tr_term status(struct tr_proc *p)
{
    if (p == tr__self() && !p->suspended)
        return TR_ATOM_TERM(running);
    return TR_ATOM_TERM(suspended);
}

static size_t stack_used(struct tr_proc *p)
{
    char here;

    if (!p->stack)
        return 0;
    char *sp = p->context.sp && tr__self() != p ? p->context.sp : &here;
    char *top = tr__stack_top(p->stack);
    return sp < top && sp > (char *)tr__stack_bottom(p->stack) ? (size_t)(top - sp) : 0;
}

static tr_term stack_size(struct tr_proc *p)
{
    return tr_build((uint64_t)stack_used(p));
}

static tr_term heap_size(struct tr_proc *p)
{
    return tr_build((uint64_t)tr__heap_used(&p->heap));
}

static tr_term total_heap_size(struct tr_proc *p)
{
    return tr_build((uint64_t)tr__heap_size(&p->heap));
}

static tr_term memory(struct tr_proc *p)
{
    size_t size = sizeof *p + tr__heap_size(&p->heap) + stack_used(p) + tr__cleanups_size(p);

    for (struct tr_sig *sig = p->first; sig; sig = sig->next)
        size += sig->size;
    return tr_build((uint64_t)size);
}

static tr_term reductions(struct tr_proc *p)
{
    return tr_build(p->reductions);
}

static tr_term trap_exit(struct tr_proc *p)
{
    return tr_build((bool)(p->flags & TR__P_TRAP_EXIT));
}

static tr_term priority(struct tr_proc *p)
{
    return of_word(tr__priority_atom(p));
}

static tr_term group_leader(struct tr_proc *p)
{
    return of_word(tr__leader(p));
}

static tr_term parent(struct tr_proc *p)
{
    return of_word(p->parent ? p->parent : TR_ATOM_W(undefined));
}

static tr_term label(struct tr_proc *p)
{
    return of_word(tr__rare_of(p)->label ? tr__rare_of(p)->label : TR_ATOM_W(undefined));
}

static tr_term ancestors(struct tr_proc *p)
{
    uint64_t list = tr__lineage(p);

    return of_word(list ? list : TR__NIL);
}

/* {c, Function, 1}, unless the process was given another one. */
tr_term tr__initial_call(struct tr_proc *p)
{
    if (p->extra && p->extra->initial_call)
        return p->extra->initial_module
                   ? tr_build((tr_term){ p->extra->initial_call }, TR_ATOM(init), 1)
                   : of_word(p->extra->initial_call);
    return tr_build(tr_intern("c"), tr_intern(p->site), 1);
}

/* What is told of a process without caps. */
static const struct tr_caps no_caps;

static const struct tr_caps *caps_of(struct tr_proc *p)
{
    return tr__rare_of(p)->caps ? tr__rare_of(p)->caps : &no_caps;
}

static tr_term max_memory(struct tr_proc *p)
{
    return tr_build((uint64_t)caps_of(p)->limits.max_memory);
}

static tr_term max_mailbox(struct tr_proc *p)
{
    return tr_build(caps_of(p)->limits.max_mailbox);
}

static tr_term mailbox_policy(struct tr_proc *p)
{
    static const uint64_t names[] = {
        [TR_MAILBOX_WAIT] = TR_ATOM_W(wait),
        [TR_MAILBOX_DROP_NEWEST] = TR_ATOM_W(drop_newest),
        [TR_MAILBOX_DROP_OLDEST] = TR_ATOM_W(drop_oldest),
        [TR_MAILBOX_EXIT] = TR_ATOM_W(exit),
    };

    return of_word(names[caps_of(p)->limits.policy]);
}

static tr_term max_reductions(struct tr_proc *p)
{
    return tr_build(caps_of(p)->limits.max_reductions);
}

/* What senders write is read with the lock held. */
static tr_term messages_dropped(struct tr_proc *p)
{
    tr__spin_lock(&p->caps_lock);
    uint64_t n = caps_of(p)->dropped;
    tr__spin_unlock(&p->caps_lock);
    return tr_build(n);
}

static tr_term senders_waiting(struct tr_proc *p)
{
    tr__spin_lock(&p->caps_lock);
    uint32_t n = caps_of(p)->waiting;
    tr__spin_unlock(&p->caps_lock);
    return tr_build(n);
}

/* The addresses of its calls; those of answering come first. Nothing while it has no stack. */
static tr_term backtrace(struct tr_proc *p)
{
    void *pcs[FRAMES_MAX];
    int n = p->stack ? tr__trace_here(pcs, FRAMES_MAX) : 0;
    tr_term list = tr_nil();

    while (n-- > 0)
        list = tr_list_push(list, tr_build((uint64_t)(uintptr_t)pcs[n]));
    return list;
}

/* The same in words. Done by who asked, since it takes more stack than the other may have. */
static tr_term describe_all(tr_term addresses)
{
    tr_term list = tr_nil(), address;
    uint64_t pc = 0;
    char text[TEXT_SIZE];

    while (tr_list_next(&addresses, &address)) {
        tr_to_uint64(address, &pc);
        tr__trace_name((const void *)(uintptr_t)pc, text, sizeof text);
        list = tr_list_push(list, tr_build((const char *)text));
    }
    return tr_list_reverse(list);
}

static const struct item {
    uint64_t name;
    tr_term (*value)(struct tr_proc *p);
} items[] = {
    { TR_ATOM_W(registered_name), registered_name },
    { TR_ATOM_W(links), links },
    { TR_ATOM_W(monitors), monitors },
    { TR_ATOM_W(monitored_by), monitored_by },
    { TR_ATOM_W(messages), messages },
    { TR_ATOM_W(message_queue_len), message_queue_len },
    { TR_ATOM_W(status), status },
    { TR_ATOM_W(stack_size), stack_size },
    { TR_ATOM_W(heap_size), heap_size },
    { TR_ATOM_W(total_heap_size), total_heap_size },
    { TR_ATOM_W(memory), memory },
    { TR_ATOM_W(reductions), reductions },
    { TR_ATOM_W(trap_exit), trap_exit },
    { TR_ATOM_W(priority), priority },
    { TR_ATOM_W(group_leader), group_leader },
    { TR_ATOM_W(dictionary), tr__dictionary },
    { TR_ATOM_W(label), label },
    { TR_ATOM_W(initial_call), tr__initial_call },
    { TR_ATOM_W(parent), parent },
    { TR_ATOM_W(ancestors), ancestors },
    { TR_ATOM_W(max_memory), max_memory },
    { TR_ATOM_W(max_mailbox), max_mailbox },
    { TR_ATOM_W(mailbox_policy), mailbox_policy },
    { TR_ATOM_W(max_reductions), max_reductions },
    { TR_ATOM_W(messages_dropped), messages_dropped },
    { TR_ATOM_W(senders_waiting), senders_waiting },
    { TR_ATOM_W(backtrace), backtrace },
};

#define NITEMS (sizeof items / sizeof *items)

static size_t index_of(uint64_t name)
{
    for (size_t i = 0; i < NITEMS; i++)
        if (items[i].name == name)
            return i;
    tr__raise_badarg(of_word(name));
}

static tr_term examine(struct tr_proc *p, uint64_t index)
{
    return items[index].value(p);
}

/* What a process does that somebody else looks at. */
static tr_term status_of(struct tr_proc *p)
{
    return atomic_load_explicit(&p->inbox, memory_order_relaxed) == TR__ASLEEP
               ? TR_ATOM_TERM(waiting)
               : TR_ATOM_TERM(runnable);
}

bool tr_process_info(tr_pid pid, tr_atom item, tr_term *value)
{
    TR__ENTER();
    size_t index = index_of(item.w);
    struct tr_proc *p = tr__proc_at(pid.w);
    tr_term answer;

    if ((pid.w & 7) != TR__TAG_PID)
        tr__raise_badarg(pid.w ? of_word(pid.w) : tr_nil());
    if (!p)
        return false;
    /* What has arrived by now belongs to the answer; another process has seen to that when it
       comes to the request, and must not look at what came later: it would overtake the rest.
     */
    if (p == tr__self())
        tr__take_signals(p);
    tr_term before = status_of(p);
    if (!tr__call(pid.w, examine, index, &answer))
        return false;
    if (item.w == TR_ATOM_W(status) && pid.w != tr_self().w && answer.w == TR_ATOM_W(running))
        answer = before;
    if (item.w == TR_ATOM_W(backtrace))
        answer = describe_all(answer);
    *value = answer;
    return true;
}

bool tr_process_info_list(tr_pid pid, tr_term names, tr_term *values)
{
    tr_term list = tr_nil();
    tr_term rest = names;
    tr_term name, value;

    while (tr_list_next(&rest, &name)) {
        if (!tr_process_info(pid, (tr_atom){ name.w }, &value))
            return false;
        list = tr_list_push(list, tr_build(name, value));
    }
    if (!tr_is_nil(rest))
        tr__raise_badarg(names);
    *values = tr_list_reverse(list);
    return true;
}

tr_term tr_processes(void)
{
    uint32_t end = tr__slot_end();
    tr_term list = tr_nil();

    for (uint32_t i = 1; i < end; i++) {
        struct tr_proc *p = tr__slot_at(i);
        uint64_t id = atomic_load_explicit(&p->id, memory_order_acquire);
        if (id && tr__proc_alive(id))
            list = tr_list_push(list, of_word(id));
    }
    return list;
}
