/*
 * Market data: bars judged, aggregated and kept; indicators in step with them; snapshots.
 * Pure: time is an argument. Owned by the core thread.
 */
#ifndef TG_MARKET_H
#define TG_MARKET_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <triplegain/triplegain.h>

#define MARKET_SYMBOLS_MAX 256u

/* Why a bar was put aside. X(NAME, "text", "sentence") */
#define MARKET_VERDICT_LIST(X)                                                                     \
    X(USED, "used", "the bar was used")                                                            \
    X(LATE, "late", "its time is before the newest bar's")                                         \
    X(DUPLICATE, "duplicate", "a bar of that time is there already")                               \
    X(FUTURE, "future", "it closes later than now")                                                \
    X(MISALIGNED, "misaligned", "its time is no multiple of the timeframe")                        \
    X(ZERO, "zero", "a price is zero")                                                             \
    X(NEGATIVE, "negative", "a price or the volume is negative")                                   \
    X(INCONSISTENT, "inconsistent", "low, open, close and high do not fit together")               \
    X(ABSURD, "absurd", "a price is further from the last close than allowed")

enum market_verdict {
#define MARKET_VERDICT_ENUM(NAME, text, sentence) MARKET_BAR_##NAME,
    MARKET_VERDICT_LIST(MARKET_VERDICT_ENUM)
#undef MARKET_VERDICT_ENUM
        MARKET_VERDICT_COUNT
};
const char *market_verdict_text(enum market_verdict verdict);
const char *market_verdict_sentence(enum market_verdict verdict);

struct market;

struct market_options {
    double absurd_pct; /* a price further than this from the last close is put aside; 0: 50 */
    /* After so many absurd bars in a row that agree with one another within absurd_pct, the price
     * has really moved and the next one is used; 0: never. */
    uint32_t absurd_accept_after;
    int64_t snapshot_age_max_ns; /* 0: 60 s; one bar of the feed where that is more */
    /* market_advance waits so long after the end of an aggregate for its last minute to arrive, at
     * most a minute; 0 where bars arrive before market_advance is called for their time. */
    int64_t advance_grace_ns;
};

/*
 * Called for every bar of a higher timeframe that closes, once, in order of timeframe; the bar is
 * borrowed. May not call into the market.
 */
typedef void (*market_emit)(void *context, uint32_t symbol, uint32_t timeframe,
                            const struct tg_bar *bar);

int64_t market_timeframe_ns(uint32_t timeframe); /* TG_TIMEFRAME_* */
/* TG_TIMEFRAME_*; -1: none of that length. */
int market_timeframe_of_ns(int64_t duration_ns);

/* `options` may be NULL: all defaults. TG_E_RANGE, TG_E_NO_MEMORY. */
int market_create(const struct market_options *options, struct market **market,
                  struct tg_error *error);
void market_destroy(struct market *market);

/* Numbers count from 0. TG_E_EXISTS, TG_E_FULL, TG_E_INVALID. */
int market_symbol_add(struct market *market, const char *symbol, uint32_t base_timeframe,
                      uint32_t *number, struct tg_error *error);
int market_symbol_find(const struct market *market, const char *symbol); /* -1: none */
uint32_t market_symbol_count(const struct market *market);
const char *market_symbol_name(const struct market *market, uint32_t symbol);

/*
 * Takes a closed bar of the symbol's base timeframe at time `now`. A bar that is used updates the
 * indicators, the aggregates and the last price; any other is counted and changes nothing.
 * A bar of 1m closes the 5m bar when it is its last minute; where minutes are missing the bar
 * closes by market_advance or by the next bar.
 */
enum market_verdict market_bar_add(struct market *market, uint32_t symbol, const struct tg_bar *bar,
                                   int64_t now, market_emit emit, void *context);
/* Closes the aggregates whose time is over, of all symbols. Cheap when nothing is due. */
void market_advance(struct market *market, int64_t now, market_emit emit, void *context);

/*
 * What an agent sees; the series point into the market and stay valid until the next bar of that
 * symbol. TG_E_NOT_FOUND: no bar yet; TG_E_STALE: the newest bar is too old.
 */
int market_snapshot(const struct market *market, uint32_t symbol, int64_t now,
                    struct tg_snapshot *snapshot, struct tg_error *error);
/* The same without the age limit, for display. */
int market_snapshot_any_age(const struct market *market, uint32_t symbol, int64_t now,
                            struct tg_snapshot *snapshot);
/* False: no bar yet. `age` is since the newest bar closed; either may be NULL. */
bool market_last_price(const struct market *market, uint32_t symbol, int64_t now,
                       struct tg_decimal *price, int64_t *age);
bool market_is_fresh(const struct market *market, uint32_t symbol, int64_t now);
/* Indicators after the newest bar of the timeframe; never NULL, nothing ready without bars. */
const struct tg_indicators *market_indicators(const struct market *market, uint32_t symbol,
                                              uint32_t timeframe);

struct market_quality {
    uint64_t bars[MARKET_VERDICT_COUNT]; /* by verdict */
    int64_t first_open_time, last_close_time;
    uint64_t gaps;     /* times that bars were missing between two used ones */
    int64_t silent_ns; /* time without bars, in all: the sum of the gaps */
    int64_t silent_longest_ns;
    int64_t silent_longest_from; /* when the longest one began */
    uint64_t aggregate_late;     /* used bars that came after their aggregate had been closed */
    uint64_t volume_overflows;   /* additions to an aggregate's volume that did not fit */
};
const struct market_quality *market_quality(const struct market *market, uint32_t symbol);

#endif
