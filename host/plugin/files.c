/*
 * Plugin files: found, judged, loaded, remembered.
 *
 * A file is judged by its bytes and its permissions first, then loaded (in a child first, see
 * trial.c), then its descriptor is judged; only after that is any of its functions called. A loaded
 * file stays loaded as long as the process: unloading code that may have threads, destructors or
 * symbols in use is not safe.
 */
#include "plugin_int.h"

#include "base/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int judge_folder(const char *folder, struct tg_error *error)
{
    struct stat status;
    if (stat(folder, &status) != 0)
        return TG_FAIL(error, IO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return TG_FAIL(error, IO, "%s: is no folder", folder);
    return plugin__judge_owner(folder, &status, error);
}

/* Where a path leads to by symbolic links, `real`; the folder there must be as safe as the file. */
static int resolve(const char *path, char real[PATH_MAX], struct tg_error *error)
{
    char folder[PATH_MAX];
    if (realpath(path, real) == NULL)
        return TG_FAIL(error, IO, "%s: cannot be read: %s", path, strerror(errno));
    size_t length = (size_t)(strrchr(real, '/') - real);
    (void)snprintf(folder, sizeof(folder), "%.*s", length > 0 ? (int)length : 1, real);
    int code = judge_folder(folder, error);
    if (code != 0)
        tg_error_prefix(error, "%s: leads to ", path);
    return code;
}

static int load(const struct plugin_host *host, struct plugin_kept_file *kept,
                struct tg_error *error)
{
    const char *path = kept->path;
    char real[PATH_MAX];
    int code = resolve(path, real, error);
    if (code == 0)
        code = plugin__judge_file(path, error);
    if (code == 0)
        code = plugin__try_to_load(path, real, &host->options.real_clock, error);
    if (code != 0)
        return code;
    void *library = dlopen(real, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return TG_FAIL(error, FAILED, "%s: cannot be loaded: %.200s", path,
                       plugin__loader_words(real));
    const struct tg_plugin *plugin = dlsym(library, TG_PLUGIN_SYMBOL);
    if (plugin == NULL)
        return TG_FAIL(error, NOT_FOUND, "%s: has no symbol " TG_PLUGIN_SYMBOL, path);
    code = plugin__judge_descriptor(path, plugin, error);
    if (code == 0)
        kept->file.descriptor = plugin;
    if (plugin->magic == TG_ABI_MAGIC && plugin->fingerprint == TG_ABI_FINGERPRINT &&
        plugin->name != NULL && tg_text_is_name(plugin->name))
        (void)tg_text_copy(kept->name, sizeof(kept->name), plugin->name);
    return code;
}

static struct plugin_kept_file *find_same(const struct plugin_host *host, const struct stat *status)
{
    for (size_t i = 0; i < host->file_count; i++)
        if (host->files[i]->device == status->st_dev && host->files[i]->inode == status->st_ino)
            return host->files[i];
    return NULL;
}

static int take_file(struct plugin_host *host, const char *folder, const char *name,
                     struct plugin_kept_file **taken, struct tg_error *error)
{
    struct stat status = {0};
    char path[PLUGIN_PATH_SIZE];
    size_t length = (size_t)snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length >= sizeof(path))
        return TG_FAIL(error, RANGE, "%.100s...: the path is longer than %u letters", folder,
                       PLUGIN_PATH_SIZE - 1);
    bool known = stat(path, &status) == 0;
    struct plugin_kept_file *kept = known ? find_same(host, &status) : NULL;
    if (kept == NULL) {
        if (host->file_count == PLUGIN_FILES_MAX)
            return TG_FAIL(error, FULL, "%s: more than %u plugin files", folder, PLUGIN_FILES_MAX);
        kept = calloc(1, sizeof(*kept));
        if (kept == NULL)
            return TG_FAIL(error, NO_MEMORY, "out of memory for plugin files");
        host->files[host->file_count++] = kept;
        kept->device = status.st_dev;
        kept->inode = status.st_ino;
        kept->file = (struct plugin_file){.path = kept->path, .refusal = kept->refusal};
        memcpy(kept->path, path, length + 1);
    }
    *taken = kept;
    return 0;
}

static int add_file(struct plugin_host *host, const char *folder, const char *name,
                    struct tg_error *error)
{
    struct tg_error refusal = {0};
    struct plugin_kept_file *kept = NULL;
    int code = take_file(host, folder, name, &kept, error);
    if (kept == NULL || kept->file.descriptor != NULL)
        return code;
    if (load(host, kept, &refusal) == 0) {
        const struct plugin_file *same = plugin_find(host, kept->name);
        if (same != &kept->file) {
            (void)TG_FAIL(&refusal, EXISTS, "%s: the name %s is taken by %s", kept->path,
                          kept->name, same->path);
            kept->file.descriptor = NULL;
        }
    }
    (void)snprintf(kept->refusal, sizeof(kept->refusal), "%s", refusal.message);
    return 0;
}

static int is_library(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* In the order of bytes, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int plugin_scan(struct plugin_host *host, const char *folder, struct tg_error *error)
{
    struct dirent **names = NULL;
    int code = judge_folder(folder, error);
    if (code != 0)
        return code;
    int count = scandir(folder, &names, is_library, by_name);
    if (count < 0)
        return TG_FAIL(error, IO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    for (int i = 0; names != NULL && i < count; i++) {
        if (code == 0)
            code = add_file(host, folder, names[i]->d_name, error);
        free(names[i]);
    }
    free(names);
    return code;
}

size_t plugin_file_count(const struct plugin_host *host)
{
    return host->file_count;
}

const struct plugin_file *plugin_file_at(const struct plugin_host *host, size_t index)
{
    return index < host->file_count ? &host->files[index]->file : NULL;
}

const struct plugin_file *plugin_find(const struct plugin_host *host, const char *name)
{
    for (size_t i = 0; i < host->file_count; i++) {
        const struct plugin_file *file = &host->files[i]->file;
        if (file->descriptor != NULL && tg_text_equal(file->descriptor->name, name))
            return file;
    }
    return NULL;
}

const struct plugin_file *plugin_find_refused(const struct plugin_host *host, const char *name)
{
    size_t length = strlen(name);
    if (plugin_find(host, name) != NULL)
        return NULL;
    for (size_t i = 0; i < host->file_count; i++) {
        const struct plugin_kept_file *kept = host->files[i];
        const char *base = strrchr(kept->path, '/') + 1;
        if (tg_text_equal(kept->name, name) ||
            (strncmp(base, name, length) == 0 && tg_text_equal(base + length, ".so")))
            return &kept->file;
    }
    return NULL;
}
