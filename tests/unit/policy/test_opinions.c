/* The shipped consensus, conflict and sizing policies. */
#include "support.h"

#include <math.h>

static struct fixture fixture;

static int open_group(void **state)
{
    (void)state;
    open_shipped(&fixture);
    return 0;
}

static int close_group(void **state)
{
    (void)state;
    close_policy(&fixture);
    return 0;
}

/* ---- consensus ---- */

static struct coord_consensus_verdict consensus(const struct coord_consensus_case *given)
{
    struct coord_consensus_verdict verdict;
    if (fixture.judge.consensus(fixture.judge.context, given, &verdict, &fixture.error))
        fail_msg("%s", fixture.error.message);
    return verdict;
}

static void has_multiplier(const struct coord_consensus_case *given, double expected)
{
    struct coord_consensus_verdict verdict = consensus(given);
    if (fabs(verdict.multiplier - expected) > 1e-12)
        fail_msg("%u of %u: %g, expected %g", verdict.agreeing, verdict.present, verdict.multiplier,
                 expected);
    assert_true(fabs(verdict.confidence - fmin(given->confidence * expected, 1)) < 1e-12);
}

static struct coord_consensus_case opinions(uint8_t action, uint8_t ta, uint8_t regime,
                                            uint8_t sentiment)
{
    return (struct coord_consensus_case){.action = action,
                                         .confidence = 0.5,
                                         .opinions = {.has_ta = true,
                                                      .has_regime = true,
                                                      .has_sentiment = true,
                                                      .ta_bias = ta,
                                                      .regime = regime,
                                                      .sentiment = sentiment}};
}

static void consensus_counts_agreement(void **state)
{
    (void)state;
    struct coord_consensus_case given =
        opinions(TG_ACTION_BUY, TG_BIAS_LONG, TG_REGIME_TRENDING_BULL, TG_SENTIMENT_BULLISH);
    has_multiplier(&given, 1.30);
    given.opinions.sentiment = TG_SENTIMENT_NEUTRAL; /* 2 of 3 is over 0.66 */
    has_multiplier(&given, 1 + (2.0 / 3 - 0.5) * 2 * 0.30);
    given.opinions.regime = TG_REGIME_RANGING; /* 1 of 3 is over 0.33 */
    has_multiplier(&given, 1);
    given.opinions.ta_bias = TG_BIAS_NEUTRAL;
    has_multiplier(&given, 0.85);
    given =
        opinions(TG_ACTION_SELL, TG_BIAS_SHORT, TG_REGIME_TRENDING_BEAR, TG_SENTIMENT_VERY_BEARISH);
    has_multiplier(&given, 1.30);
    given.confidence = 0.9;
    assert_true(consensus(&given).confidence == 1);
}

static void consensus_knows_every_regime(void **state)
{
    (void)state;
    for (uint8_t regime = 0; regime < TG_REGIME_COUNT; regime++) {
        struct coord_consensus_case given =
            opinions(TG_ACTION_BUY, TG_BIAS_LONG, regime, TG_SENTIMENT_VERY_BULLISH);
        bool agrees = regime == TG_REGIME_TRENDING_BULL || regime == TG_REGIME_BREAKOUT_POTENTIAL;
        assert_int_equal(consensus(&given).agreeing, agrees ? 3 : 2);
        given = opinions(TG_ACTION_SELL, TG_BIAS_SHORT, regime, TG_SENTIMENT_BEARISH);
        assert_int_equal(consensus(&given).agreeing, regime == TG_REGIME_TRENDING_BEAR ? 3 : 2);
    }
}

/* Absent is not neutral, and one voice is no consensus. */
static void consensus_asks_for_two(void **state)
{
    (void)state;
    struct coord_consensus_case given = {.action = TG_ACTION_BUY, .confidence = 0.6};
    has_multiplier(&given, 1);
    assert_int_equal(consensus(&given).present, 0);
    given.opinions.has_ta = true;
    given.opinions.ta_bias = TG_BIAS_LONG;
    has_multiplier(&given, 1);
    given.opinions.ta_bias = TG_BIAS_SHORT;
    has_multiplier(&given, 0.85);
    given.opinions.has_sentiment = true;
    given.opinions.sentiment = TG_SENTIMENT_BULLISH;
    has_multiplier(&given, 1); /* 1 of 2 */
    given.opinions.ta_bias = TG_BIAS_LONG;
    has_multiplier(&given, 1.30); /* 2 of 2 */
}

