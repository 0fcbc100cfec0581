/* SPDX-License-Identifier: MIT */
/*
 * Debugging of a process from outside: trace, log, statistics, a file, and functions of the
 * program's own, each of which sees every event.
 *
 * All of it hangs on one pointer that is NULL while nothing is switched on; so a process that is
 * not debugged pays one look at it for each event.
 */
#include "otp/debug.h"

#include "troupe.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOG_DEFAULT 10

tr_atoms(in, out, trace, log, get, print, statistics, log_to_file, no_debug, install, remove, done,
         ok, error, open_file, start_time, current_time, reductions, messages_in, messages_out,
         no_statistics, unknown_debug, registered_name, functions);

struct function {
    struct function *next;
    tr_sys_debug_fn fn;
    tr_term state; /* kept */
};

/* Belongs to the process. */
struct tr_sys_debug {
    bool trace;
    bool counting;
    uint64_t in, out; /* since counting began */
    uint64_t reductions;
    time_t since;
    tr_term *events; /* kept; the last of them, oldest first */
    size_t nevents, room;
    FILE *file;
    struct function *functions; /* in the order in which they were installed */
};

/* --- the record --- */

static void close_file(void *file)
{
    fclose(file);
}

static struct tr_sys_debug *debug_of(struct tr_sys *sys)
{
    if (!sys->debug)
        sys->debug = tr_alloc(sizeof *sys->debug);
    return sys->debug;
}

/* Nothing left to do: nothing is kept. */
static void drop_if_idle(struct tr_sys *sys)
{
    struct tr_sys_debug *d = sys->debug;

    if (!d || d->trace || d->counting || d->room || d->file || d->functions)
        return;
    tr_free(d);
    sys->debug = NULL;
}

/* --- lines --- */

tr_term tr__own_name(void)
{
    tr_term name = tr_nil();

    tr_process_info(tr_self(), a_registered_name, &name);
    return tr_is_nil(name) ? tr_build(tr_self()) : name;
}

static void show(tr_term event)
{
    struct tr_text line = { NULL, 0, 0 };

    tr__debug_line(&line, event);
    (void)tr_puts(line.data);
    tr__text_fini(&line);
}

static void write_line(FILE *file, tr_term event)
{
    struct tr_text line = { NULL, 0, 0 };

    tr__debug_line(&line, event);
    fprintf(file, "%s\n", line.data);
    fflush(file);
    tr__text_fini(&line);
}

/* --- an event --- */

static void count(struct tr_sys_debug *d, tr_term event)
{
    if (!tr_is_tuple(event) || tr_tuple_size(event) == 0)
        return;
    tr_term kind = tr_element(event, 0);
    d->in += tr_match(kind, a_in);
    d->out += tr_match(kind, a_out);
}

static void forget_oldest(struct tr_sys_debug *d)
{
    tr_release(d->events[0]);
    d->nevents--;
    memmove(d->events, d->events + 1, d->nevents * sizeof *d->events);
}

static void remember(struct tr_sys_debug *d, tr_term event)
{
    tr_term kept = tr_keep(event);

    if (d->nevents == d->room)
        forget_oldest(d);
    d->events[d->nevents++] = kept;
}

static void remove_function(struct function **at)
{
    struct function *f = *at;

    *at = f->next;
    tr_release(f->state);
    tr_free(f);
}

static void call_functions(struct tr_sys_debug *d, tr_term event)
{
    tr_term name = tr__own_name();

    for (struct function **at = &d->functions; *at;) {
        struct function *f = *at;
        tr_term next = f->fn(f->state, event, name);
        if (tr_match(next, a_done)) {
            remove_function(at);
            continue;
        }
        tr_term before = f->state;
        f->state = tr_keep(next);
        tr_release(before);
        at = &f->next;
    }
}

