/* Generations: taken into use as a whole or not at all, gone back to, compared; quarantine. */
#include "folder.h"

#include <unistd.h>

static struct coord_risk_verdict ask_risk(struct fixture *fixture)
{
    struct coord_risk_case given = sound_risk_case();
    struct coord_risk_verdict verdict;
    (void)fixture->judge.risk(fixture->judge.context, &given, &verdict, &fixture->error);
    return verdict;
}

static void write_refusal(const char *code)
{
    char body[64];
    snprintf(body, sizeof body, "return { status = 'rejected', code = '%s' }", code);
    write_risk(body);
}

static void open_folder(struct fixture *fixture)
{
    prepare(fixture, folder);
    fixture->options.utc = 1000;
    open_policy(fixture);
}

static void reload(struct fixture *fixture, int64_t utc)
{
    fixture->options.utc = utc;
    fixture->options.who = "tester";
    if (policy_reload(fixture->policy, &fixture->options, &fixture->error))
        fail_msg("%s", fixture->error.message);
}

static void a_reload_takes_all_files_into_use(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_version_entry entries[8];
    char first[COORD_VERSION_SIZE];
    write_refusal("ONE");
    open_folder(&fixture);
    tg_text_copy(first, sizeof first, policy_version(fixture.policy));
    assert_string_equal(ask_risk(&fixture).code, "ONE");
    write_refusal("TWO");
    assert_string_equal(ask_risk(&fixture).code, "ONE"); /* a file alone changes nothing */
    reload(&fixture, 2000);
    assert_string_equal(ask_risk(&fixture).code, "TWO");
    assert_string_not_equal(policy_version(fixture.policy), first);
    assert_string_equal(fixture.judge.version(fixture.judge.context),
                        policy_version(fixture.policy));

    assert_int_equal(policy_versions(fixture.policy, entries, 8), 2);
    assert_string_equal(entries[0].version, policy_version(fixture.policy));
    assert_string_equal(entries[0].who, "tester");
    assert_int_equal(entries[0].utc, 2000);
    assert_int_equal(entries[0].change, POLICY_RELOADED);
    assert_string_equal(entries[1].version, first);
    assert_string_equal(entries[1].who, "start");
    assert_int_equal(entries[1].utc, 1000);
    assert_int_equal(entries[1].change, POLICY_STARTED);
    assert_int_equal(policy_versions(fixture.policy, entries, 1), 1);
    close_policy(&fixture);
}

/* The same files with other numbers are another generation of the same version. */
static void a_reload_takes_new_numbers(void **state)
{
    (void)state;
    struct fixture fixture;
    char first[COORD_VERSION_SIZE];
    open_folder(&fixture);
    tg_text_copy(first, sizeof first, policy_version(fixture.policy));
    assert_int_equal(ask_risk(&fixture).status, COORD_RISK_APPROVED);
    set_parameter(&fixture.parameters, "risk.limits.position_size_max_pct", 5);
    reload(&fixture, 2000);
    assert_true(ask_risk(&fixture).size_usd == 500);
    assert_string_equal(policy_version(fixture.policy), first);
    close_policy(&fixture);
}

static void a_rollback_goes_back_and_forth(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_version_entry entries[8];
    write_refusal("ONE");
    open_folder(&fixture);
    assert_int_equal(policy_rollback(fixture.policy, 1500, "tester", &fixture.error),
                     TG_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "there is no version of the policies before"));
    write_refusal("TWO");
    reload(&fixture, 2000);
    assert_int_equal(policy_rollback(fixture.policy, 3000, "operator", &fixture.error), 0);
    assert_string_equal(ask_risk(&fixture).code, "ONE");
    assert_int_equal(policy_rollback(fixture.policy, 4000, "operator", &fixture.error), 0);
    assert_string_equal(ask_risk(&fixture).code, "TWO");
    assert_int_equal(policy_versions(fixture.policy, entries, 8), 4);
    assert_int_equal(entries[1].change, POLICY_ROLLED_BACK);
    assert_int_equal(entries[1].utc, 3000);
    assert_string_equal(entries[1].version, entries[3].version);
    /* One is kept: the one before the last reload. */
    write_refusal("THREE");
    reload(&fixture, 5000);
    assert_int_equal(policy_rollback(fixture.policy, 6000, "operator", &fixture.error), 0);
    assert_string_equal(ask_risk(&fixture).code, "TWO");
    close_policy(&fixture);
}

