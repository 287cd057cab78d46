/*
 * Each topic has who publishes it and who reads it, in the host as it is wired: what goes in at one
 * end is seen to act at the other. Agents that this build does not have are stood in for by a
 * message in their name.
 */
#include "app_fixture.h"

/* One host for all: half a day of made-up bars with every agent, then one subject after another. */
static struct stage stage;

static struct bus_topic_stats topic(uint16_t number)
{
    struct bus_topic_stats stats;
    assert_true(bus_get_topic_stats(stage.host->bus, number, &stats));
    return stats;
}

static int setup(void **state)
{
    (void)state;
    stage_open(&stage, "config/demo.yaml", NULL, NULL);
    stage_pass(&stage, 12 * TG_NS_PER_HOUR + 5 * TG_NS_PER_MIN);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    stage_close(&stage);
    return 0;
}

static void say(const char *source, uint16_t number, const void *record, uint32_t size)
{
    struct bus_draft draft = {.topic = number,
                              .source = bus_source(stage.host->bus, source, NULL),
                              .payload = record,
                              .payload_size = size};
    if (bus_publish(stage.host->bus, &draft, NULL, &stage.error) != 0)
        fail_msg("%s", stage.error.message);
    host_settle(stage.host);
}

static struct coord_counters counted(void)
{
    struct coord_counters counters;
    coord_get_counters(stage.host->coord, &counters);
    return counters;
}

/* The newest message; its source must be that. */
static struct tg_message newest(uint16_t number, const char *source)
{
    struct tg_message message = {0};
    assert_true(bus_get_latest(stage.host->bus, number, NULL, 0, 0, &message));
    assert_string_equal(message.source, source);
    return message;
}

static const char *last_decision(void)
{
    size_t count = store_decision_count(stage.host->store);
    assert_true(count > 0);
    return store_decision_at(stage.host->store, count - 1);
}

/* An entry as the agent proposes it; its decision as JSON. */
static const char *propose(void)
{
    struct tg_trading_signals signal = {
        .symbol = "BTC/USDT", .action = TG_ACTION_BUY, .confidence = 0.95, .leverage = 1};
    struct tg_decimal price = trade_last_price(stage.host->trade, 0);
    bool overflow = false;
    signal.entry_price = price;
    signal.stop_loss = tg_decimal_scale(price, tg_decimal_whole(98), tg_decimal_whole(100),
                                        TG_ROUND_DOWN, &overflow);
    signal.take_profit = tg_decimal_scale(price, tg_decimal_whole(106), tg_decimal_whole(100),
                                          TG_ROUND_DOWN, &overflow);
    TG_SET(&signal, TRADING_SIGNALS, entry_price);
    TG_SET(&signal, TRADING_SIGNALS, stop_loss);
    TG_SET(&signal, TRADING_SIGNALS, take_profit);
    TG_SET(&signal, TRADING_SIGNALS, leverage);
    uint64_t before = counted().decisions;
    say("trading_decision", TG_TOPIC_TRADING_SIGNALS, &signal, sizeof(signal));
    for (int i = 0; i < 3 && counted().decisions == before; i++)
        assert_true(stage_moment(&stage));
    assert_int_equal(counted().decisions, before + 1);
    return last_decision();
}

/* Feeds; the venue fills by it, the market makes longer bars of it. */
static void market_data(void **state)
{
    (void)state;
    struct bus_subscriber_stats venue;
    assert_true(topic(TG_TOPIC_MARKET_DATA).published > 2 * 12 * 60);
    assert_true(bus_get_subscriber_stats(stage.host->bus, "venue", &venue));
    assert_true(venue.delivered > 2 * 12 * 60);
    assert_int_equal(venue.failed, 0);
}

/* technical_analysis and regime_detection; both count in a decision. */
static void ta_signals_and_regime_updates(void **state)
{
    (void)state;
    (void)newest(TG_TOPIC_TA_SIGNALS, "technical_analysis");
    (void)newest(TG_TOPIC_REGIME_UPDATES, "regime_detection");
    const char *decision = propose();
    assert_non_null(strstr(decision, "\"ta_bias\":"));
    assert_non_null(strstr(decision, "\"regime_confidence\":"));
    assert_null(strstr(decision, "\"sentiment\":"));
}

