/* Chains of messages and what is kept of them: hops, persisted topics, figures inside handlers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "bus_world.h"
#include "obs/obs.h"

/* ---- hops --------------------------------------------------------------------------------- */

/* Answers every message of one topic on another. */
struct answerer {
    struct world *world;
    uint16_t topic; /* to publish on */
    bool in_filter;
    size_t calls, refused;
    uint8_t hops_max;
    char sentence[160];
};

static void answer(struct answerer *answerer)
{
    const struct tg_system_events event = fixture_system_events("ping");
    const struct tg_ta_signals signals = fixture_ta_signals("BTC/USDT");
    const bool is_event = answerer->topic == TG_TOPIC_SYSTEM_EVENTS;
    const struct bus_draft draft = {.topic = answerer->topic,
                                    .source = answerer->world->source,
                                    .payload = is_event ? (const void *)&event : &signals,
                                    .payload_size =
                                        (uint32_t)(is_event ? sizeof(event) : sizeof(signals))};
    struct tg_error error;

    answerer->calls++;
    if (bus_hops(answerer->world->bus) > answerer->hops_max)
        answerer->hops_max = bus_hops(answerer->world->bus);
    const int code = bus_publish(answerer->world->bus, &draft, NULL, &error);
    if (code != TG_E_OK) {
        assert_int_equal(code, TG_E_RANGE);
        (void)tg_text_copy(answerer->sentence, sizeof(answerer->sentence), error.message);
        answerer->refused++;
    }
}

static int answer_in_handler(void *context, const struct tg_message *message)
{
    struct answerer *answerer = context;

    (void)message;
    if (!answerer->in_filter)
        answer(answerer);
    return 0;
}

static int answer_in_filter(void *context, const struct tg_message *message)
{
    struct answerer *answerer = context;

    (void)message;
    if (answerer->in_filter)
        answer(answerer);
    return 0;
}

static void run_loop(bool in_filter)
{
    struct world world;
    struct bus_stats stats;

    world_open(&world);
    struct answerer a = {.world = &world, .topic = TG_TOPIC_TA_SIGNALS, .in_filter = in_filter};
    struct answerer b = {.world = &world, .topic = TG_TOPIC_SYSTEM_EVENTS, .in_filter = in_filter};
    const bus_filter filter = in_filter ? answer_in_filter : NULL;
    assert_int_equal(
        bus_subscribe(world.bus, "a", TG_TOPIC_SYSTEM_EVENTS, answer_in_handler, filter, &a, NULL),
        TG_E_OK);
    assert_int_equal(
        bus_subscribe(world.bus, "b", TG_TOPIC_TA_SIGNALS, answer_in_handler, filter, &b, NULL),
        TG_E_OK);
    assert_int_equal(bus_hops(world.bus), 0);
    answer(&b); /* outside handlers: hops 0 */
    assert_int_equal(bus_pump(world.bus, 0), BUS_HOPS_MAX + 1);
    assert_int_equal(a.calls + b.calls, BUS_HOPS_MAX + 2);
    assert_int_equal(a.refused + b.refused, 1);
    assert_int_equal(a.hops_max > b.hops_max ? a.hops_max : b.hops_max, BUS_HOPS_MAX + 1);
    assert_string_equal(a.sentence, "hops: 17 is out of range (0 to 16): messages answer each "
                                    "other in a circle");
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused_hops, 1);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(bus_hops(world.bus), 0);
    answer(&b); /* the next chain has all its hops again */
    assert_int_equal(bus_pump(world.bus, 0), BUS_HOPS_MAX + 1);
    world_close(&world);
}

static void test_loop_ends(void **state)
{
    (void)state;
    run_loop(false);
    run_loop(true);
}

/* Who answers later says how far the chain has come; so do other threads. */
static void test_hops_of_a_draft(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct bus_stats stats;

    (void)state;
    world_open(&world);
    struct answerer b = {.world = &world, .topic = TG_TOPIC_TA_SIGNALS};
    world_subscribe(&world, "b", answer_in_handler, &b);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    struct bus_draft draft = world_draft(&world, &bar, 0);
    draft.hops = BUS_HOPS_MAX;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(b.calls, 2);
    assert_int_equal(b.refused, 2);
    draft.hops = BUS_HOPS_MAX + 1;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_RANGE);
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, &world.error), TG_E_RANGE);
    assert_non_null(strstr(world.error.message, "hops: 17"));
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused_hops, 4);
    bus_publisher_destroy(world.bus, publisher);
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused_hops, 4); /* its figures stay with the bus */
    world_close(&world);
}

