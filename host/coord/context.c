/*
 * What a decision is judged with: the opinions on the signal's own symbol, the positions seen from
 * it, prices, portfolio, and the state of risk. Absent is absent: a missing or old opinion does not
 * count as neutral, and a missing price is TG_E_STALE.
 */
#include "base/decimal.h"
#include "base/text.h"
#include "bus/schema.h"
#include "coord_int.h"

#include <string.h>

static bool latest(const struct coord *coord, uint16_t topic, const char *symbol, int64_t age_max,
                   struct tg_message *message)
{
    return age_max > 0 && bus_get_latest(coord->options.bus, topic, symbol, 0, age_max, message);
}

void coord__opinions(const struct coord *coord, const char *symbol, struct coord_opinions *opinions)
{
    struct tg_message message;
    *opinions = (struct coord_opinions){.regime = TG_REGIME_UNKNOWN,
                                        .ta_bias = TG_BIAS_NEUTRAL,
                                        .sentiment = TG_SENTIMENT_NEUTRAL,
                                        .strictness = TG_STRICTNESS_NORMAL};
    if (latest(coord, TG_TOPIC_TA_SIGNALS, symbol, coord->options.ta_age_max_ns, &message)) {
        const struct tg_ta_signals *ta = message.payload;
        opinions->has_ta = true;
        opinions->ta_bias = ta->bias;
        opinions->ta_confidence = ta->confidence;
    }
    if (latest(coord, TG_TOPIC_REGIME_UPDATES, symbol, coord->options.regime_age_max_ns,
               &message)) {
        const struct tg_regime_updates *regime = message.payload;
        opinions->has_regime = true;
        opinions->regime = regime->regime;
        opinions->regime_confidence = regime->confidence;
        opinions->strictness = regime->entry_strictness;
    }
    if (latest(coord, TG_TOPIC_SENTIMENT_UPDATES, symbol, coord->options.sentiment_age_max_ns,
               &message)) {
        const struct tg_sentiment_updates *sentiment = message.payload;
        opinions->has_sentiment = true;
        opinions->sentiment = sentiment->bias;
        opinions->sentiment_confidence = sentiment->confidence;
    }
}

static double percent_of(struct tg_decimal part, struct tg_decimal whole)
{
    return whole.units > 0 ? 100.0 * (double)part.units / (double)whole.units : 0.0;
}

uint32_t coord__positions(const struct coord *coord, const struct coord_decision *decision,
                          struct coord_seen_position *positions)
{
    const struct trade *trade = coord->options.trade;
    uint32_t count = 0;
    const struct trade_position *position;
    for (uint32_t i = 0;
         count < COORD_POSITIONS_SEEN_MAX && (position = trade_position_at(trade, i)) != NULL;
         i++) {
        struct coord_seen_position *seen = &positions[count++];
        struct tg_decimal notional = {0};
        *seen = (struct coord_seen_position){.side = position->side,
                                             .same_symbol = position->symbol == decision->symbol,
                                             .allocation = position->rebalance,
                                             .hodl = position->hodl,
                                             .regime_at_open = position->regime_at_open};
        (void)tg_text_copy(seen->symbol, sizeof(seen->symbol),
                           trade_symbol(trade, position->symbol)->name);
        if (trade_position_notional(trade, position, &notional) == 0)
            seen->exposure_pct = percent_of(notional, decision->portfolio.equity);
    }
    /* an entry on its way counts as the position that it will make */
    const struct trade_order *entry;
    for (uint32_t i = 0;
         count < COORD_POSITIONS_SEEN_MAX && (entry = trade_entry_at(trade, i)) != NULL; i++) {
        struct coord_seen_position *seen = &positions[count++];
        struct tg_decimal notional = {0};
        *seen = (struct coord_seen_position){.side = entry->side,
                                             .same_symbol = entry->symbol == decision->symbol,
                                             .regime_at_open =
                                                 decision->consensus_case.opinions.regime};
        (void)tg_text_copy(seen->symbol, sizeof(seen->symbol),
                           trade_symbol(trade, entry->symbol)->name);
        if (trade_order_notional(trade, entry, &notional) == 0)
            seen->exposure_pct = percent_of(notional, decision->portfolio.equity);
    }
    return count;
}

static void fill_proposal(const struct coord_decision *decision, struct coord_risk_case *given)
{
    const struct tg_trading_signals *signal = &decision->signal;
    bool buys = signal->action == TG_ACTION_BUY || signal->action == TG_ACTION_CLOSE_SHORT;
    (void)tg_text_copy(given->symbol, sizeof(given->symbol), signal->symbol);
    (void)tg_text_copy(given->side, sizeof(given->side), buys ? "buy" : "sell");
    (void)tg_text_copy(given->profile, sizeof(given->profile),
                       decision->kind == COORD_KIND_SIGNAL ? "normal" : "rebalance");
    given->reduces =
        signal->action == TG_ACTION_CLOSE_LONG || signal->action == TG_ACTION_CLOSE_SHORT;
    given->entry_price = tg_decimal_to_double(decision->entry_price);
    given->last_price = tg_decimal_to_double(decision->last_price);
    given->has_stop_loss = !given->reduces && TG_HAS(signal, TRADING_SIGNALS, stop_loss);
    given->has_take_profit = !given->reduces && TG_HAS(signal, TRADING_SIGNALS, take_profit);
    if (given->has_stop_loss)
        given->stop_loss = tg_decimal_to_double(signal->stop_loss);
    if (given->has_take_profit)
        given->take_profit = tg_decimal_to_double(signal->take_profit);
    given->leverage = TG_HAS(signal, TRADING_SIGNALS, leverage) ? (double)signal->leverage : 1.0;
    given->confidence = decision->confidence;
    given->regime = decision->consensus_case.opinions.regime;
    given->strictness = decision->consensus_case.opinions.strictness;
}

