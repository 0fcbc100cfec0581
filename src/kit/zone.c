/* SPDX-License-Identifier: MIT */
/*
 * Time zones: files in the format TZif (RFC 8536), and the rule at their end.
 *
 * A file is a header and a block with times of 32 bits, which is skipped, then both once more with
 * 64 bits, then a line with a rule in the form of POSIX TZ for all later times. The block is a
 * sorted list of times at which another type of local time begins.
 */
#include "troupe/kit/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/civil.h"

#define FOLDER     "/usr/share/zoneinfo/"
#define MAX_FILE   (1 << 20)
#define DAY        INT64_C(86400)
#define HEADER     44
#define MAX_OFFSET (48 * 3600)

/* When a period of the rule begins, each year. */
struct rule_date {
    enum { JULIAN, DAY_OF_YEAR, MONTH_WEEK_DAY } form; /* Jn (no 29 February), n, Mm.w.d */
    int month, week, day;
    int time; /* seconds after midnight, of the local time before it */
};

struct rule {
    bool given, has_dst;
    int std, dst; /* offsets */
    struct rule_date start, end;
};

struct tr_zone {
    int n;
    int64_t *times; /* when the offset changes, ascending */
    int *offsets;   /* to what */
    int before;     /* the offset before the first change */
    struct rule rule;
};

/* --- the rule: "CET-1CEST,M3.5.0,M10.5.0/3" --- */

static bool number(const char **at, int max, int *n)
{
    if (!isdigit((unsigned char)**at))
        return false;
    for (*n = 0; isdigit((unsigned char)**at); (*at)++)
        if ((*n = *n * 10 + (**at - '0')) > max)
            return false;
    return true;
}

static bool abbreviation(const char **at)
{
    const char *from = *at;

    if (**at == '<') {
        *at = strchr(*at, '>');
        return *at && (*at)++;
    }
    while (isalpha((unsigned char)**at))
        (*at)++;
    return *at > from;
}

/* [+-]hh[:mm[:ss]] */
static bool hours(const char **at, int *seconds)
{
    int sign = **at == '-' ? -1 : 1, unit = 3600, n;

    if (**at == '-' || **at == '+')
        (*at)++;
    if (!number(at, 167, &n))
        return false;
    *seconds = n * unit;
    while (**at == ':' && unit > 1) {
        (*at)++;
        unit /= 60;
        if (!number(at, 59, &n))
            return false;
        *seconds += n * unit;
    }
    *seconds *= sign;
    return true;
}

static bool rule_date(const char **at, struct rule_date *d)
{
    if (*(*at)++ != ',')
        return false;
    d->form = **at == 'M' ? MONTH_WEEK_DAY : **at == 'J' ? JULIAN : DAY_OF_YEAR;
    if (d->form != DAY_OF_YEAR)
        (*at)++;
    if (d->form != MONTH_WEEK_DAY) {
        if (!number(at, 365, &d->day))
            return false;
    } else if (!number(at, 12, &d->month) || d->month < 1 || *(*at)++ != '.' ||
               !number(at, 5, &d->week) || d->week < 1 || *(*at)++ != '.' ||
               !number(at, 6, &d->day)) {
        return false;
    }
    d->time = 2 * 3600;
    return **at != '/' || ((*at)++, hours(at, &d->time));
}

/* An empty rule says that there is none. */
static bool parse_rule(const char *at, struct rule *r)
{
    if (!*at)
        return true;
    if (!abbreviation(&at) || !hours(&at, &r->std))
        return false;
    r->std = -r->std;
    r->given = true;
    if (!*at)
        return true;
    if (!abbreviation(&at))
        return false;
    r->has_dst = true;
    r->dst = r->std + 3600;
    if (*at && *at != ',') {
        if (!hours(&at, &r->dst))
            return false;
        r->dst = -r->dst;
    }
    return rule_date(&at, &r->start) && rule_date(&at, &r->end) && !*at;
}

