/* Subscriptions: replacing, filters, changes inside handlers, failures and dead letters, figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "bus_world.h"
#include "obs/obs.h"

static int even_only(void *context, const struct tg_message *message)
{
    (void)context;
    return world_tag(message) % 2 == 0;
}

static void test_exactly_once_each(void **state)
{
    struct world world;
    static struct record records[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};

    (void)state;
    world_open(&world);
    for (size_t i = 0; i < 5; i++) {
        records[i].count = 0;
        world_subscribe(&world, names[i], record_handler, &records[i]);
    }
    for (int64_t i = 1; i <= 50; i++)
        world_publish(&world, "BTC/USDT", i, 0);
    bus_pump(world.bus, 0);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(records[i].count, 50);
        for (int64_t n = 0; n < 50; n++)
            assert_int_equal(records[i].tags[n], n + 1);
        assert_balanced(&world, names[i]);
    }
    world_close(&world);
}

static void test_second_replaces_first(void **state)
{
    struct world world;
    struct record first = {0}, second = {0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &first);
    world_subscribe(&world, "reader", record_handler, &second);
    world_publish(&world, "BTC/USDT", 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(first.count, 0);
    assert_int_equal(second.count, 1);
    world_close(&world);
}

static void test_filter(void **state)
{
    struct world world;
    struct record record = {0};
    struct bus_subscriber_stats stats;
    struct bus_topic_stats topic;

    (void)state;
    world_open(&world);
    assert_int_equal(bus_subscribe(world.bus, "even", TG_TOPIC_MARKET_DATA, record_handler,
                                   even_only, &record, NULL),
                     TG_E_OK);
    for (int64_t i = 1; i <= 9; i++)
        world_publish(&world, "BTC/USDT", i, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 4);
    assert_int_equal(record.tags[3], 8);
    assert_true(bus_get_subscriber_stats(world.bus, "even", &stats));
    assert_int_equal(stats.published, 9);
    assert_int_equal(stats.filtered, 5);
    assert_int_equal(stats.delivered, 4);
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &topic));
    assert_int_equal(topic.published, 9);
    assert_int_equal(topic.filtered, 5);
    world_close(&world);
}

static void test_refusals(void **state)
{
    struct world world;
    char name[16];

    (void)state;
    world_open(&world);
    assert_int_equal(bus_subscribe(world.bus, "No", TG_TOPIC_MARKET_DATA, record_handler, NULL,
                                   NULL, &world.error),
                     TG_E_INVALID);
    assert_int_equal(
        bus_subscribe(world.bus, NULL, TG_TOPIC_MARKET_DATA, record_handler, NULL, NULL, NULL),
        TG_E_INVALID);
    assert_int_equal(bus_subscribe(world.bus, "a", 99, record_handler, NULL, NULL, &world.error),
                     TG_E_NOT_FOUND);
    assert_int_equal(
        bus_subscribe(world.bus, "a", TG_TOPIC_MARKET_DATA, NULL, NULL, NULL, &world.error),
        TG_E_INVALID);
    assert_int_equal(bus_unsubscribe(world.bus, "a", 0), TG_E_NOT_FOUND);
    assert_int_equal(bus_unsubscribe(world.bus, NULL, 0), TG_E_NOT_FOUND);
    struct record record = {0};
    for (unsigned i = 0; i < BUS_SUBSCRIBERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%u", i);
        world_subscribe(&world, name, record_handler, &record);
    }
    assert_int_equal(bus_subscribe(world.bus, "more", TG_TOPIC_MARKET_DATA, record_handler, NULL,
                                   &record, &world.error),
                     TG_E_FULL);
    world_publish(&world, "BTC/USDT", 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, BUS_SUBSCRIBERS_MAX);
    struct bus_subscriber_stats stats;
    assert_false(bus_get_subscriber_stats(world.bus, "more", &stats));
    world_close(&world);
}

static void test_unsubscribe(void **state)
{
    struct world world;
    struct record record = {0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_subscribe(world.bus, "reader", TG_TOPIC_TA_SIGNALS, record_handler, NULL,
                                   &record, NULL),
                     TG_E_OK);
    assert_int_equal(bus_unsubscribe(world.bus, "reader", TG_TOPIC_RISK_ALERTS), TG_E_NOT_FOUND);
    assert_int_equal(bus_unsubscribe(world.bus, "reader", TG_TOPIC_MARKET_DATA), TG_E_OK);
    world_publish(&world, "BTC/USDT", 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 0);
    assert_int_equal(bus_unsubscribe(world.bus, "reader", 0), TG_E_OK);
    assert_int_equal(bus_unsubscribe(world.bus, "reader", 0), TG_E_NOT_FOUND);
    world_close(&world);
}

/* ---- changes inside handlers ---------------------------------------------------------------- */

