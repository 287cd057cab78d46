/*
 * From an approved proposal to the intent of an entry order.
 *
 * The amount of money becomes a size of the symbol, rounded down; the hard limits are held against
 * the worst case, in which every entry order that lives has been filled, those of unknown fate too.
 *
 * Refused (TG_E_REFUSED, the rule's code first): what the limits forbid, what is no proposal, a
 * standing breaker, a blocked symbol, and an entry against an open position of the other side of
 * the same symbol: a venue nets the two, and neither would be what the books say. The allocation
 * and hodl bags are bought outright and kept apart at the venue: they bar no entry. Bags do not
 * count as positions either.
 * Without a price of the symbol or of its quote currency: TG_E_STALE.
 *
 * Core thread; owns nothing.
 */
#include "trade_int.h"

#include <string.h>

static int refuse(struct tg_error *error, const char *code, const char *sentence)
{
    return TG_FAIL(error, REFUSED, "%s: %s", code, sentence);
}

static int check_entry(const struct trade *trade, const struct trade_entry *entry,
                       struct tg_error *error)
{
    if (entry->symbol >= trade->symbol_count || entry->side >= TG_SIDE_COUNT ||
        entry->regime >= TG_REGIME_COUNT)
        return refuse(error, "INVALID_PROPOSAL", "symbol, side or regime is not known");
    if (entry->decision_key == NULL || entry->decision_key[0] == '\0' ||
        strlen(entry->decision_key) > TRADE_DECISION_KEY_MAX)
        return TG_FAIL(error, REFUSED, "INVALID_PROPOSAL: a decision key has 1 to %u characters",
                       TRADE_DECISION_KEY_MAX);
    if (!tg_decimal_is_positive(entry->size_usd) || entry->leverage < 1 ||
        entry->limit_price.units < 0 || entry->stop_loss.units < 0 || entry->take_profit.units < 0)
        return refuse(error, "INVALID_PROPOSAL",
                      "size is more than zero, leverage 1 or more, no price is negative");
    if (entry->rebalance && (entry->leverage != 1 || !tg_decimal_is_zero(entry->stop_loss) ||
                             !tg_decimal_is_zero(entry->take_profit)))
        return refuse(error, "INVALID_PROPOSAL",
                      "a rebalancing trade has leverage 1, no stop and no take-profit");
    if (entry->hodl && (!entry->rebalance || entry->side != TG_SIDE_BUY))
        return refuse(error, "INVALID_PROPOSAL", "a hodl bag is bought, by a rebalancing trade");
    enum tg_breach breach;
    if (trade__breaker_any(trade, &breach))
        return TG_FAIL(error, REFUSED, "CIRCUIT_BREAKER: %s stands", SCHEMA_WORD(BREACH, breach));
    if (trade_symbol_blocked(trade, entry->symbol))
        return refuse(error, "SYMBOL_BLOCKED",
                      "an order of unknown fate or a contradiction of the venue is not resolved");
    if (trade->entries_live >= TRADE_ENTRIES_LIVE_MAX)
        return refuse(error, "ORDER_RATE", "too many entry orders are alive");
    return TG_E_OK;
}

/* Both protective prices on their side of the entry, in whole ticks. */
static int check_exits(struct order *order, const struct trade_entry *entry,
                       struct tg_decimal price, unsigned places, struct tg_error *error)
{
    bool overflow = false;
    order->stop_loss = tg_decimal_quantize(entry->stop_loss, places, TG_ROUND_HALF_EVEN, &overflow);
    order->take_profit =
        tg_decimal_quantize(entry->take_profit, places, TG_ROUND_HALF_EVEN, &overflow);
    bool buy = entry->side == TG_SIDE_BUY;
    int stop = tg_decimal_compare(order->stop_loss, price);
    int target = tg_decimal_compare(order->take_profit, price);
    if (overflow || (!tg_decimal_is_zero(entry->stop_loss) &&
                     (tg_decimal_is_zero(order->stop_loss) || (buy ? stop >= 0 : stop <= 0))))
        return refuse(error, "INVALID_PROPOSAL",
                      "the stop is below the entry of a buy, above that of a sell");
    if (!tg_decimal_is_zero(entry->take_profit) &&
        (tg_decimal_is_zero(order->take_profit) || (buy ? target <= 0 : target >= 0)))
        return refuse(error, "INVALID_PROPOSAL",
                      "the take-profit is above the entry of a buy, below that of a sell");
    return TG_E_OK;
}

