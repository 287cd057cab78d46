/*
 * The bus beside a simple model of it: publishing, subscribing and unsubscribing at random, outside
 * and inside handlers and filters. The model says which callback has to come next, with which
 * message; every few steps the figures of both are compared. A subscription's context is freed as
 * soon as it is replaced or gone, so that a sanitizer sees a late use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "bus_world.h"

#define STEPS       100000u
#define CHECK_EVERY 5u /* outside and inside callbacks */
#define SUBSCRIBERS 6u
#define TOPICS      3u
#define SYMBOLS     4u
#define QUEUE_MAX   96u
#define SLOTS_MAX   1024u

static const uint16_t topic_numbers[TOPICS] = {TG_TOPIC_MARKET_DATA, TG_TOPIC_TA_SIGNALS,
                                               TG_TOPIC_SYSTEM_EVENTS};
static const char *const names[SUBSCRIBERS] = {"ada", "bob", "cem", "dee", "eva", "fay"};
static const char *const symbols[SYMBOLS] = {"BTC/USDT", "ETH/USDT", "XRP/USDT", "ADA/USDT"};

struct item {
    uint64_t number;
    uint32_t topic, symbol;
    uint8_t hops;
    int64_t expiry;
};

struct queue {
    struct item items[QUEUE_MAX];
    size_t count;
};

struct model;

/* What a subscription has been given as its context. */
struct ticket {
    struct model *model;
    uint32_t subscriber, topic;
};

struct slot {
    struct ticket *ticket; /* NULL: gone */
    uint32_t subscriber;
    bool has_filter;
};

struct list {
    struct slot slots[SLOTS_MAX];
    size_t count;
};

struct model {
    struct world world;
    struct tg_random random;
    bool conflates;
    uint64_t steps, published, next_number;
    struct queue queues[TG_PRIORITY_URGENT + 1];
    uint32_t passed[TG_PRIORITY_URGENT + 1];
    struct list lists[TOPICS];
    struct bus_subscriber_stats stats[SUBSCRIBERS];
    /* the delivery under way */
    bool is_pumping, has_current, filter_passed, in_callback;
    struct item current;
    size_t position, limit;
    size_t taken, budget; /* messages */
    uint64_t callbacks;
};

static uint64_t draw(struct model *model, uint64_t limit)
{
    return (tg_random_next(&model->random) >> 16) % limit;
}

/* ---- the model ---------------------------------------------------------------------------- */

static size_t waiting_count(const struct model *model)
{
    size_t count = model->has_current ? 1 : 0;

    for (size_t priority = 1; priority <= TG_PRIORITY_URGENT; priority++)
        count += model->queues[priority].count;
    return count;
}

static void drop_gone(struct list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->slots[i].ticket != NULL)
            list->slots[kept++] = list->slots[i];
    list->count = kept;
}

static void count_all(struct model *model, uint32_t topic, bool conflated)
{
    const struct list *list = &model->lists[topic];

    for (size_t i = 0; i < list->count; i++) {
        if (list->slots[i].ticket == NULL)
            continue;
        struct bus_subscriber_stats *stats = &model->stats[list->slots[i].subscriber];
        stats->expired += conflated ? 0 : 1;
        stats->conflated += conflated ? 1 : 0;
    }
}

/* The highest, but for a lower one that has let enough others pass. 0: nothing waits. */
static size_t choose(const struct model *model)
{
    size_t highest = TG_PRIORITY_URGENT;

    while (highest > 0 && model->queues[highest].count == 0)
        highest--;
    for (size_t lower = highest; lower-- > 1;)
        if (model->queues[lower].count > 0 && model->passed[lower] >= BUS_STARVATION_LIMIT)
            return lower;
    return highest;
}

static bool take_next(struct model *model)
{
    const size_t priority = choose(model);

    if (priority == 0 || (model->budget != 0 && model->taken == model->budget))
        return false;
    for (size_t lower = 1; lower < priority; lower++)
        model->passed[lower] = model->queues[lower].count > 0 ? model->passed[lower] + 1 : 0;
    model->passed[priority] = 0;
    struct queue *queue = &model->queues[priority];
    model->current = queue->items[0];
    memmove(queue->items, queue->items + 1, --queue->count * sizeof(queue->items[0]));
    model->has_current = true;
    model->filter_passed = false;
    model->position = 0;
    model->limit = model->lists[model->current.topic].count;
    model->taken++;
    if (model->current.expiry <= model->world.time.now_ns) {
        count_all(model, model->current.topic, false);
        model->limit = 0;
    }
    return true;
}

/* The slot whose filter or handler has to be called next; NULL: none, the pump returns. */
static struct slot *next_slot(struct model *model)
{
    do {
        if (!model->has_current)
            continue;
        struct list *list = &model->lists[model->current.topic];
        for (; model->position < model->limit; model->position++) {
            if (list->slots[model->position].ticket != NULL)
                return &list->slots[model->position];
            model->filter_passed = false;
        }
        drop_gone(list);
        model->has_current = false;
    } while (take_next(model));
    return NULL;
}

