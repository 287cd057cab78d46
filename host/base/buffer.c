/*
 * buffer.c: bytes that grow up to a limit.
 *
 * The buffer owns its memory until tg_buffer_fini; the struct is the caller's. One thread. Failure
 * sticks: after the first write that did not fit, nothing is added any more, so that one look at
 * `failed` at the end says whether all of it is there.
 */
#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_LIMIT_DEFAULT ((size_t)64 * 1024 * 1024)
#define BUFFER_CAPACITY_MIN  ((size_t)256)

void tg_buffer_init(struct tg_buffer *buffer, size_t limit)
{
    memset(buffer, 0, sizeof(*buffer));
    /* SIZE_MAX would leave no room for the NUL */
    buffer->limit = limit == SIZE_MAX ? SIZE_MAX - 1 : limit;
}

void tg_buffer_fini(struct tg_buffer *buffer)
{
    free(buffer->data);
    tg_buffer_init(buffer, buffer->limit);
}

void tg_buffer_clear(struct tg_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

/* Makes room for `length` more bytes and the NUL. False: failed, now or before. */
static bool make_room(struct tg_buffer *buffer, size_t length)
{
    if (buffer->failed)
        return false;
    size_t limit = buffer->limit != 0 ? buffer->limit : BUFFER_LIMIT_DEFAULT;
    if (length > limit - buffer->length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + length + 1;
    if (needed <= buffer->capacity)
        return true;
    size_t capacity = buffer->capacity > limit / 2 ? limit + 1 : buffer->capacity * 2;
    if (capacity < BUFFER_CAPACITY_MIN)
        capacity = BUFFER_CAPACITY_MIN;
    if (capacity < needed)
        capacity = needed;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void tg_buffer_add(struct tg_buffer *buffer, const void *data, size_t length)
{
    if (!make_room(buffer, length))
        return;
    if (length > 0)
        memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void tg_buffer_text(struct tg_buffer *buffer, const char *text)
{
    tg_buffer_add(buffer, text, strlen(text));
}

void tg_buffer_format_list(struct tg_buffer *buffer, const char *format, va_list arguments)
{
    if (!make_room(buffer, 0))
        return;
    va_list again;
    va_copy(again, arguments);
    size_t room = buffer->capacity - buffer->length;
    int length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
    if (length < 0)
        buffer->failed = true;
    else if (make_room(buffer, (size_t)length) && (size_t)length >= room)
        vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, again);
    va_end(again);
    if (!buffer->failed)
        buffer->length += (size_t)length;
    else
        buffer->data[buffer->length] = '\0';
}

void tg_buffer_format(struct tg_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    tg_buffer_format_list(buffer, format, arguments);
    va_end(arguments);
}
