/* The paper venue: fills at prices that come after the order, the worst case within one bar, reduce
 * only, exact fees, and a refusal for everything it cannot price. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fake_host.h"

#define MINUTE INT64_C(60000000000)
#define T0     INT64_C(1641772800000000000)

static struct fake_host host;
static const struct tg_plugin *plugin;
static void *venue;
static struct tg_failure failure;
static uint8_t next_id;

static void start(const char *const *words)
{
    fake_host_init(&host, "paper", "");
    host.now = T0;
    plugin = fake_plugin_load("paper");
    venue = fake_instance_create(plugin, &host, ".", words);
    failure = (struct tg_failure){.size = sizeof(failure)};
    next_id = 0;
}

static int setup(void **state)
{
    (void)state;
    start((const char *const[]){NULL});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    plugin->destroy(venue);
    fake_host_fini(&host);
    return 0;
}

static struct tg_decimal money(double value)
{
    return (struct tg_decimal){(int64_t)(value * 1e8 + (value < 0 ? -0.5 : 0.5))};
}

/* A bar that opens at T0 + minute and closes a minute later, which is when it is seen. */
static void bar_of(const char *symbol, uint8_t timeframe, int64_t minute, double open, double high,
                   double low, double close, double volume)
{
    struct tg_market_data record = {.timeframe = timeframe,
                                    .open = money(open),
                                    .high = money(high),
                                    .low = money(low),
                                    .close = money(close),
                                    .volume = money(volume),
                                    .closed = 1,
                                    .open_time = T0 + minute * MINUTE};
    (void)snprintf(record.symbol, sizeof(record.symbol), "%s", symbol);
    TG_SET(&record, MARKET_DATA, open_time);
    int64_t length = timeframe == TG_TIMEFRAME_5M ? 5 : 1;
    host.now = T0 + (minute + length) * MINUTE;
    struct tg_message message = {.size = sizeof(message),
                                 .topic = TG_TOPIC_MARKET_DATA,
                                 .timestamp = host.now,
                                 .payload_size = sizeof(record),
                                 .payload = &record,
                                 .source = "market"};
    assert_int_equal(plugin->on_message(venue, &message, &failure), 0);
}

static void bar(int64_t minute, double open, double high, double low, double close)
{
    bar_of("BTC/USDT", TG_TIMEFRAME_1M, minute, open, high, low, close, 100);
}

static struct tg_order order_of(uint8_t type, uint8_t side, double size, double at)
{
    struct tg_order order = {.size_of = sizeof(order),
                             .type = type,
                             .side = side,
                             .reduce_only = type == TG_ORDER_TYPE_STOP_LOSS ||
                                            type == TG_ORDER_TYPE_TAKE_PROFIT,
                             .id = {{++next_id}},
                             .symbol = "BTC/USDT",
                             .size = money(size),
                             .price = money(at),
                             .leverage = 1,
                             .deadline = host.now + 2 * INT64_C(1000000000)};
    return order;
}

static struct tg_uuid send(uint8_t type, uint8_t side, double size, double at)
{
    struct tg_order order = order_of(type, side, size, at);
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    return order.id;
}

static const struct tg_execution_events *event(size_t index)
{
    assert_true(index < host.published_count);
    assert_int_equal(host.published[index].topic, TG_TOPIC_EXECUTION_EVENTS);
    return (const void *)host.published[index].record;
}

static const struct tg_execution_events *last_event(void)
{
    return event(host.published_count - 1);
}

static void expect_fill(size_t index, double size, double at)
{
    const struct tg_execution_events *fill = event(index);
    assert_int_equal(fill->event_type, TG_EXECUTION_FILL);
    assert_int_equal(fill->size.units, money(size).units);
    assert_int_equal(fill->fill_price.units, money(at).units);
}

/* A position of `size`; the events are forgotten. Leaves the time at the end of minute 1. */
static void hold(uint8_t side, double size)
{
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, side, size, 0);
    bar(0, 100, 100, 100, 100);
    bar(1, 100, 100, 100, 100);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_FILL);
    host.published_count = 0;
}

static void test_descriptor(void **state)
{
    (void)state;
    fake_plugin_check(plugin);
    assert_int_equal(plugin->kind, TG_KIND_VENUE);
    assert_true((plugin->capabilities & TG_CAPABILITY_CORE_SAFE) != 0);
}

