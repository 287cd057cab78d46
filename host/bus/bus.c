/*
 * The bus as a whole: made, taken apart, its names, and publishing on the core thread.
 *
 * The bus owns all it knows: topics with their histories, sources, subscribers, publishers, waiting
 * frames. Names of sources and own topics are registered once and stay; publishing threads read
 * them, so their counts are released after the names are written. Everything here belongs to the
 * core thread.
 */
#include "bus/bus.h"

#include "base/text.h"
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define HISTORY_MESSAGES 1000u
#define HISTORY_BYTES    (4u * 1024u * 1024u)
#define QUEUE_MESSAGES   (1024u * 1024u)
#define QUEUE_BYTES      (256u * 1024u * 1024u)

/* ---- made and taken apart ------------------------------------------------------------------- */

static void free_topic(struct bus_topic *topic)
{
    if (topic == NULL)
        return;
    bus__history_fini(&topic->history);
    bus__index_fini(&topic->index);
    free(topic->subscriptions);
    free(topic->latency);
    free(topic);
}

static int make_topic(struct bus *bus, uint16_t number, const char *name, struct tg_error *error)
{
    const struct schema *schema = schema_of(number);
    struct bus_topic *topic = calloc(1, sizeof(*topic));

    if (topic == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for topic %s", name);
    if (bus->options.measure_latency) {
        topic->latency = malloc(sizeof(*topic->latency));
        if (topic->latency == NULL) {
            free(topic);
            return TG_FAIL(error, NO_MEMORY, "no memory for topic %s", name);
        }
        obs_histogram_init(topic->latency);
    }
    (void)tg_text_copy(topic->name, sizeof(topic->name), name);
    topic->number = number;
    if (schema != NULL) {
        bus__form_init(&bus->forms[number], schema);
        topic->symbol_offset = bus->forms[number].symbol_offset;
    }
    topic->history.messages_max = bus->options.history_messages_max;
    topic->history.bytes_max = bus->options.history_bytes_max;
    bus->topics[number] = topic;
    return TG_E_OK;
}

static void settle_options(struct bus_options *options)
{
    if (options->history_messages_max == 0)
        options->history_messages_max = HISTORY_MESSAGES;
    if (options->history_bytes_max == 0)
        options->history_bytes_max = HISTORY_BYTES;
    if (options->queue_messages_max == 0)
        options->queue_messages_max = QUEUE_MESSAGES;
    if (options->queue_bytes_max == 0)
        options->queue_bytes_max = QUEUE_BYTES;
}

/* What is worth keeping unless told otherwise. */
static const uint16_t kept_topics[] = {TG_TOPIC_TRADING_SIGNALS, TG_TOPIC_RISK_ALERTS,
                                       TG_TOPIC_EXECUTION_EVENTS, TG_TOPIC_PORTFOLIO_UPDATES};

int bus_create(const struct bus_options *options, struct bus **bus, struct tg_error *error)
{
    int code = TG_E_OK;

    if (options->clock.utc_ns == NULL || options->clock.monotonic_ns == NULL)
        return TG_FAIL(error, INVALID, "a bus needs a clock");
    struct bus *made = aligned_alloc(BUS_CACHE_LINE, sizeof(*made));
    if (made == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for a bus");
    memset(made, 0, sizeof(*made));
    made->options = *options;
    settle_options(&made->options);
    made->queues.messages_max = made->options.queue_messages_max;
    made->queues.bytes_max = made->options.queue_bytes_max;
    tg_uuid7_init(&made->ids, options->seed);
    made->source_names = calloc(BUS_SOURCES_MAX, sizeof(*made->source_names));
    if (made->source_names == NULL)
        code = TG_FAIL(error, NO_MEMORY, "no memory for a bus");
    for (uint16_t topic = 1; topic < TG_TOPIC_COUNT && code == TG_E_OK; topic++)
        code = make_topic(made, topic, schema_of(topic)->topic, error);
    for (size_t i = 0; i < sizeof(kept_topics) / sizeof(kept_topics[0]) && code == TG_E_OK; i++)
        code = bus_set_persist(made, kept_topics[i], true, error);
    if (code != TG_E_OK) {
        bus_destroy(made);
        return TG_PASS(error, code);
    }
    *bus = made;
    return TG_E_OK;
}

void bus_destroy(struct bus *bus)
{
    if (bus == NULL)
        return;
    for (uint32_t i = 0; i < bus->publisher_count; i++)
        bus__publisher_free(bus->publishers[i]);
    bus__queue_fini(&bus->queues);
    for (uint32_t i = 0; i < BUS_TOPICS_MAX; i++)
        free_topic(bus->topics[i]);
    for (uint32_t i = 0; i < bus->subscriber_count; i++) {
        bus__letters_free(bus->subscribers[i]);
        free(bus->subscribers[i]);
    }
    bus__conflation_destroy(bus->conflation);
    bus__requests_destroy(bus->requests);
    free(bus->source_names);
    free(bus);
}

/* ---- names ---------------------------------------------------------------------------------- */

uint16_t bus_source(struct bus *bus, const char *name, struct tg_error *error)
{
    const uint32_t count = atomic_load_explicit(&bus->source_count, memory_order_relaxed);

    if (name == NULL || !tg_text_is_name(name)) {
        TG_FAIL(error, INVALID, "source: \"%.80s\" is no name (1 to 63 of a-z 0-9 _)",
                name == NULL ? "" : name);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++)
        if (tg_text_equal(bus->source_names[i], name))
            return (uint16_t)(i + 1);
    if (count == BUS_SOURCES_MAX) {
        TG_FAIL(error, FULL, "source %s: there are %u already", name, BUS_SOURCES_MAX);
        return 0;
    }
    (void)tg_text_copy(bus->source_names[count], TG_SOURCE_SIZE, name);
    atomic_store_explicit(&bus->source_count, count + 1, memory_order_release);
    return (uint16_t)(count + 1);
}

const char *bus_source_name(const struct bus *bus, uint16_t source)
{
    const uint32_t count = atomic_load_explicit(&bus->source_count, memory_order_acquire);

    return source == 0 || source > count ? NULL : bus->source_names[source - 1];
}

/* x.<plugin>.<name>, both names as sources are. */
static bool is_own_name(const char *name)
{
    char part[TG_SOURCE_SIZE];
    const char *dot;

    if (strncmp(name, "x.", 2) != 0)
        return false;
    dot = strchr(name + 2, '.');
    return dot != NULL &&
           tg_text_copy_slice(part, sizeof(part), name + 2, (size_t)(dot - (name + 2))) &&
           tg_text_is_name(part) && tg_text_is_name(dot + 1);
}

uint16_t bus_topic_own(struct bus *bus, const char *name, struct tg_error *error)
{
    const uint32_t count = atomic_load_explicit(&bus->own_topic_count, memory_order_relaxed);

    if (name == NULL || !is_own_name(name)) {
        TG_FAIL(error, INVALID,
                "topic: \"%.140s\" is no own topic (x.<plugin>.<name> of a-z 0-9 _)",
                name == NULL ? "" : name);
        return 0;
    }
    uint16_t topic = bus_topic_find(bus, name);
    if (topic != 0)
        return topic;
    if (count == BUS_OWN_MAX) {
        TG_FAIL(error, FULL, "topic %s: there are %u own topics already", name, BUS_OWN_MAX);
        return 0;
    }
    topic = (uint16_t)(TG_TOPIC_OWN_FIRST + count);
    if (make_topic(bus, topic, name, error) != TG_E_OK)
        return 0;
    atomic_store_explicit(&bus->own_topic_count, count + 1, memory_order_release);
    return topic;
}

uint16_t bus_topic_find(const struct bus *bus, const char *name)
{
    for (uint16_t i = 0; i < BUS_TOPICS_MAX; i++)
        if (bus->topics[i] != NULL && tg_text_equal(bus->topics[i]->name, name))
            return i;
    return 0;
}

const char *bus_topic_name(const struct bus *bus, uint16_t topic)
{
    const struct bus_topic *found = bus__topic(bus, topic);

    return found == NULL ? NULL : found->name;
}

int bus_set_persist(struct bus *bus, uint16_t topic, bool persists, struct tg_error *error)
{
    struct bus_topic *found = bus__topic(bus, topic);

    if (found == NULL)
        return TG_FAIL(error, NOT_FOUND, "topic: there is no topic %u", topic);
    found->persists = persists;
    return TG_E_OK;
}

/* ---- publishing on the core -------------------------------------------------------------------
 */

static __attribute__((cold, noinline)) int refuse(struct bus *bus, const struct bus_draft *draft,
                                                  const struct bus_plan *plan, int code,
                                                  struct tg_error *error)
{
    struct bus_topic *topic = bus__topic(bus, draft->topic);

    bus->refused++;
    if (code == TG_E_FULL)
        bus->refused_full++;
    if (plan->hops > BUS_HOPS_MAX)
        bus->refused_hops++;
    if (topic != NULL)
        topic->stats.refused++;
    return TG_PASS(error, code);
}

int bus_publish(struct bus *bus, const struct bus_draft *draft, struct tg_uuid *id,
                struct tg_error *error)
{
    struct bus_plan plan;
    struct bus_frame *frame;
    int code = bus__draft_plan(bus, draft, bus->hops, &plan, error);

    if (code != TG_E_OK)
        return refuse(bus, draft, &plan, code, error);
    const int64_t now = bus__now(bus);
    if (draft->topic == bus->conflated) {
        code = bus__conflation_publish(bus, draft, &plan, now, id, error);
        return code == TG_E_OK ? code : refuse(bus, draft, &plan, code, error);
    }
    code = bus__queue_claim(&bus->queues, plan.priority, plan.frame_size,
                            plan.owns_block ? draft->payload_size : 0, &frame, error);
    if (code != TG_E_OK)
        return refuse(bus, draft, &plan, code, error);
    code = bus__draft_fill(bus, draft, &plan, now, &bus->ids, frame, error);
    if (code != TG_E_OK)
        return refuse(bus, draft, &plan, code, error);
    bus__take_up(bus, bus->topics[draft->topic], frame);
    if (id != NULL)
        *id = frame->message.id;
    bus__queue_commit(&bus->queues, plan.priority, frame);
    return TG_E_OK;
}

void bus_burst_begin(struct bus *bus)
{
    if (bus->is_pumping) /* there the time stands still anyway */
        return;
    bus->now = tg_clock_utc(&bus->options.clock);
    bus->has_now = true;
}

void bus_burst_end(struct bus *bus)
{
    bus->has_now = bus->is_pumping;
}

uint8_t bus_hops(const struct bus *bus)
{
    return bus->hops;
}

uint64_t bus_sequence(const struct bus *bus)
{
    return bus->sequence;
}