/* ---- the bus beside it ---------------------------------------------------------------------- */

static void check_figures(const struct model *model)
{
    struct bus_stats stats;

    bus_get_stats(model->world.bus, &stats);
    assert_int_equal(stats.queue_messages, waiting_count(model));
    assert_int_equal(stats.published, model->published);
    for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
        const struct bus_subscriber_stats *expected = &model->stats[i];
        struct bus_subscriber_stats found = {0};
        (void)bus_get_subscriber_stats(model->world.bus, names[i], &found);
        assert_int_equal(found.delivered, expected->delivered);
        assert_int_equal(found.filtered, expected->filtered);
        assert_int_equal(found.failed, expected->failed);
        assert_int_equal(found.expired, expected->expired);
        assert_int_equal(found.conflated, expected->conflated);
        assert_int_equal(found.published, expected->delivered + expected->filtered +
                                              expected->failed + expected->expired +
                                              expected->conflated);
    }
}

/* True: it took the place of an older one. */
static bool conflate(struct model *model, size_t priority, const struct item *item)
{
    struct queue *queue = &model->queues[priority];

    if (!model->conflates || topic_numbers[item->topic] != TG_TOPIC_MARKET_DATA)
        return false;
    for (size_t i = 0; i < queue->count; i++) {
        if (queue->items[i].topic == item->topic && queue->items[i].symbol == item->symbol) {
            queue->items[i] = *item;
            count_all(model, item->topic, true);
            return true;
        }
    }
    return false;
}

static void publish_at_random(struct model *model)
{
    const uint32_t symbol = (uint32_t)draw(model, SYMBOLS);
    const struct tg_market_data bar = world_bar(symbols[symbol], 5);
    const struct tg_ta_signals reading = fixture_ta_signals(symbols[symbol]);
    const struct tg_system_events event = fixture_system_events("step");
    const void *const payloads[TOPICS] = {&bar, &reading, &event};
    const uint32_t sizes[TOPICS] = {sizeof(bar), sizeof(reading), sizeof(event)};
    const uint32_t topic = (uint32_t)draw(model, TOPICS);
    const uint8_t priority = (uint8_t)(1 + draw(model, TG_PRIORITY_URGENT));
    struct bus_draft draft = {.topic = topic_numbers[topic],
                              .source = model->world.source,
                              .priority = priority,
                              .ttl_seconds = (uint32_t)(1 + draw(model, 5)),
                              .payload = payloads[topic],
                              .payload_size = sizes[topic]};
    const struct item item = {.number = ++model->next_number,
                              .topic = topic,
                              .symbol = symbol,
                              .hops = (uint8_t)(model->in_callback ? model->current.hops + 1 : 0),
                              .expiry =
                                  model->world.time.now_ns + draft.ttl_seconds * TG_NS_PER_SEC};
    int expected = TG_E_OK;

    memcpy(draft.correlation_id.bytes, &item.number, sizeof(item.number));
    if (item.hops > BUS_HOPS_MAX)
        expected = TG_E_RANGE;
    else if (conflate(model, priority, &item))
        expected = TG_E_OK;
    else if (waiting_count(model) == QUEUE_MAX)
        expected = TG_E_FULL;
    else
        model->queues[priority].items[model->queues[priority].count++] = item;
    model->published += expected == TG_E_OK;
    assert_int_equal(bus_publish(model->world.bus, &draft, NULL, NULL), expected);
}

static int on_filter(void *context, const struct tg_message *message);
static int on_message(void *context, const struct tg_message *message);

static void subscribe_at_random(struct model *model)
{
    const uint32_t subscriber = (uint32_t)draw(model, SUBSCRIBERS);
    const uint32_t topic = (uint32_t)draw(model, TOPICS);
    const bool has_filter = draw(model, 2) == 0;
    struct list *list = &model->lists[topic];
    struct slot *slot = NULL;
    struct ticket *ticket = malloc(sizeof(*ticket));

    assert_non_null(ticket);
    *ticket = (struct ticket){model, subscriber, topic};
    for (size_t i = 0; i < list->count; i++)
        if (list->slots[i].ticket != NULL && list->slots[i].subscriber == subscriber)
            slot = &list->slots[i];
    assert_int_equal(bus_subscribe(model->world.bus, names[subscriber], topic_numbers[topic],
                                   on_message, has_filter ? on_filter : NULL, ticket, NULL),
                     TG_E_OK);
    if (slot != NULL) {
        free(slot->ticket);
    } else {
        assert_true(list->count < SLOTS_MAX);
        slot = &list->slots[list->count++];
    }
    *slot = (struct slot){ticket, subscriber, has_filter};
}

