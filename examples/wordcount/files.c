/* SPDX-License-Identifier: MIT */
/* The files to count, found by fts(3). */
#include "files.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add(struct files *files, const FTSENT *entry, int error)
{
    if ((files->n & (files->n - 1)) == 0) {
        size_t room = files->n ? files->n * 2 : 1;
        files->list = realloc(files->list, room * sizeof(*files->list));
    }
    char *path = strdup(entry->fts_path);
    if (!files->list || !path) {
        fputs("wordcount: out of memory\n", stderr);
        abort();
    }
    struct file *file = &files->list[files->n++];
    file->path = path;
    file->size = error ? 0 : (int64_t)entry->fts_statp->st_size;
    file->error = error;
    files->bytes += file->size;
}

static void visit(struct files *files, FTS *walk, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_F:
        add(files, entry, 0);
        return;
    case FTS_DNR: /* a folder that cannot be read */
    case FTS_NS:  /* nothing is known of it */
    case FTS_ERR:
        add(files, entry, entry->fts_errno);
        return;
    case FTS_SLNONE: /* given by name, but it leads nowhere */
        add(files, entry, ENOENT);
        return;
    case FTS_SL:
        if (entry->fts_level == FTS_ROOTLEVEL)
            fts_set(walk, entry, FTS_FOLLOW);
        return;
    default: /* folders; pipes, devices and sockets */
        return;
    }
}

struct files files_find(char *const *paths)
{
    struct files files = { 0 };
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    FTSENT *entry;

    if (!walk) {
        perror("wordcount");
        return files;
    }
    while ((entry = fts_read(walk)))
        visit(&files, walk, entry);
    fts_close(walk);
    return files;
}

void files_free(struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->list[i].path);
    free(files->list);
}
