/*
 * Orders: their table, their states, the journal.
 *
 * The table is fixed: TRADE_ORDERS_MAX live orders in a list by age, and the last
 * TRADE_FINAL_ORDERS_MAX that came to their end, so that a fill or a cancellation that arrives late
 * still finds its order. Older ones are forgotten; the journal and the listener were told. Slots
 * are only taken back when a new order is made, so a pointer stays good while an event is handled.
 *
 *     intended --> sent --> open --> partially_filled --> filled
 *         |          \________\_________/      ^
 *         v                   v                | a fill may win over a cancellation
 *        void     rejected, cancelled, expired-+       and unknown in between
 *
 * Core thread. Refused: an id that is known already, an arrow that does not exist.
 */
#include "trade_int.h"

#include "digest/digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(NAME) (1u << TRADE_ORDER_##NAME)
#define ENDS      (BIT(FILLED) | BIT(CANCELLED) | BIT(EXPIRED))

static const char *const state_texts[TRADE_ORDER_STATE_COUNT] = {
#define STATE_TEXT(NAME, text, final) text,
    TRADE_ORDER_STATE_LIST(STATE_TEXT)
#undef STATE_TEXT
};
static const bool state_final[TRADE_ORDER_STATE_COUNT] = {
#define STATE_FINAL(NAME, text, final) final,
    TRADE_ORDER_STATE_LIST(STATE_FINAL)
#undef STATE_FINAL
};
/* The arrows: from each state, the states it may go to. */
static const uint32_t arrows[TRADE_ORDER_STATE_COUNT] = {
    [TRADE_ORDER_INTENDED] = BIT(SENT) | BIT(VOID) | BIT(UNKNOWN),
    [TRADE_ORDER_SENT] = BIT(OPEN) | BIT(PARTIALLY_FILLED) | BIT(UNKNOWN) | BIT(REJECTED) | ENDS,
    [TRADE_ORDER_OPEN] = BIT(PARTIALLY_FILLED) | BIT(UNKNOWN) | BIT(REJECTED) | ENDS,
    [TRADE_ORDER_PARTIALLY_FILLED] = BIT(UNKNOWN) | ENDS,
    [TRADE_ORDER_UNKNOWN] = BIT(OPEN) | BIT(PARTIALLY_FILLED) | BIT(REJECTED) | ENDS,
    /* the last fill was on its way while the order ended */
    [TRADE_ORDER_CANCELLED] = BIT(FILLED),
    [TRADE_ORDER_EXPIRED] = BIT(FILLED),
};
static const char *const leg_texts[TRADE_LEG_COUNT] = {"entry", "stop", "target", "close"};

const char *trade_order_state_text(enum trade_order_state state)
{
    return (unsigned)state < TRADE_ORDER_STATE_COUNT ? state_texts[state] : "?";
}

bool trade_order_state_is_final(enum trade_order_state state)
{
    return (unsigned)state < TRADE_ORDER_STATE_COUNT && state_final[state];
}

bool trade_order_transition_allowed(enum trade_order_state from, enum trade_order_state to)
{
    return (unsigned)from < TRADE_ORDER_STATE_COUNT && (unsigned)to < TRADE_ORDER_STATE_COUNT &&
           (arrows[from] & (1u << to)) != 0;
}

const char *trade_leg_text(enum trade_leg leg)
{
    return (unsigned)leg < TRADE_LEG_COUNT ? leg_texts[leg] : "?";
}

/* ---- the table ---- */

static uint32_t bucket_of(const struct tg_uuid *id)
{
    uint32_t hash;
    memcpy(&hash, id->bytes, sizeof(hash)); /* a digest: any part of it is as good as another */
    return hash & (TRADE_ORDER_BUCKETS - 1);
}

