/*
 * Indicators, the part that waits until somebody asks: windows of a fixed length (simple averages,
 * Bollinger, choppiness, stochastic RSI, ...) and the assembly of all values. In a replay most bars
 * are looked at by nobody, so a window costs nothing then. The answer depends on the bars alone,
 * not on when or how often somebody asks; it is kept until the next bar.
 *
 * Windows up to 20 bars are summed anew; those of 50 and 200 closes are differences of exact
 * running totals. Nothing drifts.
 *
 *   - A choppiness window without any range is 100: no trend at all.
 *   - A stochastic RSI whose RSI has not moved (range under 1e-9) is 50: at neither end.
 *   - The squeeze is strict: bands that touch are not within one another.
 *
 * A value counts when it is warm and finite. Core thread.
 */
#include "base/check.h"
#include "market_int.h"

#include <math.h>

#define UNITS ((double)TG_DECIMAL_ONE)

#define STOCHASTIC_RANGE_MIN 1e-9
#define STOCHASTIC_LENGTH    14u
#define STOCHASTIC_KEPT      5u /* K is a mean of 3, D a mean of 3 of K */

/* Bars until there is a value, the one included. */
static const uint8_t warm_up[TG_INDICATOR_COUNT] = {
    [TG_INDICATOR_ema9] = 9,
    [TG_INDICATOR_ema21] = 21,
    [TG_INDICATOR_ema50] = 50,
    [TG_INDICATOR_ema200] = 200,
    [TG_INDICATOR_sma20] = 20,
    [TG_INDICATOR_sma50] = 50,
    [TG_INDICATOR_sma200] = 200,
    [TG_INDICATOR_rsi14] = 15,
    [TG_INDICATOR_macd] = 26,
    [TG_INDICATOR_macd_signal] = 34,
    [TG_INDICATOR_macd_histogram] = 34,
    [TG_INDICATOR_atr14] = 15,
    [TG_INDICATOR_atr14_mean20] = 34,
    [TG_INDICATOR_adx14] = 28,
    [TG_INDICATOR_plus_di14] = 15,
    [TG_INDICATOR_minus_di14] = 15,
    [TG_INDICATOR_bollinger_middle] = 20,
    [TG_INDICATOR_bollinger_upper] = 20,
    [TG_INDICATOR_bollinger_lower] = 20,
    [TG_INDICATOR_keltner_middle] = 20,
    [TG_INDICATOR_keltner_upper] = 20,
    [TG_INDICATOR_keltner_lower] = 20,
    [TG_INDICATOR_obv] = 2,
    [TG_INDICATOR_vwap] = 1,
    [TG_INDICATOR_choppiness14] = 15,
    [TG_INDICATOR_stochastic_rsi] = 28,
    [TG_INDICATOR_stochastic_rsi_k] = 30,
    [TG_INDICATOR_stochastic_rsi_d] = 32,
    [TG_INDICATOR_roc10] = 11,
    [TG_INDICATOR_supertrend] = 11,
    [TG_INDICATOR_supertrend_direction] = 11,
    [TG_INDICATOR_squeeze] = 20,
    [TG_INDICATOR_volume_sma20] = 20,
};

uint32_t market__indicators_warm_up(uint32_t indicator)
{
    TG_BUG_IF(indicator >= TG_INDICATOR_COUNT);
    return warm_up[indicator];
}

/* The bar `age` bars ago, 0 the newest; below MARKET__RECENT_COUNT. */
static const struct market__recent *recent(const struct market__indicators *state, uint64_t age)
{
    return &state->recent[(state->bars - 1 - age) % MARKET__RECENT_COUNT];
}

static double mean_of_closes(const struct market__indicators *state, uint64_t length)
{
    const market__sum before = state->prefix[(state->bars - 1 - length) % MARKET__PREFIX_COUNT];

    return (double)(state->close_total - before) / (UNITS * (double)length);
}

static void put_means(const struct market__indicators *state, struct tg_indicators *values)
{
    double close = 0.0, volume = 0.0, atr = 0.0;

    for (uint64_t age = 0; age < 20; age++) {
        const struct market__recent *bar = recent(state, age);

        close += bar->close;
        volume += bar->volume;
        atr += bar->atr14;
    }
    values->sma20 = close / (UNITS * 20.0);
    values->sma50 = mean_of_closes(state, 50);
    values->sma200 = mean_of_closes(state, 200);
    values->volume_sma20 = volume / (UNITS * 20.0);
    values->atr14_mean20 = atr / (UNITS * 20.0);
}

