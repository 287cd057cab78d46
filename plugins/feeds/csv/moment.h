/* moment.h: the time of a row, from a number or from text. */
#ifndef CSV_MOMENT_H
#define CSV_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the words of the key `time_unit`. */
enum csv_time_unit {
    CSV_TIME_AUTO,
    CSV_TIME_SECONDS,
    CSV_TIME_MILLISECONDS,
    CSV_TIME_MICROSECONDS,
    CSV_TIME_NANOSECONDS,
    CSV_TIME_TEXT
};

/* Rows of one day follow each other: the day is worked out once. All zero: nothing kept. */
struct csv_day_cache {
    char text[10];
    bool filled;
    int64_t start;
};

/*
 * *time = the field as UTC nanoseconds. A number is in `unit`, or in the one that its size tells;
 * text is YYYY-MM-DD, then optionally T or a space and HH:MM, :SS, a fraction, and Z, UTC or an
 * offset as +02:00, +0200, +02. Returns NULL, or the reason why it is refused.
 */
const char *csv_moment_parse(const char *text, size_t length, enum csv_time_unit unit,
                             struct csv_day_cache *cache, int64_t *time);

#endif
