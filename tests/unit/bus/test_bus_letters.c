/* Dead letters: delivered anew one by one or all, tries, quarantine, bounds; figures that add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/uuid.h"
#include "bus_world.h"

/* A subscriber that fails on what it is told to. */
struct fragile {
    struct world *world;
    struct record got;
    int64_t fails_from, fails_to;
    bool unsubscribes, publishes, redelivers;
};

static int fragile_handler(void *context, const struct tg_message *message)
{
    struct fragile *fragile = context;
    const int64_t tag = world_tag(message);

    if (fragile->redelivers)
        assert_int_equal(
            bus_redeliver(fragile->world->bus, "fragile", NULL, NULL, &fragile->world->error),
            TG_E_STATE);
    if (fragile->unsubscribes)
        assert_int_equal(bus_unsubscribe(fragile->world->bus, "fragile", 0), TG_E_OK);
    if (fragile->publishes) {
        assert_int_equal(bus_hops(fragile->world->bus), 1);
        world_publish(fragile->world, "ETH/USDT", tag + 1000, 0);
        assert_int_equal(bus_pump(fragile->world->bus, 0), 0);
    }
    if (tag >= fragile->fails_from && tag <= fragile->fails_to)
        return TG_E_FAILED;
    return record_handler(&fragile->got, message);
}

static void open_fragile(struct world *world, struct fragile *fragile, int64_t messages)
{
    world_open(world);
    memset(fragile, 0, sizeof(*fragile));
    fragile->world = world;
    fragile->fails_from = 1;
    fragile->fails_to = messages;
    world_subscribe(world, "fragile", fragile_handler, fragile);
    for (int64_t i = 1; i <= messages; i++)
        world_publish(world, "BTC/USDT", i, 0);
    bus_pump(world->bus, 0);
}

/* failed = in the list + redelivered + dropped; and what the list says. */
static void assert_letters(const struct world *world, const int64_t *tags, const uint32_t *tries,
                           size_t count)
{
    struct bus_dead_letter letters[BUS_DEAD_LETTERS_MAX];
    struct bus_subscriber_stats stats;

    assert_int_equal(bus_get_dead_letters(world->bus, "fragile", letters, BUS_DEAD_LETTERS_MAX),
                     count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(world_tag(&letters[i].message), tags[i]);
        assert_int_equal(letters[i].tries, tries[i]);
        assert_int_equal(letters[i].is_quarantined, tries[i] >= BUS_REDELIVERIES_MAX);
    }
    assert_true(bus_get_subscriber_stats(world->bus, "fragile", &stats));
    assert_int_equal(stats.failed, count + stats.redelivered + stats.dead_letters_dropped);
    assert_balanced(world, "fragile");
}

static struct tg_uuid letter_id(const struct world *world, size_t index)
{
    struct bus_dead_letter letters[BUS_DEAD_LETTERS_MAX];
    const size_t count = bus_get_dead_letters(world->bus, "fragile", letters, BUS_DEAD_LETTERS_MAX);

    assert_true(index < count);
    return letters[index].message.id;
}

