/* Files that keep the contract, files that do not, and verdicts that C does not accept. */
#include "folder.h"

#include "obs/obs.h"

#include <math.h>
#include <unistd.h>

static void refused(const char *part)
{
    struct fixture fixture;
    prepare(&fixture, folder);
    assert_int_not_equal(policy_create(&fixture.options, &fixture.policy, &fixture.error), 0);
    assert_null(fixture.policy);
    if (!strstr(fixture.error.message, part))
        fail_msg("'%s' is not in '%s'", part, fixture.error.message);
}

static void files_are_refused_with_file_and_line(void **state)
{
    (void)state;
    write_file("risk.lua", "local x = 1\nlocal y = = 2\n");
    char expected[128];
    snprintf(expected, sizeof expected, "%s/risk.lua:2: unexpected symbol near '='", folder);
    refused(expected);
    write_file("risk.lua", "return 7\n");
    refused("risk.lua:1: returns a number; it must return a table");
    write_file("risk.lua", "return {}\n");
    refused("risk.lua: its table needs 'name'");
    write_file("risk.lua", "return { name = 'risk' }\n");
    refused("risk.lua: its table needs 'version'");
    write_file("risk.lua", "return { name = 'other', version = '1' }\n");
    refused("risk.lua: its name is 'other'; it must be 'risk'");
    write_file("risk.lua", "return { name = 'risk', version = '1' }\n");
    refused("risk.lua: its table needs 'judge', a function");
    write_file("risk.lua", "return { name = 'risk', version = '1', judge = function() end }\n");
    refused("risk.lua: its table needs 'selftest', a function");
    write_file("risk.lua", "\033Lua");
    refused("is compiled Lua; only text is loaded");
    write_file("risk.lua", "limit = 5\nreturn {}\n");
    refused("risk.lua:1: global 'limit' cannot be set");
    write_file("risk.lua", "while true do end\n");
    refused("used more than 1000000 instructions");
    write_file("correlation.lua", "return 1 +\n");
    copy_shipped("risk.lua");
    refused("correlation.lua:2:");
}

#define RISK_FILE(judge, tests)                                                                    \
    "local function judge(case, config)\n" judge "\nend\n"                                         \
    "local count = 0\n"                                                                            \
    "return { name = 'risk', version = '1', judge = judge, selftest = function(test)\n" tests      \
    "\nend }\n"
#define APPROVE "return { status = 'approved', size_usd = case.size_usd, leverage = 1 }"

static void self_tests_are_run(void **state)
{
    (void)state;
    write_file("risk.lua", RISK_FILE(APPROVE, ""));
    refused("at least one case that passes and one that is refused (0 pass, 0 are refused)");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { size_usd = 1 }, {})"));
    refused("(1 pass, 0 are refused)");
    write_file("risk.lua",
               RISK_FILE(APPROVE, "test('a', { size_usd = 1 }, { status = 'halted' })"));
    refused("risk.lua:6: self-test 'a': verdict.status is \"approved\", expected \"halted\"");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { size_usd = 1 }, { size_usd = 2 })"));
    refused("self-test 'a': verdict.size_usd is 1, expected 2");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { sise_usd = 1 }, {})"));
    refused("self-test 'a': case has fields beside those it may have: symbol, side,");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { regime = 'calm' }, {})"));
    refused("self-test 'a': case.regime must be one of trending_bull,");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { size_usd = 1 }, { sise = 2 })"));
    refused("expects a field that a verdict does not have");
    write_file("risk.lua", RISK_FILE("error('oops')", "test('a', { size_usd = 1 }, {})"));
    refused("self-test 'a': risk.lua:2: oops");
    write_file("risk.lua", RISK_FILE("return {}", "test('a', { size_usd = 1 }, {})"));
    refused("self-test 'a': risk.lua: verdict.status is missing");
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a')"));
    refused("bad argument #2 to 'test'");
    write_file("risk.lua", RISK_FILE(APPROVE, "error({})"));
    refused("error value is a table (at risk.lua:6)");
    write_file("risk.lua", RISK_FILE(APPROVE, "for i = 1, 2000 do test('a', {}, {}) end"));
    refused("too many (at most 1000)");
    write_file("risk.lua", RISK_FILE("return { status = 'approved', size_usd = 9, leverage = 1 }",
                                     "test('a', { size_usd = 1 }, {})"));
    refused("self-test 'a': verdict has size 9.00 and leverage 1, more than the proposal");
}

