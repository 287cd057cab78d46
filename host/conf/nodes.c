/*
 * Nodes: the keys and values of a configuration as a flat list with unique dotted paths.
 *
 * A list of nodes owns its nodes and all their texts. Paths are compared by hash first, so that a
 * search through the largest allowed configuration stays in the microseconds; no index is kept,
 * because a configuration is read once.
 */
#include "conf_int.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits */
static uint64_t path_hash(const char *path)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = path; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return hash;
}

int conf__located(struct tg_error *error, const struct conf__place *place, int code)
{
    tg_error_prefix(error, "%s:%zu:%zu: ", place->file, place->line, place->column);
    return code;
}

struct conf__node *conf__nodes_find(const struct conf__nodes *nodes, const char *path)
{
    uint64_t hash = path_hash(path);
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->at[i].hash == hash && strcmp(nodes->at[i].path, path) == 0)
            return &nodes->at[i];
    return NULL;
}

static int nodes_reserve(struct conf__nodes *nodes, struct tg_error *error)
{
    if (nodes->count >= CONF_NODES_MAX)
        return TG_FAIL(error, FULL, "the configuration has more than %u keys", CONF_NODES_MAX);
    if (nodes->count < nodes->capacity)
        return 0;
    size_t capacity = nodes->capacity == 0 ? 64 : nodes->capacity * 2;
    struct conf__node *at = realloc(nodes->at, capacity * sizeof(*at));
    if (at == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    nodes->at = at;
    nodes->capacity = capacity;
    return 0;
}

static char *place_text(const struct conf__place *place)
{
    if (place == NULL)
        return strdup("command line");
    size_t size = strlen(place->file) + 48;
    char *text = malloc(size);
    if (text != NULL)
        (void)snprintf(text, size, "%s:%zu:%zu", place->file, place->line, place->column);
    return text;
}

struct conf__node *conf__nodes_add(struct conf__nodes *nodes, const char *path,
                                   const struct conf_key *key, const struct conf__place *place,
                                   struct tg_error *error)
{
    if (nodes_reserve(nodes, error) != 0)
        return NULL;
    struct conf__node node = {
        .path = strdup(path), .hash = path_hash(path), .key = key, .where = place_text(place)};
    if (node.path == NULL || node.where == NULL) {
        conf__node_fini(&node);
        (void)TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
        return NULL;
    }
    nodes->at[nodes->count] = node;
    return &nodes->at[nodes->count++];
}

void conf__node_take(struct conf__node *into, struct conf__node *from)
{
    struct conf__node old = *into;
    *into = *from;
    memset(from, 0, sizeof(*from));
    conf__node_fini(&old);
}

int conf__nodes_move(struct conf__nodes *nodes, struct conf__node *node, struct tg_error *error)
{
    int code = nodes_reserve(nodes, error);
    if (code != 0)
        return TG_PASS(error, code);
    nodes->at[nodes->count++] = *node;
    memset(node, 0, sizeof(*node));
    return 0;
}

static int items_add(char ***items, size_t *count, const char *text, size_t length,
                     struct tg_error *error)
{
    if (*count >= CONF_ITEMS_MAX)
        return TG_FAIL(error, FULL, "a list has at most %u items", CONF_ITEMS_MAX);
    char **grown = realloc(*items, (*count + 1) * sizeof(*grown));
    if (grown == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    *items = grown;
    grown[*count] = strndup(text, length);
    if (grown[*count] == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    (*count)++;
    return 0;
}

int conf__node_item_add(struct conf__node *node, const char *text, struct tg_error *error)
{
    return items_add(&node->items, &node->item_count, text, strlen(text), error);
}

int conf__node_items_join(struct conf__node *node, struct tg_error *error)
{
    size_t size = 1;
    for (size_t i = 0; i < node->item_count; i++)
        size += strlen(node->items[i]) + 1;
    char *text = malloc(size);
    if (text == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the configuration");
    char *end = text;
    for (size_t i = 0; i < node->item_count; i++) {
        size_t length = strlen(node->items[i]);
        if (i > 0)
            *end++ = ',';
        memcpy(end, node->items[i], length);
        end += length;
    }
    *end = '\0';
    free(node->text);
    node->text = text;
    return 0;
}

int conf__list_split(const char *text, struct conf__list *list, struct tg_error *error)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        int code = items_add(&list->items, &list->count, text, length, error);
        if (code != 0)
            return TG_PASS(error, code);
        text += length;
        if (*text == ',')
            text++;
    }
    return 0;
}

void conf__list_free(struct conf__list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof(*list));
}

void conf__node_fini(struct conf__node *node)
{
    struct conf__list list = {node->items, node->item_count};
    conf__list_free(&list);
    free(node->path);
    free(node->text);
    free(node->where);
    memset(node, 0, sizeof(*node));
}

void conf__nodes_fini(struct conf__nodes *nodes)
{
    for (size_t i = 0; i < nodes->count; i++)
        conf__node_fini(&nodes->at[i]);
    free(nodes->at);
    memset(nodes, 0, sizeof(*nodes));
}
