/* Publishers on other threads: nothing lost, each in its order, full rings, sleep and wake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/uuid.h"
#include "bus_world.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static void publish_with(struct bus_publisher *publisher, const struct world *world, int64_t tag,
                         uint8_t priority)
{
    const struct tg_market_data bar = world_bar("BTC/USDT", tag);
    const struct bus_draft draft = world_draft(world, &bar, priority);

    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
}

/* ---- one thread playing both sides ----------------------------------------------------------- */

static void test_priorities_of_rings(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct record record = {0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    for (int64_t i = 1; i <= 4; i++)
        publish_with(publisher, &world, i, (uint8_t)i);
    world_publish(&world, "BTC/USDT", 30, TG_PRIORITY_HIGH); /* taken up before the ring's 3 */
    publish_with(publisher, &world, 5, TG_PRIORITY_URGENT);
    assert_true(bus_has_work(world.bus));
    assert_int_equal(bus_pump(world.bus, 0), 6);
    const int64_t expected[] = {4, 5, 30, 3, 2, 1};
    assert_memory_equal(record.tags, expected, sizeof(expected));
    assert_int_equal(bus_sequence(world.bus), 6);
    assert_false(bus_has_work(world.bus));
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

/* An urgent message that another thread publishes meanwhile is the next one. */
struct alarm {
    struct world *world;
    struct bus_publisher *publisher;
    struct record record;
};

static int raise_alarm(void *context, const struct tg_message *message)
{
    struct alarm *alarm = context;

    if (world_tag(message) == 3)
        publish_with(alarm->publisher, alarm->world, 9000, TG_PRIORITY_URGENT);
    return record_handler(&alarm->record, message);
}

static void test_urgent_ends_a_batch(void **state)
{
    struct world world;
    static struct alarm alarm;
    struct bus_publisher *other;

    (void)state;
    for (int in_ring = 0; in_ring < 2; in_ring++) {
        world_open(&world);
        memset(&alarm, 0, sizeof(alarm));
        alarm.world = &world;
        world_subscribe(&world, "alarm", raise_alarm, &alarm);
        assert_int_equal(bus_publisher_create(world.bus, 0, &alarm.publisher, NULL), TG_E_OK);
        assert_int_equal(bus_publisher_create(world.bus, 0, &other, NULL), TG_E_OK);
        for (int64_t i = 1; i <= 20; i++) {
            if (in_ring == 1)
                publish_with(other, &world, i, TG_PRIORITY_LOW);
            else
                world_publish(&world, "BTC/USDT", i, TG_PRIORITY_LOW);
        }
        assert_int_equal(bus_pump(world.bus, 0), 21);
        assert_int_equal(alarm.record.tags[2], 3);
        assert_int_equal(alarm.record.tags[3], 9000);
        assert_int_equal(alarm.record.tags[4], 4);
        bus_publisher_destroy(world.bus, other);
        bus_publisher_destroy(world.bus, alarm.publisher);
        world_close(&world);
    }
}

static void test_rings_are_not_starved(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct record record = {0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    publish_with(publisher, &world, 9000, TG_PRIORITY_LOW);
    for (int64_t i = 1; i <= 200; i++)
        publish_with(publisher, &world, i, TG_PRIORITY_URGENT);
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, 201);
    assert_int_equal(record.tags[64], 9000);
    assert_int_equal(record.tags[200], 200);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

struct echo {
    struct world *world;
    struct record record;
};

/* As long as a chain may be. */
static int publish_on(void *context, const struct tg_message *message)
{
    struct echo *echo = context;

    (void)record_handler(&echo->record, message);
    if (world_tag(message) % 100 < BUS_HOPS_MAX)
        world_publish(echo->world, "BTC/USDT", world_tag(message) + 1, 0);
    return 0;
}

/* A core that keeps publishing to itself does not shut out a ring of the same priority. */
static void test_busy_core_takes_up_rings(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    static struct echo echo;

    (void)state;
    world_open(&world);
    echo.world = &world;
    echo.record.count = 0;
    world_subscribe(&world, "echo", publish_on, &echo);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    for (int64_t chain = 1; chain <= 20; chain++)
        world_publish(&world, "BTC/USDT", 100 * chain, 0);
    for (int64_t i = 5050; i < 5060; i++)
        publish_with(publisher, &world, i, 0);
    bus_pump(world.bus, BUS_STARVATION_LIMIT + BUS_STARVATION_LIMIT);
    size_t seen = 0;
    for (size_t i = 0; i < echo.record.count; i++)
        if (echo.record.tags[i] >= 5000)
            assert_int_equal(echo.record.tags[i], 5050 + (int64_t)seen++);
    assert_int_equal(seen, 10);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

static void test_full_ring(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct record record = {0};
    struct bus_stats stats;
    struct bus_topic_stats topic;
    int64_t accepted = 0;
    int code;

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_publisher_create(world.bus, 1000, &publisher, &world.error), TG_E_RANGE);
    assert_int_equal(bus_publisher_create(world.bus, 20000, &publisher, &world.error),
                     TG_E_INVALID);
    assert_int_equal(bus_publisher_create(world.bus, 16384, &publisher, &world.error), TG_E_OK);
    for (;;) {
        const struct tg_market_data bar = world_bar("BTC/USDT", accepted + 1);
        const struct bus_draft draft = world_draft(&world, &bar, 0);
        code = bus_publisher_publish(publisher, &draft, NULL, &world.error);
        if (code != TG_E_OK)
            break;
        accepted++;
    }
    assert_int_equal(code, TG_E_FULL);
    assert_string_equal(world.error.message, "the publisher's ring is full, try again");
    assert_true(accepted > 30);
    publish_with(publisher, &world, 99999, TG_PRIORITY_URGENT); /* a ring of its own */
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused_full, 1);
    assert_int_equal(stats.queue_messages, accepted + 1);
    assert_true(stats.queue_bytes > 0);
    assert_int_equal(stats.published, 0); /* not taken up yet */
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, accepted + 1);
    assert_int_equal(record.tags[0], 99999);
    publish_with(publisher, &world, 1, 0);
    bus_publisher_destroy(world.bus, publisher); /* what waits is still delivered */
    bus_pump(world.bus, 0);
    assert_int_equal(record.count, accepted + 2);
    assert_true(bus_get_topic_stats(world.bus, TG_TOPIC_MARKET_DATA, &topic));
    assert_int_equal(topic.refused, 1); /* figures outlive the publisher */
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.queue_messages, 0);
    assert_int_equal(stats.published, accepted + 2);
    world_close(&world);
}

