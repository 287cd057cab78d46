/* portfolio_rebalance: when it rebalances, what it trades, what it leaves out and remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"

#define T0   INT64_C(1641772800000000000) /* 2022-01-10T00:00:00Z */
#define HOUR (INT64_C(3600) * 1000000000)

struct bench {
    const struct tg_plugin *plugin;
    struct fake_host host;
    void *instance;
    struct tg_portfolio portfolio;
    struct tg_holding holdings[16];
    struct tg_target targets[16];
    struct tg_traded_symbol symbols[16];
    int64_t slot;
    const struct tg_input *input; /* NULL: none */
};

static struct tg_decimal cents(double value)
{
    return (struct tg_decimal){llround(value * 100.0) * (TG_DECIMAL_ONE / 100)};
}

static void target(struct bench *bench, const char *asset, double pct)
{
    struct tg_target *next = &bench->targets[bench->portfolio.target_count++];
    (void)snprintf(next->asset, sizeof next->asset, "%s", asset);
    next->pct = cents(pct);
}

static void trades(struct bench *bench, const char *symbol, double price)
{
    struct tg_traded_symbol *next = &bench->symbols[bench->portfolio.symbol_count++];
    (void)snprintf(next->symbol, sizeof next->symbol, "%s", symbol);
    next->last_price = cents(price);
}

static struct tg_holding *holds(struct bench *bench, const char *symbol, uint8_t side, double value)
{
    struct tg_holding *next = &bench->holdings[bench->portfolio.holding_count++];
    *next = (struct tg_holding){.value = cents(value)};
    (void)snprintf(next->position.symbol, sizeof next->position.symbol, "%s", symbol);
    next->position.side = side;
    return next;
}

static void set_up_with(struct bench *bench, const char *const *words)
{
    bench->plugin = fake_plugin_load("portfolio_rebalance");
    fake_host_init(&bench->host, "portfolio_rebalance", "");
    bench->instance = fake_instance_create(bench->plugin, &bench->host, ".", words);
    bench->portfolio = (struct tg_portfolio){.size = sizeof bench->portfolio,
                                             .equity = cents(10000),
                                             .margin_available = cents(10000),
                                             .holdings = bench->holdings,
                                             .targets = bench->targets,
                                             .symbols = bench->symbols};
    (void)snprintf(bench->portfolio.account_currency, sizeof bench->portfolio.account_currency,
                   "USDT");
    target(bench, "BTC", 33.33);
    target(bench, "XRP", 33.33);
    target(bench, "USDT", 33.34);
    trades(bench, "BTC/USDT", 40000);
    trades(bench, "XRP/USDT", 0.8);
    bench->slot = T0;
}

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct bench));
    assert_non_null(*state);
    set_up_with(*state, NULL);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    bench->plugin->destroy(bench->instance);
    fake_host_fini(&bench->host);
    free(bench);
    return 0;
}

/* A fresh instance, as after a restart. */
static void restart(struct bench *bench, const char *const *words)
{
    bench->plugin->destroy(bench->instance);
    bench->instance = fake_instance_create(bench->plugin, &bench->host, ".", words);
}

static struct tg_run run_of(const struct bench *bench)
{
    return (struct tg_run){.size = sizeof(struct tg_run),
                           .task = "portfolio_check",
                           .symbol = "BTC/USDT",
                           .slot = bench->slot,
                           .now = bench->slot,
                           .inputs = bench->input,
                           .input_count = bench->input != NULL,
                           .portfolio = &bench->portfolio};
}

static struct tg_portfolio_updates check(struct bench *bench)
{
    const struct tg_run run = run_of(bench);
    struct tg_failure failure = {.size = sizeof failure};
    struct tg_portfolio_updates update;
    const size_t before = bench->host.published_count;
    if (bench->plugin->run(bench->instance, &run, &failure) != TG_E_OK)
        fail_msg("%s", failure.message);
    assert_int_equal(bench->host.published_count, before + 1);
    assert_int_equal(bench->host.published[before].topic, TG_TOPIC_PORTFOLIO_UPDATES);
    memcpy(&update, bench->host.published[before].record, sizeof update);
    assert_true(TG_HAS(&update, PORTFOLIO_UPDATES, reasoning));
    assert_true(update.reasoning[0] != '\0');
    return update;
}

