/*
 * moment.c: the time of a row.
 *
 * Downloads write time as seconds, thousandths, millionths or billionths since 1970, or as text in
 * the manner of RFC 3339. The four kinds of number cannot be confused, because bars lie between
 * 1980 and 2200: a number that is too small for one unit in these years is too large for the next
 * smaller one. Text without an offset is UTC. Pure but for the cache, which the caller owns.
 */
#include "moment.h"

#include <string.h>

#include "../calendar.h"
#include "number.h"

#define NOT_READABLE "time is not readable"
#define OUT_OF_RANGE "time is out of range"

/* Below: seconds, and so on by thousands; in seconds it is the year 5138, in thousandths 1973. */
#define SECONDS_END INT64_C(100000000000)

static int unit_scale(enum csv_time_unit unit, int64_t number)
{
    switch (unit) {
    case CSV_TIME_SECONDS:
        return 9;
    case CSV_TIME_MILLISECONDS:
        return 6;
    case CSV_TIME_MICROSECONDS:
        return 3;
    case CSV_TIME_NANOSECONDS:
        return 0;
    default:
        break;
    }
    if (number < SECONDS_END) {
        return 9;
    }
    if (number < SECONDS_END * 1000) {
        return 6;
    }
    return number < SECONDS_END * 1000000 ? 3 : 0;
}

static const char *number_parse(const char *text, size_t length, enum csv_time_unit unit,
                                int64_t *time)
{
    int64_t number = 0;
    enum csv_number result = csv_number_parse(text, length, 0, INT64_MAX, &number);
    if (result == CSV_NUMBER_OK) {
        const int scale = unit_scale(unit, number);
        result = csv_number_parse(text, length, scale, INT64_MAX, time);
    }
    if (result == CSV_NUMBER_OVERFLOW) {
        return OUT_OF_RANGE;
    }
    return result == CSV_NUMBER_OK ? NULL : NOT_READABLE;
}

/* Two digits at `at`, up to `maximum`; -1 when there are none. */
static int pair_read(const char *at, const char *end, int maximum)
{
    const int value = end - at >= 2 ? calendar_digits(at, 2) : -1;
    return value <= maximum ? value : -1;
}

/* Nothing, Z, UTC, or an offset; false when it is something else. */
static bool offset_read(const char *at, const char *end, int64_t *offset)
{
    *offset = 0;
    while (at < end && *at == ' ') {
        at++;
    }
    if (at == end || (end - at == 1 && (*at == 'Z' || *at == 'z')) ||
        (end - at == 3 && memcmp(at, "UTC", 3) == 0)) {
        return true;
    }
    const bool negative = *at == '-';
    if (*at != '+' && *at != '-') {
        return false;
    }
    const int hours = pair_read(++at, end, 23);
    if (hours < 0) {
        return false;
    }
    at += 2;
    int minutes = 0;
    if (at < end) {
        at += *at == ':';
        minutes = end - at == 2 ? pair_read(at, end, 59) : -1;
        if (minutes < 0) {
            return false;
        }
    }
    *offset = (hours * 60 + minutes) * CALENDAR_MINUTE * (negative ? -1 : 1);
    return true;
}

/* Digits after the point, as nanoseconds; what is finer is cut off. Moves *at behind them. */
static bool fraction_read(const char **at, const char *end, int64_t *nanoseconds)
{
    int64_t place = CALENDAR_SECOND / 10;
    const char *start = *at;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        *nanoseconds += (**at - '0') * place;
        place /= 10;
    }
    return *at > start;
}

static bool clock_read(const char *at, const char *end, int64_t *nanoseconds)
{
    const int hours = pair_read(at, end, 23);
    if (hours < 0 || end - at < 5 || at[2] != ':') {
        return false;
    }
    const int minutes = pair_read(at + 3, end, 59);
    int seconds = 0;
    int64_t fraction = 0;
    at += 5;
    if (at < end && *at == ':') {
        seconds = pair_read(at + 1, end, 59);
        at += seconds < 0 ? 0 : 3;
        if (seconds >= 0 && at < end && *at == '.') {
            at++;
            if (!fraction_read(&at, end, &fraction)) {
                return false;
            }
        }
    }
    int64_t offset = 0;
    if (minutes < 0 || seconds < 0 || !offset_read(at, end, &offset)) {
        return false;
    }
    *nanoseconds =
        (hours * 60 + minutes) * CALENDAR_MINUTE + seconds * CALENDAR_SECOND + fraction - offset;
    return true;
}

static const char *text_parse(const char *text, size_t length, struct csv_day_cache *cache,
                              int64_t *time)
{
    const char *end = text + length;
    if (!cache->filled || memcmp(text, cache->text, sizeof cache->text) != 0) {
        const int64_t start = calendar_day_parse(text);
        if (start < 0) {
            return start == CALENDAR_OUT_OF_RANGE ? OUT_OF_RANGE : NOT_READABLE;
        }
        memcpy(cache->text, text, sizeof cache->text);
        cache->start = start;
        cache->filled = true;
    }
    int64_t since_midnight = 0;
    const char *clock = text + sizeof cache->text;
    if (clock < end) {
        if ((*clock != 'T' && *clock != 't' && *clock != ' ') ||
            !clock_read(clock + 1, end, &since_midnight)) {
            return NOT_READABLE;
        }
    }
    *time = cache->start + since_midnight;
    return NULL;
}

const char *csv_moment_parse(const char *text, size_t length, enum csv_time_unit unit,
                             struct csv_day_cache *cache, int64_t *time)
{
    const bool is_text = length >= sizeof cache->text && text[4] == '-';
    if ((is_text && unit != CSV_TIME_AUTO && unit != CSV_TIME_TEXT) ||
        (!is_text && unit == CSV_TIME_TEXT)) {
        return NOT_READABLE;
    }
    const char *reason =
        is_text ? text_parse(text, length, cache, time) : number_parse(text, length, unit, time);
    if (!reason && (*time < CALENDAR_FIRST || *time >= CALENDAR_END)) {
        reason = OUT_OF_RANGE;
    }
    return reason;
}