static void test_one(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_redelivery result;

    (void)state;
    open_fragile(&world, &fragile, 3);
    assert_letters(&world, (int64_t[]){1, 2, 3}, (uint32_t[]){0, 0, 0}, 3);
    struct tg_uuid id = letter_id(&world, 1);
    assert_int_equal(bus_redeliver(world.bus, "fragile", &id, &result, &world.error), TG_E_FAILED);
    assert_string_equal(world.error.message, "1 of 1 dead letters of fragile failed again");
    assert_int_equal(result.failed, 1);
    assert_letters(&world, (int64_t[]){1, 3, 2}, (uint32_t[]){0, 0, 1}, 3);
    fragile.fails_to = 0;
    assert_int_equal(bus_redeliver(world.bus, "fragile", &id, &result, &world.error), TG_E_OK);
    assert_int_equal(result.succeeded, 1);
    assert_int_equal(fragile.got.count, 1);
    assert_int_equal(fragile.got.tags[0], 2);
    assert_letters(&world, (int64_t[]){1, 3}, (uint32_t[]){0, 0}, 2);
    assert_int_equal(bus_redeliver(world.bus, "fragile", &id, &result, &world.error),
                     TG_E_NOT_FOUND);
    assert_non_null(strstr(world.error.message, "fragile has no dead letter 017e"));
    assert_int_equal(bus_redeliver(world.bus, "nobody", NULL, &result, &world.error),
                     TG_E_NOT_FOUND);
    assert_string_equal(world.error.message, "there is no subscriber nobody");
    assert_int_equal(bus_redeliver(world.bus, NULL, NULL, NULL, NULL), TG_E_NOT_FOUND);
    world_close(&world);
}

static void test_all(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_redelivery result;
    struct bus_subscriber_stats stats;

    (void)state;
    open_fragile(&world, &fragile, 5);
    fragile.fails_from = 2;
    fragile.fails_to = 3;
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, &world.error), TG_E_FAILED);
    assert_string_equal(world.error.message, "2 of 5 dead letters of fragile failed again");
    assert_int_equal(result.succeeded, 3);
    assert_int_equal(result.failed, 2);
    assert_int_equal(result.left, 0);
    assert_int_equal(fragile.got.count, 3);
    assert_int_equal(fragile.got.tags[0], 1);
    assert_int_equal(fragile.got.tags[1], 4);
    assert_int_equal(fragile.got.tags[2], 5);
    assert_letters(&world, (int64_t[]){2, 3}, (uint32_t[]){1, 1}, 2);
    fragile.fails_to = 0;
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, NULL, NULL), TG_E_OK);
    assert_letters(&world, NULL, NULL, 0);
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, NULL), TG_E_OK);
    assert_int_equal(result.succeeded, 0);
    assert_true(bus_get_subscriber_stats(world.bus, "fragile", &stats));
    assert_int_equal(stats.redelivered, 5);
    assert_int_equal(stats.redeliveries_failed, 2);
    assert_int_equal(stats.delivered, 0); /* a re-delivery is not a delivery */
    world_close(&world);
}

static void test_quarantine(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_redelivery result;

    (void)state;
    open_fragile(&world, &fragile, 3);
    struct tg_uuid second = letter_id(&world, 1);
    for (uint32_t i = 1; i <= BUS_REDELIVERIES_MAX; i++)
        assert_int_equal(bus_redeliver(world.bus, "fragile", &second, NULL, NULL), TG_E_FAILED);
    assert_letters(&world, (int64_t[]){1, 3, 2}, (uint32_t[]){0, 0, 3}, 3);
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, NULL), TG_E_FAILED);
    assert_int_equal(result.failed, 2);
    assert_int_equal(result.left, 1);
    assert_letters(&world, (int64_t[]){2, 1, 3}, (uint32_t[]){3, 1, 1}, 3);
    fragile.fails_to = 0;
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, NULL), TG_E_OK);
    assert_int_equal(result.succeeded, 2);
    assert_int_equal(result.left, 1);
    assert_letters(&world, (int64_t[]){2}, (uint32_t[]){3}, 1);
    assert_int_equal(bus_redeliver(world.bus, "fragile", &second, &result, NULL), TG_E_OK);
    assert_letters(&world, NULL, NULL, 0);
    world_close(&world);
}

static int refuse_all(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return 0;
}

/* Who subscribes anew gets them; who is not subscribed keeps them; a filter that says no ends it.
 */
