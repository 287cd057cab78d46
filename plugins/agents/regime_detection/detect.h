/* What regime the indicators show, and which one is kept: pure functions over plain records. */
#ifndef REGIME_DETECT_H
#define REGIME_DETECT_H

#include <stdbool.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

struct regime_settings {
    uint32_t timeframe;         /* TG_TIMEFRAME_*: the one that is read */
    double volatile_atr_pct;    /* ATR in % of the price from which a 1h bar is volatile */
    double volatile_atr_ratio;  /* ATR over its 20-bar mean from which the market is volatile */
    double change_confidence;   /* one detection as sure as this changes the regime */
    uint32_t change_detections; /* or as many in a row of the same new regime */
};

/* What one look at the indicators says. */
struct regime_detection {
    uint32_t regime;                    /* TG_REGIME_*; UNKNOWN while nothing is warm */
    double confidence;                  /* 0 to 1 */
    double membership[TG_REGIME_COUNT]; /* how well each regime fits, 0 to 1 */
    double adx, choppiness, atr_pct;    /* what was seen; valid unless UNKNOWN */
};

/* What is remembered of one symbol between runs. */
struct regime_memory {
    uint32_t regime;        /* TG_REGIME_*: the one in force */
    uint32_t pending;       /* the new regime seen last, the one in force where there is none */
    uint32_t pending_count; /* how often in a row */
};

/*
 * Borrows both. NULL; or the name of an indicator that is NaN or infinite, and `detection` is not
 * to be used.
 */
const char *regime_detect(const struct regime_settings *settings,
                          const struct tg_snapshot *snapshot, struct regime_detection *detection);

/*
 * Takes one detection into the memory. True when it changes the regime: it is sure enough, or has
 * come often enough in a row. UNKNOWN takes force at once and forgets what was pending, because
 * without indicators the old regime has nothing left to stand on.
 */
bool regime_settle(const struct regime_settings *settings, struct regime_memory *memory,
                   const struct regime_detection *detection);

#endif
