/*
 * Positions: sums of unique fills, and the profit and loss that follows from them.
 *
 * An entry order makes one position however many fills it has; one of rebalancing adds to the
 * allocation's position, where that is open. What goes out takes its share of the
 * cost with it: cost x size out / size open, rounded once, half to even; the last close takes what
 * is left, so that allocated costs add up to the cost to the last digit. Realised profit and fees
 * are turned into the account currency once, at the fill.
 *
 * A reduce-only fill never opens or flips anything: what exceeds the open size (both protective
 * legs filled at once) changes no position, its fee is charged, and it is alerted.
 *
 * The table is fixed; slots of closed positions are used again, the listener and the journal having
 * been told. Core thread.
 */
#include "trade_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int trade__positions_create(struct trade *trade)
{
    trade->positions = calloc(TRADE_POSITIONS_MAX, sizeof(*trade->positions));
    return trade->positions == NULL ? TG_E_NO_MEMORY : TG_E_OK;
}

void trade__positions_destroy(struct trade *trade)
{
    free(trade->positions);
}

struct position *trade__position_of(const struct trade *trade, const struct order *order)
{
    if (order->position == TRADE_NONE)
        return NULL;
    struct position *position = &trade->positions[order->position];
    return position->used && tg_uuid_equal(&position->view.id, &order->view.position_id) ? position
                                                                                         : NULL;
}

const struct trade_position *trade_position_at(const struct trade *trade, uint32_t index)
{
    return index < trade->open_count ? &trade->positions[trade->open[index]].view : NULL;
}

struct position *trade__position_of_allocation(const struct trade *trade, uint32_t symbol,
                                               uint8_t side, bool hodl)
{
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct position *position = &trade->positions[trade->open[i]];
        if (position->view.symbol == symbol && position->view.side == side &&
            position->view.rebalance && position->view.hodl == hodl && !position->must_close)
            return position;
    }
    return NULL;
}

const struct trade_position *trade_allocation_position(const struct trade *trade, uint32_t symbol,
                                                       uint8_t side, bool hodl)
{
    const struct position *position = trade__position_of_allocation(trade, symbol, side, hodl);
    return position == NULL ? NULL : &position->view;
}

/* ---- entries ---- */

static struct position *position_new(struct trade *trade, struct order *order, int64_t time)
{
    if (trade->open_count >= TRADE_POSITIONS_MAX)
        return NULL;
    uint32_t slot = 0;
    while (trade->positions[slot].used)
        slot++;
    struct position *position = &trade->positions[slot];
    *position = (struct position){.entry = trade__order_slot(trade, order),
                                  .used = true,
                                  .view = {.decision_id = order->view.decision_id,
                                           .symbol = order->view.symbol,
                                           .side = order->view.side,
                                           .regime_at_open = order->regime,
                                           .leverage = order->view.leverage,
                                           .stop_price = order->stop_loss,
                                           .target_price = order->take_profit,
                                           .rebalance = order->rebalance,
                                           .hodl = order->hodl,
                                           .opened_at = time}};
    for (uint32_t i = 0; i < TRADE_LEG_COUNT; i++)
        position->legs[i] = (struct leg){.order = TRADE_NONE, .attempt = 1};
    /* An entry that goes on filling after its position was closed makes another one: other ids. */
    if (order->positions_made == 0)
        (void)snprintf(position->key, sizeof(position->key), "%.140s", order->key);
    else
        (void)snprintf(position->key, sizeof(position->key), "%.140s#%u", order->key,
                       order->positions_made);
    if (trade__id(trade, position->key, "position", 1, &position->view.id) != 0) {
        position->used = false;
        return NULL;
    }
    order->positions_made++;
    order->position = slot;
    order->view.position_id = position->view.id;
    trade->open[trade->open_count++] = slot;
    return position;
}

