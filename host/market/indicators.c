/*
 * Indicators, the part that runs for every bar: what depends on all of the past (exponential and
 * Wilder averages, Supertrend, OBV, session VWAP) and the records that the windows are read from
 * later (indicators_values.c). The cost per bar is constant.
 *
 * Conventions; docs/INDICATORS.md has the table with definitions and warm-up:
 *
 *   - Bars count, not time: a gap is not filled.
 *   - An exponential average of n starts as the mean of its first n inputs, then moves by
 *     2 / (n + 1) of the distance. A Wilder average does the same by 1 / n.
 *   - The true range needs the close before it: the first is the second bar's. So are gains, losses
 *     and directional movements.
 *   - Directional movement: the larger of the moves up and down, if it is up (down) and strictly
 *     larger than the other; else none.
 *   - Without any movement in the averages the RSI is 50 and the directional indicators are 0.
 *   - Supertrend starts down unless the first close is above the upper band.
 *
 * An average of movements shrinks in a flat market for ever and would end in denormal numbers,
 * which are slow and lose their ratio. Below 1e-22 of the smallest price (1e-8) it counts as 0:
 * that takes some 700 bars without any movement.
 *
 * Movements are differences of decimals, exact before they become doubles, so that equal moves
 * compare as equal: 0.1 + 0.2 does not decide a direction. Everything here is in units of a
 * decimal, and is brought to scale when somebody asks. Sums over many bars are kept in integers
 * and do not drift. Core thread; the state belongs to the series. Refuses nothing.
 */
#include "base/clock.h"
#include "market_int.h"

#define LONGEST 200u /* bars after which nothing is warming up any more */

/* Movements smaller than this are none (units); one alone beside a larger may be a lot smaller. */
#define MOVEMENT_NONE  1e-22
#define MOVEMENT_ALONE 1e-200

static const uint64_t ema_length[MARKET__EMA_COUNT] = {9, 12, 20, 21, 26, 50, 200, 1};
static const double ema_factor[MARKET__EMA_COUNT] = {2.0 / 10, 2.0 / 13, 2.0 / 21,  2.0 / 22,
                                                     2.0 / 27, 2.0 / 51, 2.0 / 201, 1.0};
static const uint64_t wilder_length[MARKET__WILDER_COUNT] = {14, 14, 14, 14, 14, 10};
static const double wilder_factor[MARKET__WILDER_COUNT] = {1.0 / 14, 1.0 / 14, 1.0 / 14,
                                                           1.0 / 14, 1.0 / 14, 1.0 / 10};

static double positive(int64_t units)
{
    return units > 0 ? (double)units : 0.0;
}

/* One step of an average that has had `inputs` inputs with this one; until `length` it is a sum. */
static double average_step(double average, double input, uint64_t inputs, uint64_t length,
                           double factor)
{
    if (inputs > length)
        return average + factor * (input - average);
    average += input;
    return inputs == length ? average / (double)length : average;
}

static void ema_step(struct market__indicators *state, double close)
{
    if (state->bars > LONGEST) {
        for (unsigned i = 0; i < MARKET__EMA_COUNT; i++)
            state->ema[i] += ema_factor[i] * (close - state->ema[i]);
        return;
    }
    for (unsigned i = 0; i < MARKET__EMA_COUNT; i++)
        state->ema[i] =
            average_step(state->ema[i], close, state->bars, ema_length[i], ema_factor[i]);
}

static void macd_signal_step(struct market__indicators *state)
{
    const uint64_t slow = 26, signal = 9;

    if (state->bars < slow)
        return;
    state->macd_signal =
        average_step(state->macd_signal, state->ema[MARKET__EMA_12] - state->ema[MARKET__EMA_26],
                     state->bars - slow + 1, signal, 2.0 / 10);
    if (state->macd_signal < MOVEMENT_NONE && state->macd_signal > -MOVEMENT_NONE)
        state->macd_signal = 0.0;
}

/* Averages that are compared with one another vanish together, so that their ratio never jumps. */
static void wilder_settle(double *wilder)
{
    if (wilder[MARKET__WILDER_GAIN] + wilder[MARKET__WILDER_LOSS] < MOVEMENT_NONE)
        wilder[MARKET__WILDER_GAIN] = wilder[MARKET__WILDER_LOSS] = 0.0;
    if (wilder[MARKET__WILDER_RANGE_14] < MOVEMENT_NONE)
        wilder[MARKET__WILDER_RANGE_14] = wilder[MARKET__WILDER_PLUS] =
            wilder[MARKET__WILDER_MINUS] = 0.0;
    if (wilder[MARKET__WILDER_RANGE_10] < MOVEMENT_NONE)
        wilder[MARKET__WILDER_RANGE_10] = 0.0;
    for (unsigned i = 0; i < MARKET__WILDER_COUNT; i++)
        wilder[i] = wilder[i] < MOVEMENT_ALONE ? 0.0 : wilder[i];
}