/* A policy keeps nothing: what it says must not depend on what it was asked before. */
static void memory_is_noticed(void **state)
{
    (void)state;
    write_file("risk.lua",
               "local calls = 0\n"
               "return { name = 'risk', version = '1', judge = function(case)\n"
               "  calls = calls + 1\n"
               "  if calls > 2 then return { status = 'rejected', code = 'TIRED' } end\n"
               "  if case.confidence == 0 then return { status = 'rejected', code = 'NO' } end\n"
               "  return { status = 'approved', size_usd = case.size_usd, leverage = 1 }\n"
               "end, selftest = function(test)\n"
               "  test('yes', { confidence = 1, size_usd = 1 }, { status = 'approved' })\n"
               "  test('no', { confidence = 0 }, { code = 'NO' })\n"
               "end }\n");
    refused("risk.lua: a verdict depends on what was asked before:");
}

static void folders_are_checked(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/risk.lua", folder);
    assert_int_equal(chmod(path, 0646), 0);
    refused("risk.lua: others may write it (mode 646)");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    refused("others may write into the folder");
    assert_int_equal(chmod(folder, 0755), 0);
    write_file("Bad-Name.lua", "return {}\n");
    refused("Bad-Name.lua: the name of a script is");
    char bad[128];
    snprintf(bad, sizeof bad, "%s/Bad-Name.lua", folder);
    assert_int_equal(unlink(bad), 0);
    write_file(".hidden.lua", "this is no Lua");
    write_file("risk.lua~", "this is no Lua");
    assert_int_equal(unlink(path), 0);
    refused("risk.lua: there is no such file");
    assert_int_equal(mkfifo(path, 0644), 0);
    refused("risk.lua: is no regular file");
    assert_int_equal(unlink(path), 0);
    struct fixture fixture;
    prepare(&fixture, "/nonexistent/scripts");
    assert_int_equal(policy_create(&fixture.options, &fixture.policy, &fixture.error), TG_E_IO);
    assert_non_null(strstr(fixture.error.message, "/nonexistent/scripts: the folder"));
}

static void a_missing_number_is_found_at_load(void **state)
{
    (void)state;
    struct fixture fixture;
    prepare(&fixture, folder);
    for (size_t i = 0; i < fixture.parameters.count; i++)
        if (strcmp(fixture.parameters.list[i].path, "risk.limits.price_collar_pct") == 0)
            fixture.parameters.list[i].path = "risk.limits.price_collar_percent";
    assert_int_not_equal(policy_create(&fixture.options, &fixture.policy, &fixture.error), 0);
    assert_non_null(strstr(fixture.error.message, "price_collar_pct"));
}

/* ---- verdicts ---- */

static struct policy_counters judge_with(const char *body, struct coord_risk_verdict *verdict,
                                         int *code)
{
    struct fixture fixture;
    struct policy_counters counters;
    write_risk(body);
    prepare(&fixture, folder);
    open_policy(&fixture);
    struct coord_risk_case given = sound_risk_case();
    given.leverage = 2;
    *code = fixture.judge.risk(fixture.judge.context, &given, verdict, &fixture.error);
    policy_get_counters(fixture.policy, NULL, &counters);
    close_policy(&fixture);
    return counters;
}

