/*
 * An account on a real bus with a venue, a journal and a listener that remember what they were
 * told. The venue answers nothing by itself: a test says accepted, fill, cancelled in the order it
 * wants. Three symbols: BTC/USDT, XRP/USDT, XRP/BTC.
 */
#ifndef TRADE_FIXTURE_H
#define TRADE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "base/random.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "trade/trade.h"

#include <stdio.h>
#include <string.h>

#define FIXTURE_MAX 8192u
#define T0          INT64_C(1641772800000000000) /* Monday 2022-01-10T00:00:00Z */

struct fixture_amend {
    struct tg_uuid id;
    struct tg_decimal size, price;
};

struct fixture {
    struct tg_virtual_clock clock;
    struct bus *bus;
    struct trade *trade;
    struct trade_options options;
    uint32_t btc, xrp, xrp_btc;
    int64_t now;
    uint32_t next_trade_id;

    struct tg_order sent[FIXTURE_MAX];
    uint32_t sent_count;
    struct tg_uuid cancelled[FIXTURE_MAX];
    uint32_t cancelled_count;
    struct fixture_amend amended[FIXTURE_MAX];
    uint32_t amended_count;
    int submit_answer, cancel_answer, amend_answer;

    struct tg_uuid intents[FIXTURE_MAX];
    uint32_t intent_count, journal_orders, journal_fills, journal_positions;
    int journal_answer;
    uint32_t order_changes, fills_told, position_changes;
    struct trade_position position_told;
    struct trade_order order_told;

    struct tg_risk_alerts alerts[64];
    uint32_t alert_count;
    struct tg_execution_events events[64]; /* of positions, the last ones */
    uint32_t event_count;
};

static inline struct tg_decimal dec(const char *text)
{
    struct tg_decimal value;
    assert_int_equal(tg_decimal_parse(text, strlen(text), &value), 0);
    return value;
}

#define assert_decimal(actual, text)                                                               \
    do {                                                                                           \
        char assert_decimal_text[TG_DECIMAL_TEXT_SIZE];                                            \
        (void)tg_decimal_format((actual), assert_decimal_text);                                    \
        assert_string_equal(assert_decimal_text, (text));                                          \
    } while (0)

/* ---- what trade is given ---- */

static int fixture_submit(void *context, const struct tg_order *order, struct tg_error *error)
{
    struct fixture *f = context;
    (void)error;
    assert_true(f->sent_count < FIXTURE_MAX);
    f->sent[f->sent_count++] = *order;
    return f->submit_answer;
}

static int fixture_cancel(void *context, const struct tg_uuid *id, struct tg_error *error)
{
    struct fixture *f = context;
    (void)error;
    assert_true(f->cancelled_count < FIXTURE_MAX);
    f->cancelled[f->cancelled_count++] = *id;
    return f->cancel_answer;
}

static int fixture_amend(void *context, const struct tg_uuid *id, struct tg_decimal size,
                         struct tg_decimal price, struct tg_error *error)
{
    struct fixture *f = context;
    (void)error;
    assert_true(f->amended_count < FIXTURE_MAX);
    f->amended[f->amended_count++] = (struct fixture_amend){*id, size, price};
    return f->amend_answer;
}

static int fixture_journal_order(void *context, const struct trade_order *order,
                                 struct tg_error *error)
{
    struct fixture *f = context;
    (void)error;
    f->journal_orders++;
    if (order->state != TRADE_ORDER_INTENDED)
        return 0;
    if (f->journal_answer == 0 && f->intent_count < FIXTURE_MAX)
        f->intents[f->intent_count++] = order->id;
    return f->journal_answer;
}

static int fixture_journal_fill(void *context, const struct trade_fill *fill,
                                struct tg_error *error)
{
    (void)fill;
    (void)error;
    ((struct fixture *)context)->journal_fills++;
    return 0;
}

static int fixture_journal_position(void *context, const struct trade_position *position,
                                    struct tg_error *error)
{
    (void)position;
    (void)error;
    ((struct fixture *)context)->journal_positions++;
    return 0;
}

static void fixture_order_changed(void *context, const struct trade_order *order)
{
    struct fixture *f = context;
    f->order_changes++;
    f->order_told = *order;
}

static void fixture_filled(void *context, const struct trade_fill *fill)
{
    (void)fill;
    ((struct fixture *)context)->fills_told++;
}

static void fixture_position_changed(void *context, const struct trade_position *position)
{
    struct fixture *f = context;
    f->position_changes++;
    f->position_told = *position;
}

