/*
 * The door: a function of a file tied to the records of its case and its verdict.
 *
 * The script sees one case table for ever, a view; each call writes into the table behind it, and
 * writes only what differs from the last call, so a call makes no garbage of its own. `shown` is
 * the case as those tables hold it; it is brought up to date field by field, after the write, so it
 * stays true where a call ends halfway. Lists of records grow by need and shrink by hiding.
 */
#include "vm_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UP_FUNCTION = 1, UP_VIEW, UP_CONFIG, UP_CASE, UP_FIRST_KEY };
#define UPVALUES_MAX 255

struct door_call {
    struct lua_binding *binding;
    const void *input;
    void *output;
};

/* ---- showing the case ---- */

static size_t width(const struct lua_field *field)
{
    switch (field->kind) {
    case LUA_FIELD_REAL:
        return sizeof(double);
    case LUA_FIELD_WHOLE:
        return sizeof(int64_t);
    case LUA_FIELD_COUNT:
        return sizeof(uint32_t);
    case LUA_FIELD_FLAG:
        return sizeof(bool);
    case LUA_FIELD_WORD:
        return sizeof(uint8_t);
    case LUA_FIELD_TEXT:
        return field->size;
    case LUA_FIELD_WORDS:
    case LUA_FIELD_RECORDS:
        break;
    }
    return 0;
}

/* Of a field that is there in both. */
static bool is_same(const struct lua_field *field, const char *given, const char *shown)
{
    const char *a = given + field->offset;
    const char *b = shown + field->offset;
    switch (field->kind) {
    case LUA_FIELD_REAL:
    case LUA_FIELD_WHOLE:
        return memcmp(a, b, 8) == 0;
    case LUA_FIELD_COUNT:
        return memcmp(a, b, 4) == 0;
    case LUA_FIELD_TEXT:
        return *a == *b && (*a == '\0' || strncmp(a, b, field->size) == 0);
    default:
        return *a == *b;
    }
}

static void note_shown(const struct lua_field *field, const char *given, char *shown)
{
    memcpy(shown + field->offset, given + field->offset, width(field));
}

/* Makes element `index` and its view, and leaves the element on the stack. */
static void make_element(lua_State *state, struct lua__slot *slot, uint32_t index)
{
    lua_createtable(state, 0, 8);
    lua_pushvalue(state, -1);
    lua_rawseti(state, lua_upvalueindex(slot->store), 2 * (lua_Integer)index + 1);
    lua_pushvalue(state, -1);
    lua__make_view(state);
    lua_rawseti(state, lua_upvalueindex(slot->store), 2 * (lua_Integer)index + 2);
}

static void show_records(lua_State *state, const struct lua_field *field, struct lua__slot *slot,
                         const char *given, char *shown)
{
    uint32_t count = lua__list_count(field, given);
    uint32_t *shown_count = (uint32_t *)(void *)(shown + field->count_offset);
    if (count > field->size)
        luaL_error(state, "%s has %d elements, at most %d fit", field->name, (int)count,
                   (int)field->size);
    for (uint32_t e = 0; e < count; e++) {
        const char *element = given + field->offset + e * field->record->size;
        char *element_shown = shown + field->offset + e * field->record->size;
        bool is_new = e >= slot->made;
        if (is_new)
            make_element(state, slot, e);
        else
            lua_rawgeti(state, lua_upvalueindex(slot->store), 2 * (lua_Integer)e + 1);
        for (size_t i = 0; i < field->record->field_count; i++) {
            const struct lua_field *part = &field->record->fields[i];
            if (!is_new && part->presence_offset == 0 && is_same(part, element, element_shown))
                continue;
            lua_pushvalue(state, lua_upvalueindex(slot->element_keys + (int)i));
            lua__push_field(state, part, element);
            lua_rawset(state, -3);
            note_shown(part, element, element_shown);
        }
        lua_pop(state, 1);
        if (is_new)
            slot->made = e + 1;
    }
    while (*shown_count < count) {
        lua_rawgeti(state, lua_upvalueindex(slot->store), 2 * (lua_Integer)*shown_count + 2);
        lua_rawseti(state, lua_upvalueindex(slot->array), (lua_Integer)*shown_count + 1);
        ++*shown_count;
    }
    while (*shown_count > count) {
        lua_pushnil(state);
        lua_rawseti(state, lua_upvalueindex(slot->array), (lua_Integer)*shown_count);
        --*shown_count;
    }
}

static void show(lua_State *state, struct lua_binding *binding, const char *given)
{
    char *shown = (char *)binding->shown;
    for (size_t i = 0; i < binding->input->field_count; i++) {
        const struct lua_field *field = &binding->input->fields[i];
        struct lua__slot *slot = &binding->slots[i];
        if (field->kind == LUA_FIELD_RECORDS) {
            show_records(state, field, slot, given, shown);
            continue;
        }
        /* Several fields may share one presence, so each keeps its own. */
        enum lua__showing now = lua__is_absent(field, given) ? LUA__ABSENT : LUA__PRESENT;
        if (slot->showing == now && (now == LUA__ABSENT || is_same(field, given, shown)))
            continue;
        lua_pushvalue(state, lua_upvalueindex(slot->key));
        lua__push_field(state, field, given);
        lua_rawset(state, lua_upvalueindex(UP_CASE));
        note_shown(field, given, shown);
        slot->showing = now;
    }
}

