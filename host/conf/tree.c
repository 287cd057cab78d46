/*
 * The key table seen as a tree: which path leads where, what is known below a map, which paths a
 * row with `*` stands for in a given configuration.
 *
 * The table has some hundred rows and is walked from its start each time; a configuration is read
 * once, so nothing is indexed. Pure functions.
 */
#include "conf_int.h"

#include "base/check.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define CHILDREN_MAX 64u

/*
 * The rest of the pattern after as many parts as the path has: "" where the whole pattern fits,
 * NULL where it does not.
 */
static const char *pattern_rest(const char *pattern, const char *path)
{
    while (*path != '\0') {
        size_t part = strcspn(pattern, ".");
        size_t given = strcspn(path, ".");
        bool any = part == 1 && pattern[0] == '*';
        if (given == 0 || part == 0)
            return NULL;
        if (!any && (part != given || memcmp(pattern, path, part) != 0))
            return NULL;
        pattern += part;
        path += given;
        if (*path == '\0')
            break;
        if (*pattern == '\0')
            return NULL;
        pattern++;
        path++;
    }
    return *pattern == '.' ? pattern + 1 : pattern;
}

enum conf__kind conf__kind(const char *path, const struct conf_key **key)
{
    enum conf__kind kind = CONF__UNKNOWN;
    *key = NULL;
    for (size_t i = 0; i < conf_key_count; i++) {
        const char *rest = pattern_rest(conf_keys[i].path, path);
        if (rest == NULL)
            continue;
        if (*rest == '\0') {
            *key = &conf_keys[i];
            return CONF__VALUE;
        }
        kind = CONF__MAP;
    }
    return kind;
}

/* The distinct names known below a map; "*" where the user chooses. */
static size_t children_of(const char *parent, char names[CHILDREN_MAX][CONF_NAME_MAX + 1])
{
    size_t count = 0;
    for (size_t i = 0; i < conf_key_count; i++) {
        const char *rest = pattern_rest(conf_keys[i].path, parent);
        if (rest == NULL || *rest == '\0')
            continue;
        char name[CONF_NAME_MAX + 1];
        TG_BUG_IF(!tg_text_copy_slice(name, sizeof(name), rest, strcspn(rest, ".")));
        /* rows that belong together stand together */
        if (count > 0 && tg_text_equal(names[count - 1], name))
            continue;
        TG_BUG_IF(count >= CHILDREN_MAX);
        memcpy(names[count++], name, sizeof(name));
    }
    return count;
}

void conf__children(const char *parent, char *text, size_t size)
{
    char names[CHILDREN_MAX][CONF_NAME_MAX + 1];
    size_t count = children_of(parent, names);
    size_t length = 0;
    text[0] = '\0';
    if (count == 1 && tg_text_equal(names[0], "*")) {
        (void)tg_text_append(text, size, &length, "names of your choice");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        /* room for ", ..." is always kept */
        if (length + strlen(names[i]) + sizeof(", , ...") > size) {
            (void)tg_text_append(text, size, &length, ", ...");
            return;
        }
        (void)tg_text_append(text, size, &length, "%s%s", i > 0 ? ", " : "", names[i]);
    }
}

/* ---- names that the user chooses ---- */

static bool is_upper_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* BASE/QUOTE in capitals and digits; returns its length, 0: no symbol. */
static size_t symbol_length(const char *text)
{
    size_t base = 0;
    while (is_upper_or_digit(text[base]))
        base++;
    if (base == 0 || text[base] != '/')
        return 0;
    size_t length = base + 1;
    while (is_upper_or_digit(text[length]))
        length++;
    return length > base + 1 && length < TG_SYMBOL_SIZE ? length : 0;
}

static bool is_symbol(const char *text)
{
    size_t length = symbol_length(text);
    return length > 0 && text[length] == '\0';
}

static bool is_symbol_pair(const char *text)
{
    size_t length = symbol_length(text);
    return length > 0 && text[length] == ' ' && is_symbol(text + length + 1);
}

static bool is_currency(const char *text)
{
    size_t length = 0;
    while (is_upper_or_digit(text[length]))
        length++;
    return length > 0 && length < TG_SYMBOL_SIZE && text[length] == '\0';
}

static const struct name_rule {
    const char *parent;
    bool (*fits)(const char *name);
    const char *sentence;
} name_rules[] = {
    {"symbols", is_symbol, "a symbol is BASE/QUOTE in capitals, as BTC/USDT"},
    {"feeds", is_symbol, "a feed is named after its symbol, BASE/QUOTE in capitals, as BTC/USDT"},
    {"risk.stop.symbols", is_symbol, "a symbol is BASE/QUOTE in capitals, as BTC/USDT"},
    {"risk.correlations", is_symbol_pair,
     "two symbols with one blank between are needed, as \"BTC/USDT XRP/USDT\""},
    {"portfolio.targets", is_currency, "an asset is one currency in capitals, as BTC"},
    {"agents", tg_text_is_name, "an agent is named with 1 to 63 of a-z 0-9 _"},
    {"tasks", tg_text_is_name, "a task is named with 1 to 63 of a-z 0-9 _"},
};

