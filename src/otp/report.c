/* SPDX-License-Identifier: MIT */
/*
 * The crash report: what is known of a process at the moment it ends by its own fault.
 *
 * It is written by that process itself, as the last of its deferred functions, while it still has
 * its links, its name and its dictionary. The text is of bounded size and on the stack: a process
 * that ran out of memory is reported too, without the items that need memory to be gathered.
 */
#include "otp/report.h"

#include "troupe.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_SIZE 700u /* bytes of one item at most */

tr_atoms(normal, shutdown, out_of_memory, registered_name, initial_call, ancestors,
         message_queue_len, links, dictionary, trap_exit, status, heap_size);
tr_atom_as(a_dollar_ancestors, "$ancestors");
tr_atom_as(a_dollar_initial_call, "$initial_call");

/* Where reports go. Never freed, since others may be in the middle of using it; and found without a
   lock, since a process that held one could be ended by an exit signal. */
struct sink {
    void (*fn)(const char *text, void *arg);
    void *arg;
    struct sink *before;
};

static _Atomic(struct sink *) output;

void tr_set_report_sink(void (*fn)(const char *text, void *arg), void *arg)
{
    struct sink *sink = malloc(sizeof *sink);

    if (!sink)
        return;
    *sink = (struct sink){ fn, arg, atomic_load(&output) };
    while (!atomic_compare_exchange_weak(&output, &sink->before, sink))
        ;
}

void tr__report_deliver(const struct tr_report *r)
{
    struct sink *sink = atomic_load(&output);

    if (sink && sink->fn)
        sink->fn(r->text, sink->arg);
    else
        fputs(r->text, stderr);
}

void tr__report_text(struct tr_report *r, const char *text)
{
    size_t room = sizeof r->text - 1 - r->size;
    size_t n = strlen(text);

    if (n > room)
        n = room;
    memcpy(r->text + r->size, text, n);
    r->size += n;
    r->text[r->size] = '\0';
}

void tr__report_line(struct tr_report *r, const char *name, tr_term term)
{
    char text[ITEM_SIZE];
    bool whole = tr_print_to(text, sizeof text, term) < sizeof text;

    tr__report_text(r, name);
    tr__report_text(r, ": ");
    tr__report_text(r, text);
    tr__report_text(r, whole ? "\n" : "...\n");
}

static void add_item(struct tr_report *r, const char *name, tr_term value)
{
    tr__report_text(r, "    ");
    tr__report_line(r, name, value);
}

/* The dictionary without what is told under its own heading. */
static tr_term without_reserved(tr_term dictionary)
{
    tr_term rest = tr_nil();
    tr_term pair;

    while (tr_list_next(&dictionary, &pair))
        if (!tr_match(pair, a_dollar_ancestors, tr_any()) &&
            !tr_match(pair, a_dollar_initial_call, tr_any()))
            rest = tr_list_push(rest, pair);
    return tr_list_reverse(rest);
}

static void add_info(struct tr_report *r, const char *name, tr_atom item)
{
    tr_term value;

    if (!tr_process_info(tr_self(), item, &value))
        return;
    add_item(r, name, item.w == a_dictionary.w ? without_reserved(value) : value);
}

/* {c, Function, Arity} is written c:Function/Arity. */
static void add_initial_call(struct tr_report *r)
{
    char text[ITEM_SIZE];
    tr_atom module, function;
    tr_term call;
    int arity;

    if (!tr_process_info(tr_self(), a_initial_call, &call))
        return;
    if (!tr_match(call, &module, &function, &arity)) {
        add_item(r, "initial call", call);
        return;
    }
    snprintf(text, sizeof text, "    initial call: %s:%s/%d\n", tr_atom_name(module, NULL),
             tr_atom_name(function, NULL), arity);
    tr__report_text(r, text);
}

bool tr__report_is_fault(tr_term reason)
{
    return !tr_match(reason, a_normal) && !tr_match(reason, a_shutdown) &&
           !tr_match(reason, a_shutdown, tr_any());
}

void tr__report_end(void *unused)
{
    tr_term reason = tr_exit_reason();
    struct tr_report r;

    (void)unused;
    if (tr_exit_signalled() || !tr__report_is_fault(reason))
        return;
    r.size = 0;
    tr__report_text(&r, "=CRASH REPORT====\n  crasher:\n");
    add_item(&r, "pid", tr_build(tr_self()));
    add_info(&r, "registered_name", a_registered_name);
    add_item(&r, "reason", reason);
    add_info(&r, "ancestors", a_ancestors);
    add_info(&r, "message_queue_len", a_message_queue_len);
    add_info(&r, "trap_exit", a_trap_exit);
    add_info(&r, "status", a_status);
    add_info(&r, "heap_size", a_heap_size);
    if (!tr_match(reason, a_out_of_memory)) {
        add_initial_call(&r);
        add_info(&r, "links", a_links);
        add_info(&r, "dictionary", a_dictionary);
    }
    tr__report_deliver(&r);
}