/* As the hard limits count: what adds to a position is no further one, a hodl bag never is one. */
static void adds_to_position(const struct trade *trade, const struct coord_decision *decision,
                             struct coord_risk_case *given)
{
    uint8_t side = decision->signal.action == TG_ACTION_BUY ? TG_SIDE_BUY : TG_SIDE_SELL;
    if (decision->kind == COORD_KIND_HODL) {
        given->positions_of_symbol = given->positions_open = 0;
    } else if (decision->kind == COORD_KIND_REBALANCE && given->positions_of_symbol > 0 &&
               trade_allocation_position(trade, decision->symbol, side, false) != NULL) {
        given->positions_of_symbol--;
        given->positions_open--;
    }
}

static void fill_risk_state(const struct coord *coord, const struct coord_decision *decision,
                            int64_t now, struct coord_risk_case *given)
{
    const struct trade *trade = coord->options.trade;
    const struct trade_portfolio *portfolio = &decision->portfolio;
    static const enum tg_breach breaches[] = {TG_BREACH_MAX_DRAWDOWN, TG_BREACH_WEEKLY_LOSS,
                                              TG_BREACH_DAILY_LOSS};
    given->equity = tg_decimal_to_double(portfolio->equity);
    given->margin_available = tg_decimal_to_double(portfolio->margin_available_worst);
    given->daily_pnl_pct = portfolio->daily_pnl_pct;
    given->weekly_pnl_pct = portfolio->weekly_pnl_pct;
    given->drawdown_pct = portfolio->drawdown_pct;
    given->consecutive_losses = portfolio->consecutive_losses;
    given->exposure_pct = percent_of(portfolio->exposure_worst, portfolio->equity);
    given->volatility_spike = trade_volatility_spikes(trade, decision->symbol);
    for (size_t i = 0; i < sizeof(breaches) / sizeof(breaches[0]) && !given->breaker_stands; i++)
        if (trade_breaker_stands(trade, breaches[i])) {
            given->breaker_stands = true;
            (void)tg_text_copy(given->breaker, sizeof(given->breaker),
                               SCHEMA_WORD(BREACH, breaches[i]));
        }
    enum trade_cooldown cooldown;
    int64_t until = trade_cooldown_until(trade, decision->symbol, now, &cooldown);
    if (until > now) {
        given->in_cooldown = true;
        (void)tg_text_copy(given->cooldown, sizeof(given->cooldown), trade_cooldown_text(cooldown));
        given->cooldown_seconds = (double)(until - now) / (double)TG_NS_PER_SEC;
    }
    uint32_t minute = 0;
    uint32_t day = 0;
    trade_order_rate(trade, now, &minute, &day);
    given->entry_orders_minute = minute;
    given->entry_orders_day = day;
    given->position_count = coord__positions(coord, decision, given->positions);
    given->positions_open = 0;
    given->positions_of_symbol = 0;
    for (uint32_t i = 0; i < given->position_count; i++) {
        given->positions_open += !given->positions[i].hodl;
        given->positions_of_symbol += given->positions[i].same_symbol && !given->positions[i].hodl;
    }
    adds_to_position(trade, decision, given);
}

int coord__context(struct coord *coord, struct coord_decision *decision, int64_t now,
                   struct tg_error *error)
{
    const struct tg_trading_signals *signal = &decision->signal;
    struct coord_risk_case *given = &decision->risk_case;
    struct tg_decimal rate;
    bool overflow = false;
    if (!coord->options.market.fresh_price(coord->options.market.context, signal->symbol, now,
                                           &decision->last_price))
        return TG_FAIL(error, STALE, "no fresh price of %s", signal->symbol);
    int code = trade_portfolio(coord->options.trade, now, &decision->portfolio, error);
    if (code == 0)
        code = trade_quote_rate(coord->options.trade, decision->symbol, &rate);
    if (code != 0)
        return TG_FAIL(error, STALE, "no price to value %s with", signal->symbol);
    decision->entry_price =
        TG_HAS(signal, TRADING_SIGNALS, entry_price) ? signal->entry_price : decision->last_price;
    memset(given, 0, sizeof(*given));
    fill_proposal(decision, given);
    fill_risk_state(coord, decision, now, given);
    struct tg_decimal least =
        tg_decimal_multiply(trade_symbol(coord->options.trade, decision->symbol)->size_min,
                            decision->entry_price, TG_ROUND_UP, &overflow);
    least = tg_decimal_multiply(least, rate, TG_ROUND_UP, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "the smallest order of %s does not fit", signal->symbol);
    given->size_min = tg_decimal_to_double(least);
    return 0;
}
