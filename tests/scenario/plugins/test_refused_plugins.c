/*
 * Plugin files that do not fit, in the real program: each is refused with its sentence, an agent
 * whose file was refused is left out with its tasks, and the rest runs as if it were not there.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration that adds plugin folders to the demo's, and whatever else. */
static const char *configuration(const char *folders, const char *more)
{
    const char *path = scratch("refused.yaml");
    write_file(path, "include: [%s]\nplugins:\n  folders: [%s]\npolicy:\n  folder: %s\n%s",
               project("config/demo.yaml"), folders, project("scripts"), more);
    assert_int_equal(chmod(path, 0644), 0);
    return path;
}

static const struct json_value *item_with(const struct json_value *list, const char *key,
                                          const char *text)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (strcmp(text_at(json_item(list, i), key), text) == 0)
            return json_item(list, i);
    return NULL;
}

static void assert_reason(const struct json_value *result, const char *name, const char *sentence)
{
    const char *path = built(text_of("zoo/%s/%s.so", name, name));
    const struct json_value *refused = item_with(at(result, "plugins_refused"), "path", path);
    if (refused == NULL)
        fail_msg("%s was not refused", path);
    assert_string_equal(text_at(refused, "reason"), text_of("%s: %s", path, sentence));
}

static void a_folder_of_refused_files_changes_nothing(void **state)
{
    static const struct {
        const char *name, *sentence;
    } zoo[] = {
        {"not_elf", "is no shared object"},
        {"empty", "is empty"},
        {"truncated", "is cut off or damaged"},
        {"missing_symbol", "has no symbol triplegain_plugin_1, so it is no plugin"},
        {"other_major", "is made for plugin interface 2; this program has 1"},
        {"wrong_fingerprint",
         "was compiled with another triplegain.h; compile it again with this program's"},
        {"missing_run", "has no function run"},
        {"unknown_topic", "publishes ta_signal, which is no topic (is it ta_signals?); own topics "
                          "are x.unknown_topic.<name>"},
        {"undefined_symbol", "cannot be loaded: undefined symbol: nowhere_to_be_found"},
        {"crashes_on_load", "crashes while it is loaded (Aborted)"},
        {"exits_on_load", "ends the process while it is loaded"},
    };
    const size_t count = sizeof(zoo) / sizeof(zoo[0]);
    char folders[PATH_SIZE * 4] = "";
    (void)state;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(folders);
        (void)snprintf(folders + length, sizeof(folders) - length, "%s%s", i > 0 ? ", " : "",
                       built(text_of("zoo/%s", zoo[i].name)));
    }
    struct json_value *plain = replay((const char *[]){NULL});
    struct json_value *result =
        replay((const char *[]){"--config", configuration(folders, ""), NULL});
    assert_int_equal(json_count(at(result, "plugins_refused")), count);
    for (size_t i = 0; i < count; i++)
        assert_reason(result, zoo[i].name, zoo[i].sentence);
    assert_true(whole_at(result, "decisions") > 0);
    assert_int_equal(whole_at(result, "decisions"), whole_at(plain, "decisions"));
    assert_string_equal(text_at(result, "final_equity"), text_at(plain, "final_equity"));
    assert_money_adds_up(result);
    json_free(result);
    json_free(plain);
}

#define AGENT_AND_TASK                                                                             \
    "agents:\n"                                                                                    \
    "  odd:\n"                                                                                     \
    "    plugin: %s\n"                                                                             \
    "tasks:\n"                                                                                     \
    "  odd_task:\n"                                                                                \
    "    agent: odd\n"                                                                             \
    "    interval_seconds: 3600\n"

static void an_agent_whose_file_was_refused_is_left_out(void **state)
{
    (void)state;
    struct run run;
    const char *path =
        configuration(built("zoo/missing_run"), text_of(AGENT_AND_TASK, "missing_run"));
    run_program(&run, "replay", "--json", "--config", path, NULL);
    assert_done(&run);
    assert_holds(run.err, text_of("agent odd is left out, with its tasks: its plugin was refused: "
                                  "%s: has no function run",
                                  built("zoo/missing_run/missing_run.so")));
    struct json_value *result = result_of(&run);
    const struct json_value *task = item_with(at(result, "tasks"), "task", "odd_task");
    assert_non_null(task);
    assert_false(json_flag(at(task, "enabled")));
    assert_int_equal(whole_at(task, "runs"), 0);
    assert_null(item_with(at(result, "agents"), "name", "odd"));
    assert_true(whole_at(result, "decisions") > 0);
    json_free(result);
    run_free(&run);
}