static void assert_trades(struct bench *bench, const char *expected)
{
    const struct tg_portfolio_updates update = check(bench);
    assert_string_equal(update.trades, expected);
    assert_int_equal(update.action,
                     strcmp(expected, "[]") == 0 ? TG_REBALANCE_NO_ACTION : TG_REBALANCE_REBALANCE);
}

#define TRADE(symbol, side, size)                                                                  \
    "{\"symbol\":\"" symbol "\",\"side\":\"" side "\",\"size_usd\":\"" size "\"}"

static void test_descriptor(void **state)
{
    struct bench *bench = *state;
    fake_plugin_check(bench->plugin);
    assert_int_equal(bench->plugin->capabilities,
                     TG_CAPABILITY_CORE_SAFE | TG_CAPABILITY_PORTFOLIO);
}

static void test_money_is_spread(void **state)
{
    struct bench *bench = *state;
    const struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_REBALANCE);
    assert_string_equal(update.trades, "[" TRADE("BTC/USDT", "buy", "3333.00") "," TRADE(
                                           "XRP/USDT", "buy", "3333.00") "]");
    assert_string_equal(update.current_allocation, "{\"BTC\":0.00,\"XRP\":0.00,\"USDT\":100.00}");
    assert_true(TG_HAS(&update, PORTFOLIO_UPDATES, rebalanced_at));
    assert_int_equal(update.rebalanced_at, T0);
}

/* At exactly 5 % nothing happens, a cent further it does. */
static void test_the_largest_deviation_decides(void **state)
{
    struct bench *bench = *state;
    struct tg_holding *btc = holds(bench, "BTC/USDT", TG_SIDE_BUY, 3833);
    (void)holds(bench, "XRP/USDT", TG_SIDE_BUY, 3333);
    struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_NO_ACTION);
    assert_string_equal(update.trades, "[]");
    assert_non_null(strstr(update.reasoning, "5.00 % off its target (limit 5 %)"));
    assert_false(TG_HAS(&update, PORTFOLIO_UPDATES, rebalanced_at));
    btc->value = cents(3833.01);
    /* 500.01 too much; USDT is as much short, and is no trade of its own */
    assert_trades(bench, "[" TRADE("BTC/USDT", "sell", "500.01") "]");
}

static void test_sells_come_first(void **state)
{
    struct bench *bench = *state;
    (void)holds(bench, "XRP/USDT", TG_SIDE_BUY, 2000);
    (void)holds(bench, "XRP/USDT", TG_SIDE_BUY, 3000);
    assert_trades(bench, "[" TRADE("XRP/USDT", "sell", "1667.00") "," TRADE("BTC/USDT", "buy",
                                                                            "3333.00") "]");
}

static void test_shorts_count_against(void **state)
{
    struct bench *bench = *state;
    (void)holds(bench, "BTC/USDT", TG_SIDE_BUY, 4000);
    (void)holds(bench, "BTC/USDT", TG_SIDE_SELL, 667);
    (void)holds(bench, "XRP/USDT", TG_SIDE_SELL, 1000);
    assert_trades(bench, "[" TRADE("XRP/USDT", "buy", "4333.00") "]");
}

/* Long XRP/BTC is long XRP and short BTC. */
static void test_a_pair_counts_on_both_sides(void **state)
{
    struct bench *bench = *state;
    (void)holds(bench, "BTC/USDT", TG_SIDE_BUY, 4333);
    (void)holds(bench, "XRP/BTC", TG_SIDE_BUY, 1000);
    assert_trades(bench, "[" TRADE("XRP/USDT", "buy", "2333.00") "]");
}

