/*
 * row.c: one line of a file as one bar, or the reason why not.
 *
 * A row must have as many columns as the file's first line: where one is missing or one too many
 * stands in the middle, the others have moved, and a price would be read from the wrong place.
 * What is judged here is the row alone; order, duplicates and jumps are the host's to judge.
 */
#include "row.h"

#include <string.h>

#include "../calendar.h"
#include "number.h"

/* The widest price or volume that a record accepts, in units of 10^-8. */
#define UNITS_MAX ((int64_t)TG_UNBOUNDED * TG_DECIMAL_ONE)

static const char *const not_a_number[CSV_SLOT_COUNT] = {
    "",
    "open is not a number",
    "high is not a number",
    "low is not a number",
    "close is not a number",
    "volume is not a number",
};

static const char *number_reason(enum csv_number result, int slot)
{
    if (result == CSV_NUMBER_OVERFLOW) {
        return "number does not fit";
    }
    if (result == CSV_NUMBER_INFINITE) {
        return slot == CSV_SLOT_VOLUME ? "volume is not finite" : "price is not finite";
    }
    return not_a_number[slot];
}

static const char *bar_check(const struct tg_bar *bar)
{
    if (bar->open.units <= 0 || bar->high.units <= 0 || bar->low.units <= 0 ||
        bar->close.units <= 0) {
        return "price is zero or negative";
    }
    if (bar->volume.units < 0) {
        return "volume is negative";
    }
    if (bar->high.units < bar->low.units) {
        return "high is below low";
    }
    if (bar->open.units > bar->high.units || bar->open.units < bar->low.units) {
        return "open is not between low and high";
    }
    if (bar->close.units > bar->high.units || bar->close.units < bar->low.units) {
        return "close is not between low and high";
    }
    return NULL;
}

/* Fields that are one too many may be there when nothing stands in them. */
static const char *count_check(const struct csv_text *fields, int count, int expected)
{
    if (count < expected) {
        return "too few columns";
    }
    if (count > CSV_COLUMNS_MAX) {
        return "too many columns";
    }
    for (int i = expected; i < count; i++) {
        if (fields[i].length > 0) {
            return "too many columns";
        }
    }
    return NULL;
}

const char *csv_row_parse(const struct csv_format *format, struct csv_day_cache *cache,
                          const char *text, size_t length, struct tg_bar *bar)
{
    struct csv_text fields[CSV_COLUMNS_MAX];
    const struct csv_columns *columns = &format->columns;
    if (memchr(text, '\0', length)) {
        return "row holds a NUL byte";
    }
    const int count = csv_fields_split(text, length, columns->separator, fields, CSV_COLUMNS_MAX);
    if (count < 0) {
        return "quotes are not closed";
    }
    const char *reason = count_check(fields, count, columns->count);
    if (reason) {
        return reason;
    }
    const struct csv_text *time = &fields[columns->of[CSV_SLOT_TIME]];
    reason = csv_moment_parse(time->start, time->length, format->time_unit, cache, &bar->open_time);
    if (reason) {
        return reason;
    }
    if (format->time_is_close) { /* 12:00:59.999 is the end of the minute as well as 12:01:00 */
        const int64_t up = bar->open_time + CALENDAR_SECOND - 1;
        bar->open_time = up - up % CALENDAR_SECOND - format->time_shift;
    }
    struct tg_decimal *const decimals[CSV_SLOT_COUNT] = {
        NULL, &bar->open, &bar->high, &bar->low, &bar->close, &bar->volume,
    };
    for (int slot = CSV_SLOT_OPEN; slot < CSV_SLOT_COUNT; slot++) {
        const struct csv_text *field = &fields[columns->of[slot]];
        const enum csv_number result =
            csv_number_parse(field->start, field->length, 8, UNITS_MAX, &decimals[slot]->units);
        if (result != CSV_NUMBER_OK) {
            return number_reason(result, slot);
        }
    }
    return bar_check(bar);
}
