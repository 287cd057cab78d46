/*
 * From indicators to one technical reading.
 *
 * A timeframe is warm when EMA 9 and 21, RSI, ATR, ADX with both directional indicators and
 * Supertrend are ready (28 bars or so); everything else is used where it is ready. The largest warm
 * timeframe not above the configured one leads; its warm neighbours, one above and one below, have
 * a say with less weight. Nothing warm: no reading, because absent is not neutral.
 *
 *     per timeframe   trend    = moving averages in order, directional movement, Supertrend
 *                     momentum = RSI, MACD histogram, rate of change, stochastic RSI
 *     weighted        main 0.60, above 0.25, below 0.15, over those that are warm
 *     in all          score    = 0.6 trend + 0.4 momentum  ->  bias and confidence
 *
 * Every part is within -1 to 1, so every output is within the bounds of the topic. Nothing is
 * allocated, kept or asked for; a run costs one pass over the leading timeframe's bars.
 *
 * Sources: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978 (RSI, ATR, ADX);
 * Gerald Appel, Technical Analysis: Power Tools, 2005 (MACD); Tushar Chande and Stanley Kroll, The
 * New Technical Trader, 1994 (stochastic RSI); Olivier Seban (Supertrend); Bill Williams, Trading
 * Chaos, 1995 (fractals as swing points).
 */
#include "reading.h"

#include <math.h>
#include <string.h>

#define WEIGHT_MAIN  0.60
#define WEIGHT_ABOVE 0.25
#define WEIGHT_BELOW 0.15

#define SHARE_TREND    0.6 /* of the score */
#define SHARE_MOMENTUM 0.4

#define ADX_TREND  25.0 /* Wilder: from here on a trend is there */
#define ADX_STRONG 50.0

/* A swing point is the extreme of the two bars on either side of it (Williams' fractal). */
#define SWING_BARS 2

#define INDICATOR_BIT(name) (UINT64_C(1) << TG_INDICATOR_##name)

static const uint64_t ready_core = INDICATOR_BIT(ema9) | INDICATOR_BIT(ema21) |
                                   INDICATOR_BIT(rsi14) | INDICATOR_BIT(atr14) |
                                   INDICATOR_BIT(adx14) | INDICATOR_BIT(plus_di14) |
                                   INDICATOR_BIT(minus_di14) | INDICATOR_BIT(supertrend_direction);

struct part {
    double trend;
    double momentum;
};

/* What is not finite becomes NaN and stays it, so that ta_reading_is_finite sees it. */
static double clamp(double value, double low, double high)
{
    if (!isfinite(value))
        return NAN;
    if (value < low)
        return low;
    return value > high ? high : value;
}

static double sign(double value)
{
    return (double)((value > 0) - (value < 0));
}

static double decimal_to_double(struct tg_decimal decimal)
{
    return (double)decimal.units / (double)TG_DECIMAL_ONE;
}

static bool is_warm(const struct tg_series *series)
{
    return (series->indicators->ready & ready_core) == ready_core;
}

/* Moving averages in order, 9 over 21 over 50 over 200 and the price over the slowest: -1 to 1. */
static double average_order(const struct tg_indicators *i, double price)
{
    double sum = sign(i->ema9 - i->ema21);
    double slowest = i->ema21;
    int pairs = 2;

    if (TG_READY(i, ema50)) {
        sum += sign(i->ema21 - i->ema50);
        slowest = i->ema50;
        pairs++;
        if (TG_READY(i, ema200)) {
            sum += sign(i->ema50 - i->ema200);
            slowest = i->ema200;
            pairs++;
        }
    }
    /* Comparisons would make a side of an infinity and silence of NaN; a sum shows both. */
    if (!isfinite(i->ema9 + i->ema21 + slowest))
        return NAN;
    return (sum + sign(price - slowest)) / pairs;
}

