/*
 * From indicators to a market regime.
 *
 * Each regime has a membership between 0 and 1 made of ramps over ADX, choppiness, ATR over price,
 * ATR over its own mean, Bollinger width, RSI and directional movement; the best one is what is
 * detected. Its confidence is half how well it fits and half how clearly it beats the runner-up:
 *
 *     confidence = 1/2 best + 1/2 best / (best + second)
 *
 * The timeframe read is the largest warm one up to the configured one (warm: ADX, both directional
 * indicators, choppiness, ATR, RSI, Bollinger bands). The volatility threshold is given for 1h bars
 * and scaled to others by the square root of time, as the range of a random walk grows.
 *
 * Nothing is allocated; memory between runs is the caller's, one per symbol.
 *
 * Sources: J. Welles Wilder, New Concepts in Technical Trading Systems, 1978 (ADX: below 20 no
 * trend, from 25 a trend; ATR; RSI); E. W. Dreiss (choppiness: above 61.8 choppy, below 38.2
 * trending); John Bollinger, Bollinger on Bollinger Bands, 2001 (band width); John Carter,
 * Mastering the Trade, 2005 (squeeze of Bollinger within Keltner bands).
 */
#include "detect.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define ADX_NONE       20.0
#define ADX_FIRM       35.0
#define CHOPPY_FROM    61.8
#define CHOPPY_MIDDLE  50.0
#define TRENDING_BELOW 38.2

#define INDICATOR_BIT(name) (UINT64_C(1) << TG_INDICATOR_##name)

static const uint64_t ready_core =
    INDICATOR_BIT(rsi14) | INDICATOR_BIT(atr14) | INDICATOR_BIT(adx14) | INDICATOR_BIT(plus_di14) |
    INDICATOR_BIT(minus_di14) | INDICATOR_BIT(choppiness14) | INDICATOR_BIT(bollinger_middle) |
    INDICATOR_BIT(bollinger_upper) | INDICATOR_BIT(bollinger_lower);

static const double timeframe_hours[TG_TIMEFRAME_COUNT] = {
    [TG_TIMEFRAME_1M] = 1.0 / 60, [TG_TIMEFRAME_5M] = 5.0 / 60, [TG_TIMEFRAME_15M] = 15.0 / 60,
    [TG_TIMEFRAME_1H] = 1,        [TG_TIMEFRAME_4H] = 4,        [TG_TIMEFRAME_1D] = 24,
};

/* The first ready indicator that is NaN or infinite, by name; NULL where there is none. */
static const char *find_not_finite(const struct tg_indicators *i)
{
#define CHECK_FINITE(name, definition)                                                             \
    if (TG_READY(i, name) && !isfinite(i->name))                                                   \
        return #name;
    TG_INDICATOR_LIST(CHECK_FINITE)
#undef CHECK_FINITE
    return NULL;
}

/* 0 up to `from`, 1 beyond `to`, straight between them; from > to falls. */
static double ramp(double value, double from, double to)
{
    double share = (value - from) / (to - from);

    if (share < 0)
        return 0;
    return share > 1 ? 1 : share;
}

static bool is_warm(const struct tg_series *series)
{
    return (series->indicators->ready & ready_core) == ready_core;
}

/* The largest warm timeframe up to the configured one, else the smallest above it, else none. */
static uint32_t warm_timeframe(const struct regime_settings *settings,
                               const struct tg_snapshot *snapshot)
{
    for (uint32_t timeframe = settings->timeframe + 1; timeframe-- > 0;)
        if (is_warm(&snapshot->series[timeframe]))
            return timeframe;
    for (uint32_t timeframe = settings->timeframe + 1; timeframe < TG_TIMEFRAME_COUNT; timeframe++)
        if (is_warm(&snapshot->series[timeframe]))
            return timeframe;
    return TG_TIMEFRAME_COUNT;
}

/* -1 to 1: which side directional movement and RSI are on. */
static double direction(const struct tg_indicators *i)
{
    double sum = i->plus_di14 + i->minus_di14;
    double movement = sum > 0 ? (i->plus_di14 - i->minus_di14) / sum : 0;

    return 0.7 * movement + 0.3 * (ramp(i->rsi14, 30, 70) * 2 - 1);
}

/* How volatile: the range against the price, or against what was usual lately. */
static double volatility(const struct regime_settings *settings, const struct tg_indicators *i,
                         uint32_t timeframe, double atr_pct)
{
    double limit_pct = settings->volatile_atr_pct * sqrt(timeframe_hours[timeframe]);
    double level = ramp(atr_pct, 0.5 * limit_pct, 1.5 * limit_pct);
    double rise = 0;

    if (TG_READY(i, atr14_mean20) && i->atr14_mean20 > 0)
        rise = ramp(i->atr14 / i->atr14_mean20, 1, 2 * settings->volatile_atr_ratio - 1);
    return level > rise ? level : rise;
}

