/*
 * A coordinator between a real bus and a real account, with a judge, a market, a store and a venue
 * that say what the test tells them to and remember what they were asked. The clock stands still
 * but for the time that the judge is told to take.
 */
#ifndef TEST_COORD_FIXTURE_H
#define TEST_COORD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"
#include "base/text.h"
#include "base/uuid.h"
#include "coord/coord.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MONDAY        (INT64_C(1641772800) * TG_NS_PER_SEC) /* 2022-01-10T00:00:00Z */
#define DECISIONS_MAX 600u
#define NOTED_MAX     64u

struct noted {
    uint8_t priority;
    struct tg_system_events record;
};

struct world {
    struct tg_virtual_clock time;
    struct bus *bus;
    struct trade *trade;
    struct coord *coord;
    struct coord_options options;
    struct tg_error error;
    uint32_t btc, xrp;

    /* the judge */
    const char *version; /* NULL: some */
    int consensus_code, conflicts_code, override_code, sizing_code, risk_code;
    char policy_sentence[TG_ERROR_MESSAGE_SIZE];
    struct coord_consensus_verdict consensus;
    struct coord_conflict_verdict conflicts, override;
    struct coord_sizing_verdict sizing;
    struct coord_risk_verdict risk;
    bool risk_set; /* else: approves what it is asked */
    struct coord_consensus_case consensus_asked;
    struct coord_conflict_case conflicts_asked, override_asked;
    struct coord_sizing_case sizing_asked;
    struct coord_risk_case risk_asked;
    uint32_t consensus_calls, conflicts_calls, sizing_calls, risk_calls;
    enum coord_step slow_step; /* takes slow_ns */
    int64_t slow_ns;

    /* the market, the store, the venue */
    bool stale;
    int store_code;
    struct coord_decision decisions[DECISIONS_MAX];
    uint32_t decision_count;
    struct coord_transition transitions[NOTED_MAX];
    uint32_t transition_count;
    int venue_code;
    struct tg_order sent[NOTED_MAX];
    uint32_t sent_count;
    uint32_t next_trade_id;

    struct noted events[NOTED_MAX];
    uint32_t event_count;
    struct tg_risk_alerts alerts[DECISIONS_MAX];
    uint32_t alert_count;
};

static inline struct tg_decimal dec(const char *text)
{
    struct tg_decimal value;
    assert_int_equal(tg_decimal_parse(text, strlen(text), &value), 0);
    return value;
}

/* ---- the judge ---- */

static inline int judged(struct world *w, enum coord_step step, int code, struct tg_error *error)
{
    if (w->slow_ns > 0 && w->slow_step == step)
        w->time.now_ns += w->slow_ns;
    return code == 0 ? 0 : TG_FAIL(error, FAILED, "%s", w->policy_sentence);
}

static int fake_consensus(void *context, const struct coord_consensus_case *given,
                          struct coord_consensus_verdict *verdict, struct tg_error *error)
{
    struct world *w = context;
    w->consensus_calls++;
    w->consensus_asked = *given;
    *verdict = w->consensus;
    if (verdict->multiplier == 0.0)
        *verdict =
            (struct coord_consensus_verdict){.multiplier = 1.0, .confidence = given->confidence};
    return judged(w, COORD_STEP_CONSENSUS, w->consensus_code, error);
}

static int fake_conflicts(void *context, const struct coord_conflict_case *given,
                          struct coord_conflict_verdict *verdict, struct tg_error *error)
{
    struct world *w = context;
    w->conflicts_calls++;
    *(given->after_risk ? &w->override_asked : &w->conflicts_asked) = *given;
    *verdict = given->after_risk ? w->override : w->conflicts;
    return judged(w, given->after_risk ? COORD_STEP_OVERRIDE : COORD_STEP_CONFLICTS,
                  given->after_risk ? w->override_code : w->conflicts_code, error);
}

static int fake_sizing(void *context, const struct coord_sizing_case *given,
                       struct coord_sizing_verdict *verdict, struct tg_error *error)
{
    struct world *w = context;
    w->sizing_calls++;
    w->sizing_asked = *given;
    *verdict = w->sizing;
    return judged(w, COORD_STEP_SIZING, w->sizing_code, error);
}

