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

#define WINDOW_LENGTH        20u
#define STOCHASTIC_RANGE_MIN 1e-9
#define STOCHASTIC_LENGTH    14u
#define STOCHASTIC_KEPT      5u /* D is a mean of 3 K, each a mean of 3 */

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

/* The last 20 bars, gathered in one pass; index 0 is the newest. */
struct window {
    double close[WINDOW_LENGTH];
    double rsi[WINDOW_LENGTH];
    double closes, volumes, atrs; /* sums of all */
    double ranges, high, low;     /* sum and extremes of the newest 14 */
};

/* The bar `age` bars ago, 0 the newest; below MARKET__RECENT_COUNT. */
static const struct market__recent *recent(const struct market__indicators *state, uint64_t age)
{
    return &state->recent[(state->bars - 1 - age) % MARKET__RECENT_COUNT];
}

static void gather_bar(struct window *window, const struct market__recent *bar, unsigned age)
{
    window->close[age] = bar->close;
    window->rsi[age] = bar->rsi14;
    window->closes += bar->close;
    window->volumes += bar->volume;
    window->atrs += bar->atr14;
}

static void gather(const struct market__indicators *state, struct window *window)
{
    unsigned age = 0;

    window->closes = window->volumes = window->atrs = window->ranges = 0.0;
    window->high = 0.0;
    window->low = INFINITY;
    for (; age < 14; age++) {
        const struct market__recent *bar = recent(state, age);

        gather_bar(window, bar, age);
        window->ranges += bar->true_range;
        window->high = bar->high > window->high ? bar->high : window->high;
        window->low = bar->low < window->low ? bar->low : window->low;
    }
    for (; age < WINDOW_LENGTH; age++)
        gather_bar(window, recent(state, age), age);
}

static double mean_of_closes(const struct market__indicators *state, uint64_t length)
{
    const market__sum before = state->prefix[(state->bars - 1 - length) % MARKET__PREFIX_COUNT];

    return (double)(state->close_total - before) / (UNITS * (double)length);
}

static void put_means(const struct market__indicators *state, const struct window *window,
                      struct tg_indicators *values)
{
    values->sma20 = window->closes / (UNITS * WINDOW_LENGTH);
    values->sma50 = mean_of_closes(state, 50);
    values->sma200 = mean_of_closes(state, 200);
    values->volume_sma20 = window->volumes / (UNITS * WINDOW_LENGTH);
    values->atr14_mean20 = window->atrs / (UNITS * WINDOW_LENGTH);
}

static double deviation(const struct window *window)
{
    const double middle = window->closes / WINDOW_LENGTH;
    double squares[4] = {0.0, 0.0, 0.0, 0.0}; /* four sums, so that none waits for another */

    for (unsigned i = 0; i < WINDOW_LENGTH; i += 4)
        for (unsigned j = 0; j < 4; j++) {
            const double distance = window->close[i + j] - middle;

            squares[j] += distance * distance;
        }
    return sqrt((squares[0] + squares[1] + squares[2] + squares[3]) / WINDOW_LENGTH) / UNITS;
}

static void put_bands(const struct market__indicators *state, const struct window *window,
                      struct tg_indicators *values)
{
    const double middle = values->sma20;
    const double bollinger = 2.0 * deviation(window);
    const double ema = state->ema[MARKET__EMA_20] / UNITS;
    const double keltner = 2.0 * state->wilder[MARKET__WILDER_RANGE_10] / UNITS;

    values->bollinger_middle = middle;
    values->bollinger_upper = middle + bollinger;
    values->bollinger_lower = middle - bollinger;
    values->keltner_middle = ema;
    values->keltner_upper = ema + keltner;
    values->keltner_lower = ema - keltner;
    values->squeeze = values->bollinger_upper < values->keltner_upper &&
                              values->bollinger_lower > values->keltner_lower
                          ? 1.0
                          : 0.0;
}

static double choppiness(const struct window *window)
{
    const double span = window->high - window->low;

    return span > 0.0 ? 100.0 * log10(window->ranges / span) / log10(14.0) : 100.0;
}

struct span {
    double low, high;
};

static struct span span_with(struct span span, double value)
{
    span.low = value < span.low ? value : span.low;
    span.high = value > span.high ? value : span.high;
    return span;
}

/*
 * The stochastic of the last five RSIs, newest first. The ages 4 to 13 belong to all five windows;
 * window `i` adds the ages from i to 3 and from 14 to i + 13:
 *
 *     age   0  1  2  3 | 4 ... 13 | 14 15 16 17
 *     i=0   x  x  x  x   x      x
 *     i=2         x  x   x      x    x  x
 */
static void stochastics(const double *rsi, double raw[STOCHASTIC_KEPT])
{
    const unsigned last = STOCHASTIC_KEPT - 1;
    struct span newer[STOCHASTIC_KEPT], older = {rsi[last], rsi[last]};

    for (unsigned age = last + 1; age < STOCHASTIC_LENGTH; age++)
        older = span_with(older, rsi[age]);
    newer[last] = older;
    for (unsigned age = last; age-- > 0;)
        newer[age] = span_with(newer[age + 1], rsi[age]);
    for (unsigned i = 0; i < STOCHASTIC_KEPT; i++) {
        struct span span;

        if (i > 0)
            older = span_with(older, rsi[STOCHASTIC_LENGTH + i - 1]);
        span = span_with(span_with(older, newer[i].low), newer[i].high);
        raw[i] = span.high - span.low < STOCHASTIC_RANGE_MIN
                     ? 50.0
                     : 100.0 * (rsi[i] - span.low) / (span.high - span.low);
    }
}

static void put_stochastic(const struct window *window, struct tg_indicators *values)
{
    double raw[STOCHASTIC_KEPT], k[3];

    stochastics(window->rsi, raw);
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
    uint64_t ready = 0;

#define MARK_READY(name, definition)                                                               \
    if (state->bars >= warm_up[TG_INDICATOR_##name] && isfinite(values->name))                     \
        ready |= UINT64_C(1) << TG_INDICATOR_##name;                                               \
    else                                                                                           \
        values->name = 0.0;
    TG_INDICATOR_LIST(MARK_READY)
#undef MARK_READY
    values->ready = ready;
}

const struct tg_indicators *market__indicators_values(struct market__indicators *state)
{
    struct tg_indicators *values = &state->values;
    struct window window;

    if (state->values_current || state->bars == 0)
        return values;
    put_kept(state, values);
    gather(state, &window);
    put_means(state, &window, values);
    put_bands(state, &window, values);
    put_stochastic(&window, values);
    values->choppiness14 = choppiness(&window);
    values->roc10 = 100.0 * (window.close[0] - window.close[10]) / window.close[10];
    mark_ready(state, values);
    state->values_current = true;
    return values;
}
