/*
 * matching.c: which resting orders a closed bar fills, and at which price.
 *
 * A bar only fills orders that were there when it opened (market and limit orders: latency before
 * it opened), so nothing is ever filled by a price that was known when the order was made. Within
 * one bar the path of the price is not known; what hurts is assumed to come first:
 *
 *     1. market orders, and stops that went off and wait for volume: at the open, with slippage
 *     2. stops: at the trigger, or at the open where the bar opened beyond it, with slippage
 *     3. limits and take-profits: only where the price went through them, at their price, or at
 *        the open where that is better; no slippage
 *
 * So where stop and take-profit of one position lie within one bar, the stop fills. Reduce-only
 * orders are cut to what is open; with nothing open they are cancelled.
 *
 * The fee is in quote currency: price x size rounded half to even, times the rate, rounded so
 * again.
 */
#include "amounts.h"
#include "paper_int.h"

struct matching {
    struct paper *paper;
    struct book_symbol *symbol;
    const struct tg_market_data *bar;
    int64_t open_time, close_time;
    int64_t volume; /* left to fill, units; negative: no bound */
};

int64_t paper_timeframe_ns(uint8_t timeframe)
{
    static const int64_t minutes[TG_TIMEFRAME_COUNT] = {
        [TG_TIMEFRAME_1M] = 1,  [TG_TIMEFRAME_5M] = 5,   [TG_TIMEFRAME_15M] = 15,
        [TG_TIMEFRAME_1H] = 60, [TG_TIMEFRAME_4H] = 240, [TG_TIMEFRAME_1D] = 1440};
    return minutes[timeframe] * INT64_C(60000000000);
}

static void end(struct matching *matching, struct book_order *order, const char *reason)
{
    paper_say(matching->paper, TG_EXECUTION_CANCELLED, &order->id, matching->symbol->name, reason);
    book_order_remove(&matching->paper->book, order);
}

/* The price with slippage, against the trader. */
static int slipped(const struct paper *paper, uint8_t side, int64_t price, int64_t *result)
{
    int64_t factor =
        PAPER_PERCENT + (side == TG_SIDE_BUY ? paper->slippage_pct : -paper->slippage_pct);
    int code = paper_scale(price, factor, PAPER_PERCENT, result);
    if (code == 0 && *result < 1)
        *result = 1;
    return code;
}

static void fill(struct matching *matching, struct book_order *order, int64_t price, bool slips,
                 int64_t time)
{
    struct paper *paper = matching->paper;
    struct book_symbol *symbol = matching->symbol;
    int64_t size = order->remaining;
    int64_t *held = &symbol->net[order->apart];
    bool cut = false;
    if (order->reduce_only) {
        int64_t open = order->side == TG_SIDE_SELL ? *held : -*held;
        if (open <= 0) {
            end(matching, order, "nothing is open that it could reduce");
            return;
        }
        cut = size > open;
        size = cut ? open : size;
    }
    if (matching->volume >= 0 && size > matching->volume) {
        size = matching->volume;
        cut = false; /* what is left waits for the volume of later bars */
    }
    if (size == 0)
        return;
    int64_t notional;
    int64_t fee;
    int64_t net;
    if ((slips && slipped(paper, order->side, price, &price) != 0) ||
        paper_scale(price, size, TG_DECIMAL_ONE, &notional) != 0 ||
        paper_scale(notional, paper->fee_pct, PAPER_PERCENT, &fee) != 0 ||
        __builtin_add_overflow(*held, order->side == TG_SIDE_BUY ? size : -size, &net)) {
        end(matching, order, "the amount does not fit");
        return;
    }
    *held = net;
    order->remaining -= size;
    if (matching->volume >= 0)
        matching->volume -= size;
    paper_say_fill(paper, order, size, price, fee, time);
    if (cut)
        end(matching, order, "the rest is more than was open");
    else if (order->remaining == 0)
        book_order_remove(&paper->book, order);
}

static void at_open(struct matching *matching, struct book_order *order)
{
    if (order->type == TG_ORDER_TYPE_MARKET || order->triggered)
        fill(matching, order, matching->bar->open.units, true, matching->open_time);
}

static void stops(struct matching *matching, struct book_order *order)
{
    const struct tg_market_data *bar = matching->bar;
    if (order->type != TG_ORDER_TYPE_STOP_LOSS || order->triggered)
        return;
    bool sell = order->side == TG_SIDE_SELL;
    if (sell ? bar->low.units > order->price : bar->high.units < order->price)
        return;
    bool beyond = sell ? bar->open.units <= order->price : bar->open.units >= order->price;
    order->triggered = true;
    fill(matching, order, beyond ? bar->open.units : order->price, true,
         beyond ? matching->open_time : matching->close_time);
}

static void limits(struct matching *matching, struct book_order *order)
{
    const struct tg_market_data *bar = matching->bar;
    if (order->type != TG_ORDER_TYPE_LIMIT && order->type != TG_ORDER_TYPE_TAKE_PROFIT)
        return;
    bool sell = order->side == TG_SIDE_SELL;
    if (sell ? bar->high.units <= order->price : bar->low.units >= order->price)
        return;
    bool better = sell ? bar->open.units > order->price : bar->open.units < order->price;
    fill(matching, order, better ? bar->open.units : order->price, false,
         better ? matching->open_time : matching->close_time);
}

/* Every order of the symbol that the bar can fill, by arrival. The function may end that order. */
static void each(struct matching *matching, void (*act)(struct matching *, struct book_order *))
{
    struct book *book = &matching->paper->book;
    for (uint32_t slot = matching->symbol->first; slot != BOOK_NONE;) {
        struct book_order *order = &book->orders[slot];
        slot = order->next;
        if (order->from > matching->open_time)
            continue;
        if (paper_outbox_room(matching->paper) < PAPER_BAR_EVENTS)
            return;
        act(matching, order);
    }
}

void paper_match(struct paper *paper, struct book_symbol *symbol, const struct tg_market_data *bar,
                 int64_t open_time)
{
    struct matching matching = {.paper = paper,
                                .symbol = symbol,
                                .bar = bar,
                                .open_time = open_time,
                                .close_time = open_time + paper_timeframe_ns(bar->timeframe),
                                .volume = -1};
    if (paper->volume_pct > 0 &&
        paper_scale(bar->volume.units, paper->volume_pct, PAPER_PERCENT, &matching.volume) != 0)
        matching.volume = INT64_MAX;
    each(&matching, at_open);
    each(&matching, stops);
    each(&matching, limits);
}
