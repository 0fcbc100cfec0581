/* SPDX-License-Identifier: MIT */
/* Schedules and zones, by tables. Times of the tables are UTC: "2026-03-29 01:00:00". */
#include "check.h"
#include "kit/civil.h"
#include "troupe/kit/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t utc(const char *text)
{
    int year, month, day, h, m, s = 0;

    if (sscanf(text, "%d-%d-%d %d:%d:%d", &year, &month, &day, &h, &m, &s) < 5)
        FAIL(text);
    return tr__civil_days(year, month, day) * 86400 + h * 3600 + m * 60 + s;
}

static const char *text_of(int64_t time)
{
    static char text[32];
    struct tm tm;
    time_t t = (time_t)time;

    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    return text;
}

static struct tr_zone *zone(const char *name)
{
    struct tr_zone *z = NULL;

    if (name && tr_zone_open(&z, name)) {
        if (tr_zone_open(&z, "Europe/Berlin") == TR_ENOTFOUND)
            SKIP("there are no zone files");
        FAIL(name);
    }
    return z;
}

static struct tr_schedule schedule(const char *text)
{
    struct tr_schedule s;
    const char *why;

    if (tr_schedule_parse(&s, text, NULL, &why))
        check_fail(__FILE__, __LINE__, "%s: %s", text, why);
    return s;
}

struct row {
    const char *schedule, *zone, *from;
    const char *next[4]; /* NULL: the rest is not looked at; "": never again */
};