/* ---- persisting --------------------------------------------------------------------------- */

struct keeper {
    struct bus *bus;
    size_t count;
    uint16_t topics[16];
    uint64_t sequences[16];
    struct tg_uuid last;
    size_t handled;
};

static void keep(void *context, const struct tg_message *message)
{
    struct keeper *keeper = context;

    assert_true(keeper->count < 16);
    assert_non_null(message->payload);
    keeper->topics[keeper->count] = message->topic;
    keeper->sequences[keeper->count++] = bus_sequence(keeper->bus);
    keeper->last = message->id;
}

/* Kept before it is handled. */
static int check_kept(void *context, const struct tg_message *message)
{
    struct keeper *keeper = context;

    assert_true(keeper->count > keeper->handled);
    assert_int_equal(keeper->topics[keeper->handled], message->topic);
    keeper->handled++;
    return 0;
}

static void test_persist(void **state)
{
    struct world world;
    struct keeper keeper = {0};
    struct bus_publisher *publisher;
    struct bus_stats stats;
    const struct tg_trading_signals signal = fixture_trading_signals("BTC/USDT");
    const struct tg_execution_events fill = fixture_execution_events("BTC/USDT");

    (void)state;
    world_open_with(&world, (struct bus_options){.persist = keep, .persist_context = &keeper});
    keeper.bus = world.bus;
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    assert_int_equal(bus_subscribe(world.bus, "reader", TG_TOPIC_TRADING_SIGNALS, check_kept, NULL,
                                   &keeper, NULL),
                     TG_E_OK);
    assert_int_equal(bus_subscribe(world.bus, "reader", TG_TOPIC_EXECUTION_EVENTS, check_kept, NULL,
                                   &keeper, NULL),
                     TG_E_OK);
    struct bus_draft draft = {.topic = TG_TOPIC_TRADING_SIGNALS,
                              .source = world.source,
                              .payload = &signal,
                              .payload_size = sizeof(signal)};
    struct tg_uuid id;
    assert_int_equal(bus_publish(world.bus, &draft, &id, NULL), TG_E_OK);
    assert_int_equal(keeper.count, 1); /* taken up at once */
    assert_true(tg_uuid_equal(&keeper.last, &id));
    world_publish(&world, "BTC/USDT", 1, 0); /* market data: not kept */
    draft.topic = TG_TOPIC_EXECUTION_EVENTS;
    draft.payload = &fill;
    draft.payload_size = sizeof(fill);
    assert_int_equal(bus_publisher_publish(publisher, &draft, &id, NULL), TG_E_OK);
    assert_int_equal(keeper.count, 1); /* not taken up yet */
    bus_pump(world.bus, 0);
    assert_int_equal(keeper.count, 2);
    assert_int_equal(keeper.handled, 2);
    assert_int_equal(keeper.sequences[0], 1);
    assert_int_equal(keeper.sequences[1], 3);
    draft.payload_size--; /* refused: not kept */
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_INVALID);
    assert_int_equal(bus_set_persist(world.bus, TG_TOPIC_MARKET_DATA, true, NULL), TG_E_OK);
    assert_int_equal(bus_set_persist(world.bus, TG_TOPIC_EXECUTION_EVENTS, false, NULL), TG_E_OK);
    assert_int_equal(bus_set_persist(world.bus, 99, true, &world.error), TG_E_NOT_FOUND);
    world_publish(&world, "BTC/USDT", 2, 0);
    assert_int_equal(keeper.topics[2], TG_TOPIC_MARKET_DATA);
    draft.payload_size++;
    assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    assert_int_equal(keeper.count, 3);
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.persisted, 3);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

