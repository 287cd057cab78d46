/*
 * Topic records: what the field lists of the public header say, as data; checking and JSON.
 * Everything here is a pure function, safe from any thread.
 */
#ifndef TG_BUS_SCHEMA_H
#define TG_BUS_SCHEMA_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schema_kind {
    SCHEMA_SYMBOL,
    SCHEMA_TEXT,
    SCHEMA_JSON,
    SCHEMA_DECIMAL,
    SCHEMA_REAL,
    SCHEMA_WHOLE,
    SCHEMA_FLAG,
    SCHEMA_ENUM,
    SCHEMA_TIME,
    SCHEMA_UUID,
};

struct schema_enum {
    const char *name;         /* "regime" */
    const char *const *words; /* text of each value */
    uint32_t count;
};

struct schema_field {
    const char *name;
    enum schema_kind kind;
    bool required;
    uint32_t offset, size;                 /* in the record */
    const struct schema_enum *enumeration; /* of SCHEMA_ENUM */
    double minimum, maximum;               /* of DECIMAL, REAL, WHOLE */
    const char *meaning;
};

struct schema {
    const char *topic;
    uint16_t number; /* TG_TOPIC_* */
    uint32_t record_size;
    const struct schema_field *fields; /* the bit in `present` is the field's index */
    uint32_t field_count;
    int32_t symbol_field; /* index; -1: the record has no symbol */
};

/* By TG_TOPIC_*; NULL: no such topic (own topics have none). */
const struct schema *schema_of(uint16_t topic);
/* By name, as "regime"; NULL: none. */
const struct schema_enum *schema_enum_find(const char *name);
/* Text of a value; "?" for one out of range. TG_ENUM_TEXT(REGIME, value). */
const char *schema_enum_text(const struct schema_enum *enumeration, uint32_t value);
/* The value of a text; -1: none. */
int schema_enum_value(const struct schema_enum *enumeration, const char *text);

#define SCHEMA_ENUM_EXTERN(NAME) extern const struct schema_enum schema_enum_##NAME;
TG_ENUM_LIST(SCHEMA_ENUM_EXTERN)
#undef SCHEMA_ENUM_EXTERN
/* SCHEMA_WORD(REGIME, record->regime) is its text. */
#define SCHEMA_WORD(NAME, value) schema_enum_text(&schema_enum_##NAME, (uint32_t)(value))
#define SCHEMA_VALUE(NAME, text) schema_enum_value(&schema_enum_##NAME, (text))

/*
 * Checks a record: required fields, ranges, enumerations, finite numbers, texts that end and are
 * UTF-8, JSON fields that parse, and what a topic demands as a whole (BUY and SELL carry prices and
 * leverage; a fill carries side, size, price, fee and trade id; a price is inside its bar). The
 * sentence reads "trading_signals.confidence: 1.2 is out of range (0 to 1)".
 */
int schema_check(uint16_t topic, const void *record, uint32_t size, struct tg_error *error);
/* The payload of an own topic: JSON text, an object, at most 1 MiB, nesting at most 32. */
int schema_check_own(const char *json, uint32_t size, struct tg_error *error);

/* The record as a JSON object: required and present optional fields, in the order of the list. */
void schema_write_json(uint16_t topic, const void *record, struct tg_json_writer *json);
/* Reads and checks a record from JSON text; unknown keys are refused with the nearest known one. */
int schema_read_json(uint16_t topic, const char *json, size_t length, void *record,
                     struct tg_error *error);

#endif
