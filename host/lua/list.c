/*
 * Tables for scripts: pairs in an order that does not depend on hash seeds, and the table
 * functions. All are bounded by the table that they work on, charge the budget for it, and respect
 * views: a read-only table can be read and not changed.
 *
 * Sorting is a bottom-up merge sort: stable, and an inconsistent comparison function gives a wrong
 * order but never an error or a long run.
 */
#include "vm_int.h"

#include <string.h>

#define UNPACK_MAX 200

/* ---- pairs ---- */

static int key_rank(lua_State *state, int index)
{
    int type = lua_type(state, index);
    return type == LUA_TNUMBER ? 0 : type == LUA_TSTRING ? 1 : 2;
}

/* Numbers by value, then texts by their bytes, then false and true. */
static bool key_less(lua_State *state, int a, int b)
{
    int rank_a = key_rank(state, a), rank_b = key_rank(state, b);
    if (rank_a != rank_b)
        return rank_a < rank_b;
    if (rank_a == 0)
        return lua_compare(state, a, b, LUA_OPLT);
    if (rank_a == 2)
        return lua_toboolean(state, a) < lua_toboolean(state, b);
    size_t length_a, length_b;
    const char *text_a = lua_tolstring(state, a, &length_a);
    const char *text_b = lua_tolstring(state, b, &length_b);
    int order = memcmp(text_a, text_b, length_a < length_b ? length_a : length_b);
    return order != 0 ? order < 0 : length_a < length_b;
}

/* Whether the value on top goes before the one below it. `function`: 0, KEYS or a stack index. */
#define BY_KEY (-1)
static bool is_less(lua_State *state, int function)
{
    if (function == BY_KEY)
        return key_less(state, -1, -2);
    if (function == 0)
        return lua_compare(state, -1, -2, LUA_OPLT);
    lua_pushvalue(state, function);
    lua_pushvalue(state, -2);
    lua_pushvalue(state, -4);
    lua_call(state, 2, 1);
    bool less = lua_toboolean(state, -1);
    lua_pop(state, 1);
    return less;
}

/* Merges from[low, middle) and from[middle, high), both sorted, into `into`. Indexes from 0. */
static void merge(lua_State *state, int from, int into, lua_Integer low, lua_Integer middle,
                  lua_Integer high, int function)
{
    lua_Integer left = low, right = middle;
    lua__charge(state, (uint64_t)(high - low) * 2);
    for (lua_Integer place = low; place < high; place++) {
        bool take_right = left == middle;
        if (left < middle && right < high) {
            lua_rawgeti(state, from, left + 1);
            lua_rawgeti(state, from, right + 1);
            take_right = is_less(state, function);
            lua_pop(state, 2);
        }
        lua_rawgeti(state, from, (take_right ? right++ : left++) + 1);
        lua_rawseti(state, into, place + 1);
    }
}

/* Sorts the list at `list`; leaves the sorted one, that list or a new one, on top. */
static void sort_list(lua_State *state, int list, lua_Integer count, int function)
{
    luaL_checkstack(state, 8, "sort");
    lua_pushvalue(state, list);
    int from = lua_gettop(state);
    lua_createtable(state, (int)count, 0);
    int into = lua_gettop(state);
    for (lua_Integer width = 1; width < count; width *= 2) {
        for (lua_Integer low = 0; low < count; low += 2 * width) {
            lua_Integer middle = low + width < count ? low + width : count;
            lua_Integer high = low + 2 * width < count ? low + 2 * width : count;
            merge(state, from, into, low, middle, high, function);
        }
        lua_pushvalue(state, from);
        lua_copy(state, into, from);
        lua_replace(state, into);
    }
    lua_settop(state, from);
}

/* Upvalues: the table, its keys in order, the number of the next key. */
static int next_pair(lua_State *state)
{
    lua_Integer place = lua_tointeger(state, lua_upvalueindex(3));
    for (;;) {
        place++;
        if (lua_rawgeti(state, lua_upvalueindex(2), place) == LUA_TNIL)
            return 1;
        lua_pushvalue(state, -1);
        if (lua_rawget(state, lua_upvalueindex(1)) != LUA_TNIL)
            break;
        lua_pop(state, 2); /* removed while the loop went on */
    }
    lua_pushinteger(state, place);
    lua_replace(state, lua_upvalueindex(3));
    return 2;
}