/* A name that no file has is a mistake in the configuration, and so is a core lane not granted. */
static void other_mistakes_stop_the_start(void **state)
{
    (void)state;
    struct run run;
    const char *path =
        configuration(built("zoo/missing_run"), text_of(AGENT_AND_TASK, "mising_run"));
    run_program(&run, "replay", "--config", path, NULL);
    assert_int_equal(run.status, 1);
    assert_holds(run.err, "agents.odd: there is no plugin mising_run in any plugin folder");
    run_free(&run);
    path = configuration(built("zoo/echo"),
                         text_of("agents:\n  odd:\n    plugin: echo\n    lane: core\n"));
    run_program(&run, "replay", "--config", path, NULL);
    assert_refused(&run, 1,
                   "agents.odd: plugin echo must run on the core thread, but is not named "
                   "under plugins.core_safe",
                   NULL);
    run_free(&run);
    path = configuration(built("zoo/echo"), "agents:\n  trade:\n    plugin: echo\n");
    run_program(&run, "replay", "--config", path, NULL);
    assert_refused(&run, 1, "agents.trade: the name is taken by the host itself", NULL);
    run_free(&run);
}

static void a_folder_that_others_may_write_stops_the_start(void **state)
{
    (void)state;
    struct run run;
    const char *folder = scratch("open");
    (void)mkdir(folder, 0755);
    assert_int_equal(chmod(folder, 0777), 0);
    run_program(&run, "replay", "--config", configuration(folder, ""), NULL);
    assert_refused(&run, 1, "refused.yaml:3:", "plugins.folders: ",
                   text_of("%s: others may write it; chmod go-w %s", folder, folder), NULL);
    run_free(&run);
    assert_int_equal(chmod(folder, 0755), 0);
    run_program(&run, "replay", "--config", configuration(scratch("nowhere"), ""), NULL);
    assert_refused(&run, 1, "plugins.folders: ", "the folder cannot be read", NULL);
    run_free(&run);
}

/* A run that hangs costs its own task and no other. */
static void a_run_that_hangs_is_left_alone(void **state)
{
    (void)state;
    struct run run;
    int gate[2];
    assert_int_equal(pipe(gate), 0); /* the program inherits it, and nobody ever writes to it */
    const char *path = configuration(built("zoo/gated"), text_of("agents:\n"
                                                                 "  gated:\n"
                                                                 "    config:\n"
                                                                 "      gate: %d\n"
                                                                 "tasks:\n"
                                                                 "  wait:\n"
                                                                 "    agent: gated\n"
                                                                 "    interval_seconds: 86400\n"
                                                                 "    timeout_seconds: 1\n"
                                                                 "    symbols_at_once: 2\n",
                                                                 gate[0]));
    run_program(&run, "replay", "--json", "--config", path, "--set", "feeds.BTC/USDT.config.days=3",
                "--set", "feeds.XRP/USDT.config.days=3", NULL);
    assert_done(&run);
    assert_holds(run.err, "gated did not come back within 1000 ms and was left alone");
    struct json_value *result = result_of(&run);
    const struct json_value *wait = item_with(at(result, "tasks"), "task", "wait");
    const struct json_value *other = item_with(at(result, "tasks"), "task", "trading_decision");
    assert_int_equal(whole_at(wait, "timed_out"), 1);
    assert_int_equal(whole_at(wait, "runs"), whole_at(wait, "failed") + 1);
    assert_int_equal(whole_at(other, "runs"), whole_at(other, "succeeded"));
    assert_true(whole_at(other, "runs") >= 70);
    assert_true(run.seconds < 30.0);
    json_free(result);
    run_free(&run);
    assert_int_equal(close(gate[0]) + close(gate[1]), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_folder_of_refused_files_changes_nothing),
    cmocka_unit_test(an_agent_whose_file_was_refused_is_left_out),
    cmocka_unit_test(other_mistakes_stop_the_start),
    cmocka_unit_test(a_folder_that_others_may_write_stops_the_start),
    cmocka_unit_test(a_run_that_hangs_is_left_alone),
};
SCENARIO_MAIN("refused_plugins")
