/*
 * A generation: all files of the folder as they were at one moment, in one machine, with the five
 * functions that judge. It is complete before anybody sees it; nothing of it changes afterwards.
 *
 *   read all files -> digest -> one machine -> per policy: load, contract, self-tests
 *
 * Self-tests take the same way as real cases: struct, door, script, struct, the checks of C. They
 * run forwards and then backwards; a file whose verdicts depend on what was asked before fails
 * them.
 */
#include "policy_int.h"

#include "base/text.h"
#include "digest/digest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_DEFAULT_BYTES ((size_t)8 << 20)
#define INSTRUCTIONS_DEFAULT 1000000u
#define DEADLINE_DEFAULT_NS  (10 * TG_NS_PER_MS)
#define PARAMETERS_MAX       4096u

struct policy__bounds policy__bounds_of(const struct policy_options *options)
{
    struct policy__bounds bounds = {.position_size_max_pct = HUGE_VAL};
    for (size_t i = 0; i < options->parameter_count; i++)
        if (strcmp(options->parameters[i].path, "risk.limits.position_size_max_pct") == 0)
            bounds.position_size_max_pct = options->parameters[i].number;
    return bounds;
}

int policy__open_vm(const struct policy_options *options, const struct policy__folder *folder,
                    struct lua_vm **vm, struct tg_error *error)
{
    if (options->parameter_count > PARAMETERS_MAX)
        return TG_FAIL(error, FULL, "policies take at most %u parameters", PARAMETERS_MAX);
    struct lua_parameter *parameters = calloc(options->parameter_count + 1, sizeof *parameters);
    if (!parameters)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the parameters of the policies");
    for (size_t i = 0; i < options->parameter_count; i++) {
        const struct policy_parameter *given = &options->parameters[i];
        parameters[i].path = given->path;
        parameters[i].number = given->number;
        parameters[i].text = given->text;
        parameters[i].kind = given->type == POLICY_TEXT   ? LUA_PARAMETER_TEXT
                             : given->type == POLICY_FLAG ? LUA_PARAMETER_FLAG
                                                          : LUA_PARAMETER_NUMBER;
    }
    struct lua_vm_options vm_options = {
        .memory_max_bytes =
            options->memory_max_bytes ? options->memory_max_bytes : MEMORY_DEFAULT_BYTES,
        .instructions_max =
            options->instructions_max ? options->instructions_max : INSTRUCTIONS_DEFAULT,
        .deadline_ns = options->deadline_ns ? options->deadline_ns : DEADLINE_DEFAULT_NS,
        .clock = options->clock,
        .sources = folder->sources,
        .source_count = folder->count,
        .parameters = parameters,
        .parameter_count = options->parameter_count,
    };
    int code = lua_vm_create(&vm_options, vm, error);
    free(parameters);
    return code;
}

/* ---- self-tests ---- */

/* Takes test `index` through the door; `refuses` says on which side its verdict fell. */
static int run_test(struct lua_module *module, struct lua_binding *binding,
                    const struct policy__kind *kind, const struct policy__bounds *bounds,
                    uint32_t index, bool *refuses, struct tg_error *error)
{
    union policy__case given;
    union policy__verdict verdict;
    char name[LUA_TEST_NAME_SIZE];
    memset(&given, 0, sizeof given);
    kind->preset(&given);
    if (lua_module_test_case(module, index, kind->input, &given, name, error) != LUA_OUTCOME_OK)
        return TG_E_FAILED;
    if (lua_binding_call(binding, &given, &verdict, error) != LUA_OUTCOME_OK) {
        tg_error_prefix(error, "%s.lua: self-test '%s': ", kind->name, name);
        return TG_E_FAILED;
    }
    if (kind->hold(&given, &verdict, bounds, error) != POLICY__FINE) {
        tg_error_prefix(error, "%s.lua: self-test '%s': ", kind->name, name);
        return TG_E_FAILED;
    }
    *refuses = kind->refuses(&verdict);
    if (lua_module_test_expect(module, index, kind->output, &verdict, error) != LUA_OUTCOME_OK)
        return TG_E_FAILED;
    return TG_E_OK;
}

/* Notes a failure in the report; true where the caller goes on. */
static bool note_failure(struct policy_file_report *report, const struct tg_error *error)
{
    if (!report)
        return false;
    report->tests_failed++;
    if (report->failure[0] == '\0')
        snprintf(report->failure, sizeof report->failure, "%s", error->message);
    return true;
}