static int fixture_on_alert(void *context, const struct tg_message *message)
{
    struct fixture *f = context;
    assert_string_equal(message->source, "trade");
    memcpy(&f->alerts[f->alert_count++ % 64], message->payload, sizeof(f->alerts[0]));
    return 0;
}

static int fixture_on_event(void *context, const struct tg_message *message)
{
    struct fixture *f = context;
    assert_string_equal(message->source, "trade");
    memcpy(&f->events[f->event_count++ % 64], message->payload, sizeof(f->events[0]));
    return 0;
}

/* ---- made and taken apart ---- */

/* Limits wide enough to be out of the way; a test narrows what it tests. */
static inline void fixture_options(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    f->now = T0;
    f->options = (struct trade_options){
        .installation = "test",
        .account_currency = "USDT",
        .starting_balance = dec("10000"),
        .venue = {fixture_submit, fixture_cancel, fixture_amend, f},
        .listener = {fixture_order_changed, fixture_filled, fixture_position_changed, f},
        .limits = {.position_size_max_pct = dec("100"),
                   .exposure_max_pct = dec("10000"),
                   .margin_utilization_max_pct = dec("100"),
                   .daily_loss_max_pct = dec("100"),
                   .weekly_loss_max_pct = dec("100"),
                   .drawdown_max_pct = dec("100"),
                   .price_collar_pct = dec("2"),
                   .leverage_max = 125,
                   .positions_per_symbol_max = 100,
                   .positions_max = 100,
                   .entry_orders_per_minute_max = 1024,
                   .entry_orders_per_day_max = 1000000}};
}

static inline void fixture_journal(struct fixture *f)
{
    f->options.journal = (struct trade_journal){fixture_journal_order, fixture_journal_fill,
                                                fixture_journal_position, f};
}

static inline void fixture_start(struct fixture *f)
{
    struct tg_error error = {0};
    f->clock.now_ns = f->now;
    struct bus_options bus = {.clock = tg_virtual_clock(&f->clock), .seed = 1};
    assert_int_equal(bus_create(&bus, &f->bus, &error), 0);
    f->options.bus = f->bus;
    if (trade_create(&f->options, &f->trade, &error) != 0)
        fail_msg("%s", error.message);
    const struct trade_symbol_options symbols[] = {{"BTC/USDT", dec("0.0001"), 2, 8},
                                                   {"XRP/USDT", dec("10"), 5, 0},
                                                   {"XRP/BTC", dec("10"), 8, 0}};
    assert_int_equal(trade_symbol_add(f->trade, &symbols[0], &f->btc, &error), 0);
    assert_int_equal(trade_symbol_add(f->trade, &symbols[1], &f->xrp, &error), 0);
    assert_int_equal(trade_symbol_add(f->trade, &symbols[2], &f->xrp_btc, &error), 0);
    assert_int_equal(
        bus_subscribe(f->bus, "alerts", TG_TOPIC_RISK_ALERTS, fixture_on_alert, NULL, f, &error),
        0);
    assert_int_equal(bus_subscribe(f->bus, "events", TG_TOPIC_EXECUTION_EVENTS, fixture_on_event,
                                   NULL, f, &error),
                     0);
}

static inline void fixture_stop(struct fixture *f)
{
    trade_destroy(f->trade);
    bus_destroy(f->bus);
}

/* ---- acts ---- */

static inline void pump(struct fixture *f)
{
    trade_pump(f->trade, f->now);
    (void)bus_pump(f->bus, 0);
}

static inline void step(struct fixture *f, int64_t ns)
{
    f->now += ns;
    f->clock.now_ns = f->now;
    trade_advance(f->trade, f->now);
    pump(f);
}

static inline void bar_full(struct fixture *f, uint32_t symbol, const char *open, const char *high,
                            const char *low, const char *close)
{
    struct tg_bar bar = {.open_time = f->now - TG_NS_PER_MIN,
                         .open = dec(open),
                         .high = dec(high),
                         .low = dec(low),
                         .close = dec(close),
                         .volume = dec("1000")};
    trade_bar(f->trade, symbol, &bar, f->now);
    pump(f);
}

static inline void price(struct fixture *f, uint32_t symbol, const char *text)
{
    bar_full(f, symbol, text, text, text, text);
}

static inline struct trade_entry entry_of(uint32_t symbol, uint8_t side, const char *size_usd,
                                          const char *key)
{
    return (struct trade_entry){.decision_id = {{1}},
                                .decision_key = key,
                                .symbol = symbol,
                                .side = side,
                                .regime = TG_REGIME_RANGING,
                                .leverage = 1,
                                .size_usd = dec(size_usd)};
}