static void test_configuration_is_bounded(void **state)
{
    (void)state;
    struct fake_config config;
    const char *const bad[][2] = {{"fee_pct=-0.1", NULL},
                                  {"slippage_pct=11", NULL},
                                  {"latency_ms=60001", NULL},
                                  {"partial_fill_volume_pct=101", NULL},
                                  {"unknown=1", NULL}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_not_equal(fake_config_init(&config, plugin, ".", bad[i]), 0);
}

/* The bar that closes at the order's moment, and the one that opens within the latency, are seen
 * already or nearly so: neither fills. */
static void test_market_order_has_no_look_ahead(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 2, 0);
    assert_int_equal(event(0)->event_type, TG_EXECUTION_ACCEPTED);
    bar(-1, 100, 100, 100, 100); /* again: nothing */
    bar(0, 101, 101, 101, 101);  /* opened 100 ms before the order was there */
    assert_int_equal(host.published_count, 1);
    bar(1, 200, 210, 190, 205);
    assert_int_equal(host.published_count, 2);
    expect_fill(1, 2, 200.2);
    assert_int_equal(event(1)->side, TG_SIDE_BUY);
    assert_int_equal(event(1)->fee.units, money(400.4 * 0.0026).units);
    assert_string_equal(event(1)->trade_id, "paper-000001");
    assert_int_equal(event(1)->venue_time, T0 + MINUTE);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_SELL, 1, 0);
    bar(3, 200, 200, 200, 200); /* a gap of a minute changes nothing */
    expect_fill(3, 1, 199.8);
    assert_string_equal(event(3)->trade_id, "paper-000002");
    bar(4, 200, 200, 200, 200);
    assert_int_equal(host.published_count, 4);
}

static void test_no_latency_fills_in_the_next_bar(void **state)
{
    (void)state;
    plugin->destroy(venue);
    fake_host_fini(&host);
    start((const char *const[]){"latency_ms=0", "slippage_pct=0", "fee_pct=0", NULL});
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    bar(0, 101, 102, 99, 100);
    expect_fill(1, 1, 101);
    assert_int_equal(event(1)->fee.units, 0);
}

static void test_limit_needs_the_price_to_go_through(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 95);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_SELL, 1, 105);
    bar(0, 90, 110, 90, 100);  /* within the latency */
    bar(1, 100, 105, 95, 100); /* touched only */
    assert_int_equal(host.published_count, 2);
    bar(2, 100, 105.01, 94.99, 100);
    assert_int_equal(host.published_count, 4);
    expect_fill(2, 1, 95);
    expect_fill(3, 1, 105);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 95);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_SELL, 1, 105);
    bar(4, 90, 110, 90, 100); /* opens better than the buy's limit */
    expect_fill(6, 1, 90);
    expect_fill(7, 1, 105);
}

static void test_stop_at_trigger_and_beyond(void **state)
{
    (void)state;
    hold(TG_SIDE_BUY, 2);
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 95);
    bar(1, 90, 90, 90, 90); /* seen already */
    bar(2, 100, 100, 95.01, 100);
    assert_int_equal(host.published_count, 1);
    bar(3, 100, 100, 95, 98); /* at the trigger */
    expect_fill(1, 1, 94.905);
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 95);
    bar(4, 80, 99, 79, 90); /* gapped beyond: the open */
    expect_fill(3, 1, 79.92);
}

static void test_stop_of_a_short(void **state)
{
    (void)state;
    hold(TG_SIDE_SELL, 2);
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_BUY, 1, 105);
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_BUY, 1, 120);
    bar(2, 100, 105, 100, 101);
    expect_fill(2, 1, 105.105);
    bar(3, 130, 131, 129, 130);
    expect_fill(3, 1, 130.13);
}

static void test_stop_first_when_both_could_fill(void **state)
{
    (void)state;
    hold(TG_SIDE_BUY, 1);
    struct tg_uuid target = send(TG_ORDER_TYPE_TAKE_PROFIT, TG_SIDE_SELL, 1, 110);
    struct tg_uuid stop = send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 95);
    bar(2, 100, 120, 90, 100);
    assert_int_equal(host.published_count, 4);
    assert_memory_equal(&event(2)->order_id, &stop, sizeof(stop));
    expect_fill(2, 1, 94.905);
    assert_memory_equal(&event(3)->order_id, &target, sizeof(target));
    assert_int_equal(event(3)->event_type, TG_EXECUTION_CANCELLED);
}

