/*
 * Instances: created, started, asked what they did, stopped.
 *
 * Life: settings checked -> create -> start -> subscribed -> calls ... -> unsubscribed -> drain ->
 * stop -> destroy. Whatever fails on the way up is taken back in reverse, and what it published is
 * dropped. All of these are called on the core thread, while no other call goes on. An instance
 * whose call hangs when the host goes is left behind with its thread: to free it would pull the
 * ground from under running code.
 */
#include "plugin_int.h"

#include "base/text.h"
#include "bus/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plugin_host_create(const struct plugin_host_options *options, struct plugin_host **result,
                       struct tg_error *error)
{
    if (options->lanes > PLUGIN_LANES_MAX)
        return TG_FAIL(error, RANGE, "lanes: %u is out of range (0 to %u)", options->lanes,
                       PLUGIN_LANES_MAX);
    if (options->core_safe_count > PLUGIN_CORE_SAFE_MAX)
        return TG_FAIL(error, RANGE, "core_safe: more than %u names", PLUGIN_CORE_SAFE_MAX);
    struct plugin_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return TG_FAIL(error, NO_MEMORY, "out of memory for plugins");
    host->options = *options;
    host->direct = calloc(1, sizeof(*host->direct));
    if (host->direct == NULL) {
        free(host);
        return TG_FAIL(error, NO_MEMORY, "out of memory for plugins");
    }
    for (size_t i = 0; i < options->core_safe_count; i++)
        if (tg_text_copy(host->core_safe[host->core_safe_count], TG_SOURCE_SIZE,
                         options->core_safe[i]))
            host->core_safe_count++;
    host->options.core_safe = NULL;
    *result = host;
    return 0;
}

static bool is_granted_core(const struct plugin_host *host, const struct tg_plugin *plugin)
{
    if ((plugin->capabilities & TG_CAPABILITY_CORE_SAFE) == 0)
        return false;
    for (size_t i = 0; i < host->core_safe_count; i++)
        if (tg_text_equal(host->core_safe[i], plugin->name))
            return true;
    return false;
}

/* Whether it gets a thread. A feed's and a venue's functions are called on the core in any case. */
static int choose_lane(const struct plugin_host *host, const struct plugin_instance *instance,
                       enum plugin_lane wanted, bool *on_thread, struct tg_error *error)
{
    const struct tg_plugin *plugin = instance->descriptor;
    bool core = is_granted_core(host, plugin);
    if (plugin->kind == TG_KIND_FEED || plugin->kind == TG_KIND_VENUE)
        wanted = PLUGIN_LANE_CORE;
    if (wanted == PLUGIN_LANE_CORE && !core)
        return TG_FAIL(error, REFUSED, "%s: plugin %s must run on the core thread, but %s",
                       instance->name, plugin->name,
                       (plugin->capabilities & TG_CAPABILITY_CORE_SAFE) == 0
                           ? "does not declare that it is core_safe"
                           : "is not named under plugins.core_safe");
    *on_thread = wanted == PLUGIN_LANE_THREAD ||
                 (wanted == PLUGIN_LANE_AUTO && (!core || host->options.lanes > 0));
    return 0;
}

static int learn_topics(struct plugin_instance *instance, struct tg_error *error)
{
    const struct tg_plugin *plugin = instance->descriptor;
    struct bus *bus = instance->host->options.bus;
    for (size_t i = 0; plugin->publishes != NULL && plugin->publishes[i] != NULL; i++) {
        const char *name = plugin->publishes[i];
        uint16_t topic = bus_topic_find(bus, name);
        if (plugin__is_own_topic(plugin, name)) {
            if (instance->own_topic_count == PLUGIN_OWN_TOPICS_MAX)
                return TG_FAIL(error, FULL, "%s: plugin %s has more than %u own topics",
                               instance->name, plugin->name, PLUGIN_OWN_TOPICS_MAX);
            topic = bus_topic_own(bus, name, error);
            if (topic == 0)
                return error != NULL ? TG_PASS(error, error->code) : TG_E_FULL;
            instance->own_topics[instance->own_topic_count].name = name;
            instance->own_topics[instance->own_topic_count++].topic = topic;
        }
        /* a feed's bars are read and judged; the host publishes those that can be used */
        if (topic <= BUS_TOPICS_MAX && topic != TG_TOPIC_MARKET_DATA)
            instance->publishes[topic] = true;
    }
    return 0;
}

static int words_of_failure(const struct plugin_instance *instance, const char *act,
                            const struct plugin_call *call, int32_t code, struct tg_error *error)
{
    const char *words =
        call->failure.message[0] != '\0' ? call->failure.message : tg_error_sentence(code);
    return TG_FAIL(error, FAILED, "%s: plugin %s: %s: %.240s", instance->name,
                   instance->descriptor->name, act, words);
}

