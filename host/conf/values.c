/*
 * Values by path: typed access, names, walks, and what the command line changes.
 *
 * Every text was checked when it came in, so reading a value cannot fail; asking for a path that is
 * not in the table, or as another type, is a bug of the program and stops it. What is returned as
 * text belongs to the configuration and lives until it is freed or that value is overridden. Each
 * question is noted, so that a test can say which rows of the table nobody reads. One thread.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

const char *conf_folder(const struct conf *conf)
{
    return conf->folder;
}

static const struct conf_key *key_of(const char *path)
{
    const struct conf_key *key;
    enum conf__kind kind = conf__kind(path, &key);
    TG_BUG_IF(kind != CONF__VALUE);
    return key;
}

static size_t row_of(const struct conf_key *key)
{
    return (size_t)(key - conf_keys);
}

/* The chosen name that a default "*" stands for: the last part of the value's map. */
static const char *chosen_name(const struct conf *conf, const char *path)
{
    char parent[CONF_PATH_SIZE];
    const char *point = strrchr(path, '.');
    TG_BUG_IF(point == NULL ||
              !tg_text_copy_slice(parent, sizeof(parent), path, (size_t)(point - path)));
    const struct conf__node *map = conf__nodes_find(&conf->nodes, parent);
    TG_BUG_IF(map == NULL);
    return strrchr(map->path, '.') + 1;
}

static const char *text_or_default(const struct conf *conf, const char *path,
                                   const struct conf_key *key)
{
    const struct conf__node *node = conf__nodes_find(&conf->nodes, path);
    if (node != NULL)
        return node->text;
    TG_BUG_IF(key->default_text == NULL);
    if (tg_text_equal(key->default_text, "*"))
        return chosen_name(conf, path);
    return key->default_text;
}

static const char *asked(const struct conf *conf, const char *path, enum conf_type type)
{
    const struct conf_key *key = key_of(path);
    TG_BUG_IF(key->type != type);
    conf->read[row_of(key)] = true;
    return text_or_default(conf, path, key);
}

const char *conf_text(const struct conf *conf, const char *path)
{
    return asked(conf, path, key_of(path)->type == CONF_CHOICE ? CONF_CHOICE : CONF_TEXT);
}

int64_t conf_whole(const struct conf *conf, const char *path)
{
    const char *text = asked(conf, path, CONF_WHOLE);
    long long value = 0;
    TG_BUG_IF(tg_text_to_whole(text, strlen(text), &value) != 0);
    return value;
}

double conf_real(const struct conf *conf, const char *path)
{
    const char *text = asked(conf, path, CONF_REAL);
    double value = 0;
    TG_BUG_IF(tg_text_to_double(text, strlen(text), &value) != 0);
    return value;
}

struct tg_decimal conf_decimal(const struct conf *conf, const char *path)
{
    const char *text = asked(conf, path, CONF_DECIMAL);
    struct tg_decimal value = {0};
    TG_BUG_IF(tg_decimal_parse(text, strlen(text), &value) != 0);
    return value;
}

bool conf_flag(const struct conf *conf, const char *path)
{
    return tg_text_equal(asked(conf, path, CONF_FLAG), "true");
}

static struct conf__list list_of(const struct conf *conf, const char *path)
{
    const struct conf_key *key = key_of(path);
    TG_BUG_IF(key->type != CONF_TEXT_LIST);
    conf->read[row_of(key)] = true;
    const struct conf__node *node = conf__nodes_find(&conf->nodes, path);
    if (node != NULL)
        return (struct conf__list){node->items, node->item_count};
    return conf->default_lists[row_of(key)];
}

size_t conf_list_count(const struct conf *conf, const char *path)
{
    return list_of(conf, path).count;
}

const char *conf_list_at(const struct conf *conf, const char *path, size_t index)
{
    struct conf__list list = list_of(conf, path);
    return index < list.count ? list.items[index] : NULL;
}

bool conf_is_set(const struct conf *conf, const char *path)
{
    (void)key_of(path);
    return conf__nodes_find(&conf->nodes, path) != NULL;
}

