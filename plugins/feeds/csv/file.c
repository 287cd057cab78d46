/*
 * file.c: one recorded file, opened and understood.
 *
 * Opening goes in steps, each of which can refuse with a sentence: the file itself, its first
 * bytes (text or not), its first line (names or numbers, which separator, which columns), its
 * first rows (the timeframe is the most common distance between them), its last row. Then the file
 * is read again from the start, so that what the first look has refused is reported once, by the
 * reader. Owned by one instance, used by one thread.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../calendar.h"
#include "../failure.h"

#define HEAD_BYTES      4096
#define TAIL_BYTES      ((size_t)4 * CSV_LINE_BYTES_MAX)
#define PROBE_ROWS_MAX  1000  /* usable ones, whose distances tell the timeframe */
#define PROBE_LINES_MAX 20000 /* looked at to find them */
#define REASON_TOO_LONG "line is longer than 4096 bytes"

static void shown_set(struct csv_file *file, const char *path)
{
    const size_t length = strlen(path);
    const size_t room = sizeof file->shown - sizeof "...";
    if (length <= room) {
        memcpy(file->shown, path, length + 1);
    } else {
        snprintf(file->shown, sizeof file->shown, "...%s", path + length - room);
    }
}

static int32_t descriptor_open(struct csv_file *file, const char *path, struct tg_failure *failure)
{
    struct stat status;
    /* Without blocking, so that a pipe is refused below instead of waited for. */
    file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return feed_fail(failure, TG_E_NOT_FOUND, "%s: there is no such file", file->shown);
    }
    if (file->descriptor < 0 && errno == EACCES) {
        return feed_fail(failure, TG_E_REFUSED, "%s: this user may not read it", file->shown);
    }
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        return feed_fail(failure, TG_E_IO, "%s: cannot be opened: %s", file->shown,
                         strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return feed_fail(failure, TG_E_INVALID, "%s: is a folder, but a file is needed",
                         file->shown);
    }
    if (!S_ISREG(status.st_mode)) {
        return feed_fail(failure, TG_E_INVALID, "%s: is not a regular file", file->shown);
    }
    if (status.st_size == 0) {
        return feed_fail(failure, TG_E_INVALID, "%s: is empty", file->shown);
    }
    return TG_E_OK;
}

static int32_t head_check(struct csv_file *file, struct tg_failure *failure)
{
    char head[HEAD_BYTES];
    const ssize_t count = pread(file->descriptor, head, sizeof head, 0);
    if (count < 0) {
        return feed_fail(failure, TG_E_IO, "%s: cannot be read: %s", file->shown, strerror(errno));
    }
    if (memchr(head, '\0', (size_t)count)) {
        return feed_fail(failure, TG_E_INVALID,
                         "%s: is not a text file (a NUL byte in its first 4096 bytes)",
                         file->shown);
    }
    return TG_E_OK;
}

static bool is_blank(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length && (text[i] == ' ' || text[i] == '\t')) {
        i++;
    }
    return i == length;
}

/* The first line that is not blank. */
static int32_t first_line_read(struct csv_file *file, const char **text, size_t *length,
                               struct tg_failure *failure)
{
    enum csv_line result = CSV_LINE_OK;
    do {
        result = csv_lines_next(&file->lines, text, length);
    } while (result == CSV_LINE_OK && is_blank(*text, *length));
    switch (result) {
    case CSV_LINE_OK:
        return TG_E_OK;
    case CSV_LINE_END:
        return feed_fail(failure, TG_E_INVALID, "%s: has only blank lines", file->shown);
    case CSV_LINE_TOO_LONG:
        return feed_fail(failure, TG_E_INVALID, "%s:%llu: line is longer than %d bytes",
                         file->shown, (unsigned long long)file->lines.number, CSV_LINE_BYTES_MAX);
    default:
        return feed_fail(failure, TG_E_IO, "%s: cannot be read: %s", file->shown, strerror(errno));
    }
}

static int32_t columns_without_names(struct csv_file *file, const struct csv_settings *settings,
                                     int count, struct tg_failure *failure)
{
    if (settings->mapping[0] != '\0') {
        return feed_fail(failure, TG_E_INVALID,
                         "%s: its first line has no names, so the key columns cannot apply",
                         file->shown);
    }
    if (count < CSV_SLOT_COUNT) {
        return feed_fail(failure, TG_E_INVALID,
                         "%s: %d columns without names; needed are time, open, high, low, close, "
                         "volume in this order, or a first line that names them",
                         file->shown, count);
    }
    csv_columns_kraken(&file->format.columns, count);
    return TG_E_OK;
}

