/* technical_analysis: what it reads into indicators, and what it refuses to say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_market.h"

struct bench {
    const struct tg_plugin *plugin;
    struct fake_host host;
    struct fake_market market;
    void *instance;
};

static void set_up_with(struct bench *bench, const char *const *words)
{
    bench->plugin = fake_plugin_load("technical_analysis");
    fake_host_init(&bench->host, "technical_analysis", "");
    bench->instance = fake_instance_create(bench->plugin, &bench->host, ".", words);
    fake_market_init(&bench->market, TG_TIMEFRAME_1M, 100);
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

/* Every field of the record is within the bounds of its topic. */
static void check_bounds(const struct tg_ta_signals *r)
{
#define CHECK(kind, name, argument, presence, minimum, maximum, meaning)                           \
    if (FAKE_##presence || TG_HAS(r, TA_SIGNALS, name)) {                                          \
        FAKE_BOUND_##kind(r->name, minimum, maximum);                                              \
    }
    TG_RECORD_TA_SIGNALS(CHECK)
#undef CHECK
}

static struct tg_ta_signals read_market(struct bench *bench)
{
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    struct tg_ta_signals signals;
    memcpy(
        &signals,
        fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run, TG_TOPIC_TA_SIGNALS),
        sizeof signals);
    check_bounds(&signals);
    assert_string_equal(signals.symbol, "BTC/USDT");
    assert_int_equal(signals.method, TG_METHOD_INDICATORS);
    return signals;
}

static void test_descriptor(void **state)
{
    const struct bench *bench = *state;
    fake_plugin_check(bench->plugin);
    assert_int_equal(bench->plugin->kind, TG_KIND_AGENT);
    assert_int_equal(bench->plugin->capabilities, TG_CAPABILITY_CORE_SAFE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(fake_plugin_exports("technical_analysis"), 1);
#endif
}

static void test_up_is_bullish_and_down_its_mirror(void **state)
{
    struct bench *bench = *state;
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    const struct tg_ta_signals up = read_market(bench);
    assert_int_equal(up.trend_direction, TG_TREND_BULLISH);
    assert_int_equal(up.bias, TG_BIAS_LONG);
    assert_int_equal(up.timeframe, TG_TIMEFRAME_1H);
    assert_true(up.momentum_score > 0.5);
    assert_true(up.trend_strength > 0.5);
    assert_true(up.confidence > 0.6);
    assert_true(fabs(up.atr_pct - 1) < 1e-9);
    assert_true(fabs(up.rsi - 64) < 1e-9);
    assert_int_equal(up.price.units, 100 * TG_DECIMAL_ONE);

    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_DOWN);
    const struct tg_ta_signals down = read_market(bench);
    assert_int_equal(down.trend_direction, TG_TREND_BEARISH);
    assert_int_equal(down.bias, TG_BIAS_SHORT);
    assert_true(fabs(up.momentum_score + down.momentum_score) < 1e-9);
    assert_true(fabs(up.trend_strength - down.trend_strength) < 1e-9);
    assert_true(fabs(up.confidence - down.confidence) < 1e-9);
}

static void test_flat_is_neutral(void **state)
{
    struct bench *bench = *state;
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_FLAT);
    bench->market.indicators[TG_TIMEFRAME_1H].supertrend_direction = 0;
    const struct tg_ta_signals flat = read_market(bench);
    assert_int_equal(flat.trend_direction, TG_TREND_NEUTRAL);
    assert_int_equal(flat.bias, TG_BIAS_NEUTRAL);
    assert_true(fabs(flat.momentum_score) < 1e-9);
    assert_true(flat.trend_strength < 1e-9);
}

/* One pair of averages in order, and nothing else, is no trend yet. */
static void test_a_weak_side_is_neutral(void **state)
{
    struct bench *bench = *state;
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_FLAT);
    bench->market.indicators[TG_TIMEFRAME_1H].supertrend_direction = 0;
    bench->market.indicators[TG_TIMEFRAME_1H].ema9 = 101;
    const struct tg_ta_signals weak = read_market(bench);
    assert_int_equal(weak.trend_direction, TG_TREND_NEUTRAL);
    assert_int_equal(weak.bias, TG_BIAS_NEUTRAL);
    assert_true(weak.trend_strength > 0);
    bench->market.indicators[TG_TIMEFRAME_1H].supertrend_direction = 1;
    assert_int_equal(read_market(bench).trend_direction, TG_TREND_BULLISH);
}

