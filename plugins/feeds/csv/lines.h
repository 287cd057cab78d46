/* lines.h: the lines of a file, in constant memory. */
#ifndef CSV_LINES_H
#define CSV_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSV_LINE_BYTES_MAX 4096
#define CSV_CHUNK_BYTES    ((size_t)1 << 18)

enum csv_line {
    CSV_LINE_END,
    CSV_LINE_OK,
    CSV_LINE_TOO_LONG, /* reported once; the next call goes on after its end */
    CSV_LINE_FAILED    /* errno says why */
};

struct csv_lines {
    int descriptor;    /* borrowed */
    char *chunk;       /* owned, CSV_CHUNK_BYTES */
    size_t begin, end; /* what of it is not handed out yet */
    uint64_t number;   /* of the newest line, counting from 1 */
    bool file_ended;
    bool skipping; /* within a line that was too long */
};

/* Borrows an open file at its start. False when there is no memory. */
bool csv_lines_init(struct csv_lines *lines, int descriptor);
void csv_lines_fini(struct csv_lines *lines);
/* Back to the start of the file; false when that fails. */
bool csv_lines_rewind(struct csv_lines *lines);
/*
 * The next line without its end, which is a line feed with or without a carriage return before it,
 * and without a byte order mark. The text is valid until the next call.
 */
enum csv_line csv_lines_next(struct csv_lines *lines, const char **text, size_t *length);

#endif