static int fake_risk(void *context, const struct coord_risk_case *given,
                     struct coord_risk_verdict *verdict, struct tg_error *error)
{
    struct world *w = context;
    w->risk_calls++;
    w->risk_asked = *given;
    if (w->risk_set)
        *verdict = w->risk;
    else
        *verdict = (struct coord_risk_verdict){.status = COORD_RISK_APPROVED,
                                               .size_usd = given->size_usd,
                                               .leverage = (int64_t)given->leverage};
    return judged(w, COORD_STEP_RISK, w->risk_code, error);
}

static const char *fake_version(void *context)
{
    const struct world *w = context;
    return w->version != NULL ? w->version : "0123456789abcdef";
}

/* ---- market, store, venue, listener ---- */

static bool fake_price(void *context, const char *symbol, int64_t now, struct tg_decimal *price)
{
    struct world *w = context;
    (void)now;
    *price = dec(strcmp(symbol, "BTC/USDT") == 0 ? "40000" : "0.8");
    if (w->slow_ns > 0 && w->slow_step == COORD_STEP_CONTEXT)
        w->time.now_ns += w->slow_ns;
    return !w->stale;
}

static int fake_keep_decision(void *context, const struct coord_decision *decision,
                              struct tg_error *error)
{
    struct world *w = context;
    assert_true(w->decision_count < DECISIONS_MAX);
    w->decisions[w->decision_count++] = *decision;
    return w->store_code == 0 ? 0 : TG_FAIL(error, IO, "%s", "the disk is full");
}

static int fake_keep_transition(void *context, const struct coord_transition *transition,
                                struct tg_error *error)
{
    struct world *w = context;
    if (w->store_code != 0)
        return TG_FAIL(error, IO, "%s", "the disk is full");
    assert_true(w->transition_count < NOTED_MAX);
    w->transitions[w->transition_count++] = *transition;
    return 0;
}

static int fake_submit(void *context, const struct tg_order *order, struct tg_error *error)
{
    struct world *w = context;
    assert_true(w->sent_count < NOTED_MAX);
    w->sent[w->sent_count++] = *order;
    if (w->slow_ns > 0 && w->slow_step == COORD_STEP_ORDER)
        w->time.now_ns += w->slow_ns;
    return w->venue_code == 0
               ? 0
               : tg_error_set(error, w->venue_code, __FILE__, __LINE__, __func__, "no connection");
}

static int fake_cancel(void *context, const struct tg_uuid *id, struct tg_error *error)
{
    (void)context;
    (void)id;
    (void)error;
    return 0;
}

static int fake_amend(void *context, const struct tg_uuid *id, struct tg_decimal size,
                      struct tg_decimal price, struct tg_error *error)
{
    (void)context;
    (void)id;
    (void)size;
    (void)price;
    (void)error;
    return 0;
}

static void fake_order_changed(void *context, const struct trade_order *order)
{
    struct world *w = context;
    if (w->coord != NULL)
        coord_order_changed(w->coord, order);
}

static void fake_position_changed(void *context, const struct trade_position *position)
{
    struct world *w = context;
    if (w->coord != NULL)
        coord_position_changed(w->coord, position);
}

static int note_event(void *context, const struct tg_message *message)
{
    struct world *w = context;
    assert_string_equal(message->source, "coordinator");
    assert_true(w->event_count < NOTED_MAX);
    struct noted *noted = &w->events[w->event_count++];
    noted->priority = message->priority;
    memcpy(&noted->record, message->payload, sizeof(noted->record));
    return 0;
}

static int note_alert(void *context, const struct tg_message *message)
{
    struct world *w = context;
    assert_true(w->alert_count < DECISIONS_MAX);
    memcpy(&w->alerts[w->alert_count++], message->payload, sizeof(w->alerts[0]));
    return 0;
}

