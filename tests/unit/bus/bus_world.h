/* A bus on a clock that stands still, and a subscriber that writes down what it gets. */
#ifndef TEST_BUS_WORLD_H
#define TEST_BUS_WORLD_H

#include "bus/bus.h"
#include "bus_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define WORLD_START (INT64_C(1643673600) * TG_NS_PER_SEC)

struct world {
    struct tg_virtual_clock time;
    struct bus *bus;
    uint16_t source;
    struct tg_error error;
};

static inline void world_open_with(struct world *world, struct bus_options options)
{
    memset(world, 0, sizeof(*world));
    world->time.now_ns = WORLD_START;
    options.clock = tg_virtual_clock(&world->time);
    options.seed = 7;
    if (bus_create(&options, &world->bus, &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
    world->source = bus_source(world->bus, "tester", &world->error);
    assert_int_not_equal(world->source, 0);
}

static inline void world_open(struct world *world)
{
    world_open_with(world, (struct bus_options){0});
}

static inline void world_close(struct world *world)
{
    bus_destroy(world->bus);
}

static inline void world_advance(struct world *world, int64_t seconds)
{
    world->time.now_ns += seconds * TG_NS_PER_SEC;
}

/* A bar whose close is `tag`, so that a message can be told from another. */
static inline struct tg_market_data world_bar(const char *symbol, int64_t tag)
{
    struct tg_market_data bar = fixture_market_data(symbol);

    bar.open = bar.high = bar.low = bar.close = tg_decimal_whole(tag);
    return bar;
}

static inline int64_t world_tag(const struct tg_message *message)
{
    const struct tg_market_data *bar = message->payload;

    return bar->close.units / TG_DECIMAL_ONE;
}

static inline struct bus_draft world_draft(const struct world *world,
                                           const struct tg_market_data *bar, uint8_t priority)
{
    return (struct bus_draft){
        .topic = TG_TOPIC_MARKET_DATA,
        .source = world->source,
        .priority = priority,
        .payload = bar,
        .payload_size = sizeof(*bar),
    };
}

static inline void world_publish(struct world *world, const char *symbol, int64_t tag,
                                 uint8_t priority)
{
    const struct tg_market_data bar = world_bar(symbol, tag);
    const struct bus_draft draft = world_draft(world, &bar, priority);

    if (bus_publish(world->bus, &draft, NULL, &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
}

#define RECORD_MAX 8192

struct record {
    size_t count;
    int64_t tags[RECORD_MAX];
};

static inline int record_handler(void *context, const struct tg_message *message)
{
    struct record *record = context;

    assert_true(record->count < RECORD_MAX);
    record->tags[record->count++] = world_tag(message);
    return 0;
}

static inline void world_subscribe(struct world *world, const char *name, bus_handler handler,
                                   void *context)
{
    if (bus_subscribe(world->bus, name, TG_TOPIC_MARKET_DATA, handler, NULL, context,
                      &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
}

/* published = delivered + filtered + failed + expired + conflated */
static inline void assert_balanced(const struct world *world, const char *subscriber)
{
    struct bus_subscriber_stats stats;

    assert_true(bus_get_subscriber_stats(world->bus, subscriber, &stats));
    assert_int_equal(stats.published, stats.delivered + stats.filtered + stats.failed +
                                          stats.expired + stats.conflated);
}

#endif
