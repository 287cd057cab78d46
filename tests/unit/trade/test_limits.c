/* Hard limits: each at its bound and one step beyond, as numbers alone and through an entry. */
#include "trade_fixture.h"

#include <math.h>

static struct trade_limits limits;
static struct trade_limit_case given;
static struct tg_error error;

static int reset(void **state)
{
    (void)state;
    limits = (struct trade_limits){.position_size_max_pct = dec("20"),
                                   .exposure_max_pct = dec("80"),
                                   .margin_utilization_max_pct = dec("50"),
                                   .daily_loss_max_pct = dec("5"),
                                   .weekly_loss_max_pct = dec("10"),
                                   .drawdown_max_pct = dec("20"),
                                   .price_collar_pct = dec("2"),
                                   .leverage_max = 5,
                                   .positions_per_symbol_max = 2,
                                   .positions_max = 5,
                                   .entry_orders_per_minute_max = 10,
                                   .entry_orders_per_day_max = 100};
    given = (struct trade_limit_case){.equity = dec("10000"),
                                      .size_usd = dec("1000"),
                                      .margin_available = dec("10000"),
                                      .entry_price = dec("40000"),
                                      .last_price = dec("40000"),
                                      .leverage = 1};
    memset(&error, 0, sizeof(error));
    return 0;
}

#define assert_passes() assert_int_equal(trade_limits_check(&limits, &given, &error), 0)
#define assert_code(code)                                                                          \
    do {                                                                                           \
        assert_int_equal(trade_limits_check(&limits, &given, &error), TG_E_REFUSED);               \
        assert_memory_equal(error.message, code ":", sizeof(code ":") - 1);                        \
    } while (0)

static void test_amounts(void **state)
{
    (void)state;
    assert_passes();
    given.size_usd = dec("2000");
    assert_passes();
    given.size_usd = dec("2000.00000001");
    assert_code("POSITION_SIZE");
    given.size_usd = dec("1600");
    given.leverage = 5;
    assert_passes(); /* 1600 x 5 is 80 % */
    given.exposure = dec("0.00000001");
    assert_code("EXPOSURE_LIMIT");
    given.exposure = dec("6400");
    given.leverage = 1;
    assert_passes();
    given.exposure = dec("0");
    given.leverage = 6;
    assert_code("LEVERAGE");
    given.leverage = 1;
    given.margin_available = dec("1600");
    given.size_usd = dec("1600.00000001");
    assert_code("INSUFFICIENT_MARGIN");
    given.margin_available = dec("6600"); /* 3400 in use */
    given.size_usd = dec("1600");
    assert_passes();
    given.margin_available = dec("6599.99999999");
    assert_code("MARGIN_UTILIZATION");
}

static void test_losses(void **state)
{
    (void)state;
    given.daily_pnl_pct = -4.9999;
    assert_passes();
    given.daily_pnl_pct = -5;
    assert_code("CIRCUIT_BREAKER");
    given.daily_pnl_pct = 5;
    assert_passes();
    given.weekly_pnl_pct = -10;
    assert_code("CIRCUIT_BREAKER");
    given.weekly_pnl_pct = 0;
    given.drawdown_pct = 20;
    assert_code("CIRCUIT_BREAKER");
    given.drawdown_pct = (double)NAN;
    assert_code("INVALID_PROPOSAL");
    given.drawdown_pct = 0;
    given.daily_pnl_pct = (double)INFINITY;
    assert_code("INVALID_PROPOSAL");
}

static void test_counts_collar_and_rate(void **state)
{
    (void)state;
    given.positions_of_symbol = 1;
    given.positions_open = 4;
    assert_passes();
    given.positions_of_symbol = 2;
    assert_code("POSITION_LIMIT");
    given.positions_of_symbol = 0;
    given.positions_open = 5;
    assert_code("POSITION_LIMIT");
    given.positions_open = 0;
    given.entry_price = dec("40800");
    assert_passes();
    given.entry_price = dec("40800.00000001");
    assert_code("PRICE_COLLAR");
    given.entry_price = dec("39199.99999999");
    assert_code("PRICE_COLLAR");
    given.entry_price = dec("0");
    assert_passes();
    given.entry_orders_minute = 9;
    given.entry_orders_day = 99;
    assert_passes();
    given.entry_orders_minute = 10;
    assert_code("ORDER_RATE");
    given.entry_orders_minute = 0;
    given.entry_orders_day = 100;
    assert_code("ORDER_RATE");
}

