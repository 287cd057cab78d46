/*
 * json_writer.c: JSON into a buffer (declared in buffer.h).
 *
 * The writer is the caller's and borrows the buffer; one thread. It keeps one bit per open level
 * for "has items" and one for "is an object", which is all that commas and the checks need. It can
 * write nothing that is not JSON: a call that would fails the buffer instead.
 */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH_MAX 32 /* as many as has_items has bits */

void tg_json_begin(struct tg_json_writer *json, struct tg_buffer *buffer)
{
    memset(json, 0, sizeof(*json));
    json->buffer = buffer;
}

static void add_character(struct tg_json_writer *json, char c)
{
    tg_buffer_add(json->buffer, &c, 1);
}

static uint32_t level_bit(const struct tg_json_writer *json)
{
    return UINT32_C(1) << (json->depth - 1);
}

/* Writes the comma that an item of the open level needs. */
static void separate(struct tg_json_writer *json)
{
    if ((json->has_items & level_bit(json)) != 0)
        add_character(json, ',');
    json->has_items |= level_bit(json);
}

/* Before every value: it follows its key in an object, a comma in an array. */
static void start_value(struct tg_json_writer *json)
{
    if (json->after_key)
        json->after_key = false;
    else if (json->depth == 0)
        return;
    else if ((json->is_object & level_bit(json)) != 0)
        json->buffer->failed = true;
    else
        separate(json);
}

static void open_level(struct tg_json_writer *json, char bracket, bool is_object)
{
    start_value(json);
    if (json->depth == JSON_DEPTH_MAX) {
        json->buffer->failed = true;
        return;
    }
    add_character(json, bracket);
    json->depth++;
    json->has_items &= ~level_bit(json);
    if (is_object)
        json->is_object |= level_bit(json);
    else
        json->is_object &= ~level_bit(json);
}

static void close_level(struct tg_json_writer *json, char bracket, bool is_object)
{
    if (json->depth == 0 || json->after_key ||
        ((json->is_object & level_bit(json)) != 0) != is_object) {
        json->buffer->failed = true;
        return;
    }
    add_character(json, bracket);
    json->depth--;
}

void tg_json_object_open(struct tg_json_writer *json)
{
    open_level(json, '{', true);
}

void tg_json_object_close(struct tg_json_writer *json)
{
    close_level(json, '}', true);
}

void tg_json_array_open(struct tg_json_writer *json)
{
    open_level(json, '[', false);
}

void tg_json_array_close(struct tg_json_writer *json)
{
    close_level(json, ']', false);
}

static void write_escape(struct tg_json_writer *json, unsigned char c)
{
    switch (c) {
    case '"':
        tg_buffer_add(json->buffer, "\\\"", 2);
        break;
    case '\\':
        tg_buffer_add(json->buffer, "\\\\", 2);
        break;
    case '\b':
        tg_buffer_add(json->buffer, "\\b", 2);
        break;
    case '\f':
        tg_buffer_add(json->buffer, "\\f", 2);
        break;
    case '\n':
        tg_buffer_add(json->buffer, "\\n", 2);
        break;
    case '\r':
        tg_buffer_add(json->buffer, "\\r", 2);
        break;
    case '\t':
        tg_buffer_add(json->buffer, "\\t", 2);
        break;
    default:
        tg_buffer_format(json->buffer, "\\u%04x", (unsigned)c);
    }
}

static void write_quoted(struct tg_json_writer *json, const char *data, size_t length)
{
    add_character(json, '"');
    size_t start = 0; /* of the stretch that can be copied as it is */
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)data[i];
        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        size_t sequence = tg_text_utf8_sequence(data + i, length - i);
        if (sequence > 1) {
            i += sequence;
            continue;
        }
        tg_buffer_add(json->buffer, data + start, i - start);
        if (sequence == 0)
            tg_buffer_text(json->buffer, "\xEF\xBF\xBD");
        else
            write_escape(json, c);
        start = ++i;
    }
    tg_buffer_add(json->buffer, data + start, length - start);
    add_character(json, '"');
}

void tg_json_key(struct tg_json_writer *json, const char *key)
{
    if (json->depth == 0 || json->after_key || (json->is_object & level_bit(json)) == 0) {
        json->buffer->failed = true;
        return;
    }
    separate(json);
    write_quoted(json, key, strlen(key));
    add_character(json, ':');
    json->after_key = true;
}

void tg_json_string(struct tg_json_writer *json, const char *text)
{
    if (text == NULL)
        tg_json_null(json);
    else
        tg_json_string_slice(json, text, strlen(text));
}

