/* SPDX-License-Identifier: MIT */
/*
 * Events of the log: one block each, with all its texts. A backtrace travels as addresses and is
 * put into words by the first sink that reads it, on its thread.
 */
#define _GNU_SOURCE
#include "os/log_event.h"

#include "base/fault.h"
#include "os/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 512
#define INDENT    "        "

static pthread_mutex_t lines_lock = PTHREAD_MUTEX_INITIALIZER;

static size_t text_size(const char *text)
{
    return strlen(text ? text : "") + 1;
}

/* Copies a text to *at and steps over it. */
static const char *pack(char **at, const char *text)
{
    size_t size = text_size(text);
    char *copy = *at;

    memcpy(copy, text ? text : "", size);
    *at += size;
    return copy;
}

int64_t tr__log_now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* One block: the event, its pairs, the addresses, the texts. */
struct tr_log_shared *tr__log_event_new(const struct tr_log_draft *draft)
{
    const struct tr_log_event *from = &draft->event;
    size_t pairs = from->nmeta * sizeof *from->meta;
    size_t pcs = (size_t)draft->npcs * sizeof *draft->pcs;
    size_t size = sizeof(struct tr_log_shared) + pairs + pcs + text_size(from->process) +
                  text_size(from->name) + text_size(from->text);

    for (size_t i = 0; i < from->nmeta; i++)
        size += text_size(from->meta[i].key) + text_size(from->meta[i].value);
    struct tr_log_shared *e = tr__fault() ? NULL : malloc(size);
    if (!e)
        return NULL;
    struct tr_log_pair *meta = (struct tr_log_pair *)(e + 1);
    void **addresses = (void **)(meta + from->nmeta);
    char *at = (char *)(addresses + draft->npcs);
    *e =
        (struct tr_log_shared){ .public = *from, .refs = 1, .npcs = draft->npcs, .pcs = addresses };
    if (pcs)
        memcpy(addresses, draft->pcs, pcs);
    e->public.time_us = tr__log_now_us();
    e->public.process = pack(&at, from->process);
    e->public.name = pack(&at, from->name);
    e->public.text = pack(&at, from->text);
    e->public.backtrace = "";
    e->public.meta = meta;
    for (size_t i = 0; i < from->nmeta; i++) {
        meta[i].key = pack(&at, from->meta[i].key);
        meta[i].value = pack(&at, from->meta[i].value);
    }
    return e;
}

void tr__log_event_release(struct tr_log_shared *e)
{
    if (--e->refs > 0)
        return;
    free(e->backtrace);
    free(e);
}

/* How many addresses from `i` on are the same, as in a recursion without end. */
static int run_length(void *const *pcs, int n, int i)
{
    int length = 1;

    while (i + length < n && pcs[i + length] == pcs[i])
        length++;
    return length;
}

/* Names, files and lines instead of addresses: slow, so on the thread of a sink. */
static char *describe_all(void *const *pcs, int n)
{
    char line[LINE_SIZE], *text = NULL;
    size_t size = 0;
    FILE *out = tr__fault() ? NULL : open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (int i = 0, length; i < n; i += length) {
        length = run_length(pcs, n, i);
        tr__trace_describe(pcs[i], line, sizeof line);
        fprintf(out, INDENT "%s\n", line);
        if (length > 1)
            fprintf(out, INDENT "... and again, %d times\n", length - 1);
    }
    fclose(out);
    return text;
}

struct tr_log_event tr__log_event_view(struct tr_log_shared *e)
{
    struct tr_log_event view = e->public;

    if (e->npcs > 0) {
        pthread_mutex_lock(&lines_lock);
        if (!e->backtrace)
            e->backtrace = describe_all(e->pcs, e->npcs);
        if (e->backtrace)
            view.backtrace = e->backtrace;
        pthread_mutex_unlock(&lines_lock);
    }
    return view;
}
