/*
 * A configuration from its files: includes, precedence, what is missing.
 *
 * A file is read after the files that it includes, and its own values replace theirs in place, so
 * names keep the order in which they are first met. Where two files that are included side by side
 * set the same key, neither is the stronger one: that is refused, unless the including file
 * decides. A file is read once at most; includes that go in a circle end at that rule. struct conf
 * owns all nodes and file names; after a failure nothing is left behind.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder of a path; NULL: out of memory. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* The path of an included file as seen from the including one. */
static char *included_path(const char *including, const char *item)
{
    const char *slash = strrchr(including, '/');
    if (item[0] == '/' || slash == NULL)
        return strdup(item);
    size_t folder = (size_t)(slash - including) + 1;
    size_t size = folder + strlen(item) + 1;
    char *path = malloc(size);
    if (path != NULL)
        (void)snprintf(path, size, "%.*s%s", (int)folder, including, item);
    return path;
}

/* Takes the file into the list of those read; refuses one that is there already. */
static int file_register(struct conf *conf, const char *path, struct conf__file *identity,
                         const char *included_at, struct tg_error *error)
{
    const char *at = included_at != NULL ? included_at : path;
    for (size_t i = 0; i < conf->file_count; i++) {
        const struct conf__file *known = &conf->files[i];
        if (known->device != identity->device || known->inode != identity->inode)
            continue;
        if (known->open)
            return TG_FAIL(error, INVALID, "%s: include: %s includes itself, by way of this file",
                           at, known->path);
        return TG_FAIL(error, EXISTS, "%s: include: %s is included twice", at, known->path);
    }
    if (conf->file_count >= CONF_FILES_MAX)
        return TG_FAIL(error, FULL, "%s: include: more than %u files", at, CONF_FILES_MAX);
    identity->path = strdup(path);
    if (identity->path == NULL)
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory", path);
    identity->open = true;
    conf->files[conf->file_count++] = *identity;
    return 0;
}

/* Nodes of an included file, which `own` nodes of the including file overrule. */
static int merge_included(struct conf__nodes *result, struct conf__nodes *included,
                          const struct conf__nodes *own, struct tg_error *error)
{
    for (size_t i = 0; i < included->count; i++) {
        struct conf__node *node = &included->at[i];
        if (tg_text_equal(node->path, "include"))
            continue;
        const struct conf__node *there = conf__nodes_find(result, node->path);
        if (there == NULL) {
            int code = conf__nodes_move(result, node, error);
            if (code != 0)
                return TG_PASS(error, code);
        } else if (node->key != NULL && conf__nodes_find(own, node->path) == NULL) {
            return TG_FAIL(error, EXISTS,
                           "%s: %s: is set in two included files, here and at %s; leave one out",
                           node->where, node->path, there->where);
        }
    }
    return 0;
}

static int merge_own(struct conf__nodes *result, struct conf__nodes *own, struct tg_error *error)
{
    for (size_t i = 0; i < own->count; i++) {
        struct conf__node *node = &own->at[i];
        struct conf__node *there = conf__nodes_find(result, node->path);
        if (there == NULL) {
            int code = conf__nodes_move(result, node, error);
            if (code != 0)
                return TG_PASS(error, code);
        } else if (node->key != NULL) {
            conf__node_take(there, node);
        }
    }
    return 0;
}

static int load_file(struct conf *conf, const char *path, unsigned depth, const char *included_at,
                     struct conf__nodes *result, struct tg_error *error);

static int load_includes(struct conf *conf, const char *path, unsigned depth,
                         const struct conf__nodes *own, struct conf__nodes *result,
                         struct tg_error *error)
{
    const struct conf__node *list = conf__nodes_find(own, "include");
    for (size_t i = 0; list != NULL && i < list->item_count; i++) {
        char *included = included_path(path, list->items[i]);
        if (included == NULL)
            return TG_FAIL(error, NO_MEMORY, "%s: out of memory", path);
        struct conf__nodes nodes = {0};
        int code = load_file(conf, included, depth + 1, list->where, &nodes, error);
        if (code == 0)
            code = merge_included(result, &nodes, own, error);
        conf__nodes_fini(&nodes);
        free(included);
        if (code != 0)
            return TG_PASS(error, code);
    }
    return 0;
}