static void the_list_of_versions_is_bounded(void **state)
{
    (void)state;
    struct fixture fixture;
    static struct policy_version_entry entries[2 * POLICY_VERSIONS_MAX];
    open_folder(&fixture);
    write_refusal("TWO");
    reload(&fixture, 0);
    for (int64_t i = 1; i <= 100; i++)
        assert_int_equal(policy_rollback(fixture.policy, i, "operator", &fixture.error), 0);
    assert_int_equal(policy_versions(fixture.policy, entries, 2 * POLICY_VERSIONS_MAX),
                     POLICY_VERSIONS_MAX);
    for (int64_t i = 0; i < POLICY_VERSIONS_MAX; i++)
        assert_int_equal(entries[i].utc, 100 - i);
    close_policy(&fixture);
}

/* ---- what must not come into use ---- */

static void stays(struct fixture *fixture, const char *part)
{
    char version[COORD_VERSION_SIZE];
    tg_text_copy(version, sizeof version, policy_version(fixture->policy));
    fixture->options.utc = 9000;
    assert_int_not_equal(policy_reload(fixture->policy, &fixture->options, &fixture->error), 0);
    if (!strstr(fixture->error.message, part))
        fail_msg("'%s' is not in '%s'", part, fixture->error.message);
    assert_string_equal(policy_version(fixture->policy), version);
    assert_string_equal(ask_risk(fixture).code, "ONE");
}

static int64_t slow_clock_read(void *context)
{
    return ((struct tg_virtual_clock *)context)->now_ns += TG_NS_PER_MS;
}

static void what_is_wrong_never_comes_into_use(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_version_entry entries[8];
    char path[128];
    write_refusal("ONE");
    open_folder(&fixture);
    char place[128];
    snprintf(place, sizeof place, "%s/risk.lua:2: unexpected symbol near '='", folder);
    write_file("risk.lua", "local x = 1\nlocal y = = 2\n");
    stays(&fixture, place);
    write_file("risk.lua", "while true do end");
    stays(&fixture, "risk.lua: used more than 1000000 instructions (at risk.lua:1)");
    write_file("risk.lua", "local t = {} while true do t[#t + 1] = {} end");
    stays(&fixture, "needs more memory than");
    write_file("risk.lua", "error('while loading')");
    stays(&fixture, "risk.lua:1: while loading");
    write_file("risk.lua", "\033Lua");
    stays(&fixture, "is compiled Lua");
    write_file("risk.lua", "");
    stays(&fixture, "risk.lua:1: returns a nil");
    write_risk("return 7");
    write_file("conflict.lua", "return { name = 'conflict', version = '1' }");
    stays(&fixture, "conflict.lua: its table needs 'judge', a function");
    copy_shipped("conflict.lua");
    /* One whose answers depend on what was asked before. */
    write_file("sizing.lua", "local n = 0\nreturn { name = 'sizing', version = '1',\n"
                             "judge = function() n = n + 1 return { size_usd = n - 1 } end,\n"
                             "selftest = function(test)\n"
                             "test('a', { equity = 1e6 }, { size_usd = 0 })\n"
                             "test('b', { equity = 1e6 }, { size_usd = 1 }) end }\n");
    stays(&fixture, "a verdict depends on what was asked before");
    copy_shipped("sizing.lua");
    snprintf(path, sizeof path, "%s/risk.lua", folder);
    assert_int_equal(chmod(path, 0666), 0);
    stays(&fixture, "others may write it");
    assert_int_equal(unlink(path), 0);
    stays(&fixture, "risk.lua");
    assert_int_equal(policy_versions(fixture.policy, entries, 8), 1);
    close_policy(&fixture);
}