static void test_take_profit_fills_like_a_limit(void **state)
{
    (void)state;
    hold(TG_SIDE_BUY, 2);
    (void)send(TG_ORDER_TYPE_TAKE_PROFIT, TG_SIDE_SELL, 1, 110);
    bar(2, 100, 110, 100, 100);
    assert_int_equal(host.published_count, 1);
    bar(3, 100, 111, 100, 100);
    expect_fill(1, 1, 110);
    (void)send(TG_ORDER_TYPE_TAKE_PROFIT, TG_SIDE_SELL, 1, 110);
    bar(4, 115, 116, 100, 100);
    expect_fill(3, 1, 115);
}

/* A bag of 2 beside a short of 1: closing the one leaves the other, and neither closes both. */
static void test_what_is_apart_is_not_netted(void **state)
{
    (void)state;
    bar(0, 100, 100, 100, 100);
    struct tg_order bag = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 2, 0);
    bag.apart = 1;
    assert_int_equal(plugin->venue->submit(venue, &bag, &failure), 0);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_SELL, 1, 0);
    bar(1, 100, 100, 100, 100);
    bar(2, 100, 100, 100, 100);
    struct tg_order close = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 2, 0);
    close.reduce_only = 1;
    size_t before = host.published_count;
    assert_int_equal(plugin->venue->submit(venue, &close, &failure), 0);
    bar(3, 100, 100, 100, 100);
    bar(4, 100, 100, 100, 100);
    assert_int_equal(event(before + 1)->event_type, TG_EXECUTION_FILL);
    assert_int_equal(event(before + 1)->size.units, money(1).units);
    /* the short is gone, the bag is there, and no other order can reduce it */
    struct tg_order sell = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_SELL, 2, 0);
    sell.reduce_only = 1;
    assert_int_equal(plugin->venue->submit(venue, &sell, &failure), 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    sell.id.bytes[1] = 1;
    sell.apart = 1;
    sell.deadline = host.now + 2 * INT64_C(1000000000);
    before = host.published_count;
    assert_int_equal(plugin->venue->submit(venue, &sell, &failure), 0);
    bar(5, 100, 100, 100, 100);
    bar(6, 100, 100, 100, 100);
    assert_int_equal(event(before + 1)->event_type, TG_EXECUTION_FILL);
    assert_int_equal(event(before + 1)->size.units, money(2).units);
}

static void test_reduce_only_never_flips(void **state)
{
    (void)state;
    hold(TG_SIDE_BUY, 1);
    struct tg_order close = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_SELL, 3, 0);
    close.reduce_only = 1;
    assert_int_equal(plugin->venue->submit(venue, &close, &failure), 0);
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 95);
    bar(2, 100, 100, 100, 100);
    bar(3, 100, 100, 90, 100);
    expect_fill(2, 1, 99.9); /* cut to what was open */
    assert_int_equal(event(3)->event_type, TG_EXECUTION_CANCELLED);
    assert_int_equal(event(4)->event_type, TG_EXECUTION_CANCELLED); /* the stop had nothing left */
    assert_int_equal(host.published_count, 5);
    struct tg_order again = order_of(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 95);
    assert_int_equal(plugin->venue->submit(venue, &again, &failure), 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    assert_string_equal(last_event()->reason, "nothing is open that it could reduce");
}

static void test_refusals(void **state)
{
    (void)state;
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    assert_string_equal(last_event()->reason,
                        "there is no price yet: paper trading without a price is refused");
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 0, 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 5);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    (void)send(77, TG_SIDE_BUY, 1, 5);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 90000000000.0, 90);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_REJECTED);
    struct tg_order order = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    order.deadline = host.now - 1;
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    assert_string_equal(last_event()->reason, "the deadline has passed");
    order = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    memset(order.symbol, 'A', sizeof(order.symbol));
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), TG_E_INVALID);
    bar(0, 1, 1, 1, 1);
    bar(1, 1, 1, 1, 1);
    assert_int_not_equal(last_event()->event_type, TG_EXECUTION_FILL);
}

