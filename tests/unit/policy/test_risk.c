/* Each rule of the shipped risk policy, exactly at its limit and one step beyond. */
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

static struct coord_risk_verdict judge(const struct coord_risk_case *given)
{
    struct coord_risk_verdict verdict;
    if (fixture.judge.risk(fixture.judge.context, given, &verdict, &fixture.error))
        fail_msg("%s", fixture.error.message);
    return verdict;
}

static void approves(const struct coord_risk_case *given)
{
    struct coord_risk_verdict verdict = judge(given);
    if (verdict.status != COORD_RISK_APPROVED)
        fail_msg("%s %s: %s", coord_risk_status_text(verdict.status), verdict.code, verdict.reason);
    assert_true(verdict.size_usd == given->size_usd);
    assert_true((double)verdict.leverage == given->leverage);
    assert_int_equal(verdict.reduction_count, 0);
}

static void refuses(const struct coord_risk_case *given, const char *code, uint8_t status)
{
    struct coord_risk_verdict verdict = judge(given);
    if (verdict.status != status || strcmp(verdict.code, code) != 0)
        fail_msg("%s %s: %s; expected %s", coord_risk_status_text(verdict.status), verdict.code,
                 verdict.reason, code);
    assert_true(verdict.size_usd == 0 && verdict.leverage == 0);
    assert_true(verdict.reason[0] != '\0');
}

static void rejects(const struct coord_risk_case *given, const char *code)
{
    refuses(given, code, COORD_RISK_REJECTED);
}

static void halts(const struct coord_risk_case *given, const char *code)
{
    refuses(given, code, COORD_RISK_HALTED);
}

static void reduces_size(const struct coord_risk_case *given, double size, const char *rule)
{
    struct coord_risk_verdict verdict = judge(given);
    if (verdict.status != COORD_RISK_MODIFIED)
        fail_msg("%s %s: %s", coord_risk_status_text(verdict.status), verdict.code, verdict.reason);
    if (fabs(verdict.size_usd - size) > 1e-9 * size)
        fail_msg("size %g, expected %g", verdict.size_usd, size);
    const struct coord_adjustment *last = &verdict.reductions[verdict.reduction_count - 1];
    assert_string_equal(last->rule, rule);
    assert_true(last->after == verdict.size_usd && last->before > last->after);
}

static void reduces_leverage(const struct coord_risk_case *given, int64_t leverage,
                             const char *rule)
{
    struct coord_risk_verdict verdict = judge(given);
    assert_int_equal(verdict.status, COORD_RISK_MODIFIED);
    assert_int_equal(verdict.leverage, leverage);
    assert_string_equal(verdict.reductions[verdict.reduction_count - 1].rule, rule);
}

#define WITH(field, value)                                                                         \
    struct coord_risk_case given = sound_risk_case();                                              \
    given.field = (value)

static void rule_0_invalid_proposal(void **state)
{
    (void)state;
    struct coord_risk_case given = sound_risk_case();
    approves(&given);
    static const double wrong_sizes[] = {0, -1, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof wrong_sizes / sizeof wrong_sizes[0]; i++) {
        given = sound_risk_case();
        given.size_usd = wrong_sizes[i];
        rejects(&given, "INVALID_PROPOSAL");
        given = sound_risk_case();
        given.entry_price = wrong_sizes[i];
        rejects(&given, "INVALID_PROPOSAL");
        given = sound_risk_case();
        given.leverage = wrong_sizes[i];
        rejects(&given, "INVALID_PROPOSAL");
        given = sound_risk_case();
        given.stop_loss = wrong_sizes[i];
        rejects(&given, "INVALID_PROPOSAL");
        given = sound_risk_case();
        given.take_profit = wrong_sizes[i];
        rejects(&given, "INVALID_PROPOSAL");
    }
    static const double wrong_confidences[] = {-0.001, 1.001, (double)NAN, (double)-INFINITY};
    for (size_t i = 0; i < 4; i++) {
        given = sound_risk_case();
        given.confidence = wrong_confidences[i];
        rejects(&given, "INVALID_PROPOSAL");
    }
    given = sound_risk_case();
    given.leverage = 1.5;
    rejects(&given, "INVALID_PROPOSAL");
    given = sound_risk_case();
    given.symbol[0] = '\0';
    rejects(&given, "INVALID_PROPOSAL");
    given = sound_risk_case();
    tg_text_copy(given.side, sizeof given.side, "long");
    rejects(&given, "INVALID_PROPOSAL");
    given = sound_risk_case();
    given.stop_loss = 100;
    rejects(&given, "INVALID_PROPOSAL");
    given = sound_risk_case();
    given.take_profit = 100;
    rejects(&given, "INVALID_PROPOSAL");
    given = sound_risk_case();
    tg_text_copy(given.side, sizeof given.side, "sell");
    rejects(&given, "INVALID_PROPOSAL");
    given.stop_loss = 102;
    rejects(&given, "INVALID_PROPOSAL");
    given.take_profit = 96;
    approves(&given);
}

