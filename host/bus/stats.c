/*
 * Figures of the bus, summed when asked for. Asked on the core thread; what publishing threads
 * count is read from their counters, each of which has one writer.
 */
#include "bus_int.h"

#include <string.h>

void bus_get_stats(const struct bus *bus, struct bus_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    for (uint32_t i = 0; i < BUS_TOPICS_MAX; i++) {
        if (bus->topics[i] == NULL)
            continue;
        const struct bus_topic_stats *topic = &bus->topics[i]->stats;
        stats->published += topic->published;
        stats->delivered += topic->delivered;
        stats->filtered += topic->filtered;
        stats->failed += topic->failed;
        stats->expired += topic->expired;
        stats->conflated += topic->conflated;
        stats->dead_lettered += topic->dead_lettered;
    }
    stats->refused = bus->refused;
    stats->refused_full = bus->refused_full;
    stats->refused_hops = bus->refused_hops;
    stats->persisted = bus->persisted;
    stats->requests = bus->requested;
    stats->replied = bus->replied;
    stats->timed_out = bus->timed_out;
    stats->cancelled = bus->cancelled;
    stats->requests_waiting = bus->asked;
    stats->queue_messages = bus->queues.messages;
    stats->queue_bytes = bus->queues.bytes;
    for (uint32_t i = 0; i < bus->publisher_count; i++) {
        const struct bus_publisher *publisher = bus->publishers[i];
        const uint64_t accepted = atomic_load_explicit(&publisher->accepted, memory_order_relaxed);
        stats->refused += atomic_load_explicit(&publisher->refused, memory_order_relaxed);
        stats->refused_full += atomic_load_explicit(&publisher->refused_full, memory_order_relaxed);
        stats->refused_hops += atomic_load_explicit(&publisher->refused_hops, memory_order_relaxed);
        stats->queue_messages += accepted > publisher->taken ? accepted - publisher->taken : 0;
        for (uint32_t priority = TG_PRIORITY_LOW; priority < BUS_PRIORITIES; priority++)
            stats->queue_bytes += tg_ring_bytes(publisher->rings[priority]);
        stats->queue_bytes +=
            atomic_load_explicit(&publisher->block_bytes_sent, memory_order_relaxed) -
            atomic_load_explicit(&publisher->block_bytes_taken, memory_order_relaxed);
    }
    stats->queue_messages_high = bus->queues.messages_high;
    stats->queue_bytes_high = bus->queues.bytes_high;
}

bool bus_get_topic_stats(const struct bus *bus, uint16_t topic, struct bus_topic_stats *stats)
{
    const struct bus_topic *found = bus__topic(bus, topic);

    if (found == NULL)
        return false;
    *stats = found->stats;
    for (uint32_t i = 0; i < bus->publisher_count; i++)
        stats->refused +=
            atomic_load_explicit(&bus->publishers[i]->topic_refused[topic], memory_order_relaxed);
    return true;
}

bool bus_get_subscriber_stats(const struct bus *bus, const char *subscriber,
                              struct bus_subscriber_stats *stats)
{
    const struct bus_subscriber *found = bus__subscriber_find(bus, subscriber);

    if (found == NULL)
        return false;
    *stats = found->stats;
    stats->published =
        stats->delivered + stats->filtered + stats->failed + stats->expired + stats->conflated;
    return true;
}

const struct obs_histogram *bus_get_latency(const struct bus *bus, uint16_t topic)
{
    const struct bus_topic *found = bus__topic(bus, topic);

    return found == NULL ? NULL : found->latency;
}
