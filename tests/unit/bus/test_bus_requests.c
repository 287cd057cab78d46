/* Requests: replies by id, time-outs in order, cancelling, bounds, and what is no reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/uuid.h"
#include "bus_world.h"

struct answers {
    struct world *world;
    size_t replied, timed_out;
    int64_t last_tag;
    struct tg_uuid anew;   /* of the request made when one timed out */
    int64_t anew_deadline; /* 0: none is made */
    int anew_code;
};

static void keep_answer(void *context, int code, const struct tg_message *reply)
{
    struct answers *answers = context;

    if (code == TG_E_OK) {
        answers->replied++;
        answers->last_tag = reply->topic == TG_TOPIC_MARKET_DATA ? world_tag(reply) : 0;
        return;
    }
    assert_int_equal(code, TG_E_TIMEOUT);
    assert_null(reply);
    answers->timed_out++;
    if (answers->anew_deadline != 0) {
        const struct tg_market_data bar = world_bar("BTC/USDT", 77);
        const struct bus_draft draft = world_draft(answers->world, &bar, 0);
        answers->anew_code = bus_request(answers->world->bus, &draft, answers->anew_deadline,
                                         keep_answer, answers, &answers->anew, NULL);
    }
}

static struct tg_uuid ask(struct world *world, int64_t after_ns, struct answers *answers)
{
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    const struct bus_draft draft = world_draft(world, &bar, 0);
    struct tg_uuid id;

