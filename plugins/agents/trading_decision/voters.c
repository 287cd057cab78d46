/*
 * Six textbook rules, one function each, that vote in the place of models.
 *
 * A voter reads one timeframe (see voters_timeframe), names a side and says how sure it is: 0.55
 * where its rule is just met, more with every confirmation, and 0.50 to 0.70 for neither side. The
 * other agents' word moves a confidence by a few hundredths and decides nothing by itself. A voter
 * whose indicators are not ready abstains: it says nothing, which is not the same as neither side.
 *
 *     trend            averages in order, directional movement, Supertrend; ADX from 20
 *     momentum         RSI, MACD histogram, rate of change: two of three, none against
 *     breakout         a close beyond the 20-bar channel, held while within the 10-bar exit
 *     mean_reversion   without a trend: against the outer Bollinger band; in one: with its pullback
 *     volatility       a price beyond one average range from the Keltner middle, range not falling
 *     volume           signed volume of 20 bars and the session's VWAP on one side
 *
 * Sources: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978 (ADX, RSI, ATR);
 * Gerald Appel (MACD); Richard Donchian's channels with the Turtles' 20-bar entry, 10-bar exit and
 * stop of two ranges (Curtis Faith, Way of the Turtle, 2007); John Bollinger, Bollinger on
 * Bollinger Bands, 2001; Andrew Cardwell's RSI ranges (a pullback of an uptrend holds at 40 to 50);
 * Chester Keltner's channels as Linda Raschke uses them; Joseph Granville, 1963 (on-balance
 * volume).
 *
 * Pure: no memory, no state, nothing of the host. The caller looks for numbers that are not finite
 * (voters_find_not_finite) before it asks anybody.
 */
#include "voters.h"

#include <math.h>
#include <stdio.h>

#define CONFIDENCE_MET 0.55 /* the rule is met, and no more than that */

#define ADX_TREND_FROM   20.0 /* Wilder: below it there is no trend */
#define ADX_TREND_CLEAR  25.0
#define ADX_TREND_STRONG 40.0

#define CHANNEL_ENTRY_BARS 20
#define CHANNEL_EXIT_BARS  10
#define CHANNEL_STOP_ATR   2.0

#define VOLUME_BARS    20
#define SPIKE_RATIO    3.0  /* risk calls this a volatility spike: nothing to enter on */
#define SHARE_OF_AGENT 0.05 /* what another agent's word can add or take */

#define INDICATOR_BIT(name) (UINT64_C(1) << TG_INDICATOR_##name)

static const uint64_t ready_trend = INDICATOR_BIT(ema9) | INDICATOR_BIT(ema21) |
                                    INDICATOR_BIT(adx14) | INDICATOR_BIT(plus_di14) |
                                    INDICATOR_BIT(minus_di14) | INDICATOR_BIT(supertrend) |
                                    INDICATOR_BIT(supertrend_direction) | INDICATOR_BIT(atr14);
static const uint64_t ready_momentum = INDICATOR_BIT(rsi14) | INDICATOR_BIT(macd_histogram) |
                                       INDICATOR_BIT(roc10) | INDICATOR_BIT(atr14);
static const uint64_t ready_breakout = INDICATOR_BIT(atr14);
static const uint64_t ready_reversion =
    INDICATOR_BIT(rsi14) | INDICATOR_BIT(adx14) | INDICATOR_BIT(plus_di14) |
    INDICATOR_BIT(minus_di14) | INDICATOR_BIT(bollinger_middle) | INDICATOR_BIT(bollinger_upper) |
    INDICATOR_BIT(bollinger_lower) | INDICATOR_BIT(atr14);
static const uint64_t ready_volatility = INDICATOR_BIT(atr14) | INDICATOR_BIT(atr14_mean20) |
                                         INDICATOR_BIT(keltner_middle) |
                                         INDICATOR_BIT(keltner_upper);
static const uint64_t ready_volume = INDICATOR_BIT(atr14);

static bool has(const struct view *view, uint64_t needed)
{
    return (view->series->indicators->ready & needed) == needed && view->atr > 0;
}

static int sign(double value)
{
    return (value > 0) - (value < 0);
}

/* 0 up to `from`, 1 beyond `to`, straight between them; from > to falls. */
static double ramp(double value, double from, double to)
{
    double share = (value - from) / (to - from);

    if (share < 0)
        return 0;
    return share > 1 ? 1 : share;
}

static const char *side_text(int side)
{
    if (side == 0)
        return "flat";
    return side > 0 ? "up" : "down";
}