static void test_refused_in_a_ring(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct record record = {0};

    (void)state;
    world_open(&world);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    struct tg_market_data bad = world_bar("btc", 1);
    const struct bus_draft draft = world_draft(&world, &bad, 0);
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, &world.error), TG_E_INVALID);
    assert_memory_equal(world.error.message, "market_data.symbol: ", 20);
    publish_with(publisher, &world, 2, 0);
    assert_int_equal(bus_pump(world.bus, 0), 1);
    assert_int_equal(record.tags[0], 2);
    bus_publisher_destroy(world.bus, publisher);
    bus_publisher_destroy(world.bus, NULL);
    world_close(&world);
}

static size_t text_bytes;

static int add_bytes(void *context, const struct tg_message *message)
{
    const char *text = message->payload;

    (void)context;
    assert_int_equal(text[message->payload_size - 1], '}');
    text_bytes += message->payload_size;
    return 0;
}

/* Blocks change hands: delivered, copied behind a busy queue, or freed with the bus. */
static void test_large_payloads_in_rings(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    char *text = malloc(50000);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', 50000);
    text[0] = '{';
    text[49999] = '}';
    world_open(&world);
    const uint16_t topic = bus_topic_own(world.bus, "x.big.text", NULL);
    assert_int_equal(bus_subscribe(world.bus, "reader", topic, add_bytes, NULL, NULL, NULL),
                     TG_E_OK);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    const struct bus_draft draft = {
        .topic = topic, .source = world.source, .payload = text, .payload_size = 50000};
    text_bytes = 0;
    for (int i = 0; i < 20; i++)
        assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(bus_publish(world.bus, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 100);
    bus_pump(world.bus, 10);
    assert_int_equal(text_bytes, 110 * 50000);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world); /* ten are left */
    free(text);
}