/* Loading may take a hundred deadlines, and no more. */
static void what_is_slow_never_comes_into_use(void **state)
{
    (void)state;
    struct fixture fixture;
    write_refusal("ONE");
    open_folder(&fixture);
    write_file("risk.lua", "for i = 1, 1e9 do end return {}");
    fixture.options.instructions_max = 1000000000;
    fixture.options.clock = (struct tg_clock){slow_clock_read, slow_clock_read, &fixture.clock};
    stays(&fixture, "risk.lua: ran longer than 1000 ms");
    close_policy(&fixture);
}

/* I10: whatever is there of a file that is still being written. */
static void half_a_file_never_comes_into_use(void **state)
{
    (void)state;
    static char text[65536];
    struct fixture fixture;
    FILE *stream = fopen("scripts/risk.lua", "r");
    assert_non_null(stream);
    size_t length = fread(text, 1, sizeof text - 1, stream);
    fclose(stream);
    while (length > 0 && text[length - 1] == '\n')
        length--;
    write_refusal("ONE");
    open_folder(&fixture);
    for (size_t part = 0; part < length; part += 1 + length / 199) {
        char kept = text[part];
        text[part] = '\0';
        write_file("risk.lua", text);
        text[part] = kept;
        stays(&fixture, "risk.lua");
    }
    text[length] = '\0';
    write_file("risk.lua", text);
    reload(&fixture, 2000);
    assert_int_equal(ask_risk(&fixture).status, COORD_RISK_APPROVED);
    close_policy(&fixture);
}

/* ---- a question outlives its generation ---- */

/* A clock that activates two candidates in the middle of a question. */
struct meddler {
    struct tg_virtual_clock clock;
    struct policy *policy;
    struct policy_candidate *candidates[2];
    int reads;
};

static int64_t meddling_read(void *context)
{
    struct meddler *meddler = context;
    if (meddler->policy && ++meddler->reads == 3) {
        policy_activate(meddler->policy, meddler->candidates[0]);
        policy_activate(meddler->policy, meddler->candidates[1]);
    }
    return meddler->clock.now_ns;
}

static void a_question_is_finished_by_the_generation_that_began_it(void **state)
{
    (void)state;
    struct fixture fixture;
    struct meddler meddler = {.policy = NULL};
    write_risk("local n = 0 for i = 1, 20000 do n = n + i end\n"
               "return { status = 'rejected', code = 'OLD' }");
    prepare(&fixture, folder);
    fixture.options.clock = (struct tg_clock){meddling_read, meddling_read, &meddler};
    open_policy(&fixture);
    write_refusal("NEW");
    for (int i = 0; i < 2; i++)
        assert_int_equal(policy_prepare(&fixture.options, &meddler.candidates[i], &fixture.error),
                         0);
    meddler.policy = fixture.policy;
    assert_string_equal(ask_risk(&fixture).code, "OLD");
    assert_true(meddler.reads > 3);
    assert_string_equal(ask_risk(&fixture).code, "NEW");
    close_policy(&fixture);
}

/* ---- comparing ---- */

