/*
 * Checking a folder without using it: every file in a machine of its own, so that one that fails
 * says nothing about the others. A file that is no policy is a library: it must load and return a
 * table. A policy that is missing is reported as a file that fails.
 */
#include "policy_int.h"

#include "base/text.h"
#include "digest/digest.h"

#include <stdio.h>
#include <string.h>

static int which_policy(const char *file)
{
    for (int which = 0; which < POLICY__COUNT; which++) {
        size_t length = strlen(policy__kinds[which].name);
        if (strncmp(file, policy__kinds[which].name, length) == 0 &&
            strcmp(file + length, ".lua") == 0)
            return which;
    }
    return -1;
}

/* "folder/file:line: sentence" */
static void note_failure(struct policy_file_report *report, const char *folder,
                         const char *sentence)
{
    char copy[sizeof report->failure];
    tg_text_copy(copy, sizeof copy, sentence);
    snprintf(report->failure, sizeof report->failure, "%.200s/%.300s", folder, copy);
}

static int check_file(const struct policy_options *options, const struct policy__folder *folder,
                      size_t index, struct policy_file_report *report)
{
    const struct lua_source *source = &folder->sources[index];
    struct policy__bounds bounds = policy__bounds_of(options);
    struct tg_error error = {0};
    struct lua_vm *vm = NULL;
    tg_text_copy(report->name, sizeof report->name, source->name);
    int code = digest_bytes(source->text, source->length, report->version);
    if (code)
        (void)TG_FAIL(&error, FAILED, "%s: its version cannot be computed", source->name);
    else
        code = policy__open_vm(options, folder, &vm, &error);
    if (!code) {
        int which = which_policy(source->name);
        struct lua_module *module;
        struct lua_binding *binding;
        lua_vm_stretch_deadline(vm, POLICY__LOAD_STRETCH);
        if (which >= 0)
            code = policy__load(vm, (enum policy__which)which, &bounds, &binding, report, &error);
        else if (lua_vm_load(vm, source->name, &module, &error) != LUA_OUTCOME_OK)
            code = TG_E_FAILED;
    }
    /* A failed test has left its sentence in the report. */
    if (code)
        note_failure(report, options->folder, report->failure[0] ? report->failure : error.message);
    lua_vm_destroy(vm);
    return code;
}

static bool has_policy(const struct policy__folder *folder, int which)
{
    for (size_t i = 0; i < folder->count; i++)
        if (which_policy(folder->names[i]) == which)
            return true;
    return false;
}

int policy_check(const struct policy_options *options, struct policy_file_report *reports,
                 size_t capacity, size_t *count, struct tg_error *error)
{
    struct policy__folder folder;
    *count = 0;
    int code = policy__folder_read(options->folder, &folder, error);
    if (code)
        return TG_PASS(error, code);
    size_t failed = 0;
    for (size_t i = 0; i < folder.count && *count < capacity; i++) {
        struct policy_file_report *report = &reports[(*count)++];
        memset(report, 0, sizeof *report);
        failed += check_file(options, &folder, i, report) != 0;
    }
    for (int which = 0; which < POLICY__COUNT && *count < capacity; which++) {
        if (has_policy(&folder, which))
            continue;
        struct policy_file_report *report = &reports[(*count)++];
        memset(report, 0, sizeof *report);
        snprintf(report->name, sizeof report->name, "%s.lua", policy__kinds[which].name);
        snprintf(report->failure, sizeof report->failure, "%.200s/%s: is missing", options->folder,
                 report->name);
        failed++;
    }
    policy__folder_free(&folder);
    if (failed)
        return TG_FAIL(error, FAILED, "%s: %zu of %zu policies are not fine", options->folder,
                       failed, *count);
    return TG_E_OK;
}
