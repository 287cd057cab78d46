/*
 * Self-tests inside policy files. The file's function calls test(name, case, expect) for each case;
 * here they are only collected, as copies. The caller then takes each case through the same door
 * that real cases take, and compares.
 */
#include "vm_int.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COPY_DEPTH_MAX 4
#define TOLERANCE      1e-9

enum { TEST_NAME = 1, TEST_CASE, TEST_EXPECT, TEST_LINE };

/* ---- collecting ---- */

/* Pushes a copy of the value at `index`: tables are copied, a few levels deep. */
static void push_copy(lua_State *state, int index, int depth)
{
    int type = lua_type(state, index);
    if (type != LUA_TTABLE) {
        lua_pushvalue(state, index);
        return;
    }
    if (depth == COPY_DEPTH_MAX)
        luaL_error(state, "test: the tables are nested too deep");
    luaL_checkstack(state, 8, "test");
    lua__push_behind_view(state, index);
    int from = lua_gettop(state);
    lua_createtable(state, 0, 8);
    lua_pushnil(state);
    while (lua_next(state, from)) {
        lua__charge(state, 1);
        lua_pushvalue(state, -2);
        push_copy(state, lua_gettop(state) - 1, depth + 1);
        lua_rawset(state, from + 1);
        lua_pop(state, 1);
    }
    lua_remove(state, from);
}

/* test(name, case, expect). Upvalue: the list. */
static int add_test(lua_State *state)
{
    size_t length;
    const char *name = luaL_checklstring(state, 1, &length);
    luaL_checktype(state, 2, LUA_TTABLE);
    luaL_checktype(state, 3, LUA_TTABLE);
    lua_settop(state, 3);
    char clean[LUA_TEST_NAME_SIZE];
    if (length == 0 || !lua__clean_text(clean, sizeof clean, name, length))
        return luaL_error(state, "test: the name must have 1 to %d plain characters",
                          (int)sizeof clean - 1);
    lua_Integer count = (lua_Integer)lua_rawlen(state, lua_upvalueindex(1));
    if (count >= (lua_Integer)LUA_TESTS_MAX)
        return luaL_error(state, "test: too many (at most %d)", (int)LUA_TESTS_MAX);
    lua_createtable(state, 4, 0);
    lua_pushvalue(state, 1);
    lua_rawseti(state, 4, TEST_NAME);
    push_copy(state, 2, 0);
    lua_rawseti(state, 4, TEST_CASE);
    push_copy(state, 3, 0);
    lua_rawseti(state, 4, TEST_EXPECT);
    lua_Debug activation = {0};
    if (lua_getstack(state, 1, &activation))
        lua_getinfo(state, "l", &activation);
    lua_pushinteger(state, activation.currentline);
    lua_rawseti(state, 4, TEST_LINE);
    lua_rawseti(state, lua_upvalueindex(1), count + 1);
    return 0;
}

struct collect_question {
    struct lua_module *module;
    const char *function_name;
};

