/* Sums to the last digit: realised, unrealised, fees, equity; closing; leverage; other quotes. */
#include "trade_fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fixture_options(&f);
    fixture_start(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static void check_identity(void)
{
    struct trade_portfolio now = portfolio(&f);
    assert_int_equal(now.start_equity.units + now.realised_pnl.units + now.unrealised_pnl.units -
                         now.fees.units,
                     now.equity.units);
}

static void close_at(uint32_t symbol, uint8_t side, const char *fraction, const char *at,
                     const char *fee)
{
    struct tg_uuid id = {{0}};
    struct tg_error error = {0};
    if (trade_close(f.trade, symbol, side, dec(fraction), "signal", NULL, f.now, &id, NULL,
                    &error) != 0)
        fail_msg("%s", error.message);
    pump(&f);
    accept(&f, id);
    struct tg_execution_events event =
        fill_event(&f, id, order_of(&f, id)->size, dec(at), dec(fee));
    assert_int_equal(deliver(&f, &event), 0);
    pump(&f);
}

static void test_long_and_short(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "0", "0", "long");
    price(&f, f.btc, "41000");
    struct trade_portfolio open = portfolio(&f);
    assert_decimal(open.unrealised_pnl, "100");
    assert_decimal(open.equity, "10100");
    assert_decimal(open.exposure, "4100");
    assert_decimal(open.margin_used, "4100");
    assert_decimal(open.margin_available, "6000");
    close_at(f.btc, TG_SIDE_BUY, "1", "41000", "10.66");
    struct trade_portfolio flat = portfolio(&f);
    assert_decimal(flat.realised_pnl, "100");
    assert_decimal(flat.unrealised_pnl, "0");
    assert_decimal(flat.fees, "10.66");
    assert_decimal(flat.equity, "10089.34");
    assert_int_equal(flat.trades_closed, 1);
    assert_int_equal(flat.trades_won, 1);
    assert_string_equal(f.position_told.exit_reason, "signal");
    assert_int_equal(f.events[f.event_count - 1].event_type, TG_EXECUTION_POSITION_CLOSED);
    assert_decimal(f.events[f.event_count - 1].fill_price, "41000");
    assert_string_equal(f.events[f.event_count - 1].reason, "signal");
    (void)open_position(&f, f.btc, TG_SIDE_SELL, "4100", "41000", "0", "0", "short");
    price(&f, f.btc, "40000");
    assert_decimal(portfolio(&f).unrealised_pnl, "100");
    close_at(f.btc, TG_SIDE_SELL, "1", "42000", "0");
    assert_decimal(portfolio(&f).realised_pnl, "0");
    assert_int_equal(portfolio(&f).trades_closed, 2);
    check_identity();
}

/* The same trade with leverage 1 and 5 gains the same; only the margin differs. */
static void test_leverage_never_multiplies(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "4000", "k");
    entry.leverage = 5;
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.1", "40000", "0");
    price(&f, f.btc, "42000");
    struct trade_portfolio open = portfolio(&f);
    assert_decimal(open.unrealised_pnl, "200");
    assert_decimal(open.exposure, "21000");
    assert_decimal(open.margin_used, "840");
    struct tg_decimal notional;
    assert_int_equal(trade_position_notional(f.trade, trade_position_at(f.trade, 0), &notional), 0);
    assert_decimal(notional, "4200");
    close_at(f.btc, TG_SIDE_BUY, "1", "42000", "0");
    assert_decimal(portfolio(&f).realised_pnl, "200");
}

