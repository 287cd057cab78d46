/* Breakers at exactly their limit, periods by the calendar, cool-downs, losses in a row. */
#include "trade_fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fixture_options(&f);
    f.options.limits.daily_loss_max_pct = dec("5");
    f.options.limits.weekly_loss_max_pct = dec("10");
    f.options.limits.drawdown_max_pct = dec("20");
    const int64_t minutes[TRADE_COOLDOWN_COUNT] = {5, 10, 30, 60, 15, 10, 30};
    for (unsigned i = 0; i < TRADE_COOLDOWN_COUNT; i++)
        f.options.cooldown_ns[i] = minutes[i] * TG_NS_PER_MIN;
    fixture_start(&f);
    step(&f, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

/* One closed trade in XRP/USDT that gains `amount` (10,000 XRP at 0.5); filled at once. */
static void trade_with_result(const char *amount)
{
    static unsigned number;
    char key[32];
    bool overflow = false;
    (void)snprintf(key, sizeof(key), "result/%u", number++);
    price(&f, f.xrp, "0.5");
    struct trade_entry entry = entry_of(f.xrp, TG_SIDE_BUY, "5000", key);
    struct tg_uuid id = enter(&f, &entry);
    struct tg_decimal size = order_of(&f, id)->size;
    struct tg_execution_events event = fill_event(&f, id, size, dec("0.5"), tg_decimal_units(0));
    assert_int_equal(deliver(&f, &event), 0);
    assert_int_equal(
        trade_close(f.trade, f.xrp, TG_SIDE_BUY, dec("1"), "signal", NULL, f.now, &id, NULL, NULL),
        0);
    pump(&f);
    /* all of the result as a fee, so that it is exact */
    struct tg_decimal fee = tg_decimal_negate(dec(amount), &overflow);
    event = fill_event(&f, id, size, dec("0.5"), fee);
    assert_int_equal(deliver(&f, &event), 0);
    pump(&f);
    f.sent_count = 0;
}

static const struct tg_risk_alerts *last_alert(void)
{
    assert_true(f.alert_count > 0);
    return &f.alerts[(f.alert_count - 1) % 64];
}

static void test_daily_loss_exactly(void **state)
{
    (void)state;
    trade_with_result("-499.99999999");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    assert_int_equal(f.alert_count, 0);
    trade_with_result("-0.00000001");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    assert_int_equal(f.alert_count, 1);
    assert_int_equal(last_alert()->severity, TG_SEVERITY_HIGH);
    assert_true(TG_HAS(last_alert(), RISK_ALERTS, breach_type));
    assert_int_equal(last_alert()->breach_type, TG_BREACH_DAILY_LOSS);
    assert_true(last_alert()->value == 5.0 && last_alert()->limit == 5.0);
    assert_true(portfolio(&f).daily_pnl_pct == -5.0);
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    /* stands while it recovers, and is told once */
    price(&f, f.btc, "40000");
    price(&f, f.xrp, "0.6");
    assert_int_equal(f.alert_count, 1);
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "100", "refused");
    struct tg_error error = {0};
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
    assert_string_equal(error.message, "CIRCUIT_BREAKER: daily_loss stands");
}

static void test_daily_loss_one_cent_less(void **state)
{
    (void)state;
    trade_with_result("-499.99");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "100", "fine");
    (void)enter(&f, &entry);
}

/* The marks of an open position are judged, not only what is closed. */
static void test_unrealised_loss_trips(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "8000", "40000", "0", "0", "k");
    price(&f, f.btc, "37500.01"); /* -499.998 */
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    price(&f, f.btc, "37500");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    price(&f, f.btc, "40000");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
}

/* 5 % of 9,999.99999999 lies between two units: the loss has to reach it. */
static void test_limit_between_two_units(void **state)
{
    (void)state;
    trade_with_result("-0.00000001");
    step(&f, TG_NS_PER_DAY);
    assert_decimal(portfolio(&f).day_start_equity, "9999.99999999");
    trade_with_result("-499.99999999");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    trade_with_result("-0.00000001");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
}

/* The price of the quote currency marks a position too. */
static void test_rate_trips(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    (void)open_position(&f, f.xrp_btc, TG_SIDE_BUY, "800", "0.00002", "0", "0", "k");
    price(&f, f.xrp_btc, "0.00001"); /* -400 */
    price(&f, f.btc, "49999.99");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    price(&f, f.btc, "50000");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
}

