/* SPDX-License-Identifier: MIT */
/* A progress bar: it advances by bytes, for files differ in size. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 40

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_init(struct progress *progress, size_t files, int64_t bytes)
{
    progress->files = files;
    progress->bytes = bytes;
    progress->shown = isatty(STDERR_FILENO);
    progress->next_ms = 0;
}

void progress_update(struct progress *progress, size_t files, int64_t bytes, int64_t alive)
{
    if (!progress->shown || now_ms() < progress->next_ms)
        return;
    progress->next_ms = now_ms() + PROGRESS_MS;

    /* A file that grew since it was found must not push the bar over its end. */
    double part = progress->bytes ? (double)bytes / (double)progress->bytes : 1;
    int filled = part < 1 ? (int)(part * WIDTH) : WIDTH;

    fputs("\r[", stderr);
    for (int i = 0; i < WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %zu of %zu files, %" PRId64 " processes\033[K", files, progress->files,
            alive);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
}
