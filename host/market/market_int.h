/* What the files of this room share: the state of a symbol, of a series and of its indicators. */
#ifndef TG_MARKET_INT_H
#define TG_MARKET_INT_H

#include "base/names.h"
#include "market/market.h"

/* Sums of prices and volumes in units: exact, and no history is long enough to fill 128 bits. */
__extension__ typedef __int128 market__sum;

/* Powers of two, for the mask: above the longest window that reads them (200 closes, 20 bars). */
#define MARKET__PREFIX_COUNT 256u
#define MARKET__RECENT_COUNT 32u

/* Bars kept by timeframe, from 1m to 1d; a snapshot shows as many. */
#define MARKET__BARS_1M  60u
#define MARKET__BARS_5M  48u
#define MARKET__BARS_15M 32u
#define MARKET__BARS_1H  48u
#define MARKET__BARS_4H  30u
#define MARKET__BARS_1D  30u
#define MARKET__BARS_TOTAL                                                                         \
    (MARKET__BARS_1M + MARKET__BARS_5M + MARKET__BARS_15M + MARKET__BARS_1H + MARKET__BARS_4H +    \
     MARKET__BARS_1D)

/* Exponential averages of closes that are kept, in the order of market__ema_length. */
enum {
    MARKET__EMA_9,
    MARKET__EMA_12,
    MARKET__EMA_20,
    MARKET__EMA_21,
    MARKET__EMA_26,
    MARKET__EMA_50,
    MARKET__EMA_200,
    MARKET__EMA_UNUSED, /* makes it eight, which the compiler turns into vector operations */
    MARKET__EMA_COUNT
};

/* Wilder averages that are kept; all of 14 but the last. */
enum {
    MARKET__WILDER_GAIN,
    MARKET__WILDER_LOSS,
    MARKET__WILDER_PLUS,
    MARKET__WILDER_MINUS,
    MARKET__WILDER_RANGE_14,
    MARKET__WILDER_RANGE_10,
    MARKET__WILDER_COUNT
};

/* One bar as the windows see it: a cache line. Prices and volumes in units of a decimal. */
struct market__recent {
    double close, high, low, volume;
    double true_range;
    double atr14;
    double rsi14;
    double reserved;
};

struct market__indicators {
    uint64_t bars;                           /* added so far */
    int64_t last_high, last_low, last_close; /* units */
    /* All prices and ranges are kept in units and brought to scale in `values`. */
    double ema[MARKET__EMA_COUNT];
    double wilder[MARKET__WILDER_COUNT];
    double macd_signal;
    double adx14;
    double supertrend_upper, supertrend_lower;
    double supertrend_direction;
    int64_t session_end;
    double session_price_volume; /* typical price times volume since 00:00 UTC */
    market__sum session_volume;
    market__sum obv;
    bool values_current; /* `values` belong to the newest bar */
    struct tg_indicators values;
    market__sum close_total;                  /* of all closes */
    market__sum prefix[MARKET__PREFIX_COUNT]; /* close_total as it was after each bar */
    struct market__recent recent[MARKET__RECENT_COUNT];
};

/* The bar of a timeframe that is being put together. */
struct market__aggregate {
    struct tg_bar bar;
    int64_t end;          /* INT64_MAX: none is open */
    int64_t closed_until; /* what lies before is published and cannot take any more */
};

/* Every bar stands in the ring twice, `capacity` apart: the newest are always contiguous. */
struct market__series {
    struct tg_bar *bars; /* 2 * capacity of them; borrowed from the symbol */
    uint32_t capacity;
    uint32_t count;
    uint32_t next; /* where the next bar goes, below capacity */
    int64_t duration_ns;
    struct market__aggregate aggregate;
    struct market__indicators indicators;
};

struct market__symbol {
    char name[TG_SYMBOL_SIZE];
    uint32_t number;
    uint32_t base_timeframe;
    int64_t base_ns;
    int64_t age_max_ns;
    int64_t newest_open_time;  /* -1: no bar yet */
    int64_t newest_close_time; /* 0: no bar yet */
    struct tg_decimal last_close;
    double close_factor_low, close_factor_high; /* a price times last_close: not absurd */
    int64_t due;                                /* the earliest end of an open aggregate */
    uint32_t absurd_run;                        /* absurd bars in a row that agree */
    int64_t absurd_open_time;
    struct tg_decimal absurd_close;
    struct market_quality quality;
    struct market__series series[TG_TIMEFRAME_COUNT];
    struct tg_bar bars[2 * MARKET__BARS_TOTAL];
};

struct market {
    struct market_options options;
    int64_t due; /* not later than the earliest `due` of the symbols */
    uint32_t symbol_count;
    struct tg_names *names; /* owned; number of a name less one is the symbol's */
    struct market__symbol *symbols[MARKET_SYMBOLS_MAX]; /* owned */
};

/* series.c */
void market__series_init(struct market__symbol *symbol);
/* Keeps a copy, updates the indicators; returns the kept bar, which is valid until the next. */
const struct tg_bar *market__series_add(struct market__series *series, const struct tg_bar *bar);
const struct tg_bar *market__series_bars(const struct market__series *series);

/* aggregate.c */
/* Takes a used base bar into the aggregates; closes none. */
void market__aggregate_add(struct market__symbol *symbol, const struct tg_bar *bar);
/* Closes the aggregates that end at `time` or before, shorter ones first. */
void market__aggregate_close(struct market__symbol *symbol, int64_t time, market_emit emit,
                             void *context);

/* indicators.c */
void market__indicators_add(struct market__indicators *state, const struct tg_bar *bar);
/* indicators_values.c: brings `values` up to the newest bar where they are behind. */
const struct tg_indicators *market__indicators_values(struct market__indicators *state);
/* Bars until the indicator of that number (TG_INDICATOR_*) has a value. */
uint32_t market__indicators_warm_up(uint32_t indicator);

#endif
