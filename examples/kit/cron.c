/* SPDX-License-Identifier: MIT */
/* When a job would run around the nights on which clocks change, and one that runs each second. */
#include <stdio.h>
#include <time.h>

#include <troupe.h>
#include <troupe/kit/cron.h>

tr_atoms(main, ticked);

static struct tr_zone *berlin;

static void show_next(const char *text, int64_t from)
{
    struct tr_schedule schedule;
    char shown[32];
    const char *why;
    size_t at;

    if (tr_schedule_parse(&schedule, text, &at, &why)) {
        printf("\"%s\": %s, at byte %zu\n", text, why, at);
        return;
    }
    printf("\"%s\":\n", text);
    for (int i = 0; i < 3 && tr_schedule_next(&schedule, berlin, from, &from); i++) {
        time_t civil = (time_t)(from + tr_zone_offset(berlin, from));
        strftime(shown, sizeof shown, "%a %d %b %H:%M", gmtime(&civil));
        printf("    %s\n", shown);
    }
}

static tr_term tick(tr_term what)
{
    tr_send(a_main, what);
    return tr_nil();
}

static const struct tr_cron cron = {
    .name = "cron",
    .jobs = TR_CRON_JOBS({ .id = "tick", .schedule = "* * * * * *", .run = tick, .arg = "ticked" }),
};

static void body(tr_term args)
{
    (void)args;
    show_next("30 2 * * *", 1774652400); /* from Saturday 28 March 2026, 00:00 on */
    show_next("30 2 * * *", 1792792800); /* from Saturday 24 October 2026, 00:00 on */
    show_next("0 9 * * mon-fri", 1774652400);
    show_next("0 9 31 feb,mon *", 0);
    if (tr_register(a_main, tr_self()))
        return;
    tr_cron_start_link(&cron);
    for (int i = 0; i < 2; i++)
        tr_receive (m)
            tr_on (m, a_ticked)
                puts("tick");
}

int main(int argc, char **argv)
{
    if (tr_zone_open(&berlin, "Europe/Berlin"))
        return 77; /* there are no zone files: the suite leaves this program out */
    return tr_main(argc, argv, body);
}
