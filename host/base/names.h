/* Names to small numbers and back: symbols, sources. Numbers count from 1 in order of adding. */
#ifndef TG_BASE_NAMES_H
#define TG_BASE_NAMES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct tg_names;

/* `names_max`: 1 to 1,048,576. */
int tg_names_create(uint32_t names_max, struct tg_names **names, struct tg_error *error);
void tg_names_destroy(struct tg_names *names);
/* The number of the name, added where it is new. 0: full, out of memory, or a name that is empty
 * or over 255 bytes. Copies. */
uint32_t tg_names_add(struct tg_names *names, const char *name);
uint32_t tg_names_find(const struct tg_names *names, const char *name);   /* 0: not there */
const char *tg_names_text(const struct tg_names *names, uint32_t number); /* NULL: none; borrowed */
uint32_t tg_names_count(const struct tg_names *names);

#endif