/* When that date of a year is, as a time of a clock that is so far ahead. */
static int64_t date_in(const struct rule_date *d, int64_t year, int offset)
{
    int64_t day;

    if (d->form == MONTH_WEEK_DAY) {
        int64_t first = tr__civil_days(year, d->month, 1);
        int length = tr__civil_month_length(year, d->month);
        int date = 1 + (d->day - tr__civil_weekday(first) + 7) % 7 + (d->week - 1) * 7;
        day = first + (date > length ? date - 7 : date) - 1;
    } else {
        day = tr__civil_days(year, 1, 1) + d->day;
        if (d->form == JULIAN)
            day -= tr__civil_month_length(year, 2) == 28 || d->day < 60;
    }
    return day * DAY + d->time - offset;
}

static int rule_offset(const struct rule *r, int64_t time)
{
    int64_t year, start, end;

    if (!r->has_dst)
        return r->std;
    year = tr__civil_year((time + r->std) / DAY - ((time + r->std) % DAY < 0));
    start = date_in(&r->start, year, r->std);
    end = date_in(&r->end, year, r->dst);
    bool dst = start < end ? time >= start && time < end : time >= start || time < end;
    return dst ? r->dst : r->std;
}

static bool rule_next(const struct rule *r, int64_t time, int64_t *change)
{
    bool found = false;

    if (!r->has_dst)
        return false;
    int64_t year = tr__civil_year(time / DAY) - 1;
    for (int64_t y = year; y < year + 4; y++) {
        int64_t both[] = { date_in(&r->start, y, r->std), date_in(&r->end, y, r->dst) };
        for (int i = 0; i < 2; i++)
            if (both[i] > time && (!found || both[i] < *change)) {
                *change = both[i];
                found = true;
            }
    }
    return found;
}

/* --- the file --- */

