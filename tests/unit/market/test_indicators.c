/*
 * Every indicator, step by step, against the definition worked out anew from all bars in long
 * double; then what happens without movement, without volume, with tiny and huge prices, and
 * after millions of bars.
 */
#include "market/market_test.h"

#include "market_int.h"

#include <math.h>
#include <stdlib.h>

#define BARS_MAX  1200u
#define TOLERANCE 1e-9L

static const char *const names[TG_INDICATOR_COUNT] = {
#define INDICATOR_NAME(name, definition) #name,
    TG_INDICATOR_LIST(INDICATOR_NAME)
#undef INDICATOR_NAME
};

/* ---- the definitions, from scratch -------------------------------------------------------- */

struct naive {
    size_t count;
    long double open_time[BARS_MAX], high[BARS_MAX], low[BARS_MAX], close[BARS_MAX];
    long double volume[BARS_MAX], range[BARS_MAX], gain[BARS_MAX], loss[BARS_MAX];
    long double plus[BARS_MAX], minus[BARS_MAX];
    /* results; NAN: no value yet */
    long double value[TG_INDICATOR_COUNT];
    long double stochastic_range; /* of the RSI: the smallest that K and D rest on */
    long double squeeze_margin;
};

static long double mean(const long double *values, size_t end, size_t length)
{
    long double sum = 0;

    if (end < length)
        return (long double)NAN;
    for (size_t i = end - length; i < end; i++)
        sum += values[i];
    return sum / (long double)length;
}

/* Of values[first..end): starts as the mean of the first `length`, then moves by `share`. */
static long double smoothed(const long double *values, size_t first, size_t end, size_t length,
                            long double share)
{
    long double average;

    if (end < first + length)
        return (long double)NAN;
    average = mean(values, first + length, length);
    for (size_t i = first + length; i < end; i++)
        average += share * (values[i] - average);
    return average;
}

static long double ema(const long double *values, size_t first, size_t end, size_t length)
{
    return smoothed(values, first, end, length, 2.0L / (long double)(length + 1));
}

static long double wilder(const long double *values, size_t end, size_t length)
{
    return smoothed(values, 1, end, length, 1.0L / (long double)length);
}

static long double rsi(const struct naive *naive, size_t end)
{
    const long double gain = wilder(naive->gain, end, 14), loss = wilder(naive->loss, end, 14);

    if (gain == 0 && loss == 0)
        return 50;
    return 100 - 100 / (1 + gain / loss);
}

static long double stochastic(struct naive *naive, const long double *rsis, size_t end)
{
    long double low = INFINITY, high = -INFINITY;

    if (end < 28)
        return (long double)NAN;
    for (size_t i = end - 14; i < end; i++) {
        low = fminl(low, rsis[i]);
        high = fmaxl(high, rsis[i]);
    }
    if (high - low < 1e-9L)
        return 50;
    naive->stochastic_range = fminl(naive->stochastic_range, high - low);
    return 100 * (rsis[end - 1] - low) / (high - low);
}

static void naive_stochastic(struct naive *naive, size_t end)
{
    long double rsis[BARS_MAX], raw[5] = {0}, k[3] = {0};

    naive->stochastic_range = INFINITY;
    for (size_t i = 0; i < end; i++)
        rsis[i] = rsi(naive, i + 1);
    for (size_t i = 0; i < 5; i++)
        raw[i] = end >= i ? stochastic(naive, rsis, end - i) : (long double)NAN;
    for (size_t i = 0; i < 3; i++)
        k[i] = (raw[i] + raw[i + 1] + raw[i + 2]) / 3;
    naive->value[TG_INDICATOR_rsi14] = rsis[end - 1];
    naive->value[TG_INDICATOR_stochastic_rsi] = raw[0];
    naive->value[TG_INDICATOR_stochastic_rsi_k] = k[0];
    naive->value[TG_INDICATOR_stochastic_rsi_d] = (k[0] + k[1] + k[2]) / 3;
}

