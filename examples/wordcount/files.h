/* SPDX-License-Identifier: MIT */
/* The files to count: the regular files below the folders given, and the files given. */
#ifndef WORDCOUNT_FILES_H
#define WORDCOUNT_FILES_H

#include <stddef.h>
#include <stdint.h>

struct file {
    char *path;
    int64_t size;
    int error; /* errno of looking at it (or at the folder, which stands for its content); or 0 */
};

struct files {
    struct file *list;
    size_t n;
    int64_t bytes; /* of all of them */
};

/*
 * Walks the paths, a NULL-terminated list. Symbolic links below them are not followed, so that each
 * file is met once and no loop is entered; pipes, devices and sockets are passed over.
 */
struct files files_find(char *const *paths);

void files_free(struct files *files);

#endif
