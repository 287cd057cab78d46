/* Time is handed in: a table of two functions, real or virtual. */
#ifndef TG_BASE_CLOCK_H
#define TG_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TG_NS_PER_US   INT64_C(1000)
#define TG_NS_PER_MS   INT64_C(1000000)
#define TG_NS_PER_SEC  INT64_C(1000000000)
#define TG_NS_PER_MIN  (60 * TG_NS_PER_SEC)
#define TG_NS_PER_HOUR (60 * TG_NS_PER_MIN)
#define TG_NS_PER_DAY  (24 * TG_NS_PER_HOUR)

struct tg_clock {
    int64_t (*utc_ns)(void *context);       /* since 1970-01-01T00:00:00Z */
    int64_t (*monotonic_ns)(void *context); /* never goes back; for intervals */
    void *context;
};

/* A clock that stands still until it is set; both readings are the same. */
struct tg_virtual_clock {
    int64_t now_ns;
};
struct tg_clock tg_virtual_clock(struct tg_virtual_clock *clock);

static inline int64_t tg_clock_utc(const struct tg_clock *clock)
{
    return clock->utc_ns(clock->context);
}
static inline int64_t tg_clock_monotonic(const struct tg_clock *clock)
{
    return clock->monotonic_ns(clock->context);
}

#define TG_TIME_TEXT_SIZE 32 /* "2022-01-31T23:59:59.123456789Z" and the NUL */

/* RFC 3339 in UTC with as many digits of the second as are needed: 0, 3, 6 or 9. */
size_t tg_time_format(int64_t utc_ns, char text[TG_TIME_TEXT_SIZE]);
/* "2022-01-31 23:59" for tables. */
size_t tg_time_format_minute(int64_t utc_ns, char text[TG_TIME_TEXT_SIZE]);
/*
 * Reads "2022-01-31", "2022-01-31 23:59[:59[.123456789]]", with T or blank between, and an optional
 * Z, +00:00 or any other offset. TG_E_INVALID for anything else, days that do not exist included;
 * TG_E_RANGE outside 1970 to 2261.
 */
int tg_time_parse(const char *text, size_t length, int64_t *utc_ns);

/* 00:00 UTC of that day; 00:00 UTC of the Monday of that week. */
int64_t tg_time_day_start(int64_t utc_ns);
int64_t tg_time_week_start(int64_t utc_ns);

#endif
