/*
 * The newest bars of a timeframe, oldest first in one piece, without moving any.
 *
 * A ring of N places holds the newest N bars; a second one directly behind it holds the same. The
 * N bars from the oldest on are then contiguous wherever the ring stands:
 *
 *     N = 4, bars 3 to 6, next = 2       [5 6 3 4][5 6 3 4]
 *                                             ^-------^
 *
 * The memory belongs to the symbol. Core thread. Refuses nothing: bars.c has judged the bar.
 */
#include "market_int.h"

static const uint32_t capacities[TG_TIMEFRAME_COUNT] = {
    [TG_TIMEFRAME_1M] = MARKET__BARS_1M,   [TG_TIMEFRAME_5M] = MARKET__BARS_5M,
    [TG_TIMEFRAME_15M] = MARKET__BARS_15M, [TG_TIMEFRAME_1H] = MARKET__BARS_1H,
    [TG_TIMEFRAME_4H] = MARKET__BARS_4H,   [TG_TIMEFRAME_1D] = MARKET__BARS_1D,
};

void market__series_init(struct market__symbol *symbol)
{
    struct tg_bar *bars = symbol->bars;

    for (uint32_t timeframe = 0; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        struct market__series *series = &symbol->series[timeframe];

        series->bars = bars;
        series->capacity = capacities[timeframe];
        series->duration_ns = market_timeframe_ns(timeframe);
        series->aggregate.end = INT64_MAX;
        bars += 2 * (size_t)series->capacity;
    }
}

const struct tg_bar *market__series_add(struct market__series *series, const struct tg_bar *bar)
{
    struct tg_bar *kept = &series->bars[series->next];

    kept[0] = *bar;
    kept[series->capacity] = *bar;
    series->next = series->next + 1 == series->capacity ? 0 : series->next + 1;
    if (series->count < series->capacity)
        series->count++;
    market__indicators_add(&series->indicators, bar);
    return kept;
}

const struct tg_bar *market__series_bars(const struct market__series *series)
{
    if (series->count == 0)
        return NULL;
    return series->count < series->capacity ? series->bars : &series->bars[series->next];
}
