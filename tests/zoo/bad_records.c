/*
 * Publishes one record that must be refused, as the task's name says, and fails with the sentence
 * that it gets.
 */
#include "zoo.h"

#include <math.h>

static struct tg_ta_signals good_reading(const struct tg_run *run)
{
    struct tg_ta_signals reading = {.trend_strength = 0.5, .confidence = 0.5};
    memcpy(reading.symbol, run->symbol, strlen(run->symbol) + 1);
    return reading;
}

static int32_t publish_event(const struct tg_host *host, struct tg_failure *failure)
{
    struct tg_system_events event = {.present = 0};
    memset(event.event, 'x', sizeof(event.event)); /* no end */
    return host->publish(host->context, TG_TOPIC_SYSTEM_EVENTS, TG_PRIORITY_LOW, &event,
                         sizeof(event), failure);
}

static int32_t run(void *instance, const struct tg_run *given, struct tg_failure *failure)
{
    const struct tg_host *host = ((const struct zoo *)instance)->host;
    struct tg_ta_signals reading = good_reading(given);
    _Alignas(16) unsigned char shifted[sizeof(reading) + 1];
    uint32_t topic = TG_TOPIC_TA_SIGNALS;
    uint32_t size = sizeof(reading);
    uint32_t priority = TG_PRIORITY_NORMAL;
    const void *record = &reading;
    if (strcmp(given->task, "long_text") == 0)
        return publish_event(host, failure);
    if (strcmp(given->task, "nan") == 0)
        reading.momentum_score = nan("");
    else if (strcmp(given->task, "infinite") == 0)
        reading.confidence = (double)INFINITY;
    else if (strcmp(given->task, "range") == 0)
        reading.confidence = 1.5;
    else if (strcmp(given->task, "not_declared") == 0)
        topic = TG_TOPIC_TRADING_SIGNALS;
    else if (strcmp(given->task, "no_topic") == 0)
        topic = 0;
    else if (strcmp(given->task, "far_topic") == 0)
        topic = 70000;
    else if (strcmp(given->task, "foreign") == 0)
        topic = TG_TOPIC_OWN_FIRST; /* the first own topic of any plugin */
    else if (strcmp(given->task, "short") == 0)
        size = 8;
    else if (strcmp(given->task, "huge") == 0)
        size = UINT32_MAX;
    else if (strcmp(given->task, "null") == 0)
        record = NULL;
    else if (strcmp(given->task, "priority") == 0)
        priority = 9;
    else if (strcmp(given->task, "own_not_json") == 0)
        return zoo_publish_json(instance, "x.bad_records.own", "{\"a\":", failure);
    else if (strcmp(given->task, "own_no_object") == 0)
        return zoo_publish_json(instance, "x.bad_records.own", "[1]", failure);
    else if (strcmp(given->task, "no_failure") == 0)
        return host->publish(host->context, 0, 0, NULL, 0, NULL);
    if (strcmp(given->task, "shifted") == 0) {
        memcpy(shifted + 1, &reading, sizeof(reading));
        record = shifted + 1;
    }
    return host->publish(host->context, topic, priority, record, size, failure);
}

static const char *const publishes[] = {"ta_signals", "system_events", "x.bad_records.own", NULL};

ZOO_PLUGIN("bad_records", .capabilities = TG_CAPABILITY_CORE_SAFE, .publishes = publishes,
           .create = zoo_create, .destroy = free, .run = run);
