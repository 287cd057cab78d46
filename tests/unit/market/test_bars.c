/* Verdicts, the count that lets a real move in, gaps, symbols and options. */
#include "market/market_test.h"

#include <math.h>
#include <stdio.h>

static struct market *market;
static uint32_t symbol;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(market_create(NULL, &market, NULL), 0);
    assert_int_equal(market_symbol_add(market, "BTC/USDT", TG_TIMEFRAME_1M, &symbol, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    market_destroy(market);
    return 0;
}

static enum market_verdict add(const struct tg_bar *bar)
{
    return market_bar_add(market, symbol, bar, LATER, NULL, NULL);
}

static enum market_verdict add_flat(int64_t minute, const char *price)
{
    const struct tg_bar bar = flat_at(DAY_START + minute * MINUTE, price);

    return add(&bar);
}

static void counts_each_verdict(void **state)
{
    struct tg_bar bars[] = {
        bar_at(DAY_START + 0 * MINUTE, "100", "101", "99", "100", "5"), /* late */
        bar_at(DAY_START + 1 * MINUTE, "100", "101", "99", "100", "5"), /* duplicate */
        bar_at(LATER, "100", "101", "99", "100", "5"),                  /* future */
        bar_at(DAY_START + 2 * MINUTE + 1, "100", "101", "99", "100", "5"),
        bar_at(DAY_START + 2 * MINUTE, "100", "101", "0", "100", "5"),   /* zero */
        bar_at(DAY_START + 2 * MINUTE, "-100", "101", "99", "100", "5"), /* negative price */
        bar_at(DAY_START + 2 * MINUTE, "100", "101", "99", "100", "-5"), /* negative volume */
        bar_at(DAY_START + 2 * MINUTE, "100", "99", "101", "100", "5"),  /* high below low */
        bar_at(DAY_START + 2 * MINUTE, "102", "101", "99", "100", "5"),  /* open above high */
        bar_at(DAY_START + 2 * MINUTE, "100", "101", "99", "98", "5"),   /* close below low */
        bar_at(DAY_START + 2 * MINUTE, "100", "150.00000001", "99", "100", "5"),
        bar_at(DAY_START + 2 * MINUTE, "100", "101", "49.99999999", "100", "5"),
    };
    const enum market_verdict expected[] = {
        MARKET_BAR_LATE,         MARKET_BAR_DUPLICATE,    MARKET_BAR_FUTURE,
        MARKET_BAR_MISALIGNED,   MARKET_BAR_ZERO,         MARKET_BAR_NEGATIVE,
        MARKET_BAR_NEGATIVE,     MARKET_BAR_INCONSISTENT, MARKET_BAR_INCONSISTENT,
        MARKET_BAR_INCONSISTENT, MARKET_BAR_ABSURD,       MARKET_BAR_ABSURD};
    const uint64_t totals[MARKET_VERDICT_COUNT] = {1, 1, 1, 1, 1, 1, 2, 3, 2};
    struct tg_snapshot before, after;
    struct tg_indicators kept[TG_TIMEFRAME_COUNT];

    (void)state;
    assert_int_equal(add_flat(1, "100"), MARKET_BAR_USED);
    assert_int_equal(market_snapshot_any_age(market, symbol, LATER, &before), 0);
    for (size_t i = 0; i < TG_TIMEFRAME_COUNT; i++)
        kept[i] = *before.series[i].indicators;
    for (size_t i = 0; i < sizeof(bars) / sizeof(bars[0]); i++)
        assert_int_equal(add(&bars[i]), expected[i]);
    for (size_t i = 0; i < MARKET_VERDICT_COUNT; i++)
        assert_int_equal(market_quality(market, symbol)->bars[i], totals[i]);

    /* ... and nothing else has changed. */
    assert_int_equal(market_snapshot_any_age(market, symbol, LATER, &after), 0);
    assert_memory_equal(&before, &after, sizeof(before));
    for (size_t i = 0; i < TG_TIMEFRAME_COUNT; i++)
        assert_memory_equal(&kept[i], after.series[i].indicators, sizeof(kept[i]));
    assert_int_equal(market_quality(market, symbol)->gaps, 0);
}

static void edges_are_inside(void **state)
{
    const struct tg_bar highest =
        bar_at(DAY_START + MINUTE, "100", "150", "50", "100", "0"); /* exactly 50 % */

    (void)state;
    assert_int_equal(add_flat(0, "100"), MARKET_BAR_USED);
    assert_int_equal(add(&highest), MARKET_BAR_USED);
}

static void a_bar_that_closes_now_is_used(void **state)
{
    const struct tg_bar bar = flat_at(DAY_START, "100");

    (void)state;
    assert_int_equal(market_bar_add(market, symbol, &bar, DAY_START + MINUTE - 1, NULL, NULL),
                     MARKET_BAR_FUTURE);
    assert_int_equal(market_bar_add(market, symbol, &bar, DAY_START + MINUTE, NULL, NULL),
                     MARKET_BAR_USED);
}

static void times_at_the_ends_of_the_range(void **state)
{
    struct tg_bar bar = flat_at(INT64_MAX - 7, "100");

    (void)state;
    assert_int_equal(market_bar_add(market, symbol, &bar, INT64_MAX, NULL, NULL),
                     MARKET_BAR_FUTURE);
    bar.open_time = -MINUTE; /* before 1970: before any bar can be */
    assert_int_equal(add(&bar), MARKET_BAR_LATE);
    bar.open_time = -1;
    assert_int_not_equal(add(&bar), MARKET_BAR_USED);
    bar.open_time = 0;
    assert_int_equal(add(&bar), MARKET_BAR_USED);
    bar.open_time = 7;
    assert_int_equal(add(&bar), MARKET_BAR_MISALIGNED);
}

static void absurd_never_becomes_true_by_default(void **state)
{
    (void)state;
    assert_int_equal(add_flat(0, "100"), MARKET_BAR_USED);
    for (int64_t minute = 1; minute < 1000; minute++)
        assert_int_equal(add_flat(minute, "200"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(1000, "100"), MARKET_BAR_USED);
}

static void with_acceptance(uint32_t after)
{
    const struct market_options options = {.absurd_accept_after = after};

    market_destroy(market);
    assert_int_equal(market_create(&options, &market, NULL), 0);
    assert_int_equal(market_symbol_add(market, "BTC/USDT", TG_TIMEFRAME_1M, &symbol, NULL), 0);
    assert_int_equal(add_flat(0, "100"), MARKET_BAR_USED);
}

static void a_real_move_is_believed(void **state)
{
    (void)state;
    with_acceptance(3);
    assert_int_equal(add_flat(1, "200"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(2, "210"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(3, "205"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(4, "206"), MARKET_BAR_USED);
    assert_int_equal(add_flat(5, "207"), MARKET_BAR_USED);
    assert_int_equal(market_quality(market, symbol)->gaps, 1);
    assert_int_equal(market_quality(market, symbol)->silent_ns, 3 * MINUTE);
}

static void absurd_bars_that_disagree_are_not_believed(void **state)
{
    (void)state;
    with_acceptance(2);
    for (int64_t minute = 1; minute < 40; minute += 2) {
        assert_int_equal(add_flat(minute, "1000"), MARKET_BAR_ABSURD);
        assert_int_equal(add_flat(minute + 1, "9"), MARKET_BAR_ABSURD);
    }
}

static void the_same_absurd_bar_again_does_not_count(void **state)
{
    (void)state;
    with_acceptance(2);
    for (int again = 0; again < 10; again++)
        assert_int_equal(add_flat(1, "200"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(2, "200"), MARKET_BAR_ABSURD);
    assert_int_equal(add_flat(3, "200"), MARKET_BAR_USED);
}

static void a_used_bar_ends_the_count(void **state)
{
    (void)state;
    with_acceptance(2);
    for (int64_t minute = 1; minute < 40; minute += 2) {
        assert_int_equal(add_flat(minute, "200"), MARKET_BAR_ABSURD);
        assert_int_equal(add_flat(minute + 1, "100"), MARKET_BAR_USED);
    }
}

static void counts_gaps(void **state)
{
    const struct market_quality *quality = market_quality(market, symbol);

    (void)state;
    assert_int_equal(add_flat(10, "100"), MARKET_BAR_USED);
    assert_int_equal(add_flat(11, "100"), MARKET_BAR_USED);
    assert_int_equal(quality->gaps, 0);
    assert_int_equal(add_flat(13, "100"), MARKET_BAR_USED); /* 12 is missing */
    assert_int_equal(add_flat(14, "100"), MARKET_BAR_USED);
    assert_int_equal(add_flat(20, "100"), MARKET_BAR_USED); /* 15 to 19 are missing */
    assert_int_equal(add_flat(23, "100"), MARKET_BAR_USED); /* 21 and 22 are missing */
    assert_int_equal(quality->gaps, 3);
    assert_int_equal(quality->silent_ns, 8 * MINUTE);
    assert_int_equal(quality->silent_longest_ns, 5 * MINUTE);
    assert_int_equal(quality->silent_longest_from, DAY_START + 15 * MINUTE);
    assert_int_equal(quality->first_open_time, DAY_START + 10 * MINUTE);
    assert_int_equal(quality->last_close_time, DAY_START + 24 * MINUTE);
}

static void refuses_symbols(void **state)
{
    struct tg_error error = {0};
    uint32_t number = 77;
    char name[TG_SYMBOL_SIZE];

    (void)state;
    assert_int_equal(market_symbol_add(market, "BTC/USDT", 0, &number, &error), TG_E_EXISTS);
    assert_string_equal(error.message, "market: symbol BTC/USDT is there already");
    assert_int_equal(market_symbol_add(market, "", 0, &number, &error), TG_E_INVALID);
    assert_int_equal(market_symbol_add(market, "123456789012345678901234", 0, &number, &error),
                     TG_E_INVALID);
    assert_int_equal(market_symbol_add(market, "A", TG_TIMEFRAME_COUNT, &number, &error),
                     TG_E_INVALID);
    assert_int_equal(number, 77);
    for (unsigned i = 1; i < MARKET_SYMBOLS_MAX; i++) {
        assert_true(snprintf(name, sizeof(name), "S%u/USDT", i) > 0);
        assert_int_equal(market_symbol_add(market, name, 0, &number, &error), 0);
        assert_int_equal(number, i);
        assert_int_equal(market_symbol_find(market, name), i);
        assert_string_equal(market_symbol_name(market, number), name);
    }
    assert_int_equal(market_symbol_add(market, "ONE/MORE", 0, &number, &error), TG_E_FULL);
    assert_int_equal(market_symbol_count(market), MARKET_SYMBOLS_MAX);
    assert_int_equal(market_symbol_find(market, "ONE/MORE"), -1);
}

static void refuses_options(void **state)
{
    const struct market_options bad[] = {
        {.absurd_pct = -1},          {.absurd_pct = (double)NAN}, {.absurd_pct = (double)INFINITY},
        {.snapshot_age_max_ns = -1}, {.advance_grace_ns = -1},    {.advance_grace_ns = MINUTE + 1},
    };
    struct market *made = market;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tg_error error = {0};

        assert_int_equal(market_create(&bad[i], &made, &error), TG_E_RANGE);
        assert_null(made);
        assert_true(error.message[0] != '\0');
    }
}

static void names_what_there_is(void **state)
{
    (void)state;
    assert_string_equal(market_verdict_text(MARKET_BAR_MISALIGNED), "misaligned");
    assert_string_equal(market_verdict_sentence(MARKET_BAR_ZERO), "a price is zero");
    assert_int_equal(market_timeframe_of_ns(5 * MINUTE), TG_TIMEFRAME_5M);
    assert_int_equal(market_timeframe_of_ns(7 * MINUTE), -1);
    for (uint32_t i = 0; i < TG_TIMEFRAME_COUNT; i++)
        assert_int_equal(market_timeframe_of_ns(market_timeframe_ns(i)), i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_each_verdict, setup, teardown),
        cmocka_unit_test_setup_teardown(edges_are_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bar_that_closes_now_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(times_at_the_ends_of_the_range, setup, teardown),
        cmocka_unit_test_setup_teardown(absurd_never_becomes_true_by_default, setup, teardown),
        cmocka_unit_test_setup_teardown(a_real_move_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(absurd_bars_that_disagree_are_not_believed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_same_absurd_bar_again_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_used_bar_ends_the_count, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_gaps, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_symbols, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_options, setup, teardown),
        cmocka_unit_test(names_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