/* ---- made and taken apart ---- */

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->time.now_ns = MONDAY;
    w->sizing.size_usd = 1000.0;
    (void)snprintf(w->policy_sentence, sizeof(w->policy_sentence), "risk.lua:14: nil value");
    w->options = (struct coord_options){
        .judge = {.consensus = fake_consensus,
                  .conflicts = fake_conflicts,
                  .sizing = fake_sizing,
                  .risk = fake_risk,
                  .version = fake_version,
                  .context = w},
        .market = {fake_price, w},
        .store = {.decision = fake_keep_decision, .transition = fake_keep_transition, .context = w},
        .decision_deadline_ns = 45 * TG_NS_PER_SEC,
        .ta_age_max_ns = 120 * TG_NS_PER_SEC,
        .regime_age_max_ns = 600 * TG_NS_PER_SEC,
        .sentiment_age_max_ns = 3600 * TG_NS_PER_SEC};
    return w;
}

static inline void world_account(struct world *w)
{
    struct trade_options options = {
        .bus = w->bus,
        .installation = "test",
        .account_currency = "USDT",
        .cooldown_ns = {[TRADE_COOLDOWN_POST_REBALANCE] = 30 * TG_NS_PER_MIN},
        .starting_balance = dec("10000"),
        .venue = {fake_submit, fake_cancel, fake_amend, w},
        .listener = {.order_changed = fake_order_changed,
                     .position_changed = fake_position_changed,
                     .context = w},
        .limits = {.position_size_max_pct = dec("50"),
                   .exposure_max_pct = dec("1000"),
                   .margin_utilization_max_pct = dec("100"),
                   .daily_loss_max_pct = dec("100"),
                   .weekly_loss_max_pct = dec("100"),
                   .drawdown_max_pct = dec("20"),
                   .price_collar_pct = dec("2"),
                   .leverage_max = 5,
                   .positions_per_symbol_max = 8,
                   .positions_max = 16,
                   .entry_orders_per_minute_max = 100,
                   .entry_orders_per_day_max = 1000}};
    const struct trade_symbol_options symbols[] = {{"BTC/USDT", dec("0.0001"), 2, 8},
                                                   {"XRP/USDT", dec("10"), 5, 0}};
    if (trade_create(&options, &w->trade, &w->error) != 0)
        fail_msg("%s", w->error.message);
    assert_int_equal(trade_symbol_add(w->trade, &symbols[0], &w->btc, &w->error), 0);
    assert_int_equal(trade_symbol_add(w->trade, &symbols[1], &w->xrp, &w->error), 0);
}

static inline void world_price(struct world *w, uint32_t symbol, const char *text);

static inline void world_start(struct world *w)
{
    struct bus_options bus = {.clock = tg_virtual_clock(&w->time), .seed = 3};
    assert_int_equal(bus_create(&bus, &w->bus, &w->error), 0);
    world_account(w);
    w->options.bus = w->bus;
    w->options.trade = w->trade;
    w->options.clock = tg_virtual_clock(&w->time);
    if (coord_create(&w->options, &w->coord, &w->error) != 0)
        fail_msg("%s", w->error.message);
    assert_int_equal(
        bus_subscribe(w->bus, "watch", TG_TOPIC_SYSTEM_EVENTS, note_event, NULL, w, &w->error), 0);
    assert_int_equal(
        bus_subscribe(w->bus, "watch", TG_TOPIC_RISK_ALERTS, note_alert, NULL, w, &w->error), 0);
    world_price(w, w->btc, "40000");
    world_price(w, w->xrp, "0.8");
}

static inline struct world *world_open(void)
{
    struct world *w = world_new();
    world_start(w);
    return w;
}

static inline void world_close(struct world *w)
{
    coord_destroy(w->coord);
    w->coord = NULL;
    trade_destroy(w->trade);
    bus_destroy(w->bus);
    free(w);
}

/* ---- acts ---- */

static inline void world_settle(struct world *w)
{
    do {
        (void)bus_pump(w->bus, 0);
        trade_pump(w->trade, w->time.now_ns);
    } while (coord_pump(w->coord) || bus_has_work(w->bus));
}

static inline void world_pass(struct world *w, int64_t ns)
{
    w->time.now_ns += ns;
    trade_advance(w->trade, w->time.now_ns);
    coord_advance(w->coord);
    world_settle(w);
}

static inline void world_price(struct world *w, uint32_t symbol, const char *text)
{
    struct tg_bar bar = {.open_time = w->time.now_ns - TG_NS_PER_MIN,
                         .open = dec(text),
                         .high = dec(text),
                         .low = dec(text),
                         .close = dec(text),
                         .volume = dec("1000")};
    trade_bar(w->trade, symbol, &bar, w->time.now_ns);
    world_settle(w);
}