static void sentiment_updates(void **state)
{
    (void)state;
    struct tg_sentiment_updates record = {
        .symbol = "BTC/USDT", .bias = TG_SENTIMENT_BEARISH, .confidence = 0.5};
    say("sentiment_analysis", TG_TOPIC_SENTIMENT_UPDATES, &record, sizeof(record));
    assert_non_null(strstr(propose(), "\"sentiment\":\"bearish\""));
}

/* trading_decision, once an hour for each symbol; every one of them is decided. */
static void trading_signals(void **state)
{
    (void)state;
    (void)newest(TG_TOPIC_TRADING_SIGNALS, "trading_decision");
    struct coord_counters counters = counted();
    assert_true(counters.signals >= 2 * 11);
    assert_int_equal(counters.signals, topic(TG_TOPIC_TRADING_SIGNALS).published);
    assert_int_equal(counters.signals, counters.decisions + counters.duplicates + counters.refused);
}

/* The venue answers orders; trade makes positions of fills, and tells of positions in turn. */
static void execution_events(void **state)
{
    (void)state;
    struct bus_subscriber_stats trade;
    struct trade_entry entry = {.decision_key = "test/BTC/USDT/1",
                                .symbol = 0,
                                .side = TG_SIDE_BUY,
                                .leverage = 1,
                                .size_usd = tg_decimal_whole(500)};
    stage_pass(&stage, 2 * TG_NS_PER_MIN); /* what is on its way has come to its end */
    uint32_t before = stage_portfolio(&stage).positions_open;
    uint64_t said = topic(TG_TOPIC_EXECUTION_EVENTS).published;
    if (trade_enter(stage.host->trade, &entry, stage.time.now_ns, NULL, &stage.error) != 0)
        fail_msg("%s", stage.error.message);
    host_settle(stage.host);
    stage_pass(&stage, 2 * TG_NS_PER_MIN);
    assert_int_equal(stage_portfolio(&stage).positions_open, before + 1);
    (void)newest(TG_TOPIC_EXECUTION_EVENTS, "trade"); /* the position */
    struct tg_message answer;
    assert_true(bus_get_latest(stage.host->bus, TG_TOPIC_EXECUTION_EVENTS, NULL,
                               bus_source(stage.host->bus, "venue", NULL), 0, &answer));
    assert_true(topic(TG_TOPIC_EXECUTION_EVENTS).published >= said + 3);
    assert_true(bus_get_subscriber_stats(stage.host->bus, "trade", &trade));
    assert_true(trade.delivered >= 3);
}

/* The coordinator makes trades of what portfolio_rebalance says. */
static void portfolio_updates(void **state)
{
    (void)state;
    struct tg_portfolio_updates record = {.action = TG_REBALANCE_REBALANCE};
    (void)tg_text_copy(record.current_allocation, sizeof(record.current_allocation), "{}");
    (void)tg_text_copy(record.trades, sizeof(record.trades),
                       "[{\"symbol\":\"BTC/USDT\",\"side\":\"buy\",\"size_usd\":\"300\"}]");
    uint64_t decided = counted().decisions;
    say("portfolio_rebalance", TG_TOPIC_PORTFOLIO_UPDATES, &record, sizeof(record));
    assert_int_equal(counted().rebalances, 1);
    stage_pass(&stage, 3 * TG_NS_PER_MIN);
    assert_true(counted().decisions > decided);
}

static void take_reply(void *context, int code, const struct tg_message *reply)
{
    uint32_t *replies = context;
    assert_int_equal(code, 0);
    const struct tg_system_events *event = reply->payload;
    assert_int_equal(reply->topic, TG_TOPIC_SYSTEM_EVENTS);
    assert_string_equal(reply->source, "coordinator");
    assert_string_equal(event->event, "command_done");
    assert_string_equal(event->actor, "control");
    (*replies)++;
}

