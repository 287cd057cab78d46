/* A byte buffer that grows up to a limit, and JSON written into it. */
#ifndef TG_BASE_BUFFER_H
#define TG_BASE_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

/* Once something did not fit (limit or memory), `failed` stays true and further writes do nothing.
 */
struct tg_buffer {
    char *data; /* always ends with a NUL when not NULL; owned */
    size_t length;
    size_t capacity;
    size_t limit; /* bytes; 0: 64 MiB */
    bool failed;
};

void tg_buffer_init(struct tg_buffer *buffer, size_t limit);
void tg_buffer_fini(struct tg_buffer *buffer);
void tg_buffer_clear(struct tg_buffer *buffer); /* keeps the memory, forgets the failure */
void tg_buffer_add(struct tg_buffer *buffer, const void *data, size_t length);
void tg_buffer_text(struct tg_buffer *buffer, const char *text);
void tg_buffer_format(struct tg_buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tg_buffer_format_list(struct tg_buffer *buffer, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/*
 * JSON, without white space, commas set by the writer. Decimals are written as strings, times as
 * RFC 3339 strings, doubles with the shortest text that reads back the same. Bytes of a string that
 * are not UTF-8 become U+FFFD. What could not be JSON is a bug of the caller and fails the buffer:
 * a double that is not finite, nesting over 32, a value without key in an object, a key in an
 * array, a close that closes nothing.
 */
struct tg_json_writer {
    struct tg_buffer *buffer; /* borrowed */
    uint32_t depth;
    uint32_t has_items; /* a bit per level */
    uint32_t is_object; /* a bit per level */
    bool after_key;
};

void tg_json_begin(struct tg_json_writer *json, struct tg_buffer *buffer);
void tg_json_object_open(struct tg_json_writer *json);
void tg_json_object_close(struct tg_json_writer *json);
void tg_json_array_open(struct tg_json_writer *json);
void tg_json_array_close(struct tg_json_writer *json);
void tg_json_key(struct tg_json_writer *json, const char *key);
void tg_json_string(struct tg_json_writer *json, const char *text); /* NULL: null */
void tg_json_string_slice(struct tg_json_writer *json, const char *data, size_t length);
void tg_json_whole(struct tg_json_writer *json, int64_t value);
void tg_json_real(struct tg_json_writer *json, double value);
void tg_json_flag(struct tg_json_writer *json, bool value);
void tg_json_null(struct tg_json_writer *json);
void tg_json_decimal(struct tg_json_writer *json, struct tg_decimal value);
void tg_json_uuid(struct tg_json_writer *json, const struct tg_uuid *value); /* none: null */
void tg_json_time(struct tg_json_writer *json, int64_t utc_ns);
void tg_json_raw(struct tg_json_writer *json, const char *json_text); /* already JSON */

/* key and value in one call */
void tg_json_put_string(struct tg_json_writer *json, const char *key, const char *value);
void tg_json_put_whole(struct tg_json_writer *json, const char *key, int64_t value);
void tg_json_put_real(struct tg_json_writer *json, const char *key, double value);
void tg_json_put_flag(struct tg_json_writer *json, const char *key, bool value);
void tg_json_put_decimal(struct tg_json_writer *json, const char *key, struct tg_decimal value);
void tg_json_put_uuid(struct tg_json_writer *json, const char *key, const struct tg_uuid *value);
void tg_json_put_time(struct tg_json_writer *json, const char *key, int64_t utc_ns);

#endif
