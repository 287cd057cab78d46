/*
 * One file to nodes: libyaml's events, mapped onto the key table while they come.
 *
 *     bytes -> yaml_parser_parse -> event -> parse_map -> parse_value -> struct conf__node
 *                                               |             |
 *                                      conf__child_check   conf__value_check
 *
 * Of YAML only what a configuration needs is accepted: one document of maps, lists and scalars.
 * Anchors, aliases, tags, merge keys, directives and further documents are refused, because each of
 * them makes a file mean something else than a reader sees. The first error ends the reading; it
 * has the line and column at which the offending text begins. Whoever calls owns the nodes, also
 * after a failure. No state outlives the call.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/text.h"

#include <string.h>
#include <yaml.h>

struct parse {
    yaml_parser_t yaml;
    const char *file;
    const char *bytes;
    struct conf__nodes *nodes;
    struct tg_error *error;
    char path[CONF_PATH_SIZE]; /* of the map or value being read */
    size_t length;             /* of the path */
};

static struct conf__place place_of(const struct parse *parse, yaml_mark_t mark)
{
    return (struct conf__place){parse->file, mark.line + 1, mark.column + 1};
}

#define FAIL_AT(parse, mark, code, ...)                                                            \
    fail_located((parse), (mark), TG_FAIL((parse)->error, code, __VA_ARGS__))

static int fail_located(const struct parse *parse, yaml_mark_t mark, int code)
{
    struct conf__place place = place_of(parse, mark);
    return conf__located(parse->error, &place, code);
}

/* libyaml says of a byte that it cannot read only how far into the file it is. */
static yaml_mark_t mark_of_offset(const struct parse *parse, size_t offset)
{
    yaml_mark_t mark = {0, 0, 0};
    for (size_t i = 0; i < offset && parse->bytes[i] != '\0'; i++) {
        mark.column++;
        if (parse->bytes[i] == '\n') {
            mark.line++;
            mark.column = 0;
        }
    }
    return mark;
}

static int yaml_failure(struct parse *parse)
{
    const yaml_parser_t *yaml = &parse->yaml;
    const char *problem = yaml->problem != NULL ? yaml->problem : "unknown problem";
    if (yaml->error == YAML_MEMORY_ERROR)
        return TG_FAIL(parse->error, NO_MEMORY, "%s: out of memory", parse->file);
    if (yaml->error == YAML_READER_ERROR)
        return FAIL_AT(parse, mark_of_offset(parse, yaml->problem_offset), INVALID,
                       "not valid YAML: %s", problem);
    if (yaml->context != NULL)
        return FAIL_AT(parse, yaml->problem_mark, INVALID, "not valid YAML: %s, %s (line %zu)",
                       problem, yaml->context, yaml->context_mark.line + 1);
    return FAIL_AT(parse, yaml->problem_mark, INVALID, "not valid YAML: %s", problem);
}

static int event_check(struct parse *parse, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return FAIL_AT(parse, event->start_mark, UNSUPPORTED,
                       "aliases (*name) are not allowed; write the value again");
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL)
        return FAIL_AT(parse, event->start_mark, UNSUPPORTED,
                       "anchors (&name) are not allowed; write the value where it is needed");
    if (tag != NULL)
        return FAIL_AT(parse, event->start_mark, UNSUPPORTED,
                       "tags (!name) are not allowed; the type of a value is that of its key");
    return 0;
}

/* The caller deletes the event, also after a failure. */
static int event_next(struct parse *parse, yaml_event_t *event)
{
    memset(event, 0, sizeof(*event));
    if (!yaml_parser_parse(&parse->yaml, event)) {
        memset(event, 0, sizeof(*event));
        return yaml_failure(parse);
    }
    return event_check(parse, event);
}

static const char *scalar_text(const yaml_event_t *event)
{
    return (const char *)event->data.scalar.value;
}

