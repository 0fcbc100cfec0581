/* SPDX-License-Identifier: MIT */
/* What the command line says; set before the runtime starts, and constant from then on. */
#ifndef KV_CONFIG_H
#define KV_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATABASES = 16 };

enum fsync_policy { FSYNC_ALWAYS, FSYNC_EVERYSEC, FSYNC_NO };

struct config {
    const char *bind;
    int port; /* 0: any free one */
    const char *dir;
    bool appendonly;
    bool debug; /* DEBUG is allowed */
    enum fsync_policy appendfsync;
    int64_t maxclients;
    size_t max_bulk;     /* bytes of one argument */
    size_t max_request;  /* bytes of one request, or of the requests of one transaction */
    size_t max_output;   /* bytes of answers that may wait for a client before it is not heard */
    int64_t patience_ms; /* with a client that takes none of its answers */
};

extern struct config config;

/* When the program began: seconds of the monotonic clock. */
extern int64_t config_started;

/* The names of the policies, as on the command line. */
extern const char *const fsync_names[];

/* Reads the command line into `config`; false after a message on standard error. */
bool config_read(int argc, char **argv);

#endif
