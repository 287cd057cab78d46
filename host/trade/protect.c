/*
 * Protective exits. A position has at most one stop order and one target order at the venue, each
 * for the whole open size. What should stand there is written in the position (stop_price,
 * target_price, size); the pump compares it with what does stand there and places or amends. So a
 * further fill, a partial exit, a trailing step and a leg that got lost are all the same work.
 *
 *     fill, bar, event --> position: size, stop_price --> pump: place, amend, cancel --> venue
 *
 * One cancels the other: an exit that closes the position has both legs cancelled (positions.c).
 *
 * Failing: a stop that is refused, or that cannot be placed or sized in TRADE_RETRIES_MAX further
 * tries (5 s, 10 s, 20 s and up to a quarter more), is given up: the position is closed at market
 * and an alert raised. A target that fails is alerted and left. A close that fails is tried again,
 * at most every TRADE_RETRY_DELAY_MAX_NS and without end, because nothing else protects by then.
 *
 * The trailing stop follows the best price by its distance, the break-even stop stands at the
 * average entry; both only ever move in the position's favour, by whole ticks, after a bar has
 * closed. Positions of rebalancing and hodl bags have neither.
 */
#include "trade_int.h"

#include <stdio.h>

static struct tg_decimal zero(void)
{
    return tg_decimal_units(0);
}

/* ---- failures ---- */

static void stop_given_up(struct trade *trade, struct position *position, const char *why)
{
    if (position->must_close)
        return;
    (void)trade__alert(
        trade,
        &(struct alert){
            .type = "stop_failed", .severity = TG_SEVERITY_HIGH, .symbol = position->view.symbol},
        "the stop of a position cannot be placed (%.120s): closing it at market", why);
    trade__position_must_close(trade, position, "stop_failed");
}

static void leg_failed(struct trade *trade, struct position *position, enum trade_leg number,
                       bool for_good, const char *why, int64_t now)
{
    struct leg *leg = &position->legs[number];
    leg->failures++;
    trade__touched(trade);
    if (!for_good && leg->failures <= TRADE_RETRIES_MAX) {
        leg->next_at = now + trade__retry_delay(&position->view.id, leg->failures);
        return;
    }
    leg->given_up = true;
    if (number == TRADE_LEG_STOP)
        stop_given_up(trade, position, why);
    else
        (void)trade__alert(
            trade,
            &(struct alert){.type = "target_failed",
                            .severity = TG_SEVERITY_MEDIUM,
                            .symbol = position->view.symbol},
            "the take-profit of a position cannot be placed (%.120s); its stop stays", why);
}

static void close_failed(struct trade *trade, struct position *position, const char *why,
                         int64_t now)
{
    struct leg *leg = &position->legs[TRADE_LEG_CLOSE];
    leg->failures++;
    leg->next_at = now + trade__retry_delay(&position->view.id, leg->failures);
    trade__touched(trade);
    if (!position->must_close || leg->failures == 1 || leg->failures == TRADE_RETRIES_MAX)
        (void)trade__alert(trade,
                           &(struct alert){.type = "close_failed",
                                           .severity = leg->failures >= TRADE_RETRIES_MAX
                                                           ? TG_SEVERITY_CRITICAL
                                                           : TG_SEVERITY_HIGH,
                                           .symbol = position->view.symbol},
                           "a position could not be closed (%.120s)%s", why,
                           position->must_close ? "; it is tried again" : "");
}

/* ---- the end of an order ---- */

static void entry_ended(struct trade *trade, const struct order *order, int64_t now)
{
    struct position *position = trade__position_of(trade, order);
    if (position != NULL && position->entry == trade__order_slot(trade, order))
        position->entry = TRADE_NONE;
    if (tg_decimal_is_positive(order->view.filled_size) && !order->hodl)
        trade_cooldown_begin(
            trade, order->rebalance ? UINT32_MAX : order->view.symbol,
            order->rebalance ? TRADE_COOLDOWN_POST_REBALANCE : TRADE_COOLDOWN_POST_TRADE, now);
}