static int64_t big_endian(const unsigned char *p, int size)
{
    uint64_t n = p[0] & 0x80 ? UINT64_MAX : 0;

    for (int i = 0; i < size; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

/* What a header counts. */
struct counts {
    int64_t nutc, nstd, nleap, ntimes, ntypes, nchars;
};

/* Reads a header; the size of the block after it with times of so many bytes, or -1. */
static int64_t header(const unsigned char *p, int64_t size, int time_size, struct counts *c)
{
    int64_t *const field[] = { &c->nutc, &c->nstd, &c->nleap, &c->ntimes, &c->ntypes, &c->nchars };

    if (size < HEADER || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
        return -1;
    for (int i = 0; i < 6; i++) {
        *field[i] = big_endian(p + 20 + 4 * i, 4);
        if (*field[i] < 0 || *field[i] > MAX_FILE)
            return -1;
    }
    int64_t block = c->ntimes * (time_size + 1) + c->ntypes * 6 + c->nchars +
                    c->nleap * (time_size + 4) + c->nstd + c->nutc;
    return block <= size - HEADER ? block : -1;
}

/* Fills in what the block with 64 bits says; false when it is wrong. */
static bool read_block(struct tr_zone *z, const unsigned char *p, const struct counts *c)
{
    const unsigned char *types = p + c->ntimes * 8, *info = types + c->ntimes;

    if (c->ntypes < 1)
        return false;
    z->n = (int)c->ntimes;
    for (int i = 0; i < z->n; i++) {
        z->times[i] = big_endian(p + 8 * i, 8);
        if (types[i] >= c->ntypes || (i && z->times[i] <= z->times[i - 1]))
            return false;
        z->offsets[i] = (int)big_endian(info + 6 * types[i], 4);
        if (abs(z->offsets[i]) > MAX_OFFSET)
            return false;
    }
    z->before = (int)big_endian(info, 4);
    return abs(z->before) <= MAX_OFFSET;
}

/* The rule stands between two line feeds. */
static bool read_rule(struct tr_zone *z, const unsigned char *p, int64_t size)
{
    char text[128];
    const unsigned char *end = size > 1 ? memchr(p + 1, '\n', (size_t)size - 1) : NULL;

    if (!end || *p != '\n' || end - p - 1 >= (int64_t)sizeof text)
        return false;
    memcpy(text, p + 1, (size_t)(end - p - 1));
    text[end - p - 1] = '\0';
    return parse_rule(text, &z->rule);
}

static tr_err parse(struct tr_zone *z, const unsigned char *p, int64_t size)
{
    struct counts c;
    int64_t block = header(p, size, 4, &c);

    if (block < 0)
        return TR_ESYNTAX;
    p += HEADER + block;
    size -= HEADER + block;
    if ((block = header(p, size, 8, &c)) < 0)
        return TR_ESYNTAX;
    z->times = calloc((size_t)c.ntimes + 1, sizeof *z->times);
    z->offsets = calloc((size_t)c.ntimes + 1, sizeof *z->offsets);
    if (!z->times || !z->offsets)
        return TR_ENOMEM;
    if (!read_block(z, p + HEADER, &c) || !read_rule(z, p + HEADER + block, size - HEADER - block))
        return TR_ESYNTAX;
    return TR_OK;
}

static tr_err parse_file(struct tr_zone **zone, const void *bytes, size_t size)
{
    struct tr_zone *z = calloc(1, sizeof *z);
    tr_err err = z ? parse(z, bytes, (int64_t)size) : TR_ENOMEM;

    if (err)
        tr_zone_close(z);
    else
        *zone = z;
    return err;
}

/* Nothing that leads out of the folder. */
static bool is_name(const char *name)
{
    return *name && *name != '/' && !strstr(name, "..") && strlen(name) < 200;
}

tr_err tr_zone_open(struct tr_zone **zone, const char *name)
{
    char path[256];
    unsigned char *bytes;
    tr_err err = TR_ESYS;

    if (!is_name(name))
        return TR_ENOTFOUND;
    snprintf(path, sizeof path, FOLDER "%s", name);
    FILE *file = fopen(path, "rbe");
    if (!file)
        return errno == ENOENT || errno == ENOTDIR ? TR_ENOTFOUND : TR_ESYS;
    if (!(bytes = malloc(MAX_FILE)))
        err = TR_ENOMEM;
    else {
        size_t size = fread(bytes, 1, MAX_FILE, file);
        if (ferror(file))
            err = errno == EISDIR ? TR_ENOTFOUND : TR_ESYS;
        else
            err = parse_file(zone, bytes, size);
    }
    free(bytes);
    fclose(file);
    return err;
}

void tr_zone_close(struct tr_zone *zone)
{
    if (!zone)
        return;
    free(zone->times);
    free(zone->offsets);
    free(zone);
}

/* --- questions --- */

/* How many changes are at or before that time. */
static int changes_until(const struct tr_zone *z, int64_t time)
{
    int low = 0, high = z->n;

    while (low < high) {
        int mid = (low + high) / 2;
        if (z->times[mid] <= time)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int tr_zone_offset(const struct tr_zone *zone, int64_t time)
{
    if (!zone)
        return 0;
    int i = changes_until(zone, time);
    if (i == zone->n && zone->rule.given)
        return rule_offset(&zone->rule, time);
    return i ? zone->offsets[i - 1] : zone->before;
}

bool tr_zone_next_change(const struct tr_zone *zone, int64_t time, int64_t *change)
{
    if (!zone)
        return false;
    int i = changes_until(zone, time);
    if (i < zone->n) {
        *change = zone->times[i];
        return true;
    }
    return rule_next(&zone->rule, time, change);
}

/* Offsets are below two days: the search begins well before, and looks at one stretch of a constant
   offset after the other. */
int64_t tr_zone_from_civil(const struct tr_zone *zone, int64_t civil)
{
    int64_t from = civil - 2 * MAX_OFFSET, change;

    for (;;) {
        int64_t time = civil - tr_zone_offset(zone, from);
        if (time < from)
            return from;
        if (!tr_zone_next_change(zone, from, &change) || time < change)
            return time;
        from = change;
    }
}
