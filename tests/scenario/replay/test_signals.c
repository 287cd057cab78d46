/*
 * What becomes of signals, one kind at a time, said by an agent that follows a script. Prices stand
 * at 100 but for what a test lets happen.
 */
#include "harness.h"

#include <string.h>

#define MINUTES 120

struct outcome {
    struct json_value *result;
    struct decisions decisions;
    struct run run;
};

/* Replays the script over the happenings, with further `--set`s. */
static struct outcome play(const char *script, const struct happening *happenings, size_t count,
                           const char *const *sets)
{
    struct outcome outcome;
    const char *arguments[24] = {"replay",      "--json",
                                 "--config",    scripted_configuration(script),
                                 "--bars",      text_of("BTC/USDT=%s", scratch("bars.csv")),
                                 "--decisions", scratch("decisions.jsonl")};
    size_t given = 8;
    for (; *sets != NULL; sets++) {
        arguments[given++] = "--set";
        arguments[given++] = *sets;
    }
    write_market(scratch("bars.csv"), MINUTES, happenings, count);
    run_arguments(&outcome.run, arguments);
    outcome.result = result_of(&outcome.run);
    decisions_read(&outcome.decisions, scratch("decisions.jsonl"));
    assert_int_equal(outcome.decisions.count, whole_at(outcome.result, "decisions"));
    assert_int_equal(sum_at(outcome.result, "outcomes"), outcome.decisions.count);
    assert_money_adds_up(outcome.result);
    return outcome;
}

static struct outcome play_flat(const char *script)
{
    return play(script, NULL, 0, (const char *[]){NULL});
}

static void done(struct outcome *outcome)
{
    json_free(outcome->result);
    decisions_free(&outcome->decisions);
    run_free(&outcome->run);
}

static void hold_is_a_decision_without_an_order(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 HOLD");
    assert_int_equal(whole_at(outcome.result, "outcomes.hold"), 1);
    assert_int_equal(whole_at(outcome.result, "decisions"), 1);
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    done(&outcome);
}

static void a_buy_opens_a_long_position_with_a_stop(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=500");
    assert_int_equal(whole_at(outcome.result, "outcomes.executed"), 1);
    assert_string_equal(text_at(outcome.result, "positions.0.side"), "buy");
    assert_string_equal(text_at(outcome.result, "positions.0.size"), "5");
    assert_string_equal(text_at(outcome.result, "positions.0.cost"), "500");
    assert_string_equal(text_at(outcome.result, "positions.0.stop_price"), "99");
    assert_string_equal(text_at(outcome.result, "positions.0.target_price"), "102");
    assert_string_equal(text_at(outcome.result, "fees"), "1.3");
    done(&outcome);
}

/* Refused as it is published: no decision, the agent's run fails, the host says why. */
static void assert_refused_at_publish(const char *script, const char *sentence)
{
    struct outcome outcome = play_flat(script);
    assert_int_equal(whole_at(outcome.result, "decisions"), 0);
    assert_int_equal(whole_at(outcome.result, "signals"), 0);
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    assert_int_equal(whole_at(outcome.result, "agents.0.refused"), 1);
    assert_int_equal(whole_at(outcome.result, "tasks.0.failed"), 1);
    assert_holds(outcome.run.err, sentence);
    assert_holds(outcome.run.err, "task script for BTC/USDT");
    done(&outcome);
}

static void a_signal_without_a_price_is_refused_and_announced(void **state)
{
    (void)state;
    assert_refused_at_publish("00:10 BUY size=500 entry=none", "entry_price");
}

static void a_signal_without_a_stop_is_refused_and_announced(void **state)
{
    (void)state;
    assert_refused_at_publish("00:10 BUY size=500 stop=none", "stop_loss");
}

static void a_signal_without_a_target_is_refused_and_announced(void **state)
{
    (void)state;
    assert_refused_at_publish("00:10 SELL size=500 target=none", "take_profit");
}

static void a_confidence_that_is_no_number_is_refused(void **state)
{
    (void)state;
    assert_refused_at_publish("00:10 BUY size=500 confidence=nan", "confidence");
    assert_refused_at_publish("00:10 HOLD confidence=inf", "confidence");
    assert_refused_at_publish("00:10 HOLD confidence=1.5", "confidence");
}

static void closing_nothing_is_rejected_and_opens_nothing(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 CLOSE_SHORT; 00:20 CLOSE_LONG");
    assert_int_equal(whole_at(outcome.result, "outcomes.rejected"), 2);
    assert_int_equal(whole_at(outcome.result, "rejections.NO_POSITION"), 2);
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    assert_int_equal(whole_at(outcome.result, "fills"), 0);
    assert_holds(text_at(outcome.decisions.items[0], "reason"), "short position of BTC/USDT");
    done(&outcome);
}