static void naive_trend(struct naive *naive, size_t end)
{
    const long double *close = naive->close;
    long double macd[BARS_MAX], atr[BARS_MAX], dx[BARS_MAX];
    long double *value = naive->value;

    for (size_t i = 0; i < end; i++) {
        const long double plus = wilder(naive->plus, i + 1, 14);
        const long double minus = wilder(naive->minus, i + 1, 14);

        macd[i] = ema(close, 0, i + 1, 12) - ema(close, 0, i + 1, 26);
        atr[i] = wilder(naive->range, i + 1, 14);
        dx[i] = plus + minus == 0 ? 0 : 100 * fabsl(plus - minus) / (plus + minus);
    }
    value[TG_INDICATOR_ema9] = ema(close, 0, end, 9);
    value[TG_INDICATOR_ema21] = ema(close, 0, end, 21);
    value[TG_INDICATOR_ema50] = ema(close, 0, end, 50);
    value[TG_INDICATOR_ema200] = ema(close, 0, end, 200);
    value[TG_INDICATOR_macd] = macd[end - 1];
    value[TG_INDICATOR_macd_signal] = ema(macd, 25, end, 9);
    value[TG_INDICATOR_macd_histogram] = macd[end - 1] - value[TG_INDICATOR_macd_signal];
    value[TG_INDICATOR_atr14] = atr[end - 1];
    value[TG_INDICATOR_atr14_mean20] = mean(atr, end, 20);
    value[TG_INDICATOR_adx14] = smoothed(dx, 14, end, 14, 1.0L / 14);
    value[TG_INDICATOR_plus_di14] =
        atr[end - 1] == 0 ? 0 : 100 * wilder(naive->plus, end, 14) / atr[end - 1];
    value[TG_INDICATOR_minus_di14] =
        atr[end - 1] == 0 ? 0 : 100 * wilder(naive->minus, end, 14) / atr[end - 1];
}

static void naive_bands(struct naive *naive, size_t end)
{
    long double *value = naive->value;
    const long double middle = mean(naive->close, end, 20), ema20 = ema(naive->close, 0, end, 20);
    const long double atr10 = wilder(naive->range, end, 10);
    long double squares = 0, deviation;

    for (size_t i = end < 20 ? 0 : end - 20; i < end; i++)
        squares += (naive->close[i] - middle) * (naive->close[i] - middle);
    deviation = sqrtl(squares / 20);
    value[TG_INDICATOR_sma20] = value[TG_INDICATOR_bollinger_middle] = middle;
    value[TG_INDICATOR_sma50] = mean(naive->close, end, 50);
    value[TG_INDICATOR_sma200] = mean(naive->close, end, 200);
    value[TG_INDICATOR_volume_sma20] = mean(naive->volume, end, 20);
    value[TG_INDICATOR_bollinger_upper] = middle + 2 * deviation;
    value[TG_INDICATOR_bollinger_lower] = middle - 2 * deviation;
    value[TG_INDICATOR_keltner_middle] = ema20;
    value[TG_INDICATOR_keltner_upper] = ema20 + 2 * atr10;
    value[TG_INDICATOR_keltner_lower] = ema20 - 2 * atr10;
    value[TG_INDICATOR_squeeze] =
        middle + 2 * deviation < ema20 + 2 * atr10 && middle - 2 * deviation > ema20 - 2 * atr10;
    if (end < 20)
        value[TG_INDICATOR_squeeze] = (long double)NAN;
    naive->squeeze_margin = fminl(fabsl(middle + 2 * deviation - ema20 - 2 * atr10),
                                  fabsl(middle - 2 * deviation - ema20 + 2 * atr10));
}