static int run_tests(struct lua_module *module, struct lua_binding *binding,
                     const struct policy__kind *kind, const struct policy__bounds *bounds,
                     struct policy_file_report *report, struct tg_error *error)
{
    uint32_t count;
    if (lua_module_collect(module, "selftest", &count, error) != LUA_OUTCOME_OK)
        return TG_E_FAILED;
    uint32_t passing = 0, refusing = 0;
    for (uint32_t i = 0; i < 2 * count; i++) {
        bool forwards = i < count, refuses = false;
        uint32_t index = forwards ? i : 2 * count - 1 - i;
        int code = run_test(module, binding, kind, bounds, index, &refuses, error);
        if (code) {
            /* Backwards, a test that failed before is not counted again. */
            if (!forwards && report && report->tests_failed)
                continue;
            if (!forwards)
                tg_error_prefix(error,
                                "%s.lua: a verdict depends on what was asked before: ", kind->name);
            if (!note_failure(report, error))
                return code;
        } else if (forwards) {
            passing += !refuses;
            refusing += refuses;
            if (report)
                report->tests_passed++;
        }
    }
    if (report && report->tests_failed)
        return TG_E_FAILED;
    if (passing == 0 || refusing == 0)
        return TG_FAIL(error, INVALID,
                       "%s.lua: its self-tests need at least one case that passes and one that is "
                       "refused (%u pass, %u are refused)",
                       kind->name, passing, refusing);
    return TG_E_OK;
}

int policy__load(struct lua_vm *vm, enum policy__which which, const struct policy__bounds *bounds,
                 struct lua_binding **binding, struct policy_file_report *report,
                 struct tg_error *error)
{
    const struct policy__kind *kind = &policy__kinds[which];
    char file[POLICY__NAME_SIZE], name[POLICY__NAME_SIZE], version[POLICY__NAME_SIZE];
    snprintf(file, sizeof file, "%s.lua", kind->name);
    struct lua_module *module;
    if (lua_vm_load(vm, file, &module, error) != LUA_OUTCOME_OK)
        return TG_E_FAILED;
    int code = lua_module_text(module, "name", name, sizeof name, error);
    if (!code)
        code = lua_module_text(module, "version", version, sizeof version, error);
    if (code)
        return code;
    if (strcmp(name, kind->name) != 0)
        return TG_FAIL(error, INVALID, "%s: its name is '%s'; it must be '%s'", file, name,
                       kind->name);
    code = lua_module_bind(module, "judge", kind->input, kind->output, binding, error);
    return code ? code : run_tests(module, *binding, kind, bounds, report, error);
}

/* ---- the generation ---- */

static int digest_folder(const struct policy__folder *folder, char version[DIGEST_TEXT_SIZE],
                         struct tg_error *error)
{
    struct digest_part parts[2 * LUA_SOURCES_MAX];
    for (size_t i = 0; i < folder->count; i++) {
        const struct lua_source *source = &folder->sources[i];
        parts[2 * i] = (struct digest_part){source->name, strlen(source->name)};
        parts[2 * i + 1] = (struct digest_part){source->text, source->length};
    }
    if (digest_parts(parts, 2 * folder->count, version))
        return TG_FAIL(error, FAILED, "the version of the policies cannot be computed");
    return TG_E_OK;
}

static int load_all(struct policy__generation *generation, const char *folder,
                    struct tg_error *error)
{
    lua_vm_stretch_deadline(generation->vm, POLICY__LOAD_STRETCH);
    for (int which = 0; which < POLICY__COUNT; which++) {
        int code = policy__load(generation->vm, (enum policy__which)which, &generation->bounds,
                                &generation->bindings[which], NULL, error);
        if (code) {
            tg_error_prefix(error, "%s/", folder);
            return TG_PASS(error, code);
        }
    }
    lua_vm_stretch_deadline(generation->vm, 1);
    return TG_E_OK;
}

int policy__generation_create(const struct policy_options *options,
                              struct policy__generation **result, struct tg_error *error)
{
    *result = NULL;
    struct policy__generation *generation = calloc(1, sizeof *generation);
    if (!generation)
        return TG_FAIL(error, NO_MEMORY, "out of memory for the policies");
    generation->uses = 1;
    generation->bounds = policy__bounds_of(options);
    int code = policy__folder_read(options->folder, &generation->folder, error);
    if (!code)
        code = digest_folder(&generation->folder, generation->version, error);
    if (!code)
        code = policy__open_vm(options, &generation->folder, &generation->vm, error);
    if (!code)
        code = load_all(generation, options->folder, error);
    if (code) {
        policy__generation_release(generation);
        return TG_PASS(error, code);
    }
    *result = generation;
    return TG_E_OK;
}

void policy__generation_retain(struct policy__generation *generation)
{
    generation->uses++;
}

void policy__generation_release(struct policy__generation *generation)
{
    if (!generation || --generation->uses > 0)
        return;
    lua_vm_destroy(generation->vm);
    policy__folder_free(&generation->folder);
    free(generation);
}

enum lua_outcome policy__generation_ask(struct policy__generation *generation,
                                        enum policy__which which, const void *given, void *verdict,
                                        enum policy__held *held, struct tg_error *error)
{
    const struct policy__kind *kind = &policy__kinds[which];
    *held = POLICY__FINE;
    enum lua_outcome outcome = lua_binding_call(generation->bindings[which], given, verdict, error);
    if (outcome != LUA_OUTCOME_OK)
        return outcome;
    *held = kind->hold(given, verdict, &generation->bounds, error);
    if (*held != POLICY__BAD_RESULT)
        return LUA_OUTCOME_OK;
    memset(verdict, 0, kind->output->size);
    tg_error_prefix(error, "%s.lua: ", kind->name);
    return LUA_OUTCOME_BAD_RESULT;
}
