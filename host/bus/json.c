/*
 * JSON read strictly, over jansson.
 *
 * jansson judges the text (numbers, escapes, UTF-8, duplicates, text after the end); this file adds
 * the limits on bytes and nesting, line and column in the sentence, and turns its tree into nodes
 * that can be walked by index in the order of the text. A document is one block: the nodes, and the
 * library's tree, which owns the strings. The caller owns the document and frees it with json_free.
 * Everything is a function of its arguments; any thread may call it.
 */

/*
 * The library declares a function json_string and constants JSON_NULL ... of its own. They are
 * renamed while its header is read; none of the renamed functions is called here.
 */
#define json_string jansson_string
#define JSON_NULL   JANSSON_NULL
#define JSON_STRING JANSSON_STRING
#define JSON_ARRAY  JANSSON_ARRAY
#define JSON_OBJECT JANSSON_OBJECT
#include <jansson.h>
#undef json_string
#undef JSON_NULL
#undef JSON_STRING
#undef JSON_ARRAY
#undef JSON_OBJECT

#include "bus/json.h"

#include <stdlib.h>
#include <string.h>

struct json_value {
    enum json_kind kind;
    bool whole;      /* of a number: written without a point or an exponent */
    uint32_t count;  /* of an array or object */
    const char *key; /* of a member: borrowed from the library's tree */
    union {
        bool flag;
        int64_t whole;
        double real;
        const char *string;
        struct json_value *children; /* `count` of them, in the order of the text */
    } is;
};

struct document {
    json_t *tree;
    struct json_value nodes[]; /* the first is the root */
};

/* ---- limits ------------------------------------------------------------------------------- */

/* The library would recurse 2,048 deep; brackets are counted before it sees the text. */
static int check_nesting(const char *text, size_t length, struct tg_error *error)
{
    uint32_t depth = 0;
    size_t line = 1, line_start = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        const char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > JSON_NESTING_MAX)
                return TG_FAIL(error, RANGE, "%zu:%zu: nested more than %u levels deep", line,
                               i - line_start + 1, JSON_NESTING_MAX);
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if (c == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return TG_E_OK;
}

/* ---- the library's tree becomes nodes ------------------------------------------------------ */

static size_t count_nodes(json_t *tree)
{
    size_t count = 1;

    if (json_typeof(tree) == JANSSON_ARRAY) {
        for (size_t i = 0; i < json_array_size(tree); i++)
            count += count_nodes(json_array_get(tree, i));
    } else if (json_typeof(tree) == JANSSON_OBJECT) {
        for (void *at = json_object_iter(tree); at != NULL; at = json_object_iter_next(tree, at))
            count += count_nodes(json_object_iter_value(at));
    }
    return count;
}

static void fill_node(struct json_value *node, json_t *tree, struct json_value **unused);

static void fill_children(struct json_value *node, json_t *tree, struct json_value **unused)
{
    const bool is_array = json_typeof(tree) == JANSSON_ARRAY;
    const size_t count = is_array ? json_array_size(tree) : json_object_size(tree);
    struct json_value *child = *unused;

    node->kind = is_array ? JSON_ARRAY : JSON_OBJECT;
    node->count = (uint32_t)count;
    node->is.children = child;
    *unused += count;
    if (is_array) {
        for (size_t i = 0; i < count; i++)
            fill_node(child++, json_array_get(tree, i), unused);
        return;
    }
    for (void *at = json_object_iter(tree); at != NULL; at = json_object_iter_next(tree, at)) {
        child->key = json_object_iter_key(at);
        fill_node(child++, json_object_iter_value(at), unused);
    }
}

static void fill_node(struct json_value *node, json_t *tree, struct json_value **unused)
{
    switch (json_typeof(tree)) {
    case JANSSON_OBJECT:
    case JANSSON_ARRAY:
        fill_children(node, tree, unused);
        return;
    case JANSSON_STRING:
        node->kind = JSON_STRING;
        node->is.string = json_string_value(tree);
        return;
    case JSON_INTEGER:
        node->kind = JSON_NUMBER;
        node->whole = true;
        node->is.whole = json_integer_value(tree);
        return;
    case JSON_REAL:
        node->kind = JSON_NUMBER;
        node->is.real = json_real_value(tree);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        node->kind = JSON_FLAG;
        node->is.flag = json_typeof(tree) == JSON_TRUE;
        return;
    case JANSSON_NULL:
        node->kind = JSON_NULL;
        return;
    }
}