static void test_subscription_of_now(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_redelivery result;
    struct record other = {0};

    (void)state;
    open_fragile(&world, &fragile, 2);
    assert_int_equal(bus_unsubscribe(world.bus, "fragile", 0), TG_E_OK);
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, NULL), TG_E_OK);
    assert_int_equal(result.left, 2);
    struct tg_uuid id = letter_id(&world, 0);
    assert_int_equal(bus_redeliver(world.bus, "fragile", &id, &result, &world.error),
                     TG_E_NOT_FOUND);
    assert_non_null(strstr(world.error.message, "fragile is not subscribed to market_data"));
    world_subscribe(&world, "fragile", record_handler, &other);
    assert_int_equal(bus_redeliver(world.bus, "fragile", &id, NULL, NULL), TG_E_OK);
    assert_int_equal(other.count, 1);
    assert_int_equal(bus_subscribe(world.bus, "fragile", TG_TOPIC_MARKET_DATA, record_handler,
                                   refuse_all, &other, NULL),
                     TG_E_OK);
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, NULL), TG_E_OK);
    assert_int_equal(result.succeeded, 1);
    assert_int_equal(other.count, 1);
    assert_letters(&world, NULL, NULL, 0);
    world_close(&world);
}

/* What a handler may do it may do in a re-delivery too; its publishes wait for the pump. */
static void test_handlers_within(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_redelivery result;

    (void)state;
    open_fragile(&world, &fragile, 3);
    fragile.fails_to = 0;
    fragile.publishes = fragile.redelivers = fragile.unsubscribes = true;
    assert_int_equal(bus_redeliver(world.bus, "fragile", NULL, &result, &world.error), TG_E_OK);
    assert_int_equal(result.succeeded, 1); /* then it was not subscribed any more */
    assert_int_equal(result.left, 2);
    fragile.unsubscribes = fragile.publishes = false;
    world_subscribe(&world, "fragile", fragile_handler, &fragile);
    assert_int_equal(bus_pump(world.bus, 0), 1);
    assert_int_equal(fragile.got.count, 2);
    assert_int_equal(fragile.got.tags[1], 1001);
    assert_letters(&world, (int64_t[]){2, 3}, (uint32_t[]){0, 0}, 2);
    world_close(&world);
}

static int fail_always(void *context, const struct tg_message *message)
{
    (void)context;
    (void)message;
    return TG_E_FAILED;
}

/* The oldest gives way, by number and by bytes, and is counted. */
static void test_bounds(void **state)
{
    struct world world;
    static struct fragile fragile;
    struct bus_subscriber_stats stats;
    struct bus_dead_letter letters[BUS_DEAD_LETTERS_MAX];
    char *text = malloc(BUS_PAYLOAD_MAX);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', BUS_PAYLOAD_MAX);
    text[0] = '{';
    text[BUS_PAYLOAD_MAX - 1] = '}';
    open_fragile(&world, &fragile, 150);
    assert_true(bus_get_subscriber_stats(world.bus, "fragile", &stats));
    assert_int_equal(stats.dead_letters_dropped, 50);
    const uint16_t topic = bus_topic_own(world.bus, "x.big.text", NULL);
    const struct bus_draft draft = {
        .topic = topic, .source = world.source, .payload = text, .payload_size = BUS_PAYLOAD_MAX};
    assert_int_equal(bus_subscribe(world.bus, "fragile", topic, fail_always, NULL, NULL, NULL),
                     TG_E_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    const size_t fit = BUS_DEAD_LETTER_BYTES_MAX / BUS_PAYLOAD_MAX;
    assert_int_equal(bus_get_dead_letters(world.bus, "fragile", letters, 100), fit);
    for (size_t i = 0; i < fit; i++)
        assert_int_equal(letters[i].message.payload_size, BUS_PAYLOAD_MAX);
    assert_true(bus_get_subscriber_stats(world.bus, "fragile", &stats));
    assert_int_equal(stats.failed, 156);
    assert_int_equal(stats.dead_letters_dropped, 156 - fit);
    world_close(&world);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one),
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_quarantine),
        cmocka_unit_test(test_subscription_of_now),
        cmocka_unit_test(test_handlers_within),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
