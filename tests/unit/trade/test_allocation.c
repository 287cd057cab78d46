/* The allocation and hodl bags beside what trading holds: who may close what, and that the money
 * adds up with all three. */
#include "trade_fixture.h"

static struct fixture f;

static int setup(void **state)
{
    (void)state;
    fixture_options(&f);
    f.options.holding_max_ns = 48 * TG_NS_PER_HOUR;
    f.options.cooldown_ns[TRADE_COOLDOWN_POST_REBALANCE] = 30 * TG_NS_PER_MIN;
    fixture_start(&f);
    price(&f, f.btc, "40000");
    price(&f, f.xrp, "0.8");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_stop(&f);
    return 0;
}

static struct trade_entry allocation_of(uint32_t symbol, const char *size_usd, const char *key)
{
    struct trade_entry entry = entry_of(symbol, TG_SIDE_BUY, size_usd, key);
    entry.rebalance = true;
    return entry;
}

static struct tg_uuid buy(uint32_t symbol, const char *size_usd, const char *key, bool hodl,
                          const char *size, const char *at, const char *fee)
{
    struct trade_entry entry = allocation_of(symbol, size_usd, key);
    entry.hodl = hodl;
    struct tg_uuid id = enter(&f, &entry);
    accept(&f, id);
    fill(&f, id, size, at, fee);
    return order_of(&f, id)->position_id;
}

static void fill_sent(uint32_t number, const char *size, const char *at, const char *fee)
{
    struct tg_uuid id = f.sent[number].id;
    accept(&f, id);
    fill(&f, id, size, at, fee);
}

static void check_identity(void)
{
    struct trade_portfolio now = portfolio(&f);
    assert_int_equal(now.start_equity.units + now.realised_pnl.units + now.unrealised_pnl.units -
                         now.fees.units,
                     now.equity.units);
}

static void test_entries_of_the_allocation_make_one_position(void **state)
{
    (void)state;
    f.options.limits.positions_per_symbol_max = 1;
    f.options.limits.positions_max = 1;
    (void)teardown(NULL);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    struct tg_uuid first = buy(f.btc, "400", "a/1", false, "0.01", "40000", "1");
    struct tg_uuid second = buy(f.btc, "600", "a/2", false, "0.015", "40010", "1.5");
    assert_true(tg_uuid_equal(&first, &second));
    assert_int_equal(open_count(&f), 1);
    const struct trade_position *position = trade_position_at(f.trade, 0);
    assert_decimal(position->size, "0.025");
    assert_decimal(position->cost, "1000.15");
    assert_decimal(position->fees, "2.5");
    assert_true(position->rebalance && !position->hodl);
    check_identity();
    /* a trade of trading would be a second position */
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "400", "t");
    struct tg_error error = {0};
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
    assert_memory_equal(error.message, "POSITION_LIMIT", 14);
    /* what was ordered before the position is closed, and fills after it, makes a new one */
    struct trade_entry late = allocation_of(f.btc, "400", "a/3");
    struct tg_uuid order = enter(&f, &late);
    uint32_t sent = f.sent_count;
    assert_int_equal(trade_close_position(f.trade, &first, dec("1"), "test", f.now, NULL, &error),
                     0);
    pump(&f);
    fill_sent(sent, "0.025", "40000", "0");
    assert_int_equal(open_count(&f), 0);
    struct tg_execution_events event = fill_event(&f, order, dec("0.01"), dec("40000"), dec("0"));
    assert_int_equal(deliver(&f, &event), 0);
    assert_int_equal(open_count(&f), 1);
    assert_false(tg_uuid_equal(&trade_position_at(f.trade, 0)->id, &first));
    check_identity();
}

static void test_signals_leave_the_allocation_alone(void **state)
{
    (void)state;
    (void)buy(f.btc, "400", "a/1", false, "0.01", "40000", "0");
    (void)buy(f.btc, "400", "h/1", true, "0.01", "40000", "0");
    struct tg_error error = {0};
    assert_int_equal(trade_close(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "signal", NULL, f.now, NULL,
                                 NULL, &error),
                     TG_E_NOT_FOUND);
    uint32_t closed = 0;
    assert_int_equal(trade_reduce(f.trade, f.btc, TG_SIDE_BUY, dec("0.5"), "rebalance", NULL, f.now,
                                  NULL, &closed, &error),
                     0);
    assert_int_equal(closed, 1);
    pump(&f);
    assert_int_equal(f.sent_count, 3);
    assert_int_equal(f.sent[2].reduce_only, 1);
    fill_sent(2, "0.005", "40000", "0");
    assert_int_equal(open_count(&f), 2);
    assert_decimal(trade_allocation_position(f.trade, f.btc, TG_SIDE_BUY, false)->size, "0.005");
    assert_decimal(trade_allocation_position(f.trade, f.btc, TG_SIDE_BUY, true)->size, "0.01");
}

