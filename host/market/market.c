/*
 * Market: symbols, their options, and the names of verdicts and timeframes.
 *
 * The market owns everything: one block per symbol, allocated when the symbol is added, holds its
 * bars, its open aggregates and its indicators of all timeframes (some 65 KiB). Nothing is
 * allocated per bar. All calls come from the core thread.
 *
 *   bars.c            is the bar to be trusted? gaps; the newest price
 *   aggregate.c       bars of longer timeframes
 *   series.c          the newest bars of a timeframe, contiguous
 *   indicators*.c     what is updated per bar, and what is worked out when somebody asks
 *   snapshot.c        what an agent sees
 *
 * Refused: a symbol twice, an empty or too long name, an unknown timeframe, options that make no
 * sense (not finite, negative).
 */
#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "market_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARKET__ABSURD_PCT_DEFAULT 50.0
#define MARKET__ABSURD_PCT_MAX     10000.0
#define MARKET__AGE_MAX_DEFAULT_NS (60 * TG_NS_PER_SEC)

static const int64_t timeframe_ns[TG_TIMEFRAME_COUNT] = {
    [TG_TIMEFRAME_1M] = TG_NS_PER_MIN,       [TG_TIMEFRAME_5M] = 5 * TG_NS_PER_MIN,
    [TG_TIMEFRAME_15M] = 15 * TG_NS_PER_MIN, [TG_TIMEFRAME_1H] = TG_NS_PER_HOUR,
    [TG_TIMEFRAME_4H] = 4 * TG_NS_PER_HOUR,  [TG_TIMEFRAME_1D] = TG_NS_PER_DAY,
};

const char *market_verdict_text(enum market_verdict verdict)
{
    switch (verdict) {
#define VERDICT_CASE(NAME, text, sentence)                                                         \
    case MARKET_BAR_##NAME:                                                                        \
        return text;
        MARKET_VERDICT_LIST(VERDICT_CASE)
#undef VERDICT_CASE
    case MARKET_VERDICT_COUNT:
        break;
    }
    return "unknown";
}

const char *market_verdict_sentence(enum market_verdict verdict)
{
    switch (verdict) {
#define VERDICT_CASE(NAME, text, sentence)                                                         \
    case MARKET_BAR_##NAME:                                                                        \
        return sentence;
        MARKET_VERDICT_LIST(VERDICT_CASE)
#undef VERDICT_CASE
    case MARKET_VERDICT_COUNT:
        break;
    }
    return "there is no such verdict";
}

int64_t market_timeframe_ns(uint32_t timeframe)
{
    TG_BUG_IF(timeframe >= TG_TIMEFRAME_COUNT);
    return timeframe_ns[timeframe];
}

int market_timeframe_of_ns(int64_t duration_ns)
{
    for (int timeframe = 0; timeframe < TG_TIMEFRAME_COUNT; timeframe++)
        if (timeframe_ns[timeframe] == duration_ns)
            return timeframe;
    return -1;
}

static int options_check(const struct market_options *options, struct tg_error *error)
{
    if (!isfinite(options->absurd_pct) || options->absurd_pct < 0 ||
        options->absurd_pct > MARKET__ABSURD_PCT_MAX)
        return TG_FAIL(error, RANGE, "market: absurd_pct: %g is out of range (0 to %g)",
                       options->absurd_pct, MARKET__ABSURD_PCT_MAX);
    if (options->snapshot_age_max_ns < 0)
        return TG_FAIL(error, RANGE, "market: snapshot_age_max_ns: %lld is negative",
                       (long long)options->snapshot_age_max_ns);
    if (options->advance_grace_ns < 0 || options->advance_grace_ns > TG_NS_PER_MIN)
        return TG_FAIL(error, RANGE, "market: advance_grace_ns: %lld is out of range (0 to %lld)",
                       (long long)options->advance_grace_ns, (long long)TG_NS_PER_MIN);
    return TG_E_OK;
}

int market_create(const struct market_options *options, struct market **market,
                  struct tg_error *error)
{
    static const struct market_options defaults;
    struct market *made = NULL;
    int code;

