/* SPDX-License-Identifier: MIT */
/* An event manager with two handlers: one counts, one writes; one of them fails. */
#include <troupe.h>

#include <stdio.h>

tr_atoms(alarms, disk_full, fire, boom, how_many, counter, gen_event_EXIT);

static tr_event_result count_event(void *state, tr_term event)
{
    int64_t *n = state;

    (void)event;
    ++*n;
    return tr_event_ok();
}

static tr_event_result count_call(void *state, tr_term request)
{
    int64_t *n = state;

    return tr_match(request, a_how_many) ? tr_event_reply(*n) : tr_event_reply(tr_nil());
}

static const struct tr_event_handler counter = {
    .name = "counter",
    .state_size = sizeof(int64_t),
    .handle_event = count_event,
    .handle_call = count_call,
};

static tr_event_result write_event(void *state, tr_term event)
{
    const char *disk;

    (void)state;
    if (tr_match(event, a_disk_full, &disk))
        printf("the disk of %s is full\n", disk);
    else
        tr_exit(a_boom);
    return tr_event_ok();
}

static const struct tr_event_handler writer = { .name = "writer", .handle_event = write_event };

static void show(const char *what, tr_term term)
{
    fputs(what, stdout);
    if (tr_print(stdout, term) == TR_OK)
        putchar('\n');
}

static void body(tr_term args)
{
    tr_atom who;
    tr_term why;

    (void)args;
    tr_log_set_level(TR_LOG_EMERGENCY); /* the failure below would be reported */
    tr_gen_event_start_link(TR_GEN_SERVER_OPTS(.name = a_alarms));
    tr_event_add_handler(a_alarms, &counter, tr_nil());
    tr_event_add_sup_handler(a_alarms, &writer, tr_nil());
    tr_event_sync_notify(a_alarms, a_disk_full, "/var");
    tr_event_notify(a_alarms, a_fire); /* unknown to the writer, which ends */
    tr_receive (m)
        tr_on (m, a_gen_event_EXIT, &who, &why)
            show("removed, with the reason: ", tr_build(who, why));
    show("events: ", tr_event_call(a_alarms, a_counter, a_how_many));
    show("handlers: ", tr_event_which_handlers(a_alarms));
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
