/* History and the newest message: keys, age, expiry, bounds, what survives whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_world.h"

static int ignore(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return 0;
}

static void publish_from(struct world *world, uint16_t source, const char *symbol, int64_t tag,
                         uint32_t ttl_seconds)
{
    const struct tg_market_data bar = world_bar(symbol, tag);
    struct bus_draft draft = world_draft(world, &bar, 0);

    draft.source = source;
    draft.ttl_seconds = ttl_seconds;
    if (bus_publish(world->bus, &draft, NULL, &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
    bus_pump(world->bus, 0);
}

/* The tag of the newest; 0: none. */
static int64_t latest(const struct world *world, const char *symbol, uint16_t source,
                      int64_t age_max)
{
    struct tg_message message;

    return bus_get_latest(world->bus, TG_TOPIC_MARKET_DATA, symbol, source, age_max, &message)
               ? world_tag(&message)
               : 0;
}

static void test_keys(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    const uint16_t a = bus_source(world.bus, "a", NULL), b = bus_source(world.bus, "b", NULL);
    assert_int_equal(latest(&world, NULL, 0, 0), 0);
    publish_from(&world, a, "BTC/USDT", 1, 0);
    publish_from(&world, b, "BTC/USDT", 2, 0);
    publish_from(&world, a, "ETH/USDT", 3, 0);
    assert_int_equal(latest(&world, NULL, 0, 0), 3);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 2);
    assert_int_equal(latest(&world, "BTC/USDT", a, 0), 1);
    assert_int_equal(latest(&world, "BTC/USDT", b, 0), 2);
    assert_int_equal(latest(&world, "ETH/USDT", 0, 0), 3);
    assert_int_equal(latest(&world, "ETH/USDT", b, 0), 0);
    assert_int_equal(latest(&world, NULL, a, 0), 3);
    assert_int_equal(latest(&world, NULL, b, 0), 2);
    assert_int_equal(latest(&world, "XRP/USDT", 0, 0), 0);
    assert_int_equal(latest(&world, "BTC/USD", 0, 0), 0);
    assert_int_equal(latest(&world, "", 0, 0), 0);
    assert_int_equal(latest(&world, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0, 0), 0);
    struct tg_message message;
    assert_false(bus_get_latest(world.bus, 0, NULL, 0, 0, &message));
    assert_false(bus_get_latest(world.bus, 9999, NULL, 0, 0, &message));
    assert_false(bus_get_latest(world.bus, TG_TOPIC_TA_SIGNALS, "BTC/USDT", 0, 0, &message));
    publish_from(&world, a, "BTC/USDT", 4, 0);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 4);
    assert_int_equal(latest(&world, "BTC/USDT", b, 0), 2);
    world_close(&world);
}

/* What stands behind the NUL of a symbol does not make another symbol. */
static void test_symbol_is_text(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    struct tg_market_data bar = world_bar("BTC/USDT", 5);
    memset(bar.symbol + 9, 'Z', sizeof(bar.symbol) - 9);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 5);
    world_close(&world);
}

/* Messages without a symbol are kept apart from those with one. */
static void test_optional_symbol(void **state)
{
    struct world world;
    struct tg_message message;
    struct tg_system_events event = fixture_system_events("started");

    (void)state;
    world_open(&world);
    struct bus_draft draft = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                              .source = world.source,
                              .payload = &event,
                              .payload_size = sizeof(event)};
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    (void)tg_text_copy(event.event, sizeof(event.event), "gap");
    (void)tg_text_copy(event.symbol, sizeof(event.symbol), "BTC/USDT");
    TG_SET(&event, SYSTEM_EVENTS, symbol);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    const struct tg_system_events *found;
    assert_true(bus_get_latest(world.bus, TG_TOPIC_SYSTEM_EVENTS, "", 0, 0, &message));
    found = message.payload;
    assert_string_equal(found->event, "started");
    assert_true(bus_get_latest(world.bus, TG_TOPIC_SYSTEM_EVENTS, "BTC/USDT", 0, 0, &message));
    found = message.payload;
    assert_string_equal(found->event, "gap");
    assert_true(bus_get_latest(world.bus, TG_TOPIC_SYSTEM_EVENTS, NULL, world.source, 0, &message));
    found = message.payload;
    assert_string_equal(found->event, "gap");
    world_close(&world);
}

