/* regime_detection: which regime is seen, when it changes, and what it is remembered by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "fake_market.h"

#define SYMBOLS_MAX 256 /* as the plugin says */

struct bench {
    const struct tg_plugin *plugin;
    struct fake_host host;
    struct fake_market market;
    void *instance;
};

static void set_up_with(struct bench *bench, const char *const *words)
{
    bench->plugin = fake_plugin_load("regime_detection");
    fake_host_init(&bench->host, "regime", "");
    bench->instance = fake_instance_create(bench->plugin, &bench->host, ".", words);
    fake_market_init(&bench->market, TG_TIMEFRAME_1M, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_FLAT);
}

static void tear_down_with(struct bench *bench)
{
    bench->plugin->destroy(bench->instance);
    fake_host_fini(&bench->host);
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
    tear_down_with(*state);
    free(*state);
    return 0;
}

/* Every field of the record is within the bounds of its topic. */
static void check_bounds(const struct tg_regime_updates *r)
{
#define CHECK(kind, name, argument, presence, minimum, maximum, meaning)                           \
    if (FAKE_##presence || TG_HAS(r, REGIME_UPDATES, name)) {                                      \
        FAKE_BOUND_##kind(r->name, minimum, maximum);                                              \
    }
    TG_RECORD_REGIME_UPDATES(CHECK)
#undef CHECK
}

static struct tg_regime_updates detect(struct bench *bench, const char *symbol)
{
    const struct tg_run run = fake_run(symbol, &bench->market);
    struct tg_regime_updates update;
    memcpy(&update,
           fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run,
                              TG_TOPIC_REGIME_UPDATES),
           sizeof update);
    check_bounds(&update);
    assert_string_equal(update.symbol, symbol);
    assert_int_equal(update.method, TG_METHOD_INDICATORS);
    assert_true(TG_HAS(&update, REGIME_UPDATES, changed));
    assert_int_equal(TG_HAS(&update, REGIME_UPDATES, regime_before), update.changed);
    return update;
}

/* Indicators of one regime, as clear as can be, or only just (`sure` 0). */
static void show(struct bench *bench, uint32_t regime, int sure)
{
    struct tg_indicators *i = &bench->market.indicators[TG_TIMEFRAME_1H];
    fake_market_warm(&bench->market, TG_TIMEFRAME_1H, FAKE_FLAT);
    i->adx14 = 14;
    i->choppiness14 = 48;
    i->atr14 = 0.5;
    i->atr14_mean20 = 0.5;
    i->bollinger_upper = i->bollinger_middle + 1.5;
    i->bollinger_lower = i->bollinger_middle - 1.5;
    switch (regime) {
    case TG_REGIME_TRENDING_BULL:
    case TG_REGIME_TRENDING_BEAR:
        fake_market_warm(&bench->market, TG_TIMEFRAME_1H,
                         regime == TG_REGIME_TRENDING_BULL ? FAKE_UP : FAKE_DOWN);
        i->atr14 = i->atr14_mean20 = 0.5;
        i->adx14 = sure ? 40 : 26;
        i->choppiness14 = sure ? 30 : 50;
        break;
    case TG_REGIME_VOLATILE_BULL:
    case TG_REGIME_VOLATILE_BEAR:
        i->plus_di14 = regime == TG_REGIME_VOLATILE_BULL ? 30 : 10;
        i->minus_di14 = regime == TG_REGIME_VOLATILE_BULL ? 10 : 30;
        i->adx14 = sure ? 14 : 21;
        i->atr14 = sure ? 3 : 1.7;
        i->atr14_mean20 = i->atr14;
        break;
    case TG_REGIME_CHOPPY:
        i->choppiness14 = sure ? 66 : 58.6;
        break;
    case TG_REGIME_BREAKOUT_POTENTIAL:
        i->squeeze = 1;
        i->bollinger_upper = i->bollinger_middle + (sure ? 0.4 : 0.62);
        i->bollinger_lower = i->bollinger_middle - (sure ? 0.4 : 0.62);
        i->choppiness14 = 50;
        break;
    case TG_REGIME_UNKNOWN:
        i->ready = 0;
        break;
    default:
        i->adx14 = sure ? 12 : 22;
        break;
    }
}