/* What technical analysis adds to a confidence in `side`: its own, where it agrees. */
static double from_ta(const struct view *view, int side)
{
    int bias;

    if (view->ta == NULL || view->ta->bias == TG_BIAS_NEUTRAL)
        return 0;
    bias = view->ta->bias == TG_BIAS_LONG ? 1 : -1;
    return SHARE_OF_AGENT * bias * side * view->ta->confidence;
}

static double from_sentiment(const struct view *view, int side)
{
    static const double mood[TG_SENTIMENT_COUNT] = {
        [TG_SENTIMENT_VERY_BULLISH] = 1,  [TG_SENTIMENT_BULLISH] = 0.5,
        [TG_SENTIMENT_NEUTRAL] = 0,       [TG_SENTIMENT_BEARISH] = -0.5,
        [TG_SENTIMENT_VERY_BEARISH] = -1,
    };

    if (view->sentiment == NULL || view->sentiment->bias >= TG_SENTIMENT_COUNT)
        return 0;
    return SHARE_OF_AGENT * mood[view->sentiment->bias] * side * view->sentiment->confidence;
}

static bool regime_is(const struct view *view, uint32_t one, uint32_t other)
{
    return view->regime != NULL && (view->regime->regime == one || view->regime->regime == other);
}

/* ---- the voters --------------------------------------------------------------------------- */

static void vote_trend(const struct view *view, struct opinion *opinion)
{
    const struct tg_indicators *i = view->series->indicators;
    int signs = 3;
    int sum;

    opinion->ready = has(view, ready_trend);
    if (!opinion->ready)
        return;
    sum = sign(i->ema9 - i->ema21) + sign(i->plus_di14 - i->minus_di14) +
          sign(i->supertrend_direction);
    if (TG_READY(i, ema50)) {
        sum += sign(i->ema21 - i->ema50);
        signs++;
    }
    /* All of three, or three of four with the fourth against. */
    if (i->adx14 >= ADX_TREND_FROM && sum * sign(sum) >= signs - (signs == 4 ? 2 : 0)) {
        double line = fabs(view->price - i->supertrend) / view->atr;

        opinion->side = sign(sum);
        opinion->confidence = CONFIDENCE_MET +
                              0.25 * ramp(i->adx14, ADX_TREND_FROM, ADX_TREND_STRONG) +
                              (sum * sign(sum) == signs ? 0.05 : 0) + from_ta(view, opinion->side);
        /* The Supertrend line is where this trend ends. */
        opinion->stop_atr = fmin(fmax(line, 1), 3);
    } else {
        opinion->confidence = 0.5 + 0.2 * ramp(i->adx14, ADX_TREND_FROM, 10);
    }
    snprintf(opinion->why, sizeof(opinion->why), "ADX %.0f, lines %s", i->adx14,
             side_text(sign(sum)));
}

static void vote_momentum(const struct view *view, struct opinion *opinion)
{
    const struct tg_indicators *i = view->series->indicators;
    double usual_pct;
    int rsi = 0;
    int macd = 0;
    int rate = 0;
    int sum;

    opinion->ready = has(view, ready_momentum);
    if (!opinion->ready)
        return;
    /* Ten bars of a random walk move by the square root of ten times one bar. */
    usual_pct = 100.0 * view->atr / view->price * sqrt(10.0);
    if (fabs(i->rsi14 - 50) >= 5)
        rsi = sign(i->rsi14 - 50);
    if (fabs(i->macd_histogram) >= 0.05 * view->atr)
        macd = sign(i->macd_histogram);
    if (fabs(i->roc10) >= 0.25 * usual_pct)
        rate = sign(i->roc10);
    sum = rsi + macd + rate;
    /* Two of three; with the third against them the sum is one. */
    if (sum * sign(sum) >= 2) {
        opinion->side = sign(sum);
        opinion->confidence = CONFIDENCE_MET + (sum * sign(sum) == 3 ? 0.1 : 0) +
                              0.15 * ramp(fabs(i->rsi14 - 50), 5, 20) +
                              from_ta(view, opinion->side) + from_sentiment(view, opinion->side);
    } else {
        opinion->confidence = 0.5 + 0.1 * ramp(fabs(i->rsi14 - 50), 5, 0);
    }
    snprintf(opinion->why, sizeof(opinion->why), "RSI %.0f, MACD %s", i->rsi14, side_text(macd));
}