static void test_age_and_expiry(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    publish_from(&world, world.source, "BTC/USDT", 1, 60);
    world_advance(&world, 10);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 10 * TG_NS_PER_SEC), 1);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 10 * TG_NS_PER_SEC - 1), 0);
    world.time.now_ns = WORLD_START + 60 * TG_NS_PER_SEC - 1;
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 1);
    world.time.now_ns++;
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 0);
    assert_int_equal(latest(&world, NULL, 0, 0), 0);
    struct tg_message message;
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, 0, 0, &message, 1), 0);
    world_close(&world);
}

/* The newest has expired, an older one with a longer life has not. */
static void test_older_with_longer_life(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    publish_from(&world, world.source, "BTC/USDT", 1, 600);
    publish_from(&world, world.source, "ETH/USDT", 2, 600);
    publish_from(&world, world.source, "BTC/USDT", 3, 5);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 3);
    world_advance(&world, 6);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 1);
    assert_int_equal(latest(&world, "BTC/USDT", world.source, 0), 1);
    assert_int_equal(latest(&world, NULL, 0, 0), 2);
    world_advance(&world, 600);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 0);
    world_close(&world);
}

static void test_expired_before_delivery(void **state)
{
    struct world world;
    struct record record = {0};
    struct bus_topic_stats stats;
    struct bus_subscriber_stats subscriber;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    struct bus_draft draft = world_draft(&world, &bar, 0);
    draft.ttl_seconds = 1;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    world_advance(&world, 1);
    world_publish(&world, "BTC/USDT", 2, 0);
    assert_int_equal(bus_pump(world.bus, 0), 2);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.tags[0], 2);
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &stats));
    assert_int_equal(stats.expired, 1);
    assert_int_equal(stats.delivered, 1);
    assert_true(bus_get_subscriber_stats(world.bus, "reader", &subscriber));
    assert_int_equal(subscriber.expired, 1);
    assert_balanced(&world, "reader");
    world_close(&world);
}

static void test_history_order_and_filters(void **state)
{
    struct world world;
    struct tg_message messages[8];

    (void)state;
    world_open(&world);
    const uint16_t a = bus_source(world.bus, "a", NULL), b = bus_source(world.bus, "b", NULL);
    for (int64_t i = 1; i <= 6; i++) {
        publish_from(&world, i % 2 == 0 ? a : b, "BTC/USDT", i, i == 5 ? 1 : 0);
        world_advance(&world, 1);
    }
    /* newest first; the fifth has expired */
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, 0, 0, messages, 8), 5);
    const int64_t expected[] = {6, 4, 3, 2, 1};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(world_tag(&messages[i]), expected[i]);
    assert_string_equal(messages[0].source, "a");
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, 0, 0, messages, 2), 2);
    assert_int_equal(world_tag(&messages[1]), 4);
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, b, 0, messages, 8), 2);
    assert_int_equal(world_tag(&messages[0]), 3);
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, 0,
                                     WORLD_START + 3 * TG_NS_PER_SEC, messages, 8),
                     2);
    assert_int_equal(bus_get_history(world.bus, 0, 0, 0, messages, 8), 0);
    world_close(&world);
}

