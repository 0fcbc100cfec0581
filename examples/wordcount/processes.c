/* SPDX-License-Identifier: MIT */
/*
 * The count by processes.
 *
 *     coordinator -> file    one for each file, at most job->concurrency at once
 *     file        -> chunk   one for each stretch of a window of its file
 *     chunk       -> reducer {add, Chunk, Map}: to each reducer the words that are its own
 *     reducer     -> chunk   added
 *     chunk       -> file    'DOWN'
 *     file        -> coordinator {file, Index, Outcome, Bytes, Chunks, Alive, Reason}, then 'DOWN'
 *     reducer     -> coordinator {words, [{Word, Count}]}..., {sums, Total, Distinct}
 *
 * Each waits for those it started, and a chunk until its words were added: so what is under way is
 * bounded by `concurrency` windows, and when the last file is done all words are in the reducers.
 * A word belongs to one reducer, chosen by its hash. A crash is seen by whoever started the
 * process: a chunk's file counts as failed, and so does a file's own. A reducer is linked: without
 * it there is no result.
 */
#include <stdlib.h>
#include <string.h>

#include <troupe.h>

#include "job.h"
#include "progress.h"
#include "reader.h"
#include "text.h"

tr_atoms(add, added, file, get, words, sums, crashed_on, DOWN, process, normal);

/* How many words one message of a reducer's answer holds. */
#define ANSWER_BATCH 1000

/* --- reducers --- */

static void add_map(struct words *words, tr_term map)
{
    struct tr_map_iter iter;
    tr_term key, value;
    tr_bin word;
    int64_t count;

    for (tr_map_iter_init(&iter, map); tr_map_next(&iter, &key, &value);) {
        if (tr_match(key, &word) && tr_match(value, &count))
            words_add(words, word.data, word.size, count);
    }
}

/* The `limit` most frequent words, most frequent last in each batch, and the sums. */
static void answer(const struct words *words, tr_pid to, size_t limit)
{
    size_t n;
    struct word *ranked = words_ranked(words, &n);

    tr_defer(free, ranked);
    if (n > limit)
        n = limit;
    for (size_t i = 0; i < n;) {
        tr_scope
        {
            tr_term list = tr_nil();
            for (size_t end = i + ANSWER_BATCH; i < n && i < end; i++) {
                tr_bin text = { ranked[i].text, ranked[i].length };
                list = tr_list_push(list, tr_build(text, ranked[i].count));
            }
            tr_send(to, a_words, list);
        }
    }
    tr_send(to, a_sums, words_total(words), words_distinct(words));
}

static void reduce(tr_term arg)
{
    struct words *words = words_new();
    tr_pid from;
    tr_term map;
    uint64_t limit;

    (void)arg;
    tr_defer(words_free, words);
    for (;;) {
        tr_receive (m) {
            tr_on (m, a_add, &from, &map) {
                add_map(words, map);
                tr_send(from, a_added);
            }
            tr_on (m, a_get, &from, &limit) {
                answer(words, from, limit);
                return;
            }
        }
    }
}

/* --- chunks --- */

static void crash_if_met(const struct words *words, tr_bin fatal)
{
    const struct word *word;
    size_t at = 0;

    while (fatal.size && (word = words_next(words, &at))) {
        if (word->length == fatal.size && memcmp(word->text, fatal.data, fatal.size) == 0)
            tr_error(a_crashed_on, fatal);
    }
}

/* The reducer of a word. Mixed once more, for the bits that choose the reducer would be the same in
   all words of its table, and the table goes by them too. */
static size_t part_of(const struct word *word, size_t parts)
{
    uint32_t mixed = word->hash * 2654435769u;

    return (size_t)((uint64_t)mixed * parts >> 32);
}

/* Sends reducer `part` of `parts` its words; false when there are none. */
static bool send_part(const struct words *words, tr_term reducers, size_t part, tr_term *keys,
                      tr_term *counts)
{
    size_t n = 0, at = 0, parts = tr_tuple_size(reducers);
    const struct word *word;

    tr_scope
    {
        while ((word = words_next(words, &at))) {
            if (part_of(word, parts) != part)
                continue;
            keys[n] = tr_binary(word->text, word->length);
            counts[n++] = tr_build(word->count);
        }
        if (n > 0)
            tr_send(tr_element(reducers, part), a_add, tr_self(),
                    tr_map_from_arrays(keys, counts, n));
    }
    return n > 0;
}

