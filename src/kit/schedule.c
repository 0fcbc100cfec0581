/* SPDX-License-Identifier: MIT */
/* Schedules of cron: reading them, and the next time at which one is due. */
#include "kit/civil.h"
#include "troupe/kit/cron.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DAY       INT64_C(86400)
#define ALL_HOURS ((UINT32_C(1) << 24) - 1)
#define YEARS     10

/* --- reading --- */

/* A field: what numbers it may hold. */
struct field {
    int min, max;
    const char *names; /* three letters each, from `first` on; NULL: none */
    int first;
};

enum { SECOND, MINUTE, HOUR, DAY_OF_MONTH, MONTH, WEEKDAY, NFIELDS };

static const struct field fields[NFIELDS] = {
    [SECOND] = { 0, 59, NULL, 0 },
    [MINUTE] = { 0, 59, NULL, 0 },
    [HOUR] = { 0, 23, NULL, 0 },
    [DAY_OF_MONTH] = { 1, 31, NULL, 0 },
    [MONTH] = { 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", 1 },
    [WEEKDAY] = { 0, 7, "sunmontuewedthufrisat", 0 },
};

static const struct {
    const char *name, *schedule;
} nicknames[] = {
    { "yearly", "0 0 1 1 *" }, { "annually", "0 0 1 1 *" }, { "monthly", "0 0 1 * *" },
    { "weekly", "0 0 * * 0" }, { "daily", "0 0 * * *" },    { "midnight", "0 0 * * *" },
    { "hourly", "0 * * * *" }, { "minutely", "* * * * *" },
};

/* Where reading stands, and what is wrong there. */
struct reader {
    const char *at;
    const char *why; /* NULL: nothing */
};

static bool fail(struct reader *r, const char *at, const char *why)
{
    r->at = at;
    r->why = why;
    return false;
}

/* A number or a name. */
static bool value(struct reader *r, const struct field *f, int *n)
{
    const char *from = r->at;

    *n = 0;
    if (isdigit((unsigned char)*from)) {
        while (isdigit((unsigned char)*r->at) && *n < 1000)
            *n = *n * 10 + (*r->at++ - '0');
        if (*n < f->min || *n > f->max)
            return fail(r, from, "out of range");
        return true;
    }
    for (const char *name = f->names; name && *name; name += 3)
        if (strncasecmp(from, name, 3) == 0 && !isalpha((unsigned char)from[3])) {
            *n = f->first + (int)(name - f->names) / 3;
            r->at = from + 3;
            return true;
        }
    return fail(r, from, "not a number or name that is known here");
}

/* "*", "5", "5-9" or "L", with a step or without: one part of a list. */
static bool part(struct reader *r, const struct field *f, uint64_t *bits, bool *last_day)
{
    const char *from = r->at;
    int low = f->min, high = f->max == 7 ? 6 : f->max, step = 1;
    bool range = true;

    if (f == &fields[DAY_OF_MONTH] && toupper((unsigned char)*r->at) == 'L') {
        r->at++;
        *last_day = true;
        return true;
    }
    if (*r->at == '*') {
        r->at++;
    } else {
        if (!value(r, f, &low))
            return false;
        range = *r->at == '-';
        if (range) {
            r->at++;
            if (!value(r, f, &high))
                return false;
            if (f == &fields[WEEKDAY] && high == 0)
                high = 7;
            if (high < low)
                return fail(r, from, "a range that ends before it begins");
        }
    }
    if (*r->at == '/') {
        const struct field steps = { 1, f->max, NULL, 0 };
        r->at++;
        if (!value(r, &steps, &step))
            return false;
    } else if (!range) {
        high = low;
    }
    for (int n = low; n <= high; n += step)
        *bits |= UINT64_C(1) << n;
    return true;
}

/* A list; then white space or the end. */
static bool list(struct reader *r, const struct field *f, uint64_t *bits, bool *last_day)
{
    for (;;) {
        if (!part(r, f, bits, last_day))
            return false;
        if (*r->at != ',')
            break;
        r->at++;
    }
    if (*r->at && *r->at != ' ' && *r->at != '\t')
        return fail(r, r->at, "not expected here");
    return true;
}

static void skip_blanks(struct reader *r)
{
    while (*r->at == ' ' || *r->at == '\t')
        r->at++;
}

static int count_fields(const char *text)
{
    struct reader r = { .at = text };
    int n = 0;

    for (skip_blanks(&r); *r.at; skip_blanks(&r), n++)
        r.at += strcspn(r.at, " \t");
    return n;
}

static bool read_fields(struct reader *r, struct tr_schedule *s)
{
    uint64_t bits[NFIELDS] = { [SECOND] = 1 };
    bool star[NFIELDS] = { false };
    int n = count_fields(r->at);

    if (n > NFIELDS)
        return fail(r, r->at + strlen(r->at), "more than six fields");
    if (n < NFIELDS - 1)
        return fail(r, r->at + strlen(r->at), "fewer than five fields");
    for (int i = NFIELDS - n; i < NFIELDS; i++) {
        skip_blanks(r);
        star[i] = *r->at == '*';
        bits[i] = 0;
        if (!list(r, &fields[i], &bits[i], &s->last_day))
            return false;
    }
    s->seconds = bits[SECOND];
    s->minutes = bits[MINUTE];
    s->hours = (uint32_t)bits[HOUR];
    s->days = (uint32_t)bits[DAY_OF_MONTH];
    s->months = (uint32_t)bits[MONTH];
    /* Sunday has two numbers. */
    s->weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f);
    s->any_day = star[DAY_OF_MONTH] || star[WEEKDAY];
    return true;
}