const char *conf_where(const struct conf *conf, const char *path)
{
    const struct conf_key *key;
    enum conf__kind kind = conf__kind(path, &key);
    TG_BUG_IF(kind == CONF__UNKNOWN);
    const struct conf__node *node = conf__nodes_find(&conf->nodes, path);
    return node != NULL ? node->where : "default";
}

/* The rest of a path below a prefix; NULL where it is not below it. "" has everything below it. */
static const char *below(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return path;
    return strncmp(path, prefix, length) == 0 && path[length] == '.' ? path + length + 1 : NULL;
}

const char *conf_name_at(const struct conf *conf, const char *prefix, size_t index)
{
    const struct conf_key *key;
    enum conf__kind kind = conf__kind(prefix, &key);
    TG_BUG_IF(kind != CONF__MAP);
    for (size_t i = 0; i < conf->nodes.count; i++) {
        const char *name = below(conf->nodes.at[i].path, prefix);
        if (name != NULL && strchr(name, '.') == NULL && index-- == 0)
            return name;
    }
    return NULL;
}

/* ---- walks ---- */

struct walk {
    const struct conf *conf;
    const char *prefix;
    conf_visit visit;
    void *context;
};

static int walk_visit(void *context, const char *path, const struct conf_key *key)
{
    const struct walk *walk = context;
    if (!tg_text_equal(path, walk->prefix) && below(path, walk->prefix) == NULL)
        return 0;
    walk->conf->read[row_of(key)] = true;
    walk->visit(walk->context, path, key, text_or_default(walk->conf, path, key));
    return 0;
}

void conf_each(const struct conf *conf, const char *prefix, conf_visit visit, void *context)
{
    struct walk walk = {conf, prefix, visit, context};
    for (size_t i = 0; i < conf_key_count; i++)
        (void)conf__expand(conf, &conf_keys[i], walk_visit, &walk);
}

void conf_subtree_each(const struct conf *conf, const char *prefix, conf_subtree_visit visit,
                       void *context)
{
    char path[CONF_PATH_SIZE];
    size_t length = 0;
    TG_BUG_IF(!tg_text_append(path, sizeof(path), &length, "%s.any", prefix));
    const struct conf_key *key = key_of(path);
    TG_BUG_IF(!conf__is_plugin_value(key));
    conf->read[row_of(key)] = true;
    for (size_t i = 0; i < conf->nodes.count; i++) {
        const struct conf__node *node = &conf->nodes.at[i];
        const char *name = below(node->path, prefix);
        if (name != NULL)
            visit(context, name, node->text, node->where);
    }
}

void conf_unread(const struct conf *conf, conf_key_visit visit, void *context)
{
    for (size_t i = 0; i < conf_key_count; i++)
        if (!conf->read[i])
            visit(context, &conf_keys[i]);
}

/* ---- changes by the command line ---- */

/* Judges every part of the path from the top. */
static int override_path_check(const char *path, struct tg_error *error)
{
    char parent[CONF_PATH_SIZE];
    char name[CONF_PATH_SIZE];
    const struct conf_key *key;
    size_t length = strlen(path);
    if (length >= CONF_PATH_SIZE)
        return TG_FAIL(error, RANGE, "a key of more than %u bytes", CONF_PATH_SIZE - 1);
    for (size_t start = 0; start <= length;) {
        size_t part = strcspn(path + start, ".");
        TG_BUG_IF(!tg_text_copy_slice(parent, sizeof(parent), path, start > 0 ? start - 1 : 0));
        TG_BUG_IF(!tg_text_copy_slice(name, sizeof(name), path + start, part));
        if (conf__kind(parent, &key) == CONF__VALUE)
            return TG_FAIL(error, INVALID, "%s: unknown key, %s is a value", path, parent);
        int code = conf__child_check(parent, name, error);
        if (code != 0)
            return TG_PASS(error, code);
        start += part + 1;
    }
    if (conf__kind(path, &key) != CONF__VALUE) {
        char children[CONF_ALLOWED_SIZE];
        conf__children(path, children, sizeof(children));
        return TG_FAIL(error, INVALID, "%s: is a map; name one of its keys: %s", path, children);
    }
    if (tg_text_equal(path, "include"))
        return TG_FAIL(error, REFUSED, "include: files are included by files only");
    return 0;
}