/* Costs that do not divide: each part takes its share, the last takes what is left. */
static void test_allocated_cost(void **state)
{
    (void)state;
    price(&f, f.xrp, "0.33333");
    struct trade_entry entry = entry_of(f.xrp, TG_SIDE_BUY, "100", "k");
    struct tg_uuid id = enter(&f, &entry);
    assert_decimal(order_of(&f, id)->size, "300");
    fill(&f, id, "299.99999999", "0.33333001", "0");
    struct tg_uuid close;
    assert_int_equal(trade_close(f.trade, f.xrp, TG_SIDE_BUY, dec("1"), "signal", NULL, f.now,
                                 &close, NULL, NULL),
                     0);
    pump(&f);
    int64_t allocated = 0;
    int64_t cost = trade_position_at(f.trade, 0)->cost.units;
    const char *parts[] = {"0.00000001", "100.12345678", "33.33333333", "66.54320987",
                           "100.00000000"};
    for (int i = 0; i < 5; i++) {
        int64_t before = trade_position_at(f.trade, 0)->cost.units;
        int64_t realised = portfolio(&f).realised_pnl.units;
        struct tg_execution_events event =
            fill_event(&f, close, dec(parts[i]), dec("0.4"), dec("0"));
        assert_int_equal(deliver(&f, &event), 0);
        pump(&f);
        bool overflow = false;
        int64_t value =
            tg_decimal_multiply(dec("0.4"), dec(parts[i]), TG_ROUND_HALF_EVEN, &overflow).units;
        int64_t share = value - (portfolio(&f).realised_pnl.units - realised);
        allocated += share;
        if (i < 4)
            assert_int_equal(before - trade_position_at(f.trade, 0)->cost.units, share);
        check_identity();
    }
    assert_int_equal(open_count(&f), 0);
    assert_int_equal(allocated, cost);
}

/* A share of 1.5 units is 2, the even one. */
static void test_share_of_cost_is_rounded_half_to_even(void **state)
{
    (void)state;
    price(&f, f.xrp, "0.3");
    struct trade_entry entry = entry_of(f.xrp, TG_SIDE_BUY, "90", "k");
    struct tg_uuid id = enter(&f, &entry);
    fill(&f, id, "0.0000001", "0.3", "0");
    assert_decimal(trade_position_at(f.trade, 0)->cost, "0.00000003");
    assert_int_equal(
        trade_close(f.trade, f.xrp, TG_SIDE_BUY, dec("1"), "signal", NULL, f.now, &id, NULL, NULL),
        0);
    pump(&f);
    fill(&f, id, "0.00000005", "0.4", "0");
    assert_decimal(portfolio(&f).realised_pnl, "0");
    assert_decimal(trade_position_at(f.trade, 0)->cost, "0.00000001");
}

static void test_quote_that_is_not_the_account_currency(void **state)
{
    (void)state;
    price(&f, f.btc, "40000");
    price(&f, f.xrp_btc, "0.00002");
    struct trade_entry entry = entry_of(f.xrp_btc, TG_SIDE_BUY, "800", "k");
    struct tg_uuid id = enter(&f, &entry);
    assert_decimal(order_of(&f, id)->size, "1000");
    fill(&f, id, "1000", "0.00002", "0.000052");
    assert_decimal(portfolio(&f).fees, "2.08");
    price(&f, f.btc, "50000"); /* cost stays in BTC: nothing gained yet, fees stay */
    assert_decimal(portfolio(&f).unrealised_pnl, "0");
    assert_decimal(portfolio(&f).exposure, "1000");
    price(&f, f.xrp_btc, "0.000025");
    assert_decimal(portfolio(&f).unrealised_pnl, "250");
    close_at(f.xrp_btc, TG_SIDE_BUY, "0.5", "0.000025", "0.0000325");
    assert_decimal(portfolio(&f).realised_pnl, "125");
    price(&f, f.btc, "10000"); /* what is realised stays as it was */
    assert_decimal(portfolio(&f).realised_pnl, "125");
    assert_decimal(portfolio(&f).unrealised_pnl, "25");
    assert_decimal(portfolio(&f).fees, "3.705");
    check_identity();
}

/* ---- closing ---- */

static void test_close_refusals(void **state)
{
    (void)state;
    struct tg_error error = {0};
    uint32_t closed = 7;
    price(&f, f.btc, "40000");
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "x", NULL, f.now, NULL, &closed, &error),
        TG_E_NOT_FOUND);
    assert_string_equal(error.message, "BTC/USDT: there is no open long position to close");
    assert_int_equal(closed, 0);
    assert_int_equal(trade_close_all(f.trade, dec("1"), "x", f.now, &closed, &error),
                     TG_E_NOT_FOUND);
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_SELL, dec("1"), "x", NULL, f.now, NULL, NULL, &error),
        TG_E_NOT_FOUND); /* closing never opens the other side */
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1.1"), "x", NULL, f.now, NULL, NULL, &error),
        TG_E_RANGE);
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("0"), "x", NULL, f.now, NULL, NULL, &error),
        TG_E_RANGE);
    assert_int_equal(
        trade_close(f.trade, 99, TG_SIDE_BUY, dec("1"), "x", NULL, f.now, NULL, NULL, &error),
        TG_E_INVALID);
    pump(&f);
    assert_int_equal(f.sent_count, 2);
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "x", NULL, f.now, NULL, &closed, &error),
        0);
    assert_int_equal(closed, 1);
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "x", NULL, f.now, NULL, &closed, &error),
        TG_E_STATE);
    pump(&f);
    assert_int_equal(f.sent_count, 3);
    assert_int_equal(f.cancelled_count, 1); /* the stop, before the close went out */
}

