/*
 * The example of docs/PLUGINS.md, taken from the document as it stands: its C, its YAML and its
 * commands. It is compiled with the public header and nothing else, scheduled, publishes, and shows
 * up in the result. Only the folder, the compiler and the program are the test's own.
 */
#include "harness.h"

#include "base/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The document's n-th block of a language, counted from 0; free() it. */
static char *block_of(const char *language, int number)
{
    size_t length;
    char *document = read_file(project("docs/PLUGINS.md"), &length);
    const char *fence = text_of("\n```%s\n", language);
    const char *at = document;
    for (int i = 0; i <= number; i++) {
        at = strstr(at, fence);
        assert_non_null(at);
        at += strlen(fence);
    }
    const char *end = strstr(at, "\n```\n");
    assert_non_null(end);
    char *block = strndup(at, (size_t)(end - at) + 1);
    assert_non_null(block);
    free(document);
    return block;
}

/* All of `from` become `to`; frees the text it is given. */
static char *replace(char *text, const char *from, const char *to)
{
    struct tg_buffer result;
    const char *rest = text;
    assert_holds(text, from); /* else the document says something else than this test thinks */
    tg_buffer_init(&result, 0);
    for (const char *at; (at = strstr(rest, from)) != NULL; rest = at + strlen(from)) {
        tg_buffer_add(&result, rest, (size_t)(at - rest));
        tg_buffer_text(&result, to);
    }
    tg_buffer_text(&result, rest);
    assert_false(result.failed);
    free(text);
    text = strdup(result.data);
    assert_non_null(text);
    tg_buffer_fini(&result);
    return text;
}

static void link_folder(const char *name)
{
    if (symlink(project(name), scratch(name)) != 0)
        assert_int_equal(errno, EEXIST); /* of the test before */
}

static void write_example(void)
{
    char *source = block_of("c", 0);
    char *configuration = block_of("yaml", 0);
    (void)mkdir(scratch("my"), 0755);
    link_folder("config");
    link_folder("scripts");
    write_file(scratch("my/dip_buyer.c"), "%s", source);
    write_file(scratch("my/my.yaml"), "%s", configuration);
    free(source);
    free(configuration);
}

static int run_commands(void)
{
    char *commands = block_of("sh", 0);
    commands = replace(commands, "my/", text_of("%s/", scratch("my")));
    commands = replace(commands, "build/release/triplegain", built("triplegain"));
    commands = replace(commands, "\ncc ", "\n" SCENARIO_COMPILER " -Werror ");
    /* they are a shell's, as the document has them */
    int status = system(text_of("set -e; cd '%s'\n%s", project(""), commands)); // NOLINT
    free(commands);
    return status;
}

static const struct json_value *item_with(const struct json_value *list, const char *key,
                                          const char *text)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (strcmp(text_at(json_item(list, i), key), text) == 0)
            return json_item(list, i);
    fail_msg("no %s %s", key, text);
    return NULL;
}

static void the_example_of_the_document_runs(void **state)
{
    (void)state;
    size_t length;
    struct tg_error error = {0};
    struct json_value *result = NULL;
    write_example();
    assert_int_equal(run_commands(), 0);
    char *text = read_file(scratch("my/result.json"), &length);
    assert_int_equal(json_parse(text, length, &result, &error), 0);
    const struct json_value *task = item_with(at(result, "tasks"), "task", "dip_buying");
    const struct json_value *agent = item_with(at(result, "agents"), "name", "dip_buyer");
    assert_string_equal(text_at(agent, "plugin"), "dip_buyer");
    assert_string_equal(text_at(agent, "version"), "1.0.0");
    assert_string_equal(text_at(task, "agent"), "dip_buyer");
    assert_true(whole_at(task, "runs") > 1000);
    assert_int_equal(whole_at(task, "runs"), whole_at(task, "succeeded"));
    assert_true(whole_at(agent, "calls") >= 2 * whole_at(task, "runs") - 2); /* two symbols */
    assert_true(whole_at(agent, "published") > 0);
    assert_int_equal(whole_at(agent, "refused") + whole_at(agent, "failed"), 0);
    assert_true(whole_at(result, "decisions") > whole_at(agent, "published"));
    assert_true(whole_at(result, "outcomes.executed") > 0);
    assert_int_equal(json_count(at(result, "plugins_refused")), 0);
    assert_money_adds_up(result);
    json_free(result);
    free(text);
}

/* What the document says of a setting that is out of range. */
static void its_settings_are_refused_with_their_place(void **state)
{
    (void)state;
    struct run run;
    size_t length;
    write_example();
    assert_int_equal(run_commands(), 0);
    char *configuration = read_file(scratch("my/my.yaml"), &length);
    configuration = replace(configuration, "rsi_max: 32", "rsi_max: 99");
    write_file(scratch("my/my.yaml"), "%s", configuration);
    run_program(&run, "replay", "--config", scratch("my/my.yaml"), NULL);
    assert_refused(&run, 1,
                   scratch("my/my.yaml:10:16: agents.dip_buyer: rsi_max: 99 is out of range"),
                   "(1 to 50)", NULL);
    run_free(&run);
    free(configuration);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_example_of_the_document_runs),
    cmocka_unit_test(its_settings_are_refused_with_their_place),
};
SCENARIO_MAIN("own_agent")
