/* SPDX-License-Identifier: MIT */
/*
 * The log.
 *
 *     tr_log_info("listening on port %d", port);                  as printf
 *     tr_log_term(TR_LOG_ERROR, a_cannot_open, path, reason);     terms, as tr_build takes them
 *     tr_log_meta(TR_LOG_NOTICE, tr_map(a_user, 42), "logged in");
 *
 * Each message becomes an event, with its level, the time, the place in the source, the process and
 * its name, and pairs of metadata. The event goes to every sink that takes its level: at the start
 * to one, named "default", that writes lines to standard error. A program adds others, which write
 * to syslog, to journald, or call a function of its own:
 *
 *     tr_err err = tr_log_add_sink("journal", &(struct tr_sink){ .write = tr_sink_journald });
 *
 * Logging never waits for a sink. Each has a queue and a thread of its own; what the sink cannot
 * take in time is dropped, and a message that says how much takes its place. When the runtime
 * stops and when the program exits, what is queued is still written, for one second at most.
 */
#ifndef TROUPE_LOG_H
#define TROUPE_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "troupe/error.h"
#include "troupe/term.h"
#include "troupe/version.h"

/* As in OTP and in syslog, most urgent first. One level includes those before it. */
enum tr_log_level {
    TR_LOG_EMERGENCY = 1,
    TR_LOG_ALERT,
    TR_LOG_CRITICAL,
    TR_LOG_ERROR,
    TR_LOG_WARNING,
    TR_LOG_NOTICE,
    TR_LOG_INFO,
    TR_LOG_DEBUG
};

/* Where a message stands in the source. */
struct tr_log_site {
    const char *file;
    const char *function;
    int line;
};

/* One pair of metadata, as text. */
struct tr_log_pair {
    const char *key;
    const char *value;
};

/* What a sink gets; borrowed until it returns. Texts are UTF-8, as far as the program's are. */
struct tr_log_event {
    enum tr_log_level level;
    int64_t time_us;                /* microseconds since 1970 began */
    tr_pid pid;                     /* w of 0: not from a process */
    const char *process;            /* the pid as text, "" if there is none */
    const char *name;               /* that the process had registered, or "" */
    struct tr_log_site site;        /* file NULL: not known */
    const char *text;               /* one or more lines, without a newline at the end */
    const char *backtrace;          /* "" or lines, each with its newline */
    const struct tr_log_pair *meta; /* of the process and of the call, whose keys come before */
    size_t nmeta;
};

typedef void (*tr_sink_fn)(const struct tr_log_event *event, void *arg);

/* Zero is the default of each. */
struct tr_sink {
    tr_sink_fn write;        /* called on the sink's own thread, for one event at a time */
    void *arg;               /* for `write` */
    enum tr_log_level level; /* it takes this level and those more urgent; all */
    int max_queue;           /* so many events may wait; 1,000 */
    int max_per_second; /* so many may come in one second; 500, and TR_SINK_ANY for any number */
};

#define TR_SINK_ANY (-1)

TR_HEADER_BEGIN

/*
 * Adds a sink. TR_EEXIST: the name is taken; TR_EINVAL: no name, or one of more than 31 bytes, no
 * function, or a number out of range; TR_ENOMEM. Any thread. (logger:add_handler/3)
 */
TR_MUST_USE tr_err tr_log_add_sink(const char *name, const struct tr_sink *sink);

/*
 * Removes a sink, "default" too, with what is in its queue; returns when it is no longer being
 * called. TR_ENOTFOUND; TR_EBUSY when called by the sink itself. Any thread; blocks as long as the
 * sink's function does. (logger:remove_handler/1)
 */
TR_MUST_USE tr_err tr_log_remove_sink(const char *name);

/* Changes what level a sink takes. TR_ENOTFOUND, TR_EINVAL. Any thread.
   (logger:set_handler_config/3) */
TR_MUST_USE tr_err tr_log_set_sink_level(const char *name, enum tr_log_level level);

/* What is less urgent than this level reaches no sink; TR_LOG_INFO at the start. Out of range:
   ignored. Any thread. (logger:set_primary_config/2) */
void tr_log_set_level(enum tr_log_level level);

/* True when some sink takes events of that level. Any thread. (logger:allow/2) */
bool tr_log_allows(enum tr_log_level level);

/* The level's name, "error"; "level" for a number out of range. Any thread. */
const char *tr_log_level_name(enum tr_log_level level);

/* Waits until all that was logged so far has been written or dropped; false when that takes longer
   than so many milliseconds (TR_INFINITY: for ever). Any thread; blocks. */
