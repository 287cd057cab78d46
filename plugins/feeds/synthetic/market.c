/*
 * market.c: bars of a made-up market.
 *
 *     own process ----- sqrt(1 - correlation) --+
 *                                               +--> return --> price --> bar
 *     factor process -- sqrt(correlation) ------+
 *
 * Two symbols with the same factor seed and the same correlation have returns that correlate by
 * just that. The processes advance with every bar, missing or not, so that symbols with different
 * gaps keep step.
 *
 * Highs and lows are those that a random walk between open and close would have: the maximum of a
 * Brownian bridge over r with variance v is (r + sqrt(r^2 - 2 v ln U)) / 2. In a gap bars are
 * missing while the market moves on; the first bar after it carries the whole move, from the last
 * close on. Limits on the move of one bar keep it below what a host refuses as absurd.
 *
 * Memory is the caller's and constant; any thread.
 */
#include "market.h"

#include <math.h>

#include "../calendar.h"

#define RETURN_MAX        0.24   /* of one bar, as a logarithm: 27 % */
#define OVERSHOOT_MAX     0.14   /* of a high or low beyond open and close */
#define TICKS_MIN         50.0   /* a price never falls below */
#define PRICE_MAX         6.0e10 /* the high of its bar still fits a record */
#define LOG_PRICE_MAX     6.9    /* a thousandth to a thousand times the start price */
#define REVERSION_DAYS    365.0  /* in which the price would come back if nothing else happened */
#define NOTIONAL_A_MINUTE 250000.0
#define VOLUME_UNITS_MAX  8.0e18
#define GAP_MINUTES       10.0 /* mean length of a gap */
#define MINUTES_A_DAY     1440

/* Trading by hour of the day, UTC: quiet after midnight in Europe, busiest when America opens. */
static const double activity[24] = {0.80, 0.80, 0.75, 0.70, 0.65, 0.65, 0.70, 0.85,
                                    1.00, 1.05, 1.05, 1.00, 1.05, 1.35, 1.65, 1.60,
                                    1.45, 1.25, 1.10, 1.05, 1.05, 1.00, 0.85, 0.80};

/* Means over each bar of the day of the line through the middles of the hours. */
static void day_init(struct synthetic_market *market)
{
    const int minutes_a_bar = (int)(market->bar_length / CALENDAR_MINUTE);
    double sum = 0.0;
    for (int i = 0; i < market->bars_a_day; i++) {
        double bar_sum = 0.0;
        for (int minute = i * minutes_a_bar; minute < (i + 1) * minutes_a_bar; minute++) {
            const int since_middle = (minute + MINUTES_A_DAY - 30) % MINUTES_A_DAY;
            const int hour = since_middle / 60;
            const double part = (double)(since_middle % 60) / 60.0;
            bar_sum += activity[hour] * (1.0 - part) + activity[(hour + 1) % 24] * part;
        }
        market->volume_of[i] = bar_sum;
        sum += bar_sum;
    }
    for (int i = 0; i < market->bars_a_day; i++) {
        market->volume_of[i] *= (double)market->bars_a_day / sum;
        market->deviation_of[i] = sqrt(market->volume_of[i]);
    }
}

static void gaps_init(struct synthetic_market *market, double minutes_per_day)
{
    const double missing = minutes_per_day / MINUTES_A_DAY;
    const double bar_minutes = (double)market->bar_length / (double)CALENDAR_MINUTE;
    const double gap_bars = GAP_MINUTES > bar_minutes ? GAP_MINUTES / bar_minutes : 1.0;
    if (missing > 0.0) {
        market->gap_end_odds = 1.0 / gap_bars;
        market->gap_start_odds = missing / ((1.0 - missing) * gap_bars);
    }
}

void synthetic_market_init(struct synthetic_market *market,
                           const struct synthetic_settings *settings)
{
    const int64_t length = calendar_timeframe_length(settings->timeframe);
    const double days = (double)length / (double)CALENDAR_DAY;
    *market = (struct synthetic_market){
        .own_weight = sqrt(1.0 - settings->correlation),
        .factor_weight = sqrt(settings->correlation),
        .bar_length = length,
        .bars_a_day = CALENDAR_DAY / length,
        .start = settings->start,
        .bar_count = settings->bar_count,
        .tick_units = TG_DECIMAL_ONE,
        .log_pull = days / REVERSION_DAYS,
        .bar_deviation = settings->volatility_pct / 100.0 * sqrt(days / 365.0),
        .bar_notional = NOTIONAL_A_MINUTE * days * MINUTES_A_DAY,
    };
    for (int i = 0; i < settings->price_places; i++) {
        market->tick_units /= 10;
    }
    market->close_ticks =
        (settings->start_price.units + market->tick_units / 2) / market->tick_units;
    market->ticks = (double)market->close_ticks;
    const double tick = (double)market->tick_units / (double)TG_DECIMAL_ONE;
    const double lowest = synthetic_log(TICKS_MIN / market->ticks);
    const double highest = synthetic_log(PRICE_MAX / (market->ticks * tick));
    market->log_low = lowest > -LOG_PRICE_MAX ? lowest : -LOG_PRICE_MAX;
    market->log_high = highest < LOG_PRICE_MAX ? highest : LOG_PRICE_MAX;

    synthetic_process_init(&market->own, settings->seed, settings->symbol, length);
    synthetic_process_init(&market->factor, settings->factor_seed, " factor", length);
    synthetic_random_init(&market->details, settings->seed ^ 1, settings->symbol);
    synthetic_random_init(&market->gaps, settings->seed ^ 2, settings->symbol);
    day_init(market);
    gaps_init(market, settings->gap_minutes_per_day);
}