int trade__position_entry_fill(struct trade *trade, struct order *order,
                               const struct trade_fill *fill, struct tg_decimal cost,
                               struct tg_decimal rate, struct position_change *change,
                               struct tg_error *error)
{
    bool overflow = false;
    struct position *position = trade__position_of(trade, order);
    struct trade_position sum = position != NULL ? position->view : (struct trade_position){0};
    struct tg_decimal fee = tg_decimal_multiply(fill->fee, rate, TG_ROUND_HALF_EVEN, &overflow);
    struct tg_decimal fees = tg_decimal_add(trade->fees, fee, &overflow);
    sum.size = tg_decimal_add(sum.size, fill->size, &overflow);
    sum.cost = tg_decimal_add(sum.cost, cost, &overflow);
    sum.size_entered = tg_decimal_add(sum.size_entered, fill->size, &overflow);
    sum.cost_entered = tg_decimal_add(sum.cost_entered, cost, &overflow);
    sum.fees = tg_decimal_add(sum.fees, fee, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "a fill does not fit into its position");
    bool opened = position == NULL;
    if (opened) {
        position = position_new(trade, order, fill->time);
        if (position == NULL)
            return TG_FAIL(error, FULL, "%u positions are open, no more are allowed",
                           TRADE_POSITIONS_MAX);
    }
    struct trade_position *view = &position->view;
    view->size = sum.size;
    view->cost = sum.cost;
    view->size_entered = sum.size_entered;
    view->cost_entered = sum.cost_entered;
    view->fees = sum.fees;
    trade->fees = fees;
    trade__protect_entry(trade, position);
    if (opened)
        view->best_price = fill->price;
    else
        view->best_price = view->side == TG_SIDE_BUY
                               ? tg_decimal_max(view->best_price, fill->price)
                               : tg_decimal_min(view->best_price, fill->price);
    if (trade_order_state_is_final((enum trade_order_state)order->view.state) &&
        position->entry == trade__order_slot(trade, order))
        position->entry = TRADE_NONE;
    change->event = opened ? TG_EXECUTION_POSITION_OPENED : TG_EXECUTION_POSITION_CHANGED;
    change->view = *view;
    return TG_E_OK;
}

/* ---- exits ---- */

static const char *exit_reason(const struct position *position, const struct order *order)
{
    static const char *const stops[] = {[STOP_INITIAL] = "stop_loss",
                                        [STOP_BREAK_EVEN] = "break_even",
                                        [STOP_TRAILING] = "trailing_stop"};
    if (order->view.leg == TRADE_LEG_STOP)
        return stops[position->stop_placed];
    if (order->view.leg == TRADE_LEG_TARGET)
        return "take_profit";
    return order->view.reason;
}

/* Everything that still works for a position that is closed has nothing to do any more. */
static void position_end(struct trade *trade, struct position *position, const struct order *order)
{
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE; slot = trade->orders[slot].next) {
        struct order *other = &trade->orders[slot];
        if (other != order && trade__position_of(trade, other) == position)
            trade__order_want_cancel(trade, other);
    }
    uint32_t slot = (uint32_t)(position - trade->positions);
    uint32_t index = 0;
    while (trade->open[index] != slot)
        index++;
    trade->open_count--;
    memmove(&trade->open[index], &trade->open[index + 1],
            (trade->open_count - index) * sizeof(trade->open[0]));
    position->used = false;
}

static void surplus(struct trade *trade, const struct order *order, struct tg_decimal size)
{
    char text[TG_DECIMAL_TEXT_SIZE];
    (void)tg_decimal_format(size, text);
    trade->symbols[order->view.symbol].contradicted = true;
    (void)trade__alert(trade,
                       &(struct alert){.type = "surplus_fill",
                                       .severity = TG_SEVERITY_HIGH,
                                       .symbol = order->view.symbol},
                       "a reduce-only %s order filled %s more than was open: no position changed, "
                       "the symbol takes no new entry until the venue's position is compared",
                       trade_leg_text((enum trade_leg)order->view.leg), text);
}