struct changer {
    struct world *world;
    struct record *others;
    size_t calls;
};

static int unsubscribe_self_and_next(void *context, const struct tg_message *message)
{
    struct changer *changer = context;

    (void)message;
    changer->calls++;
    assert_int_equal(bus_unsubscribe(changer->world->bus, "b_changer", 0), TG_E_OK);
    assert_int_equal(bus_unsubscribe(changer->world->bus, "c_next", 0), TG_E_OK);
    return 0;
}

static void test_unsubscribe_inside(void **state)
{
    struct world world;
    struct record before = {0}, next = {0}, after = {0};
    struct changer changer = {&world, NULL, 0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "a_before", record_handler, &before);
    world_subscribe(&world, "b_changer", unsubscribe_self_and_next, &changer);
    world_subscribe(&world, "c_next", record_handler, &next);
    world_subscribe(&world, "d_after", record_handler, &after);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 2, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(changer.calls, 1);
    assert_int_equal(before.count, 2);
    assert_int_equal(next.count, 0); /* gone before its turn came */
    assert_int_equal(after.count, 2);
    assert_balanced(&world, "b_changer");
    assert_balanced(&world, "c_next");
    world_close(&world);
}

static int subscribe_many(void *context, const struct tg_message *message)
{
    struct changer *changer = context;
    char name[16];

    (void)message;
    if (changer->calls++ > 0)
        return 0;
    for (int i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof(name), "new%d", i);
        world_subscribe(changer->world, name, record_handler, changer->others);
    }
    return 0;
}

