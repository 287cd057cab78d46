/* Emergencies: the table of the configuration, what a policy may add, and what it may not leave
 * out. */
#include "folder.h"

#define PAUSE        1u
#define REDUCE       2u
#define HALT         4u
#define CLOSE        8u
#define PAUSE_SYMBOL 16u

static struct coord_emergency_actions actions_of(unsigned bits)
{
    return (struct coord_emergency_actions){.pause_trading = bits & PAUSE,
                                            .reduce_positions = bits & REDUCE,
                                            .halt_all = bits & HALT,
                                            .close_positions = bits & CLOSE,
                                            .pause_symbol = bits & PAUSE_SYMBOL};
}

static unsigned bits_of(const struct coord_emergency_actions *actions)
{
    return (actions->pause_trading ? PAUSE : 0u) | (actions->reduce_positions ? REDUCE : 0u) |
           (actions->halt_all ? HALT : 0u) | (actions->close_positions ? CLOSE : 0u) |
           (actions->pause_symbol ? PAUSE_SYMBOL : 0u);
}

/* The shipped policy decides every combination as the coordinator alone would. */
static void the_shipped_policy_follows_the_table(void **state)
{
    (void)state;
    static const struct {
        uint8_t breach, severity;
        const char *symbol;
        unsigned expected;
    } rows[] = {
        {TG_BREACH_DAILY_LOSS, TG_SEVERITY_LOW, "", PAUSE},
        {TG_BREACH_DAILY_LOSS, TG_SEVERITY_MEDIUM, "", PAUSE},
        {TG_BREACH_WEEKLY_LOSS, TG_SEVERITY_HIGH, "", HALT},
        {TG_BREACH_MAX_DRAWDOWN, TG_SEVERITY_CRITICAL, "", HALT},
        {TG_BREACH_CONSECUTIVE_LOSSES, TG_SEVERITY_CRITICAL, "", 0},
        {TG_BREACH_EXECUTION_ERRORS, TG_SEVERITY_HIGH, "BTC/USDT", PAUSE_SYMBOL},
        {TG_BREACH_EXECUTION_ERRORS, TG_SEVERITY_HIGH, "", HALT},
        {TG_BREACH_STORE_UNAVAILABLE, TG_SEVERITY_CRITICAL, "", PAUSE},
    };
    struct fixture fixture;
    struct policy_counters counters;
    open_shipped(&fixture);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct coord_emergency_case given = {.breach = rows[i].breach,
                                             .severity = rows[i].severity};
        struct coord_emergency_verdict verdict;
        tg_text_copy(given.symbol, sizeof given.symbol, rows[i].symbol);
        assert_int_equal(
            fixture.judge.emergency(fixture.judge.context, &given, &verdict, &fixture.error), 0);
        assert_int_equal(bits_of(&verdict.actions), rows[i].expected);
        assert_true(verdict.reason[0] != '\0');
        for (unsigned configured = 1; configured < 16; configured++) {
            given.is_configured = true;
            given.configured = given.minimum = actions_of(configured);
            assert_int_equal(
                fixture.judge.emergency(fixture.judge.context, &given, &verdict, &fixture.error),
                0);
            assert_int_equal(bits_of(&verdict.actions), configured);
        }
    }
    assert_true(policy_get_counters(fixture.policy, "emergency", &counters));
    assert_int_equal(counters.loosened, 0);
    close_policy(&fixture);
}

/* Its self-tests are met by cases without a symbol; what is asked of it names one. */
static void write_emergency(const char *judge)
{
    char text[2048];
    snprintf(text, sizeof text,
             "local function judge(case)\n"
             "  if case.symbol == '' then\n"
             "    return { halt_all = case.halt_all, reason = '' }\n"
             "  end\n"
             "  %s\n"
             "end\n"
             "return { name = 'emergency', version = '1', judge = judge,\n"
             "  selftest = function(test)\n"
             "    test('yes', {}, { halt_all = false })\n"
             "    test('no', { halt_all = true }, { halt_all = true })\n"
             "end }\n",
             judge);
    write_file("emergency.lua", text);
}

static void a_policy_may_only_add(void **state)
{
    (void)state;
    static const struct {
        const char *judge;
        unsigned minimum, expected;
        bool loosened, failed;
    } rows[] = {
        {"return { close_positions = true, reason = 'more' }", 0, CLOSE, false, false},
        {"return { halt_all = true, reason = 'more' }", PAUSE, HALT, false, false},
        {"return { close_positions = true, pause_trading = true, reason = '' }", REDUCE | PAUSE,
         CLOSE | PAUSE, false, false},
        {"return { reason = 'never mind' }", HALT | CLOSE, HALT | CLOSE, true, false},
        {"return { pause_trading = true, reason = 'less' }", HALT, HALT | PAUSE, true, false},
        {"return { reduce_positions = true, reason = 'half' }", CLOSE, CLOSE | REDUCE, true, false},
        {"return { halt_all = true, reason = '' }", PAUSE_SYMBOL, HALT | PAUSE_SYMBOL, true, false},
        {"error('at the worst moment')", HALT | CLOSE, HALT | CLOSE, false, true},
        {"while true do end", REDUCE | PAUSE, REDUCE | PAUSE, false, true},
        {"return { halt_all = 'yes', reason = '' }", PAUSE, PAUSE, false, true},
        {"return { halt_all = true }", PAUSE, PAUSE, false, true},
        {"return { sell_everything = true, reason = '' }", CLOSE, CLOSE, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture fixture;
        struct policy_counters counters;
        struct coord_emergency_case given = {.breach = TG_BREACH_DAILY_LOSS,
                                             .symbol = "BTC/USDT",
                                             .minimum = actions_of(rows[i].minimum)};
        struct coord_emergency_verdict verdict;
        write_emergency(rows[i].judge);
        prepare(&fixture, folder);
        open_policy(&fixture);
        int code = fixture.judge.emergency(fixture.judge.context, &given, &verdict, &fixture.error);
        if ((code != 0) != rows[i].failed || bits_of(&verdict.actions) != rows[i].expected)
            fail_msg("%s: code %d, actions %u", rows[i].judge, code, bits_of(&verdict.actions));
        assert_true(policy_get_counters(fixture.policy, "emergency", &counters));
        assert_int_equal(counters.loosened, rows[i].loosened);
        assert_int_equal(counters.failed, rows[i].failed);
        close_policy(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_policy_follows_the_table),
        cmocka_unit_test_setup_teardown(a_policy_may_only_add, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
