/* SPDX-License-Identifier: MIT */
/*
 * Cores by affinity and by cgroup quota.
 *
 * A container with a quota of two cores on a machine of 64 must not start 64 workers: they would
 * all be stopped for the rest of each period as soon as two of them had used it up.
 */
#define _GNU_SOURCE
#include "os/cpu.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int affinity_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* Cores of "QUOTA PERIOD" (version 2's cpu.max); 0 when there is no limit. */
static int quota_in(const char *path)
{
    long quota = 0;
    long period = 0;
    FILE *f = fopen(path, "re");

    if (!f)
        return 0;
    int n = fscanf(f, "%ld %ld", &quota, &period);
    fclose(f);
    if (n != 2 || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

/* The tightest cpu.max on the way from this program's own cgroup up to the root. */
static int quota_v2(void)
{
    char line[512];
    char path[640];
    int least = 0;
    FILE *f = fopen("/proc/self/cgroup", "re");

    if (!f)
        return 0;
    bool found = false;
    while (!found && fgets(line, sizeof line, f))
        found = strncmp(line, "0::", 3) == 0;
    fclose(f);
    if (!found)
        return 0;
    char *group = line + 3;
    group[strcspn(group, "\n")] = '\0';
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        int n = quota_in(path);
        if (n > 0 && (least == 0 || n < least))
            least = n;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static long number_in(const char *path)
{
    long n = -1;
    FILE *f = fopen(path, "re");

    if (!f)
        return -1;
    if (fscanf(f, "%ld", &n) != 1)
        n = -1;
    fclose(f);
    return n;
}

static int quota_v1(void)
{
    long quota = number_in("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    long period = number_in("/sys/fs/cgroup/cpu/cpu.cfs_period_us");

    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

int tr__cpu_count(void)
{
    int n = affinity_count();
    int quota = quota_v2();

    if (quota == 0)
        quota = quota_v1();
    return quota > 0 && quota < n ? quota : n;
}

int64_t tr__cpu_time_of(pid_t thread)
{
    struct timespec used;
    /* The kernel's name for the clock of a thread: see clock_getcpuclockid. */
    clockid_t clock = (clockid_t)(~(unsigned)thread << 3 | 6);

    if (clock_gettime(clock, &used) != 0)
        return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

bool tr__cpu_waits(pid_t thread)
{
    char path[64], text[512];

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    /* NUMBER (NAME) STATE */
    const char *end = strrchr(text, ')');
    return end && end[1] && (end[2] == 'S' || end[2] == 'D');
}
