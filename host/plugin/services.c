/*
 * The services a plugin may call, and who may call them when.
 *
 * A service answers only while a call into that instance goes on, on the thread of that call: the
 * thread's own variable below names the call. From a thread of the plugin's own, or after stop, a
 * service refuses and counts. What is published is checked at once (the check is a pure function,
 * safe on any thread), copied into the call's output, and put on the bus by the core thread later.
 */
#include "plugin_int.h"

#include "base/text.h"
#include "bus/schema.h"

#include <stdio.h>
#include <string.h>

static _Thread_local struct plugin_call *current;

void plugin__enter(struct plugin_call *call)
{
    current = call;
}

void plugin__leave(void)
{
    current = NULL;
}

/* The call on whose behalf the plugin speaks; NULL: none, and it is counted. */
static struct plugin_call *call_of(void *context)
{
    struct plugin_instance *instance = context;
    struct plugin_call *call = current;
    if (call != NULL && call->instance == instance &&
        !atomic_load_explicit(&call->abandoned, memory_order_relaxed))
        return call;
    if (instance != NULL)
        atomic_fetch_add_explicit(&instance->calls_outside, 1, memory_order_relaxed);
    return NULL;
}

static int32_t refuse(struct tg_failure *failure, int code, const char *sentence)
{
    if (failure != NULL) {
        failure->code = code;
        (void)snprintf(failure->message, sizeof(failure->message), "%.240s", sentence);
    }
    return code;
}

/* What can be said before the record is looked at. */
static int check(const struct plugin_instance *instance, uint32_t topic, uint32_t priority,
                 const void *record, uint32_t size, struct tg_error *error)
{
    if (topic == 0 || topic > BUS_TOPICS_MAX || !instance->publishes[topic])
        return TG_FAIL(error, REFUSED, "topic %u is not among those that the descriptor publishes",
                       topic);
    if (priority > TG_PRIORITY_URGENT)
        return TG_FAIL(error, RANGE, "priority %u is out of range (0 to 4)", priority);
    if (record == NULL)
        return TG_FAIL(error, INVALID, "there is no record");
    if (size > PLUGIN_CALL_BYTES_MAX)
        return TG_FAIL(error, RANGE, "the record has %u bytes; a call may publish %u", size,
                       PLUGIN_CALL_BYTES_MAX);
    return 0;
}

/* Copies first and checks the copy: it is aligned, and the plugin cannot change it any more. */
static int keep(struct plugin_output *output, uint32_t topic, uint32_t priority, const void *record,
                uint32_t size, struct tg_error *error)
{
    uint32_t room = (size + 15u) & ~15u;
    if (output->count == PLUGIN_CALL_MESSAGES_MAX || room > PLUGIN_CALL_BYTES_MAX - output->bytes)
        return TG_FAIL(error, FULL, "publish: this call has published too much");
    uint8_t *copy = output->data + output->bytes;
    memcpy(copy, record, size);
    int code = topic >= TG_TOPIC_OWN_FIRST ? schema_check_own((const char *)copy, size, error)
                                           : schema_check((uint16_t)topic, copy, size, error);
    if (code != 0)
        return code;
    output->items[output->count].topic = (uint16_t)topic;
    output->items[output->count].priority = (uint8_t)priority;
    output->items[output->count].offset = output->bytes;
    output->items[output->count].size = size;
    output->count++;
    output->bytes += room;
    return 0;
}

static int32_t publish(void *context, uint32_t topic, uint32_t priority, const void *record,
                       uint32_t size, struct tg_failure *failure)
{
    struct plugin_call *call = call_of(context);
    struct tg_error error = {0};
    if (call == NULL)
        return refuse(failure, TG_E_STATE, "publish: no call into this instance goes on here");
    int code = check(call->instance, topic, priority, record, size, &error);
    if (code == 0)
        code = keep(&call->output, topic, priority, record, size, &error);
    if (code == 0)
        return 0;
    call->output.refused++;
    return refuse(failure, code, error.message);
}

static uint32_t topic_number(void *context, const char *name)
{
    const struct plugin_instance *instance = context;
    for (uint32_t i = 0; name != NULL && i < instance->own_topic_count; i++)
        if (tg_text_equal(instance->own_topics[i].name, name))
            return instance->own_topics[i].topic;
    return 0;
}

static int64_t now(void *context)
{
    const struct plugin_call *call = call_of(context);
    return call != NULL ? call->now : 0;
}

static uint64_t next_random(void *context)
{
    struct plugin_call *call = call_of(context);
    return call != NULL ? tg_random_next(&call->instance->random) : 0;
}

/* A call that hangs may write when the host and its log are gone: a lane asks for the log first. */
static void write_log(void *context, uint32_t level, const char *message)
{
    const struct plugin_call *call = call_of(context);
    if (call == NULL || message == NULL)
        return;
    const struct plugin_instance *instance = call->instance;
    struct plugin_lane_share *share = call->share;
    int known = level <= TG_LOG_ERROR ? (int)level : TG_LOG_ERROR;
    if (share != NULL)
        (void)pthread_mutex_lock(&share->log_mutex);
    obs_log_write(share != NULL ? share->log : instance->host->options.log, known, "plugin",
                  "%s: %.400s", instance->name, message);
    if (share != NULL)
        (void)pthread_mutex_unlock(&share->log_mutex);
}

/* The last slot is for all reasons that found none of their own. */
static struct plugin_reason *reason_slot(struct plugin_instance *instance, const char *reason)
{
    for (uint32_t i = 0; i < instance->reason_count; i++)
        if (strncmp(instance->reasons[i].text, reason, sizeof(instance->reasons[i].text) - 1) == 0)
            return &instance->reasons[i];
    if (instance->reason_count == PLUGIN_REASONS_MAX)
        return &instance->reasons[PLUGIN_REASONS_MAX - 1];
    struct plugin_reason *slot = &instance->reasons[instance->reason_count++];
    bool last = instance->reason_count == PLUGIN_REASONS_MAX;
    (void)snprintf(slot->text, sizeof(slot->text), "%s", last ? "other reasons" : reason);
    return slot;
}

static void row_refused(void *context, const char *reason, uint64_t line)
{
    struct plugin_call *call = call_of(context);
    if (call == NULL || reason == NULL || call->instance->descriptor->kind != TG_KIND_FEED)
        return;
    struct plugin_reason *slot = reason_slot(call->instance, reason);
    if (slot->count++ == 0)
        slot->first_line = line;
    call->instance->rows_refused++;
}

static const void *group(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL; /* no optional group exists in this version */
}

void plugin__fill_services(struct plugin_instance *instance)
{
    instance->services = (struct tg_host){.size = sizeof(struct tg_host),
                                          .minor = TG_ABI_MINOR,
                                          .context = instance,
                                          .instance_name = instance->name,
                                          .symbol = instance->symbol,
                                          .publish = publish,
                                          .topic_number = topic_number,
                                          .now = now,
                                          .random = next_random,
                                          .log = write_log,
                                          .row_refused = row_refused,
                                          .group = group};
}