static void two_generations_are_compared(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_candidate *candidate;
    struct policy_difference differences[2];
    struct policy_counters counters;
    struct coord_risk_case cases[8];
    size_t count;
    open_folder(&fixture);
    set_parameter(&fixture.parameters, "risk.limits.position_size_max_pct", 10);
    assert_int_equal(policy_prepare(&fixture.options, &candidate, &fixture.error), 0);
    assert_string_equal(policy_candidate_version(candidate), policy_version(fixture.policy));
    for (size_t i = 0; i < 8; i++) {
        cases[i] = sound_risk_case();
        cases[i].size_usd = 800 + 100.0 * (double)i; /* 10 % are 1,000 */
    }
    policy_compare(fixture.policy, candidate, cases, 8, differences, 2, &count);
    assert_int_equal(count, 5);
    assert_int_equal(differences[0].index, 3);
    assert_int_equal(differences[0].now.status, COORD_RISK_APPROVED);
    assert_int_equal(differences[0].then.status, COORD_RISK_MODIFIED);
    assert_true(differences[0].then.size_usd == 1000);
    policy_candidate_destroy(candidate);

    write_risk("error('broken by this case')");
    assert_int_equal(policy_prepare(&fixture.options, &candidate, &fixture.error), 0);
    policy_compare(fixture.policy, candidate, cases, 1, differences, 2, &count);
    assert_int_equal(count, 1);
    assert_string_equal(differences[0].then.code, "RULE_ERROR");
    assert_non_null(strstr(differences[0].then.reason, "broken by this case"));
    policy_candidate_destroy(candidate);
    /* Nobody has asked, as far as the counters go. */
    assert_true(policy_get_counters(fixture.policy, NULL, &counters));
    assert_int_equal(counters.calls, 0);
    assert_int_equal(counters.failed, 0);
    close_policy(&fixture);
}

/* ---- quarantine ---- */

/* Fails where the leverage is 7. */
static void write_fragile(void)
{
    write_risk("if case.leverage == 7 then error('seven') end\n"
               "return { status = 'rejected', code = 'ONE' }");
}

static struct coord_risk_verdict ask_with_leverage(struct fixture *fixture, double leverage)
{
    struct coord_risk_case given = sound_risk_case();
    struct coord_risk_verdict verdict;
    given.leverage = leverage;
    (void)fixture->judge.risk(fixture->judge.context, &given, &verdict, &fixture->error);
    return verdict;
}

/* I2 */
static void three_errors_in_a_row_quarantine_a_policy(void **state)
{
    (void)state;
    struct fixture fixture;
    struct policy_counters counters;
    write_fragile();
    open_folder(&fixture);
    assert_null(policy_quarantine(fixture.policy));
    for (int i = 0; i < 10; i++) /* two in a row are not three */
        (void)ask_with_leverage(&fixture, i % 3 == 2 ? 1 : 7);
    assert_null(policy_quarantine(fixture.policy));
    (void)ask_with_leverage(&fixture, 1);
    for (int i = 0; i < 3; i++)
        assert_string_equal(ask_with_leverage(&fixture, 7).code, "RULE_ERROR");
    assert_non_null(strstr(policy_quarantine(fixture.policy),
                           "risk.lua is not asked any more after 3 errors in a row, the last: "));
    assert_non_null(strstr(policy_quarantine(fixture.policy), "seven"));
    assert_true(policy_get_counters(fixture.policy, "risk", &counters));
    uint64_t calls = counters.calls;

    /* From now on a good question too has the cautious verdict, at once. */
    struct coord_risk_verdict verdict = ask_with_leverage(&fixture, 1);
    assert_int_equal(verdict.status, COORD_RISK_REJECTED);
    assert_string_equal(verdict.code, "RULE_ERROR");
    assert_true(verdict.size_usd == 0 && verdict.leverage == 0);
    assert_non_null(strstr(verdict.reason, "not asked any more"));
    assert_int_equal(fixture.error.code, TG_E_REFUSED);
    assert_true(policy_get_counters(fixture.policy, "risk", &counters));
    assert_int_equal(counters.calls, calls);
    assert_int_equal(counters.quarantined, 1);
    assert_int_equal(counters.runtime, counters.failed);
    assert_int_equal(counters.failed_in_a_row, 3);

    /* The others go on. */
    struct coord_consensus_case consensus = {.action = TG_ACTION_BUY, .confidence = 0.6};
    struct coord_consensus_verdict agreed;
    assert_int_equal(fixture.judge.consensus(fixture.judge.context, &consensus, &agreed, NULL), 0);
    assert_true(policy_get_counters(fixture.policy, "consensus", &counters));
    assert_int_equal(counters.calls, 1);
    assert_int_equal(counters.quarantined, 0);
    assert_false(policy_get_counters(fixture.policy, "weather", &counters));
    close_policy(&fixture);
}