static int create_self(struct plugin_instance *instance,
                       const struct plugin_instance_options *options, struct tg_error *error)
{
    struct tg_config_value *values = NULL;
    int code = plugin__read_settings(instance->descriptor, instance->name, options->settings,
                                     options->setting_count, &values, error);
    if (code != 0)
        return code;
    struct tg_config config = {.size = sizeof(config),
                               .count = instance->descriptor->config_key_count,
                               .values = values,
                               .folder = options->folder != NULL ? options->folder : "."};
    struct plugin_call *call = plugin__direct_begin(instance);
    int32_t result =
        instance->descriptor->create(&instance->services, &config, &instance->self, &call->failure);
    plugin__direct_leave(instance);
    if (result != 0)
        code = words_of_failure(instance, "create", call, result, error);
    plugin__direct_end(instance, code == 0);
    instance->created = code == 0;
    free(values);
    return code;
}

static int start_self(struct plugin_instance *instance, struct tg_error *error)
{
    int code = 0;
    if (instance->descriptor->start != NULL) {
        struct plugin_call *call = plugin__direct_begin(instance);
        int32_t result = instance->descriptor->start(instance->self, &call->failure);
        plugin__direct_leave(instance);
        if (result != 0)
            code = words_of_failure(instance, "start", call, result, error);
        plugin__direct_end(instance, code == 0);
    }
    instance->started = code == 0;
    return code;
}

static int subscribe(struct plugin_instance *instance, struct tg_error *error)
{
    const struct tg_plugin *plugin = instance->descriptor;
    struct bus *bus = instance->host->options.bus;
    int code = 0;
    if (plugin->on_message == NULL)
        return 0;
    for (size_t i = 0; code == 0 && plugin->reads != NULL && plugin->reads[i] != NULL; i++) {
        uint16_t topic = bus_topic_find(bus, plugin->reads[i]);
        if (topic == 0)
            topic = bus_topic_own(bus, plugin->reads[i], error);
        code = topic == 0 ? TG_E_NOT_FOUND
                          : bus_subscribe(bus, instance->name, topic, plugin__on_message, NULL,
                                          instance, error);
        instance->subscribed = instance->subscribed || code == 0;
    }
    return code;
}

void plugin__instance_free(struct plugin_instance *instance)
{
    if (instance->created)
        instance->descriptor->destroy(instance->self);
    free(instance);
}

static void take_down(struct plugin_instance *instance)
{
    const struct tg_plugin *plugin = instance->descriptor;
    if (instance->subscribed)
        (void)bus_unsubscribe(instance->host->options.bus, instance->name, 0);
    if (instance->lane != NULL && plugin__lane_orphan(instance->host, instance))
        return;
    if (instance->started) {
        (void)plugin__direct_begin(instance);
        if (plugin->drain != NULL)
            plugin->drain(instance->self);
        if (plugin->stop != NULL)
            plugin->stop(instance->self);
        plugin__direct_leave(instance);
        plugin__direct_end(instance, true);
    }
    plugin__instance_free(instance);
}

static int prepare(struct plugin_host *host, const struct plugin_instance_options *options,
                   const struct tg_plugin *plugin, struct plugin_instance *instance,
                   struct tg_error *error)
{
    uint64_t mix = host->options.seed;
    instance->host = host;
    instance->descriptor = plugin;
    (void)tg_text_copy(instance->name, sizeof(instance->name), options->name);
    if (options->symbol != NULL &&
        !tg_text_copy(instance->symbol, sizeof(instance->symbol), options->symbol))
        return TG_FAIL(error, INVALID, "%s: the symbol is too long", options->name);
    for (const char *letter = options->name; *letter != '\0'; letter++)
        mix = (mix ^ (unsigned char)*letter) * UINT64_C(0x100000001b3);
    tg_random_seed(&instance->random, mix);
    plugin__fill_services(instance);
    instance->source = bus_source(host->options.bus, options->name, error);
    if (instance->source == 0)
        return error != NULL ? error->code : TG_E_INVALID;
    return learn_topics(instance, error);
}

/* What is known of a plugin that is not there: perhaps its file was refused. */
static int no_such_plugin(const struct plugin_host *host, const char *name, struct tg_error *error)
{
    const char *names[PLUGIN_FILES_MAX];
    size_t count = 0;
    const struct plugin_file *refused = plugin_find_refused(host, name);
    if (refused != NULL)
        return TG_FAIL(error, REFUSED, "plugin %s was refused: %s", name, refused->refusal);
    for (size_t i = 0; i < host->file_count; i++)
        if (host->files[i]->file.descriptor != NULL)
            names[count++] = host->files[i]->file.descriptor->name;
    const char *near = tg_text_nearest(name, names, count);
    return TG_FAIL(error, NOT_FOUND, "there is no plugin %s%s%s%s", name,
                   near != NULL ? " (is it " : " in any plugin folder", near != NULL ? near : "",
                   near != NULL ? "?)" : "");
}