static void count_chunk(tr_term arg)
{
    struct words *words = words_new();
    tr_bin text = { 0 }, fatal = { 0 };
    tr_term reducers = tr_nil();

    tr_defer(words_free, words);
    tr_match(arg, &text, &reducers, &fatal);
    words_count(words, text.data, text.size);
    crash_if_met(words, fatal);

    tr_term *keys = tr_alloc(words_distinct(words) * sizeof(*keys));
    tr_term *counts = tr_alloc(words_distinct(words) * sizeof(*counts));
    int waiting = 0;
    for (size_t part = 0; part < tr_tuple_size(reducers); part++)
        waiting += send_part(words, reducers, part, keys, counts);
    while (waiting-- > 0) {
        tr_receive (m) {
            tr_on (m, a_added) {
            }
        }
    }
}

/* --- files --- */

/* What a file's process knows of its work so far. */
struct tally {
    int64_t bytes, chunks, lost, most_alive;
    tr_term crash; /* the reason of the first crash, kept */
};

static int spawn_chunks(const struct reader *reader, size_t chunk_size, tr_term reducers,
                        tr_bin fatal)
{
    int n = 0;
    tr_ref ref;

    tr_scope
    {
        tr_term text = tr_binary(reader->text, reader->size);
        for (size_t at = 0, size; at < reader->size; at += size, n++) {
            size = text_cut(reader->text + at, reader->size - at, chunk_size);
            tr_spawn_monitor(count_chunk, &ref, tr_sub_binary(text, at, size), reducers, fatal);
        }
    }
    return n;
}

static void await_chunks(int n, struct tally *tally)
{
    tr_term reason;

    while (n-- > 0) {
        tr_receive (m) {
            tr_on (m, a_DOWN, tr_any(), a_process, tr_any(), a_normal) {
            }
            tr_on (m, a_DOWN, tr_any(), a_process, tr_any(), &reason) {
                if (tally->lost++ == 0)
                    tally->crash = tr_keep(reason);
            }
        }
    }
}

static enum outcome outcome_of(enum reader_status status, const struct tally *tally)
{
    if (status == READER_BINARY)
        return BINARY;
    if (status == READER_ERROR)
        return UNREADABLE;
    return tally->lost ? FAILED : COUNTED;
}

static tr_term reason_of(enum outcome outcome, const struct reader *reader,
                         const struct tally *tally)
{
    switch (outcome) {
    case BINARY:
        return tr_build(READER_BINARY_REASON);
    case UNREADABLE:
        return tr_build(strerror(reader->error));
    case FAILED:
        return tr_build(tr_inspect(tally->crash));
    default:
        return tr_build("");
    }
}

static enum reader_status read_file(struct reader *reader, tr_term arg, struct tally *tally)
{
    const char *path = "";
    tr_term reducers = tr_nil();
    tr_bin fatal = { 0 };
    uint64_t chunk_size = 0;
    enum reader_status status;

    tr_match(arg, tr_any(), &path, &reducers, &chunk_size, &fatal);
    if (!reader_open(reader, path))
        return READER_ERROR;
    tr_defer(reader_close, reader);
    while ((status = reader_next(reader)) == READER_TEXT) {
        int n = spawn_chunks(reader, chunk_size, reducers, fatal);
        if (tr_process_count() > tally->most_alive)
            tally->most_alive = tr_process_count();
        await_chunks(n, tally);
        tally->chunks += n;
        tally->bytes += (int64_t)reader->size;
    }
    return status;
}

static void count_file(tr_term arg)
{
    struct reader *reader = tr_alloc(sizeof(*reader));
    struct tally tally = { 0 };
    enum outcome outcome = outcome_of(read_file(reader, arg, &tally), &tally);

    tr_send(tr_parent(), a_file, tr_element(arg, 0), (int)outcome, tally.bytes, tally.chunks,
            tally.most_alive, reason_of(outcome, reader, &tally));
}

/* --- the coordinator --- */

struct running {
    tr_ref monitor;
    size_t index; /* in the list of files */
};

struct coordinator {
    struct job *job;
    tr_term reducers;        /* a tuple of pids */
    struct running *running; /* the first nrunning of `concurrency` slots are in use */
    int nrunning;
    size_t next;  /* the file to start next */
    size_t ended; /* files done with, whatever came of them */
    int64_t ended_bytes;
    struct progress progress;
};

static void file_ended(struct coordinator *c, size_t index)
{
    c->ended++;
    c->ended_bytes += c->job->files.list[index].size;
}