static void test_descriptor(void **state)
{
    const struct bench *bench = *state;
    fake_plugin_check(bench->plugin);
    assert_int_equal(bench->plugin->kind, TG_KIND_AGENT);
    assert_int_equal(bench->plugin->capabilities, TG_CAPABILITY_CORE_SAFE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(fake_plugin_exports("regime_detection"), 1);
#endif
}

static void test_each_regime_brings_its_parameters(void **state)
{
    static const struct {
        uint32_t regime;
        double size, stop, target;
        uint32_t strictness;
        int64_t leverage;
    } table[] = {
        {TG_REGIME_TRENDING_BULL, 1, 1.2, 2, TG_STRICTNESS_NORMAL, 5},
        {TG_REGIME_TRENDING_BEAR, 1, 1.2, 2, TG_STRICTNESS_NORMAL, 3},
        {TG_REGIME_RANGING, 0.75, 0.8, 1.5, TG_STRICTNESS_STRICT, 2},
        {TG_REGIME_VOLATILE_BULL, 0.5, 1.5, 2.5, TG_STRICTNESS_STRICT, 2},
        {TG_REGIME_VOLATILE_BEAR, 0.5, 1.5, 2.5, TG_STRICTNESS_STRICT, 2},
        {TG_REGIME_CHOPPY, 0.25, 1, 1, TG_STRICTNESS_VERY_STRICT, 1},
        {TG_REGIME_BREAKOUT_POTENTIAL, 0.75, 1, 3, TG_STRICTNESS_STRICT, 3},
    };
    struct bench *bench = *state;
    uint32_t before = TG_REGIME_UNKNOWN;
    for (size_t n = 0; n < sizeof table / sizeof table[0]; n++) {
        show(bench, table[n].regime, 1);
        const struct tg_regime_updates update = detect(bench, "BTC/USDT");
        assert_int_equal(update.regime, table[n].regime);
        assert_true(update.confidence >= 0.7);
        assert_int_equal(update.changed, 1);
        assert_int_equal(update.regime_before, before);
        assert_true(update.position_size_multiplier == table[n].size);
        assert_true(update.stop_multiplier == table[n].stop);
        assert_true(update.target_multiplier == table[n].target);
        assert_int_equal(update.entry_strictness, table[n].strictness);
        assert_int_equal(update.leverage_max, table[n].leverage);
        assert_true(TG_HAS(&update, REGIME_UPDATES, stop_multiplier));
        assert_true(TG_HAS(&update, REGIME_UPDATES, target_multiplier));
        assert_true(TG_HAS(&update, REGIME_UPDATES, leverage_max));
        assert_true(TG_HAS(&update, REGIME_UPDATES, adx));
        assert_int_equal(detect(bench, "BTC/USDT").changed, 0);
        before = table[n].regime;
    }
}

static void test_cold_is_unknown_with_confidence_0(void **state)
{
    struct bench *bench = *state;
    show(bench, TG_REGIME_UNKNOWN, 1);
    struct tg_regime_updates update = detect(bench, "BTC/USDT");
    assert_int_equal(update.regime, TG_REGIME_UNKNOWN);
    assert_int_equal(update.changed, 0);
    assert_true(update.confidence == 0);
    assert_true(update.position_size_multiplier == 0.5);
    assert_int_equal(update.entry_strictness, TG_STRICTNESS_NORMAL);
    assert_int_equal(update.leverage_max, 1);
    assert_false(TG_HAS(&update, REGIME_UPDATES, adx));
    /* What was known stands on indicators: without them it goes at once. */
    show(bench, TG_REGIME_RANGING, 1);
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_RANGING);
    show(bench, TG_REGIME_UNKNOWN, 1);
    update = detect(bench, "BTC/USDT");
    assert_int_equal(update.regime, TG_REGIME_UNKNOWN);
    assert_int_equal(update.changed, 1);
    assert_int_equal(update.regime_before, TG_REGIME_RANGING);
}

/* Each regime, seen without being sure, needs a second look, and gets it. */
static void test_two_in_a_row_change_it(void **state)
{
    struct bench *bench = *state;
    char symbol[TG_SYMBOL_SIZE] = "A/USDT";
    for (uint32_t regime = 0; regime < TG_REGIME_UNKNOWN; regime++) {
        symbol[0] = (char)('A' + regime);
        show(bench, regime, 0);
        const struct tg_regime_updates first = detect(bench, symbol);
        assert_int_equal(first.regime, TG_REGIME_UNKNOWN);
        assert_int_equal(first.changed, 0);
        const struct tg_regime_updates second = detect(bench, symbol);
        assert_int_equal(second.regime, regime);
        assert_int_equal(second.changed, 1);
        assert_int_equal(second.regime_before, TG_REGIME_UNKNOWN);
        assert_true(second.confidence < 0.7);
        assert_true(second.confidence > 0.3);
    }
}