static const struct row rows[] = {
    { "* * * * *", NULL, "2026-01-01 00:00:59", { "2026-01-01 00:01:00", "2026-01-01 00:02:00" } },
    { "* * * * * *",
      NULL,
      "2026-12-31 23:59:58",
      { "2026-12-31 23:59:59", "2027-01-01 00:00:00" } },
    { "*/20 0 12 * * *",
      NULL,
      "2026-01-01 00:00:00",
      { "2026-01-01 12:00:00", "2026-01-01 12:00:20", "2026-01-01 12:00:40",
        "2026-01-02 12:00:00" } },
    { "5,10-12 3 * * *",
      NULL,
      "2026-05-05 03:05:00",
      { "2026-05-05 03:10:00", "2026-05-05 03:11:00", "2026-05-05 03:12:00",
        "2026-05-06 03:05:00" } },
    { "50/5 1-5/2 * * *",
      NULL,
      "2026-05-05 01:54:00",
      { "2026-05-05 01:55:00", "2026-05-05 03:50:00", "2026-05-05 03:55:00",
        "2026-05-05 05:50:00" } },
    { "30 6 * * mon-fri", NULL, "2026-11-20 06:30:00", { "2026-11-23 06:30:00" } },
    { "30 6 * * FRI-Sun",
      NULL,
      "2026-11-20 06:30:00",
      { "2026-11-21 06:30:00", "2026-11-22 06:30:00", "2026-11-27 06:30:00" } },
    { "0 0 * * 7", NULL, "2026-11-21 00:00:00", { "2026-11-22 00:00:00", "2026-11-29 00:00:00" } },
    { "0 0 13 * fri",
      NULL,
      "2026-11-01 00:00:00",
      { "2026-11-06 00:00:00", "2026-11-13 00:00:00", "2026-11-20 00:00:00" } },
    { "0 0 */2 * fri",
      NULL,
      "2026-11-01 00:00:00",
      { "2026-11-13 00:00:00", "2026-11-27 00:00:00" } },
    { "0 0 L * *",
      NULL,
      "2028-01-31 00:00:00",
      { "2028-02-29 00:00:00", "2028-03-31 00:00:00", "2028-04-30 00:00:00" } },
    { "0 0 29 feb *", NULL, "2096-03-01 00:00:00", { "2104-02-29 00:00:00" } },
    { "0 0 31 apr *", NULL, "2026-01-01 00:00:00", { "" } },
    { "59 23 31 12 *",
      NULL,
      "1969-12-31 23:58:00",
      { "1969-12-31 23:59:00", "1970-12-31 23:59:00" } },
    { "@yearly", NULL, "2026-01-01 00:00:00", { "2027-01-01 00:00:00" } },
    { "@annually", NULL, "2026-01-01 00:00:00", { "2027-01-01 00:00:00" } },
    { "@monthly", NULL, "2026-01-01 00:00:00", { "2026-02-01 00:00:00" } },
    { "@weekly", NULL, "2026-11-21 00:00:00", { "2026-11-22 00:00:00" } },
    { "@Daily", NULL, "2026-11-21 00:00:00", { "2026-11-22 00:00:00" } },
    { "@midnight", NULL, "2026-11-21 00:00:00", { "2026-11-22 00:00:00" } },
    { "@hourly", NULL, "2026-11-21 00:00:00", { "2026-11-21 01:00:00" } },
    { "@minutely", NULL, "2026-11-21 00:00:00", { "2026-11-21 00:01:00" } },
    /* 29 March 2026: at 01:00 UTC clocks in Berlin jump from 02:00 to 03:00. */
    { "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28 00:00:00",
      { "2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00" } },
    { "0,30 2,3 * * *",
      "Europe/Berlin",
      "2026-03-28 23:00:00",
      { "2026-03-29 01:00:00", "2026-03-29 01:30:00", "2026-03-30 00:00:00" } },
    { "30 * * * *",
      "Europe/Berlin",
      "2026-03-29 00:00:00",
      { "2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 02:30:00" } },
    /* 25 October 2026: at 01:00 UTC they go back from 03:00 to 02:00. */
    { "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24 00:00:00",
      { "2026-10-24 00:30:00", "2026-10-25 00:30:00", "2026-10-26 01:30:00" } },
    { "30 2 * * *", "Europe/Berlin", "2026-10-25 01:10:00", { "2026-10-26 01:30:00" } },
    { "0 3 * * *", "Europe/Berlin", "2026-10-25 00:50:00", { "2026-10-25 02:00:00" } },
    { "30 * * * *",
      "Europe/Berlin",
      "2026-10-25 00:00:00",
      { "2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00" } },
    /* By the rule at the end of the file, long after its last line. */
    { "30 2 * * *",
      "Europe/Berlin",
      "2090-03-25 12:00:00",
      { "2090-03-26 01:00:00", "2090-03-27 00:30:00" } },
    /* West of Greenwich, south of the equator, and by half an hour. */
    { "30 2 * * *",
      "America/New_York",
      "2026-03-07 12:00:00",
      { "2026-03-08 07:00:00", "2026-03-09 06:30:00" } },
    { "30 1 * * *",
      "America/New_York",
      "2026-10-31 12:00:00",
      { "2026-11-01 05:30:00", "2026-11-02 06:30:00" } },
    { "15 2 * * *",
      "Australia/Lord_Howe",
      "2026-10-03 10:00:00",
      { "2026-10-03 15:30:00", "2026-10-04 15:15:00" } },
    { "0 9 * * *", "Asia/Kolkata", "2026-01-01 00:00:00", { "2026-01-01 03:30:00" } },
    { "0 0 * * *", "Europe/Dublin", "2060-07-01 12:00:00", { "2060-07-01 23:00:00" } },
    { "0 0 * * *", "Europe/Dublin", "2060-01-01 12:00:00", { "2060-01-02 00:00:00" } },
};

TEST(next_time_is_that_of_the_table)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct tr_schedule s = schedule(r->schedule);
        struct tr_zone *z = zone(r->zone);
        int64_t time = utc(r->from);

        for (int n = 0; n < 4 && r->next[n]; n++) {
            bool found = tr_schedule_next(&s, z, time, &time);
            const char *got = found ? text_of(time) : "";
            if (strcmp(got, r->next[n]) != 0)
                check_fail(__FILE__, __LINE__, "%s (%s), number %d: %s, not %s", r->schedule,
                           r->zone ? r->zone : "UTC", n, got, r->next[n]);
        }
        tr_zone_close(z);
    }
}

/* Of every schedule, at every quarter of an hour of some years: the next time is later, and none is
   left out or given twice, whatever time one asks from. */