/* New subscriptions see the next message, not the one that is being delivered. */
static void test_subscribe_inside(void **state)
{
    struct world world;
    struct record others = {0}, last = {0};
    struct changer changer = {&world, &others, 0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "changer", subscribe_many, &changer);
    world_subscribe(&world, "last", record_handler, &last);
    world_publish(&world, "BTC/USDT", 1, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(others.count, 0);
    assert_int_equal(last.count, 1);
    world_publish(&world, "BTC/USDT", 2, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(others.count, 20);
    assert_int_equal(last.count, 2);
    world_close(&world);
}

static int resubscribe(void *context, const struct tg_message *message)
{
    struct changer *changer = context;

    changer->calls++;
    (void)message;
    assert_int_equal(bus_unsubscribe(changer->world->bus, "self", 0), TG_E_OK);
    world_subscribe(changer->world, "self", record_handler, changer->others);
    return 0;
}

static void test_resubscribe_inside(void **state)
{
    struct world world;
    struct record others = {0};
    struct changer changer = {&world, &others, 0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "self", resubscribe, &changer);
    world_publish(&world, "BTC/USDT", 1, 0);
    world_publish(&world, "BTC/USDT", 2, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(changer.calls, 1); /* the first message once, to the old one */
    assert_int_equal(others.count, 1);
    assert_int_equal(others.tags[0], 2);
    world_close(&world);
}

/* ---- failures ------------------------------------------------------------------------------- */

static int fail_on_three(void *context, const struct tg_message *message)
{
    (void)context;
    return world_tag(message) == 3 ? TG_E_STATE : 0;
}

static int broken_filter(void *context, const struct tg_message *message)
{
    (void)context;
    return world_tag(message) == 2 ? TG_E_INVALID : 1;
}

static char log_lines[4096];

static void keep_lines(void *context, int level, const char *line, size_t length)
{
    size_t used = strlen(log_lines);

    (void)context;
    (void)level;
    assert_true(used + length + 2 < sizeof(log_lines));
    memcpy(log_lines + used, line, length);
    log_lines[used + length] = '\n';
    log_lines[used + length + 1] = '\0';
}

static void test_failures_are_contained(void **state)
{
    struct world world;
    struct record good = {0};
    struct tg_virtual_clock time = {WORLD_START};
    const struct tg_clock clock = tg_virtual_clock(&time);
    struct obs_log *log;
    struct bus_dead_letter letters[4];
    struct bus_subscriber_stats stats;
    struct bus_stats totals;
    char id[TG_UUID_TEXT_SIZE];

    (void)state;
    log_lines[0] = '\0';
    assert_int_equal(obs_log_create(TG_LOG_DEBUG, &clock, keep_lines, NULL, &log, NULL), TG_E_OK);
    world_open_with(&world, (struct bus_options){.log = log});
    world_subscribe(&world, "bad_handler", fail_on_three, NULL);
    assert_int_equal(bus_subscribe(world.bus, "bad_filter", TG_TOPIC_MARKET_DATA, fail_on_three,
                                   broken_filter, NULL, NULL),
                     TG_E_OK);
    world_subscribe(&world, "good", record_handler, &good);
    for (int64_t i = 1; i <= 4; i++)
        world_publish(&world, "BTC/USDT", i, TG_PRIORITY_HIGH);
    bus_pump(world.bus, 0);
    assert_int_equal(good.count, 4);
    assert_int_equal(bus_get_dead_letters(world.bus, "bad_handler", letters, 4), 1);
    assert_int_equal(world_tag(&letters[0].message), 3);
    assert_string_equal(letters[0].reason, "handler returned -7 (STATE)");
    tg_uuid_format(&letters[0].message.id, id);
    assert_non_null(strstr(log_lines, id));
    assert_non_null(strstr(log_lines, "of market_data, priority HIGH, to bad_handler"));
    assert_int_equal(bus_get_dead_letters(world.bus, "bad_filter", letters, 4), 2);
    assert_string_equal(letters[0].reason, "filter returned -1 (INVALID)");
    assert_int_equal(world_tag(&letters[1].message), 3);
    assert_int_equal(bus_get_dead_letters(world.bus, "good", letters, 4), 0);
    assert_int_equal(bus_get_dead_letters(world.bus, "nobody", letters, 4), 0);
    assert_true(bus_get_subscriber_stats(world.bus, "bad_filter", &stats));
    assert_int_equal(stats.failed, 2);
    assert_int_equal(stats.delivered, 2);
    assert_balanced(&world, "bad_filter");
    assert_balanced(&world, "bad_handler");
    bus_get_stats(world.bus, &totals);
    assert_int_equal(totals.failed, 3);
    assert_int_equal(totals.dead_lettered, 3);
    world_close(&world);
    obs_log_destroy(log);
}

static int always_fail(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return 1;
}

static void test_dead_letters_are_bounded(void **state)
{
    struct world world;
    struct bus_dead_letter letters[BUS_DEAD_LETTERS_MAX + 1];
    struct bus_subscriber_stats stats;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "bad", always_fail, NULL);
    for (int64_t i = 1; i <= 250; i++)
        world_publish(&world, "BTC/USDT", i, 0);
    bus_pump(world.bus, 0);
    assert_int_equal(bus_get_dead_letters(world.bus, "bad", letters, BUS_DEAD_LETTERS_MAX + 1),
                     100);
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(world_tag(&letters[i].message), 151 + i);
    assert_true(bus_get_subscriber_stats(world.bus, "bad", &stats));
    assert_int_equal(stats.dead_letters_dropped, 150);
    assert_int_equal(stats.failed, 250);
    world_close(&world);
}

static int later(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return 0;
}

static void test_latency(void **state)
{
    struct world world;

    (void)state;
    world_open_with(&world, (struct bus_options){.measure_latency = true});
    world_subscribe(&world, "reader", later, NULL);
    world_publish(&world, "BTC/USDT", 1, 0);
    world.time.now_ns += 1000;
    bus_pump(world.bus, 0);
    const struct obs_histogram *latency = bus_get_latency(world.bus, TG_TOPIC_MARKET_DATA);
    assert_non_null(latency);
    assert_int_equal(latency->count, 1);
    assert_int_equal(latency->maximum, 1000);
    assert_null(bus_get_latency(world.bus, 0));
    world_close(&world);
    world_open(&world);
    assert_null(bus_get_latency(world.bus, TG_TOPIC_MARKET_DATA));
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exactly_once_each),
        cmocka_unit_test(test_second_replaces_first),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_unsubscribe),
        cmocka_unit_test(test_unsubscribe_inside),
        cmocka_unit_test(test_subscribe_inside),
        cmocka_unit_test(test_resubscribe_inside),
        cmocka_unit_test(test_failures_are_contained),
        cmocka_unit_test(test_dead_letters_are_bounded),
        cmocka_unit_test(test_latency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
