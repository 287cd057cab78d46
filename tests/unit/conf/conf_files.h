/* Throw-away folders with configuration files, for the tests of conf/. */
#ifndef TESTS_CONF_FILES_H
#define TESTS_CONF_FILES_H

#include "conf/conf.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_PATH_SIZE 512

static char files_folder[FILES_PATH_SIZE];

static inline void files_begin(void)
{
    (void)snprintf(files_folder, sizeof(files_folder), "/tmp/test_conf.XXXXXX");
    assert_non_null(mkdtemp(files_folder));
}

static inline int files__remove(const char *path, const struct stat *status, int type,
                                struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void files_end(void)
{
    assert_int_equal(nftw(files_folder, files__remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline const char *files_path(const char *name)
{
    static char path[2 * FILES_PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", files_folder, name);
    return path;
}

static inline void files_write_bytes(const char *name, const void *bytes, size_t length)
{
    FILE *file = fopen(files_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fchmod(fileno(file), 0644), 0);
    assert_int_equal(fclose(file), 0);
}

static inline void files_write(const char *name, const char *text)
{
    files_write_bytes(name, text, strlen(text));
}

/* The message without the folder, so that it can be compared. */
static inline const char *files_message(const struct tg_error *error)
{
    static char message[TG_ERROR_MESSAGE_SIZE];
    size_t folder = strlen(files_folder);
    size_t length = 0;
    for (const char *c = error->message; *c != '\0' && length < sizeof(message) - 1;) {
        if (strncmp(c, files_folder, folder) == 0 && c[folder] == '/')
            c += folder + 1;
        else
            message[length++] = *c++;
    }
    message[length] = '\0';
    return message;
}

#endif