/* They are bounded in bytes beside the ring, and again there is room once they were delivered. */
static void test_blocks_are_bounded(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct bus_stats stats;
    char *text = malloc(BUS_PAYLOAD_MAX);
    const uint32_t fit = BUS_PUBLISHER_BLOCK_BYTES_MAX / BUS_PAYLOAD_MAX;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', BUS_PAYLOAD_MAX);
    text[0] = '{';
    text[BUS_PAYLOAD_MAX - 1] = '}';
    world_open(&world);
    const struct bus_draft draft = {.topic = bus_topic_own(world.bus, "x.big.text", NULL),
                                    .source = world.source,
                                    .payload = text,
                                    .payload_size = BUS_PAYLOAD_MAX};
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < fit; i++)
            assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
        assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, &world.error), TG_E_FULL);
        bus_get_stats(world.bus, &stats);
        assert_true(stats.queue_bytes >= BUS_PUBLISHER_BLOCK_BYTES_MAX);
        assert_int_equal(stats.queue_messages, fit);
        bus_pump(world.bus, 0);
        bus_get_stats(world.bus, &stats);
        assert_int_equal(stats.queue_bytes, 0);
    }
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
    free(text);
}

/* ---- threads --------------------------------------------------------------------------------- */

#define THREADS  3
#define MESSAGES 20000

struct sender {
    struct world *world;
    struct bus_publisher *publisher;
    int64_t number;
};

static void *send_all(void *context)
{
    const struct sender *sender = context;

    for (int64_t i = 1; i <= MESSAGES; i++) {
        const struct tg_market_data bar = world_bar("BTC/USDT", sender->number * 1000000 + i);
        struct bus_draft draft =
            world_draft(sender->world, &bar, (uint8_t)(1 + i % TG_PRIORITY_URGENT));
        while (bus_publisher_publish(sender->publisher, &draft, NULL, NULL) == TG_E_FULL)
            sched_yield();
    }
    return NULL;
}

struct tally {
    int64_t last[THREADS][TG_PRIORITY_URGENT + 1]; /* by sender and priority */
    int64_t total;
};

static int check_order(void *context, const struct tg_message *message)
{
    struct tally *tally = context;
    const int64_t sender = world_tag(message) / 1000000, number = world_tag(message) % 1000000;
    int64_t *last = &tally->last[sender][message->priority];

    assert_int_equal(number, *last == 0 ? message->priority - 1 + (message->priority == 1 ? 4 : 0)
                                        : *last + TG_PRIORITY_URGENT);
    *last = number;
    tally->total++;
    return 0;
}

/* Rings small enough to fill up: every message of every thread arrives once, in its order. */
static void test_threads_lose_nothing(void **state)
{
    struct world world;
    struct sender senders[THREADS];
    pthread_t threads[THREADS];
    static struct tally tally;
    struct bus_stats stats;

    (void)state;
    memset(&tally, 0, sizeof(tally));
    world_open(&world);
    world_subscribe(&world, "reader", check_order, &tally);
    for (int64_t i = 0; i < THREADS; i++) {
        senders[i] = (struct sender){&world, NULL, i};
        assert_int_equal(bus_publisher_create(world.bus, 32768, &senders[i].publisher, NULL),
                         TG_E_OK);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    while (tally.total < (int64_t)THREADS * MESSAGES)
        if (bus_pump(world.bus, 256) == 0)
            sched_yield();
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        bus_publisher_destroy(world.bus, senders[i].publisher);
    }
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.published, THREADS * MESSAGES);
    assert_int_equal(stats.delivered, THREADS * MESSAGES);
    assert_int_equal(stats.queue_messages, 0);
    assert_int_equal(stats.refused, stats.refused_full);
    assert_int_equal(bus_sequence(world.bus), THREADS * MESSAGES);
    assert_balanced(&world, "reader");
    world_close(&world);
}

