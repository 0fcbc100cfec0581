/* SPDX-License-Identifier: MIT */
/*
 * wordcount: counts the words of all files below some folders, by a process for each chunk of each
 * file. README.md says how it is made; this file reads the command line and prints the result.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <troupe.h>

#include "job.h"

static struct job job = { .top = 20, .concurrency = 200, .chunk = 512 };
static bool sequential, list_problems;
static char *default_paths[] = { "/usr/include", "/usr/share/doc", NULL };

static const char usage[] =
    "usage: wordcount [OPTION]... [FILE OR FOLDER]...\n"
    "Counts words; without arguments those of /usr/include and /usr/share/doc.\n"
    "\n"
    "  --top N          show the N most frequent words (20)\n"
    "  --dump           show all words in alphabetical order instead\n"
    "  --list           list each file that could not be counted, not just the first ones\n"
    "  --concurrency N  files in work at once (200)\n"
    "  --chunk BYTES    how much text one process counts (512)\n"
    "  --reducers N     processes that add up the words (one for each processor, 2 to 8)\n"
    "  --sequential     the plain loop instead of processes\n"
    "  --crash-on WORD  the process that meets WORD crashes, to see what becomes of the rest\n";

static const struct option long_options[] = {
    { "top", required_argument, NULL, 't' },   { "dump", no_argument, NULL, 'd' },
    { "list", no_argument, NULL, 'l' },        { "concurrency", required_argument, NULL, 'c' },
    { "chunk", required_argument, NULL, 'k' }, { "reducers", required_argument, NULL, 'r' },
    { "sequential", no_argument, NULL, 's' },  { "crash-on", required_argument, NULL, 'x' },
    { "help", no_argument, NULL, 'h' },        { NULL, 0, NULL, 0 },
};

static void fail(const char *text)
{
    fprintf(stderr, "wordcount: %s\n%s", text, usage);
    exit(2);
}

static int number(int from, int to)
{
    char *end;
    long n = strtol(optarg, &end, 10);

    if (end == optarg || *end || n < from || n > to)
        fail("a number is out of range");
    return (int)n;
}

static void read_options(int argc, char **argv)
{
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 't':
            job.top = (size_t)number(0, 1000000);
            break;
        case 'd':
            job.all_words = true;
            break;
        case 'l':
            list_problems = true;
            break;
        case 'c':
            job.concurrency = number(1, 100000);
            break;
        case 'k':
            job.chunk = (size_t)number(16, 65536);
            break;
        case 'r':
            job.reducers = number(1, JOB_MAX_REDUCERS);
            break;
        case 's':
            sequential = true;
            break;
        case 'x':
            job.crash_on = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fail("what is meant?");
        }
    }
}

/* Each file in work holds a descriptor: no more of them than the system gives. */
static void bound_concurrency(void)
{
    struct rlimit limit;
    const rlim_t others = 64;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < (rlim_t)job.concurrency + others)
        job.concurrency = limit.rlim_cur > others ? (int)(limit.rlim_cur - others) : 1;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void body(tr_term args)
{
    (void)args;
    count_by_processes(&job);
}

static void print(void)
{
    report_print_problems(&job.report, list_problems);
    if (job.all_words)
        report_print_words(&job.report);
    else
        report_print_top(&job.report, job.top);
    report_print_totals(&job.report);
}

int main(int argc, char **argv)
{
    int status = 0;
    double start = now();

    read_options(argc, argv);
    bound_concurrency();
    job.files = files_find(optind < argc ? argv + optind : default_paths);
    report_init(&job.report, job.files.n);
    if (sequential)
        count_sequentially(&job);
    else
        status = tr_main(argc, argv, body);
    job.report.seconds = now() - start;

    if (status == 0)
        print();
    report_free(&job.report);
    files_free(&job.files);
    return status;
}