static int32_t columns_find(struct csv_file *file, const struct csv_settings *settings,
                            struct tg_failure *failure)
{
    struct csv_text fields[CSV_COLUMNS_MAX];
    char message[sizeof failure->message];
    const char *text = NULL;
    size_t length = 0;
    const int32_t code = first_line_read(file, &text, &length, failure);
    if (code != TG_E_OK) {
        return code;
    }
    struct csv_columns *columns = &file->format.columns;
    columns->separator =
        settings->separator ? settings->separator : csv_separator_guess(text, length);
    const int count = csv_fields_split(text, length, columns->separator, fields, CSV_COLUMNS_MAX);
    const unsigned long long line = (unsigned long long)file->lines.number;
    if (count < 0) {
        return feed_fail(failure, TG_E_INVALID, "%s:%llu: quotes are not closed", file->shown,
                         line);
    }
    if (count > CSV_COLUMNS_MAX) {
        return feed_fail(failure, TG_E_RANGE, "%s:%llu: has %d columns, at most %d are read",
                         file->shown, line, count, CSV_COLUMNS_MAX);
    }
    const bool named = settings->layout == CSV_LAYOUT_HEADER ||
                       (settings->layout == CSV_LAYOUT_AUTO && csv_fields_are_names(fields, count));
    if (!named) {
        return columns_without_names(file, settings, count, failure);
    }
    file->header_line = file->lines.number;
    if (!csv_columns_named(columns, fields, count, settings->mapping, message, sizeof message)) {
        return feed_fail(failure, TG_E_INVALID, "%s:%llu: %s", file->shown, line, message);
    }
    return TG_E_OK;
}

enum csv_next csv_file_next(struct csv_file *file, struct csv_day_cache *cache, struct tg_bar *bar,
                            const char **reason)
{
    for (;;) {
        const char *text = NULL;
        size_t length = 0;
        switch (csv_lines_next(&file->lines, &text, &length)) {
        case CSV_LINE_OK:
            break;
        case CSV_LINE_TOO_LONG:
            *reason = REASON_TOO_LONG;
            return CSV_NEXT_REFUSED;
        case CSV_LINE_END:
            return CSV_NEXT_END;
        default:
            return CSV_NEXT_FAILED;
        }
        if (file->lines.number <= file->header_line || is_blank(text, length)) {
            continue;
        }
        *reason = csv_row_parse(&file->format, cache, text, length, bar);
        return *reason ? CSV_NEXT_REFUSED : CSV_NEXT_BAR;
    }
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = 0;
    int64_t right = 0;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

/* The most common distance between neighbours, the shortest of those; 0 when there is none. */
static int64_t common_distance(int64_t *times, size_t count)
{
    size_t distances = 0;
    size_t best_count = 0;
    int64_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (times[i] > times[i - 1]) { /* distances never reach the times still to be read */
            times[distances++] = times[i] - times[i - 1];
        }
    }
    qsort(times, distances, sizeof *times, compare_times);
    for (size_t begin = 0, end = 0; begin < distances; begin = end) {
        while (end < distances && times[end] == times[begin]) {
            end++;
        }
        if (end - begin > best_count) {
            best_count = end - begin;
            best = times[begin];
        }
    }
    return best;
}

static int32_t timeframe_choose(struct csv_file *file, const struct csv_settings *settings,
                                int64_t distance, struct tg_failure *failure)
{
    const double seconds = (double)distance / (double)CALENDAR_SECOND;
    if (settings->timeframe >= 0) {
        file->timeframe = (uint32_t)settings->timeframe;
        const int64_t length = calendar_timeframe_length(file->timeframe);
        if (distance > 0 && distance < length) {
            return feed_fail(failure, TG_E_INVALID,
                             "%s: most rows are %.12g s apart, so they are no bars of the %.12g s "
                             "that the key timeframe asks for",
                             file->shown, seconds, (double)length / (double)CALENDAR_SECOND);
        }
        return TG_E_OK;
    }
    for (uint32_t timeframe = 0; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        if (calendar_timeframe_length(timeframe) == distance) {
            file->timeframe = timeframe;
            return TG_E_OK;
        }
    }
    if (distance == 0) {
        return feed_fail(failure, TG_E_INVALID,
                         "%s: no two usable rows in order of time, so the key timeframe must say "
                         "how long a bar is: 1m, 5m, 15m, 1h, 4h or 1d",
                         file->shown);
    }
    return feed_fail(failure, TG_E_INVALID,
                     "%s: most rows are %.12g s apart; bars of 1m, 5m, 15m, 1h, 4h or 1d can be "
                     "read, and the key timeframe can say which these are",
                     file->shown, seconds);
}

