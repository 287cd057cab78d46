/*
 * What goes out to the venue, and what happens when no answer comes.
 *
 * An order goes out once, from the pump, after its intent is stored; deadline, breakers and the
 * symbol's state are looked at again before the call, and any "no" makes it void. An answer that
 * does not come before the deadline makes the order unknown: nothing is sent again on a guess.
 * Cancelling is asked again, since it can do no harm, TRADE_RETRIES_MAX times.
 *
 * Core thread; owns nothing.
 */
#include "trade_int.h"

#include <string.h>

int64_t trade__retry_delay(const struct tg_uuid *id, uint32_t failures)
{
    int64_t delay = TRADE_RETRY_DELAY_NS;
    for (uint32_t i = 1; i < failures && delay < TRADE_RETRY_DELAY_MAX_NS; i++)
        delay *= 2;
    if (delay > TRADE_RETRY_DELAY_MAX_NS)
        delay = TRADE_RETRY_DELAY_MAX_NS;
    /* up to a quarter more, from the id: the same in every replay, different for each order */
    return delay + delay / 4 * id->bytes[15] / 255;
}

void trade__order_want_cancel(struct trade *trade, struct order *order)
{
    if (order->cancel_wanted ||
        trade_order_state_is_final((enum trade_order_state)order->view.state))
        return;
    order->cancel_wanted = true;
    trade__touched(trade);
}

void trade_cancel_entries(struct trade *trade)
{
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE; slot = trade->orders[slot].next)
        if (trade->orders[slot].view.leg == TRADE_LEG_ENTRY)
            trade__order_want_cancel(trade, &trade->orders[slot]);
}

static void alert_unknown(struct trade *trade, const struct order *order, const char *why)
{
    (void)trade__alert(trade,
                       &(struct alert){.type = "order_unknown",
                                       .severity = TG_SEVERITY_MEDIUM,
                                       .symbol = order->view.symbol},
                       "the fate of a %s order is unknown: %s; the symbol takes no new entry",
                       trade_leg_text((enum trade_leg)order->view.leg), why);
}

/* Why an order that is stored may not go out after all; NULL: it may. */
static const char *objection(const struct trade *trade, const struct order *order, int64_t now)
{
    enum tg_breach breach;
    if (now > order->view.deadline)
        return "its deadline passed before it was sent";
    if (order->view.leg != TRADE_LEG_ENTRY)
        return NULL;
    if (trade__breaker_any(trade, &breach))
        return "a circuit breaker stands";
    if (trade_symbol_blocked(trade, order->view.symbol))
        return "the symbol is blocked";
    return NULL;
}

static void submit(struct trade *trade, struct order *order, int64_t now)
{
    const char *no = objection(trade, order, now);
    if (no != NULL) {
        (void)trade__order_move(trade, order, TRADE_ORDER_VOID, no, now, NULL);
        return;
    }
    const struct trade_order *view = &order->view;
    struct tg_order out = {.size_of = sizeof(out),
                           .type = view->type,
                           .side = view->side,
                           .reduce_only = view->reduce_only,
                           .apart = order->rebalance,
                           .id = view->id,
                           .size = view->size,
                           .price = view->price,
                           .leverage = view->leverage,
                           .deadline = view->deadline};
    memcpy(out.symbol, trade->symbols[view->symbol].options.name, sizeof(out.symbol));
    struct tg_error cause = {0};
    int code = trade->options.venue.submit(trade->options.venue.context, &out, &cause);
    if (code == 0) {
        (void)trade__order_move(trade, order, TRADE_ORDER_SENT, NULL, now, NULL);
    } else if (code == TG_E_UNKNOWN) {
        (void)trade__order_move(trade, order, TRADE_ORDER_UNKNOWN, cause.message, now, NULL);
        alert_unknown(trade, order, "the venue's connection broke while it was sent");
    } else {
        (void)trade__order_move(trade, order, TRADE_ORDER_VOID,
                                cause.message[0] != '\0' ? cause.message : tg_error_sentence(code),
                                now, NULL);
    }
}

static bool cancel(struct trade *trade, struct order *order, int64_t now)
{
    if (now < order->cancel_next)
        return false;
    if (order->cancels > TRADE_RETRIES_MAX) {
        order->cancel_next = INT64_MAX;
        if (order->view.state != TRADE_ORDER_UNKNOWN) {
            (void)trade__order_move(trade, order, TRADE_ORDER_UNKNOWN, NULL, now, NULL);
            alert_unknown(trade, order, "it was to be cancelled and no answer came");
        }
        return true;
    }
    /* Whatever the venue says here, the order ends only by an event. */
    (void)trade->options.venue.cancel(trade->options.venue.context, &order->view.id, NULL);
    order->cancels++;
    order->cancel_next = now + trade__retry_delay(&order->view.id, order->cancels);
    return true;
}

bool trade__send(struct trade *trade, int64_t now)
{
    bool did = false;
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE;) {
        struct order *order = &trade->orders[slot];
        slot = order->next; /* the order may leave the list below; its neighbour does not */
        if (order->view.state == TRADE_ORDER_INTENDED) {
            if (order->cancel_wanted)
                (void)trade__order_move(trade, order, TRADE_ORDER_VOID,
                                        "cancelled before it was sent", now, NULL);
            else if (order->stored)
                submit(trade, order, now);
            else
                continue;
            did = true;
        } else if (order->cancel_wanted && cancel(trade, order, now)) {
            did = true;
        }
    }
    return did;
}

void trade__deadlines(struct trade *trade, int64_t now)
{
    for (uint32_t slot = trade->live_first; slot != TRADE_NONE;) {
        struct order *order = &trade->orders[slot];
        slot = order->next;
        if (now <= order->view.deadline)
            continue;
        if (order->view.state == TRADE_ORDER_INTENDED) {
            (void)trade__order_move(trade, order, TRADE_ORDER_VOID,
                                    "its deadline passed before it was sent", now, NULL);
        } else if (order->view.state == TRADE_ORDER_SENT) {
            (void)trade__order_move(trade, order, TRADE_ORDER_UNKNOWN, NULL, now, NULL);
            alert_unknown(trade, order, "no answer came before its deadline");
        }
    }
}