/* Which side directional movement is on, in full from an ADX of 25. */
static double directional_movement(const struct tg_indicators *i)
{
    double sum = i->plus_di14 + i->minus_di14;

    if (sum == 0)
        return 0;
    /* A split of 2 to 1 between the two indicators counts as one-sided. */
    return clamp(3.0 * (i->plus_di14 - i->minus_di14) / sum, -1, 1) *
           clamp(i->adx14 / ADX_TREND, 0, 1);
}

static double part_trend(const struct tg_indicators *i, double price)
{
    if (!isfinite(i->atr14 + i->supertrend_direction))
        return NAN;
    return 0.40 * average_order(i, price) + 0.30 * directional_movement(i) +
           0.30 * sign(i->supertrend_direction);
}

static double part_momentum(const struct tg_indicators *i, double price)
{
    double sum = 0.35 * clamp((i->rsi14 - 50.0) / 20.0, -1, 1);
    double weights = 0.35;

    if (i->atr14 > 0) {
        if (TG_READY(i, macd_histogram)) {
            sum += 0.30 * clamp(i->macd_histogram / (0.5 * i->atr14), -1, 1);
            weights += 0.30;
        }
        if (TG_READY(i, roc10) && price > 0) {
            /* Ten bars of a random walk move by the square root of ten times one bar. */
            double usual_pct = 100.0 * i->atr14 / price * sqrt(10.0);

            sum += 0.20 * clamp(i->roc10 / usual_pct, -1, 1);
            weights += 0.20;
        }
    }
    if (TG_READY(i, stochastic_rsi_k)) {
        sum += 0.15 * clamp((i->stochastic_rsi_k - 50.0) / 50.0, -1, 1);
        weights += 0.15;
    }
    return sum / weights;
}

/* The largest warm timeframe up to the configured one, else the smallest above it, else none. */
static uint32_t leading_timeframe(const struct ta_settings *settings,
                                  const struct tg_snapshot *snapshot)
{
    for (uint32_t timeframe = settings->timeframe_main + 1; timeframe-- > 0;)
        if (is_warm(&snapshot->series[timeframe]))
            return timeframe;
    for (uint32_t timeframe = settings->timeframe_main + 1; timeframe < TG_TIMEFRAME_COUNT;
         timeframe++)
        if (is_warm(&snapshot->series[timeframe]))
            return timeframe;
    return TG_TIMEFRAME_COUNT;
}

/* The swing low nearest below `price` and the swing high nearest above it, where there are any. */
static void find_levels(const struct tg_series *series, struct tg_decimal price,
                        struct tg_ta_signals *signals)
{
    int64_t support = 0;
    int64_t resistance = INT64_MAX;

    /* Newest first: the near levels are found early and spare most of the comparisons after. */
    for (uint32_t left = series->count; left > 2 * SWING_BARS; left--) {
        const struct tg_bar *bar = &series->bars[left - 1 - SWING_BARS];
        int64_t low = bar->low.units;
        int64_t high = bar->high.units;

        if (low < price.units && low > support && low <= bar[-1].low.units &&
            low <= bar[-2].low.units && low < bar[1].low.units && low < bar[2].low.units)
            support = low;
        if (high > price.units && high < resistance && high >= bar[-1].high.units &&
            high >= bar[-2].high.units && high > bar[1].high.units && high > bar[2].high.units)
            resistance = high;
    }
    if (support > 0) {
        signals->support.units = support;
        TG_SET(signals, TA_SIGNALS, support);
    }
    if (resistance < INT64_MAX) {
        signals->resistance.units = resistance;
        TG_SET(signals, TA_SIGNALS, resistance);
    }
}

