/* SPDX-License-Identifier: MIT */
/* The sinks that write lines: standard error and syslog. */
#define _GNU_SOURCE
#include "os/log.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = { "level",   "emergency", "alert", "critical", "error",
                                     "warning", "notice",    "info",  "debug" };

const char *tr_log_level_name(enum tr_log_level level)
{
    return names[(int)level > 0 && (int)level <= TR_LOG_DEBUG ? (int)level : 0];
}

static void print_time(FILE *out, int64_t time_us)
{
    time_t seconds = (time_t)(time_us / 1000000);
    char text[32];
    struct tm tm;

    localtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    fprintf(out, "%s.%03d ", text, (int)(time_us / 1000 % 1000));
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* All but time and level, which syslog adds itself. */
static void print_body(FILE *out, const struct tr_log_event *e)
{
    if (*e->process)
        fprintf(out, "%s ", e->process);
    if (*e->name)
        fprintf(out, "(%s) ", e->name);
    if (e->site.file)
        fprintf(out, "%s:%d: ", base_name(e->site.file), e->site.line);
    fputs(e->text, out);
    for (size_t i = 0; i < e->nmeta; i++)
        fprintf(out, " %s=%s", e->meta[i].key, e->meta[i].value);
    fputc('\n', out);
    fputs(e->backtrace, out);
}

/* The text of an event, to be freed; NULL without memory. */
static char *format(const struct tr_log_event *e, bool with_time, size_t *size)
{
    char *text = NULL;
    FILE *out = tr__fault() ? NULL : open_memstream(&text, size);

    if (!out)
        return NULL;
    if (with_time) {
        print_time(out, e->time_us);
        fprintf(out, "[%s] ", tr_log_level_name(e->level));
    }
    print_body(out, e);
    fclose(out);
    return text;
}

static void write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            text += n;
            size -= (size_t)n;
        }
    }
}

void tr_sink_stderr(const struct tr_log_event *event, void *unused)
{
    size_t size = 0;
    char *text = format(event, true, &size);

    (void)unused;
    if (text)
        write_all(STDERR_FILENO, text, size);
    else
        write_all(STDERR_FILENO, "troupe: no memory for a message\n", 32);
    free(text);
}

void tr_sink_syslog(const struct tr_log_event *event, void *unused)
{
    size_t size = 0;
    char *text = format(event, false, &size);

    (void)unused;
    syslog((int)event->level - 1, "%s", text ? text : event->text);
    free(text);
}
