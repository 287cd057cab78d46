/* Made-up bars: what must hold for each of them, and what the market as a whole must look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"

#define MINUTE   INT64_C(60000000000)
#define DAY      (1440 * MINUTE)
#define START    (INT64_C(1704067200) * 1000000000) /* 2024-01-01 */
#define WORD_MAX 8

static const struct tg_plugin *plugin;

static int setup(void **state)
{
    (void)state;
    plugin = fake_plugin_load("synthetic");
    return 0;
}

struct market {
    struct tg_feed_info info;
    struct tg_bar *bars;
    size_t count;
};

static struct market market_make(const char *symbol, uint32_t capacity, const char *const *words)
{
    struct market market = {.info = {.size = sizeof market.info}};
    struct tg_failure failure = {.size = sizeof failure};
    struct fake_host host;
    fake_host_init(&host, "synthetic", symbol);
    void *instance = fake_instance_create(plugin, &host, ".", words);
    assert_int_equal(plugin->feed->describe(instance, &market.info, &failure), TG_E_OK);
    market.count = fake_feed_read_all(plugin, instance, capacity, &market.bars);
    assert_int_equal(market.info.synthetic, 1);
    assert_int_equal(host.refused_total, 0);
    plugin->destroy(instance);
    fake_host_fini(&host);
    return market;
}

#define MARKET(symbol, ...) market_make(symbol, 1000, (const char *const[]){__VA_ARGS__, NULL})

static bool same_bars(const struct market *a, const struct market *b)
{
    return a->count == b->count && memcmp(a->bars, b->bars, a->count * sizeof *a->bars) == 0;
}

/* Logarithmic returns of each bar; the caller frees them. */
static double *returns_of(const struct market *market)
{
    double *returns = malloc(market->count * sizeof *returns);
    assert_non_null(returns);
    for (size_t i = 0; i < market->count; i++) {
        returns[i] = log((double)market->bars[i].close.units / (double)market->bars[i].open.units);
    }
    return returns;
}

static double mean_of(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / (double)count;
}

static double correlation_of(const double *a, const double *b, size_t count)
{
    const double mean_a = mean_of(a, count);
    const double mean_b = mean_of(b, count);
    double products = 0;
    double squares_a = 0;
    double squares_b = 0;
    for (size_t i = 0; i < count; i++) {
        products += (a[i] - mean_a) * (b[i] - mean_b);
        squares_a += (a[i] - mean_a) * (a[i] - mean_a);
        squares_b += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return products / sqrt(squares_a * squares_b);
}

static void descriptor_is_in_order(void **state)
{
    (void)state;
    fake_plugin_check(plugin);
    assert_string_equal(plugin->name, "synthetic");
    assert_int_equal(plugin->kind, TG_KIND_FEED);
    assert_int_equal(plugin->capabilities, TG_CAPABILITY_CORE_SAFE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_int_equal(fake_plugin_exports("synthetic"), 1);
#endif
}

static void defaults_are_a_month_of_minutes(void **state)
{
    (void)state;
    struct market market = market_make("BTC/USDT", 1000, NULL);
    assert_int_equal(market.count, 30 * 1440);
    assert_int_equal(market.info.timeframe, TG_TIMEFRAME_1M);
    assert_int_equal(market.info.first_open_time, START);
    assert_int_equal(market.info.last_open_time, START + 30 * DAY - MINUTE);
    assert_int_equal(market.bars[0].open_time, START);
    assert_int_equal(market.bars[0].open.units, 40000 * TG_DECIMAL_ONE);
    assert_int_equal(market.bars[market.count - 1].open_time, market.info.last_open_time);
    free(market.bars);
}

static void reading_in_other_steps_changes_nothing(void **state)
{
    (void)state;
    static const char *const words[] = {"days=7", "gap_minutes_per_day=30", "correlation=0.5",
                                        NULL};
    struct market reference = market_make("BTC/USDT", 512, words);
    static const uint32_t capacities[] = {1, 7, 512, 100000};
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        struct market again = market_make("BTC/USDT", capacities[i], words);
        assert_true(same_bars(&reference, &again));
        free(again.bars);
    }
    free(reference.bars);
}

static void seed_and_symbol_decide(void **state)
{
    (void)state;
    struct market reference = MARKET("BTC/USDT", "days=1");
    struct market explicit_seed = MARKET("BTC/USDT", "days=1", "seed=1", "factor_seed=7");
    struct market other_seed = MARKET("BTC/USDT", "days=1", "seed=2");
    struct market other_symbol = MARKET("XRP/USDT", "days=1");
    struct market other_factor = MARKET("BTC/USDT", "days=1", "correlation=1", "factor_seed=7");
    struct market one_factor = MARKET("BTC/USDT", "days=1", "correlation=1");
    assert_true(same_bars(&reference, &explicit_seed));
    assert_false(same_bars(&reference, &other_seed));
    assert_false(same_bars(&reference, &other_symbol));
    assert_false(same_bars(&one_factor, &other_factor));
    free(reference.bars);
    free(explicit_seed.bars);
    free(other_seed.bars);
    free(other_symbol.bars);
    free(other_factor.bars);
    free(one_factor.bars);
}

/* Arithmetic is such that every compiler and processor gets these bars. */
static void bars_are_the_same_everywhere(void **state)
{
    (void)state;
    struct market market =
        MARKET("BTC/USDT", "days=365", "timeframe=5m", "correlation=0.6", "gap_minutes_per_day=20");
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < market.count; i++) {
        const struct tg_bar *bar = &market.bars[i];
        const int64_t numbers[] = {bar->open_time, bar->open.units,  bar->high.units,
                                   bar->low.units, bar->close.units, bar->volume.units};
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
            hash = (hash ^ (uint64_t)numbers[n]) * UINT64_C(0x100000001b3);
        }
    }
    if (hash != UINT64_C(0xa353be9c144a1e30)) {
        fail_msg("the digest of the year is 0x%llx", (unsigned long long)hash);
    }
    free(market.bars);
}