static void naive_supertrend(struct naive *naive, size_t end)
{
    long double upper = (long double)NAN, lower = (long double)NAN;
    bool up = false;

    for (size_t i = 10; i < end; i++) {
        const long double middle = (naive->high[i] + naive->low[i]) / 2;
        const long double reach = 3 * wilder(naive->range, i + 1, 10);
        const long double before = naive->close[i - 1];

        upper = i == 10 || middle + reach < upper || before > upper ? middle + reach : upper;
        lower = i == 10 || middle - reach > lower || before < lower ? middle - reach : lower;
        up = i > 10 && up ? naive->close[i] >= lower : naive->close[i] > upper;
    }
    naive->value[TG_INDICATOR_supertrend] = up ? lower : upper;
    naive->value[TG_INDICATOR_supertrend_direction] =
        end < 11 ? (long double)NAN : (up ? 1.0L : -1.0L);
}

static void naive_volume(struct naive *naive, size_t end)
{
    const long double day = (long double)TG_NS_PER_DAY;
    const long double today = floorl(naive->open_time[end - 1] / day);
    long double obv = 0, price_volume = 0, volume = 0;

    for (size_t i = 0; i < end; i++) {
        if (i > 0 && naive->close[i] > naive->close[i - 1])
            obv += naive->volume[i];
        if (i > 0 && naive->close[i] < naive->close[i - 1])
            obv -= naive->volume[i];
        if (floorl(naive->open_time[i] / day) != today)
            continue;
        price_volume += (naive->high[i] + naive->low[i] + naive->close[i]) / 3 * naive->volume[i];
        volume += naive->volume[i];
    }
    naive->value[TG_INDICATOR_obv] = end < 2 ? (long double)NAN : obv;
    naive->value[TG_INDICATOR_vwap] = volume == 0 ? (long double)NAN : price_volume / volume;
}

static void naive_rest(struct naive *naive, size_t end)
{
    long double high = -INFINITY, low = INFINITY, ranges = 0;

    for (size_t i = end < 15 ? 0 : end - 14; i < end; i++) {
        high = fmaxl(high, naive->high[i]);
        low = fminl(low, naive->low[i]);
        ranges += naive->range[i];
    }
    naive->value[TG_INDICATOR_choppiness14] =
        high == low ? 100 : 100 * log10l(ranges / (high - low)) / log10l(14);
    if (end < 15)
        naive->value[TG_INDICATOR_choppiness14] = (long double)NAN;
    naive->value[TG_INDICATOR_roc10] =
        end < 11 ? (long double)NAN
                 : 100 * (naive->close[end - 1] - naive->close[end - 11]) / naive->close[end - 11];
}

/* Differences are taken of units: they are exact, so that equal moves are equal. */
static void naive_add(struct naive *naive, const struct tg_bar *bar, const struct tg_bar *before)
{
    const size_t i = naive->count++;
    const long double one = (long double)TG_DECIMAL_ONE;
    int64_t change, up, down;

    assert_true(i < BARS_MAX);
    naive->open_time[i] = (long double)bar->open_time;
    naive->high[i] = (long double)bar->high.units / one;
    naive->low[i] = (long double)bar->low.units / one;
    naive->close[i] = (long double)bar->close.units / one;
    naive->volume[i] = (long double)bar->volume.units / one;
    if (i == 0)
        return;
    change = bar->close.units - before->close.units;
    up = bar->high.units - before->high.units;
    down = before->low.units - bar->low.units;
    naive->range[i] =
        fmaxl(naive->high[i], naive->close[i - 1]) - fminl(naive->low[i], naive->close[i - 1]);
    naive->gain[i] = change > 0 ? (long double)change / one : 0;
    naive->loss[i] = change < 0 ? (long double)-change / one : 0;
    naive->plus[i] = up > down && up > 0 ? (long double)up / one : 0;
    naive->minus[i] = down > up && down > 0 ? (long double)down / one : 0;
}