/*
 * How tightly the bands lie: nothing at a width of four ranges, which is where Bollinger's bands
 * come to lie within Keltner's of two; half of it where Carter's narrower ones, of one and a half,
 * take them in; all of it at two.
 */
static double compression(const struct tg_indicators *i)
{
    if (!(i->atr14 > 0) || (TG_READY(i, squeeze) && !(i->squeeze > 0)))
        return 0;
    return ramp((i->bollinger_upper - i->bollinger_lower) / i->atr14, 4, 2);
}

static void set_memberships(const struct regime_settings *settings, const struct tg_indicators *i,
                            uint32_t timeframe, struct regime_detection *detection)
{
    double *membership = detection->membership;
    double trend = 0.6 * ramp(i->adx14, ADX_NONE - 5, ADX_FIRM) +
                   0.4 * ramp(i->choppiness14, CHOPPY_FROM, TRENDING_BELOW);
    double calm = ramp(i->adx14, ADX_FIRM - 5, ADX_NONE - 5);
    double wild = volatility(settings, i, timeframe, detection->atr_pct);
    double tight = compression(i);
    double chop = ramp(i->choppiness14, CHOPPY_MIDDLE, CHOPPY_FROM);
    double side = direction(i);
    /* A side that is hardly there takes from a trend, not from volatility. */
    double clear = 0.5 + 0.5 * ramp(fabs(side), 0, 0.3);

    membership[side >= 0 ? TG_REGIME_TRENDING_BULL : TG_REGIME_TRENDING_BEAR] =
        trend * clear * (1 - 0.5 * wild);
    membership[side >= 0 ? TG_REGIME_VOLATILE_BULL : TG_REGIME_VOLATILE_BEAR] = wild;
    membership[TG_REGIME_BREAKOUT_POTENTIAL] = tight * (0.5 + 0.5 * calm) * (1 - wild);
    membership[TG_REGIME_CHOPPY] = chop * calm * (1 - 0.5 * tight);
    membership[TG_REGIME_RANGING] = calm * (1 - 0.5 * chop) * (1 - 0.5 * tight) * (1 - 0.5 * wild);
}

const char *regime_detect(const struct regime_settings *settings,
                          const struct tg_snapshot *snapshot, struct regime_detection *detection)
{
    double price = (double)snapshot->last_price.units / (double)TG_DECIMAL_ONE;
    double second = 0;
    uint32_t timeframe = warm_timeframe(settings, snapshot);
    const struct tg_indicators *i;
    const char *not_finite;

    memset(detection, 0, sizeof(*detection));
    detection->regime = TG_REGIME_UNKNOWN;
    if (timeframe == TG_TIMEFRAME_COUNT || !(price > 0))
        return NULL;
    i = snapshot->series[timeframe].indicators;
    not_finite = find_not_finite(i);
    if (not_finite != NULL)
        return not_finite;
    detection->adx = i->adx14;
    detection->choppiness = i->choppiness14;
    detection->atr_pct = 100.0 * i->atr14 / price;
    set_memberships(settings, i, timeframe, detection);

    for (uint32_t n = 0; n < TG_REGIME_UNKNOWN; n++) {
        double membership = detection->membership[n];

        if (detection->regime == TG_REGIME_UNKNOWN ||
            membership > detection->membership[detection->regime]) {
            if (detection->regime != TG_REGIME_UNKNOWN)
                second = detection->membership[detection->regime];
            detection->regime = n;
        } else if (membership > second) {
            second = membership;
        }
    }
    if (detection->membership[detection->regime] > 0) {
        double best = detection->membership[detection->regime];

        detection->confidence = 0.5 * best + 0.5 * best / (best + second);
    }
    return NULL;
}

bool regime_settle(const struct regime_settings *settings, struct regime_memory *memory,
                   const struct regime_detection *detection)
{
    if (detection->regime == memory->regime) {
        memory->pending = memory->regime;
        memory->pending_count = 0;
        return false;
    }
    if (detection->regime != memory->pending) {
        memory->pending = detection->regime;
        memory->pending_count = 0;
    }
    memory->pending_count++;
    if (detection->regime != TG_REGIME_UNKNOWN &&
        detection->confidence < settings->change_confidence &&
        memory->pending_count < settings->change_detections)
        return false;
    memory->regime = detection->regime;
    memory->pending = detection->regime;
    memory->pending_count = 0;
    return true;
}