static void each_policy_has_its_cautious_verdict_in_quarantine(void **state)
{
    (void)state;
    struct fixture fixture;
    open_folder(&fixture);
    /* Cases that no policy can be shown, because their words are none. */
    struct coord_consensus_case consensus = {.action = 99, .confidence = 0.6};
    struct coord_conflict_case conflict = {.action = 99};
    struct coord_sizing_case sizing = {.action = 99, .equity = 1000};
    struct coord_consensus_verdict agreed;
    struct coord_conflict_verdict found;
    struct coord_sizing_verdict sized;
    void *context = fixture.judge.context;
    for (int i = 0; i < 5; i++) {
        assert_int_not_equal(fixture.judge.consensus(context, &consensus, &agreed, NULL), 0);
        assert_true(agreed.multiplier == 1 && agreed.confidence == 0.6);
        assert_int_not_equal(fixture.judge.conflicts(context, &conflict, &found, NULL), 0);
        assert_int_equal(found.resolution, COORD_WAIT);
        assert_int_not_equal(fixture.judge.sizing(context, &sizing, &sized, NULL), 0);
        assert_true(sized.size_usd == 0);
    }
    struct policy_counters counters;
    assert_true(policy_get_counters(fixture.policy, NULL, &counters));
    assert_int_equal(counters.calls, 9);
    assert_int_equal(counters.failed, 9);
    assert_int_equal(counters.quarantined, 6);
    close_policy(&fixture);
}

static void a_reload_that_works_lifts_the_quarantine(void **state)
{
    (void)state;
    struct fixture fixture;
    write_fragile();
    open_folder(&fixture);
    for (int i = 0; i < 3; i++)
        (void)ask_with_leverage(&fixture, 7);
    assert_non_null(policy_quarantine(fixture.policy));
    write_file("risk.lua", "return");
    assert_int_not_equal(policy_reload(fixture.policy, &fixture.options, &fixture.error), 0);
    assert_non_null(policy_quarantine(fixture.policy)); /* this one did not work */
    write_fragile();
    reload(&fixture, 2000);
    assert_null(policy_quarantine(fixture.policy));
    assert_string_equal(ask_with_leverage(&fixture, 1).code, "ONE");
    for (int i = 0; i < 3; i++)
        (void)ask_with_leverage(&fixture, 7);
    assert_non_null(policy_quarantine(fixture.policy));
    assert_int_equal(policy_rollback(fixture.policy, 3000, "operator", &fixture.error), 0);
    assert_null(policy_quarantine(fixture.policy));
    close_policy(&fixture);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_reload_takes_all_files_into_use),
        IN_FOLDER(a_reload_takes_new_numbers),
        IN_FOLDER(a_rollback_goes_back_and_forth),
        IN_FOLDER(the_list_of_versions_is_bounded),
        IN_FOLDER(what_is_wrong_never_comes_into_use),
        IN_FOLDER(what_is_slow_never_comes_into_use),
        IN_FOLDER(half_a_file_never_comes_into_use),
        IN_FOLDER(a_question_is_finished_by_the_generation_that_began_it),
        IN_FOLDER(two_generations_are_compared),
        IN_FOLDER(three_errors_in_a_row_quarantine_a_policy),
        IN_FOLDER(each_policy_has_its_cautious_verdict_in_quarantine),
        IN_FOLDER(a_reload_that_works_lifts_the_quarantine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