static void wilder_step(struct market__indicators *state, const struct tg_bar *bar,
                        const struct market__recent *now)
{
    const uint64_t inputs = state->bars - 1;
    const int64_t change = bar->close.units - state->last_close;
    const int64_t up = bar->high.units - state->last_high;
    const int64_t down = state->last_low - bar->low.units;
    const double input[MARKET__WILDER_COUNT] = {
        [MARKET__WILDER_GAIN] = positive(change),
        [MARKET__WILDER_LOSS] = positive(-change),
        [MARKET__WILDER_PLUS] = up > down ? positive(up) : 0.0,
        [MARKET__WILDER_MINUS] = down > up ? positive(down) : 0.0,
        [MARKET__WILDER_RANGE_14] = now->true_range,
        [MARKET__WILDER_RANGE_10] = now->true_range,
    };

    if (state->bars > LONGEST) {
        for (unsigned i = 0; i < MARKET__WILDER_COUNT; i++)
            state->wilder[i] += wilder_factor[i] * (input[i] - state->wilder[i]);
    } else {
        for (unsigned i = 0; i < MARKET__WILDER_COUNT; i++)
            state->wilder[i] = average_step(state->wilder[i], input[i], inputs, wilder_length[i],
                                            wilder_factor[i]);
    }
    wilder_settle(state->wilder);
}

/* After 14 movements: the RSI, and the directional index whose average the ADX is. */
static void rsi_adx_step(struct market__indicators *state, struct market__recent *now)
{
    const uint64_t length = 14;
    const double gain = state->wilder[MARKET__WILDER_GAIN];
    const double movement = gain + state->wilder[MARKET__WILDER_LOSS];
    const double plus = state->wilder[MARKET__WILDER_PLUS];
    const double minus = state->wilder[MARKET__WILDER_MINUS];
    double index = 0.0;

    if (state->bars <= length)
        return;
    now->rsi14 = movement > 0.0 ? 100.0 * gain / movement : 50.0;
    now->atr14 = state->wilder[MARKET__WILDER_RANGE_14];
    if (plus + minus > 0.0)
        index = 100.0 * (plus > minus ? plus - minus : minus - plus) / (plus + minus);
    state->adx14 =
        average_step(state->adx14, index, state->bars - length, length, wilder_factor[0]);
    if (state->adx14 < MOVEMENT_NONE)
        state->adx14 = 0.0;
}

static void supertrend_step(struct market__indicators *state, const struct market__recent *now)
{
    const double close_before = (double)state->last_close;
    const uint64_t first = 11; /* the bar of the first ATR 10 */
    const double middle = (now->high + now->low) / 2.0;
    const double reach = 3.0 * state->wilder[MARKET__WILDER_RANGE_10];
    const double upper = middle + reach, lower = middle - reach;

    if (state->bars < first)
        return;
    if (state->bars == first) {
        state->supertrend_upper = upper;
        state->supertrend_lower = lower;
        state->supertrend_direction = now->close > upper ? 1.0 : -1.0;
        return;
    }
    /* A band moves only towards the price, until the price has closed beyond it. */
    if (upper < state->supertrend_upper || close_before > state->supertrend_upper)
        state->supertrend_upper = upper;
    if (lower > state->supertrend_lower || close_before < state->supertrend_lower)
        state->supertrend_lower = lower;
    if (state->supertrend_direction > 0.0)
        state->supertrend_direction = now->close >= state->supertrend_lower ? 1.0 : -1.0;
    else
        state->supertrend_direction = now->close > state->supertrend_upper ? 1.0 : -1.0;
}

static void volume_step(struct market__indicators *state, const struct tg_bar *bar,
                        const struct market__recent *now)
{
    if (bar->open_time >= state->session_end) {
        state->session_end = bar->open_time - bar->open_time % TG_NS_PER_DAY + TG_NS_PER_DAY;
        state->session_price_volume = 0.0;
        state->session_volume = 0;
    }
    state->session_price_volume += (now->high + now->low + now->close) / 3.0 * now->volume;
    state->session_volume += bar->volume.units;
    if (state->bars > 1 && bar->close.units > state->last_close)
        state->obv += bar->volume.units;
    else if (state->bars > 1 && bar->close.units < state->last_close)
        state->obv -= bar->volume.units;
}

static double true_range(const struct market__indicators *state, const struct tg_bar *bar)
{
    const int64_t before = state->last_close;
    const int64_t high = bar->high.units > before ? bar->high.units : before;
    const int64_t low = bar->low.units < before ? bar->low.units : before;

    return (double)(high - low);
}

void market__indicators_add(struct market__indicators *state, const struct tg_bar *bar)
{
    const uint64_t number = state->bars;
    struct market__recent *now = &state->recent[number % MARKET__RECENT_COUNT];

    state->bars = number + 1;
    state->values_current = false;
    now->close = (double)bar->close.units;
    now->high = (double)bar->high.units;
    now->low = (double)bar->low.units;
    now->volume = (double)bar->volume.units;
    state->close_total += bar->close.units;
    state->prefix[number % MARKET__PREFIX_COUNT] = state->close_total;
    ema_step(state, now->close);
    macd_signal_step(state);
    if (number > 0) {
        now->true_range = true_range(state, bar);
        wilder_step(state, bar, now);
        rsi_adx_step(state, now);
        supertrend_step(state, now);
    }
    volume_step(state, bar, now);
    state->last_high = bar->high.units;
    state->last_low = bar->low.units;
    state->last_close = bar->close.units;
}