static void note(struct tr_sys_debug *d, tr_term event)
{
    if (d->counting)
        count(d, event);
    if (d->room)
        remember(d, event);
    if (d->trace)
        show(event);
    if (d->file)
        write_line(d->file, event);
    call_functions(d, event);
}

void tr_sys_event_args(struct tr_sys *sys, const struct tr_arg *args, int n)
{
    if (!sys->debug)
        return;
    tr_scope
    {
        note(sys->debug, tr_build_args(args, n));
    }
    drop_if_idle(sys);
}

tr_term tr_sys_log(const struct tr_sys *sys)
{
    tr_term list = tr_nil();

    for (size_t i = sys->debug ? sys->debug->nevents : 0; i > 0; i--)
        list = tr_list_push(list, tr_copy(sys->debug->events[i - 1]));
    return list;
}

/* --- switching on and off --- */

/* Room for so many events; of those that are there the most recent stay. */
static void set_log(struct tr_sys_debug *d, size_t room)
{
    while (d->nevents > room)
        forget_oldest(d);
    tr_term *events = room ? tr_alloc(room * sizeof *events) : NULL;
    if (events && d->nevents)
        memcpy(events, d->events, d->nevents * sizeof *events);
    tr_free(d->events);
    d->events = events;
    d->room = room;
}

static uint64_t own_reductions(void)
{
    tr_term value;
    uint64_t n = 0;

    if (tr_process_info(tr_self(), a_reductions, &value))
        tr_match(value, &n);
    return n;
}

static void set_counting(struct tr_sys_debug *d, bool on)
{
    d->counting = on;
    d->in = d->out = 0;
    d->since = time(NULL);
    d->reductions = own_reductions();
}

static void drop_file(struct tr_sys_debug *d)
{
    if (d->file && tr_defer_cancel(close_file, d->file))
        fclose(d->file);
    d->file = NULL;
}

static bool set_file(struct tr_sys_debug *d, const char *path)
{
    drop_file(d);
    FILE *file = fopen(path, "ae");
    if (!file)
        return false;
    tr_defer(close_file, file);
    d->file = file;
    return true;
}

static struct function **find(struct tr_sys_debug *d, tr_sys_debug_fn fn)
{
    struct function **at = &d->functions;

    while (*at && (*at)->fn != fn)
        at = &(*at)->next;
    return at;
}

static void install(struct tr_sys_debug *d, tr_sys_debug_fn fn, tr_term state)
{
    struct function **at = find(d, fn);

    if (*at)
        return;
    struct function *f = tr_alloc(sizeof *f);
    f->fn = fn;
    f->state = tr_keep(state);
    *at = f;
}

static void all_off(struct tr_sys_debug *d)
{
    d->trace = d->counting = false;
    set_log(d, 0);
    drop_file(d);
    while (d->functions)
        remove_function(&d->functions);
}

void tr_sys_debug_start(struct tr_sys *sys, const struct tr_sys_debug_opts *opts)
{
    if (!opts)
        return;
    struct tr_sys_debug *d = debug_of(sys);
    d->trace = opts->trace;
    if (opts->statistics)
        set_counting(d, true);
    if (opts->log > 0)
        set_log(d, (size_t)opts->log);
    if (opts->log_to_file)
        set_file(d, opts->log_to_file);
    if (opts->install)
        install(d, opts->install, tr_nil());
    drop_if_idle(sys);
}

/* --- requests --- */

static tr_term date_and_time(time_t at)
{
    struct tm tm;

    localtime_r(&at, &tm);
    return tr_build(tr_tuple(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday),
                    tr_tuple(tm.tm_hour, tm.tm_min, tm.tm_sec));
}

static tr_term statistics(const struct tr_sys_debug *d)
{
    if (!d->counting)
        return tr_build(a_ok, a_no_statistics);
    return tr_build(a_ok,
                    tr_list(tr_tuple(a_start_time, date_and_time(d->since)),
                            tr_tuple(a_current_time, date_and_time(time(NULL))),
                            tr_tuple(a_reductions, own_reductions() - d->reductions),
                            tr_tuple(a_messages_in, d->in), tr_tuple(a_messages_out, d->out)));
}

