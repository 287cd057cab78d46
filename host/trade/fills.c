/*
 * What a venue says: accepted, rejected, filled, cancelled, expired, in any order and any number
 * of times.
 *
 * A fill counts once, by the venue's trade id. The ids are kept in a window of the last
 * TRADE_TRADE_IDS_MAX; where it is full, the ids of orders that are still remembered (live, or
 * among the last final ones) are passed over and the oldest id of a forgotten order goes. A fill
 * whose id has left the window therefore finds no order any more and is not counted either.
 *
 * The end is the same whatever the order of arrival: filled sizes are sums, the state follows from
 * the sum and from whether an end was announced.
 *
 * What contradicts the host's own record (wrong symbol or side, more than was ever asked for, a
 * fill of an order that was refused) is not counted: it is alerted and blocks the symbol.
 */
#include "trade_int.h"

#include <stdlib.h>
#include <string.h>

/* ---- the window of trade ids ---- */

static uint32_t hash_text(const char *text)
{
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
    return (hash ^ hash >> 16) & (TRADE_ID_BUCKETS - 1);
}

int trade__ids_create(struct trade *trade)
{
    trade->ids = calloc(TRADE_TRADE_IDS_MAX, sizeof(*trade->ids));
    trade->id_buckets = malloc(TRADE_ID_BUCKETS * sizeof(*trade->id_buckets));
    if (trade->ids == NULL || trade->id_buckets == NULL)
        return TG_E_NO_MEMORY;
    memset(trade->id_buckets, 0xff, TRADE_ID_BUCKETS * sizeof(*trade->id_buckets));
    return TG_E_OK;
}

void trade__ids_destroy(struct trade *trade)
{
    free(trade->ids);
    free(trade->id_buckets);
}

static bool id_seen(const struct trade *trade, const char *text)
{
    uint32_t slot = trade->id_buckets[hash_text(text)];
    while (slot != TRADE_NONE && strcmp(trade->ids[slot].text, text) != 0)
        slot = trade->ids[slot].hash_next;
    return slot != TRADE_NONE;
}

static void id_unlink(struct trade *trade, uint32_t slot)
{
    uint32_t *link = &trade->id_buckets[hash_text(trade->ids[slot].text)];
    while (*link != slot)
        link = &trade->ids[*link].hash_next;
    *link = trade->ids[slot].hash_next;
}

static void id_put(struct trade *trade, uint32_t slot, const struct trade_id *id)
{
    trade->ids[slot] = *id;
    uint32_t *bucket = &trade->id_buckets[hash_text(id->text)];
    trade->ids[slot].hash_next = *bucket;
    *bucket = slot;
}

static void id_remember(struct trade *trade, const char *text, const struct tg_uuid *order_id)
{
    struct trade_id id = {.order_id = *order_id};
    (void)tg_text_copy(id.text, sizeof(id.text), text);
    if (trade->id_count < TRADE_TRADE_IDS_MAX) {
        id_put(trade, trade->id_count++, &id);
        return;
    }
    /* The ring is full: the oldest goes, unless its order is remembered; then it is the newest. */
    for (uint32_t passed = 0; passed < TRADE_TRADE_IDS_MAX; passed++) {
        uint32_t slot = trade->id_first;
        if (trade__order_find(trade, &trade->ids[slot].order_id) == NULL)
            break;
        trade->id_first = (slot + 1) % TRADE_TRADE_IDS_MAX;
    }
    uint32_t slot = trade->id_first;
    id_unlink(trade, slot);
    id_put(trade, slot, &id);
    trade->id_first = (slot + 1) % TRADE_TRADE_IDS_MAX;
}

/* ---- contradictions ---- */

static int contradicted(struct trade *trade, const struct order *order, int code, const char *type,
                        const char *what, struct tg_error *error)
{
    trade->symbols[order->view.symbol].contradicted = true;
    (void)trade__alert(
        trade,
        &(struct alert){.type = type, .severity = TG_SEVERITY_HIGH, .symbol = order->view.symbol},
        "%s; it is not counted and the symbol takes no new entry", what);
    return tg_error_set(error, code, __FILE__, __LINE__, __func__, "%s: %s",
                        trade->symbols[order->view.symbol].options.name, what);
}