static void count_refusal(struct trade *trade, const struct order *order)
{
    struct symbol *symbol = &trade->symbols[order->view.symbol];
    if (++symbol->execution_errors < TRADE_REFUSALS_ALERT)
        return;
    symbol->execution_errors = 0;
    (void)trade__alert(trade,
                       &(struct alert){.type = "circuit_breaker",
                                       .severity = TG_SEVERITY_MEDIUM,
                                       .breach = TG_BREACH_EXECUTION_ERRORS,
                                       .symbol = order->view.symbol},
                       "the venue refused %u orders of %s in a row, the last: %.120s",
                       TRADE_REFUSALS_ALERT, symbol->options.name, order->view.reason);
}

void trade__order_ended(struct trade *trade, struct order *order, int64_t now)
{
    struct trade_order *view = &order->view;
    struct position *position = trade__position_of(trade, order);
    if (view->state == TRADE_ORDER_REJECTED)
        count_refusal(trade, order);
    if (view->leg == TRADE_LEG_ENTRY) {
        entry_ended(trade, order, now);
        return;
    }
    if (position == NULL)
        return;
    struct leg *leg = &position->legs[view->leg];
    if (leg->order == trade__order_slot(trade, order))
        leg->order = TRADE_NONE;
    const char *state = trade_order_state_text((enum trade_order_state)view->state);
    if (view->leg == TRADE_LEG_CLOSE) {
        bool overflow = false;
        struct tg_decimal rest = tg_decimal_subtract(view->size, view->filled_size, &overflow);
        position->closing =
            tg_decimal_max(tg_decimal_subtract(position->closing, rest, &overflow), zero());
        if (view->state != TRADE_ORDER_FILLED && !order->cancel_wanted)
            close_failed(trade, position, state, now);
    } else if (view->state != TRADE_ORDER_FILLED && !order->cancel_wanted) {
        leg_failed(trade, position, (enum trade_leg)view->leg, view->state == TRADE_ORDER_REJECTED,
                   view->reason[0] != '\0' ? view->reason : state, now);
    }
}

/* ---- what should stand at the venue, and does ---- */

static void amend_failed(struct trade *trade, struct position *position, struct order *order,
                         struct tg_decimal open, int64_t now)
{
    order->amends++;
    order->amend_next = now + trade__retry_delay(&order->view.id, order->amends);
    trade__touched(trade);
    if (order->amends <= TRADE_RETRIES_MAX)
        return;
    order->amend_off = true;
    bool is_stop = order->view.leg == TRADE_LEG_STOP;
    if (is_stop && tg_decimal_compare(open, position->view.size) < 0) {
        stop_given_up(trade, position, "it cannot be made as large as the position");
        return;
    }
    if (is_stop)
        position->view.stop_price = order->view.price;
    (void)trade__alert(trade,
                       &(struct alert){.type = "amend_failed",
                                       .severity = TG_SEVERITY_MEDIUM,
                                       .symbol = position->view.symbol},
                       "the %s of a position cannot be changed any more; it stays where it is",
                       trade_leg_text((enum trade_leg)order->view.leg));
}

/* Re-sizes and moves a leg that rests; its open size is the position's. True: the venue was asked.
 */
