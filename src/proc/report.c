/* SPDX-License-Identifier: MIT */
/*
 * The crash report: what is known of a process at the moment it ends by its own fault.
 *
 * The process writes it itself, before anything of its clean-up has run, while it still has its
 * links, its name and its messages. The text is of bounded size, and there is one buffer for who
 * gets no memory: a process that ran out of it is reported too, without what needs memory to be
 * gathered. Where the error was raised is kept as addresses, which the log makes readable later.
 */
#include "base/fault.h"
#include "os/trace.h"
#include "proc/log.h"
#include "proc/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE    4096u
#define ITEM_SIZE    700u /* bytes of one item at most */
#define TRACE_MAX    32
#define MESSAGES_MAX 5
#define OWN_FRAMES   2 /* the innermost of a trace: functions of this file and exit.c */

struct report {
    size_t size; /* of the text, less than TEXT_SIZE */
    char text[TEXT_SIZE];
    char item[ITEM_SIZE];
};

static struct report spare;
static atomic_flag spare_taken = ATOMIC_FLAG_INIT;

static struct report *report_new(void)
{
    struct report *r = tr__fault() ? NULL : malloc(sizeof *r);

    if (!r && !atomic_flag_test_and_set_explicit(&spare_taken, memory_order_acquire))
        r = &spare;
    if (r)
        r->size = 0;
    return r;
}

static void report_free(struct report *r)
{
    if (r == &spare)
        atomic_flag_clear_explicit(&spare_taken, memory_order_release);
    else
        free(r);
}

static void add_text(struct report *r, const char *text)
{
    size_t room = TEXT_SIZE - 1 - r->size;
    size_t n = strlen(text);

    if (n > room)
        n = room;
    memcpy(r->text + r->size, text, n);
    r->size += n;
    r->text[r->size] = '\0';
}

static void add_line(struct report *r, const char *name, const char *value, bool whole)
{
    add_text(r, "\n    ");
    add_text(r, name);
    add_text(r, ": ");
    add_text(r, value);
    if (!whole)
        add_text(r, "...");
}

static void add_item(struct report *r, const char *name, tr_term value)
{
    bool whole = tr_print_to(r->item, ITEM_SIZE, value) < ITEM_SIZE;

    add_line(r, name, r->item, whole);
}

static bool own_info(uint64_t item, tr_term *value)
{
    return tr_process_info(tr_self(), (tr_atom){ item }, value);
}

static void add_info(struct report *r, const char *name, uint64_t item)
{
    tr_term value;

    if (own_info(item, &value))
        add_item(r, name, value);
}

/* {c, Function, Arity} is written c:Function/Arity. */
static void add_initial_call(struct report *r)
{
    tr_atom module, function;
    tr_term call;
    int arity;

    if (!own_info(TR_ATOM_W(initial_call), &call))
        return;
    if (!tr_match(call, &module, &function, &arity)) {
        add_item(r, "initial call", call);
        return;
    }
    int n = snprintf(r->item, ITEM_SIZE, "%s:%s/%d", tr_atom_name(module, NULL),
                     tr_atom_name(function, NULL), arity);
    add_line(r, "initial call", r->item, n < (int)ITEM_SIZE);
}

/* The dictionary without what is told under its own heading. */
static void add_dictionary(struct report *r)
{
    tr_term dictionary, pair, rest = tr_nil();

    if (!own_info(TR_ATOM_W(dictionary), &dictionary))
        return;
    while (tr_list_next(&dictionary, &pair))
        if (!tr_match(pair, TR_ATOM(dollar_ancestors), tr_any()) &&
            !tr_match(pair, TR_ATOM(dollar_initial_call), tr_any()))
            rest = tr_list_push(rest, pair);
    add_item(r, "dictionary", tr_list_reverse(rest));
}

