/* SPDX-License-Identifier: MIT */
/* What is to be counted, and the two ways of doing it, which come to the same result. */
#ifndef WORDCOUNT_JOB_H
#define WORDCOUNT_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "files.h"
#include "report.h"

/* So many reducers at most: each chunk sends each of them one map. */
#define JOB_MAX_REDUCERS 64

struct job {
    struct files files;
    size_t top;           /* so many words are asked for */
    bool all_words;       /* or all */
    int concurrency;      /* files in work at once, at most */
    int reducers;         /* 0: as many as suits the machine */
    size_t chunk;         /* bytes counted by one process, roughly */
    const char *crash_on; /* a process that meets this word crashes; NULL for none */
    struct report report;
};

/* One process for each chunk of each file; the caller is a process. Blocks. */
void count_by_processes(struct job *job);

/* One loop, no process. Blocks. */
void count_sequentially(struct job *job);

#endif