static void naive_values(struct naive *naive)
{
    naive_trend(naive, naive->count);
    naive_bands(naive, naive->count);
    naive_stochastic(naive, naive->count);
    naive_supertrend(naive, naive->count);
    naive_volume(naive, naive->count);
    naive_rest(naive, naive->count);
    if (naive->count < 15)
        naive->value[TG_INDICATOR_rsi14] = naive->value[TG_INDICATOR_plus_di14] =
            naive->value[TG_INDICATOR_minus_di14] = (long double)NAN;
}

/* ---- comparison --------------------------------------------------------------------------- */

static double value_of(const struct tg_indicators *indicators, uint32_t number)
{
    double values[TG_INDICATOR_COUNT];

    memcpy(values, &indicators->ema9, sizeof(values));
    return values[number];
}

/* Below this size of a value the error is compared with it instead: values cross zero. */
static long double smallest(const struct naive *naive, uint32_t number)
{
    const long double price = naive->close[naive->count - 1];

    switch (number) {
    case TG_INDICATOR_macd:
    case TG_INDICATOR_macd_signal:
    case TG_INDICATOR_macd_histogram:
    case TG_INDICATOR_atr14:
    case TG_INDICATOR_atr14_mean20:
        return price * 1e-6L;
    case TG_INDICATOR_stochastic_rsi:
    case TG_INDICATOR_stochastic_rsi_k:
    case TG_INDICATOR_stochastic_rsi_d:
        return fmaxl(1.0L, 1e-2L / naive->stochastic_range);
    case TG_INDICATOR_keltner_lower:
    case TG_INDICATOR_bollinger_lower:
    case TG_INDICATOR_supertrend:
        return price;
    default:
        return 1e-6L;
    }
}

static void assert_values(struct naive *naive, const struct tg_indicators *indicators)
{
    for (uint32_t i = 0; i < TG_INDICATOR_COUNT; i++) {
        const long double expected = naive->value[i];
        const double value = value_of(indicators, i);
        const bool ready = (indicators->ready >> i & 1) != 0;

        if (ready != isfinite(expected))
            fail_msg("%s after %zu bars: ready is %d", names[i], naive->count, ready);
        if (!ready) {
            assert_true(value == 0.0);
            continue;
        }
        if (i == TG_INDICATOR_squeeze && naive->squeeze_margin < naive->close[0] * 1e-12L)
            continue;
        if (fabsl((long double)value - expected) >
            TOLERANCE * fmaxl(fabsl(expected), smallest(naive, i)))
            fail_msg("%s after %zu bars: %.17g, expected %.17Lg", names[i], naive->count, value,
                     expected);
    }
}

struct case_of_walk {
    uint64_t seed;
    int64_t price, tick;
    uint32_t ticks_max, flat_per_mille;
    int64_t step_ns;
};

static void compare_walk(const struct case_of_walk *given)
{
    struct naive *naive = calloc(1, sizeof(*naive));
    struct market__indicators *state = calloc(1, sizeof(*state));
    struct walk walk = {.price = given->price,
                        .tick = given->tick,
                        .ticks_max = given->ticks_max,
                        .flat_per_mille = given->flat_per_mille,
                        .open_time = DAY_START + 20 * TG_NS_PER_HOUR,
                        .step_ns = given->step_ns};
    struct tg_bar before = {0};

    assert_non_null(naive);
    assert_non_null(state);
    tg_random_seed(&walk.random, given->seed);
    for (size_t i = 1; i <= 700; i++) {
        const struct tg_bar bar = walk_next(&walk);

        naive_add(naive, &bar, &before);
        before = bar;
        market__indicators_add(state, &bar);
        if (i > 260 && i % 23 != 0)
            continue;
        naive_values(naive);
        assert_values(naive, market__indicators_values(state));
        /* Asking again changes nothing. */
        assert_ptr_equal(market__indicators_values(state), &state->values);
    }
    /* All but the VWAP, which depends on the day's volume. */
    assert_int_equal(state->values.ready | UINT64_C(1) << TG_INDICATOR_vwap,
                     (UINT64_C(1) << TG_INDICATOR_COUNT) - 1);
    free(state);
    free(naive);
}

