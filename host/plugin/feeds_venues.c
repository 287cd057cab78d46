/*
 * Feeds and venues: functions of a plugin that the core thread calls directly, so both must be
 * core_safe. What a venue publishes within such a call goes on the bus as soon as it returns.
 */
#include "plugin_int.h"

#include <stdio.h>
#include <string.h>

static int finish(struct plugin_instance *instance, const char *act, int32_t code,
                  struct tg_error *error)
{
    struct plugin_call *call = instance->host->direct;
    const char *words =
        call->failure.message[0] != '\0' ? call->failure.message : tg_error_sentence(code);
    if (code != 0) {
        instance->failed++;
        (void)snprintf(instance->last_failure, sizeof(instance->last_failure), "%s: %.200s", act,
                       words);
        (void)tg_error_set(error, code, __FILE__, __LINE__, __func__, "%s: %s: %.240s",
                           instance->name, act, words);
    }
    instance->calls++;
    plugin__direct_end(instance);
    return code;
}

int plugin_feed_describe(struct plugin_instance *instance, struct tg_feed_info *info,
                         struct tg_error *error)
{
    struct plugin_call *call = plugin__direct_begin(instance);
    info->size = sizeof(*info);
    int32_t code = instance->descriptor->feed->describe(instance->self, info, &call->failure);
    return finish(instance, "describe", code, error);
}

int plugin_feed_read(struct plugin_instance *instance, struct tg_bar *bars, uint32_t capacity,
                     uint32_t *count, struct tg_error *error)
{
    struct plugin_call *call = plugin__direct_begin(instance);
    *count = 0;
    int32_t code =
        instance->descriptor->feed->read(instance->self, bars, capacity, count, &call->failure);
    if (code == 0 && *count > capacity)
        code = TG_E_RANGE;
    return finish(instance, "read", code, error);
}

static int submit(void *context, const struct tg_order *order, struct tg_error *error)
{
    struct plugin_instance *instance = context;
    struct plugin_call *call = plugin__direct_begin(instance);
    int32_t code = instance->descriptor->venue->submit(instance->self, order, &call->failure);
    return finish(instance, "submit", code, error);
}

static int cancel(void *context, const struct tg_uuid *id, struct tg_error *error)
{
    struct plugin_instance *instance = context;
    struct plugin_call *call = plugin__direct_begin(instance);
    int32_t code = instance->descriptor->venue->cancel(instance->self, id, &call->failure);
    return finish(instance, "cancel", code, error);
}

static int amend(void *context, const struct tg_uuid *id, struct tg_decimal size,
                 struct tg_decimal price, struct tg_error *error)
{
    struct plugin_instance *instance = context;
    struct plugin_call *call = plugin__direct_begin(instance);
    int32_t code =
        instance->descriptor->venue->amend(instance->self, id, size, price, &call->failure);
    return finish(instance, "amend", code, error);
}

struct trade_venue plugin_venue(struct plugin_instance *instance)
{
    return (struct trade_venue){submit, cancel, amend, instance};
}
