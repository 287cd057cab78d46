/* What an agent sees: how many bars, in which order, how old. */
#include "market/market_test.h"

static const uint32_t capacities[TG_TIMEFRAME_COUNT] = {60, 48, 32, 48, 30, 30};

static struct market *market;
static uint32_t symbol;

static void open_market(uint32_t base_timeframe, int64_t age_max_ns)
{
    const struct market_options options = {.snapshot_age_max_ns = age_max_ns};

    market_destroy(market);
    assert_int_equal(market_create(&options, &market, NULL), 0);
    assert_int_equal(market_symbol_add(market, "BTC/USDT", base_timeframe, &symbol, NULL), 0);
}

static int setup(void **state)
{
    (void)state;
    market = NULL;
    open_market(TG_TIMEFRAME_1M, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    market_destroy(market);
    return 0;
}

static void nothing_before_the_first_bar(void **state)
{
    struct tg_snapshot snapshot;
    struct tg_error error = {0};

    (void)state;
    assert_int_equal(market_snapshot(market, symbol, LATER, &snapshot, &error), TG_E_NOT_FOUND);
    assert_string_equal(error.message, "BTC/USDT: no bar yet");
    assert_int_equal(market_snapshot_any_age(market, symbol, LATER, &snapshot), TG_E_NOT_FOUND);
    assert_false(market_last_price(market, symbol, LATER, NULL, NULL));
    assert_false(market_is_fresh(market, symbol, LATER));
    for (uint32_t i = 0; i <= TG_TIMEFRAME_COUNT; i++) {
        assert_non_null(market_indicators(market, symbol, i));
        assert_int_equal(market_indicators(market, symbol, i)->ready, 0);
    }
}

/* The series are the newest bars, oldest first, whatever the number of bars before. */
static void shows_the_newest_bars_in_order(void **state)
{
    struct walk walk = {.price = 1000 * TG_DECIMAL_ONE,
                        .tick = TG_DECIMAL_ONE / 100,
                        .ticks_max = 50,
                        .open_time = DAY_START,
                        .step_ns = MINUTE};
    struct tg_snapshot snapshot;

    (void)state;
    tg_random_seed(&walk.random, 3);
    for (uint32_t made = 1; made <= 33 * 1440; made++) {
        const struct tg_bar bar = walk_next(&walk);
        const int64_t now = bar.open_time + MINUTE;

        assert_int_equal(market_bar_add(market, symbol, &bar, now, NULL, NULL), MARKET_BAR_USED);
        if (made % 97 != 0 && made > 300)
            continue;
        assert_int_equal(market_snapshot(market, symbol, now, &snapshot, NULL), 0);
        for (uint32_t i = 0; i < TG_TIMEFRAME_COUNT; i++) {
            const struct tg_series *series = &snapshot.series[i];
            const int64_t length = market_timeframe_ns(i);
            const int64_t closed = (now - DAY_START) / length;

            assert_int_equal(series->count, closed < capacities[i] ? closed : capacities[i]);
            for (uint32_t j = 0; j < series->count; j++)
                assert_int_equal(series->bars[j].open_time,
                                 DAY_START + (closed - (int64_t)series->count + j) * length);
        }
        assert_bar_equal(&snapshot.series[0].bars[snapshot.series[0].count - 1], &bar);
        assert_int_equal(snapshot.last_price.units, bar.close.units);
        assert_memory_equal(snapshot.series[0].indicators,
                            market_indicators(market, symbol, TG_TIMEFRAME_1M),
                            sizeof(struct tg_indicators));
    }
    for (uint32_t i = 0; i < TG_TIMEFRAME_COUNT; i++)
        assert_int_equal(snapshot.series[i].count, capacities[i]);
    assert_int_equal(snapshot.size, sizeof(snapshot));
}

static void shorter_timeframes_than_the_base_are_empty(void **state)
{
    const struct tg_bar bar = flat_at(DAY_START, "100");
    struct tg_snapshot snapshot;

    (void)state;
    open_market(TG_TIMEFRAME_15M, 0);
    assert_int_equal(market_bar_add(market, symbol, &bar, LATER, NULL, NULL), MARKET_BAR_USED);
    assert_int_equal(market_snapshot_any_age(market, symbol, LATER, &snapshot), 0);
    assert_int_equal(snapshot.base_timeframe, TG_TIMEFRAME_15M);
    assert_null(snapshot.series[TG_TIMEFRAME_1M].bars);
    assert_int_equal(snapshot.series[TG_TIMEFRAME_5M].count, 0);
    assert_int_equal(snapshot.series[TG_TIMEFRAME_15M].count, 1);
    assert_null(snapshot.series[TG_TIMEFRAME_1H].bars);
}

static void assert_limit(uint32_t base_timeframe, int64_t option, int64_t limit)
{
    const struct tg_bar bar = flat_at(DAY_START, "100");
    const int64_t close = DAY_START + market_timeframe_ns(base_timeframe);
    struct tg_snapshot snapshot;
    struct tg_error error = {0};
    struct tg_decimal price;
    int64_t age;

    open_market(base_timeframe, option);
    assert_int_equal(market_bar_add(market, symbol, &bar, close, NULL, NULL), MARKET_BAR_USED);
    assert_int_equal(market_snapshot(market, symbol, close + limit, &snapshot, &error), 0);
    assert_int_equal(snapshot.age, limit);
    assert_int_equal(snapshot.newest_close_time, close);
    assert_true(market_is_fresh(market, symbol, close + limit));

    assert_int_equal(market_snapshot(market, symbol, close + limit + 1, &snapshot, &error),
                     TG_E_STALE);
    assert_true(error.message[0] != '\0');
    assert_false(market_is_fresh(market, symbol, close + limit + 1));
    assert_int_equal(market_snapshot_any_age(market, symbol, close + limit + 1, &snapshot), 0);
    assert_int_equal(snapshot.age, limit + 1);
    assert_true(market_last_price(market, symbol, close + limit + 1, &price, &age));
    assert_int_equal(price.units, 100 * TG_DECIMAL_ONE);
    assert_int_equal(age, limit + 1);

    /* A clock that is behind the bar: new, not younger than new. */
    assert_int_equal(market_snapshot(market, symbol, close - 5, &snapshot, &error), 0);
    assert_int_equal(snapshot.age, 0);
}

static void refuses_what_is_too_old(void **state)
{
    (void)state;
    assert_limit(TG_TIMEFRAME_1M, 0, 60 * TG_NS_PER_SEC);
    assert_limit(TG_TIMEFRAME_5M, 0, 5 * MINUTE);
    assert_limit(TG_TIMEFRAME_1D, 0, TG_NS_PER_DAY);
    assert_limit(TG_TIMEFRAME_1M, 90 * TG_NS_PER_SEC, 90 * TG_NS_PER_SEC);
    assert_limit(TG_TIMEFRAME_1M, 1, MINUTE); /* one bar of the feed is more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_before_the_first_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(shows_the_newest_bars_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(shorter_timeframes_than_the_base_are_empty, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(refuses_what_is_too_old, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
