/* Conflation: the newest bar of a kind takes the place of the one that waits; all is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_world.h"

static struct record record;

static void open_conflating(struct world *world, struct bus_options options)
{
    world_open_with(world, options);
    record.count = 0;
    world_subscribe(world, "reader", record_handler, &record);
    assert_int_equal(bus_set_conflation(world->bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
}

static void assert_conflated(const struct world *world, uint64_t published, uint64_t conflated)
{
    struct bus_topic_stats topic;
    struct bus_subscriber_stats subscriber;
    struct bus_stats stats;

    assert_true(bus_get_topic_stats(world->bus, TG_TOPIC_MARKET_DATA, &topic));
    assert_true(bus_get_subscriber_stats(world->bus, "reader", &subscriber));
    bus_get_stats(world->bus, &stats);
    assert_int_equal(topic.published, published);
    assert_int_equal(topic.conflated, conflated);
    assert_int_equal(stats.conflated, conflated);
    assert_int_equal(subscriber.conflated, conflated);
    assert_int_equal(subscriber.published + stats.queue_messages, published);
    assert_balanced(world, "reader");
}

static void publish_timeframe(struct world *world, const char *symbol, int64_t tag,
                              uint8_t timeframe)
{
    struct tg_market_data bar = world_bar(symbol, tag);
    bar.timeframe = timeframe;
    const struct bus_draft draft = world_draft(world, &bar, 0);

    assert_int_equal(bus_publish(world->bus, &draft, NULL, NULL), TG_E_OK);
}

static void test_newest_wins(void **state)
{
    struct world world;
    struct tg_message message;

    (void)state;
    open_conflating(&world, (struct bus_options){0});
    publish_timeframe(&world, "BTC/USDT", 1, TG_TIMEFRAME_1M);
    publish_timeframe(&world, "ETH/USDT", 2, TG_TIMEFRAME_1M);
    publish_timeframe(&world, "BTC/USDT", 3, TG_TIMEFRAME_5M);
    publish_timeframe(&world, "BTC/USDT", 4, TG_TIMEFRAME_1M);
    publish_timeframe(&world, "ETH/USDT", 5, TG_TIMEFRAME_1M);
    publish_timeframe(&world, "BTC/USDT", 6, TG_TIMEFRAME_1M);
    world_publish(&world, "BTC/USDT", 7, TG_PRIORITY_HIGH); /* 5m, but not of its priority */
    assert_conflated(&world, 7, 3);
    bus_pump(world.bus, 0);
    const int64_t expected[] = {7, 6, 5, 3};
    assert_int_equal(record.count, 4);
    assert_memory_equal(record.tags, expected, sizeof(expected));
    assert_conflated(&world, 7, 3);
    assert_int_equal(bus_sequence(world.bus), 7);
    assert_true(bus_get_latest(world.bus, TG_TOPIC_MARKET_DATA, "ETH/USDT", 0, 0, &message));
    assert_int_equal(world_tag(&message), 5);
    publish_timeframe(&world, "BTC/USDT", 8, TG_TIMEFRAME_1M); /* nothing waits any more */
    assert_conflated(&world, 8, 3);
    bus_pump(world.bus, 0);
    assert_int_equal(record.tags[4], 8);
    world_close(&world);
}

/* A bar that is being handled keeps its place: what its handler publishes is a new message. */
struct refiner {
    struct world *world;
    size_t calls;
};

static int publish_again(void *context, const struct tg_message *message)
{
    struct refiner *refiner = context;
    const int64_t tag = world_tag(message);

    if (refiner->calls++ < 3) {
        world_publish(refiner->world, "BTC/USDT", tag + 10, 0);
        world_publish(refiner->world, "BTC/USDT", tag + 20, 0); /* replaces the one before */
    }
    assert_int_equal(world_tag(message), tag);
    assert_balanced(refiner->world, "reader");
    assert_balanced(refiner->world, "refiner");
    return 0;
}

