/*
 * Configuration: YAML files to typed settings, checked against one key table.
 *
 * A main file names further ones under `include:` (paths relative to it); a key of the main file
 * wins over the same key of an included one; twice in one file, or in two files that are included
 * side by side, is refused. Every error has file:line:column, what is wrong and what is allowed; an
 * unknown key names the nearest known one. One thread owns a configuration.
 */
#ifndef TG_CONF_H
#define TG_CONF_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

enum conf_type {
    CONF_TEXT,
    CONF_CHOICE, /* a word of `choices` */
    CONF_WHOLE,
    CONF_REAL,
    CONF_DECIMAL,
    CONF_FLAG,
    CONF_TEXT_LIST, /* YAML list of texts */
};

/*
 * One row of the key table. The path is dotted; a part `*` stands for a name chosen by the user (a
 * symbol, a task, an agent): "symbols.*.size_min". A path ending in `.config.*` takes any scalar:
 * it belongs to a plugin, which declares and checks it.
 */
struct conf_key {
    const char *path;
    enum conf_type type;
    /* NULL: required (within its `*` where it has one). Of a list: the items with commas. "*": the
     * name that the `*` of the path stands for. */
    const char *default_text;
    double minimum, maximum; /* of WHOLE, REAL, DECIMAL, both ends included */
    const char *choices;     /* "auto|core|thread"; of a list: what its items may be */
    const char *description; /* one sentence, with the unit */
};
extern const struct conf_key conf_keys[];
extern const size_t conf_key_count;

struct conf;
/* Reads and checks `path` and what it includes. */
int conf_load(const char *path, struct conf **conf, struct tg_error *error);
void conf_free(struct conf *conf);
/* Sets or replaces one value as `path=text` on the command line does,
 * "schedule.runs_at_once_max=3"; a list is written "one,two". Refused: nothing has changed. A new
 * name for a `*` can be brought in so where one key is all that it needs
 * ("feeds.ETH/USDT.plugin=csv"). */
int conf_override(struct conf *conf, const char *path, const char *text, struct tg_error *error);
/* Forgets every value below a prefix that has a `*` after it, as "feeds" or "feeds.BTC/USDT". */
void conf_remove(struct conf *conf, const char *prefix);
/* Folder of the main file, without a trailing slash; "." where there is none. */
const char *conf_folder(const struct conf *conf);

/* Values by full path, "tasks.ta_analysis.interval_seconds". Asking for a path that is not in the
 * table, or with the wrong type, is a bug. Defaults are filled in. */
const char *conf_text(const struct conf *conf, const char *path);
int64_t conf_whole(const struct conf *conf, const char *path);
double conf_real(const struct conf *conf, const char *path);
struct tg_decimal conf_decimal(const struct conf *conf, const char *path);
bool conf_flag(const struct conf *conf, const char *path);
size_t conf_list_count(const struct conf *conf, const char *path);
const char *conf_list_at(const struct conf *conf, const char *path, size_t index);
/* Whether the files (or an override) set it, as opposed to a default. */
bool conf_is_set(const struct conf *conf, const char *path);
/* The names that stand for the `*` after `prefix`, in the order of the files: conf_name_at(conf,
 * "symbols", 0). NULL past the end. */
const char *conf_name_at(const struct conf *conf, const char *prefix, size_t index);
/* "file:line:column" of a value, for errors found later; "default" where it is not set. */
const char *conf_where(const struct conf *conf, const char *path);
/* Every value with its full path under a prefix ("": all), as "risk", in the order of the key
 * table, defaults included; a list as its items with commas. */
typedef void (*conf_visit)(void *context, const char *path, const struct conf_key *key,
                           const char *text);
void conf_each(const struct conf *conf, const char *prefix, conf_visit visit, void *context);
/* The settings of one plugin instance: prefix "agents.technical_analysis.config". `where` is as of
 * conf_where. In the order of the files. */
typedef void (*conf_subtree_visit)(void *context, const char *name, const char *text,
                                   const char *where);
void conf_subtree_each(const struct conf *conf, const char *prefix, conf_subtree_visit visit,
                       void *context);
/* The rows of the table that nobody has asked for since the configuration was loaded. */
typedef void (*conf_key_visit)(void *context, const struct conf_key *key);
void conf_unread(const struct conf *conf, conf_key_visit visit, void *context);
/* docs/CONFIGURATION.md, from the key table. */
void conf_write_markdown(struct tg_buffer *buffer);

#endif