static void put_bands(const struct market__indicators *state, struct tg_indicators *values)
{
    const double middle = values->sma20;
    const double ema = state->ema[MARKET__EMA_20] / UNITS;
    const double reach = 2.0 * state->wilder[MARKET__WILDER_RANGE_10] / UNITS;
    const double middle_units = middle * UNITS;
    double squares[2] = {0.0, 0.0}; /* two sums, so that one need not wait for the other */
    double deviation;

    for (uint64_t age = 0; age < 20; age += 2) {
        const double even = recent(state, age)->close - middle_units;
        const double odd = recent(state, age + 1)->close - middle_units;

        squares[0] += even * even;
        squares[1] += odd * odd;
    }
    deviation = sqrt((squares[0] + squares[1]) / 20.0) / UNITS;
    values->bollinger_middle = middle;
    values->bollinger_upper = middle + 2.0 * deviation;
    values->bollinger_lower = middle - 2.0 * deviation;
    values->keltner_middle = ema;
    values->keltner_upper = ema + reach;
    values->keltner_lower = ema - reach;
    values->squeeze = values->bollinger_upper < values->keltner_upper &&
                              values->bollinger_lower > values->keltner_lower
                          ? 1.0
                          : 0.0;
}

static double choppiness(const struct market__indicators *state)
{
    double high = 0.0, low = INFINITY, ranges = 0.0;

    for (uint64_t age = 0; age < 14; age++) {
        const struct market__recent *bar = recent(state, age);

        high = bar->high > high ? bar->high : high;
        low = bar->low < low ? bar->low : low;
        ranges += bar->true_range;
    }
    return high > low ? 100.0 * log10(ranges / (high - low)) / log10(14.0) : 100.0;
}

static double stochastic(const struct market__indicators *state, uint64_t age)
{
    const double rsi = recent(state, age)->rsi14;
    double low = rsi, high = rsi;

    for (uint64_t i = 1; i < STOCHASTIC_LENGTH; i++) {
        const double other = recent(state, age + i)->rsi14;

        high = other > high ? other : high;
        low = other < low ? other : low;
    }
    return high - low < STOCHASTIC_RANGE_MIN ? 50.0 : 100.0 * (rsi - low) / (high - low);
}

static void put_stochastic(const struct market__indicators *state, struct tg_indicators *values)
{
    double raw[STOCHASTIC_KEPT], k[3];

    for (unsigned age = 0; age < STOCHASTIC_KEPT; age++)
        raw[age] = stochastic(state, age);
    for (unsigned age = 0; age < TG_ARRAY_LENGTH(k); age++)
        k[age] = (raw[age] + raw[age + 1] + raw[age + 2]) / 3.0;
    values->stochastic_rsi = raw[0];
    values->stochastic_rsi_k = k[0];
    values->stochastic_rsi_d = (k[0] + k[1] + k[2]) / 3.0;
}

static void put_kept(const struct market__indicators *state, struct tg_indicators *values)
{
    const double range = state->wilder[MARKET__WILDER_RANGE_14];
    const double scale = range > 0.0 ? 100.0 / range : 0.0;

    values->ema9 = state->ema[MARKET__EMA_9] / UNITS;
    values->ema21 = state->ema[MARKET__EMA_21] / UNITS;
    values->ema50 = state->ema[MARKET__EMA_50] / UNITS;
    values->ema200 = state->ema[MARKET__EMA_200] / UNITS;
    values->rsi14 = recent(state, 0)->rsi14;
    values->macd = (state->ema[MARKET__EMA_12] - state->ema[MARKET__EMA_26]) / UNITS;
    values->macd_signal = state->macd_signal / UNITS;
    values->macd_histogram = values->macd - values->macd_signal;
    values->atr14 = range / UNITS;
    values->adx14 = state->adx14;
    values->plus_di14 = scale * state->wilder[MARKET__WILDER_PLUS];
    values->minus_di14 = scale * state->wilder[MARKET__WILDER_MINUS];
    values->obv = (double)state->obv / UNITS;
    /* A session without volume has no such price: 0 / 0 is not finite and so not ready. */
    values->vwap = state->session_price_volume / (double)state->session_volume / UNITS;
    values->supertrend_direction = state->supertrend_direction;
    values->supertrend =
        (state->supertrend_direction > 0.0 ? state->supertrend_lower : state->supertrend_upper) /
        UNITS;
}

static void mark_ready(const struct market__indicators *state, struct tg_indicators *values)
{
    values->ready = 0;
#define MARK_READY(name, definition)                                                               \
    if (state->bars >= warm_up[TG_INDICATOR_##name] && isfinite(values->name))                     \
        values->ready |= UINT64_C(1) << TG_INDICATOR_##name;                                       \
    else                                                                                           \
        values->name = 0.0;
    TG_INDICATOR_LIST(MARK_READY)
#undef MARK_READY
}

const struct tg_indicators *market__indicators_values(struct market__indicators *state)
{
    struct tg_indicators *values = &state->values;

    if (state->values_current || state->bars == 0)
        return values;
    put_kept(state, values);
    put_means(state, values);
    put_bands(state, values);
    put_stochastic(state, values);
    values->choppiness14 = choppiness(state);
    values->roc10 = 100.0 * (recent(state, 0)->close / recent(state, 10)->close - 1.0);
    mark_ready(state, values);
    state->values_current = true;
    return values;
}