static void test_two_that_differ_change_nothing(void **state)
{
    struct bench *bench = *state;
    show(bench, TG_REGIME_RANGING, 1);
    detect(bench, "BTC/USDT");
    for (int n = 0; n < 5; n++) {
        show(bench, TG_REGIME_TRENDING_BULL, 0);
        assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_RANGING);
        show(bench, TG_REGIME_CHOPPY, 0);
        assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_RANGING);
    }
    /* The old one between two of the new one breaks the row as well. */
    for (int n = 0; n < 5; n++) {
        show(bench, TG_REGIME_TRENDING_BULL, 0);
        const struct tg_regime_updates kept = detect(bench, "BTC/USDT");
        assert_int_equal(kept.regime, TG_REGIME_RANGING);
        show(bench, TG_REGIME_RANGING, 1);
        assert_true(kept.confidence < detect(bench, "BTC/USDT").confidence);
    }
}

static void test_symbols_share_nothing(void **state)
{
    struct bench *bench = *state;
    show(bench, TG_REGIME_TRENDING_BULL, 1);
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_TRENDING_BULL);
    show(bench, TG_REGIME_CHOPPY, 0);
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_TRENDING_BULL);
    /* A first detection of another symbol is no second one of this. */
    assert_int_equal(detect(bench, "XRP/USDT").regime, TG_REGIME_UNKNOWN);
    assert_int_equal(detect(bench, "XRP/BTC").regime, TG_REGIME_UNKNOWN);
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_CHOPPY);
    assert_int_equal(detect(bench, "XRP/USDT").regime, TG_REGIME_CHOPPY);
}

static void test_a_full_table_refuses_and_keeps(void **state)
{
    struct bench *bench = *state;
    char symbol[TG_SYMBOL_SIZE];
    show(bench, TG_REGIME_RANGING, 1);
    for (int n = 0; n < SYMBOLS_MAX; n++) {
        snprintf(symbol, sizeof symbol, "S%d/USDT", n);
        assert_int_equal(detect(bench, symbol).changed, 1);
    }
    const struct tg_run run = fake_run("ONE/MORE", &bench->market);
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_FULL);
    for (int n = 0; n < SYMBOLS_MAX; n++) {
        snprintf(symbol, sizeof symbol, "S%d/USDT", n);
        assert_int_equal(detect(bench, symbol).changed, 0);
    }
}

/* A change that could not be published is announced by the next run. */
static void test_what_was_not_published_has_not_happened(void **state)
{
    struct bench *bench = *state;
    const struct tg_run run = fake_run("BTC/USDT", &bench->market);
    show(bench, TG_REGIME_RANGING, 1);
    bench->host.publish_answer = TG_E_FULL;
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_FULL);
    bench->host.publish_answer = TG_E_OK;
    assert_int_equal(detect(bench, "BTC/USDT").changed, 1);
    assert_int_equal(detect(bench, "BTC/USDT").changed, 0);
}

static void test_the_regime_survives_a_restart(void **state)
{
    struct bench *bench = *state;
    struct tg_regime_updates own = {.symbol = "BTC/USDT", .regime = TG_REGIME_TRENDING_BEAR};
    struct tg_input input = {.topic = TG_TOPIC_REGIME_UPDATES,
                             .payload_size = sizeof own,
                             .payload = &own,
                             .source = "regime"};
    struct tg_run run = fake_run("BTC/USDT", &bench->market);
    const struct tg_regime_updates *update;
    run.inputs = &input;
    run.input_count = 1;
    show(bench, TG_REGIME_CHOPPY, 0);
    update = fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run,
                                TG_TOPIC_REGIME_UPDATES);
    assert_int_equal(update->regime, TG_REGIME_TRENDING_BEAR);

    /* Of another source or another symbol it is not its own word. */
    run.symbol = "XRP/USDT";
    update = fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run,
                                TG_TOPIC_REGIME_UPDATES);
    assert_int_equal(update->regime, TG_REGIME_UNKNOWN);
    run.symbol = "XRP/BTC";
    memcpy(own.symbol, "XRP/BTC", sizeof "XRP/BTC");
    input.source = "somebody";
    update = fake_run_publishes(bench->plugin, bench->instance, &bench->host, &run,
                                TG_TOPIC_REGIME_UPDATES);
    assert_int_equal(update->regime, TG_REGIME_UNKNOWN);
}

