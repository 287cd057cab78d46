/*
 * What an agent sees of a symbol: the newest bars of each timeframe, the indicators after them and
 * the age of the newest base bar.
 *
 * Bars and indicators are borrowed from the market until the next bar of that symbol. A snapshot
 * that is too old is refused, so that nobody trades on a feed that has stopped. Core thread.
 */
#include "base/check.h"
#include "base/clock.h"
#include "market_int.h"

#include <string.h>

static const struct tg_indicators nothing_ready;

static const struct market__symbol *symbol_of(const struct market *market, uint32_t symbol)
{
    TG_BUG_IF(symbol >= market->symbol_count);
    return market->symbols[symbol];
}

/* A clock that has been set back makes no bar younger than new. */
static int64_t age_of(const struct market__symbol *symbol, int64_t now)
{
    return now > symbol->newest_close_time ? now - symbol->newest_close_time : 0;
}

static void fill(struct market__symbol *symbol, int64_t now, struct tg_snapshot *snapshot)
{
    memset(snapshot, 0, sizeof(*snapshot));
    snapshot->size = sizeof(*snapshot);
    snapshot->base_timeframe = symbol->base_timeframe;
    snapshot->newest_close_time = symbol->newest_close_time;
    snapshot->age = age_of(symbol, now);
    snapshot->last_price = symbol->last_close;
    for (uint32_t timeframe = 0; timeframe < symbol->base_timeframe; timeframe++)
        snapshot->series[timeframe].indicators = &nothing_ready;
    for (uint32_t timeframe = symbol->base_timeframe; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        struct market__series *series = &symbol->series[timeframe];
        struct tg_series *seen = &snapshot->series[timeframe];

        seen->bars = market__series_bars(series);
        seen->count = series->count;
        seen->indicators = market__indicators_values(&series->indicators);
    }
}

int market_snapshot(const struct market *market, uint32_t symbol_number, int64_t now,
                    struct tg_snapshot *snapshot, struct tg_error *error)
{
    const struct market__symbol *symbol = symbol_of(market, symbol_number);

    if (symbol->newest_open_time < 0)
        return TG_FAIL(error, NOT_FOUND, "%s: no bar yet", symbol->name);
    if (age_of(symbol, now) > symbol->age_max_ns)
        return TG_FAIL(error, STALE, "%s: the newest bar closed %lld s ago, at most %lld s allowed",
                       symbol->name, (long long)(age_of(symbol, now) / TG_NS_PER_SEC),
                       (long long)(symbol->age_max_ns / TG_NS_PER_SEC));
    fill(market->symbols[symbol_number], now, snapshot);
    return TG_E_OK;
}

int market_snapshot_any_age(const struct market *market, uint32_t symbol_number, int64_t now,
                            struct tg_snapshot *snapshot)
{
    if (symbol_of(market, symbol_number)->newest_open_time < 0)
        return TG_E_NOT_FOUND;
    fill(market->symbols[symbol_number], now, snapshot);
    return TG_E_OK;
}

bool market_last_price(const struct market *market, uint32_t symbol_number, int64_t now,
                       struct tg_decimal *price, int64_t *age)
{
    const struct market__symbol *symbol = symbol_of(market, symbol_number);

    if (symbol->newest_open_time < 0)
        return false;
    if (price)
        *price = symbol->last_close;
    if (age)
        *age = age_of(symbol, now);
    return true;
}

bool market_is_fresh(const struct market *market, uint32_t symbol_number, int64_t now)
{
    const struct market__symbol *symbol = symbol_of(market, symbol_number);

    return symbol->newest_open_time >= 0 && age_of(symbol, now) <= symbol->age_max_ns;
}

const struct tg_indicators *market_indicators(const struct market *market, uint32_t symbol_number,
                                              uint32_t timeframe)
{
    (void)symbol_of(market, symbol_number);
    if (timeframe >= TG_TIMEFRAME_COUNT)
        return &nothing_ready;
    return market__indicators_values(&market->symbols[symbol_number]->series[timeframe].indicators);
}
