/*
 * clock.c: the virtual clock, and times as text.
 *
 * Pure functions; nothing here reads a real clock (that is the loop's). The proleptic Gregorian
 * calendar without leap seconds, as POSIX counts time; day arithmetic after Howard Hinnant,
 * "chrono-compatible low-level date algorithms" (2013). Texts that name a day or a second that does
 * not exist are refused.
 */
#include "base/clock.h"

#include <string.h>
#include <triplegain/triplegain.h>

#define SECONDS_PER_DAY INT64_C(86400)
#define TIME_SECONDS_MAX                                                                           \
    INT64_C(9214646400) /* 2262-01-01T00:00:00Z, the first that is too late                        \
                         */

static int64_t virtual_now(void *context)
{
    return ((const struct tg_virtual_clock *)context)->now_ns;
}

struct tg_clock tg_virtual_clock(struct tg_virtual_clock *clock)
{
    return (struct tg_clock){virtual_now, virtual_now, clock};
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - (a % b < 0);
}

struct date {
    int64_t year;
    int64_t month; /* 1 to 12 */
    int64_t day;   /* 1 to 31 */
};

/* Days since 1970-01-01. Years begin in March here, so that the leap day is the last of its year.
 */
static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = floor_divide(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct date date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = floor_divide(days, 146097);
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct date date;
    date.day = day_of_year - (153 * month + 2) / 5 + 1;
    date.month = month < 10 ? month + 3 : month - 9;
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static char *put_digits(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

static char *put_minute(char *out, int64_t seconds, char between)
{
    int64_t days = floor_divide(seconds, SECONDS_PER_DAY);
    int64_t second = seconds - days * SECONDS_PER_DAY;
    struct date date = date_from_days(days);
    out = put_digits(out, date.year, 4);
    *out++ = '-';
    out = put_digits(out, date.month, 2);
    *out++ = '-';
    out = put_digits(out, date.day, 2);
    *out++ = between;
    out = put_digits(out, second / 3600, 2);
    *out++ = ':';
    return put_digits(out, second / 60 % 60, 2);
}

size_t tg_time_format(int64_t utc_ns, char text[TG_TIME_TEXT_SIZE])
{
    int64_t seconds = floor_divide(utc_ns, TG_NS_PER_SEC);
    int64_t fraction = utc_ns % TG_NS_PER_SEC;
    if (fraction < 0)
        fraction += TG_NS_PER_SEC;
    char *out = put_minute(text, seconds, 'T');
    *out++ = ':';
    int64_t second = seconds % 60;
    out = put_digits(out, second < 0 ? second + 60 : second, 2);
    if (fraction != 0) {
        *out++ = '.';
        if (fraction % TG_NS_PER_MS == 0)
            out = put_digits(out, fraction / TG_NS_PER_MS, 3);
        else if (fraction % TG_NS_PER_US == 0)
            out = put_digits(out, fraction / TG_NS_PER_US, 6);
        else
            out = put_digits(out, fraction, 9);
    }
    *out++ = 'Z';
    *out = '\0';
    return (size_t)(out - text);
}

size_t tg_time_format_minute(int64_t utc_ns, char text[TG_TIME_TEXT_SIZE])
{
    char *out = put_minute(text, floor_divide(utc_ns, TG_NS_PER_SEC), ' ');
    *out = '\0';
    return (size_t)(out - text);
}

/* What is left to read. */
struct reader {
    const char *at;
    const char *end;
};

static bool read_digits(struct reader *reader, int digits, int64_t *value)
{
    int64_t read = 0;
    if (reader->end - reader->at < digits)
        return false;
    for (int i = 0; i < digits; i++) {
        char c = *reader->at++;
        if (c < '0' || c > '9')
            return false;
        read = read * 10 + (c - '0');
    }
    *value = read;
    return true;
}

static bool read_character(struct reader *reader, char wanted)
{
    if (reader->at == reader->end || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

static bool read_date(struct reader *reader, struct date *date)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!read_digits(reader, 4, &date->year) || !read_character(reader, '-') ||
        !read_digits(reader, 2, &date->month) || !read_character(reader, '-') ||
        !read_digits(reader, 2, &date->day))
        return false;
    if (date->month < 1 || date->month > 12 || date->day < 1 ||
        date->day > lengths[date->month - 1])
        return false;
    bool leap = (date->year % 4 == 0 && date->year % 100 != 0) || date->year % 400 == 0;
    return date->month != 2 || date->day < 29 || leap;
}

/* HH:MM[:SS[.123456789]] */
static bool read_time_of_day(struct reader *reader, int64_t *seconds, int64_t *fraction)
{
    int64_t hour, minute, second = 0;
    if (!read_digits(reader, 2, &hour) || !read_character(reader, ':') ||
        !read_digits(reader, 2, &minute))
        return false;
    if (read_character(reader, ':')) {
        if (!read_digits(reader, 2, &second))
            return false;
        if (read_character(reader, '.')) {
            int64_t scale = TG_NS_PER_SEC / 10, digit;
            if (!read_digits(reader, 1, &digit))
                return false;
            *fraction = digit * scale;
            while (scale > 1 && read_digits(reader, 1, &digit)) {
                scale /= 10;
                *fraction += digit * scale;
            }
        }
    }
    *seconds = hour * 3600 + minute * 60 + second;
    return hour <= 23 && minute <= 59 && second <= 59;
}

/* Nothing, Z, or +HH:MM; seconds east of UTC. */
static bool read_offset(struct reader *reader, int64_t *seconds)
{
    *seconds = 0;
    if (reader->at == reader->end || read_character(reader, 'Z'))
        return true;
    bool west = *reader->at == '-';
    int64_t hour, minute;
    if (!read_character(reader, west ? '-' : '+') || !read_digits(reader, 2, &hour) ||
        !read_character(reader, ':') || !read_digits(reader, 2, &minute))
        return false;
    *seconds = (hour * 3600 + minute * 60) * (west ? -1 : 1);
    return hour <= 23 && minute <= 59;
}

int tg_time_parse(const char *text, size_t length, int64_t *utc_ns)
{
    struct reader reader = {text, text + length};
    struct date date;
    int64_t second_of_day = 0, fraction = 0, offset = 0;
    if (!read_date(&reader, &date))
        return TG_E_INVALID;
    if (reader.at != reader.end) {
        if (!read_character(&reader, 'T') && !read_character(&reader, ' '))
            return TG_E_INVALID;
        if (!read_time_of_day(&reader, &second_of_day, &fraction) ||
            !read_offset(&reader, &offset) || reader.at != reader.end)
            return TG_E_INVALID;
    }
    int64_t seconds = days_from_date(date) * SECONDS_PER_DAY + second_of_day - offset;
    if (seconds < 0 || seconds >= TIME_SECONDS_MAX)
        return TG_E_RANGE;
    *utc_ns = seconds * TG_NS_PER_SEC + fraction;
    return TG_E_OK;
}

int64_t tg_time_day_start(int64_t utc_ns)
{
    return floor_divide(utc_ns, TG_NS_PER_DAY) * TG_NS_PER_DAY;
}

int64_t tg_time_week_start(int64_t utc_ns)
{
    /* 1970-01-01 was a Thursday: three days after a Monday */
    int64_t day = floor_divide(utc_ns, TG_NS_PER_DAY);
    return (floor_divide(day + 3, 7) * 7 - 3) * TG_NS_PER_DAY;
}