static void test_small_trades_are_left_out(void **state)
{
    struct bench *bench = *state;
    (void)holds(bench, "BTC/USDT", TG_SIDE_BUY, 3323.01);
    (void)holds(bench, "XRP/USDT", TG_SIDE_BUY, 4000);
    assert_trades(bench, "[" TRADE("XRP/USDT", "sell", "667.00") "]");
    bench->slot += 24 * HOUR;
    bench->holdings[0].value = cents(3323);
    assert_trades(
        bench, "[" TRADE("XRP/USDT", "sell", "667.00") "," TRADE("BTC/USDT", "buy", "10.00") "]");
    /* an account in which every trade would be too small */
    bench->slot += 24 * HOUR;
    bench->portfolio.equity = cents(25);
    bench->portfolio.holding_count = 0;
    const struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_NO_ACTION);
    assert_non_null(strstr(update.reasoning, "too small"));
    assert_int_equal(update.rebalanced_at, T0 + 24 * HOUR);
}

static void test_at_most_once_in_24_hours(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
    for (int hour = 1; hour < 24; hour++) {
        bench->slot += HOUR;
        const struct tg_portfolio_updates update = check(bench);
        assert_int_equal(update.action, TG_REBALANCE_NO_ACTION);
        assert_int_equal(update.rebalanced_at, T0);
        assert_non_null(strstr(update.reasoning, "the last rebalance was"));
    }
    bench->slot += HOUR;
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
}

/* The last message of this instance tells a fresh one when it rebalanced; another one's does not.
 */
static void test_the_last_rebalance_survives_a_restart(void **state)
{
    struct bench *bench = *state;
    (void)check(bench);
    bench->slot += HOUR;
    struct tg_portfolio_updates last = check(bench);
    struct tg_input input = {.topic = TG_TOPIC_PORTFOLIO_UPDATES,
                             .payload = &last,
                             .payload_size = sizeof last,
                             .source = "portfolio_rebalance"};
    restart(bench, NULL);
    bench->slot += HOUR;
    bench->input = &input;
    assert_int_equal(check(bench).action, TG_REBALANCE_NO_ACTION);
    restart(bench, NULL);
    input.source = "another";
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
    restart(bench, NULL);
    input.source = "portfolio_rebalance";
    input.payload_size = 8;
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
}

static void test_a_rebalance_that_nobody_heard_is_said_again(void **state)
{
    struct bench *bench = *state;
    const struct tg_run run = run_of(bench);
    struct tg_failure failure = {.size = sizeof failure};
    bench->host.publish_answer = TG_E_FULL;
    assert_int_equal(bench->plugin->run(bench->instance, &run, &failure), TG_E_FULL);
    bench->host.publish_answer = TG_E_OK;
    bench->slot += HOUR;
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
}

static void test_what_is_not_traded_is_left_out(void **state)
{
    struct bench *bench = *state;
    bench->portfolio.symbol_count = 1; /* BTC alone: 33.33 of 66.67 */
    const struct tg_portfolio_updates update = check(bench);
    assert_string_equal(update.trades, "[" TRADE("BTC/USDT", "buy", "4999.25") "]");
    assert_string_equal(update.current_allocation, "{\"BTC\":0.00,\"USDT\":100.00}");
    assert_non_null(strstr(update.reasoning, "left out: XRP"));
}

static void test_nothing_that_is_traded(void **state)
{
    struct bench *bench = *state;
    bench->portfolio.symbol_count = 0;
    bench->portfolio.target_count = 2;
    const struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_NO_ACTION);
    assert_string_equal(update.current_allocation, "{}");
    assert_non_null(strstr(update.reasoning, "none of the target assets"));
    assert_non_null(strstr(update.reasoning, "BTC, XRP"));
}

static void test_an_account_currency_without_target_is_spent(void **state)
{
    struct bench *bench = *state;
    bench->portfolio.target_count = 0;
    target(bench, "BTC", 100);
    assert_trades(bench, "[" TRADE("BTC/USDT", "buy", "10000.00") "]");
}

static void test_bags_are_left_out(void **state)
{
    struct bench *bench = *state;
    holds(bench, "BTC/USDT", TG_SIDE_BUY, 3000)->hodl = 1;
    (void)holds(bench, "BTC/USDT", TG_SIDE_BUY, 1000);
    bench->portfolio.equity = cents(6500);
    bench->portfolio.hodl_cash = cents(500);
    /* 3000 of value: a third of it each */
    bench->holdings[1].value = cents(1000);
    assert_trades(bench, "[" TRADE("XRP/USDT", "buy", "999.90") "]");
}

