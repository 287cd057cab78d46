/*
 * columns.c: splitting lines, and which column of a file holds what.
 *
 * A line is split where the separator stands outside quotes. Names are compared without case, and
 * space and hyphen count as underscore, because downloads differ in that and in little else. Where
 * several columns could be the time, the order of the list below decides. Borrows every text.
 */
#include "columns.h"

#include <stdio.h>
#include <string.h>

#include "number.h"

#define FOUND_SIZE   96 /* of the list of columns in a sentence */
#define MISSING_SIZE 48

const char *const csv_slot_names[CSV_SLOT_COUNT] = {"time", "open",  "high",
                                                    "low",  "close", "volume"};

/* Names that are usual, the surest first, each list ended by NULL. */
static const char *const usual_names[CSV_SLOT_COUNT][20] = {
    {"timestamp", "ts", "ts_ms", "ts_us", "ts_ns", "open_time", "opentime", "unix", "unix_seconds",
     "unix_time", "unix_timestamp", "epoch", "timestamp_ms", "time_open", "datetime", "date_time",
     "time", "date"},
    {"open", "open_price", "price_open"},
    {"high", "high_price", "price_high"},
    {"low", "low_price", "price_low"},
    {"close", "close_price", "price_close"},
    {"volume", "vol", "base_volume", "volume_base"},
};

static char folded(char letter)
{
    if (letter >= 'A' && letter <= 'Z') {
        return (char)(letter | 0x20);
    }
    return letter == ' ' || letter == '-' ? '_' : letter;
}

static bool same_name(struct csv_text a, struct csv_text b)
{
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (folded(a.start[i]) != folded(b.start[i])) {
            return false;
        }
    }
    return true;
}

static struct csv_text trimmed(const char *start, const char *end)
{
    while (start < end && (*start == ' ' || *start == '\t')) {
        start++;
    }
    while (end > start && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    return (struct csv_text){start, (size_t)(end - start)};
}

char csv_separator_guess(const char *text, size_t length)
{
    static const char separators[3] = {',', ';', '\t'};
    size_t counts[3] = {0};
    bool quoted = false;
    size_t best = 0;
    for (size_t i = 0; i < length; i++) {
        quoted = quoted != (text[i] == '"');
        for (size_t s = 0; s < 3 && !quoted; s++) {
            counts[s] += text[i] == separators[s];
        }
    }
    for (size_t s = 1; s < 3; s++) {
        best = counts[s] > counts[best] ? s : best;
    }
    return separators[best];
}

/* A field that begins with a quote at `at`: moves to the separator behind it, or returns false. */
static bool quoted_field(const char **at, const char *end, char separator, struct csv_text *field)
{
    const char *start = *at + 1;
    const char *close = start;
    for (;; close += 2) { /* a doubled quote stands for one and does not close */
        close = memchr(close, '"', (size_t)(end - close));
        if (!close) {
            return false;
        }
        if (close + 1 == end || close[1] != '"') {
            break;
        }
    }
    *field = trimmed(start, close);
    *at = close + 1;
    while (*at < end && **at == ' ') {
        (*at)++;
    }
    return *at == end || **at == separator;
}

int csv_fields_split(const char *text, size_t length, char separator, struct csv_text *fields,
                     int capacity)
{
    const char *end = text + length;
    const char *at = text;
    int count = 0;
    for (;;) {
        struct csv_text field;
        while (at < end && *at == ' ') {
            at++;
        }
        if (at < end && *at == '"') {
            if (!quoted_field(&at, end, separator, &field)) {
                return -1;
            }
        } else {
            const char *start = at;
            while (at < end && *at != separator) {
                at++;
            }
            const char *last = at;
            while (last > start && (last[-1] == ' ' || last[-1] == '\t')) {
                last--;
            }
            field = (struct csv_text){start, (size_t)(last - start)};
        }
        if (count < capacity) {
            fields[count] = field;
        }
        count++;
        if (at == end) {
            return count;
        }
        at++;
    }
}

bool csv_fields_are_names(const struct csv_text *fields, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t ignored = 0;
        if (csv_number_parse(fields[i].start, fields[i].length, 0, INT64_MAX, &ignored) !=
            CSV_NUMBER_NONE) {
            return false;
        }
    }
    return true;
}

void csv_columns_kraken(struct csv_columns *columns, int count)
{
    columns->count = (uint8_t)count;
    for (int slot = 0; slot < CSV_SLOT_COUNT; slot++) {
        columns->of[slot] = (uint8_t)slot;
    }
}

