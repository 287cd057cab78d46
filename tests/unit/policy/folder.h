/* A folder with the shipped policies, for tests that change or break some of them. */
#ifndef TEST_POLICY_FOLDER_H
#define TEST_POLICY_FOLDER_H

#include "support.h"

#include <unistd.h>

static char folder[64];

static inline void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
    assert_int_equal(chmod(path, 0644), 0);
}

static inline void copy_shipped(const char *name)
{
    static char text[65536];
    char path[64];
    snprintf(path, sizeof path, "scripts/%s", name);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    size_t length = fread(text, 1, sizeof text - 1, stream);
    text[length] = '\0';
    fclose(stream);
    write_file(name, text);
}

static const char *const names[] = {"conflict.lua",  "consensus.lua", "correlation.lua",
                                    "emergency.lua", "risk.lua",      "sizing.lua"};

static inline int make_folder(void **state)
{
    (void)state;
    tg_text_copy(folder, sizeof folder, "/tmp/test_policy_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        copy_shipped(names[i]);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* A risk policy with the given judge; its tests pass by cases with a certain confidence. */
static inline void write_risk(const char *judge)
{
    char text[4096];
    snprintf(text, sizeof text,
             "local function judge(case, config)\n"
             "  if case.confidence == 1 then\n"
             "    return { status = 'approved', size_usd = case.size_usd, leverage = 1 }\n"
             "  elseif case.confidence == 0 then\n"
             "    return { status = 'rejected', code = 'NO' }\n"
             "  end\n"
             "%s\n"
             "end\n"
             "return { name = 'risk', version = '1', judge = judge, selftest = function(test)\n"
             "  test('yes', { confidence = 1, size_usd = 1 }, { status = 'approved' })\n"
             "  test('no', { confidence = 0 }, { status = 'rejected', code = 'NO' })\n"
             "end }\n",
             judge);
    write_file("risk.lua", text);
}

#endif
