/* A technical reading of one snapshot: a pure function from indicators to a ta_signals record. */
#ifndef TA_READING_H
#define TA_READING_H

#include <stdbool.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

struct ta_settings {
    uint32_t timeframe_main;    /* TG_TIMEFRAME_*: the one that leads the reading */
    double direction_threshold; /* |trend| from which a trend is bullish or bearish, 0 to 1 */
    double bias_threshold;      /* |score| from which the bias is long or short, 0 to 1 */
    double fallback_factor;     /* on the confidence, per timeframe below the configured one */
};

/*
 * Reads `snapshot` (borrows) of `symbol` (borrows, at most TG_SYMBOL_SIZE with the NUL) into
 * `signals`. False, and `signals` untouched, while no timeframe is warm. The caller checks the
 * reading with ta_reading_is_finite before it publishes.
 */
bool ta_reading(const struct ta_settings *settings, const char *symbol,
                const struct tg_snapshot *snapshot, struct tg_ta_signals *signals);

/* False where an indicator was NaN or infinite and has reached a field of the reading. */
bool ta_reading_is_finite(const struct tg_ta_signals *signals);

#endif