    *market = NULL;
    if (!options)
        options = &defaults;
    code = options_check(options, error);
    if (code)
        return TG_PASS(error, code);
    made = calloc(1, sizeof(*made));
    if (!made)
        return TG_FAIL(error, NO_MEMORY, "market: out of memory");
    code = tg_names_create(MARKET_SYMBOLS_MAX, &made->names, error);
    if (code) {
        free(made);
        return TG_PASS(error, code);
    }
    made->options = *options;
    if (made->options.absurd_pct == 0.0)
        made->options.absurd_pct = MARKET__ABSURD_PCT_DEFAULT;
    if (made->options.snapshot_age_max_ns == 0)
        made->options.snapshot_age_max_ns = MARKET__AGE_MAX_DEFAULT_NS;
    made->due = INT64_MAX;
    *market = made;
    return TG_E_OK;
}

void market_destroy(struct market *market)
{
    if (!market)
        return;
    for (uint32_t i = 0; i < market->symbol_count; i++)
        free(market->symbols[i]);
    tg_names_destroy(market->names);
    free(market);
}

static int symbol_refuse(const struct market *market, const char *symbol, uint32_t base_timeframe,
                         struct tg_error *error)
{
    if (!symbol || symbol[0] == '\0')
        return TG_FAIL(error, INVALID, "market: a symbol needs a name");
    if (strlen(symbol) >= TG_SYMBOL_SIZE)
        return TG_FAIL(error, INVALID, "market: symbol %.64s: at most %d characters are allowed",
                       symbol, TG_SYMBOL_SIZE - 1);
    if (base_timeframe >= TG_TIMEFRAME_COUNT)
        return TG_FAIL(error, INVALID, "market: symbol %s: timeframe %u does not exist (0 to %d)",
                       symbol, base_timeframe, TG_TIMEFRAME_COUNT - 1);
    if (tg_names_find(market->names, symbol) != 0)
        return TG_FAIL(error, EXISTS, "market: symbol %s is there already", symbol);
    if (market->symbol_count == MARKET_SYMBOLS_MAX)
        return TG_FAIL(error, FULL, "market: symbol %s: at most %u symbols are allowed", symbol,
                       MARKET_SYMBOLS_MAX);
    return TG_E_OK;
}

int market_symbol_add(struct market *market, const char *symbol, uint32_t base_timeframe,
                      uint32_t *number, struct tg_error *error)
{
    struct market__symbol *made = NULL;
    const double share = market->options.absurd_pct / 100.0;
    int code = symbol_refuse(market, symbol, base_timeframe, error);

    if (code)
        return TG_PASS(error, code);
    made = calloc(1, sizeof(*made));
    if (!made || tg_names_add(market->names, symbol) == 0) {
        free(made);
        return TG_FAIL(error, NO_MEMORY, "market: symbol %s: out of memory", symbol);
    }
    TG_BUG_IF(!tg_text_copy(made->name, sizeof(made->name), symbol));
    made->number = market->symbol_count;
    made->base_timeframe = base_timeframe;
    made->base_ns = timeframe_ns[base_timeframe];
    made->age_max_ns = market->options.snapshot_age_max_ns;
    if (made->age_max_ns < made->base_ns)
        made->age_max_ns = made->base_ns;
    made->newest_open_time = -1;
    made->close_factor_low = 1.0 - share;
    made->close_factor_high = 1.0 + share;
    made->due = INT64_MAX;
    market__series_init(made);
    market->symbols[market->symbol_count++] = made;
    *number = made->number;
    return TG_E_OK;
}

int market_symbol_find(const struct market *market, const char *symbol)
{
    return (int)tg_names_find(market->names, symbol) - 1;
}

uint32_t market_symbol_count(const struct market *market)
{
    return market->symbol_count;
}

const char *market_symbol_name(const struct market *market, uint32_t symbol)
{
    TG_BUG_IF(symbol >= market->symbol_count);
    return market->symbols[symbol]->name;
}