/* Periods begin by the calendar: with no trade, no bar, only time. */
static void test_daily_and_weekly_by_calendar(void **state)
{
    (void)state;
    trade_with_result("-600");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    assert_decimal(portfolio(&f).day_start_equity, "10000");
    assert_int_equal(trade_next_time(f.trade), T0 + TG_NS_PER_DAY);
    step(&f, TG_NS_PER_DAY - 1);
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    step(&f, 1);
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    assert_decimal(portfolio(&f).day_start_equity, "9400");
    assert_decimal(portfolio(&f).week_start_equity, "10000");
    assert_true(portfolio(&f).daily_pnl_pct == 0.0);
    assert_true(portfolio(&f).weekly_pnl_pct == -6.0);
    trade_with_result("-400");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    step(&f, TG_NS_PER_DAY); /* Wednesday: the weekly one stays */
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    step(&f, 5 * TG_NS_PER_DAY - 1);
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    step(&f, 1); /* Monday, and not a single trade */
    assert_int_equal(f.now, T0 + 7 * TG_NS_PER_DAY);
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    assert_decimal(portfolio(&f).week_start_equity, "9000");
    assert_int_equal(f.alert_count, 2);
}

/* One cent less than a tenth in a week, over days that are each below their own limit. */
static void test_weekly_loss_one_cent_less(void **state)
{
    (void)state;
    trade_with_result("-400");
    step(&f, TG_NS_PER_DAY);
    trade_with_result("-400");
    step(&f, TG_NS_PER_DAY);
    trade_with_result("-199.99");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    assert_int_equal(f.alert_count, 0);
    trade_with_result("-0.01");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_WEEKLY_LOSS));
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
    assert_int_equal(last_alert()->breach_type, TG_BREACH_WEEKLY_LOSS);
}

static void test_new_day_tells_anew(void **state)
{
    (void)state;
    trade_with_result("-500");
    step(&f, TG_NS_PER_DAY);
    trade_with_result("-475");
    assert_int_equal(f.alert_count, 2);
    assert_int_equal(last_alert()->breach_type, TG_BREACH_DAILY_LOSS);
    /* a bar alone begins the day as well */
    f.now += TG_NS_PER_DAY;
    f.clock.now_ns = f.now;
    price(&f, f.btc, "1");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_DAILY_LOSS));
}

static void test_drawdown(void **state)
{
    (void)state;
    trade_with_result("2500");
    assert_decimal(portfolio(&f).peak_equity, "12500");
    step(&f, 14 * TG_NS_PER_DAY); /* neither day nor week remember */
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "10000", "40000", "0", "0", "k");
    price(&f, f.btc, "36000");
    assert_true(portfolio(&f).drawdown_pct == 8.0);
    price(&f, f.btc, "30000.01");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_MAX_DRAWDOWN));
    price(&f, f.btc, "30000");
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_MAX_DRAWDOWN));
    bool critical = false;
    for (uint32_t i = 0; i < f.alert_count; i++)
        critical |= f.alerts[i].breach_type == TG_BREACH_MAX_DRAWDOWN &&
                    f.alerts[i].severity == TG_SEVERITY_CRITICAL;
    assert_true(critical);
    price(&f, f.btc, "40000");
    step(&f, 14 * TG_NS_PER_DAY);
    assert_true(trade_breaker_stands(f.trade, TG_BREACH_MAX_DRAWDOWN));
    assert_true(portfolio(&f).drawdown_max_pct == 20.0);
    price(&f, f.btc, "32000");
    trade_breaker_lift(f.trade, TG_BREACH_MAX_DRAWDOWN); /* by hand: a new peak */
    price(&f, f.btc, "32000");
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_MAX_DRAWDOWN));
    assert_true(portfolio(&f).drawdown_pct == 0.0);
    assert_false(trade_breaker_stands(f.trade, (enum tg_breach)99));
}

static void test_losses_in_a_row(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        trade_with_result("-1");
        assert_int_equal(portfolio(&f).consecutive_losses, i);
        step(&f, TG_NS_PER_MIN);
    }
    assert_int_equal(f.alert_count, 0);
    trade_with_result("-1");
    assert_int_equal(f.alert_count, 1);
    assert_int_equal(last_alert()->breach_type, TG_BREACH_CONSECUTIVE_LOSSES);
    assert_false(trade_breaker_stands(f.trade, TG_BREACH_CONSECUTIVE_LOSSES));
    trade_with_result("-1");
    assert_int_equal(f.alert_count, 1);
    trade_with_result("0"); /* no loss, and not won */
    assert_int_equal(portfolio(&f).consecutive_losses, 0);
    trade_with_result("0.01");
    assert_int_equal(portfolio(&f).trades_won, 1);
    assert_int_equal(portfolio(&f).trades_closed, 8);
}