int trade__orders_create(struct trade *trade)
{
    trade->orders = calloc(TRADE_ORDER_SLOTS, sizeof(*trade->orders));
    trade->order_buckets = malloc(TRADE_ORDER_BUCKETS * sizeof(*trade->order_buckets));
    if (trade->orders == NULL || trade->order_buckets == NULL)
        return TG_E_NO_MEMORY;
    memset(trade->order_buckets, 0xff, TRADE_ORDER_BUCKETS * sizeof(*trade->order_buckets));
    for (uint32_t i = 0; i < TRADE_ORDER_SLOTS; i++)
        trade->orders[i].hash_next = i + 1 < TRADE_ORDER_SLOTS ? i + 1 : TRADE_NONE;
    trade->order_free = 0;
    trade->live_first = trade->live_last = TRADE_NONE;
    trade->final_first = trade->final_last = TRADE_NONE;
    return TG_E_OK;
}

void trade__orders_destroy(struct trade *trade)
{
    free(trade->orders);
    free(trade->order_buckets);
}

uint32_t trade__order_slot(const struct trade *trade, const struct order *order)
{
    return (uint32_t)(order - trade->orders);
}

struct order *trade__order_find(const struct trade *trade, const struct tg_uuid *id)
{
    uint32_t slot = trade->order_buckets[bucket_of(id)];
    while (slot != TRADE_NONE && !tg_uuid_equal(&trade->orders[slot].view.id, id))
        slot = trade->orders[slot].hash_next;
    return slot == TRADE_NONE ? NULL : &trade->orders[slot];
}

const struct trade_order *trade_order_find(const struct trade *trade, const struct tg_uuid *id)
{
    const struct order *order = trade__order_find(trade, id);
    return order == NULL ? NULL : &order->view;
}

static void list_add(struct trade *trade, uint32_t slot, uint32_t *first, uint32_t *last)
{
    struct order *order = &trade->orders[slot];
    order->next = TRADE_NONE;
    order->previous = *last;
    if (*last == TRADE_NONE)
        *first = slot;
    else
        trade->orders[*last].next = slot;
    *last = slot;
}

static void list_remove(struct trade *trade, uint32_t slot, uint32_t *first, uint32_t *last)
{
    const struct order *order = &trade->orders[slot];
    if (order->previous == TRADE_NONE)
        *first = order->next;
    else
        trade->orders[order->previous].next = order->next;
    if (order->next == TRADE_NONE)
        *last = order->previous;
    else
        trade->orders[order->next].previous = order->previous;
}

/* Forgets the order that ended longest ago. */
static void evict(struct trade *trade)
{
    uint32_t slot = trade->final_first;
    struct order *order = &trade->orders[slot];
    list_remove(trade, slot, &trade->final_first, &trade->final_last);
    trade->final_count--;
    uint32_t *link = &trade->order_buckets[bucket_of(&order->view.id)];
    while (*link != slot)
        link = &trade->orders[*link].hash_next;
    *link = order->hash_next;
    order->hash_next = trade->order_free;
    trade->order_free = slot;
}

int trade__order_new(struct trade *trade, const struct trade_order *fields, const char *key,
                     struct order **made, struct tg_error *error)
{
    if (trade->live_count >= TRADE_ORDERS_MAX)
        return TG_FAIL(error, FULL, "%u orders are alive, no more are allowed", TRADE_ORDERS_MAX);
    struct tg_uuid id;
    if (trade__id(trade, key, trade_leg_text((enum trade_leg)fields->leg), fields->attempt, &id) !=
        0)
        return TG_FAIL(error, FAILED, "the order's id cannot be computed");
    if (trade__order_find(trade, &id) != NULL)
        return TG_FAIL(error, EXISTS, "decision %.100s has its %s order %u already", key,
                       trade_leg_text((enum trade_leg)fields->leg), fields->attempt);
    while (trade->final_count >= TRADE_FINAL_ORDERS_MAX)
        evict(trade);
    uint32_t slot = trade->order_free;
    struct order *order = &trade->orders[slot];
    trade->order_free = order->hash_next;
    *order = (struct order){.view = *fields, .position = TRADE_NONE};
    order->view.id = id;
    order->view.state = TRADE_ORDER_INTENDED;
    order->size_most = fields->size;
    (void)tg_text_copy(order->key, sizeof(order->key), key);
    uint32_t *bucket = &trade->order_buckets[bucket_of(&id)];
    order->hash_next = *bucket;
    *bucket = slot;
    list_add(trade, slot, &trade->live_first, &trade->live_last);
    trade->live_count++;
    trade->entries_live += fields->leg == TRADE_LEG_ENTRY;
    trade__touched(trade);
    *made = order;
    return TG_E_OK;
}

