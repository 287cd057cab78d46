/*
 * A folder of Lua files, read at once: every name.lua, in the order of the names, each as one text.
 * Refused are files and folders that others may write, anything that is no regular file, files that
 * are too long, and names that `require` could not ask for. Files that begin with a dot, and those
 * of editors, are passed over.
 */
#include "policy_int.h"

#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ending[] = ".lua";

/* Whether the name ends in .lua; `error` is set where it does but cannot be used. */
static bool is_script(const char *name, struct tg_error *error)
{
    size_t length = strlen(name);
    size_t stem = sizeof ending - 1;
    if (name[0] == '.' || length <= stem || strcmp(name + length - stem, ending) != 0)
        return false;
    char base[POLICY__NAME_SIZE];
    if (length >= POLICY__NAME_SIZE ||
        !tg_text_copy_slice(base, sizeof base, name, length - stem) || !tg_text_is_name(base))
        (void)TG_FAIL(error, INVALID, "%s: the name of a script is 1 to %u of a-z 0-9 _ and %s",
                      name, POLICY__NAME_SIZE - (unsigned)sizeof ending, ending);
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int list_names(DIR *directory, const char *path, struct policy__folder *folder,
                      struct tg_error *error)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            break;
        struct tg_error name_error = {0};
        if (!is_script(entry->d_name, &name_error))
            continue;
        if (name_error.code)
            return TG_FAIL(error, INVALID, "%s/%s", path, name_error.message);
        if (folder->count == LUA_SOURCES_MAX)
            return TG_FAIL(error, FULL, "%s: has more than %u scripts", path, LUA_SOURCES_MAX);
        memcpy(folder->names[folder->count++], entry->d_name, strlen(entry->d_name) + 1);
    }
    if (errno)
        return TG_FAIL(error, IO, "%s: cannot be listed: %s", path, strerror(errno));
    qsort(folder->names, folder->count, sizeof folder->names[0], compare_names);
    return TG_E_OK;
}

static int check_file(int file, const char *path, const char *name, struct stat *status,
                      struct tg_error *error)
{
    if (fstat(file, status) != 0)
        return TG_FAIL(error, IO, "%s/%s: cannot be looked at: %s", path, name, strerror(errno));
    if (!S_ISREG(status->st_mode))
        return TG_FAIL(error, REFUSED, "%s/%s: is no regular file", path, name);
    if (status->st_mode & S_IWOTH)
        return TG_FAIL(error, REFUSED,
                       "%s/%s: others may write it (mode %03o); a policy may be written by its "
                       "owner and group only",
                       path, name, (unsigned)status->st_mode & 0777u);
    if (status->st_size < 0 || (uintmax_t)status->st_size > LUA_SOURCE_BYTES_MAX)
        return TG_FAIL(error, RANGE, "%s/%s: is too long (at most %zu bytes)", path, name,
                       LUA_SOURCE_BYTES_MAX);
    return TG_E_OK;
}

static int read_text(int file, const char *path, const char *name, size_t size, char **text,
                     size_t *length, struct tg_error *error)
{
    *text = malloc(size + 1);
    if (!*text)
        return TG_FAIL(error, NO_MEMORY, "%s/%s: out of memory", path, name);
    *length = 0;
    while (*length < size) {
        ssize_t got = read(file, *text + *length, size - *length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return TG_FAIL(error, IO, "%s/%s: cannot be read: %s", path, name, strerror(errno));
        if (got == 0)
            break;
        *length += (size_t)got;
    }
    (*text)[*length] = '\0';
    return TG_E_OK;
}

/* A file that somebody was writing meanwhile may be half of the old and half of the new text. */
static int check_unchanged(int file, const char *path, const char *name, const struct stat *before,
                           size_t length, struct tg_error *error)
{
    struct stat after;
    if (fstat(file, &after) != 0)
        return TG_FAIL(error, IO, "%s/%s: cannot be looked at: %s", path, name, strerror(errno));
    if ((uintmax_t)after.st_size == length && after.st_mtim.tv_sec == before->st_mtim.tv_sec &&
        after.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
        return TG_E_OK;
    return TG_FAIL(error, STATE, "%s/%s: was written while it was read", path, name);
}

static int read_file(int directory, const char *path, struct policy__folder *folder, size_t index,
                     struct tg_error *error)
{
    const char *name = folder->names[index];
    /* Without O_NONBLOCK a pipe of that name would hold the start up. */
    int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return TG_FAIL(error, IO, "%s/%s: cannot be opened: %s", path, name, strerror(errno));
    struct stat status;
    size_t length = 0;
    int code = check_file(file, path, name, &status, error);
    if (!code)
        code = read_text(file, path, name, (size_t)status.st_size, &folder->texts[index], &length,
                         error);
    if (!code)
        code = check_unchanged(file, path, name, &status, length, error);
    close(file);
    folder->sources[index] = (struct lua_source){name, folder->texts[index], length};
    return code;
}

int policy__folder_read(const char *path, struct policy__folder *folder, struct tg_error *error)
{
    memset(folder, 0, sizeof *folder);
    DIR *directory = opendir(path);
    if (!directory)
        return TG_FAIL(error, IO, "%s: the folder of the policies cannot be opened: %s", path,
                       strerror(errno));
    struct stat status;
    int code = TG_E_OK;
    if (fstat(dirfd(directory), &status) != 0)
        code = TG_FAIL(error, IO, "%s: cannot be looked at: %s", path, strerror(errno));
    else if ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX))
        code =
            TG_FAIL(error, REFUSED, "%s: others may write into the folder of the policies", path);
    if (!code)
        code = list_names(directory, path, folder, error);
    for (size_t i = 0; i < folder->count && !code; i++)
        code = read_file(dirfd(directory), path, folder, i, error);
    closedir(directory);
    if (code)
        policy__folder_free(folder);
    return code;
}

void policy__folder_free(struct policy__folder *folder)
{
    for (size_t i = 0; i < LUA_SOURCES_MAX; i++) {
        free(folder->texts[i]);
        folder->texts[i] = NULL;
    }
    folder->count = 0;
}
