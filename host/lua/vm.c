/*
 * The machine and its protection. Whatever enters Lua goes through lua__protect: it starts the
 * budget and the deadline, runs one C function under lua_pcall, names the outcome, and proves that
 * the stack is as it was.
 *
 *   lua__protect -> lua_pcall -> C function -> script
 *                       |            ^ hook every 1,000 instructions: budget, deadline
 *                       v on error
 *                   on_error: copies the sentence into the machine, allocates nothing
 *
 * Scripts have no pcall, no coroutines, no finalisers and no metatables, so an error leaves them at
 * once. Should one ever find a way to go on after its stop, the hook is by then armed at every
 * instruction. Collection never runs inside a call unless memory runs short; a little of it is done
 * after calls that left garbage behind.
 *
 * One thread. The machine owns everything that its functions give out.
 */
#include "vm_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GARBAGE_PART     32u /* this part of the cap in new bytes asks for a step of collection */
#define MEMORY_MIN_BYTES ((size_t)256 << 10)
#define DEADLINE_MAX_NS  TG_NS_PER_HOUR

const char *lua_outcome_text(enum lua_outcome outcome)
{
    static const char *const texts[] = {
#define OUTCOME_TEXT(NAME, text) text,
        LUA_OUTCOME_LIST(OUTCOME_TEXT)
#undef OUTCOME_TEXT
    };
    return (unsigned)outcome < LUA_OUTCOME_COUNT ? texts[outcome] : "?";
}