static void test_close_half_then_all(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "4000", "40000", "39000", "0", "k");
    close_at(f.btc, TG_SIDE_BUY, "0.5", "40000", "0");
    assert_decimal(trade_position_at(f.trade, 0)->size, "0.05");
    assert_int_equal(f.cancelled_count, 0); /* the stop guards what is left */
    assert_decimal(f.amended[f.amended_count - 1].size, "0.05");
    /* a whole close while a part is under way asks for the rest only */
    uint32_t closed = 0;
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("0.5"), "a", NULL, f.now, NULL, &closed, NULL),
        0);
    pump(&f);
    struct tg_order part = f.sent[f.sent_count - 1];
    assert_decimal(part.size, "0.025");
    assert_int_equal(trade_close_all(f.trade, dec("1"), "max_drawdown", f.now, &closed, NULL), 0);
    pump(&f);
    struct tg_order rest = f.sent[f.sent_count - 1];
    assert_decimal(rest.size, "0.025");
    fill(&f, part.id, "0.025", "40000", "0");
    fill(&f, rest.id, "0.025", "40000", "0");
    assert_int_equal(open_count(&f), 0);
    assert_string_equal(f.position_told.exit_reason, "max_drawdown");
    assert_int_equal(f.alert_count, 0);
}

static void test_close_leaves_nothing_below_the_minimum(void **state)
{
    (void)state;
    (void)open_position(&f, f.xrp, TG_SIDE_BUY, "15", "1", "0", "0", "k"); /* 15 XRP, minimum 10 */
    assert_int_equal(
        trade_close(f.trade, f.xrp, TG_SIDE_BUY, dec("0.4"), "x", NULL, f.now, NULL, NULL, NULL),
        0);
    pump(&f);
    assert_decimal(f.sent[f.sent_count - 1].size, "15");
}

static void test_two_positions_of_one_symbol(void **state)
{
    (void)state;
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "2000", "40000", "39000", "0", "first");
    (void)open_position(&f, f.btc, TG_SIDE_BUY, "2000", "41000", "40000", "0", "second");
    assert_int_equal(open_count(&f), 2);
    assert_decimal(trade_position_at(f.trade, 0)->stop_price, "39000");
    assert_decimal(trade_position_at(f.trade, 1)->stop_price, "40000");
    assert_null(trade_position_at(f.trade, 2));
    uint32_t closed = 0;
    struct tg_uuid last;
    assert_int_equal(
        trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "x", NULL, f.now, &last, &closed, NULL),
        0);
    assert_int_equal(closed, 2);
}

/* ---- thousands of trades against books kept apart ---- */

static int64_t value_of(struct tg_decimal size, struct tg_decimal at)
{
    bool overflow = false;
    int64_t units = tg_decimal_multiply(size, at, TG_ROUND_HALF_EVEN, &overflow).units;
    assert_false(overflow);
    return units;
}

/* Fills everything that is open at the venue in random parts at random prices. */
static void random_fill(struct tg_random *random, struct tg_uuid id, int64_t *cash, bool keep_cash)
{
    const struct trade_order *order = order_of(&f, id);
    if (trade_order_state_is_final((enum trade_order_state)order->state))
        return;
    int64_t left = order->size.units - order->filled_size.units;
    int64_t size = tg_random_next(random) % 3 == 0
                       ? left
                       : 1 + (int64_t)(tg_random_next(random) % (uint64_t)left);
    int64_t last = order->symbol == f.btc   ? 4000000000000
                   : order->symbol == f.xrp ? 60000000
                                            : 1500;
    int64_t at = last + (int64_t)(tg_random_next(random) % (uint64_t)(last / 10));
    struct tg_execution_events event =
        fill_event(&f, id, tg_decimal_units(size), tg_decimal_units(at),
                   tg_decimal_units((int64_t)(tg_random_next(random) % 1000)));
    int64_t value = value_of(event.size, event.fill_price);
    assert_int_equal(deliver(&f, &event), 0);
    pump(&f);
    if (keep_cash)
        *cash += (order->side == TG_SIDE_BUY ? -value : value) - event.fee.units;
}

