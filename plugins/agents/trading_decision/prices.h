/* From distances in doubles to exact stop and target prices within the limits of risk. */
#ifndef DECISION_PRICES_H
#define DECISION_PRICES_H

#include <stdbool.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define PRICES_SYMBOLS_MAX 32 /* symbols with a limit of their own */

/* Bounds of the configuration; within them no target can fall to zero or leave the decimals. */
#define PRICES_STOP_PCT_MIN    0.01
#define PRICES_STOP_PCT_MAX    20.0
#define PRICES_REWARD_RISK_MAX 4.0

struct prices_symbol_limit {
    char symbol[TG_SYMBOL_SIZE];
    double stop_pct_max;
};

struct prices_limits {
    double stop_pct_min, stop_pct_max; /* in % of the entry */
    double reward_risk_min;            /* target distance over stop distance */
    uint32_t symbol_count;
    struct prices_symbol_limit symbols[PRICES_SYMBOLS_MAX];
};

/*
 * Reads "BTC/USDT=3, XRP/USDT=4" into the limits' symbols. TG_E_INVALID, and a sentence in
 * `problem`, for anything else: a number out of the bounds above or below stop_pct_min, a symbol
 * twice, too many symbols. An empty text is no symbols.
 */
int32_t prices_read_symbols(struct prices_limits *limits, const char *text, char *problem,
                            size_t problem_size);

/*
 * Stop and target of an entry at `entry` to the side `side` (+1 buy, -1 sell) from two distances in
 * the quote currency. The stop is brought within the limits of `symbol`, the target to the
 * least reward over risk. TG_E_RANGE, and nothing written: a distance is not finite, or the entry
 * is not above zero or too high to have a target. All results are above zero.
 */
int32_t prices_place(const struct prices_limits *limits, const char *symbol, int side,
                     struct tg_decimal entry, double stop_distance, double target_distance,
                     struct tg_decimal *stop_loss, struct tg_decimal *take_profit);

#endif
