/*
 * What everything is worth: rates, marks, equity, and the worst case that hard limits look at.
 *
 *     equity = start + realised + unrealised - fees
 *
 * Realised profit and fees were turned into the account currency at their fills and never change
 * again; what is open is valued at the last prices, each value rounded once, half to even, in the
 * quote currency and once more in the account currency. Leverage enters margin and exposure only.
 *
 * Core thread; owns nothing. Without a price of a currency that is needed: TG_E_STALE.
 */
#include "trade_int.h"

int trade__rate(const struct trade *trade, uint32_t symbol, struct tg_decimal *rate)
{
    const struct symbol *entry = &trade->symbols[symbol];
    if (entry->rate_missing)
        return TG_E_STALE;
    *rate = entry->rate_symbol == TRADE_NONE ? tg_decimal_units(TG_DECIMAL_ONE)
                                             : trade->symbols[entry->rate_symbol].last_price;
    return tg_decimal_is_positive(*rate) ? TG_E_OK : TG_E_STALE;
}

int trade_quote_rate(const struct trade *trade, uint32_t symbol, struct tg_decimal *rate)
{
    return symbol < trade->symbol_count ? trade__rate(trade, symbol, rate) : TG_E_NOT_FOUND;
}

/* Quote into account currency; most symbols are quoted in it, which costs nothing. */
static struct tg_decimal convert(struct tg_decimal amount, struct tg_decimal rate, bool *overflow)
{
    return rate.units == TG_DECIMAL_ONE
               ? amount
               : tg_decimal_multiply(amount, rate, TG_ROUND_HALF_EVEN, overflow);
}

/* size x price of a symbol in account currency. */
static int notional(const struct trade *trade, uint32_t symbol, struct tg_decimal size,
                    struct tg_decimal price, struct tg_decimal *value)
{
    struct tg_decimal rate;
    bool overflow = false;
    int code = trade__rate(trade, symbol, &rate);
    if (code != 0)
        return code;
    if (!tg_decimal_is_positive(price))
        return TG_E_STALE;
    *value = tg_decimal_multiply(size, price, TG_ROUND_HALF_EVEN, &overflow);
    *value = convert(*value, rate, &overflow);
    return overflow ? TG_E_OVERFLOW : TG_E_OK;
}

int trade_position_notional(const struct trade *trade, const struct trade_position *position,
                            struct tg_decimal *value)
{
    return notional(trade, position->symbol, position->size,
                    trade->symbols[position->symbol].last_price, value);
}

static int unrealised_of(const struct trade *trade, const struct trade_position *view,
                         struct tg_decimal *gain)
{
    struct tg_decimal rate;
    bool overflow = false;
    struct tg_decimal price = trade->symbols[view->symbol].last_price;
    int code = trade__rate(trade, view->symbol, &rate);
    if (code != 0)
        return code;
    if (!tg_decimal_is_positive(price))
        return TG_E_STALE;
    struct tg_decimal value = tg_decimal_multiply(view->size, price, TG_ROUND_HALF_EVEN, &overflow);
    *gain = view->side == TG_SIDE_BUY ? tg_decimal_subtract(value, view->cost, &overflow)
                                      : tg_decimal_subtract(view->cost, value, &overflow);
    *gain = convert(*gain, rate, &overflow);
    return overflow ? TG_E_OVERFLOW : TG_E_OK;
}

static int value_all(const struct trade *trade, struct tg_decimal *unrealised,
                     struct tg_decimal *equity)
{
    bool overflow = false;
    *unrealised = tg_decimal_units(0);
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct tg_decimal gain;
        int code = unrealised_of(trade, &trade->positions[trade->open[i]].view, &gain);
        if (code != 0)
            return code;
        *unrealised = tg_decimal_add(*unrealised, gain, &overflow);
    }
    *equity = tg_decimal_add(trade->options.starting_balance, trade->realised, &overflow);
    *equity = tg_decimal_add(*equity, *unrealised, &overflow);
    *equity = tg_decimal_subtract(*equity, trade->fees, &overflow);
    return overflow ? TG_E_OVERFLOW : TG_E_OK;
}