/* Names below `config` are those of a plugin. */
static int chosen_name_check(const char *parent, const char *name, const char *path,
                             struct tg_error *error)
{
    for (size_t i = 0; i < TG_ARRAY_LENGTH(name_rules); i++) {
        if (!tg_text_equal(name_rules[i].parent, parent))
            continue;
        if (!name_rules[i].fits(name))
            return TG_FAIL(error, INVALID, "%s: not a name that is allowed here: %s", path,
                           name_rules[i].sentence);
        return 0;
    }
    if (!tg_text_is_name(name))
        return TG_FAIL(error, INVALID, "%s: not a name that is allowed here: 1 to 63 of a-z 0-9 _",
                       path);
    return 0;
}

static int unknown_key(const char *parent, const char *name, const char *path,
                       struct tg_error *error)
{
    char names[CHILDREN_MAX][CONF_NAME_MAX + 1];
    const char *candidates[CHILDREN_MAX];
    char known[CONF_ALLOWED_SIZE];
    size_t count = children_of(parent, names);
    for (size_t i = 0; i < count; i++)
        candidates[i] = names[i];
    const char *nearest = tg_text_nearest(name, candidates, count);
    conf__children(parent, known, sizeof(known));
    if (nearest != NULL)
        return TG_FAIL(error, INVALID, "%s: unknown key, did you mean %s? (known here: %s)", path,
                       nearest, known);
    return TG_FAIL(error, INVALID, "%s: unknown key (known here: %s)", path, known);
}

int conf__child_check(const char *parent, const char *name, struct tg_error *error)
{
    char shown[CONF_SHOWN_SIZE];
    char path[CONF_PATH_SIZE + CONF_SHOWN_SIZE];
    char names[CHILDREN_MAX][CONF_NAME_MAX + 1];
    size_t length = 0;
    conf__shown(name, shown);
    (void)tg_text_append(path, sizeof(path), &length, "%s%s%s", parent, *parent != '\0' ? "." : "",
                         shown);
    if (name[0] == '\0')
        return TG_FAIL(error, INVALID, "%s%san empty key", parent, *parent != '\0' ? ": " : "");
    if (strchr(name, '.') != NULL)
        return TG_FAIL(error, INVALID,
                       "%s: a key has no point in it; write one name a level, each indented below "
                       "the one before",
                       path);
    size_t count = children_of(parent, names);
    for (size_t i = 0; i < count; i++)
        if (tg_text_equal(names[i], name) && !tg_text_equal(name, "*"))
            return 0;
    for (size_t i = 0; i < count; i++)
        if (tg_text_equal(names[i], "*"))
            return chosen_name_check(parent, name, path, error);
    return unknown_key(parent, name, path, error);
}

/* ---- rows to paths ---- */

struct expansion {
    const struct conf *conf;
    const struct conf_key *key;
    conf__path_visit visit;
    void *context;
};

/* `path` holds `length` bytes that are concrete; `rest` is the pattern that follows. */
static int expand(const struct expansion *expansion, char path[CONF_PATH_SIZE], size_t length,
                  const char *rest)
{
    size_t fixed = 0; /* of rest, up to a part that is `*` */
    while (rest[fixed] != '\0' && rest[fixed] != '*')
        fixed++;
    TG_BUG_IF(!tg_text_append(path, CONF_PATH_SIZE, &length, "%.*s", (int)fixed, rest));
    rest += fixed;
    if (*rest == '\0')
        return expansion->visit(expansion->context, path, expansion->key);
    char prefix[CONF_PATH_SIZE];
    TG_BUG_IF(length == 0 || !tg_text_copy_slice(prefix, sizeof(prefix), path, length - 1));
    const char *name;
    for (size_t i = 0; (name = conf_name_at(expansion->conf, prefix, i)) != NULL; i++) {
        size_t with_name = length;
        /* a path of the configuration was made of these parts, so it fits */
        TG_BUG_IF(!tg_text_append(path, CONF_PATH_SIZE, &with_name, "%s", name));
        int code = expand(expansion, path, with_name, rest + 1);
        if (code != 0)
            return code;
        path[length] = '\0';
    }
    return 0;
}

int conf__expand(const struct conf *conf, const struct conf_key *key, conf__path_visit visit,
                 void *context)
{
    const struct expansion expansion = {conf, key, visit, context};
    char path[CONF_PATH_SIZE];
    path[0] = '\0';
    return expand(&expansion, path, 0, key->path);
}

bool conf__is_plugin_value(const struct conf_key *key)
{
    static const char ending[] = ".config.*";
    size_t length = strlen(key->path);
    return length >= sizeof(ending) - 1 &&
           tg_text_equal(key->path + length - (sizeof(ending) - 1), ending);
}