/* A core that sleeps until it is woken, as a loop does. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_rung;
    size_t rings;
};

static void ring_bell(void *context)
{
    struct bell *bell = context;

    pthread_mutex_lock(&bell->lock);
    bell->is_rung = true;
    bell->rings++;
    pthread_cond_signal(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
}

static void wait_for_bell(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    while (!bell->is_rung)
        pthread_cond_wait(&bell->rung, &bell->lock);
    bell->is_rung = false;
    pthread_mutex_unlock(&bell->lock);
}

/* A lost wake-up would hang here; the test's time limit says so. */
static void test_sleep_and_wake(void **state)
{
    struct world world;
    struct sender sender;
    pthread_t thread;
    static struct tally tally;
    struct bell bell = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};

    (void)state;
    memset(&tally, 0, sizeof(tally));
    world_open_with(&world, (struct bus_options){.wake = ring_bell, .wake_context = &bell});
    world_subscribe(&world, "reader", check_order, &tally);
    sender = (struct sender){&world, NULL, 0};
    assert_int_equal(bus_publisher_create(world.bus, 32768, &sender.publisher, NULL), TG_E_OK);
    assert_int_equal(pthread_create(&thread, NULL, send_all, &sender), 0);
    while (tally.total < MESSAGES) {
        if (bus_pump(world.bus, 64) > 0)
            continue;
        if (bus_sleep_prepare(world.bus)) {
            wait_for_bell(&bell);
            bus_awake(world.bus);
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    bus_publisher_destroy(world.bus, sender.publisher);
    world_close(&world);
}

static int barrier_calls;

static void count_barrier(void *context)
{
    assert_null(context);
    barrier_calls++;
}

/* Nobody is woken who is awake; one bell per sleep; work that waits forbids sleep. */
static void test_wake_only_a_sleeper(void **state)
{
    struct world world;
    struct bus_publisher *publisher;
    struct bell bell = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};

    (void)state;
    for (int with_barrier = 0; with_barrier < 2; with_barrier++) {
        bell.rings = 0;
        barrier_calls = 0;
        world_open_with(&world,
                        (struct bus_options){.wake = ring_bell,
                                             .wake_context = &bell,
                                             .barrier = with_barrier ? count_barrier : NULL});
        assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
        publish_with(publisher, &world, 1, 0);
        assert_int_equal(bell.rings, 0);
        assert_false(bus_sleep_prepare(world.bus));
        publish_with(publisher, &world, 2, 0);
        assert_int_equal(bell.rings, 0);
        bus_pump(world.bus, 0);
        assert_true(bus_sleep_prepare(world.bus));
        publish_with(publisher, &world, 3, 0);
        publish_with(publisher, &world, 4, 0);
        assert_int_equal(bell.rings, 1);
        bus_awake(world.bus);
        bus_pump(world.bus, 0);
        assert_true(bus_sleep_prepare(world.bus));
        bus_awake(world.bus);
        publish_with(publisher, &world, 5, 0);
        assert_int_equal(bell.rings, 1);
        assert_int_equal(barrier_calls, with_barrier ? 3 : 0);
        bus_publisher_destroy(world.bus, publisher);
        world_close(&world);
    }
}

static void test_many_publishers(void **state)
{
    struct world world;
    struct bus_publisher *publishers[BUS_PUBLISHERS_MAX], *more;
    static struct tg_uuid ids[BUS_PUBLISHERS_MAX];

    (void)state;
    world_open(&world);
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    const struct bus_draft draft = world_draft(&world, &bar, 0);
    for (size_t i = 0; i < BUS_PUBLISHERS_MAX; i++) {
        assert_int_equal(bus_publisher_create(world.bus, 16384, &publishers[i], NULL), TG_E_OK);
        assert_int_equal(bus_publisher_publish(publishers[i], &draft, &ids[i], NULL), TG_E_OK);
        for (size_t before = 0; before < i; before++)
            assert_false(tg_uuid_equal(&ids[i], &ids[before]));
    }
    assert_int_equal(bus_publisher_create(world.bus, 16384, &more, &world.error), TG_E_FULL);
    assert_int_equal(bus_pump(world.bus, 0), BUS_PUBLISHERS_MAX);
    for (size_t i = 0; i < BUS_PUBLISHERS_MAX; i += 2)
        bus_publisher_destroy(world.bus, publishers[i]);
    assert_int_equal(bus_publisher_create(world.bus, 16384, &more, &world.error), TG_E_OK);
    assert_int_equal(bus_publisher_publish(more, &draft, NULL, NULL), TG_E_OK);
    assert_int_equal(bus_pump(world.bus, 0), 1);
    world_close(&world); /* frees the others */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_priorities_of_rings),
        cmocka_unit_test(test_urgent_ends_a_batch),
        cmocka_unit_test(test_rings_are_not_starved),
        cmocka_unit_test(test_busy_core_takes_up_rings),
        cmocka_unit_test(test_full_ring),
        cmocka_unit_test(test_refused_in_a_ring),
        cmocka_unit_test(test_large_payloads_in_rings),
        cmocka_unit_test(test_blocks_are_bounded),
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_sleep_and_wake),
        cmocka_unit_test(test_wake_only_a_sleeper),
        cmocka_unit_test(test_many_publishers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