/* Bounded by messages; the last word on a quiet symbol survives a chatty one. */
static void test_bounded_by_messages(void **state)
{
    struct world world;
    static struct tg_message messages[2000];

    (void)state;
    world_open(&world);
    publish_from(&world, world.source, "XRP/USDT", 7, 86400);
    for (int64_t i = 1; i <= 5000; i++)
        publish_from(&world, world.source, "BTC/USDT", i, 86400);
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_MARKET_DATA, 0, 0, messages, 2000), 1000);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(world_tag(&messages[i]), 5000 - (int64_t)i);
    assert_int_equal(latest(&world, "XRP/USDT", 0, 0), 7);
    assert_int_equal(latest(&world, "XRP/USDT", world.source, 0), 7);
    assert_int_equal(latest(&world, "BTC/USDT", 0, 0), 5000);
    publish_from(&world, world.source, "XRP/USDT", 8, 86400);
    assert_int_equal(latest(&world, "XRP/USDT", 0, 0), 8);
    world_close(&world);
}

/* A chatty topic does not push out what another topic keeps. */
static void test_history_is_per_topic(void **state)
{
    struct world world;
    struct tg_message message;
    const struct tg_trading_signals signal = fixture_trading_signals("BTC/USDT");

    (void)state;
    world_open_with(&world, (struct bus_options){.history_messages_max = 10});
    const struct bus_draft draft = {.topic = TG_TOPIC_TRADING_SIGNALS,
                                    .source = world.source,
                                    .payload = &signal,
                                    .payload_size = sizeof(signal)};
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    for (int64_t i = 1; i <= 100; i++)
        publish_from(&world, world.source, "BTC/USDT", i, 0);
    assert_int_equal(bus_get_history(world.bus, TG_TOPIC_TRADING_SIGNALS, 0, 0, &message, 1), 1);
    assert_memory_equal(message.payload, &signal, sizeof(signal));
    world_close(&world);
}

/* Texts of many lengths in few bytes: what is kept is whole, in order, and within the bound. */
static void test_bounded_by_bytes(void **state)
{
    struct world world;
    static struct tg_message messages[1000];
    char text[3000];
    const size_t bytes_max = 8192;

    (void)state;
    world_open_with(&world, (struct bus_options){.history_bytes_max = bytes_max});
    const uint16_t topic = bus_topic_own(world.bus, "x.test.text", NULL);
    struct bus_draft draft = {.topic = topic, .source = world.source, .payload = text};
    for (int i = 0; i < 3000; i++) {
        draft.payload_size = (uint32_t)snprintf(text, sizeof(text), "{\"n\":%d,\"t\":\"%0*d\"}", i,
                                                1 + i * 37 % 2500, i);
        assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
        bus_pump(world.bus, 0);
        const size_t count = bus_get_history(world.bus, topic, 0, 0, messages, 1000);
        assert_true(count >= 1);
        size_t bytes = 0;
        for (size_t back = 0; back < count; back++) {
            const int number = i - (int)back;
            const int length = snprintf(text, sizeof(text), "{\"n\":%d,\"t\":\"%0*d\"}", number,
                                        1 + number * 37 % 2500, number);
            assert_int_equal(messages[back].payload_size, length);
            assert_memory_equal(messages[back].payload, text, (size_t)length);
            bytes += (size_t)length;
        }
        assert_true(bytes <= bytes_max);
    }
    world_close(&world);
}

