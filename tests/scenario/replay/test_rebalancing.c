/*
 * A made-up month with the task portfolio_check on: batches at their times, each judged by risk,
 * profits put into bags, and money that adds up to the last digit with signals, the allocation and
 * bags side by side; on however many lanes.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000000000)

/* Limits so wide that the whole allocation is reached, a band so narrow that it is often left. */
#define WIDE                                                                                       \
    "--set", "tasks.portfolio_check.enabled=true", "--set", "portfolio.hodl_bags=true", "--set",   \
        "agents.portfolio_rebalance.config.deviation_pct=2", "--set", "portfolio.targets.BTC=20",  \
        "--set", "portfolio.targets.XRP=20", "--set", "portfolio.targets.USDT=60", "--set",        \
        "risk.limits.correlated_exposure_max_pct=200", "--set",                                    \
        "risk.limits.margin_utilization_max_pct=95", "--set", "risk.limits.exposure_max_pct=300",  \
        "--set", "risk.limits.daily_loss_max_pct=30", "--set",                                     \
        "risk.limits.weekly_loss_max_pct=40", "--set", "risk.limits.drawdown_max_pct=60"

static const char *kind_of(const struct json_value *decision)
{
    const struct json_value *kind = json_member(decision, "kind");
    return kind != NULL ? json_string(kind) : "signal";
}

static size_t count_of(const struct decisions *made, const char *kind, const char *action,
                       const char *outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < made->count; i++)
        count += strcmp(kind_of(made->items[i]), kind) == 0 &&
                 strcmp(text_at(made->items[i], "signal.action"), action) == 0 &&
                 strcmp(text_at(made->items[i], "outcome"), outcome) == 0;
    return count;
}

static void signals_the_allocation_and_bags_add_up(void **state)
{
    (void)state;
    struct decisions made;
    const char *path = scratch("wide.jsonl");
    struct json_value *result = replay((const char *[]){"--decisions", path, WIDE, NULL});
    decisions_read(&made, path);
    assert_money_adds_up(result);
    assert_true(count_of(&made, "rebalance", "BUY", "executed") >= 12);
    assert_true(count_of(&made, "rebalance", "CLOSE_LONG", "executed") > 0);
    assert_true(count_of(&made, "hodl", "BUY", "executed") > 0);
    assert_true(count_of(&made, "signal", "BUY", "executed") > 0);
    assert_int_equal(sum_at(result, "outcomes"), made.count);
    assert_true(decimal_at(result, "hodl_value").units > 0);
    assert_true(decimal_at(result, "hodl_cash").units > 0);
    decisions_free(&made);
    json_free(result);
}

/* With the limits of risk.yaml: six batches four hours apart, the last ones refused by risk. */
static void batches_are_four_hours_apart_and_judged(void **state)
{
    (void)state;
    struct decisions made;
    const char *path = scratch("batches.jsonl");
    struct json_value *result = replay(
        (const char *[]){"--decisions", path, "--set", "tasks.portfolio_check.enabled=true", NULL});
    int64_t first = 0;
    int64_t batches = 0;
    size_t refused = 0;
    decisions_read(&made, path);
    assert_money_adds_up(result);
    for (size_t i = 0; i < made.count && batches < 12; i++) {
        const struct json_value *decision = made.items[i];
        if (strcmp(kind_of(decision), "rebalance") != 0)
            continue;
        int64_t opened = parse_time(text_at(decision, "opened_at"));
        if (batches == 0)
            first = opened;
        /* two symbols a batch */
        assert_int_equal(whole_at(decision, "batch"), batches / 2 + 1);
        assert_int_equal(whole_at(decision, "batches"), 6);
        assert_int_equal(opened, first + batches / 2 * 4 * HOUR);
        assert_null(step_of(decision, "consensus"));
        assert_non_null(step_of(decision, "risk"));
        if (strcmp(text_at(decision, "outcome"), "executed") != 0) {
            assert_string_equal(text_at(decision, "code"), "CORRELATED_EXPOSURE");
            refused++;
        }
        batches++;
    }
    assert_int_equal(batches, 12);
    assert_in_range(refused, 1, 11);
    decisions_free(&made);
    json_free(result);
}

static void lanes_change_nothing(void **state)
{
    (void)state;
    static const char *const lanes[] = {"0", "1", "4"};
    char *results[3];
    char *decisions[3];
    size_t lengths[3];
    for (size_t i = 0; i < 3; i++) {
        struct run run;
        const char *path = scratch("lanes.jsonl");
        run_arguments(&run, (const char *[]){"replay", "--json", "--decisions", path, "--lanes",
                                             lanes[i], WIDE, NULL});
        assert_done(&run);
        results[i] = run.out;
        decisions[i] = read_file(path, &lengths[i]);
        free(run.err);
        assert_string_equal(results[i], results[0]);
        assert_int_equal(lengths[i], lengths[0]);
        assert_memory_equal(decisions[i], decisions[0], lengths[0]);
    }
    for (size_t i = 0; i < 3; i++) {
        free(results[i]);
        free(decisions[i]);
    }
}

static void it_is_off_unless_it_is_asked_for(void **state)
{
    (void)state;
    struct decisions made;
    const char *path = scratch("off.jsonl");
    struct json_value *result = replay((const char *[]){"--decisions", path, NULL});
    decisions_read(&made, path);
    for (size_t i = 0; i < made.count; i++)
        assert_string_equal(kind_of(made.items[i]), "signal");
    assert_int_equal(decimal_at(result, "hodl_value").units, 0);
    decisions_free(&made);
    json_free(result);
}

static void targets_that_are_not_a_hundred_are_refused(void **state)
{
    (void)state;
    struct run run;
    run_program(&run, "replay", "--set", "portfolio.targets.BTC=60", "--set",
                "portfolio.targets.USDT=30", NULL);
    assert_refused(&run, 1, "portfolio.targets", "90", "100", NULL);
    run_free(&run);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(signals_the_allocation_and_bags_add_up),
    cmocka_unit_test(batches_are_four_hours_apart_and_judged),
    cmocka_unit_test(lanes_change_nothing),
    cmocka_unit_test(it_is_off_unless_it_is_asked_for),
    cmocka_unit_test(targets_that_are_not_a_hundred_are_refused),
};
SCENARIO_MAIN("rebalancing")
