/* Order: priorities, first come first served, no starvation, a handler's publish waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus_world.h"

static struct record record;

static void open_recorded(struct world *world)
{
    world_open(world);
    record.count = 0;
    world_subscribe(world, "reader", record_handler, &record);
}

static void test_priority_then_arrival(void **state)
{
    struct world world;

    (void)state;
    open_recorded(&world);
    for (int64_t i = 0; i < 40; i++)
        world_publish(&world, "BTC/USDT", 100 * (i % 4 + 1) + i / 4, (uint8_t)(i % 4 + 1));
    assert_int_equal(bus_pump(world.bus, 0), 40);
    assert_int_equal(record.count, 40);
    for (int64_t i = 0; i < 40; i++)
        assert_int_equal(record.tags[i], 100 * (4 - i / 10) + i % 10);
    assert_int_equal(bus_sequence(world.bus), 40);
    world_close(&world);
}

static void test_budget(void **state)
{
    struct world world;

    (void)state;
    open_recorded(&world);
    for (int64_t i = 1; i <= 100; i++)
        world_publish(&world, "BTC/USDT", i, 0);
    assert_int_equal(bus_pump(world.bus, 7), 7);
    assert_int_equal(record.count, 7);
    assert_int_equal(bus_pump(world.bus, 50), 50);
    world_publish(&world, "BTC/USDT", 1000, TG_PRIORITY_URGENT);
    assert_int_equal(bus_pump(world.bus, 1), 1);
    assert_int_equal(record.tags[57], 1000);
    assert_int_equal(bus_pump(world.bus, 500), 43);
    assert_int_equal(bus_pump(world.bus, 500), 0);
    world_close(&world);
}

/* One LOW behind many URGENT goes through after 64 of them; the order of the rest stays. */
static void test_low_is_not_starved(void **state)
{
    struct world world;

    (void)state;
    open_recorded(&world);
    for (int64_t i = 1; i <= 3; i++)
        world_publish(&world, "BTC/USDT", 9000 + i, TG_PRIORITY_LOW);
    for (int64_t i = 1; i <= 200; i++)
        world_publish(&world, "BTC/USDT", i, TG_PRIORITY_URGENT);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 203);
    int64_t urgent = 0, low = 0;
    for (size_t i = 0; i < record.count; i++) {
        if (i == 64 || i == 129 || i == 194)
            assert_int_equal(record.tags[i], 9000 + ++low);
        else
            assert_int_equal(record.tags[i], ++urgent);
    }
    world_close(&world);
}

/* Each lower priority has its own turn: NORMAL does not take that of LOW. */
static void test_each_lower_priority_has_a_turn(void **state)
{
    struct world world;

    (void)state;
    open_recorded(&world);
    world_publish(&world, "BTC/USDT", 9001, TG_PRIORITY_LOW);
    for (int64_t i = 1; i <= 5; i++)
        world_publish(&world, "BTC/USDT", 8000 + i, TG_PRIORITY_NORMAL);
    for (int64_t i = 1; i <= 300; i++)
        world_publish(&world, "BTC/USDT", i, TG_PRIORITY_HIGH);
    bus_pump(world.bus, 70);
    bool low_seen = false, normal_seen = false;
    for (size_t i = 0; i < record.count; i++) {
        low_seen = low_seen || record.tags[i] == 9001;
        normal_seen = normal_seen || record.tags[i] == 8001;
    }
    assert_true(low_seen);
    assert_true(normal_seen);
    world_close(&world);
}

/* ---- the starvation bound -------------------------------------------------------------------- */

/* Where the messages of a priority wait. */
enum place { IN_QUEUE, IN_RING };

static void publish_at(struct world *world, struct bus_publisher *publisher, enum place place,
                       int64_t tag, uint8_t priority)
{
    const struct tg_market_data bar = world_bar("BTC/USDT", tag);
    const struct bus_draft draft = world_draft(world, &bar, priority);

    if (place == IN_QUEUE)
        assert_int_equal(bus_publish(world->bus, &draft, NULL, NULL), TG_E_OK);
    else
        assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
}

/* Never more than `bound` others between two of those with tags from 9000. */
static void assert_bound(size_t lows, size_t bound)
{
    size_t others = 0, seen = 0;

    for (size_t i = 0; i < record.count && seen < lows; i++) {
        if (record.tags[i] < 9000) {
            assert_true(++others <= bound);
        } else {
            assert_int_equal(record.tags[i], 9000 + (int64_t)seen++);
            others = 0;
        }
    }
    assert_int_equal(seen, lows);
}