void trade__mark(struct trade *trade)
{
    struct tg_decimal unrealised;
    struct tg_decimal equity;
    if (value_all(trade, &unrealised, &equity) != 0) {
        OBS_WARNING(trade->options.log, "trade", "open positions cannot be valued: the mark waits");
        return;
    }
    trade->equity = equity;
    trade->peak_equity = tg_decimal_max(trade->peak_equity, equity);
    bool overflow = false;
    struct tg_decimal down = tg_decimal_subtract(trade->peak_equity, equity, &overflow);
    double drawdown_pct = trade__percent(down, trade->peak_equity);
    if (drawdown_pct > trade->drawdown_max_pct)
        trade->drawdown_max_pct = drawdown_pct;
    trade__judge_breakers(trade);
}

/* size x leverage, and size / leverage rounded up. */
static int weigh(struct tg_decimal value, int64_t leverage, struct tg_decimal *exposure,
                 struct tg_decimal *margin)
{
    bool overflow = false;
    struct tg_decimal times = tg_decimal_whole(leverage);
    *exposure = tg_decimal_add(*exposure, tg_decimal_multiply(value, times, TG_ROUND_UP, &overflow),
                               &overflow);
    *margin =
        tg_decimal_add(*margin, tg_decimal_divide(value, times, TG_ROUND_UP, &overflow), &overflow);
    return overflow ? TG_E_OVERFLOW : TG_E_OK;
}

static int weigh_open(const struct trade *trade, struct tg_decimal *exposure,
                      struct tg_decimal *margin)
{
    for (uint32_t i = 0; i < trade->open_count; i++) {
        const struct trade_position *view = &trade->positions[trade->open[i]].view;
        struct tg_decimal value;
        int code = trade_position_notional(trade, view, &value);
        if (code == 0)
            code = weigh(value, view->leverage, exposure, margin);
        if (code != 0)
            return code;
    }
    return TG_E_OK;
}

struct tg_decimal trade_last_price(const struct trade *trade, uint32_t symbol)
{
    return symbol < trade->symbol_count ? trade->symbols[symbol].last_price : tg_decimal_units(0);
}

static int value_hodl(const struct trade *trade, struct tg_decimal *sum)
{
    bool overflow = false;
    for (uint32_t i = 0; i < trade->open_count; i++) {
        const struct trade_position *view = &trade->positions[trade->open[i]].view;
        struct tg_decimal value;
        int code = view->hodl ? trade_position_notional(trade, view, &value) : TG_E_OK;
        if (code != 0)
            return code;
        if (view->hodl)
            *sum = tg_decimal_add(*sum, value, &overflow);
    }
    return overflow ? TG_E_OVERFLOW : TG_E_OK;
}

int trade_hodl_set_aside(struct trade *trade, struct tg_decimal amount, struct tg_error *error)
{
    bool overflow = false;
    struct tg_decimal sum = tg_decimal_add(trade->hodl_cash, amount, &overflow);
    if (overflow || amount.units < 0)
        return TG_FAIL(error, OVERFLOW, "what is set aside does not fit");
    trade->hodl_cash = sum;
    return TG_E_OK;
}

