/* Bars of longer timeframes: sums, order, alignment, gaps, and each once. */
#include "market/market_test.h"
#include "market_int.h"

static struct market *market;
static uint32_t symbol;
static struct emitted emitted;

static void open_market(uint32_t base_timeframe, int64_t grace_ns)
{
    const struct market_options options = {.advance_grace_ns = grace_ns};

    market_destroy(market);
    memset(&emitted, 0, sizeof(emitted));
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

static void add(const struct tg_bar *bar)
{
    assert_int_equal(market_bar_add(market, symbol, bar, LATER, emitted_note, &emitted),
                     MARKET_BAR_USED);
}

static void add_flat(int64_t minute, const char *price)
{
    const struct tg_bar bar = flat_at(DAY_START + minute * MINUTE, price);

    add(&bar);
}

static void advance(int64_t minute)
{
    market_advance(market, DAY_START + minute * MINUTE, emitted_note, &emitted);
}

static void assert_emitted(uint32_t index, uint32_t timeframe, int64_t minute, const char *open,
                           const char *high, const char *low, const char *close, const char *volume)
{
    const struct tg_bar expected =
        bar_at(DAY_START + minute * MINUTE, open, high, low, close, volume);

    assert_true(index < emitted.count);
    assert_int_equal(emitted.items[index].symbol, symbol);
    assert_int_equal(emitted.items[index].timeframe, timeframe);
    assert_bar_equal(&emitted.items[index].bar, &expected);
}

static void five_minutes_make_one_bar(void **state)
{
    const struct tg_bar bars[] = {
        bar_at(DAY_START + 0 * MINUTE, "100", "103", "99.5", "102", "1.5"),
        bar_at(DAY_START + 1 * MINUTE, "102", "104.25", "101", "101", "0"),
        bar_at(DAY_START + 2 * MINUTE, "101", "102", "98.00000001", "99", "2.25"),
        bar_at(DAY_START + 3 * MINUTE, "99", "100", "99", "100", "0.00000001"),
        bar_at(DAY_START + 4 * MINUTE, "100", "101", "99", "100.5", "4"),
    };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        add(&bars[i]);
    assert_int_equal(emitted.count, 0);
    add(&bars[4]);
    assert_int_equal(emitted.count, 1);
    assert_emitted(0, TG_TIMEFRAME_5M, 0, "100", "104.25", "98.00000001", "100.5", "7.75000001");
    advance(5);
    advance(500);
    assert_int_equal(emitted.count, 4); /* the longer ones, but 5m not again */
    for (uint32_t i = 1; i < emitted.count; i++)
        assert_int_not_equal(emitted.items[i].timeframe, TG_TIMEFRAME_5M);
}

static void a_day_closes_every_timeframe_in_order(void **state)
{
    uint32_t counts[TG_TIMEFRAME_COUNT] = {0};
    struct emitted day = {0};

    (void)state;
    for (int64_t minute = 0; minute < 1440; minute++) {
        emitted.count = 0;
        add_flat(minute, "100");
        for (uint32_t i = 0; i < emitted.count; i++) {
            const int64_t length = market_timeframe_ns(emitted.items[i].timeframe);

            counts[emitted.items[i].timeframe]++;
            assert_int_equal(emitted.items[i].timeframe, TG_TIMEFRAME_5M + i);
            assert_int_equal(emitted.items[i].bar.open_time % length, 0);
            assert_int_equal(emitted.items[i].bar.open_time + length,
                             DAY_START + (minute + 1) * MINUTE);
            assert_int_equal(emitted.items[i].bar.volume.units, length / MINUTE * TG_DECIMAL_ONE);
        }
        market_advance(market, DAY_START + (minute + 1) * MINUTE, emitted_note, &day);
    }
    assert_int_equal(day.count, 0); /* nothing was left for market_advance */
    assert_int_equal(counts[TG_TIMEFRAME_1M], 0);
    assert_int_equal(counts[TG_TIMEFRAME_5M], 288);
    assert_int_equal(counts[TG_TIMEFRAME_15M], 96);
    assert_int_equal(counts[TG_TIMEFRAME_1H], 24);
    assert_int_equal(counts[TG_TIMEFRAME_4H], 6);
    assert_int_equal(counts[TG_TIMEFRAME_1D], 1);
    assert_int_equal(market_indicators(market, symbol, TG_TIMEFRAME_5M)->ready != 0, 1);
}

static void a_start_in_the_middle_stays_aligned(void **state)
{
    (void)state;
    add_flat(233, "100"); /* 03:53 */
    add_flat(234, "101");
    assert_int_equal(emitted.count, 1);
    assert_emitted(0, TG_TIMEFRAME_5M, 230, "100", "101", "100", "101", "2");
    add_flat(235, "102");
    add_flat(239, "103"); /* 03:59 */
    assert_int_equal(emitted.count, 5);
    assert_emitted(1, TG_TIMEFRAME_5M, 235, "102", "103", "102", "103", "2");
    assert_emitted(2, TG_TIMEFRAME_15M, 225, "100", "103", "100", "103", "4");
    assert_emitted(3, TG_TIMEFRAME_1H, 180, "100", "103", "100", "103", "4");
    assert_emitted(4, TG_TIMEFRAME_4H, 0, "100", "103", "100", "103", "4");
}

static void a_missing_last_minute_closes_by_time(void **state)
{
    (void)state;
    add_flat(0, "100");
    add_flat(3, "101");
    advance(4);
    assert_int_equal(emitted.count, 0);
    market_advance(market, DAY_START + 5 * MINUTE - 1, emitted_note, &emitted);
    assert_int_equal(emitted.count, 0);
    advance(5);
    assert_int_equal(emitted.count, 1);
    assert_emitted(0, TG_TIMEFRAME_5M, 0, "100", "101", "100", "101", "2");
    advance(5);
    advance(14);
    assert_int_equal(emitted.count, 1);
    advance(15);
    assert_int_equal(emitted.count, 2);
    assert_emitted(1, TG_TIMEFRAME_15M, 0, "100", "101", "100", "101", "2");
}

static void a_missing_last_minute_closes_by_the_next_bar(void **state)
{
    (void)state;
    add_flat(0, "100");
    add_flat(3, "101");
    add_flat(61, "105"); /* an hour without a bar: 5m, 15m and 1h are over */
    assert_int_equal(emitted.count, 3);
    assert_emitted(0, TG_TIMEFRAME_5M, 0, "100", "101", "100", "101", "2");
    assert_emitted(1, TG_TIMEFRAME_15M, 0, "100", "101", "100", "101", "2");
    assert_emitted(2, TG_TIMEFRAME_1H, 0, "100", "101", "100", "101", "2");
    add_flat(64, "106");
    assert_int_equal(emitted.count, 4); /* periods without any bar gave none */
    assert_emitted(3, TG_TIMEFRAME_5M, 60, "105", "106", "105", "106", "2");
}

static void a_gap_of_days_gives_no_bars(void **state)
{
    (void)state;
    add_flat(0, "100");
    add_flat(3 * 1440 + 7, "101");
    assert_int_equal(emitted.count, 5);
    for (uint32_t i = 0; i < 5; i++)
        assert_emitted(i, TG_TIMEFRAME_5M + i, 0, "100", "100", "100", "100", "1");
    advance(4 * 1440);
    assert_int_equal(emitted.count, 10);
    assert_emitted(9, TG_TIMEFRAME_1D, 3 * 1440, "101", "101", "101", "101", "1");
    advance(400 * 1440);
    assert_int_equal(emitted.count, 10);
}

static void a_minute_after_its_close_is_counted_and_kept_above(void **state)
{
    (void)state;
    add_flat(0, "100");
    advance(5);
    assert_int_equal(emitted.count, 1);
    add_flat(4, "120"); /* came after market_advance(5) */
    assert_int_equal(market_quality(market, symbol)->aggregate_late, 1);
    assert_int_equal(emitted.count, 1); /* not published again */
    advance(15);
    assert_int_equal(emitted.count, 2);
    assert_emitted(1, TG_TIMEFRAME_15M, 0, "100", "120", "100", "120", "2");
}

static void grace_waits_for_the_last_minute(void **state)
{
    (void)state;
    open_market(TG_TIMEFRAME_1M, 2 * TG_NS_PER_SEC);
    add_flat(0, "100");
    advance(5);
    assert_int_equal(emitted.count, 0);
    add_flat(4, "120");
    assert_int_equal(emitted.count, 1);
    assert_emitted(0, TG_TIMEFRAME_5M, 0, "100", "120", "100", "120", "2");
    add_flat(5, "120");
    market_advance(market, DAY_START + 10 * MINUTE + 2 * TG_NS_PER_SEC - 1, emitted_note, &emitted);
    assert_int_equal(emitted.count, 1);
    market_advance(market, DAY_START + 10 * MINUTE + 2 * TG_NS_PER_SEC, emitted_note, &emitted);
    assert_int_equal(emitted.count, 2);
    assert_int_equal(market_quality(market, symbol)->aggregate_late, 0);
}

static void volumes_that_do_not_fit_are_counted(void **state)
{
    (void)state;
    for (int64_t minute = 0; minute < 5; minute++) {
        const struct tg_bar bar =
            bar_at(DAY_START + minute * MINUTE, "100", "100", "100", "100", "40000000000");
        add(&bar);
    }
    assert_int_equal(emitted.count, 1);
    assert_int_equal(emitted.items[0].bar.volume.units, INT64_MAX);
    assert_int_equal(market_quality(market, symbol)->volume_overflows, 3);
}

static void a_longer_base_makes_only_longer_bars(void **state)
{
    (void)state;
    open_market(TG_TIMEFRAME_1H, 0);
    for (int64_t hour = 0; hour < 24; hour++)
        add_flat(hour * 60, "100");
    assert_int_equal(emitted.count, 7);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(emitted.items[i].timeframe, TG_TIMEFRAME_4H);
    assert_emitted(6, TG_TIMEFRAME_1D, 0, "100", "100", "100", "100", "24");

    open_market(TG_TIMEFRAME_1D, 0);
    add_flat(0, "100");
    add_flat(1440, "100");
    advance(100 * 1440);
    assert_int_equal(emitted.count, 0);
}

/* market_advance looks at no symbol before the earliest end of an open aggregate. */
static void the_earliest_end_is_known(void **state)
{
    (void)state;
    assert_int_equal(market->due, INT64_MAX);
    add_flat(0, "100");
    assert_int_equal(market->due, DAY_START + 5 * MINUTE);
    advance(5);
    assert_int_equal(market->due, DAY_START + 15 * MINUTE);
    add_flat(16, "100");
    advance(17);
    assert_int_equal(market->due, DAY_START + 20 * MINUTE);
    advance(20);
    assert_int_equal(market->due, DAY_START + 30 * MINUTE);
    advance(59);
    assert_int_equal(market->due, DAY_START + 60 * MINUTE);
    advance(2 * 1440);
    assert_int_equal(market->due, INT64_MAX);
}

static void symbols_do_not_mix(void **state)
{
    const struct tg_bar first = flat_at(DAY_START, "100");
    const struct tg_bar second = flat_at(DAY_START + 2 * MINUTE, "7");
    uint32_t other;

    (void)state;
    assert_int_equal(market_symbol_add(market, "ETH/USDT", TG_TIMEFRAME_1M, &other, NULL), 0);
    add(&first);
    assert_int_equal(market_bar_add(market, other, &second, LATER, emitted_note, &emitted),
                     MARKET_BAR_USED);
    advance(5);
    assert_int_equal(emitted.count, 2);
    assert_int_equal(emitted.items[0].symbol, symbol);
    assert_int_equal(emitted.items[0].bar.close.units, 100 * TG_DECIMAL_ONE);
    assert_int_equal(emitted.items[1].symbol, other);
    assert_int_equal(emitted.items[1].bar.close.units, 7 * TG_DECIMAL_ONE);
    assert_int_equal(emitted.items[1].bar.volume.units, TG_DECIMAL_ONE);
}

/* Direct sums over random bars with holes, against the cascade. */
static void cascade_equals_direct_sums(void **state)
{
    enum { BARS = 6000 };
    static struct tg_bar bars[BARS];
    struct walk walk = {.price = 1000 * TG_DECIMAL_ONE,
                        .tick = TG_DECIMAL_ONE / 100,
                        .ticks_max = 50,
                        .open_time = DAY_START + 77 * MINUTE,
                        .step_ns = MINUTE};
    size_t count = 0;

    (void)state;
    tg_random_seed(&walk.random, 11);
    while (count < BARS) {
        bars[count] = walk_next(&walk);
        if (walk_below(&walk, 4) != 0)
            count++;
        else if (walk_below(&walk, 20) == 0)
            walk.open_time += walk_below(&walk, 300) * MINUTE;
    }
    for (size_t i = 0; i < count; i++) {
        emitted.count = 0;
        if (walk_below(&walk, 2) == 0)
            market_advance(market, bars[i].open_time, emitted_note, &emitted);
        add(&bars[i]);
        for (uint32_t e = 0; e < emitted.count; e++) {
            const int64_t start = emitted.items[e].bar.open_time;
            const int64_t end = start + market_timeframe_ns(emitted.items[e].timeframe);
            struct tg_bar sum = {0};
            bool any = false;

            for (size_t j = 0; j <= i; j++) {
                if (bars[j].open_time < start || bars[j].open_time >= end)
                    continue;
                if (!any)
                    sum = bars[j];
                else
                    sum.volume.units += bars[j].volume.units;
                any = true;
                sum.open_time = start;
                sum.high = tg_decimal_max(sum.high, bars[j].high);
                sum.low = tg_decimal_min(sum.low, bars[j].low);
                sum.close = bars[j].close;
            }
            assert_true(any);
            assert_bar_equal(&emitted.items[e].bar, &sum);
        }
    }
    assert_int_equal(market_quality(market, symbol)->aggregate_late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(five_minutes_make_one_bar, setup, teardown),
        cmocka_unit_test_setup_teardown(a_day_closes_every_timeframe_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_in_the_middle_stays_aligned, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_last_minute_closes_by_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_last_minute_closes_by_the_next_bar, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_gap_of_days_gives_no_bars, setup, teardown),
        cmocka_unit_test_setup_teardown(a_minute_after_its_close_is_counted_and_kept_above, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(grace_waits_for_the_last_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(volumes_that_do_not_fit_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_longer_base_makes_only_longer_bars, setup, teardown),
        cmocka_unit_test_setup_teardown(the_earliest_end_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(symbols_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(cascade_equals_direct_sums, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