/* What the record of our own order says against this fill. */
static int check_fill(struct trade *trade, const struct order *order,
                      const struct tg_execution_events *event, struct tg_error *error)
{
    const struct trade_order *view = &order->view;
    bool overflow = false;
    struct tg_decimal sum = tg_decimal_add(view->filled_size, event->size, &overflow);
    if (event->side != view->side)
        return contradicted(trade, order, TG_E_INVALID, "wrong_side",
                            "a fill has the other side than its order", error);
    if (view->state == TRADE_ORDER_INTENDED || view->state == TRADE_ORDER_VOID ||
        view->state == TRADE_ORDER_REJECTED)
        return contradicted(trade, order, TG_E_STATE, "order_transition",
                            "a fill came for an order that was never sent or was refused", error);
    if (overflow || tg_decimal_compare(sum, order->size_most) > 0)
        return contradicted(trade, order, TG_E_INVALID, "overfill",
                            "an order was filled beyond its size", error);
    return TG_E_OK;
}

/* ---- fills ---- */

static int make_fill(const struct order *order, const struct tg_execution_events *event,
                     int64_t now, struct trade_fill *fill, struct tg_decimal *cost,
                     struct tg_error *error)
{
    bool overflow = false;
    *fill = (struct trade_fill){.order_id = order->view.id,
                                .symbol = order->view.symbol,
                                .side = order->view.side,
                                .leg = order->view.leg,
                                .price = event->fill_price,
                                .size = event->size,
                                .fee = event->fee,
                                .time = now};
    /* a venue's clock may be off: never later than now, never before the order */
    if (TG_HAS(event, EXECUTION_EVENTS, venue_time) && event->venue_time < now &&
        event->venue_time >= order->view.created_at)
        fill->time = event->venue_time;
    (void)tg_text_copy(fill->trade_id, sizeof(fill->trade_id), event->trade_id);
    *cost = tg_decimal_multiply(fill->price, fill->size, TG_ROUND_HALF_EVEN, &overflow);
    (void)tg_decimal_add(order->view.filled_cost, *cost, &overflow);
    (void)tg_decimal_add(order->view.fees, fill->fee, &overflow);
    if (overflow)
        return TG_FAIL(error, OVERFLOW, "a fill's cost does not fit: price x size is too large");
    return TG_E_OK;
}

/* The state that follows from the sum. */
static void settle(struct trade *trade, struct order *order, int64_t now)
{
    enum trade_order_state state = (enum trade_order_state)order->view.state;
    enum trade_order_state to = state;
    if (tg_decimal_compare(order->view.filled_size, order->view.size) >= 0)
        to = TRADE_ORDER_FILLED;
    else if (!trade_order_state_is_final(state))
        to = TRADE_ORDER_PARTIALLY_FILLED;
    order->view.updated_at = now;
    if (to != state)
        (void)trade__order_move(trade, order, to, NULL, now, NULL);
    else
        trade__order_tell(trade, order);
}

static void tell_fill(struct trade *trade, const struct trade_fill *fill)
{
    const struct trade_journal *journal = &trade->options.journal;
    struct tg_error cause = {0};
    if (journal->fill != NULL && journal->fill(journal->context, fill, &cause) != 0)
        (void)trade__alert(trade,
                           &(struct alert){.type = "journal_failed",
                                           .severity = TG_SEVERITY_HIGH,
                                           .symbol = fill->symbol},
                           "a fill was not stored: %.180s", cause.message);
    if (trade->options.listener.filled != NULL)
        trade->options.listener.filled(trade->options.listener.context, fill);
}

static int take_fill(struct trade *trade, struct order *order,
                     const struct tg_execution_events *event, int64_t now, struct tg_error *error)
{
    struct trade_fill fill;
    struct tg_decimal cost;
    struct tg_decimal rate;
    int code = check_fill(trade, order, event, error);
    if (code == 0)
        code = make_fill(order, event, now, &fill, &cost, error);
    if (code == 0)
        code = trade__rate(trade, order->view.symbol, &rate);
    struct position_change change = {0};
    if (code == 0)
        code = order->view.leg == TRADE_LEG_ENTRY
                   ? trade__position_entry_fill(trade, order, &fill, cost, rate, &change, error)
                   : trade__position_exit_fill(trade, order, &fill, cost, rate, &change, error);
    if (code == TG_E_OVERFLOW || code == TG_E_STALE || code == TG_E_FULL)
        return contradicted(trade, order, code, "fill_failed",
                            code == TG_E_OVERFLOW ? "a fill does not fit into the sums"
                            : code == TG_E_FULL   ? "a fill found no room for its position"
                                                  : "a fill came without a price to convert it",
                            error);
    if (code != 0)
        return TG_PASS(error, code);
    bool overflow = false; /* make_fill has tried these sums */
    id_remember(trade, event->trade_id, &order->view.id);
    order->view.filled_size = tg_decimal_add(order->view.filled_size, fill.size, &overflow);
    order->view.filled_cost = tg_decimal_add(order->view.filled_cost, cost, &overflow);
    order->view.fees = tg_decimal_add(order->view.fees, fill.fee, &overflow);
    trade->symbols[order->view.symbol].execution_errors = 0;
    fill.position_id = order->view.position_id;
    trade__touched(trade);
    tell_fill(trade, &fill);
    settle(trade, order, now);
    trade__position_tell(trade, order, &change);
    trade__mark(trade);
    return TG_E_OK;
}