static tr_term print_log(const struct tr_sys_debug *d)
{
    for (size_t i = 0; i < d->nevents; i++)
        show(d->events[i]);
    return tr_build(a_ok);
}

static tr_term ok(void)
{
    return tr_build(a_ok);
}

static tr_term unknown(tr_term what)
{
    return tr_build(a_error, tr_tuple(a_unknown_debug, what));
}

/* On or off: a bool, or what C makes of the words true and false. */
static bool is_switch(tr_term how, bool *on)
{
    int64_t n;

    if (tr_match(how, on))
        return true;
    if (!tr_match(how, &n) || (n != 0 && n != 1))
        return false;
    *on = n != 0;
    return true;
}

static tr_term on_log(struct tr_sys *sys, tr_term how)
{
    struct tr_sys_debug *d = sys->debug;
    tr_term yes;
    bool on;
    int n;

    if (tr_match(how, a_get))
        return tr_build(a_ok, tr_sys_log(sys));
    if (tr_match(how, a_print))
        return print_log(d);
    if (is_switch(how, &on))
        set_log(d, on ? LOG_DEFAULT : 0);
    else if (tr_match(how, &yes, &n) && is_switch(yes, &on) && on && n > 0)
        set_log(d, (size_t)n);
    else
        return unknown(how);
    return ok();
}

static tr_term on_file(struct tr_sys_debug *d, tr_term how)
{
    const char *path;
    bool on;

    if (is_switch(how, &on) && !on)
        drop_file(d);
    else if (!tr_match(how, &path))
        return unknown(how);
    else if (!set_file(d, path))
        return tr_build(a_error, a_open_file);
    return ok();
}

static tr_term serve(struct tr_sys *sys, tr_term what)
{
    struct tr_sys_debug *d = sys->debug;
    tr_term how;
    uint64_t fn;
    bool on;

    if (tr_match(what, a_trace, &how) && is_switch(how, &on)) {
        d->trace = on;
        return ok();
    }
    if (tr_match(what, a_log, &how))
        return on_log(sys, how);
    if (tr_match(what, a_statistics, a_get))
        return statistics(d);
    if (tr_match(what, a_statistics, &how) && is_switch(how, &on)) {
        set_counting(d, on);
        return ok();
    }
    if (tr_match(what, a_log_to_file, &how))
        return on_file(d, how);
    if (tr_match(what, a_no_debug)) {
        all_off(d);
        return ok();
    }
    if (tr_match(what, a_install, tr_tuple(&fn, &how))) {
        install(d, (tr_sys_debug_fn)(uintptr_t)fn, how);
        return ok();
    }
    if (tr_match(what, a_remove, &fn)) {
        struct function **at = find(d, (tr_sys_debug_fn)(uintptr_t)fn);
        if (*at)
            remove_function(at);
        return ok();
    }
    return unknown(what);
}

tr_term tr__debug_request(struct tr_sys *sys, tr_term what)
{
    debug_of(sys);
    tr_term answer = serve(sys, what);
    drop_if_idle(sys);
    return answer;
}

tr_term tr__debug_status(const struct tr_sys *sys)
{
    const struct tr_sys_debug *d = sys->debug;
    tr_term list = tr_nil();

    if (!d)
        return list;
    if (d->functions) {
        int n = 0;
        for (const struct function *f = d->functions; f; f = f->next)
            n++;
        list = tr_list_push(list, tr_build(a_functions, n));
    }
    if (d->room)
        list = tr_list_push(list, tr_build(a_log, d->room, tr_sys_log(sys)));
    if (d->counting)
        list = tr_list_push(list, tr_build(a_statistics, d->in, d->out));
    if (d->trace)
        list = tr_list_push(list, tr_build(a_trace));
    return list;
}