static void test_client_ids_are_unique_while_they_rest(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    struct tg_order order = order_of(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 90);
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), TG_E_EXISTS);
    assert_int_equal(host.published_count, 1); /* the first one is not disturbed */
    assert_int_equal(plugin->venue->cancel(venue, &order.id, &failure), 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_CANCELLED);
    assert_int_equal(plugin->venue->cancel(venue, &order.id, &failure), TG_E_NOT_FOUND);
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_ACCEPTED);
}

static void test_amend(void **state)
{
    (void)state;
    hold(TG_SIDE_BUY, 3);
    struct tg_uuid stop = send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 1, 80);
    struct tg_decimal size = money(3);
    assert_int_equal(plugin->venue->amend(venue, &stop, size, money(0), &failure), TG_E_INVALID);
    assert_int_equal(plugin->venue->amend(venue, &stop, money(0), money(1), &failure),
                     TG_E_INVALID);
    assert_int_equal(
        plugin->venue->amend(venue, &(struct tg_uuid){{200}}, size, money(1), &failure),
        TG_E_NOT_FOUND);
    assert_int_equal(plugin->venue->amend(venue, &stop, size, money(95), &failure), 0);
    bar(2, 100, 100, 96, 100);
    host.now += 1; /* within minute 3: the bar of that minute is not the next one */
    assert_int_equal(plugin->venue->amend(venue, &stop, size, money(97), &failure), 0);
    bar(3, 100, 100, 90, 100);
    assert_int_equal(host.published_count, 1);
    bar(4, 100, 100, 97, 100);
    expect_fill(1, 3, 96.903);
}

static void test_partial_fills_by_volume(void **state)
{
    (void)state;
    plugin->destroy(venue);
    fake_host_fini(&host);
    start((const char *const[]){"partial_fill_volume_pct=10", "slippage_pct=0", "latency_ms=0",
                                NULL});
    const char *btc = "BTC/USDT";
    bar_of(btc, TG_TIMEFRAME_1M, -1, 100, 100, 100, 100, 50);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 8, 0);
    bar_of(btc, TG_TIMEFRAME_1M, 0, 100, 100, 100, 100, 50);
    bar_of(btc, TG_TIMEFRAME_1M, 0, 100, 100, 100, 100, 50); /* the same again: nothing */
    bar_of(btc, TG_TIMEFRAME_1M, 1, 101, 101, 101, 101, 0);
    bar_of(btc, TG_TIMEFRAME_1M, 2, 102, 102, 102, 102, 20);
    bar_of(btc, TG_TIMEFRAME_1M, 3, 103, 103, 103, 103, 500);
    expect_fill(1, 5, 100);
    expect_fill(2, 2, 102);
    expect_fill(3, 1, 103);
    assert_int_equal(host.published_count, 4);
    /* a stop that went off goes on at the opens that follow */
    (void)send(TG_ORDER_TYPE_STOP_LOSS, TG_SIDE_SELL, 8, 90);
    bar_of(btc, TG_TIMEFRAME_1M, 4, 103, 103, 89, 100, 30);
    bar_of(btc, TG_TIMEFRAME_1M, 5, 99, 120, 99, 100, 500);
    expect_fill(5, 3, 90);
    expect_fill(6, 5, 99);
    /* two orders share the volume of one bar */
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 8, 0);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 8, 0);
    bar_of(btc, TG_TIMEFRAME_1M, 6, 100, 100, 100, 100, 100);
    expect_fill(9, 8, 100);
    expect_fill(10, 2, 100);
    assert_int_equal(host.published_count, 11);
}

static void test_only_base_bars_count(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    bar_of("BTC/USDT", TG_TIMEFRAME_5M, 5, 500, 500, 500, 500, 1);
    bar_of("XRP/USDT", TG_TIMEFRAME_1M, 5, 600, 600, 600, 600, 1);
    assert_int_equal(host.published_count, 1);
    bar(6, 100, 100, 100, 100);
    expect_fill(1, 1, 100.1);
}

