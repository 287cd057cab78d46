/* market.h: bars of a made-up market. */
#ifndef SYNTHETIC_MARKET_H
#define SYNTHETIC_MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include <triplegain/triplegain.h>

#include "process.h"

#define SYNTHETIC_BARS_A_DAY_MAX 1440

/* What the configuration says; the symbol is borrowed. */
struct synthetic_settings {
    uint64_t seed;
    uint64_t factor_seed;
    const char *symbol;
    int64_t start; /* UTC nanoseconds, on a multiple of the bar's length */
    uint32_t timeframe;
    int64_t bar_count;
    struct tg_decimal start_price;
    int price_places;
    double volatility_pct; /* annualised */
    double gap_minutes_per_day;
    double correlation;
};

struct synthetic_market {
    struct synthetic_process own;
    struct synthetic_process factor; /* what all symbols of one factor seed share */
    struct synthetic_random details; /* highs, lows, volumes */
    struct synthetic_random gaps;
    double own_weight, factor_weight;

    int64_t bar_length;
    int64_t bars_a_day;
    int64_t start;
    int64_t index; /* of the next bar */
    int64_t bar_count;

    int64_t tick_units;  /* the smallest step of a price */
    double ticks;        /* price now, in ticks and fractions */
    int64_t close_ticks; /* as the newest delivered bar has it */
    double log_price;    /* of the price over the start price */
    double log_low, log_high;
    double log_pull; /* part of the way back to the start price, per bar */
    double bar_deviation;
    double bar_notional; /* mean volume of a bar, quote currency */
    double pending;      /* return of the bars that are missing */

    double gap_start_odds, gap_end_odds;
    bool in_gap;

    /* By bar of the day; mean 1. */
    double volume_of[SYNTHETIC_BARS_A_DAY_MAX];
    double deviation_of[SYNTHETIC_BARS_A_DAY_MAX];
};

/* Settings are in range already. */
void synthetic_market_init(struct synthetic_market *market,
                           const struct synthetic_settings *settings);
/* The next bar that is not missing; false at the end. */
bool synthetic_market_next(struct synthetic_market *market, struct tg_bar *bar);

#endif
