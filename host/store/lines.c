/*
 * A file of lines, complete or not there: written as PATH.part and given its name when it is
 * finished, so that a run that is refused or fails leaves nothing half done, and an older file of
 * that name stays until a whole one takes its place. What is no ordinary file (a pipe, a device, a
 * link) is written to directly.
 *
 * The file goes through stdio's buffer; a failed write is remembered, so that a full disk is never
 * silent.
 */
#include "store_int.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char part_ending[] = ".part";

static int name_files(struct store__lines *lines, const char *path)
{
    struct stat there;
    size_t length = strlen(path);
    lines->path = strdup(path);
    if (lines->path == NULL)
        return -1;
    if (lstat(path, &there) == 0 ? !S_ISREG(there.st_mode) : errno != ENOENT)
        return 0;
    lines->part = malloc(length + sizeof(part_ending));
    if (lines->part == NULL)
        return -1;
    memcpy(lines->part, path, length);
    memcpy(lines->part + length, part_ending, sizeof(part_ending));
    return 0;
}

int store__lines_open(struct store__lines *lines, const char *path, struct tg_error *error)
{
    bool standard_output = strcmp(path, "-") == 0;
    *lines = (struct store__lines){.file = NULL};
    if (standard_output) {
        lines->path = strdup("standard output");
        lines->file = stdout;
    } else if (name_files(lines, path) == 0) {
        lines->file = fopen(lines->part != NULL ? lines->part : path, "we");
    }
    if (lines->path != NULL && lines->file != NULL &&
        (lines->part == NULL || access(path, F_OK) != 0 || access(path, W_OK) == 0))
        return 0;
    int reason = lines->path == NULL ? ENOMEM : errno;
    store__lines_close(lines);
    return TG_FAIL(error, IO, "%s: cannot be written: %s", path, strerror(reason));
}

static int say_failure(const struct store__lines *lines, struct tg_error *error)
{
    if (lines->write_error == 0)
        return 0;
    return TG_FAIL(error, IO, "%s: writing failed: %s", lines->path, strerror(lines->write_error));
}

static void note_failure(struct store__lines *lines)
{
    if (lines->write_error == 0)
        lines->write_error = errno != 0 ? errno : EIO;
}

int store__lines_add(struct store__lines *lines, const char *text, size_t length,
                     struct tg_error *error)
{
    errno = 0;
    if (lines->write_error == 0 &&
        (fwrite(text, 1, length, lines->file) != length || fputc('\n', lines->file) == EOF))
        note_failure(lines);
    return say_failure(lines, error);
}

int store__lines_finish(struct store__lines *lines, struct tg_error *error)
{
    errno = 0;
    if (fflush(lines->file) != 0)
        note_failure(lines);
    if (lines->write_error == 0 && lines->part != NULL) {
        if (rename(lines->part, lines->path) != 0) {
            note_failure(lines);
        } else {
            free(lines->part);
            lines->part = NULL;
        }
    }
    return say_failure(lines, error);
}

void store__lines_close(struct store__lines *lines)
{
    if (lines->file != NULL && lines->file != stdout) {
        (void)fclose(lines->file);
        if (lines->part != NULL)
            (void)unlink(lines->part);
    }
    free(lines->path);
    free(lines->part);
    *lines = (struct store__lines){.file = NULL};
}
