/*
 * calendar.h: days of the Gregorian calendar and lengths of bars, for every feed.
 *
 * Pure functions on whole numbers; UTC has no leap seconds here, as everywhere in the program.
 */
#ifndef FEEDS_CALENDAR_H
#define FEEDS_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include <triplegain/triplegain.h>

#define CALENDAR_SECOND INT64_C(1000000000) /* nanoseconds */
#define CALENDAR_MINUTE (60 * CALENDAR_SECOND)
#define CALENDAR_DAY    (1440 * CALENDAR_MINUTE)

/* Bars of a feed lie within these, as nanoseconds: what is outside is a mistake in the input. */
#define CALENDAR_FIRST_YEAR 1980
#define CALENDAR_LAST_YEAR  2199
#define CALENDAR_FIRST      (INT64_C(3652) * CALENDAR_DAY)  /* 1980-01-01 */
#define CALENDAR_END        (INT64_C(84006) * CALENDAR_DAY) /* 2200-01-01 */

static inline int64_t calendar_timeframe_length(uint32_t timeframe)
{
    static const int64_t minutes[TG_TIMEFRAME_COUNT] = {1, 5, 15, 60, 240, 1440};
    return minutes[timeframe] * CALENDAR_MINUTE;
}

static inline bool calendar_day_exists(int year, int month, int day)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) {
        return false;
    }
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day <= days[month - 1] + (leap && month == 2 ? 1 : 0);
}

/* Days since 1970-01-01 of a day that exists, from 1970 on. Years begin in March: leap days last.
 */
static inline int64_t calendar_days_since_1970(int year, int month, int day)
{
    const int shifted_year = month > 2 ? year : year - 1;
    const int shifted_month = month > 2 ? month - 3 : month + 9;
    const int day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    const int days_before_1970 = 719468;
    return INT64_C(365) * shifted_year + shifted_year / 4 - shifted_year / 100 +
           shifted_year / 400 + day_of_year - days_before_1970;
}

/* Reads `count` digits; -1 when one of them is none. */
static inline int calendar_digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return -1;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

#define CALENDAR_UNREADABLE   INT64_C(-1)
#define CALENDAR_OUT_OF_RANGE INT64_C(-2)

/* The start of the day that ten characters YYYY-MM-DD name, in nanoseconds, or one of the above. */
static inline int64_t calendar_day_parse(const char *text)
{
    const int year = calendar_digits(text, 4);
    const int month = calendar_digits(text + 5, 2);
    const int day = calendar_digits(text + 8, 2);
    if (year < 0 || text[4] != '-' || text[7] != '-' || !calendar_day_exists(year, month, day)) {
        return CALENDAR_UNREADABLE;
    }
    if (year < CALENDAR_FIRST_YEAR || year > CALENDAR_LAST_YEAR) {
        return CALENDAR_OUT_OF_RANGE;
    }
    return calendar_days_since_1970(year, month, day) * CALENDAR_DAY;
}

#endif
