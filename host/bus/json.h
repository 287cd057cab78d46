/*
 * JSON read strictly: duplicates, NaN, trailing text, nesting over 32 and more than 1 MiB are
 * refused. A thin cover over the JSON library so that no other room needs its header. (The library
 * has names that begin with json_ too; json.c keeps the two apart.)
 */
#ifndef TG_BUS_JSON_H
#define TG_BUS_JSON_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_BYTES_MAX   (1024u * 1024u)
#define JSON_NESTING_MAX 32u

struct json_value; /* opaque; a node of a document */

enum json_kind { JSON_NULL, JSON_FLAG, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Gives the root; free it with json_free. The sentence has line and column. */
int json_parse(const char *text, size_t length, struct json_value **root, struct tg_error *error);
void json_free(struct json_value *root);

/* All return borrowed values that live as long as the root. */
enum json_kind json_kind_of(const struct json_value *value);
const struct json_value *json_member(const struct json_value *object, const char *key); /* NULL */
const struct json_value *json_item(const struct json_value *array, size_t index);       /* NULL */
size_t json_count(const struct json_value *value); /* members or items; 0 for others */
/* Members in the order of the text: key and value of the index-th. */
const struct json_value *json_member_at(const struct json_value *object, size_t index,
                                        const char **key);
bool json_flag(const struct json_value *value);          /* false for others */
double json_number(const struct json_value *value);      /* 0 for others */
bool json_is_whole(const struct json_value *value);      /* a number written without . or e */
int64_t json_whole(const struct json_value *value);      /* 0 for others */
const char *json_string(const struct json_value *value); /* NULL for others */

/* Writes the value as it stands, members in their order. */
void json_write(const struct json_value *value, struct tg_json_writer *json);

/*
 * Is the text one JSON value within the limits? Gives its kind. The same verdict as json_parse, but
 * without memory of its own for all ordinary text (no escape in a key, no \u escape, at most 128
 * keys open at once); anything else is handed to json_parse.
 */
int json_check(const char *text, size_t length, enum json_kind *kind, struct tg_error *error);

#endif