static inline struct tg_uuid enter(struct fixture *f, const struct trade_entry *entry)
{
    struct tg_uuid id = {{0}};
    struct tg_error error = {0};
    if (trade_enter(f->trade, entry, f->now, &id, &error) != 0)
        fail_msg("refused: %s", error.message);
    pump(f);
    return id;
}

static inline const struct trade_order *order_of(struct fixture *f, struct tg_uuid id)
{
    const struct trade_order *order = trade_order_find(f->trade, &id);
    assert_non_null(order);
    return order;
}

static inline struct tg_execution_events event_of(struct fixture *f, struct tg_uuid id,
                                                  uint8_t type)
{
    struct tg_execution_events event = {.event_type = type, .order_id = id};
    const struct trade_order *order = order_of(f, id);
    (void)snprintf(event.symbol, sizeof(event.symbol), "%s",
                   trade_symbol(f->trade, order->symbol)->name);
    return event;
}

static inline struct tg_execution_events fill_event(struct fixture *f, struct tg_uuid id,
                                                    struct tg_decimal size,
                                                    struct tg_decimal fill_price,
                                                    struct tg_decimal fee)
{
    struct tg_execution_events event = event_of(f, id, TG_EXECUTION_FILL);
    event.side = order_of(f, id)->side;
    event.size = size;
    event.fill_price = fill_price;
    event.fee = fee;
    (void)snprintf(event.trade_id, sizeof(event.trade_id), "t-%u", ++f->next_trade_id);
    TG_SET(&event, EXECUTION_EVENTS, side);
    TG_SET(&event, EXECUTION_EVENTS, size);
    TG_SET(&event, EXECUTION_EVENTS, fill_price);
    TG_SET(&event, EXECUTION_EVENTS, fee);
    TG_SET(&event, EXECUTION_EVENTS, trade_id);
    return event;
}

/* What an event is answered; the pump is left to the test. */
static inline int deliver(struct fixture *f, const struct tg_execution_events *event)
{
    return trade_execution_event(f->trade, event, f->now, NULL);
}

static inline void say(struct fixture *f, struct tg_uuid id, uint8_t type)
{
    struct tg_execution_events event = event_of(f, id, type);
    assert_int_equal(deliver(f, &event), 0);
    pump(f);
}

static inline void accept(struct fixture *f, struct tg_uuid id)
{
    say(f, id, TG_EXECUTION_ACCEPTED);
}

static inline void fill(struct fixture *f, struct tg_uuid id, const char *size,
                        const char *fill_price, const char *fee)
{
    struct tg_execution_events event = fill_event(f, id, dec(size), dec(fill_price), dec(fee));
    assert_int_equal(deliver(f, &event), 0);
    pump(f);
}

/* The last order of that type that was sent for a position or entry; fails where there is none. */
static inline struct tg_order last_sent(struct fixture *f, uint8_t type)
{
    for (uint32_t i = f->sent_count; i > 0; i--)
        if (f->sent[i - 1].type == type)
            return f->sent[i - 1];
    fail_msg("no order of type %u was sent", type);
    return (struct tg_order){0};
}

static inline struct trade_portfolio portfolio(struct fixture *f)
{
    struct trade_portfolio result;
    struct tg_error error = {0};
    if (trade_portfolio(f->trade, f->now, &result, &error) != 0)
        fail_msg("%s", error.message);
    return result;
}

/* Opens a position by one whole fill, legs accepted: `stop` and `target` may be "0". */
static inline struct tg_uuid open_position(struct fixture *f, uint32_t symbol, uint8_t side,
                                           const char *size_usd, const char *at, const char *stop,
                                           const char *target, const char *key)
{
    price(f, symbol, at);
    struct trade_entry entry = entry_of(symbol, side, size_usd, key);
    entry.stop_loss = dec(stop);
    entry.take_profit = dec(target);
    struct tg_uuid id = enter(f, &entry);
    accept(f, id);
    uint32_t before = f->sent_count;
    struct tg_execution_events event =
        fill_event(f, id, order_of(f, id)->size, dec(at), tg_decimal_units(0));
    assert_int_equal(deliver(f, &event), 0);
    pump(f);
    for (uint32_t i = before; i < f->sent_count; i++)
        accept(f, f->sent[i].id);
    return id;
}

static inline uint32_t open_count(const struct fixture *f)
{
    uint32_t count = 0;
    while (trade_position_at(f->trade, count) != NULL)
        count++;
    return count;
}

/* How many alerts of that type came. */
static inline uint32_t alerts_of(const struct fixture *f, const char *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < f->alert_count && i < 64; i++)
        count += strcmp(f->alerts[i].alert_type, type) == 0;
    return count;
}

#endif