static int override_value(struct conf__node *node, const char *text, struct tg_error *error)
{
    if (node->key->type != CONF_TEXT_LIST) {
        int code = conf__value_check(node->key, node->path, text, true, error);
        if (code != 0)
            return TG_PASS(error, code);
        node->text = strdup(text);
        return node->text != NULL
                   ? 0
                   : TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    }
    struct conf__list list = {0};
    int code = conf__list_split(text, &list, error);
    node->items = list.items;
    node->item_count = list.count;
    for (size_t i = 0; code == 0 && i < list.count; i++)
        code = conf__value_check(node->key, node->path, list.items[i], true, error);
    if (code == 0)
        code = conf__node_items_join(node, error);
    return code == 0 ? 0 : TG_PASS(error, code);
}

/* The maps above a path, where they are not there yet. */
static int maps_add(struct conf *conf, const char *path, struct tg_error *error)
{
    char parent[CONF_PATH_SIZE];
    for (const char *point = strchr(path, '.'); point != NULL; point = strchr(point + 1, '.')) {
        TG_BUG_IF(!tg_text_copy_slice(parent, sizeof(parent), path, (size_t)(point - path)));
        if (conf__nodes_find(&conf->nodes, parent) == NULL &&
            conf__nodes_add(&conf->nodes, parent, NULL, NULL, error) == NULL)
            return TG_PASS(error, TG_E_FULL);
    }
    return 0;
}

static int override(struct conf *conf, const char *path, const char *text, struct tg_error *error)
{
    int code = override_path_check(path, error);
    if (code != 0)
        return TG_PASS(error, code);
    struct conf__nodes fresh = {0};
    struct conf__node *node = conf__nodes_add(&fresh, path, key_of(path), NULL, error);
    code = node == NULL ? TG_E_NO_MEMORY : override_value(node, text, error);
    size_t count = conf->nodes.count;
    struct conf__node *there = conf__nodes_find(&conf->nodes, path);
    if (code == 0 && there != NULL) {
        conf__node_take(there, node);
    } else if (code == 0) {
        code = maps_add(conf, path, error);
        if (code == 0)
            code = conf__nodes_move(&conf->nodes, node, error);
        /* a new name may need more keys than this one */
        if (code == 0)
            code = conf__missing_check(conf, error);
    }
    while (code != 0 && conf->nodes.count > count)
        conf__node_fini(&conf->nodes.at[--conf->nodes.count]);
    conf__nodes_fini(&fresh);
    return code == 0 ? 0 : TG_PASS(error, code);
}

int conf_override(struct conf *conf, const char *path, const char *text, struct tg_error *error)
{
    int code = 0;
    if (!tg_text_is_utf8(path, strlen(path)) || !tg_text_is_utf8(text, strlen(text)))
        code = TG_FAIL(error, INVALID, "the key or the value is not UTF-8");
    else
        code = override(conf, path, text, error);
    if (code == 0)
        return 0;
    /* a key that is missing has its place said already */
    if (code != TG_E_NOT_FOUND)
        tg_error_prefix(error, "command line: ");
    return TG_PASS(error, code);
}

void conf_remove(struct conf *conf, const char *prefix)
{
    char path[CONF_PATH_SIZE];
    size_t length = 0;
    const struct conf_key *key;
    TG_BUG_IF(conf__kind(prefix, &key) != CONF__MAP);
    TG_BUG_IF(!tg_text_append(path, sizeof(path), &length, "%s", prefix));
    size_t kept = 0;
    for (size_t i = 0; i < conf->nodes.count; i++) {
        struct conf__node *node = &conf->nodes.at[i];
        if (tg_text_equal(node->path, path) || below(node->path, path) != NULL)
            conf__node_fini(node);
        else
            conf->nodes.at[kept++] = *node;
    }
    conf->nodes.count = kept;
    TG_BUG_IF(conf__missing_check(conf, NULL) != 0);
}
