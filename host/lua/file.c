/*
 * Files: compiled from text only, each in its own environment. `require "name"` runs name.lua of
 * the same set of sources inside the environment of the file that asks, once per asking file, so
 * files share no tables; a chain of files that need each other is refused.
 */
#include "vm_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct lua_source *find_source(const struct lua_vm *vm, const char *name)
{
    for (size_t i = 0; i < vm->source_count; i++)
        if (strcmp(vm->sources[i].name, name) == 0)
            return &vm->sources[i];
    return NULL;
}

/* Compiles and runs a source in the environment at `environment`; pushes its table. */
static void run_source(lua_State *state, const struct lua_source *source, int environment)
{
    if (source->length > 0 && source->text[0] == LUA_SIGNATURE[0])
        luaL_error(state, "%s:1: is compiled Lua; only text is loaded", source->name);
    char chunk_name[72];
    snprintf(chunk_name, sizeof chunk_name, "@%s", source->name);
    if (luaL_loadbufferx(state, source->text, source->length, chunk_name, "t") != LUA_OK) {
        size_t length = strlen(source->name);
        if (strncmp(lua_tostring(state, -1), source->name, length) != 0)
            luaL_error(state, "%s:1: cannot be compiled: %s", source->name,
                       lua_tostring(state, -1));
        lua_error(state);
    }
    lua_pushvalue(state, environment);
    lua_setupvalue(state, -2, 1);
    lua_call(state, 0, 1);
    if (lua_type(state, -1) != LUA_TTABLE)
        luaL_error(state, "%s:1: returns a %s; it must return a table", source->name,
                   luaL_typename(state, -1));
}

/* Upvalues: the environment of the asking file; what it has required already. */
int lua__require(lua_State *state)
{
    size_t length;
    const char *name = luaL_checklstring(state, 1, &length);
    lua_settop(state, 1);
    if (strcmp(name, "cjson") == 0)
        return luaL_error(state, "require: cjson is not available; cases and verdicts are tables "
                                 "already");
    if (strlen(name) != length || !tg_text_is_name(name))
        return luaL_error(state, "require: a name of 1 to 63 of a-z 0-9 _ is needed");
    lua_pushvalue(state, 1);
    int type = lua_rawget(state, lua_upvalueindex(2));
    if (type == LUA_TTABLE)
        return 1;
    if (type == LUA_TBOOLEAN)
        return luaL_error(state, "require: '%s' needs itself", name);
    char file[72];
    snprintf(file, sizeof file, "%s.lua", name);
    const struct lua_source *source = find_source(lua__vm(state), file);
    if (!source)
        return luaL_error(state, "require: there is no %s beside this file", file);
    lua_pushvalue(state, 1);
    lua_pushboolean(state, 1); /* being loaded */
    lua_rawset(state, lua_upvalueindex(2));
    luaL_checkstack(state, 8, "require");
    run_source(state, source, lua_upvalueindex(1));
    lua_pushvalue(state, 1);
    lua_pushvalue(state, -2);
    lua_rawset(state, lua_upvalueindex(2));
    return 1;
}

static int load_module(lua_State *state)
{
    struct lua_module *module = lua_touserdata(state, 1);
    lua__push_environment(state);
    run_source(state, module->source, lua_gettop(state));
    module->table_reference = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

enum lua_outcome lua_vm_load(struct lua_vm *vm, const char *source_name, struct lua_module **result,
                             struct tg_error *error)
{
    *result = NULL;
    const struct lua_source *source = find_source(vm, source_name);
    if (!source || vm->module_count == LUA_SOURCES_MAX) {
        (void)TG_FAIL(error, NOT_FOUND, "%s: there is no such file", source_name);
        return LUA_OUTCOME_RUNTIME;
    }
    struct lua_module *module = &vm->modules[vm->module_count];
    *module = (struct lua_module){
        .vm = vm, .source = source, .table_reference = LUA_NOREF, .tests_reference = LUA_NOREF};
    enum lua_outcome outcome = lua__protect(vm, load_module, module, error);
    if (outcome == LUA_OUTCOME_OK) {
        vm->module_count++;
        *result = module;
    } else {
        lua__name_file(module, error);
    }
    return outcome;
}

void lua__name_file(const struct lua_module *module, struct tg_error *error)
{
    if (!error)
        return;
    for (size_t i = 0; i < module->vm->source_count; i++) {
        const char *name = module->vm->sources[i].name;
        if (strncmp(error->message, name, strlen(name)) == 0)
            return;
    }
    tg_error_prefix(error, "%s: ", module->source->name);
}

struct text_question {
    const struct lua_module *module;
    const char *name;
    char *text;
    size_t size;
    bool found;
};

static int read_text(lua_State *state)
{
    struct text_question *question = lua_touserdata(state, 1);
    lua_rawgeti(state, LUA_REGISTRYINDEX, question->module->table_reference);
    lua_pushstring(state, question->name);
    if (lua_rawget(state, -2) != LUA_TSTRING)
        return 0;
    size_t length;
    const char *text = lua_tolstring(state, -1, &length);
    question->found = length > 0 && lua__clean_text(question->text, question->size, text, length);
    return 0;
}

int lua_module_text(struct lua_module *module, const char *name, char *text, size_t size,
                    struct tg_error *error)
{
    struct text_question question = {module, name, text, size, false};
    text[0] = '\0';
    if (lua__protect(module->vm, read_text, &question, error) != LUA_OUTCOME_OK)
        return TG_E_FAILED;
    if (!question.found) {
        text[0] = '\0';
        return TG_FAIL(error, INVALID, "%s: its table needs '%s', a text of 1 to %zu characters",
                       module->source->name, name, size - 1);
    }
    return TG_E_OK;
}
