/*
 * Conflation: a bar that waits in the core's queue gives its place to a newer one of its kind, that
 * is of the same symbol, timeframe and priority. The newer one is written over it where it lies, so
 * the queue does not grow, the others keep their order, and a symbol that is published all the time
 * still gets its turn.
 *
 *   kinds:  (BTC/USDT, 1m, NORMAL) --waiting--> frame in a chunk of the queue, or NULL
 *
 * A kind forgets its frame before the frame is handed over. The table owns its kinds only; they
 * stay until conflation is switched off. Past BUS_CONFLATED_MAX kinds, or without memory, bars of
 * new kinds are queued as all other messages are. Core thread only.
 */
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 64u

struct kind {
    uint64_t symbol[BUS_SYMBOL_WORDS];
    uint32_t hash; /* of the symbol; 0: the place is empty */
    uint8_t timeframe, priority;
    struct bus_frame *waiting;
};

struct bar_frame {
    struct bus_frame frame;
    struct tg_market_data bar;
};
_Static_assert(offsetof(struct bar_frame, bar) == sizeof(struct bus_frame),
               "the payload lies right behind the frame");

struct bus_conflation {
    struct kind *table; /* open addressing, a power of two, half full at most */
    uint32_t capacity, count;
    struct bar_frame draft; /* checked here before it replaces another */
};

int bus__conflation_create(struct bus_conflation **conflation, struct tg_error *error)
{
    struct bus_conflation *made = calloc(1, sizeof(*made));

    if (made != NULL)
        made->table = calloc(TABLE_FIRST, sizeof(*made->table));
    if (made == NULL || made->table == NULL) {
        free(made);
        return TG_FAIL(error, NO_MEMORY, "no memory for conflation");
    }
    made->capacity = TABLE_FIRST;
    *conflation = made;
    return TG_E_OK;
}

void bus__conflation_destroy(struct bus_conflation *conflation)
{
    if (conflation == NULL)
        return;
    free(conflation->table);
    free(conflation);
}

int bus_set_conflation(struct bus *bus, uint16_t topic, bool conflates, struct tg_error *error)
{
    const struct bus_topic *found = bus__topic(bus, topic);

    if (found == NULL)
        return TG_FAIL(error, NOT_FOUND, "topic: there is no topic %u", topic);
    if (topic != TG_TOPIC_MARKET_DATA)
        return conflates
                   ? TG_FAIL(error, REFUSED, "%s: only market_data may be conflated", found->name)
                   : TG_E_OK;
    if (conflates && bus->conflation == NULL) {
        const int code = bus__conflation_create(&bus->conflation, error);
        if (code != TG_E_OK)
            return TG_PASS(error, code);
    }
    if (!conflates) { /* what waits now is not replaced any more, later neither */
        bus__conflation_destroy(bus->conflation);
        bus->conflation = NULL;
    }
    bus->conflated = conflates ? topic : 0;
    return TG_E_OK;
}

/* ---- kinds -------------------------------------------------------------------------------- */

static struct kind kind_of(const struct bus_frame *frame)
{
    const struct tg_market_data *bar = frame->message.payload;
    struct kind kind = {.hash = frame->symbol_hash,
                        .timeframe = bar->timeframe,
                        .priority = frame->message.priority};

    memcpy(kind.symbol, bar->symbol, sizeof(kind.symbol)); /* zeros behind its end */
    return kind;
}

static bool is_same(const struct kind *a, const struct kind *b)
{
    return a->hash == b->hash && a->timeframe == b->timeframe && a->priority == b->priority &&
           memcmp(a->symbol, b->symbol, sizeof(a->symbol)) == 0;
}

/* Where it is, or where it would be. */
static struct kind *find_place(struct kind *table, uint32_t capacity, const struct kind *kind)
{
    const uint64_t mixed =
        (kind->hash ^ (uint64_t)kind->timeframe << 32 ^ (uint64_t)kind->priority << 40) *
        UINT64_C(0x9e3779b97f4a7c15);

    for (uint32_t i = (uint32_t)(mixed >> 32);; i++) {
        struct kind *place = &table[i & (capacity - 1)];
        if (place->hash == 0 || is_same(place, kind))
            return place;
    }
}

static bool grow(struct bus_conflation *conflation)
{
    const uint32_t capacity = conflation->capacity * 2;
    struct kind *table = calloc(capacity, sizeof(*table));

    if (table == NULL)
        return false;
    for (uint32_t i = 0; i < conflation->capacity; i++)
        if (conflation->table[i].hash != 0)
            *find_place(table, capacity, &conflation->table[i]) = conflation->table[i];
    free(conflation->table);
    conflation->table = table;
    conflation->capacity = capacity;
    return true;
}

/* NULL: there are too many. */
static struct kind *find_or_make(struct bus_conflation *conflation, const struct bus_frame *frame)
{
    const struct kind wanted = kind_of(frame);
    struct kind *place = find_place(conflation->table, conflation->capacity, &wanted);

    if (place->hash != 0)
        return place;
    if (conflation->count == BUS_CONFLATED_MAX)
        return NULL;
    if (conflation->count == conflation->capacity / 2) {
        if (!grow(conflation))
            return NULL;
        place = find_place(conflation->table, conflation->capacity, &wanted);
    }
    *place = wanted;
    conflation->count++;
    return place;
}

/* ---- frames ------------------------------------------------------------------------------- */

static void copy_bar(struct bus_frame *into, const struct bus_frame *frame)
{
    *into = *frame;
    memcpy(into + 1, frame->message.payload, sizeof(struct tg_market_data));
    into->message.payload = into + 1;
}

static void count_conflated(struct bus_topic *topic)
{
    topic->stats.conflated++;
    for (uint32_t i = 0; i < topic->subscription_count; i++)
        if (!topic->subscriptions[i].removed)
            topic->subscriptions[i].subscriber->stats.conflated++;
}

int bus__conflation_put(struct bus *bus, const struct bus_frame *frame, struct tg_error *error)
{
    const uint8_t priority = frame->message.priority;
    struct kind *kind = find_or_make(bus->conflation, frame);
    struct bus_frame *place;

    if (kind != NULL && kind->waiting != NULL) {
        copy_bar(kind->waiting, frame);
        count_conflated(bus->topics[frame->message.topic]);
        return TG_E_OK;
    }
    const int code =
        bus__queue_claim(&bus->queues, priority, bus__frame_size(frame), 0, &place, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);
    copy_bar(place, frame);
    bus__queue_commit(&bus->queues, priority, place);
    if (kind != NULL)
        kind->waiting = place;
    return TG_E_OK;
}

int bus__conflation_publish(struct bus *bus, const struct bus_draft *draft,
                            const struct bus_plan *plan, int64_t now, struct tg_uuid *id,
                            struct tg_error *error)
{
    struct bus_frame *frame = &bus->conflation->draft.frame;
    int code = bus__draft_fill(bus, draft, plan, now, &bus->ids, frame, error);

    if (code == TG_E_OK)
        code = bus__conflation_put(bus, frame, error);
    if (code != TG_E_OK)
        return TG_PASS(error, code);
    if (id != NULL)
        *id = frame->message.id;
    bus__take_up(bus, bus->topics[draft->topic], frame);
    return TG_E_OK;
}

void bus__conflation_release(struct bus *bus, const struct bus_frame *frame)
{
    const struct kind wanted = kind_of(frame);
    struct bus_conflation *conflation = bus->conflation;
    struct kind *place = find_place(conflation->table, conflation->capacity, &wanted);

    if (place->waiting == frame)
        place->waiting = NULL;
}