static void test_forming_bars_do_not_count(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    (void)send(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    struct tg_market_data record = {.symbol = "BTC/USDT",
                                    .open = money(1),
                                    .high = money(1),
                                    .low = money(1),
                                    .close = money(1),
                                    .open_time = T0 + 5 * MINUTE};
    TG_SET(&record, MARKET_DATA, open_time);
    struct tg_message message = {.size = sizeof(message),
                                 .topic = TG_TOPIC_MARKET_DATA,
                                 .payload = &record,
                                 .payload_size = sizeof(record)};
    assert_int_equal(plugin->on_message(venue, &message, &failure), 0);
    assert_int_equal(host.published_count, 1);
}

/* The host's queue is full for a while: nothing is lost, nothing is doubled, order is kept. */
static void test_events_wait_for_the_host(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    host.publish_answer = TG_E_FULL;
    uint32_t taken = 0;
    for (unsigned i = 0; i < 1500; i++) {
        struct tg_order order = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
        order.id.bytes[1] = (uint8_t)(i >> 8);
        order.id.bytes[0] = (uint8_t)i;
        int32_t code = plugin->venue->submit(venue, &order, &failure);
        assert_true(code == 0 || code == TG_E_FULL);
        taken += code == 0;
    }
    assert_int_equal(taken, 1023);
    bar(1, 100, 100, 100, 100); /* no room to tell of fills: none happens */
    assert_int_equal(host.published_count, 0);
    host.publish_answer = 0;
    bar(2, 200, 200, 200, 200);
    uint32_t accepted = 0;
    uint32_t filled = 0;
    for (size_t i = 0; i < host.published_count; i++) {
        accepted += event(i)->event_type == TG_EXECUTION_ACCEPTED;
        filled += event(i)->event_type == TG_EXECUTION_FILL;
        if (event(i)->event_type == TG_EXECUTION_FILL)
            assert_int_equal(accepted, taken);
    }
    assert_int_equal(accepted, taken);
    assert_int_equal(filled, taken);
}

static void test_table_is_bounded(void **state)
{
    (void)state;
    bar(-1, 100, 100, 100, 100);
    for (unsigned i = 0; i < 4200; i++) {
        struct tg_order order = order_of(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 50);
        order.id.bytes[0] = (uint8_t)i;
        order.id.bytes[1] = (uint8_t)(i >> 8);
        order.id.bytes[2] = 1;
        assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
        assert_int_equal(last_event()->event_type,
                         i < 4096 ? TG_EXECUTION_ACCEPTED : TG_EXECUTION_REJECTED);
    }
    bar(1, 100, 100, 40, 100);
    assert_int_equal(host.published_count, 4200 + 4096);
    (void)send(TG_ORDER_TYPE_LIMIT, TG_SIDE_BUY, 1, 50);
    assert_int_equal(last_event()->event_type, TG_EXECUTION_ACCEPTED);
}

static void test_fee_is_rounded_half_to_even(void **state)
{
    (void)state;
    plugin->destroy(venue);
    fake_host_fini(&host);
    start((const char *const[]){"fee_pct=5", "slippage_pct=0", "latency_ms=0", NULL});
    bar(-1, 1, 1, 1, 1);
    struct tg_order order = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    order.size.units = 10; /* notional 10 units, 5 % is half a unit: to even, 0 */
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    order = order_of(TG_ORDER_TYPE_MARKET, TG_SIDE_BUY, 1, 0);
    order.size.units = 30; /* one and a half: 2 */
    assert_int_equal(plugin->venue->submit(venue, &order, &failure), 0);
    bar(0, 1, 1, 1, 1);
    assert_int_equal(event(2)->fee.units, 0);
    assert_int_equal(event(3)->fee.units, 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_descriptor),
        CASE(test_configuration_is_bounded),
        CASE(test_market_order_has_no_look_ahead),
        CASE(test_no_latency_fills_in_the_next_bar),
        CASE(test_limit_needs_the_price_to_go_through),
        CASE(test_stop_at_trigger_and_beyond),
        CASE(test_stop_of_a_short),
        CASE(test_stop_first_when_both_could_fill),
        CASE(test_take_profit_fills_like_a_limit),
        CASE(test_reduce_only_never_flips),
        CASE(test_what_is_apart_is_not_netted),
        CASE(test_refusals),
        CASE(test_client_ids_are_unique_while_they_rest),
        CASE(test_amend),
        CASE(test_partial_fills_by_volume),
        CASE(test_only_base_bars_count),
        CASE(test_forming_bars_do_not_count),
        CASE(test_events_wait_for_the_host),
        CASE(test_table_is_bounded),
        CASE(test_fee_is_rounded_half_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
