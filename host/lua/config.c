/*
 * The read-only `config`: numbers, texts and flags by dotted path, as nested tables behind views.
 * The paths come from the configuration, whose key table has checked them; here only what would
 * break the tree is refused: an empty part, and a path that is both a value and a table.
 */
#include "vm_int.h"

#include <math.h>
#include <string.h>

#define PATH_DEPTH_MAX 8

/* Puts one value into the tree on top of the stack. */
static void add_parameter(lua_State *state, const struct lua_parameter *parameter)
{
    int top = lua_gettop(state);
    const char *part = parameter->path;
    lua_pushvalue(state, top);
    for (int depth = 1;; depth++) {
        const char *dot = strchr(part, '.');
        size_t length = dot ? (size_t)(dot - part) : strlen(part);
        if (length == 0 || depth > PATH_DEPTH_MAX)
            luaL_error(state, "config: '%s' is no path of 1 to %d names", parameter->path,
                       PATH_DEPTH_MAX);
        lua_pushlstring(state, part, length);
        if (!dot)
            break;
        lua_pushvalue(state, -1);
        int type = lua_rawget(state, -3);
        if (type == LUA_TNIL) {
            lua_pop(state, 1);
            lua_createtable(state, 0, 8);
            lua_pushvalue(state, -2);
            lua_pushvalue(state, -2);
            lua_rawset(state, -5);
        } else if (type != LUA_TTABLE) {
            luaL_error(state, "config: '%s' goes through a value", parameter->path);
        }
        part = dot + 1;
    }
    lua_pushvalue(state, -1);
    if (lua_rawget(state, -3) != LUA_TNIL)
        luaL_error(state, "config: '%s' is there twice", parameter->path);
    lua_pop(state, 1);
    if (parameter->kind == LUA_PARAMETER_TEXT) {
        lua_pushstring(state, parameter->text);
    } else if (parameter->kind == LUA_PARAMETER_FLAG) {
        lua_pushboolean(state, parameter->number != 0);
    } else {
        if (!isfinite(parameter->number))
            luaL_error(state, "config: '%s' is not a finite number", parameter->path);
        lua_pushnumber(state, parameter->number);
    }
    lua_rawset(state, -3);
    lua_settop(state, top);
}

/* Replaces the tree on top of the stack by a view of views. */
static void make_views(lua_State *state)
{
    luaL_checkstack(state, 8, "config");
    lua_pushnil(state);
    while (lua_next(state, -2)) {
        if (lua_type(state, -1) == LUA_TTABLE) {
            make_views(state);
            lua_pushvalue(state, -2);
            lua_pushvalue(state, -2);
            lua_rawset(state, -5); /* an existing key: allowed while lua_next goes on */
        }
        lua_pop(state, 1);
    }
    lua__make_view(state);
}

void lua__push_config(lua_State *state, const struct lua_parameter *parameters, size_t count)
{
    lua_createtable(state, 0, 8);
    for (size_t i = 0; i < count; i++)
        add_parameter(state, &parameters[i]);
    make_views(state);
}
