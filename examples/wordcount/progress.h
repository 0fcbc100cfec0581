/* SPDX-License-Identifier: MIT */
/* A progress bar on standard error, when that is a terminal; otherwise nothing. */
#ifndef WORDCOUNT_PROGRESS_H
#define WORDCOUNT_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often a bar moves. */
#define PROGRESS_MS 100

struct progress {
    size_t files;  /* all there are */
    int64_t bytes; /* of all of them */
    bool shown;
    int64_t next_ms; /* not drawn again before */
};

void progress_init(struct progress *progress, size_t files, int64_t bytes);

/* Draws when it is time to: files and bytes done, and how many processes there are now. */
void progress_update(struct progress *progress, size_t files, int64_t bytes, int64_t alive);

/* Takes the bar away. */
void progress_end(struct progress *progress);

#endif
