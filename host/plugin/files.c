/*
 * Plugin files: found, judged, loaded, remembered.
 *
 * A file is judged by its bytes and its permissions first, then loaded, then its descriptor is
 * judged; only after that is any of its functions called. A loaded file stays loaded as long as the
 * process: unloading code that may have threads, destructors or symbols in use is not safe.
 */
#include "plugin_int.h"

#include "base/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int load(const char *path, const struct tg_plugin **descriptor, struct tg_error *error)
{
    int code = plugin__judge_file(path, error);
    if (code != 0)
        return code;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return TG_FAIL(error, FAILED, "%s: cannot be loaded: %.200s", path, dlerror());
    const struct tg_plugin *plugin = dlsym(library, TG_PLUGIN_SYMBOL);
    if (plugin == NULL)
        return TG_FAIL(error, NOT_FOUND, "%s: has no symbol " TG_PLUGIN_SYMBOL, path);
    code = plugin__judge_descriptor(path, plugin, error);
    if (code == 0)
        *descriptor = plugin;
    return code;
}

static int add_file(struct plugin_host *host, const char *folder, const char *name,
                    struct tg_error *error)
{
    struct tg_error refusal = {0};
    if (host->file_count == PLUGIN_FILES_MAX)
        return TG_FAIL(error, FULL, "%s: more than %u plugin files", folder, PLUGIN_FILES_MAX);
    struct plugin_kept_file *kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for plugin files");
    (void)snprintf(kept->path, sizeof(kept->path), "%s/%s", folder, name);
    kept->file = (struct plugin_file){.path = kept->path, .refusal = kept->refusal};
    int code = load(kept->path, &kept->file.descriptor, &refusal);
    if (code == 0) {
        const struct plugin_file *same = plugin_find(host, kept->file.descriptor->name);
        if (same != NULL) {
            code = TG_FAIL(&refusal, EXISTS, "%s: the name %s is taken by %s", kept->path,
                           kept->file.descriptor->name, same->path);
            kept->file.descriptor = NULL;
        }
    }
    if (code != 0)
        (void)snprintf(kept->refusal, sizeof(kept->refusal), "%s", refusal.message);
    host->files[host->file_count++] = kept;
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
    int count = scandir(folder, &names, is_library, by_name);
    int code = 0;
    if (count < 0)
        return TG_FAIL(error, IO, "%s: the folder cannot be read: %s", folder, strerror(errno));
    for (int i = 0; i < count; i++) {
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
