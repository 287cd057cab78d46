/*
 * Values across the door, one field at a time: C structs to Lua and tables of Lua to C structs.
 * What comes from a script is read strictly: the right type, finite, within its bounds, nothing
 * beside it. Fields are read in the order of the record, so that what is said about a bad table
 * does not depend on the order of its keys in memory.
 */
#include "vm_int.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const void *at(const void *data, size_t offset)
{
    return (const char *)data + offset;
}

bool lua__is_absent(const struct lua_field *field, const void *data)
{
    return field->presence_offset != 0 && !*(const bool *)at(data, field->presence_offset);
}

uint32_t lua__list_count(const struct lua_field *field, const void *data)
{
    return *(const uint32_t *)at(data, field->count_offset);
}

/* ---- C to Lua ---- */

static void push_word(lua_State *state, const struct lua_field *field, uint8_t number)
{
    if (number >= field->word_count)
        luaL_error(state, "%s is %d, which is none of its words", field->name, (int)number);
    lua_pushstring(state, field->words[number]);
}

static void push_record(lua_State *state, const struct lua_record *record, const void *data)
{
    lua_createtable(state, 0, (int)record->field_count);
    for (size_t i = 0; i < record->field_count; i++) {
        lua_pushstring(state, record->fields[i].name);
        lua__push_field(state, &record->fields[i], data);
        lua_rawset(state, -3);
    }
}

static void push_list(lua_State *state, const struct lua_field *field, const void *data)
{
    uint32_t count = lua__list_count(field, data);
    if (count > field->size)
        luaL_error(state, "%s has %d elements, at most %d fit", field->name, (int)count,
                   (int)field->size);
    lua_createtable(state, (int)count, 0);
    for (uint32_t i = 0; i < count; i++) {
        if (field->kind == LUA_FIELD_WORDS)
            push_word(state, field, *(const uint8_t *)at(data, field->offset + i));
        else
            push_record(state, field->record, at(data, field->offset + i * field->record->size));
        lua_rawseti(state, -2, (lua_Integer)i + 1);
    }
}

void lua__push_field(lua_State *state, const struct lua_field *field, const void *data)
{
    if (lua__is_absent(field, data)) {
        lua_pushnil(state);
        return;
    }
    const void *value = at(data, field->offset);
    switch (field->kind) {
    case LUA_FIELD_REAL: {
        double real = *(const double *)value;
        if (!isfinite(real) && !(field->flags & LUA_NOT_FINITE))
            luaL_error(state, "%s is not a finite number", field->name);
        lua_pushnumber(state, real);
        break;
    }
    case LUA_FIELD_WHOLE:
        lua_pushinteger(state, *(const int64_t *)value);
        break;
    case LUA_FIELD_COUNT:
        lua_pushinteger(state, *(const uint32_t *)value);
        break;
    case LUA_FIELD_FLAG:
        lua_pushboolean(state, *(const bool *)value);
        break;
    case LUA_FIELD_TEXT:
        if (!memchr(value, '\0', field->size))
            luaL_error(state, "%s is a text without an end", field->name);
        lua_pushstring(state, value);
        break;
    case LUA_FIELD_WORD:
        push_word(state, field, *(const uint8_t *)value);
        break;
    case LUA_FIELD_WORDS:
    case LUA_FIELD_RECORDS:
        push_list(state, field, data);
        break;
    }
}

/* ---- Lua to C ---- */

struct reading {
    lua_State *state;
    const struct lua_record *record;
    const struct lua_field *field;
    bool is_result;
};

