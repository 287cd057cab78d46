/*
 * Records to JSON and back, by the field tables. Decimals travel as text, never as binary numbers;
 * times as RFC 3339; an optional field that is not present does not appear. Reading is strict:
 * every key must be known, every kind must be right, and the record must pass schema_check.
 */
#include "base/clock.h"
#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "bus/json.h"
#include "bus/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIELDS_MAX 64

/* ---- writing ------------------------------------------------------------------------------ */

static void write_field(const struct schema_field *field, const unsigned char *value,
                        struct tg_json_writer *json)
{
    struct tg_decimal decimal;
    struct tg_uuid id;
    double real;
    int64_t whole;

    switch (field->kind) {
    case SCHEMA_SYMBOL:
    case SCHEMA_TEXT:
        tg_json_string(json, (const char *)value);
        return;
    case SCHEMA_JSON:
        tg_json_raw(json, (const char *)value);
        return;
    case SCHEMA_DECIMAL:
        memcpy(&decimal, value, sizeof(decimal));
        tg_json_decimal(json, decimal);
        return;
    case SCHEMA_REAL:
        memcpy(&real, value, sizeof(real));
        tg_json_real(json, real);
        return;
    case SCHEMA_WHOLE:
        memcpy(&whole, value, sizeof(whole));
        tg_json_whole(json, whole);
        return;
    case SCHEMA_FLAG:
        tg_json_flag(json, *value != 0);
        return;
    case SCHEMA_ENUM:
        tg_json_string(json, schema_enum_text(field->enumeration, *value));
        return;
    case SCHEMA_TIME:
        memcpy(&whole, value, sizeof(whole));
        tg_json_time(json, whole);
        return;
    case SCHEMA_UUID:
        memcpy(&id, value, sizeof(id));
        tg_json_uuid(json, &id);
        return;
    }
}

void schema_write_json(uint16_t topic, const void *record, struct tg_json_writer *json)
{
    const struct schema *schema = schema_of(topic);
    uint64_t present;

    if (schema == NULL) {
        tg_json_null(json);
        return;
    }
    memcpy(&present, record, sizeof(present));
    tg_json_object_open(json);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct schema_field *field = &schema->fields[i];
        if (!field->required && (present >> i & 1) == 0)
            continue;
        tg_json_key(json, field->name);
        write_field(field, (const unsigned char *)record + field->offset, json);
    }
    tg_json_object_close(json);
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reading {
    const struct schema_field *field;
    const struct json_value *json;
    unsigned char *value; /* the field in the record */
    const char *name;     /* "market_data.open" */
    struct tg_error *error;
};

static int refuse_kind(const struct reading *reading, const char *wanted)
{
    return TG_FAIL(reading->error, INVALID, "%s: is not %s", reading->name, wanted);
}

static int read_text(const struct reading *reading)
{
    const char *text = json_string(reading->json);

    if (text == NULL)
        return refuse_kind(reading, "a string");
    if (!tg_text_copy((char *)reading->value, reading->field->size, text))
        return TG_FAIL(reading->error, RANGE, "%s: %zu bytes are too many (at most %u)",
                       reading->name, strlen(text), reading->field->size - 1);
    return TG_E_OK;
}

static int read_json(const struct reading *reading)
{
    const enum json_kind kind = json_kind_of(reading->json);
    struct tg_buffer buffer;
    struct tg_json_writer writer;

    if (kind != JSON_OBJECT && kind != JSON_ARRAY)
        return refuse_kind(reading, "an object or an array");
    tg_buffer_init(&buffer, JSON_BYTES_MAX);
    tg_json_begin(&writer, &buffer);
    json_write(reading->json, &writer);
    const bool fits =
        !buffer.failed && tg_text_copy_slice((char *)reading->value, reading->field->size,
                                             buffer.data, buffer.length);
    tg_buffer_fini(&buffer);
    if (!fits)
        return TG_FAIL(reading->error, RANGE, "%s: is too long (at most %u bytes)", reading->name,
                       reading->field->size - 1);
    return TG_E_OK;
}

/* A string, or a whole number, which is exact too; never a number with a point. */
static int read_decimal(const struct reading *reading)
{
    const char *text = json_string(reading->json);
    struct tg_decimal decimal;
    char digits[32];

    if (text == NULL && json_is_whole(reading->json)) {
        (void)snprintf(digits, sizeof(digits), "%" PRId64, json_whole(reading->json));
        text = digits;
    }
    if (text == NULL)
        return refuse_kind(reading, "a decimal in quotes, as \"37120.5\"");
    const int code = tg_decimal_parse(text, strlen(text), &decimal);
    if (code == TG_E_OVERFLOW)
        return TG_FAIL(reading->error, OVERFLOW, "%s: \"%.40s\" does not fit", reading->name, text);
    if (code != TG_E_OK)
        return TG_FAIL(reading->error, INVALID, "%s: \"%.40s\" is not a decimal", reading->name,
                       text);
    memcpy(reading->value, &decimal, sizeof(decimal));
    return TG_E_OK;
}

static int read_number(const struct reading *reading)
{
    const double real = json_number(reading->json);
    const int64_t whole = json_whole(reading->json);

    if (reading->field->kind == SCHEMA_WHOLE) {
        if (!json_is_whole(reading->json))
            return refuse_kind(reading, "a whole number");
        memcpy(reading->value, &whole, sizeof(whole));
        return TG_E_OK;
    }
    if (json_kind_of(reading->json) != JSON_NUMBER)
        return refuse_kind(reading, "a number");
    memcpy(reading->value, &real, sizeof(real));
    return TG_E_OK;
}

