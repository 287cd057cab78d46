/* row.h: one line of a file as one bar. */
#ifndef CSV_ROW_H
#define CSV_ROW_H

#include <triplegain/triplegain.h>

#include "columns.h"
#include "moment.h"

/* How the rows of one file are read. */
struct csv_format {
    struct csv_columns columns;
    enum csv_time_unit time_unit;
    bool time_is_close; /* rows carry the end of their bar, or the last moment before it */
    int64_t time_shift; /* nanoseconds from the start of a bar to the time of its row */
};

/*
 * Fills the bar from a line, or returns the reason why the row is refused: a constant of a few
 * words, the same for every row with the same fault.
 */
const char *csv_row_parse(const struct csv_format *format, struct csv_day_cache *cache,
                          const char *text, size_t length, struct tg_bar *bar);

#endif