/* Highest high and lowest low of the `count` bars before bars[end]. */
static void channel(const struct tg_bar *bars, uint32_t end, uint32_t count, int64_t *high,
                    int64_t *low)
{
    *high = INT64_MIN;
    *low = INT64_MAX;
    for (uint32_t n = end - count; n < end; n++) {
        if (bars[n].high.units > *high)
            *high = bars[n].high.units;
        if (bars[n].low.units < *low)
            *low = bars[n].low.units;
    }
}

/* The newest close beyond the entry channel: its side, and how many bars ago; 0 where none is. */
static int find_breakout(const struct tg_series *series, uint32_t *age)
{
    for (*age = 0; *age < CHANNEL_EXIT_BARS && *age + CHANNEL_ENTRY_BARS < series->count; ++*age) {
        uint32_t at = series->count - 1 - *age;
        int64_t close = series->bars[at].close.units;
        int64_t high;
        int64_t low;

        channel(series->bars, at, CHANNEL_ENTRY_BARS, &high, &low);
        if (close > high)
            return 1;
        if (close < low)
            return -1;
    }
    return 0;
}

static void vote_breakout(const struct view *view, struct opinion *opinion)
{
    const struct tg_series *series = view->series;
    const struct tg_indicators *i = series->indicators;
    int64_t newest;
    int64_t high;
    int64_t low;
    uint32_t age = 0;
    int side;

    opinion->ready = has(view, ready_breakout) && series->count > CHANNEL_ENTRY_BARS;
    if (!opinion->ready)
        return;
    side = find_breakout(series, &age);
    newest = series->bars[series->count - 1].close.units;
    channel(series->bars, series->count - 1, CHANNEL_EXIT_BARS, &high, &low);
    /* A close beyond the other side's exit channel has ended it. */
    if ((side > 0 && newest < low) || (side < 0 && newest > high))
        side = 0;
    opinion->side = side;
    if (side != 0) {
        opinion->confidence = CONFIDENCE_MET + 0.15 * ramp(age, CHANNEL_EXIT_BARS, 0);
        if (TG_READY(i, volume_sma20) && i->volume_sma20 > 0 &&
            (double)series->bars[series->count - 1 - age].volume.units / (double)TG_DECIMAL_ONE >
                1.5 * i->volume_sma20)
            opinion->confidence += 0.1;
        if (regime_is(view, TG_REGIME_BREAKOUT_POTENTIAL, TG_REGIME_BREAKOUT_POTENTIAL))
            opinion->confidence += SHARE_OF_AGENT;
        opinion->stop_atr = CHANNEL_STOP_ATR;
        snprintf(opinion->why, sizeof(opinion->why), "20-bar %s, age %u", side > 0 ? "high" : "low",
                 (unsigned)age);
    } else {
        opinion->confidence = 0.5;
        snprintf(opinion->why, sizeof(opinion->why), "within the channel");
    }
}

/* In a trend: with it, from a pullback to the middle band. `up` is +1 or -1. */
static void vote_pullback(const struct view *view, int up, double place, struct opinion *opinion)
{
    double rsi = 50 + up * (view->series->indicators->rsi14 - 50); /* as if the trend were up */
    double below = up > 0 ? place : 1 - place;

    if (rsi >= 40 && rsi <= 52 && below <= 0.55) {
        opinion->side = up;
        opinion->confidence = CONFIDENCE_MET + 0.1 * ramp(below, 0.55, 0.2);
    } else {
        opinion->confidence = 0.5;
    }
}

static void vote_mean_reversion(const struct view *view, struct opinion *opinion)
{
    const struct tg_indicators *i = view->series->indicators;
    double width = i->bollinger_upper - i->bollinger_lower;
    double place; /* Bollinger's %b: 0 at the lower band, 1 at the upper */
    bool trending;

    opinion->ready = has(view, ready_reversion) && width > 0;
    if (!opinion->ready)
        return;
    place = (view->price - i->bollinger_lower) / width;
    trending = i->adx14 >= ADX_TREND_CLEAR ||
               regime_is(view, TG_REGIME_TRENDING_BULL, TG_REGIME_TRENDING_BEAR);
    if (trending) {
        vote_pullback(view, i->plus_di14 >= i->minus_di14 ? 1 : -1, place, opinion);
    } else if ((place <= 0.05 && i->rsi14 <= 40) || (place >= 0.95 && i->rsi14 >= 60)) {
        opinion->side = place < 0.5 ? 1 : -1;
        opinion->confidence =
            CONFIDENCE_MET + 0.2 * ramp(fabs(i->rsi14 - 50), 10, 25) +
            (regime_is(view, TG_REGIME_RANGING, TG_REGIME_RANGING) ? SHARE_OF_AGENT : 0);
        /* What it bets on is the way back to the middle. */
        opinion->target_atr = fabs(view->price - i->bollinger_middle) / view->atr;
        opinion->stop_atr = 1;
    } else {
        opinion->confidence = 0.5 + 0.2 * ramp(fabs(place - 0.5), 0.5, 0);
    }
    snprintf(opinion->why, sizeof(opinion->why), "band place %.0f %%", 100 * place);
}