/* ---- documents ---------------------------------------------------------------------------- */

int json_parse(const char *text, size_t length, struct json_value **root, struct tg_error *error)
{
    json_error_t reason;

    if (length > JSON_BYTES_MAX)
        return TG_FAIL(error, RANGE, "%zu bytes of JSON are too many (at most %u)", length,
                       JSON_BYTES_MAX);
    int code = check_nesting(text, length, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);

    json_t *tree = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (tree == NULL)
        return TG_FAIL(error, INVALID, "%d:%d: %s", reason.line, reason.column, reason.text);

    const size_t count = count_nodes(tree);
    struct document *document = calloc(1, sizeof(*document) + count * sizeof(document->nodes[0]));
    if (document == NULL) {
        json_decref(tree);
        return TG_FAIL(error, NO_MEMORY, "no memory for %zu JSON values", count);
    }
    document->tree = tree;
    struct json_value *unused = document->nodes + 1;
    fill_node(document->nodes, tree, &unused);
    *root = document->nodes;
    return TG_E_OK; /* cppcheck-suppress memleak ; *root is a part of it */
}

void json_free(struct json_value *root)
{
    if (root == NULL)
        return;
    struct document *document =
        (struct document *)(void *)((char *)root - offsetof(struct document, nodes));
    json_decref(document->tree);
    free(document);
}

/* ---- reading ------------------------------------------------------------------------------ */

enum json_kind json_kind_of(const struct json_value *value)
{
    return value == NULL ? JSON_NULL : value->kind;
}

const struct json_value *json_member(const struct json_value *object, const char *key)
{
    if (json_kind_of(object) != JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < object->count; i++)
        if (strcmp(object->is.children[i].key, key) == 0)
            return &object->is.children[i];
    return NULL;
}

const struct json_value *json_item(const struct json_value *array, size_t index)
{
    if (json_kind_of(array) != JSON_ARRAY || index >= array->count)
        return NULL;
    return &array->is.children[index];
}

size_t json_count(const struct json_value *value)
{
    const enum json_kind kind = json_kind_of(value);

    return kind == JSON_ARRAY || kind == JSON_OBJECT ? value->count : 0;
}

const struct json_value *json_member_at(const struct json_value *object, size_t index,
                                        const char **key)
{
    if (json_kind_of(object) != JSON_OBJECT || index >= object->count)
        return NULL;
    if (key != NULL)
        *key = object->is.children[index].key;
    return &object->is.children[index];
}

bool json_flag(const struct json_value *value)
{
    return json_kind_of(value) == JSON_FLAG && value->is.flag;
}

double json_number(const struct json_value *value)
{
    if (json_kind_of(value) != JSON_NUMBER)
        return 0;
    return value->whole ? (double)value->is.whole : value->is.real;
}

bool json_is_whole(const struct json_value *value)
{
    return json_kind_of(value) == JSON_NUMBER && value->whole;
}

int64_t json_whole(const struct json_value *value)
{
    return json_is_whole(value) ? value->is.whole : 0;
}

const char *json_string(const struct json_value *value)
{
    return json_kind_of(value) == JSON_STRING ? value->is.string : NULL;
}

/* ---- writing ------------------------------------------------------------------------------ */

void json_write(const struct json_value *value, struct tg_json_writer *json)
{
    switch (json_kind_of(value)) {
    case JSON_NULL:
        tg_json_null(json);
        return;
    case JSON_FLAG:
        tg_json_flag(json, value->is.flag);
        return;
    case JSON_NUMBER:
        if (value->whole)
            tg_json_whole(json, value->is.whole);
        else
            tg_json_real(json, value->is.real);
        return;
    case JSON_STRING:
        tg_json_string(json, value->is.string);
        return;
    case JSON_ARRAY:
        tg_json_array_open(json);
        for (uint32_t i = 0; i < value->count; i++)
            json_write(&value->is.children[i], json);
        tg_json_array_close(json);
        return;
    case JSON_OBJECT:
        tg_json_object_open(json);
        for (uint32_t i = 0; i < value->count; i++) {
            tg_json_key(json, value->is.children[i].key);
            json_write(&value->is.children[i], json);
        }
        tg_json_object_close(json);
        return;
    }
}
