/* SPDX-License-Identifier: MIT */
/*
 * Reports of servers. The text is of bounded size and on the stack: a server that ran out of memory
 * is reported too.
 */
#include "otp/report.h"

#include "troupe.h"

#include <stdatomic.h>
#include <string.h>

#define ITEM_SIZE 700u /* bytes of one item at most */

tr_atoms(normal, shutdown);

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

void tr__report_part(struct tr_report *r, const char *name, tr_term status, tr_atom key)
{
    tr_term part;

    if (tr_map_get(status, tr_build(key), &part))
        tr__report_line(r, name, part);
}

static _Atomic int progress_level = TR_LOG_DEBUG;

enum tr_log_level tr_log_progress_level(void)
{
    return (enum tr_log_level)atomic_load_explicit(&progress_level, memory_order_relaxed);
}

void tr_log_set_progress_level(enum tr_log_level level)
{
    if ((int)level >= TR_LOG_EMERGENCY && (int)level <= TR_LOG_DEBUG)
        atomic_store_explicit(&progress_level, (int)level, memory_order_relaxed);
}

void tr__report_deliver(struct tr_report *r, enum tr_log_level level)
{
    if (r->size > 0 && r->text[r->size - 1] == '\n')
        r->text[--r->size] = '\0';
    if (tr_log_allows(level))
        tr_log_printf(&(const struct tr_log_site){ 0 }, level, tr_build(tr_map()), "%s", r->text);
}

bool tr__report_is_fault(tr_term reason)
{
    return !tr_match(reason, a_normal) && !tr_match(reason, a_shutdown) &&
           !tr_match(reason, a_shutdown, tr_any());
}
