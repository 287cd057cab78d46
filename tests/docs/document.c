/*
 * The command line of the programs that write documents. A document over DOCUMENT_LINES_MAX lines
 * is refused: nobody would read it.
 */
#include "document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_LINES_MAX 250

static size_t lines_of(const struct tg_buffer *text)
{
    size_t lines = 0;
    for (size_t i = 0; i < text->length; i++)
        lines += text->data[i] == '\n';
    return lines;
}

/* 0 where the file has exactly this text. */
static int check(const char *path, const struct tg_buffer *text)
{
    FILE *file = fopen(path, "rb");
    char *found = malloc(text->length + 1);
    int result = 1;
    if (file == NULL || found == NULL) {
        perror(path);
    } else {
        /* one byte more than there should be */
        size_t length = fread(found, 1, text->length + 1, file);
        result = length == text->length && memcmp(found, text->data, length) == 0 ? 0 : 1;
        if (result != 0) {
            size_t at = 0;
            size_t line = 1;
            while (at < length && at < text->length && found[at] == text->data[at])
                line += text->data[at++] == '\n';
            (void)fprintf(stderr, "%s:%zu: differs from what the program says; run with --write\n",
                          path, line);
        }
    }
    free(found);
    if (file != NULL)
        (void)fclose(file);
    return result;
}

static int replace(const char *path, const struct tg_buffer *text)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t written = fwrite(text->data, 1, text->length, file);
    if (fclose(file) != 0 || written != text->length) {
        perror(path);
        return 1;
    }
    return 0;
}

int document_main(int argument_count, char **arguments, void (*write)(struct tg_buffer *buffer))
{
    struct tg_buffer text;
    int result = 2;
    tg_buffer_init(&text, 0);
    write(&text);
    if (text.failed) {
        (void)fprintf(stderr, "%s: out of memory\n", arguments[0]);
        result = 1;
    } else if (lines_of(&text) > DOCUMENT_LINES_MAX) {
        (void)fprintf(stderr, "%s: %zu lines, a document has at most %d\n", arguments[0],
                      lines_of(&text), DOCUMENT_LINES_MAX);
        result = 1;
    } else if (argument_count == 1) {
        result = fwrite(text.data, 1, text.length, stdout) == text.length ? 0 : 1;
    } else if (argument_count == 3 && strcmp(arguments[1], "--check") == 0) {
        result = check(arguments[2], &text);
    } else if (argument_count == 3 && strcmp(arguments[1], "--write") == 0) {
        result = replace(arguments[2], &text);
    } else {
        (void)fprintf(stderr, "usage: %s [--check FILE | --write FILE]\n", arguments[0]);
    }
    tg_buffer_fini(&text);
    return result;
}