static bool amend(struct trade *trade, struct position *position, struct order *order,
                  struct tg_decimal price, int64_t now)
{
    struct trade_order *view = &order->view;
    bool overflow = false;
    if ((view->state != TRADE_ORDER_OPEN && view->state != TRADE_ORDER_PARTIALLY_FILLED) ||
        order->cancel_wanted || order->amend_off)
        return false;
    struct tg_decimal open = tg_decimal_subtract(view->size, view->filled_size, &overflow);
    if (open.units == position->view.size.units && view->price.units == price.units)
        return false;
    if (now < order->amend_next)
        return false;
    int code = trade->options.venue.amend(trade->options.venue.context, &view->id,
                                          position->view.size, price, NULL);
    if (code != 0) {
        amend_failed(trade, position, order, open, now);
        return true;
    }
    order->amends = 0;
    order->amend_next = 0;
    view->size = tg_decimal_add(view->filled_size, position->view.size, &overflow);
    TG_BUG_IF(overflow); /* both are parts of sizes that were bought */
    view->price = price;
    view->updated_at = now;
    if (view->leg == TRADE_LEG_STOP)
        position->stop_placed = position->stop_kind;
    order->size_most = tg_decimal_max(order->size_most, view->size);
    trade__order_tell(trade, order);
    return true;
}

static bool leg_sync(struct trade *trade, struct position *position, enum trade_leg number,
                     struct tg_decimal price, int64_t now)
{
    struct leg *leg = &position->legs[number];
    if (tg_decimal_is_zero(price))
        return false;
    if (leg->order != TRADE_NONE)
        return amend(trade, position, &trade->orders[leg->order], price, now);
    if (leg->given_up || now < leg->next_at)
        return false;
    if (number == TRADE_LEG_STOP)
        position->stop_placed = position->stop_kind;
    uint32_t failures = leg->failures;
    struct tg_error cause = {0};
    int code = trade__position_order(trade, position, number, position->view.size, price, "", NULL,
                                     now, NULL, &cause);
    /* an order that the journal refused has been counted when it became void */
    if (code != 0 && leg->failures == failures)
        leg_failed(trade, position, number, false, cause.message, now);
    return true;
}

static bool close_sync(struct trade *trade, struct position *position, int64_t now)
{
    bool did = false;
    for (uint32_t i = TRADE_LEG_STOP; i <= TRADE_LEG_TARGET; i++) {
        struct leg *leg = &position->legs[i];
        if (leg->order != TRADE_NONE && !trade->orders[leg->order].cancel_wanted) {
            trade__order_want_cancel(trade, &trade->orders[leg->order]);
            did = true;
        }
    }
    if (position->entry != TRADE_NONE && !trade->orders[position->entry].cancel_wanted) {
        trade__order_want_cancel(trade, &trade->orders[position->entry]);
        did = true;
    }
    struct leg *leg = &position->legs[TRADE_LEG_CLOSE];
    bool overflow = false;
    struct tg_decimal available =
        tg_decimal_subtract(position->view.size, position->closing, &overflow);
    if (!tg_decimal_is_positive(available) || now < leg->next_at)
        return did;
    uint32_t failures = leg->failures;
    struct tg_error cause = {0};
    int code = trade__position_order(trade, position, TRADE_LEG_CLOSE, available, zero(),
                                     position->close_reason, NULL, now, NULL, &cause);
    if (code != 0 && leg->failures == failures)
        close_failed(trade, position, cause.message, now);
    return true;
}

bool trade__protect(struct trade *trade, int64_t now)
{
    bool did = false;
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct position *position = &trade->positions[trade->open[i]];
        if (position->must_close) {
            did = close_sync(trade, position, now) || did;
            continue;
        }
        did = leg_sync(trade, position, TRADE_LEG_STOP, position->view.stop_price, now) || did;
        if (!position->must_close)
            did = leg_sync(trade, position, TRADE_LEG_TARGET, position->view.target_price, now) ||
                  did;
        else
            did = true;
    }
    return did;
}

/* ---- stops that move ---- */

/* How far the best price has gone from the average entry in the position's favour. */
static struct tg_decimal gain_of(const struct position *position)
{
    bool overflow = false; /* both are prices: their difference fits */
    return position->view.side == TG_SIDE_BUY
               ? tg_decimal_subtract(position->view.best_price, position->entry_price, &overflow)
               : tg_decimal_subtract(position->entry_price, position->view.best_price, &overflow);
}