static int collect_tests(lua_State *state)
{
    const struct collect_question *question = lua_touserdata(state, 1);
    struct lua_module *module = question->module;
    lua_createtable(state, 16, 0);
    int list = lua_gettop(state);
    lua_rawgeti(state, LUA_REGISTRYINDEX, module->table_reference);
    lua_pushstring(state, question->function_name);
    if (lua_rawget(state, -2) != LUA_TFUNCTION)
        luaL_error(state, "its table needs '%s', a function", question->function_name);
    lua_pushvalue(state, list);
    lua_pushcclosure(state, add_test, 1);
    lua_rawgeti(state, LUA_REGISTRYINDEX, module->vm->config_reference);
    lua_call(state, 2, 0);
    module->test_count = (uint32_t)lua_rawlen(state, list);
    lua_settop(state, list);
    luaL_unref(state, LUA_REGISTRYINDEX, module->tests_reference);
    module->tests_reference = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

enum lua_outcome lua_module_collect(struct lua_module *module, const char *function_name,
                                    uint32_t *count, struct tg_error *error)
{
    struct collect_question question = {module, function_name};
    module->test_count = 0;
    enum lua_outcome outcome = lua__protect(module->vm, collect_tests, &question, error);
    if (outcome != LUA_OUTCOME_OK)
        lua__name_file(module, error);
    *count = module->test_count;
    return outcome;
}

/* ---- cases and expectations ---- */

struct test_question {
    struct lua_module *module;
    uint32_t index;
    const struct lua_record *record;
    void *input;        /* of a case */
    const void *output; /* of an expectation */
    char name[LUA_TEST_NAME_SIZE];
    lua_Integer line;
};

/* Pushes part of the test; fills in name and line. */
static void push_test(lua_State *state, struct test_question *question, int part)
{
    lua_rawgeti(state, LUA_REGISTRYINDEX, question->module->tests_reference);
    lua_rawgeti(state, -1, (lua_Integer)question->index + 1);
    lua_rawgeti(state, -1, TEST_NAME);
    snprintf(question->name, sizeof question->name, "%s", lua_tostring(state, -1));
    lua_rawgeti(state, -2, TEST_LINE);
    question->line = lua_tointeger(state, -1);
    lua_pop(state, 2);
    lua_rawgeti(state, -1, part);
}

static int read_case(lua_State *state)
{
    struct test_question *question = lua_touserdata(state, 1);
    push_test(state, question, TEST_CASE);
    lua__vm(state)->bad_result =
        !lua__read_record(state, lua_gettop(state), question->record, question->input, 0, false);
    return 0;
}

/* Whether the value at `actual` has all that is in the one at `expected`. */
static bool matches(lua_State *state, int expected, int actual)
{
    int type = lua_type(state, expected);
    if (type != lua_type(state, actual))
        return false;
    if (type == LUA_TNUMBER) {
        double a = lua_tonumber(state, expected), b = lua_tonumber(state, actual);
        return fabs(a - b) <= TOLERANCE * fmax(1, fmax(fabs(a), fabs(b)));
    }
    if (type != LUA_TTABLE)
        return lua_compare(state, expected, actual, LUA_OPEQ);
    luaL_checkstack(state, 8, "expect");
    if (lua_rawlen(state, expected) != lua_rawlen(state, actual))
        return false;
    lua_pushnil(state);
    while (lua_next(state, expected)) {
        lua_pushvalue(state, -2);
        lua_rawget(state, actual);
        int top = lua_gettop(state);
        bool same = matches(state, top - 1, top);
        lua_pop(state, 2);
        if (!same) {
            lua_pop(state, 1);
            return false;
        }
    }
    return true;
}

static void describe(lua_State *state, int index, char *text, size_t size)
{
    int type = lua_type(state, index);
    if (type == LUA_TNUMBER)
        snprintf(text, size, "%.10g", lua_tonumber(state, index));
    else if (type == LUA_TSTRING)
        snprintf(text, size, "\"%s\"", lua_tostring(state, index));
    else if (type == LUA_TBOOLEAN)
        snprintf(text, size, "%s", lua_toboolean(state, index) ? "true" : "false");
    else if (type == LUA_TTABLE)
        snprintf(text, size, "a list of %zu", (size_t)lua_rawlen(state, index));
    else
        snprintf(text, size, "%s", lua_typename(state, type));
}

static int compare(lua_State *state)
{
    struct test_question *question = lua_touserdata(state, 1);
    struct lua_vm *vm = lua__vm(state);
    push_test(state, question, TEST_EXPECT);
    int expect = lua_gettop(state);
    size_t known = 0, total = 0;
    for (size_t i = 0; i < question->record->field_count; i++) {
        const struct lua_field *field = &question->record->fields[i];
        lua_pushstring(state, field->name);
        if (lua_rawget(state, expect) != LUA_TNIL) {
            known++;
            lua__push_field(state, field, question->output);
            int top = lua_gettop(state);
            if (!matches(state, top - 1, top)) {
                char is[160], expected[160];
                describe(state, top, is, sizeof is);
                describe(state, top - 1, expected, sizeof expected);
                snprintf(vm->message, sizeof vm->message, "%s.%s is %s, expected %s%s",
                         question->record->name, field->name, is, expected,
                         lua_type(state, top) == LUA_TTABLE ? " with other content" : "");
                vm->bad_result = true;
                return 0;
            }
        }
        lua_settop(state, expect);
    }
    lua_pushnil(state);
    while (lua_next(state, expect)) {
        lua_pop(state, 1);
        total++;
    }
    if (total != known) {
        snprintf(vm->message, sizeof vm->message, "expects a field that a %s does not have",
                 question->record->name);
        vm->bad_result = true;
    }
    return 0;
}

static enum lua_outcome ask(struct test_question *question, lua_CFunction function,
                            struct tg_error *error)
{
    enum lua_outcome outcome = lua__protect(question->module->vm, function, question, error);
    if (outcome != LUA_OUTCOME_OK)
        tg_error_prefix(error, "%s:%lld: self-test '%s': ", question->module->source->name,
                        (long long)question->line, question->name);
    return outcome;
}

enum lua_outcome lua_module_test_case(struct lua_module *module, uint32_t index,
                                      const struct lua_record *record, void *input,
                                      char name[LUA_TEST_NAME_SIZE], struct tg_error *error)
{
    TG_BUG_IF(index >= module->test_count);
    struct test_question question = {
        .module = module, .index = index, .record = record, .input = input};
    enum lua_outcome outcome = ask(&question, read_case, error);
    memcpy(name, question.name, sizeof question.name);
    return outcome;
}

enum lua_outcome lua_module_test_expect(struct lua_module *module, uint32_t index,
                                        const struct lua_record *record, const void *output,
                                        struct tg_error *error)
{
    TG_BUG_IF(index >= module->test_count);
    struct test_question question = {
        .module = module, .index = index, .record = record, .output = output};
    return ask(&question, compare, error);
}
