/* Publishing: what is stamped, what is refused and leaves nothing behind, names and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/uuid.h"
#include "bus_world.h"

static struct tg_message last;
static struct tg_market_data last_bar;
static size_t calls;

static int keep_last(void *context, const struct tg_message *message)
{
    (void)context;
    last = *message;
    memcpy(&last_bar, message->payload, sizeof(last_bar));
    calls++;
    return 0;
}

static void test_message_is_stamped(void **state)
{
    struct world world;
    struct tg_uuid id;

    (void)state;
    world_open(&world);
    calls = 0;
    world_subscribe(&world, "reader", keep_last, NULL);
    const struct tg_market_data bar = world_bar("BTC/USDT", 42);
    struct bus_draft draft = world_draft(&world, &bar, 0);
    draft.correlation_id.bytes[3] = 9;
    assert_int_equal(bus_publish(world.bus, &draft, &id, &world.error), TG_E_OK);
    assert_int_equal(calls, 0); /* never inside the publish */
    assert_true(bus_has_work(world.bus));
    assert_int_equal(bus_pump(world.bus, 0), 1);
    assert_false(bus_has_work(world.bus));
    assert_int_equal(calls, 1);
    assert_int_equal(last.size, sizeof(struct tg_message));
    assert_int_equal(last.topic, TG_TOPIC_MARKET_DATA);
    assert_int_equal(last.priority, TG_PRIORITY_NORMAL);
    assert_int_equal(last.ttl_seconds, BUS_TTL_SECONDS);
    assert_int_equal(last.timestamp, WORLD_START);
    assert_int_equal(last.payload_size, sizeof(bar));
    assert_memory_equal(&last_bar, &bar, sizeof(bar));
    assert_string_equal(last.source, "tester");
    assert_true(tg_uuid_equal(&last.id, &id));
    assert_int_equal(last.id.bytes[6] >> 4, 7);
    assert_true(tg_uuid_equal(&last.correlation_id, &draft.correlation_id));
    world_close(&world);
}

/* The publisher's record may change after the publish: the message has a copy. */
static void test_message_is_a_copy(void **state)
{
    struct world world;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", keep_last, NULL);
    struct tg_market_data bar = world_bar("BTC/USDT", 42);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    bar.close.units = -1;
    memset(bar.symbol, 'x', sizeof(bar.symbol));
    bus_pump(world.bus, 0);
    assert_int_equal(last_bar.close.units, 42 * TG_DECIMAL_ONE);
    assert_string_equal(last_bar.symbol, "BTC/USDT");
    world_close(&world);
}

static void test_ids_grow(void **state)
{
    struct world world;
    struct tg_uuid before = {{0}}, id;

    (void)state;
    world_open(&world);
    for (int i = 0; i < 10000; i++) {
        const struct tg_market_data bar = world_bar("BTC/USDT", i + 1);
        const struct bus_draft draft = world_draft(&world, &bar, 0);
        assert_int_equal(bus_publish(world.bus, &draft, &id, NULL), TG_E_OK);
        assert_true(memcmp(before.bytes, id.bytes, sizeof(id.bytes)) < 0);
        before = id;
    }
    world_close(&world);
}

static void test_refusals_leave_nothing(void **state)
{
    struct world world;
    struct record record = {0};
    struct bus_stats stats;
    struct bus_topic_stats topic_stats;
    struct tg_message message;
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    struct tg_market_data bad = bar;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    bad.closed = 3;
    const struct bus_draft good = world_draft(&world, &bar, 0);
    struct bus_draft drafts[12];
    for (size_t i = 0; i < TG_ARRAY_LENGTH(drafts); i++)
        drafts[i] = good;
    const struct {
        int code;
        const char *sentence;
    } expected[] = {
        {TG_E_NOT_FOUND, "topic: there is no topic 0"},
        {TG_E_NOT_FOUND, "topic: there is no topic 11"},
        {TG_E_NOT_FOUND, "topic: there is no topic 65"},
        {TG_E_INVALID, "source: there is no source 0"},
        {TG_E_INVALID, "source: there is no source 2"},
        {TG_E_RANGE, "priority: 5 is out of range (1 to 4)"},
        {TG_E_RANGE, "ttl_seconds: 86401 is out of range (1 to 86400)"},
        {TG_E_INVALID, "market_data: the payload is missing"},
        {TG_E_INVALID, "market_data: a record of 103 bytes was given (104 are required)"},
        {TG_E_RANGE, "market_data.closed: 3 is out of range (0 or 1)"},
        {TG_E_RANGE, "x.test.text: 4294967295 bytes are too many (at most 1048576)"},
        {TG_E_INVALID, "x.test.text: the payload is missing"},
    };
    drafts[0].topic = 0;
    drafts[1].topic = TG_TOPIC_COUNT;
    drafts[2].topic = TG_TOPIC_OWN_FIRST;
    drafts[3].source = 0;
    drafts[4].source = 2;
    drafts[5].priority = 5;
    drafts[6].ttl_seconds = BUS_TTL_SECONDS_MAX + 1;
    drafts[7].payload = NULL;
    drafts[8].payload_size--;
    drafts[9].payload = &bad;
    drafts[10].topic = drafts[11].topic = bus_topic_own(world.bus, "x.test.text", NULL);
    drafts[2].topic++;
    drafts[10].payload_size = UINT32_MAX;
    drafts[11].payload_size = 0;
    for (size_t i = 0; i < TG_ARRAY_LENGTH(drafts); i++) {
        assert_int_equal(bus_publish(world.bus, &drafts[i], NULL, &world.error), expected[i].code);
        assert_string_equal(world.error.message, expected[i].sentence);
    }
    assert_false(bus_has_work(world.bus));
    assert_int_equal(bus_pump(world.bus, 0), 0);
    assert_int_equal(record.count, 0);
    assert_int_equal(bus_sequence(world.bus), 0);
    assert_false(bus_get_latest(world.bus, TG_TOPIC_MARKET_DATA, NULL, 0, 0, &message));
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused, TG_ARRAY_LENGTH(drafts));
    assert_int_equal(stats.published, 0);
    assert_int_equal(stats.queue_messages_high, 0);
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &topic_stats));
    assert_int_equal(topic_stats.refused, 7);
    world_close(&world);
}