static bool scalar_is_plain(const yaml_event_t *event)
{
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/*
 * A scalar that holds a NUL ("\0" in quotes) would be cut silently. A plain one goes on over a line
 * that is indented further, which is hardly ever meant.
 */
static int scalar_check(struct parse *parse, const yaml_event_t *event)
{
    if (memchr(event->data.scalar.value, 0, event->data.scalar.length) != NULL)
        return FAIL_AT(parse, event->start_mark, INVALID, "a NUL character in a text");
    if (scalar_is_plain(event) && event->start_mark.line != event->end_mark.line)
        return FAIL_AT(parse, event->start_mark, INVALID,
                       "a value that goes on in line %zu; is that line indented too far?",
                       event->end_mark.line + 1);
    return 0;
}

/* One item of a list, up to its end. */
static int parse_item(struct parse *parse, struct conf__node *node, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        return FAIL_AT(parse, event->start_mark, INVALID,
                       "%s: an item of this list must be a text, not a map or a list", node->path);
    int code = scalar_check(parse, event);
    if (code != 0)
        return code;
    code = conf__value_check(node->key, node->path, scalar_text(event), scalar_is_plain(event),
                             parse->error);
    if (code == 0)
        code = conf__node_item_add(node, scalar_text(event), parse->error);
    return code == 0 ? 0 : fail_located(parse, event->start_mark, code);
}

static int parse_list(struct parse *parse, const struct conf_key *key, const yaml_event_t *start)
{
    char allowed[CONF_ALLOWED_SIZE];
    conf__allowed(key, allowed);
    if (key->type != CONF_TEXT_LIST || conf__is_plugin_value(key))
        return FAIL_AT(parse, start->start_mark, INVALID,
                       "%s: a list is not allowed here, %s is needed", parse->path, allowed);
    struct conf__place place = place_of(parse, start->start_mark);
    struct conf__node *node = conf__nodes_add(parse->nodes, parse->path, key, &place, parse->error);
    if (node == NULL)
        return conf__located(parse->error, &place, parse->error->code);
    int code = 0;
    while (code == 0) {
        yaml_event_t event;
        code = event_next(parse, &event);
        bool end = code == 0 && event.type == YAML_SEQUENCE_END_EVENT;
        if (code == 0 && !end)
            code = parse_item(parse, node, &event);
        yaml_event_delete(&event);
        if (end)
            break;
    }
    return code == 0 ? conf__node_items_join(node, parse->error) : code;
}

static int parse_scalar(struct parse *parse, const struct conf_key *key, const yaml_event_t *event,
                        yaml_mark_t key_mark)
{
    bool empty = event->data.scalar.length == 0 && scalar_is_plain(event);
    struct conf__place place = place_of(parse, empty ? key_mark : event->start_mark);
    char allowed[CONF_ALLOWED_SIZE];
    char shown[CONF_SHOWN_SIZE];
    int code = scalar_check(parse, event);
    if (code != 0)
        return code;
    if (key->type == CONF_TEXT_LIST && !empty) {
        conf__allowed(key, allowed);
        conf__shown(scalar_text(event), shown);
        code = TG_FAIL(parse->error, INVALID, "%s: \"%s\" is not a list, %s is needed", parse->path,
                       shown, allowed);
        return conf__located(parse->error, &place, code);
    }
    code = conf__value_check(key, parse->path, scalar_text(event), scalar_is_plain(event),
                             parse->error);
    struct conf__node *node = NULL;
    if (code == 0) {
        node = conf__nodes_add(parse->nodes, parse->path, key, &place, parse->error);
        code = node == NULL ? parse->error->code : 0;
    }
    if (node == NULL)
        return conf__located(parse->error, &place, code);
    node->text = strdup(scalar_text(event));
    if (node->text == NULL)
        return TG_FAIL(parse->error, NO_MEMORY, "%s: out of memory", parse->file);
    return 0;
}

/* Takes the key up into the path and judges it. */
static int parse_key(struct parse *parse, const yaml_event_t *event)
{
    if (event->type != YAML_SCALAR_EVENT)
        return FAIL_AT(parse, event->start_mark, INVALID,
                       "a key must be a name, not a map or list");
    const char *name = scalar_text(event);
    if (scalar_is_plain(event) && strcmp(name, "<<") == 0)
        return FAIL_AT(parse, event->start_mark, UNSUPPORTED,
                       "merge keys (<<) are not allowed; write the keys where they are needed");
    int code = scalar_check(parse, event);
    if (code != 0)
        return code;
    code = conf__child_check(parse->path, name, parse->error);
    if (code != 0)
        return fail_located(parse, event->start_mark, code);
    /* names have a limit, and the table's depth too */
    TG_BUG_IF(!tg_text_append(parse->path, sizeof(parse->path), &parse->length, "%s%s",
                              parse->length > 0 ? "." : "", name));
    const struct conf__node *earlier = conf__nodes_find(parse->nodes, parse->path);
    if (earlier != NULL)
        return FAIL_AT(parse, event->start_mark, EXISTS,
                       "%s: is there twice in this file, first at %s", parse->path, earlier->where);
    return 0;
}

static int parse_map(struct parse *parse, const yaml_event_t *start);

static int parse_value(struct parse *parse, yaml_mark_t key_mark)
{
    const struct conf_key *key;
    char children[CONF_ALLOWED_SIZE];
    enum conf__kind kind = conf__kind(parse->path, &key);
    TG_BUG_IF(kind == CONF__UNKNOWN);
    yaml_event_t event;
    int code = event_next(parse, &event);
    if (code != 0) {
        /* said already */
    } else if (kind == CONF__MAP && event.type == YAML_MAPPING_START_EVENT) {
        struct conf__place place = place_of(parse, key_mark);
        if (conf__nodes_add(parse->nodes, parse->path, NULL, &place, parse->error) == NULL)
            code = conf__located(parse->error, &place, parse->error->code);
        else
            code = parse_map(parse, &event);
    } else if (kind == CONF__MAP) {
        conf__children(parse->path, children, sizeof(children));
        bool empty = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0;
        code = FAIL_AT(parse, empty ? key_mark : event.start_mark, INVALID,
                       "%s: a map is needed here (keys: %s)", parse->path, children);
    } else if (event.type == YAML_SCALAR_EVENT) {
        code = parse_scalar(parse, key, &event, key_mark);
    } else if (event.type == YAML_SEQUENCE_START_EVENT) {
        code = parse_list(parse, key, &event);
    } else {
        char allowed[CONF_ALLOWED_SIZE];
        conf__allowed(key, allowed);
        code = FAIL_AT(parse, event.start_mark, INVALID,
                       "%s: a map is not allowed here, %s is needed", parse->path, allowed);
    }
    yaml_event_delete(&event);
    return code;
}

/* A map up to its end; its start has been read. The key table ends the recursion. */
static int parse_map(struct parse *parse, const yaml_event_t *start)
{
    size_t length = parse->length;
    size_t keys = 0;
    int code = 0;
    while (code == 0) {
        yaml_event_t event;
        code = event_next(parse, &event);
        bool end = code == 0 && event.type == YAML_MAPPING_END_EVENT;
        if (code == 0 && !end) {
            code = parse_key(parse, &event);
            if (code == 0)
                code = parse_value(parse, event.start_mark);
            parse->length = length;
            parse->path[length] = '\0';
            keys++;
        }
        yaml_event_delete(&event);
        if (end)
            break;
    }
    if (code == 0 && keys == 0)
        code = FAIL_AT(parse, start->start_mark, INVALID, "%s%sa map without keys; leave it out",
                       parse->path, length > 0 ? ": " : "");
    return code;
}

/* An event that must be of that type, as the start of the stream. */
static int expect(struct parse *parse, yaml_event_type_t type, const char *sentence)
{
    yaml_event_t event;
    int code = event_next(parse, &event);
    if (code == 0 && event.type != type)
        code = FAIL_AT(parse, event.start_mark, INVALID, "%s", sentence);
    yaml_event_delete(&event);
    return code;
}

static int parse_document(struct parse *parse)
{
    yaml_event_t event;
    int code = expect(parse, YAML_STREAM_START_EVENT, "not valid YAML");
    if (code != 0)
        return code;
    code = event_next(parse, &event);
    if (code == 0 && event.type != YAML_DOCUMENT_START_EVENT)
        code = TG_FAIL(parse->error, INVALID, "%s: has no settings", parse->file);
    else if (code == 0 && (event.data.document_start.version_directive != NULL ||
                           event.data.document_start.tag_directives.start !=
                               event.data.document_start.tag_directives.end))
        code = FAIL_AT(parse, event.start_mark, UNSUPPORTED,
                       "directives (%%YAML, %%TAG) are not allowed");
    yaml_event_delete(&event);
    if (code != 0)
        return code;
    code = event_next(parse, &event);
    if (code == 0 && event.type != YAML_MAPPING_START_EVENT)
        code = FAIL_AT(parse, event.start_mark, INVALID,
                       "a map of settings is needed, as \"risk:\" and keys below it");
    if (code == 0)
        code = parse_map(parse, &event);
    yaml_event_delete(&event);
    if (code == 0)
        code = expect(parse, YAML_DOCUMENT_END_EVENT, "not valid YAML");
    if (code == 0)
        code =
            expect(parse, YAML_STREAM_END_EVENT, "a second document begins here; a file has one");
    return code;
}

int conf__parse(const char *file, const char *bytes, size_t length, struct conf__nodes *nodes,
                struct tg_error *error)
{
    struct parse parse = {.file = file, .bytes = bytes, .nodes = nodes, .error = error};
    if (!yaml_parser_initialize(&parse.yaml))
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory", file);
    yaml_parser_set_encoding(&parse.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parse.yaml, (const unsigned char *)bytes, length);
    int code = parse_document(&parse);
    yaml_parser_delete(&parse.yaml);
    return code == 0 ? 0 : TG_PASS(error, code);
}
