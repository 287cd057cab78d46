/*
 * JSON read strictly: duplicates, NaN, trailing text, nesting over 32 and more than the limit are
 * refused. A thin cover over the JSON library so that no other room needs its header.
 */
#ifndef TG_BUS_JSON_H
#define TG_BUS_JSON_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
bool json_flag(const struct json_value *value);           /* false for others */
double json_number(const struct json_value *value);       /* 0 for others */
bool json_is_whole(const struct json_value *value);       /* a number written without . or e */
int64_t json_whole(const struct json_value *value);       /* 0 for others */
const char *json_string(const struct json_value *value);  /* NULL for others */

#endif