/* With three agents r never is 0.66 or 0.33 itself: the ends are moved to where it is. */
static void consensus_ends_of_the_ranges(void **state)
{
    (void)state;
    struct fixture shipped = fixture, own;
    static const struct {
        const char *path;
        double value, expected;
    } rows[] = {
        {"consensus.agree_ratio", 2.0 / 3, 1.1},
        {"consensus.agree_ratio", 0.6667, 1},
        {"consensus.disagree_ratio", 2.0 / 3, 1.1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        prepare(&own, "scripts");
        set_parameter(&own.parameters, rows[i].path, rows[i].value);
        open_policy(&own);
        fixture = own;
        struct coord_consensus_case given =
            opinions(TG_ACTION_BUY, TG_BIAS_LONG, TG_REGIME_RANGING, TG_SENTIMENT_BULLISH);
        has_multiplier(&given, rows[i].expected);
        close_policy(&own);
    }
    prepare(&own, "scripts");
    set_parameter(&own.parameters, "consensus.disagree_ratio", 1.0 / 3);
    open_policy(&own);
    fixture = own;
    struct coord_consensus_case given =
        opinions(TG_ACTION_BUY, TG_BIAS_LONG, TG_REGIME_RANGING, TG_SENTIMENT_NEUTRAL);
    has_multiplier(&given, 1); /* r = 1/3 is not below 1/3 */
    close_policy(&own);
    prepare(&own, "scripts");
    set_parameter(&own.parameters, "consensus.disagree_ratio", 0.5);
    open_policy(&own);
    fixture = own;
    has_multiplier(&given, 0.85 + 1.0 / 3 * (0.15 / 0.5));
    close_policy(&own);
    fixture = shipped;
}

/* ---- conflicts ---- */

static struct coord_conflict_verdict conflicts(const struct coord_conflict_case *given)
{
    struct coord_conflict_verdict verdict;
    if (fixture.judge.conflicts(fixture.judge.context, given, &verdict, &fixture.error))
        fail_msg("%s", fixture.error.message);
    return verdict;
}

static struct coord_conflict_case calm(void)
{
    return (struct coord_conflict_case){.symbol = "XRP/USDT",
                                        .action = TG_ACTION_BUY,
                                        .confidence = 0.7,
                                        .opinions = {.has_ta = true,
                                                     .has_regime = true,
                                                     .has_sentiment = true,
                                                     .ta_bias = TG_BIAS_LONG,
                                                     .ta_confidence = 0.7,
                                                     .regime = TG_REGIME_TRENDING_BULL,
                                                     .sentiment = TG_SENTIMENT_BULLISH,
                                                     .sentiment_confidence = 0.7}};
}

static void finds_none(const struct coord_conflict_case *given)
{
    struct coord_conflict_verdict verdict = conflicts(given);
    if (verdict.conflict_count)
        fail_msg("%s", verdict.reason);
    assert_int_equal(verdict.resolution, COORD_PROCEED);
}

static void finds(const struct coord_conflict_case *given, enum coord_conflict conflict,
                  enum coord_resolution resolution)
{
    struct coord_conflict_verdict verdict = conflicts(given);
    assert_int_equal(verdict.conflict_count, 1);
    assert_int_equal(verdict.conflicts[0], conflict);
    assert_int_equal(verdict.resolution, resolution);
    assert_true(verdict.reason[0] != '\0');
}

static void ta_against_sentiment(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    finds_none(&given);
    given.opinions.sentiment = TG_SENTIMENT_BEARISH;
    finds(&given, COORD_CONFLICT_TA_SENTIMENT, COORD_WAIT);
    given.opinions.sentiment_confidence = 0.501;
    finds(&given, COORD_CONFLICT_TA_SENTIMENT, COORD_WAIT);
    given.opinions.sentiment_confidence = 0.5; /* a difference of 0.2 is enough */
    finds_none(&given);
    given.opinions.sentiment_confidence = 0.9;
    finds_none(&given);
    given.opinions.sentiment_confidence = 0.7;
    given.opinions.sentiment = TG_SENTIMENT_NEUTRAL;
    finds_none(&given);
    given.opinions.ta_bias = TG_BIAS_SHORT;
    given.opinions.sentiment = TG_SENTIMENT_VERY_BULLISH;
    finds(&given, COORD_CONFLICT_TA_SENTIMENT, COORD_WAIT);
    given.opinions.has_sentiment = false;
    finds_none(&given);
}

static void choppy_regime(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    given.opinions.regime = TG_REGIME_CHOPPY;
    finds(&given, COORD_CONFLICT_REGIME, COORD_ABORT);
    given.opinions.has_regime = false;
    finds_none(&given);
    given = calm();
    given.opinions.regime = TG_REGIME_CHOPPY;
    given.action = TG_ACTION_CLOSE_SHORT;
    finds_none(&given);
}

static void regime_changed(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    given.position_count = 1;
    given.positions[0] = (struct coord_seen_position){.symbol = "XRP/USDT",
                                                      .side = TG_SIDE_BUY,
                                                      .same_symbol = true,
                                                      .regime_at_open = TG_REGIME_TRENDING_BULL};
    finds_none(&given);
    given.positions[0].regime_at_open = TG_REGIME_RANGING;
    finds(&given, COORD_CONFLICT_REGIME_CHANGE, COORD_ABORT);
    given.positions[0].decision = true;
    finds_none(&given);
}

static void opposite_on_another_symbol(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    given.position_count = 1;
    given.positions[0] =
        (struct coord_seen_position){.symbol = "BTC/USDT", .side = TG_SIDE_SELL, .decision = true};
    finds(&given, COORD_CONFLICT_CROSS_SYMBOL, COORD_WAIT); /* 0.75, an open decision */
    given.positions[0].side = TG_SIDE_BUY;
    finds_none(&given);
    tg_text_copy(given.symbol, sizeof given.symbol, "XRP/BTC");
    given.positions[0].side = TG_SIDE_SELL;
    finds_none(&given); /* 0.60 */
    tg_text_copy(given.positions[0].symbol, TG_SYMBOL_SIZE, "XRP/BTC");
    given.positions[0].same_symbol = true;
    finds(&given, COORD_CONFLICT_CROSS_SYMBOL, COORD_WAIT);
}

static void correlation_at_the_limit(void **state)
{
    (void)state;
    struct fixture shipped = fixture, own;
    prepare(&own, "scripts");
    set_parameter(&own.parameters, "conflict.correlation_min", 0.75);
    open_policy(&own);
    fixture = own;
    struct coord_conflict_case given = calm();
    given.position_count = 1;
    given.positions[0] = (struct coord_seen_position){.symbol = "BTC/USDT", .side = TG_SIDE_SELL};
    finds(&given, COORD_CONFLICT_CROSS_SYMBOL, COORD_WAIT);
    close_policy(&own);
    prepare(&own, "scripts");
    set_parameter(&own.parameters, "conflict.correlation_min", 0.751);
    open_policy(&own);
    fixture = own;
    finds_none(&given);
    close_policy(&own);
    fixture = shipped;
}

static void risk_overrides(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    given.after_risk = true;
    given.opinions.regime = TG_REGIME_CHOPPY; /* not looked at again */
    given.size_before = 1000;
    given.size_after = 500; /* half is not more than half */
    given.leverage_before = 3;
    given.leverage_after = 2;
    finds_none(&given);
    given.size_after = 499.9;
    finds(&given, COORD_CONFLICT_RISK_OVERRIDE, COORD_ABORT);
    given.size_after = 1000;
    given.leverage_after = 1;
    finds(&given, COORD_CONFLICT_RISK_OVERRIDE, COORD_ABORT);
    given.size_before = given.size_after = 0;
    given.leverage_after = 3;
    finds_none(&given);
}

static void several_at_once(void **state)
{
    (void)state;
    struct coord_conflict_case given = calm();
    given.opinions.sentiment = TG_SENTIMENT_VERY_BEARISH;
    given.opinions.regime = TG_REGIME_CHOPPY;
    given.position_count = 2;
    given.positions[0] = (struct coord_seen_position){
        .symbol = "XRP/USDT", .same_symbol = true, .regime_at_open = TG_REGIME_RANGING};
    given.positions[1] = (struct coord_seen_position){.symbol = "BTC/USDT", .side = TG_SIDE_SELL};
    struct coord_conflict_verdict verdict = conflicts(&given);
    assert_int_equal(verdict.conflict_count, 4);
    for (uint8_t i = 0; i < 4; i++)
        assert_int_equal(verdict.conflicts[i], i);
    assert_int_equal(verdict.resolution, COORD_ABORT);
}

/* ---- sizing ---- */

static double size_of(const struct coord_sizing_case *given)
{
    struct coord_sizing_verdict verdict;
    if (fixture.judge.sizing(fixture.judge.context, given, &verdict, &fixture.error))
        fail_msg("%s", fixture.error.message);
    return verdict.size_usd;
}

static void is_about(double value, double expected)
{
    if (fabs(value - expected) > 1e-9 * fmax(1, expected))
        fail_msg("%g, expected %g", value, expected);
}

static void sizes_follow_confidence_stop_and_regime(void **state)
{
    (void)state;
    struct coord_sizing_case given = {.symbol = "XRP/USDT",
                                      .action = TG_ACTION_BUY,
                                      .confidence = 0.9,
                                      .entry_price = 100,
                                      .stop_loss = 96,
                                      .equity = 10000,
                                      .regime = TG_REGIME_TRENDING_BULL,
                                      .position_size_multiplier = 1};
    is_about(size_of(&given), 2000); /* 20 % of equity; 1 % at the stop would be 2,500 */
    given.stop_loss = 90;
    is_about(size_of(&given), 1000); /* 100 lost at a stop 10 % away */
    given.stop_loss = 110;           /* a sell's stop counts the same */
    is_about(size_of(&given), 1000);
    given.confidence = 0.55;
    is_about(size_of(&given), 500);
    given.confidence = 0;
    is_about(size_of(&given), 500);
    given.confidence = 0.725;
    is_about(size_of(&given), 750);
    given.confidence = 1;
    given.position_size_multiplier = 0.25;
    is_about(size_of(&given), 250);
    given.position_size_multiplier = 3;
    is_about(size_of(&given), 1000);
    given.position_size_multiplier = 1;
    given.stop_loss = 0; /* none: the widest allowed, 5 % */
    is_about(size_of(&given), 2000);
    given.equity = 0;
    is_about(size_of(&given), 0);
    given.equity = -5;
    is_about(size_of(&given), 0);
    given.equity = 10000;
    given.action = TG_ACTION_HOLD;
    is_about(size_of(&given), 0);
}

static void sizes_of_the_signal_are_kept(void **state)
{
    (void)state;
    struct coord_sizing_case given = {.action = TG_ACTION_BUY,
                                      .entry_price = 100,
                                      .equity = 10000,
                                      .has_size_usd = true,
                                      .size_usd = 7777,
                                      .regime = TG_REGIME_UNKNOWN};
    is_about(size_of(&given), 7777);
    given.has_size_usd = false;
    given.has_position_size_pct = true;
    given.position_size_pct = 35;
    is_about(size_of(&given), 3500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consensus_counts_agreement),
        cmocka_unit_test(consensus_knows_every_regime),
        cmocka_unit_test(consensus_asks_for_two),
        cmocka_unit_test(consensus_ends_of_the_ranges),
        cmocka_unit_test(ta_against_sentiment),
        cmocka_unit_test(choppy_regime),
        cmocka_unit_test(regime_changed),
        cmocka_unit_test(opposite_on_another_symbol),
        cmocka_unit_test(correlation_at_the_limit),
        cmocka_unit_test(risk_overrides),
        cmocka_unit_test(several_at_once),
        cmocka_unit_test(sizes_follow_confidence_stop_and_regime),
        cmocka_unit_test(sizes_of_the_signal_are_kept),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