/* CLOSE_LONG while a short is open closes nothing. */
static void closing_the_other_side_is_rejected(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 SELL size=500; 00:30 CLOSE_LONG");
    assert_int_equal(whole_at(outcome.result, "rejections.NO_POSITION"), 1);
    assert_int_equal(json_count(at(outcome.result, "positions")), 1);
    done(&outcome);
}

static void a_slot_makes_one_decision(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=500; 00:10 BUY size=500; 00:10 SELL");
    assert_int_equal(whole_at(outcome.result, "signals"), 3);
    assert_int_equal(whole_at(outcome.result, "signals_duplicate"), 2);
    assert_int_equal(whole_at(outcome.result, "decisions"), 1);
    assert_int_equal(whole_at(outcome.result, "outcomes.executed"), 1);
    assert_int_equal(json_count(at(outcome.result, "positions")), 1);
    done(&outcome);
}

static void a_short_is_closed_and_not_turned(void **state)
{
    (void)state;
    static const struct happening falls[] = {{20, 100, 100, 99, 99, 0}};
    struct outcome outcome = play("00:10 SELL size=500; 00:30 CLOSE_SHORT", falls, 1,
                                  (const char *[]){"venue.config.fee_pct=0", NULL});
    assert_int_equal(whole_at(outcome.result, "outcomes.executed"), 2);
    assert_int_equal(json_count(at(outcome.result, "positions")), 0);
    assert_int_equal(whole_at(outcome.result, "fills"), 2);
    assert_int_equal(whole_at(outcome.result, "trades"), 1);
    assert_int_equal(whole_at(outcome.result, "exits.signal"), 1);
    assert_string_equal(text_at(outcome.result, "realised_pnl"), "5");
    done(&outcome);
}

static void a_symbol_that_is_not_traded_makes_no_decision(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=500 symbol=DOGE/USDT");
    assert_int_equal(whole_at(outcome.result, "decisions"), 0);
    assert_int_equal(whole_at(outcome.result, "signals_refused"), 1);
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    assert_holds(outcome.run.err, "DOGE/USDT makes no decision: the symbol is not configured");
    done(&outcome);
}

static void a_stop_too_wide_is_rejected_with_its_numbers(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=500 stop=4 target=8");
    assert_int_equal(whole_at(outcome.result, "rejections.STOP_TOO_WIDE"), 1);
    assert_string_equal(text_at(outcome.decisions.items[0], "code"), "STOP_TOO_WIDE");
    assert_holds(text_at(outcome.decisions.items[0], "reason"), "4");
    assert_holds(text_at(outcome.decisions.items[0], "reason"), "at most 3 %");
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    done(&outcome);
}

/* Size is the position's size: leverage changes the margin, and no profit or loss. */
static void leverage_does_not_multiply_the_profit(void **state)
{
    (void)state;
    static const struct happening rises[] = {{20, 100, 102.5, 100, 102.5, 0}};
    const char *const sets[] = {"risk.leverage.unknown=5", "conflict.leverage_steps=10",
                                "venue.config.fee_pct=0", NULL};
    for (int leverage = 1; leverage <= 5; leverage += 2) {
        struct outcome outcome =
            play(text_of("00:10 BUY size=500 leverage=%d", leverage), rises, 1, sets);
        assert_int_equal(whole_at(outcome.result, "exits.take_profit"), 1);
        assert_string_equal(text_at(outcome.result, "realised_pnl"), "10");
        done(&outcome);
    }
}

/* One bar goes through both legs: one exit, the worse one, and nothing is left to turn around. */
static void one_bar_through_both_legs_exits_once(void **state)
{
    (void)state;
    static const struct happening both[] = {{20, 100, 103, 97, 100, 0}};
    struct outcome outcome =
        play("00:10 BUY size=500", both, 1, (const char *[]){"venue.config.fee_pct=0", NULL});
    assert_int_equal(whole_at(outcome.result, "trades"), 1);
    assert_int_equal(whole_at(outcome.result, "fills"), 2);
    assert_int_equal(whole_at(outcome.result, "exits.stop_loss"), 1);
    assert_int_equal(json_count(at(outcome.result, "positions")), 0);
    assert_string_equal(text_at(outcome.result, "realised_pnl"), "-5");
    done(&outcome);
}