/* Direction, strength, bias and confidence from the weighted parts. */
static void judge(const struct ta_settings *settings, struct part sum, double weights,
                  double weights_agreeing, double adx, struct tg_ta_signals *signals)
{
    double trend = clamp(sum.trend / weights, -1, 1);
    double momentum = clamp(sum.momentum / weights, -1, 1);
    double score = SHARE_TREND * trend + SHARE_MOMENTUM * momentum;

    signals->trend_direction = TG_TREND_NEUTRAL;
    if (trend >= settings->direction_threshold)
        signals->trend_direction = TG_TREND_BULLISH;
    else if (trend <= -settings->direction_threshold)
        signals->trend_direction = TG_TREND_BEARISH;
    signals->trend_strength = fabs(trend) * (0.5 + 0.5 * clamp(adx / ADX_STRONG, 0, 1));
    signals->momentum_score = momentum;
    signals->bias = TG_BIAS_NEUTRAL;
    if (score >= settings->bias_threshold)
        signals->bias = TG_BIAS_LONG;
    else if (score <= -settings->bias_threshold)
        signals->bias = TG_BIAS_SHORT;
    /* How clear the score is, how far the timeframes agree, and how many of them were there. */
    signals->confidence = clamp((0.30 + 0.45 * fabs(score) + 0.25 * weights_agreeing / weights) *
                                    (0.80 + 0.20 * clamp(weights, 0, 1)),
                                0, 1);
}

static void set_optional(const struct tg_snapshot *snapshot, uint32_t timeframe, double price,
                         struct tg_ta_signals *signals)
{
    const struct tg_indicators *i = snapshot->series[timeframe].indicators;

    signals->timeframe = (uint8_t)timeframe;
    signals->method = TG_METHOD_INDICATORS;
    signals->price = snapshot->last_price;
    signals->rsi = clamp(i->rsi14, 0, 100);
    signals->adx = clamp(i->adx14, 0, 100);
    signals->atr_pct = clamp(100.0 * i->atr14 / price, 0, 1000);
    signals->present |= TG_BIT(TA_SIGNALS, timeframe) | TG_BIT(TA_SIGNALS, method) |
                        TG_BIT(TA_SIGNALS, price) | TG_BIT(TA_SIGNALS, rsi) |
                        TG_BIT(TA_SIGNALS, adx) | TG_BIT(TA_SIGNALS, atr_pct);
    find_levels(&snapshot->series[timeframe], snapshot->last_price, signals);
}

bool ta_reading(const struct ta_settings *settings, const char *symbol,
                const struct tg_snapshot *snapshot, struct tg_ta_signals *signals)
{
    static const struct {
        int steps; /* from the leading timeframe */
        double weight;
    } voices[] = {{0, WEIGHT_MAIN}, {1, WEIGHT_ABOVE}, {-1, WEIGHT_BELOW}};
    const double price = decimal_to_double(snapshot->last_price);
    const uint32_t leading = leading_timeframe(settings, snapshot);
    struct part sum = {0, 0};
    double weights = 0;
    double weights_agreeing = 0;
    double trend_leading = 0;

    if (leading == TG_TIMEFRAME_COUNT || !(price > 0))
        return false;
    for (size_t n = 0; n < sizeof(voices) / sizeof(voices[0]); n++) {
        const int timeframe = (int)leading + voices[n].steps;
        const struct tg_indicators *i;
        double trend;

        if (timeframe < 0 || timeframe >= TG_TIMEFRAME_COUNT ||
            !is_warm(&snapshot->series[timeframe]))
            continue;
        i = snapshot->series[timeframe].indicators;
        trend = part_trend(i, price);
        if (n == 0)
            trend_leading = trend;
        sum.trend += voices[n].weight * trend;
        sum.momentum += voices[n].weight * part_momentum(i, price);
        weights += voices[n].weight;
        if (sign(trend) == sign(trend_leading))
            weights_agreeing += voices[n].weight;
    }
    memset(signals, 0, sizeof(*signals));
    strncpy(signals->symbol, symbol, sizeof(signals->symbol) - 1);
    judge(settings, sum, weights, weights_agreeing, snapshot->series[leading].indicators->adx14,
          signals);
    for (uint32_t below = leading; below < settings->timeframe_main; below++)
        signals->confidence *= settings->fallback_factor;
    set_optional(snapshot, leading, price, signals);
    return true;
}

bool ta_reading_is_finite(const struct tg_ta_signals *signals)
{
    return isfinite(signals->trend_strength) && isfinite(signals->momentum_score) &&
           isfinite(signals->confidence) && isfinite(signals->rsi) && isfinite(signals->adx) &&
           isfinite(signals->atr_pct);
}