static void bars_check(const struct market *market, int64_t length, int64_t tick)
{
    for (size_t i = 0; i < market->count; i++) {
        const struct tg_bar *bar = &market->bars[i];
        assert_true(bar->low.units > 0);
        assert_true(bar->low.units <= bar->open.units && bar->low.units <= bar->close.units);
        assert_true(bar->high.units >= bar->open.units && bar->high.units >= bar->close.units);
        assert_true((double)bar->high.units <= TG_UNBOUNDED * (double)TG_DECIMAL_ONE);
        assert_true(bar->volume.units >= 0);
        assert_true((double)bar->volume.units <= TG_UNBOUNDED * (double)TG_DECIMAL_ONE);
        assert_int_equal(bar->open.units % tick + bar->high.units % tick + bar->low.units % tick +
                             bar->close.units % tick,
                         0);
        assert_int_equal(bar->open_time % length, 0);
        /* Nothing a host would put aside as absurd: 50 % from the last close. */
        assert_true(bar->high.units / 3 <= bar->open.units / 2 + 1);
        assert_true(bar->low.units >= bar->open.units / 2);
        if (i > 0) {
            assert_int_equal(bar->open.units, bar[-1].close.units);
            assert_true(bar->open_time >= bar[-1].open_time + length);
        }
    }
}

static void every_bar_is_possible(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORD_MAX];
        int64_t minutes;
        int64_t tick;
    } markets[] = {
        {{"days=60", NULL}, 1, 1000000},
        {{"days=60", "gap_minutes_per_day=720", NULL}, 1, 1000000},
        {{"days=36500", "timeframe=1d", NULL}, 1440, 1000000},
        {{"days=36500", "timeframe=4h", "volatility_pct=1000", NULL}, 240, 1000000},
        {{"days=9000", "timeframe=1h", "start_price=0.000001", "price_places=8", NULL}, 60, 1},
        {{"days=9000", "timeframe=1h", "start_price=100", "price_places=0", "volatility_pct=1000",
          "gap_minutes_per_day=300", NULL},
         60,
         TG_DECIMAL_ONE},
        {{"days=9000", "timeframe=1h", "start_price=1000000000", "price_places=8",
          "volatility_pct=1000", "correlation=1", NULL},
         60,
         1},
        {{"days=3000", "timeframe=15m", "start_price=0.5", "price_places=4", "correlation=0.5",
          NULL},
         15,
         10000},
    };
    for (size_t i = 0; i < sizeof markets / sizeof *markets; i++) {
        for (int seed = 1; seed <= 2; seed++) {
            const char *words[WORD_MAX + 2] = {seed == 1 ? "seed=1" : "seed=2"};
            memcpy(words + 1, markets[i].words, sizeof markets[i].words);
            struct market market = market_make("BTC/USDT", 4096, words);
            assert_true(market.count > 1000);
            bars_check(&market, markets[i].minutes * MINUTE, markets[i].tick);
            assert_int_equal(market.bars[0].open_time, market.info.first_open_time);
            assert_int_equal(market.bars[market.count - 1].open_time, market.info.last_open_time);
            free(market.bars);
        }
    }
}

