/*
 * fake_market.h: snapshots for tests of agents.
 *
 * A market here is one price and, per timeframe, bars and indicators that tell one story: up, down
 * (its exact mirror) or flat. Tests then change single numbers. Everything is the caller's memory.
 * Needs fake_host.h and cmocka before it.
 */
#ifndef FAKE_MARKET_H
#define FAKE_MARKET_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fake_host.h"

#define FAKE_BARS_MAX 60

enum fake_story { FAKE_DOWN = -1, FAKE_FLAT = 0, FAKE_UP = 1 };

struct fake_market {
    struct tg_snapshot snapshot;
    struct tg_bar bars[TG_TIMEFRAME_COUNT][FAKE_BARS_MAX];
    struct tg_indicators indicators[TG_TIMEFRAME_COUNT];
};

static inline struct tg_decimal fake_decimal(double value)
{
    return (struct tg_decimal){(int64_t)llround(value * (double)TG_DECIMAL_ONE)};
}

/* Nothing is warm and no timeframe has a bar. */
static inline void fake_market_init(struct fake_market *market, uint32_t base_timeframe,
                                    double price)
{
    memset(market, 0, sizeof *market);
    market->snapshot.size = sizeof market->snapshot;
    market->snapshot.base_timeframe = base_timeframe;
    market->snapshot.last_price = fake_decimal(price);
    for (int n = 0; n < TG_TIMEFRAME_COUNT; n++) {
        market->snapshot.series[n].bars = market->bars[n];
        market->snapshot.series[n].indicators = &market->indicators[n];
    }
}

/* Bars that step by 0.2 % of the last price, two with the story and one against it. */
static inline void fake_market_bars(struct fake_market *market, uint32_t timeframe,
                                    enum fake_story story)
{
    static const uint32_t counts[TG_TIMEFRAME_COUNT] = {60, 48, 32, 48, 30, 30};
    const double last = (double)market->snapshot.last_price.units / (double)TG_DECIMAL_ONE;
    const uint32_t count = counts[timeframe];
    double close = last;
    for (uint32_t n = count; n-- > 0;) {
        const int against = n % 3 == 2;
        const double step = 0.002 * last * (story == FAKE_FLAT ? (n % 2 ? 1 : -1) : story) *
                            (against && story != FAKE_FLAT ? -1 : 1);
        const double open = close - step;
        market->bars[timeframe][n] =
            (struct tg_bar){.open_time = n,
                            .open = fake_decimal(open),
                            .high = fake_decimal(fmax(open, close) + 0.0005 * last),
                            .low = fake_decimal(fmin(open, close) - 0.0005 * last),
                            .close = fake_decimal(close),
                            .volume = fake_decimal(against ? 80 : 120)};
        close = open;
    }
    market->snapshot.series[timeframe].count = count;
}

/* Every indicator of the timeframe ready, and telling the story. */
static inline void fake_market_warm(struct fake_market *market, uint32_t timeframe,
                                    enum fake_story story)
{
    const double price = (double)market->snapshot.last_price.units / (double)TG_DECIMAL_ONE;
    const double side = story;
    struct tg_indicators *i = &market->indicators[timeframe];
    i->ready = (UINT64_C(1) << TG_INDICATOR_COUNT) - 1;
    i->ema9 = i->sma20 = price * (1 - 0.01 * side);
    i->ema21 = i->sma50 = price * (1 - 0.02 * side);
    i->ema50 = price * (1 - 0.04 * side);
    i->ema200 = i->sma200 = price * (1 - 0.10 * side);
    i->rsi14 = 50 + 14 * side;
    i->atr14 = 0.01 * price;
    i->atr14_mean20 = 0.0095 * price;
    i->macd = 0.008 * price * side;
    i->macd_signal = 0.005 * price * side;
    i->macd_histogram = 0.003 * price * side;
    i->adx14 = story == FAKE_FLAT ? 12 : 32;
    i->plus_di14 = 20 + 9 * side;
    i->minus_di14 = 20 - 9 * side;
    i->bollinger_middle = price * (1 - 0.02 * side);
    i->bollinger_upper = i->bollinger_middle + 0.03 * price;
    i->bollinger_lower = i->bollinger_middle - 0.03 * price;
    i->keltner_middle = price * (1 - 0.015 * side);
    i->keltner_upper = i->keltner_middle + 0.02 * price;
    i->keltner_lower = i->keltner_middle - 0.02 * price;
    i->obv = 1000 * side;
    i->vwap = price * (1 - 0.005 * side);
    i->choppiness14 = story == FAKE_FLAT ? 52 : 36;
    i->stochastic_rsi = i->stochastic_rsi_k = i->stochastic_rsi_d = 50 + 25 * side;
    i->roc10 = 3 * side;
    i->supertrend = price * (1 - 0.025 * (story == FAKE_FLAT ? 1 : side));
    i->supertrend_direction = story == FAKE_DOWN ? -1 : 1;
    i->squeeze = 0;
    i->volume_sma20 = 110;
    fake_market_bars(market, timeframe, story);
}

