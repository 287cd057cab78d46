/*
 * Wrong input in every way a person can give it: one sentence on standard error that says what,
 * where and what is allowed, exit status 1 (2 for wrong usage), nothing on standard output, and
 * nothing half done.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- usage: status 2 ---- */

static void wrong_usage_names_the_nearest_word(void **state)
{
    (void)state;
    static const struct {
        const char *arguments[8];
        const char *words[3];
    } cases[] = {
        {{"repaly"}, {"no command repaly", "is it replay?"}},
        {{"buy"}, {"no command buy", "--help"}},
        {{"policy", "chekc"}, {"no command policy chekc", "is it check?"}},
        {{"help", "explian"}, {"is it explain?"}},
        {{"replay", "--decision", "x"}, {"no option --decision", "is it --decisions?"}},
        {{"replay", "--quickly"}, {"no option --quickly", "--help"}},
        {{"replay", "-v"}, {"two dashes", "-v"}},
        {{"replay", "january.csv"}, {"january.csv", "one argument too many"}},
        {{"replay", "--bars"}, {"--bars needs a value", "SYMBOL=FILE"}},
        {{"replay", "--bars", "january.csv"}, {"january.csv", "SYMBOL=FILE"}},
        {{"replay", "--bars", "BTC/USDT="}, {"SYMBOL=FILE"}},
        {{"replay", "--bars", "=january.csv"}, {"SYMBOL=FILE"}},
        {{"replay", "--bars", "BTC/USDT=a", "--bars", "BTC/USDT=b"}, {"BTC/USDT", "twice"}},
        {{"replay", "--lanes", "65"}, {"--lanes 65", "0 to 64"}},
        {{"replay", "--lanes", "-1"}, {"--lanes -1", "0 to 64"}},
        {{"replay", "--lanes", "many"}, {"--lanes many", "whole number"}},
        {{"replay", "--seed", "1.5"}, {"--seed 1.5", "whole number"}},
        {{"replay", "--json=yes"}, {"--json takes no value"}},
        {{"replay", "--set", "leverage"}, {"--set leverage", "KEY=VALUE"}},
        {{"replay", "--set", "=5"}, {"KEY=VALUE"}},
        {{"replay", "--explain", "first"}, {"--explain first", "`executed`", "id"}},
        {{"replay", "--explain", "executed", "--json"}, {"--explain", "--json"}},
        {{"explain"}, {"needs ID"}},
        {{"explain", "7", "--decisions", "x"}, {"7 is no id", "look like"}},
        {{"explain", "01890a5d-ac96-774b-bcce-b302099a8057"}, {"--decisions FILE"}},
        {{"policy", "eval"}, {"needs risk"}},
        {{"policy", "eval", "sizing", "--input", "x"}, {"sizing", "only risk"}},
        {{"policy", "eval", "risk"}, {"--input FILE"}},
        {{"policy", "check", "--set", "x"}, {"KEY=VALUE"}},
        {{"version", "2"}, {"2 is one argument too many"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run;
        run_arguments(&run, cases[i].arguments);
        assert_refused(&run, 2, cases[i].words[0], cases[i].words[1], cases[i].words[2], NULL);
        run_free(&run);
    }
}

static void without_a_command_the_help_is_an_error(void **state)
{
    (void)state;
    struct run run;
    run_program(&run, NULL);
    assert_int_equal(run.status, 2);
    assert_int_equal(run.out_length, 0);
    assert_holds(run.err, "Usage:");
    run_free(&run);
    run_program(&run, "policy", NULL);
    assert_int_equal(run.status, 2);
    assert_holds(run.err, "policy eval");
    assert_lacks(run.err, "replay");
    run_free(&run);
}

static void help_that_was_asked_for_is_none(void **state)
{
    (void)state;
    static const char *const asked[][4] = {
        {"--help"},           {"help"},          {"help", "replay"},
        {"replay", "--help"}, {"policy", "-h"},  {"help", "policy", "eval"},
        {"explain", "-h"},    {"version", "-h"}, {"policy", "test", "--help"},
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct run run;
        run_arguments(&run, asked[i]);
        assert_done(&run);
        assert_holds(run.out, "Usage: triplegain");
        assert_int_equal(run.err_length, 0);
        for (const char *line = run.out; *line != '\0'; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 0, 90);
        run_free(&run);
    }
}

/* ---- configuration ---- */

/* Replays with a configuration of this text; it is refused. */
static void refused_configuration(const char *text, const char *first, const char *second)
{
    struct run run;
    const char *path = scratch("odd.yaml");
    write_file(path, "%s", text);
    run_program(&run, "replay", "--config", path, NULL);
    assert_refused(&run, 1, first, second, NULL);
    run_free(&run);
}

static void a_configuration_is_refused_with_its_place(void **state)
{
    (void)state;
    struct run run;
    const char *path = scratch("odd.yaml");
    run_program(&run, "replay", "--config", "nowhere.yaml", NULL);
    assert_refused(&run, 1, "nowhere.yaml", "no such file", NULL);
    run_free(&run);
    run_program(&run, "replay", "--config", "config", NULL);
    assert_refused(&run, 1, "config", "folder", NULL);
    run_free(&run);
    refused_configuration("", path, "");
    refused_configuration("- a\n- b\n", path, "");
    refused_configuration("include: [nowhere.yaml]\n", "nowhere.yaml", "no such file");
    refused_configuration("account:\n  starting_balnce: 5\n", text_of("%s:2:3: ", path),
                          "did you mean starting_balance?");
    refused_configuration("account:\n  starting_balance: 0.5\n", text_of("%s:2:21: ", path),
                          "out of range (1 to 1000000000)");
    refused_configuration("account:\n  starting_balance: much\n", text_of("%s:2:21: ", path),
                          "starting_balance");
    refused_configuration("account:\n  starting_balance: .nan\n", text_of("%s:2:21: ", path),
                          "starting_balance");
    refused_configuration("trading_mode: live\n", text_of("%s:1:15: ", path), "paper");
    refused_configuration("account: {currency: USDT\n", path, "");
    refused_configuration("account:\n  currency: USDT\n  currency: EUR\n", text_of("%s:3", path),
                          "currency");
}

static void a_configuration_that_others_may_write_is_refused(void **state)
{
    (void)state;
    struct run run;
    const char *path = scratch("open.yaml");
    write_file(path, "trading_mode: paper\n");
    assert_int_equal(chmod(path, 0666), 0);
    run_program(&run, "replay", "--config", path, NULL);
    assert_refused(&run, 1, path, "chmod go-w", NULL);
    run_free(&run);
}

static void refused_set(const char *set, const char *first, const char *second)
{
    struct run run;
    run_program(&run, "replay", "--set", set, NULL);
    assert_refused(&run, 1, first, second, NULL);
    run_free(&run);
}

static void an_override_is_refused_as_a_line_of_the_file_is(void **state)
{
    (void)state;
    refused_set("risk.limits.leverage_max=126", "risk.limits.leverage_max: 126", "(1 to 125)");
    refused_set("risk.limits.leverage_max=1.5", "risk.limits.leverage_max", "1.5");
    refused_set("risk.limits.leverag_max=2", "unknown key", "did you mean leverage_max?");
    refused_set("replay.progress=loud", "replay.progress", "auto, always, never");
    refused_set("feeds.BTC/USDT.config.days=0", "feeds.BTC/USDT: days: 0", "0.001 to 36500");
    refused_set("feeds.BTC/USDT.config.dayz=1", "feeds.BTC/USDT", "is it days?");
    refused_set("feeds.BTC/USDT.plugin=csw", "feeds.BTC/USDT", "csw");
    refused_set("feeds.DOGE/USDT.plugin=synthetic", "no symbol DOGE/USDT", "BTC/USDT");
    refused_set("venue.plugin=synthetic", "synthetic", "venue");
    refused_set("venue.plugin=exchange", "command line: venue: ", "no plugin exchange");
    refused_set("tasks.ta_analysis.agent=nobody", "tasks.ta_analysis.agent", "nobody");
    refused_set("tasks.ta_analysis.depends_on=trading_decision", "ta_analysis", "");
    refused_set("policy.folder=nowhere", "nowhere", "");
    refused_set("agents.trading_decision.config.quorum=7", "agents.trading_decision: quorum: 7",
                "1 to 6");
}

/* ---- bars ---- */

static void refused_bars(const char *path, const char *word)
{
    struct run run;
    run_program(&run, "replay", "--bars", text_of("BTC/USDT=%s", path), "--decisions",
                scratch("refused.jsonl"), NULL);
    assert_refused(&run, 1, "triplegain: --bars BTC/USDT: ", path, word, NULL);
    assert_false(file_exists(scratch("refused.jsonl")));
    assert_false(file_exists(scratch("refused.jsonl.part")));
    run_free(&run);
}

static void a_file_without_bars_is_refused_and_nothing_is_left(void **state)
{
    (void)state;
    const char *path = scratch("odd.csv");
    refused_bars(scratch("nowhere.csv"), "no such file");
    refused_bars(project("config"), "folder");
    refused_bars("/dev/zero", "not a regular file");
    write_file(path, "%s", "");
    refused_bars(path, "empty");
    write_file(path, "time,open,high,low,close,volume\n");
    refused_bars(path, "no rows");
    write_file(path, "time,open,high,low,close\n2024-01-01 00:00,1,1,1,1\n");
    refused_bars(path, "volume");
    write_file(path, "once upon a time\nthere was a market\n");
    refused_bars(path, "");
    refused_bars(built("triplegain"), "not a text file");
}

static void rows_of_which_none_can_be_used_are_refused(void **state)
{
    (void)state;
    struct run run;
    const char *path = scratch("useless.csv");
    write_file(path, "time,open,high,low,close,volume\n"
                     "2024-01-01 00:00:00,nan,1,1,1,1\n"
                     "2024-01-01 00:01:00,1,inf,1,1,1\n");
    run_program(&run, "replay", "--bars", text_of("BTC/USDT=%s", path), NULL);
    assert_refused(&run, 1, "bar", NULL);
    run_free(&run);
}

static void a_symbol_that_is_not_configured_is_refused(void **state)
{
    (void)state;
    struct run run;
    write_market(scratch("doge.csv"), 10, NULL, 0);
    run_program(&run, "replay", "--bars", text_of("DOGE/USDT=%s", scratch("doge.csv")), NULL);
    assert_refused(&run, 1, "DOGE/USDT", "known are BTC/USDT", NULL);
    run_free(&run);
}

/* ---- decisions ---- */

static void decisions_that_cannot_be_written_are_said_before_anything_runs(void **state)
{
    (void)state;
    struct run run;
    run_program(&run, "replay", "--decisions", "/nowhere/decisions.jsonl", NULL);
    assert_refused(&run, 1, "/nowhere/decisions.jsonl", "cannot be written", NULL);
    run_free(&run);
    run_program(&run, "replay", "--decisions", "config", NULL);
    assert_refused(&run, 1, "config", "cannot be written", NULL);
    run_free(&run);
}

/* The decisions of an earlier run are worth more than nothing. */
static void a_refused_replay_leaves_older_decisions_alone(void **state)
{
    (void)state;
    struct run run;
    size_t length;
    const char *path = scratch("older.jsonl");
    write_file(path, "older\n");
    run_program(&run, "replay", "--decisions", path, "--bars", "BTC/USDT=nowhere.csv", NULL);
    assert_refused(&run, 1, "nowhere.csv", NULL);
    run_free(&run);
    char *text = read_file(path, &length);
    assert_string_equal(text, "older\n");
    free(text);
}

static void a_full_disk_is_said_and_is_a_failure(void **state)
{
    (void)state;
    struct run run;
    if (access("/dev/full", W_OK) != 0) {
        print_message("skipped: there is no /dev/full\n");
        skip();
    }
    run_program(&run, "replay", "--decisions", "/dev/full", NULL);
    assert_int_equal(run.status, 1);
    assert_int_equal(run.out_length, 0);
    assert_holds(run.err, "triplegain: /dev/full: writing failed: No space left on device");
    run_free(&run);
}

/* ---- policies ---- */

static void refused_policy(const char *folder, const char *first, const char *second)
{
    struct run run;
    const char *set = text_of("policy.folder=%s", folder);
    run_program(&run, "replay", "--set", set, NULL);
    assert_refused(&run, 1, first, second, NULL);
    run_free(&run);
    run_program(&run, "policy", "check", "--set", set, NULL);
    assert_int_equal(run.status, 1);
    assert_holds(run.out, "FAILED");
    assert_holds(run.out, second);
    run_free(&run);
}

static void a_policy_that_does_not_hold_is_refused(void **state)
{
    (void)state;
    const char *folder = scratch("policies");
    const char *sizing = scratch("policies/sizing.lua");
    copy_policies(folder);
    write_file(sizing, "local function judge(case, config)\n    return { size_usd = \nend\n");
    refused_policy(folder, "sizing.lua:3: ", "unexpected symbol");
    write_file(sizing, "local function judge() return { size_usd = 5, reason = \"\" } end\n"
                       "local function selftest(test)\n"
                       "    test(\"four\", { symbol = \"A/B\", action = \"BUY\", confidence = 1, "
                       "entry_price = 1,\n        stop_loss = 1, equity = 100 }, "
                       "{ size_usd = 4 })\nend\n"
                       "return { name = \"sizing\", version = \"1\", judge = judge, "
                       "selftest = selftest }\n");
    refused_policy(folder, "sizing.lua", "four");
    write_file(sizing, "return { name = \"sizing\", version = \"1\" }\n");
    refused_policy(folder, "sizing.lua", "judge");
    write_file(sizing, "os.execute(\"true\")\n");
    refused_policy(folder, "sizing.lua:1: ", "os");
    write_file(sizing, "while true do end\n");
    refused_policy(folder, "sizing.lua", "instructions");
    assert_int_equal(unlink(sizing), 0);
    struct run run;
    run_program(&run, "replay", "--set", text_of("policy.folder=%s", folder), NULL);
    assert_refused(&run, 1, "sizing.lua", NULL);
    run_free(&run);
}

/* ---- explain ---- */

static void an_id_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct run run;
    write_file(scratch("none.jsonl"), "{}\n");
    run_program(&run, "explain", "01890a5d-ac96-774b-bcce-b302099a8057", "--decisions",
                scratch("none.jsonl"), NULL);
    assert_refused(&run, 1, "none.jsonl", "01890a5d-ac96-774b-bcce-b302099a8057", NULL);
    run_free(&run);
    run_program(&run, "explain", "01890a5d-ac96-774b-bcce-b302099a8057", "--decisions",
                scratch("nowhere.jsonl"), NULL);
    assert_refused(&run, 1, "nowhere.jsonl", "cannot be read", NULL);
    run_free(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(wrong_usage_names_the_nearest_word),
    cmocka_unit_test(without_a_command_the_help_is_an_error),
    cmocka_unit_test(help_that_was_asked_for_is_none),
    cmocka_unit_test(a_configuration_is_refused_with_its_place),
    cmocka_unit_test(a_configuration_that_others_may_write_is_refused),
    cmocka_unit_test(an_override_is_refused_as_a_line_of_the_file_is),
    cmocka_unit_test(a_file_without_bars_is_refused_and_nothing_is_left),
    cmocka_unit_test(rows_of_which_none_can_be_used_are_refused),
    cmocka_unit_test(a_symbol_that_is_not_configured_is_refused),
    cmocka_unit_test(decisions_that_cannot_be_written_are_said_before_anything_runs),
    cmocka_unit_test(a_refused_replay_leaves_older_decisions_alone),
    cmocka_unit_test(a_full_disk_is_said_and_is_a_failure),
    cmocka_unit_test(a_policy_that_does_not_hold_is_refused),
    cmocka_unit_test(an_id_that_is_not_there_is_said),
};
SCENARIO_MAIN("refusals")