int trade__position_exit_fill(struct trade *trade, struct order *order,
                              const struct trade_fill *fill, struct tg_decimal cost,
                              struct tg_decimal rate, struct position_change *change,
                              struct tg_error *error)
{
    bool overflow = false;
    struct position *position = trade__position_of(trade, order);
    struct trade_position sum = position != NULL ? position->view : (struct trade_position){0};
    struct tg_decimal size = tg_decimal_min(fill->size, sum.size);
    bool last = size.units == sum.size.units;
    struct tg_decimal value =
        size.units == fill->size.units
            ? cost
            : tg_decimal_multiply(fill->price, size, TG_ROUND_HALF_EVEN, &overflow);
    struct tg_decimal share =
        last ? sum.cost : tg_decimal_scale(sum.cost, size, sum.size, TG_ROUND_HALF_EVEN, &overflow);
    struct tg_decimal gain = sum.side == TG_SIDE_BUY ? tg_decimal_subtract(value, share, &overflow)
                                                     : tg_decimal_subtract(share, value, &overflow);
    gain = tg_decimal_multiply(gain, rate, TG_ROUND_HALF_EVEN, &overflow);
    struct tg_decimal fee = tg_decimal_multiply(fill->fee, rate, TG_ROUND_HALF_EVEN, &overflow);
    struct tg_decimal fees = tg_decimal_add(trade->fees, fee, &overflow);
    struct tg_decimal realised = tg_decimal_add(trade->realised, gain, &overflow);
    sum.size_left = tg_decimal_add(sum.size_left, size, &overflow);
    sum.cost_left = tg_decimal_add(sum.cost_left, value, &overflow);
    sum.realised_pnl = tg_decimal_add(sum.realised_pnl, gain, &overflow);
    sum.fees = tg_decimal_add(sum.fees, fee, &overflow);
    sum.size = tg_decimal_subtract(sum.size, size, &overflow);
    sum.cost = tg_decimal_subtract(sum.cost, share, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "a fill does not fit into its position");
    trade->fees = fees;
    if (size.units < fill->size.units)
        surplus(trade, order, tg_decimal_subtract(fill->size, size, &overflow));
    if (position == NULL)
        return TG_E_OK;
    trade->realised = realised;
    position->view = sum;
    position->legs[order->view.leg].failures = 0;
    if (order->view.leg == TRADE_LEG_CLOSE)
        position->closing = tg_decimal_max(
            tg_decimal_subtract(position->closing, fill->size, &overflow), tg_decimal_units(0));
    change->event = TG_EXECUTION_POSITION_CHANGED;
    if (last) {
        change->event = TG_EXECUTION_POSITION_CLOSED;
        position->view.closed_at = fill->time;
        (void)snprintf(position->view.exit_reason, sizeof(position->view.exit_reason), "%.31s",
                       exit_reason(position, order));
        position_end(trade, position, order);
        trade__position_result(trade, position, fill->time);
    }
    change->view = position->view;
    return TG_E_OK;
}

/* ---- telling ---- */

static struct tg_decimal average(struct tg_decimal cost, struct tg_decimal size)
{
    bool overflow = false;
    struct tg_decimal price = tg_decimal_divide(cost, size, TG_ROUND_HALF_EVEN, &overflow);
    return price;
}

/* size and fill_price: what is open and its average entry; of a closed one what left it, and at
 * which average. */
static void publish(struct trade *trade, const struct order *order,
                    const struct position_change *change)
{
    const struct trade_position *view = &change->view;
    bool closed = change->event == TG_EXECUTION_POSITION_CLOSED;
    struct tg_execution_events record = {.event_type = change->event,
                                         .order_id = order->view.id,
                                         .side = view->side,
                                         .size = closed ? view->size_left : view->size,
                                         .position_id = view->id,
                                         .realised_pnl = view->realised_pnl};
    record.fill_price = closed ? average(view->cost_left, view->size_left)
                               : average(view->cost_entered, view->size_entered);
    memcpy(record.symbol, trade->symbols[view->symbol].options.name, sizeof(record.symbol));
    TG_SET(&record, EXECUTION_EVENTS, side);
    TG_SET(&record, EXECUTION_EVENTS, size);
    if (tg_decimal_is_positive(record.fill_price))
        TG_SET(&record, EXECUTION_EVENTS, fill_price);
    TG_SET(&record, EXECUTION_EVENTS, position_id);
    TG_SET(&record, EXECUTION_EVENTS, realised_pnl);
    if (closed) {
        TG_SET(&record, EXECUTION_EVENTS, reason);
        (void)tg_text_copy(record.reason, sizeof(record.reason), view->exit_reason);
    }
    struct tg_error cause = {0};
    struct bus_draft draft = {.topic = TG_TOPIC_EXECUTION_EVENTS,
                              .source = trade->source,
                              .priority = TG_PRIORITY_HIGH,
                              .correlation_id = view->decision_id,
                              .payload = &record,
                              .payload_size = sizeof(record)};
    if (bus_publish(trade->options.bus, &draft, NULL, &cause) != 0)
        OBS_ERROR(trade->options.log, "trade", "a position event was not published: %s",
                  cause.message);
}

void trade__position_tell(struct trade *trade, const struct order *order,
                          const struct position_change *change)
{
    if (change->event == 0)
        return;
    const struct trade_journal *journal = &trade->options.journal;
    struct tg_error cause = {0};
    if (journal->position != NULL &&
        journal->position(journal->context, &change->view, &cause) != 0)
        (void)trade__alert(trade,
                           &(struct alert){.type = "journal_failed",
                                           .severity = TG_SEVERITY_HIGH,
                                           .symbol = change->view.symbol},
                           "a position was not stored: %.180s", cause.message);
    if (trade->options.listener.position_changed != NULL)
        trade->options.listener.position_changed(trade->options.listener.context, &change->view);
    if (trade->options.bus != NULL)
        publish(trade, order, change);
}