bool lua__clean_text(char *text, size_t size, const char *data, size_t length)
{
    bool same = length < size;
    if (!same) {
        length = size - 1;
        /* Not in the middle of a character. */
        while (length > 0 && ((unsigned char)data[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(text, data, length);
    text[length] = '\0';
    bool utf8 = tg_text_is_utf8(text, length);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
            text[i] = byte < 0x20 ? ' ' : '?';
            same = false;
        }
    }
    return same;
}

/* ---- budget and deadline ---- */

static void on_count(lua_State *state, lua_Debug *activation);

static _Noreturn void stop_script(lua_State *state, struct lua_vm *vm, enum lua_outcome why)
{
    vm->dying = why;
    lua_sethook(state, on_count, LUA_MASKCOUNT, 1);
    if (why == LUA_OUTCOME_BUDGET)
        lua_pushfstring(state, "used more than %I instructions", (LUAI_UACINT)vm->instructions_max);
    else
        lua_pushfstring(state, "ran longer than %I ms",
                        (LUAI_UACINT)(vm->deadline_ns * vm->deadline_factor / TG_NS_PER_MS));
    lua_error(state);
    abort(); /* lua_error does not return */
}

void lua__charge(lua_State *state, uint64_t instructions)
{
    struct lua_vm *vm = lua__vm(state);
    uint64_t before = vm->instructions;
    vm->instructions += instructions;
    if (vm->dying != LUA_OUTCOME_OK)
        stop_script(state, vm, vm->dying);
    if (vm->instructions >= vm->instructions_max)
        stop_script(state, vm, LUA_OUTCOME_BUDGET);
    /* Small charges look at the clock only when they cross a thousand. */
    if (before / LUA__HOOK_COUNT != vm->instructions / LUA__HOOK_COUNT &&
        tg_clock_monotonic(&vm->clock) > vm->deadline)
        stop_script(state, vm, LUA_OUTCOME_DEADLINE);
}

static void on_count(lua_State *state, lua_Debug *activation)
{
    (void)activation;
    lua__charge(state, (uint64_t)lua__vm(state)->hook_count);
}

/* ---- errors ---- */

/* Adds "file:line" of the innermost line of Lua and of those that called it. */
static size_t append_places(lua_State *state, char *text, size_t size, size_t length,
                            bool has_place)
{
    int shown = 0;
    for (int level = 0; level < 32 && shown < 4; level++) {
        lua_Debug activation;
        if (!lua_getstack(state, level, &activation))
            break;
        lua_getinfo(state, "Sl", &activation);
        if (activation.currentline <= 0)
            continue;
        if (shown++ == 0 && has_place)
            continue;
        tg_text_append(text, size, &length, shown == 1 ? " (at %s:%d)" : " (called from %s:%d)",
                       activation.short_src, activation.currentline);
    }
    return length;
}

/* The message handler. Allocates nothing, so it works with no memory left. */
static int on_error(lua_State *state)
{
    struct lua_vm *vm = lua__vm(state);
    char *text = vm->message;
    size_t size = sizeof vm->message;
    text[0] = '\0';
    size_t length = 0;
    switch (lua_type(state, 1)) {
    case LUA_TSTRING: {
        size_t given;
        const char *data = lua_tolstring(state, 1, &given);
        lua__clean_text(text, size - 128, data, given);
        length = strlen(text);
        break;
    }
    case LUA_TNUMBER:
        tg_text_append(text, size, &length, "error value %.14g", lua_tonumber(state, 1));
        break;
    default:
        tg_text_append(text, size, &length, "error value is a %s", luaL_typename(state, 1));
        break;
    }
    /* Lua's own errors begin with "file:line: ". */
    const char *colon = strchr(text, ':');
    bool has_place = colon && colon[1] >= '0' && colon[1] <= '9' && vm->dying == LUA_OUTCOME_OK;
    append_places(state, text, size, length, has_place);
    /* The compiler runs this handler too, and its caller still wants the sentence. */
    lua_settop(state, 1);
    return 1;
}

static enum lua_outcome outcome_of(struct lua_vm *vm, int status)
{
    if (vm->dying != LUA_OUTCOME_OK)
        return vm->dying;
    if (status == LUA_OK)
        return vm->bad_result ? LUA_OUTCOME_BAD_RESULT : LUA_OUTCOME_OK;
    if (status == LUA_ERRMEM) {
        snprintf(vm->message, sizeof vm->message, "needs more memory than %zu bytes%s",
                 vm->memory.bytes_max,
                 vm->memory.bytes * 2 < vm->memory.bytes_max
                     ? ", or too large a piece of it at once"
                     : "");
        return LUA_OUTCOME_NO_MEMORY;
    }
    if (status == LUA_ERRERR)
        snprintf(vm->message, sizeof vm->message, "calls go too deep");
    return LUA_OUTCOME_RUNTIME;
}

/* Between calls: as much collection as the last one left behind. */
static void collect(struct lua_vm *vm)
{
    struct lua__memory *memory = &vm->memory;
    if (memory->bytes > memory->bytes_max / 2 || memory->refusals > 0) {
        lua_gc(vm->state, LUA_GCCOLLECT);
    } else if (memory->bytes > vm->settled_bytes + memory->bytes_max / GARBAGE_PART) {
        lua_gc(vm->state, LUA_GCSTEP, 0);
    } else {
        if (memory->bytes < vm->settled_bytes)
            vm->settled_bytes = memory->bytes;
        return;
    }
    vm->settled_bytes = memory->bytes;
}

static enum lua_outcome run_protected(struct lua_vm *vm, int top, void *argument,
                                      struct tg_error *error)
{
    lua_State *state = vm->state;
    vm->dying = LUA_OUTCOME_OK;
    vm->bad_result = false;
    vm->instructions = 0;
    vm->deadline = tg_clock_monotonic(&vm->clock) + vm->deadline_ns * vm->deadline_factor;
    lua__memory_begin_call(&vm->memory);
    lua_pushlightuserdata(state, argument);
    lua_sethook(state, on_count, LUA_MASKCOUNT, vm->hook_count);
    int status = lua_pcall(state, 1, 0, top + 1);
    lua_sethook(state, NULL, 0, 0);
    enum lua_outcome outcome = outcome_of(vm, status);
    /* What is left: the handler, and after an error its value. */
    TG_BUG_IF(lua_gettop(state) != (status == LUA_OK ? top + 1 : top + 2));
    lua_settop(state, top);
    collect(vm);
    if (outcome != LUA_OUTCOME_OK) {
        int code = outcome == LUA_OUTCOME_NO_MEMORY  ? TG_E_NO_MEMORY
                   : outcome == LUA_OUTCOME_DEADLINE ? TG_E_TIMEOUT
                                                     : TG_E_FAILED;
        tg_error_set(error, code, __FILE__, __LINE__, __func__, "%s", vm->message);
    }
    return outcome;
}

enum lua_outcome lua__protect(struct lua_vm *vm, lua_CFunction function, void *argument,
                              struct tg_error *error)
{
    int top = lua_gettop(vm->state);
    lua_pushcfunction(vm->state, on_error);
    lua_pushcfunction(vm->state, function);
    return run_protected(vm, top, argument, error);
}

enum lua_outcome lua__protect_reference(struct lua_vm *vm, int reference, void *argument,
                                        struct tg_error *error)
{
    int top = lua_gettop(vm->state);
    lua_pushcfunction(vm->state, on_error);
    lua_rawgeti(vm->state, LUA_REGISTRYINDEX, reference);
    return run_protected(vm, top, argument, error);
}

/* An error outside of lua__protect: a bug of this room. */
static int on_panic(lua_State *state)
{
    (void)state;
    tg_bug("Lua error outside of a protected call", __FILE__, __LINE__, __func__);
}

/* ---- the machine ---- */

static int build(lua_State *state)
{
    const struct lua_vm_options *options = lua_touserdata(state, 1);
    struct lua_vm *vm = lua__vm(state);
    lua__push_config(state, options->parameters, options->parameter_count);
    lua_pushvalue(state, -1);
    vm->config_reference = luaL_ref(state, LUA_REGISTRYINDEX);
    lua__make_library(state);
    vm->library_reference = luaL_ref(state, LUA_REGISTRYINDEX);
    return 0;
}

static int check_options(const struct lua_vm_options *options, struct tg_error *error)
{
    if (options->memory_max_bytes < MEMORY_MIN_BYTES)
        return TG_FAIL(error, RANGE, "memory of %zu bytes is too little for Lua (at least %zu)",
                       options->memory_max_bytes, MEMORY_MIN_BYTES);
    if (options->instructions_max == 0 || options->instructions_max > INT64_MAX ||
        options->deadline_ns <= 0 || options->deadline_ns > DEADLINE_MAX_NS)
        return TG_FAIL(error, RANGE,
                       "instructions and deadline of a script must be above zero, and the "
                       "deadline at most an hour");
    if (options->source_count > LUA_SOURCES_MAX)
        return TG_FAIL(error, RANGE, "%zu scripts are too many (at most %u)", options->source_count,
                       LUA_SOURCES_MAX);
    for (size_t i = 0; i < options->source_count; i++)
        if (options->sources[i].length > LUA_SOURCE_BYTES_MAX)
            return TG_FAIL(error, RANGE, "%s is too long: %zu bytes (at most %zu)",
                           options->sources[i].name, options->sources[i].length,
                           LUA_SOURCE_BYTES_MAX);
    return TG_E_OK;
}

int lua_vm_create(const struct lua_vm_options *options, struct lua_vm **result,
                  struct tg_error *error)
{
    *result = NULL;
    int code = check_options(options, error);
    if (code)
        return code;
    struct lua_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return TG_FAIL(error, NO_MEMORY, "out of memory for a Lua machine");
    vm->memory.bytes_max = options->memory_max_bytes;
    vm->memory.block_bytes_max = options->memory_max_bytes / LUA__CHUNK_PART;
    vm->memory.call_bytes_max = options->memory_max_bytes * LUA__CALL_PART;
    vm->clock = options->clock;
    vm->instructions_max = options->instructions_max;
    vm->deadline_ns = options->deadline_ns;
    vm->deadline_factor = 100; /* building is not in a hurry */
    vm->hook_count = options->instructions_max < LUA__HOOK_COUNT ? (int)options->instructions_max
                                                                 : LUA__HOOK_COUNT;
    vm->sources = options->sources;
    vm->source_count = options->source_count;
    vm->state = lua_newstate(lua__allocate, vm);
    if (!vm->state) {
        free(vm);
        return TG_FAIL(error, NO_MEMORY, "out of memory for a Lua machine");
    }
    *(struct lua_vm **)lua_getextraspace(vm->state) = vm;
    lua_atpanic(vm->state, on_panic);
    lua_gc(vm->state, LUA_GCSTOP);
    /* The options outlive the call and are only read. */
    void *argument = NULL;
    memcpy(&argument, &(const void *){options}, sizeof argument);
    if (lua__protect(vm, build, argument, error) != LUA_OUTCOME_OK) {
        lua_vm_destroy(vm);
        return TG_PASS(error, TG_E_FAILED);
    }
    vm->deadline_factor = 1;
    *result = vm;
    return TG_E_OK;
}

void lua_vm_destroy(struct lua_vm *vm)
{
    if (!vm)
        return;
    lua_close(vm->state);
    TG_BUG_IF(vm->memory.bytes != 0);
    for (size_t i = 0; i < vm->binding_count; i++) {
        free(vm->bindings[i].slots);
        free(vm->bindings[i].shown);
    }
    free(vm);
}

void lua_vm_stretch_deadline(struct lua_vm *vm, int64_t factor)
{
    TG_BUG_IF(factor < 1 || factor > 1000);
    vm->deadline_factor = factor;
}

void lua_vm_memory(const struct lua_vm *vm, size_t *bytes, size_t *high_bytes)
{
    *bytes = vm->memory.bytes;
    *high_bytes = vm->memory.bytes_high;
}
