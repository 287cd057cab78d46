/*
 * What docs/POLICIES.md tells a policy author to do, done: copy, add a rule, test it, try it, break
 * it on purpose and read the sentence.
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULE                                                                                       \
    "local function bad_week(case)\n"                                                              \
    "    if case.weekly_pnl_pct <= -2 then\n"                                                      \
    "        return \"BAD_WEEK\", format(\"the week's loss is %.2f %% (at most 2 %%)\", "          \
    "-case.weekly_pnl_pct)\n"                                                                      \
    "    end\n"                                                                                    \
    "end\n\n"
#define TEST  "    refused(\"a bad week\", { weekly_pnl_pct = -3 }, \"BAD_WEEK\")\n"
#define LIST  "local ENTRY = {\n"
#define FIRST "valid_proposal, circuit_breakers, cooldowns, stop_loss"
#define CASES "    refused(\"a cool-down\","

/* `text` with the first `old` replaced by `new`; frees `text`. */
static char *replaced(char *text, const char *old, const char *new)
{
    char *found = strstr(text, old);
    if (found == NULL)
        fail_msg("\"%s\" is not in the policy", old);
    size_t before = (size_t)(found - text);
    size_t length = strlen(text) - strlen(old) + strlen(new);
    char *result = malloc(length + 1);
    assert_non_null(result);
    memcpy(result, text, before);
    memcpy(result + before, new, strlen(new));
    memcpy(result + before + strlen(new), found + strlen(old), strlen(found + strlen(old)) + 1);
    free(text);
    return result;
}

static const char *folder(void)
{
    const char *path = scratch("mine");
    if (!file_exists(path))
        copy_policies(path);
    return path;
}

/* risk.lua with the rule, and then with one more change. */
static void write_rule(const char *old, const char *new)
{
    size_t length;
    char *text = read_file(project("scripts/risk.lua"), &length);
    text = replaced(text, LIST, RULE LIST);
    text =
        replaced(text, FIRST, "valid_proposal, circuit_breakers, bad_week, cooldowns, stop_loss");
    text = replaced(text, CASES, TEST CASES);
    if (old != NULL)
        text = replaced(text, old, new);
    write_file(text_of("%s/risk.lua", folder()), "%s", text);
    free(text);
}

static void test_policies(struct run *run)
{
    run_program(run, "policy", "test", "--json", "--set", text_of("policy.folder=%s", folder()),
                NULL);
}

/* The self-tests of risk.lua that passed, and its failure. */
static int64_t passed(const struct run *run, char failure[512])
{
    struct json_value *root = NULL;
    int64_t count = -1;
    assert_int_equal(json_parse(run->out, run->out_length, &root, NULL), 0);
    for (size_t i = 0; i < json_count(root); i++) {
        const struct json_value *report = json_item(root, i);
        const char *text = json_string(at(report, "failure"));
        if (strcmp(text_at(report, "file"), "risk.lua") != 0)
            continue;
        count = whole_at(report, "tests_passed");
        (void)snprintf(failure, 512, "%s", text != NULL ? text : "");
    }
    json_free(root);
    return count;
}

static void a_rule_of_ones_own_is_tested_and_tried(void **state)
{
    (void)state;
    struct run run;
    char failure[512];
    run_program(&run, "policy", "test", "--json", NULL);
    assert_done(&run);
    int64_t before = passed(&run, failure);
    run_free(&run);
    write_rule(NULL, NULL);
    test_policies(&run);
    assert_done(&run);
    assert_int_equal(passed(&run, failure), before + 1);
    run_free(&run);

    write_file(scratch("case.jsonl"),
               "{\"id\":1,\"proposal\":{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":2500,"
               "\"entry_price\":40000,\"stop_loss\":39600,\"take_profit\":40800,\"leverage\":2,"
               "\"confidence\":0.8,\"regime\":\"trending_bull\"},"
               "\"state\":{\"current_equity\":10000,\"weekly_pnl_pct\":-3}}\n");
    run_program(&run, "policy", "eval", "risk", "--input", scratch("case.jsonl"), NULL);
    struct json_value *verdict = result_of(&run);
    assert_string_equal(text_at(verdict, "status"), "modified");
    assert_true(json_number(at(verdict, "size_usd")) == 2000.0);
    json_free(verdict);
    run_free(&run);
    const char *set = text_of("policy.folder=%s", folder());
    run_program(&run, "policy", "eval", "risk", "--input", scratch("case.jsonl"), "--set", set,
                NULL);
    verdict = result_of(&run);
    assert_string_equal(text_at(verdict, "code"), "BAD_WEEK");
    json_free(verdict);
    run_free(&run);
    struct json_value *result = replay((const char *[]){"--set", set, NULL});
    assert_true(whole_at(result, "rejections.BAD_WEEK") > 0);
    json_free(result);
}

static void what_is_broken_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *sentence;
    } cases[] = {
        {"<= -2 then", "<= -2", "'then' expected near 'return'"},
        {"if case.weekly_pnl_pct <= -2", "if case.weekly_loss <= -2",
         "attempt to compare nil with number"},
        {"<= -2 then", "<= -7 then",
         "self-test 'a bad week': verdict.status is \"approved\", expected \"rejected\""},
        {"valid_proposal, circuit_breakers, bad_week", "bad_week, valid_proposal, circuit_breakers",
         "self-test 'the week's loss at its limit': verdict.status is \"rejected\", expected "
         "\"halted\""},
        {"return \"BAD_WEEK\"", "return \"bad week\"",
         "verdict: rejected needs a code of A-Z 0-9 _"},
        {"local function bad_week(case)\n", "local function bad_week(case)\n    count = 1\n",
         "global 'count' cannot be set: a policy keeps nothing, use local"},
        {"local function bad_week(case)\n",
         "local function bad_week(case)\n    while true do end\n",
         "used more than 1000000 instructions"},
        {"local function bad_week(case)\n",
         "local n = 0\nlocal function bad_week(case)\n    n = n + 1\n"
         "    if n > 40 then return \"TIRED\", \"asked too often\" end\n",
         "a verdict depends on what was asked before"},
        {"verdict.size_usd, verdict.leverage = trade.size_usd, trade.leverage",
         "verdict.size_usd, verdict.leverage = trade.size_usd * 2, trade.leverage",
         "more than the proposal"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run;
        char failure[512];
        write_rule(cases[i].old, cases[i].new);
        test_policies(&run);
        assert_int_equal(run.status, 1);
        (void)passed(&run, failure);
        assert_holds(failure, cases[i].sentence);
        assert_holds(failure, "risk.lua");
        run_free(&run);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_rule_of_ones_own_is_tested_and_tried),
    cmocka_unit_test(what_is_broken_is_said),
};
SCENARIO_MAIN("policy_author")