/* Which topics are kept without a word about it. */
static void test_persist_defaults(void **state)
{
    struct world world;
    struct keeper keeper = {0};

    (void)state;
    world_open_with(&world, (struct bus_options){.persist = keep, .persist_context = &keeper});
    keeper.bus = world.bus;
    const struct tg_ta_signals reading = fixture_ta_signals("BTC/USDT");
    const struct tg_system_events event = fixture_system_events("started");
    struct tg_risk_alerts alert = {0};
    struct tg_portfolio_updates update = {0};
    (void)tg_text_copy(alert.alert_type, sizeof(alert.alert_type), "loss");
    (void)tg_text_copy(alert.message, sizeof(alert.message), "lost");
    (void)tg_text_copy(update.current_allocation, sizeof(update.current_allocation), "{}");
    (void)tg_text_copy(update.trades, sizeof(update.trades), "[]");
    const struct bus_draft drafts[] = {
        {.topic = TG_TOPIC_TA_SIGNALS, .payload = &reading, .payload_size = sizeof(reading)},
        {.topic = TG_TOPIC_SYSTEM_EVENTS, .payload = &event, .payload_size = sizeof(event)},
        {.topic = TG_TOPIC_RISK_ALERTS, .payload = &alert, .payload_size = sizeof(alert)},
        {.topic = TG_TOPIC_PORTFOLIO_UPDATES, .payload = &update, .payload_size = sizeof(update)},
    };
    for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
        struct bus_draft draft = drafts[i];
        draft.source = world.source;
        if (bus_publish(world.bus, &draft, NULL, &world.error) != TG_E_OK)
            fail_msg("%s", world.error.message);
    }
    assert_int_equal(keeper.count, 2);
    assert_int_equal(keeper.topics[0], TG_TOPIC_RISK_ALERTS);
    assert_int_equal(keeper.topics[1], TG_TOPIC_PORTFOLIO_UPDATES);
    world_close(&world);
}

/* ---- figures inside handlers ------------------------------------------------------------------
 */

static const char *const readers[] = {"first", "second", "third", "fourth"};

/* Whatever is being handled: the figures of topics, subscribers and the bus agree. */
static void assert_consistent(const struct world *world)
{
    struct bus_stats stats;
    struct bus_topic_stats topic;
    struct bus_subscriber_stats sum = {0};

    bus_get_stats(world->bus, &stats);
    assert_true(bus_get_topic_stats(world->bus, TG_TOPIC_MARKET_DATA, &topic));
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        struct bus_subscriber_stats one;
        struct bus_dead_letter letters[BUS_DEAD_LETTERS_MAX];
        assert_true(bus_get_subscriber_stats(world->bus, readers[i], &one));
        assert_int_equal(one.published,
                         one.delivered + one.filtered + one.failed + one.expired + one.conflated);
        const size_t letter_count =
            bus_get_dead_letters(world->bus, readers[i], letters, BUS_DEAD_LETTERS_MAX);
        assert_int_equal(one.failed, letter_count + one.redelivered + one.dead_letters_dropped);
        assert_int_equal(one.expired, topic.expired);
        assert_int_equal(one.conflated, topic.conflated);
        sum.delivered += one.delivered;
        sum.filtered += one.filtered;
        sum.failed += one.failed;
    }
    assert_int_equal(sum.delivered, topic.delivered);
    assert_int_equal(sum.filtered, topic.filtered);
    assert_int_equal(sum.failed, topic.failed);
    assert_int_equal(topic.failed, topic.dead_lettered);
    assert_int_equal(stats.delivered, topic.delivered);
    assert_int_equal(stats.failed, topic.failed);
    assert_int_equal(stats.published, topic.published);
    assert_int_equal(bus_sequence(world->bus), topic.published);
    assert_true(stats.queue_messages <= stats.queue_messages_high);
    assert_true(stats.queue_bytes <= stats.queue_bytes_high);
    /* messages: each waits, the one in hand too, or all four subscribers have had their outcome */
    const uint64_t outcomes = sum.delivered + sum.filtered + sum.failed;
    const uint64_t over = topic.published - topic.expired - topic.conflated - stats.queue_messages;
    assert_true(outcomes >= 4 * over && outcomes < 4 * over + 4);
}

static int check_and_fail_some(void *context, const struct tg_message *message)
{
    struct world *world = context;
    const int64_t tag = world_tag(message);

    assert_consistent(world);
    if (tag < 1000 && tag % 3 == 0)
        world_publish(world, "BTC/USDT", tag + 1000, (uint8_t)(tag % 4 + 1));
    assert_consistent(world);
    return tag % 7 == 0 ? TG_E_FAILED : 0;
}

static int check_and_filter(void *context, const struct tg_message *message)
{
    assert_consistent(context);
    return world_tag(message) % 5 == 0 ? TG_E_INVALID : world_tag(message) % 2 == 0;
}

