/*
 * Who wants what. A topic has an array of subscriptions in the order they were made; a subscriber
 * is a name with its figures and dead letters, and stays when its last subscription goes.
 *
 * A handler may subscribe and unsubscribe: while a message is being delivered a subscription is
 * only marked as removed, and taken out after it. A new one goes to the end, beyond where the
 * delivery under way stops. Core thread only; there is no lock.
 */
#include "base/text.h"
#include "bus_int.h"

#include <stdlib.h>
#include <string.h>

#define SUBSCRIPTIONS_FIRST 4u

struct bus_subscriber *bus__subscriber_find(const struct bus *bus, const char *name)
{
    for (uint32_t i = 0; i < bus->subscriber_count; i++)
        if (tg_text_equal(bus->subscribers[i]->name, name))
            return bus->subscribers[i];
    return NULL;
}

static struct bus_subscriber *find_or_make_subscriber(struct bus *bus, const char *name,
                                                      struct tg_error *error)
{
    struct bus_subscriber *subscriber = bus__subscriber_find(bus, name);

    if (subscriber != NULL)
        return subscriber;
    if (bus->subscriber_count == BUS_SUBSCRIBERS_MAX) {
        TG_FAIL(error, FULL, "subscriber %s: there are %u already", name, BUS_SUBSCRIBERS_MAX);
        return NULL;
    }
    subscriber = calloc(1, sizeof(*subscriber));
    if (subscriber == NULL) {
        TG_FAIL(error, NO_MEMORY, "no memory for subscriber %s", name);
        return NULL;
    }
    (void)tg_text_copy(subscriber->name, sizeof(subscriber->name), name);
    bus->subscribers[bus->subscriber_count++] = subscriber;
    return subscriber;
}

struct bus_subscription *bus__subscription_find(const struct bus_topic *topic,
                                                const struct bus_subscriber *subscriber)
{
    for (uint32_t i = 0; i < topic->subscription_count; i++)
        if (topic->subscriptions[i].subscriber == subscriber && !topic->subscriptions[i].removed)
            return &topic->subscriptions[i];
    return NULL;
}

static struct bus_subscription *add_subscription(struct bus_topic *topic)
{
    if (topic->subscription_count == topic->subscription_capacity) {
        const uint32_t capacity = topic->subscription_capacity == 0
                                      ? SUBSCRIPTIONS_FIRST
                                      : topic->subscription_capacity * 2;
        struct bus_subscription *grown =
            realloc(topic->subscriptions, capacity * sizeof(*topic->subscriptions));
        if (grown == NULL)
            return NULL;
        topic->subscriptions = grown;
        topic->subscription_capacity = capacity;
    }
    return &topic->subscriptions[topic->subscription_count++];
}

int bus_subscribe(struct bus *bus, const char *subscriber, uint16_t topic, bus_handler handler,
                  bus_filter filter, void *context, struct tg_error *error)
{
    struct bus_topic *found = bus__topic(bus, topic);

    if (subscriber == NULL || !tg_text_is_name(subscriber))
        return TG_FAIL(error, INVALID, "subscriber: \"%.80s\" is no name (1 to 63 of a-z 0-9 _)",
                       subscriber == NULL ? "" : subscriber);
    if (found == NULL)
        return TG_FAIL(error, NOT_FOUND, "topic: there is no topic %u", topic);
    if (handler == NULL)
        return TG_FAIL(error, INVALID, "subscriber %s: a handler is required", subscriber);
    struct bus_subscriber *owner = find_or_make_subscriber(bus, subscriber, error);
    if (owner == NULL)
        return TG_PASS(error,
                       bus->subscriber_count == BUS_SUBSCRIBERS_MAX ? TG_E_FULL : TG_E_NO_MEMORY);
    struct bus_subscription *subscription = bus__subscription_find(found, owner);
    if (subscription == NULL)
        subscription = add_subscription(found);
    if (subscription == NULL)
        return TG_FAIL(error, NO_MEMORY, "no memory for a subscription of %s", subscriber);
    *subscription = (struct bus_subscription){owner, handler, filter, context, false};
    return TG_E_OK;
}

static void compact_topic(struct bus_topic *topic)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < topic->subscription_count; i++)
        if (!topic->subscriptions[i].removed)
            topic->subscriptions[kept++] = topic->subscriptions[i];
    topic->subscription_count = kept;
}

void bus__subscriptions_compact(struct bus *bus)
{
    for (uint32_t i = 0; i < BUS_TOPICS_MAX; i++)
        if (bus->topics[i] != NULL)
            compact_topic(bus->topics[i]);
    bus->has_removed = false;
}

int bus_unsubscribe(struct bus *bus, const char *subscriber, uint16_t topic)
{
    const struct bus_subscriber *owner =
        subscriber == NULL ? NULL : bus__subscriber_find(bus, subscriber);
    bool found = false;

    if (owner == NULL)
        return TG_E_NOT_FOUND;
    for (uint16_t i = 0; i < BUS_TOPICS_MAX; i++) {
        if (bus->topics[i] == NULL || (topic != 0 && topic != i))
            continue;
        struct bus_subscription *subscription = bus__subscription_find(bus->topics[i], owner);
        if (subscription != NULL) {
            subscription->removed = true;
            found = true;
        }
    }
    if (!found)
        return TG_E_NOT_FOUND;
    bus->has_removed = true;
    if (!bus->is_pumping)
        bus__subscriptions_compact(bus);
    return TG_E_OK;
}