/* Fills in parts add up to one position, and its legs have the size of all of them. */
static void parts_of_an_order_make_one_position(void **state)
{
    (void)state;
    static const struct happening falls[] = {{60, 100, 100, 98, 98, 0}};
    struct outcome outcome =
        play("00:10 BUY size=1500", falls, 1,
             (const char *[]){"venue.config.fee_pct=0", "venue.config.partial_fill_volume_pct=0.5",
                              NULL});
    assert_true(whole_at(outcome.result, "fills") >= 4);
    assert_int_equal(whole_at(outcome.result, "trades"), 1);
    assert_int_equal(json_count(at(outcome.result, "positions")), 0);
    assert_string_equal(text_at(outcome.result, "start_equity"), "10000");
    done(&outcome);
}

static void a_signal_without_a_size_is_sized_by_the_policy(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY stop=2 target=4");
    assert_int_equal(whole_at(outcome.result, "outcomes.executed"), 1);
    /* 1 % of 10,000 at a stop of 2 % is 5,000; no more than 20 % of equity */
    assert_string_equal(text_at(step_of(outcome.decisions.items[0], "sizing"), "size_usd"), "2000");
    done(&outcome);
}

static void a_size_over_the_limit_is_reduced_and_says_so(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=3000");
    const struct json_value *risk = step_of(outcome.decisions.items[0], "risk");
    assert_string_equal(text_at(risk, "status"), "modified");
    assert_string_equal(text_at(risk, "size_usd"), "2000");
    assert_string_equal(text_at(risk, "reductions.0.rule"), "POSITION_SIZE");
    done(&outcome);
}

/* Risk took more than half: abort, as the most cautious answer is. */
static void a_size_cut_by_more_than_half_is_aborted(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:10 BUY size=9000");
    assert_int_equal(whole_at(outcome.result, "outcomes.conflict_abort"), 1);
    assert_string_equal(text_at(outcome.decisions.items[0], "code"), "risk_override");
    assert_int_equal(whole_at(outcome.result, "orders"), 0);
    done(&outcome);
}

static void an_agreeing_reading_counts_in_consensus(void **state)
{
    (void)state;
    struct outcome outcome =
        play_flat("00:09 TA_SHORT confidence=0.8; 00:10 SELL size=500 confidence=0.9");
    const struct json_value *consensus = step_of(outcome.decisions.items[0], "consensus");
    assert_int_equal(whole_at(consensus, "present"), 1);
    assert_int_equal(whole_at(consensus, "agreeing"), 1);
    assert_string_equal(text_at(consensus, "opinions.ta_bias"), "short");
    done(&outcome);
}

/* A reading of another symbol is nobody's opinion on this one. */
static void a_reading_of_another_symbol_does_not_count(void **state)
{
    (void)state;
    struct outcome outcome = play_flat("00:09 TA_SHORT symbol=ETH/USDT; 00:10 SELL size=500");
    const struct json_value *consensus = step_of(outcome.decisions.items[0], "consensus");
    assert_int_equal(whole_at(consensus, "present"), 0);
    assert_true(json_number(at(consensus, "multiplier")) == 1.0);
    done(&outcome);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(hold_is_a_decision_without_an_order),
    cmocka_unit_test(a_buy_opens_a_long_position_with_a_stop),
    cmocka_unit_test(a_signal_without_a_price_is_refused_and_announced),
    cmocka_unit_test(a_signal_without_a_stop_is_refused_and_announced),
    cmocka_unit_test(a_signal_without_a_target_is_refused_and_announced),
    cmocka_unit_test(a_confidence_that_is_no_number_is_refused),
    cmocka_unit_test(closing_nothing_is_rejected_and_opens_nothing),
    cmocka_unit_test(closing_the_other_side_is_rejected),
    cmocka_unit_test(a_slot_makes_one_decision),
    cmocka_unit_test(a_short_is_closed_and_not_turned),
    cmocka_unit_test(a_symbol_that_is_not_traded_makes_no_decision),
    cmocka_unit_test(a_stop_too_wide_is_rejected_with_its_numbers),
    cmocka_unit_test(leverage_does_not_multiply_the_profit),
    cmocka_unit_test(one_bar_through_both_legs_exits_once),
    cmocka_unit_test(parts_of_an_order_make_one_position),
    cmocka_unit_test(a_signal_without_a_size_is_sized_by_the_policy),
    cmocka_unit_test(a_size_over_the_limit_is_reduced_and_says_so),
    cmocka_unit_test(a_size_cut_by_more_than_half_is_aborted),
    cmocka_unit_test(an_agreeing_reading_counts_in_consensus),
    cmocka_unit_test(a_reading_of_another_symbol_does_not_count),
};
SCENARIO_MAIN("signals")
