/* Inside the Lua room: the machine, its memory, its budget, and who builds which part of it. */
#ifndef TG_LUA_VM_INT_H
#define TG_LUA_VM_INT_H

#include "base/check.h"
#include "base/text.h"
#include "lua/vm.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define LUA__BINDINGS_MAX 16u
#define LUA__CHUNK_PART   8u /* the largest block is this part of the memory cap */
#define LUA__CALL_PART    8u /* one call may allocate so many times the cap in all */
#define LUA__REFUSALS_MAX 4u /* of memory, in one call; each costs a full collection */
#define LUA__HOOK_COUNT   1000

struct lua__memory {
    size_t bytes, bytes_high, bytes_max;
    size_t block_bytes_max;
    size_t call_bytes, call_bytes_max; /* handed out since the call began, given back or not */
    uint32_t refusals;                 /* since the call began */
};

struct lua_module {
    struct lua_vm *vm;
    const struct lua_source *source;
    int table_reference; /* what the file returned */
    int tests_reference; /* list of {name, case, expect, line} */
    uint32_t test_count;
};

/* What the script's table holds of a field. */
enum lua__showing { LUA__UNKNOWN, LUA__ABSENT, LUA__PRESENT };

/* Upvalue numbers of a binding's door, per field of its case. */
struct lua__slot {
    int key;
    int array, store;          /* of RECORDS: what the script sees, and the elements made so far */
    int element_keys;          /* of RECORDS: the first key of the elements */
    uint32_t made;             /* of RECORDS: elements in the store */
    enum lua__showing showing; /* of others */
};

struct lua_binding {
    struct lua_vm *vm;
    struct lua_module *module;
    const struct lua_record *input, *output;
    struct lua__slot *slots; /* one per field of the input */
    unsigned char *shown;    /* the input as the script's tables hold it */
    int door_reference;
    int output_keys; /* upvalue number of the first key of the output */
};

struct lua_vm {
    lua_State *state;
    struct lua__memory memory;
    struct tg_clock clock;
    uint64_t instructions_max, instructions;
    int64_t deadline_ns, deadline_factor, deadline;
    int hook_count;
    enum lua_outcome dying; /* why the script is to stop; OK: it is not */
    bool bad_result;
    size_t settled_bytes; /* in use after the last collection */
    const struct lua_source *sources;
    size_t source_count;
    int config_reference;
    int library_reference; /* what every file may name */
    struct lua_module modules[LUA_SOURCES_MAX];
    size_t module_count;
    struct lua_binding bindings[LUA__BINDINGS_MAX];
    size_t binding_count;
    char message[TG_ERROR_MESSAGE_SIZE];
};

static inline struct lua_vm *lua__vm(lua_State *state)
{
    return *(struct lua_vm **)lua_getextraspace(state);
}

/* memory.c: the allocator; the machine that is its context has its memory filled in. */
void *lua__allocate(void *context, void *block, size_t old_size, size_t new_size);
void lua__memory_begin_call(struct lua__memory *memory);

/* vm.c: runs `function` with one light userdata, protected, with budget and deadline. */
enum lua_outcome lua__protect(struct lua_vm *vm, lua_CFunction function, void *argument,
                              struct tg_error *error);
/* The same with the function, a value, taken from the registry. */
enum lua_outcome lua__protect_reference(struct lua_vm *vm, int reference, void *argument,
                                        struct tg_error *error);
/* Work done outside of Lua instructions: raises where the budget or the deadline is used up. */
void lua__charge(lua_State *state, uint64_t instructions);
/* Copies at most size - 1 bytes that are printable UTF-8; true where nothing was changed. */
bool lua__clean_text(char *text, size_t size, const char *data, size_t length);

/* sandbox.c: with a table on top of the stack, puts a read-only view of it in its place. */
void lua__make_view(lua_State *state);
/* Puts the table behind a view in place of the view at `index`; other values stay. */
void lua__push_behind_view(lua_State *state, int index);
/* Pushes a new environment for one file. */
void lua__push_environment(lua_State *state);
/* Makes the library that the environments show, with the config on top of the stack in it, and the
 * string metatable. */
void lua__make_library(lua_State *state);

/* file.c */
int lua__require(lua_State *state);
/* Puts the file's name before a sentence that does not begin with that of any file. */
void lua__name_file(const struct lua_module *module, struct tg_error *error);

/* text.c, list.c, number.c: fill the table on top of the stack. */
void lua__add_text_functions(lua_State *state);
void lua__add_list_functions(lua_State *state);
void lua__add_number_functions(lua_State *state);
int lua__pairs(lua_State *state);

/* config.c: pushes the read-only config. */
void lua__push_config(lua_State *state, const struct lua_parameter *parameters, size_t count);

/* value.c */
/* Whether the value at `index` is a fine record; fills `data`. `keys`: upvalue number of the first
 * key, or 0. On failure the sentence is in the machine's message. */
bool lua__read_record(lua_State *state, int index, const struct lua_record *record, void *data,
                      int keys, bool is_result);
/* Pushes the field of `data`, lists as new tables; nil where it is absent. */
void lua__push_field(lua_State *state, const struct lua_field *field, const void *data);
uint32_t lua__list_count(const struct lua_field *field, const void *data);
bool lua__is_absent(const struct lua_field *field, const void *data);

#endif