/* ---- orders that reduce ---- */

int trade__position_order(struct trade *trade, struct position *position, enum trade_leg leg,
                          struct tg_decimal size, struct tg_decimal price, const char *reason,
                          const struct tg_uuid *decision_id, int64_t now, struct order **made,
                          struct tg_error *error)
{
    static const uint8_t types[TRADE_LEG_COUNT] = {[TRADE_LEG_STOP] = TG_ORDER_TYPE_STOP_LOSS,
                                                   [TRADE_LEG_TARGET] = TG_ORDER_TYPE_TAKE_PROFIT,
                                                   [TRADE_LEG_CLOSE] = TG_ORDER_TYPE_MARKET};
    const struct trade_position *view = &position->view;
    struct trade_order fields = {.decision_id =
                                     decision_id != NULL ? *decision_id : view->decision_id,
                                 .position_id = view->id,
                                 .symbol = view->symbol,
                                 .side = view->side == TG_SIDE_BUY ? TG_SIDE_SELL : TG_SIDE_BUY,
                                 .type = types[leg],
                                 .leg = (uint8_t)leg,
                                 .reduce_only = true,
                                 .attempt = position->legs[leg].attempt,
                                 .leverage = view->leverage,
                                 .size = size,
                                 .price = price,
                                 .created_at = now,
                                 .updated_at = now,
                                 .deadline = now + trade->options.order_deadline_ns};
    (void)snprintf(fields.reason, sizeof(fields.reason), "%.120s", reason);
    struct order *order;
    int code = trade__order_new(trade, &fields, position->key, &order, error);
    if (code != 0)
        return TG_PASS(error, code);
    position->legs[leg].attempt++;
    position->legs[leg].order = trade__order_slot(trade, order);
    order->position = (uint32_t)(position - trade->positions);
    order->rebalance = view->rebalance;
    if (leg == TRADE_LEG_CLOSE) {
        bool overflow = false;
        position->closing = tg_decimal_add(position->closing, size, &overflow);
        TG_BUG_IF(overflow); /* never more than the open size */
    }
    if (made != NULL)
        *made = order;
    return trade__order_intend(trade, order, error);
}

void trade__position_must_close(struct trade *trade, struct position *position, const char *reason)
{
    if (position->must_close)
        return;
    position->must_close = true;
    (void)snprintf(position->close_reason, sizeof(position->close_reason), "%.31s", reason);
    trade__touched(trade);
}

/* ---- closing ---- */

struct tg_decimal trade_close_share(const struct trade *trade,
                                    const struct trade_position *position,
                                    struct tg_decimal fraction)
{
    const struct trade_symbol_options *symbol = &trade->symbols[position->symbol].options;
    struct tg_decimal size = position->size;
    bool overflow = false;
    struct tg_decimal part = tg_decimal_multiply(size, fraction, TG_ROUND_DOWN, &overflow);
    part = tg_decimal_quantize(part, symbol->size_places, TG_ROUND_DOWN, &overflow);
    part = tg_decimal_max(part, symbol->size_min);
    struct tg_decimal rest = tg_decimal_subtract(size, part, &overflow);
    return tg_decimal_compare(rest, symbol->size_min) < 0 ? size : part;
}

/* TG_E_STATE: being closed already. */
static int close_one(struct trade *trade, struct position *position, struct tg_decimal fraction,
                     const char *reason, const struct tg_uuid *decision_id, int64_t now,
                     struct tg_uuid *order_id, struct tg_error *error)
{
    bool overflow = false;
    struct tg_decimal available =
        tg_decimal_subtract(position->view.size, position->closing, &overflow);
    struct tg_decimal size = trade_close_share(trade, &position->view, fraction);
    bool whole = size.units == position->view.size.units;
    size = tg_decimal_min(size, available);
    if (position->must_close || (!tg_decimal_is_positive(size) && !whole))
        return TG_FAIL(error, STATE, "the position is being closed already");
    if (whole)
        trade__position_must_close(trade, position, reason);
    if (!tg_decimal_is_positive(size))
        return TG_E_OK; /* the close that is under way takes it all */
    struct order *order = NULL;
    int code = trade__position_order(trade, position, TRADE_LEG_CLOSE, size, tg_decimal_units(0),
                                     reason, decision_id, now, &order, error);
    if (order != NULL && order_id != NULL)
        *order_id = order->view.id;
    return code;
}