    if (bus_request(world->bus, &draft, world->time.now_ns + after_ns, keep_answer, answers, &id,
                    &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
    return id;
}

static void answer_as(struct world *world, uint16_t source, struct tg_uuid id, int64_t tag)
{
    const struct tg_market_data bar = world_bar("ETH/USDT", tag);
    struct bus_draft draft = world_draft(world, &bar, 0);

    draft.source = source;
    draft.correlation_id = id;
    if (bus_publish(world->bus, &draft, NULL, &world->error) != TG_E_OK)
        fail_msg("%s", world->error.message);
}

static void assert_requests(const struct world *world, uint64_t replied, uint64_t timed_out,
                            uint64_t cancelled, uint64_t waiting)
{
    struct bus_stats stats;

    bus_get_stats(world->bus, &stats);
    assert_int_equal(stats.replied, replied);
    assert_int_equal(stats.timed_out, timed_out);
    assert_int_equal(stats.cancelled, cancelled);
    assert_int_equal(stats.requests_waiting, waiting);
    assert_int_equal(stats.requests, replied + timed_out + cancelled + waiting);
}

static void test_reply(void **state)
{
    struct world world;
    struct answers answers = {.world = &world};
    struct record record = {0};

    (void)state;
    world_open(&world);
    const uint16_t other = bus_source(world.bus, "other", NULL);
    world_subscribe(&world, "reader", record_handler, &record);
    assert_int_equal(bus_next_time(world.bus), INT64_MAX);
    const struct tg_uuid first = ask(&world, TG_NS_PER_SEC, &answers);
    const struct tg_uuid second = ask(&world, 2 * TG_NS_PER_SEC, &answers);
    assert_int_equal(bus_next_time(world.bus), world.time.now_ns + TG_NS_PER_SEC);
    answer_as(&world, world.source, second, 10); /* by the one who asks: no reply */
    answer_as(&world, other, (struct tg_uuid){{1}}, 11);
    answer_as(&world, other, second, 12);
    answer_as(&world, other, second, 13); /* a second one */
    assert_int_equal(answers.replied, 0); /* not inside the publish */
    bus_pump(world.bus, 0);
    assert_int_equal(answers.replied, 1);
    assert_int_equal(answers.last_tag, 12);
    assert_int_equal(record.count, 6); /* subscribers get requests and replies */
    assert_requests(&world, 1, 0, 0, 1);
    answer_as(&world, other, first, 14);
    bus_pump(world.bus, 0);
    assert_int_equal(answers.last_tag, 14);
    assert_requests(&world, 2, 0, 0, 0);
    assert_int_equal(bus_next_time(world.bus), INT64_MAX);
    world_close(&world);
}

/* On another topic, out of another thread's ring. */
static void test_reply_of_a_publisher(void **state)
{
    struct world world;
    struct answers answers = {.world = &world};
    struct bus_publisher *publisher;

    (void)state;
    world_open(&world);
    const uint16_t other = bus_source(world.bus, "other", NULL);
    assert_int_equal(bus_publisher_create(world.bus, 0, &publisher, NULL), TG_E_OK);
    const struct tg_uuid id = ask(&world, TG_NS_PER_SEC, &answers);
    const struct tg_system_events event = fixture_system_events("done");
    const struct bus_draft draft = {.topic = TG_TOPIC_SYSTEM_EVENTS,
                                    .source = other,
                                    .correlation_id = id,
                                    .payload = &event,
                                    .payload_size = sizeof(event)};
    assert_int_equal(bus_publisher_publish(publisher, &draft, NULL, NULL), TG_E_OK);
    bus_pump(world.bus, 0);
    assert_int_equal(answers.replied, 1);
    bus_publisher_destroy(world.bus, publisher);
    world_close(&world);
}

static void test_time_out(void **state)
{
    struct world world;
    struct answers answers = {.world = &world};

    (void)state;
    world_open(&world);
    const uint16_t other = bus_source(world.bus, "other", NULL);
    const struct tg_uuid id = ask(&world, TG_NS_PER_SEC, &answers);
    bus_pump(world.bus, 0);
    assert_int_equal(bus_expire_requests(world.bus, world.time.now_ns + TG_NS_PER_SEC - 1), 0);
    world.time.now_ns += TG_NS_PER_SEC - 1;
    bus_pump(world.bus, 0);
    assert_int_equal(answers.timed_out, 0);
    world.time.now_ns = bus_next_time(world.bus); /* as a virtual clock does */
    answer_as(&world, other, id, 5);              /* at the deadline: too late */
    bus_pump(world.bus, 0);
    assert_int_equal(answers.timed_out, 1);
    assert_int_equal(answers.replied, 0);
    assert_requests(&world, 0, 1, 0, 0);
    (void)ask(&world, TG_NS_PER_SEC, &answers);
    assert_int_equal(bus_expire_requests(world.bus, world.time.now_ns + TG_NS_PER_SEC), 1);
    assert_int_equal(answers.timed_out, 2);
    assert_int_equal(bus_expire_requests(world.bus, INT64_MAX), 0);
    world_close(&world);
}

/* A handler may ask anew, but only for later, so expiring ends. */
static void test_anew(void **state)
{
    struct world world;
    struct answers answers = {.world = &world};

    (void)state;
    world_open(&world);
    (void)ask(&world, TG_NS_PER_SEC, &answers);
    answers.anew_deadline = world.time.now_ns + 5 * TG_NS_PER_SEC;
    assert_int_equal(bus_expire_requests(world.bus, world.time.now_ns + 5 * TG_NS_PER_SEC), 1);
    assert_int_equal(answers.anew_code, TG_E_RANGE);
    (void)ask(&world, TG_NS_PER_SEC, &answers);
    assert_int_equal(bus_expire_requests(world.bus, world.time.now_ns + TG_NS_PER_SEC), 1);
    assert_int_equal(answers.anew_code, TG_E_OK);
    assert_requests(&world, 0, 2, 0, 1);
    assert_int_equal(bus_request_cancel(world.bus, &answers.anew), TG_E_OK);
    assert_requests(&world, 0, 2, 1, 0);
    world_close(&world);
}

static void test_refusals(void **state)
{
    struct world world;
    struct answers answers = {.world = &world};
    struct tg_uuid id = {{9}};
    struct bus_stats stats;

    (void)state;
    world_open(&world);
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    struct bus_draft draft = world_draft(&world, &bar, 0);
    assert_int_equal(bus_request_cancel(world.bus, &id), TG_E_NOT_FOUND);
    assert_int_equal(bus_expire_requests(world.bus, INT64_MAX), 0);
    assert_int_equal(
        bus_request(world.bus, &draft, world.time.now_ns, keep_answer, &answers, &id, &world.error),
        TG_E_RANGE);
    assert_string_equal(world.error.message, "request: the deadline has to lie ahead");
    assert_int_equal(bus_request(world.bus, &draft, INT64_MAX, NULL, &answers, &id, &world.error),
                     TG_E_INVALID);
    draft.topic = 99;
    assert_int_equal(
        bus_request(world.bus, &draft, INT64_MAX, keep_answer, &answers, &id, &world.error),
        TG_E_NOT_FOUND);
    assert_requests(&world, 0, 0, 0, 0);
    for (unsigned i = 0; i < BUS_REQUESTS_MAX; i++)
        (void)ask(&world, TG_NS_PER_SEC, &answers);
    draft = world_draft(&world, &bar, 0);
    assert_int_equal(
        bus_request(world.bus, &draft, INT64_MAX, keep_answer, &answers, &id, &world.error),
        TG_E_FULL);
    assert_non_null(strstr(world.error.message, "1024 wait for their reply already, try again"));
    bus_get_stats(world.bus, &stats);
    assert_int_equal(stats.published, BUS_REQUESTS_MAX); /* nothing was published for it */
    assert_int_equal(bus_expire_requests(world.bus, INT64_MAX - 1), BUS_REQUESTS_MAX);
    (void)ask(&world, TG_NS_PER_SEC, &answers);
    assert_requests(&world, 0, BUS_REQUESTS_MAX, 0, 1);
    world_close(&world); /* one is forgotten: its handler is not called */
    assert_int_equal(answers.timed_out, BUS_REQUESTS_MAX);
}

/* ---- at random, against a list -------------------------------------------------------------- */

#define STEPS 20000
#define LIVE  (BUS_REQUESTS_MAX + 1)

struct entry {
    struct entry_world *world;
    struct tg_uuid id;
    int64_t deadline;
    uint64_t number;
    bool is_live, is_expected;
};

struct entry_world {
    struct entry entries[LIVE];
    int64_t last_deadline;
    uint64_t last_number, made;
    size_t live, replied, timed_out;
};

static void settle_entry(void *context, int code, const struct tg_message *reply)
{
    struct entry *entry = context;
    struct entry_world *world = entry->world;

    assert_true(entry->is_live);
    entry->is_live = false;
    world->live--;
    if (code == TG_E_OK) {
        assert_true(entry->is_expected);
        assert_true(tg_uuid_equal(&reply->correlation_id, &entry->id));
        world->replied++;
        return;
    }
    assert_true(entry->deadline > world->last_deadline ||
                (entry->deadline == world->last_deadline && entry->number > world->last_number));
    world->last_deadline = entry->deadline;
    world->last_number = entry->number;
    world->timed_out++;
}

static struct entry *find_entry(struct entry_world *model, bool is_live, uint64_t from)
{
    for (size_t i = 0; i < LIVE; i++) {
        struct entry *entry = &model->entries[(from + i) % LIVE];
        if (entry->is_live == is_live)
            return entry;
    }
    return NULL;
}

static void ask_at_random(struct world *world, struct entry_world *model, uint64_t draw)
{
    const struct tg_market_data bar = world_bar("BTC/USDT", 1);
    const struct bus_draft draft = world_draft(world, &bar, 0);
    struct entry *entry = find_entry(model, false, draw);

    assert_non_null(entry);
    entry->world = model;
    entry->deadline = world->time.now_ns + 1 + (int64_t)(draw >> 20 & 63);
    const int code = bus_request(world->bus, &draft, entry->deadline, settle_entry, entry,
                                 &entry->id, &world->error);
    assert_int_equal(code, model->live < BUS_REQUESTS_MAX ? TG_E_OK : TG_E_FULL);
    if (code != TG_E_OK)
        return;
    entry->is_live = true;
    entry->is_expected = false;
    entry->number = ++model->made;
    model->live++;
}

static int64_t earliest(const struct entry_world *model)
{
    int64_t first = INT64_MAX;

    for (size_t i = 0; i < LIVE; i++)
        if (model->entries[i].is_live && model->entries[i].deadline < first)
            first = model->entries[i].deadline;
    return first;
}

static void test_at_random(void **state)
{
    struct world world;
    static struct entry_world model;
    struct tg_random random;
    size_t cancelled = 0;
    const uint64_t seed = 20220131;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    tg_random_seed(&random, seed);
    memset(&model, 0, sizeof(model));
    world_open(&world);
    const uint16_t other = bus_source(world.bus, "other", NULL);
    for (uint64_t step = 1; step <= STEPS; step++) {
        const uint64_t draw = tg_random_next(&random);
        struct entry *entry = find_entry(&model, true, draw);
        if (draw % 100 < 55) {
            ask_at_random(&world, &model, draw >> 8);
        } else if (draw % 100 < 75 && entry != NULL) {
            entry->is_expected = true;
            answer_as(&world, other, entry->id, 5);
            bus_pump(world.bus, 0);
            assert_false(entry->is_live);
        } else if (draw % 100 < 90 && entry != NULL) {
            assert_int_equal(bus_request_cancel(world.bus, &entry->id), TG_E_OK);
            assert_int_equal(bus_request_cancel(world.bus, &entry->id), TG_E_NOT_FOUND);
            entry->is_live = false;
            model.live--;
            cancelled++;
        } else {
            world.time.now_ns += (int64_t)(draw >> 40 & 3);
            (void)bus_expire_requests(world.bus, world.time.now_ns);
        }
        assert_int_equal(bus_next_time(world.bus), earliest(&model));
        assert_true(earliest(&model) > world.time.now_ns);
    }
    assert_requests(&world, model.replied, model.timed_out, cancelled, model.live);
    assert_true(model.timed_out > 1000);
    world_close(&world);
}

/* All places taken, freed in a random order: the heap stays a heap. */
static void test_many(void **state)
{
    struct world world;
    static struct entry_world model;
    struct tg_random random;

    (void)state;
    tg_random_seed(&random, 3);
    memset(&model, 0, sizeof(model));
    world_open(&world);
    for (uint64_t i = 1; i <= BUS_REQUESTS_MAX; i++)
        ask_at_random(&world, &model, tg_random_next(&random));
    for (uint64_t i = 0; i < BUS_REQUESTS_MAX / 2; i++) {
        struct entry *entry = find_entry(&model, true, tg_random_next(&random));
        assert_int_equal(bus_request_cancel(world.bus, &entry->id), TG_E_OK);
        entry->is_live = false;
        model.live--;
        assert_int_equal(bus_next_time(world.bus), earliest(&model));
    }
    assert_int_equal(bus_expire_requests(world.bus, INT64_MAX - 1), BUS_REQUESTS_MAX / 2);
    assert_int_equal(model.live, 0);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply),    cmocka_unit_test(test_reply_of_a_publisher),
        cmocka_unit_test(test_time_out), cmocka_unit_test(test_anew),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_at_random),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