/* Looks at the first rows: columns may be right and yet no row of any use. */
static int32_t rows_probe(struct csv_file *file, const struct csv_settings *settings,
                          int64_t *times, struct tg_failure *failure)
{
    struct csv_day_cache cache = {.filled = false};
    const char *first_reason = NULL;
    uint64_t first_line = 0;
    size_t count = 0;
    enum csv_next next = CSV_NEXT_BAR;
    while (count < PROBE_ROWS_MAX && file->lines.number < PROBE_LINES_MAX) {
        struct tg_bar bar;
        const char *reason = NULL;
        next = csv_file_next(file, &cache, &bar, &reason);
        if (next == CSV_NEXT_END || next == CSV_NEXT_FAILED) {
            break;
        }
        if (next == CSV_NEXT_BAR) {
            times[count++] = bar.open_time;
        } else if (!first_reason) {
            first_reason = reason;
            first_line = file->lines.number;
        }
    }
    if (next == CSV_NEXT_FAILED) {
        return feed_fail(failure, TG_E_IO, "%s: cannot be read: %s", file->shown, strerror(errno));
    }
    if (count == 0 && first_reason) {
        return feed_fail(failure, TG_E_INVALID, "%s: no usable row in %llu lines; line %llu: %s",
                         file->shown, (unsigned long long)file->lines.number,
                         (unsigned long long)first_line, first_reason);
    }
    if (count == 0) {
        return feed_fail(failure, TG_E_INVALID, "%s: has no rows", file->shown);
    }
    file->first_open_time = times[0];
    return timeframe_choose(file, settings, common_distance(times, count), failure);
}

/* The last usable row among the last bytes. That it stays unknown is no failure. */
static int64_t last_open_time_find(const struct csv_file *file)
{
    char tail[TAIL_BYTES];
    struct csv_day_cache cache = {.filled = false};
    struct tg_bar bar;
    const off_t size = lseek(file->descriptor, 0, SEEK_END);
    const off_t start = size > (off_t)sizeof tail ? size - (off_t)sizeof tail : 0;
    const ssize_t count = size > 0 ? pread(file->descriptor, tail, sizeof tail, start) : 0;
    size_t end = count > 0 ? (size_t)count : 0;
    while (end > 0) {
        const char *feed = memrchr(tail, '\n', end);
        const size_t begin = feed ? (size_t)(feed - tail) + 1 : 0;
        size_t length = end - begin;
        if (!feed && start > 0) {
            break; /* a piece of a line */
        }
        length -= length > 0 && tail[begin + length - 1] == '\r';
        if (length <= CSV_LINE_BYTES_MAX &&
            !csv_row_parse(&file->format, &cache, tail + begin, length, &bar)) {
            return bar.open_time;
        }
        end = begin > 0 ? begin - 1 : 0;
    }
    return 0;
}

static int32_t understand(struct csv_file *file, const struct csv_settings *settings,
                          struct tg_failure *failure)
{
    int32_t code = head_check(file, failure);
    if (code != TG_E_OK) {
        return code;
    }
    file->format.time_unit = settings->time_unit;
    file->format.time_is_close = settings->time_is_close;
    code = columns_find(file, settings, failure);
    if (code != TG_E_OK) {
        return code;
    }
    int64_t *times = malloc(PROBE_ROWS_MAX * sizeof *times);
    if (!times) {
        return feed_fail(failure, TG_E_NO_MEMORY, "out of memory");
    }
    if (csv_lines_rewind(&file->lines)) {
        code = rows_probe(file, settings, times, failure);
    }
    free(times);
    if (code != TG_E_OK) {
        return code;
    }
    if (file->format.time_is_close) {
        file->format.time_shift = calendar_timeframe_length(file->timeframe);
        file->first_open_time -= file->format.time_shift;
    }
    file->last_open_time = last_open_time_find(file);
    if (file->last_open_time < file->first_open_time) {
        file->last_open_time = 0; /* not in order: nothing can be said */
    }
    if (!csv_lines_rewind(&file->lines)) {
        return feed_fail(failure, TG_E_IO, "%s: cannot be read: %s", file->shown, strerror(errno));
    }
    return TG_E_OK;
}

int32_t csv_file_open(struct csv_file *file, const char *path, const struct csv_settings *settings,
                      struct tg_failure *failure)
{
    *file = (struct csv_file){.descriptor = -1};
    shown_set(file, path);
    int32_t code = descriptor_open(file, path, failure);
    if (code == TG_E_OK && !csv_lines_init(&file->lines, file->descriptor)) {
        code = feed_fail(failure, TG_E_NO_MEMORY, "out of memory");
    }
    if (code == TG_E_OK) {
        code = understand(file, settings, failure);
    }
    if (code != TG_E_OK) {
        csv_file_close(file);
    }
    return code;
}

void csv_file_close(struct csv_file *file)
{
    csv_lines_fini(&file->lines);
    if (file->descriptor >= 0) {
        close(file->descriptor);
        file->descriptor = -1;
    }
}