static void test_never_what_is_handed_over(void **state)
{
    struct world world;
    struct refiner refiner = {&world, 0};

    (void)state;
    open_conflating(&world, (struct bus_options){0});
    world_subscribe(&world, "refiner", publish_again, &refiner);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "ETH/USDT", 500, 0);
    bus_pump(world.bus, 0);
    /* 500 publishes too, over what 1 had published */
    const int64_t expected[] = {1, 500, 520, 540};
    assert_int_equal(record.count, 4);
    assert_memory_equal(record.tags, expected, sizeof(expected));
    assert_conflated(&world, 8, 4);
    world_close(&world);
}

/* A full queue refuses a new kind, but not a newer bar of one that waits. */
static void test_full_queue(void **state)
{
    struct world world;
    char symbol[TG_SYMBOL_SIZE];

    (void)state;
    open_conflating(&world, (struct bus_options){.queue_messages_max = 300});
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < 300; i++) {
            (void)snprintf(symbol, sizeof(symbol), "S%d/USDT", i);
            world_publish(&world, symbol, 1000 * round + i, 0);
        }
    }
    const struct tg_market_data bar = world_bar("MORE/USDT", 9);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_FULL);
    assert_conflated(&world, 900, 600);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 300);
    for (int64_t i = 0; i < 300; i++)
        assert_int_equal(record.tags[i], 3000 + i);
    world_close(&world);
}

static void publish_in_ring(struct world *world, struct bus_publisher *publisher,
                            const char *symbol, int64_t tag)
{
    const struct tg_market_data bar = world_bar(symbol, tag);
    const struct bus_draft draft = world_draft(world, &bar, 0);

    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
}

static void test_rings(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    const struct tg_system_events event = fixture_system_events("between");

    (void)state;
    open_conflating(&world, (struct bus_options){0});
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    const struct bus_draft draft = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                                    .source = world.source,
                                    .payload = &event,
                                    .payload_size = sizeof(event)};
    for (int64_t i = 1; i <= 400; i++) {
        publish_in_ring(&world, publisher, i % 2 == 0 ? "BTC/USDT" : "ETH/USDT", i);
        assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    }
    bus_pump(world.bus, 0);
    const int64_t expected[] = {399, 400};
    assert_int_equal(record.count, 2);
    assert_memory_equal(record.tags, expected, sizeof(expected));
    assert_conflated(&world, 400, 398);
    struct bus_topic_stats events;
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_SYSTEM_EVENTS, &events));
    assert_int_equal(events.published, 400); /* each of them */
    assert_int_equal(events.conflated, 0);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

/* No room in the queue: the ring's frames are delivered out of the ring. */
static void test_rings_beside_a_full_queue(void **state)
{
    struct world world;
    struct bus_publisher *publisher;

    (void)state;
    open_conflating(&world, (struct bus_options){.queue_messages_max = 1});
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    world_publish(&world, "ADA/USDT", 1, TG_PRIORITY_LOW);
    for (int64_t i = 1; i <= 5; i++)
        publish_in_ring(&world, publisher, "BTC/USDT", 10 + i);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 6);
    assert_int_equal(record.tags[5], 1);
    assert_conflated(&world, 6, 0);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

static void test_refusals(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    for (uint16_t topic = 1; topic < TG_TOPIC_COUNT; topic++) {
        const int code = bus_set_conflation(world.bus, topic, true, &world.error);
        assert_int_equal(code, topic == TG_TOPIC_MARKET_DATA ? TG_E_OK : TG_E_REFUSED);
        assert_int_equal(bus_set_conflation(world.bus, topic, false, NULL), TG_E_OK);
    }
    assert_string_equal(world.error.message, "coordinator_commands: only market_data may be "
                                             "conflated");
    const uint16_t own = bus_topic_own(world.bus, "x.some.thing", NULL);
    assert_int_equal(bus_set_conflation(world.bus, own, true, NULL), TG_E_REFUSED);
    assert_int_equal(bus_set_conflation(world.bus, 99, true, NULL), TG_E_NOT_FOUND);
    world_close(&world);
}

