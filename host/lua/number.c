/*
 * Numbers for scripts: `math` without random numbers, and tonumber. They take numbers only: Lua's
 * own would read texts of any length as numbers, inside one call. Results are those of Lua's own
 * functions of the same name.
 */
#include "vm_int.h"

#include <math.h>

#define NUMBER_TEXT_MAX 64u

static void check_number(lua_State *state, int index)
{
    luaL_checktype(state, index, LUA_TNUMBER);
}

static int number_abs(lua_State *state)
{
    check_number(state, 1);
    if (lua_isinteger(state, 1)) {
        lua_Integer value = lua_tointeger(state, 1);
        lua_pushinteger(state, value < 0 ? (lua_Integer)(0u - (lua_Unsigned)value) : value);
    } else {
        lua_pushnumber(state, fabs(lua_tonumber(state, 1)));
    }
    return 1;
}

static void push_rounded(lua_State *state, double value)
{
    lua_Integer whole;
    if (lua_numbertointeger(value, &whole))
        lua_pushinteger(state, whole);
    else
        lua_pushnumber(state, value);
}

static int number_floor(lua_State *state)
{
    check_number(state, 1);
    lua_settop(state, 1);
    if (!lua_isinteger(state, 1))
        push_rounded(state, floor(lua_tonumber(state, 1)));
    return 1;
}

static int number_ceil(lua_State *state)
{
    check_number(state, 1);
    lua_settop(state, 1);
    if (!lua_isinteger(state, 1))
        push_rounded(state, ceil(lua_tonumber(state, 1)));
    return 1;
}

static int pick(lua_State *state, bool greatest)
{
    int count = lua_gettop(state);
    int best = 1;
    check_number(state, 1);
    for (int i = 2; i <= count; i++) {
        check_number(state, i);
        if (greatest ? lua_compare(state, best, i, LUA_OPLT)
                     : lua_compare(state, i, best, LUA_OPLT))
            best = i;
    }
    lua_pushvalue(state, best);
    return 1;
}

static int number_max(lua_State *state)
{
    return pick(state, true);
}

static int number_min(lua_State *state)
{
    return pick(state, false);
}

static int number_sqrt(lua_State *state)
{
    check_number(state, 1);
    lua_pushnumber(state, sqrt(lua_tonumber(state, 1)));
    return 1;
}

static int number_exp(lua_State *state)
{
    check_number(state, 1);
    lua_pushnumber(state, exp(lua_tonumber(state, 1)));
    return 1;
}

/* math.log(x): the natural one; for other bases divide. */
static int number_log(lua_State *state)
{
    check_number(state, 1);
    lua_pushnumber(state, log(lua_tonumber(state, 1)));
    return 1;
}

static int number_fmod(lua_State *state)
{
    check_number(state, 1);
    check_number(state, 2);
    lua_pushnumber(state, fmod(lua_tonumber(state, 1), lua_tonumber(state, 2)));
    return 1;
}

/* math.tointeger(x): x as a whole number, or nil where it is none. */
static int number_to_whole(lua_State *state)
{
    luaL_checkany(state, 1);
    int exact = 0;
    lua_Integer value = lua_type(state, 1) == LUA_TNUMBER ? lua_tointegerx(state, 1, &exact) : 0;
    if (exact)
        lua_pushinteger(state, value);
    else
        lua_pushnil(state);
    return 1;
}

/* math.type(x): "integer", "float", or nil. */
static int number_type(lua_State *state)
{
    luaL_checkany(state, 1);
    if (lua_type(state, 1) == LUA_TNUMBER)
        lua_pushstring(state, lua_isinteger(state, 1) ? "integer" : "float");
    else
        lua_pushnil(state);
    return 1;
}

/* tonumber(x): a number, or a short text read as one; else nil. */
static int to_number(lua_State *state)
{
    luaL_checkany(state, 1);
    lua_settop(state, 1);
    if (lua_type(state, 1) == LUA_TNUMBER)
        return 1;
    size_t length = 0;
    const char *text = lua_type(state, 1) == LUA_TSTRING ? lua_tolstring(state, 1, &length) : NULL;
    if (!text || length > NUMBER_TEXT_MAX || lua_stringtonumber(state, text) != length + 1)
        lua_pushnil(state);
    return 1;
}

void lua__add_number_functions(lua_State *state)
{
    static const luaL_Reg own[] = {{"abs", number_abs},   {"ceil", number_ceil},
                                   {"exp", number_exp},   {"floor", number_floor},
                                   {"fmod", number_fmod}, {"log", number_log},
                                   {"max", number_max},   {"min", number_min},
                                   {"sqrt", number_sqrt}, {"tointeger", number_to_whole},
                                   {"type", number_type}, {NULL, NULL}};
    lua_createtable(state, 0, 16);
    luaL_setfuncs(state, own, 0);
    lua_pushnumber(state, HUGE_VAL);
    lua_setfield(state, -2, "huge");
    lua_pushnumber(state, 3.141592653589793);
    lua_setfield(state, -2, "pi");
    lua_pushinteger(state, LUA_MAXINTEGER);
    lua_setfield(state, -2, "maxinteger");
    lua_pushinteger(state, LUA_MININTEGER);
    lua_setfield(state, -2, "mininteger");
    lua__make_view(state);
    lua_setfield(state, -2, "math");
    lua_pushcfunction(state, to_number);
    lua_setfield(state, -2, "tonumber");
}