static void command(const char *name, const char *params)
{
    struct tg_coordinator_commands record = {0};
    uint32_t replies = 0;
    struct bus_draft draft = {.topic = TG_TOPIC_COORDINATOR_COMMANDS,
                              .source = bus_source(stage.host->bus, "control", NULL),
                              .priority = TG_PRIORITY_URGENT,
                              .payload = &record,
                              .payload_size = sizeof(record)};
    (void)tg_text_copy(record.command, sizeof(record.command), name);
    (void)tg_text_copy(record.params, sizeof(record.params), params);
    assert_int_equal(bus_request(stage.host->bus, &draft, stage.time.now_ns + TG_NS_PER_SEC,
                                 take_reply, &replies, NULL, &stage.error),
                     0);
    host_settle(stage.host);
    assert_int_equal(replies, 1);
}

/* Control asks, the coordinator acts, and who asked reads the answer. */
static void coordinator_commands_and_system_events(void **state)
{
    (void)state;
    struct sched_task_view before, after;
    command("pause", "{}");
    assert_int_equal(coord_get_state(stage.host->coord), COORD_PAUSED);
    command("resume", "{}");
    uint32_t task = (uint32_t)sched_task_find(stage.host->sched, "regime_detection");
    sched_view(stage.host->sched, task, 0, &before);
    command("run_task", "{\"task\":\"regime_detection\",\"symbol\":\"BTC/USDT\"}");
    host_run_due(stage.host);
    sched_view(stage.host->sched, task, 0, &after);
    assert_int_equal(after.started, before.started + 1);
    command("disable_task", "{\"task\":\"trading_decision\"}");
    uint64_t signals = counted().signals;
    stage_pass(&stage, TG_NS_PER_HOUR);
    assert_int_equal(counted().signals, signals);
    assert_true(topic(TG_TOPIC_SYSTEM_EVENTS).published > 0);
}

/* Trade finds the loss, publishes the breaker, and the coordinator hears it. */
static void risk_alerts(void **state)
{
    (void)state;
    struct tg_decimal price = trade_last_price(stage.host->trade, 1);
    struct tg_bar bar = {.open_time = stage.time.now_ns - TG_NS_PER_MIN,
                         .open = tg_decimal_units(price.units / 100),
                         .high = tg_decimal_units(price.units / 100),
                         .low = tg_decimal_units(price.units / 100),
                         .close = tg_decimal_units(price.units / 100),
                         .volume = tg_decimal_whole(1)};
    struct trade_entry entry = {.decision_key = "test/XRP/USDT/1",
                                .symbol = 1,
                                .side = TG_SIDE_BUY,
                                .leverage = 1,
                                .size_usd = tg_decimal_whole(1900)};
    assert_int_equal(coord_get_state(stage.host->coord), COORD_RUNNING);
    if (trade_enter(stage.host->trade, &entry, stage.time.now_ns, NULL, &stage.error) != 0)
        fail_msg("%s", stage.error.message);
    host_settle(stage.host);
    stage_pass(&stage, 2 * TG_NS_PER_MIN);
    trade_bar(stage.host->trade, 1, &bar, stage.time.now_ns);
    host_settle(stage.host);
    struct tg_message alert = newest(TG_TOPIC_RISK_ALERTS, "trade");
    assert_string_equal(((const struct tg_risk_alerts *)alert.payload)->alert_type,
                        "circuit_breaker");
    assert_true(coord_get_state(stage.host->coord) >= COORD_PAUSED);
    assert_string_equal(coord_last_transition(stage.host->coord)->actor, "circuit_breaker");
    /* each of the ten has been spoken on, and nothing of it has failed */
    for (uint16_t i = 1; i < TG_TOPIC_COUNT; i++) {
        assert_true(topic(i).published > 0);
        assert_int_equal(topic(i).failed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(market_data),
        cmocka_unit_test(ta_signals_and_regime_updates),
        cmocka_unit_test(sentiment_updates),
        cmocka_unit_test(trading_signals),
        cmocka_unit_test(execution_events),
        cmocka_unit_test(portfolio_updates),
        cmocka_unit_test(coordinator_commands_and_system_events),
        cmocka_unit_test(risk_alerts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