static void start_file(struct coordinator *c)
{
    size_t index = c->next++;
    const struct job *job = c->job;
    const struct file *file = &job->files.list[index];

    if (file->error) {
        report_problem(&c->job->report, UNREADABLE, file->path, strerror(file->error));
        file_ended(c, index);
        return;
    }
    struct running *running = &c->running[c->nrunning++];
    running->index = index;
    tr_spawn_monitor(count_file, &running->monitor, index, file->path, c->reducers, job->chunk,
                     job->crash_on ? job->crash_on : "");
    c->job->report.spawned++;
}

static void on_file(struct coordinator *c, uint64_t index, int outcome, int64_t bytes,
                    const char *reason)
{
    struct report *report = &c->job->report;

    if (outcome == COUNTED)
        report_counted(report, bytes);
    else
        report_problem(report, (enum outcome)outcome, c->job->files.list[index].path, reason);
}

static void on_file_down(struct coordinator *c, tr_ref monitor, tr_term reason)
{
    int i = 0;

    while (i < c->nrunning && c->running[i].monitor.w != monitor.w)
        i++;
    if (i == c->nrunning)
        return;
    size_t index = c->running[i].index;
    c->running[i] = c->running[--c->nrunning];
    file_ended(c, index);
    if (!tr_match(reason, a_normal))
        report_problem(&c->job->report, FAILED, c->job->files.list[index].path, tr_inspect(reason));
}

/* Takes one message of the files' processes, or none for a while. */
static void await_files(struct coordinator *c)
{
    struct report *report = &c->job->report;
    uint64_t index;
    int outcome;
    int64_t bytes, chunks, alive;
    const char *text;
    tr_ref monitor;
    tr_term reason;

    tr_receive (m) {
        tr_on (m, a_file, &index, &outcome, &bytes, &chunks, &alive, &text) {
            on_file(c, index, outcome, bytes, text);
            report->spawned += chunks;
            if (alive > report->most_alive)
                report->most_alive = alive;
        }
        tr_on (m, a_DOWN, &monitor, a_process, tr_any(), &reason)
            on_file_down(c, monitor, reason);
        tr_after (m, PROGRESS_MS) {
        }
    }
}

/* One for each scheduler, within bounds: more share the work, and each costs each chunk a message.
 */
static int reducers_for(int schedulers)
{
    const int fewest = 2, most = 8;

    if (schedulers < fewest)
        return fewest;
    return schedulers < most ? schedulers : most;
}

static void start_reducers(struct coordinator *c)
{
    int n = c->job->reducers ? c->job->reducers : reducers_for(tr_schedulers_online());
    tr_term pids[JOB_MAX_REDUCERS];

    for (int i = 0; i < n; i++)
        pids[i] = tr_build(tr_spawn_link(reduce));
    c->reducers = tr_tuple_from_array(pids, (size_t)n);
    c->job->report.spawned += n;
}

static void take_words(struct words *words, tr_term list)
{
    tr_term item;
    tr_bin text;
    int64_t count;

    while (tr_list_next(&list, &item)) {
        if (tr_match(item, &text, &count))
            words_add(words, text.data, text.size, count);
    }
}

static void ask_reducer(const struct job *job, struct report *report, tr_term reducer)
{
    tr_term list;
    int64_t total;
    uint64_t distinct;
    bool done = false;

    tr_send(reducer, a_get, tr_self(), job->all_words ? UINT64_MAX : job->top);
    while (!done) {
        tr_receive (m) {
            tr_on (m, a_words, &list)
                take_words(report->words, list);
            tr_on (m, a_sums, &total, &distinct) {
                report->total_words += total;
                report->distinct_words += distinct;
                done = true;
            }
        }
    }
}

void count_by_processes(struct job *job)
{
    struct coordinator c = { .job = job };
    int concurrency = job->concurrency;

    job->report.spawned = 1; /* the caller */
    start_reducers(&c);
    c.running = tr_alloc((size_t)concurrency * sizeof(*c.running));
    progress_init(&c.progress, job->files.n, job->files.bytes);
    while (c.ended < job->files.n) {
        while (c.nrunning < concurrency && c.next < job->files.n)
            start_file(&c);
        if (c.nrunning > 0)
            await_files(&c);
        progress_update(&c.progress, c.ended, c.ended_bytes, tr_process_count());
    }
    progress_end(&c.progress);
    for (size_t i = 0; i < tr_tuple_size(c.reducers); i++)
        ask_reducer(job, &job->report, tr_element(c.reducers, i));
}
