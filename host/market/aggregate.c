/*
 * Bars of longer timeframes, each made of the next shorter one, in a cascade:
 *
 *     1m bars -> [5m] -> [15m] -> [1h] -> [4h] -> [1d]
 *
 * A bar goes into the aggregate of the next timeframe only; when that one closes it goes on to the
 * following. So most bars touch one aggregate. Periods are aligned at 00:00 UTC, which for 4h and
 * 1d follows from counting since 1970.
 *
 * An aggregate closes, once, when the bar of its last minute is in, or else when its time is over:
 * by the next bar or by market_advance. Minutes without a bar leave no trace but in the volume; a
 * period without any bar gives no bar. A base bar that comes after market_advance has closed its
 * period no longer changes what is published: it is counted and goes into the next longer
 * aggregate that is open.
 *
 * Volumes add up exactly. A sum that does not fit stands at the largest decimal and is counted in
 * the quality record. Core thread; owns nothing.
 */
#include "base/check.h"
#include "market_int.h"

static void aggregate_open(struct market__series *series, const struct tg_bar *bar, int64_t start)
{
    struct market__aggregate *aggregate = &series->aggregate;

    aggregate->bar = *bar;
    aggregate->bar.open_time = start;
    aggregate->end = start + series->duration_ns;
}

static void aggregate_merge(struct market__symbol *symbol, struct tg_bar *into,
                            const struct tg_bar *bar)
{
    if (bar->high.units > into->high.units)
        into->high = bar->high;
    if (bar->low.units < into->low.units)
        into->low = bar->low;
    into->close = bar->close;
    if (__builtin_add_overflow(into->volume.units, bar->volume.units, &into->volume.units)) {
        into->volume.units = INT64_MAX;
        symbol->quality.volume_overflows++;
    }
}

/* Puts the bar into the first aggregate from `timeframe` on that can take it; returns its end. */
static int64_t cascade(struct market__symbol *symbol, uint32_t timeframe, const struct tg_bar *bar)
{
    for (; timeframe < TG_TIMEFRAME_COUNT; timeframe++) {
        struct market__series *series = &symbol->series[timeframe];
        struct market__aggregate *aggregate = &series->aggregate;

        if (bar->open_time < aggregate->closed_until)
            continue;
        if (aggregate->end != INT64_MAX) {
            TG_BUG_IF(bar->open_time >= aggregate->end);
            aggregate_merge(symbol, &aggregate->bar, bar);
        } else {
            aggregate_open(series, bar, bar->open_time - bar->open_time % series->duration_ns);
        }
        return aggregate->end;
    }
    return INT64_MAX;
}

void market__aggregate_add(struct market__symbol *symbol, const struct tg_bar *bar)
{
    const uint32_t first = symbol->base_timeframe + 1;
    int64_t end;

    if (first == TG_TIMEFRAME_COUNT)
        return;
    if (bar->open_time < symbol->series[first].aggregate.closed_until)
        symbol->quality.aggregate_late++;
    end = cascade(symbol, first, bar);
    if (end < symbol->due)
        symbol->due = end;
}

void market__aggregate_close(struct market__symbol *symbol, int64_t time, market_emit emit,
                             void *context)
{
    if (time < symbol->due)
        return;
    symbol->due = INT64_MAX;
    for (uint32_t timeframe = symbol->base_timeframe + 1; timeframe < TG_TIMEFRAME_COUNT;
         timeframe++) {
        struct market__series *series = &symbol->series[timeframe];
        struct market__aggregate *aggregate = &series->aggregate;

        if (aggregate->end <= time) {
            const struct tg_bar *closed = market__series_add(series, &aggregate->bar);

            aggregate->closed_until = aggregate->end;
            aggregate->end = INT64_MAX;
            (void)cascade(symbol, timeframe + 1, closed); /* looked at by a later turn */
            if (emit)
                emit(context, symbol->number, timeframe, closed);
        } else if (aggregate->end < symbol->due) {
            symbol->due = aggregate->end;
        }
    }
}