static void equals_the_definitions(void **state)
{
    const struct case_of_walk cases[] = {
        {1, 46000 * TG_DECIMAL_ONE, TG_DECIMAL_ONE / 2, 60, 0, MINUTE},
        {2, 46000 * TG_DECIMAL_ONE, TG_DECIMAL_ONE / 2, 60, 60, MINUTE},
        {3, 1359, 1, 8, 20, MINUTE}, /* 0.00001359 */
        {4, 100 * TG_DECIMAL_ONE, TG_DECIMAL_ONE, 3, 200, 5 * MINUTE},
        {5, INT64_C(1400000000) * TG_DECIMAL_ONE, 1000 * TG_DECIMAL_ONE, 900, 10, TG_NS_PER_HOUR},
        {6, 3 * TG_DECIMAL_ONE, 1, 1000000, 30, TG_NS_PER_DAY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        compare_walk(&cases[i]);
}

/* Values do not depend on when somebody asks, nor how often. */
static void asking_changes_nothing(void **state)
{
    struct market__indicators *often = calloc(1, sizeof(*often));
    struct market__indicators *once = calloc(1, sizeof(*once));
    struct walk walk = {.price = 1000 * TG_DECIMAL_ONE,
                        .tick = TG_DECIMAL_ONE / 100,
                        .ticks_max = 40,
                        .open_time = DAY_START,
                        .step_ns = MINUTE};

    (void)state;
    assert_non_null(often);
    assert_non_null(once);
    tg_random_seed(&walk.random, 9);
    for (int i = 0; i < 1000; i++) {
        const struct tg_bar bar = walk_next(&walk);

        market__indicators_add(often, &bar);
        market__indicators_add(once, &bar);
        (void)market__indicators_values(often);
    }
    assert_memory_equal(market__indicators_values(often), market__indicators_values(once),
                        sizeof(struct tg_indicators));
    free(once);
    free(often);
}

/* ---- known figures ------------------------------------------------------------------------ */

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g", value, expected);
}

/* The worked example that is printed in most descriptions of the RSI. */
static void rsi_of_the_printed_example(void **state)
{
    static const char *const closes[] = {"44.3389", "44.0902", "44.1497", "43.6124", "44.3278",
                                         "44.8264", "45.0955", "45.4245", "45.8433", "46.0826",
                                         "45.8931", "46.0328", "45.6140", "46.2820", "46.2820",
                                         "46.0028", "46.0328", "46.4116", "46.2222"};
    static const double expected[] = {70.53, 66.32, 66.55, 69.41, 66.36};
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));

    (void)state;
    assert_non_null(indicators);
    for (size_t i = 0; i < sizeof(closes) / sizeof(closes[0]); i++) {
        const struct tg_bar bar = flat_at(DAY_START + (int64_t)i * MINUTE, closes[i]);

        market__indicators_add(indicators, &bar);
        assert_int_equal(TG_READY(market__indicators_values(indicators), rsi14), i >= 14);
        if (i >= 14)
            assert_near(indicators->values.rsi14, expected[i - 14], 0.005);
    }
    free(indicators);
}

