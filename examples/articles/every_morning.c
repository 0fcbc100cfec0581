/* SPDX-License-Identifier: MIT */
/* Work that is done every morning at eight, by a schedule such as cron has. */
#include <stdio.h>
#include <time.h>

#include <troupe.h>
#include <troupe/kit/cron.h>

tr_atoms(cron, boss, report_sent);

#define AT_EIGHT "0 8 * * *"

static tr_term send_report(tr_term arg)
{
    (void)arg;
    tr_send(a_boss, a_report_sent);
    return tr_nil();
}

static const struct tr_cron cron = {
    .name = "cron",
    .jobs = TR_CRON_JOBS({ .id = "report", .schedule = AT_EIGHT, .run = send_report }),
};

static void show_next(time_t from, int n)
{
    struct tr_schedule schedule;
    int64_t at = from;
    char text[32];

    if (tr_schedule_parse(&schedule, AT_EIGHT, NULL, NULL))
        return;
    while (n-- > 0 && tr_schedule_next(&schedule, NULL, at, &at)) {
        strftime(text, sizeof text, "%a %d %b %H:%M", gmtime(&(time_t){ at }));
        puts(text);
    }
}

static void body(tr_term args)
{
    (void)args;
    if (tr_register(a_boss, tr_self()))
        return;
    show_next(1626912000, 2); /* from 22 July 2021, 00:00 on */
    tr_cron_start_link(&cron);
    tr_cron_run(a_cron, "report"); /* not waiting for the morning */
    tr_receive (m)
        tr_on (m, a_report_sent)
            puts("report sent");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, body);
}