/* Absent is not neutral: no indicator, no word. */
static void test_nothing_warm_says_nothing(void **state)
{
    struct bench *bench = *state;
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    struct tg_failure failure = {.size = sizeof failure};
    for (uint32_t n = 0; n < TG_TIMEFRAME_COUNT; n++) {
        fake_market_warm(&bench->market, n, FAKE_UP);
        bench->market.indicators[n].ready &= ~(UINT64_C(1) << TG_INDICATOR_adx14);
    }
    assert_int_equal(bench->plugin->run(bench->instance, &run, &failure), TG_E_OK);
    assert_int_equal(bench->host.published_count, 0);
}

static void test_falls_back_with_less_confidence(void **state)
{
    struct bench *bench = *state;
    double before = 1.1;
    for (uint32_t timeframe = TG_TIMEFRAME_1H + 1; timeframe-- > 0;) {
        fake_market_init(&bench->market, TG_TIMEFRAME_1M, 100);
        fake_market_warm(&bench->market, timeframe, FAKE_UP);
        const struct tg_ta_signals signals = read_market(bench);
        assert_int_equal(signals.timeframe, timeframe);
        assert_true(signals.confidence < before);
        before = signals.confidence;
    }
}

static void test_larger_base_timeframe_leads_itself(void **state)
{
    struct bench *bench = *state;
    fake_market_init(&bench->market, TG_TIMEFRAME_4H, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_4H, FAKE_DOWN);
    assert_int_equal(read_market(bench).timeframe, TG_TIMEFRAME_4H);
    assert_int_equal(read_market(bench).bias, TG_BIAS_SHORT);
}

static void test_neighbours_have_a_say(void **state)
{
    struct bench *bench = *state;
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    fake_market_warm(&bench->market, TG_TIMEFRAME_4H, FAKE_UP);
    fake_market_warm(&bench->market, TG_TIMEFRAME_15M, FAKE_UP);
    const struct tg_ta_signals together = read_market(bench);
    fake_market_warm(&bench->market, TG_TIMEFRAME_4H, FAKE_DOWN);
    const struct tg_ta_signals apart = read_market(bench);
    assert_int_equal(apart.timeframe, TG_TIMEFRAME_1H);
    assert_true(apart.confidence < together.confidence);
    assert_true(apart.trend_strength < together.trend_strength);
    /* Two steps away nobody is asked. */
    fake_market_warm(&bench->market, TG_TIMEFRAME_4H, FAKE_UP);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1D, FAKE_DOWN);
    fake_market_warm(&bench->market, TG_TIMEFRAME_5M, FAKE_DOWN);
    const struct tg_ta_signals far = read_market(bench);
    assert_memory_equal(&far, &together, sizeof far);
}

static void set_bar(struct tg_bar *bar, double high, double low)
{
    bar->high = fake_decimal(high);
    bar->low = fake_decimal(low);
}

static void test_levels_are_the_nearest_swings(void **state)
{
    struct bench *bench = *state;
    struct tg_series *series = &bench->market.snapshot.series[TG_TIMEFRAME_1H];
    struct tg_bar *bars = bench->market.bars[TG_TIMEFRAME_1H];
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    series->count = 20;
    for (int n = 0; n < 20; n++) {
        set_bar(&bars[n], 101, 99);
    }
    assert_true((read_market(bench).present & TG_BIT(TA_SIGNALS, support)) == 0);
    assert_true((read_market(bench).present & TG_BIT(TA_SIGNALS, resistance)) == 0);
    set_bar(&bars[4], 101, 92.5);
    set_bar(&bars[8], 101, 96.25);
    set_bar(&bars[12], 104.5, 99);
    set_bar(&bars[15], 109, 99);
    set_bar(&bars[18], 101.5, 98.5); /* too new: one bar after it only */
    const struct tg_ta_signals signals = read_market(bench);
    assert_true(TG_HAS(&signals, TA_SIGNALS, support));
    assert_true(TG_HAS(&signals, TA_SIGNALS, resistance));
    assert_int_equal(signals.support.units, fake_decimal(96.25).units);
    assert_int_equal(signals.resistance.units, fake_decimal(104.5).units);
    /* Not the extreme of the two bars on either side; or on the wrong side of the price. */
    set_bar(&bars[10], 101, 95);
    assert_int_equal(read_market(bench).support.units, fake_decimal(95).units);
    for (int n = 0; n < 20; n++) {
        set_bar(&bars[n], 103 - n % 2, 102 - n % 2);
    }
    set_bar(&bars[8], 103, 100.5);
    assert_true((read_market(bench).present & TG_BIT(TA_SIGNALS, support)) == 0);
    for (uint32_t count = 0; count < 6; count++) {
        series->count = count;
        read_market(bench); /* too few bars for a swing: under ASan, nothing beyond them is read */
    }
}