TEST(next_time_is_the_same_from_anywhere_before)
{
    const char *const schedules[] = { "30 2 * * *", "*/15 1-3 * * *", "10 * * * *", "0 0 L * mon" };
    const char *const zones[] = { "Europe/Berlin", "America/New_York", "Australia/Lord_Howe" };

    for (size_t i = 0; i < 12; i++) {
        struct tr_schedule s = schedule(schedules[i % 4]);
        struct tr_zone *z = zone(zones[i / 4]);
        int64_t last = 0, next;
        for (int64_t t = utc("2036-01-01 00:00"); t < utc("2039-01-01 00:00"); t += 900) {
            CHECK(tr_schedule_next(&s, z, t, &next));
            CHECK(next > t);
            CHECK(last <= t || next == last);
            last = next;
        }
        tr_zone_close(z);
    }
}

static const struct {
    const char *text;
    size_t at;
    const char *why;
} faults[] = {
    { "", 0, "fewer than five fields" },
    { "* * * *", 7, "fewer than five fields" },
    { "* * * * * * *", 13, "more than six fields" },
    { "60 * * * *", 0, "out of range" },
    { "0 24 * * *", 2, "out of range" },
    { "0 0 0 * *", 4, "out of range" },
    { "0 0 1,32 * *", 6, "out of range" },
    { "0 0 * 13 *", 6, "out of range" },
    { "0 0 * * 8", 8, "out of range" },
    { "0 0 * foo *", 6, "not a number or name that is known here" },
    { "0 0 * janx *", 6, "not a number or name that is known here" },
    { "0 0 * * jan", 8, "not a number or name that is known here" },
    { "5-1 * * * *", 0, "a range that ends before it begins" },
    { "1- * * * *", 2, "not a number or name that is known here" },
    { "1, * * * *", 2, "not a number or name that is known here" },
    { "*/0 * * * *", 2, "out of range" },
    { "*/ * * * *", 2, "not a number or name that is known here" },
    { "1x * * * *", 1, "not expected here" },
    { "** * * * *", 1, "not expected here" },
    { "-1 * * * *", 0, "not a number or name that is known here" },
    { "L * * * *", 0, "not a number or name that is known here" },
    { "99999999999999999999 * * * *", 0, "out of range" },
    { "@never", 1, "no such nickname" },
};

TEST(fault_of_a_schedule_is_named_with_its_place)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct tr_schedule s;
        const char *why = "";
        size_t at = 99;

        CHECK_INT(tr_schedule_parse(&s, faults[i].text, &at, &why), TR_ESYNTAX);
        if (at != faults[i].at || strcmp(why, faults[i].why) != 0)
            check_fail(__FILE__, __LINE__, "\"%s\": %s at %zu", faults[i].text, why, at);
    }
}

TEST(zone_that_is_none_is_refused)
{
    struct tr_zone *z = zone("UTC");

    CHECK_INT(tr_zone_offset(z, 0), 0);
    tr_zone_close(z);
    CHECK_INT(tr_zone_open(&z, "Europe/Atlantis"), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, "Europe"), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, "Europe/Berlin/x"), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, ""), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, "/etc/passwd"), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, "../../../etc/passwd"), TR_ENOTFOUND);
    CHECK_INT(tr_zone_open(&z, "zone.tab"), TR_ESYNTAX);
    tr_zone_close(NULL);
}

/* The C library's own reading of the same files. */
TEST(offset_is_that_of_the_c_library)
{
    const char *const names[] = { "Europe/Berlin",  "America/Sao_Paulo",   "Africa/Casablanca",
                                  "Asia/Kathmandu", "Pacific/Chatham",     "Europe/Dublin",
                                  "America/Nuuk",   "Australia/Lord_Howe", "Asia/Gaza" };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tr_zone *z = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t t = utc("1950-01-01 00:00"); t < utc("2110-01-01 00:00"); t += 12345) {
            struct tm tm;
            time_t time = (time_t)t;
            localtime_r(&time, &tm);
            if (tr_zone_offset(z, t) != tm.tm_gmtoff)
                check_fail(__FILE__, __LINE__, "%s at %s: %d, not %ld", names[i], text_of(t),
                           tr_zone_offset(z, t), tm.tm_gmtoff);
        }
        tr_zone_close(z);
    }
}