static void returns_look_like_a_market(void **state)
{
    (void)state;
    struct market market = MARKET("BTC/USDT", "days=500");
    double *returns = returns_of(&market);
    const double mean = mean_of(returns, market.count);
    double squares = 0;
    double fourths = 0;
    for (size_t i = 0; i < market.count; i++) {
        const double square = (returns[i] - mean) * (returns[i] - mean);
        squares += square;
        fourths += square * square;
    }
    const double variance = squares / (double)market.count;
    const double kurtosis = fourths / (double)market.count / (variance * variance);
    const double annual = sqrt(variance * 365 * 1440);
    print_message("volatility %.3f a year, kurtosis %.1f\n", annual, kurtosis);
    assert_true(annual > 0.5 && annual < 0.7);
    assert_true(kurtosis > 4);
    for (size_t i = 0; i < market.count; i++) {
        returns[i] = fabs(returns[i]);
    }
    /* Large moves follow large ones, an hour later still. */
    assert_true(correlation_of(returns, returns + 1, market.count - 1) > 0.1);
    assert_true(correlation_of(returns, returns + 60, market.count - 60) > 0.05);
    free(returns);
    free(market.bars);
}

static int compare_doubles(const void *a, const void *b)
{
    double left = 0;
    double right = 0;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    return (left > right) - (left < right);
}

static void regimes_are_visible(void **state)
{
    (void)state;
    enum { HOURS = 12, BLOCKS = 4000 };
    static double moves[BLOCKS];
    static double deviations[BLOCKS];
    struct market market = MARKET("BTC/USDT", "days=2000", "timeframe=15m");
    double *returns = returns_of(&market);
    assert_int_equal(market.count, BLOCKS * HOURS * 4);
    for (size_t block = 0; block < BLOCKS; block++) {
        double squares = 0;
        for (size_t i = block * HOURS * 4; i < (block + 1) * HOURS * 4; i++) {
            moves[block] += returns[i];
            squares += returns[i] * returns[i];
        }
        deviations[block] = sqrt(squares);
    }
    /* Trends: half a day up makes the next half day up likelier. */
    const double persistence = correlation_of(moves, moves + 1, BLOCKS - 1);
    qsort(deviations, BLOCKS, sizeof *deviations, compare_doubles);
    const double contrast = deviations[BLOCKS * 9 / 10] / deviations[BLOCKS / 10];
    print_message("persistence %.3f, loud over quiet %.2f\n", persistence, contrast);
    assert_true(persistence > 0.1);
    assert_true(contrast > 2.5);
    free(returns);
    free(market.bars);
}

static double correlation_measured(const char *word, const char *factor)
{
    struct market a = MARKET("BTC/USDT", "days=300", "timeframe=5m", word);
    struct market b = MARKET("XRP/USDT", "days=300", "timeframe=5m", "start_price=0.6",
                             "price_places=6", "volatility_pct=90", word, factor);
    double *returns_a = returns_of(&a);
    double *returns_b = returns_of(&b);
    assert_int_equal(a.count, b.count);
    const double correlation = correlation_of(returns_a, returns_b, a.count);
    print_message("%s, %s: measured %.3f\n", word, factor, correlation);
    free(returns_a);
    free(returns_b);
    free(a.bars);
    free(b.bars);
    return correlation;
}

static void symbols_move_together_as_told(void **state)
{
    (void)state;
    assert_true(fabs(correlation_measured("correlation=0", "factor_seed=1")) < 0.03);
    assert_true(fabs(correlation_measured("correlation=0.4", "factor_seed=1") - 0.4) < 0.08);
    assert_true(fabs(correlation_measured("correlation=0.8", "factor_seed=1") - 0.8) < 0.08);
    assert_true(correlation_measured("correlation=1", "factor_seed=1") > 0.99);
    assert_true(fabs(correlation_measured("correlation=0.8", "factor_seed=2")) < 0.03);
}