static void test_emergencies_leave_bags_alone(void **state)
{
    (void)state;
    (void)buy(f.btc, "400", "a/1", false, "0.01", "40000", "0");
    struct tg_uuid bag = buy(f.xrp, "40", "h/1", true, "50", "0.8", "0");
    uint32_t closed = 0;
    struct tg_error error = {0};
    assert_int_equal(trade_close_all(f.trade, dec("1"), "max_drawdown", f.now, &closed, &error), 0);
    assert_int_equal(closed, 1);
    pump(&f);
    assert_int_equal(f.sent_count, 3);
    fill_sent(2, "0.01", "40000", "0");
    assert_int_equal(open_count(&f), 1);
    assert_int_equal(trade_close_all(f.trade, dec("1"), "max_drawdown", f.now, &closed, &error),
                     TG_E_NOT_FOUND);
    /* an operator may */
    assert_int_equal(trade_close_position(f.trade, &bag, dec("2"), "operator", f.now, NULL, &error),
                     TG_E_RANGE);
    assert_int_equal(trade_close_position(f.trade, &bag, dec("1"), "operator", f.now, NULL, &error),
                     0);
    pump(&f);
    assert_int_equal(f.sent[3].apart, 1);
    fill_sent(3, "50", "0.9", "0.1");
    assert_int_equal(open_count(&f), 0);
    assert_int_equal(trade_close_position(f.trade, &bag, dec("1"), "operator", f.now, NULL, &error),
                     TG_E_NOT_FOUND);
    check_identity();
}

/* The allocation bars no entry of the other side, nor does one bar it: the venue keeps it apart. */
static void test_the_allocation_is_apart(void **state)
{
    (void)state;
    (void)buy(f.btc, "400", "a/1", false, "0.01", "40000", "0");
    assert_int_equal(f.sent[0].apart, 1);
    (void)open_position(&f, f.btc, TG_SIDE_SELL, "400", "40000", "41000", "0", "short");
    (void)buy(f.btc, "400", "a/2", false, "0.01", "40000", "0");
    assert_int_equal(open_count(&f), 2);
    uint32_t sent = f.sent_count;
    struct tg_error error = {0};
    assert_int_equal(trade_reduce(f.trade, f.btc, TG_SIDE_BUY, dec("1"), "rebalance", NULL, f.now,
                                  NULL, NULL, &error),
                     0);
    pump(&f);
    assert_int_equal(f.sent[sent].apart, 1);
    fill_sent(sent, "0.02", "40000", "0");
    assert_int_equal(open_count(&f), 1);
    assert_int_equal(trade_position_at(f.trade, 0)->side, TG_SIDE_SELL);
    check_identity();
}

/* A bag bars neither an entry of the other side nor a further position. */
static void test_bags_do_not_stand_in_the_way(void **state)
{
    (void)state;
    f.options.limits.positions_per_symbol_max = 1;
    (void)teardown(NULL);
    fixture_start(&f);
    price(&f, f.btc, "40000");
    (void)buy(f.btc, "400", "h/1", true, "0.01", "40000", "0");
    (void)open_position(&f, f.btc, TG_SIDE_SELL, "400", "40000", "41000", "0", "short");
    assert_int_equal(open_count(&f), 2);
    assert_int_equal(f.sent[0].apart, 1);
    for (uint32_t i = 1; i < f.sent_count; i++)
        assert_int_equal(f.sent[i].apart, 0);
    (void)buy(f.btc, "400", "h/2", true, "0.01", "40000", "0");
    assert_int_equal(open_count(&f), 2);
    check_identity();
}

