/* SPDX-License-Identifier: MIT */
/* What a count found, and printing it: results to standard output, problems to standard error. */
#ifndef WORDCOUNT_REPORT_H
#define WORDCOUNT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

enum outcome {
    COUNTED,
    BINARY,
    UNREADABLE,
    FAILED, /* a process that worked on it crashed */
    OUTCOMES
};

struct problem {
    enum outcome outcome;
    char *path, *reason;
};

/* The outcomes add up to the number of files. */
struct report {
    size_t files, outcomes[OUTCOMES];
    int64_t bytes; /* of the files counted */
    int64_t total_words;
    size_t distinct_words;
    struct words *words; /* all of them, or the most frequent */
    int64_t spawned, most_alive;
    double seconds;

    struct problem *problems;
    size_t nproblems;
};

void report_init(struct report *report, size_t files);
void report_free(struct report *report);

/* A file that was read to its end. */
void report_counted(struct report *report, int64_t bytes);

/* A file that was not; path and reason are copied. */
void report_problem(struct report *report, enum outcome outcome, const char *path,
                    const char *reason);

/* The problems: all, or some of each kind and how many more. */
void report_print_problems(const struct report *report, bool all);

/* The `top` most frequent words; all words in alphabetical order; the figures. */
void report_print_top(const struct report *report, size_t top);
void report_print_words(const struct report *report);
void report_print_totals(const struct report *report);

#endif
