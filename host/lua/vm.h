/*
 * One Lua virtual machine in a box: a capped allocator, an instruction budget, a deadline, an
 * environment of allowed names, and one door for every call. C structs cross the door by field
 * lists, so that no other room touches a Lua value.
 *
 * A machine belongs to one thread. Nothing a script does reaches the caller but an outcome, a
 * sentence, and a result that was read field by field.
 */
#ifndef TG_LUA_VM_H
#define TG_LUA_VM_H

#include "base/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LUA_SOURCES_MAX      64u
#define LUA_SOURCE_BYTES_MAX ((size_t)1 << 20)
#define LUA_TESTS_MAX        1000u /* of one file */
#define LUA_TEST_NAME_SIZE   96u

/* ---- outcomes ---- */

#define LUA_OUTCOME_LIST(X)                                                                        \
    X(OK, "ok")                                                                                    \
    X(BUDGET, "budget")         /* too many instructions */                                        \
    X(DEADLINE, "deadline")     /* too much time */                                                \
    X(NO_MEMORY, "no_memory")   /* too much memory */                                              \
    X(RUNTIME, "runtime")       /* an error, of syntax too */                                      \
    X(BAD_RESULT, "bad_result") /* not the result that was asked for */
enum lua_outcome {
#define LUA_OUTCOME_ENUM(NAME, text) LUA_OUTCOME_##NAME,
    LUA_OUTCOME_LIST(LUA_OUTCOME_ENUM)
#undef LUA_OUTCOME_ENUM
        LUA_OUTCOME_COUNT
};
const char *lua_outcome_text(enum lua_outcome outcome);

/* ---- structs as field lists ---- */

enum lua_field_kind {
    LUA_FIELD_REAL,    /* double; finite */
    LUA_FIELD_WHOLE,   /* int64_t */
    LUA_FIELD_COUNT,   /* uint32_t */
    LUA_FIELD_FLAG,    /* bool */
    LUA_FIELD_TEXT,    /* char[size] */
    LUA_FIELD_WORD,    /* uint8_t, one of `words`; text in Lua */
    LUA_FIELD_WORDS,   /* uint8_t[size] and a count: a list of words */
    LUA_FIELD_RECORDS, /* array of `size` structs and a count: a list of tables */
};
#define LUA_REQUIRED   1u /* of a result: must be there */
#define LUA_NOT_FINITE 2u /* of a case: NaN and infinities reach the script, which refuses them */
#define LUA_SHORTEN    4u /* of a result: a longer text is cut, not refused */

struct lua_record;
struct lua_field {
    const char *name;
    enum lua_field_kind kind;
    uint32_t flags;
    size_t offset;
    size_t size;            /* see the kinds */
    size_t presence_offset; /* of a bool: without it the field is nil; 0: always there */
    size_t count_offset;    /* of the uint32_t count of WORDS and RECORDS */
    const char *const *words;
    size_t word_count;
    const struct lua_record *record; /* of RECORDS; holds no lists itself */
};
struct lua_record {
    const char *name; /* "case", "verdict": for sentences */
    const struct lua_field *fields;
    size_t field_count;
    size_t size; /* of the struct */
};

/* ---- the machine ---- */

struct lua_source {
    const char *name; /* "risk.lua" */
    const char *text;
    size_t length;
};
/* A number, text or flag of the read-only `config`, by its dotted path. Files may read `config`
 * while they load, and functions get it as their second argument. */
struct lua_parameter {
    const char *path;
    enum { LUA_PARAMETER_NUMBER, LUA_PARAMETER_TEXT, LUA_PARAMETER_FLAG } kind;
    double number; /* 0 or 1 of a flag */
    const char *text;
};
struct lua_vm_options {
    size_t memory_max_bytes;   /* at least 256 KiB */
    uint64_t instructions_max; /* per call */
    int64_t deadline_ns;       /* wall clock per call */
    struct tg_clock clock;
    const struct lua_source *sources; /* borrowed as long as the machine lives */
    size_t source_count;
    const struct lua_parameter *parameters; /* copied */
    size_t parameter_count;
};
struct lua_vm;
int lua_vm_create(const struct lua_vm_options *options, struct lua_vm **vm, struct tg_error *error);
void lua_vm_destroy(struct lua_vm *vm);
/* Allows every later call `factor` times the deadline: loading and self-tests are not in a hurry.
 */
void lua_vm_stretch_deadline(struct lua_vm *vm, int64_t factor);
/* Bytes in use now, and the most there ever were. */
void lua_vm_memory(const struct lua_vm *vm, size_t *bytes, size_t *high_bytes);

/* ---- files ---- */

struct lua_module; /* owned by the machine */
/* Runs a source; it must return a table. */
enum lua_outcome lua_vm_load(struct lua_vm *vm, const char *source_name, struct lua_module **module,
                             struct tg_error *error);
/* A text that the module's table holds under `name`; TG_E_INVALID where there is none. */
int lua_module_text(struct lua_module *module, const char *name, char *text, size_t size,
                    struct tg_error *error);

/* ---- calls ---- */

struct lua_binding; /* owned by the machine */
/* Ties the module's function(case, config) to two records; both are borrowed. */
int lua_module_bind(struct lua_module *module, const char *function_name,
                    const struct lua_record *input, const struct lua_record *output,
                    struct lua_binding **binding, struct tg_error *error);
/*
 * The door. Shows the script `input`, calls it, reads its result into `output`. Other than
 * LUA_OUTCOME_OK: `output` is all zero and `error` has the sentence. The Lua stack is as before.
 */
enum lua_outcome lua_binding_call(struct lua_binding *binding, const void *input, void *output,
                                  struct tg_error *error);

/* ---- self-tests ---- */

/*
 * Calls the module's function(test, config), which calls test(name, case, expect) for each of its
 * cases. Nothing is judged yet.
 */
enum lua_outcome lua_module_collect(struct lua_module *module, const char *function_name,
                                    uint32_t *count, struct tg_error *error);
/* The case of test `index` over what `input` holds already. Fields it does not know are refused. */
enum lua_outcome lua_module_test_case(struct lua_module *module, uint32_t index,
                                      const struct lua_record *record, void *input,
                                      char name[LUA_TEST_NAME_SIZE], struct tg_error *error);
/* Whether `output` has everything that the test expects; numbers within 1e-9 relative. */
enum lua_outcome lua_module_test_expect(struct lua_module *module, uint32_t index,
                                        const struct lua_record *record, const void *output,
                                        struct tg_error *error);

#endif