/* "@daily" and its kin: the schedule it stands for. */
static const char *nickname(const char *text)
{
    for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; i++)
        if (strcasecmp(text, nicknames[i].name) == 0)
            return nicknames[i].schedule;
    return NULL;
}

tr_err tr_schedule_parse(struct tr_schedule *schedule, const char *text, size_t *at,
                         const char **why)
{
    struct reader r = { .at = text };
    struct tr_schedule s = { .seconds = 0 };
    const char *stands_for;

    if (*text == '@') {
        stands_for = nickname(text + 1);
        if (stands_for)
            r.at = stands_for;
        else
            fail(&r, text + 1, "no such nickname");
    }
    if (!r.why && read_fields(&r, &s)) {
        *schedule = s;
        return TR_OK;
    }
    if (at)
        *at = (size_t)(r.at - text);
    if (why)
        *why = r.why;
    return TR_ESYNTAX;
}

/* --- the next time --- */

static bool has(uint64_t bits, int n)
{
    return bits >> n & 1;
}

static bool day_matches(const struct tr_schedule *s, int day, int length, int weekday)
{
    bool by_date = has(s->days, day) || (s->last_day && day == length);
    bool by_weekday = has(s->weekdays, weekday);

    return s->any_day ? by_date && by_weekday : by_date || by_weekday;
}

/* The first second of a day from `from` on; -1 when there is none. */
static int64_t next_in_day(const struct tr_schedule *s, int64_t from)
{
    int m0 = (int)(from / 60 % 60), s0 = (int)(from % 60);

    for (int h = (int)(from / 3600); h < 24; h++, m0 = s0 = 0) {
        if (!has(s->hours, h))
            continue;
        for (int m = m0; m < 60; m++, s0 = 0) {
            if (!has(s->minutes, m))
                continue;
            for (int sec = s0; sec < 60; sec++)
                if (has(s->seconds, sec))
                    return h * 3600 + m * 60 + sec;
        }
    }
    return -1;
}

/* The first civil time after `civil` that matches. */
static bool next_civil(const struct tr_schedule *s, int64_t civil, int64_t *next)
{
    int64_t days = (civil + 1) / DAY - ((civil + 1) % DAY < 0), from = civil + 1 - days * DAY;
    int64_t year = tr__civil_year(days), last_year = year + YEARS;
    int month = 1, length;

    while (tr__civil_days(year, month, 1) + tr__civil_month_length(year, month) <= days)
        month++;
    for (; year <= last_year; month++) {
        if (month > 12) {
            month = 1;
            year++;
        }
        int64_t first = tr__civil_days(year, month, 1);
        length = tr__civil_month_length(year, month);
        if (days < first) {
            days = first;
            from = 0;
        }
        for (; has(s->months, month) && days < first + length; days++, from = 0) {
            if (!day_matches(s, (int)(days - first) + 1, length, tr__civil_weekday(days)))
                continue;
            int64_t in_day = next_in_day(s, from);
            if (in_day >= 0) {
                *next = days * DAY + in_day;
                return true;
            }
        }
    }
    return false;
}

/* Of all hours: by the time that passes, in one stretch of a constant offset after the other. */
static bool next_elapsed(const struct tr_schedule *s, const struct tr_zone *zone, int64_t time,
                         int64_t *next)
{
    int64_t civil, change;
    int64_t at = time; /* whose offset holds */

    for (;;) {
        int offset = tr_zone_offset(zone, at);
        if (!next_civil(s, time + offset, &civil))
            return false;
        if (!tr_zone_next_change(zone, at, &change) || civil - offset < change) {
            *next = civil - offset;
            return true;
        }
        time = change - 1;
        at = change;
    }
}

bool tr_schedule_next(const struct tr_schedule *schedule, const struct tr_zone *zone, int64_t time,
                      int64_t *next)
{
    int64_t civil = time + tr_zone_offset(zone, time), found;

    if (schedule->hours == ALL_HOURS)
        return next_elapsed(schedule, zone, time, next);
    /* What a civil time after a clock was set back stands for may have been before. */
    do {
        if (!next_civil(schedule, civil, &civil))
            return false;
        found = tr_zone_from_civil(zone, civil);
    } while (found <= time);
    *next = found;
    return true;
}
