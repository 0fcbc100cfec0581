/* SPDX-License-Identifier: MIT */
/* The one place where a full mailbox is spoken of: one event a second, however many there are. */
#include "base/clock.h"
#include "proc/caps.h"
#include "proc/log.h"

#include <stdio.h>

static struct {
    _Atomic(int64_t) next; /* when there may be another one, ns */
    _Atomic(uint32_t) left_out;
} reports;

static void print_pid(char *text, size_t size, uint64_t pid)
{
    if (pid)
        tr_print_to(text, size, (tr_term){ pid });
    else
        snprintf(text, size, "outside");
}

void tr__caps_log(const struct tr_caps_report *r)
{
    int64_t now = tr__clock_ns();
    int64_t next = atomic_load(&reports.next);
    char pid[48], top[48], text[256];

    if (now < next || !atomic_compare_exchange_strong(&reports.next, &next, now + TR__NS_PER_S)) {
        atomic_fetch_add(&reports.left_out, 1);
        return;
    }
    print_pid(pid, sizeof pid, r->pid);
    print_pid(top, sizeof top, r->top);
    int n =
        snprintf(text, sizeof text, "the mailbox of %s (%s) is full: %u messages; top sender %s",
                 pid, r->site, r->queued, top);
    uint32_t left_out = atomic_exchange(&reports.left_out, 0);
    if (left_out && n > 0 && (size_t)n < sizeof text)
        snprintf(text + n, sizeof text - (size_t)n, "; %u more mailboxes became full before",
                 left_out);
    tr__log_text(NULL, TR_LOG_WARNING, (tr_term){ 0 }, text, NULL, 0);
}