/* The first messages of the mailbox, each cut by itself. */
static void add_messages(struct report *r, struct tr_proc *p)
{
    int n = 0;

    for (struct tr_sig *sig = p->first; sig && n < MESSAGES_MAX; sig = sig->next, n++) {
        char name[24];
        snprintf(name, sizeof name, "message %d", n + 1);
        bool whole = tr_print_to(r->item, ITEM_SIZE / 3, (tr_term){ sig->term }) < ITEM_SIZE / 3;
        add_line(r, name, r->item, whole);
    }
}

/* What needs no memory of the process's heap. */
static void add_bare(struct report *r, struct tr_proc *p, tr_term reason)
{
    const char *place = p->site + strlen(p->site) + 1;

    add_text(r, "=CRASH REPORT====\n  crasher:");
    add_item(r, "pid", tr_build(tr_self()));
    add_info(r, "registered_name", TR_ATOM_W(registered_name));
    add_item(r, "reason", reason);
    if (*place)
        add_line(r, "spawned at", place, true);
    add_info(r, "ancestors", TR_ATOM_W(ancestors));
    add_info(r, "message_queue_len", TR_ATOM_W(message_queue_len));
    add_messages(r, p);
    add_info(r, "trap_exit", TR_ATOM_W(trap_exit));
    add_info(r, "status", TR_ATOM_W(status));
    add_info(r, "memory", TR_ATOM_W(memory));
    add_info(r, "heap_size", TR_ATOM_W(heap_size));
    add_info(r, "stack_size", TR_ATOM_W(stack_size));
}

static void make_report(struct tr_proc *p, tr_term reason)
{
    const struct tr_trace *trace = tr__rare_of(p)->trace;
    struct report *r;

    if (!tr_log_allows(TR_LOG_ERROR) || !(r = report_new()))
        return;
    add_bare(r, p, reason);
    if (reason.w != TR_ATOM_W(out_of_memory)) {
        add_initial_call(r);
        add_info(r, "links", TR_ATOM_W(links));
        add_dictionary(r);
    }
    if (trace)
        add_text(r, "\n    backtrace:");
    tr__log_text(NULL, TR_LOG_ERROR, (tr_term){ 0 }, r->text, trace ? trace->pcs : NULL,
                 trace ? trace->n : 0);
    report_free(r);
}

void tr__report_trace(struct tr_proc *p, void *const *pcs, int n)
{
    struct tr_proc_rare *rare = tr__rare_make(p);
    size_t size = (size_t)n * sizeof *pcs;

    if (!rare || rare->trace)
        return;
    struct tr_trace *trace = tr__fault() ? NULL : malloc(sizeof *trace + size);
    if (!trace)
        return;
    trace->n = n;
    memcpy(trace->pcs, pcs, size);
    rare->trace = trace;
}

TR__NOINLINE void tr__report_error(struct tr_proc *p, tr_term reason)
{
    void *pcs[TRACE_MAX];

    if ((p->extra && p->extra->reported) || !tr_log_allows(TR_LOG_ERROR))
        return;
    if (!tr__rare_of(p)->trace) {
        int n = tr__trace_here(pcs, TRACE_MAX);
        int skip = n > OWN_FRAMES ? OWN_FRAMES : 0;
        tr__report_trace(p, pcs + skip, n - skip);
    }
    /* First, since making the report may itself raise an error. */
    if (p->extra)
        p->extra->reported = true;
    make_report(p, reason);
}

static bool is_orderly(tr_term reason)
{
    return reason.w == TR_ATOM_W(normal) || reason.w == TR_ATOM_W(shutdown) ||
           tr_match(reason, TR_ATOM(shutdown), tr_any());
}

void tr__report_exit(struct tr_proc *p, tr_term reason)
{
    if (!p->extra || !p->extra->reports_exits || p->extra->reported ||
        (p->flags & TR__P_SIGNALLED) || is_orderly(reason))
        return;
    p->extra->reported = true;
    make_report(p, reason);
}

void tr_report_exits(void)
{
    TR__ENTER();

    tr__extra(TR__SELF())->reports_exits = true;
}