/* One that alone exceeds the history's bytes is still the newest, and delivered. */
static void test_larger_than_the_history(void **state)
{
    struct world world;
    struct tg_message message;
    char text[2000];

    (void)state;
    world_open_with(&world, (struct bus_options){.history_bytes_max = 1024});
    const uint16_t topic = bus_topic_own(world.bus, "x.test.text", NULL);
    assert_int_equal(bus_subscribe(world.bus, "reader", topic, ignore, NULL, NULL, NULL), TG_E_OK);
    const int length = snprintf(text, sizeof(text), "{\"t\":\"%01500d\"}", 1);
    const struct bus_draft large = {
        .topic = topic, .source = world.source, .payload = text, .payload_size = (uint32_t)length};
    const struct bus_draft small = {
        .topic = topic, .source = world.source, .payload = "{}", .payload_size = 2};
    assert_int_equal(bus_publish(world.bus, &small, NULL, NULL), TG_E_OK);
    assert_int_equal(bus_publish(world.bus, &large, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_true(bus_get_latest(world.bus, topic, NULL, 0, 0, &message));
    assert_int_equal(message.payload_size, length);
    assert_memory_equal(message.payload, text, (size_t)length);
    assert_int_equal(bus_get_history(world.bus, topic, 0, 0, &message, 1), 1);
    assert_int_equal(message.payload_size, 2);
    assert_int_equal(bus_publish(world.bus, &small, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_true(bus_get_latest(world.bus, topic, NULL, 0, 0, &message));
    assert_int_equal(message.payload_size, 2);
    world_close(&world);
}

static void name_symbol(char symbol[TG_SYMBOL_SIZE], int64_t number)
{
    size_t length = 0;

    assert_true(tg_text_append(symbol, TG_SYMBOL_SIZE, &length, "S%lld/USDT", (long long)number));
}

/* Many keys: each symbol answers with its own last message, whatever left the history. */
static void test_many_symbols(void **state)
{
    struct world world;
    char symbol[TG_SYMBOL_SIZE];

    (void)state;
    world_open_with(&world, (struct bus_options){.history_messages_max = 64});
    for (int64_t round = 1; round <= 3; round++) {
        for (int64_t i = 0; i < 3000; i++) {
            name_symbol(symbol, i);
            publish_from(&world, world.source, symbol, round * 10000 + i, 0);
        }
        for (int64_t i = 0; i < 3000; i++) {
            name_symbol(symbol, i);
            assert_int_equal(latest(&world, symbol, 0, 0), round * 10000 + i);
            assert_int_equal(latest(&world, symbol, world.source, 0), round * 10000 + i);
        }
    }
    world_close(&world);
}

/* More symbols than the index has places for: the newest are still found, in the history. */
static void test_index_overflows(void **state)
{
    struct world world;
    char symbol[TG_SYMBOL_SIZE];

    (void)state;
    world_open(&world);
    for (int64_t i = 0; i < 9000; i++) {
        name_symbol(symbol, i);
        publish_from(&world, world.source, symbol, i + 1, 0);
    }
    assert_int_equal(latest(&world, "S8999/USDT", 0, 0), 9000);
    assert_int_equal(latest(&world, NULL, 0, 0), 9000);
    assert_int_equal(latest(&world, NULL, world.source, 0), 9000);
    assert_int_equal(latest(&world, "S8000/USDT", world.source, 0), 8001);
    assert_int_equal(latest(&world, "S5/USDT", world.source, 0), 6);
    world_close(&world);
}

static int check_own_latest(void *context, const struct tg_message *message)
{
    const struct world *world = context;

    assert_int_equal(latest(world, "BTC/USDT", 0, 0), world_tag(message));
    return 0;
}

static void test_a_handler_finds_its_message(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", check_own_latest, &world);
    for (int64_t i = 1; i <= 100; i++)
        world_publish(&world, "BTC/USDT", i, 0);
    bus_pump(world.bus, 0);
    assert_balanced(&world, "reader");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_symbol_is_text),
        cmocka_unit_test(test_optional_symbol),
        cmocka_unit_test(test_age_and_expiry),
        cmocka_unit_test(test_older_with_longer_life),
        cmocka_unit_test(test_expired_before_delivery),
        cmocka_unit_test(test_history_order_and_filters),
        cmocka_unit_test(test_bounded_by_messages),
        cmocka_unit_test(test_history_is_per_topic),
        cmocka_unit_test(test_bounded_by_bytes),
        cmocka_unit_test(test_larger_than_the_history),
        cmocka_unit_test(test_many_symbols),
        cmocka_unit_test(test_index_overflows),
        cmocka_unit_test(test_a_handler_finds_its_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