static bool opposite_exists(const struct trade *trade, const struct trade_entry *entry)
{
    uint32_t symbol = entry->symbol;
    uint8_t side = entry->side;
    if (entry->rebalance)
        return false;
    for (uint32_t i = 0; i < trade->open_count; i++) {
        const struct trade_position *view = &trade->positions[trade->open[i]].view;
        if (view->symbol == symbol && view->side != side && !view->rebalance)
            return true;
    }
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE; slot = trade->orders[slot].next) {
        const struct order *order = &trade->orders[slot];
        if (order->view.leg == TRADE_LEG_ENTRY && order->view.symbol == symbol &&
            order->view.side != side && !order->rebalance)
            return true;
    }
    return false;
}

/* What adds to a position is no further one, and hodl bags are not counted. */
static void adds_to_position(const struct trade *trade, const struct trade_entry *entry,
                             struct trade_limit_case *given)
{
    if (entry->hodl) {
        given->positions_of_symbol = given->positions_open = 0;
    } else if (entry->rebalance &&
               trade__position_of_allocation(trade, entry->symbol, entry->side, false) != NULL) {
        given->positions_of_symbol--;
        given->positions_open--;
    }
}

static int check_hard_limits(const struct trade *trade, const struct trade_entry *entry,
                             struct tg_decimal size_usd, struct tg_decimal limit_price, int64_t now,
                             struct tg_error *error)
{
    struct trade_portfolio portfolio;
    struct worst_case worst;
    int code = trade_portfolio(trade, now, &portfolio, error);
    if (code == 0)
        code = trade__worst_case(trade, entry->symbol, &worst, error);
    if (code != 0)
        return TG_PASS(error, code);
    struct trade_limit_case given = {.equity = portfolio.equity,
                                     .size_usd = size_usd,
                                     .exposure = worst.exposure,
                                     .margin_available = portfolio.margin_available_worst,
                                     .entry_price = limit_price,
                                     .last_price = trade->symbols[entry->symbol].last_price,
                                     .leverage = entry->leverage,
                                     .daily_pnl_pct = portfolio.daily_pnl_pct,
                                     .weekly_pnl_pct = portfolio.weekly_pnl_pct,
                                     .drawdown_pct = portfolio.drawdown_pct,
                                     .positions_of_symbol = worst.positions_of_symbol,
                                     .positions_open = worst.positions};
    adds_to_position(trade, entry, &given);
    trade_order_rate(trade, now, &given.entry_orders_minute, &given.entry_orders_day);
    return trade_limits_check(&trade->options.limits, &given, error);
}

/* Base currency for the money, rounded down to the symbol's size, and what that is worth. */
static int size_entry(const struct trade *trade, const struct trade_entry *entry,
                      struct tg_decimal price, struct tg_decimal *size, struct tg_decimal *size_usd,
                      struct tg_error *error)
{
    const struct trade_symbol_options *symbol = &trade->symbols[entry->symbol].options;
    struct tg_decimal rate;
    bool overflow = false;
    if (!tg_decimal_is_positive(price) || trade__rate(trade, entry->symbol, &rate) != 0)
        return TG_FAIL(error, STALE, "%s: there is no price yet, of it or of its quote currency",
                       symbol->name);
    struct tg_decimal quote = tg_decimal_divide(entry->size_usd, rate, TG_ROUND_DOWN, &overflow);
    *size = tg_decimal_divide(quote, price, TG_ROUND_DOWN, &overflow);
    *size = tg_decimal_quantize(*size, symbol->size_places, TG_ROUND_DOWN, &overflow);
    *size_usd = tg_decimal_multiply(*size, price, TG_ROUND_HALF_EVEN, &overflow);
    *size_usd = tg_decimal_multiply(*size_usd, rate, TG_ROUND_HALF_EVEN, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "%s: the size does not fit", symbol->name);
    if (!tg_decimal_is_positive(*size) || tg_decimal_compare(*size, symbol->size_min) < 0)
        return TG_FAIL(error, REFUSED, "BELOW_MINIMUM: the size is below the smallest order of %s",
                       symbol->name);
    return TG_E_OK;
}