/* I7 */
static void loosening_is_brought_back_and_counted(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint8_t status;
        double size;
        int64_t leverage;
    } rows[] = {
        {"return { status = 'approved', size_usd = 1001, leverage = 2 }", COORD_RISK_APPROVED, 1000,
         2},
        {"return { status = 'approved', size_usd = 1000, leverage = 3 }", COORD_RISK_APPROVED, 1000,
         2},
        {"return { status = 'modified', size_usd = 1e300, leverage = 1 }", COORD_RISK_MODIFIED,
         1000, 1},
        {"return { status = 'modified', size_usd = 10, leverage = 100 }", COORD_RISK_MODIFIED, 10,
         2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct coord_risk_verdict verdict;
        int code;
        struct policy_counters counters = judge_with(rows[i].body, &verdict, &code);
        assert_int_equal(code, 0);
        assert_int_equal(verdict.status, rows[i].status);
        assert_true(verdict.size_usd == rows[i].size);
        assert_int_equal(verdict.leverage, rows[i].leverage);
        assert_int_equal(counters.loosened, 1);
        assert_int_equal(counters.failed, 0);
    }
}

/* I6 */
static void verdicts_that_contradict_themselves_reject(void **state)
{
    (void)state;
    static const struct {
        const char *body, *part;
    } rows[] = {
        {"return", "verdict is a nil"},
        {"return 'approved'", "verdict is a string"},
        {"return { status = 'APPROVED', size_usd = 1, leverage = 1 }", "must be one of approved"},
        {"return { status = 'approved' }", "needs a size above 0"},
        {"return { status = 'approved', size_usd = 0/0, leverage = 1 }", "finite number"},
        {"return { status = 'approved', size_usd = 1/0, leverage = 1 }", "finite number"},
        {"return { status = 'approved', size_usd = -5, leverage = 1 }", "needs a size above 0"},
        {"return { status = 'modified', size_usd = 5, leverage = 0 }", "leverage of at least 1"},
        {"return { status = 'modified', size_usd = 5, leverage = 1.5 }", "whole number"},
        {"return { status = 'approved', size_usd = '1000', leverage = 2 }", "must be a number"},
        {"return { status = 'approved', size_usd = 500, leverage = 2 }", "that is modified"},
        {"return { status = 'approved', size_usd = 1000, leverage = 1 }", "that is modified"},
        {"return { status = 'modified', size_usd = 1000, leverage = 2 }", "that is approved"},
        {"return { status = 'approved', code = 'X', size_usd = 1000, leverage = 2 }", "no code"},
        {"return { status = 'rejected' }", "needs a code of A-Z"},
        {"return { status = 'rejected', code = 'no' }", "needs a code of A-Z"},
        {"return { status = 'halted', code = '' }", "needs a code of A-Z"},
        {"return { status = 'rejected', code = 'NO', hint = 1 }", "fields beside those"},
        {"return { status = 'rejected', code = 'NO', reductions = { { rule = 'X' } } }",
         "adjustment.before is missing"},
        {"return { status = 'rejected', code = 'NO', warnings = "
         "{1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7} }",
         "has 17 elements (at most 16)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct coord_risk_verdict verdict;
        int code;
        struct policy_counters counters = judge_with(rows[i].body, &verdict, &code);
        assert_int_not_equal(code, 0);
        assert_int_equal(verdict.status, COORD_RISK_REJECTED);
        assert_string_equal(verdict.code, "RULE_ERROR");
        assert_true(verdict.size_usd == 0 && verdict.leverage == 0);
        if (!strstr(verdict.reason, rows[i].part))
            fail_msg("%s: %s", rows[i].body, verdict.reason);
        assert_int_equal(counters.bad_result, 1);
        assert_int_equal(counters.failed, 1);
    }
}

static void each_way_to_fail_is_counted(void **state)
{
    (void)state;
    struct coord_risk_verdict verdict;
    int code;
    assert_int_equal(judge_with("while true do end", &verdict, &code).budget, 1);
    assert_string_equal(verdict.code, "RULE_ERROR");
    assert_int_equal(
        judge_with("local t = {} while true do t[#t + 1] = {} end", &verdict, &code).no_memory, 1);
    assert_string_equal(verdict.code, "RULE_ERROR");
    assert_int_equal(judge_with("error('x')", &verdict, &code).runtime, 1);
    assert_string_equal(verdict.code, "RULE_ERROR");
    struct policy_counters counters = judge_with("return nil", &verdict, &code);
    assert_int_equal(counters.bad_result, 1);
    assert_int_equal(counters.calls, 1);
    assert_true(counters.memory_bytes > 0 && counters.memory_high_bytes >= counters.memory_bytes);
}

/* A policy that forgets the breaker does not lift it. */
static void breakers_hold_whatever_the_policy_says(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_counters counters;
    write_risk("return { status = 'approved', size_usd = case.size_usd, leverage = 1 }");
    prepare(&fixture, folder);
    open_policy(&fixture);
    struct coord_risk_case given = sound_risk_case();
    struct coord_risk_verdict verdict;
    given.breaker_stands = true;
    assert_int_equal(fixture.judge.risk(fixture.judge.context, &given, &verdict, NULL), 0);
    assert_int_equal(verdict.status, COORD_RISK_HALTED);
    assert_string_equal(verdict.code, "TRADING_HALTED");
    given.breaker_stands = false;
    given.leverage = (double)INFINITY;
    assert_int_equal(fixture.judge.risk(fixture.judge.context, &given, &verdict, NULL),
                     TG_E_FAILED);
    assert_int_equal(verdict.status, COORD_RISK_REJECTED);
    policy_get_counters(fixture.policy, NULL, &counters);
    assert_int_equal(counters.loosened, 1);
    close_policy(&fixture);
}

static void write_failing(const char *name, const char *passing, const char *refusing)
{
    char file[32], text[2048];
    snprintf(file, sizeof file, "%s.lua", name);
    snprintf(text, sizeof text,
             "return { name = '%s', version = '1', judge = function(case)\n"
             "  if case.confidence == 1 then return %s end\n"
             "  if case.confidence == 0 then return %s end\n"
             "  error('broken')\n"
             "end, selftest = function(test)\n"
             "  test('yes', { confidence = 1 }, {})\n"
             "  test('no', { confidence = 0 }, {})\n"
             "end }\n",
             name, passing, refusing);
    write_file(file, text);
}

static void failures_are_cautious(void **state)
{
    (void)state;
    write_failing("consensus",
                  "{ present = 0, agreeing = 0, ratio = 0, multiplier = 1, confidence = 1 }",
                  "{ present = 0, agreeing = 0, ratio = 0, multiplier = 0, confidence = 0 }");
    write_failing("conflict", "{ conflicts = {}, resolution = 'proceed' }",
                  "{ conflicts = { 'regime_conflict' }, resolution = 'wait' }");
    write_file("sizing.lua",
               "return { name = 'sizing', version = '1', judge = function(case)\n"
               "  if case.confidence == 0.5 then error('broken') end\n"
               "  return { size_usd = case.confidence == 9 and 1e9 or case.confidence }\n"
               "end, selftest = function(test)\n"
               "  test('yes', { confidence = 1, equity = 100 }, { size_usd = 1 })\n"
               "  test('no', { confidence = 0 }, { size_usd = 0 })\n"
               "end }\n");
    struct fixture fixture;
    prepare(&fixture, folder);
    open_policy(&fixture);
    struct coord_consensus_case consensus_case = {.confidence = 0.5};
    struct coord_consensus_verdict consensus;
    assert_int_not_equal(
        fixture.judge.consensus(fixture.judge.context, &consensus_case, &consensus, &fixture.error),
        0);
    assert_true(consensus.multiplier == 1 && consensus.confidence == 0.5);
    struct coord_conflict_case conflict_case = {.confidence = 0.5};
    struct coord_conflict_verdict conflict;
    assert_int_not_equal(
        fixture.judge.conflicts(fixture.judge.context, &conflict_case, &conflict, &fixture.error),
        0);
    assert_int_equal(conflict.resolution, COORD_WAIT);
    assert_non_null(strstr(conflict.reason, "conflict.lua:4: broken"));
    struct coord_sizing_case sizing_case = {.confidence = 0.5, .equity = 100};
    struct coord_sizing_verdict sizing;
    assert_int_not_equal(
        fixture.judge.sizing(fixture.judge.context, &sizing_case, &sizing, &fixture.error), 0);
    assert_true(sizing.size_usd == 0);
    sizing_case.confidence = 9; /* asks for more than 20 % of equity */
    assert_int_equal(
        fixture.judge.sizing(fixture.judge.context, &sizing_case, &sizing, &fixture.error), 0);
    assert_true(sizing.size_usd == 20);
    struct policy_counters counters;
    policy_get_counters(fixture.policy, NULL, &counters);
    assert_int_equal(counters.loosened, 1);
    assert_int_equal(counters.failed, 3);
    close_policy(&fixture);
}

static void versions_follow_the_files(void **state)
{
    (void)state;
    struct fixture fixture;
    char first[COORD_VERSION_SIZE];
    prepare(&fixture, folder);
    open_policy(&fixture);
    assert_true(tg_text_copy(first, sizeof first, policy_version(fixture.policy)));
    assert_int_equal(strlen(first), 64);
    assert_string_equal(fixture.judge.version(fixture.judge.context), first);
    close_policy(&fixture);
    open_policy(&fixture);
    assert_string_equal(policy_version(fixture.policy), first);
    close_policy(&fixture);
    write_file("library.lua", "return {}\n");
    open_policy(&fixture);
    assert_string_not_equal(policy_version(fixture.policy), first);
    close_policy(&fixture);
}

static void check_reports_every_file(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_file_report reports[16];
    size_t count;
    prepare(&fixture, folder);
    assert_int_equal(policy_check(&fixture.options, reports, 16, &count, &fixture.error), 0);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(reports[i].name, names[i]);
        assert_string_equal(reports[i].failure, "");
        assert_int_equal(strlen(reports[i].version), 64);
        assert_int_equal(reports[i].tests_passed > 0, i != 2);
    }
    write_file("risk.lua", RISK_FILE(APPROVE, "test('a', { size_usd = 1 }, { size_usd = 2 })\n"
                                              "test('b', { size_usd = 1 }, { size_usd = 1 })\n"
                                              "test('c', { size_usd = 1 }, { size_usd = 3 })"));
    char path[128];
    snprintf(path, sizeof path, "%s/sizing.lua", folder);
    assert_int_equal(unlink(path), 0);
    write_file("library.lua", "return 7\n");
    assert_int_not_equal(policy_check(&fixture.options, reports, 16, &count, &fixture.error), 0);
    assert_non_null(strstr(fixture.error.message, "3 of 7 policies are not fine"));
    assert_int_equal(count, 7);
    assert_string_equal(reports[4].name, "library.lua");
    assert_non_null(strstr(reports[4].failure, "library.lua:1: returns a number"));
    assert_int_equal(reports[5].tests_passed, 1);
    assert_int_equal(reports[5].tests_failed, 2);
    snprintf(path, sizeof path, "%s/risk.lua:6: self-test 'a': verdict.size_usd is 1, expected 2",
             folder);
    assert_string_equal(reports[5].failure, path);
    assert_string_equal(reports[6].name, "sizing.lua");
    assert_non_null(strstr(reports[6].failure, "sizing.lua: is missing"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_are_refused_with_file_and_line),
        TEST(self_tests_are_run),
        TEST(memory_is_noticed),
        TEST(folders_are_checked),
        TEST(a_missing_number_is_found_at_load),
        TEST(loosening_is_brought_back_and_counted),
        TEST(verdicts_that_contradict_themselves_reject),
        TEST(each_way_to_fail_is_counted),
        TEST(breakers_hold_whatever_the_policy_says),
        TEST(failures_are_cautious),
        TEST(versions_follow_the_files),
        TEST(check_reports_every_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