static void rule_1_breakers(void **state)
{
    (void)state;
    struct coord_risk_case given = sound_risk_case();
    given.daily_pnl_pct = -4.999;
    given.weekly_pnl_pct = -9.999;
    given.drawdown_pct = 4.999;
    approves(&given);
    given.daily_pnl_pct = -5;
    halts(&given, "CIRCUIT_BREAKER");
    given = sound_risk_case();
    given.weekly_pnl_pct = -10;
    halts(&given, "CIRCUIT_BREAKER");
    given = sound_risk_case();
    given.drawdown_pct = 19.999;
    approves(&given);
    given.drawdown_pct = 20;
    halts(&given, "CIRCUIT_BREAKER");
    given = sound_risk_case();
    given.breaker_stands = true;
    tg_text_copy(given.breaker, sizeof given.breaker, "max_drawdown");
    halts(&given, "TRADING_HALTED");
    given = sound_risk_case();
    given.equity = 0;
    halts(&given, "TRADING_HALTED");
}

static void rule_2_cooldown(void **state)
{
    (void)state;
    WITH(in_cooldown, true);
    tg_text_copy(given.cooldown, sizeof given.cooldown, "post_loss");
    given.cooldown_seconds = 61;
    rejects(&given, "IN_COOLDOWN");
    struct coord_risk_verdict verdict = judge(&given);
    assert_string_equal(verdict.reason, "cool-down post_loss for another 61 s");
}

static void rule_3_stop(void **state)
{
    (void)state;
    WITH(has_stop_loss, false);
    rejects(&given, "STOP_LOSS_REQUIRED");
    given = sound_risk_case();
    given.has_take_profit = false;
    given.stop_loss = 99.5;
    approves(&given);
    given.stop_loss = 99.501;
    rejects(&given, "STOP_TOO_TIGHT");
    given.stop_loss = 95;
    approves(&given);
    given.stop_loss = 94.999;
    rejects(&given, "STOP_TOO_WIDE");
    tg_text_copy(given.symbol, sizeof given.symbol, "BTC/USDT");
    given.stop_loss = 97;
    approves(&given);
    given.stop_loss = 96.999;
    rejects(&given, "STOP_TOO_WIDE");
    /* At the limit although the division is not exact: 5 % of 0.6. */
    given = sound_risk_case();
    given.entry_price = given.last_price = 0.6;
    given.stop_loss = 0.57;
    given.has_take_profit = false;
    approves(&given);
    given = sound_risk_case();
    given.take_profit = 103;
    approves(&given);
    given.take_profit = 102.999;
    rejects(&given, "LOW_RR");
}