/* Off by default; switched off, nothing that waits is replaced, and on again neither. */
static void test_switched(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    record.count = 0;
    world_subscribe(&world, "reader", record_handler, &record);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 2, 0);
    assert_conflated(&world, 2, 0);
    assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
    world_publish(&world, "BTC/USDT", 3, 0);
    world_publish(&world, "BTC/USDT", 4, 0);
    assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
    world_publish(&world, "BTC/USDT", 5, 0);
    assert_conflated(&world, 5, 2);
    assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, false, NULL), TG_E_OK);
    assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
    world_publish(&world, "BTC/USDT", 6, 0);
    bus_pump(world.bus, 0);
    const int64_t expected[] = {1, 2, 5, 6};
    assert_int_equal(record.count, 4);
    assert_memory_equal(record.tags, expected, sizeof(expected));
    assert_conflated(&world, 6, 2);
    world_close(&world);
}

/* More kinds than are told apart: the rest is queued. */
static void test_many_kinds(void **state)
{
    struct world world;
    char symbol[TG_SYMBOL_SIZE];
    struct bus_topic_stats topic;

    (void)state;
    world_open(&world);
    assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < BUS_CONFLATED_MAX + 100; i++) {
            (void)snprintf(symbol, sizeof(symbol), "S%u/USDT", i);
            world_publish(&world, symbol, 1, 0);
        }
    }
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &topic));
    assert_int_equal(topic.conflated, BUS_CONFLATED_MAX);
    assert_int_equal(bus_pump(world.bus, 0), BUS_CONFLATED_MAX + 200);
    world_close(&world);
}

static int refuse_bar(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return 0;
}

/* Conflated counts for whoever is subscribed then, before any filter. */
static void test_subscribers(void **state)
{
    struct world world;
    struct bus_subscriber_stats stats;

    (void)state;
    open_conflating(&world, (struct bus_options){0});
    assert_int_equal(bus_subscribe(world.bus, "picky", TG_TOPIC_MARKET_DATA, record_handler,
                                   refuse_bar, &record, NULL),
                     TG_E_OK);
    world_subscribe(&world, "gone", record_handler, &record);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 2, 0);
    assert_int_equal(bus_unsubscribe(world.bus, "gone", 0), TG_E_OK);
    world_publish(&world, "BTC/USDT", 3, 0);
    bus_pump(world.bus, 0);
    assert_true(bus_get_subscriber_stats(world.bus, "gone", &stats));
    assert_int_equal(stats.published, 1);
    assert_int_equal(stats.conflated, 1);
    assert_true(bus_get_subscriber_stats(world.bus, "picky", &stats));
    assert_int_equal(stats.published, 3);
    assert_int_equal(stats.conflated, 2);
    assert_int_equal(stats.filtered, 1);
    world_close(&world);
}

/* A bar of the wrong form is refused, and what waits stays as it was. */
static void test_bad_bar(void **state)
{
    struct world world;

    (void)state;
    open_conflating(&world, (struct bus_options){0});
    world_publish(&world, "BTC/USDT", 1, 0);
    struct tg_market_data bar = world_bar("BTC/USDT", 2);
    bar.high = tg_decimal_whole(1);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_INVALID);
    assert_conflated(&world, 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 1);
    assert_int_equal(record.tags[0], 1);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newest_wins),
        cmocka_unit_test(test_never_what_is_handed_over),
        cmocka_unit_test(test_full_queue),
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_rings_beside_a_full_queue),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_switched),
        cmocka_unit_test(test_many_kinds),
        cmocka_unit_test(test_subscribers),
        cmocka_unit_test(test_bad_bar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