static double clamped(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Whether this bar is missing. The first and the last never are: they mark the range. */
static bool gap_step(struct synthetic_market *market)
{
    if (market->gap_end_odds > 0.0) {
        const double odds = market->in_gap ? market->gap_end_odds : market->gap_start_odds;
        if (synthetic_random_uniform(&market->gaps) < odds) {
            market->in_gap = !market->in_gap;
        }
    }
    return market->in_gap && market->index > 0 && market->index + 1 < market->bar_count;
}

/* The move of a bar, kept within the limits of one bar and of the market. */
static double move_limited(const struct synthetic_market *market, double move)
{
    const double limited = clamped(move, -RETURN_MAX, RETURN_MAX);
    if (market->log_price + limited < market->log_low) {
        return fabs(limited);
    }
    return market->log_price + limited > market->log_high ? -fabs(limited) : limited;
}

static int64_t ticks_rounded(double ticks)
{
    return (int64_t)(ticks + 0.5);
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Moves the price and writes what is seen of it. `deviation` is the one within the bar. */
static void prices_write(struct synthetic_market *market, double move, double deviation,
                         struct tg_bar *bar)
{
    const double opened = market->ticks;
    const int64_t open = market->close_ticks;
    const double spread = 2.0 * deviation * deviation;
    const double up = sqrt(move * move + spread * synthetic_random_exponential(&market->details));
    const double down = sqrt(move * move + spread * synthetic_random_exponential(&market->details));
    const double above = move > 0.0 ? move : 0.0;
    const double below = move < 0.0 ? move : 0.0;
    const double highest = clamped((move + up) / 2.0, above, above + OVERSHOOT_MAX);
    const double lowest = clamped((move - down) / 2.0, below - OVERSHOOT_MAX, below);
    market->ticks = opened * synthetic_exp(move);
    market->log_price += move;
    const int64_t close = ticks_rounded(market->ticks);
    const int64_t high = ticks_rounded(opened * synthetic_exp(highest));
    const int64_t low = ticks_rounded(opened * synthetic_exp(lowest));
    /* The polynomial is not promised to rise with every bit, so high and low are held to it. */
    bar->open.units = open * market->tick_units;
    bar->close.units = close * market->tick_units;
    bar->high.units = larger(high, larger(open, close)) * market->tick_units;
    bar->low.units = smaller(low, smaller(open, close)) * market->tick_units;
    market->close_ticks = close;
}

/* Busier at the busy hours and when the price moves much. */
static int64_t volume_units(struct synthetic_market *market, int64_t bar_of_day, double standard)
{
    const double price = market->ticks * (double)market->tick_units / (double)TG_DECIMAL_ONE;
    const double noise = 0.5 + 0.5 * synthetic_random_exponential(&market->details);
    const double lively = 0.3 + clamped(fabs(standard), 0.0, 8.0);
    const double volume =
        market->bar_notional / price * market->volume_of[bar_of_day] * lively * noise;
    return (int64_t)clamped(volume * (double)TG_DECIMAL_ONE, 0.0, VOLUME_UNITS_MAX);
}

bool synthetic_market_next(struct synthetic_market *market, struct tg_bar *bar)
{
    while (market->index < market->bar_count) {
        const int64_t open_time = market->start + market->index * market->bar_length;
        const int64_t bar_of_day = open_time / market->bar_length % market->bars_a_day;
        double standard = market->own_weight * synthetic_process_next(&market->own);
        double variance = market->own.deviation * market->own_weight;
        variance *= variance;
        if (market->factor_weight > 0.0) {
            standard += market->factor_weight * synthetic_process_next(&market->factor);
            const double shared = market->factor.deviation * market->factor_weight;
            variance += shared * shared;
        }
        const double deviation = market->bar_deviation * market->deviation_of[bar_of_day];
        market->pending += deviation * standard - market->log_pull * market->log_price;
        const bool missing = gap_step(market);
        market->index++;
        if (missing) {
            continue;
        }
        bar->open_time = open_time;
        prices_write(market, move_limited(market, market->pending), deviation * sqrt(variance),
                     bar);
        bar->volume.units = volume_units(market, bar_of_day, standard);
        market->pending = 0.0;
        return true;
    }
    return false;
}