static void rule_4_confidence(void **state)
{
    (void)state;
    static const struct {
        uint8_t regime, strictness;
        int64_t losses;
        double needed;
    } rows[] = {
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_NORMAL, 0, 0.55},
        {TG_REGIME_TRENDING_BEAR, TG_STRICTNESS_NORMAL, 2, 0.55},
        {TG_REGIME_RANGING, TG_STRICTNESS_NORMAL, 0, 0.60},
        {TG_REGIME_BREAKOUT_POTENTIAL, TG_STRICTNESS_NORMAL, 0, 0.60},
        {TG_REGIME_VOLATILE_BULL, TG_STRICTNESS_NORMAL, 0, 0.65},
        {TG_REGIME_VOLATILE_BEAR, TG_STRICTNESS_NORMAL, 0, 0.65},
        {TG_REGIME_CHOPPY, TG_STRICTNESS_NORMAL, 0, 0.75},
        {TG_REGIME_UNKNOWN, TG_STRICTNESS_NORMAL, 0, 0.70},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_RELAXED, 0, 0.50},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_STRICT, 0, 0.60},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_VERY_STRICT, 0, 0.65},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_NORMAL, 3, 0.65},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_NORMAL, 4, 0.65},
        {TG_REGIME_TRENDING_BULL, TG_STRICTNESS_NORMAL, 5, 0.75},
        {TG_REGIME_UNKNOWN, TG_STRICTNESS_STRICT, 3, 0.85},
        {TG_REGIME_CHOPPY, TG_STRICTNESS_VERY_STRICT, 5, 1.00}, /* 1.05, capped */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct coord_risk_case given = sound_risk_case();
        given.regime = rows[i].regime;
        given.strictness = rows[i].strictness;
        given.consecutive_losses = rows[i].losses;
        given.confidence = rows[i].needed;
        struct coord_risk_verdict verdict = judge(&given);
        if (verdict.status > COORD_RISK_MODIFIED)
            fail_msg("row %zu: %s", i, verdict.reason);
        given.confidence = rows[i].needed - 0.001;
        rejects(&given, "CONFIDENCE_TOO_LOW");
    }
}

static void rule_5_size(void **state)
{
    (void)state;
    WITH(size_usd, 2000);
    approves(&given);
    given.size_usd = 2000.01;
    reduces_size(&given, 2000, "POSITION_SIZE");
    given = sound_risk_case();
    given.consecutive_losses = 4;
    approves(&given);
    given.consecutive_losses = 5;
    reduces_size(&given, 500, "LOSSES_SIZE");
    given.volatility_spike = true;
    reduces_size(&given, 250, "VOLATILITY_SIZE");
    given.size_usd = 50000;
    reduces_size(&given, 500, "VOLATILITY_SIZE");
    struct coord_risk_verdict verdict = judge(&given);
    assert_int_equal(verdict.reduction_count, 3);
    assert_string_equal(verdict.reductions[0].rule, "POSITION_SIZE");
    assert_true(verdict.reductions[0].before == 50000 && verdict.reductions[0].after == 2000);
    assert_true(verdict.reductions[0].limit == 20);
    assert_string_equal(verdict.reductions[1].rule, "LOSSES_SIZE");
}

static void rule_5_loss_at_the_stop(void **state)
{
    (void)state;
    struct fixture own;
    prepare(&own, "scripts");
    set_parameter(&own.parameters, "risk.limits.risk_per_trade_max_pct", 0.2);
    open_policy(&own);
    struct fixture shipped = fixture;
    fixture = own;
    /* 0.2 % of 10,000 is 20, which a stop 2 % away loses on 1,000. */
    WITH(size_usd, 1000);
    approves(&given);
    given.size_usd = 1001;
    reduces_size(&given, 1000, "RISK_PER_TRADE");
    fixture = shipped;
    close_policy(&own);
}