static bool refuse(const struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool refuse(const struct reading *reading, const char *format, ...)
{
    struct lua_vm *vm = lua__vm(reading->state);
    int length = snprintf(vm->message, sizeof vm->message, "%s.%s ", reading->record->name,
                          reading->field->name);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(vm->message + length, sizeof vm->message - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

static bool read_whole(const struct reading *reading, int64_t minimum, int64_t maximum,
                       int64_t *value)
{
    int exact = 0;
    *value = lua_type(reading->state, -1) == LUA_TNUMBER
                 ? lua_tointegerx(reading->state, -1, &exact)
                 : 0;
    if (exact && *value >= minimum && *value <= maximum)
        return true;
    return refuse(reading, "must be a whole number%s", minimum == 0 ? " of at least 0" : "");
}

static bool read_text(const struct reading *reading, char *text)
{
    const struct lua_field *field = reading->field;
    if (lua_type(reading->state, -1) != LUA_TSTRING)
        return refuse(reading, "must be a text, not a %s", luaL_typename(reading->state, -1));
    size_t length;
    const char *data = lua_tolstring(reading->state, -1, &length);
    if (lua__clean_text(text, field->size, data, length) || (field->flags & LUA_SHORTEN))
        return true;
    return refuse(reading, "must be a text of at most %zu plain characters", field->size - 1);
}

static bool read_word(const struct reading *reading, uint8_t *number)
{
    const struct lua_field *field = reading->field;
    if (lua_type(reading->state, -1) == LUA_TSTRING) {
        size_t length;
        const char *text = lua_tolstring(reading->state, -1, &length);
        for (size_t i = 0; i < field->word_count; i++) {
            if (strcmp(text, field->words[i]) == 0 && strlen(text) == length) {
                *number = (uint8_t)i;
                return true;
            }
        }
    }
    char allowed[256];
    size_t length = 0;
    allowed[0] = '\0';
    for (size_t i = 0; i < field->word_count; i++)
        tg_text_append(allowed, sizeof allowed, &length, "%s%s", i ? ", " : "", field->words[i]);
    return refuse(reading, "must be one of %s", allowed);
}

static bool read_list(const struct reading *reading, void *data)
{
    lua_State *state = reading->state;
    const struct lua_field *field = reading->field;
    if (lua_type(state, -1) != LUA_TTABLE)
        return refuse(reading, "must be a list, not a %s", luaL_typename(state, -1));
    size_t count = (size_t)lua_rawlen(state, -1);
    if (count > field->size)
        return refuse(reading, "has %zu elements (at most %zu)", count, field->size);
    *(uint32_t *)((char *)data + field->count_offset) = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        lua_rawgeti(state, -1, (lua_Integer)i + 1);
        char *place = (char *)data + field->offset;
        bool fine = field->kind == LUA_FIELD_WORDS
                        ? read_word(reading, (uint8_t *)place + i)
                        : lua__read_record(state, lua_gettop(state), field->record,
                                           place + i * field->record->size, 0, reading->is_result);
        lua_pop(state, 1);
        if (!fine)
            return false;
    }
    return true;
}

/* Reads the value on top of the stack. */
static bool read_field(const struct reading *reading, void *data)
{
    const struct lua_field *field = reading->field;
    void *place = (char *)data + field->offset;
    int64_t whole;
    switch (field->kind) {
    case LUA_FIELD_REAL: {
        if (lua_type(reading->state, -1) != LUA_TNUMBER)
            return refuse(reading, "must be a number, not a %s", luaL_typename(reading->state, -1));
        double real = lua_tonumber(reading->state, -1);
        if (!isfinite(real) && !(field->flags & LUA_NOT_FINITE))
            return refuse(reading, "must be a finite number");
        *(double *)place = real;
        return true;
    }
    case LUA_FIELD_WHOLE:
        return read_whole(reading, INT64_MIN, INT64_MAX, place);
    case LUA_FIELD_COUNT:
        if (!read_whole(reading, 0, UINT32_MAX, &whole))
            return false;
        *(uint32_t *)place = (uint32_t)whole;
        return true;
    case LUA_FIELD_FLAG:
        if (lua_type(reading->state, -1) != LUA_TBOOLEAN)
            return refuse(reading, "must be true or false, not a %s",
                          luaL_typename(reading->state, -1));
        *(bool *)place = lua_toboolean(reading->state, -1);
        return true;
    case LUA_FIELD_TEXT:
        return read_text(reading, place);
    case LUA_FIELD_WORD:
        return read_word(reading, place);
    case LUA_FIELD_WORDS:
    case LUA_FIELD_RECORDS:
        return read_list(reading, data);
    }
    return false;
}

/* Whether the table has no more than `known` fields; looks at no more than one more. */
static bool has_only(lua_State *state, int index, const struct lua_record *record, size_t known)
{
    size_t count = 0;
    lua_pushnil(state);
    while (lua_next(state, index)) {
        lua_pop(state, 1);
        if (++count > known) {
            lua_pop(state, 1);
            struct lua_vm *vm = lua__vm(state);
            size_t length = 0;
            tg_text_append(vm->message, sizeof vm->message, &length,
                           "%s has fields beside those it may have:", record->name);
            for (size_t i = 0; i < record->field_count; i++)
                tg_text_append(vm->message, sizeof vm->message, &length, "%s %s", i ? "," : "",
                               record->fields[i].name);
            return false;
        }
    }
    return true;
}

bool lua__read_record(lua_State *state, int index, const struct lua_record *record, void *data,
                      int keys, bool is_result)
{
    struct reading reading = {state, record, NULL, is_result};
    if (lua_type(state, index) != LUA_TTABLE) {
        struct lua_vm *vm = lua__vm(state);
        snprintf(vm->message, sizeof vm->message, "%s is a %s; it must be a table", record->name,
                 luaL_typename(state, index));
        return false;
    }
    luaL_checkstack(state, 8, "record");
    size_t known = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const struct lua_field *field = &record->fields[i];
        reading.field = field;
        if (keys)
            lua_pushvalue(state, lua_upvalueindex(keys + (int)i));
        else
            lua_pushstring(state, field->name);
        if (lua_rawget(state, index) == LUA_TNIL) {
            lua_pop(state, 1);
            if (is_result && (field->flags & LUA_REQUIRED))
                return refuse(&reading, "is missing");
            continue;
        }
        known++;
        if (field->presence_offset)
            *(bool *)((char *)data + field->presence_offset) = true;
        bool fine = read_field(&reading, data);
        lua_pop(state, 1);
        if (!fine)
            return false;
    }
    return has_only(state, index, record, known);
}