/* ---- the other events ---- */

static int accepted(struct trade *trade, struct order *order, int64_t now, struct tg_error *error)
{
    switch ((enum trade_order_state)order->view.state) {
    case TRADE_ORDER_OPEN:
    case TRADE_ORDER_PARTIALLY_FILLED:
    case TRADE_ORDER_FILLED:
    case TRADE_ORDER_CANCELLED:
    case TRADE_ORDER_EXPIRED:
        return TG_E_OK; /* came late: what followed it is here already */
    default:
        trade->symbols[order->view.symbol].execution_errors = 0;
        return trade__order_move(trade, order, TRADE_ORDER_OPEN, NULL, now, error);
    }
}

static int ended(struct trade *trade, struct order *order, enum trade_order_state to,
                 const char *reason, int64_t now, struct tg_error *error)
{
    enum trade_order_state state = (enum trade_order_state)order->view.state;
    if (state == to)
        return TG_E_OK; /* said twice */
    if (state == TRADE_ORDER_FILLED && to != TRADE_ORDER_REJECTED)
        return TG_E_OK; /* the last fill was faster than the end */
    return trade__order_move(trade, order, to, reason, now, error);
}

static int unknown_order(struct trade *trade, const struct tg_execution_events *event,
                         struct tg_error *error)
{
    char id[TG_UUID_TEXT_SIZE];
    tg_uuid_format(&event->order_id, id);
    int symbol = trade_symbol_find(trade, event->symbol);
    (void)trade__alert(trade,
                       &(struct alert){.type = "unknown_order",
                                       .severity = TG_SEVERITY_MEDIUM,
                                       .symbol = symbol < 0 ? TRADE_NONE : (uint32_t)symbol},
                       "the venue speaks of order %s, which is not ours", id);
    return TG_FAIL(error, NOT_FOUND, "order %s is not ours", id);
}

static int check_event(const struct tg_execution_events *event, struct tg_error *error)
{
    if (event->event_type != TG_EXECUTION_FILL)
        return TG_E_OK;
    if (!TG_HAS(event, EXECUTION_EVENTS, side) || !TG_HAS(event, EXECUTION_EVENTS, size) ||
        !TG_HAS(event, EXECUTION_EVENTS, fill_price) || !TG_HAS(event, EXECUTION_EVENTS, fee) ||
        !TG_HAS(event, EXECUTION_EVENTS, trade_id) || event->trade_id[0] == '\0')
        return TG_FAIL(error, INVALID, "a fill needs side, size, fill_price, fee and trade_id");
    if (!tg_decimal_is_positive(event->size) || !tg_decimal_is_positive(event->fill_price))
        return TG_FAIL(error, INVALID, "a fill's size and price are more than zero");
    return TG_E_OK;
}

int trade_execution_event(struct trade *trade, const struct tg_execution_events *event, int64_t now,
                          struct tg_error *error)
{
    if (event->event_type >= TG_EXECUTION_POSITION_OPENED)
        return TG_E_OK; /* our own */
    int code = check_event(event, error);
    if (code != 0)
        return code;
    trade__periods(trade, now);
    if (event->event_type == TG_EXECUTION_FILL && id_seen(trade, event->trade_id))
        return TG_E_OK;
    struct order *order = trade__order_find(trade, &event->order_id);
    if (order == NULL)
        return unknown_order(trade, event, error);
    if (strcmp(event->symbol, trade->symbols[order->view.symbol].options.name) != 0)
        return contradicted(trade, order, TG_E_INVALID, "wrong_symbol",
                            "an event names another symbol than its order", error);
    const char *reason = TG_HAS(event, EXECUTION_EVENTS, reason) ? event->reason : NULL;
    switch (event->event_type) {
    case TG_EXECUTION_ACCEPTED:
        return accepted(trade, order, now, error);
    case TG_EXECUTION_FILL:
        return take_fill(trade, order, event, now, error);
    case TG_EXECUTION_CANCELLED:
        return ended(trade, order, TRADE_ORDER_CANCELLED, reason, now, error);
    case TG_EXECUTION_EXPIRED:
        return ended(trade, order, TRADE_ORDER_EXPIRED, reason, now, error);
    default:
        return ended(trade, order, TRADE_ORDER_REJECTED, reason, now, error);
    }
}