static void rule_6_leverage(void **state)
{
    (void)state;
    static const struct {
        uint8_t regime;
        double drawdown;
        int64_t losses, leverage;
        const char *rule;
    } rows[] = {
        {TG_REGIME_TRENDING_BULL, 0, 0, 5, "LEVERAGE_MAX"},
        {TG_REGIME_TRENDING_BEAR, 0, 0, 3, "LEVERAGE_REGIME"},
        {TG_REGIME_BREAKOUT_POTENTIAL, 0, 0, 3, "LEVERAGE_REGIME"},
        {TG_REGIME_RANGING, 0, 0, 2, "LEVERAGE_REGIME"},
        {TG_REGIME_VOLATILE_BULL, 0, 0, 2, "LEVERAGE_REGIME"},
        {TG_REGIME_VOLATILE_BEAR, 0, 0, 2, "LEVERAGE_REGIME"},
        {TG_REGIME_CHOPPY, 0, 0, 1, "LEVERAGE_REGIME"},
        {TG_REGIME_UNKNOWN, 0, 0, 1, "LEVERAGE_REGIME"},
        {TG_REGIME_TRENDING_BULL, 4.999, 0, 5, "LEVERAGE_MAX"},
        {TG_REGIME_TRENDING_BULL, 5, 0, 3, "LEVERAGE_DRAWDOWN"},
        {TG_REGIME_TRENDING_BULL, 9.999, 0, 3, "LEVERAGE_DRAWDOWN"},
        {TG_REGIME_TRENDING_BULL, 10, 0, 2, "LEVERAGE_DRAWDOWN"},
        {TG_REGIME_TRENDING_BULL, 15, 0, 1, "LEVERAGE_DRAWDOWN"},
        {TG_REGIME_TRENDING_BULL, 0, 2, 5, "LEVERAGE_MAX"},
        {TG_REGIME_TRENDING_BULL, 0, 3, 2, "LEVERAGE_LOSSES"},
        {TG_REGIME_TRENDING_BULL, 0, 5, 1, "LEVERAGE_LOSSES"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct coord_risk_case given = sound_risk_case();
        given.size_usd = 100;
        given.leverage = 6;
        given.confidence = 1;
        given.regime = rows[i].regime;
        given.drawdown_pct = rows[i].drawdown;
        given.consecutive_losses = rows[i].losses;
        reduces_leverage(&given, rows[i].leverage, rows[i].rule);
        given.leverage = (double)rows[i].leverage;
        struct coord_risk_verdict verdict = judge(&given);
        assert_true(verdict.leverage == rows[i].leverage);
    }
}

static void rule_7_exposure(void **state)
{
    (void)state;
    WITH(leverage, 2);
    given.exposure_pct = 60; /* and 1,000 x 2 of 10,000 */
    approves(&given);
    given.exposure_pct = 60.001;
    rejects(&given, "EXPOSURE_LIMIT");
    /* Judged on the reduced size: 50,000 becomes 2,000, twice that is 40 %. */
    given.size_usd = 50000;
    given.exposure_pct = 40;
    reduces_size(&given, 2000, "POSITION_SIZE");
    given.exposure_pct = 40.001;
    rejects(&given, "EXPOSURE_LIMIT");
}

static void rule_8_correlation(void **state)
{
    (void)state;
    WITH(position_count, 2);
    given.positions[0] =
        (struct coord_seen_position){.symbol = "XRP/USDT", .same_symbol = true, .exposure_pct = 15};
    given.positions[1] = (struct coord_seen_position){.symbol = "BTC/USDT", .exposure_pct = 20};
    approves(&given); /* 15 + 0.75 x 20 + 10 = 40 */
    given.positions[1].exposure_pct = 20.001;
    rejects(&given, "CORRELATED_EXPOSURE");
    given.positions[1].decision = true; /* not a position yet */
    approves(&given);
    tg_text_copy(given.positions[1].symbol, TG_SYMBOL_SIZE, "ETH/USDT");
    given.positions[1].decision = false;
    given.positions[1].exposure_pct = 1000; /* not correlated */
    approves(&given);
    /* The warning from 80 % of the limit on. */
    given.position_count = 1;
    given.positions[0].exposure_pct = 22;
    struct coord_risk_verdict verdict = judge(&given);
    assert_int_equal(verdict.status, COORD_RISK_APPROVED);
    assert_int_equal(verdict.warning_count, 1);
    assert_string_equal(verdict.warnings[0].rule, "CORRELATED_EXPOSURE");
    assert_true(verdict.warnings[0].limit == 32);
    given.positions[0].exposure_pct = 21.99;
    verdict = judge(&given);
    assert_int_equal(verdict.warning_count, 0);
    /* Correlations, in either order. */
    tg_text_copy(given.symbol, sizeof given.symbol, "XRP/BTC");
    given.positions[0] = (struct coord_seen_position){.symbol = "XRP/USDT", .exposure_pct = 36};
    rejects(&given, "CORRELATED_EXPOSURE"); /* 0.85 x 36 + 10 */
    given.positions[0].exposure_pct = 35;
    approves(&given);
    given.positions[0] = (struct coord_seen_position){.symbol = "BTC/USDT", .exposure_pct = 50};
    approves(&given); /* 0.60 x 50 + 10 */
    given.positions[0].exposure_pct = 50.01;
    rejects(&given, "CORRELATED_EXPOSURE");
}

static void rule_9_margin(void **state)
{
    (void)state;
    WITH(margin_available, 999.99);
    rejects(&given, "INSUFFICIENT_MARGIN");
    given.margin_available = 6000; /* 4,000 in use and 1,000 more */
    approves(&given);
    given.margin_available = 5999;
    rejects(&given, "MARGIN_UTILIZATION");
    given.leverage = 2; /* needs 500 only */
    approves(&given);
    given.margin_available = 5499;
    rejects(&given, "MARGIN_UTILIZATION");
}

static void rule_10_positions(void **state)
{
    (void)state;
    WITH(positions_of_symbol, 1);
    given.positions_open = 4;
    approves(&given);
    given.positions_of_symbol = 2;
    rejects(&given, "POSITION_LIMIT");
    given.positions_of_symbol = 0;
    given.positions_open = 5;
    rejects(&given, "POSITION_LIMIT");
}

static void rule_11_collar(void **state)
{
    (void)state;
    WITH(entry_price, 102);
    given.stop_loss = 100;
    given.take_profit = 106;
    approves(&given);
    given.entry_price = 102.001;
    rejects(&given, "PRICE_COLLAR");
    given.entry_price = 98;
    given.stop_loss = 96;
    approves(&given);
    given.entry_price = 97.999;
    rejects(&given, "PRICE_COLLAR");
    given = sound_risk_case();
    given.last_price = 0;
    rejects(&given, "PRICE_COLLAR");
}

static void rule_12_order_rate(void **state)
{
    (void)state;
    WITH(entry_orders_minute, 9);
    given.entry_orders_day = 99;
    approves(&given);
    given.entry_orders_minute = 10;
    rejects(&given, "ORDER_RATE");
    given.entry_orders_minute = 29;
    rejects(&given, "ORDER_RATE");
    given.entry_orders_minute = 30;
    halts(&given, "ORDER_RATE");
    given.entry_orders_minute = 0;
    given.entry_orders_day = 100;
    rejects(&given, "ORDER_RATE");
    given.entry_orders_day = 299;
    rejects(&given, "ORDER_RATE");
    given.entry_orders_day = 300;
    halts(&given, "ORDER_RATE");
}

static void rule_13_minimum(void **state)
{
    (void)state;
    WITH(size_min, 1000);
    approves(&given);
    given.size_min = 1000.01;
    rejects(&given, "BELOW_MINIMUM");
    given.size_min = 600; /* after the reduction */
    given.consecutive_losses = 5;
    rejects(&given, "BELOW_MINIMUM");
}

/* SPEC: the first refusal ends it. */
static void rules_are_judged_in_order(void **state)
{
    (void)state;
    struct coord_risk_case given = sound_risk_case();
    given.size_min = 1e9;
    rejects(&given, "BELOW_MINIMUM");
    given.entry_orders_minute = 10;
    rejects(&given, "ORDER_RATE");
    given.last_price = 50;
    rejects(&given, "PRICE_COLLAR");
    given.positions_open = 5;
    rejects(&given, "POSITION_LIMIT");
    given.margin_available = 1500;
    rejects(&given, "MARGIN_UTILIZATION");
    given.margin_available = 0;
    rejects(&given, "INSUFFICIENT_MARGIN");
    given.position_count = 1;
    given.positions[0] = (struct coord_seen_position){.symbol = "XRP/USDT", .exposure_pct = 90};
    rejects(&given, "CORRELATED_EXPOSURE");
    given.exposure_pct = 90;
    rejects(&given, "EXPOSURE_LIMIT");
    given.confidence = 0.1;
    rejects(&given, "CONFIDENCE_TOO_LOW");
    given.take_profit = 100.5;
    rejects(&given, "LOW_RR");
    given.stop_loss = 90;
    rejects(&given, "STOP_TOO_WIDE");
    given.in_cooldown = true;
    rejects(&given, "IN_COOLDOWN");
    given.drawdown_pct = 50;
    halts(&given, "CIRCUIT_BREAKER");
    given.breaker_stands = true;
    halts(&given, "TRADING_HALTED");
    given.leverage = 0.5;
    rejects(&given, "INVALID_PROPOSAL");
}

static void closing_is_not_held_back(void **state)
{
    (void)state;
    WITH(reduces, true);
    given.breaker_stands = given.in_cooldown = true;
    given.has_stop_loss = given.has_take_profit = false;
    given.confidence = 0;
    given.size_usd = 1e6;
    given.leverage = 20;
    given.exposure_pct = 500;
    given.margin_available = 0;
    given.positions_open = 50;
    given.entry_orders_minute = 1000;
    approves(&given);
    given.last_price = 110;
    rejects(&given, "PRICE_COLLAR");
}

static void rebalancing_has_its_own_profile(void **state)
{
    (void)state;
    struct coord_risk_case given = sound_risk_case();
    tg_text_copy(given.profile, sizeof given.profile, "rebalance");
    given.has_stop_loss = given.has_take_profit = false;
    given.confidence = 0;
    approves(&given);
    given.leverage = 3;
    reduces_leverage(&given, 1, "LEVERAGE_REBALANCE");
    given.in_cooldown = true;
    rejects(&given, "IN_COOLDOWN");
}

/* A state that is not known must not look like a good one. */
static void states_that_are_not_finite_reject(void **state)
{
    (void)state;
    for (int field = 0; field < 8; field++) {
        struct coord_risk_case given = sound_risk_case();
        double *fields[] = {&given.equity,         &given.margin_available, &given.daily_pnl_pct,
                            &given.weekly_pnl_pct, &given.drawdown_pct,     &given.exposure_pct,
                            &given.last_price,     &given.size_min};
        *fields[field] = (double)NAN;
        struct coord_risk_verdict verdict;
        assert_int_not_equal(
            fixture.judge.risk(fixture.judge.context, &given, &verdict, &fixture.error), 0);
        assert_int_equal(verdict.status, COORD_RISK_REJECTED);
        assert_string_equal(verdict.code, "RULE_ERROR");
        assert_non_null(strstr(verdict.reason, "is not a finite number"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_0_invalid_proposal),
        cmocka_unit_test(rule_1_breakers),
        cmocka_unit_test(rule_2_cooldown),
        cmocka_unit_test(rule_3_stop),
        cmocka_unit_test(rule_4_confidence),
        cmocka_unit_test(rule_5_size),
        cmocka_unit_test(rule_5_loss_at_the_stop),
        cmocka_unit_test(rule_6_leverage),
        cmocka_unit_test(rule_7_exposure),
        cmocka_unit_test(rule_8_correlation),
        cmocka_unit_test(rule_9_margin),
        cmocka_unit_test(rule_10_positions),
        cmocka_unit_test(rule_11_collar),
        cmocka_unit_test(rule_12_order_rate),
        cmocka_unit_test(rule_13_minimum),
        cmocka_unit_test(rules_are_judged_in_order),
        cmocka_unit_test(closing_is_not_held_back),
        cmocka_unit_test(rebalancing_has_its_own_profile),
        cmocka_unit_test(states_that_are_not_finite_reject),
    };
    return cmocka_run_group_tests(tests, open_group, close_group);
}
