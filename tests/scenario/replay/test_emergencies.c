/*
 * A loss over a limit: the breaker is found, its action is taken and said, and nothing opens after
 * it. The price falls through the stop in one bar, so that a loss is larger than the stop allows.
 */
#include "harness.h"

#include <string.h>

#define MINUTES 120

/* Falls by 40 %, under the 50 % from which a bar is absurd. */
static const struct happening crash[] = {{20, 60, 60, 60, 60, 0}};

static struct json_value *play(const char *script, const char *const *sets)
{
    const char *arguments[24] = {"--config",    scripted_configuration(script),
                                 "--bars",      text_of("BTC/USDT=%s", scratch("crash.csv")),
                                 "--decisions", scratch("crash.jsonl")};
    size_t given = 6;
    for (; *sets != NULL; sets++) {
        arguments[given++] = "--set";
        arguments[given++] = *sets;
    }
    write_market(scratch("crash.csv"), MINUTES, crash, 1);
    struct json_value *result = replay(arguments);
    assert_money_adds_up(result);
    return result;
}

/* 2,000 lose 40 %: 8 % of the equity in a day. */
static void a_day_lost_pauses_trading(void **state)
{
    (void)state;
    struct decisions decisions;
    struct json_value *result =
        play("00:10 BUY size=2000; 01:30 BUY size=100", (const char *[]){NULL});
    assert_string_equal(text_at(result, "state"), "PAUSED");
    assert_holds(text_at(result, "state_reason"), "daily_loss");
    assert_int_equal(whole_at(result, "exits.stop_loss"), 1);
    assert_int_equal(whole_at(result, "outcomes.ignored_state"), 1);
    decisions_read(&decisions, scratch("crash.jsonl"));
    assert_holds(text_at(decisions.items[1], "reason"), "PAUSED");
    decisions_free(&decisions);
    json_free(result);
}

/* The drawdown is of BTC/USDT; ETH/USDT, which stands still, is closed because of it. */
static void a_drawdown_over_its_limit_halts_and_closes_everything(void **state)
{
    (void)state;
    const char *config = scripted_configuration("00:10 BUY size=2000; 01:30 BUY size=100");
    write_market(scratch("crash.csv"), MINUTES, crash, 1);
    write_market(scratch("calm.csv"), MINUTES, NULL, 0);
    struct json_value *result = replay((const char *[]){
        "--config", config, "--bars", text_of("BTC/USDT=%s", scratch("crash.csv")), "--bars",
        text_of("ETH/USDT=%s", scratch("calm.csv")), "--set", "risk.limits.drawdown_max_pct=6",
        "--set", "risk.limits.daily_loss_max_pct=50", "--set", "risk.limits.weekly_loss_max_pct=50",
        NULL});
    assert_string_equal(text_at(result, "state"), "HALTED");
    assert_holds(text_at(result, "state_reason"), "max_drawdown");
    assert_int_equal(json_count(at(result, "positions")), 0);
    assert_int_equal(whole_at(result, "outcomes.executed"), 2);
    assert_int_equal(whole_at(result, "trades"), 2);
    assert_int_equal(whole_at(result, "exits.stop_loss"), 1);
    /* a halted host runs no agents at all */
    assert_true(whole_at(result, "tasks.0.skipped.state") > 60);
    assert_int_equal(whole_at(result, "decisions"), 2);
    assert_money_adds_up(result);
    json_free(result);
}

static void without_close_positions_a_halt_leaves_stops_to_their_work(void **state)
{
    (void)state;
    struct json_value *result =
        play("00:10 BUY size=2000",
             (const char *[]){"risk.limits.drawdown_max_pct=6", "risk.limits.daily_loss_max_pct=50",
                              "risk.limits.weekly_loss_max_pct=50", NULL});
    assert_string_equal(text_at(result, "state"), "HALTED");
    assert_int_equal(whole_at(result, "exits.stop_loss"), 1);
    json_free(result);
}

static void the_table_says_why_trading_stopped(void **state)
{
    (void)state;
    struct run run;
    write_market(scratch("crash.csv"), MINUTES, crash, 1);
    run_program(&run, "replay", "--config", scripted_configuration("00:10 BUY size=2000"), "--bars",
                text_of("BTC/USDT=%s", scratch("crash.csv")), NULL);
    assert_done(&run);
    assert_holds(run.out, "PAUSED since 2024-01-01 00:2");
    assert_holds(run.out, "daily_loss");
    assert_holds(run.err, "daily_loss");
    run_free(&run);
}

/* A loss begins a cool-down: the next entry is refused with the time that is left. */
static void a_loss_begins_a_cool_down(void **state)
{
    (void)state;
    struct decisions decisions;
    struct json_value *result =
        play("00:10 BUY size=100; 00:22 BUY size=100; 01:30 BUY size=100", (const char *[]){NULL});
    assert_string_equal(text_at(result, "state"), "RUNNING");
    assert_int_equal(whole_at(result, "rejections.IN_COOLDOWN"), 1);
    assert_int_equal(whole_at(result, "outcomes.executed"), 2);
    decisions_read(&decisions, scratch("crash.jsonl"));
    assert_holds(text_at(decisions.items[1], "reason"), "cool-down");
    decisions_free(&decisions);
    json_free(result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_day_lost_pauses_trading),
    cmocka_unit_test(a_drawdown_over_its_limit_halts_and_closes_everything),
    cmocka_unit_test(without_close_positions_a_halt_leaves_stops_to_their_work),
    cmocka_unit_test(the_table_says_why_trading_stopped),
    cmocka_unit_test(a_loss_begins_a_cool_down),
};
SCENARIO_MAIN("emergencies")