static int read_enum(const struct reading *reading)
{
    const struct schema_enum *enumeration = reading->field->enumeration;
    const char *text = json_string(reading->json);
    char words[256];
    size_t length = 0;

    if (text == NULL)
        return refuse_kind(reading, "a string");
    const int value = schema_enum_value(enumeration, text);
    if (value >= 0) {
        *reading->value = (uint8_t)value;
        return TG_E_OK;
    }
    words[0] = '\0';
    for (uint32_t i = 0; i < enumeration->count; i++)
        (void)tg_text_append(words, sizeof(words), &length, "%s%s", i > 0 ? ", " : "",
                             enumeration->words[i]);
    return TG_FAIL(reading->error, INVALID, "%s: \"%.40s\" is none of %s", reading->name, text,
                   words);
}

static int read_time(const struct reading *reading)
{
    const char *text = json_string(reading->json);
    int64_t utc_ns;

    if (text == NULL || tg_time_parse(text, strlen(text), &utc_ns) != TG_E_OK)
        return refuse_kind(reading, "a time, as \"2022-01-31T23:59:00Z\"");
    memcpy(reading->value, &utc_ns, sizeof(utc_ns));
    return TG_E_OK;
}

static int read_uuid(const struct reading *reading)
{
    const char *text = json_string(reading->json);
    struct tg_uuid id;

    if (text == NULL || tg_uuid_parse(text, strlen(text), &id) != TG_E_OK)
        return refuse_kind(reading, "a UUID");
    memcpy(reading->value, &id, sizeof(id));
    return TG_E_OK;
}

static int read_field(const struct reading *reading)
{
    switch (reading->field->kind) {
    case SCHEMA_SYMBOL:
    case SCHEMA_TEXT:
        return read_text(reading);
    case SCHEMA_JSON:
        return read_json(reading);
    case SCHEMA_DECIMAL:
        return read_decimal(reading);
    case SCHEMA_REAL:
    case SCHEMA_WHOLE:
        return read_number(reading);
    case SCHEMA_FLAG:
        if (json_kind_of(reading->json) != JSON_FLAG)
            return refuse_kind(reading, "true or false");
        *reading->value = json_flag(reading->json);
        return TG_E_OK;
    case SCHEMA_ENUM:
        return read_enum(reading);
    case SCHEMA_TIME:
        return read_time(reading);
    case SCHEMA_UUID:
        return read_uuid(reading);
    }
    return TG_E_INVALID;
}

static int refuse_unknown_key(const struct schema *schema, const char *key, struct tg_error *error)
{
    const char *known[FIELDS_MAX];

    for (uint32_t i = 0; i < schema->field_count; i++)
        known[i] = schema->fields[i].name;
    const char *nearest = tg_text_nearest(key, known, schema->field_count);
    if (nearest == NULL)
        return TG_FAIL(error, INVALID, "%s: there is no field \"%.40s\"", schema->topic, key);
    return TG_FAIL(error, INVALID, "%s: there is no field \"%.40s\" (did you mean \"%s\"?)",
                   schema->topic, key, nearest);
}

static int read_members(const struct schema *schema, const struct json_value *object, void *record,
                        struct tg_error *error)
{
    const char *key;
    uint64_t seen = 0, optional = 0;
    char name[96];

    for (size_t i = 0; i < json_count(object); i++) {
        const struct json_value *value = json_member_at(object, i, &key);
        uint32_t number = 0;
        while (number < schema->field_count && !tg_text_equal(schema->fields[number].name, key))
            number++;
        if (number == schema->field_count)
            return refuse_unknown_key(schema, key, error);
        const struct schema_field *field = &schema->fields[number];
        (void)snprintf(name, sizeof(name), "%s.%s", schema->topic, field->name);
        const struct reading reading = {field, value, (unsigned char *)record + field->offset, name,
                                        error};
        const int code = read_field(&reading);
        if (code != TG_E_OK)
            return TG_PASS(error, code);
        seen |= UINT64_C(1) << number;
        if (!field->required)
            optional |= UINT64_C(1) << number;
    }
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].required && (seen >> i & 1) == 0)
            return TG_FAIL(error, INVALID, "%s.%s: is missing", schema->topic,
                           schema->fields[i].name);
    memcpy(record, &optional, sizeof(optional)); /* `present` comes first in every record */
    return TG_E_OK;
}

int schema_read_json(uint16_t topic, const char *json, size_t length, void *record,
                     struct tg_error *error)
{
    const struct schema *schema = schema_of(topic);
    struct json_value *root;

    if (schema == NULL)
        return TG_FAIL(error, NOT_FOUND, "topic %u has no record", topic);
    memset(record, 0, schema->record_size);
    int code = json_parse(json, length, &root, error);
    if (code != TG_E_OK) {
        tg_error_prefix(error, "%s: ", schema->topic);
        return TG_PASS(error, code);
    }
    if (json_kind_of(root) != JSON_OBJECT)
        code = TG_FAIL(error, INVALID, "%s: is not a JSON object", schema->topic);
    else
        code = read_members(schema, root, record, error);
    json_free(root);
    if (code == TG_E_OK)
        code = schema_check(topic, record, schema->record_size, error);
    return code == TG_E_OK ? code : TG_PASS(error, code);
}