bool tr_log_flush(int64_t timeout_ms);

/* How many events all sinks together have dropped since the program started. Any thread. */
uint64_t tr_log_dropped(void);

/* --- sinks --- */

/* Writes each event to standard error by one write(2):
   "2026-11-21 09:30:00.123 [error] <0.7.1> (name) main.c:12: text key=value". */
void tr_sink_stderr(const struct tr_log_event *event, void *unused);

/* Hands each event to syslog(3); the program calls openlog if it wants to. */
void tr_sink_syslog(const struct tr_log_event *event, void *unused);

/* Sends each event to journald by its own protocol, metadata as fields; `arg` is the path of its
   socket, NULL for the usual one. What cannot be sent is lost. */
void tr_sink_journald(const struct tr_log_event *event, void *arg);

/* --- messages --- */

/* A text is cut to 64 KiB. A term that is too long for that is cut as well. All of these may be
   called by any thread; they do not block. Without memory the event is counted as dropped. */
void tr_log_vprintf(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                    const char *format, va_list args) __attribute__((format(printf, 4, 0)));
void tr_log_printf(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void tr_log_term_args(const struct tr_log_site *site, enum tr_log_level level, tr_term meta,
                      const struct tr_arg *args, int n);

/*
 * Sets the metadata of the calling process: a map, shown with each of its events; atoms, or
 * binaries, are the keys. It replaces what was set before. Anything else than a map ends the
 * caller with badarg. Process only. (logger:set_process_metadata/1)
 */
void tr_log_set_metadata(tr_term map);

/* The same, but keys that are not in the map stay. Process only.
   (logger:update_process_metadata/1, Logger.metadata/1) */
void tr_log_update_metadata(tr_term map);

/* The metadata of the calling process, in the current heap; an empty map if none was set. Process
   only. (logger:get_process_metadata/0, Logger.metadata/0) */
tr_term tr_log_metadata(void);

/*
 * The level of the progress reports that supervisors and applications make of each start:
 * TR_LOG_DEBUG at the start of the program. With TR_LOG_INFO, the level that they have in OTP, they
 * are shown by default. Out of range: ignored. Any thread.
 */
void tr_log_set_progress_level(enum tr_log_level level);
enum tr_log_level tr_log_progress_level(void);

TR_HEADER_END

/* Messages less urgent than this are compiled out, arguments and all: -DTR_LOG_MAX=TR_LOG_NOTICE,
   or a definition before the header is included. (compile_time_purge_matching) */
#ifndef TR_LOG_MAX
#define TR_LOG_MAX TR_LOG_DEBUG
#endif

#define TR__LOG_IF(level, call)                                                                    \
    do {                                                                                           \
        if ((level) <= TR_LOG_MAX && tr_log_allows(level)) {                                       \
            static const struct tr_log_site tr__site = { __FILE__, __func__, __LINE__ };           \
            call;                                                                                  \
        }                                                                                          \
    } while (0)

/* tr_log(level, format, ...), and with a map of metadata for this event alone. */
#define tr_log(level, ...)                                                                         \
    TR__LOG_IF(level, tr_log_printf(&tr__site, level, tr__log_no_meta(), __VA_ARGS__))
#define tr_log_meta(level, meta, ...)                                                              \
    TR__LOG_IF(level, tr_log_printf(&tr__site, level, tr_build(meta), __VA_ARGS__))
/* tr_log_term(level, ...): several arguments are a tuple. */
#define tr_log_term(level, ...)                                                                    \
    TR__LOG_IF(level, tr_log_term_args(&tr__site, level, tr__log_no_meta(), TR_ARGS(__VA_ARGS__)))

#define tr_log_emergency(...) tr_log(TR_LOG_EMERGENCY, __VA_ARGS__)
#define tr_log_alert(...)     tr_log(TR_LOG_ALERT, __VA_ARGS__)
#define tr_log_critical(...)  tr_log(TR_LOG_CRITICAL, __VA_ARGS__)
#define tr_log_error(...)     tr_log(TR_LOG_ERROR, __VA_ARGS__)
#define tr_log_warning(...)   tr_log(TR_LOG_WARNING, __VA_ARGS__)
#define tr_log_notice(...)    tr_log(TR_LOG_NOTICE, __VA_ARGS__)
#define tr_log_info(...)      tr_log(TR_LOG_INFO, __VA_ARGS__)
#define tr_log_debug(...)     tr_log(TR_LOG_DEBUG, __VA_ARGS__)

static inline tr_term tr__log_no_meta(void)
{
    tr_term none = { 0 };
    return none;
}

#endif