static void test_full_queue_refuses(void **state)
{
    struct world world;
    struct record record = {0};
    struct bus_stats stats;
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);

    (void)state;
    world_open_with(&world, (struct bus_options){.queue_messages_max = 3});
    world_subscribe(&world, "reader", record_handler, &record);
    for (int64_t i = 1; i <= 3; i++)
        world_publish(&world, "BTC/USDT", i, (uint8_t)i);
    const struct bus_draft draft = world_draft(&world, &bar, TG_PRIORITY_URGENT);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_FULL);
    bus_pump(world.bus, 1);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 4);
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused_full, 1);
    assert_int_equal(stats.queue_messages_high, 3);
    assert_int_equal(stats.queue_messages, 0);
    assert_int_equal(stats.queue_bytes, 0);
    world_close(&world);

    world_open_with(&world, (struct bus_options){.queue_bytes_max = 500});
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 2, 0);
    const struct bus_draft third = world_draft(&world, &bar, 0);
    assert_int_equal(bus_publish(world.bus, &third, NULL, &world.error), TG_E_FULL);
    assert_string_equal(world.error.message, "the queue is full (500 bytes), try again");
    world_close(&world);
}

static void test_sources(void **state)
{
    struct world world;
    char name[TG_SOURCE_SIZE + 1];

    (void)state;
    world_open(&world);
    assert_int_equal(bus_source(world.bus, "tester", NULL), world.source);
    assert_string_equal(bus_source_name(world.bus, world.source), "tester");
    assert_null(bus_source_name(world.bus, 0));
    assert_null(bus_source_name(world.bus, 2));
    assert_int_equal(bus_source(world.bus, "Bad", &world.error), 0);
    assert_string_equal(world.error.message, "source: \"Bad\" is no name (1 to 63 of a-z 0-9 _)");
    assert_int_equal(bus_source(world.bus, "", &world.error), 0);
    assert_int_equal(bus_source(world.bus, NULL, &world.error), 0);
    memset(name, 'a', sizeof(name));
    name[64] = '\0';
    assert_int_equal(bus_source(world.bus, name, &world.error), 0);
    name[63] = '\0';
    assert_int_equal(bus_source(world.bus, name, &world.error), 2);
    for (unsigned i = 3; i <= BUS_SOURCES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        assert_int_equal(bus_source(world.bus, name, &world.error), i);
    }
    assert_int_equal(bus_source(world.bus, "one_more", &world.error), 0);
    assert_int_equal(world.error.code, TG_E_FULL);
    assert_int_equal(bus_source(world.bus, "s1000", &world.error), 1000);
    world_close(&world);
}

static char text[BUS_PAYLOAD_MAX + 2];
static size_t text_length;

static int keep_text(void *context, const struct tg_message *message)
{
    (void)context;
    memcpy(text, message->payload, message->payload_size);
    text_length = message->payload_size;
    return 0;
}

