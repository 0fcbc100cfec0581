/* SPDX-License-Identifier: MIT */
#ifndef KIT_CIVIL_H
#define KIT_CIVIL_H

/* The calendar: days since 1970 began, years and months. Months and days count from 1, weekdays
   from 0, which is Sunday. */

#include <stdbool.h>
#include <stdint.h>

static inline bool tr__civil_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static inline int tr__civil_month_length(int64_t year, int month)
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return length[month - 1] + (month == 2 && tr__civil_is_leap(year));
}

/* Years begin in March here, so that a leap day is the last one; `a` counts them from year 0. */
static inline int64_t tr__civil_days(int64_t year, int month, int day)
{
    int64_t a = year - (month <= 2);
    int64_t century = (a >= 0 ? a : a - 399) / 400, in_era = a - century * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return century * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static inline int64_t tr__civil_year(int64_t days)
{
    int64_t year = 1970 + days / 366 - (days < 0);

    while (tr__civil_days(year + 1, 1, 1) <= days)
        year++;
    while (tr__civil_days(year, 1, 1) > days)
        year--;
    return year;
}

static inline int tr__civil_weekday(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7);
}

#endif
