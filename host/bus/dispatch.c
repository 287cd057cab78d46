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

void bus__failure_note(const struct bus *bus, const struct bus_subscriber *subscriber,
                       const struct bus_frame *frame, const struct bus_failure *failure,
                       char reason[BUS_REASON_SIZE])
{
    char id[TG_UUID_TEXT_SIZE];

    (void)snprintf(reason, BUS_REASON_SIZE, "%s returned %d (%s)", failure->what, failure->code,
                   tg_error_name(failure->code));
    tg_uuid_format(&frame->message.id, id);
    OBS_ERROR(bus->options.log, "bus", "message %s of %s, priority %s, to %s: %s", id,
              bus->topics[frame->message.topic]->name,
              SCHEMA_WORD(PRIORITY, frame->message.priority), subscriber->name, reason);
}

static __attribute__((cold, noinline)) void record_failure(struct bus *bus, struct bus_topic *topic,
                                                           struct bus_subscriber *subscriber,
                                                           const struct bus_frame *frame,
                                                           const struct bus_failure *failure)
{
    char reason[BUS_REASON_SIZE];

    bus__failure_note(bus, subscriber, frame, failure, reason);
    subscriber->stats.failed++;
    topic->stats.failed++;
    topic->stats.dead_lettered++;
    bus__letter_add(bus, subscriber, frame, reason);
}

/*
 * By number, and read anew after the filter: filters and handlers that subscribe may move the
 * array, and one that unsubscribes may free its context.
 */
static inline enum bus_outcome hand_over(const struct bus_topic *topic, uint32_t number,
                                         const struct bus_frame *frame, struct bus_failure *failure)
{
    const struct bus_subscription *subscription = &topic->subscriptions[number];

    if (subscription->removed)
        return BUS_OUTCOME_GONE;
    if (subscription->filter != NULL) {
        const int verdict = subscription->filter(subscription->context, &frame->message);
        if (verdict < 0) {
            *failure = (struct bus_failure){"filter", verdict};
            return BUS_OUTCOME_FAILED;
        }
        if (verdict == 0)
            return BUS_OUTCOME_FILTERED;
        subscription = &topic->subscriptions[number];
        if (subscription->removed)
            return BUS_OUTCOME_GONE;
    }
    const int code = subscription->handler(subscription->context, &frame->message);
    if (code != 0) {
        *failure = (struct bus_failure){"handler", code};
        return BUS_OUTCOME_FAILED;
    }
    return BUS_OUTCOME_DELIVERED;
}

enum bus_outcome bus__hand_over(const struct bus_topic *topic, uint32_t number,
                                const struct bus_frame *frame, struct bus_failure *failure)
{
    return hand_over(topic, number, frame, failure);
}

static inline void deliver(struct bus *bus, struct bus_topic *topic, uint32_t number,
                           const struct bus_frame *frame)
{
    struct bus_subscriber *subscriber = topic->subscriptions[number].subscriber;
    struct bus_failure failure;

    switch (hand_over(topic, number, frame, &failure)) {
    case BUS_OUTCOME_DELIVERED:
        subscriber->stats.delivered++;
        topic->stats.delivered++;
        break;
    case BUS_OUTCOME_FILTERED:
        subscriber->stats.filtered++;
        topic->stats.filtered++;
        break;
    case BUS_OUTCOME_FAILED:
        record_failure(bus, topic, subscriber, frame, &failure);
        break;
    case BUS_OUTCOME_GONE:
        break;
    }
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
    bus->hops = (uint8_t)(frame->hops + 1);
    if (topic->latency != NULL) {
        const int64_t waited = now - frame->message.timestamp;
        obs_histogram_add(topic->latency, waited > 0 ? (uint64_t)waited : 0);
    }
    const uint32_t count = topic->subscription_count;
    if (bus->asked != 0 && !tg_uuid_is_none(&frame->message.correlation_id))
        bus__requests_answer(bus, frame);
    for (uint32_t i = 0; i < count; i++)
        deliver(bus, topic, i, frame);
}