static inline struct tg_uuid world_publish(struct world *w, const char *source, uint16_t topic,
                                           const void *record, uint32_t size)
{
    struct tg_uuid id = {{0}};
    struct bus_draft draft = {.topic = topic,
                              .source = bus_source(w->bus, source, &w->error),
                              .payload = record,
                              .payload_size = size};
    if (bus_publish(w->bus, &draft, &id, &w->error) != 0)
        fail_msg("%s", w->error.message);
    return id;
}

static inline struct tg_trading_signals signal_of(const char *symbol, uint8_t action)
{
    struct tg_trading_signals signal = {.action = action, .confidence = 0.7};
    bool btc = strcmp(symbol, "BTC/USDT") == 0;
    (void)tg_text_copy(signal.symbol, sizeof(signal.symbol), symbol);
    if (action != TG_ACTION_BUY && action != TG_ACTION_SELL)
        return signal;
    bool buy = action == TG_ACTION_BUY;
    signal.entry_price = dec(btc ? "40000" : "0.8");
    signal.stop_loss = btc ? dec(buy ? "39200" : "40800") : dec(buy ? "0.78" : "0.82");
    signal.take_profit = btc ? dec(buy ? "42000" : "38000") : dec(buy ? "0.85" : "0.75");
    signal.leverage = 2;
    TG_SET(&signal, TRADING_SIGNALS, entry_price);
    TG_SET(&signal, TRADING_SIGNALS, stop_loss);
    TG_SET(&signal, TRADING_SIGNALS, take_profit);
    TG_SET(&signal, TRADING_SIGNALS, leverage);
    return signal;
}