/* The allocation's position, or the one that the first fill makes: its id is computed, not drawn.
 */
static int name_position(struct trade *trade, struct order *order)
{
    struct trade_order *view = &order->view;
    struct position *position =
        order->rebalance
            ? trade__position_of_allocation(trade, view->symbol, view->side, order->hodl)
            : NULL;
    if (position == NULL)
        return trade__id(trade, order->key, "position", 1, &view->position_id);
    order->position = (uint32_t)(position - trade->positions);
    view->position_id = position->view.id;
    if (position->entry == TRADE_NONE)
        position->entry = trade__order_slot(trade, order);
    return TG_E_OK;
}

int trade_enter(struct trade *trade, const struct trade_entry *entry, int64_t now,
                struct tg_uuid *order_id, struct tg_error *error)
{
    trade__periods(trade, now);
    int code = check_entry(trade, entry, error);
    if (code != 0)
        return code;
    const struct symbol *symbol = &trade->symbols[entry->symbol];
    unsigned places = symbol->options.price_places;
    bool overflow = false;
    /* in whole ticks, never dearer than asked for */
    struct tg_decimal limit = tg_decimal_quantize(
        entry->limit_price, places, entry->side == TG_SIDE_BUY ? TG_ROUND_FLOOR : TG_ROUND_CEILING,
        &overflow);
    bool at_market = tg_decimal_is_zero(entry->limit_price);
    if (overflow || (!at_market && tg_decimal_is_zero(limit)))
        return refuse(error, "INVALID_PROPOSAL", "the limit price is below the smallest tick");
    if (!tg_decimal_is_positive(symbol->last_price))
        return TG_FAIL(error, STALE, "%s: there is no price yet", symbol->options.name);
    struct tg_decimal price = at_market ? symbol->last_price : limit;
    struct order exits = {0};
    struct tg_decimal size;
    struct tg_decimal size_usd;
    code = check_exits(&exits, entry, price, places, error);
    if (code == 0 && opposite_exists(trade, entry))
        code = refuse(error, "OPPOSITE_POSITION",
                      "a position or an entry of the other side is open in this symbol");
    if (code == 0)
        code = size_entry(trade, entry, price, &size, &size_usd, error);
    if (code == 0)
        code = check_hard_limits(trade, entry, size_usd, limit, now, error);
    if (code != 0)
        return code;
    struct trade_order fields = {.decision_id = entry->decision_id,
                                 .symbol = entry->symbol,
                                 .side = entry->side,
                                 .type = at_market ? TG_ORDER_TYPE_MARKET : TG_ORDER_TYPE_LIMIT,
                                 .leg = TRADE_LEG_ENTRY,
                                 .attempt = 1,
                                 .leverage = entry->leverage,
                                 .size = size,
                                 .price = limit,
                                 .created_at = now,
                                 .updated_at = now,
                                 .deadline = now + trade->options.order_deadline_ns};
    struct order *order;
    code = trade__order_new(trade, &fields, entry->decision_key, &order, error);
    if (code != 0)
        return TG_PASS(error, code);
    order->stop_loss = exits.stop_loss;
    order->take_profit = exits.take_profit;
    order->regime = entry->regime;
    order->rebalance = entry->rebalance;
    order->hodl = entry->hodl;
    code = name_position(trade, order);
    if (code != 0)
        return TG_FAIL(error, FAILED, "the id of the position cannot be computed");
    trade__entry_counted(trade, now);
    if (order_id != NULL)
        *order_id = order->view.id;
    return trade__order_intend(trade, order, error);
}