static void test_own_topics(void **state)
{
    static const char *const bad[] = {"",       "x",       "x.a",        "x..b",
                                      "x.a.",   "x.a.b.c", "y.a.b",      "x.A.b",
                                      "x.a.b ", "x.a/b.c", "market_data"};
    struct world world;
    struct tg_message message;

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < TG_ARRAY_LENGTH(bad); i++) {
        assert_int_equal(bus_topic_own(world.bus, bad[i], &world.error), 0);
        assert_int_equal(world.error.code, TG_E_INVALID);
    }
    const uint16_t topic = bus_topic_own(world.bus, "x.spread.gap", &world.error);
    assert_int_equal(topic, TG_TOPIC_OWN_FIRST);
    assert_int_equal(bus_topic_own(world.bus, "x.spread.gap", &world.error), topic);
    assert_int_equal(bus_topic_find(world.bus, "x.spread.gap"), topic);
    assert_int_equal(bus_topic_find(world.bus, "market_data"), TG_TOPIC_MARKET_DATA);
    assert_int_equal(bus_topic_find(world.bus, "x.spread"), 0);
    assert_string_equal(bus_topic_name(world.bus, topic), "x.spread.gap");
    assert_null(bus_topic_name(world.bus, 0));

    assert_int_equal(bus_subscribe(world.bus, "reader", topic, keep_text, NULL, NULL, NULL),
                     TG_E_OK);
    struct bus_draft draft = {
        .topic = topic, .source = world.source, .payload = "{\"gap\":1.5}x", .payload_size = 11};
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
    draft.payload_size = 12;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_INVALID);
    assert_memory_equal(world.error.message, "x.spread.gap: payload: 1:", 25);
    bus_pump(world.bus, 0);
    assert_int_equal(text_length, 11);
    assert_memory_equal(text, "{\"gap\":1.5}", 11);
    assert_true(bus_get_latest(world.bus, topic, NULL, world.source, 0, &message));
    assert_memory_equal(message.payload, "{\"gap\":1.5}", 11);
    for (unsigned i = 1; i < BUS_TOPICS_MAX - TG_TOPIC_OWN_FIRST; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "x.many.n%u", i);
        assert_int_equal(bus_topic_own(world.bus, name, &world.error), TG_TOPIC_OWN_FIRST + i);
    }
    assert_int_equal(bus_topic_own(world.bus, "x.one.more", &world.error), 0);
    assert_int_equal(world.error.code, TG_E_FULL);
    world_close(&world);
}

static void test_large_payloads(void **state)
{
    static const size_t sizes[] = {BUS_INLINE_MAX, BUS_INLINE_MAX + 1, 100000, BUS_PAYLOAD_MAX};
    struct world world;
    struct tg_message message;
    struct bus_stats stats;

    (void)state;
    world_open(&world);
    const uint16_t topic = bus_topic_own(world.bus, "x.big.text", &world.error);
    assert_int_equal(bus_subscribe(world.bus, "reader", topic, keep_text, NULL, NULL, NULL),
                     TG_E_OK);
    char *payload = malloc(BUS_PAYLOAD_MAX + 1);
    assert_non_null(payload);
    struct bus_draft draft = {.topic = topic, .source = world.source, .payload = payload};
    for (size_t i = 0; i < TG_ARRAY_LENGTH(sizes); i++) {
        const size_t size = sizes[i];
        memset(payload, 'a' + (int)i, size);
        memcpy(payload, "{\"t\":\"", 6);
        memcpy(payload + size - 2, "\"}", 2);
        draft.payload_size = (uint32_t)size;
        assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
        bus_pump(world.bus, 0);
        assert_int_equal(text_length, size);
        assert_memory_equal(text, payload, size);
        assert_true(bus_get_latest(world.bus, topic, NULL, 0, 0, &message));
        assert_int_equal(message.payload_size, size);
        assert_memory_equal(message.payload, payload, size);
    }
    draft.payload_size = BUS_PAYLOAD_MAX + 1;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_RANGE);
    /* one that waits when the bus goes is freed with it */
    draft.payload_size = (uint32_t)sizes[1];
    memcpy(payload + sizes[1] - 2, "\"}", 2);
    assert_int_equal(bus_publish(world.bus, &draft, NULL, &world.error), TG_E_OK);
    bus_get_stats(world.bus, &stats);
    assert_true(stats.queue_bytes > BUS_INLINE_MAX);
    free(payload);
    world_close(&world);
}

static void test_bus_needs_a_clock(void **state)
{
    struct bus *bus = NULL;
    struct tg_error error;

    (void)state;
    assert_int_equal(bus_create(&(struct bus_options){0}, &bus, &error), TG_E_INVALID);
    assert_null(bus);
    bus_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_is_stamped), cmocka_unit_test(test_message_is_a_copy),
        cmocka_unit_test(test_ids_grow),           cmocka_unit_test(test_refusals_leave_nothing),
        cmocka_unit_test(test_full_queue_refuses), cmocka_unit_test(test_sources),
        cmocka_unit_test(test_own_topics),         cmocka_unit_test(test_large_payloads),
        cmocka_unit_test(test_bus_needs_a_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