static void test_bags_are_bought_by_rebalancing_only(void **state)
{
    (void)state;
    struct trade_entry entry = entry_of(f.btc, TG_SIDE_BUY, "400", "k");
    struct tg_error error = {0};
    entry.hodl = true;
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
    entry.rebalance = true;
    entry.side = TG_SIDE_SELL;
    assert_int_equal(trade_enter(f.trade, &entry, f.now, NULL, &error), TG_E_REFUSED);
}

static void test_no_holding_limit_and_no_cooldown_of_bags(void **state)
{
    (void)state;
    (void)buy(f.xrp, "40", "h/1", true, "50", "0.8", "0");
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), 0);
    (void)buy(f.btc, "400", "a/1", false, "0.01", "40000", "0");
    assert_int_equal(trade_cooldown_until(f.trade, f.btc, f.now, NULL), f.now + 30 * TG_NS_PER_MIN);
    for (int day = 0; day < 5; day++)
        step(&f, TG_NS_PER_DAY);
    assert_int_equal(open_count(&f), 2);
    assert_int_equal(f.sent_count, 2);
}

static void test_bags_are_within_equity_and_out_of_the_margin(void **state)
{
    (void)state;
    struct tg_error error = {0};
    (void)buy(f.xrp, "80", "h/1", true, "100", "0.8", "0.2");
    assert_int_equal(trade_hodl_set_aside(f.trade, dec("25.5"), &error), 0);
    assert_int_equal(trade_hodl_set_aside(f.trade, dec("-1"), &error), TG_E_OVERFLOW);
    price(&f, f.xrp, "0.9");
    struct trade_portfolio now = portfolio(&f);
    assert_decimal(now.hodl_value, "90");
    assert_decimal(now.hodl_cash, "25.5");
    assert_decimal(now.equity, "10009.8");
    assert_decimal(now.margin_available, "9894.3");
    assert_decimal(now.margin_available_worst, "9894.3");
    check_identity();
}

/* All three books, random fills at random prices and fees in two quote currencies. */
static void test_identity_over_random_trades(void **state)
{
    (void)state;
    struct tg_random random;
    struct tg_error error = {0};
    tg_random_seed(&random, 5);
    for (unsigned i = 0; i < 400; i++) {
        char text[32];
        char key[32];
        uint32_t symbol = tg_random_next(&random) % 2 == 0 ? f.btc : f.xrp;
        unsigned digits = (unsigned)(tg_random_next(&random) % 9000) + 1000;
        (void)snprintf(text, sizeof(text), symbol == f.btc ? "3%u.07" : "0.7%u", digits);
        price(&f, symbol, text);
        uint64_t act = tg_random_next(&random) % 4;
        (void)snprintf(key, sizeof(key), "k%u", i);
        uint32_t sent = f.sent_count;
        if (act == 3) {
            (void)trade_reduce(f.trade, symbol, TG_SIDE_BUY, dec("0.37"), "rebalance", NULL, f.now,
                               NULL, NULL, &error);
            (void)trade_close(f.trade, symbol, TG_SIDE_BUY, dec("0.37"), "signal", NULL, f.now,
                              NULL, NULL, &error);
        } else {
            struct trade_entry entry = entry_of(symbol, TG_SIDE_BUY, "123.45678901", key);
            entry.rebalance = act > 0;
            entry.hodl = act == 2;
            (void)trade_enter(f.trade, &entry, f.now, NULL, &error);
        }
        pump(&f);
        for (; sent < f.sent_count; sent++) {
            struct tg_execution_events event =
                fill_event(&f, f.sent[sent].id, f.sent[sent].size, dec(text), dec("0.00317"));
            assert_int_equal(deliver(&f, &event), 0);
            pump(&f);
        }
        check_identity();
    }
    assert_true(f.next_trade_id > 300);
    assert_non_null(trade_allocation_position(f.trade, f.btc, TG_SIDE_BUY, true));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_entries_of_the_allocation_make_one_position),
        CASE(test_signals_leave_the_allocation_alone),
        CASE(test_emergencies_leave_bags_alone),
        CASE(test_the_allocation_is_apart),
        CASE(test_bags_do_not_stand_in_the_way),
        CASE(test_bags_are_bought_by_rebalancing_only),
        CASE(test_no_holding_limit_and_no_cooldown_of_bags),
        CASE(test_bags_are_within_equity_and_out_of_the_margin),
        CASE(test_identity_over_random_trades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