static inline struct tg_uuid world_signal(struct world *w, const char *symbol, uint8_t action)
{
    struct tg_trading_signals signal = signal_of(symbol, action);
    return world_publish(w, "trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal, sizeof(signal));
}

static inline void world_ta(struct world *w, const char *symbol, uint8_t bias, double confidence)
{
    struct tg_ta_signals record = {.bias = bias, .confidence = confidence};
    (void)tg_text_copy(record.symbol, sizeof(record.symbol), symbol);
    (void)world_publish(w, "technical_analysis", TG_TOPIC_TA_SIGNALS, &record, sizeof(record));
}

static inline void world_regime(struct world *w, const char *symbol, uint8_t regime)
{
    struct tg_regime_updates record = {.regime = regime,
                                       .confidence = 0.6,
                                       .position_size_multiplier = 0.5,
                                       .entry_strictness = TG_STRICTNESS_STRICT};
    (void)tg_text_copy(record.symbol, sizeof(record.symbol), symbol);
    (void)world_publish(w, "regime_detection", TG_TOPIC_REGIME_UPDATES, &record, sizeof(record));
}

static inline void world_sentiment(struct world *w, const char *symbol, uint8_t bias)
{
    struct tg_sentiment_updates record = {.bias = bias, .confidence = 0.4};
    (void)tg_text_copy(record.symbol, sizeof(record.symbol), symbol);
    (void)world_publish(w, "sentiment_analysis", TG_TOPIC_SENTIMENT_UPDATES, &record,
                        sizeof(record));
}

/* The venue's word on the order that was sent last. */
static inline void world_venue(struct world *w, uint8_t type)
{
    assert_true(w->sent_count > 0);
    const struct tg_order *order = &w->sent[w->sent_count - 1];
    struct tg_execution_events event = {.event_type = type, .order_id = order->id};
    memcpy(event.symbol, order->symbol, sizeof(event.symbol));
    if (type == TG_EXECUTION_FILL) {
        event.side = order->side;
        event.size = order->size;
        event.fill_price = dec(strcmp(order->symbol, "BTC/USDT") == 0 ? "40000" : "0.8");
        (void)snprintf(event.trade_id, sizeof(event.trade_id), "t-%u", ++w->next_trade_id);
        TG_SET(&event, EXECUTION_EVENTS, side);
        TG_SET(&event, EXECUTION_EVENTS, size);
        TG_SET(&event, EXECUTION_EVENTS, fill_price);
        TG_SET(&event, EXECUTION_EVENTS, fee);
        TG_SET(&event, EXECUTION_EVENTS, trade_id);
    }
    assert_int_equal(trade_execution_event(w->trade, &event, w->time.now_ns, &w->error), 0);
    world_settle(w);
}

/* An open position: signal, order, whole fill. */
static inline void world_open_position(struct world *w, const char *symbol, uint8_t action)
{
    struct tg_uuid id = world_signal(w, symbol, action);
    (void)id;
    world_settle(w);
    world_venue(w, TG_EXECUTION_ACCEPTED);
    uint32_t entry = w->sent_count;
    world_venue(w, TG_EXECUTION_FILL);
    /* the legs that protect it are accepted too */
    for (uint32_t i = entry; i < w->sent_count; i++) {
        struct tg_execution_events event = {.event_type = TG_EXECUTION_ACCEPTED,
                                            .order_id = w->sent[i].id};
        memcpy(event.symbol, w->sent[i].symbol, sizeof(event.symbol));
        assert_int_equal(trade_execution_event(w->trade, &event, w->time.now_ns, NULL), 0);
    }
    world_settle(w);
}

static inline const struct coord_decision *last_decision(const struct world *w)
{
    assert_true(w->decision_count > 0);
    return &w->decisions[w->decision_count - 1];
}

/* One more decision has ended, and so. */
static inline const struct coord_decision *
expect_outcome(const struct world *w, uint32_t count, enum coord_outcome outcome, const char *code)
{
    assert_int_equal(w->decision_count, count);
    const struct coord_decision *decision = last_decision(w);
    if (decision->outcome != outcome)
        fail_msg("%s: %s", coord_outcome_text(decision->outcome), decision->reason);
    assert_string_equal(decision->code, code);
    assert_true(decision->reason[0] != '\0');
    return decision;
}

/* Every signal is a decision, an open one, a duplicate or refused; every decision one outcome. */
static inline void assert_adds_up(const struct world *w)
{
    struct coord_counters counters;
    uint64_t sum = 0;
    coord_get_counters(w->coord, &counters);
    for (int i = 0; i < COORD_OUTCOME_COUNT; i++)
        sum += counters.outcomes[i];
    assert_int_equal(sum, counters.decisions);
    assert_int_equal(counters.outcomes[COORD_OUTCOME_NONE], 0);
    assert_int_equal(counters.decisions, w->decision_count);
    assert_int_equal(counters.signals, counters.decisions + coord_decisions_open(w->coord) +
                                           counters.duplicates + counters.refused);
}

static inline uint32_t alerts_of(const struct world *w, const char *type)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->alert_count; i++)
        count += strcmp(w->alerts[i].alert_type, type) == 0;
    return count;
}

/* The newest announcement of that kind; fails where there is none. */
static inline const struct noted *event_of(const struct world *w, const char *event)
{
    for (uint32_t i = w->event_count; i > 0; i--)
        if (strcmp(w->events[i - 1].record.event, event) == 0)
            return &w->events[i - 1];
    fail_msg("nothing announced %s", event);
    return NULL;
}

static inline uint32_t events_of(const struct world *w, const char *event)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->event_count; i++)
        count += strcmp(w->events[i].record.event, event) == 0;
    return count;
}

/* An alert as trade raises it, with a breach. */
static inline void world_breach(struct world *w, enum tg_breach breach, uint8_t severity,
                                const char *symbol)
{
    struct tg_risk_alerts alert = {.severity = severity, .breach_type = (uint8_t)breach};
    (void)tg_text_copy(alert.alert_type, sizeof(alert.alert_type), "circuit_breaker");
    (void)tg_text_copy(alert.message, sizeof(alert.message), "the limit was met");
    TG_SET(&alert, RISK_ALERTS, breach_type);
    if (symbol != NULL) {
        (void)tg_text_copy(alert.symbol, sizeof(alert.symbol), symbol);
        TG_SET(&alert, RISK_ALERTS, symbol);
    }
    (void)world_publish(w, "trade", TG_TOPIC_RISK_ALERTS, &alert, sizeof(alert));
    world_settle(w);
}

#endif
