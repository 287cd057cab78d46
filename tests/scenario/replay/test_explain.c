/* A decision is explained from any of its ids, and the made-up bars of the demo are called so. */
#include "harness.h"

#include <string.h>

#define TEN_DAYS "--set", "feeds.BTC/USDT.config.days=10", "--set", "feeds.XRP/USDT.config.days=10"

static const char *decisions_of_the_demo(void)
{
    const char *path = scratch("demo.jsonl");
    struct run run;
    if (file_exists(path))
        return path;
    run_program(&run, "replay", "--decisions", path, TEN_DAYS, NULL);
    assert_done(&run);
    run_free(&run);
    return path;
}

static void a_decision_is_found_by_each_of_its_ids(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "order_id", "position_id"};
    struct decisions decisions;
    const char *path = decisions_of_the_demo();
    decisions_read(&decisions, path);
    const struct json_value *executed = decision_with(&decisions, 0, "executed");
    assert_non_null(executed);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct run run;
        run_program(&run, "explain", text_at(executed, keys[i]), "--decisions", path, NULL);
        assert_done(&run);
        assert_holds(run.out, text_of("Decision %s", text_at(executed, "id")));
        assert_holds(run.out, "Outcome: executed");
        assert_holds(run.out, text_at(executed, "order_id"));
        assert_holds(run.out, text_at(executed, "position_id"));
        run_free(&run);
        run_program(&run, "explain", "--json", text_at(executed, keys[i]), "--decisions", path,
                    NULL);
        struct json_value *same = result_of(&run);
        assert_string_equal(text_at(same, "id"), text_at(executed, "id"));
        json_free(same);
        run_free(&run);
    }
    decisions_free(&decisions);
}

/* Each outcome that the demo has: why it ended so is the last that is said, in lines that fit. */
static void every_outcome_is_explained(void **state)
{
    (void)state;
    static const char *const outcomes[] = {"executed", "rejected", "hold", "conflict_abort",
                                           "conflict_wait"};
    struct decisions decisions;
    const char *path = decisions_of_the_demo();
    decisions_read(&decisions, path);
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        const struct json_value *decision = decision_with(&decisions, 0, outcomes[i]);
        struct run run;
        assert_non_null(decision);
        run_program(&run, "explain", text_at(decision, "id"), "--decisions", path, NULL);
        assert_done(&run);
        assert_holds(run.out, text_of("Outcome: %s", outcomes[i]));
        assert_holds(run.out, text_at(decision, "reason"));
        assert_holds(run.out, text_at(decision, "signal.action"));
        for (const char *line = run.out; *line != '\0'; line += strcspn(line, "\n") + 1)
            assert_in_range(strcspn(line, "\n"), 0, 100);
        run_free(&run);
    }
    decisions_free(&decisions);
}

/* Step by step up to the one that said no, and no further. */
static void a_rejected_decision_has_no_order(void **state)
{
    (void)state;
    struct decisions decisions;
    decisions_read(&decisions, decisions_of_the_demo());
    const struct json_value *rejected = decision_with(&decisions, 0, "rejected");
    assert_non_null(rejected);
    assert_null(step_of(rejected, "order"));
    assert_null(step_of(rejected, "risk_override"));
    assert_non_null(step_of(rejected, "risk"));
    assert_int_equal(json_kind_of(at(rejected, "order_id")), JSON_NULL);
    assert_int_equal(json_kind_of(at(rejected, "position_id")), JSON_NULL);
    assert_int_equal(strlen(text_at(rejected, "policy_version")), 64);
    decisions_free(&decisions);
}

static void made_up_bars_are_called_so(void **state)
{
    (void)state;
    struct run run;
    run_program(&run, "replay", "--explain", "executed", TEN_DAYS, NULL);
    assert_done(&run);
    assert_holds(run.out, "SYNTHETIC");
    assert_holds(run.out, "Outcome: executed");
    run_free(&run);
    struct json_value *result = replay((const char *[]){TEN_DAYS, NULL});
    assert_true(json_flag(at(result, "synthetic")));
    assert_true(json_flag(at(result, "feeds.0.synthetic")));
    assert_true(json_flag(at(result, "feeds.1.synthetic")));
    assert_false(json_flag(at(result, "interrupted")));
    assert_true(whole_at(result, "outcomes.executed") > 0);
    assert_true(whole_at(result, "bars_used") == 2 * 10 * 1440);
    assert_money_adds_up(result);
    json_free(result);
}

/* Recorded bars beside made-up ones are not enough. */
static void one_synthetic_feed_makes_the_result_synthetic(void **state)
{
    (void)state;
    write_market(scratch("real.csv"), 60, NULL, 0);
    write_file(scratch("mixed.yaml"),
               "include:\n  - %s\n  - %s\npolicy:\n  folder: %s\n"
               "feeds:\n  BTC/USDT:\n    plugin: csv\n    config:\n      path: real.csv\n"
               "  XRP/USDT:\n    plugin: synthetic\n    config:\n      days: 1\n",
               project("config/symbols.yaml"), project("config/risk.yaml"), project("scripts"));
    struct json_value *result = replay((const char *[]){"--config", scratch("mixed.yaml"), NULL});
    assert_true(json_flag(at(result, "synthetic")));
    assert_false(json_flag(at(result, "feeds.0.synthetic")));
    assert_true(json_flag(at(result, "feeds.1.synthetic")));
    json_free(result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_decision_is_found_by_each_of_its_ids),
    cmocka_unit_test(every_outcome_is_explained),
    cmocka_unit_test(a_rejected_decision_has_no_order),
    cmocka_unit_test(made_up_bars_are_called_so),
    cmocka_unit_test(one_synthetic_feed_makes_the_result_synthetic),
};
SCENARIO_MAIN("explain")
