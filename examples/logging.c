/* SPDX-License-Identifier: MIT */
/* The log and its crash reports, explained in doc/logging.md. */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

tr_atoms(request, user, not_found, DOWN);

/* A sink of the program's own: level, text and metadata, to standard output. */
static void print_event(const struct tr_log_event *event, void *unused)
{
    (void)unused;
    /* What else is in a report differs from run to run. */
    if (strncmp(event->text, "=CRASH", 6) == 0) {
        printf("[%s] a report with %s backtrace\n", tr_log_level_name(event->level),
               *event->backtrace ? "a" : "no");
        return;
    }
    printf("[%s] %s", tr_log_level_name(event->level), event->text);
    for (size_t i = 0; i < event->nmeta; i++)
        printf(" %s=%s", event->meta[i].key, event->meta[i].value);
    printf("\n");
}

static void serve(tr_term arg)
{
    int number;

    if (!tr_match(arg, a_request, &number))
        tr_error(a_not_found, arg);
    tr_log_set_metadata(tr_build(tr_map(a_request, number)));
    tr_log_info("serving %s", "index.html");
    tr_log_meta(TR_LOG_NOTICE, tr_map(a_user, "ann"), "logged in");
    tr_log_debug("below the level of the log: not even formatted");
    tr_log_term(TR_LOG_ERROR, a_not_found, "style.css");
}

static void run(tr_term arg)
{
    tr_ref ref;

    tr_spawn_monitor(serve, &ref, arg);
    tr_receive (m)
        tr_on (m, a_DOWN, ref, tr_any(), tr_any(), tr_any()) {
        }
}

static void body(tr_term args)
{
    const struct tr_sink sink = { .write = print_event };

    (void)args;
    if (tr_log_remove_sink("default") || tr_log_add_sink("print", &sink))
        tr_exit(a_not_found);
    run(tr_build(a_request, 42));
    run(tr_build("nonsense"));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
