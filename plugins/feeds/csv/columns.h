/* columns.h: which column of a file holds what. */
#ifndef CSV_COLUMNS_H
#define CSV_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_COLUMNS_MAX 64

/* What a bar is made of, in the order of Kraken's files. */
enum csv_slot {
    CSV_SLOT_TIME,
    CSV_SLOT_OPEN,
    CSV_SLOT_HIGH,
    CSV_SLOT_LOW,
    CSV_SLOT_CLOSE,
    CSV_SLOT_VOLUME,
    CSV_SLOT_COUNT
};

extern const char *const csv_slot_names[CSV_SLOT_COUNT];

struct csv_text {
    const char *start;
    size_t length;
};

struct csv_columns {
    char separator;
    uint8_t count;              /* columns that each row must have */
    uint8_t of[CSV_SLOT_COUNT]; /* number of the column, counting from 0 */
};

/* The separator that stands most often outside quotes in this line; a comma when none does. */
char csv_separator_guess(const char *text, size_t length);

/*
 * Splits a line; writes up to `capacity` fields, without spaces and quotes around them, and returns
 * how many the line has, or -1 when a quote is not closed. Fields point into the line.
 */
int csv_fields_split(const char *text, size_t length, char separator, struct csv_text *fields,
                     int capacity);

/* Whether a line looks like names: none of its fields is a number. */
bool csv_fields_are_names(const struct csv_text *fields, int count);

/* Columns of a file without names: those of Kraken's download, in its order. */
void csv_columns_kraken(struct csv_columns *columns, int count);

/*
 * Finds the columns by their names, as `mapping` says ("time=date,open=o") and else by the names
 * that are usual. False with a sentence in `message` when one is missing or named twice, or when
 * the mapping cannot be read.
 */
bool csv_columns_named(struct csv_columns *columns, const struct csv_text *fields, int count,
                       const char *mapping, char *message, size_t message_size);

#endif
