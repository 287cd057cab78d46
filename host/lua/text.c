/*
 * The string functions that scripts have. Byte, char, len, lower, upper, reverse and sub are Lua's
 * own; find is plain; rep, split and format are ours: they are bounded, charge the budget for what
 * they touch, and print no addresses. There are no patterns, because matching them can take
 * exponential time inside one C call.
 */
#include "vm_int.h"

#include <string.h>

#define REPEAT_BYTES_MAX       ((size_t)64 << 10)
#define FORMAT_BYTES_MAX       ((size_t)4 << 10) /* of the format itself */
#define BYTES_PER_CHARGE       64u
#define INSTRUCTIONS_PER_DIGIT 4u

/* string.find(text, what [, start]): first and last place of `what` as it stands, or nil. */
static int text_find(lua_State *state)
{
    size_t length, wanted;
    const char *text = luaL_checklstring(state, 1, &length);
    const char *what = luaL_checklstring(state, 2, &wanted);
    lua_Integer start = luaL_optinteger(state, 3, 1);
    if (start < 0)
        start = (lua_Integer)length + start + 1;
    if (start < 1)
        start = 1;
    if ((size_t)start > length + 1) {
        lua_pushnil(state);
        return 1;
    }
    size_t skipped = (size_t)start - 1;
    lua__charge(state, (length - skipped) / BYTES_PER_CHARGE + 1);
    const char *found =
        wanted == 0 ? text + skipped : memmem(text + skipped, length - skipped, what, wanted);
    if (!found) {
        lua_pushnil(state);
        return 1;
    }
    lua_pushinteger(state, found - text + 1);
    lua_pushinteger(state, found - text + (lua_Integer)wanted);
    return 2;
}

/* string.rep(text, times [, separator]) */
static int text_repeat(lua_State *state)
{
    size_t length, separator_length;
    const char *text = luaL_checklstring(state, 1, &length);
    lua_Integer times = luaL_checkinteger(state, 2);
    const char *separator = luaL_optlstring(state, 3, "", &separator_length);
    if (times <= 0) {
        lua_pushliteral(state, "");
        return 1;
    }
    if (length > REPEAT_BYTES_MAX || separator_length > REPEAT_BYTES_MAX ||
        (size_t)times > REPEAT_BYTES_MAX ||
        (length + separator_length) * (size_t)times > REPEAT_BYTES_MAX)
        return luaL_error(state, "string.rep: the result would be too long (at most %d bytes)",
                          (int)REPEAT_BYTES_MAX);
    lua__charge(state, (uint64_t)times + 1);
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    for (lua_Integer i = 0; i < times; i++) {
        luaL_addlstring(&buffer, text, length);
        if (i + 1 < times)
            luaL_addlstring(&buffer, separator, separator_length);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* string.split(text, separator): list of the parts between separators, empty ones too. */
static int text_split(lua_State *state)
{
    size_t length, separator_length;
    const char *text = luaL_checklstring(state, 1, &length);
    const char *separator = luaL_checklstring(state, 2, &separator_length);
    luaL_argcheck(state, separator_length > 0, 2, "the separator must not be empty");
    lua__charge(state, length / BYTES_PER_CHARGE + 1);
    lua_createtable(state, 4, 0);
    const char *end = text + length;
    for (lua_Integer count = 1;; count++) {
        const char *found = memmem(text, (size_t)(end - text), separator, separator_length);
        lua__charge(state, 1);
        lua_pushlstring(state, text, (size_t)((found ? found : end) - text));
        lua_rawseti(state, -2, count);
        if (!found)
            return 1;
        text = found + separator_length;
    }
}

/* string.format without %p, and with the names of types where addresses would stand. */
static int text_format(lua_State *state)
{
    size_t length;
    const char *format = luaL_checklstring(state, 1, &length);
    if (length > FORMAT_BYTES_MAX)
        return luaL_error(state, "string.format: the format is too long (at most %d bytes)",
                          (int)FORMAT_BYTES_MAX);
    for (const char *percent = memchr(format, '%', length); percent;) {
        const char *letter = percent + 1;
        while (*letter && strchr("-+ #0123456789.", *letter))
            letter++;
        if (*letter == 'p' || *letter == 'q' || *letter == 'a' || *letter == 'A')
            return luaL_error(state, "string.format: %%%c is not available", *letter);
        percent = *letter ? memchr(letter + 1, '%', length - (size_t)(letter + 1 - format)) : NULL;
    }
    int count = lua_gettop(state);
    for (int i = 2; i <= count; i++) {
        int type = lua_type(state, i);
        if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TBOOLEAN &&
            type != LUA_TNIL) {
            lua_pushstring(state, lua_typename(state, type));
            lua_replace(state, i);
        }
    }
    lua__charge(state, (uint64_t)count * 4);
    lua_pushvalue(state, lua_upvalueindex(1));
    lua_insert(state, 1);
    lua_call(state, count, 1);
    /* Writing a number out takes time with its digits, far more than with its arguments. */
    lua__charge(state, lua_rawlen(state, -1) * INSTRUCTIONS_PER_DIGIT);
    return 1;
}

void lua__add_text_functions(lua_State *state)
{
    static const char *const names[] = {"byte",  "char",    "len", "lower",
                                        "upper", "reverse", "sub", NULL};
    static const luaL_Reg own[] = {
        {"find", text_find}, {"rep", text_repeat}, {"split", text_split}, {NULL, NULL}};
    lua_pushcfunction(state, luaopen_string);
    lua_call(state, 0, 1);
    for (const char *const *name = names; *name; name++) {
        lua_getfield(state, -1, *name);
        lua_setfield(state, -3, *name);
    }
    lua_getfield(state, -1, "format");
    lua_pushcclosure(state, text_format, 1);
    lua_setfield(state, -3, "format");
    lua_pop(state, 1);
    luaL_setfuncs(state, own, 0);
}