static void test_nonsense(void **state)
{
    (void)state;
    given.size_usd = dec("0");
    assert_code("INVALID_PROPOSAL");
    given.size_usd = dec("-1");
    assert_code("INVALID_PROPOSAL");
    given.size_usd = dec("1");
    given.leverage = 0;
    assert_code("INVALID_PROPOSAL");
    given.leverage = INT64_MAX;
    assert_code("LEVERAGE");
    given.leverage = 1;
    given.equity = dec("0");
    assert_code("INSUFFICIENT_MARGIN");
    given.equity = dec("-5");
    assert_code("INSUFFICIENT_MARGIN");
    reset(NULL);
    given.exposure = tg_decimal_units(INT64_MAX);
    assert_code("EXPOSURE_LIMIT");
    reset(NULL);
    memset(&limits, 0, sizeof(limits));
    assert_code("CIRCUIT_BREAKER"); /* a limit of zero lets nothing pass */
}

/* ---- through an entry ---- */

static struct fixture f;

static int setup(void **state)
{
    reset(state);
    fixture_options(&f);
    f.options.limits = limits;
    fixture_start(&f);
    price(&f, f.btc, "40000");
    price(&f, f.xrp, "0.5");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static int try_entry(const struct trade_entry *entry)
{
    memset(&error, 0, sizeof(error));
    return trade_enter(f.trade, entry, f.now, NULL, &error);
}

#define assert_entry_refused(entry, code)                                                          \
    do {                                                                                           \
        uint32_t assert_sent = f.sent_count;                                                       \
        assert_int_equal(try_entry(entry), TG_E_REFUSED);                                          \
        assert_memory_equal(error.message, code ":", sizeof(code ":") - 1);                        \
        pump(&f);                                                                                  \
        assert_int_equal(f.sent_count, assert_sent);                                               \
    } while (0)

/* What is intended, sent or of unknown fate counts as filled. */
static void test_worst_case_counts_orders(void **state)
{
    (void)state;
    const char *keys[] = {"a", "b", "c", "d", "e"};
    for (unsigned i = 0; i < 2; i++) {
        struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "1000", keys[i]);
        (void)enter(&f, &entry);
    }
    struct trade_entry third = entry_of(f.btc, TG_SIDE_BUY, "1000", "third");
    assert_entry_refused(&third, "POSITION_LIMIT");
    step(&f, 3 * TG_NS_PER_SEC); /* both unknown now */
    third.symbol = f.xrp;
    third.leverage = 5;
    third.size_usd = dec("1300"); /* 6500 and 2000 */
    assert_entry_refused(&third, "EXPOSURE_LIMIT");
    third.size_usd = dec("1200");
    assert_int_equal(try_entry(&third), 0);
    assert_decimal(portfolio(&f).exposure, "0"); /* nothing of it is open */
}

static void test_margin_counts_orders(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "2000", i == 0 ? "a" : "b");
        (void)enter(&f, &entry);
    }
    struct trade_entry third = entry_of(f.xrp, TG_SIDE_BUY, "1005", "c");
    assert_entry_refused(&third, "MARGIN_UTILIZATION");
    third.size_usd = dec("1000");
    assert_int_equal(try_entry(&third), 0);
}

/* What lives without a position is seen one by one, with what is left of it. */
static void test_entries_under_way(void **state)
{
    (void)state;
    struct trade_entry first = entry_of(f.btc, TG_SIDE_BUY, "1000", "first");
    struct trade_entry second = entry_of(f.xrp, TG_SIDE_BUY, "500", "second");
    struct tg_uuid btc = enter(&f, &first);
    struct tg_uuid xrp = enter(&f, &second);
    assert_true(tg_uuid_equal(&trade_entry_at(f.trade, 0)->id, &btc));
    assert_true(tg_uuid_equal(&trade_entry_at(f.trade, 1)->id, &xrp));
    assert_null(trade_entry_at(f.trade, 2));
    struct tg_decimal value;
    assert_int_equal(trade_order_notional(f.trade, trade_entry_at(f.trade, 0), &value), 0);
    assert_decimal(value, "1000");
    fill(&f, btc, "0.01", "40000", "0"); /* a position stands for it now */
    assert_true(tg_uuid_equal(&trade_entry_at(f.trade, 0)->id, &xrp));
    assert_int_equal(trade_order_notional(f.trade, order_of(&f, btc), &value), 0);
    assert_decimal(value, "600");
    say(&f, xrp, TG_EXECUTION_CANCELLED);
    assert_null(trade_entry_at(f.trade, 0));
}

