/* What the files of conf/ share: nodes, places, the walk through the key table. */
#ifndef TG_CONF_INT_H
#define TG_CONF_INT_H

#include "conf/conf.h"

#include <sys/types.h>

#define CONF_FILE_BYTES_MAX (1024u * 1024u)
#define CONF_FILES_MAX      32u   /* all files of one configuration */
#define CONF_INCLUDES_MAX   4u    /* how deep files may include files */
#define CONF_NODES_MAX      8192u /* keys of all files, maps included */
#define CONF_ITEMS_MAX      256u  /* of one list */
#define CONF_NAME_MAX       63u   /* bytes of one part of a path */
#define CONF_PATH_SIZE      512u  /* a whole dotted path with its NUL */
#define CONF_TEXT_MAX       1024u /* bytes of one value */
#define CONF_SHOWN_SIZE     64u   /* a value as an error shows it */
#define CONF_ALLOWED_SIZE   256u  /* what an error says is allowed */
#define CONF_BOUND_SIZE     32u   /* a bound of a range as text */

/* Where something stands; lines and columns count from 1. */
struct conf__place {
    const char *file; /* borrowed from struct conf */
    size_t line, column;
};

/* A map, or a value. The path is unique among the nodes of one configuration. */
struct conf__node {
    char *path;                 /* dotted; owned */
    uint64_t hash;              /* of the path */
    const struct conf_key *key; /* NULL: a map */
    char *text;                 /* owned; of a list: the items with commas; NULL: a map */
    char **items;               /* of a list; owned */
    size_t item_count;
    char *where; /* "file:line:column" or "command line"; owned */
};

struct conf__nodes {
    struct conf__node *at; /* owned */
    size_t count, capacity;
};

struct conf__file {
    char *path; /* as errors show it; owned */
    dev_t device;
    ino_t inode;
    bool open; /* its includes are being read */
};

struct conf__list {
    char **items; /* owned */
    size_t count;
};

struct conf {
    struct conf__file files[CONF_FILES_MAX]; /* the main file first */
    size_t file_count;
    char *folder; /* owned */
    struct conf__nodes nodes;
    struct conf__list *default_lists; /* one for each row of the table; owned */
    bool *read;                       /* one for each row of the table; owned */
};

/* ---- keys.c: the table seen as a tree ---- */

enum conf__kind {
    CONF__UNKNOWN,
    CONF__MAP,   /* further names follow */
    CONF__VALUE, /* a row of the table */
};
enum conf__kind conf__kind(const char *path, const struct conf_key **key);
/* Whether `name` may stand below the map `parent` ("" at the top); the sentence starts with the
 * path and names what is known there. */
int conf__child_check(const char *parent, const char *name, struct tg_error *error);
/* "plugin, lane, enabled": the names known below a map, cut where they do not fit. */
void conf__children(const char *parent, char *text, size_t size);
/* Calls `visit` for every path that the row stands for, with the names of this configuration. */
typedef int (*conf__path_visit)(void *context, const char *path, const struct conf_key *key);
int conf__expand(const struct conf *conf, const struct conf_key *key, conf__path_visit visit,
                 void *context);
bool conf__is_plugin_value(const struct conf_key *key);

/* ---- check.c: one value against its row ---- */

/* `plain`: written without quotes. The sentence starts with the path. */
int conf__value_check(const struct conf_key *key, const char *path, const char *text, bool plain,
                      struct tg_error *error);
/* "a whole number (0 to 64)" */
void conf__allowed(const struct conf_key *key, char text[CONF_ALLOWED_SIZE]);
/* A bound of a range as people write it, "0.00000001" and not "1e-08". */
void conf__bound(double bound, char text[CONF_BOUND_SIZE]);
/* The value as an error shows it: cut, without control characters. */
void conf__shown(const char *value, char text[CONF_SHOWN_SIZE]);
/* Whether the word is among "a|b|c". */
bool conf__is_choice(const char *choices, const char *word);

/* ---- file.c: bytes from the disk ---- */

/* Opens, judges owner and mode, reads, checks that it is text. `bytes` is the caller's to free. */
int conf__file_read(const char *path, char **bytes, size_t *length, struct conf__file *identity,
                    struct tg_error *error);

/* ---- parse.c: one file to nodes ---- */

int conf__parse(const char *file, const char *bytes, size_t length, struct conf__nodes *nodes,
                struct tg_error *error);

/* ---- load.c ---- */

/* TG_E_NOT_FOUND and a sentence for the first required key that is not there. */
int conf__missing_check(const struct conf *conf, struct tg_error *error);

/* ---- nodes.c ---- */

/* Puts "file:line:column: " before the sentence; returns `code`. */
int conf__located(struct tg_error *error, const struct conf__place *place, int code);
struct conf__node *conf__nodes_find(const struct conf__nodes *nodes, const char *path);
/* A new node with path and place, all else empty; NULL and an error: too many, or no memory. The
 * path must not be there yet. `place` NULL: the command line. */
struct conf__node *conf__nodes_add(struct conf__nodes *nodes, const char *path,
                                   const struct conf_key *key, const struct conf__place *place,
                                   struct tg_error *error);
/* Takes the value out of `from` into `into` and frees what was there. */
void conf__node_take(struct conf__node *into, struct conf__node *from);
/* Moves the node to the end of `nodes`. */
int conf__nodes_move(struct conf__nodes *nodes, struct conf__node *node, struct tg_error *error);
int conf__node_item_add(struct conf__node *node, const char *text, struct tg_error *error);
/* Sets the text of a list from its items. */
int conf__node_items_join(struct conf__node *node, struct tg_error *error);
/* Splits "a,b" at the commas; nothing for "". */
int conf__list_split(const char *text, struct conf__list *list, struct tg_error *error);
void conf__list_free(struct conf__list *list);
void conf__node_fini(struct conf__node *node);
void conf__nodes_fini(struct conf__nodes *nodes);

#endif