int lua__pairs(lua_State *state)
{
    luaL_checktype(state, 1, LUA_TTABLE);
    lua_settop(state, 1);
    lua__push_behind_view(state, 1);
    lua_createtable(state, 8, 0);
    lua_Integer count = 0;
    lua_pushnil(state);
    while (lua_next(state, 2)) {
        int type = lua_type(state, -2);
        if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TBOOLEAN)
            return luaL_error(state, "pairs: a %s is a key, and those have no order",
                              lua_typename(state, type));
        lua_pop(state, 1);
        lua_pushvalue(state, -1);
        lua_rawseti(state, 3, ++count);
    }
    lua__charge(state, (uint64_t)count + 1);
    sort_list(state, 3, count, BY_KEY);
    lua_pushvalue(state, 2);
    lua_insert(state, -2);
    lua_pushinteger(state, 0);
    lua_pushcclosure(state, next_pair, 3);
    return 1;
}

/* ---- the table functions ---- */

static lua_Integer list_length(lua_State *state, int index)
{
    luaL_checktype(state, index, LUA_TTABLE);
    lua__push_behind_view(state, index);
    lua_Integer length = (lua_Integer)lua_rawlen(state, -1);
    lua_pop(state, 1);
    return length;
}

static void refuse_view(lua_State *state, int index)
{
    if (lua_getmetatable(state, index))
        luaL_error(state, "this table is read-only");
}

/* table.sort(list [, less]) */
static int list_sort(lua_State *state)
{
    lua_Integer count = list_length(state, 1);
    refuse_view(state, 1);
    int function = 0;
    if (!lua_isnoneornil(state, 2)) {
        luaL_checktype(state, 2, LUA_TFUNCTION);
        function = 2;
    }
    lua_settop(state, 2);
    sort_list(state, 1, count, function);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(state, -1, i);
        lua_rawseti(state, 1, i);
    }
    return 0;
}

/* table.insert(list, [place,] value) */
static int list_insert(lua_State *state)
{
    lua_Integer count = list_length(state, 1);
    refuse_view(state, 1);
    lua_Integer place = count + 1;
    if (lua_gettop(state) == 3) {
        place = luaL_checkinteger(state, 2);
        luaL_argcheck(state, place >= 1 && place <= count + 1, 2, "place is outside of the list");
    } else if (lua_gettop(state) != 2) {
        return luaL_error(state, "table.insert takes a list, perhaps a place, and a value");
    }
    lua__charge(state, (uint64_t)(count + 1 - place) / 4 + 1);
    for (lua_Integer i = count; i >= place; i--) {
        lua_rawgeti(state, 1, i);
        lua_rawseti(state, 1, i + 1);
    }
    lua_rawseti(state, 1, place);
    return 0;
}

/* table.remove(list [, place]): the value that stood there, by default the last. */
static int list_remove(lua_State *state)
{
    lua_Integer count = list_length(state, 1);
    refuse_view(state, 1);
    lua_Integer place = luaL_optinteger(state, 2, count);
    if (count == 0)
        return 0;
    luaL_argcheck(state, place >= 1 && place <= count, 2, "place is outside of the list");
    lua__charge(state, (uint64_t)(count - place) / 4 + 1);
    lua_rawgeti(state, 1, place);
    for (lua_Integer i = place; i <= count; i++) {
        lua_rawgeti(state, 1, i + 1);
        lua_rawseti(state, 1, i);
    }
    return 1;
}

/* table.concat(list [, separator]) */
static int list_concat(lua_State *state)
{
    lua_Integer count = list_length(state, 1);
    const char *separator = luaL_optstring(state, 2, "");
    lua__charge(state, (uint64_t)count + 1);
    luaL_Buffer buffer;
    luaL_buffinit(state, &buffer);
    for (lua_Integer i = 1; i <= count; i++) {
        int type = lua_geti(state, 1, i);
        if (type != LUA_TSTRING && type != LUA_TNUMBER)
            return luaL_error(state, "table.concat: value %d of the list is a %s", (int)i,
                              lua_typename(state, type));
        luaL_addvalue(&buffer);
        if (i < count)
            luaL_addstring(&buffer, separator);
    }
    luaL_pushresult(&buffer);
    return 1;
}

/* table.unpack(list) */
static int list_unpack(lua_State *state)
{
    lua_Integer count = list_length(state, 1);
    if (count > UNPACK_MAX)
        return luaL_error(state, "table.unpack: too many values (at most %d)", UNPACK_MAX);
    luaL_checkstack(state, (int)count, "table.unpack");
    lua__charge(state, (uint64_t)count + 1);
    for (lua_Integer i = 1; i <= count; i++)
        lua_geti(state, 1, i);
    return (int)count;
}

void lua__add_list_functions(lua_State *state)
{
    static const luaL_Reg own[] = {{"sort", list_sort},     {"insert", list_insert},
                                   {"remove", list_remove}, {"concat", list_concat},
                                   {"unpack", list_unpack}, {NULL, NULL}};
    luaL_setfuncs(state, own, 0);
}