static void test_figures_inside(void **state)
{
    struct world world;

    (void)state;
    for (int conflates = 0; conflates < 2; conflates++) {
        world_open_with(&world, (struct bus_options){.measure_latency = true});
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(bus_subscribe(world.bus, readers[i], TG_TOPIC_MARKET_DATA,
                                           check_and_fail_some, i == 1 ? check_and_filter : NULL,
                                           &world, NULL),
                             TG_E_OK);
        assert_int_equal(bus_set_conflation(world.bus, TG_TOPIC_MARKET_DATA, conflates == 1, NULL),
                         TG_E_OK);
        for (int64_t i = 1; i <= 900; i++) {
            world_publish(&world, i % 4 == 0 ? "ETH/USDT" : "BTC/USDT", i, (uint8_t)(i % 4 + 1));
            assert_consistent(&world);
            if (i % 50 == 0)
                world_advance(&world, i % 100 == 0 ? 400 : 1); /* now and then all expires */
            if (i % 10 == 0)
                bus_pump(world.bus, 1 + (size_t)(i % 3));
            assert_consistent(&world);
        }
        bus_pump(world.bus, 0);
        assert_consistent(&world);
        struct bus_topic_stats topic;
        assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &topic));
        assert_true(topic.expired > 0 && topic.failed > 0 && topic.filtered > 0);
        assert_int_equal(topic.conflated > 0, conflates == 1);
        const struct obs_histogram *latency = bus_get_latency(world.bus, TG_TOPIC_MARKET_DATA);
        assert_int_equal(latency->count, topic.published - topic.expired - topic.conflated);
        world_close(&world);
    }
}

/* ---- the time of the pump ------------------------------------------------------------------- */

struct stamper {
    struct world *world;
    int64_t handled_at;
};

static int publish_later(void *context, const struct tg_message *message)
{
    struct stamper *stamper = context;

    if (world_tag(message) == 1) {
        stamper->world->time.now_ns += 5;
        world_publish(stamper->world, "BTC/USDT", 2, 0);
    } else {
        stamper->handled_at = message->timestamp;
    }
    return 0;
}

static void test_time_of_a_handlers_publish(void **state)
{
    struct world world;
    struct stamper stamper = {&world, 0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "stamper", publish_later, &stamper);
    world_publish(&world, "BTC/USDT", 1, 0);
    world.time.now_ns += 100;
    bus_pump(world.bus, 0);
    assert_int_equal(stamper.handled_at, WORLD_START + 100); /* the pump's, not the handler's */
    world_close(&world);
}

static int64_t newest_time(const struct world *world)
{
    struct tg_message message;

    assert_true(bus_get_latest(world->bus, TG_TOPIC_MARKET_DATA, NULL, 0, 0, &message));
    return message.timestamp;
}

static int end_a_burst(void *context, const struct tg_message *message)
{
    struct stamper *stamper = context;

    if (world_tag(message) == 9) {
        stamper->world->time.now_ns += 50;
        bus_burst_begin(stamper->world->bus); /* within a handler both do nothing */
        bus_burst_end(stamper->world->bus);
        world_publish(stamper->world, "BTC/USDT", 10, 0);
    }
    return 0;
}

static void test_bursts(void **state)
{
    struct world world;
    struct stamper stamper = {&world, 0};
    struct bus_publisher *publisher;

    (void)state;
    world_open(&world);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    bus_burst_begin(world.bus);
    world.time.now_ns += 10;
    world_publish(&world, "BTC/USDT", 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START);
    world_publish(&world, "BTC/USDT", 2, 0); /* the pump has ended it */
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START + 10);
    bus_burst_begin(world.bus);
    world.time.now_ns += 10;
    bus_burst_end(world.bus);
    world_publish(&world, "BTC/USDT", 3, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START + 20);

    const struct tg_market_data bar = world_bar("BTC/USDT", 4);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    bus_publisher_burst_begin(publisher);
    world.time.now_ns += 10;
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START + 20);
    bus_publisher_burst_end(publisher);
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START + 30);

    world_subscribe(&world, "ender", end_a_burst, &stamper);
    world_publish(&world, "BTC/USDT", 9, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(newest_time(&world), WORLD_START + 30);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loop_ends),      cmocka_unit_test(test_hops_of_a_draft),
        cmocka_unit_test(test_persist),        cmocka_unit_test(test_persist_defaults),
        cmocka_unit_test(test_figures_inside), cmocka_unit_test(test_time_of_a_handlers_publish),
        cmocka_unit_test(test_bursts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
