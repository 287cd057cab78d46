/* file.h: one recorded file, opened and understood. */
#ifndef CSV_FILE_H
#define CSV_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <triplegain/triplegain.h>

#include "lines.h"
#include "row.h"

/* In the order of the words of the key `format`. */
enum csv_layout { CSV_LAYOUT_AUTO, CSV_LAYOUT_KRAKEN, CSV_LAYOUT_HEADER };

/* What the configuration says; all of it is borrowed. */
struct csv_settings {
    enum csv_layout layout;
    const char *mapping;
    char separator; /* 0: guessed */
    enum csv_time_unit time_unit;
    bool time_is_close;
    int32_t timeframe; /* TG_TIMEFRAME_*; -1: guessed */
};

#define CSV_SHOWN_SIZE 84

struct csv_file {
    char shown[CSV_SHOWN_SIZE]; /* the path as sentences name it, its start cut off when long */
    int descriptor;
    struct csv_lines lines;
    struct csv_format format;
    uint64_t header_line; /* 0: the file has none */
    uint32_t timeframe;
    int64_t first_open_time;
    int64_t last_open_time; /* 0: not known */
};

/*
 * Opens the file, finds its columns and timeframe from its first rows, and stands at its first row
 * afterwards. On failure nothing is left open. Borrows everything until it returns.
 */
int32_t csv_file_open(struct csv_file *file, const char *path, const struct csv_settings *settings,
                      struct tg_failure *failure);
void csv_file_close(struct csv_file *file);

/* Outcome of csv_file_next. */
enum csv_next { CSV_NEXT_END, CSV_NEXT_BAR, CSV_NEXT_REFUSED, CSV_NEXT_FAILED };

/*
 * The next row that is not blank: the bar, or the reason why it is refused. file->lines.number is
 * its line.
 */
enum csv_next csv_file_next(struct csv_file *file, struct csv_day_cache *cache, struct tg_bar *bar,
                            const char **reason);

#endif
