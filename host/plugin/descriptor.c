/*
 * A descriptor judged: what a plugin declares, before any of its functions is called. Every refusal
 * is a sentence that begins with the file's path.
 */
#include "plugin_int.h"

#include "base/text.h"
#include "bus/schema.h"

#include <stdio.h>
#include <string.h>

#define KEYS_MAX   256u
#define TOPICS_MAX 64u

static int judge_version(const char *path, const struct tg_plugin *plugin, struct tg_error *error)
{
    if (plugin->magic != TG_ABI_MAGIC)
        return TG_FAIL(error, INVALID, "%s: its descriptor does not begin with TG_ABI_MAGIC", path);
    if (plugin->major != TG_ABI_MAJOR)
        return TG_FAIL(error, UNSUPPORTED,
                       "%s: is made for plugin interface %u.%u; this program has %d.%d", path,
                       plugin->major, plugin->minor, TG_ABI_MAJOR, TG_ABI_MINOR);
    if (plugin->minor > TG_ABI_MINOR)
        return TG_FAIL(error, UNSUPPORTED,
                       "%s: needs plugin interface %u.%u; this program has %d.%d", path,
                       plugin->major, plugin->minor, TG_ABI_MAJOR, TG_ABI_MINOR);
    if (plugin->size < sizeof(struct tg_plugin))
        return TG_FAIL(error, INVALID, "%s: its descriptor has %u bytes, at least %zu are needed",
                       path, plugin->size, sizeof(struct tg_plugin));
    if (plugin->fingerprint != TG_ABI_FINGERPRINT)
        return TG_FAIL(error, UNSUPPORTED,
                       "%s: was compiled with another triplegain.h; compile it again with this "
                       "program's",
                       path);
    return 0;
}

bool plugin__is_own_topic(const struct tg_plugin *plugin, const char *topic)
{
    size_t length = strlen(plugin->name);
    return strncmp(topic, "x.", 2) == 0 && strncmp(topic + 2, plugin->name, length) == 0 &&
           topic[2 + length] == '.' && tg_text_is_name(topic + 3 + length);
}

const char *plugin__kind_text(uint32_t kind)
{
    static const char *const kinds[] = {"?", "agent", "feed", "venue", "service"};
    return kinds[kind <= TG_KIND_SERVICE ? kind : 0];
}

/* x.<name>.<name>, whatever the plugin. */
static bool is_foreign_topic(const char *topic)
{
    char plugin[TG_SOURCE_SIZE];
    const char *dot = strncmp(topic, "x.", 2) == 0 ? strchr(topic + 2, '.') : NULL;
    return dot != NULL &&
           tg_text_copy_slice(plugin, sizeof(plugin), topic + 2, (size_t)(dot - topic) - 2) &&
           tg_text_is_name(plugin) && tg_text_is_name(dot + 1);
}

/*
 * Bars come from feeds only, fills from venues only, commands from nobody: a plugin cannot say what
 * another part of the house is believed for.
 */
static bool may_publish(uint32_t kind, size_t topic)
{
#define TOPIC_BIT(NAME) (UINT32_C(1) << TG_TOPIC_##NAME)
    static const uint32_t topics[] = {
        [TG_KIND_AGENT] = TOPIC_BIT(TA_SIGNALS) | TOPIC_BIT(REGIME_UPDATES) |
                          TOPIC_BIT(SENTIMENT_UPDATES) | TOPIC_BIT(TRADING_SIGNALS) |
                          TOPIC_BIT(PORTFOLIO_UPDATES) | TOPIC_BIT(SYSTEM_EVENTS),
        [TG_KIND_FEED] = TOPIC_BIT(MARKET_DATA) | TOPIC_BIT(SYSTEM_EVENTS),
        [TG_KIND_VENUE] = TOPIC_BIT(EXECUTION_EVENTS) | TOPIC_BIT(SYSTEM_EVENTS),
        [TG_KIND_SERVICE] =
            TOPIC_BIT(SENTIMENT_UPDATES) | TOPIC_BIT(RISK_ALERTS) | TOPIC_BIT(SYSTEM_EVENTS)};
#undef TOPIC_BIT
    return (topics[kind] >> topic & 1u) != 0;
}

static int judge_topics(const char *path, const struct tg_plugin *plugin, bool publishes,
                        struct tg_error *error)
{
    const char *const *topics = publishes ? plugin->publishes : plugin->reads;
    const char *what = publishes ? "publishes" : "reads";
    const char *known[TG_TOPIC_COUNT];
    size_t count = 0;
    for (uint16_t i = 1; i < TG_TOPIC_COUNT; i++)
        known[count++] = schema_of(i)->topic;
    for (size_t i = 0; topics != NULL && topics[i] != NULL; i++) {
        bool found = plugin__is_own_topic(plugin, topics[i]);
        for (size_t k = 0; k < count && !found; k++) {
            found = tg_text_equal(known[k], topics[i]);
            if (found && publishes && !may_publish(plugin->kind, k + 1))
                return TG_FAIL(error, REFUSED,
                               "%s: publishes %s, which is not for a plugin of "
                               "kind %s",
                               path, topics[i], plugin__kind_text(plugin->kind));
        }
        if (!found && !publishes && is_foreign_topic(topics[i]))
            found = true; /* another plugin's own topic; it may come later */
        if (!found) {
            const char *near = tg_text_nearest(topics[i], known, count);
            return TG_FAIL(error, NOT_FOUND,
                           "%s: %s %.64s, which is no topic%s%s%s; own topics are x.%s.<name>",
                           path, what, topics[i], near != NULL ? " (is it " : "",
                           near != NULL ? near : "", near != NULL ? "?)" : "", plugin->name);
        }
        if (i == TOPICS_MAX)
            return TG_FAIL(error, RANGE, "%s: %s more than %u topics", path, what, TOPICS_MAX);
    }
    return 0;
}