void tg_json_string_slice(struct tg_json_writer *json, const char *data, size_t length)
{
    start_value(json);
    write_quoted(json, data, length);
}

void tg_json_raw(struct tg_json_writer *json, const char *json_text)
{
    start_value(json);
    if (json_text == NULL || json_text[0] == '\0')
        json->buffer->failed = true;
    else
        tg_buffer_text(json->buffer, json_text);
}

void tg_json_whole(struct tg_json_writer *json, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    tg_json_raw(json, text);
}

#define SHORT_PLACES 6
#define SHORT_SCALE  1e6
#define SHORT_LEAST  1e-4 /* below it "%g" takes an exponent */
#define SHORT_MOST   1e8  /* so that all digits together are 15 at most */

/*
 * Numbers with up to six digits after the point, which most are, without printf: `scaled` and the
 * scale are exact, so their quotient is the double nearest to the decimal that is written, and a
 * decimal of up to 15 digits reads back as that double. The same text as "%.15g". False: not such.
 */
static bool write_short(char text[32], double value)
{
    double size = fabs(value);
    if (signbit(value) && size == 0.0)
        return false;
    if (size != 0.0 && (size < SHORT_LEAST || size >= SHORT_MOST))
        return false;
    int64_t scaled = llround(size * SHORT_SCALE);
    if ((double)scaled / SHORT_SCALE != size)
        return false;
    char digits[24];
    int count = 0;
    int places = SHORT_PLACES;
    while (places > 0 && scaled % 10 == 0) {
        scaled /= 10;
        places--;
    }
    for (; scaled > 0 || count <= places; scaled /= 10) {
        if (count == places && places > 0)
            digits[count++] = '.';
        digits[count++] = (char)('0' + scaled % 10);
    }
    if (value < 0.0)
        *text++ = '-';
    while (count > 0)              /* the loop above ran at least once */
        *text++ = digits[--count]; /* cppcheck-suppress uninitvar */
    *text = '\0';
    return true;
}

void tg_json_real(struct tg_json_writer *json, double value)
{
    if (!isfinite(value)) {
        json->buffer->failed = true;
        return;
    }
    char text[32];
    if (write_short(text, value)) {
        tg_json_raw(json, text);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) { /* 17 always read back the same */
        snprintf(text, sizeof(text), "%.*g", digits, value);
        double back = strtod(text, NULL);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): -0 is not 0 here */
        if (memcmp(&back, &value, sizeof(value)) == 0)
            break;
    }
    tg_json_raw(json, text);
}

void tg_json_flag(struct tg_json_writer *json, bool value)
{
    tg_json_raw(json, value ? "true" : "false");
}

void tg_json_null(struct tg_json_writer *json)
{
    tg_json_raw(json, "null");
}

void tg_json_decimal(struct tg_json_writer *json, struct tg_decimal value)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    tg_json_string_slice(json, text, tg_decimal_format(value, text));
}

void tg_json_uuid(struct tg_json_writer *json, const struct tg_uuid *value)
{
    if (tg_uuid_is_none(value)) {
        tg_json_null(json);
        return;
    }
    char text[TG_UUID_TEXT_SIZE];
    tg_uuid_format(value, text);
    tg_json_string_slice(json, text, sizeof(text) - 1);
}

void tg_json_time(struct tg_json_writer *json, int64_t utc_ns)
{
    char text[TG_TIME_TEXT_SIZE];
    tg_json_string_slice(json, text, tg_time_format(utc_ns, text));
}

void tg_json_put_string(struct tg_json_writer *json, const char *key, const char *value)
{
    tg_json_key(json, key);
    tg_json_string(json, value);
}

void tg_json_put_whole(struct tg_json_writer *json, const char *key, int64_t value)
{
    tg_json_key(json, key);
    tg_json_whole(json, value);
}

void tg_json_put_real(struct tg_json_writer *json, const char *key, double value)
{
    tg_json_key(json, key);
    tg_json_real(json, value);
}

void tg_json_put_flag(struct tg_json_writer *json, const char *key, bool value)
{
    tg_json_key(json, key);
    tg_json_flag(json, value);
}

void tg_json_put_decimal(struct tg_json_writer *json, const char *key, struct tg_decimal value)
{
    tg_json_key(json, key);
    tg_json_decimal(json, value);
}

void tg_json_put_uuid(struct tg_json_writer *json, const char *key, const struct tg_uuid *value)
{
    tg_json_key(json, key);
    tg_json_uuid(json, value);
}

void tg_json_put_time(struct tg_json_writer *json, const char *key, int64_t utc_ns)
{
    tg_json_key(json, key);
    tg_json_time(json, utc_ns);
}