static void vote_volatility(const struct view *view, struct opinion *opinion)
{
    const struct tg_indicators *i = view->series->indicators;
    double half = i->keltner_upper - i->keltner_middle; /* two average ranges */
    double place;
    double ratio;

    opinion->ready = has(view, ready_volatility) && half > 0 && i->atr14_mean20 > 0;
    if (!opinion->ready)
        return;
    place = (view->price - i->keltner_middle) / half;
    ratio = view->atr / i->atr14_mean20;
    if (fabs(place) >= 0.5 && ratio >= 0.9 && ratio < SPIKE_RATIO) {
        opinion->side = sign(place);
        opinion->confidence =
            CONFIDENCE_MET + 0.15 * ramp(fabs(place), 0.5, 1.25) + 0.1 * ramp(ratio, 1, 1.5);
    } else {
        opinion->confidence = 0.5 + (ratio >= SPIKE_RATIO ? 0.2 : 0);
    }
    snprintf(opinion->why, sizeof(opinion->why), "range %.0f %%, %s of mid", 100 * ratio,
             place >= 0 ? "above" : "below");
}

static void vote_volume(const struct view *view, struct opinion *opinion)
{
    const struct tg_series *series = view->series;
    const struct tg_indicators *i = series->indicators;
    double signed_sum = 0;
    double sum = 0;
    double share;
    int vwap = 0;

    if (!has(view, ready_volume) || series->count <= VOLUME_BARS)
        return;
    for (uint32_t n = series->count - VOLUME_BARS; n < series->count; n++) {
        double volume = (double)series->bars[n].volume.units;
        double change = (double)(series->bars[n].close.units - series->bars[n - 1].close.units);

        signed_sum += sign(change) * volume;
        sum += volume;
    }
    /* A feed that counts no volume gives this voter nothing to look at. */
    opinion->ready = sum > 0;
    if (!opinion->ready)
        return;
    share = signed_sum / sum;
    if (TG_READY(i, vwap))
        vwap = sign(view->price - i->vwap);
    if (fabs(share) >= 0.08 && vwap * sign(share) >= 0) {
        opinion->side = sign(share);
        opinion->confidence = CONFIDENCE_MET + 0.2 * ramp(fabs(share), 0.08, 0.35) +
                              (vwap != 0 ? 0.05 : 0) + from_sentiment(view, opinion->side);
    } else {
        opinion->confidence = 0.5 + 0.1 * ramp(fabs(share), 0.08, 0);
    }
    snprintf(opinion->why, sizeof(opinion->why), "net volume %.0f %%", 100 * share);
}

const struct voter voters[VOTES_MAX] = {
    {"trend", vote_trend},           {"momentum", vote_momentum},
    {"breakout", vote_breakout},     {"mean_reversion", vote_mean_reversion},
    {"volatility", vote_volatility}, {"volume", vote_volume},
};

static bool is_warm_for_all(const struct tg_series *series)
{
    const uint64_t all = ready_trend | ready_momentum | ready_breakout | ready_reversion |
                         ready_volatility | ready_volume;

    return (series->indicators->ready & all) == all && series->count > CHANNEL_ENTRY_BARS;
}

uint32_t voters_timeframe(const struct tg_snapshot *snapshot, uint32_t timeframe)
{
    for (uint32_t n = timeframe + 1; n-- > 0;)
        if (is_warm_for_all(&snapshot->series[n]))
            return n;
    for (uint32_t n = timeframe + 1; n < TG_TIMEFRAME_COUNT; n++)
        if (is_warm_for_all(&snapshot->series[n]))
            return n;
    for (uint32_t n = timeframe + 1; n-- > 0;)
        if (TG_READY(snapshot->series[n].indicators, atr14))
            return n;
    return timeframe;
}

const char *voters_find_not_finite(const struct tg_indicators *indicators)
{
#define CHECK_FINITE(name, definition)                                                             \
    if (TG_READY(indicators, name) && !isfinite(indicators->name))                                 \
        return #name;
    TG_INDICATOR_LIST(CHECK_FINITE)
#undef CHECK_FINITE
    return NULL;
}
