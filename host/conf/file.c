/*
 * Bytes from the disk: opening a configuration file and judging it before anything in it is
 * believed.
 *
 * A configuration decides how much may be lost, so a file that somebody else can change is refused:
 * it must belong to the user of the process or to root, and nobody but the owner may write it. The
 * judgement is made on the open file, not on its name, so that a change of the name in between
 * helps nobody. Refused as well: what is no regular file, what is larger than CONF_FILE_BYTES_MAX,
 * what is not UTF-8 text, and control characters.
 */
#include "conf_int.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int judge(const char *path, const struct stat *status, struct tg_error *error)
{
    if (S_ISDIR(status->st_mode))
        return TG_FAIL(error, INVALID, "%s: is a folder, a file is needed", path);
    if (!S_ISREG(status->st_mode))
        return TG_FAIL(error, INVALID, "%s: is not a regular file", path);
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return TG_FAIL(error, REFUSED,
                       "%s: belongs to user %lu, a configuration must belong to you (user %lu) or "
                       "to root; run: chown %lu %s",
                       path, (unsigned long)status->st_uid, (unsigned long)geteuid(),
                       (unsigned long)geteuid(), path);
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return TG_FAIL(
            error, REFUSED,
            "%s: others may write it (mode %04o), only its owner may; run: chmod go-w %s", path,
            (unsigned)(status->st_mode & 07777u), path);
    if ((uintmax_t)status->st_size > CONF_FILE_BYTES_MAX)
        return TG_FAIL(error, RANGE, "%s: has %jd bytes, at most %u are allowed", path,
                       (intmax_t)status->st_size, CONF_FILE_BYTES_MAX);
    return 0;
}

/* Reads to the end, which may be elsewhere than the size said. */
static int read_all(const char *path, int descriptor, char **bytes, size_t *length,
                    struct tg_error *error)
{
    size_t capacity = CONF_FILE_BYTES_MAX + 1;
    char *data = malloc(capacity);
    size_t used = 0;
    if (data == NULL)
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory", path);
    while (used < capacity) {
        ssize_t got = read(descriptor, data + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            int code = TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
            free(data);
            return code;
        }
        if (got == 0)
            break;
        used += (size_t)got;
    }
    if (used > CONF_FILE_BYTES_MAX) {
        free(data);
        return TG_FAIL(error, RANGE, "%s: has more than the %u bytes allowed", path,
                       CONF_FILE_BYTES_MAX);
    }
    *bytes = data;
    *length = used;
    return 0;
}

static int text_check(const char *path, const char *bytes, size_t length, struct tg_error *error)
{
    struct conf__place place = {path, 1, 1};
    for (size_t i = 0; i < length;) {
        unsigned char byte = (unsigned char)bytes[i];
        size_t step = tg_text_utf8_sequence(bytes + i, length - i);
        if (step == 0)
            return conf__located(error, &place,
                                 TG_FAIL(error, INVALID, "the byte 0x%02x is not UTF-8", byte));
        if (byte == 0)
            return conf__located(error, &place, TG_FAIL(error, INVALID, "a NUL byte in the text"));
        if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f)
            return conf__located(error, &place,
                                 TG_FAIL(error, INVALID, "the control character 0x%02x", byte));
        i += step;
        place.column++;
        if (byte == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return 0;
}

int conf__file_read(const char *path, char **bytes, size_t *length, struct conf__file *identity,
                    struct tg_error *error)
{
    /* Not blocking: opening a pipe that nobody writes to would hang. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return errno == ENOENT
                   ? TG_FAIL(error, NOT_FOUND, "%s: there is no such file", path)
                   : TG_FAIL(error, IO, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat status;
    int code;
    if (fstat(descriptor, &status) != 0)
        code = TG_FAIL(error, IO, "%s: cannot be examined: %s", path, strerror(errno));
    else
        code = judge(path, &status, error);
    if (code == 0)
        code = read_all(path, descriptor, bytes, length, error);
    (void)close(descriptor);
    if (code != 0)
        return TG_PASS(error, code);
    code = text_check(path, *bytes, *length, error);
    if (code != 0) {
        free(*bytes);
        *bytes = NULL;
        return TG_PASS(error, code);
    }
    identity->device = status.st_dev;
    identity->inode = status.st_ino;
    return 0;
}