/* A line that rises by one each bar: every value can be said beforehand. */
static void a_straight_rise(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    const struct tg_indicators *values = NULL;

    (void)state;
    assert_non_null(indicators);
    for (int64_t i = 1; i <= 400; i++) {
        struct tg_bar bar = flat_at(DAY_START + i * MINUTE, "1");

        bar.close.units = bar.open.units = i * TG_DECIMAL_ONE;
        bar.high.units = bar.close.units + TG_DECIMAL_ONE / 2;
        bar.low.units = bar.close.units - TG_DECIMAL_ONE / 2;
        bar.volume.units = 2 * TG_DECIMAL_ONE;
        market__indicators_add(indicators, &bar);
    }
    values = market__indicators_values(indicators);
    assert_near(values->sma20, 390.5, 1e-9);
    assert_near(values->sma50, 375.5, 1e-9);
    assert_near(values->sma200, 300.5, 1e-9);
    assert_near(values->ema9, 396, 1e-9); /* a ramp lags by (n - 1) / 2 */
    assert_near(values->ema200, 300.5, 1e-9);
    assert_near(values->macd, 7, 1e-9);
    assert_near(values->macd_signal, 7, 1e-9);
    assert_near(values->rsi14, 100, 0);
    assert_near(values->stochastic_rsi, 50, 0); /* the RSI stands still */
    assert_near(values->atr14, 1.5, 1e-9);
    assert_near(values->atr14_mean20, 1.5, 1e-9);
    assert_near(values->plus_di14, 100.0 / 1.5, 1e-9);
    assert_near(values->minus_di14, 0, 0);
    assert_near(values->adx14, 100, 1e-9);
    assert_near(values->bollinger_upper - values->bollinger_lower, 4 * sqrt(33.25), 1e-9);
    assert_near(values->keltner_middle, 390.5, 1e-9);
    assert_near(values->keltner_upper, 393.5, 1e-9);
    assert_near(values->choppiness14, 100 * log10(14 * 1.5 / 14) / log10(14), 1e-9);
    assert_near(values->roc10, 100 * 10.0 / 390, 1e-9);
    assert_near(values->obv, 798, 0);
    assert_near(values->volume_sma20, 2, 0);
    assert_near(values->supertrend_direction, 1, 0);
    assert_near(values->supertrend, 400 - 4.5, 1e-9);
    assert_near(values->squeeze, 0, 0);
    assert_near(values->vwap, 200.5, 1e-9);
    free(indicators);
}

/* ---- edges -------------------------------------------------------------------------------- */

static void add_flat_bars(struct market__indicators *indicators, int64_t from, int64_t count,
                          const char *price)
{
    struct tg_bar bar = flat_at(DAY_START, price);

    for (int64_t i = 0; i < count; i++) {
        bar.open_time = DAY_START + (from + i) * MINUTE;
        market__indicators_add(indicators, &bar);
    }
}

static void assert_standstill(const struct tg_indicators *values, double price)
{
    assert_int_equal(values->ready, (UINT64_C(1) << TG_INDICATOR_COUNT) - 1);
    assert_near(values->rsi14, 50, 0);
    assert_near(values->stochastic_rsi, 50, 0);
    assert_near(values->stochastic_rsi_d, 50, 1e-12);
    assert_near(values->choppiness14, 100, 0);
    assert_near(values->adx14, 0, 0);
    assert_near(values->plus_di14, 0, 0);
    assert_near(values->minus_di14, 0, 0);
    assert_near(values->atr14, 0, 0);
    assert_near(values->roc10, 0, 0);
    assert_near(values->squeeze, 0, 0);
    assert_near(values->macd_signal, 0, price * 1e-13);
    assert_near(values->bollinger_upper, price, price * 1e-13);
    assert_near(values->keltner_lower, price, price * 1e-13);
    assert_near(values->supertrend, price, price * 1e-13);
    assert_near(values->vwap, price, price * 1e-12);
}

static void a_price_that_never_moves(void **state)
{
    static const char *const prices[] = {"1", "0.00001359", "46123.5", "0.00000001", "92233720368"};

    (void)state;
    for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++) {
        struct market__indicators *indicators = calloc(1, sizeof(*indicators));

        assert_non_null(indicators);
        add_flat_bars(indicators, 0, 300, prices[i]);
        assert_standstill(market__indicators_values(indicators), strtod(prices[i], NULL));
        assert_near(indicators->values.obv, 0, 0);
        assert_near(indicators->values.supertrend_direction, -1, 0); /* the bands are the price */
        indicators->macd_signal = 1.0; /* decays to nothing, not to a denormal number */
        add_flat_bars(indicators, 300, 5000, prices[i]);
        assert_true(indicators->macd_signal == 0.0 || isnormal(indicators->macd_signal));
        free(indicators);
    }
}

