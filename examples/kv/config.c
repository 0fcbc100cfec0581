/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct config config = {
    .bind = "127.0.0.1",
    .port = 6379,
    .dir = ".",
    .appendfsync = FSYNC_EVERYSEC,
    .maxclients = 20000,
    .max_bulk = (size_t)512 << 20,
    .max_request = (size_t)1 << 30,
    .max_output = (size_t)1 << 20,
    .patience_ms = 10000,
};

int64_t config_started;

const char *const fsync_names[] = { "always", "everysec", "no", NULL };

static bool read_number(const char *text, long long min, long long max, long long *number)
{
    char *end;

    *number = strtoll(text, &end, 10);
    return *text && !*end && *number >= min && *number <= max;
}

static bool read_fsync(const char *text)
{
    for (int i = 0; fsync_names[i]; i++)
        if (strcmp(text, fsync_names[i]) == 0) {
            config.appendfsync = (enum fsync_policy)i;
            return true;
        }
    return false;
}

static bool read_yes_or_no(const char *value, bool *yes)
{
    *yes = strcmp(value, "yes") == 0;
    return *yes || strcmp(value, "no") == 0;
}

static bool read_option(const char *name, const char *value)
{
    long long n;

    if (strcmp(name, "--bind") == 0) {
        config.bind = value;
    } else if (strcmp(name, "--dir") == 0) {
        config.dir = value;
    } else if (strcmp(name, "--appendonly") == 0) {
        return read_yes_or_no(value, &config.appendonly);
    } else if (strcmp(name, "--enable-debug-command") == 0) {
        return read_yes_or_no(value, &config.debug);
    } else if (strcmp(name, "--appendfsync") == 0) {
        return read_fsync(value);
    } else if (strcmp(name, "--port") == 0 && read_number(value, 0, 65535, &n)) {
        config.port = (int)n;
    } else if (strcmp(name, "--maxclients") == 0 && read_number(value, 1, 1 << 20, &n)) {
        config.maxclients = n;
    } else if (strcmp(name, "--proto-max-bulk-len") == 0 &&
               read_number(value, 1024, 1LL << 31, &n)) {
        config.max_bulk = (size_t)n;
    } else if (strcmp(name, "--max-request") == 0 && read_number(value, 1024, 1LL << 32, &n)) {
        config.max_request = (size_t)n;
    } else if (strcmp(name, "--max-output") == 0 && read_number(value, 1024, 1LL << 32, &n)) {
        config.max_output = (size_t)n;
    } else if (strcmp(name, "--patience-ms") == 0 && read_number(value, 1, 1LL << 31, &n)) {
        config.patience_ms = n;
    } else {
        return false;
    }
    return true;
}

bool config_read(int argc, char **argv)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    config_started = now.tv_sec;
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !read_option(argv[i], argv[i + 1])) {
            fprintf(stderr,
                    "kv: bad option %s\n"
                    "usage: kv [--port N] [--bind ADDRESS] [--dir FOLDER] [--appendonly yes|no]\n"
                    "          [--appendfsync always|everysec|no] [--maxclients N]\n"
                    "          [--proto-max-bulk-len BYTES] [--max-request BYTES]\n"
                    "          [--max-output BYTES] [--patience-ms N]\n"
                    "          [--enable-debug-command yes|no]\n",
                    argv[i]);
            return false;
        }
    return true;
}