static void test_cooldowns(void **state)
{
    (void)state;
    enum trade_cooldown which = TRADE_COOLDOWN_COUNT;
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, &which), 0);
    trade_with_result("1");
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, &which),
                     f.now + 5 * TG_NS_PER_MIN);
    assert_int_equal(which, TRADE_COOLDOWN_POST_TRADE);
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), 0); /* its symbol only */
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now + 5 * TG_NS_PER_MIN, NULL), 0);
    trade_with_result("-1");
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, &which),
                     f.now + 10 * TG_NS_PER_MIN);
    assert_int_equal(which, TRADE_COOLDOWN_POST_LOSS);
    trade_with_result("-1");
    trade_with_result("-1");
    int64_t end = f.now + 30 * TG_NS_PER_MIN;
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, &which), end); /* all symbols */
    assert_int_equal(which, TRADE_COOLDOWN_LOSSES_3);
    /* a shorter one that begins later does not end it earlier */
    f.now += TG_NS_PER_MIN;
    trade_cooldown_begin(f.trade, f.btc, TRADE_COOLDOWN_POST_TRADE, f.now);
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, &which), end);
    assert_int_equal(which, TRADE_COOLDOWN_LOSSES_3);
    /* nor the same one begun at an earlier time */
    trade_cooldown_begin(f.trade, UINT32_MAX, TRADE_COOLDOWN_LOSSES_3, f.now - TG_NS_PER_HOUR);
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), end);
    trade_cooldown_begin(f.trade, UINT32_MAX, TRADE_COOLDOWN_LOSSES_5, f.now);
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, &which), f.now + TG_NS_PER_HOUR);
    assert_string_equal(trade_cooldown_text(which), "losses_5");
}

static void test_market_cooldowns(void **state)
{
    (void)state;
    enum trade_cooldown which;
    trade_volatility_spike(f.trade, f.btc, true, f.now);
    int64_t end = f.now + 15 * TG_NS_PER_MIN;
    assert_true(trade_volatility_spikes(f.trade, f.btc));
    step(&f, TG_NS_PER_MIN);
    trade_volatility_spike(f.trade, f.btc, true, f.now); /* goes on: its beginning counts */
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, &which), end);
    assert_int_equal(which, TRADE_COOLDOWN_VOLATILITY_SPIKE);
    trade_volatility_spike(f.trade, f.btc, false, f.now);
    assert_false(trade_volatility_spikes(f.trade, f.btc));
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, NULL), 0);
}

static void test_unusual_movement(void **state)
{
    (void)state;
    fixture_stop(&f);
    fixture_options(&f);
    f.options.unusual_movement_pct = dec("2");
    f.options.cooldown_ns[TRADE_COOLDOWN_UNUSUAL_MOVEMENT] = TG_NS_PER_MIN;
    fixture_start(&f);
    bar_full(&f, f.btc, "40000", "40400", "39600.01", "40000");
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), 0);
    bar_full(&f, f.btc, "40000", "40400", "39600", "40000");
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), f.now + TG_NS_PER_MIN);
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, NULL), 0);
}

static void test_rebalance_cooldown_holds_all(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "400", "k");
    entry.rebalance = true;
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.01", "40000", "0");
    enum trade_cooldown which;
    assert_int_equal(trade_cooldown_until(f.trade, f.xrp, f.now, &which),
                     f.now + 30 * TG_NS_PER_MIN);
    assert_int_equal(which, TRADE_COOLDOWN_POST_REBALANCE);
}

static void test_refusals_in_a_row(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    for (int i = 0; i < 4; i++) {
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", i);
        struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "400", key);
        struct tg_uuid id = enter(&f, &entry);
        if (i == 0)
            accept(&f, id); /* and is refused later: counts as the first */
        say(&f, id, TG_EXECUTION_REJECTED);
        assert_int_equal(f.alert_count, i >= 2 ? 1 : 0);
    }
    assert_int_equal(last_alert()->breach_type, TG_BREACH_EXECUTION_ERRORS);
    assert_string_equal(last_alert()->symbol, "BTC/USDT");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_daily_loss_exactly),
        CASE(test_daily_loss_one_cent_less),
        CASE(test_unrealised_loss_trips),
        CASE(test_limit_between_two_units),
        CASE(test_rate_trips),
        CASE(test_daily_and_weekly_by_calendar),
        CASE(test_weekly_loss_one_cent_less),
        CASE(test_new_day_tells_anew),
        CASE(test_drawdown),
        CASE(test_losses_in_a_row),
        CASE(test_cooldowns),
        CASE(test_market_cooldowns),
        CASE(test_unusual_movement),
        CASE(test_rebalance_cooldown_holds_all),
        CASE(test_refusals_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
