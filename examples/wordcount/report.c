/* SPDX-License-Identifier: MIT */
/* What a count found, and printing it. */
#include "report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS_SHOWN 3

static const char *const outcome_names[OUTCOMES] = { "counted", "binary", "unreadable", "failed" };

void report_init(struct report *report, size_t files)
{
    memset(report, 0, sizeof(*report));
    report->files = files;
    report->words = words_new();
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->nproblems; i++) {
        free(report->problems[i].path);
        free(report->problems[i].reason);
    }
    free(report->problems);
    words_free(report->words);
}

void report_counted(struct report *report, int64_t bytes)
{
    report->outcomes[COUNTED]++;
    report->bytes += bytes;
}

void report_problem(struct report *report, enum outcome outcome, const char *path,
                    const char *reason)
{
    size_t n = report->nproblems;

    report->outcomes[outcome]++;
    if ((n & (n - 1)) == 0)
        report->problems = realloc(report->problems, (n ? n * 2 : 1) * sizeof(struct problem));
    struct problem problem = { outcome, strdup(path), strdup(reason) };
    if (!report->problems || !problem.path || !problem.reason) {
        fputs("wordcount: out of memory\n", stderr);
        abort();
    }
    report->problems[report->nproblems++] = problem;
}

/* A name is whatever bytes the disk holds: control characters would reach the terminal. */
static void print_path(const char *path)
{
    for (; *path; path++)
        fputc(iscntrl((unsigned char)*path) ? '?' : *path, stderr);
}

void report_print_problems(const struct report *report, bool all)
{
    size_t seen[OUTCOMES] = { 0 };

    for (size_t i = 0; i < report->nproblems; i++) {
        const struct problem *problem = &report->problems[i];
        if (seen[problem->outcome]++ >= PROBLEMS_SHOWN && !all)
            continue;
        fprintf(stderr, "%-10s  ", outcome_names[problem->outcome]);
        print_path(problem->path);
        fprintf(stderr, ": %s\n", problem->reason);
    }
    for (int outcome = BINARY; outcome < OUTCOMES && !all; outcome++) {
        if (seen[outcome] > PROBLEMS_SHOWN)
            fprintf(stderr, "%-10s  and %zu more (--list shows them)\n", outcome_names[outcome],
                    seen[outcome] - PROBLEMS_SHOWN);
    }
}

void report_print_top(const struct report *report, size_t top)
{
    size_t n;
    struct word *words = words_ranked(report->words, &n);

    for (size_t i = 0; i < n && i < top; i++)
        printf("%4zu  %10" PRId64 "  %.*s\n", i + 1, words[i].count, (int)words[i].length,
               words[i].text);
    free(words);
}

void report_print_words(const struct report *report)
{
    size_t n;
    struct word *words = words_sorted(report->words, &n);

    for (size_t i = 0; i < n; i++) {
        fwrite(words[i].text, 1, words[i].length, stdout);
        printf("\t%" PRId64 "\n", words[i].count);
    }
    free(words);
}

/* The high-water mark of resident memory in MiB, or 0 when the kernel does not say. */
static double peak_memory(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (status && fgets(line, sizeof(line), status)) {
        if (sscanf(line, "VmHWM: %ld", &kib) == 1)
            break;
    }
    if (status)
        fclose(status);
    return (double)kib / 1024;
}

void report_print_totals(const struct report *report)
{
    double seconds = report->seconds > 0 ? report->seconds : 1e-9;

    printf("files                %10zu  (", report->files);
    for (int outcome = 0; outcome < OUTCOMES; outcome++)
        printf("%s%zu %s", outcome ? ", " : "", report->outcomes[outcome], outcome_names[outcome]);
    printf(")\n");
    printf("bytes                %10" PRId64 "\n", report->bytes);
    printf("words                %10" PRId64 "\n", report->total_words);
    printf("distinct words       %10zu\n", report->distinct_words);
    printf("seconds              %10.2f\n", report->seconds);
    printf("files per second     %10.0f\n", (double)report->files / seconds);
    printf("MB per second        %10.1f\n", (double)report->bytes / 1e6 / seconds);
    printf("processes spawned    %10" PRId64 "\n", report->spawned);
    printf("most alive at once   %10" PRId64 "\n", report->most_alive);
    printf("peak memory, MiB     %10.1f\n", peak_memory());
}
