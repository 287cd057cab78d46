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
    char sentence[256];
    plugin__direct_leave(instance);
    if (code != 0) {
        (void)snprintf(sentence, sizeof(sentence), "%s: %.230s", act,
                       call->failure.message[0] != '\0' ? call->failure.message
                                                        : tg_error_sentence(code));
        plugin__note_failure(instance, sentence);
        (void)tg_error_set(error, code, __FILE__, __LINE__, __func__, "%s: %s", instance->name,
                           sentence);
    }
    instance->calls++;
    plugin__direct_end(instance, true);
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
    if (code == 0 && *count > capacity) {
        code = TG_E_RANGE;
        (void)snprintf(call->failure.message, sizeof(call->failure.message),
                       "says that it wrote %u bars where there was room for %u", *count, capacity);
    }
    if (code != 0)
        *count = 0;
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