static bool has_range(const struct tg_config_key *key)
{
    return key->type == TG_CONFIG_WHOLE || key->type == TG_CONFIG_REAL ||
           key->type == TG_CONFIG_DECIMAL;
}

static int judge_keys(const char *path, const struct tg_plugin *plugin, struct tg_error *error)
{
    if (plugin->config_key_count > KEYS_MAX ||
        (plugin->config_key_count > 0 && plugin->config_keys == NULL))
        return TG_FAIL(error, RANGE, "%s: its list of configuration keys is wrong", path);
    for (uint32_t i = 0; i < plugin->config_key_count; i++) {
        const struct tg_config_key *key = &plugin->config_keys[i];
        struct tg_config_value value;
        struct tg_error reason = {0};
        if (key->name == NULL || !tg_text_is_name(key->name) || key->type < TG_CONFIG_TEXT ||
            key->type > TG_CONFIG_CHOICE || (key->type == TG_CONFIG_CHOICE && key->choices == NULL))
            return TG_FAIL(error, INVALID, "%s: configuration key %u has no right name or type",
                           path, i + 1);
        for (uint32_t k = 0; k < i; k++)
            if (tg_text_equal(plugin->config_keys[k].name, key->name))
                return TG_FAIL(error, EXISTS, "%s: declares the configuration key %s twice", path,
                               key->name);
        if (has_range(key) && !(key->minimum <= key->maximum))
            return TG_FAIL(error, RANGE, "%s: configuration key %s has no range", path, key->name);
        if ((key->default_text == NULL) != (key->required != 0))
            return TG_FAIL(error, INVALID, "%s: configuration key %s %s", path, key->name,
                           key->required ? "is required and has a default"
                                         : "is not required and has no default");
        if (key->default_text != NULL &&
            plugin__read_value(key, key->default_text, &value, &reason) != 0)
            return TG_FAIL(error, RANGE, "%s: the default of configuration key %.200s", path,
                           reason.message);
    }
    return 0;
}

static int judge_functions(const char *path, const struct tg_plugin *plugin, struct tg_error *error)
{
    const char *missing = NULL;
    if (plugin->create == NULL)
        missing = "create";
    else if (plugin->destroy == NULL)
        missing = "destroy";
    else if (plugin->kind == TG_KIND_AGENT && plugin->run == NULL)
        missing = "run";
    else if (plugin->kind == TG_KIND_FEED &&
             (plugin->feed == NULL || plugin->feed->size < sizeof(struct tg_feed_functions) ||
              plugin->feed->describe == NULL || plugin->feed->read == NULL))
        missing = "feed.describe and feed.read";
    else if (plugin->kind == TG_KIND_VENUE &&
             (plugin->venue == NULL || plugin->venue->size < sizeof(struct tg_venue_functions) ||
              plugin->venue->submit == NULL || plugin->venue->cancel == NULL ||
              plugin->venue->amend == NULL))
        missing = "venue.submit, venue.cancel and venue.amend";
    if (missing != NULL)
        return TG_FAIL(error, INVALID, "%s: has no function %s", path, missing);
    return 0;
}

int plugin__judge_descriptor(const char *path, const struct tg_plugin *plugin,
                             struct tg_error *error)
{
    int code = judge_version(path, plugin, error);
    if (code != 0)
        return code;
    if (plugin->name == NULL || !tg_text_is_name(plugin->name))
        return TG_FAIL(error, INVALID, "%s: its name is not 1 to 63 of a-z 0-9 _", path);
    if (plugin->version == NULL || plugin->version[0] == '\0' || strlen(plugin->version) > 63)
        return TG_FAIL(error, INVALID, "%s: its version is missing or too long", path);
    if (plugin->kind < TG_KIND_AGENT || plugin->kind > TG_KIND_SERVICE)
        return TG_FAIL(error, INVALID, "%s: its kind is %u; known are 1 (agent) to 4 (service)",
                       path, plugin->kind);
    if ((plugin->capabilities & ~(TG_CAPABILITY_CORE_SAFE | TG_CAPABILITY_PORTFOLIO)) != 0)
        return TG_FAIL(error, UNSUPPORTED, "%s: asks for capabilities that this program lacks",
                       path);
    code = judge_functions(path, plugin, error);
    if (code == 0)
        code = judge_topics(path, plugin, true, error);
    if (code == 0)
        code = judge_topics(path, plugin, false, error);
    if (code == 0)
        code = judge_keys(path, plugin, error);
    return code;
}
