/*
 * Is the bar to be trusted? Every bar gets a verdict: the first that applies, in the order of
 * MARKET_VERDICT_LIST. A bar that is not used is counted and leaves no other trace.
 *
 * Judging on the last close has a trap: after a real move beyond the limit every further bar looks
 * absurd for ever. So bars put aside as absurd that follow one another in time and agree with one
 * another are counted, and after `absurd_accept_after` of them the next one is believed. A bar
 * that is used ends the count.
 *
 * A gap is the time between the close of a used bar and the open of the next used one.
 *
 * Core thread; owns nothing. The caller's bar is borrowed.
 */
#include "base/check.h"
#include "base/clock.h"
#include "market_int.h"

static enum market_verdict judge_prices(const struct tg_bar *bar)
{
    const int64_t open = bar->open.units, high = bar->high.units;
    const int64_t low = bar->low.units, close = bar->close.units;

    if (open == 0 || high == 0 || low == 0 || close == 0)
        return MARKET_BAR_ZERO;
    if (open < 0 || high < 0 || low < 0 || close < 0 || bar->volume.units < 0)
        return MARKET_BAR_NEGATIVE;
    if (low > open || low > close || high < open || high < close)
        return MARKET_BAR_INCONSISTENT;
    return MARKET_BAR_USED;
}

static bool is_far(const struct market__symbol *symbol, const struct tg_bar *bar,
                   struct tg_decimal from)
{
    const double reference = (double)from.units;

    return (double)bar->low.units < reference * symbol->close_factor_low ||
           (double)bar->high.units > reference * symbol->close_factor_high;
}

/* An absurd bar: is it the one after enough others that say the same? */
static bool is_believed(const struct market *market, struct market__symbol *symbol,
                        const struct tg_bar *bar)
{
    const uint32_t needed = market->options.absurd_accept_after;

    if (needed == 0)
        return false;
    if (symbol->absurd_run > 0 && bar->open_time <= symbol->absurd_open_time)
        return false;
    if (symbol->absurd_run > 0 && is_far(symbol, bar, symbol->absurd_close))
        symbol->absurd_run = 0;
    if (symbol->absurd_run >= needed)
        return true;
    symbol->absurd_run++;
    symbol->absurd_open_time = bar->open_time;
    symbol->absurd_close = bar->close;
    return false;
}

static enum market_verdict judge(const struct market *market, struct market__symbol *symbol,
                                 const struct tg_bar *bar, int64_t now)
{
    const int64_t open_time = bar->open_time;
    enum market_verdict verdict;

    if (open_time <= symbol->newest_open_time)
        return open_time < symbol->newest_open_time ? MARKET_BAR_LATE : MARKET_BAR_DUPLICATE;
    /* Room for the end of any period that the bar falls into. */
    if (open_time > INT64_MAX - TG_NS_PER_DAY || open_time + symbol->base_ns > now)
        return MARKET_BAR_FUTURE;
    /* The bar that is expected next needs no division. */
    if (open_time != symbol->newest_close_time &&
        (open_time < 0 || open_time % symbol->base_ns != 0))
        return MARKET_BAR_MISALIGNED;
    verdict = judge_prices(bar);
    if (verdict != MARKET_BAR_USED)
        return verdict;
    if (symbol->newest_open_time >= 0 && is_far(symbol, bar, symbol->last_close) &&
        !is_believed(market, symbol, bar))
        return MARKET_BAR_ABSURD;
    return MARKET_BAR_USED;
}

static void note_gap(struct market__symbol *symbol, int64_t open_time)
{
    struct market_quality *quality = &symbol->quality;
    const int64_t silent = open_time - symbol->newest_close_time;

    if (symbol->newest_open_time < 0) {
        quality->first_open_time = open_time;
        return;
    }
    if (silent == 0)
        return;
    quality->gaps++;
    quality->silent_ns += silent;
    if (silent > quality->silent_longest_ns) {
        quality->silent_longest_ns = silent;
        quality->silent_longest_from = symbol->newest_close_time;
    }
}

enum market_verdict market_bar_add(struct market *market, uint32_t symbol_number,
                                   const struct tg_bar *bar, int64_t now, market_emit emit,
                                   void *context)
{
    struct market__symbol *symbol = NULL;
    enum market_verdict verdict;

    TG_BUG_IF(symbol_number >= market->symbol_count);
    symbol = market->symbols[symbol_number];
    verdict = judge(market, symbol, bar, now);
    symbol->quality.bars[verdict]++;
    if (verdict != MARKET_BAR_USED)
        return verdict;

    market__aggregate_close(symbol, bar->open_time, emit, context);
    note_gap(symbol, bar->open_time);
    symbol->absurd_run = 0;
    symbol->newest_open_time = bar->open_time;
    symbol->newest_close_time = bar->open_time + symbol->base_ns;
    symbol->quality.last_close_time = symbol->newest_close_time;
    symbol->last_close = bar->close;
    (void)market__series_add(&symbol->series[symbol->base_timeframe], bar);
    market__aggregate_add(symbol, bar);
    market__aggregate_close(symbol, symbol->newest_close_time, emit, context);
    if (symbol->due < market->due)
        market->due = symbol->due;
    return MARKET_BAR_USED;
}

void market_advance(struct market *market, int64_t now, market_emit emit, void *context)
{
    const int64_t grace = market->options.advance_grace_ns;
    const int64_t time = now < INT64_MIN + grace ? INT64_MIN : now - grace;

    if (time < market->due)
        return;
    market->due = INT64_MAX;
    for (uint32_t i = 0; i < market->symbol_count; i++) {
        struct market__symbol *symbol = market->symbols[i];

        market__aggregate_close(symbol, time, emit, context);
        if (symbol->due < market->due)
            market->due = symbol->due;
    }
}

const struct market_quality *market_quality(const struct market *market, uint32_t symbol)
{
    TG_BUG_IF(symbol >= market->symbol_count);
    return &market->symbols[symbol]->quality;
}