/* Movement that dies away neither becomes denormal nor turns a ratio over on its way. */
static void a_price_that_stops_moving(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    double rsi_before, plus_before;

    (void)state;
    assert_non_null(indicators);
    for (int64_t i = 0; i < 50; i++)
        add_flat_bars(indicators, i, 1, i % 3 == 0 ? "101" : "100");
    rsi_before = market__indicators_values(indicators)->rsi14;
    plus_before = indicators->values.plus_di14;
    assert_true(rsi_before > 1 && rsi_before < 99);
    for (int64_t i = 50; i < 12000; i++) {
        const struct tg_indicators *values;

        add_flat_bars(indicators, i, 1, "100");
        values = market__indicators_values(indicators);
        if (i > 60 && values->rsi14 != 50.0)
            assert_near(values->rsi14, indicators->recent[(i - 1) % 32].rsi14, 1e-9);
        if (values->plus_di14 != 0.0 && i > 60)
            assert_true(values->plus_di14 > 0.9 * plus_before * 0.9);
        for (unsigned j = 0; j < MARKET__WILDER_COUNT; j++)
            assert_true(indicators->wilder[j] == 0.0 || isnormal(indicators->wilder[j]));
        assert_true(indicators->adx14 == 0.0 || isnormal(indicators->adx14));
        assert_true(indicators->macd_signal == 0.0 || isnormal(indicators->macd_signal));
    }
    assert_standstill(&indicators->values, 100);
    free(indicators);
}

/* A close on the band is not beyond it: a trend whose bands close in on a still price goes on. */
static void a_rise_that_stops_is_still_up(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    struct tg_bar bar = flat_at(DAY_START, "100");

    (void)state;
    assert_non_null(indicators);
    for (int64_t i = 0; i < 3000; i++) {
        bar.open_time = DAY_START + i * MINUTE;
        if (i < 60) /* calm first, so that the rise leaves the bands */
            bar.close.units += (i < 40 ? TG_DECIMAL_ONE / 100 : TG_DECIMAL_ONE);
        bar.open = bar.high = bar.low = bar.close;
        market__indicators_add(indicators, &bar);
    }
    assert_near(market__indicators_values(indicators)->supertrend_direction, 1, 0);
    assert_near(indicators->values.supertrend, 120.4, 1e-9);
    free(indicators);
}

/* An average alone beside a larger one dies away as well. */
static void a_rise_without_end(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    struct tg_bar bar = flat_at(DAY_START, "1000000");

    (void)state;
    assert_non_null(indicators);
    for (int64_t i = 0; i < 12000; i++) {
        bar.open_time = DAY_START + i * MINUTE;
        bar.close.units += i < 20 ? -TG_DECIMAL_ONE : TG_DECIMAL_ONE;
        bar.open = bar.high = bar.low = bar.close;
        market__indicators_add(indicators, &bar);
        for (unsigned j = 0; j < MARKET__WILDER_COUNT; j++)
            assert_true(indicators->wilder[j] == 0.0 || isnormal(indicators->wilder[j]));
    }
    assert_near(market__indicators_values(indicators)->rsi14, 100, 0);
    assert_near(indicators->values.adx14, 100, 1e-9);
    free(indicators);
}

static void a_session_without_volume_has_no_vwap(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    struct tg_bar bar = flat_at(DAY_START, "100");

    (void)state;
    assert_non_null(indicators);
    market__indicators_add(indicators, &bar);
    assert_true(TG_READY(market__indicators_values(indicators), vwap));
    bar = flat_at(DAY_START + TG_NS_PER_DAY, "110");
    bar.volume.units = 0;
    market__indicators_add(indicators, &bar);
    assert_false(TG_READY(market__indicators_values(indicators), vwap));
    assert_near(indicators->values.vwap, 0, 0);
    assert_true(TG_READY(&indicators->values, obv));
    bar = bar_at(DAY_START + TG_NS_PER_DAY + MINUTE, "120", "126", "120", "120", "3");
    market__indicators_add(indicators, &bar);
    assert_near(market__indicators_values(indicators)->vwap, 122, 1e-12);
    /* A new day begins anew. */
    bar = flat_at(DAY_START + 2 * TG_NS_PER_DAY, "130");
    market__indicators_add(indicators, &bar);
    assert_near(market__indicators_values(indicators)->vwap, 130, 1e-12);
    free(indicators);
}