/* Number of the one column of this name; -1 when there is none, -2 when there are several. */
static int column_find(const struct csv_text *fields, int count, struct csv_text name)
{
    int found = -1;
    for (int i = 0; i < count; i++) {
        if (same_name(fields[i], name)) {
            if (found >= 0) {
                return -2;
            }
            found = i;
        }
    }
    return found;
}

/* Appends ", name", with a dot for every byte that is no printable ASCII. */
static void name_append(char *list, size_t size, struct csv_text name)
{
    size_t used = strlen(list);
    if (used + 6 >= size) {
        return;
    }
    if (used > 0) {
        list[used++] = ',';
        list[used++] = ' ';
    }
    for (size_t i = 0; i < name.length && used + 4 < size; i++) {
        list[used++] = name.start[i] >= ' ' && name.start[i] <= '~' ? name.start[i] : '.';
    }
    list[used] = '\0';
    if (used + 4 >= size) {
        memcpy(list + used, "...", 4);
    }
}

/* Splits one "slot=name" of the mapping; false with a sentence when it is none. */
static bool mapping_entry(struct csv_text entry, struct csv_text *names, char *message,
                          size_t message_size)
{
    const char *end = entry.start + entry.length;
    const char *equals = memchr(entry.start, '=', entry.length);
    if (equals) {
        const struct csv_text slot_name = trimmed(entry.start, equals);
        for (int slot = 0; slot < CSV_SLOT_COUNT; slot++) {
            const char *name = csv_slot_names[slot];
            if (same_name(slot_name, (struct csv_text){name, strlen(name)})) {
                names[slot] = trimmed(equals + 1, end);
                if (names[slot].length == 0) {
                    snprintf(message, message_size, "columns: %s= names no column", name);
                    return false;
                }
                return true;
            }
        }
    }
    snprintf(message, message_size,
             "columns: \"%.*s\" is not NAME=COLUMN with time, open, high, low, close or volume as "
             "NAME",
             (int)(entry.length < 40 ? entry.length : 40), entry.start);
    return false;
}

static bool mapping_read(const char *mapping, struct csv_text *names, char *message,
                         size_t message_size)
{
    const char *end = mapping + strlen(mapping);
    for (const char *at = mapping; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *entry_end = comma ? comma : end;
        const struct csv_text entry = trimmed(at, entry_end);
        if (entry.length > 0 && !mapping_entry(entry, names, message, message_size)) {
            return false;
        }
        at = comma ? comma + 1 : end;
    }
    return true;
}

/* The column of a slot: by the name that was given for it, else by the usual ones. */
static int slot_column(enum csv_slot slot, struct csv_text name, const struct csv_text *fields,
                       int count)
{
    if (name.length > 0) {
        return column_find(fields, count, name);
    }
    int column = -1;
    for (const char *const *usual = usual_names[slot]; *usual && column == -1; usual++) {
        column = column_find(fields, count, (struct csv_text){*usual, strlen(*usual)});
    }
    return column;
}

bool csv_columns_named(struct csv_columns *columns, const struct csv_text *fields, int count,
                       const char *mapping, char *message, size_t message_size)
{
    struct csv_text names[CSV_SLOT_COUNT] = {{NULL, 0}};
    char missing[MISSING_SIZE] = "";
    char found[FOUND_SIZE] = "";
    if (!mapping_read(mapping, names, message, message_size)) {
        return false;
    }
    while (count > 1 && fields[count - 1].length == 0) {
        count--; /* a separator at the end of the line is no column */
    }
    for (int slot = 0; slot < CSV_SLOT_COUNT; slot++) {
        const char *name = csv_slot_names[slot];
        const int column = slot_column((enum csv_slot)slot, names[slot], fields, count);
        if (column == -2) {
            snprintf(message, message_size, "several columns could be %s; all names must differ",
                     name);
            return false;
        }
        if (column < 0) {
            name_append(missing, sizeof missing, (struct csv_text){name, strlen(name)});
        }
        columns->of[slot] = (uint8_t)(column < 0 ? 0 : column);
    }
    columns->count = (uint8_t)count;
    if (missing[0] == '\0') {
        return true;
    }
    for (int i = 0; i < count; i++) {
        name_append(found, sizeof found, fields[i]);
    }
    snprintf(message, message_size,
             "no column for %s; found: %s. The key columns can name them, as in open=NAME", missing,
             found);
    return false;
}
