/* SPDX-License-Identifier: MIT */
/* The count as a plain loop: what the processes must come to as well. */
#include <string.h>

#include "job.h"
#include "progress.h"
#include "reader.h"

static void count_file(struct job *job, const struct file *file)
{
    struct report *report = &job->report;
    struct reader reader;
    enum reader_status status;
    int64_t bytes = 0;

    if (file->error) {
        report_problem(report, UNREADABLE, file->path, strerror(file->error));
        return;
    }
    if (!reader_open(&reader, file->path)) {
        report_problem(report, UNREADABLE, file->path, strerror(reader.error));
        return;
    }
    while ((status = reader_next(&reader)) == READER_TEXT) {
        words_count(report->words, reader.text, reader.size);
        bytes += (int64_t)reader.size;
    }
    if (status == READER_END)
        report_counted(report, bytes);
    else if (status == READER_BINARY)
        report_problem(report, BINARY, file->path, READER_BINARY_REASON);
    else
        report_problem(report, UNREADABLE, file->path, strerror(reader.error));
    reader_close(&reader);
}

void count_sequentially(struct job *job)
{
    struct report *report = &job->report;
    struct progress progress;
    int64_t bytes = 0;

    progress_init(&progress, job->files.n, job->files.bytes);
    for (size_t i = 0; i < job->files.n; i++) {
        count_file(job, &job->files.list[i]);
        bytes += job->files.list[i].size;
        progress_update(&progress, i + 1, bytes, 0);
    }
    progress_end(&progress);
    report->total_words = words_total(report->words);
    report->distinct_words = words_distinct(report->words);
}