/* A run of `symbol` (borrowed) on the market (borrowed; NULL: no snapshot). */
static inline struct tg_run fake_run(const char *symbol, const struct fake_market *market)
{
    return (struct tg_run){.size = sizeof(struct tg_run),
                           .task = "test",
                           .symbol = symbol,
                           .slot = INT64_C(1641024000000000000),
                           .now = INT64_C(1641024000000000000),
                           .snapshot = market == NULL ? NULL : &market->snapshot};
}

/* Runs once; the host must have been told exactly one thing of `topic`, which is returned. */
static inline const void *fake_run_publishes(const struct tg_plugin *plugin, void *instance,
                                             struct fake_host *host, const struct tg_run *run,
                                             uint32_t topic)
{
    struct tg_failure failure = {.size = sizeof failure};
    const size_t before = host->published_count;
    if (plugin->run(instance, run, &failure) != TG_E_OK) {
        fail_msg("%s", failure.message);
    }
    assert_int_equal(host->published_count, before + 1);
    assert_int_equal(host->published[before].topic, topic);
    return host->published[before].record;
}

/* Runs once; it must be refused with `code` and a sentence, and publish nothing. */
static inline void fake_run_refused(const struct tg_plugin *plugin, void *instance,
                                    struct fake_host *host, const struct tg_run *run, int32_t code)
{
    struct tg_failure failure = {.size = sizeof failure};
    const size_t before = host->published_count;
    assert_int_equal(plugin->run(instance, run, &failure), code);
    assert_int_equal(failure.code, code);
    assert_in_range(strlen(failure.message), 10, sizeof failure.message - 1);
    assert_int_equal(host->published_count, before);
}

/* Any indicators at all: each ready or not, within or far outside what is usual. */
static inline void fake_market_random(struct fake_market *market, struct fake_host *host)
{
    fake_market_init(market, TG_TIMEFRAME_1M, 100);
    for (uint32_t timeframe = 0; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        struct tg_indicators *i = &market->indicators[timeframe];
        double *values[] = {
#define FAKE_POINTER(name, definition) &i->name,
            TG_INDICATOR_LIST(FAKE_POINTER)
#undef FAKE_POINTER
        };
        fake_market_warm(market, timeframe, (enum fake_story)(host->table.random(host) % 3) - 1);
        /* Two of three timeframes keep all but a few; the rest is hardly warm. */
        for (uint32_t n = 0; n < TG_INDICATOR_COUNT; n++) {
            const uint64_t dice = host->table.random(host);
            if (dice % 64 == 0 || (timeframe % 3 == 2 && dice % 2 == 0)) {
                i->ready &= ~(UINT64_C(1) << n);
            }
            if ((dice >> 8) % 4 == 0) {
                *values[n] *= (double)((dice >> 16) % 4000) / 1000 - 1;
            }
        }
        market->snapshot.series[timeframe].count -= (uint32_t)(host->table.random(host) % 30);
    }
}

/*
 * Fails the test where a record leaves the bounds of its topic's field list. FAKE_CHECK_BOUNDS
 * (TA_SIGNALS, record) checks every field that is required or present.
 */
#define FAKE_BOUND_SYMBOL(value, minimum, maximum)                                                 \
    assert_in_range(strlen(value), 1, TG_SYMBOL_SIZE - 1)
#define FAKE_BOUND_TEXT(value, minimum, maximum) assert_non_null(memchr(value, 0, sizeof(value)))
#define FAKE_BOUND_JSON(value, minimum, maximum)                                                   \
    assert_in_range(strlen(value), 2, sizeof(value) - 1)
#define FAKE_BOUND_DECIMAL(value, minimum, maximum) assert_true((value).units > 0)
#define FAKE_BOUND_REAL(value, minimum, maximum)                                                   \
    assert_true(isfinite(value) && (value) >= (minimum) && (value) <= (maximum))
#define FAKE_BOUND_WHOLE(value, minimum, maximum)                                                  \
    assert_true((value) >= (minimum) && (value) <= (maximum))
#define FAKE_BOUND_FLAG(value, minimum, maximum) assert_in_range(value, 0, 1)
#define FAKE_BOUND_ENUM(value, minimum, maximum) assert_true((value) < 16)
#define FAKE_BOUND_TIME(value, minimum, maximum) assert_true((value) >= 0)
#define FAKE_REQUIRED                            1
#define FAKE_OPTIONAL                            0

#endif