static void every_indicator_says_its_warm_up(void **state)
{
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));

    (void)state;
    assert_non_null(indicators);
    assert_int_equal(market__indicators_values(indicators)->ready, 0);
    for (int64_t bars = 1; bars <= 201; bars++) {
        add_flat_bars(indicators, bars, 1, "7");
        for (uint32_t i = 0; i < TG_INDICATOR_COUNT; i++) {
            assert_in_range(market__indicators_warm_up(i), 1, 200);
            assert_int_equal(market__indicators_values(indicators)->ready >> i & 1,
                             bars >= (int64_t)market__indicators_warm_up(i));
        }
    }
    free(indicators);
}

/* After two million bars windows agree with their bars as on the first day. */
static void nothing_drifts(void **state)
{
    enum { BARS = 2000000, LAST = 200 };
    struct market__indicators *indicators = calloc(1, sizeof(*indicators));
    struct walk walk = {.price = 46000 * TG_DECIMAL_ONE,
                        .tick = 1234567,
                        .ticks_max = 500,
                        .open_time = DAY_START,
                        .step_ns = MINUTE};
    static long double closes[LAST], volumes[LAST];
    market__sum obv = 0;
    int64_t before = 0;
    long double squares = 0, middle;
    const struct tg_indicators *values;

    (void)state;
    assert_non_null(indicators);
    tg_random_seed(&walk.random, 5);
    for (int64_t i = 0; i < BARS; i++) {
        const struct tg_bar bar = walk_next(&walk);

        market__indicators_add(indicators, &bar);
        if (i > 0 && bar.close.units != before)
            obv += bar.close.units > before ? bar.volume.units : -bar.volume.units;
        before = bar.close.units;
        if (i < BARS - LAST)
            continue;
        closes[i - (BARS - LAST)] = (long double)bar.close.units / TG_DECIMAL_ONE;
        volumes[i - (BARS - LAST)] = (long double)bar.volume.units / TG_DECIMAL_ONE;
    }
    values = market__indicators_values(indicators);
    middle = mean(closes, LAST, 20);
    for (size_t i = LAST - 20; i < LAST; i++)
        squares += (closes[i] - middle) * (closes[i] - middle);
    assert_near(values->sma20, (double)middle, 1e-9);
    assert_near(values->sma50, (double)mean(closes, LAST, 50), 1e-9);
    assert_near(values->sma200, (double)mean(closes, LAST, 200), 1e-9);
    assert_near(values->volume_sma20, (double)mean(volumes, LAST, 20), 1e-9);
    assert_near(values->bollinger_upper, (double)(middle + 2 * sqrtl(squares / 20)), 1e-9);
    assert_near(values->bollinger_lower, (double)(middle - 2 * sqrtl(squares / 20)), 1e-9);
    assert_true(values->obv == (double)obv / (double)TG_DECIMAL_ONE);
    free(indicators);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_definitions),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(rsi_of_the_printed_example),
        cmocka_unit_test(a_straight_rise),
        cmocka_unit_test(a_price_that_never_moves),
        cmocka_unit_test(a_price_that_stops_moving),
        cmocka_unit_test(a_rise_that_stops_is_still_up),
        cmocka_unit_test(a_rise_without_end),
        cmocka_unit_test(a_session_without_volume_has_no_vwap),
        cmocka_unit_test(every_indicator_says_its_warm_up),
        cmocka_unit_test(nothing_drifts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