static void test_proposals_that_are_none(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "k");
    entry.stop_loss = dec("40000");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry.stop_loss = dec("0.001"); /* less than half a tick */
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry.stop_loss = dec("39000");
    entry.take_profit = dec("39999");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry.side = TG_SIDE_SELL;
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry = entry_of(f.btc, 2, "1000", "k");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry = entry_of(17, TG_SIDE_BUY, "1000", "k");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry = entry_of(f.btc, TG_SIDE_BUY, "-1000", "k");
    assert_entry_refused(&entry, "INVALID_PROPOSAL");
    entry = entry_of(f.btc, TG_SIDE_BUY, "3.9", "k");
    assert_entry_refused(&entry, "BELOW_MINIMUM");
    entry = entry_of(f.xrp, TG_SIDE_BUY, "4.99", "k"); /* 9 XRP */
    assert_entry_refused(&entry, "BELOW_MINIMUM");
    entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "k");
    entry.limit_price = dec("41000");
    assert_entry_refused(&entry, "PRICE_COLLAR");
}

static void test_sizes_are_rounded_down(void **state)
{
    (void)state;
    price(&f, f.btc, "30000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "1000", "btc");
    struct tg_uuid id = enter(&f, &entry);
    assert_decimal(order_of(&f, id)->size, "0.03333333");
    entry = entry_of(f.xrp, TG_SIDE_BUY, "1000.4", "xrp");
    entry.limit_price = dec("0.500009");
    id = enter(&f, &entry);
    assert_decimal(order_of(&f, id)->price, "0.5"); /* five places, never dearer */
    assert_decimal(order_of(&f, id)->size, "2000");
    assert_int_equal(order_of(&f, id)->type, TG_ORDER_TYPE_LIMIT);
    price(&f, f.xrp_btc, "0.00002");
    entry = entry_of(f.xrp_btc, TG_SIDE_SELL, "1000", "cross");
    id = enter(&f, &entry);
    assert_decimal(order_of(&f, id)->size, "1666"); /* 1000 / 30000 / 0.00002 */
}

static void test_no_price(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.xrp_btc, TG_SIDE_BUY, "1000", "k");
    assert_int_equal(try_entry(&entry), TG_E_STALE);
    fixture_stop(&f);
    fixture_start(&f);
    price(&f, f.xrp_btc, "0.00002"); /* but none of BTC/USDT */
    assert_int_equal(try_entry(&entry), TG_E_STALE);
    struct tg_decimal rate;
    assert_int_equal(trade_quote_rate(f.trade, f.xrp_btc, &rate), TG_E_STALE);
    assert_int_equal(trade_quote_rate(f.trade, f.btc, &rate), 0);
    assert_decimal(rate, "1");
    price(&f, f.btc, "40000");
    assert_int_equal(trade_quote_rate(f.trade, f.xrp_btc, &rate), 0);
    assert_decimal(rate, "40000");
    assert_int_equal(try_entry(&entry), 0);
}

static void test_other_side_of_the_same_symbol(void **state)
{
    (void)state;
    struct trade_entry buy = entry_of(f.btc, TG_SIDE_BUY, "1000", "buy");
    struct trade_entry sell = entry_of(f.btc, TG_SIDE_SELL, "1000", "sell");
    struct tg_uuid id = enter(&f, &buy);
    assert_entry_refused(&sell, "OPPOSITE_POSITION");
    fill(&f, id, "0.025", "40000", "0");
    assert_entry_refused(&sell, "OPPOSITE_POSITION");
    sell.symbol = f.xrp;
    assert_int_equal(try_entry(&sell), 0);
}

static void test_rate_through_entries(void **state)
{
    (void)state;
    char key[16];
    for (int i = 0; i < 10; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        struct trade_entry entry = entry_of(f.xrp, TG_SIDE_BUY, "10", key);
        struct tg_uuid id = enter(&f, &entry);
        say(&f, id, TG_EXECUTION_CANCELLED);
        step(&f, TG_NS_PER_SEC);
    }
    uint32_t minute;
    uint32_t day;
    trade_order_rate(f.trade, f.now, &minute, &day);
    assert_int_equal(minute, 10);
    assert_int_equal(day, 10);
    struct trade_entry more = entry_of(f.xrp, TG_SIDE_BUY, "10", "more");
    assert_entry_refused(&more, "ORDER_RATE");
    step(&f, 50 * TG_NS_PER_SEC); /* the first is a minute old */
    trade_order_rate(f.trade, f.now, &minute, NULL);
    assert_int_equal(minute, 9);
    assert_int_equal(try_entry(&more), 0);
    step(&f, TG_NS_PER_DAY);
    trade_order_rate(f.trade, f.now, &minute, &day);
    assert_int_equal(minute, 0);
    assert_int_equal(day, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_amounts, reset),
        cmocka_unit_test_setup(test_losses, reset),
        cmocka_unit_test_setup(test_counts_collar_and_rate, reset),
        cmocka_unit_test_setup(test_nonsense, reset),
        cmocka_unit_test_setup_teardown(test_worst_case_counts_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_margin_counts_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries_under_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proposals_that_are_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes_are_rounded_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_price, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_side_of_the_same_symbol, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate_through_entries, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