static void check_pair(uint8_t high, enum place high_place, uint8_t low, enum place low_place,
                       size_t budget)
{
    struct world world;
    struct bus_publisher *publisher;

    open_recorded(&world);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    for (int64_t i = 0; i < 5; i++)
        publish_at(&world, publisher, low_place, 9000 + i, low);
    int64_t next = 1;
    while (record.count < 6 * (BUS_STARVATION_LIMIT + 1)) { /* there are always higher ones */
        for (size_t i = 0; i < budget; i++)
            publish_at(&world, publisher, high_place, next++, high);
        assert_int_equal(bus_pump(world.bus, budget), budget);
    }
    assert_bound(5, BUS_STARVATION_LIMIT);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

static void test_bound_of_every_pair(void **state)
{
    const enum place places[] = {IN_QUEUE, IN_RING};
    const size_t budgets[] = {1, 7, 32, 100};

    (void)state;
    for (uint8_t high = TG_PRIORITY_LOW + 1; high <= TG_PRIORITY_URGENT; high++)
        for (uint8_t low = TG_PRIORITY_LOW; low < high; low++)
            for (int combination = 0; combination < 4; combination++)
                for (size_t i = 0; i < 4; i++)
                    check_pair(high, places[combination & 1], low, places[combination >> 1],
                               budgets[i]);
}

/* A flood of all higher ones: each that waits in between has its turn first, at most. */
static void test_bound_under_a_flood_of_all(void **state)
{
    struct world world;

    (void)state;
    open_recorded(&world);
    for (int64_t i = 0; i < 5; i++)
        world_publish(&world, "BTC/USDT", 9000 + i, TG_PRIORITY_LOW);
    for (int64_t i = 1; i <= 1500; i++)
        world_publish(&world, "BTC/USDT", i, (uint8_t)(TG_PRIORITY_NORMAL + i % 3));
    bus_pump(world.bus, 0);
    assert_bound(5, BUS_STARVATION_LIMIT + 2);
    world_close(&world);
}

struct chain {
    struct world *world;
    struct record *record;
    int64_t depth;       /* handlers under way */
    int64_t publish_max; /* tags up to this make another */
    uint8_t priority;
};

static int publish_next(void *context, const struct tg_message *message)
{
    struct chain *chain = context;

    assert_int_equal(chain->depth, 0); /* never inside another delivery */
    chain->depth++;
    (void)record_handler(chain->record, message);
    const int64_t tag = world_tag(message);
    if (tag < chain->publish_max) {
        world_publish(chain->world, "BTC/USDT", tag + 1, chain->priority);
        assert_int_equal(bus_pump(chain->world->bus, 0), 0); /* a pump inside does nothing */
    }
    chain->depth--;
    return 0;
}

static void test_publish_in_a_handler_waits(void **state)
{
    struct world world;
    struct chain chain = {&world, &record, 0, 5, 0};

    (void)state;
    world_open(&world);
    record.count = 0;
    world_subscribe(&world, "chain", publish_next, &chain);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 100, 0);
    assert_int_equal(bus_pump(world.bus, 0), 6);
    const int64_t expected[] = {1, 100, 2, 3, 4, 5};
    assert_memory_equal(record.tags, expected, sizeof(expected));
    world_close(&world);
}

static void test_urgent_of_a_handler_overtakes(void **state)
{
    struct world world;
    struct chain chain = {&world, &record, 0, 2, TG_PRIORITY_URGENT};

    (void)state;
    world_open(&world);
    record.count = 0;
    world_subscribe(&world, "chain", publish_next, &chain);
    world_publish(&world, "BTC/USDT", 1, TG_PRIORITY_LOW);
    for (int64_t i = 100; i < 110; i++)
        world_publish(&world, "BTC/USDT", i, TG_PRIORITY_LOW);
    bus_pump(world.bus, 0);
    assert_int_equal(record.tags[0], 1);
    assert_int_equal(record.tags[1], 2);
    assert_int_equal(record.tags[2], 100);
    world_close(&world);
}

/* Many more messages than one chunk of the queue holds, put in and taken out by turns. */
static void test_long_queues(void **state)
{
    struct world world;
    int64_t next = 1, expected = 1;

    (void)state;
    open_recorded(&world);
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 1000; i++)
            world_publish(&world, "BTC/USDT", next++, TG_PRIORITY_HIGH);
        record.count = 0;
        assert_int_equal(bus_pump(world.bus, round == 49 ? 0 : 900), round == 49 ? 5900 : 900);
        for (size_t i = 0; i < record.count; i++)
            assert_int_equal(record.tags[i], expected++);
    }
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priority_then_arrival),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_low_is_not_starved),
        cmocka_unit_test(test_each_lower_priority_has_a_turn),
        cmocka_unit_test(test_bound_of_every_pair),
        cmocka_unit_test(test_bound_under_a_flood_of_all),
        cmocka_unit_test(test_publish_in_a_handler_waits),
        cmocka_unit_test(test_urgent_of_a_handler_overtakes),
        cmocka_unit_test(test_long_queues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