static int door(lua_State *state)
{
    struct door_call *call = lua_touserdata(state, 1);
    struct lua_binding *binding = call->binding;
    show(state, binding, call->input);
    lua_pushvalue(state, lua_upvalueindex(UP_FUNCTION));
    lua_pushvalue(state, lua_upvalueindex(UP_VIEW));
    lua_pushvalue(state, lua_upvalueindex(UP_CONFIG));
    lua_call(state, 2, 1);
    if (!lua__read_record(state, 2, binding->output, call->output, binding->output_keys, true))
        binding->vm->bad_result = true;
    return 0;
}

enum lua_outcome lua_binding_call(struct lua_binding *binding, const void *input, void *output,
                                  struct tg_error *error)
{
    struct door_call call = {binding, input, output};
    memset(output, 0, binding->output->size);
    enum lua_outcome outcome =
        lua__protect_reference(binding->vm, binding->door_reference, &call, error);
    if (outcome != LUA_OUTCOME_OK) {
        memset(output, 0, binding->output->size);
        lua__name_file(binding->module, error);
    }
    return outcome;
}

/* ---- making one ---- */

struct bind_question {
    struct lua_binding *binding;
    const char *function_name;
};

/* Pushes one upvalue more; returns its number. */
static int next_upvalue(lua_State *state, int base)
{
    int number = lua_gettop(state) - base;
    if (number > UPVALUES_MAX)
        luaL_error(state, "the record has too many fields");
    luaL_checkstack(state, 8, "binding");
    return number;
}

static void push_slot(lua_State *state, int base, const struct lua_field *field,
                      struct lua__slot *slot)
{
    lua_pushstring(state, field->name);
    slot->key = next_upvalue(state, base);
    if (field->kind != LUA_FIELD_RECORDS)
        return;
    lua_createtable(state, (int)field->size, 0);
    slot->array = next_upvalue(state, base);
    lua_createtable(state, 2 * (int)field->size, 0);
    slot->store = next_upvalue(state, base);
    slot->element_keys = slot->store + 1;
    for (size_t i = 0; i < field->record->field_count; i++) {
        lua_pushstring(state, field->record->fields[i].name);
        (void)next_upvalue(state, base);
    }
    /* The script sees the array through a view, from now on. */
    lua_pushvalue(state, base + slot->key);
    lua_pushvalue(state, base + slot->array);
    lua__make_view(state);
    lua_rawset(state, base + UP_CASE);
}

static int make_door(lua_State *state)
{
    struct bind_question *question = lua_touserdata(state, 1);
    struct lua_binding *binding = question->binding;
    struct lua_vm *vm = binding->vm;
    lua_settop(state, 0);
    lua_rawgeti(state, LUA_REGISTRYINDEX, binding->module->table_reference);
    lua_pushstring(state, question->function_name);
    if (lua_rawget(state, 1) != LUA_TFUNCTION)
        luaL_error(state, "its table needs '%s', a function", question->function_name);
    lua_replace(state, 1);
    int base = 0; /* upvalue n is made of stack slot n */
    lua_createtable(state, 0, (int)binding->input->field_count);
    lua_pushvalue(state, 2);
    lua__make_view(state);
    lua_rawgeti(state, LUA_REGISTRYINDEX, vm->config_reference);
    lua_pushvalue(state, 2);
    lua_remove(state, 2);
    for (size_t i = 0; i < binding->input->field_count; i++)
        push_slot(state, base, &binding->input->fields[i], &binding->slots[i]);
    binding->output_keys = lua_gettop(state) + 1;
    for (size_t i = 0; i < binding->output->field_count; i++) {
        lua_pushstring(state, binding->output->fields[i].name);
        (void)next_upvalue(state, base);
    }
    lua_pushcclosure(state, door, lua_gettop(state));
    binding->door_reference = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

int lua_module_bind(struct lua_module *module, const char *function_name,
                    const struct lua_record *input, const struct lua_record *output,
                    struct lua_binding **result, struct tg_error *error)
{
    struct lua_vm *vm = module->vm;
    *result = NULL;
    TG_BUG_IF(vm->binding_count == LUA__BINDINGS_MAX);
    struct lua_binding *binding = &vm->bindings[vm->binding_count];
    *binding = (struct lua_binding){
        .vm = vm, .module = module, .input = input, .output = output, .door_reference = LUA_NOREF};
    binding->slots = calloc(input->field_count, sizeof *binding->slots);
    binding->shown = calloc(1, input->size);
    struct bind_question question = {binding, function_name};
    int code = TG_E_OK;
    if (!binding->slots || !binding->shown)
        code = TG_FAIL(error, NO_MEMORY, "out of memory for a call into Lua");
    else if (lua__protect(vm, make_door, &question, error) != LUA_OUTCOME_OK)
        code = TG_E_INVALID;
    if (code) {
        free(binding->slots);
        free(binding->shown);
        lua__name_file(module, error);
        return code;
    }
    vm->binding_count++;
    *result = binding;
    return TG_E_OK;
}
