/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark program shares: its size from the command line, and its one line of result.
 *
 * A program prints `NAME VALUE UNIT` once, when its work is done. Time is taken around the work
 * alone: the start of the runtime and of the operating system's process is not part of it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <troupe.h>

#define BENCH_NS_PER_S 1e9

/* The size of the work: the first argument, or `whole` when there is none. The word smoke stands
 * for a hundredth of the whole, what the test suite runs. Ends the program on a wrong argument. */
static inline int64_t bench_size(int argc, char **argv, int64_t whole)
{
    if (argc < 2)
        return whole;
    if (!strcmp(argv[1], "smoke"))
        return whole / 100;

    char *end;
    int64_t size = strtoimax(argv[1], &end, 10);
    if (*end != '\0' || size <= 0) {
        fprintf(stderr, "%s: the size is a positive number or smoke, not %s\n", argv[0], argv[1]);
        exit(2);
    }
    return size;
}

/* Prints the result of a program that measured a value itself. */
static inline void bench_report(const char *name, double value, const char *unit)
{
    printf("%s %.3f %s\n", name, value, unit);
    fflush(stdout);
}

/* Prints how many operations a second were done since `start_ns`. */
static inline void bench_report_rate(const char *name, int64_t operations, int64_t start_ns,
                                     const char *unit)
{
    double seconds = (double)(tr_monotonic_ns() - start_ns) / BENCH_NS_PER_S;

    bench_report(name, (double)operations / seconds, unit);
}

/* Resident memory and page tables of this program, in KiB. */
static inline int64_t bench_memory_kib(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    int64_t total = 0;

    if (!status)
        return 0;
    while (fgets(line, sizeof line, status)) {
        if (!strncmp(line, "VmRSS:", 6) || !strncmp(line, "VmPTE:", 6))
            total += strtoimax(line + 6, NULL, 10);
    }
    fclose(status);
    return total;
}

#endif