static void gaps_have_the_length_asked_for(void **state)
{
    (void)state;
    enum { DAYS = 200 };
    struct market market = MARKET("BTC/USDT", "days=200", "gap_minutes_per_day=60");
    const double missing = (double)(DAYS * 1440 - (int64_t)market.count) / DAYS;
    size_t gaps = 0;
    for (size_t i = 1; i < market.count; i++) {
        gaps += market.bars[i].open_time - market.bars[i - 1].open_time > MINUTE;
    }
    print_message("%.1f minutes missing a day, %zu gaps\n", missing, gaps);
    assert_true(missing > 48 && missing < 72);
    assert_true(gaps > DAYS * 4 && gaps < DAYS * 9);
    free(market.bars);
}

static void the_day_has_its_pattern(void **state)
{
    (void)state;
    double by_hour[24] = {0};
    struct market market = MARKET("BTC/USDT", "days=200");
    for (size_t i = 0; i < market.count; i++) {
        const int64_t hour = market.bars[i].open_time / (60 * MINUTE) % 24;
        by_hour[hour] += (double)market.bars[i].volume.units * (double)market.bars[i].close.units;
    }
    assert_true(by_hour[15] > 1.5 * by_hour[4]);
    assert_true(by_hour[10] > by_hour[4]);
    assert_true(by_hour[10] < by_hour[15]);
    free(market.bars);
}

static void starts_are_read(void **state)
{
    (void)state;
    struct market market =
        MARKET("BTC/USDT", "days=0.5", "start=2024-02-29T12:15:00Z", "timeframe=15m");
    assert_int_equal(market.info.first_open_time, START + 59 * DAY + 735 * MINUTE);
    assert_int_equal(market.count, 48);
    free(market.bars);
}

static void impossible_wishes_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        const char *says;
    } wishes[] = {
        {"start=", "days=1", "start: \"\" is not a time"},
        {"start=yesterday", "days=1", "start: \"yesterday\" is not a time from 1980 to 2199"},
        {"start=2023-02-29", "days=1", "is not a time"},
        {"start=1979-12-31", "days=1", "is not a time"},
        {"start=2024-01-01T24:00:00Z", "days=1", "is not a time"},
        {"start=2024-01-01T00:00:00+1", "days=1", "is not a time"},
        {"start=2024-01-01 00:00:00Z", "days=1", "is not a time"},
        {"start=2024-01-01T00:00:30Z", "days=1", "multiple of the timeframe, 1 minutes"},
        {"start=2024-01-01T06:00:00Z", "timeframe=4h", "multiple of the timeframe, 240 minutes"},
        {"days=0.5", "timeframe=1d", "days: too few for one bar of 1440 minutes"},
        {"start=2190-01-01", "days=36500", "days: reach beyond the year 2199"},
        {"start_price=0.99", "price_places=2",
         "start_price: with price_places 2 it must be at "
         "least 1"},
        {"start_price=0.0001", "price_places=4", "it must be at least 0.01"},
        {"start_price=99", "price_places=0", "it must be at least 100"},
    };
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        const char *words[] = {wishes[i].a, wishes[i].b, NULL};
        char message[256];
        struct fake_host host;
        fake_host_init(&host, "synthetic", "BTC/USDT");
        fake_instance_refused(plugin, &host, ".", words, message, sizeof message);
        if (!strstr(message, wishes[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", message, wishes[i].says);
        }
        fake_host_fini(&host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptor_is_in_order),
        cmocka_unit_test(defaults_are_a_month_of_minutes),
        cmocka_unit_test(reading_in_other_steps_changes_nothing),
        cmocka_unit_test(seed_and_symbol_decide),
        cmocka_unit_test(bars_are_the_same_everywhere),
        cmocka_unit_test(every_bar_is_possible),
        cmocka_unit_test(returns_look_like_a_market),
        cmocka_unit_test(regimes_are_visible),
        cmocka_unit_test(symbols_move_together_as_told),
        cmocka_unit_test(gaps_have_the_length_asked_for),
        cmocka_unit_test(the_day_has_its_pattern),
        cmocka_unit_test(starts_are_read),
        cmocka_unit_test(impossible_wishes_are_explained),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