static void unsubscribe_at_random(struct model *model)
{
    const uint32_t subscriber = (uint32_t)draw(model, SUBSCRIBERS);
    const uint32_t which = (uint32_t)draw(model, TOPICS + 1); /* the last: all */
    bool found = false;

    for (uint32_t topic = 0; topic < TOPICS; topic++) {
        struct list *list = &model->lists[topic];
        for (size_t i = 0; i < list->count; i++) {
            struct slot *slot = &list->slots[i];
            if ((which != TOPICS && which != topic) || slot->ticket == NULL ||
                slot->subscriber != subscriber)
                continue;
            free(slot->ticket);
            slot->ticket = NULL;
            found = true;
        }
        if (!model->is_pumping)
            drop_gone(list);
    }
    assert_int_equal(bus_unsubscribe(model->world.bus, names[subscriber],
                                     which == TOPICS ? 0 : topic_numbers[which]),
                     found ? TG_E_OK : TG_E_NOT_FOUND);
}

static void act(struct model *model)
{
    const uint64_t what = draw(model, 100);

    model->steps++;
    if (what < 60)
        publish_at_random(model);
    else if (what < 82)
        subscribe_at_random(model);
    else if (what < 97)
        unsubscribe_at_random(model);
    else if (!model->is_pumping)
        world_advance(&model->world, (int64_t)draw(model, 3));
    else
        assert_int_equal(bus_pump(model->world.bus, 0), 0);
    if (model->steps % CHECK_EVERY == 0)
        check_figures(model);
}

/* Both kinds of callback: is it the one that is due? Then a few steps inside it. */
static struct slot *enter(const struct ticket *ticket, const struct tg_message *message,
                          bool is_filter)
{
    struct model *model = ticket->model;
    uint64_t number;

    assert_true(model->is_pumping && !model->in_callback);
    struct slot *slot = next_slot(model);
    assert_non_null(slot);
    assert_ptr_equal(slot->ticket, ticket);
    assert_int_equal(is_filter, slot->has_filter && !model->filter_passed);
    memcpy(&number, message->correlation_id.bytes, sizeof(number));
    assert_int_equal(number, model->current.number);
    assert_int_equal(message->topic, topic_numbers[model->current.topic]);
    assert_int_equal(bus_hops(model->world.bus), model->current.hops + 1);
    model->callbacks++;
    model->in_callback = true;
    return slot;
}

static void act_inside(struct model *model)
{
    for (uint64_t left = draw(model, 3); left > 0; left--)
        act(model);
    model->in_callback = false;
}

static int on_filter(void *context, const struct tg_message *message)
{
    struct ticket ticket = *(struct ticket *)context;
    struct model *model = ticket.model;

    (void)enter(context, message, true);
    act_inside(model);
    const int verdict = (int)draw(model, 10);
    if (verdict == 0) {
        model->stats[ticket.subscriber].failed++;
        model->position++;
        return TG_E_FAILED;
    }
    if (verdict < 4) {
        model->stats[ticket.subscriber].filtered++;
        model->position++;
        return 0;
    }
    model->filter_passed = true;
    return 1;
}

static int on_message(void *context, const struct tg_message *message)
{
    struct ticket ticket = *(struct ticket *)context;
    struct model *model = ticket.model;

    (void)enter(context, message, false);
    act_inside(model);
    model->filter_passed = false;
    model->position++;
    if (draw(model, 10) == 0) {
        model->stats[ticket.subscriber].failed++;
        return TG_E_FAILED;
    }
    model->stats[ticket.subscriber].delivered++;
    return 0;
}

static void pump(struct model *model, size_t budget)
{
    model->is_pumping = true;
    model->budget = budget;
    model->taken = 0;
    const size_t done = bus_pump(model->world.bus, budget);
    assert_null(next_slot(model)); /* nothing that was due was left out */
    assert_int_equal(done, model->taken);
    for (size_t i = 0; i < TOPICS; i++)
        drop_gone(&model->lists[i]);
    model->is_pumping = false;
    check_figures(model);
}

static void run(uint64_t seed, bool conflates)
{
    static struct model model;

    print_message("seed %llu%s\n", (unsigned long long)seed, conflates ? ", conflating" : "");
    memset(&model, 0, sizeof(model));
    tg_random_seed(&model.random, seed);
    world_open_with(&model.world, (struct bus_options){.queue_messages_max = QUEUE_MAX});
    model.conflates = conflates;
    assert_int_equal(bus_set_conflation(model.world.bus, TG_TOPIC_MARKET_DATA, conflates, NULL),
                     TG_E_OK);
    while (model.steps < STEPS) {
        for (uint64_t left = draw(&model, 40); left > 0; left--)
            act(&model);
        pump(&model, (size_t)draw(&model, 30));
    }
    pump(&model, 0);
    assert_true(model.callbacks > STEPS / 10);
    for (uint32_t topic = 0; topic < TOPICS; topic++)
        for (size_t i = 0; i < model.lists[topic].count; i++)
            free(model.lists[topic].slots[i].ticket);
    world_close(&model.world);
}

static void test_plain(void **state)
{
    (void)state;
    run(20220131, false);
}

static void test_conflating(void **state)
{
    (void)state;
    run(20180401, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_conflating),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
