/*
 * One message to its subscribers: kept in the history, then filtered, handed over, counted. What a
 * handler or a filter fails on is logged and becomes a dead letter of that subscriber; the others
 * do not notice. A message past its time is counted and neither kept nor handed over.
 *
 * Handlers get the frame where it lies (in a ring, or a chunk of a queue), as a constant. They may
 * call anything of the bus; what they publish waits. Core thread only.
 */
#include "base/uuid.h"
#include "bus_int.h"

#include <stdio.h>

static __attribute__((cold, noinline)) void record_failure(struct bus *bus, struct bus_topic *topic,
                                                           struct bus_subscriber *subscriber,
                                                           const struct bus_frame *frame,
                                                           const char *what, int code)
{
    char reason[sizeof(((struct bus_letter *)0)->reason)];
    char id[TG_UUID_TEXT_SIZE];

    (void)snprintf(reason, sizeof(reason), "%s returned %d (%s)", what, code, tg_error_name(code));
    tg_uuid_format(&frame->message.id, id);
    OBS_ERROR(bus->options.log, "bus", "message %s of %s, priority %s, to %s: %s", id, topic->name,
              SCHEMA_WORD(PRIORITY, frame->message.priority), subscriber->name, reason);
    subscriber->stats.failed++;
    topic->stats.failed++;
    topic->stats.dead_lettered++;
    bus__letter_add(bus, subscriber, frame, reason);
}

/* By number: a handler that subscribes may move the array. True: delivered. */
static inline bool deliver(struct bus *bus, struct bus_topic *topic, uint32_t number,
                           const struct bus_frame *frame)
{
    const struct bus_subscription *subscription = &topic->subscriptions[number];
    struct bus_subscriber *subscriber = subscription->subscriber;
    const bus_handler handler = subscription->handler;
    void *context = subscription->context;

    if (subscription->removed)
        return false;
    if (subscription->filter != NULL) {
        const int verdict = subscription->filter(context, &frame->message);
        if (verdict < 0) {
            record_failure(bus, topic, subscriber, frame, "filter", verdict);
            return false;
        }
        if (verdict == 0) {
            subscriber->stats.filtered++;
            topic->stats.filtered++;
            return false;
        }
    }
    const int code = handler(context, &frame->message);
    if (code != 0) {
        record_failure(bus, topic, subscriber, frame, "handler", code);
        return false;
    }
    subscriber->stats.delivered++;
    return true;
}

static void count_expired(struct bus_topic *topic)
{
    topic->stats.expired++;
    for (uint32_t i = 0; i < topic->subscription_count; i++) {
        if (!topic->subscriptions[i].removed)
            topic->subscriptions[i].subscriber->stats.expired++;
    }
}

void bus__dispatch(struct bus *bus, struct bus_frame *frame, int64_t now)
{
    struct bus_topic *topic = bus->topics[frame->message.topic];

    if (bus__frame_expiry(frame) <= now) {
        count_expired(topic);
        return;
    }
    bus__history_add(bus, topic, frame);
    if (topic->latency != NULL) {
        const int64_t waited = now - frame->message.timestamp;
        obs_histogram_add(topic->latency, waited > 0 ? (uint64_t)waited : 0);
    }
    const uint32_t count = topic->subscription_count;
    uint64_t delivered = 0;
    for (uint32_t i = 0; i < count; i++)
        delivered += deliver(bus, topic, i, frame);
    topic->stats.delivered += delivered;
}