static void test_runs_do_not_remember(void **state)
{
    struct bench *bench = *state;
    struct fake_market other;
    fake_market_init(&other, TG_TIMEFRAME_1M, 3);
    fake_market_warm(&other, TG_TIMEFRAME_1H, FAKE_DOWN);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    const struct tg_ta_signals first = read_market(bench);
    const struct tg_run run = fake_run("XRP/USDT", &other);
    fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run, TG_TOPIC_TA_SIGNALS);
    const struct tg_ta_signals again = read_market(bench);
    assert_memory_equal(&first, &again, sizeof first);
}

static void test_refuses_what_is_no_market(void **state)
{
    struct bench *bench = *state;
    struct tg_run run = fake_run("BTC/USDT", NULL);
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_STATE);
    run = fake_run("BTC/USDT", &bench->market);
    bench->market.snapshot.last_price.units = 0;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_INVALID);
}

static void test_refuses_what_is_no_number(void **state)
{
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    struct bench *bench = *state;
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    struct tg_indicators *i = &bench->market.indicators[TG_TIMEFRAME_1H];
    double *const values[] = {&i->ema9,
                              &i->ema21,
                              &i->ema200,
                              &i->rsi14,
                              &i->adx14,
                              &i->plus_di14,
                              &i->atr14,
                              &i->minus_di14,
                              &i->supertrend_direction,
                              &i->roc10,
                              &i->stochastic_rsi_k,
                              &i->macd_histogram};
    for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
        for (size_t k = 0; k < 3; k++) {
            fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
            *values[n] = wrong[k];
            fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_INVALID);
        }
    }
}

static void test_a_full_queue_is_told(void **state)
{
    struct bench *bench = *state;
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_UP);
    bench->host.publish_answer = TG_E_FULL;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_FULL);
}

static void test_any_indicators_stay_in_bounds(void **state)
{
    struct bench *bench = *state;
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    struct tg_failure failure = {.size = sizeof failure};
    size_t said = 0;
    for (int n = 0; n < 20000; n++) {
        fake_market_random(&bench->market, &bench->host);
        bench->host.published_count = 0;
        assert_int_equal(bench->plugin->run(bench->instance, &run, &failure), TG_E_OK);
        if (bench->host.published_count > 0) {
            check_bounds((const struct tg_ta_signals *)bench->host.published[0].record);
            said++;
        }
    }
    assert_in_range(said, 5000, 20000);
}

static void test_configuration_counts(void **state)
{
    static const char *const words[] = {"timeframe=15m", "direction_threshold=1",
                                        "bias_threshold=1", "fallback_factor=0", NULL};
    struct bench *bench = *state;
    struct bench own = {0};
    struct tg_config config = {.size = sizeof config, .count = 1};
    struct tg_failure failure = {.size = sizeof failure};
    void *instance = NULL;
    assert_int_equal(bench->plugin->create(&bench->host.table, &config, &instance, &failure),
                     TG_E_INVALID);
    assert_null(instance);

    set_up_with(&own, words);
    fake_market_warm(&own.market, TG_TIMEFRAME_1H, FAKE_UP);
    fake_market_warm(&own.market, TG_TIMEFRAME_15M, FAKE_UP);
    struct tg_ta_signals signals = read_market(&own);
    assert_int_equal(signals.timeframe, TG_TIMEFRAME_15M);
    assert_int_equal(signals.bias, TG_BIAS_NEUTRAL);
    assert_true(signals.confidence > 0);
    fake_market_init(&own.market, TG_TIMEFRAME_1M, 100);
    fake_market_warm(&own.market, TG_TIMEFRAME_5M, FAKE_UP);
    assert_true(read_market(&own).confidence == 0);
    own.plugin->destroy(own.instance);
    fake_host_fini(&own.host);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_descriptor),
        TEST(test_up_is_bullish_and_down_its_mirror),
        TEST(test_flat_is_neutral),
        TEST(test_a_weak_side_is_neutral),
        TEST(test_nothing_warm_says_nothing),
        TEST(test_falls_back_with_less_confidence),
        TEST(test_larger_base_timeframe_leads_itself),
        TEST(test_neighbours_have_a_say),
        TEST(test_levels_are_the_nearest_swings),
        TEST(test_runs_do_not_remember),
        TEST(test_refuses_what_is_no_market),
        TEST(test_refuses_what_is_no_number),
        TEST(test_a_full_queue_is_told),
        TEST(test_any_indicators_stay_in_bounds),
        TEST(test_configuration_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