static void test_falls_back_to_what_is_warm(void **state)
{
    struct bench *bench = *state;
    fake_market_init(&bench->market, TG_TIMEFRAME_5M, 100);
    fake_market_warm(&bench->market, TG_TIMEFRAME_15M, FAKE_UP);
    bench->market.indicators[TG_TIMEFRAME_15M].atr14 = 0.2;
    bench->market.indicators[TG_TIMEFRAME_15M].atr14_mean20 = 0.2;
    bench->market.indicators[TG_TIMEFRAME_15M].choppiness14 = 30;
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_TRENDING_BULL);
    /* One percent of range is wild for a quarter of an hour and quiet for an hour. */
    bench->market.indicators[TG_TIMEFRAME_15M].atr14 = 1.2;
    bench->market.indicators[TG_TIMEFRAME_15M].atr14_mean20 = 1.2;
    assert_int_equal(detect(bench, "BTC/USDT").regime, TG_REGIME_VOLATILE_BULL);
}

static void test_refuses_what_is_no_market(void **state)
{
    static const double wrong[] = {NAN, INFINITY, -INFINITY};
    struct bench *bench = *state;
    struct tg_indicators *i = &bench->market.indicators[TG_TIMEFRAME_1H];
    double *const values[] = {&i->adx14, &i->atr14, &i->rsi14, &i->choppiness14,
                              &i->bollinger_upper};
    struct tg_run run = fake_run("BTC/USDT", NULL);
    fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_STATE);
    run = fake_run("BTC/USDT", &bench->market);
    for (size_t n = 0; n < sizeof values / sizeof values[0]; n++) {
        for (size_t k = 0; k < 3; k++) {
            show(bench, TG_REGIME_RANGING, 1);
            *values[n] = wrong[k];
            fake_run_refused(bench->plugin, bench->instance, &bench->host, &run, TG_E_INVALID);
        }
    }
    show(bench, TG_REGIME_RANGING, 1);
    assert_int_equal(detect(bench, "BTC/USDT").changed, 1);
}

static void test_any_indicators_stay_in_bounds(void **state)
{
    struct bench *bench = *state;
    size_t changes = 0;
    uint32_t seen = 0;
    for (int n = 0; n < 20000; n++) {
        fake_market_random(&bench->market, &bench->host);
        bench->host.published_count = 0;
        const struct tg_regime_updates update = detect(bench, "BTC/USDT");
        changes += update.changed;
        seen |= UINT32_C(1) << update.regime;
    }
    assert_in_range(changes, 1000, 20000);
    assert_int_equal(seen & 0x7f, 0x7f);
}

static void test_configuration_counts(void **state)
{
    static const char *const words[] = {
        "change_detections=3",          "change_confidence=1",
        "choppy_size_multiplier=0.125", "choppy_strictness=relaxed",
        "choppy_leverage_max=7",        "choppy_stop_multiplier=0.5",
        "choppy_target_multiplier=4",   NULL};
    struct bench *bench = *state;
    struct bench own = {0};
    struct tg_config config = {.size = sizeof config, .count = 1};
    struct tg_failure failure = {.size = sizeof failure};
    void *instance = NULL;
    assert_int_equal(bench->plugin->create(&bench->host.table, &config, &instance, &failure),
                     TG_E_INVALID);
    assert_null(instance);

    set_up_with(&own, words);
    show(&own, TG_REGIME_CHOPPY, 0);
    assert_int_equal(detect(&own, "BTC/USDT").regime, TG_REGIME_UNKNOWN);
    assert_int_equal(detect(&own, "BTC/USDT").regime, TG_REGIME_UNKNOWN);
    const struct tg_regime_updates update = detect(&own, "BTC/USDT");
    assert_int_equal(update.regime, TG_REGIME_CHOPPY);
    assert_true(update.position_size_multiplier == 0.125);
    assert_true(update.stop_multiplier == 0.5);
    assert_true(update.target_multiplier == 4);
    assert_int_equal(update.entry_strictness, TG_STRICTNESS_RELAXED);
    assert_int_equal(update.leverage_max, 7);
    tear_down_with(&own);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_descriptor),
        TEST(test_each_regime_brings_its_parameters),
        TEST(test_cold_is_unknown_with_confidence_0),
        TEST(test_two_in_a_row_change_it),
        TEST(test_two_that_differ_change_nothing),
        TEST(test_symbols_share_nothing),
        TEST(test_a_full_table_refuses_and_keeps),
        TEST(test_what_was_not_published_has_not_happened),
        TEST(test_the_regime_survives_a_restart),
        TEST(test_falls_back_to_what_is_warm),
        TEST(test_refuses_what_is_no_market),
        TEST(test_any_indicators_stay_in_bounds),
        TEST(test_configuration_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
