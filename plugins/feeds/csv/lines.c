/*
 * lines.c: the lines of a file, in constant memory.
 *
 * The file is read into one chunk; lines are handed out where they stand. A line that the chunk
 * cuts in two is moved to the front before the rest is read:
 *
 *     | handed out | begin ... end | not read yet |
 *
 * A line longer than CSV_LINE_BYTES_MAX is reported once and its bytes are dropped until the next
 * line feed, so that no file can make the memory grow. Owned by one instance, used by one thread.
 * Reading goes through read(), not through a mapping: a file that shrinks while it is read ends
 * early instead of killing the program.
 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool csv_lines_init(struct csv_lines *lines, int descriptor)
{
    *lines = (struct csv_lines){.descriptor = descriptor, .chunk = malloc(CSV_CHUNK_BYTES)};
    return lines->chunk != NULL;
}

void csv_lines_fini(struct csv_lines *lines)
{
    free(lines->chunk);
    lines->chunk = NULL;
}

bool csv_lines_rewind(struct csv_lines *lines)
{
    *lines = (struct csv_lines){.descriptor = lines->descriptor, .chunk = lines->chunk};
    return lseek(lines->descriptor, 0, SEEK_SET) == 0;
}

/* Moves what is left to the front and reads behind it; false on an error of the system. */
static bool refill(struct csv_lines *lines)
{
    const size_t left = lines->end - lines->begin;
    memmove(lines->chunk, lines->chunk + lines->begin, left);
    lines->begin = 0;
    lines->end = left;
    ssize_t count = 0;
    do {
        count = read(lines->descriptor, lines->chunk + left, CSV_CHUNK_BYTES - left);
    } while (count < 0 && errno == EINTR);
    if (count < 0) {
        return false;
    }
    lines->file_ended = count == 0;
    lines->end += (size_t)count;
    return true;
}

static enum csv_line hand_out(struct csv_lines *lines, size_t size, const char **text,
                              size_t *length)
{
    const char *start = lines->chunk + lines->begin;
    lines->begin += size;
    lines->number++;
    if (size > 0 && start[size - 1] == '\n') {
        size--;
    }
    if (size > 0 && start[size - 1] == '\r') {
        size--;
    }
    if (lines->number == 1 && size >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) {
        start += 3;
        size -= 3;
    }
    *text = start;
    *length = size;
    return size > CSV_LINE_BYTES_MAX ? CSV_LINE_TOO_LONG : CSV_LINE_OK;
}

enum csv_line csv_lines_next(struct csv_lines *lines, const char **text, size_t *length)
{
    for (;;) {
        const size_t left = lines->end - lines->begin;
        const char *start = lines->chunk + lines->begin;
        const char *feed = left ? memchr(start, '\n', left) : NULL;
        if (feed && !lines->skipping) {
            return hand_out(lines, (size_t)(feed - start) + 1, text, length);
        }
        if (feed) { /* the end of a line that was reported before */
            lines->begin += (size_t)(feed - start) + 1;
            lines->skipping = false;
            continue;
        }
        if (lines->file_ended) {
            const bool last = left > 0 && !lines->skipping;
            lines->begin = last ? lines->begin : lines->end;
            return last ? hand_out(lines, left, text, length) : CSV_LINE_END;
        }
        const bool too_long = left > CSV_LINE_BYTES_MAX + 2 && !lines->skipping;
        if (too_long || lines->skipping) {
            lines->begin = lines->end;
            lines->skipping = true;
        }
        if (too_long) {
            lines->number++;
            *text = "";
            *length = 0;
            return CSV_LINE_TOO_LONG;
        }
        if (!refill(lines)) {
            return CSV_LINE_FAILED;
        }
    }
}