void trade__protect_entry(const struct trade *trade, struct position *position)
{
    bool overflow = false;
    const struct tg_decimal hundred = tg_decimal_whole(100);
    position->entry_price = tg_decimal_divide(
        position->view.cost_entered, position->view.size_entered, TG_ROUND_HALF_EVEN, &overflow);
    position->gain_break_even = tg_decimal_scale(
        position->entry_price, trade->options.break_even_pct, hundred, TG_ROUND_UP, &overflow);
    position->gain_trailing =
        tg_decimal_scale(position->entry_price, trade->options.trailing_activate_pct, hundred,
                         TG_ROUND_UP, &overflow);
    position->moved = true;
}

/* Moves the stop to `price` where that is better by a tick or more. */
static void stop_move(struct trade *trade, struct position *position, struct tg_decimal price,
                      enum stop_kind kind)
{
    struct trade_position *view = &position->view;
    bool is_long = view->side == TG_SIDE_BUY;
    if (!tg_decimal_is_positive(price))
        return;
    if (!tg_decimal_is_zero(view->stop_price) &&
        (is_long ? price.units <= view->stop_price.units : price.units >= view->stop_price.units))
        return;
    view->stop_price = price;
    position->stop_kind = (uint8_t)kind;
    trade__touched(trade);
}

/* Where the trailing stop belongs. */
static struct tg_decimal trailing_price(const struct trade *trade, const struct position *position)
{
    bool overflow = false;
    bool is_long = position->view.side == TG_SIDE_BUY;
    struct tg_decimal best = position->view.best_price;
    struct tg_decimal distance = tg_decimal_scale(best, trade->options.trailing_distance_pct,
                                                  tg_decimal_whole(100), TG_ROUND_UP, &overflow);
    struct tg_decimal price = is_long ? tg_decimal_subtract(best, distance, &overflow)
                                      : tg_decimal_add(best, distance, &overflow);
    price = tg_decimal_quantize(price, trade->symbols[position->view.symbol].options.price_places,
                                is_long ? TG_ROUND_FLOOR : TG_ROUND_CEILING, &overflow);
    return overflow ? zero() : price;
}

void trade__protect_bar(struct trade *trade, struct position *position, const struct tg_bar *bar)
{
    const struct trade_options *options = &trade->options;
    struct trade_position *view = &position->view;
    bool is_long = view->side == TG_SIDE_BUY;
    struct tg_decimal best = is_long ? tg_decimal_max(view->best_price, bar->high)
                                     : tg_decimal_min(view->best_price, bar->low);
    /* the stop follows from the best price and the entry: without news of these there is none */
    if (best.units == view->best_price.units && !position->moved)
        return;
    view->best_price = best;
    position->moved = false;
    const struct leg *stop = &position->legs[TRADE_LEG_STOP];
    if (view->rebalance || position->must_close || stop->given_up ||
        (stop->order != TRADE_NONE && trade->orders[stop->order].amend_off))
        return;
    struct tg_decimal gain = gain_of(position);
    if (tg_decimal_is_positive(options->break_even_pct) &&
        tg_decimal_compare(gain, position->gain_break_even) >= 0) {
        bool overflow = false;
        struct tg_decimal price = tg_decimal_quantize(
            position->entry_price, trade->symbols[view->symbol].options.price_places,
            is_long ? TG_ROUND_CEILING : TG_ROUND_FLOOR, &overflow);
        stop_move(trade, position, overflow ? zero() : price, STOP_BREAK_EVEN);
    }
    if (!tg_decimal_is_positive(options->trailing_distance_pct))
        return;
    if (!view->trailing && tg_decimal_compare(gain, position->gain_trailing) >= 0)
        view->trailing = true;
    if (view->trailing)
        stop_move(trade, position, trailing_price(trade, position), STOP_TRAILING);
}