int trade_portfolio(const struct trade *trade, int64_t now, struct trade_portfolio *portfolio,
                    struct tg_error *error)
{
    struct trade_portfolio result = {.start_equity = trade->options.starting_balance,
                                     .realised_pnl = trade->realised,
                                     .fees = trade->fees,
                                     .day_start_equity = trade->day_start_equity,
                                     .week_start_equity = trade->week_start_equity,
                                     .drawdown_max_pct = trade->drawdown_max_pct,
                                     .hodl_cash = trade->hodl_cash,
                                     .consecutive_losses = trade->consecutive_losses,
                                     .positions_open = trade->open_count,
                                     .trades_closed = trade->trades_closed,
                                     .trades_won = trade->trades_won};
    struct worst_case worst = {.positions = 0};
    bool overflow = false;
    int code = value_all(trade, &result.unrealised_pnl, &result.equity);
    if (code == 0)
        code = weigh_open(trade, &result.exposure, &result.margin_used);
    if (code == 0)
        code = value_hodl(trade, &result.hodl_value);
    if (code == 0)
        code = trade__worst_case(trade, TRADE_NONE, &worst, NULL);
    if (code != 0)
        return tg_error_set(error, code, __FILE__, __LINE__, __func__,
                            "the portfolio cannot be valued: %s",
                            code == TG_E_STALE ? "a price is missing" : tg_error_sentence(code));
    struct tg_decimal free = tg_decimal_subtract(result.equity, trade->hodl_cash, &overflow);
    result.margin_available = tg_decimal_subtract(free, result.margin_used, &overflow);
    result.exposure_worst = worst.exposure;
    result.margin_available_worst = tg_decimal_subtract(free, worst.margin_used, &overflow);
    result.peak_equity = tg_decimal_max(trade->peak_equity, result.equity);
    /* A period that began since the last step of time began with what is there now. */
    if (now >= trade->day_end)
        result.day_start_equity = result.equity;
    if (now >= trade->week_end)
        result.week_start_equity = result.equity;
    struct tg_decimal down = tg_decimal_subtract(result.peak_equity, result.equity, &overflow);
    struct tg_decimal day = tg_decimal_subtract(result.equity, result.day_start_equity, &overflow);
    struct tg_decimal week =
        tg_decimal_subtract(result.equity, result.week_start_equity, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "the portfolio's sums do not fit");
    result.drawdown_pct = trade__percent(down, result.peak_equity);
    result.daily_pnl_pct = trade__percent(day, result.day_start_equity);
    result.weekly_pnl_pct = trade__percent(week, result.week_start_equity);
    if (result.drawdown_pct > result.drawdown_max_pct)
        result.drawdown_max_pct = result.drawdown_pct;
    *portfolio = result;
    return TG_E_OK;
}

int trade_order_notional(const struct trade *trade, const struct trade_order *order,
                         struct tg_decimal *value)
{
    bool overflow = false;
    struct tg_decimal rest = tg_decimal_subtract(order->size, order->filled_size, &overflow);
    struct tg_decimal price =
        tg_decimal_max(order->price, trade->symbols[order->symbol].last_price);
    return overflow ? TG_E_OVERFLOW : notional(trade, order->symbol, rest, price, value);
}

const struct trade_order *trade_entry_at(const struct trade *trade, uint32_t index)
{
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE; slot = trade->orders[slot].next) {
        const struct order *order = &trade->orders[slot];
        if (order->view.leg == TRADE_LEG_ENTRY && trade__position_of(trade, order) == NULL &&
            index-- == 0)
            return &order->view;
    }
    return NULL;
}

int trade__worst_case(const struct trade *trade, uint32_t symbol, struct worst_case *worst,
                      struct tg_error *error)
{
    *worst = (struct worst_case){.positions = 0};
    int code = weigh_open(trade, &worst->exposure, &worst->margin_used);
    for (uint32_t i = 0; i < trade->open_count; i++) {
        const struct trade_position *view = &trade->positions[trade->open[i]].view;
        worst->positions += !view->hodl;
        worst->positions_of_symbol += !view->hodl && view->symbol == symbol;
    }
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE && code == 0;
         slot = trade->orders[slot].next) {
        const struct order *order = &trade->orders[slot];
        if (order->view.leg != TRADE_LEG_ENTRY)
            continue;
        struct tg_decimal value;
        code = trade_order_notional(trade, &order->view, &value);
        if (code == 0)
            code = weigh(value, order->view.leverage, &worst->exposure, &worst->margin_used);
        if (!order->hodl && trade__position_of(trade, order) == NULL) {
            worst->positions++;
            worst->positions_of_symbol += order->view.symbol == symbol;
        }
    }
    if (code != 0)
        return tg_error_set(error, code, __FILE__, __LINE__, __func__,
                            "what is at risk cannot be valued: %s",
                            code == TG_E_STALE ? "a price is missing" : tg_error_sentence(code));
    return TG_E_OK;
}