static void test_a_missing_price_is_waited_for(void **state)
{
    struct bench *bench = *state;
    bench->symbols[1].last_price.units = 0;
    const struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_NO_ACTION);
    assert_non_null(strstr(update.reasoning, "no price yet"));
}

static void test_an_account_that_is_gone(void **state)
{
    struct bench *bench = *state;
    bench->portfolio.equity = cents(-5);
    assert_int_equal(check(bench).action, TG_REBALANCE_NO_ACTION);
}

static void test_without_the_portfolio_it_refuses(void **state)
{
    struct bench *bench = *state;
    struct tg_run run = run_of(bench);
    struct tg_failure failure = {.size = sizeof failure};
    run.portfolio = NULL;
    assert_int_equal(bench->plugin->run(bench->instance, &run, &failure), TG_E_STATE);
    assert_true(strlen(failure.message) > 10);
    assert_int_equal(bench->host.published_count, 0);
}

static void test_its_settings(void **state)
{
    struct bench *bench = *state;
    const char *const words[] = {"deviation_pct=1", "interval_hours=1", "trade_min_usd=500", NULL};
    restart(bench, words);
    (void)holds(bench, "BTC/USDT", TG_SIDE_BUY, 3433);
    (void)holds(bench, "XRP/USDT", TG_SIDE_BUY, 2800);
    assert_trades(bench, "[" TRADE("XRP/USDT", "buy", "533.00") "]");
    bench->slot += HOUR;
    assert_int_equal(check(bench).action, TG_REBALANCE_REBALANCE);
}

/* As many targets as the host allows, with long names and large sums: all of it fits. */
static void test_twelve_targets_fit(void **state)
{
    struct bench *bench = *state;
    bench->portfolio.target_count = bench->portfolio.symbol_count = 0;
    bench->portfolio.equity.units = INT64_MAX - 1;
    for (char letter = 'A'; letter < 'A' + 12; letter++) {
        char asset[TG_SYMBOL_SIZE];
        char symbol[TG_SYMBOL_SIZE + 8];
        (void)snprintf(asset, sizeof asset, "ABCDEFGHIJKLMNOPQ%c", letter);
        (void)snprintf(symbol, sizeof symbol, "%s/USDT", asset);
        target(bench, asset, 8.3333);
        trades(bench, symbol, 1);
    }
    const struct tg_portfolio_updates update = check(bench);
    assert_int_equal(update.action, TG_REBALANCE_REBALANCE);
    assert_in_range(strlen(update.trades), 500, sizeof update.trades - 2);
    assert_string_equal(update.trades + strlen(update.trades) - 2, "}]");
    assert_string_equal(update.current_allocation + strlen(update.current_allocation) - 1, "}");
    target(bench, "ONEMORE", 1);
    trades(bench, "ONEMORE/USDT", 1);
    assert_non_null(strstr(check(bench).reasoning, "more target assets"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_descriptor),
        CASE(test_money_is_spread),
        CASE(test_the_largest_deviation_decides),
        CASE(test_sells_come_first),
        CASE(test_shorts_count_against),
        CASE(test_a_pair_counts_on_both_sides),
        CASE(test_small_trades_are_left_out),
        CASE(test_at_most_once_in_24_hours),
        CASE(test_the_last_rebalance_survives_a_restart),
        CASE(test_a_rebalance_that_nobody_heard_is_said_again),
        CASE(test_what_is_not_traded_is_left_out),
        CASE(test_nothing_that_is_traded),
        CASE(test_an_account_currency_without_target_is_spent),
        CASE(test_bags_are_left_out),
        CASE(test_a_missing_price_is_waited_for),
        CASE(test_an_account_that_is_gone),
        CASE(test_without_the_portfolio_it_refuses),
        CASE(test_its_settings),
        CASE(test_twelve_targets_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