/* ---- the journal ---- */

int trade__order_intend(struct trade *trade, struct order *order, struct tg_error *error)
{
    const struct trade_journal *journal = &trade->options.journal;
    if (trade->options.listener.order_changed != NULL)
        trade->options.listener.order_changed(trade->options.listener.context, &order->view);
    if (journal->order == NULL) {
        order->stored = true;
        return TG_E_OK;
    }
    struct tg_error cause = {0};
    int code = journal->order(journal->context, &order->view, &cause);
    if (code == 0)
        return TG_E_OK; /* trade_intent_stored says the rest, or has said it already */
    if (order->view.state == TRADE_ORDER_INTENDED)
        (void)trade__order_move(trade, order, TRADE_ORDER_VOID, "the journal did not take it",
                                order->view.updated_at, NULL);
    return tg_error_set(error, code, __FILE__, __LINE__, __func__,
                        "the order was not stored, so it is not sent: %.300s",
                        cause.message[0] != '\0' ? cause.message : tg_error_sentence(code));
}

void trade_intent_stored(struct trade *trade, const struct tg_uuid *order_id, bool stored)
{
    struct order *order = trade__order_find(trade, order_id);
    if (order == NULL || order->view.state != TRADE_ORDER_INTENDED || order->stored)
        return;
    trade__touched(trade);
    if (stored)
        order->stored = true;
    else
        (void)trade__order_move(trade, order, TRADE_ORDER_VOID, "the journal could not store it",
                                order->view.updated_at, NULL);
}

void trade__order_tell(struct trade *trade, const struct order *order)
{
    const struct trade_journal *journal = &trade->options.journal;
    if (journal->order != NULL) {
        struct tg_error cause = {0};
        if (journal->order(journal->context, &order->view, &cause) != 0)
            (void)trade__alert(trade,
                               &(struct alert){.type = "journal_failed",
                                               .severity = TG_SEVERITY_HIGH,
                                               .symbol = order->view.symbol},
                               "a change of an order was not stored: %.180s", cause.message);
    }
    if (trade->options.listener.order_changed != NULL)
        trade->options.listener.order_changed(trade->options.listener.context, &order->view);
}

/* ---- states ---- */

int trade__order_move(struct trade *trade, struct order *order, enum trade_order_state to,
                      const char *reason, int64_t now, struct tg_error *error)
{
    enum trade_order_state from = (enum trade_order_state)order->view.state;
    struct symbol *symbol = &trade->symbols[order->view.symbol];
    if (!trade_order_transition_allowed(from, to)) {
        (void)trade__alert(trade,
                           &(struct alert){.type = "order_transition",
                                           .severity = TG_SEVERITY_MEDIUM,
                                           .symbol = order->view.symbol},
                           "a %s order is %s and cannot become %s", leg_texts[order->view.leg],
                           state_texts[from], state_texts[to]);
        return TG_FAIL(error, STATE, "a %s order is %s and cannot become %s",
                       leg_texts[order->view.leg], state_texts[from], state_texts[to]);
    }
    bool ends = state_final[to] && !state_final[from];
    order->view.state = (uint8_t)to;
    order->view.updated_at = now;
    if (reason != NULL && reason[0] != '\0' && order->view.leg != TRADE_LEG_CLOSE)
        (void)snprintf(order->view.reason, sizeof(order->view.reason), "%.120s", reason);
    symbol->unknown_orders += to == TRADE_ORDER_UNKNOWN;
    symbol->unknown_orders -= from == TRADE_ORDER_UNKNOWN;
    if (ends) {
        uint32_t slot = trade__order_slot(trade, order);
        list_remove(trade, slot, &trade->live_first, &trade->live_last);
        trade->live_count--;
        trade->entries_live -= order->view.leg == TRADE_LEG_ENTRY;
        list_add(trade, slot, &trade->final_first, &trade->final_last);
        trade->final_count++;
    }
    trade__touched(trade);
    trade__order_tell(trade, order);
    if (ends)
        trade__order_ended(trade, order, now);
    return TG_E_OK;
}