static void random_round(struct tg_random *random, unsigned round, bool cross, int64_t *cash)
{
    uint32_t symbols[] = {f.btc, f.xrp, f.xrp_btc};
    uint32_t symbol = symbols[tg_random_next(random) % (cross ? 3 : 2)];
    char text[TG_DECIMAL_TEXT_SIZE];
    char key[32];
    struct tg_bar bar = {0};
    for (unsigned i = 0; i < 3; i++) {
        int64_t base = i == 0 ? 4000000000000 : i == 1 ? 60000000 : 1500;
        bar.open = bar.high = bar.low = bar.close =
            tg_decimal_units(base + (int64_t)(tg_random_next(random) % (uint64_t)(base / 10)));
        trade_bar(f.trade, symbols[i], &bar, f.now);
    }
    pump(&f);
    (void)snprintf(text, sizeof(text), "%d.%02d", 50 + (int)(tg_random_next(random) % 400),
                   (int)(tg_random_next(random) % 100));
    (void)snprintf(key, sizeof(key), "round/%u", round);
    uint8_t side = tg_random_next(random) % 2 == 0 ? TG_SIDE_BUY : TG_SIDE_SELL;
    struct trade_entry entry = entry_of(symbol, side, text, key);
    entry.leverage = 1 + (int64_t)(tg_random_next(random) % 5);
    struct tg_uuid id = enter(&f, &entry);
    for (int i = 0; i < 3; i++)
        random_fill(random, id, cash, !cross);
    check_identity();
    struct tg_uuid close = {{0}};
    const char *fractions[] = {"0.3", "0.5", "1"};
    for (int i = 0; i < 3; i++) {
        if (open_count(&f) == 0 || trade_close(f.trade, symbol, side, dec(fractions[i]), "signal",
                                               NULL, f.now, &close, NULL, NULL) != 0)
            continue;
        pump(&f);
        for (int n = 0; n < 40; n++) {
            random_fill(random, close, cash, !cross);
            check_identity();
        }
    }
    if (!trade_order_state_is_final((enum trade_order_state)order_of(&f, id)->state))
        say(&f, id, TG_EXECUTION_CANCELLED);
    f.sent_count = f.cancelled_count = f.amended_count = 0;
    step(&f, TG_NS_PER_SEC);
}

static void test_identity_over_random_trades(void **state)
{
    (void)state;
    for (unsigned cross = 0; cross < 2; cross++) {
        fixture_options(&f);
        f.options.starting_balance = dec("1000000");
        fixture_start(&f);
        price(&f, f.btc, "40000");
        struct tg_random random;
        tg_random_seed(&random, 7 + cross);
        int64_t cash = dec("1000000").units;
        for (unsigned round = 0; round < 3000; round++) {
            random_round(&random, round, cross == 1, &cash);
            assert_int_equal(open_count(&f), 0);
        }
        struct trade_portfolio end = portfolio(&f);
        check_identity();
        assert_true(end.trades_closed >= 2900);
        assert_decimal(end.unrealised_pnl, "0");
        /* flat, and all in the account currency: equity is the cash, kept apart, to the last digit
         */
        if (cross == 0)
            assert_int_equal(end.equity.units, cash);
        assert_int_equal(alerts_of(&f, "surplus_fill"), 0);
        fixture_stop(&f);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_long_and_short),
        CASE(test_leverage_never_multiplies),
        CASE(test_allocated_cost),
        CASE(test_share_of_cost_is_rounded_half_to_even),
        CASE(test_quote_that_is_not_the_account_currency),
        CASE(test_close_refusals),
        CASE(test_close_half_then_all),
        CASE(test_close_leaves_nothing_below_the_minimum),
        CASE(test_two_positions_of_one_symbol),
        cmocka_unit_test(test_identity_over_random_trades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