static int check_options(struct plugin_host *host, const struct plugin_instance_options *options,
                         const struct tg_plugin **plugin, struct tg_error *error)
{
    const struct plugin_file *file = plugin_find(host, options->plugin);
    if (!tg_text_is_name(options->name))
        return TG_FAIL(error, INVALID, "%.64s: a name is 1 to 63 of a-z 0-9 _", options->name);
    if (plugin_instance_find(host, options->name) != NULL)
        return TG_FAIL(error, EXISTS, "%s: the name is taken", options->name);
    if (host->instance_count == PLUGIN_INSTANCES_MAX)
        return TG_FAIL(error, FULL, "more than %u plugin instances", PLUGIN_INSTANCES_MAX);
    if (file == NULL)
        return no_such_plugin(host, options->plugin, error);
    if (file->descriptor->kind != options->kind)
        return TG_FAIL(error, INVALID, "%s: plugin %s is of kind %s, not %s", options->name,
                       options->plugin, plugin__kind_text(file->descriptor->kind),
                       plugin__kind_text(options->kind));
    *plugin = file->descriptor;
    return 0;
}

int plugin_instance_create(struct plugin_host *host, const struct plugin_instance_options *options,
                           struct plugin_instance **result, struct tg_error *error)
{
    const struct tg_plugin *plugin = NULL;
    bool on_thread = false;
    int code = check_options(host, options, &plugin, error);
    if (code != 0)
        return code;
    struct plugin_instance *instance = calloc(1, sizeof(*instance));
    if (instance == NULL)
        return TG_FAIL(error, NO_MEMORY, "%s: out of memory", options->name);
    code = prepare(host, options, plugin, instance, error);
    if (code == 0)
        code = choose_lane(host, instance, options->lane, &on_thread, error);
    if (code == 0)
        code = create_self(instance, options, error);
    if (code == 0)
        code = start_self(instance, error);
    if (code == 0 && on_thread)
        code = plugin__lane_for(host, &instance->lane, error);
    if (code == 0)
        code = subscribe(instance, error);
    if (code != 0) {
        take_down(instance);
        return TG_PASS(error, code);
    }
    host->instances[host->instance_count++] = instance;
    *result = instance;
    return 0;
}

struct plugin_instance *plugin_instance_find(struct plugin_host *host, const char *name)
{
    for (size_t i = 0; i < host->instance_count; i++)
        if (tg_text_equal(host->instances[i]->name, name))
            return host->instances[i];
    return NULL;
}

size_t plugin_instance_count(const struct plugin_host *host)
{
    return host->instance_count;
}

struct plugin_instance *plugin_instance_at(struct plugin_host *host, size_t index)
{
    return index < host->instance_count ? host->instances[index] : NULL;
}

void plugin_instance_view(const struct plugin_instance *instance, struct plugin_instance_view *view)
{
    *view = (struct plugin_instance_view){
        .name = instance->name,
        .descriptor = instance->descriptor,
        .symbol = instance->symbol,
        .on_core = instance->lane == NULL,
        .hung = atomic_load_explicit(&instance->hung, memory_order_acquire),
        .calls = instance->calls,
        .failed = instance->failed,
        .timed_out = instance->timed_out,
        .published = instance->published,
        .refused = instance->refused +
                   atomic_load_explicit(&instance->calls_outside, memory_order_relaxed),
        .duration_total_ns = instance->duration_total_ns,
        .duration_max_ns = instance->duration_max_ns,
        .rows_refused = instance->rows_refused};
    (void)tg_text_copy(view->last_failure, sizeof(view->last_failure), instance->last_failure);
}

const struct tg_plugin *plugin_instance_descriptor(const struct plugin_instance *instance)
{
    return instance->descriptor;
}

bool plugin_instance_refused_rows(const struct plugin_instance *instance, size_t index,
                                  const char **reason, uint64_t *count, uint64_t *first_line)
{
    if (index >= instance->reason_count)
        return false;
    *reason = instance->reasons[index].text;
    *count = instance->reasons[index].count;
    *first_line = instance->reasons[index].first_line;
    return true;
}

static void free_calls(struct plugin_host *host)
{
    while (host->free_calls != NULL) {
        struct plugin_call *call = host->free_calls;
        host->free_calls = call->next;
        free(call->copy);
        free(call);
    }
    free(host->direct);
}

void plugin_host_destroy(struct plugin_host *host)
{
    struct plugin_result result;
    if (host == NULL)
        return;
    host->stop_at = tg_clock_monotonic(&host->options.real_clock) + PLUGIN_STOP_LIMIT_NS;
    while (plugin_collect(host, true, &result))
        ; /* what still goes on ends, or runs out of time */
    for (size_t i = host->instance_count; i > 0; i--)
        take_down(host->instances[i - 1]);
    plugin__lanes_stop(host);
    free_calls(host);
    for (size_t i = 0; i < host->file_count; i++)
        free(host->files[i]);
    free(host);
}
