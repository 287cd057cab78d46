/*
 * What a file may name, and how tables are shown without being given away.
 *
 * A view is an empty table whose metatable points at the real one: reading goes straight through
 * (no C function is called), writing raises an error. Scripts have no rawset, rawget, getmetatable
 * or next, so they cannot get behind it. Config, cases, the library and the environment itself are
 * views; nothing that one file does can be seen by another.
 *
 * The library is an allow-list. Not in it, on purpose: load, loadstring, dofile, pcall, coroutines,
 * metatables, raw access, next, print, io, os, debug, package, collectgarbage, random numbers,
 * time, and patterns.
 */
#include "vm_int.h"

/* ---- views ---- */

static int refuse_write(lua_State *state)
{
    if (lua_type(state, 2) == LUA_TSTRING)
        return luaL_error(state, "this table is read-only: '%s' cannot be set",
                          lua_tostring(state, 2));
    return luaL_error(state, "this table is read-only");
}

static int view_length(lua_State *state)
{
    lua__push_behind_view(state, 1);
    lua_pushinteger(state, (lua_Integer)lua_rawlen(state, -1));
    return 1;
}

void lua__make_view(lua_State *state)
{
    lua_createtable(state, 0, 0); /* the view */
    lua_createtable(state, 0, 4); /* its metatable */
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, refuse_write);
    lua_setfield(state, -2, "__newindex");
    lua_pushcfunction(state, view_length);
    lua_setfield(state, -2, "__len");
    lua_setmetatable(state, -2);
    lua_remove(state, -2);
}

void lua__push_behind_view(lua_State *state, int index)
{
    /* Only the host sets metatables, so a table that has one is a view. */
    if (lua_type(state, index) == LUA_TTABLE && lua_getmetatable(state, index)) {
        lua_getfield(state, -1, "__index");
        lua_remove(state, -2);
    } else {
        lua_pushvalue(state, index);
    }
}

/* ---- the environment of one file ---- */

/* The name that a script used; never an address. */
static const char *name_used(lua_State *state)
{
    return lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : luaL_typename(state, 2);
}

static int refuse_global(lua_State *state)
{
    return luaL_error(state, "global '%s' cannot be set: a policy keeps nothing, use local",
                      name_used(state));
}

static int refuse_unknown(lua_State *state)
{
    return luaL_error(state, "'%s' is not defined (or not available to policies)",
                      name_used(state));
}

void lua__push_environment(lua_State *state)
{
    struct lua_vm *vm = lua__vm(state);
    lua_createtable(state, 0, 0); /* the environment */
    lua_createtable(state, 0, 3); /* its metatable */
    lua_createtable(state, 0, 1); /* the names of this file alone: require */
    lua_pushvalue(state, -3);     /* require runs further files in the same environment */
    lua_createtable(state, 0, 0); /* and each of them once */
    lua_pushcclosure(state, lua__require, 2);
    lua_setfield(state, -2, "require");
    lua_rawgeti(state, LUA_REGISTRYINDEX, vm->library_reference);
    lua_setmetatable(state, -2); /* other names: the library's, whose __index is itself */
    lua_setfield(state, -2, "__index");
    lua_pushcfunction(state, refuse_global);
    lua_setfield(state, -2, "__newindex");
    lua_setmetatable(state, -2);
}

/* ---- the library ---- */

/* Numbers, texts and flags as themselves; of everything else only the type, because addresses
 * differ from run to run. */
static int to_text(lua_State *state)
{
    luaL_checkany(state, 1);
    int type = lua_type(state, 1);
    if (type == LUA_TNUMBER || type == LUA_TSTRING) {
        lua_settop(state, 1);
        lua_tolstring(state, 1, NULL);
    } else if (type == LUA_TBOOLEAN) {
        lua_pushstring(state, lua_toboolean(state, 1) ? "true" : "false");
    } else {
        lua_pushstring(state, lua_typename(state, type));
    }
    return 1;
}

/* Copies functions of a table below the top into the table on top. */
static void copy_functions(lua_State *state, int from, const char *const *names)
{
    for (; *names; names++) {
        lua_getfield(state, from, *names);
        lua_setfield(state, -2, *names);
    }
}

static void add_base(lua_State *state)
{
    static const char *const names[] = {"assert", "error", "ipairs", "select", "type", NULL};
    static const luaL_Reg own[] = {{"pairs", lua__pairs}, {"tostring", to_text}, {NULL, NULL}};
    lua_pushcfunction(state, luaopen_base);
    lua_call(state, 0, 1);
    int base = lua_gettop(state);
    lua_pushvalue(state, -2);
    copy_functions(state, base, names);
    luaL_setfuncs(state, own, 0);
    lua_settop(state, base - 1);
    /* What luaopen_base filled is not for anybody. */
    lua_createtable(state, 0, 0);
    lua_rawseti(state, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

static void add_view(lua_State *state, const char *name, void (*fill)(lua_State *))
{
    lua_createtable(state, 0, 16);
    fill(state);
    lua__make_view(state);
    lua_setfield(state, -2, name);
}

/* s:upper() and the like: the same functions, out of reach for writing. */
static void set_string_metatable(lua_State *state)
{
    lua_pushliteral(state, "");
    lua_createtable(state, 0, 2);
    lua_getfield(state, -3, "string");
    lua_setfield(state, -2, "__index");
    lua_setmetatable(state, -2);
    lua_pop(state, 1);
}

void lua__make_library(lua_State *state)
{
    lua_createtable(state, 0, 16); /* a metatable whose __index are the library's names */
    lua_createtable(state, 0, 16);
    lua_pushvalue(state, -3);
    lua_setfield(state, -2, "config");
    add_base(state);
    lua__add_number_functions(state);
    add_view(state, "string", lua__add_text_functions);
    add_view(state, "table", lua__add_list_functions);
    set_string_metatable(state);
    lua_createtable(state, 0, 1);
    lua_pushcfunction(state, refuse_unknown);
    lua_setfield(state, -2, "__index");
    lua_setmetatable(state, -2);
    lua_setfield(state, -2, "__index");
}