static int load_file(struct conf *conf, const char *path, unsigned depth, const char *included_at,
                     struct conf__nodes *result, struct tg_error *error)
{
    char *bytes = NULL;
    size_t length = 0;
    struct conf__file identity = {0};
    struct conf__nodes own = {0};
    if (depth > CONF_INCLUDES_MAX)
        return TG_FAIL(error, RANGE, "%s: include: files include one another more than %u deep",
                       included_at, CONF_INCLUDES_MAX);
    int code = conf__file_read(path, &bytes, &length, &identity, error);
    if (code == TG_E_NOT_FOUND && included_at != NULL)
        tg_error_prefix(error, "%s: include: ", included_at);
    if (code != 0)
        return TG_PASS(error, code);
    size_t number = conf->file_count;
    code = file_register(conf, path, &identity, included_at, error);
    if (code == 0)
        code = conf__parse(conf->files[number].path, bytes, length, &own, error);
    free(bytes);
    if (code == 0)
        code = load_includes(conf, path, depth, &own, result, error);
    if (code == 0)
        code = merge_own(result, &own, error);
    if (code == 0)
        conf->files[number].open = false;
    conf__nodes_fini(&own);
    return code == 0 ? 0 : TG_PASS(error, code);
}

/* ---- what is missing ---- */

struct missing {
    const struct conf *conf;
    struct tg_error *error;
};

static int missing_visit(void *context, const char *path, const struct conf_key *key)
{
    const struct missing *missing = context;
    if (conf__nodes_find(&missing->conf->nodes, path) != NULL)
        return 0;
    /* the map nearest to where it should stand */
    const char *where = missing->conf->files[0].path;
    char parent[CONF_PATH_SIZE];
    TG_BUG_IF(!tg_text_copy(parent, sizeof(parent), path));
    for (char *point; (point = strrchr(parent, '.')) != NULL;) {
        *point = '\0';
        const struct conf__node *map = conf__nodes_find(&missing->conf->nodes, parent);
        if (map != NULL) {
            where = map->where;
            break;
        }
    }
    char allowed[CONF_ALLOWED_SIZE];
    conf__allowed(key, allowed);
    return TG_FAIL(missing->error, NOT_FOUND, "%s: %s is missing: %s is needed (%s)", where, path,
                   allowed, key->description);
}

int conf__missing_check(const struct conf *conf, struct tg_error *error)
{
    struct missing missing = {conf, error};
    for (size_t i = 0; i < conf_key_count; i++) {
        const struct conf_key *key = &conf_keys[i];
        /* a row that ends in `*` is there where its name is */
        if (key->default_text != NULL || key->path[strlen(key->path) - 1] == '*')
            continue;
        int code = conf__expand(conf, key, missing_visit, &missing);
        if (code != 0)
            return TG_PASS(error, code);
    }
    return 0;
}

/* ---- the whole ---- */

static int defaults_prepare(struct conf *conf, struct tg_error *error)
{
    conf->default_lists = calloc(conf_key_count, sizeof(*conf->default_lists));
    conf->read = calloc(conf_key_count, sizeof(*conf->read));
    if (conf->default_lists == NULL || conf->read == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    for (size_t i = 0; i < conf_key_count; i++) {
        if (conf_keys[i].type != CONF_TEXT_LIST || conf_keys[i].default_text == NULL)
            continue;
        int code = conf__list_split(conf_keys[i].default_text, &conf->default_lists[i], error);
        if (code != 0)
            return TG_PASS(error, code);
        if (tg_text_equal(conf_keys[i].path, "include"))
            conf->read[i] = true; /* by this file */
    }
    return 0;
}

int conf_load(const char *path, struct conf **result, struct tg_error *error)
{
    struct tg_error own_error;
    if (error == NULL)
        error = &own_error; /* the parser looks at it */
    tg_error_clear(error);
    *result = NULL;
    struct conf *conf = calloc(1, sizeof(*conf));
    if (conf == NULL)
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory", path);
    conf->folder = folder_of(path);
    int code = conf->folder != NULL ? 0 : TG_FAIL(error, NO_MEMORY, "%s: out of memory", path);
    if (code == 0)
        code = defaults_prepare(conf, error);
    if (code == 0)
        code = load_file(conf, path, 0, NULL, &conf->nodes, error);
    if (code == 0)
        code = conf__missing_check(conf, error);
    if (code != 0) {
        conf_free(conf);
        return TG_PASS(error, code);
    }
    *result = conf;
    return 0;
}

void conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    conf__nodes_fini(&conf->nodes);
    for (size_t i = 0; i < conf->file_count; i++)
        free(conf->files[i].path);
    for (size_t i = 0; conf->default_lists != NULL && i < conf_key_count; i++)
        conf__list_free(&conf->default_lists[i]);
    free(conf->default_lists);
    free(conf->read);
    free(conf->folder);
    free(conf);
}