static int check_fraction(struct tg_decimal fraction, struct tg_error *error)
{
    if (!tg_decimal_is_positive(fraction) || fraction.units > TG_DECIMAL_ONE)
        return TG_FAIL(error, RANGE, "fraction to close: out of range (more than 0 to 1)");
    return TG_E_OK;
}

/* Whose positions: hodl bags are nobody's. */
enum book { BOOK_SIGNALS = 1, BOOK_ALLOCATION = 2 };

static int close_matching(struct trade *trade, uint32_t symbol, int side, unsigned books,
                          struct tg_decimal fraction, const char *reason,
                          const struct tg_uuid *decision_id, int64_t now, struct tg_uuid *order_id,
                          uint32_t *closed, struct tg_error *error)
{
    uint32_t found = 0;
    uint32_t done = 0;
    int first = check_fraction(fraction, error);
    if (first != 0)
        return first;
    trade__periods(trade, now);
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct position *position = &trade->positions[trade->open[i]];
        if (symbol != TRADE_NONE &&
            (position->view.symbol != symbol || position->view.side != side))
            continue;
        unsigned book = position->view.rebalance ? BOOK_ALLOCATION : BOOK_SIGNALS;
        if (position->view.hodl || (books & book) == 0)
            continue;
        found++;
        struct tg_error cause = {0};
        int code = close_one(trade, position, fraction, reason, decision_id, now, order_id, &cause);
        if (code == 0)
            done++;
        else if (first == TG_E_OK) {
            first = code;
            if (error != NULL)
                *error = cause;
        }
    }
    if (closed != NULL)
        *closed = done;
    if (found == 0)
        return TG_FAIL(error, NOT_FOUND, "%s: there is no open %sposition to close",
                       symbol == TRADE_NONE ? "all symbols" : trade->symbols[symbol].options.name,
                       symbol == TRADE_NONE  ? ""
                       : side == TG_SIDE_BUY ? "long "
                                             : "short ");
    if (done == 0)
        return TG_PASS(error, first);
    if (error != NULL)
        tg_error_clear(error);
    return TG_E_OK;
}

int trade_close(struct trade *trade, uint32_t symbol, uint8_t position_side,
                struct tg_decimal fraction, const char *reason, const struct tg_uuid *decision_id,
                int64_t now, struct tg_uuid *order_id, uint32_t *closed, struct tg_error *error)
{
    if (symbol >= trade->symbol_count || position_side >= TG_SIDE_COUNT)
        return TG_FAIL(error, INVALID, "to close a position needs a known symbol and a side");
    return close_matching(trade, symbol, position_side, BOOK_SIGNALS, fraction, reason, decision_id,
                          now, order_id, closed, error);
}

int trade_reduce(struct trade *trade, uint32_t symbol, uint8_t position_side,
                 struct tg_decimal fraction, const char *reason, const struct tg_uuid *decision_id,
                 int64_t now, struct tg_uuid *order_id, uint32_t *closed, struct tg_error *error)
{
    if (symbol >= trade->symbol_count || position_side >= TG_SIDE_COUNT)
        return TG_FAIL(error, INVALID, "to reduce a position needs a known symbol and a side");
    return close_matching(trade, symbol, position_side, BOOK_ALLOCATION, fraction, reason,
                          decision_id, now, order_id, closed, error);
}

int trade_close_all(struct trade *trade, struct tg_decimal fraction, const char *reason,
                    int64_t now, uint32_t *closed, struct tg_error *error)
{
    return close_matching(trade, TRADE_NONE, 0, BOOK_SIGNALS | BOOK_ALLOCATION, fraction, reason,
                          NULL, now, NULL, closed, error);
}

struct tg_decimal trade_position_closing(const struct trade *trade,
                                         const struct tg_uuid *position_id)
{
    for (uint32_t i = 0; i < trade->open_count; i++) {
        const struct position *position = &trade->positions[trade->open[i]];
        if (tg_uuid_equal(&position->view.id, position_id))
            return position->closing;
    }
    return tg_decimal_units(0);
}

int trade_close_position(struct trade *trade, const struct tg_uuid *position_id,
                         struct tg_decimal fraction, const char *reason, int64_t now,
                         struct tg_uuid *order_id, struct tg_error *error)
{
    int code = check_fraction(fraction, error);
    if (code != 0)
        return code;
    trade__periods(trade, now);
    for (uint32_t i = 0; i < trade->open_count; i++) {
        struct position *position = &trade->positions[trade->open[i]];
        if (tg_uuid_equal(&position->view.id, position_id))
            return close_one(trade, position, fraction, reason, NULL, now, order_id, error);
    }
    return TG_FAIL(error, NOT_FOUND, "there is no open position with that id");
}
